// SPDX-License-Identifier: Apache-2.0
/* Content and transfer codings, undone as the bytes come. */
#include "wire/coding.h"

#include <brotli/decode.h>
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define OUTPUT_SIZE 16384
/* RFC 9659: a zstd window over 8 MiB is not for HTTP; the sender chooses what the decoder
 * allocates. */
#define ZSTD_WINDOW_LOG 23

enum coding_kind {
	CODING_GZIP,
	CODING_DEFLATE,
	CODING_BR,
	CODING_ZSTD,
};

struct stage {
	enum coding_kind kind;
	bool started;	  /* the decoder exists */
	bool between;	  /* nothing, or only whole members or frames, so far */
	uint8_t start[2]; /* of a deflate body: zlib or raw is told by them */
	uint8_t n_start;
	uint64_t given;
	char *out; /* OUTPUT_SIZE bytes; not on the stack, where nobody would zero them */
	union {
		z_stream zlib;
		BrotliDecoderState *br;
		ZSTD_DStream *zstd;
	};
};

struct coding {
	struct coding_limits limits;
	coding_sink sink;
	void *ctx;
	uint64_t in;
	const char *why;
	size_t n_stages; /* the last one is fed first */
	struct stage stages[CODING_CHAIN_MAX];
};

/* Windows hold captured bytes: zeroed when the decoder lets go of them. */
static void *coding_alloc(void *ctx, size_t size)
{
	size_t *p = size < SIZE_MAX / 2 ? malloc(size + 16) : NULL;

	if (!p)
		return NULL;
	*p = size;
	return (char *)p + 16;
}

static void coding_release(void *ctx, void *at)
{
	char *p = at;
	size_t size;

	if (!p)
		return;
	memcpy(&size, p - 16, sizeof(size));
	explicit_bzero(p, size);
	free(p - 16);
}

static void *zlib_alloc(void *ctx, uInt items, uInt size)
{
	return coding_alloc(ctx, (size_t)items * size);
}

static bool coding_named(struct wire_text name, enum coding_kind *ret)
{
	static const struct {
		struct wire_text name;
		enum coding_kind kind;
	} codings[] = {
		{TEXT("gzip"), CODING_GZIP},	   {TEXT("x-gzip"), CODING_GZIP},
		{TEXT("deflate"), CODING_DEFLATE}, {TEXT("br"), CODING_BR},
		{TEXT("zstd"), CODING_ZSTD},
	};

	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
		if (text_equal_nocase(name, codings[i].name)) {
			*ret = codings[i].kind;
			return true;
		}
	}
	return false;
}

static int coding_add_list(struct coding *c, struct wire_text list)
{
	while (list.len) {
		const char *comma = memchr(list.data, ',', list.len);
		size_t n = comma ? (size_t)(comma - list.data) : list.len;
		struct wire_text name = text_trim(text_cut(list, n));
		struct stage *s = &c->stages[c->n_stages];

		list = text_from(list, comma ? n + 1 : n);
		if (!name.len || text_equal_nocase(name, TEXT("identity")) ||
		    text_equal_nocase(name, TEXT("chunked")))
			continue;
		if (c->n_stages == CODING_CHAIN_MAX || !coding_named(name, &s->kind))
			return -ENOTSUP;
		s->between = true;
		c->n_stages++;
	}
	return 0;
}

int coding_new(struct wire_text content, struct wire_text transfer,
	       const struct coding_limits *limits, coding_sink sink, void *ctx, struct coding **ret)
{
	struct coding *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->limits = *limits;
	c->sink = sink;
	c->ctx = ctx;
	r = coding_add_list(c, content);
	if (r == 0)
		r = coding_add_list(c, transfer);
	if (r < 0) {
		free(c);
		return r;
	}
	*ret = c;
	return 0;
}

static void stage_stop(struct stage *s)
{
	if (s->out)
		explicit_bzero(s->out, OUTPUT_SIZE);
	free(s->out);
	s->out = NULL;
	if (!s->started)
		return;
	if (s->kind == CODING_BR)
		BrotliDecoderDestroyInstance(s->br);
	else if (s->kind == CODING_ZSTD)
		ZSTD_freeDStream(s->zstd);
	else
		inflateEnd(&s->zlib);
	s->started = false;
}

void coding_free(struct coding *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_stages; i++)
		stage_stop(&c->stages[i]);
	free(c);
}

static int stage_start(struct stage *s)
{
	int bits = 15 + 16;

	s->out = calloc(1, OUTPUT_SIZE);
	if (!s->out)
		return -ENOMEM;
	switch (s->kind) {
	case CODING_BR:
		s->br = BrotliDecoderCreateInstance(coding_alloc, coding_release, NULL);
		s->started = s->br;
		break;
	case CODING_ZSTD:
		s->zstd = ZSTD_createDStream();
		s->started = s->zstd;
		if (s->zstd)
			ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
		break;
	case CODING_DEFLATE:
		/* some servers send raw deflate; a zlib header is a multiple of 31 (RFC 1950) */
		bits = (s->start[0] & 0x0f) == Z_DEFLATED &&
				       (s->start[0] << 8 | s->start[1]) % 31 == 0
			       ? 15
			       : -15;
		/* fall through */
	case CODING_GZIP:
		s->zlib = (z_stream){.zalloc = zlib_alloc, .zfree = coding_release};
		s->started = inflateInit2(&s->zlib, bits) == Z_OK;
		break;
	}
	return s->started ? 0 : -ENOMEM;
}

static int coding_bad(struct coding *c, const char *why)
{
	c->why = why;
	return -EBADMSG;
}

static int coding_stage_feed(struct coding *c, size_t n, const char *bytes, size_t len);

/* What stage i gave goes into the one below, or out. */
static int coding_give(struct coding *c, size_t i, const char *bytes, size_t len)
{
	struct stage *s = &c->stages[i];

	if (!len)
		return 0;
	s->given += len;
	if (s->given > c->limits.body)
		return coding_bad(c, "a body over the limit");
	if (s->given > CODING_RATIO_FROM && s->given / c->limits.ratio > c->in)
		return coding_bad(c, "a body that grows over the ratio");
	return coding_stage_feed(c, i, bytes, len);
}

static int stage_inflate(struct coding *c, size_t i, const char *bytes, size_t len)
{
	struct stage *s = &c->stages[i];
	int r;

	s->zlib.next_in = (Bytef *)bytes;
	s->zlib.avail_in = (uInt)len;
	do {
		/* gzip members may follow one another (RFC 1952, 2.2) */
		if (s->between && s->zlib.avail_in) {
			if (s->kind != CODING_GZIP || inflateReset(&s->zlib) != Z_OK)
				return coding_bad(c, "bytes behind the end of the coding");
		}
		s->between = false;
		s->zlib.next_out = (Bytef *)s->out;
		s->zlib.avail_out = OUTPUT_SIZE;
		r = inflate(&s->zlib, Z_SYNC_FLUSH);
		if (r == Z_MEM_ERROR)
			return -ENOMEM;
		if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
			return coding_bad(c, "broken gzip or deflate data");
		s->between = r == Z_STREAM_END;
		r = coding_give(c, i, s->out, OUTPUT_SIZE - s->zlib.avail_out);
		if (r < 0)
			return r;
	} while (s->zlib.avail_in || (!s->zlib.avail_out && !s->between));
	return 0;
}

static int stage_brotli(struct coding *c, size_t i, const char *bytes, size_t len)
{
	struct stage *s = &c->stages[i];
	const uint8_t *in = (const uint8_t *)bytes;
	BrotliDecoderResult result;
	int r;

	if (s->between)
		return coding_bad(c, "bytes behind the end of the coding");
	s->between = false;
	do {
		uint8_t *next = (uint8_t *)s->out;
		size_t room = OUTPUT_SIZE;

		result = BrotliDecoderDecompressStream(s->br, &len, &in, &room, &next, NULL);
		if (result == BROTLI_DECODER_RESULT_ERROR)
			return coding_bad(c, "broken brotli data");
		r = coding_give(c, i, s->out, OUTPUT_SIZE - room);
		if (r < 0)
			return r;
	} while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT);
	s->between = result == BROTLI_DECODER_RESULT_SUCCESS;
	return len ? coding_bad(c, "bytes behind the end of the coding") : 0;
}

static int stage_zstd(struct coding *c, size_t i, const char *bytes, size_t len)
{
	struct stage *s = &c->stages[i];
	ZSTD_inBuffer in = {bytes, len, 0};
	ZSTD_outBuffer out;
	int r;

	do {
		size_t left;

		out = (ZSTD_outBuffer){s->out, OUTPUT_SIZE, 0};
		left = ZSTD_decompressStream(s->zstd, &out, &in);
		if (ZSTD_isError(left))
			return coding_bad(c, "broken zstd data");
		s->between = left == 0;
		r = coding_give(c, i, s->out, out.pos);
		if (r < 0)
			return r;
	} while (in.pos < in.size || out.pos == out.size);
	return 0;
}

/* Feeds the topmost of the lowest n stages; with none left the bytes are plain. */
static int coding_stage_feed(struct coding *c, size_t n, const char *bytes, size_t len)
{
	struct stage *s;
	int r;

	if (n == 0)
		return c->sink(c->ctx, bytes, len);
	s = &c->stages[n - 1];
	if (!s->started) {
		s->between = false;
		while (s->kind == CODING_DEFLATE && s->n_start < 2 && len) {
			s->start[s->n_start++] = (uint8_t)*bytes++;
			len--;
		}
		if (s->kind == CODING_DEFLATE && s->n_start < 2)
			return 0;
		r = stage_start(s);
		if (r < 0)
			return r;
		if (s->kind == CODING_DEFLATE) {
			r = stage_inflate(c, n - 1, (const char *)s->start, 2);
			if (r < 0)
				return r;
		}
	}
	if (!len)
		return 0;
	switch (s->kind) {
	case CODING_BR:
		return stage_brotli(c, n - 1, bytes, len);
	case CODING_ZSTD:
		return stage_zstd(c, n - 1, bytes, len);
	default:
		return stage_inflate(c, n - 1, bytes, len);
	}
}

int coding_feed(struct coding *c, const char *bytes, size_t len, const char **why)
{
	int r;

	while (len) {
		/* small steps, so that the ratio is seen before much was made of little */
		size_t n = len < OUTPUT_SIZE ? len : OUTPUT_SIZE;

		c->in += n;
		if (!c->n_stages && c->in > c->limits.body)
			r = coding_bad(c, "a body over the limit");
		else
			r = coding_stage_feed(c, c->n_stages, bytes, n);
		if (r < 0) {
			*why = c->why;
			return r;
		}
		bytes += n;
		len -= n;
	}
	return 0;
}

bool coding_whole(const struct coding *c)
{
	for (size_t i = 0; i < c->n_stages; i++)
		if (!c->stages[i].between)
			return false;
	return true;
}
