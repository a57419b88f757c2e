/* SPDX-License-Identifier: Apache-2.0 */
/* Loads a policy out of two texts, for tests that need no directory. */
#ifndef UNIT_POLICY_MEMORY_H
#define UNIT_POLICY_MEMORY_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/load.h"

struct policy_memory {
	const char *main, *acl;
	size_t main_len, acl_len;
};

static inline int policy_memory_open(void *ctx, const char *name, const char *shown,
				     struct policy_report *report)
{
	const struct policy_memory *m = ctx;
	bool main = strcmp(name, LOAD_FILE_MAIN) == 0;
	size_t len = main ? m->main_len : m->acl_len;
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, main ? m->main : m->acl, len);
	copy[len] = 0;
	return report_source(report, shown, copy, len);
}

/* As policy_load() of a directory "p". *report must be empty. */
static inline int policy_memory_load(const char *main, const char *acl, struct policy **ret,
				     struct policy_report *report)
{
	struct policy_memory m = {main, acl, strlen(main), strlen(acl)};

	return load_policy("p", policy_memory_open, &m, ret, report);
}

#endif
