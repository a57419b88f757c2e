/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the wire stage: a script of both directions, run in any split, and what came out
 * as text, a line an event. */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H

#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "wire/wire.h"

#define STEPS_MAX 64
#define TEXT_MAX  ((size_t)1 << 30)

struct step {
	enum wire_direction direction;
	struct buffer bytes;
	uint64_t gap; /* not 0: so many bytes are missing here */
	bool reconnect;
};

struct script {
	struct step steps[STEPS_MAX];
	size_t len;
	struct wire_limits limits; /* body 0: the defaults */
};

static inline void put(struct buffer *b, const char *text)
{
	assert_int_equal(buffer_append(b, text, strlen(text), TEXT_MAX), 0);
}

static inline struct buffer *script_add(struct script *s, enum wire_direction direction)
{
	assert_true(s->len < STEPS_MAX);
	s->steps[s->len].direction = direction;
	return &s->steps[s->len++].bytes;
}

static inline void script_bytes(struct script *s, enum wire_direction d, const void *p, size_t len)
{
	assert_int_equal(buffer_append(script_add(s, d), p, len, TEXT_MAX), 0);
}

static inline void sent(struct script *s, const char *text)
{
	script_bytes(s, WIRE_SENT, text, strlen(text));
}

static inline void received(struct script *s, const char *text)
{
	script_bytes(s, WIRE_RECEIVED, text, strlen(text));
}

static inline void gap(struct script *s, enum wire_direction d, uint64_t len)
{
	script_add(s, d);
	s->steps[s->len - 1].gap = len;
}

/* From here on another connection of the same client. */
static inline void reconnect(struct script *s)
{
	script_add(s, WIRE_SENT);
	s->steps[s->len - 1].reconnect = true;
}

/* POST /v1/messages with this body. */
static inline void ask(struct script *s, const char *body)
{
	struct buffer *b = script_add(s, WIRE_SENT);

	assert_int_equal(buffer_printf(b, TEXT_MAX,
				       "POST /v1/messages?beta=true HTTP/1.1\r\n"
				       "Host: api.anthropic.com\r\n"
				       "User-Agent: claude-cli/2.1.329 (external, sdk-cli)\r\n"
				       "X-Claude-Code-Session-Id: s-1\r\n"
				       "Content-Length: %zu\r\n\r\n",
				       strlen(body)),
			 0);
	put(b, body);
}

/* A response with Content-Length. */
static inline void answer(struct script *s, const char *headers, const void *body, size_t len)
{
	struct buffer *b = script_add(s, WIRE_RECEIVED);

	assert_int_equal(buffer_printf(b, TEXT_MAX,
				       "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n", headers,
				       len),
			 0);
	assert_int_equal(buffer_append(b, body, len, TEXT_MAX), 0);
}

#define SSE_HEADER "Content-Type: text/event-stream; charset=utf-8\r\n"

static inline void answer_sse(struct script *s, const char *body)
{
	answer(s, SSE_HEADER, body, strlen(body));
}

/* In chunks of that size. */
static inline void answer_chunked(struct script *s, const char *headers, const void *body,
				  size_t len, size_t chunk)
{
	struct buffer *b = script_add(s, WIRE_RECEIVED);

	assert_int_equal(buffer_printf(b, TEXT_MAX,
				       "HTTP/1.1 200 OK\r\n%sTransfer-Encoding: chunked\r\n\r\n",
				       headers),
			 0);
	for (size_t i = 0; i < len; i += chunk) {
		size_t n = len - i < chunk ? len - i : chunk;

		assert_int_equal(buffer_printf(b, TEXT_MAX, "%zx\r\n", n), 0);
		assert_int_equal(buffer_append(b, (const char *)body + i, n, TEXT_MAX), 0);
		put(b, "\r\n");
	}
	put(b, "0\r\n\r\n");
}

static inline void script_free(struct script *s)
{
	for (size_t i = 0; i < s->len; i++)
		buffer_free(&s->steps[i].bytes);
	*s = (struct script){0};
}

/* One text of an event, e.g. " name=pdf"; nothing when it is absent. Line ends become |. */
static inline void put_text(struct buffer *b, const char *name, struct wire_text t)
{
	size_t from = b->len;

	if (!t.data)
		return;
	assert_int_equal(buffer_printf(b, TEXT_MAX, " %s=", name), 0);
	if (t.len > 400) {
		assert_int_equal(buffer_printf(b, TEXT_MAX, "(%zu bytes)", t.len), 0);
		return;
	}
	assert_int_equal(buffer_append(b, t.data, t.len, TEXT_MAX), 0);
	for (size_t i = from; i < b->len; i++)
		if (b->data[i] == '\n' || b->data[i] == '\r' || b->data[i] == 0)
			b->data[i] = '|';
}

static inline void record(void *ctx, const struct wire_event *e)
{
	struct buffer *b = ctx;

#define F(...) assert_int_equal(buffer_printf(b, TEXT_MAX, __VA_ARGS__), 0)
	F("%s", wire_kind_to_string(e->kind));
	if (e->exchange)
		F(" #%d", (int)e->exchange->id);
	switch (e->kind) {
	case WIRE_EXCHANGE:
		put_text(b, "method", e->exchange->method);
		put_text(b, "target", e->exchange->target);
		put_text(b, "host", e->exchange->host);
		put_text(b, "agent", e->exchange->agent_id);
		put_text(b, "request", e->exchange->request_id);
		put_text(b, "credential", e->exchange->credential);
		F("%s%s", e->exchange->is_messages ? " messages" : "",
		  e->exchange->is_connect ? " connect" : "");
		break;
	case WIRE_MODEL_CALL:
		assert_non_null(e->call);
		put_text(b, "model", e->call->model);
		put_text(b, "device", e->call->device_id);
		put_text(b, "account", e->call->account_id);
		put_text(b, "session", e->call->session_id);
		put_text(b, "version", e->call->client_version);
		put_text(b, "entrypoint", e->call->entrypoint);
		put_text(b, "directory", e->call->working_directory);
		put_text(b, "email", e->call->git_email);
		F(" messages=%u new=%u%s", e->call->n_messages, e->call->n_new,
		  e->call->stream ? " stream" : "");
		break;
	case WIRE_MESSAGE:
		F(" %s %s", e->message.sent ? "sent" : "said",
		  wire_block_to_string(e->message.block));
		put_text(b, "role", e->message.role);
		put_text(b, "id", e->message.tool_use_id);
		put_text(b, "text", e->message.text);
		break;
	case WIRE_TOOL_USE:
		put_text(b, "id", e->tool.id);
		put_text(b, "name", e->tool.name);
		put_text(b, "input", e->tool.input);
		break;
	case WIRE_TOOL_RESULT:
		put_text(b, "id", e->tool.id);
		put_text(b, "use", e->tool.use_name);
		put_text(b, "input", e->tool.use_input);
		put_text(b, "result", e->tool.result);
		F("%s duration=%d", e->tool.is_error ? " error" : "", (int)e->tool.duration_ns);
		break;
	case WIRE_SKILL:
		F(" %s", e->skill.route == WIRE_SKILL_SLASH ? "slash" : "model");
		put_text(b, "name", e->skill.name);
		put_text(b, "args", e->skill.args);
		put_text(b, "id", e->skill.tool_use_id);
		put_text(b, "directory", e->skill.directory);
		F(" answered=%d success=%d duration=%d", e->skill.answered, e->skill.success,
		  (int)e->skill.duration_ns);
		break;
	case WIRE_RESPONSE:
		F(" status=%u", e->response.status);
		put_text(b, "stop", e->response.stop_reason);
		put_text(b, "message", e->response.message_id);
		put_text(b, "error", e->response.error);
		F(" in=%d out=%d%s", (int)e->response.tokens_in, (int)e->response.tokens_out,
		  e->response.complete ? "" : " incomplete");
		break;
	case WIRE_BODY:
		F(" %s", e->body.direction == WIRE_SENT ? "sent" : "received");
		put_text(b, "type", e->body.content_type);
		put_text(b, "text", e->body.text);
		F(" bytes=%d%s", (int)e->body.body_bytes, e->body.cut ? " cut" : "");
		break;
	default:
		F(" %s bytes=%d why=%s",
		  e->undecodable.direction == WIRE_SENT ? "sent" : "received",
		  (int)e->undecodable.bytes, e->undecodable.why);
		break;
	}
	F("\n");
#undef F
}

/* Runs the script: each step in pieces of at most `piece` bytes, with one more cut at `cut` bytes
 * from the start of the script. A step has one time, 1000 ns after the one before. */
static inline char *script_run(const struct script *s, size_t piece, size_t cut)
{
	struct buffer out = {0};
	struct wire_client *client;
	struct wire_conn *conn;
	size_t at = 0;

	assert_int_equal(wire_client_new(s->limits.body ? &s->limits : NULL, record, &out, &client),
			 0);
	assert_int_equal(wire_conn_new(client, &conn), 0);
	for (size_t i = 0; i < s->len; i++) {
		const struct step *step = &s->steps[i];
		uint64_t now = 1000 * (i + 1);
		size_t done = 0;

		if (step->reconnect) {
			wire_conn_free(conn);
			assert_int_equal(wire_conn_new(client, &conn), 0);
		}
		if (step->gap)
			assert_int_equal(wire_gap(conn, step->direction, now, step->gap), 0);
		while (done < step->bytes.len) {
			size_t n = step->bytes.len - done;
			char *copy;

			n = n < piece ? n : piece;
			if (at < cut && at + n > cut)
				n = cut - at;
			/* a copy of exactly n bytes: the sanitizer sees a read past its end */
			copy = malloc(n);
			assert_non_null(copy);
			memcpy(copy, step->bytes.data + done, n);
			assert_int_equal(wire_feed(conn, step->direction, now, copy, n), 0);
			free(copy);
			done += n;
			at += n;
		}
	}
	put(&out, "-- end of connection\n");
	wire_conn_free(conn);
	put(&out, "-- end of client\n");
	wire_client_free(client);
	return (char *)out.data;
}

/* Runs whole, and checks that exactly these lines come out; then that every split gives the same.
 */
static inline void script_expect(struct script *s, const char *want)
{
	static const size_t pieces[] = {1, 2, 3, 7, 16, 100, 1000};
	char *whole = script_run(s, SIZE_MAX, 0);

	assert_string_equal(whole, want);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		char *split = script_run(s, pieces[i], 0);

		assert_string_equal(split, whole);
		free(split);
	}
	free(whole);
	script_free(s);
}

/* For scripts whose meaning hangs on where records begin: run once, as they are. */
static inline void script_expect_records(struct script *s, const char *want)
{
	char *whole = script_run(s, SIZE_MAX, 0);

	assert_string_equal(whole, want);
	free(whole);
	script_free(s);
}

static inline size_t count_of(const char *text, const char *needle)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, needle)); p += strlen(needle))
		n++;
	return n;
}

#define END "-- end of connection\n-- end of client\n"
#define ASKED(n)                                                                                   \
	"exchange #" n                                                                             \
	" method=POST target=/v1/messages?beta=true host=api.anthropic.com messages\n"
#define CALL(n, x)                                                                                 \
	"model_call #" n " model=m session=s-1 version=2.1.329 entrypoint=sdk-cli " x "\n"

#endif
