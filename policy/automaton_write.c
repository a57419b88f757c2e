// SPDX-License-Identifier: Apache-2.0
/* Writes the table that bpf/scan.h walks: states in an order that a comparison tells idle ones and
 * those with something to say by, and the filter that skips what starts nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/automaton_parts.h"

/* Bytes of a candidate that the filter looks at. */
#define FIRST (2 * (SCAN_PAIRS - 1))

static void step_states(const struct pattern *p, bool states[PATTERN_STATES])
{
	bool then[PATTERN_STATES] = {false};

	for (size_t q = PATTERN_START; q < p->n; q++)
		for (size_t b = 0; states[q] && b < 256; b++)
			then[p->next[q][b]] = true;
	then[0] = false;
	memcpy(states, then, sizeof(then));
}

/* Bytes after which any other may follow: a match may have ended, or an owner committed, before
 * which other candidates are forgotten even if it breaks off. */
static size_t decided_after(const struct pattern *p, bool owns)
{
	bool states[PATTERN_STATES] = {[PATTERN_START] = true};
	uint8_t flags = owns ? PATTERN_ACCEPT | PATTERN_COMMIT : PATTERN_ACCEPT;

	for (size_t n = 0; n < 2 * SCAN_PAIRS; n++) {
		for (size_t q = PATTERN_START; q < p->n; q++)
			if (states[q] && p->flags[q] & flags)
				return n;
		step_states(p, states);
	}
	return 2 * SCAN_PAIRS;
}

/* What the candidates of a detector, or of some, may begin with. */
struct beginning {
	bool before[256], at[FIRST][256];
	double often; /* how often such bytes come in a text, in no unit */
	size_t detector;
};

/* Digits are what most candidates begin with, and what is in most that is none. */
static double weigh_bytes(const bool has[256])
{
	double sum = 0;

	for (size_t b = 0; b < 256; b++)
		if (has[b])
			sum += b >= '0' && b <= '9' ? 4 : b < 0x80 ? 1 : 0.1;
	return sum;
}

static double weigh(const struct beginning *x)
{
	double product = weigh_bytes(x->before);

	for (size_t i = 0; i < FIRST; i++)
		product *= weigh_bytes(x->at[i]);
	return product;
}

static void join(struct beginning *x, const struct beginning *y)
{
	for (size_t b = 0; b < 256; b++) {
		x->before[b] |= y->before[b];
		for (size_t i = 0; i < FIRST; i++)
			x->at[i][b] |= y->at[i][b];
	}
	x->often = weigh(x);
}

static void begin(const struct pattern *p, bool owns, struct beginning *ret)
{
	size_t decided = decided_after(p, owns);
	bool states[PATTERN_STATES] = {[PATTERN_START] = true};

	for (size_t b = 0; b < 256; b++)
		ret->before[b] = !p->before.has[b];
	for (size_t i = 0; i < FIRST; i++) {
		memset(ret->at[i], i >= decided, sizeof(ret->at[i]));
		for (size_t q = PATTERN_START; q < p->n; q++)
			for (size_t b = 0; states[q] && b < 256; b++)
				ret->at[i][b] |= p->next[q][b] != 0;
		step_states(p, states);
	}
	ret->often = weigh(ret);
}

static int compare_often(const void *a, const void *b)
{
	const struct beginning *x = a, *y = b;

	return x->often < y->often ? 1 : x->often > y->often ? -1 : 0;
}

/* Pairs of bytes that a candidate may have at `place` and behind it. Place 1 is its first byte, 0
 * the one before it; states is where the pattern may be before place. */
static void place_pairs(const struct pattern *p, const bool states[PATTERN_STATES], size_t decided,
			size_t place, bool ret[1 << 16])
{
	memset(ret, place > decided, 1 << 16);
	for (size_t a = 0; a < 256; a++)
		for (size_t q = PATTERN_START; q < p->n; q++) {
			size_t r = place ? p->next[q][a] : p->before.has[a] ? 0 : q;

			for (size_t b = 0; states[q] && r && b < 256; b++)
				if (p->next[r][b] || place >= decided)
					ret[a | b << 8] = true;
		}
}

static void clear_bars(struct scan_table *t, const bool pairs[1 << 16], size_t place, size_t bit)
{
	for (size_t i = 0; i < 1 << 16; i++)
		if (pairs[i])
			t->bars[i] &= ~(1ULL << (place * 2 * SCAN_BARS + bit));
}

static int write_bars(const struct pattern *p, bool owns, size_t bit, struct scan_table *t)
{
	size_t decided = decided_after(p, owns);
	_cleanup_free_ bool *pairs = calloc(1, 1 << 16);
	bool states[PATTERN_STATES] = {[PATTERN_START] = true};

	if (!pairs)
		return -ENOMEM;
	/* the pair before it */
	for (size_t i = 0; i < 1 << 16; i++)
		pairs[i] = !p->before.has[i >> 8];
	clear_bars(t, pairs, 0, bit);
	for (size_t i = 0; i < 2 * SCAN_PAIRS - 1; i++) {
		place_pairs(p, states, decided, i, pairs);
		if (i)
			step_states(p, states);
		clear_bars(t, pairs, (i + 1) / 2, i & 1 ? bit : bit + SCAN_BARS);
	}
	return 0;
}

/* More detectors than bits: each shares that of those with whom it lets through the fewest more of
 * what is neither. Those that often come go first. */
static int write_filter(const struct inline_detector *list, const struct pattern *patterns,
			size_t n, struct scan_table *t)
{
	_cleanup_free_ struct beginning *one = calloc(n + SCAN_BARS, sizeof(*one));
	struct beginning *group;
	int r;

	if (!one)
		return -ENOMEM;
	group = one + n;
	for (size_t d = 0; d < n; d++) {
		begin(&patterns[d], list[d].owns, &one[d]);
		one[d].detector = d;
	}
	qsort(one, n, sizeof(*one), compare_often);
	memset(t->bars, 0xff, sizeof(t->bars));
	for (size_t i = 0; i < n; i++) {
		size_t best = 0, d;
		double least = 0;

		for (size_t g = 0; g < SCAN_BARS; g++) {
			struct beginning both = group[g];

			join(&both, &one[i]);
			if (!g || both.often - group[g].often < least) {
				best = g;
				least = both.often - group[g].often;
			}
		}
		join(&group[best], &one[i]);
		d = one[i].detector;
		r = write_bars(&patterns[d], list[d].owns, best, t);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Idle states, then those without a say, then the rest; within each as they were, so that the
 * beginning of a stream stays 0. */
static size_t rank(const struct search_state *s)
{
	return s->idle ? 0 : s->matches || s->own || s->lead ? 2 : 1;
}

static uint16_t row_of(uint16_t state)
{
	return (uint16_t)(state << SCAN_ROW_SHIFT);
}

/* The row to go on from: what a state says is said once, and where it then goes on as an idle one
 * does the scanner need not find that out. */
static uint16_t row_then(const struct search *s, const uint16_t *number, size_t state)
{
	const uint32_t *next = &s->next[state * s->classes];

	for (size_t i = 0; i < s->n && !s->state[state].open; i++)
		if (s->state[i].idle &&
		    memcmp(&s->next[i * s->classes], next, s->classes * sizeof(*next)) == 0)
			return row_of(number[i]);
	return row_of(number[state]);
}

int search_write(const struct search *s, const struct inline_detector *list,
		 const struct pattern *patterns, size_t n, uint32_t id, struct scan_table **ret)
{
	_cleanup_free_ struct scan_table *t = calloc(1, sizeof(*t));
	_cleanup_free_ uint16_t *number = calloc(s->n, sizeof(*number));
	size_t count[3] = {0}, at[3];
	int r;

	if (!t || !number)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		count[rank(&s->state[i])]++;
	at[0] = 0;
	at[1] = count[0];
	at[2] = count[0] + count[1];
	t->version = SCAN_VERSION;
	t->id = id;
	t->states = (uint32_t)s->n;
	t->classes = (uint32_t)s->classes;
	t->idle = (uint32_t)at[1] << SCAN_ROW_SHIFT;
	t->quiet = (uint32_t)at[2] << SCAN_ROW_SHIFT;
	t->entries = (uint32_t)s->n_entries;
	t->detectors = (uint32_t)n;
	for (size_t i = 0; i < s->n; i++)
		number[i] = (uint16_t)at[rank(&s->state[i])]++;
	for (size_t i = 0; i < s->n; i++) {
		const struct search_state *state = &s->state[i];

		t->label[number[i]] = (struct scan_label){
			.matches = (uint16_t)state->matches,
			.open = (uint16_t)state->open,
			.own = state->own,
			.lead = state->lead,
			.then = row_then(s, number, i),
		};
		for (size_t c = 0; c < s->classes; c++)
			t->next[(size_t)number[i] << SCAN_CLASSES_SHIFT | c] =
				row_of(number[s->next[i * s->classes + c]]);
	}
	memcpy(t->class_of, s->class_of, sizeof(t->class_of));
	memcpy(t->entry, s->entries, s->n_entries * sizeof(*t->entry));
	for (size_t b = 0; b < 256; b++)
		t->resume[b] = row_of(number[s->resume[b]]);
	for (size_t d = 0; d < n; d++) {
		struct scan_detector *to = &t->detector[d];

		to->style = (uint8_t)list[d].style;
		to->check = (uint8_t)list[d].check;
		to->acts = (uint16_t)list[d].acts;
		to->mark = s->mark[d] < SCAN_MARKS ? s->mark[d] : 0;
		to->reach = (uint8_t)list[d].back_max;
		for (size_t b = 0; b < 256; b++)
			if (patterns[d].back.has[b])
				to->back[b >> 6] |= 1ULL << (b & 63);
	}
	r = search_write_pairs(t);
	if (r == 0)
		r = write_filter(list, patterns, n, t);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}
