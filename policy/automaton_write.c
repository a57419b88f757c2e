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

/* More detectors than bits: those that start alike share one, so that it says much. */
static void write_filter(const struct pattern *patterns, size_t n, struct scan_table *t)
{
	uint32_t order[SCAN_DETECTORS_MAX][2];
	bool has[256];

	for (size_t d = 0; d < n; d++) {
		place_bytes(&patterns[d], 0, has);
		for (order[d][0] = 0; order[d][0] < 255 && !has[order[d][0]]; order[d][0]++)
			;
		order[d][1] = (uint32_t)d;
	}
	qsort(order, n, sizeof(order[0]), compare_order);
	for (size_t i = 0; i < n; i++) {
		const struct pattern *p = &patterns[order[i][1]];
		uint32_t bit = 1u << (n <= 32 ? i : i * 32 / n);
		uint32_t half = 1u << (n <= 16 ? i : i * 16 / n);
		uint32_t *places[] = {t->first, t->second, t->third};

		for (size_t b = 0; b < 256; b++)
			if (!p->before.has[b]) {
				t->follow[b] |= bit;
				t->left[b] |= half;
			}
		for (size_t place = 0; place < ARRAY_SIZE(places); place++) {
			place_bytes(p, place, has);
			for (size_t b = 0; b < 256; b++) {
				if (!has[b])
					continue;
				places[place][b] |= bit;
				if (place == 0)
					t->left[b] |= half << 16;
				if (place < 2)
					t->middle[b] |= half << 16 * place;
				if (place > 0)
					t->right[b] |= half << 16 * (place - 1);
			}
		}
	}
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
	while (1u << t->shift < s->classes)
		t->shift++;
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
			t->next[(size_t)number[i] << t->shift | c] =
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
	write_filter(patterns, n, t);
	*ret = TAKE_PTR(t);
	return 0;
}
