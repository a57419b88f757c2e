// SPDX-License-Identifier: Apache-2.0
/* Follows a value past the end of its pattern: long tokens, and the lines of a private key, which
 * may come with line numbers, quotes, diff marks or \n for line ends, and may never get to their
 * END. */
#include "mask/tail.h"

#include <string.h>

#include "mask/base64.h"

#define LONG_RUN   20  /* base64 characters that make a line of a key */
#define FIRST_RUN  8   /* fewer do right after the BEGIN line: the key may be cut off there */
#define MAX_FILLER 256 /* between two lines of a key */
#define MAX_WORDS  3   /* short runs that are allowed between: more is prose */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool in_token(uint8_t c)
{
	return base64_value[c] < 62 || c == '_' || c == '-' || c == '.';
}

static bool in_base64(uint8_t c)
{
	return base64_value[c] != BASE64_NONE || c == '=';
}

static size_t extend_class(bool (*in)(uint8_t), const uint8_t *s, size_t n, size_t from, bool more,
			   bool *ret_open)
{
	while (from < n && in(s[from]))
		from++;
	*ret_open = more && from == n;
	return from;
}

/* Characters of the standard alphabet in one piece at s[i]; the url alphabet's are none in PEM. */
static size_t run_at(const uint8_t *s, size_t n, size_t i)
{
	size_t k = i;

	while (k < n && base64_value[s[k]] != BASE64_NONE && s[k] != '-' && s[k] != '_')
		k++;
	while (k > i && k < n && s[k] == '=')
		k++;
	return k - i;
}

/* "Proc-Type: 4,ENCRYPTED", "Version: ...": length of a header line, 0 when s[i] opens none. */
static size_t header_at(const uint8_t *s, size_t n, size_t i)
{
	size_t k = i;

	while (k < n && k - i < 32 && (base64_value[s[k]] < 52 || s[k] == '-'))
		k++;
	if (k == i || k + 1 >= n || s[k] != ':' || s[k + 1] != ' ')
		return 0;
	while (k < n && k - i < MAX_FILLER && s[k] != '\n' && s[k] != '\\' && s[k] != '"')
		k++;
	return k - i;
}

/* What may stand between two lines of a key: white space, escapes of it, the quotes, commas and
 * operators of a string put together in a program, the marks of diffs, quotations and comments. */
static size_t filler_at(const uint8_t *s, size_t n, size_t i)
{
	if (is_space(s[i]))
		return 1;
	if (s[i] == '\\')
		return i + 1 < n && strchr("nrt", s[i + 1]) && s[i + 1] ? 2 : 1;
	if (strchr("\"'`,+|>#*-/.;=", s[i]) && s[i])
		return 1;
	if (n - i >= 3 && memcmp(s + i, "\xe2\x86\x92", 3) == 0) /* the arrow after a line number */
		return 3;
	return 0;
}

static bool is_number(const uint8_t *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_digit(s[i]))
			return false;
	return n < 7;
}

/* A first line that is cut short must look random, or a mention of the marker would begin a key. */
static bool is_random(const uint8_t *s, size_t n)
{
	bool lower = false, upper = false, other = false;

	for (size_t i = 0; i < n; i++) {
		lower |= s[i] >= 'a' && s[i] <= 'z';
		upper |= i > 0 && s[i] >= 'A' && s[i] <= 'Z';
		other |= is_digit(s[i]) || s[i] == '+' || s[i] == '/';
	}
	return upper && (lower || other);
}

static size_t line_ends(const uint8_t *s, size_t from, size_t to)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++)
		n += s[i] == '\n' || (s[i] == 'n' && i > from && s[i - 1] == '\\');
	return n;
}

struct pem {
	size_t end;	    /* the key reaches to here for certain */
	unsigned int words; /* short runs since */
	bool begun;
};

/* A run of k base64 characters at s[i]. Returns false when it cannot belong to a key. */
static bool take_run(struct pem *p, const uint8_t *s, size_t i, size_t k)
{
	if (k >= LONG_RUN || (!p->begun && k >= FIRST_RUN && is_random(s + i, k))) {
		p->end = i + k;
		p->words = 0;
		p->begun = true;
		return true;
	}
	if (is_number(s + i, k))
		return true;
	/* on the line after a whole one this is the rest of a key that has lost its END */
	if (p->begun && p->words == 0 && line_ends(s, p->end, i) < 2)
		p->end = i + k;
	return ++p->words <= MAX_WORDS;
}

static size_t extend_pem(const uint8_t *s, size_t n, size_t from, bool begun, bool more,
			 bool *ret_open)
{
	struct pem p = {.end = from, .begun = begun};
	size_t i = from;

	*ret_open = false;
	while (i < n && i - p.end <= MAX_FILLER) {
		size_t k;

		if (more && n - i < TAIL_LOOKAHEAD / 2) {
			*ret_open = true;
			return p.end;
		}
		if (n - i >= 8 && memcmp(s + i, "-----END", 8) == 0)
			return p.begun ? i : from;
		if (n - i >= 8 && memcmp(s + i, "-----BEG", 8) == 0)
			break;
		k = header_at(s, n, i);
		if (!k) {
			k = run_at(s, n, i);
			/* '+' and '/' alone are marks, not a run */
			if (k && base64_value[s[i]] >= 62 && k < FIRST_RUN)
				k = 0;
			if (k && !take_run(&p, s, i, k))
				break;
		}
		if (!k)
			k = filler_at(s, n, i);
		if (!k)
			break;
		i += k;
	}
	/* one run up to the end of what is there */
	*ret_open = more && p.begun && i == n && p.end == n;
	return p.begun ? p.end : from;
}

size_t tail_extend(enum mask_tail kind, const uint8_t *s, size_t n, size_t from, bool begun,
		   bool more, bool *ret_open)
{
	*ret_open = false;
	switch (kind) {
	case TAIL_TOKEN:
		return extend_class(in_token, s, n, from, more, ret_open);
	case TAIL_BASE64:
		return extend_class(in_base64, s, n, from, more, ret_open);
	case TAIL_PEM:
		return extend_pem(s, n, from, begun, more, ret_open);
	default:
		return from;
	}
}
