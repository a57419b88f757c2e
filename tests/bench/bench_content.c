// SPDX-License-Identifier: Apache-2.0
/* Measures the content machine: nanoseconds a byte of a request and of a stream, byte by byte and
 * with what is ordinary passed over, beside a plain copy of the same bytes in the same run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "tests/unit/content_reader.h"

#define MAX    ((size_t)1 << 30)
#define RECORD 16384
#define LEN    ((size_t)4 << 20)
#define RUNS   9

static void must(int r)
{
	if (r < 0) {
		fprintf(stderr, "bench_content: out of memory\n");
		exit(1);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* not what others do on the machine */
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- what is read -----------------------------------------------------------------------------
 */

/* Source text as a tool returns it, with an escape every few words, and prose. */
static void put_request(struct buffer *b)
{
	struct buffer body = {0};

	must(buffer_printf(&body, MAX, "{\"model\":\"m\",\"messages\":["));
	for (unsigned int n = 0; body.len < LEN; n++)
		must(buffer_printf(
			&body, MAX,
			"%s{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
			"\"tool_use_id\":\"toolu_%u\",\"content\":\"%u\\tstatic int call_%u(struct "
			"thing *t, const char *name)\\n%u\\t\\treturn thing_find(t, \\\"%u\\\", "
			"sizeof(*t)) ? 0 : -ENOENT;\\n\"},{\"type\":\"text\",\"text\":\"Look at "
			"the "
			"line where it is called, and say what happens when there is no such "
			"thing: "
			"is the error told to whoever asked, or is it lost?\"}]}",
			n ? "," : "", n, n, n, n + 1, n));
	must(buffer_printf(&body, MAX, "],\"stream\":true}"));
	must(buffer_printf(b, MAX,
			   "POST /v1/messages?beta=true HTTP/1.1\r\nContent-Type: "
			   "application/json\r\nContent-Length: %zu\r\n\r\n",
			   body.len));
	must(buffer_append(b, body.data, body.len, MAX));
	buffer_free(&body);
}

/* Long texts without an escape: what a page of prose is, and an image in base64. */
static void put_prose(struct buffer *b)
{
	struct buffer body = {0};

	must(buffer_printf(&body, MAX, "[\""));
	for (unsigned int n = 1; body.len < LEN; n++)
		must(buffer_printf(&body, MAX, "%s",
				   n % 64 ? "And so it goes on, line after line, as pages do. "
					  : "\",\""));
	must(buffer_printf(&body, MAX, "\"]"));
	must(buffer_printf(b, MAX, "POST /v1/messages HTTP/1.1\r\nContent-Length: %zu\r\n\r\n",
			   body.len));
	must(buffer_append(b, body.data, body.len, MAX));
	buffer_free(&body);
}

static void put_chunk(struct buffer *b, const struct buffer *event)
{
	must(buffer_printf(b, MAX, "%zx\r\n", event->len));
	must(buffer_append(b, event->data, event->len, MAX));
	must(buffer_append(b, "\r\n", 2, MAX));
}

/* A delta of a few words an event and an event a chunk, as the API sends them. */
static void put_stream(struct buffer *b, const char *type, const char *key, const char *first,
		       const char *text)
{
	struct buffer event = {0};

	must(buffer_printf(b, MAX,
			   "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
			   "Transfer-Encoding: chunked\r\n\r\n"));
	while (b->len < LEN) {
		const char *piece = event.data ? text : first;

		event.len = 0;
		must(buffer_printf(
			&event, MAX,
			"event: content_block_delta\ndata: {\"type\":\"content_block_"
			"delta\",\"index\":0,\"delta\":{\"type\":\"%s\",\"%s\":\"%s\"}}\n\n",
			type, key, piece));
		put_chunk(b, &event);
	}
	must(buffer_printf(b, MAX, "0\r\n\r\n"));
	buffer_free(&event);
}

/* ---- how it is measured -----------------------------------------------------------------------
 */

/* Not in memory while it counts: the measure would be that of a store. */
struct counted {
	uint64_t chars, sum;
};

static void copy(const struct buffer *b, struct counted *c)
{
	static uint8_t to[RECORD];

	for (size_t at = 0; at < b->len; at += RECORD) {
		memcpy(to, b->data + at, b->len - at < RECORD ? b->len - at : RECORD);
		__asm__ volatile("" : : "r"(to) : "memory");
		c->sum += to[0];
	}
}

static struct content_state state; /* as in a map value: not in registers */

static void by_byte(const struct buffer *b, struct counted *c)
{
	struct content_out out;
	uint64_t chars = 0, sum = 0;

	for (size_t i = 0; i < b->len; i++) {
		content_step(&state, b->data[i], &out);
		chars += out.n;
		sum += out.bytes[0];
	}
	*c = (struct counted){chars, sum};
}

static void by_run(const struct buffer *b, struct counted *c)
{
	uint64_t chars = 0, sum = 0;
	struct content_out out;
	size_t i = 0;

	while (i < b->len) {
		uint8_t kind;
		size_t most = content_run(&state, &kind), n = 0;

		if (most > b->len - i)
			most = b->len - i;
		while (n < most && content_is_ordinary(b->data[i + n])) {
			sum += b->data[i + n];
			n++;
		}
		if (n) {
			content_ran(&state, (uint32_t)n);
			chars += kind ? n : 0;
			i += n;
			continue;
		}
		content_step(&state, b->data[i++], &out);
		chars += out.n;
		sum += out.bytes[0];
	}
	*c = (struct counted){chars, sum};
}

static double measure(const char *name, const char *how,
		      void (*run)(const struct buffer *, struct counted *), const struct buffer *b,
		      int response, double base)
{
	double best = 1e18, worst = 0;
	struct counted c = {0};

	for (int i = 0; i < RUNS; i++) {
		double t;

		content_begin(&state, response);
		t = now();
		run(b, &c);
		t = (now() - t) / (double)b->len;
		best = t < best ? t : best;
		worst = t > worst ? t : worst;
	}
	if (state.lost || state.unread) {
		fprintf(stderr, "bench_content: %s was not read\n", name);
		exit(1);
	}
	printf("%-8s %-12s %6.3f ns a byte (slowest %.3f)", name, how, best, worst);
	if (base > 0)
		printf(", %5.1f copies, %.0f %% of the bytes are text", best / base,
		       100.0 * (double)c.chars / (double)b->len);
	printf("\n");
	return best;
}

static void both(const char *name, struct buffer *b, int response)
{
	double base = measure(name, "copy", copy, b, response, 0);

	measure(name, "byte by byte", by_byte, b, response, base);
	measure(name, "with runs", by_run, b, response, base);
	buffer_free(b);
}

int main(void)
{
	struct buffer b = {0};

	put_request(&b);
	both("request", &b, 0);
	put_prose(&b);
	both("prose", &b, 0);
	put_stream(&b, "text_delta", "text", "", " what happens when there is no such\\nthing");
	both("text", &b, 1);
	put_stream(&b, "input_json_delta", "partial_json", "[\\\"",
		   " grep -rn \\\\\\\"a b\\\\\\\" src");
	both("input", &b, 1);
	printf("state %zu bytes, out %zu bytes\n", sizeof(struct content_state),
	       sizeof(struct content_out));
	return 0;
}
