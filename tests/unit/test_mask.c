// SPDX-License-Identifier: Apache-2.0
/* The mask stage from its door: what goes in, what comes out. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "mask/mask.h"

static struct mask_rules *rules_of(const struct mask_options *o)
{
	struct mask_rules *r = NULL;
	char err[256];

	assert_int_equal(mask_rules_new(o, &r, err), 0);
	assert_string_equal(err, "");
	return r;
}

static void test_styles(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"nothing to see here", "nothing to see here"},
		{"mail alice@example.com now", "mail *****@*******.*** now"},
		{"ssn 123-45-6789.", "ssn ***-**-****."},
		{"pay 4111 1111 1111 1111 please", "pay **** **** **** **** please"},
		{"DE89 3704 0044 0532 0130 00 PAID", "**** **** **** **** **** ** PAID"},
		{"id AKIAIOSFODNN7EXAMPLE end", "id ******************** end"},
		{"a\xff"
		 "b\xc3",
		 "a?b?"},
	};
	struct mask_rules *r = rules_of(&(struct mask_options){0});

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct masked *m = NULL;

		assert_int_equal(mask_text(r, rows[i].text, strlen(rows[i].text), &m), 0);
		assert_string_equal(masked_text(m), rows[i].want);
		assert_int_equal(masked_len(m), strlen(rows[i].text));
		assert_false(masked_failed(m));
		masked_free(m);
	}
	mask_rules_free(r);
}

UNIT_MAIN(unit(test_styles))
