// SPDX-License-Identifier: Apache-2.0
/* Pairs of bytes that hardly any state tells apart, as two digits within a number: a column of the
 * table for each kind of pair, so that the scanner takes both bytes with one step. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/automaton_parts.h"

#define DIGITS "0123456789"
#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* In the order of their use, for the classes may leave room for some only. By itself: each class of
 * these bytes has a column of its own, for at the beginning of a number it makes a difference. */
static const struct kind {
	const char *first, *second;
	bool first_by_itself, second_by_itself;
} kinds[] = {
	{DIGITS, DIGITS, true, false}, {DIGITS, " ", false, false},   {DIGITS, "-", false, false},
	{" ", DIGITS, false, true},    {"-", DIGITS, false, true},    {LOWER, LOWER, false, false},
	{LOWER, ".", false, false},    {LOWER, " ", false, false},    {LOWER, "-", false, false},
	{LOWER, DIGITS, false, false}, {DIGITS, LOWER, false, false}, {UPPER, DIGITS, false, false},
	{DIGITS, UPPER, false, false}, {UPPER, UPPER, false, false},  {UPPER, LOWER, false, false},
	{LOWER, UPPER, false, false},  {DIGITS, ".", false, false},   {DIGITS, ",", false, false},
	{LOWER, ",", false, false},
};

/* Some bytes, and the classes that they are of. */
struct some {
	uint8_t byte[32];
	size_t n;
	bool class[SCAN_COLUMNS];
};

/* Those of a kind, or of one class of it. Returns whether there are any. */
static bool some_of(const struct scan_table *t, const char *kind, bool by_itself, size_t class,
		    struct some *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; kind[i]; i++) {
		uint8_t b = (uint8_t)kind[i];

		if (by_itself && t->class_of[b] != class)
			continue;
		ret->byte[ret->n++] = b;
		ret->class[t->class_of[b]] = true;
	}
	return ret->n > 0;
}

/* Where a byte of some leads to from a state, or 0: it makes a difference which. after has the
 * same for what follows that byte; without it there is nothing more. */
static uint16_t lead_to(const struct scan_table *t, size_t state, const struct some *x,
			const uint16_t *after)
{
	const uint16_t *next = &t->next[state << SCAN_CLASSES_SHIFT];
	uint16_t ret = 0, to;

	for (size_t c = 0; c < t->classes; c++) {
		if (!x->class[c])
			continue;
		to = next[c];
		/* what a state says is asked of each but the last */
		if (after)
			to = to < t->quiet ? after[to >> SCAN_ROW_SHIFT] : 0;
		if (!to || (ret && to != ret))
			return 0;
		ret = to;
	}
	return ret;
}

static void write_column(struct scan_table *t, size_t column, const struct some *first,
			 const struct some *second, uint16_t *after)
{
	for (size_t s = 0; s < t->states; s++)
		after[s] = lead_to(t, s, second, NULL);
	for (size_t s = 0; s < t->states; s++)
		t->next[s << SCAN_CLASSES_SHIFT | column] = lead_to(t, s, first, after);
	for (size_t i = 0; i < first->n; i++)
		for (size_t j = 0; j < second->n; j++)
			t->pair[first->byte[i] | second->byte[j] << 8] = (uint8_t)column;
}

int search_write_pairs(struct scan_table *t)
{
	_cleanup_free_ uint16_t *after = calloc(t->states, sizeof(*after));
	size_t column = t->classes + 1, n_first, n_second;
	struct some first, second;

	if (!after)
		return -ENOMEM;
	/* the one that all others have, and every row of it is 0 */
	memset(t->pair, (int)t->classes, sizeof(t->pair));
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		n_first = kinds[k].first_by_itself ? t->classes : 1;
		n_second = kinds[k].second_by_itself ? t->classes : 1;
		for (size_t i = 0; i < n_first * n_second; i++) {
			if (!some_of(t, kinds[k].first, n_first > 1, i / n_second, &first) ||
			    !some_of(t, kinds[k].second, n_second > 1, i % n_second, &second))
				continue;
			if (column == SCAN_COLUMNS)
				return 0;
			write_column(t, column++, &first, &second, after);
		}
	}
	return 0;
}
