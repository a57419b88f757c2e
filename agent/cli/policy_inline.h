/* SPDX-License-Identifier: Apache-2.0 */
/* The inline section of a policy, as people and as programs read it. */
#ifndef CLI_POLICY_INLINE_H
#define CLI_POLICY_INLINE_H

#include <jansson.h>
#include <stdio.h>

#include "policy/policy.h"

/* One line on how large the detectors' table is; nothing where none acts. */
void policy_inline_print_size(const struct policy *policy, FILE *to);

/* The same as an object; null where none acts. */
json_t *policy_inline_size_json(const struct policy *policy);

/* Each detector and what is done with what it finds, as a table. Returns 0 or -ENOMEM. */
int policy_inline_print(const struct policy *policy, FILE *to);

/* The same as an object. */
json_t *policy_inline_json(const struct policy *policy);

#endif
