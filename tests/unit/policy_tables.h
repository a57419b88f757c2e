/* SPDX-License-Identifier: Apache-2.0 */
/* Policies out of texts, their tables, and what the kernel makes of the tables. */
#ifndef UNIT_POLICY_TABLES_H
#define UNIT_POLICY_TABLES_H

#include <arpa/inet.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "harness.h"
#include "policy/address.h"
#include "policy_memory.h"

#define HEAD "version: 1\nmode: enforce\n"

static inline struct policy *load(const char *main, const char *acl)
{
	struct policy_report report = {0};
	struct policy *policy = NULL;

	if (policy_memory_load(main, acl, &policy, &report) < 0) {
		policy_report_print(&report, stdout, false);
		fail_msg("the policy must load");
	}
	policy_report_free(&report);
	return policy;
}

/* alice is 1000, alice2 too; bob 1001; shared-a and shared-b both 1002; the rest is not here. */
static inline int lookup(void *ctx, const char *login, uint32_t *ret_uid)
{
	static const struct {
		const char *login;
		uint32_t uid;
	} logins[] = {{"alice", 1000},	  {"alice2", 1000},   {"bob", 1001},
		      {"shared-a", 1002}, {"shared-b", 1002}, {"root", 0}};

	for (size_t i = 0; i < ARRAY_SIZE(logins); i++)
		if (strcmp(logins[i].login, login) == 0) {
			*ret_uid = logins[i].uid;
			return 0;
		}
	return -ENOENT;
}

static inline struct policy_tables *compile(const struct policy *policy,
					    const struct policy_addresses *addresses, size_t n)
{
	struct policy_tables *tables = NULL;
	char err[256];
	int r = policy_compile(policy, addresses, n, lookup, NULL, &tables, err);

	if (r < 0)
		fail_msg("policy_compile: %d %s", r, err);
	return tables;
}

#endif
