// SPDX-License-Identifier: Apache-2.0
/* Screens: a quick look at what follows a name, before PCRE2 is asked. Anchors are plain words
 * where they can be, which are searched for several times as fast as words with a pattern behind
 * them; most of what they find is decided here, in a few instructions. A screen may let through
 * what is no match, and must not hold back what is one. */
#include <string.h>

#include "mask/validators.h"

enum {
	DIGIT = 1,
	NAME = 2,    /* goes on a name: letters, digits, '_', '.', '-' */
	QUOTE = 4,   /* stands around a name, and blanks */
	ASSIGN = 8,  /* ':', '=', '>' */
	MARK = 16,   /* what a secret has and a word of a program has not */
	STOP = 32,   /* ends a value: blanks, control characters, quotes, backslash */
	BASE64 = 64, /* of the standard alphabet */
	ALNUM = 128,
};

#define LETTER (NAME | BASE64 | ALNUM)

static const uint8_t kinds[256] = {
	[0 ... '\t' - 1] = STOP,
	['\t'] = QUOTE | STOP,
	['\n' ... 31] = STOP,
	[' '] = QUOTE | STOP,
	['!'] = MARK,
	['"'] = QUOTE | STOP,
	['#' ... '&'] = MARK,
	['\''] = QUOTE | STOP,
	['+'] = BASE64,
	['-'] = NAME,
	['.'] = NAME,
	['/'] = BASE64,
	['0' ... '9'] = DIGIT | LETTER | MARK,
	[':'] = ASSIGN,
	['='] = ASSIGN,
	['>'] = ASSIGN,
	['@'] = MARK,
	['A' ... 'Z'] = LETTER,
	['\\'] = QUOTE | STOP,
	[']'] = QUOTE,
	['^'] = MARK,
	['_'] = NAME,
	['`'] = QUOTE | STOP,
	['a' ... 'z'] = LETTER,
};

static bool is(uint8_t c, unsigned int kind)
{
	return kinds[c] & kind;
}

/* Behind those of at most max bytes from i on that are of a kind. */
static size_t skip(const uint8_t *s, size_t n, size_t i, unsigned int kind, size_t max)
{
	size_t end = n - i < max ? n : i + max;

	while (i < end && is(s[i], kind))
		i++;
	return i;
}

bool screen_secret(const uint8_t *s, size_t n, size_t end)
{
	size_t i = skip(s, n, end, NAME, 40), k;

	i = skip(s, n, i, QUOTE, 24);
	k = skip(s, n, i, ASSIGN, 2);
	if (k == i)
		return false;
	i = skip(s, n, k, QUOTE, 24);
	/* no further than the pattern goes: this is done for each name */
	for (k = 0; k < 256 && i < n && !is(s[i], STOP); i++, k++)
		if (is(s[i], MARK))
			return true;
	return false;
}

static size_t skip_spaces(const uint8_t *s, size_t n, size_t i, size_t max)
{
	while (max-- && i < n && s[i] == ' ')
		i++;
	return i;
}

bool screen_assigned(const uint8_t *s, size_t n, size_t end)
{
	size_t i, k = 0;

	if (s[end - 1] != ' ') {
		i = skip(s, n, end, QUOTE, 32);
		return i < n && is(s[i], ASSIGN);
	}
	/* "bearer " and what it introduces */
	i = skip_spaces(s, n, end, 3);
	while (i < n && k < 20 && (is(s[i], NAME | BASE64) || s[i] == '~'))
		i++, k++;
	return k == 20;
}

bool screen_basic(const uint8_t *s, size_t n, size_t end)
{
	size_t i = skip_spaces(s, n, end, 3);

	return skip(s, n, i, BASE64, 6) == i + 6;
}

bool screen_birth(const uint8_t *s, size_t n, size_t end)
{
	size_t stop = n - end < 32 ? n : end + 32;

	for (size_t i = end; i < stop; i++)
		if (is(s[i], DIGIT))
			return true;
	return false;
}

/* What cannot stand between "://" and '@'. */
static bool ends_userinfo(uint8_t c)
{
	return c == '/' || c == '@' || c == '<' || c == '>' || c == ' ' ||
	       (c >= '\t' && c <= '\r') || (is(c, QUOTE) && c != ']');
}

bool screen_userinfo(const uint8_t *s, size_t n, size_t end)
{
	size_t stop = n - end < 400 ? n : end + 400, i = end;

	while (i < stop && !ends_userinfo(s[i]))
		i++;
	return i > end && i < stop && s[i] == '@';
}

bool screen_email(const uint8_t *s, size_t n, size_t end)
{
	uint8_t before;

	if (end < 2 || end >= n)
		return false;
	before = s[end - 2];
	/* also the letters with accents that the pattern knows */
	return (is(before, NAME) || before >= 0x80) &&
	       (is(s[end], ALNUM) || (s[end] >= 0xc3 && s[end] <= 0xc9));
}

bool screen_named(const uint8_t *s, size_t n, size_t end)
{
	size_t stop = n - end < 64 ? n : end + 64, i = end, digits = 0, gap = 0;

	while (i < stop && !is(s[i], DIGIT) && s[i] != '\n')
		i++;
	/* no number that is known has fewer, nor more than two other characters in a row */
	for (; i < n && gap <= 2 && digits < 7; i++) {
		gap = is(s[i], DIGIT) ? 0 : gap + 1;
		digits += !gap;
	}
	return digits == 7;
}
