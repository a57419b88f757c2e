/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What of a TLS stream is text, byte by byte: compiled for the kernel programs that mask in place
 * and, as plain C, for unit tests and the fuzzer. Framing, structure and what is signed are told
 * from what a detector may look at and the masker may change.
 *
 * One struct content_state for each direction of a connection, all-zero before its first byte.
 * Nothing is kept of what went by but what the state holds; any split of the bytes is the same. */
#ifndef BAILIFF_CONTENT_H
#define BAILIFF_CONTENT_H

#include "bpf/content_head.h"

/* The state before the first byte. Requests need no call: theirs is all-zero. */
static __always_inline void content_begin(struct content_state *s, int response)
{
	__builtin_memset(s, 0, sizeof(*s));
	s->response = response != 0;
}

/* Before each response: the method of the request that it answers (enum content_method), which the
 * other direction's state has when the head of the request ended. It is forgotten with the head of
 * the response; an answer to HEAD has no body, whatever it says. */
static __always_inline void content_answers(struct content_state *s, __u8 method)
{
	s->asked = method;
}

/* What follows is not HTTP: the other direction was told so. */
static __always_inline void content_tunnel(struct content_state *s)
{
	content_lose(s, CONTENT_LOST_TUNNEL);
}

/* Takes the next byte, and says what it is. Afterwards, until the next message begins, the state
 * has of the message: method, path, status, type, coded, unread; lost holds for good. A byte of
 * CONTENT_NONE says that there is no text in it only while both unread and lost are 0. */
CONTENT_FUNCTION int content_step(struct content_state *s, __u8 c, struct content_out *o)
{
	if (!s || !o)
		return 0;
	__builtin_memset(o, 0, sizeof(*o));
	if (s->state >= CONTENT_AT_LENGTH && s->state != CONTENT_AT_NOTHING) {
		o->flags = s->begun ? CONTENT_BODY : CONTENT_BODY | CONTENT_BODY_BEGINS;
		s->begun = 1;
		(void)content_body_step(s, c, o);
		if (s->state == CONTENT_AT_CLOSE || --s->left)
			return 0;
		if (s->state == CONTENT_AT_CHUNK)
			s->state = CONTENT_AT_CHUNK_END;
		else
			content_message_ends(s, o);
		return 0;
	}
	switch (s->state) {
	case CONTENT_AT_SIZE:
	case CONTENT_AT_EXTENSION:
	case CONTENT_AT_CHUNK_END:
	case CONTENT_AT_TRAILER:
		return content_chunk_step(s, c, o);
	case CONTENT_AT_NOTHING:
		return 0;
	default:
		return content_head_step(s, c, o);
	}
}

/* ---- many bytes at once -----------------------------------------------------------------------
 */

/* How many bytes may be taken without content_step(), as long as each is ordinary: they are all of
 * the kind *kind, and each is its own decoded byte that goes on the one before. 0: none. For the
 * bulk of a body, of which the machine has nothing to say. */
static __always_inline __u32 content_run(const struct content_state *s, __u8 *kind)
{
	const struct content_body *b = &s->body;
	__u64 left = s->left - 1;

	if (s->state == CONTENT_AT_CLOSE)
		left = ~0u;
	else if (s->state != CONTENT_AT_LENGTH && s->state != CONTENT_AT_CHUNK)
		return 0;
	*kind = CONTENT_NONE;
	if (left > ~0u)
		left = ~0u;
	if (!s->begun || b->char_left || b->broken)
		return 0;
	if (s->mode == CONTENT_MODE_SKIP)
		return (__u32)left;
	if (s->mode != CONTENT_MODE_RAW) {
		if (s->mode == CONTENT_MODE_SSE && b->line != CONTENT_LINE_DATA)
			return b->line == CONTENT_LINE_SKIP && b->bom >= 3 ? (__u32)left : 0;
		if (b->outer.state != CONTENT_JSON_STRING || b->outer.key || b->collect ||
		    b->outer.high)
			return 0;
		if (b->partial && (b->inner.state != CONTENT_JSON_STRING || b->inner.high))
			return 0;
	}
	*kind = s->mode == CONTENT_MODE_RAW  ? CONTENT_REQUEST
		: b->partial && b->inner.key ? CONTENT_NONE
					     : b->kind;
	/* the first of a text says that it begins */
	if (*kind && (b->begin || b->last != *kind))
		return 0;
	return (__u32)left;
}

/* Where content_run() vouches for two bytes, the first a backslash: the character that it and c
 * stand for, which goes on the one before like any other of the run. 0: content_step() has to look.
 */
static __always_inline __u32 content_short(const struct content_state *s, __u8 c)
{
	if (s->body.partial || (s->mode != CONTENT_MODE_JSON && s->mode != CONTENT_MODE_SSE) ||
	    (s->mode == CONTENT_MODE_SSE && s->body.line != CONTENT_LINE_DATA))
		return 0;
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	case '"':
	case '\\':
	case '/':
		return c;
	default:
		return 0;
	}
}

/* n of them were taken. */
static __always_inline void content_ran(struct content_state *s, __u32 n)
{
	if (s->state != CONTENT_AT_CLOSE)
		s->left -= n;
}

/* ---- masking ----------------------------------------------------------------------------------
 */

/* How many bytes of the last character are overwritten to mask it, counted back from the byte that
 * completed it; 0: it cannot be. have: how many of its bytes are in hand; the others went by in an
 * earlier record, or lie before a chunk's or an event's framing; never more than o->run.
 *
 * With all of a character in hand it is gone. Of an escape that was cut in two, enough is changed
 * that it stands for another character. Whatever is masked, the text stays valid JSON of the same
 * length, also as JSON inside of JSON. */
static __always_inline __u32 content_mask_len(const struct content_out *o, __u32 have)
{
	if (!o->n || !have || !o->raw)
		return 0;
	if (o->form == CONTENT_HEX)
		return have < 4 ? have : 4;
	if (have >= o->raw)
		return o->raw;
	return o->form == CONTENT_SHORT ? 1 : 0;
}

/* The byte that goes to the i-th of them, counted back from the last. style: an ordinary one. */
static __always_inline __u8 content_mask_byte(const struct content_out *o, __u32 have, __u8 style,
					      __u32 i)
{
	__u8 high = (__u8)(o->code >> 4 & 7), low;

	if (o->form == CONTENT_SHORT && have < o->raw)
		return '/'; /* the backslash before it stays: \/ */
	if (o->form != CONTENT_HEX)
		return style;
	if (have >= 2) {
		high = style >> 4 & 7;
		low = style & 0xf;
	} else {
		/* the digit before is out of reach: a sign of that row, neither letter nor digit,
		 * quote nor backslash */
		low = high == 0 || high == 2		    ? 0xa
		      : high == 1 || high == 3 || high == 5 ? 0xf
		      : high == 7			    ? 0xe
							    : 0;
	}
	low = i == 0 ? low : i == 1 ? high : 0;
	return low < 10 ? '0' + low : 'a' + low - 10;
}

/* ---- names of tools ---------------------------------------------------------------------------
 * With CONTENT_TOOL_NAME o->raw and o->run are those of the name, as far as it was read, without
 * its quote. */

static __always_inline __u64 content_tool_hash(const struct content_state *s)
{
	return s->word[0];
}

/* Where the name ends that has to be judged now; at: the place of the byte; last: of those in hand.
 * 0: none yet. The quote decides. Where the name may not be in hand any more with it, what was read
 * is judged: of a longer name, which that may be the beginning of, a call then fails for nothing.
 */
static __always_inline __u32 content_tool_end(const struct content_state *s, __u32 at, int last)
{
	if (s->body.collect != CONTENT_COLLECT_TOOL)
		return at;
	return last || s->state == CONTENT_AT_CHUNK_END ? at + 1 : 0;
}

/* How many bytes before that are overwritten. 0: what was to be overwritten was before its quote.
 */
static __always_inline __u32 content_tool_len(const struct content_out *o, __u32 end)
{
	return o->run < end ? o->run : end;
}

/* What they are overwritten with; last: the last one. A name of one letter again and again is no
 * tool's, and is one that the API takes back. Never what is there: the end of a name may be all
 * that is in hand. Where an escape may be cut, a letter that goes on each: a digit, and one of
 * "\b". */
static __always_inline __u8 content_tool_byte(const struct content_state *s,
					      const struct content_out *o, __u32 len, __u8 last)
{
	int whole = len >= o->raw && o->raw < CONTENT_SATURATED;

	if (whole || s->word[1] == s->at)
		return last == 'x' ? 'q' : 'x';
	return last == 'b' ? 'f' : 'b';
}

#endif
