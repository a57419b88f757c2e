// SPDX-License-Identifier: Apache-2.0
/* What the tables of people, skills and rules hold. */
#include "policy_tables.h"

/* ---- people and skills -------------------------------------------------------------------------
 */

static const char acl_text[] =
	"skills:\n"
	"  pdf: {allowed_teams: [engineers]}\n"
	"  docx: {allowed_users: [Carol@company.com], requires_approval: true}\n"
	"  both: {allowed_teams: [leads], allowed_users: [bob@company.com]}\n"
	"  none: {allowed_users: []}\n"
	"users:\n"
	"  alice@company.com: {teams: [leads, engineers]}\n"
	"  bob@company.com: {teams: []}\n"
	"  carol@company.com: {teams: [design]}\n"
	"  dave@company.com: {teams: [engineers]}\n";
static const char people_text[] = HEAD "identity:\n  people:\n"
				       "    bob@company.com: {logins: [bob, gone]}\n"
				       "    alice@company.com: {logins: [alice, alice2]}\n"
				       "    carol@company.com: {logins: [root]}\n"
				       "    dave@company.com: {logins: [shared-a]}\n"
				       "    erin@company.com: {logins: [shared-b]}\n";

static void test_persons(void **state)
{
	struct policy *policy = load(people_text, acl_text);
	struct policy_tables *t = compile(policy, NULL, 0);

	/* teams by the alphabet: design 1, engineers 2, leads 4; people too: alice is 1 */
	assert_int_equal(t->n_persons, 4);
	assert_int_equal(t->persons[0].uid, 0);
	assert_int_equal(t->persons[0].value.person, 3);
	assert_int_equal(t->persons[0].value.teams, 1);
	assert_int_equal(t->persons[1].uid, 1000);
	assert_int_equal(t->persons[1].value.person, 1);
	assert_int_equal(t->persons[1].value.teams, 6);
	assert_int_equal(t->persons[2].uid, 1001);
	assert_int_equal(t->persons[2].value.person, 2);
	assert_int_equal(t->persons[2].value.teams, 0);
	/* a uid that two people log in with is nobody's */
	assert_int_equal(t->persons[3].uid, 1002);
	assert_int_equal(t->persons[3].value.person, 0);
	assert_int_equal(t->persons[3].value.teams, 0);
	policy_tables_free(t);
	policy_free(policy);
}

static void test_skills(void **state)
{
	static const struct {
		const char *name;
		uint32_t person, verdict, reason;
	} want[] = {
		{"pdf", 0, BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED},
		{"pdf", 1, BAILIFF_ALLOW, BAILIFF_REASON_RULE}, /* dave has no login of his own */
		{"docx", 0, BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED},
		{"docx", 3, BAILIFF_DENY, BAILIFF_REASON_APPROVAL},
		{"both", 0, BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED},
		{"both", 1, BAILIFF_ALLOW, BAILIFF_REASON_RULE},
		{"both", 2, BAILIFF_ALLOW, BAILIFF_REASON_RULE},
		{"none", 0, BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED},
	};
	struct policy *policy = load(people_text, acl_text);
	struct policy_tables *t = compile(policy, NULL, 0);

	assert_int_equal(t->n_skills, ARRAY_SIZE(want));
	for (size_t i = 0; i < t->n_skills; i++) {
		char name[SKILL_NAME_SIZE] = {0}, id[96];

		memcpy(name, want[i].name, strlen(want[i].name));
		assert_memory_equal(t->skills[i].key.name, name, sizeof(name));
		assert_int_equal(t->skills[i].key.person, want[i].person);
		assert_int_equal(t->skills[i].key.pad, 0);
		assert_int_equal(t->skills[i].value.verdict, want[i].verdict);
		assert_int_equal(t->skills[i].value.reason, want[i].reason);
		snprintf(id, sizeof(id), "skill/%s", want[i].name);
		assert_string_equal(t->rules[t->skills[i].value.rule].id, id);
	}
	assert_int_equal(t->root.skill_default, BAILIFF_DENY);
	policy_tables_free(t);
	policy_free(policy);
}

static void test_root(void **state)
{
	struct policy *policy =
		load("version: 1\nmode: shadow\nmodel: {mode: enforce}\nskills: {mode: record}\n",
		     "default: allow\n");
	struct policy_tables *t = compile(policy, NULL, 0);

	assert_int_equal(t->root.mode_destinations, BAILIFF_MODE_SHADOW);
	assert_int_equal(t->root.mode_model, BAILIFF_MODE_ENFORCE);
	assert_int_equal(t->root.mode_skills, BAILIFF_MODE_RECORD);
	assert_int_equal(t->root.skill_default, BAILIFF_ALLOW);
	assert_int_equal(t->root.valid, 0); /* the loader's to set */
	assert_int_equal(t->root.generation, 0);
	policy_tables_free(t);
	policy_free(policy);
}

/* ---- words -------------------------------------------------------------------------------------
 */

static void test_words(void **state)
{
	static const struct {
		const char *id, *words;
		uint32_t line;
	} want[] = {
		{"skills/default", "only skills in the access list may be used", 0},
		{"destinations/default", "only destinations on the list may be reached", 0},
		{"skill/pdf", "skill pdf is for teams data-team and engineers", 2},
		{"skill/tdd", "skill tdd is for team engineers", 3},
		{"skill/docx",
		 "skill docx is for team leads, and for a@c.example, b@c.example, c@c.example and "
		 "2 "
		 "others, after approval",
		 4},
		{"skill/none", "skill none is for nobody", 5},
		{"destinations/deny[0]", "destination blocked.example is denied", 5},
		{"destinations/db",
		 "destination 10.0.0.0/8 port 5432 (TCP) is denied to team leads, and to "
		 "a@c.example",
		 6},
		{"model/endpoints[0]",
		 "the model API at api.anthropic.com port 443 is for inspected Claude processes "
		 "only",
		 3},
		{"destinations/allow[0]",
		 "destination 2001:db8::1 ports 53, 8000-8100 (UDP) is allowed to teams data-team, "
		 "engineers and leads",
		 8},
		{"destinations/allow[1]", "destination 0.0.0.0/0 is allowed to b@c.example", 9},
		{"destinations/resolvers[0]", "10.0.0.53 is the name server, on port 53", 0},
		{"destinations/resolvers[1]", "2001:db8::53 is the name server, on port 5353", 0},
	};
	struct policy *policy = load(
		HEAD
		"model: {endpoints: [{name: api.anthropic.com, ports: [443]}]}\n"
		"destinations:\n"
		"  deny: [{name: Blocked.Example.},\n"
		"    {id: db, cidr: 10.0.0.0/8, ports: [5432], protocol: tcp, teams: [leads],\n"
		"     people: [A@c.example]}]\n"
		"  allow: [{cidr: '2001:db8::1', ports: [8000-8099, 53, 8100], protocol: udp, "
		"teams: "
		"[leads, engineers, data-team]},\n"
		"    {cidr: 0.0.0.0/0, people: [b@c.example]}]\n"
		"  resolvers: [10.0.0.53, '[2001:db8::53]:5353']\n",
		"skills:\n"
		"  pdf: {allowed_teams: [engineers, data-team]}\n"
		"  tdd: {allowed_teams: [engineers]}\n"
		"  docx: {allowed_teams: [leads], allowed_users: [a@c.example, b@c.example, "
		"c@c.example, "
		"d@c.example, e@c.example], requires_approval: yes}\n"
		"  none: {}\n"
		"users:\n"
		"  a@c.example: {teams: [engineers, data-team, leads]}\n"
		"  b@c.example: {teams: []}\n");
	struct policy_tables *t = compile(policy, NULL, 0);

	policy_free(policy); /* the tables must not need it */
	assert_int_equal(t->n_rules, ARRAY_SIZE(want) + 1);
	for (size_t i = 1; i < t->n_rules; i++) {
		assert_string_equal(t->rules[i].id, want[i - 1].id);
		assert_string_equal(t->rules[i].words, want[i - 1].words);
		assert_int_equal(t->rules[i].where.line, want[i - 1].line);
		assert_string_equal(t->rules[i].where.file, strncmp(want[i - 1].id, "skill", 5)
								    ? "p/bailiff.yaml"
								    : "p/acl.yaml");
	}
	assert_int_equal(t->rules[POLICY_RULE_INDEX_SKILL_DEFAULT].kind, POLICY_RULE_SKILL_DEFAULT);
	assert_int_equal(t->rules[POLICY_RULE_INDEX_DESTINATION_DEFAULT].kind,
			 POLICY_RULE_DESTINATION_DEFAULT);
	policy_tables_free(t);
}

UNIT_MAIN(unit(test_persons), unit(test_skills), unit(test_root), unit(test_words))
