// SPDX-License-Identifier: Apache-2.0
/* Writes the table that bpf/scan.h walks: states in an order that a comparison tells idle ones and
 * those with something to say by, and the filter that skips what starts nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/automaton_parts.h"

/* Which bytes the candidates of a detector have in one of their first places; all, from where a
 * match may have ended. */
static void place_bytes(const struct pattern *p, size_t place, bool ret[256])
{
	bool now[PATTERN_STATES] = {[PATTERN_START] = true}, then[PATTERN_STATES];

	memset(ret, place >= p->shortest, 256);
	for (size_t i = 0; i <= place; i++) {
		memset(then, 0, sizeof(then));
		for (size_t q = PATTERN_START; q < p->n; q++)
			for (size_t b = 0; now[q] && b < 256; b++) {
				if (!p->next[q][b])
					continue;
				then[p->next[q][b]] = true;
				if (i == place)
					ret[b] = true;
			}
		memcpy(now, then, sizeof(now));
	}
}

static int compare_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return x[0] < y[0] ? -1 : x[0] > y[0];
}

/* How often a byte comes in what people and programs write, about, in a thousand. */
static uint32_t byte_weight(size_t byte)
{
	static const uint8_t letter[] = {82, 15, 28, 43, 127, 22, 20, 61, 70, 2,  8, 40, 24,
					 67, 75, 19, 1,	 60,  63, 91, 28, 10, 24, 2, 20, 1};

	if (byte >= 'a' && byte <= 'z')
		return letter[byte - 'a'];
	return byte == ' ' ? 180 : byte >= '0' && byte <= '9' ? 6 : byte < 0x80 ? 3 : 1;
}

/* Pairs of bytes that a candidate may have at `place` and behind it; all, from where a match may
 * have ended. Place 0 is the byte before it. Returns how often they come elsewhere. */
static uint64_t place_pairs(const struct pattern *p, const bool states[PATTERN_STATES],
			    size_t place, uint8_t ret[1 << 16])
{
	uint64_t weight = 0;

	for (size_t a = 0; a < 256; a++)
		for (size_t q = PATTERN_START; q < p->n; q++) {
			size_t r = place ? p->next[q][a] : q;

			for (size_t b = 0; states[q] && r && b < 256; b++)
				if (p->next[r][b] || place >= p->shortest)
					ret[a | b << 8] = 1;
		}
	if (place > p->shortest)
		memset(ret, 1, 1 << 16);
	for (size_t i = 0; i < 1 << 16; i++)
		weight += ret[i] ? (uint64_t)byte_weight(i & 255) * byte_weight(i >> 8) : 0;
	return weight;
}

static void step_states(const struct pattern *p, bool states[PATTERN_STATES])
{
	bool then[PATTERN_STATES] = {false};

	for (size_t q = PATTERN_START; q < p->n; q++)
		for (size_t b = 0; states[q] && b < 256; b++)
			then[p->next[q][b]] = true;
	then[0] = false;
	memcpy(states, then, sizeof(then));
}

/* A look has two bytes of a candidate that starts at the first of a look, and two of one that
 * starts at the second: of the first ones, those that are rarest elsewhere. "gh" is in many words,
 * "_" and a digit in few. */
static int write_skip(const struct pattern *p, struct scan_table *t)
{
	_cleanup_free_ uint8_t *pairs = calloc(SCAN_SHOWS + 2, 1 << 16);
	bool states[PATTERN_STATES] = {[PATTERN_START] = true};
	uint64_t weight[SCAN_SHOWS + 2];

	if (!pairs)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(weight); i++) {
		weight[i] = place_pairs(p, states, i, pairs + (i << 16));
		if (i)
			step_states(p, states);
	}
	for (size_t odd = 0; odd < 2; odd++) {
		size_t best = odd;

		for (size_t i = odd; i < ARRAY_SIZE(weight); i += 2)
			if (weight[i] < weight[best])
				best = i;
		for (size_t i = 0; i < 1 << 16; i++)
			t->pair[i] |= pairs[(best << 16) + i];
	}
	return 0;
}

/* More detectors than bits: those that start alike share one, so that it says much. */
static int write_filter(const struct pattern *patterns, size_t n, struct scan_table *t)
{
	uint32_t order[SCAN_DETECTORS_MAX][2];
	bool has[256];
	int r;

	for (size_t d = 0; d < n; d++) {
		place_bytes(&patterns[d], 0, has);
		for (order[d][0] = 0; order[d][0] < 255 && !has[order[d][0]]; order[d][0]++)
			;
		order[d][1] = (uint32_t)d;
	}
	qsort(order, n, sizeof(order[0]), compare_order);
	memset(t->bars, 0xff, sizeof(t->bars));
	for (size_t i = 0; i < n; i++) {
		const struct pattern *p = &patterns[order[i][1]];
		uint64_t bit = 1ULL << (n <= 16 ? i : i * 16 / n);

		for (size_t b = 0; b < 256; b++)
			if (!p->before.has[b])
				t->bars[b] &= ~bit;
		for (size_t place = 0; place < 3; place++) {
			place_bytes(p, place, has);
			for (size_t b = 0; b < 256; b++)
				if (has[b])
					t->bars[b] &= ~(bit << 16 * (place + 1));
		}
		r = write_skip(p, t);
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
	t->idle = (uint32_t)at[1];
	t->quiet = (uint32_t)at[2];
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
		};
		for (size_t c = 0; c < s->classes; c++)
			t->next[(size_t)number[i] << SCAN_CLASSES_SHIFT | c] =
				number[s->next[i * s->classes + c]];
	}
	memcpy(t->class_of, s->class_of, sizeof(t->class_of));
	memcpy(t->entry, s->entries, s->n_entries * sizeof(*t->entry));
	for (size_t b = 0; b < 256; b++)
		t->resume[b] = number[s->resume[b]];
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
	r = write_filter(patterns, n, t);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}
