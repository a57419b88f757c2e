// SPDX-License-Identifier: Apache-2.0
/* What the ACL says of a skill. */
#include "decide/skill.h"

#include <string.h>
#include <strings.h>

#include "identity/person.h"

const struct policy_skill *skill_find(const struct policy *policy, const char *name, size_t len)
{
	for (size_t i = 0; policy && len && i < policy->n_skills; i++) {
		const char *listed = policy->skills[i].name;

		if (listed && strlen(listed) == len && memcmp(listed, name, len) == 0)
			return &policy->skills[i];
	}
	return NULL;
}

const char *skill_base_name(const char *name, size_t len, size_t *ret_len)
{
	const char *colon = len ? memrchr(name, ':', len) : NULL;

	if (colon) {
		len -= (size_t)(colon + 1 - name);
		name = colon + 1;
	}
	*ret_len = len;
	return name;
}

static bool skill_is_for(const struct policy_skill *skill, const struct policy_person *person)
{
	if (skill->allowed_teams & person->teams)
		return true;
	for (char **user = skill->allowed_users; user && *user; user++)
		if (person->email && strcasecmp(*user, person->email) == 0)
			return true;
	return false;
}

void skill_judge(const struct policy *policy, uint32_t person, const char *name, size_t len,
		 struct skill_judgement *ret)
{
	const struct policy_person *who = person_by_index(policy, person);
	const struct policy_skill *skill = skill_find(policy, name, len);

	*ret = (struct skill_judgement){BAILIFF_DENY, BAILIFF_REASON_NONE, skill != NULL};
	if (!skill) {
		bool allow = policy && policy->skill_default_allow;

		ret->verdict = allow ? BAILIFF_ALLOW : BAILIFF_DENY;
		ret->reason = allow ? BAILIFF_REASON_DEFAULT : BAILIFF_REASON_SKILL_NOT_LISTED;
	} else if (!who) {
		ret->reason = BAILIFF_REASON_UNKNOWN_PERSON;
	} else if (!skill_is_for(skill, who)) {
		ret->reason = BAILIFF_REASON_SKILL_NOT_ALLOWED;
	} else if (skill->requires_approval) {
		ret->reason = BAILIFF_REASON_APPROVAL;
	} else {
		ret->verdict = BAILIFF_ALLOW;
		ret->reason = BAILIFF_REASON_RULE;
	}
}
