/* SPDX-License-Identifier: Apache-2.0 */
/* The detectors of a policy's inline section as one table. */
#ifndef POLICY_INLINE_TABLE_H
#define POLICY_INLINE_TABLE_H

#include "policy/policy.h"

/* What a detector does, as the table has it: SCAN_ACT() of each kind of text. 0: nothing, and it is
 * neither in the table nor a rule. */
unsigned int inline_acts(const struct policy_inline *p);

/* Compiles those that act to policy->scan. Returns 0 (NULL: none acts), -EINVAL with an error
 * added, -EIO, -ENOMEM. */
int inline_table_build(struct policy *policy, struct policy_report *report);

#endif
