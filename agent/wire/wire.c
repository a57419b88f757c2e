// SPDX-License-Identifier: Apache-2.0
/* Connections of a client: which response answers which request, and what happens when bytes are
 * missing. */
#include "wire/wire.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "wire/body.h"
#include "wire/internal.h"
#include "wire/skills.h"

/* Requests that may wait for their answers on one connection. */
#define PENDING_MAX 64

static void client_forgotten(void *ctx, const struct tool_use *use)
{
	skills_forgotten(ctx, use);
}

int wire_client_new(const struct wire_limits *limits, wire_sink sink, void *ctx,
		    struct wire_client **ret)
{
	static const struct wire_limits defaults = {
		.body = 32u << 20,
		.ratio = 200,
		.head = 64u << 10,
		.other_body = 64u << 10,
		.seen_messages = 65536,
	};
	struct wire_client *client = calloc(1, sizeof(*client));
	int r;

	if (!client)
		return -ENOMEM;
	client->limits = limits ? *limits : defaults;
	client->sink = sink;
	client->ctx = ctx;
	client->tools.forgotten = client_forgotten;
	client->tools.ctx = client;
	if (!client->limits.ratio)
		client->limits.ratio = defaults.ratio;
	r = seen_new(client->limits.seen_messages, &client->seen);
	if (r < 0) {
		free(client);
		return r;
	}
	*ret = client;
	return 0;
}

void wire_client_free(struct wire_client *client)
{
	if (!client)
		return;
	tools_clear(&client->tools);
	seen_free(client->seen);
	buffer_free(&client->working_directory);
	buffer_free(&client->git_email);
	free(client);
}

void conn_emit(struct wire_conn *conn, struct exchange *ex, struct wire_event *event)
{
	event->time_ns = conn->now;
	event->exchange = ex ? &ex->head : NULL;
	event->call = ex && ex->call_read ? &ex->call : NULL;
	conn->client->sink(conn->client->ctx, event);
}

static void conn_tell_bytes(struct wire_conn *conn, struct exchange *ex, enum wire_kind kind,
			    const struct wire_undecodable *what)
{
	struct wire_event event = {.kind = kind, .undecodable = *what};

	conn_emit(conn, ex, &event);
}

void conn_undecodable(struct wire_conn *conn, struct exchange *ex, enum wire_direction direction,
		      uint64_t bytes, struct wire_text sample, const char *why)
{
	const struct wire_undecodable what = {
		.direction = direction,
		.bytes = bytes,
		.sample = sample,
		.why = why,
	};

	conn_tell_bytes(conn, ex, WIRE_UNDECODABLE, &what);
}

/* Tells the bytes that were passed over in a direction, as that kind of event. */
static void conn_flush_passed(struct wire_conn *conn, enum wire_direction direction,
			      enum wire_kind kind)
{
	struct passed *p = &conn->passed[direction];
	const struct wire_undecodable what = {
		.direction = direction,
		.bytes = p->bytes,
		.sample = TEXT_BUF(&p->sample),
		.why = p->why ? p->why : "bytes outside any message",
	};

	conn_tell_bytes(conn, NULL, kind, &what);
	p->bytes = 0;
	buffer_free(&p->sample);
}

/* Takes an exchange whose answer has ended out of the queue; it goes when its request has too. */
static void conn_answered(struct wire_conn *conn, struct exchange *ex)
{
	struct exchange **at = &conn->first, *before = NULL;

	while (*at != ex) {
		before = *at;
		at = &(*at)->next;
	}
	*at = ex->next;
	if (conn->last == ex)
		conn->last = before;
	ex->next = NULL;
	ex->response_done = true;
	if (ex->request_done)
		exchange_free(ex);
}

/* The response at hand ends: emits it. */
static int conn_end_response(struct wire_conn *conn, bool whole)
{
	struct wire_event event = {
		.kind = WIRE_RESPONSE,
		.response = {.status = conn->status, .complete = whole},
	};
	struct body *body = TAKE_PTR(conn->body[WIRE_RECEIVED]);
	struct exchange *ex = TAKE_PTR(conn->answering);
	int r = 0;

	conn->answer_open = false;
	if (body)
		r = body_finish(body, whole, &event.response);
	conn_emit(conn, ex, &event);
	body_free(body);
	if (ex)
		conn_answered(conn, ex);
	return r;
}

static int conn_end_request(struct wire_conn *conn, bool whole)
{
	struct body *body = TAKE_PTR(conn->body[WIRE_SENT]);
	struct exchange *ex = TAKE_PTR(conn->asking);
	int r = 0;

	if (body)
		r = body_finish(body, whole, NULL);
	body_free(body);
	if (ex) {
		ex->request_done = true;
		if (ex->response_done)
			exchange_free(ex);
	}
	return r;
}

/* Answers that will not come: each exchange that waits ends without one. */
static int conn_drop_pending(struct wire_conn *conn)
{
	int r = 0;

	if (conn->answer_open) {
		const struct body *body = conn->body[WIRE_RECEIVED];

		r = conn_end_response(conn,
				      body && http_is_until_close(&conn->http[WIRE_RECEIVED]) &&
					      body_ended(body));
	}
	while (conn->first && r == 0) {
		conn->answering = conn->first;
		conn->status = 0;
		r = conn_end_response(conn, false);
	}
	return r;
}

/* Whether a request may come while earlier ones wait for their answers. If not, the SSL object was
 * used again for another connection: a POST is never followed before its answer (RFC 9112, 9.3.2),
 * nor is the answer of a client that does not pipeline left half read. */
static bool conn_may_pipeline(const struct wire_conn *conn)
{
	size_t n = 0;

	for (const struct exchange *ex = conn->first; ex; ex = ex->next) {
		if (!ex->may_pipeline || ++n >= PENDING_MAX)
			return false;
	}
	return n > 1 || !conn->answer_open;
}

static int conn_sent_head(struct wire_conn *conn, struct http_head *head)
{
	struct wire_event event = {.kind = WIRE_EXCHANGE};
	struct exchange *ex;
	int r;

	if (conn->first && !conn_may_pipeline(conn)) {
		r = conn_drop_pending(conn);
		if (r < 0)
			return r;
		http_restart(&conn->http[WIRE_RECEIVED]);
		conn->passed[WIRE_RECEIVED].why =
			"a request came before the answer to the last one";
		conn_flush_passed(conn, WIRE_RECEIVED, WIRE_RESYNC);
	}
	r = exchange_new(conn->client, head, ++conn->next_id, &ex);
	if (r < 0)
		return r;
	if (conn->last)
		conn->last->next = ex;
	else
		conn->first = ex;
	conn->last = ex;
	conn->asking = ex;
	conn_emit(conn, ex, &event);
	if (ex->head.is_connect) {
		/* a client waits for the answer; if it is no, requests go on */
		head->framing = HTTP_NO_BODY;
		return 0;
	}
	if (head->framing == HTTP_NO_BODY && !ex->head.is_messages)
		return 0;
	return body_new(conn, ex, WIRE_SENT, head, &conn->body[WIRE_SENT]);
}

static int conn_received_head(struct wire_conn *conn, struct http_head *head)
{
	struct exchange *ex = conn->first;

	if (head->status < 200 && head->status != 101) {
		conn->answer_open = false;
		conn->answering = NULL;
		head->framing = HTTP_NO_BODY;
		return 0;
	}
	conn->answering = ex;
	conn->answer_open = true;
	conn->status = head->status;
	if (head->status == 101 || (ex && ex->head.is_connect && head->status / 100 == 2)) {
		head->framing = HTTP_TUNNEL;
		conn->tunnel = true;
		for (size_t i = 0; i < WIRE_DIRECTION_MAX; i++)
			conn->passed[i].why = "another protocol in a tunnel";
		http_set_tunnel(&conn->http[WIRE_SENT]);
		return 0;
	}
	if (ex && ex->is_head)
		head->framing = HTTP_NO_BODY;
	if (head->framing == HTTP_NO_BODY)
		return 0;
	return body_new(conn, ex, WIRE_RECEIVED, head, &conn->body[WIRE_RECEIVED]);
}

static int sent_head(void *ctx, struct http_head *head)
{
	return conn_sent_head(ctx, head);
}

static int sent_body(void *ctx, const char *bytes, size_t len)
{
	struct wire_conn *conn = ctx;

	return body_feed(conn->body[WIRE_SENT], bytes, len);
}

static int sent_end(void *ctx)
{
	return conn_end_request(ctx, true);
}

static int conn_passed(struct wire_conn *conn, enum wire_direction direction, const char *bytes,
		       size_t len)
{
	struct passed *p = &conn->passed[direction];
	size_t room = SAMPLE_MAX - p->sample.len;
	int r = buffer_append(&p->sample, bytes, len < room ? len : room, SAMPLE_MAX);

	p->bytes += len;
	/* a tunnel is told when it begins, not when it ends; both now and then */
	if (p->bytes >= PASSED_MAX || (conn->tunnel && !p->told)) {
		conn_flush_passed(conn, direction, WIRE_UNDECODABLE);
		p->told = true;
	}
	return r;
}

static int sent_passed(void *ctx, const char *bytes, size_t len)
{
	return conn_passed(ctx, WIRE_SENT, bytes, len);
}

static int sent_cut(void *ctx, const char *why)
{
	struct wire_conn *conn = ctx;

	conn->passed[WIRE_SENT].why = why;
	return conn_end_request(conn, false);
}

static int sent_found(void *ctx)
{
	conn_flush_passed(ctx, WIRE_SENT, WIRE_RESYNC);
	return 0;
}

static int received_head(void *ctx, struct http_head *head)
{
	return conn_received_head(ctx, head);
}

static int received_body(void *ctx, const char *bytes, size_t len)
{
	struct wire_conn *conn = ctx;

	return body_feed(conn->body[WIRE_RECEIVED], bytes, len);
}

static int received_end(void *ctx)
{
	struct wire_conn *conn = ctx;
	const struct body *body = conn->body[WIRE_RECEIVED];

	if (!conn->answer_open)
		return 0; /* 100 Continue and the like */
	/* where only the close ends the body, its content must say whether it is all */
	return conn_end_response(conn, !conn->closing || !body || body_ended(body));
}

static int received_passed(void *ctx, const char *bytes, size_t len)
{
	return conn_passed(ctx, WIRE_RECEIVED, bytes, len);
}

static int received_cut(void *ctx, const char *why)
{
	struct wire_conn *conn = ctx;

	conn->passed[WIRE_RECEIVED].why = why;
	return conn->answer_open ? conn_end_response(conn, false) : 0;
}

static int received_found(void *ctx)
{
	conn_flush_passed(ctx, WIRE_RECEIVED, WIRE_RESYNC);
	return 0;
}

static const struct http_ops sides[WIRE_DIRECTION_MAX] = {
	[WIRE_SENT] = {sent_head, sent_body, sent_end, sent_cut, sent_passed, sent_found},
	[WIRE_RECEIVED] = {received_head, received_body, received_end, received_cut,
			   received_passed, received_found},
};

int wire_conn_new(struct wire_client *client, struct wire_conn **ret)
{
	struct wire_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return -ENOMEM;
	conn->client = client;
	for (size_t i = 0; i < WIRE_DIRECTION_MAX; i++)
		http_init(&conn->http[i], i == WIRE_SENT, client->limits.head, &sides[i], conn);
	*ret = conn;
	return 0;
}

void wire_conn_free(struct wire_conn *conn)
{
	if (!conn)
		return;
	conn->closing = true;
	/* out of memory here leaves an event out; there is nobody left to tell */
	for (size_t i = 0; i < WIRE_DIRECTION_MAX; i++)
		(void)http_close(&conn->http[i]);
	(void)conn_drop_pending(conn);
	for (size_t i = 0; i < WIRE_DIRECTION_MAX; i++) {
		if (conn->passed[i].bytes)
			conn_flush_passed(conn, (enum wire_direction)i, WIRE_UNDECODABLE);
		buffer_free(&conn->passed[i].sample);
		body_free(conn->body[i]);
		http_free(&conn->http[i]);
	}
	free(conn);
}

static void conn_at(struct wire_conn *conn, uint64_t time_ns)
{
	conn->now = time_ns;
	if (time_ns > conn->client->now)
		conn->client->now = time_ns;
}

int wire_feed(struct wire_conn *conn, enum wire_direction direction, uint64_t time_ns,
	      const void *bytes, size_t len)
{
	int r;

	conn_at(conn, time_ns);
	r = http_feed(&conn->http[direction], bytes, len);
	if (r == 0)
		return 0;
	(void)http_lose(&conn->http[direction], "out of memory");
	return -ENOMEM;
}

int wire_gap(struct wire_conn *conn, enum wire_direction direction, uint64_t time_ns, uint64_t len)
{
	int r = 0;

	conn_at(conn, time_ns);
	if (!conn->tunnel)
		r = http_lose(&conn->http[direction], "bytes were not captured");
	conn->passed[direction].bytes += len;
	return r < 0 ? -ENOMEM : 0;
}

bool wire_open_tool(const struct wire_conn *conn, size_t i, struct wire_text *ret_id,
		    struct wire_text *ret_name)
{
	const struct body *body = conn->body[WIRE_RECEIVED];

	return body && body_open_tool(body, i, ret_id, ret_name);
}
