// SPDX-License-Identifier: Apache-2.0
/* The content machine against any bytes. The first byte says what they are, the second how they are
 * cut and which characters are masked.
 *
 * Checked: any pieces read the same as single bytes; JSON that a library takes is not called
 * broken; after masking, and after refusing calls of tools, the library still takes it, and the
 * machine finds the same messages, bodies and strings at the same places. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tests/unit/content_reader.h"

#define BYTES_MAX 8192

/* What was said of each byte. */
struct reading {
	struct content_out out[BYTES_MAX];
	uint32_t have[BYTES_MAX];
	uint8_t lost, unread, deep;
	const struct content_state *state;
	size_t n;
};

struct input {
	uint8_t bytes[BYTES_MAX];
	size_t len;
	int response;
	uint8_t asked;
	uint32_t seed;
};

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void take(void *ctx, size_t at, const struct content_out *out, uint32_t have)
{
	struct reading *s = ctx;

	if (at >= BYTES_MAX || at != s->n || out->kind > CONTENT_REQUEST || out->n > CONTENT_BYTES)
		abort();
	if (out->n && (!out->kind || out->run > out->raw || have > out->run))
		abort();
	s->out[at] = *out;
	s->have[at] = have;
	s->unread |= s->state->unread;
	s->deep |= s->state->unread == CONTENT_UNREAD_DEEP;
	s->n++;
}

/* pieces 0: byte by byte, else of up to so many. */
static void read_all(const struct input *in, uint32_t pieces, struct reading *said)
{
	static struct content_reader r;
	uint32_t seed = in->seed;

	r = (struct content_reader){.fast = pieces > 0, .sink = take, .ctx = said};
	said->n = said->unread = said->deep = 0;
	said->state = &r.state;
	content_begin(&r.state, in->response);
	content_answers(&r.state, in->asked);
	for (size_t at = 0; at < in->len;) {
		size_t n = pieces ? 1 + draw(&seed) % pieces : 1;
		uint8_t *copy;

		n = in->len - at < n ? in->len - at : n;
		copy = malloc(n); /* a read past the end is seen */
		if (!copy)
			exit(0);
		memcpy(copy, in->bytes + at, n);
		content_reader_feed(&r, copy, n);
		free(copy);
		at += n;
	}
	said->lost = r.state.lost;
	if (said->n != in->len)
		abort();
}

static void same(const struct reading *a, const struct reading *b, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const struct content_out *x = &a->out[i], *y = &b->out[i];

		if (x->n != y->n || x->flags != y->flags || memcmp(x->bytes, y->bytes, x->n) != 0)
			abort();
		if (x->n && (x->kind != y->kind || x->begins != y->begins || x->form != y->form ||
			     x->raw != y->raw || x->run != y->run || x->code != y->code))
			abort();
	}
	if (a->lost != b->lost)
		abort();
}

/* The body of the last message, when that message is whole. */
static size_t body_of(const struct input *in, const struct reading *said, uint8_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < in->len; i++) {
		if (said->out[i].flags & CONTENT_BODY_BEGINS)
			n = 0;
		if (said->out[i].flags & CONTENT_BODY)
			ret[n++] = in->bytes[i];
	}
	return in->len && said->out[in->len - 1].flags & CONTENT_ENDS ? n : 0;
}

static int is_json(const uint8_t *bytes, size_t len)
{
	json_t *v = json_loadb((const char *)bytes, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	json_decref(v);
	return v != NULL;
}

/* Characters of a text that is masked have other bytes and another count of them; what stays is
 * where messages, bodies and texts are. */
static void alike(const struct reading *a, const struct reading *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (a->out[i].flags != b->out[i].flags)
			abort();
	if (a->lost != b->lost || a->unread != b->unread)
		abort();
	for (size_t i = 0; i < len; i++)
		if (a->out[i].n && a->out[i].form == CONTENT_PLAIN && !b->out[i].n)
			abort();
}

static void mask(struct input *in, const struct reading *said, uint32_t density,
		 struct reading *again)
{
	uint32_t seed = in->seed;
	struct input was = *in;

	for (size_t i = 0; i < in->len; i++) {
		const struct content_out *o = &said->out[i];
		uint32_t have = said->have[i];

		if (!o->n || draw(&seed) % (density + 1))
			continue;
		if (have && draw(&seed) % 2)
			have = 1 + draw(&seed) % have;
		content_reader_mask(in->bytes + i, o, have, '*');
	}
	for (size_t i = 0; i < in->len; i++)
		if (was.bytes[i] != in->bytes[i] && !(said->out[i].flags & CONTENT_BODY))
			abort();
	read_all(in, 0, again);
	alike(said, again, in->len);
}

/* Refuses some of the calls, as the program in the kernel does with pieces of that size. */
static void refuse(struct input *in, const struct reading *said, uint32_t pieces,
		   struct reading *again)
{
	uint32_t seed = in->seed, end, len;
	struct content_state s;
	struct content_out o;
	size_t from = 0, to = 0;
	uint8_t byte;

	content_begin(&s, in->response);
	content_answers(&s, in->asked);
	for (size_t i = 0; i < in->len; i++) {
		if (i == to) {
			from = to;
			to += 1 + draw(&seed) % pieces;
			to = to < in->len ? to : in->len;
		}
		content_step(&s, in->bytes[i], &o);
		if (!(o.flags & CONTENT_TOOL_NAME) || draw(&seed) % 4 == 0)
			continue;
		if (o.n || o.kind || !in->response)
			abort();
		end = content_tool_end(&s, (uint32_t)(i - from), i + 1 == to);
		len = end ? content_tool_len(&o, end) : 0;
		if (!len)
			continue;
		if (len > end || len > o.raw)
			abort();
		byte = content_tool_byte(&s, &o, len, in->bytes[from + end - 1]);
		if (byte == in->bytes[from + end - 1])
			abort();
		memset(in->bytes + from + end - len, byte, len);
	}
	read_all(in, 0, again);
	for (size_t i = 0; i < in->len; i++)
		if ((said->out[i].flags ^ again->out[i].flags) & ~CONTENT_TOOL_NAME)
			abort();
	if (said->lost != again->lost || said->unread != again->unread)
		abort();
}

/* A head is put before most inputs, so that the fuzzer reaches the bodies at once. */
static void wrap(struct input *in, uint8_t how, const uint8_t *data, size_t size)
{
	static const char *const types[] = {"application/json", "text/event-stream", "text/plain",
					    "application/x+json; a=b"};
	int n = 0;

	in->response = how & 1;
	in->asked = how & 0x80 ? how >> 5 : 0;
	if (how & 2) {
		n = snprintf((char *)in->bytes, BYTES_MAX, "%s\r\nContent-Type: %s\r\n%s",
			     how & 1	  ? "HTTP/1.1 200 OK"
			     : how & 0x10 ? "POST /x HTTP/1.1"
					  : "POST /v1/messages HTTP/1.1",
			     types[how >> 2 & 3],
			     how & 0x20 ? "Transfer-Encoding: chunked\r\n\r\n" : "");
		if (!(how & 0x20))
			n += snprintf((char *)in->bytes + n, BYTES_MAX - (size_t)n,
				      "Content-Length: %zu\r\n\r\n", size);
	}
	in->len = (size_t)n;
	while (how & 2 && how & 0x20 && size) { /* in chunks of 7 */
		size_t part = size < 7 ? size : 7;

		n = snprintf((char *)in->bytes + in->len, 8, "%zx\r\n", part);
		in->len += (size_t)n;
		memcpy(in->bytes + in->len, data, part);
		memcpy(in->bytes + in->len + part, "\r\n", 2);
		in->len += part + 2;
		data += part;
		size -= part;
	}
	memcpy(in->bytes + in->len, data, size);
	in->len += size;
	if (how & 2 && how & 0x20) {
		memcpy(in->bytes + in->len, "0\r\n\r\n", 5);
		in->len += 5;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reading bytes, pieces, masked;
	static struct input in, was;
	static uint8_t body[BYTES_MAX];
	size_t len;
	int json;

	if (size < 2 || size > 3000)
		return 0;
	wrap(&in, data[0], data + 2, size - 2);
	in.seed = data[1] * 2654435761u;
	read_all(&in, 0, &bytes);
	read_all(&in, 1 + data[1] % 61, &pieces);
	same(&bytes, &pieces, in.len);

	len = body_of(&in, &bytes, body);
	json = (data[0] & 2) && (data[0] >> 2 & 3) == 0 && is_json(body, len);
	if (json && bytes.unread && !bytes.deep)
		abort();
	was = in;
	refuse(&was, &bytes, 1 + data[1] % 61, &masked);
	len = body_of(&was, &masked, body);
	if (json && !is_json(body, len))
		abort();
	mask(&in, &pieces, data[1] & 7, &masked);
	len = body_of(&in, &masked, body);
	if (json && !is_json(body, len))
		abort();
	return 0;
}
