// SPDX-License-Identifier: Apache-2.0
/* The compiler of the inline data path: what it refuses and where, what it makes of a pattern, what
 * it says of detectors that share matches, and the size of the whole. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/automaton_parts.h"

/* Patterns that are none, with the place that the report names. */
static void test_refused(void **state)
{
	static const struct {
		struct inline_detector d;
		size_t at;
		const char *says;
	} cases[] = {
		{{.pattern = "a(?:b)", .commit = 1}, 1, "look-around"},
		{{.pattern = "abc(?=d)", .commit = 1}, 3, "look-around"},
		{{.pattern = "(a)\\1", .commit = 1}, 3, "references back"},
		{{.pattern = "a\\d", .commit = 1}, 1, "no meaning"},
		{{.pattern = "a\\", .commit = 1}, 1, "nothing follows"},
		{{.pattern = "^a", .commit = 1}, 0, "no lines"},
		{{.pattern = "ab$", .commit = 1}, 2, "no lines"},
		{{.pattern = "a*?b", .commit = 1}, 2, "nothing before it"},
		{{.pattern = "ab)", .commit = 1}, 2, "no group is open"},
		{{.pattern = "a(b(c)", .commit = 1}, 1, "not closed"},
		{{.pattern = "ab[cd", .commit = 1}, 2, "not closed"},
		{{.pattern = "[[:alpha:]]", .commit = 1}, 1, "named classes"},
		{{.pattern = "x[z-a]", .commit = 1}, 2, "ends before"},
		{{.pattern = "[a-\xff]", .commit = 1}, 1, "0x80"},
		{{.pattern = "a{,3}", .commit = 1}, 1, "repetition is"},
		{{.pattern = "a{2", .commit = 1}, 1, "repetition is"},
		{{.pattern = "a{3,2}", .commit = 1}, 1, "lower number"},
		{{.pattern = "a{70000}", .commit = 1}, 1, "up to 255"},
		{{.pattern = "(ab{20}){200}", .commit = 1}, 12, "2,048"},
		{{.pattern = "a|*", .commit = 1}, 2, "nothing before it"},
		{{.pattern = "a*", .commit = 1}, 0, "empty text"},
		{{.pattern = "ab", .except = "a.", .commit = 1}, 0, "nothing matches"},
		{{.pattern = "a\0b", .pattern_len = 3, .nocase = true, .commit = 1}, 0, "NUL"},
		{{.pattern = "abc"}, 0, "commit point is"},
		{{.pattern = "abc", .head = "ab?x"}, 0, "do not begin with a head"},
		{{.pattern = "a+b", .head = "a+b"}, 0, "must have a bound"},
		{{.pattern = "ab[ab]+", .commit = 1}, 0, "must own"},
		{{.pattern = "(ab){200}", .commit = 1}, 0, "must own"},
		{{.pattern = "[0-9]{30}", .commit = 20, .check = SCAN_CHECK_LUHN}, 0, "16 bytes"},
		{{.pattern = "ab+", .commit = 1, .owns = true, .check = SCAN_CHECK_LUHN},
		 0,
		 "must have a bound"},
		{{.pattern = "ab", .commit = 1, .before = "ab"}, 0, "one [...]"},
		{{.pattern = "ab", .commit = 1, .after = "[a][b]"}, 0, "one [...]"},
		{{.pattern = "ab", .commit = 1, .back = "[a]"}, 0, "reaches back"},
		{{.pattern = "[*]ab", .commit = 1}, 0, "masks it"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(automaton_report_free) struct automaton_report report = {0};
		struct scan_table *table = NULL;
		struct inline_detector d = cases[i].d;

		d.name = "x";
		if (automaton_compile(&d, 1, SCAN_STATES_MAX, 1, &table, &report) != -EINVAL)
			fail_msg("%s is taken", d.pattern);
		assert_null(table);
		assert_int_equal(report.n_findings, 1);
		if (report.findings[0].at != cases[i].at ||
		    !strstr(report.findings[0].text, cases[i].says))
			fail_msg("%s: at %zu: %s", d.pattern, report.findings[0].at,
				 report.findings[0].text);
	}
}

static bool accepts(const struct pattern *p, const char *s, size_t len)
{
	uint32_t q = PATTERN_START;

	for (size_t i = 0; i < len; i++)
		q = p->next[q][(uint8_t)s[i]];
	return p->flags[q] & PATTERN_ACCEPT;
}

/* One detector's language, its bounds, its commit point. */
static void test_patterns(void **state)
{
	static const struct {
		struct inline_detector d;
		const char *yes;
		size_t n_yes;
		const char *no;
		size_t n_no;
		size_t shortest, longest, commit;
		int lead;
	} cases[] = {
		{{.pattern = "a[bc]{2,3}", .commit = 2}, "abc", 3, "ab", 2, 3, 4, 2, 'a'},
		{{.pattern = "(x|yy)z", .head = "x|y"}, "yyz", 3, "yz", 2, 2, 3, 1, -1},
		{{.pattern = "ab", .commit = 9}, "ab", 2, "a", 1, 2, 2, 2, 'a'},
		{{.pattern = "ab", .nocase = true, .commit = 1}, "aB", 2, "bA", 2, 2, 2, 1, -1},
		{{.pattern = "a\0b", .pattern_len = 3, .commit = 1},
		 "a\0b",
		 3,
		 "a",
		 1,
		 3,
		 3,
		 1,
		 'a'},
		{{.pattern = "\xc3\xa9[\x80-\xff]", .commit = 1},
		 "\xc3\xa9\xff",
		 3,
		 "\xc3\xa9\x7f",
		 3,
		 3,
		 3,
		 1,
		 -1},
		{{.pattern = "[^a*]x", .commit = 1}, "\0x", 2, "ax", 2, 2, 2, 1, -1},
		{{.pattern = "f\\.[a-z]{1,3}", .except = ".*\\.(C|H)", .commit = 1},
		 "f.ch",
		 4,
		 "f.c",
		 3,
		 3,
		 5,
		 1,
		 -1},
		{{.pattern = "[]a]b", .commit = 1}, "]b", 2, "[b", 2, 2, 2, 1, -1},
		{{.pattern = "#a+", .commit = 2}, "#aaaa", 5, "#", 1, 2, 0, 2, '#'},
		{{.pattern = "k-a+", .commit = 2, .owns = true}, "k-aaaa", 6, "k-", 2, 3, 0, 2, -1},
		{{.pattern = "@x", .commit = 1, .back = "[a-c]", .back_max = 7},
		 "@x",
		 2,
		 "@",
		 1,
		 2,
		 2,
		 8,
		 '@'},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(automaton_report_free) struct automaton_report report = {0};
		_cleanup_(pattern_free) struct pattern p = {0};

		if (pattern_compile(&cases[i].d, 0, &p, &report) < 0)
			fail_msg("%s: %s", cases[i].d.pattern, report.findings[0].text);
		if (!accepts(&p, cases[i].yes, cases[i].n_yes) ||
		    accepts(&p, cases[i].no, cases[i].n_no))
			fail_msg("%s: takes the wrong text", cases[i].d.pattern);
		assert_int_equal(p.shortest, cases[i].shortest);
		assert_int_equal(p.longest, cases[i].longest);
		assert_int_equal(p.commit, cases[i].commit);
		assert_int_equal(p.lead, cases[i].lead);
	}
}

static void test_compare(void **state)
{
	static const struct inline_detector list[] = {
		{.name = "all", .pattern = "key-[a-z]{4,8}", .commit = 4},
		{.name = "some", .pattern = "key-abcd", .commit = 4},
		{.name = "beside", .pattern = "key-[a-f]{4}", .commit = 4, .after = "[x]"},
		{.name = "more", .pattern = "key-[a-f0-9]{4}", .commit = 4},
		{.name = "other", .pattern = "kex-abcd", .commit = 4},
		{.name = "number", .pattern = "[0-9]{8}", .commit = 4, .check = SCAN_CHECK_LUHN},
		{.name = "any", .pattern = "[0-9]{8}", .commit = 4},
		{.name = "again", .pattern = "[0-9]{8}", .commit = 4, .check = SCAN_CHECK_LUHN},
	};
	static const struct {
		size_t detector;
		enum automaton_level level;
		const char *says;
	} want[] = {
		{1, AUTOMATON_WARNING, "all"},	  {2, AUTOMATON_WARNING, "all"},
		{3, AUTOMATON_NOTE, "all"},	  {3, AUTOMATON_NOTE, "some"},
		{3, AUTOMATON_NOTE, "beside"},	  {6, AUTOMATON_NOTE, "number"},
		{7, AUTOMATON_WARNING, "number"},
	};
	_cleanup_(automaton_report_free) struct automaton_report report = {0};

	assert_int_equal(automaton_compare(list, ARRAY_SIZE(list), &report), 0);
	assert_int_equal(report.n_findings, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(report.findings[i].detector, want[i].detector);
		assert_int_equal(report.findings[i].level, want[i].level);
		assert_non_null(strstr(report.findings[i].text, want[i].says));
	}
}

/* The built in ones have nothing to be warned of, and leave room for those of a company. */
static void test_built_in(void **state)
{
	_cleanup_(automaton_report_free) struct automaton_report report = {0}, other = {0};
	_cleanup_free_ struct scan_table *table = NULL;
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);

	assert_int_equal(automaton_compile(list, n, SCAN_STATES_MAX, 7, &table, &report), 0);
	print_message("%zu detectors: %zu states (%zu before minimising), %zu classes, %zu bytes\n",
		      n, report.states, report.states_made, report.classes, report.bytes);
	assert_true(report.states < SCAN_STATES_MAX * 3 / 4);
	assert_int_equal(table->id, 7);
	assert_int_equal(automaton_compare(list, n, &other), 0);
	for (size_t i = 0; i < other.n_findings; i++)
		assert_int_equal(other.findings[i].level, AUTOMATON_NOTE);
}

static void test_hundred_words(void **state)
{
	_cleanup_(automaton_report_free) struct automaton_report report = {0};
	_cleanup_free_ struct scan_table *table = NULL;
	struct inline_detector list[SCAN_DETECTORS_MAX];
	char words[100][32];
	size_t n;
	const struct inline_detector *built_in = inline_detectors(&n);

	memcpy(list, built_in, n * sizeof(*list));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++, n++) {
		assert_true(snprintf(words[i], sizeof(words[i]), "Project %c%c%zu",
				     (int)('A' + i % 26), (int)('a' + i * 7 % 26), i) > 0);
		list[n] = (struct inline_detector){
			.name = words[i],
			.pattern = words[i],
			.commit = 8,
			.nocase = true,
			.before = "[A-Za-z]",
			.after = "[A-Za-z0-9]",
		};
	}
	if (automaton_compile(list, n, SCAN_STATES_MAX, 1, &table, &report) < 0)
		fail_msg("%s", report.findings[0].text);
	print_message("%zu detectors: %zu states, %zu bytes\n", n, report.states, report.bytes);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct scan_state s = {0};
		uint8_t in[SCAN_BUFFER] = {0}, out[SCAN_BUFFER];
		size_t len = strlen(words[i]);

		memcpy(in + 2, words[i], len);
		in[0] = in[1] = in[len + 2] = ' ';
		assert_int_equal(scan_mask(table, &s, in, out, (__u32)len + 3), 1);
		assert_int_equal(out[2], '*');
		assert_int_equal(out[len + 1], '*');
		assert_int_equal(out[len + 2], ' ');
	}
}

/* Too many states: refused with the number, and the one that makes them. */
static void test_limit(void **state)
{
	static const struct inline_detector list[] = {
		{.name = "word", .pattern = "word", .commit = 2},
		/* where the first of the last 20 letters was an a: each of 2^20 is another state */
		{.name = "wide", .pattern = "a[ab]{20}c", .commit = 3},
	};
	static const struct inline_detector small[] = {
		{.name = "long", .pattern = "abcdefghijklmnopqrstuvwxyz", .commit = 2},
		{.name = "short", .pattern = "xyz", .commit = 2},
	};
	_cleanup_(automaton_report_free) struct automaton_report report = {0}, second = {0};
	struct scan_table *table = NULL;
	struct inline_detector many[SCAN_DETECTORS_MAX + 1];

	assert_int_equal(automaton_compile(list, 2, SCAN_STATES_MAX, 1, &table, &report), -E2BIG);
	assert_int_equal(report.n_findings, 1);
	assert_int_equal(report.findings[0].detector, 1);
	assert_non_null(strstr(report.findings[0].text, "more than 8192"));
	assert_int_equal(automaton_compile(small, 2, 16, 1, &table, &second), -E2BIG);
	assert_int_equal(second.findings[0].detector, 0);
	assert_non_null(strstr(second.findings[0].text, "take 3"));
	automaton_report_free(&second);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = list[0];
	assert_int_equal(automaton_compile(many, ARRAY_SIZE(many), 8192, 1, &table, &second),
			 -E2BIG);
	assert_null(table);
}

/* A pattern that tells more bytes apart than the table has classes. */
static void test_classes(void **state)
{
	_cleanup_(automaton_report_free) struct automaton_report report = {0};
	struct scan_table *table = NULL;
	char pattern[512];
	size_t n = 0;
	struct inline_detector d = {.name = "x", .pattern = pattern, .commit = 2};

	for (int c = 1; c < 256; c++) {
		if (strchr("^$*+?{}()[]|\\.*", c))
			continue;
		pattern[n++] = (char)c;
	}
	pattern[n] = 0;
	assert_int_equal(automaton_compile(&d, 1, SCAN_STATES_MAX, 1, &table, &report), -E2BIG);
	assert_non_null(strstr(report.findings[0].text, "kinds of bytes"));
	assert_null(table);
}

UNIT_MAIN(unit(test_refused), unit(test_patterns), unit(test_compare), unit(test_built_in),
	  unit(test_hundred_words), unit(test_limit), unit(test_classes))
