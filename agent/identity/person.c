// SPDX-License-Identifier: Apache-2.0
/* Who a person index of the kernel's tables is. */
#include "identity/person.h"

#include <strings.h>

const struct policy_person *person_by_index(const struct policy *policy, uint32_t index)
{
	if (!policy || index == 0 || index > policy->n_people)
		return NULL;
	return &policy->people[index - 1];
}

uint32_t person_by_email(const struct policy *policy, const char *email)
{
	for (size_t i = 0; policy && i < policy->n_people; i++)
		if (policy->people[i].email && strcasecmp(policy->people[i].email, email) == 0)
			return (uint32_t)i + 1;
	return 0;
}

const char *person_next_team(const struct policy *policy, uint64_t teams, unsigned int *i)
{
	while (policy && *i < 64 && *i < policy->n_teams) {
		unsigned int bit = (*i)++;

		if ((teams >> bit & 1) && policy->teams[bit])
			return policy->teams[bit];
	}
	return NULL;
}
