/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds bytes to the content machine as a program does that is given them in pieces: one by one, or
 * passing over what is ordinary in one go. For tests, the fuzzer and the benchmark. */
#ifndef CONTENT_READER_H
#define CONTENT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/content.h"

/* at: of the byte, counted from the first one of all. have: how many of the bytes of the last
 * character are in this piece, one after the other. */
typedef void (*content_sink)(void *ctx, size_t at, const struct content_out *out, uint32_t have);

struct content_reader {
	struct content_state state;
	bool fast;    /* runs are passed over */
	bool targets; /* of requests: told as well */
	content_sink sink;
	void *ctx;
	size_t at;
};

static inline uint32_t content_reader_have(const struct content_out *out, size_t in_piece)
{
	return out->run < in_piece ? out->run : (uint32_t)in_piece;
}

/* Bytes that content_run() vouches for. Returns how many. */
static inline size_t content_reader_run(struct content_reader *r, const uint8_t *bytes, size_t len)
{
	struct content_out out = {.n = 1, .raw = 1, .run = 1, .flags = CONTENT_BODY};
	uint32_t most = content_run(&r->state, &out.kind);
	size_t n = 0;

	while (n < len && n < most && content_is_ordinary(bytes[n])) {
		out.code = out.bytes[0] = bytes[n];
		if (out.kind)
			r->sink(r->ctx, r->at + n, &out, 1);
		else
			r->sink(r->ctx, r->at + n, &(struct content_out){.flags = CONTENT_BODY}, 0);
		n++;
	}
	if (n + 2 <= len && n + 2 <= most && bytes[n] == '\\' &&
	    (out.code = content_short(&r->state, bytes[n + 1]))) {
		out.bytes[0] = (uint8_t)out.code;
		out.form = CONTENT_SHORT;
		out.raw = out.run = 2;
		r->sink(r->ctx, r->at + n, &(struct content_out){.flags = CONTENT_BODY}, 0);
		if (!out.kind)
			out = (struct content_out){.flags = CONTENT_BODY};
		r->sink(r->ctx, r->at + n + 1, &out, out.kind ? 2 : 0);
		n += 2;
	}
	if (n)
		content_ran(&r->state, (uint32_t)n);
	r->at += n;
	return n;
}

static inline void content_reader_feed(struct content_reader *r, const uint8_t *bytes, size_t len)
{
	struct content_out out;
	size_t i = 0;

	while (i < len) {
		if (r->fast)
			i += content_reader_run(r, bytes + i, len - i);
		if (i == len)
			break;
		content_step(&r->state, bytes[i], &out);
		i++;
		if (!(out.flags & CONTENT_BODY) && !r->targets)
			out.n = out.kind = 0;
		r->sink(r->ctx, r->at, &out, content_reader_have(&out, i));
		r->at++;
	}
}

/* Overwrites the character that ended at `last`. Returns how many bytes. */
static inline uint32_t content_reader_mask(uint8_t *last, const struct content_out *out,
					   uint32_t have, uint8_t style)
{
	uint32_t n = content_mask_len(out, have);

	for (uint32_t i = 0; i < n; i++)
		last[-(ptrdiff_t)i] = content_mask_byte(out, have, style, i);
	return n;
}

#endif
