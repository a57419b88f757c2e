// SPDX-License-Identifier: Apache-2.0
/* Tools of a policy: what is read, what is refused and where, and whom the tables let use them. */
#include "policy_tables.h"

#include "bpf/content_state.h"

#define TOP                                                                                        \
	HEAD "model: {endpoints: [{cidr: 192.0.2.1}]}\n"                                           \
	     "identity:\n  people:\n    alice@corp.example: {logins: [alice]}\n"                   \
	     "    bob@corp.example: {logins: [bob]}\n    dora@corp.example: {logins: [dora]}\n"
#define ACL                                                                                        \
	"skills: {}\nusers:\n  alice@corp.example: {teams: [engineers]}\n"                         \
	"  bob@corp.example: {teams: [data]}\n  dora@corp.example: {teams: [data]}\n"

static uint64_t hash_of(const char *name)
{
	uint64_t hash = CONTENT_TOOL_FIRST;

	while (*name)
		hash = content_tool_add(hash, (uint8_t)*name++);
	return hash;
}

/* What the kernel makes of the table. */
static const struct skill_value *judge(const struct policy_tables *t, uint32_t person,
				       const char *name)
{
	uint64_t hash = hash_of(name);

	for (int own = 1; own >= 0; own--)
		for (size_t i = 0; i < t->n_tools; i++)
			if (t->tools[i].key.name == hash &&
			    t->tools[i].key.person == (own ? person : 0))
				return &t->tools[i].value;
	return NULL;
}

static uint32_t person_of(const struct policy *policy, const char *email)
{
	for (uint32_t i = 0; i < policy->n_people; i++)
		if (strcmp(policy->people[i].email, email) == 0)
			return i + 1;
	fail_msg("nobody is %s", email);
	return 0;
}

static struct policy *load_tools_text(const char *text)
{
	char main[4096];

	assert_true((size_t)snprintf(main, sizeof(main), TOP "%s", text) < sizeof(main));
	return load(main, ACL);
}

static void test_who(void **state)
{
	static const struct {
		const char *tool;
		bool alice, bob, nobody;
		const char *words;
	} rows[] = {
		{"WebFetch", true, false, false, "tool WebFetch is for team engineers"},
		{"mcp__jira__create", false, false, false, "tool mcp__jira__create is for nobody"},
		{"Bash", false, true, false, "tool Bash is for bob@corp.example"},
		{"Edit", true, true, false,
		 "tool Edit is for team data, and for alice@corp.example"},
		{"Read", true, true, true, NULL},
		{"webfetch", true, true, true, NULL},
	};
	struct policy *policy = load_tools_text(
		"tools:\n  WebFetch: {allowed_teams: [engineers]}\n"
		"  mcp__jira__create: {allowed_teams: []}\n"
		"  Bash: {allowed_users: [Bob@corp.example]}\n"
		"  Edit: {allowed_users: [alice@corp.example], allowed_teams: [data]}\n");
	struct policy_tables *t = compile(policy, NULL, 0);
	uint32_t alice = person_of(policy, "alice@corp.example"),
		 bob = person_of(policy, "bob@corp.example"),
		 dora = person_of(policy, "dora@corp.example");

	assert_int_equal(policy->n_tools, 4);
	/* dora has no login here */
	for (size_t i = 0; i < t->n_tools; i++)
		assert_int_not_equal(t->tools[i].key.person, dora);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct {
			uint32_t person;
			bool may;
		} who[] = {{alice, rows[i].alice}, {bob, rows[i].bob}, {0, rows[i].nobody}};

		for (size_t k = 0; k < ARRAY_SIZE(who); k++) {
			const struct skill_value *v = judge(t, who[k].person, rows[i].tool);
			char id[64];

			if (!rows[i].words) {
				assert_null(v);
				continue;
			}
			assert_non_null(v);
			if ((v->verdict == BAILIFF_ALLOW) != who[k].may)
				fail_msg("%s, person %u: %u", rows[i].tool, who[k].person,
					 v->verdict);
			assert_in_range(v->rule, 1, t->n_rules - 1);
			snprintf(id, sizeof(id), "tools/%s", rows[i].tool);
			assert_string_equal(t->rules[v->rule].id, id);
			assert_string_equal(t->rules[v->rule].words, rows[i].words);
			assert_int_equal(t->rules[v->rule].kind, POLICY_RULE_TOOL);
			assert_in_range(t->rules[v->rule].where.line, 10, 13);
		}
	}
	policy_tables_free(t);
	policy_free(policy);
}

/* The program runs for tools alone, and has what detectors say where there are both. */
static void test_root(void **state)
{
	static const struct {
		const char *text;
		uint32_t kinds, mode, flags;
		bool table;
	} rows[] = {
		{"tools: {}\n", 0, 0, 0, false},
		{"tools: {Bash: {}}\n", POLICY_INLINE_TOOLS, BAILIFF_MODE_ENFORCE,
		 POLICY_COMPRESSED_BLOCK, false},
		{"tools: {Bash: {}}\ninline: {mode: shadow, compressed: log}\n",
		 POLICY_INLINE_TOOLS, BAILIFF_MODE_SHADOW, 0, false},
		{"tools: {Bash: {}}\ninline: {detectors: {jwt: {request: mask, tool_input: "
		 "\"off\"}}}\n",
		 POLICY_INLINE_TOOLS | 1u << CONTENT_REQUEST, BAILIFF_MODE_ENFORCE,
		 POLICY_COMPRESSED_BLOCK, true},
		{"inline: {detectors: {jwt: {request: mask, tool_input: \"off\"}}}\n",
		 1u << CONTENT_REQUEST, BAILIFF_MODE_ENFORCE, 0, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy *policy = load_tools_text(rows[i].text);
		struct policy_tables *t = compile(policy, NULL, 0);

		assert_int_equal(t->root.inline_kinds, rows[i].kinds);
		assert_int_equal(t->root.mode_inline, rows[i].mode);
		assert_int_equal(t->root.flags & POLICY_COMPRESSED_BLOCK, rows[i].flags);
		assert_int_equal(t->scan != NULL, rows[i].table);
		policy_tables_free(t);
		policy_free(policy);
	}
}

static void test_mistakes(void **state)
{
	static const char long_name[] =
		"tools:\n  "
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: {}\n";
	static const struct {
		const char *text, *says;
		enum policy_severity severity;
		uint32_t line;
	} rows[] = {
		{"tools: [Bash]\n", "tools: expected a mapping", POLICY_ERROR, 9},
		{"tools:\n  Bash: all\n", "a tool: expected a mapping", POLICY_ERROR, 10},
		{"tools:\n  mcp__jira__*: {}\n", "patterns are not possible", POLICY_ERROR, 10},
		{"tools:\n  \"Bash(ls)\": {}\n", "tool \"Bash(ls)\": expected the name",
		 POLICY_ERROR, 10},
		{"tools:\n  Bash: {allowed_group: [a]}\n", "allowed_group", POLICY_ERROR, 10},
		{"tools:\n  Bash: {allowed_teams: [nobody]}\n", "nobody", POLICY_ERROR, 10},
		{long_name, "129 bytes long; at most 128", POLICY_ERROR, 10},
		{"tools:\n  Bash: {}\n  Bash: {}\n", "Bash", POLICY_ERROR, 11},
		{"tools:\n  Bash: {allowed_users: [eve@corp.example]}\n", "nobody is",
		 POLICY_WARNING, 10},
		{"tools:\n  Bash: {allowed_users: [eve@corp.example]}\n", "is for nobody",
		 POLICY_WARNING, 10},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_report report = {0};
		struct policy *policy = NULL;
		bool found = false;
		char main[4096];
		int r;

		snprintf(main, sizeof(main), TOP "%s", rows[i].text);
		r = policy_memory_load(main, ACL, &policy, &report);
		assert_int_equal(r, rows[i].severity == POLICY_ERROR ? -EINVAL : 0);
		for (size_t k = 0; k < report.n; k++)
			found |= report.messages[k].severity == rows[i].severity &&
				 report.messages[k].where.line == rows[i].line &&
				 strstr(report.messages[k].text, rows[i].says);
		if (!found) {
			policy_report_print(&report, stdout, false);
			fail_msg("row %zu: \"%s\" is not said", i, rows[i].says);
		}
		policy_report_free(&report);
		policy_free(policy);
	}
}

/* An empty list is meant; a policy that says so has nothing to be warned of. */
static void test_for_nobody(void **state)
{
	static const char *const texts[] = {
		"tools: {Bash: {}}\n", "tools: {Bash: {allowed_teams: [], allowed_users: []}}\n"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct policy_report report = {0};
		struct policy *policy = NULL;
		char main[4096];

		snprintf(main, sizeof(main), TOP "%s", texts[i]);
		assert_int_equal(policy_memory_load(main, ACL, &policy, &report), 0);
		for (size_t k = 0; k < report.n; k++)
			assert_null(strstr(report.messages[k].text, "Bash"));
		assert_int_equal(policy->n_tools, 1);
		policy_report_free(&report);
		policy_free(policy);
	}
}

UNIT_MAIN(unit(test_who), unit(test_root), unit(test_mistakes), unit(test_for_nobody))
