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
int compile_keys(struct compile *c);

#define COMPILE_BLOCKED "Blocked by company policy"

/* An error answer of the model API with these words, up to where the number of the block goes. By
 * the library, so that whatever a contact has in it is escaped, and ASCII. Returns 0, -E2BIG when
 * there is no room for it, -ENOMEM. */
int compile_text(const char *type, const char *words, struct inline_text *ret);

#endif
