/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* JSON (RFC 8259), a character at a time: where strings are and what their characters are. It is
 * used twice for the input of a tool, which comes as pieces of JSON inside of JSON strings.
 *
 * What strings mean is content_body.h's matter. */
#ifndef BAILIFF_CONTENT_JSON_H
#define BAILIFF_CONTENT_JSON_H

#include "bpf/content_state.h"

enum content_json_state {
	CONTENT_JSON_VALUE,
	CONTENT_JSON_FIRST,	/* a value, or the end of the array */
	CONTENT_JSON_KEY_FIRST, /* a key, or the end of the object */
	CONTENT_JSON_KEY,
	CONTENT_JSON_COLON,
	CONTENT_JSON_AFTER, /* a value */
	CONTENT_JSON_SCALAR,
	CONTENT_JSON_STRING,
	CONTENT_JSON_ESCAPE,
	CONTENT_JSON_HEX,
	CONTENT_JSON_DONE,
	CONTENT_JSON_BAD,
};

/* How far a number is, or that it is a word. */
enum content_json_number {
	CONTENT_NUMBER_START,
	CONTENT_NUMBER_MINUS,
	CONTENT_NUMBER_WORD,
	CONTENT_NUMBER_ZERO,
	CONTENT_NUMBER_WHOLE,
	CONTENT_NUMBER_POINT,
	CONTENT_NUMBER_PART,
	CONTENT_NUMBER_E,
	CONTENT_NUMBER_SIGN,
	CONTENT_NUMBER_POWER,
	CONTENT_NUMBER_BAD,
};

/* What a character did. Several at once: a bracket can end a number and a list. */
#define CONTENT_JSON_UNIT	 0x01 /* out has a character of a string */
#define CONTENT_JSON_STRING_FROM 0x02
#define CONTENT_JSON_STRING_TO	 0x04
#define CONTENT_JSON_PUSH	 0x08
#define CONTENT_JSON_POP	 0x10
#define CONTENT_JSON_SCALAR_TO	 0x20
#define CONTENT_JSON_BROKEN	 0x40 /* half a pair of surrogates was before it */
#define CONTENT_JSON_ERROR	 0x80
#define CONTENT_JSON_TOO_DEEP	 0x100

static __always_inline __u32 content_json_bad(struct content_json *j)
{
	j->state = CONTENT_JSON_BAD;
	return CONTENT_JSON_ERROR;
}

static __always_inline int content_json_blank(__u32 c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Inside of a string, between its quotes. */
static __always_inline int content_json_inside(const struct content_json *j)
{
	return j->state == CONTENT_JSON_STRING || j->state == CONTENT_JSON_ESCAPE ||
	       j->state == CONTENT_JSON_HEX;
}

static __always_inline __u32 content_json_push(struct content_json *j, int object)
{
	__u64 bit = 1ull << (j->depth & (CONTENT_DEPTH - 1));

	if (j->depth >= CONTENT_DEPTH) {
		j->state = CONTENT_JSON_BAD;
		return CONTENT_JSON_ERROR | CONTENT_JSON_TOO_DEEP;
	}
	j->nest = object ? j->nest | bit : j->nest & ~bit;
	j->depth++;
	j->state = object ? CONTENT_JSON_KEY_FIRST : CONTENT_JSON_FIRST;
	return CONTENT_JSON_PUSH;
}

static __always_inline void content_json_value_ends(struct content_json *j)
{
	j->state = j->depth ? CONTENT_JSON_AFTER : CONTENT_JSON_DONE;
}

static __always_inline __u32 content_json_pop(struct content_json *j)
{
	j->depth--;
	content_json_value_ends(j);
	return CONTENT_JSON_POP;
}

static __always_inline __u32 content_json_string(struct content_json *j, __u8 key)
{
	j->key = key;
	j->high = 0;
	j->state = CONTENT_JSON_STRING;
	return CONTENT_JSON_STRING_FROM;
}

static __always_inline int content_json_is_digit(__u32 c)
{
	return c >= '0' && c <= '9';
}

/* One more character of a number or a word. Returns 0 when it is not one of it. Exact, so that
 * nothing that is no JSON, an unquoted 078-05 say, passes for it unread. */
static __always_inline int content_json_scalar(struct content_json *j, __u32 c)
{
	__u8 was = j->digits;

	switch (was) {
	case CONTENT_NUMBER_START:
	case CONTENT_NUMBER_MINUS:
		j->digits = c == '0'				      ? CONTENT_NUMBER_ZERO
			    : content_json_is_digit(c)		      ? CONTENT_NUMBER_WHOLE
			    : c == '-' && was == CONTENT_NUMBER_START ? CONTENT_NUMBER_MINUS
			    : (c == 't' || c == 'f' || c == 'n') && was == CONTENT_NUMBER_START
				    ? CONTENT_NUMBER_WORD
				    : CONTENT_NUMBER_BAD;
		j->code = c;
		return j->digits != CONTENT_NUMBER_BAD;
	case CONTENT_NUMBER_WORD:
		/* five letters at most, of which the fifth pushes the f out */
		if (c < 'a' || c > 'z' || j->code == 0x74727565 || j->code == 0x6e756c6c ||
		    (j->code > 0xffffff && j->code != 0x66616c73))
			return 0;
		j->code = j->code << 8 | c;
		return 1;
	case CONTENT_NUMBER_ZERO:
	case CONTENT_NUMBER_WHOLE:
		j->digits = content_json_is_digit(c) && was == CONTENT_NUMBER_WHOLE ? was
			    : c == '.'		   ? CONTENT_NUMBER_POINT
			    : c == 'e' || c == 'E' ? CONTENT_NUMBER_E
						   : CONTENT_NUMBER_BAD;
		break;
	case CONTENT_NUMBER_POINT:
	case CONTENT_NUMBER_PART:
		j->digits = content_json_is_digit(c) ? CONTENT_NUMBER_PART
			    : (c == 'e' || c == 'E') && was == CONTENT_NUMBER_PART
				    ? CONTENT_NUMBER_E
				    : CONTENT_NUMBER_BAD;
		break;
	default:
		j->digits = content_json_is_digit(c) ? CONTENT_NUMBER_POWER
			    : (c == '-' || c == '+') && was == CONTENT_NUMBER_E
				    ? CONTENT_NUMBER_SIGN
				    : CONTENT_NUMBER_BAD;
		break;
	}
	if (j->digits != CONTENT_NUMBER_BAD)
		return 1;
	j->digits = was;
	return 0;
}

/* Whether it may end here. */
static __always_inline int content_json_is_scalar(const struct content_json *j)
{
	switch (j->digits) {
	case CONTENT_NUMBER_ZERO:
	case CONTENT_NUMBER_WHOLE:
	case CONTENT_NUMBER_PART:
	case CONTENT_NUMBER_POWER:
		return 1;
	case CONTENT_NUMBER_WORD: /* true, null, (f)alse */
		return j->code == 0x74727565 || j->code == 0x6e756c6c || j->code == 0x616c7365;
	default:
		return 0;
	}
}

static __always_inline __u32 content_json_value(struct content_json *j, __u32 c)
{
	if (content_json_blank(c))
		return 0;
	if (c == '"')
		return content_json_string(j, 0);
	if (c == '{' || c == '[')
		return content_json_push(j, c == '{');
	j->digits = CONTENT_NUMBER_START;
	if (!content_json_scalar(j, c))
		return content_json_bad(j);
	j->state = CONTENT_JSON_SCALAR;
	return 0;
}

static __always_inline __u32 content_json_key(struct content_json *j, __u32 c)
{
	if (content_json_blank(c))
		return 0;
	return c == '"' ? content_json_string(j, 1) : content_json_bad(j);
}

static __always_inline __u32 content_json_after(struct content_json *j, __u32 c)
{
	int object = j->nest >> ((j->depth - 1) & (CONTENT_DEPTH - 1)) & 1;

	if (content_json_blank(c))
		return 0;
	if (j->state == CONTENT_JSON_DONE || (c != ',' && c != (object ? '}' : ']')))
		return content_json_bad(j);
	if (c != ',')
		return content_json_pop(j);
	j->state = object ? CONTENT_JSON_KEY : CONTENT_JSON_VALUE;
	return 0;
}

static __always_inline __u32 content_json_plain(struct content_json *j, const struct content_out *o)
{
	__u32 broken;

	if (o->code == '"') {
		if (j->key)
			j->state = CONTENT_JSON_COLON;
		else
			content_json_value_ends(j);
		return CONTENT_JSON_STRING_TO;
	}
	if (o->code == '\\') {
		j->state = CONTENT_JSON_ESCAPE;
		j->raw = o->raw;
		return 0;
	}
	if (o->code < 0x20)
		return content_json_bad(j);
	broken = j->high ? CONTENT_JSON_BROKEN : 0;
	j->high = 0;
	return CONTENT_JSON_UNIT | broken;
}

static __always_inline __u32 content_json_escape(struct content_json *j, struct content_out *o)
{
	__u32 broken = j->high ? CONTENT_JSON_BROKEN : 0;
	__u8 last = o->raw;

	j->raw += last;
	switch (o->code) {
	case '"':
	case '\\':
	case '/':
		break;
	case 'b':
		o->code = '\b';
		break;
	case 'f':
		o->code = '\f';
		break;
	case 'n':
		o->code = '\n';
		break;
	case 'r':
		o->code = '\r';
		break;
	case 't':
		o->code = '\t';
		break;
	case 'u':
		j->state = CONTENT_JSON_HEX;
		j->code = 0;
		j->digits = 4;
		j->plain = 1;
		return 0;
	default:
		return content_json_bad(j);
	}
	j->state = CONTENT_JSON_STRING;
	j->high = 0;
	o->raw = j->raw;
	/* a last letter that is itself given by its number has no single byte to be changed */
	o->form = last <= 2 ? CONTENT_SHORT : CONTENT_WHOLE;
	return CONTENT_JSON_UNIT | broken;
}

static __always_inline __u32 content_json_digit(struct content_json *j, struct content_out *o)
{
	__u8 digit = o->code < 0x80 ? content_hex((__u8)o->code) : 16;
	__u32 broken;

	if (digit == 16)
		return content_json_bad(j);
	j->raw += o->raw;
	j->plain &= o->raw == 1;
	j->code = j->code << 4 | digit;
	j->digits--;
	if (j->digits)
		return 0;
	j->state = CONTENT_JSON_STRING;
	broken = j->high ? CONTENT_JSON_BROKEN : 0;
	if (j->code >= 0xd800 && j->code < 0xdc00) {
		j->high = (__u16)j->code;
		j->high_raw = j->raw;
		return broken;
	}
	o->code = j->code;
	o->raw = j->raw;
	o->form = j->code < 0x80 && j->plain ? CONTENT_HEX : CONTENT_WHOLE;
	if (j->code >= 0xdc00 && j->code < 0xe000) {
		o->code = CONTENT_NO_CHAR;
		if (j->high) {
			o->code = 0x10000u + ((j->high & 0x3ffu) << 10 | (j->code & 0x3ff));
			o->raw += j->high_raw;
			broken = 0;
		}
	}
	j->high = 0;
	return CONTENT_JSON_UNIT | broken;
}

/* Takes the character o->code, which was written in o->raw bytes. With CONTENT_JSON_UNIT, o->code,
 * o->raw and o->form are those of the string's character. */
CONTENT_FUNCTION __u32 content_json_step(struct content_json *j, struct content_out *o)
{
	__u32 c;

	if (!j || !o)
		return 0;
	c = o->code;
	switch (j->state) {
	case CONTENT_JSON_STRING:
		return content_json_plain(j, o);
	case CONTENT_JSON_ESCAPE:
		return content_json_escape(j, o);
	case CONTENT_JSON_HEX:
		return content_json_digit(j, o);
	case CONTENT_JSON_FIRST:
		if (c == ']')
			return content_json_pop(j);
		/* blanks do not make the end of an array any less possible */
		return content_json_blank(c) ? 0 : content_json_value(j, c);
	case CONTENT_JSON_VALUE:
		return content_json_value(j, c);
	case CONTENT_JSON_KEY_FIRST:
		return c == '}' ? content_json_pop(j) : content_json_key(j, c);
	case CONTENT_JSON_KEY:
		return content_json_key(j, c);
	case CONTENT_JSON_COLON:
		if (c == ':')
			j->state = CONTENT_JSON_VALUE;
		else if (!content_json_blank(c))
			return content_json_bad(j);
		return 0;
	case CONTENT_JSON_SCALAR:
		if (content_json_scalar(j, c))
			return 0;
		if (!content_json_is_scalar(j))
			return content_json_bad(j);
		content_json_value_ends(j);
		return CONTENT_JSON_SCALAR_TO | content_json_after(j, c);
	case CONTENT_JSON_AFTER:
	case CONTENT_JSON_DONE:
		return content_json_after(j, c);
	default:
		return 0;
	}
}

#endif
