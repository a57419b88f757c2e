// SPDX-License-Identifier: Apache-2.0
/* What the table of the inline scanner says besides where a byte leads: where two lead at once, and
 * where to go on from. Held against one byte after the other, for each state and any two bytes. */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/scan.h"
#include "policy/automaton.h"

static struct scan_table *compile_list(const struct inline_detector *list, size_t n)
{
	_cleanup_(automaton_report_free) struct automaton_report report = {0};
	struct scan_table *table = NULL;

	assert_int_equal(automaton_compile(list, n, SCAN_STATES_MAX, 1, &table, &report), 0);
	return table;
}

static uint16_t row_of(size_t state)
{
	return (uint16_t)(state << SCAN_ROW_SHIFT);
}

/* Returns how many pairs of bytes are taken at once, of all states together. */
static size_t check_pairs(const struct scan_table *t)
{
	size_t taken = 0;

	for (size_t two = 0; two < 1 << 16; two++) {
		assert_true(t->pair[two] >= t->classes && t->pair[two] < SCAN_COLUMNS);
		for (size_t s = 0; s < t->states; s++) {
			uint16_t both = scan_next_two(t, row_of(s), (uint16_t)two), one;

			if (t->pair[two] == t->classes)
				assert_int_equal(both, 0);
			if (!both)
				continue;
			taken++;
			one = scan_next(t, row_of(s), two & 0xff);
			if (one >= t->quiet || both != scan_next(t, one, (uint8_t)(two >> 8)))
				fail_msg("state %zu, bytes %04zx", s, two);
		}
	}
	return taken;
}

static void check_then(const struct scan_table *t)
{
	size_t left = 0;

	for (size_t s = 0; s < t->states; s++) {
		uint16_t then = t->label[s].then;

		if (then == row_of(s))
			continue;
		left++;
		assert_true(then < t->idle);
		assert_int_equal(t->label[s].open, 0);
		for (size_t b = 0; b < 256; b++)
			assert_int_equal(scan_next(t, then, (uint8_t)b),
					 scan_next(t, row_of(s), (uint8_t)b));
	}
	assert_true(left > 0);
}

/* How many steps a value takes from the byte before it to the one behind it. */
static size_t steps(const struct scan_table *t, const char *text)
{
	uint16_t row = t->resume[' '], both;
	size_t n = 0, len = strlen(text);

	for (size_t i = 0; i < len; n++) {
		both = i + 1 < len ? scan_next_two(t, row,
						   (uint16_t)((uint8_t)text[i] |
							      (uint8_t)text[i + 1] << 8))
				   : 0;
		row = both ? both : scan_next(t, row, (uint8_t)text[i]);
		i += both ? 2 : 1;
	}
	return n;
}

/* The columns are there for these. */
static void test_built_in(void **state)
{
	static const struct {
		const char *text;
		size_t steps;
	} table[] = {
		{"4111111111111111", 8}, {"4111 1111 1111 1111 ", 10},	 {"123-45-6789 ", 6},
		{"+49 30 901820", 8},	 {"DE89370400440532013000", 13}, {"@example.com", 9},
	};
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);
	_cleanup_free_ struct scan_table *t = compile_list(list, n);

	assert_true(check_pairs(t) > t->states * 1000);
	check_then(t);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (steps(t, table[i].text) > table[i].steps)
			fail_msg("%s takes %zu steps", table[i].text, steps(t, table[i].text));
}

/* The more classes, the fewer columns are left, and in the end none but the one without pairs. */
static void test_room(void **state)
{
	size_t last = SIZE_MAX;

	for (size_t classes = 20; classes < SCAN_COLUMNS; classes += 53) {
		char pattern[512] = "[0-9]{4}(";
		size_t len = strlen(pattern), taken;
		struct inline_detector d = {.name = "x", .pattern = pattern, .commit = 2};
		_cleanup_free_ struct scan_table *t = NULL;

		/* one for the digits and one for what is in no pattern */
		for (size_t i = 0; i + 2 < classes; i++) {
			pattern[len++] = (char)(0x80 + i);
			for (size_t j = 0; j <= i % 3; j++)
				pattern[len++] = 'a';
			pattern[len++] = '|';
		}
		pattern[len - 1] = ')';
		pattern[len] = 0;
		t = compile_list(&d, 1);
		print_message("%u classes\n", t->classes);
		taken = check_pairs(t);
		assert_true(taken <= last);
		last = taken;
	}
}

UNIT_MAIN(unit(test_built_in), unit(test_room))
