/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with rules that are each well formed. */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "policy/policy.h"

/* Warns of rules that can never match; a destination with more rules than the kernel holds is an
 * error. Returns 0 or -ENOMEM. */
int policy_lint(const struct policy *policy, struct policy_report *report);

#endif
