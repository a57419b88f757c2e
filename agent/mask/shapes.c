// SPDX-License-Identifier: Apache-2.0
/* Numbers by their shape. As regular expressions in one automaton with the rest these classes of
 * characters without a fixed letter took most of its time. */
#include "mask/shapes.h"

#include <stdbool.h>
#include <string.h>

#include "mask/bits.h"

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_letter(uint8_t c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z');
}

struct text {
	const uint8_t *s;
	size_t n;
};

static size_t digits_at(const struct text *t, size_t i)
{
	size_t k = i;

	while (k < t->n && is_digit(t->s[k]))
		k++;
	return k - i;
}

/* Length of a separator inside a number, as SEP of mask/patterns.h has them; 0: none. */
static size_t separator_at(const struct text *t, size_t i)
{
	const uint8_t *p = t->s + i;

	if (i >= t->n)
		return 0;
	if (*p == ' ' || *p == '.' || *p == '-')
		return 1;
	if (t->n - i >= 2 && p[0] == 0xc2 && p[1] == 0xa0)
		return 2;
	if (t->n - i >= 3 && p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0x90 && p[2] <= 0x95)
		return 3;
	return 0;
}

/* Digits after one separator: how many follow, *i moves behind them. */
static size_t group(const struct text *t, size_t *i)
{
	size_t sep = separator_at(t, *i), k = sep ? digits_at(t, *i + sep) : 0;

	*i += sep + k;
	return k;
}

static bool is_card(const struct text *t, size_t i, size_t len)
{
	size_t at = i + len, k;

	if (len != 4 && len < 12)
		return false;
	if (t->s[i] < '2' || t->s[i] == '7' || t->s[i] == '9')
		return false;
	if (len >= 12)
		return true;
	k = group(t, &at);
	return k == 4 || k == 6;
}

/* three, two, four */
static bool is_social(const struct text *t, size_t i, size_t len)
{
	size_t at = i + len;

	return len == 3 && group(t, &at) == 2 && group(t, &at) == 4;
}

/* three, three, four; the first three may be in brackets */
static bool is_phone(const struct text *t, size_t i, size_t len)
{
	size_t at = i + 3;

	if (len != 3 || t->s[i] < '2' || at >= t->n)
		return false;
	if (t->s[at] == ')') {
		at += 1 + (at + 1 < t->n && t->s[at + 1] == ' ');
		return digits_at(t, at) == 3;
	}
	return (t->s[at] == '-' || t->s[at] == '.') && group(t, &at) == 3 && group(t, &at) == 4;
}

/* two or three, three, three, with points between */
static bool is_dotted(const struct text *t, size_t i, size_t len)
{
	size_t at = i + len;

	return (len == 2 || len == 3) && at < t->n && t->s[at] == '.' && group(t, &at) == 3 &&
	       at < t->n && t->s[at] == '.' && group(t, &at) == 3;
}

/* How many capital letters stand right before i, up to max. */
static size_t capitals_before(const struct text *t, size_t i, size_t max)
{
	size_t k = 0;

	while (k < max && k < i && is_upper(t->s[i - k - 1]))
		k++;
	return k;
}

/* Two capital letters, or more, that begin a word and end right before i. */
static bool is_capitals(const struct text *t, size_t i)
{
	size_t k = capitals_before(t, i, 6), before = i - k;

	if (k != 2 && k != 6)
		return false;
	/* the letter of an escape (\n) is of no word */
	return before == 0 || !is_letter(t->s[before - 1]) ||
	       (before >= 2 && t->s[before - 2] == '\\');
}

/* '+' before the digit at i, and no 0 there. */
static bool is_plus(const struct text *t, size_t i)
{
	size_t digits = 0, gap = 0;

	if (i == 0 || t->s[i - 1] != '+' || t->s[i] == '0')
		return false;
	for (; i < t->n && gap <= 2 && digits < 8; i++) {
		gap = is_digit(t->s[i]) ? 0 : gap + 1;
		digits += !gap;
	}
	return digits == 8;
}

static uint32_t shapes_of(const struct text *t, size_t i, size_t len)
{
	uint32_t found = 0;

	/* one digit begins no number but this, and others are of no interest */
	if (len < 2)
		return is_plus(t, i) ? 1u << SHAPE_PLUS : 0;
	if (is_card(t, i, len))
		found |= 1u << SHAPE_CARD;
	if (is_social(t, i, len))
		found |= 1u << SHAPE_SOCIAL;
	if (is_phone(t, i, len))
		found |= 1u << SHAPE_PHONE;
	if (is_dotted(t, i, len))
		found |= 1u << SHAPE_DOTTED;
	if (is_capitals(t, i) || (len == 2 && i > 0 && t->s[i - 1] == ' ' && is_capitals(t, i - 1)))
		found |= 1u << SHAPE_CAPITALS;
	if (is_plus(t, i))
		found |= 1u << SHAPE_PLUS;
	return found;
}

/* Of 64 bytes: which are digits, capital letters, spaces, which may join the groups of a number. */
struct classes {
	uint64_t digit, upper, space, plus, join;
};

static struct classes classify(const uint8_t *s)
{
	struct classes c = {0};

	for (unsigned int i = 0; i < BITS_BLOCK; i += 16) {
		bits_v v = bits_load(s + i);
		bits_v space = (bits_v)(v == ' ');

		c.digit |= bits_of((bits_v)((bits_v)(v - '0') < 10)) << i;
		c.upper |= bits_of((bits_v)((bits_v)(v - 'A') < 26)) << i;
		c.space |= bits_of(space) << i;
		c.plus |= bits_of((bits_v)(v == '+')) << i;
		/* what separator_at takes, and the bracket of a telephone number */
		c.join |= bits_of(space | (bits_v)((v == '.') | (v == '-') | (v == ')') |
						   (v == 0xc2) | (v == 0xe2)))
			  << i;
	}
	return c;
}

/* The block at s[i]; what is past the end is of no class. */
static struct classes classes_at(const struct text *t, size_t i)
{
	uint8_t rest[BITS_BLOCK] = {0};

	if (i >= t->n)
		return (struct classes){0};
	if (t->n - i >= BITS_BLOCK)
		return classify(t->s + i);
	memcpy(rest, t->s + i, t->n - i);
	return classify(rest);
}

/* Where in the block now a run of digits begins that shapes_of may say something about: a run of
 * two, three or four with a joint after it, or of twelve and more; or capital letters before it, or
 * a plus. In a dump of numbers that is few of them. */
static uint64_t runs_of_interest(const struct classes *last, const struct classes *now,
				 const struct classes *next)
{
	uint64_t start = now->digit & ~bits_before(last->digit, now->digit, 1);
	uint64_t plus = start & bits_before(last->plus, now->plus, 1);
	uint64_t d[5], of2, of3, of4, long_run, next_run, capitals;

	for (unsigned int k = 1; k < 5; k++)
		d[k] = bits_after(now->digit, next->digit, k);
	start &= d[1];
	if (!start)
		return plus;
	of2 = start & ~d[2];
	of3 = start & d[2] & ~d[3];
	of4 = start & d[2] & d[3] & ~d[4];
	/* twelve in a row: by two, by four, by eight, and four more */
	long_run = now->digit & d[1];
	next_run = next->digit & next->digit >> 1;
	long_run &= bits_after(long_run, next_run, 2);
	next_run &= next_run >> 2;
	long_run &= bits_after(long_run, next_run, 4) & bits_after(long_run, next_run, 8);
	capitals =
		bits_before(last->upper, now->upper, 1) |
		(bits_before(last->space, now->space, 1) & bits_before(last->upper, now->upper, 2));
	return (of2 & bits_after(now->join, next->join, 2)) |
	       (of3 & bits_after(now->join, next->join, 3)) |
	       (of4 & bits_after(now->join, next->join, 4)) | (start & long_run) |
	       (start & capitals) | plus;
}

int shapes_find(const uint8_t *s, size_t n, size_t low, size_t high, shape_found found, void *ctx)
{
	const struct text t = {s, n};
	struct classes last = {0}, now = classes_at(&t, low), next;

	/* what stands before the first block counts, but the runs there are not this stretch's */
	for (size_t k = 1; k <= 2 && k <= low; k++) {
		uint8_t c = s[low - k];
		uint64_t bit = 1ull << (BITS_BLOCK - k);

		last.digit |= is_digit(c) ? bit : 0;
		last.upper |= is_upper(c) ? bit : 0;
		last.space |= c == ' ' ? bit : 0;
		last.plus |= c == '+' ? bit : 0;
	}
	for (size_t at = low; at < high; at += BITS_BLOCK, last = now, now = next) {
		uint64_t runs;

		next = classes_at(&t, at + BITS_BLOCK);
		runs = runs_of_interest(&last, &now, &next);
		for (; runs; runs &= runs - 1) {
			size_t i = at + (size_t)__builtin_ctzll(runs);
			uint32_t shapes = i < high ? shapes_of(&t, i, digits_at(&t, i)) : 0;

			for (unsigned int k = 0; shapes; k++, shapes >>= 1) {
				int r = shapes & 1 ? found(ctx, (enum number_shape)k, i + 1) : 0;

				if (r)
					return r;
			}
		}
	}
	return 0;
}
