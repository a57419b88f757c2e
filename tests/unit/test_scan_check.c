// SPDX-License-Identifier: Apache-2.0
/* The sums of the inline scanner, eight bytes at a time, against those of the standards, a digit at
 * a time: any bytes, any length, any place in a buffer, and begun before it. */
#include "harness.h"

#include <string.h>

#include "bpf/scan_check.h"
#include "scan_reference.h"

#define LONGEST 64

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

/* Mostly what a value is made of, and at times anything at all. */
static uint8_t any_byte(uint32_t kind)
{
	static const char of[][40] = {"0123456789", "0123456789 -",
				      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
				      "0123456789 ABC/:@[`{az()+"};

	if (kind == 4)
		return (uint8_t)below(256);
	return (uint8_t)of[kind][below((uint32_t)strlen(of[kind]))];
}

/* Values that most lengths and kinds of which are right at times: the last digits are tried. */
static size_t make_value(uint8_t *out, enum scan_check check)
{
	size_t n = 1 + below(LONGEST - 1);
	uint32_t kind = below(5), tries = below(2) ? 100 : 1;

	for (size_t i = 0; i < n; i++)
		out[i] = any_byte(kind);
	if (check == SCAN_CHECK_MOD97 && n > 4 && below(2)) {
		out[0] = (uint8_t)('A' + below(26));
		out[1] = (uint8_t)('A' + below(26));
		for (size_t i = 4; i < n; i++)
			out[i] = (uint8_t)('0' + below(10));
		tries = 100;
	}
	for (uint32_t t = 0; t < tries && !reference_check(check, out, n); t++) {
		if (check == SCAN_CHECK_MOD97 && n > 4) {
			out[2] = (uint8_t)('0' + t / 10);
			out[3] = (uint8_t)('0' + t % 10);
		} else {
			out[n - 1] = (uint8_t)('0' + t % 10);
		}
	}
	return n;
}

struct counts {
	size_t good, bad, soon;
};

static void compare(enum scan_check check, struct counts *c)
{
	static struct scan_buffer b;
	struct scan_run run = {0};
	uint8_t value[LONGEST];
	size_t n = make_value(value, check);
	bool want = reference_check(check, value, n);
	/* before the buffer, at its beginning, within, and up to its very end */
	int32_t start = (int32_t)below(3) == 0 ? (int32_t)below(40) - SCAN_RECENT
			: below(2)	       ? (int32_t)(SCAN_BUFFER - n)
					       : (int32_t)below(4000);
	int soon = -1;

	if (start + (int32_t)n <= 0)
		start = 1 - (int32_t)n;
	if (start < -SCAN_RECENT)
		start = 0;
	/* what lies around it must not count */
	memset(&b, '0' + (int)below(10), sizeof(b));
	memset(run.recent, '0' + (int)below(10), sizeof(run.recent));
	for (size_t i = 0; i < n; i++) {
		int32_t at = start + (int32_t)i;

		if (at < 0)
			run.recent[at + SCAN_RECENT] = value[i];
		else
			b.byte[at] = value[i];
	}
	run.upto = (uint32_t)(start + (int32_t)n);
	if (start >= 0)
		soon = scan_check_soon(&b, check, start, run.upto);
	if (!!scan_check(&run, &b, check, start) != want || (soon >= 0 && !!soon != want))
		fail_msg("check %d of %zu bytes at %d: \"%.*s\" is %sa value, soon %d", check, n,
			 start, (int)n, (const char *)value, want ? "" : "not ", soon);
	*(want ? &c->good : &c->bad) += 1;
	c->soon += soon >= 0;
}

static void test_against_standards(void **state)
{
	for (enum scan_check check = SCAN_CHECK_LUHN; check < SCAN_CHECK_MAX; check++) {
		struct counts c = {0};

		for (uint32_t i = 0; i < 200000; i++)
			compare(check, &c);
		/* both answers and both ways were met with, often */
		assert_true(c.good > 2000 && c.bad > 2000);
		assert_true(c.soon > 2000);
	}
}

/* What the way of most account numbers has to do with: each length that it takes, both ends of it,
 * and check digits that are none. */
static void test_account_numbers(void **state)
{
	static struct scan_buffer b;
	static const struct {
		const char *text;
		bool good, soon;
	} table[] = {
		{"DE89370400440532013000", true, true},
		{"DE89370400440532013001", false, true},
		{"AT611904300234573201", true, true},
		{"NO9386011117947", true, false},
		{"BE68539007547034", true, false},
		{"PL61109010140000071219812874", true, true},
		{"CY17002001280000001200527600", true, true},
		{"GB29NWBK60161331926819", true, false},
		{"MT84MALT011000012345MTLCAST001S", true, false},
		{"de89370400440532013000", true, false},
		{"DE/>370400440532013000", false, false},
		{"DE8:370400440532013000", false, false},
		{"DE89370400440532O13000", false, false},
		{"[E89370400440532013000", false, false},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct scan_run run = {0};
		size_t n = strlen(table[i].text);

		memset(&b, ' ', sizeof(b));
		memcpy(&b.byte[100], table[i].text, n);
		run.upto = (uint32_t)(100 + n);
		if (!!scan_check(&run, &b, SCAN_CHECK_MOD97, 100) != table[i].good ||
		    scan_check_soon(&b, SCAN_CHECK_MOD97, 100, run.upto) !=
			    (table[i].soon ? table[i].good : -1))
			fail_msg("%s", table[i].text);
		assert_int_equal(
			reference_check(SCAN_CHECK_MOD97, (const uint8_t *)table[i].text, n),
			table[i].good);
	}
}

UNIT_MAIN(unit(test_against_standards), unit(test_account_numbers))
