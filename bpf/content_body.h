/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bytes of a body: as they are, JSON, or server-sent events (WHATWG HTML, 9.2.6) with JSON. */
#ifndef BAILIFF_CONTENT_BODY_H
#define BAILIFF_CONTENT_BODY_H

#include "bpf/content_message.h"

enum content_line {
	CONTENT_LINE_START,
	CONTENT_LINE_NAME, /* "data", so far */
	CONTENT_LINE_SPACE,
	CONTENT_LINE_DATA,
	CONTENT_LINE_SKIP,
};

/* ---- server-sent events -----------------------------------------------------------------------
 */

static __always_inline void content_event_ends(struct content_state *s)
{
	struct content_body *b = &s->body;

	if (!b->has_data)
		return;
	content_json_ends(s);
	b->has_data = 0;
	b->key = b->input = b->never = b->error = b->redacted = b->tool = 0;
	__builtin_memset(&b->outer, 0, sizeof(b->outer));
}

/* Lines of data are joined by line ends. */
static __always_inline void content_data_begins(struct content_state *s, struct content_out *o)
{
	struct content_body *b = &s->body;

	if (b->has_data) {
		o->code = '\n';
		o->raw = 0;
		(void)content_json(s, o);
	}
	b->has_data = 1;
}

static __always_inline void content_line_ends(struct content_state *s, struct content_out *o)
{
	struct content_body *b = &s->body;

	if (b->line == CONTENT_LINE_START)
		content_event_ends(s);
	else if (b->line == CONTENT_LINE_NAME && b->line_at == 4)
		content_data_begins(s, o);
	b->line = CONTENT_LINE_START;
}

/* Returns 1 when the byte is of an event's data. */
static __always_inline int content_sse(struct content_state *s, __u8 c, struct content_out *o)
{
	struct content_body *b = &s->body;

	if (b->bom < 3) { /* a byte order mark, once */
		if (c == (b->bom == 0 ? 0xef : b->bom == 1 ? 0xbb : 0xbf)) {
			b->bom++;
			return 0;
		}
		if (b->bom)
			b->line = CONTENT_LINE_SKIP;
		b->bom = 3;
	}
	if (c == '\n' && b->line_cr) {
		b->line_cr = 0;
		return 0;
	}
	b->line_cr = c == '\r';
	if (c == '\r' || c == '\n') {
		content_line_ends(s, o);
		return 0;
	}
	switch (b->line) {
	case CONTENT_LINE_START:
		b->line = c == 'd' ? CONTENT_LINE_NAME : CONTENT_LINE_SKIP;
		b->line_at = 1;
		return 0;
	case CONTENT_LINE_NAME:
		if (b->line_at == 4 && c == ':') {
			b->line = CONTENT_LINE_SPACE;
			content_data_begins(s, o);
		} else if (c != (b->line_at == 1   ? 'a'
				 : b->line_at == 2 ? 't'
						   : 'a') ||
			   b->line_at == 4) {
			b->line = CONTENT_LINE_SKIP;
		}
		b->line_at++;
		return 0;
	case CONTENT_LINE_SPACE:
		b->line = CONTENT_LINE_DATA;
		return c != ' ';
	case CONTENT_LINE_DATA:
		return 1;
	default:
		return 0;
	}
}

/* The middle of a string, by far the most of a body: what the long way comes to for a byte that
 * stands for itself. Returns 0 where it is another. */
static __always_inline int content_body_plain(struct content_state *s, __u8 c,
					      struct content_out *o)
{
	struct content_body *b = &s->body;

	if (b->outer.state != CONTENT_JSON_STRING || !content_is_ordinary(c) || b->outer.high ||
	    b->char_left || (s->mode == CONTENT_MODE_SSE && b->line != CONTENT_LINE_DATA))
		return 0;
	if (b->run < CONTENT_SATURATED)
		b->run++;
	o->code = c;
	o->raw = 1;
	o->form = CONTENT_PLAIN;
	if (b->outer.key || b->collect)
		content_collect(s, o);
	if (b->outer.key || !b->kind)
		return 1;
	if (!b->partial) {
		content_emit(b, o, b->kind);
	} else if (b->inner.state == CONTENT_JSON_STRING && !b->inner.high) {
		if (!b->inner.key)
			content_emit(b, o, CONTENT_INPUT);
	} else {
		content_piece(s, o);
	}
	return 1;
}

/* Takes a byte of the body. */
CONTENT_FUNCTION int content_body_step(struct content_state *s, __u8 c, struct content_out *o)
{
	struct content_body *b;

	if (!s || !o)
		return 0;
	b = &s->body;
	if (s->mode == CONTENT_MODE_SKIP)
		return 0;
	if (content_body_plain(s, c, o))
		return 0;
	if (s->mode == CONTENT_MODE_SSE && !content_sse(s, c, o))
		return 0;
	if (b->run < CONTENT_SATURATED)
		b->run++;
	if (!content_char(b, c, o)) {
		o->kind = s->mode == CONTENT_MODE_RAW ? CONTENT_REQUEST : CONTENT_NONE;
		return 0;
	}
	if (s->mode == CONTENT_MODE_RAW)
		content_emit(b, o, CONTENT_REQUEST);
	else
		(void)content_json(s, o);
	return 0;
}

#endif
