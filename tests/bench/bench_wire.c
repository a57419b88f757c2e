// SPDX-License-Identifier: Apache-2.0
/* Throughput of the wire stage: a conversation that is sent again in whole every turn.
 *	bench_wire [turns [context bytes]]
 * Prints the plaintext fed, the time and the rate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "wire/wire.h"

#define MAX    ((size_t)1 << 30)
#define RECORD 16384

static void must(int r)
{
	if (r < 0) {
		fprintf(stderr, "bench_wire: out of memory\n");
		exit(1);
	}
}

static void count_event(void *ctx, const struct wire_event *event)
{
	((uint64_t *)ctx)[event->kind]++;
}

/* Source text as a tool returns it: lines of code, so that there is an escape every few words. */
static void put_message(struct buffer *b, unsigned int n)
{
	if (n % 2)
		must(buffer_printf(
			b, MAX,
			"{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":"
			"\"toolu_%u\",\"name\":\"Read\",\"input\":{\"file_path\":\"/src/%u.c\"}}]}",
			n, n));
	else
		must(buffer_printf(
			b, MAX,
			"{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
			"\"toolu_%u\",\"content\":\"",
			n - 1));
	for (unsigned int line = 0; n % 2 == 0 && line < 150; line++)
		must(buffer_printf(
			b, MAX,
			"%u\\tstatic int call_%u_%u(struct thing *t, const char *name)\\n"
			"\\t\\treturn thing_find(t, \\\"%u\\\", sizeof(*t)) ? 0 : -ENOENT;\\n",
			line, n, line, n * line));
	if (n % 2 == 0)
		must(buffer_printf(b, MAX, "\"}]}"));
}

static void put_request(struct buffer *out, const struct buffer *messages)
{
	struct buffer body = {0};

	must(buffer_printf(&body, MAX, "{\"model\":\"m\",\"messages\":["));
	must(buffer_append(&body, messages->data, messages->len, MAX));
	must(buffer_printf(&body, MAX,
			   "],\"system\":\"You help.\",\"max_tokens\":32000,\"stream\":true}"));
	must(buffer_printf(out, MAX,
			   "POST /v1/messages?beta=true HTTP/1.1\r\nHost: api.anthropic.com\r\n"
			   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			   body.len));
	must(buffer_append(out, body.data, body.len, MAX));
	buffer_free(&body);
}

static void put_event(struct buffer *body, const char *name, const char *data)
{
	must(buffer_printf(body, MAX, "event: %s\ndata: {\"type\":\"%s\",%s}\n\n", name, name,
			   data));
}

static void put_response(struct buffer *out, unsigned int turn, unsigned int deltas)
{
	struct buffer body = {0};
	char data[256];

	put_event(&body, "message_start",
		  "\"message\":{\"id\":\"msg\",\"usage\":{\"input_tokens\":9}}");
	put_event(&body, "content_block_start",
		  "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}");
	for (unsigned int i = 0; i < deltas; i++) {
		snprintf(data, sizeof(data),
			 "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" word %u of "
			 "%u\"}",
			 i, turn);
		put_event(&body, "content_block_delta", data);
	}
	put_event(&body, "content_block_stop", "\"index\":0");
	put_event(&body, "message_delta", "\"delta\":{\"stop_reason\":\"end_turn\"}");
	must(buffer_printf(&body, MAX,
			   "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
	must(buffer_printf(out, MAX,
			   "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
			   "Content-Length: %zu\r\n\r\n",
			   body.len));
	must(buffer_append(out, body.data, body.len, MAX));
	buffer_free(&body);
}

static void feed(struct wire_conn *conn, enum wire_direction direction, const struct buffer *b)
{
	for (size_t i = 0; i < b->len; i += RECORD)
		must(wire_feed(conn, direction, 1, b->data + i,
			       b->len - i < RECORD ? b->len - i : RECORD));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* not what others do on the machine */
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void run(const char *name, unsigned int turns, size_t context, unsigned int deltas)
{
	struct buffer messages = {0}, request = {0}, response = {0};
	uint64_t events[WIRE_KIND_MAX] = {0};
	struct wire_client *client;
	struct wire_conn *conn;
	double spent = 0, total = 0;
	unsigned int n = 0;

	must(wire_client_new(NULL, count_event, events, &client));
	must(wire_conn_new(client, &conn));
	for (unsigned int turn = 0; turn < turns; turn++) {
		double start;

		/* the first turn takes up a long session; each later one adds a tool and its result
		 */
		do {
			if (n)
				must(buffer_append(&messages, ",", 1, MAX));
			put_message(&messages, ++n);
			must(buffer_append(&messages, ",", 1, MAX));
			put_message(&messages, ++n);
		} while (messages.len < context);
		request.len = 0;
		response.len = 0;
		put_request(&request, &messages);
		put_response(&response, turn, deltas);
		start = now();
		feed(conn, WIRE_SENT, &request);
		feed(conn, WIRE_RECEIVED, &response);
		spent += now() - start;
		total += (double)request.len + (double)response.len;
	}
	wire_conn_free(conn);
	wire_client_free(client);
	printf("%s: %u turns, %.1f MB, %.3f s, %.0f MB/s; %llu messages told, %llu undecodable\n",
	       name, turns, total / 1e6, spent, total / 1e6 / spent,
	       (unsigned long long)events[WIRE_MESSAGE],
	       (unsigned long long)events[WIRE_UNDECODABLE]);
	buffer_free(&messages);
	buffer_free(&request);
	buffer_free(&response);
}

int main(int argc, char **argv)
{
	unsigned int turns = argc > 1 ? (unsigned int)atoi(argv[1]) : 50;
	size_t context = argc > 2 ? (size_t)atol(argv[2]) : 1000000;

	run("conversation", turns, context, 200);
	run("conversation of 50 KB", turns, 50000, 200);
	run("first request only", 1, context, 0);
	run("responses", turns, 0, 20000);
	return 0;
}
