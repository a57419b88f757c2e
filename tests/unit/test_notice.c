// SPDX-License-Identifier: Apache-2.0
/* How often a person is told of refusals, and in which words. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "decide/notice.h"

static struct notices all;

static bool take(uint64_t whom, const char *what, int64_t at_ms)
{
	static uint64_t number;
	struct notice n = {.whom = whom};

	n.number = ++number;
	snprintf(n.what, sizeof(n.what), "%s", what);
	snprintf(n.why, sizeof(n.why), "rule r");
	return notices_take(&all, &n, at_ms);
}

/* Tells what is due at that time; returns how many lines that are. */
static unsigned int due(int64_t at_ms, uint32_t *ret_n, bool *ret_others)
{
	struct notice last;
	unsigned int lines = 0;

	while (notices_due(&all, at_ms, &last, ret_n, ret_others))
		lines++;
	return lines;
}

static void test_again(void **state)
{
	int64_t t = 1000;
	uint32_t n = 0, told = 1;
	bool others = false;

	(void)state;
	memset(&all, 0, sizeof(all));
	assert_true(take(1, "x", t));
	/* a client that tries ten times a second for five minutes */
	for (int i = 1; i < 3000; i++) {
		assert_false(take(1, "x", t + 100 * i));
		told += due(t + 100 * i, &n, &others);
		assert_false(others);
	}
	assert_int_equal(told, 5); /* after 0, 10, 30, 70 and 150 s, and not before 310 */
	assert_int_equal(n, 800);
	assert_int_equal(due(t + 310000, &n, &others), 1);
	assert_int_equal(n, 1499);
}

static void test_quiet_again(void **state)
{
	uint32_t n;
	bool others;

	(void)state;
	memset(&all, 0, sizeof(all));
	assert_true(take(1, "x", 0));
	assert_false(take(1, "x", 9000));
	assert_int_equal(due(9999, &n, &others), 0);
	assert_int_equal(due(10000, &n, &others), 1);
	assert_int_equal(n, 1);
	/* told with a next time of 20 s; silent for that long and as long again */
	assert_false(take(1, "x", 29000));
	assert_int_equal(due(30000, &n, &others), 1);
	assert_true(take(1, "x", 30000 + 2 * 40000));
	assert_false(take(1, "x", 30000 + 2 * 40000 + 9999));
	/* and waits the shortest time again */
	assert_int_equal(due(30000 + 2 * 40000 + 10000, &n, &others), 1);
}

static void test_flood(void **state)
{
	unsigned int lines = 0;
	uint64_t counted = 0;
	char what[32];

	(void)state;
	memset(&all, 0, sizeof(all));
	/* a thousand different things a second, for ten minutes */
	for (int i = 0; i < 600000; i++) {
		uint32_t n = 0;
		bool others = false;

		snprintf(what, sizeof(what), "thing %d", i);
		lines += take(7, what, i);
		if (i % 500 == 0) {
			unsigned int more = due(i, &n, &others);

			assert_true(more <= 1);
			if (more) {
				assert_true(others);
				counted += n;
			}
			lines += more;
		}
		if (i == 1999)
			assert_int_equal(lines, NOTICE_BURST);
		if (i == 2001) /* whatever else was refused is told of within two seconds */
			assert_in_range(lines, NOTICE_BURST + 1, NOTICE_BURST + 2);
	}
	assert_in_range(lines, 20, 80);
	assert_true(counted > 500000);
	/* somebody else's is told at once all the same */
	assert_true(take(8, "thing", 600000));
}

static void test_lineages(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	/* more than there are places: told each, none lost, no place used twice */
	for (uint64_t i = 1; i <= 3 * NOTICES_MAX; i++)
		assert_true(take(i, "x", (int64_t)i));
	assert_false(take(3 * NOTICES_MAX, "x", 3 * NOTICES_MAX));
	assert_int_equal(all.told, 3 * NOTICES_MAX);
	assert_int_equal(all.held, 1);
}

static void test_text(void **state)
{
	static const struct {
		const char *what, *why;
		uint32_t n;
		bool others;
		const char *want;
	} table[] = {
		{"connection to blocked.example (10.77.2.10:443)", "rule destinations/deny[0]", 0,
		 false,
		 "bailiff refused connection to blocked.example (10.77.2.10:443) (rule "
		 "destinations/deny[0]). Why: bailiff why 57"},
		{"skill pdf", "rule skill/pdf", 1, false,
		 "bailiff refused skill pdf (rule skill/pdf) 1 more time. Why: bailiff why 57"},
		{"skill pdf", "rule skill/pdf", 19, false,
		 "bailiff refused skill pdf (rule skill/pdf) 19 more times. Why: bailiff why 57"},
		{"skill pdf", "rule skill/pdf", 1, true,
		 "bailiff refused 1 other thing. Why: bailiff why -n 1"},
		{"skill pdf", "rule skill/pdf", 7000, true,
		 "bailiff refused 7000 other things. Why: bailiff why -n 50"},
		/* what would drive the terminal, hide, or be of another charset */
		{"skill \033]0;x\007\033[2J\r\n\x7f",
		 "rule \x9b"
		 "2J",
		 0, false, "bailiff refused skill ?]0;x??[2J??? (rule ?2J). Why: bailiff why 57"},
		{"skill p\u0440f \u202e", "rule r", 0, false,
		 "bailiff refused skill p??f ??? (rule r). Why: bailiff why 57"},
	};
	char text[NOTICE_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct notice n = {.number = 57};

		snprintf(n.what, sizeof(n.what), "%s", table[i].what);
		snprintf(n.why, sizeof(n.why), "%s", table[i].why);
		assert_int_equal(notice_text(&n, table[i].n, table[i].others, text),
				 strlen(table[i].want));
		assert_string_equal(text, table[i].want);
	}
}

/* A block is asked for by the number that the client shows. */
static void test_block(void **state)
{
	struct notice n = {.number = 57,
			   .block = 17,
			   .what = "what was sent to the model (payment-card)",
			   .why = "rule inline/payment-card"};
	char text[NOTICE_TEXT_SIZE];

	(void)state;
	notice_text(&n, 0, false, text);
	assert_string_equal(text, "bailiff refused what was sent to the model (payment-card) (rule "
				  "inline/payment-card). Why: bailiff why B17");
	notice_text(&n, 3, false, text);
	assert_string_equal(text, "bailiff refused what was sent to the model (payment-card) (rule "
				  "inline/payment-card) 3 more times. Why: bailiff why B17");
}

static void test_longest(void **state)
{
	struct notice n = {.number = UINT64_MAX};
	char text[NOTICE_TEXT_SIZE];

	(void)state;
	memset(n.what, 'a', sizeof(n.what) - 1);
	memset(n.why, 'b', sizeof(n.why) - 1);
	assert_true(notice_text(&n, UINT32_MAX, false, text) < NOTICE_TEXT_SIZE - 1);
	assert_non_null(strstr(text, "Why: bailiff why 18446744073709551615"));
}

UNIT_MAIN(unit(test_again), unit(test_quiet_again), unit(test_flood), unit(test_lineages),
	  unit(test_text), unit(test_block), unit(test_longest))
