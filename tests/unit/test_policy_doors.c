// SPDX-License-Identifier: Apache-2.0
/* Local sockets, listening ports and user namespaces: from the policy into the tables. */
#include "harness.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "policy_memory.h"

#define HEAD "version: 1\nmode: enforce\ndestinations:\n"
#define ACL  "default: deny\n"

static struct policy *load(const char *destinations)
{
	struct policy_report report = {0};
	struct policy *policy = NULL;
	char main[1024];

	snprintf(main, sizeof(main), HEAD "%s", destinations);
	assert_int_equal(policy_memory_load(main, ACL, &policy, &report), 0);
	assert_int_equal(report.n_errors, 0);
	policy_report_free(&report);
	return policy;
}

static bool has(const struct policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->n_locals; i++)
		if (strcmp(policy->locals[i].path, path) == 0)
			return true;
	return false;
}

/* Without a list, what the C library needs; no resolver, whose answers nobody would see. */
static void test_usual(void **state)
{
	struct policy *policy = load("  deny: []\n");

	(void)state;
	assert_true(has(policy, "/dev/log"));
	assert_true(has(policy, "/run/systemd/userdb/io.systemd.DynamicUser"));
	assert_false(has(policy, "/run/systemd/resolve/io.systemd.Resolve"));
	assert_false(has(policy, "/run/nscd/socket"));
	assert_int_equal(policy->n_listen, 0);
	assert_false(policy->user_namespaces);
	policy_free(policy);
}

static void test_given(void **state)
{
	struct policy *policy = load("  local:\n    - path: /run/postgresql/.s.PGSQL.5432\n"
				     "  listen: [3000, 8000-8100]\n  user_namespaces: allow\n");
	struct policy_tables *tables = NULL;
	char err[256];

	(void)state;
	assert_int_equal(policy->n_locals, 1);
	assert_true(has(policy, "/run/postgresql/.s.PGSQL.5432"));
	assert_int_equal(policy->locals[0].where.line, 5);
	assert_int_equal(policy_compile(policy, NULL, 0, NULL, NULL, &tables, err), 0);
	assert_int_equal(tables->root.flags & POLICY_NAMESPACES, POLICY_NAMESPACES);
	assert_int_equal(tables->root.listen[0].low, 3000);
	assert_int_equal(tables->root.listen[0].high, 3000);
	assert_int_equal(tables->root.listen[1].low, 8000);
	assert_int_equal(tables->root.listen[1].high, 8100);
	assert_int_equal(tables->root.listen[2].high, 0);
	policy_tables_free(tables);
	policy_free(policy);
	/* an empty list is one: no socket of anybody else's */
	policy = load("  local: []\n");
	assert_int_equal(policy->n_locals, 0);
	policy_free(policy);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"  local:\n    - path: run/x\n", "path: expected a path that begins with /"},
		{"  local:\n    - path: /run/../tmp/x\n", "path: expected a path that begins"},
		{"  local:\n    - path: /run//x\n", "path: expected a path that begins"},
		{"  local:\n    - path: /run/x/\n", "path: expected a path that begins"},
		{"  local:\n    - path: /\n", "path: expected a path that begins"},
		{"  local:\n    - path: /run/..\n", "path: expected a path that begins"},
		{"  local:\n    - path: /tmp/x\n", "path: \"/tmp/x\" is where those who"},
		{"  local:\n    - path: /home/alice/agent\n", "path: \"/home/alice/agent\" is"},
		{"  local:\n    - path: /run/user/1000/bus\n", "path: \"/run/user/1000/bus\" is"},
		{"  local:\n    - {}\n", "a local socket: the key \"path\" is missing"},
		{"  local:\n    - pth: /run/x\n", "unknown key \"pth\" in a local socket"},
		{"  local: /run/x\n", "local: expected a list"},
		{"  listen: [0]\n", "listen: \"0\""},
		{"  listen: [9-1]\n", "listen: \"9-1\" is a range the wrong way round"},
		{"  listen: [web]\n", "listen: \"web\" is no port"},
		{"  listen: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n", "listen: 9 ports and ranges; at most"},
		{"  user_namespaces: yes\n", "user_namespaces: expected refuse or allow"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_report report = {0};
		struct policy *policy = NULL;
		bool found = false;
		char main[1024];

		snprintf(main, sizeof(main), HEAD "%s", rows[i].text);
		assert_int_equal(policy_memory_load(main, ACL, &policy, &report), -EINVAL);
		assert_null(policy);
		for (size_t m = 0; m < report.n; m++)
			found |= strncmp(report.messages[m].text, rows[i].want,
					 strlen(rows[i].want)) == 0;
		if (!found)
			print_message("%s: %s\n", rows[i].text, report.messages[0].text);
		assert_true(found);
		policy_report_free(&report);
	}
}

UNIT_MAIN(unit(test_usual), unit(test_given), unit(test_mistakes))
