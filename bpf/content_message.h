/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which strings of the Messages API are shown, are a tool's, or must stay as they are; and the
 * characters of a text in UTF-8.
 *
 * What a server signed, or compares with what it sent, is never touched: changed thinking makes the
 * API refuse the next request. Everything else in a request is text, in a response only what is
 * known to be. */
#ifndef BAILIFF_CONTENT_MESSAGE_H
#define BAILIFF_CONTENT_MESSAGE_H

#include "bpf/content_json.h"

enum content_key {
	CONTENT_KEY_OTHER,
	CONTENT_KEY_TEXT,
	CONTENT_KEY_INPUT,
	CONTENT_KEY_PARTIAL,
	CONTENT_KEY_TYPE,
	CONTENT_KEY_INDEX,
	CONTENT_KEY_BLOCK,
	CONTENT_KEY_MESSAGE,
	CONTENT_KEY_ERROR,
	CONTENT_KEY_DATA,
	CONTENT_KEY_SIGNED,  /* thinking, signature: of every request, with all that is in them */
	CONTENT_KEY_CONTROL, /* cache_control: the same, in the Messages API */
	CONTENT_KEY_NAME,
	CONTENT_KEY_FIXED, /* names and numbers of things, in the Messages API */
};

/* The "type" of an object, as far as it was read. */
enum content_object {
	CONTENT_OBJECT_UNSEEN,
	CONTENT_OBJECT_TEXT,
	CONTENT_OBJECT_TOOL,
	CONTENT_OBJECT_OTHER,
};

/* The last character in hand, as decoded bytes. */
static __always_inline void content_emit(struct content_body *b, struct content_out *o, __u8 kind)
{
	__u32 c = o->code;
	__u8 n = 0;

	o->kind = kind;
	o->begins = b->begin || b->last != kind;
	if (b->broken && !o->begins)
		o->bytes[n++] = CONTENT_MARK;
	b->begin = b->broken = 0;
	b->last = kind;
	o->run = o->raw < b->run ? o->raw : b->run;
	if (__builtin_expect(c < 0x80, 1)) {
		o->bytes[n] = (__u8)c;
		o->n = n + 1;
	} else if (c < 0x800) {
		o->bytes[n] = (__u8)(0xc0 | c >> 6);
		o->bytes[n + 1] = (__u8)(0x80 | (c & 0x3f));
		o->n = n + 2;
	} else if (c < 0x10000) {
		o->bytes[n] = (__u8)(0xe0 | c >> 12);
		o->bytes[n + 1] = (__u8)(0x80 | (c >> 6 & 0x3f));
		o->bytes[n + 2] = (__u8)(0x80 | (c & 0x3f));
		o->n = n + 3;
	} else if (c < CONTENT_NO_CHAR) {
		o->bytes[n] = (__u8)(0xf0 | c >> 18);
		o->bytes[n + 1] = (__u8)(0x80 | (c >> 12 & 0x3f));
		o->bytes[n + 2] = (__u8)(0x80 | (c >> 6 & 0x3f));
		o->bytes[n + 3] = (__u8)(0x80 | (c & 0x3f));
		o->n = n + 4;
	} else {
		o->bytes[n] = CONTENT_MARK;
		o->n = n + 1;
	}
}

static __always_inline void content_unread(struct content_state *s, __u8 why)
{
	if (!s->unread)
		s->unread = why;
}

/* ---- UTF-8 ------------------------------------------------------------------------------------
 */

/* Takes a byte. Returns 1 when o->code, o->raw and o->form say a whole character. What is no UTF-8
 * is a character that no text has: a reader puts U+FFFD there. */
static __always_inline int content_char(struct content_body *b, __u8 c, struct content_out *o)
{
	o->form = CONTENT_PLAIN;
	o->raw = 1;
	if (b->char_left) {
		if ((c & 0xc0) == 0x80) {
			b->code = b->code << 6 | (c & 0x3f);
			b->char_raw++;
			b->char_left--;
			if (b->char_left)
				return 0;
			/* an overlong form, half a pair, or past the end: not another way to write
			 * it */
			o->code = b->code < (b->char_raw == 2	? 0x80u
					     : b->char_raw == 3 ? 0x800u
								: 0x10000u) ||
						  (b->code >= 0xd800 && b->code < 0xe000) ||
						  b->code > CONTENT_NO_CHAR
					  ? CONTENT_NO_CHAR
					  : b->code;
			o->raw = b->char_raw;
			o->form = CONTENT_WHOLE;
			return 1;
		}
		b->char_left = 0;
		b->broken = 1;
	}
	o->code = c;
	if (c < 0x80)
		return 1;
	if (c < 0xc0 || c >= 0xf8) {
		o->code = CONTENT_NO_CHAR;
		return 1;
	}
	b->char_raw = 1;
	b->char_left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	b->code = c & (c < 0xe0 ? 0x1f : c < 0xf0 ? 0x0f : 0x07);
	return 0;
}

/* ---- JSON of the Messages API -----------------------------------------------------------------
 */

/* By length, so that a key is compared with few. */
static __always_inline __u8 content_key(const struct content_state *s)
{
	int fixed = 0;

	switch (s->at) {
	case 2:
		fixed = content_word_is(s, CONTENT_W_ID);
		break;
	case 4:
		if (content_word_is(s, CONTENT_W_TEXT))
			return CONTENT_KEY_TEXT;
		if (content_word_is(s, CONTENT_W_TYPE))
			return CONTENT_KEY_TYPE;
		if (content_word_is(s, CONTENT_W_DATA))
			return CONTENT_KEY_DATA;
		if (content_word_is(s, CONTENT_W_NAME))
			return CONTENT_KEY_NAME;
		fixed = content_word_is(s, CONTENT_W_ROLE);
		break;
	case 5:
		if (content_word_is(s, CONTENT_W_INPUT))
			return CONTENT_KEY_INPUT;
		if (content_word_is(s, CONTENT_W_INDEX))
			return CONTENT_KEY_INDEX;
		if (content_word_is(s, CONTENT_W_ERROR))
			return CONTENT_KEY_ERROR;
		fixed = content_word_is(s, CONTENT_W_MODEL);
		break;
	case 7:
		if (content_word_is(s, CONTENT_W_MESSAGE))
			return CONTENT_KEY_MESSAGE;
		fixed = content_word_is(s, CONTENT_W_USER_ID) ||
			content_word_is(s, CONTENT_W_FILE_ID);
		break;
	case 8:
		if (content_word_is(s, CONTENT_W_THINKING))
			return CONTENT_KEY_SIGNED;
		break;
	case 9:
		if (content_word_is(s, CONTENT_W_SIGNATURE))
			return CONTENT_KEY_SIGNED;
		fixed = content_word_is(s, CONTENT_W_TOOL_NAME);
		break;
	case 10:
		fixed = content_word_is(s, CONTENT_W_MEDIA_TYPE);
		break;
	case 11:
		fixed = content_word_is(s, CONTENT_W_TOOL_USE_ID);
		break;
	case 12:
		if (content_word_is(s, CONTENT_W_PARTIAL_JSON))
			return CONTENT_KEY_PARTIAL;
		break;
	case 13:
		if (content_word_is(s, CONTENT_W_CONTENT_BLOCK))
			return CONTENT_KEY_BLOCK;
		if (content_word_is(s, CONTENT_W_CACHE_CONTROL))
			return CONTENT_KEY_CONTROL;
		break;
	case 15:
	case 16:
	case 17:
		fixed = content_word_is(s, CONTENT_W_ENCRYPTED_CONTENT) ||
			content_word_is(s, CONTENT_W_ENCRYPTED_INDEX) ||
			content_word_is(s, CONTENT_W_ENCRYPTED_STDOUT);
		break;
	default:
		break;
	}
	return fixed ? CONTENT_KEY_FIXED : CONTENT_KEY_OTHER;
}

/* The type of the object at that depth. */
static __always_inline __u32 content_object(const struct content_body *b, __u32 depth)
{
	__u32 at = depth - 1;

	return at < CONTENT_TYPES ? b->types >> (2 * (at & (CONTENT_TYPES - 1))) & 3
				  : CONTENT_OBJECT_UNSEEN;
}

static __always_inline void content_object_set(struct content_body *b, __u32 depth, __u64 type)
{
	__u32 at = depth - 1, shift = 2 * (at & (CONTENT_TYPES - 1));

	if (at < CONTENT_TYPES)
		b->types = (b->types & ~(3ull << shift)) | type << shift;
}

/* The value of "type" is in hand. */
static __always_inline void content_typed(struct content_state *s)
{
	struct content_body *b = &s->body;
	__u64 type = CONTENT_OBJECT_OTHER;

	if (content_word_is(s, CONTENT_W_TEXT) || content_word_is(s, CONTENT_W_TEXT_DELTA))
		type = CONTENT_OBJECT_TEXT;
	/* server_tool_use, mcp_tool_use */
	else if ((s->word[0] == CONTENT_W_TOOL_USE && s->at < CONTENT_SATURATED) ||
		 content_word_is(s, CONTENT_W_INPUT_JSON_DELTA))
		type = CONTENT_OBJECT_TOOL;
	else if (content_word_is(s, CONTENT_W_REDACTED))
		b->redacted = b->outer.depth;
	/* what the server ran is done, and its name is compared when it comes back */
	if (s->response)
		b->tool = content_word_is(s, CONTENT_W_CALL) ? b->outer.depth
			  : b->tool == b->outer.depth	     ? 0
							     : b->tool;
	content_object_set(b, b->outer.depth, type);
}

static __always_inline int content_messages(const struct content_state *s)
{
	return s->path != CONTENT_PATH_OTHER;
}

/* Whether "input" at that depth is a tool's. Other APIs call other things so. */
static __always_inline int content_is_input(const struct content_state *s, __u32 depth)
{
	__u32 type = content_object(&s->body, depth);

	return type == CONTENT_OBJECT_TOOL ||
	       (type == CONTENT_OBJECT_UNSEEN && (s->response || content_messages(s)));
}

/* What comes now belongs to no text before it, and is no piece of a tool's input before it. */
static __always_inline void content_block_begins(struct content_body *b)
{
	b->begin = 1;
	b->waits = 0;
	__builtin_memset(&b->inner, 0, sizeof(b->inner));
}

static __always_inline void content_push(struct content_state *s)
{
	struct content_body *b = &s->body;
	__u8 depth = b->outer.depth, key = b->key;

	b->key = CONTENT_KEY_OTHER;
	content_object_set(b, depth, CONTENT_OBJECT_UNSEEN);
	if (b->input || b->never)
		return;
	if (key == CONTENT_KEY_INPUT && content_is_input(s, depth - 1u))
		b->input = depth;
	if (!s->response) {
		if (key == CONTENT_KEY_SIGNED ||
		    (key == CONTENT_KEY_CONTROL && content_messages(s)))
			b->never = depth;
		return;
	}
	if (key == CONTENT_KEY_ERROR)
		b->error = depth;
	/* content_block_start and message_start, wherever their type stands */
	if (depth == 2 && s->mode == CONTENT_MODE_SSE &&
	    (key == CONTENT_KEY_BLOCK || key == CONTENT_KEY_MESSAGE)) {
		content_block_begins(b);
		/* until its type says that it is none */
		if (key == CONTENT_KEY_BLOCK)
			b->tool = depth;
	}
}

static __always_inline void content_pop(struct content_body *b)
{
	__u8 depth = b->outer.depth;

	b->key = CONTENT_KEY_OTHER;
	if (b->input > depth)
		b->input = 0;
	if (b->never > depth)
		b->never = 0;
	if (b->error > depth)
		b->error = 0;
	if (b->redacted > depth)
		b->redacted = 0;
	if (b->tool > depth)
		b->tool = 0;
}

static __always_inline __u8 content_sent(const struct content_state *s)
{
	const struct content_body *b = &s->body;
	__u8 depth = b->outer.depth;

	if (b->never)
		return CONTENT_NONE;
	switch (b->key) {
	case CONTENT_KEY_SIGNED:
		return CONTENT_NONE;
	case CONTENT_KEY_INPUT:
		return content_is_input(s, depth) ? CONTENT_INPUT : CONTENT_REQUEST;
	case CONTENT_KEY_DATA:
		/* of a document that is text it is the text; else base64, or sealed */
		if (content_messages(s))
			return content_object(b, depth) == CONTENT_OBJECT_TEXT ? CONTENT_REQUEST
									       : CONTENT_NONE;
		return b->redacted && b->redacted == depth ? CONTENT_NONE : CONTENT_REQUEST;
	case CONTENT_KEY_TYPE:
	case CONTENT_KEY_CONTROL:
	case CONTENT_KEY_NAME:
	case CONTENT_KEY_FIXED:
		return content_messages(s) ? CONTENT_NONE : CONTENT_REQUEST;
	default:
		return CONTENT_REQUEST;
	}
}

static __always_inline __u8 content_received(struct content_state *s)
{
	struct content_body *b = &s->body;
	__u8 depth = b->outer.depth;
	__u32 type = content_object(b, depth);

	switch (b->key) {
	case CONTENT_KEY_TEXT:
		return type == CONTENT_OBJECT_UNSEEN || type == CONTENT_OBJECT_TEXT ? CONTENT_TEXT
										    : CONTENT_NONE;
	case CONTENT_KEY_MESSAGE:
		return b->error && b->error == depth ? CONTENT_TEXT : CONTENT_NONE;
	case CONTENT_KEY_INPUT:
		return content_is_input(s, depth) ? CONTENT_INPUT : CONTENT_NONE;
	case CONTENT_KEY_PARTIAL:
		if (s->mode != CONTENT_MODE_SSE || depth != 2 ||
		    (type != CONTENT_OBJECT_UNSEEN && type != CONTENT_OBJECT_TOOL))
			return CONTENT_NONE;
		b->partial = 1;
		return CONTENT_INPUT;
	default:
		return CONTENT_NONE;
	}
}

/* So much of a tool's name was read; quote: and the one behind it. */
static __always_inline void content_named(const struct content_state *s, struct content_out *o,
					  int quote)
{
	__u8 run = s->body.run;

	o->flags |= CONTENT_TOOL_NAME;
	o->raw = s->word[1] < CONTENT_SATURATED ? (__u8)s->word[1] : CONTENT_SATURATED;
	if (quote && run)
		run--;
	o->run = run < o->raw ? run : o->raw;
}

/* A character of what is kept. */
static __always_inline void content_collect(struct content_state *s, struct content_out *o)
{
	__u8 raw = o->raw;

	if (s->body.outer.key || s->body.collect == CONTENT_COLLECT_TYPE) {
		if (o->code < 0x80)
			content_word_add(s, (__u8)o->code);
		else
			content_word_spoil(s);
		return;
	}
	/* no tool has a character beyond ASCII: whatever its bits are, it is another name */
	s->word[0] = content_tool_add(s->word[0], (__u8)(o->code < 0x80 ? o->code : CONTENT_MARK));
	s->word[1] += raw;
	if (s->at < CONTENT_SATURATED)
		s->at++;
	content_named(s, o, 0);
}

static __always_inline void content_string_begins(struct content_state *s)
{
	struct content_body *b = &s->body;

	b->run = 0;
	b->kind = CONTENT_NONE;
	b->partial = b->joined = b->collect = CONTENT_COLLECT_NONE;
	if (b->outer.key) {
		content_word_clear(s);
		return;
	}
	if (b->key == CONTENT_KEY_TYPE && !b->input && !b->never) {
		b->collect = CONTENT_COLLECT_TYPE;
		content_word_clear(s);
	}
	if (b->key == CONTENT_KEY_NAME && b->tool && b->tool == b->outer.depth && !b->input) {
		b->collect = CONTENT_COLLECT_TOOL;
		content_word_clear(s);
		s->word[0] = CONTENT_TOOL_FIRST;
	}
	if (b->input)
		b->kind = CONTENT_INPUT;
	else
		b->kind = s->response ? content_received(s) : content_sent(s);
	/* the text of a block comes in pieces: in its start and in each delta */
	b->joined = b->partial || (s->mode == CONTENT_MODE_SSE && b->outer.depth == 2 &&
				   b->key == CONTENT_KEY_TEXT && b->kind == CONTENT_TEXT);
	if (!b->joined) {
		b->begin |= b->kind != CONTENT_NONE;
		return;
	}
	if (b->begin || !b->waits)
		return;
	b->outer.high = b->waits;
	b->outer.high_raw = b->waits_raw;
}

static __always_inline void content_string_ends(struct content_state *s, struct content_out *o)
{
	struct content_body *b = &s->body;

	if (b->outer.key) {
		b->key = content_key(s);
		if (b->key == CONTENT_KEY_INDEX)
			b->number = 0;
	} else if (b->collect == CONTENT_COLLECT_TYPE) {
		content_typed(s);
	} else if (b->collect == CONTENT_COLLECT_TOOL) {
		content_named(s, o, 1);
	}
	if (b->joined) {
		b->waits = b->outer.high;
		b->waits_raw = b->outer.high_raw;
	} else if (b->kind) {
		b->begin = 1;
	}
	b->outer.high = 0;
	b->kind = CONTENT_NONE;
	b->collect = 0;
	b->joined = 0;
}

/* A number or a word ended. */
static __always_inline void content_scalar_ends(struct content_state *s, __u8 depth)
{
	struct content_body *b = &s->body;

	if (b->key != CONTENT_KEY_INDEX || depth != 1 || s->mode != CONTENT_MODE_SSE)
		return;
	if (b->number != b->index)
		content_block_begins(b);
	b->index = b->number;
}

/* A character of a piece of a tool's input. */
static __always_inline void content_piece(struct content_state *s, struct content_out *o)
{
	struct content_body *b = &s->body;
	__u32 did = content_json_step(&b->inner, o);

	if (did & CONTENT_JSON_BROKEN)
		b->broken = 1;
	if (did & CONTENT_JSON_ERROR)
		content_unread(s, did & CONTENT_JSON_TOO_DEEP ? CONTENT_UNREAD_DEEP
							      : CONTENT_UNREAD_JSON);
	if (b->inner.key)
		return;
	if (did & CONTENT_JSON_STRING_FROM)
		b->begin = 1;
	else if (did & CONTENT_JSON_UNIT)
		content_emit(b, o, CONTENT_INPUT);
	else if (content_json_inside(&b->inner))
		o->kind = CONTENT_INPUT;
}

static __always_inline void content_unit(struct content_state *s, struct content_out *o)
{
	struct content_body *b = &s->body;

	if (b->outer.key || b->collect)
		content_collect(s, o);
	if (b->outer.key)
		return;
	if (b->partial)
		content_piece(s, o);
	else if (b->kind)
		content_emit(b, o, b->kind);
}

/* Takes the character in o. */
CONTENT_FUNCTION int content_json(struct content_state *s, struct content_out *o)
{
	struct content_body *b;
	__u32 did;
	__u8 depth;

	if (!s || !o)
		return 0;
	b = &s->body;
	depth = b->outer.depth;
	did = content_json_step(&b->outer, o);
	if (did == CONTENT_JSON_UNIT) {
		content_unit(s, o);
		return 0;
	}
	if (!did && b->outer.state < CONTENT_JSON_SCALAR)
		return 0; /* structure */
	if (did & CONTENT_JSON_BROKEN)
		b->broken = 1;
	if (did & CONTENT_JSON_SCALAR_TO)
		content_scalar_ends(s, depth);
	if (did & CONTENT_JSON_ERROR)
		content_unread(s, did & CONTENT_JSON_TOO_DEEP ? CONTENT_UNREAD_DEEP
							      : CONTENT_UNREAD_JSON);
	if (did & CONTENT_JSON_PUSH)
		content_push(s);
	if (did & CONTENT_JSON_POP)
		content_pop(b);
	if (did & CONTENT_JSON_STRING_FROM)
		content_string_begins(s);
	if (did & CONTENT_JSON_STRING_TO)
		content_string_ends(s, o);
	if (did & CONTENT_JSON_UNIT)
		content_unit(s, o);
	else if (content_json_inside(&b->outer) && !b->outer.key &&
		 !(did & CONTENT_JSON_STRING_FROM) && !b->partial)
		o->kind = b->kind;
	if (b->outer.state == CONTENT_JSON_SCALAR && b->key == CONTENT_KEY_INDEX)
		b->number = b->number * 10 + (o->code & 0xf);
	return 0;
}

/* A text is over. One that stops in its middle is none. */
static __always_inline void content_json_ends(struct content_state *s)
{
	struct content_body *b = &s->body;
	__u8 state = b->outer.state;

	if (state != CONTENT_JSON_DONE &&
	    (state != CONTENT_JSON_SCALAR || b->outer.depth ||
	     !content_json_is_scalar(&b->outer)) &&
	    (state != CONTENT_JSON_VALUE || b->outer.depth))
		content_unread(s, CONTENT_UNREAD_JSON);
}

#endif
