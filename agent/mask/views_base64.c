// SPDX-License-Identifier: Apache-2.0
/* A text seen through base64. */
#include "mask/views.h"

#include <string.h>

#include "mask/base64.h"
#include "mask/rules.h"

#define MIN_RUN	   24 /* characters */
#define MIN_LINE   60 /* characters in a line of a wrapped run; tools wrap at 64 and 76 */
#define MAX_INDENT 32
#define MIN_GROUPS 3   /* of four characters, decoding to text, in a row */
#define MAX_GAP	   256 /* characters */

static bool in_run(uint8_t c)
{
	return base64_value[c] != BASE64_NONE;
}

static size_t line_end(const uint8_t *text, size_t len, size_t i)
{
	while (i < len && in_run(text[i]))
		i++;
	return i;
}

/* Where the next line of a wrapped run begins, when text[i] is a line end (also one written as \n)
 * with more of the run after it; else 0. */
static size_t next_line(const uint8_t *text, size_t len, size_t i)
{
	size_t at = i;

	while (i < len && i - at < MAX_INDENT) {
		if (text[i] == '\n' || text[i] == '\r' || text[i] == ' ' || text[i] == '\t')
			i++;
		else if (text[i] == '\\' && i + 1 < len &&
			 (text[i + 1] == 'n' || text[i + 1] == 'r'))
			i += 2;
		else
			break;
	}
	/* spaces alone separate words */
	if (i == at || i == len || !in_run(text[i]))
		return 0;
	return memchr(text + at, '\n', i - at) || memchr(text + at, '\\', i - at) ? i : 0;
}

/* Whether the four characters at v decode to what can stand in a text: bytes from ' ' to DEL, or
 * one of the 16 control characters that have the line ends among them. */
static bool is_text(const uint8_t *v)
{
	unsigned int first = (unsigned int)v[0] << 2 | v[1] >> 4;
	unsigned int second = (v[1] & 15u) << 4 | v[2] >> 2;
	unsigned int third = (v[2] & 3u) << 6 | v[3];

	return ((first | second | third) & 0x80) == 0 && (first >= ' ' || first < 16) &&
	       (second >= ' ' || second < 16) && (third >= ' ' || third < 16);
}

struct collector {
	struct views *v;
	size_t n_values; /* of this run */
	size_t n;	 /* decoded so far */
};

/* Gathers the run that begins at text[low]; returns where it ends. */
static size_t gather(struct collector *c, const uint8_t *text, size_t len, size_t low, bool cut)
{
	size_t i = low;

	c->n_values = 0;
	for (;;) {
		size_t end = line_end(text, len, i), next;
		bool whole = end - i >= MIN_LINE || (cut && i == 0);

		for (; i < end; i++) {
			c->v->values[c->n_values] = base64_value[text[i]];
			c->v->places[c->n_values++] = (uint32_t)i;
		}
		next = whole ? next_line(text, len, end) : 0;
		if (!next)
			return end;
		i = next;
	}
}

/* Decodes characters [from, to) of the run; from is in phase. */
static void decode(struct collector *c, size_t from, size_t to, size_t low, size_t high)
{
	struct views *v = c->v;
	uint32_t bits = 0;
	unsigned int have = 0;

	v->runs[v->n_runs++] = (struct view_run){(uint32_t)c->n, (uint32_t)low, (uint32_t)high};
	for (size_t i = from; i < to; i++) {
		bits = bits << 6 | v->values[i];
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		v->source[c->n] = v->places[i - 1];
		v->bytes[c->n++] = (uint8_t)(bits >> have);
	}
	/* keeps what is decoded of two stretches apart */
	v->source[c->n] = (uint32_t)high;
	v->bytes[c->n++] = 0;
}

/* Decodes the stretches of a run that are text when read from phase on. Random bytes have three
 * groups of text in a row 1 time in 2,000; near stretches are one, for text in other scripts. */
static void decode_phase(struct collector *c, size_t phase, size_t low, size_t high)
{
	const uint8_t *values = c->v->values;
	size_t row = 0, from = 0, to = 0;

	for (size_t i = phase; i + 3 < c->n_values; i += 4) {
		row = is_text(values + i) ? row + 1 : 0;
		if (row < MIN_GROUPS)
			continue;
		if (to && i > to + MAX_GAP) {
			decode(c, from, to, low, high);
			to = 0;
		}
		if (!to) /* with the group before, which may be text in part */
			from = i >= phase + 4 * MIN_GROUPS ? i - 4 * MIN_GROUPS : phase;
		to = i + 4;
	}
	if (to)
		decode(c, from, to + 4 < c->n_values ? to + 4 : c->n_values, low, high);
}

#define STEP 16
typedef uint8_t step_v __attribute__((vector_size(STEP)));

/* Which of the 16 bytes at s are base64 characters: 0xff each. */
static step_v classify(const uint8_t *s)
{
	step_v v, lower;

	memcpy(&v, s, STEP);
	lower = v | 0x20;
	return (step_v)((lower - 'a' < 26) | (v - '0' < 10) | (v == '+') | (v == '/') | (v == '-') |
			(v == '_'));
}

/* A place at or after i inside a run that may be long enough; len: none. A run of 24 covers two
 * blocks of eight, wherever it begins. */
static size_t find_run(const uint8_t *text, size_t len, size_t i)
{
	bool before = false;

	for (; i + STEP <= len; i += STEP) {
		step_v in = classify(text + i);
		uint64_t half[2];

		memcpy(half, &in, STEP);
		if (half[0] == UINT64_MAX && (before || half[1] == UINT64_MAX))
			return i;
		before = half[1] == UINT64_MAX;
	}
	/* fewer than 16 are left: a run of 24 there began before them */
	return before && i < len ? i - 1 : len;
}

bool view_base64(struct views *v, const uint8_t *text, size_t len, bool cut, struct view *ret)
{
	struct collector c = {v, 0, 0};
	size_t done = 0;

	v->n_runs = 0;
	for (size_t i = 0; (i = find_run(text, len, i)) < len;) {
		size_t low = i, high = line_end(text, len, i);

		while (low > done && in_run(text[low - 1]))
			low--;
		if (high - low >= MIN_RUN) {
			high = gather(&c, text, len, low, cut);
			for (size_t phase = 0; phase < 4; phase++)
				decode_phase(&c, phase, low, high);
		}
		i = done = high;
	}
	if (!v->n_runs)
		return false;
	v->source[c.n] = (uint32_t)len;
	*ret = (struct view){v->bytes, c.n, v->source};
	return true;
}

const struct view_run *view_run_of(const struct views *v, size_t i)
{
	size_t low = 0, high = v->n_runs;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (v->runs[mid].start <= i)
			low = mid;
		else
			high = mid;
	}
	return &v->runs[low];
}

size_t view_run_end(const uint8_t *text, size_t len, size_t i)
{
	for (;;) {
		size_t end = line_end(text, len, i), next = next_line(text, len, end);

		if (!next)
			return end;
		i = next;
	}
}
