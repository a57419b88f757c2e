/* SPDX-License-Identifier: Apache-2.0 */
/* For tests on recorded traffic: a recording, and the data path over it in plain C. What is done
 * with a call's bytes is what bpf/inline_text.bpf.h does, with the same machine and scanner: text
 * is gathered, scanned, and masked where it lies. */
#ifndef UNIT_RECORDING_H
#define UNIT_RECORDING_H

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/cleanup.h"
#include "bpf/scan.h"
#include "content_reader.h"

#define RECORDING_MAX ((size_t)8 << 20)
#define FLOW_SLACK    128 /* bytes of text that a step gives at most */
#define FLOW_STRIDE   64

enum { SENT, RECEIVED };

/* What is known of one direction between two pieces. */
struct flow {
	struct content_state content;
	struct scan_state scan;
};

/* A TLS record, as it was on the wire: one call of the client. */
struct piece {
	uint8_t way;
	uint8_t asked;	    /* what the response answers that begins with it */
	size_t at, len;	    /* in the bytes of its direction */
	size_t next;	    /* the next one of that direction, or n */
	struct flow before; /* what is known before it */
};

/* A byte of a direction: what the machine said of it. */
struct byte_said {
	uint8_t flags;
	uint8_t kind;	/* of a byte of a character in text, all of whose bytes lie together */
	uint8_t begins; /* the character does not go on the one before */
	uint8_t starts; /* first byte of a character */
	uint8_t split;	/* last byte of one whose bytes do not */
};

struct recording {
	char name[64];
	uint8_t *bytes[2], *masked[2];
	struct byte_said *said[2];
	size_t len[2];
	struct piece *pieces;
	size_t n;
};

/* Where a byte of text lies. */
struct text_at {
	uint32_t last, have;
	struct content_out out;
};

/* A call on its way. */
struct flow_call {
	const struct scan_table *table;
	uint8_t *raw;
	struct byte_said *said; /* may be NULL */
	struct scan_buffer text;
	struct text_at at[SCAN_BUFFER];
	uint32_t n;
	bool ended;
	unsigned long spans;
	unsigned long found[SCAN_DETECTORS_MAX];
};

static inline void flow_take(struct flow_call *c, size_t at, const struct content_out *o,
			     uint32_t have)
{
	if (c->said) {
		struct byte_said *s = &c->said[at];

		*s = (struct byte_said){.flags = o->flags};
		if (o->n && o->raw == o->run && o->raw <= have) {
			for (uint32_t i = 0; i < o->raw; i++)
				s[-(ptrdiff_t)i].kind = o->kind;
			s[1 - (ptrdiff_t)o->raw].begins = o->begins;
			s[1 - (ptrdiff_t)o->raw].starts = 1;
		} else if (o->n) {
			s->split = 1;
		}
	}
	if (o->flags & CONTENT_ENDS)
		c->ended = true;
	if (!o->n)
		return;
	if (o->begins) {
		c->at[c->n] = (struct text_at){0};
		c->text.byte[c->n++] = CONTENT_MARK;
	}
	for (uint32_t i = 0; i < o->n; i++) {
		c->at[c->n] = (struct text_at){0};
		/* a character is masked with its last byte */
		if (i + 1u == o->n)
			c->at[c->n] = (struct text_at){(uint32_t)at, have, *o};
		c->text.byte[c->n++] = o->bytes[i];
	}
}

static void flow_sink(void *ctx, size_t at, const struct content_out *o, uint32_t have)
{
	flow_take(ctx, at, o, have);
}

static void flow_mask(void *ctx, const struct scan_span *s)
{
	struct flow_call *c = ctx;

	c->spans++;
	c->found[s->detector]++;
	for (uint32_t i = s->start; i < s->end; i++) {
		const struct text_at *t = &c->at[i];
		uint8_t style = scan_masked(s->flags, c->text.byte[i]);

		if (t->have && style != c->text.byte[i])
			content_reader_mask(c->raw + t->last, &t->out, t->have, style);
	}
}

/* Text of one message at most, as much as there is room for. Returns where it ended. */
static inline size_t flow_gather(struct flow_call *c, struct flow *f, size_t at, size_t len)
{
	struct content_reader r = {
		.state = f->content, .fast = true, .sink = flow_sink, .ctx = c, .at = at};

	c->n = 0;
	c->ended = false;
	while (r.at < len && c->n <= SCAN_BUFFER - FLOW_SLACK && !c->ended) {
		size_t n = len - r.at < FLOW_STRIDE ? len - r.at : FLOW_STRIDE;
		struct content_out out;

		if (content_reader_run(&r, c->raw + r.at, n))
			continue;
		content_step(&r.state, c->raw[r.at], &out);
		flow_take(c, r.at, &out, content_reader_have(&out, r.at + 1));
		r.at++;
	}
	f->content = r.state;
	return r.at;
}

/* The bytes of a call, which it is given in `raw` and leaves masked there. */
static inline void flow_call(struct flow_call *c, struct flow *f, uint8_t *raw, size_t len,
			     struct byte_said *said)
{
	for (size_t done = 0; done < len;) {
		size_t part = len - done < SCAN_BUFFER ? len - done : SCAN_BUFFER, at = 0;

		c->raw = raw + done;
		c->said = said ? said + done : NULL;
		while (at < part) {
			at = flow_gather(c, f, at, part);
			if (c->n)
				scan_bytes(c->table, &f->scan, c->text.byte, c->n, c, flow_mask);
		}
		done += part;
	}
	assert_int_equal(f->content.lost, 0);
}

/* ---- recordings --------------------------------------------------------------------------------
 */

static inline void recording_free(struct recording *r)
{
	for (int way = SENT; way <= RECEIVED; way++) {
		free(r->bytes[way]);
		free(r->masked[way]);
		free(r->said[way]);
	}
	free(r->pieces);
	memset(r, 0, sizeof(*r));
}

static inline uint8_t *recording_unpack(const char *path, size_t *ret_len)
{
	_cleanup_free_ uint8_t *packed = malloc(RECORDING_MAX);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	uint8_t *bytes = malloc(RECORDING_MAX);
	size_t n;

	assert_non_null(f);
	assert_non_null(packed);
	assert_non_null(bytes);
	n = fread(packed, 1, RECORDING_MAX, f);
	*ret_len = ZSTD_decompress(bytes, RECORDING_MAX, packed, n);
	assert_false(ZSTD_isError(*ret_len));
	return bytes;
}

/* Reads `> LENGTH` or `< LENGTH`, a line end, and so many bytes, again and again. */
static inline void recording_open(struct recording *r, const char *path)
{
	size_t len = 0, last[2] = {SIZE_MAX, SIZE_MAX};
	_cleanup_free_ uint8_t *all = recording_unpack(path, &len);

	memset(r, 0, sizeof(*r));
	snprintf(r->name, sizeof(r->name), "%s", strrchr(path, '/') + 1);
	for (int way = SENT; way <= RECEIVED; way++) {
		r->bytes[way] = malloc(len);
		r->masked[way] = malloc(len);
		r->said[way] = calloc(len, sizeof(*r->said[way]));
		assert_non_null(r->bytes[way]);
		assert_non_null(r->masked[way]);
		assert_non_null(r->said[way]);
	}
	for (size_t at = 0; at < len;) {
		struct piece *p;
		size_t number = 0;

		if (r->n % 1024 == 0) {
			p = realloc(r->pieces, (r->n + 1024) * sizeof(*p));
			assert_non_null(p);
			r->pieces = p;
		}
		p = &r->pieces[r->n];
		memset(p, 0, sizeof(*p));
		assert_true(all[at] == '>' || all[at] == '<');
		p->way = all[at] == '>' ? SENT : RECEIVED;
		for (at += 2; at < len && all[at] != '\n'; at++)
			number = number * 10 + (all[at] - '0');
		at++;
		assert_true(number > 0 && at < len && number <= len - at);
		p->at = r->len[p->way];
		p->len = number;
		memcpy(r->bytes[p->way] + p->at, all + at, number);
		r->len[p->way] += number;
		if (last[p->way] != SIZE_MAX)
			r->pieces[last[p->way]].next = r->n;
		last[p->way] = r->n++;
		at += number;
	}
	for (int way = SENT; way <= RECEIVED; way++)
		if (last[way] != SIZE_MAX)
			r->pieces[last[way]].next = r->n;
}

/* Masks all of it as it was recorded, and keeps what was known before each piece. */
static inline void recording_mask(struct recording *r, struct flow_call *c)
{
	struct flow f[2];

	memset(f, 0, sizeof(f));
	content_begin(&f[SENT].content, 0);
	content_begin(&f[RECEIVED].content, 1);
	for (size_t i = 0; i < r->n; i++) {
		struct piece *p = &r->pieces[i];
		struct flow *now = &f[p->way];

		p->asked = f[SENT].content.method;
		if (p->way == RECEIVED && now->content.state == CONTENT_AT_START)
			content_answers(&now->content, p->asked);
		p->before = *now;
		memcpy(r->masked[p->way] + p->at, r->bytes[p->way] + p->at, p->len);
		flow_call(c, now, r->masked[p->way] + p->at, p->len, r->said[p->way] + p->at);
	}
}

#endif
