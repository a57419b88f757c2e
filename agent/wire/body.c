// SPDX-License-Identifier: Apache-2.0
/* One body on its way from the framing to its reader. */
#include "wire/body.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "wire/coding.h"
#include "wire/request.h"
#include "wire/response.h"

enum body_kind {
	BODY_SNIFF, /* the first byte tells a stream from a document */
	BODY_REQUEST,
	BODY_RESPONSE,
	BODY_OTHER,
};

struct body {
	struct wire_conn *conn;
	struct exchange *ex;
	enum wire_direction direction;
	enum body_kind kind;
	struct coding *coding; /* NULL: a coding that is not known */
	struct texts texts;
	struct wire_text content_type;
	uint64_t decoded;
	struct request *request;
	struct response *response;
	struct buffer other; /* the start of what is told as WIRE_BODY */
	uint64_t other_bytes;
	uint64_t bad;
	struct buffer sample;
	const char *why;
};

void body_free(struct body *b)
{
	if (!b)
		return;
	coding_free(b->coding);
	request_free(b->request);
	response_free(b->response);
	buffer_free(&b->other);
	buffer_free(&b->sample);
	texts_free(&b->texts);
	free(b);
}

bool body_open_tool(const struct body *b, size_t i, struct wire_text *ret_id,
		    struct wire_text *ret_name)
{
	return b->response && response_open_tool(b->response, i, ret_id, ret_name);
}

static void body_freep(struct body **b)
{
	body_free(*b);
}

static int body_append(struct buffer *to, size_t max, const char *bytes, size_t len)
{
	size_t room = max - to->len;

	return buffer_append(to, bytes, len < room ? len : room, max);
}

static int body_other(struct body *b, const char *bytes, size_t len)
{
	b->other_bytes += len;
	return body_append(&b->other, b->conn->client->limits.other_body, bytes, len);
}

/* Clients that asked for a stream read one whatever the content type says, so the bytes decide. */
static int body_sniff(struct body *b, const char *bytes, size_t len, size_t *blank)
{
	size_t i = 0;
	bool stream;

	while (i < len && strchr(" \t\r\n\xef\xbb\xbf", bytes[i]) && bytes[i])
		i++;
	if (i == len)
		return 0;
	stream = bytes[i] && strchr(":edir", bytes[i]);
	if (!stream && bytes[i] != '{') {
		b->kind = BODY_OTHER;
		return 0;
	}
	b->kind = BODY_RESPONSE;
	b->other.len = 0;
	b->other_bytes = 0;
	*blank = i;
	return response_new(b->conn, b->ex, stream, &b->response);
}

static int body_decoded(void *ctx, const char *bytes, size_t len)
{
	struct body *b = ctx;
	size_t blank = 0;
	int r;

	b->decoded += len;
	if (b->kind == BODY_SNIFF) {
		r = body_sniff(b, bytes, len, &blank);
		if (r < 0)
			return r;
	}
	switch (b->kind) {
	case BODY_REQUEST:
		return request_feed(b->request, bytes, len);
	case BODY_RESPONSE:
		return response_feed(b->response, bytes + blank, len - blank);
	default: /* also blanks, until the first byte that tells */
		return body_other(b, bytes, len);
	}
}

/* Several lines of one header are one list. */
static int body_list(struct texts *texts, const struct http_head *head, struct wire_text name,
		     struct wire_text *ret)
{
	_cleanup_buffer_ struct buffer list = {0};
	const size_t max = SIZE_MAX / 4;
	int r = 0;

	for (size_t i = 0; i < head->n_fields && r == 0; i++) {
		if (!text_equal_nocase(head->fields[i].name, name))
			continue;
		r = buffer_append(&list, head->fields[i].value.data, head->fields[i].value.len,
				  max);
		if (r == 0)
			r = buffer_append(&list, ",", 1, max);
	}
	return r < 0 ? -ENOMEM : texts_keep(texts, TEXT_BUF(&list), ret);
}

int body_new(struct wire_conn *conn, struct exchange *ex, enum wire_direction direction,
	     const struct http_head *head, struct body **ret)
{
	__attribute__((cleanup(body_freep))) struct body *b = calloc(1, sizeof(*b));
	const struct wire_limits *limits = &conn->client->limits;
	const struct coding_limits coding = {.body = limits->body, .ratio = limits->ratio};
	bool messages = ex && ex->head.is_messages, stream;
	struct wire_text content, transfer;
	int r;

	if (!b)
		return -ENOMEM;
	b->conn = conn;
	b->ex = ex;
	b->direction = direction;
	r = texts_keep(&b->texts, http_field_value(head, TEXT("content-type")), &b->content_type);
	if (r == 0)
		r = body_list(&b->texts, head, TEXT("content-encoding"), &content);
	if (r == 0)
		r = body_list(&b->texts, head, TEXT("transfer-encoding"), &transfer);
	if (r == 0)
		r = coding_new(content, transfer, &coding, body_decoded, b, &b->coding);
	if (r == -ENOTSUP) {
		b->why = "a content coding that is not known";
		r = 0;
	}
	stream = text_starts_nocase(b->content_type, TEXT("text/event-stream"));
	b->kind = BODY_OTHER;
	if (r == 0 && direction == WIRE_SENT && messages) {
		b->kind = BODY_REQUEST;
		r = request_new(conn, ex, &b->request);
	} else if (r == 0 && direction == WIRE_RECEIVED && stream && (messages || !ex)) {
		b->kind = BODY_RESPONSE;
		r = response_new(conn, ex, true, &b->response);
	} else if (direction == WIRE_RECEIVED && messages) {
		b->kind = BODY_SNIFF;
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(b);
	return 0;
}

static int body_bad(struct body *b, const char *bytes, size_t len)
{
	b->bad += len;
	return body_append(&b->sample, SAMPLE_MAX, bytes, len);
}

int body_feed(struct body *b, const char *bytes, size_t len)
{
	int r;

	if (b->why)
		return body_bad(b, bytes, len);
	r = coding_feed(b->coding, bytes, len, &b->why);
	if (r != -EBADMSG)
		return r;
	/* what this piece still gave was handed on; it is counted whole, as its rest is not known
	 */
	return body_bad(b, bytes, len);
}

bool body_ended(const struct body *b)
{
	if (b->why || !coding_whole(b->coding))
		return false;
	return b->kind != BODY_RESPONSE || response_whole(b->response);
}

static void body_tell_other(struct body *b, struct wire_text text, uint64_t bytes)
{
	size_t max = b->conn->client->limits.other_body;
	struct wire_event event = {
		.kind = WIRE_BODY,
		.body =
			{
				.direction = b->direction,
				.content_type = b->content_type,
				.text = text_cut(text, max),
				.body_bytes = bytes,
				.cut = bytes > text.len || text.len > max,
			},
	};

	if (bytes)
		conn_emit(b->conn, b->ex, &event);
}

int body_finish(struct body *b, bool whole, struct wire_response *response)
{
	struct wire_text other = {0};
	int r = 0;

	if (b->request)
		r = request_finish(b->request);
	else if (b->response)
		r = response_finish(b->response, response, &other);
	if (r < 0)
		return r;
	if (other.data)
		body_tell_other(b, other, other.len);
	body_tell_other(b, TEXT_BUF(&b->other), b->other_bytes);
	if (b->why)
		conn_undecodable(b->conn, b->ex, b->direction, b->bad, TEXT_BUF(&b->sample),
				 b->why);
	else if (whole && !coding_whole(b->coding))
		conn_undecodable(b->conn, b->ex, b->direction, 0, (struct wire_text){0},
				 "compressed data without its end");
	if (response)
		response->body_bytes = b->decoded;
	return 0;
}
