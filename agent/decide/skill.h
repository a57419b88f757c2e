/* SPDX-License-Identifier: Apache-2.0 */
/* What the ACL says of a skill, for uses that no file decided: a skill that the client bundles has
 * no SKILL.md that the kernel could judge. */
#ifndef DECIDE_SKILL_H
#define DECIDE_SKILL_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

struct skill_judgement {
	enum bailiff_verdict verdict; /* by the rules alone, whatever the mode */
	enum bailiff_reason reason;
	bool listed;
};

/* Judges (person, name) by the ACL: the union of users and teams; a skill that is not listed gets
 * the default; one that requires approval is denied, for no grant is known here. name: len bytes.
 */
void skill_judge(const struct policy *policy, uint32_t person, const char *name, size_t len,
		 struct skill_judgement *ret);

/* The entry of the ACL with this name, or NULL. */
const struct policy_skill *skill_find(const struct policy *policy, const char *name, size_t len);

/* The part of a skill's name that is its directory: "tools:pdf" -> "pdf" (a plugin's skill). */
const char *skill_base_name(const char *name, size_t len, size_t *ret_len);

#endif
