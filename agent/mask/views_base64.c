// SPDX-License-Identifier: Apache-2.0
/* A text seen through base64. */
#include "mask/views.h"

#include <string.h>

#include "mask/base64.h"
#include "mask/rules.h"

#define MIN_RUN	   24 /* characters */
#define MAX_INDENT 32
#define MAX_GAP	   256 /* characters, between two stretches that are decoded as one */

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

/* A group of four characters gives three bytes. Which of these are ' ' to DEL or a control
 * character such as a line end shows, but for a few, in their upper bits, each in a character of
 * its own: */
#define FIRST  1 /* as first of four, this gives a byte of text */
#define SECOND 2 /* as second: the byte that begins in it */
#define THIRD  4
#define IN_RUN 8 /* any character of the two alphabets */

#define FLAGS(v)                                                                                   \
	(IN_RUN | ((v) < 32 && ((v) >= 8 || (v) < 4) ? FIRST : 0) |                                \
	 (((v)&15) < 8 && ((v)&15) != 1 ? SECOND : 0) | (((v)&3) < 2 ? THIRD : 0))
#define FLAGS4(c, v)                                                                               \
	[(c)] = FLAGS(v), [(c) + 1] = FLAGS((v) + 1), [(c) + 2] = FLAGS((v) + 2),                  \
	[(c) + 3] = FLAGS((v) + 3)
#define FLAGS12(c, v) FLAGS4(c, v), FLAGS4((c) + 4, (v) + 4), FLAGS4((c) + 8, (v) + 8)

static const uint8_t base64_flags[256] = {
	FLAGS12('A', 0),   FLAGS12('M', 12),  ['Y'] = FLAGS(24), ['Z'] = FLAGS(25),
	FLAGS12('a', 26),  FLAGS12('m', 38),  ['y'] = FLAGS(50), ['z'] = FLAGS(51),
	FLAGS4('0', 52),   FLAGS4('4', 56),   ['8'] = FLAGS(60), ['9'] = FLAGS(61),
	['+'] = FLAGS(62), ['-'] = FLAGS(62), ['/'] = FLAGS(63), ['_'] = FLAGS(63),
};

struct collector {
	struct views *v;
	size_t n;	    /* characters of this run */
	size_t done;	    /* decoded so far, of all runs */
	uint32_t low, high; /* this run in the text */
	struct stretch {
		size_t from, to;
	} open[4]; /* by phase: text found and not yet decoded */
};

/* Takes the characters of one line, with their flags. Returns where it ends. */
static size_t take_line(struct collector *c, const uint8_t *text, size_t len, size_t i)
{
	uint8_t *flags = c->v->flags + c->n;
	size_t n = 0;

	while (i + n < len && (flags[n] = base64_flags[text[i + n]]))
		n++;
	c->v->lines[c->v->n_lines++] = (struct view_line){(uint32_t)c->n, (uint32_t)i};
	memcpy(c->v->run + c->n, text + i, n);
	c->n += n;
	return i + n;
}

/* Gathers the run that begins at text[low]. */
static void gather(struct collector *c, const uint8_t *text, size_t len, size_t low, bool cut)
{
	size_t i = low;

	*c = (struct collector){.v = c->v, .done = c->done, .low = (uint32_t)low};
	c->v->n_lines = 0;
	for (;;) {
		size_t end = take_line(c, text, len, i), next;
		bool whole = end - i >= VIEW_MIN_LINE || (cut && i == 0);

		next = whole ? next_line(text, len, end) : 0;
		if (!next) {
			c->high = (uint32_t)end;
			return;
		}
		i = next;
	}
}

/* Decodes a stretch of the run that is in phase. */
static void decode(struct collector *c, struct stretch s)
{
	struct views *v = c->v;
	size_t line = 0;
	uint32_t bits = 0;
	unsigned int have = 0;

	v->runs[v->n_runs++] = (struct view_run){(uint32_t)c->done, c->low, c->high};
	for (size_t i = s.from; i < s.to; i++) {
		bits = bits << 6 | base64_value[v->run[i]];
		have += 6;
		while (line + 1 < v->n_lines && v->lines[line + 1].first < i)
			line++;
		if (have < 8)
			continue;
		have -= 8;
		/* of the two characters that a byte is in, the first */
		v->source[c->done] =
			v->lines[line].place + (uint32_t)(i - 1) - v->lines[line].first;
		v->bytes[c->done++] = (uint8_t)(bits >> have);
	}
	/* keeps what is decoded of two stretches apart */
	v->source[c->done] = c->high;
	v->bytes[c->done++] = 0;
}

/* Three groups of text begin at character i. Those near each other are decoded as one stretch, for
 * text in other scripts between. */
static void add_text(struct collector *c, size_t i)
{
	struct stretch *s = &c->open[i % 4];

	if (s->to && i > s->to + MAX_GAP) {
		decode(c, *s);
		s->to = 0;
	}
	/* with the groups before and after, which may be text in part */
	if (!s->to)
		s->from = i >= 4 ? i - 4 : i;
	s->to = i + 16 < c->n ? i + 16 : c->n;
}

#define STEP 16
typedef uint8_t step_v __attribute__((vector_size(STEP)));

static step_v load(const uint8_t *s)
{
	step_v v;

	memcpy(&v, s, STEP);
	return v;
}

/* Finds what is text in the run, in all four phases at once. Of random bytes three groups in a row
 * look like text 1 time in 2,000. */
static void find_text(struct collector *c)
{
	const uint8_t *f = c->v->flags;

	memset(c->v->flags + c->n, 0, VIEW_PAD);
	for (size_t i = 0; i + 12 <= c->n; i += STEP) {
		step_v all = load(f + i) & load(f + i + 4) & load(f + i + 8) & FIRST;
		uint64_t half[2];

		all &= (load(f + i + 1) & load(f + i + 5) & load(f + i + 9)) >> 1;
		all &= (load(f + i + 2) & load(f + i + 6) & load(f + i + 10)) >> 2;
		memcpy(half, &all, STEP);
		if (!(half[0] | half[1]))
			continue;
		for (size_t k = 0; k < STEP && i + k + 12 <= c->n; k++)
			if (all[k])
				add_text(c, i + k);
	}
	for (size_t phase = 0; phase < 4; phase++)
		if (c->open[phase].to)
			decode(c, c->open[phase]);
}

/* Which of the 16 bytes at s are base64 characters: 0xff each. */
static step_v classify(const uint8_t *s)
{
	step_v v = load(s), lower = v | 0x20;

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
	struct collector c = {.v = v};
	size_t done = 0;

	v->n_runs = 0;
	for (size_t i = 0; (i = find_run(text, len, i)) < len;) {
		size_t low = i;

		while (low > done && in_run(text[low - 1]))
			low--;
		gather(&c, text, len, low, cut);
		if (c.n >= MIN_RUN)
			find_text(&c);
		i = done = c.high;
	}
	if (!v->n_runs)
		return false;
	v->source[c.done] = (uint32_t)len;
	*ret = (struct view){v->bytes, c.done, v->source};
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
