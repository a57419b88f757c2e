// SPDX-License-Identifier: Apache-2.0
/* What the inline scanner masks in ordinary code and text: generated, and what lies on this
 * machine. The numbers themselves are printed by `make bench NAME=bench_scan`. */
#include "harness.h"

#include "scan_false.h"
#include "test_mask_gen.h"

static void test_generated(void **state)
{
	const size_t len = 1u << 20;
	_cleanup_free_ char *text = malloc(len + 1);
	struct false_totals t = {0};

	false_set_up();
	for (uint64_t seed = 1; seed <= 6; seed++) {
		gen_text(seed, text, len);
		false_scan("generated", text, len, SCAN_BUFFER, &t);
	}
	assert_true(t.bytes >= 5u << 20);
	/* at most one a megabyte */
	assert_true(t.unsure <= t.bytes >> 20);
	false_tear_down();
}

static void test_this_machine(void **state)
{
	struct false_totals t = {0};

	false_set_up();
	false_scan_machine(&t);
	if (t.unsure > 1 + (t.bytes >> 20))
		fail_msg("%zu false masks in %zu bytes", t.unsure, t.bytes);
	false_tear_down();
}

UNIT_MAIN(unit(test_generated), unit(test_this_machine))
