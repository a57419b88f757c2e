/* SPDX-License-Identifier: Apache-2.0 */
/* Who a person index of the kernel's tables is, in the words of the policy. */
#ifndef IDENTITY_PERSON_H
#define IDENTITY_PERSON_H

#include <stdint.h>

#include "policy/policy.h"

/* The person that the kernel's index names (from 1), or NULL: nobody known, or out of range. */
const struct policy_person *person_by_index(const struct policy *policy, uint32_t index);

/* The index (from 1) of the person with this address, ASCII case aside; 0 when there is none. */
uint32_t person_by_email(const struct policy *policy, const char *email);

/* The next team of the set at or after *i, NULL at the end; start with *i = 0. A bit without a team
 * name is passed over. */
const char *person_next_team(const struct policy *policy, uint64_t teams, unsigned int *i);

#endif
