// SPDX-License-Identifier: Apache-2.0
/* A strict JSON scanner that takes any split and builds nothing. */
#include "wire/scan.h"

#include <string.h>

#include "base/plain.h"

enum scan_state {
	S_VALUE,	/* a value must come */
	S_VALUE_OR_END, /* behind [ */
	S_KEY,		/* behind a comma in an object */
	S_KEY_OR_END,	/* behind { */
	S_COLON,
	S_AFTER, /* a comma or the end of the container */
	S_STRING,
	S_ESCAPE,
	S_HEX,
	S_MINUS,
	S_ZERO,
	S_INT,
	S_DOT,
	S_FRACTION,
	S_E,
	S_E_SIGN,
	S_EXPONENT,
	S_LITERAL,
	S_WHOLE, /* only blanks may follow */
	S_FAILED,
};

void scan_init(struct scan *s, bool watch)
{
	*s = (struct scan){.watch = watch, .state = S_VALUE};
}

static bool scan_watched(const struct scan *s)
{
	return s->watch && (s->depth == 1 || (s->depth == 2 && s->split));
}

static bool scan_in_object(const struct scan *s)
{
	uint32_t level = s->depth - 1;

	return s->object[level / 64] >> (level % 64) & 1;
}

static bool scan_push(struct scan *s, bool object)
{
	uint64_t bit = 1ull << (s->depth % 64);

	if (s->depth == SCAN_DEPTH)
		return false;
	if (object)
		s->object[s->depth / 64] |= bit;
	else
		s->object[s->depth / 64] &= ~bit;
	s->depth++;
	s->state = object ? S_KEY_OR_END : S_VALUE_OR_END;
	return true;
}

/* A value ended on the level that s->depth is at. Returns whether that is to be told. */
static bool scan_value_done(struct scan *s)
{
	s->state = s->depth ? S_AFTER : S_WHOLE;
	return scan_watched(s);
}

static bool scan_pop(struct scan *s)
{
	s->depth--;
	if (s->depth == 1)
		s->split = false;
	return scan_value_done(s);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The first byte of a value. */
static bool scan_value(struct scan *s, char c)
{
	if (++s->values > SCAN_VALUES)
		return false;
	switch (c) {
	case '{':
		return scan_push(s, true);
	case '[':
		return scan_push(s, false);
	case '"':
		s->key = false;
		s->state = S_STRING;
		return true;
	case '-':
		s->state = S_MINUS;
		return true;
	case '0':
		s->state = S_ZERO;
		return true;
	case 't':
		s->literal = "rue";
		break;
	case 'f':
		s->literal = "alse";
		break;
	case 'n':
		s->literal = "ull";
		break;
	default:
		s->state = S_INT;
		return is_digit(c);
	}
	s->state = S_LITERAL;
	return true;
}

/* One byte of a number. Returns 1 when it belongs to it, 0 when the number ended before it, -1. */
static int scan_number(struct scan *s, char c)
{
	switch (s->state) {
	case S_MINUS:
		s->state = c == '0' ? S_ZERO : S_INT;
		return is_digit(c) ? 1 : -1;
	case S_INT:
		if (is_digit(c))
			return 1;
		/* fall through */
	case S_ZERO:
		if (c != '.' && c != 'e' && c != 'E')
			return 0;
		s->state = c == '.' ? S_DOT : S_E;
		return 1;
	case S_DOT:
		s->state = S_FRACTION;
		return is_digit(c) ? 1 : -1;
	case S_FRACTION:
		if (is_digit(c))
			return 1;
		if (c != 'e' && c != 'E')
			return 0;
		s->state = S_E;
		return 1;
	case S_E:
		if (c == '+' || c == '-') {
			s->state = S_E_SIGN;
			return 1;
		}
		/* fall through */
	case S_E_SIGN:
		s->state = S_EXPONENT;
		return is_digit(c) ? 1 : -1;
	default: /* S_EXPONENT */
		return is_digit(c);
	}
}

static enum scan_event scan_fail(struct scan *s)
{
	s->state = S_FAILED;
	return SCAN_BAD;
}

/* Whether an event is due before the byte at hand is taken, e.g. the beginning of a value. */
static bool scan_announce(struct scan *s, bool due)
{
	if (due && !s->begun) {
		s->begun = true;
		s->values = 0;
		return true;
	}
	s->begun = false;
	return false;
}

/* Strings, for scan_run. Returns SCAN_MORE to go on. */
static enum scan_event scan_string(struct scan *s, const char **at, const char *end)
{
	const char *p = *at;

	while (p < end) {
		if (s->state == S_STRING) {
			p += plain_length(p, (size_t)(end - p));
			if (p == end)
				break;
			if (*p == '"') {
				*at = p + 1;
				if (!s->key)
					return scan_value_done(s) ? SCAN_END : SCAN_MORE;
				s->state = S_COLON;
				return s->watch && s->depth == 1 ? SCAN_KEY_END : SCAN_MORE;
			}
			if (*p != '\\')
				return SCAN_BAD;
			s->state = S_ESCAPE;
		} else if (s->state == S_ESCAPE) {
			if (!*p || !strchr("\"\\/bfnrtu", *p))
				return SCAN_BAD;
			s->state = *p == 'u' ? S_HEX : S_STRING;
			s->hex = 4;
		} else {
			if (!is_hex(*p))
				return SCAN_BAD;
			if (--s->hex == 0)
				s->state = S_STRING;
		}
		p++;
	}
	*at = p;
	return SCAN_MORE;
}

enum scan_event scan_run(struct scan *s, const char **at, const char *end)
{
	const char *p = *at;
	enum scan_event event;
	int r;

	while (p < end) {
		char c = *p;

		switch (s->state) {
		case S_STRING:
		case S_ESCAPE:
		case S_HEX:
			event = scan_string(s, &p, end);
			if (event == SCAN_MORE)
				continue;
			*at = p;
			return event == SCAN_BAD ? scan_fail(s) : event;
		case S_LITERAL:
			if (c != *s->literal)
				return scan_fail(s);
			p++;
			if (*++s->literal == 0 && scan_value_done(s)) {
				*at = p;
				return SCAN_END;
			}
			continue;
		case S_MINUS:
		case S_ZERO:
		case S_INT:
		case S_DOT:
		case S_FRACTION:
		case S_E:
		case S_E_SIGN:
		case S_EXPONENT:
			r = scan_number(s, c);
			if (r < 0)
				return scan_fail(s);
			if (r > 0) {
				p++;
			} else if (scan_value_done(s)) {
				*at = p;
				return SCAN_END;
			}
			continue;
		default:
			break;
		}
		if (is_blank(c)) {
			p++;
			continue;
		}
		switch (s->state) {
		case S_VALUE_OR_END:
			if (c == ']') {
				p++;
				if (!scan_pop(s))
					continue;
				*at = p;
				return SCAN_END;
			}
			/* fall through */
		case S_VALUE:
			if (scan_announce(s, scan_watched(s))) {
				*at = p;
				return SCAN_BEGIN;
			}
			if (!scan_value(s, c))
				return scan_fail(s);
			p++;
			continue;
		case S_KEY_OR_END:
			if (c == '}') {
				p++;
				if (!scan_pop(s))
					continue;
				*at = p;
				return SCAN_END;
			}
			/* fall through */
		case S_KEY:
			if (c != '"')
				return scan_fail(s);
			if (scan_announce(s, s->watch && s->depth == 1)) {
				*at = p;
				return SCAN_KEY_BEGIN;
			}
			if (++s->values > SCAN_VALUES)
				return scan_fail(s);
			s->key = true;
			s->state = S_STRING;
			p++;
			continue;
		case S_COLON:
			if (c != ':')
				return scan_fail(s);
			s->state = S_VALUE;
			p++;
			continue;
		case S_AFTER:
			if (c == ',') {
				s->state = scan_in_object(s) ? S_KEY : S_VALUE;
				p++;
				continue;
			}
			if (c != (scan_in_object(s) ? '}' : ']'))
				return scan_fail(s);
			p++;
			if (!scan_pop(s))
				continue;
			*at = p;
			return SCAN_END;
		default: /* S_WHOLE, S_FAILED */
			*at = p;
			return scan_fail(s);
		}
	}
	*at = p;
	return SCAN_MORE;
}

bool scan_whole(const struct scan *s)
{
	switch (s->state) {
	case S_WHOLE:
		return true;
	case S_ZERO:
	case S_INT:
	case S_FRACTION:
	case S_EXPONENT:
		return s->depth == 0; /* only the end of the text ends such a number */
	default:
		return false;
	}
}

bool scan_check(const char *p, size_t len)
{
	const char *end = p + len;
	struct scan s;

	scan_init(&s, false);
	return scan_run(&s, &p, end) == SCAN_MORE && scan_whole(&s);
}
