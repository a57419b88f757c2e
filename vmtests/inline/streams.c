// SPDX-License-Identifier: Apache-2.0
/* See streams.h. Messages are put together by hand and read by jansson: two ways. */
#include "streams.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const stream_form_names[STREAM_FORM_MAX] = {
	"prompt",     "prompt, pretty",	 "prompt, \\u", "tool result",
	"text delta", "text delta, \\u", "tool input",	"JSON response",
};

void bytes_clear(struct bytes *b)
{
	b->len = 0;
}

void bytes_put(struct bytes *b, const void *data, size_t len)
{
	if (b->len + len + 1 > b->cap) {
		b->cap = (b->len + len + 1) * 2;
		b->data = realloc(b->data, b->cap);
		if (!b->data)
			abort();
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
}

void bytes_text(struct bytes *b, const char *text)
{
	bytes_put(b, text, strlen(text));
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){0};
}

bool stream_sent(enum stream_form form)
{
	return form <= STREAM_REQUEST_RESULT;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static void put_string(struct bytes *b, const char *text, size_t len, bool by_number)
{
	char one[8];

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (by_number && c < 0x80) {
			snprintf(one, sizeof(one), i & 1 ? "\\u%04x" : "\\u%04X", c);
			bytes_text(b, one);
		} else if (c == '\n' || c == '\r') {
			bytes_text(b, c == '\n' ? "\\n" : "\\r");
		} else if (c == '"' || c == '\\') {
			snprintf(one, sizeof(one), "\\%c", c);
			bytes_text(b, one);
		} else {
			bytes_put(b, &c, 1);
		}
	}
}

static void put_message(struct bytes *b, const char *head, const struct bytes *body)
{
	char length[64];

	bytes_text(b, head);
	snprintf(length, sizeof(length), "Content-Length: %zu\r\n\r\n", body->len);
	bytes_text(b, length);
	bytes_put(b, body->data, body->len);
}

static void put_request(struct bytes *b, enum stream_form form, const char *text)
{
	struct bytes body = {0};

	if (form == STREAM_REQUEST_RESULT) {
		bytes_text(&body,
			   "{\"model\":\"claude-x\",\"messages\":[{\"role\":\"user\",\"content\":[{"
			   "\"tool_use_id\":\"toolu_1\",\"type\":\"tool_result\",\"content\":\"");
		put_string(&body, text, strlen(text), false);
		bytes_text(&body, "\"}]}],\"max_tokens\":32000,\"stream\":true}");
	} else if (form == STREAM_REQUEST_PRETTY) {
		bytes_text(&body,
			   "{\n  \"model\" : \"claude-x\",\n  \"messages\" : [\n    {\n      "
			   "\"role\" : \"user\",\n      \"content\" : \"");
		put_string(&body, text, strlen(text), false);
		bytes_text(&body, "\"\n    }\n  ],\n  \"stream\" : true\n}\n");
	} else {
		bytes_text(&body,
			   "{\"model\":\"claude-x\",\"messages\":[{\"role\":\"user\",\"content\":[{"
			   "\"type\":\"text\",\"text\":\"");
		put_string(&body, text, strlen(text), form == STREAM_REQUEST_ESCAPED);
		bytes_text(&body, "\"}]}],\"max_tokens\":32000,\"stream\":true}");
	}
	put_message(
		b,
		"POST /v1/messages?beta=true HTTP/1.1\r\nHost: api.anthropic.com\r\n"
		"Accept-Encoding: gzip, deflate, br, zstd\r\nContent-Type: application/json\r\n",
		&body);
	bytes_free(&body);
}

/* An event in a chunk of its own, as servers flush them. */
static void put_event(struct bytes *b, const char *name, const char *data)
{
	char size[32], head[96];

	snprintf(head, sizeof(head), "event: %s\ndata: ", name);
	snprintf(size, sizeof(size), "%zx\r\n", strlen(head) + strlen(data) + 2);
	bytes_text(b, size);
	bytes_text(b, head);
	bytes_text(b, data);
	bytes_text(b, "\n\n\r\n");
}

static void put_delta(struct bytes *b, enum stream_form form, const char *text, size_t len)
{
	struct bytes data = {0}, inner = {0};

	if (form == STREAM_INPUT) {
		bytes_text(&data,
			   "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
			   "\"input_json_delta\",\"partial_json\":\"");
		put_string(&data, text, len, false);
	} else {
		bytes_text(&data,
			   "{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
			   "\"text_delta\",\"text\":\"");
		put_string(&data, text, len, form == STREAM_TEXT_ESCAPED);
	}
	bytes_text(&data, "\"}}");
	put_event(b, "content_block_delta", data.data);
	bytes_free(&data);
	bytes_free(&inner);
}

static void put_stream(struct bytes *b, enum stream_form form, const char *text, long cut)
{
	struct bytes whole = {0};
	size_t first;

	bytes_text(b, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n");
	put_event(
		b, "message_start",
		"{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"role\":\"assistant\","
		"\"content\":[]}}");
	if (form == STREAM_INPUT) {
		/* the tool's input is JSON, in which the text is a string */
		put_event(
			b, "content_block_start",
			"{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
			"\"tool_use\",\"id\":\"toolu_1\",\"name\":\"Bash\",\"input\":{}}}");
		bytes_text(&whole, "{\"command\":\"");
		if (cut >= 0)
			cut += (long)whole.len;
		put_string(&whole, text, strlen(text), false);
		bytes_text(&whole, "\"}");
	} else {
		put_event(
			b, "content_block_start",
			"{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
			"\"text\",\"text\":\"\"}}");
		bytes_text(&whole, text);
	}
	first = cut < 0 || (size_t)cut > whole.len ? whole.len : (size_t)cut;
	if (first)
		put_delta(b, form, whole.data, first);
	if (first < whole.len)
		put_delta(b, form, whole.data + first, whole.len - first);
	put_event(b, "content_block_stop", "{\"type\":\"content_block_stop\",\"index\":1}");
	put_event(b, "message_stop", "{\"type\":\"message_stop\"}");
	bytes_text(b, "0\r\n\r\n");
	bytes_free(&whole);
}

void stream_put(struct bytes *b, enum stream_form form, const char *text, long cut)
{
	struct bytes body = {0};

	if (stream_sent(form)) {
		put_request(b, form, text);
		return;
	}
	if (form != STREAM_JSON) {
		put_stream(b, form, text, cut);
		return;
	}
	bytes_text(&body, "{\"id\": \"msg_1\", \"type\": \"message\", \"role\": \"assistant\", "
			  "\"content\": [{\"type\": \"text\", \"text\": \"");
	put_string(&body, text, strlen(text), false);
	bytes_text(&body, "\"}], \"stop_reason\": \"end_turn\"}");
	put_message(b, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", &body);
	bytes_free(&body);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static int take_chunks(const char *at, const char *end, struct bytes *ret)
{
	for (;;) {
		char *rest;
		unsigned long n = strtoul(at, &rest, 16);

		if (rest == at || end - rest < 2 || memcmp(rest, "\r\n", 2) != 0)
			return -1;
		at = rest + 2;
		if ((size_t)(end - at) < n + 2 || memcmp(at + n, "\r\n", 2) != 0)
			return -1;
		if (!n)
			return at + 2 == end ? 0 : -1;
		bytes_put(ret, at, n);
		at += n + 2;
	}
}

static int take_string(const json_t *value, struct bytes *ret)
{
	if (!json_is_string(value))
		return -1;
	bytes_put(ret, json_string_value(value), json_string_length(value));
	return 0;
}

static int take_event(const char *data, size_t len, struct bytes *text)
{
	json_t *event = json_loadb(data, len, 0, NULL);
	const json_t *delta = json_object_get(event, "delta");
	int r = event ? 0 : -1;

	if (delta && json_object_get(delta, "partial_json"))
		r = take_string(json_object_get(delta, "partial_json"), text);
	else if (delta && json_object_get(delta, "text"))
		r = take_string(json_object_get(delta, "text"), text);
	json_decref(event);
	return r;
}

static int take_events(const struct bytes *body, enum stream_form form, struct bytes *ret)
{
	struct bytes text = {0};
	const char *at = body->data;
	json_t *input = NULL;
	int r = 0;

	bytes_text(&text, "");
	while (!r && at && (at = strstr(at, "\ndata: "))) {
		const char *end = strchr(at + 7, '\n');

		r = end ? take_event(at + 7, (size_t)(end - at - 7), &text) : -1;
		at = end;
	}
	if (!r && form == STREAM_INPUT) {
		input = json_loadb(text.data, text.len, 0, NULL);
		r = take_string(json_object_get(input, "command"), ret);
		json_decref(input);
	} else if (!r) {
		bytes_put(ret, text.data, text.len);
	}
	bytes_free(&text);
	return r;
}

static int take_body(const char *body, size_t len, enum stream_form form, struct bytes *ret)
{
	json_t *json = json_loadb(body, len, 0, NULL);
	const json_t *content = json_object_get(json, "content");
	int r;

	if (stream_sent(form))
		content = json_object_get(json_array_get(json_object_get(json, "messages"), 0),
					  "content");
	if (json_is_array(content)) {
		content = json_array_get(content, 0);
		content = json_object_get(content,
					  form == STREAM_REQUEST_RESULT ? "content" : "text");
	}
	r = take_string(content, ret);
	json_decref(json);
	return r;
}

int stream_take(const char *data, size_t len, enum stream_form form, struct bytes *ret_text)
{
	const char *body = memmem(data, len, "\r\n\r\n", 4), *length, *end = data + len;
	struct bytes chunks = {0};
	int r;

	bytes_clear(ret_text);
	bytes_text(ret_text, "");
	if (!body)
		return -1;
	body += 4;
	if (form == STREAM_TEXT || form == STREAM_TEXT_ESCAPED || form == STREAM_INPUT) {
		r = take_chunks(body, end, &chunks);
		if (!r)
			r = take_events(&chunks, form, ret_text);
		bytes_free(&chunks);
		return r;
	}
	length = memmem(data, len, "Content-Length: ", 16);
	if (!length || strtoul(length + 16, NULL, 10) != (unsigned long)(end - body))
		return -1;
	return take_body(body, (size_t)(end - body), form, ret_text);
}
