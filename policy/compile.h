/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of the compiler. */
#ifndef POLICY_COMPILE_H
#define POLICY_COMPILE_H

#include "policy/policy.h"

struct compile {
	const struct policy *policy;
	struct policy_tables *tables;
	const struct policy_addresses *addresses;
	size_t n_addresses;
	char *err;
	uint32_t first_skill, first_destination, first_resolver, first_inline,
		first_tool; /* in the rule table */
};

/* Each fills its tables. Returns 0, -ENOMEM; compile_destinations also -E2BIG with err set. */
int compile_rules(struct compile *c);
int compile_destinations(struct compile *c);
int compile_inline(struct compile *c);

#endif
