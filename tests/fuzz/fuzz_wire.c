// SPDX-License-Identifier: Apache-2.0
/* The wire stage against any plaintext. The input is a list of records: a byte that says what it
 * is, two of length, the bytes. Plain records are fed as they are; others get a head around them,
 * so that the fuzzer reaches the bodies at once. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/wire.h"

struct totals {
	uint64_t kinds[WIRE_KIND_MAX];
	uint64_t sum; /* of every byte handed out: each must be readable */
};

static void touch(struct totals *t, struct wire_text text)
{
	if (!text.data && text.len)
		abort();
	for (size_t i = 0; i < text.len; i++)
		t->sum += (uint8_t)text.data[i];
}

static void check_event(void *ctx, const struct wire_event *e)
{
	struct totals *t = ctx;

	if ((unsigned int)e->kind >= WIRE_KIND_MAX)
		abort();
	t->kinds[e->kind]++;
	if (e->exchange) {
		touch(t, e->exchange->method);
		touch(t, e->exchange->target);
		touch(t, e->exchange->host);
		touch(t, e->exchange->credential);
	}
	if (e->call) {
		touch(t, e->call->model);
		touch(t, e->call->device_id);
		touch(t, e->call->client_version);
		touch(t, e->call->working_directory);
		if (e->call->n_new > e->call->n_messages)
			abort();
	}
	switch (e->kind) {
	case WIRE_MESSAGE:
		touch(t, e->message.role);
		touch(t, e->message.text);
		touch(t, e->message.tool_use_id);
		break;
	case WIRE_TOOL_USE:
	case WIRE_TOOL_RESULT:
		touch(t, e->tool.id);
		touch(t, e->tool.name);
		touch(t, e->tool.input);
		touch(t, e->tool.result);
		touch(t, e->tool.use_input);
		break;
	case WIRE_SKILL:
		touch(t, e->skill.name);
		touch(t, e->skill.args);
		touch(t, e->skill.directory);
		break;
	case WIRE_RESPONSE:
		touch(t, e->response.stop_reason);
		touch(t, e->response.error);
		break;
	case WIRE_BODY:
		touch(t, e->body.content_type);
		touch(t, e->body.text);
		break;
	case WIRE_UNDECODABLE:
	case WIRE_RESYNC:
		touch(t, e->undecodable.sample);
		if (!e->undecodable.why)
			abort();
		break;
	default:
		break;
	}
}

static void feed(struct wire_conn *conn, enum wire_direction direction, const void *bytes,
		 size_t len)
{
	void *copy = malloc(len ? len : 1); /* a read past the end is seen */

	if (!copy)
		return;
	memcpy(copy, bytes, len);
	(void)wire_feed(conn, direction, 1, copy, len);
	free(copy);
}

static void feed_wrapped(struct wire_conn *conn, enum wire_direction direction, uint8_t how,
			 const uint8_t *bytes, size_t len)
{
	static const char *const codings[] = {"identity", "gzip", "deflate",
					      "br",	  "zstd", "gzip, br"};
	char head[256];
	int n;

	n = snprintf(
		head, sizeof(head),
		"%s\r\nContent-Length: %zu\r\nContent-Encoding: %s\r\nContent-Type: %s\r\n\r\n",
		direction == WIRE_SENT ? "POST /v1/messages HTTP/1.1" : "HTTP/1.1 200 OK", len,
		codings[how % 6], how & 8 ? "text/event-stream" : "application/json");
	feed(conn, direction, head, (size_t)n);
	if (how & 16) /* in small pieces */
		for (size_t i = 0; i < len; i++)
			feed(conn, direction, bytes + i, 1);
	else
		feed(conn, direction, bytes, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wire_limits limits = {.body = 1 << 20,
					   .ratio = 200,
					   .head = 4096,
					   .other_body = 1024,
					   .seen_messages = 32};
	struct totals totals = {0};
	struct wire_client *client;
	struct wire_conn *conn;

	if (wire_client_new(&limits, check_event, &totals, &client) < 0)
		return 0;
	if (wire_conn_new(client, &conn) < 0)
		abort();
	while (size >= 3) {
		enum wire_direction direction = data[0] & 1 ? WIRE_RECEIVED : WIRE_SENT;
		uint8_t kind = data[0] >> 1 & 3, how = data[0] >> 3;
		size_t len = (size_t)data[1] << 8 | data[2];

		data += 3;
		size -= 3;
		if (len > size)
			len = size;
		if (kind == 3 && how < 2) {
			wire_conn_free(conn);
			if (wire_conn_new(client, &conn) < 0)
				abort();
		} else if (kind == 3 && how == 2) {
			(void)wire_gap(conn, direction, 1, len);
			continue;
		} else if (kind >= 2) {
			feed_wrapped(conn, direction, how, data, len);
		} else {
			feed(conn, direction, data, len);
		}
		data += len;
		size -= len;
	}
	wire_conn_free(conn);
	wire_client_free(client);
	return 0;
}
