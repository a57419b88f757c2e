/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of the content machine: bytes in, what was read as text, a line a string. Every
 * example is fed whole, in two pieces cut everywhere, and byte by byte. */
#ifndef TEST_CONTENT_H
#define TEST_CONTENT_H

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "content_reader.h"

#define CONTENT_TEST_MAX ((size_t)1 << 28)

/* Two pieces are tried for examples up to this: the work grows with the square. */
#define CONTENT_TEST_CUTS 6000

struct content_record {
	struct buffer out;
	struct content_reader reader;
	uint8_t lost;
};

static inline void content_put(struct buffer *b, const char *text)
{
	assert_int_equal(buffer_append(b, text, strlen(text), CONTENT_TEST_MAX), 0);
}

static inline const char *content_unread_name(uint8_t unread)
{
	static const char *const names[] = {"", "coded", "json", "deep", "type"};

	assert_true(unread < sizeof(names) / sizeof(names[0]));
	return names[unread];
}

static inline const char *content_lost_name(uint8_t lost)
{
	static const char *const names[] = {"", "start", "http2", "head", "chunk", "tunnel"};

	assert_true(lost < sizeof(names) / sizeof(names[0]));
	return names[lost];
}

/* "T text", "I input", "R request", "." where a message ends and why it was not read, "!" where the
 * place was lost. */
static inline void content_record_byte(void *ctx, size_t at, const struct content_out *out,
				       uint32_t have)
{
	static const char letters[] = "-TIR";
	struct content_record *r = ctx;
	char line[4] = {'\n', 0, ' ', 0};

	assert_true(out->kind <= CONTENT_REQUEST);
	assert_true(have <= out->run && out->run <= out->raw);
	if (out->n) {
		assert_int_not_equal(out->kind, CONTENT_NONE);
		assert_true(out->n <= CONTENT_BYTES);
		line[1] = letters[out->kind];
		if (out->begins)
			content_put(&r->out, line);
		assert_int_equal(buffer_append(&r->out, out->bytes, out->n, CONTENT_TEST_MAX), 0);
	}
	if (out->flags & CONTENT_ENDS) {
		content_put(&r->out, "\n.");
		content_put(&r->out, content_unread_name(r->reader.state.unread));
	}
	if (r->reader.state.lost != r->lost) {
		r->lost = r->reader.state.lost;
		content_put(&r->out, "\n!");
		content_put(&r->out, content_lost_name(r->lost));
	}
	(void)at;
}

struct content_case {
	int response;
	uint8_t asked;
	const void *bytes;
	size_t len;
};

/* Whether the targets of requests are told. */
static bool content_targets;

/* Pieces of at most `piece` bytes, and one more cut. Returns what was read; the caller frees it. */
static inline char *content_read(const struct content_case *c, bool fast, size_t piece, size_t cut)
{
	struct content_record r = {0};
	size_t at = 0;

	r.reader.fast = fast;
	r.reader.targets = content_targets;
	r.reader.sink = content_record_byte;
	r.reader.ctx = &r;
	content_begin(&r.reader.state, c->response);
	content_answers(&r.reader.state, c->asked);
	while (at < c->len) {
		size_t n = c->len - at < piece ? c->len - at : piece;
		uint8_t *copy;

		if (at < cut && at + n > cut)
			n = cut - at;
		/* a copy of exactly n bytes: the sanitizer sees a read past its end */
		copy = malloc(n);
		assert_non_null(copy);
		memcpy(copy, (const uint8_t *)c->bytes + at, n);
		content_reader_feed(&r.reader, copy, n);
		free(copy);
		at += n;
	}
	if (r.reader.state.unread && r.reader.state.state != CONTENT_AT_START) {
		content_put(&r.out, "\n?");
		content_put(&r.out, content_unread_name(r.reader.state.unread));
	}
	assert_int_equal(buffer_append(&r.out, "", 1, CONTENT_TEST_MAX), 0);
	/* the first line end stands before the first line */
	if (r.out.data[0] == '\n')
		memmove(r.out.data, r.out.data + 1, r.out.len - 1);
	return (char *)r.out.data;
}

static inline void content_same(const struct content_case *c, const char *want, bool fast,
				size_t piece, size_t cut)
{
	char *got = content_read(c, fast, piece, cut);

	assert_string_equal(got, want);
	free(got);
}

static inline void content_expect_bytes(const struct content_case *c, const char *want)
{
	content_same(c, want, false, SIZE_MAX, 0);
	content_same(c, want, true, SIZE_MAX, 0);
	content_same(c, want, true, 1, 0);
	for (size_t cut = 1; cut < c->len && c->len <= CONTENT_TEST_CUTS; cut++)
		content_same(c, want, true, SIZE_MAX, cut);
}

static inline void content_expect(int response, const char *text, const char *want)
{
	content_expect_bytes(&(struct content_case){response, 0, text, strlen(text)}, want);
}

/* A response with that body, in chunks of a size; 0: with its length. */
static inline void content_answer(struct buffer *b, const char *type, const char *body,
				  size_t chunk)
{
	size_t len = strlen(body);

	b->len = 0;
	assert_int_equal(
		buffer_printf(b, CONTENT_TEST_MAX, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n", type),
		0);
	if (!chunk) {
		assert_int_equal(buffer_printf(b, CONTENT_TEST_MAX, "Content-Length: %zu\r\n\r\n%s",
					       len, body),
				 0);
		return;
	}
	content_put(b, "Transfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < len; i += chunk) {
		size_t n = len - i < chunk ? len - i : chunk;

		assert_int_equal(
			buffer_printf(b, CONTENT_TEST_MAX, "%zx\r\n%.*s\r\n", n, (int)n, body + i),
			0);
	}
	content_put(b, "0\r\n\r\n");
}

/* A Messages request with that body. */
static inline void content_ask(struct buffer *b, const char *path, const char *body)
{
	b->len = 0;
	assert_int_equal(buffer_printf(b, CONTENT_TEST_MAX,
				       "POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: "
				       "application/json\r\nContent-Length: %zu\r\n\r\n%s",
				       path, strlen(body), body),
			 0);
}

static inline void content_expect_buffer(int response, const struct buffer *b, const char *want)
{
	content_expect_bytes(&(struct content_case){response, 0, b->data, b->len}, want);
}

/* The body in one piece and in chunks of every size up to 40. */
static inline void content_expect_answer(const char *type, const char *body, const char *want)
{
	struct buffer b = {0};

	for (size_t chunk = 0; chunk <= 40; chunk++) {
		struct content_case c = {1, 0, NULL, 0};

		content_answer(&b, type, body, chunk);
		c.bytes = b.data;
		c.len = b.len;
		if (chunk == 0) {
			content_expect_bytes(&c, want);
		} else {
			content_same(&c, want, true, SIZE_MAX, 0);
			content_same(&c, want, false, 1, 0);
		}
	}
	buffer_free(&b);
}

static inline void content_expect_ask(const char *path, const char *body, const char *want)
{
	struct buffer b = {0};

	content_ask(&b, path, body);
	content_expect_buffer(0, &b, want);
	buffer_free(&b);
}

#endif
