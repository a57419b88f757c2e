// SPDX-License-Identifier: Apache-2.0
/* The sentences of denials: every reason, long names, hostile names. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "decide/reason.h"
#include "decide/skill.h"

static char *none[] = {NULL};
static char *docx_users[] = {(char *)"alice@company.com", (char *)"bob@company.com", NULL};
static char *teams[] = {(char *)"engineers", (char *)"leads", (char *)"data-team",
			(char *)"design-engineering"};

enum { ENGINEERS = 1, LEADS = 2, DATA = 4, DESIGN = 8 };

static struct policy_person people[] = {
	{.email = (char *)"alice@company.com", .teams = ENGINEERS | LEADS},
	{.email = (char *)"carol@company.com", .teams = DESIGN},
	{.email = (char *)"dave@company.com"},
};

static struct policy_skill skills[] = {
	{.name = (char *)"pdf", .allowed_users = none, .allowed_teams = ENGINEERS | DATA},
	{.name = (char *)"docx", .allowed_users = docx_users, .requires_approval = true},
	{.name = (char *)"mixed", .allowed_users = docx_users, .allowed_teams = ENGINEERS},
	{.name = (char *)"nobody", .allowed_users = none},
};

static struct policy policy = {
	.people = people,
	.n_people = 3,
	.teams = teams,
	.n_teams = 4,
	.skills = skills,
	.n_skills = 4,
	.contact = (char *)"platform-security@company.com",
};

static struct policy_rule rule_pdf = {
	.kind = POLICY_RULE_SKILL,
	.id = (char *)"skill/pdf",
	.words = (char *)"skill pdf is for teams engineers, data-team"};
static struct policy_rule rule_mixed = {.kind = POLICY_RULE_SKILL, .id = (char *)"skill/mixed"};
static struct policy_rule rule_nobody = {.kind = POLICY_RULE_SKILL, .id = (char *)"skill/nobody"};
static struct policy_rule rule_deny = {.kind = POLICY_RULE_DESTINATION,
				       .id = (char *)"destinations/deny[0]",
				       .words = (char *)"blocked.example is denied to everybody"};

static void test_sentences(void **state)
{
	static const struct {
		struct reason_case c;
		const char *want;
	} table[] = {
		{{BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED, &rule_pdf, "skill pdf", &policy,
		  2, 1001},
		 "Skill pdf was refused: it is for teams engineers and data-team, and "
		 "carol@company.com is in design-engineering. Ask platform-security@company.com."},
		{{BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED, &rule_mixed, "skill mixed",
		  &policy, 3, 1002},
		 "Skill mixed was refused: it is for team engineers, and for alice@company.com and "
		 "bob@company.com, and dave@company.com is in no team. Ask "
		 "platform-security@company.com."},
		{{BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED, &rule_nobody, "skill nobody",
		  &policy, 1, 1000},
		 "Skill nobody was refused: it is for nobody, and alice@company.com is in "
		 "engineers "
		 "and leads. Ask platform-security@company.com."},
		/* the rule is of another policy than the names: say only what is known */
		{{BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED, NULL, "skill pdf", &policy, 0,
		  1003},
		 "Skill pdf was refused: a rule of the policy decides so, and uid 1003 is nobody "
		 "in "
		 "the directory. Ask platform-security@company.com."},
		{{BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_LISTED, NULL, "skill zip", &policy, 1,
		  1000},
		 "Skill zip was refused: it is not in the list of skills, and what is not listed "
		 "is "
		 "refused. Ask platform-security@company.com to list it."},
		{{BAILIFF_DENY, BAILIFF_REASON_APPROVAL, NULL, "skill docx", &policy, 1, 1000},
		 "Skill docx was refused: it needs an approval, and there is none for "
		 "alice@company.com. Ask platform-security@company.com for an approval."},
		{{BAILIFF_DENY, BAILIFF_REASON_UNKNOWN_PERSON, NULL, "skill pdf", &policy, 0, 1003},
		 "Skill pdf was refused: the login with uid 1003 belongs to nobody in the "
		 "directory. "
		 "Ask platform-security@company.com to add this login."},
		{{BAILIFF_DENY, BAILIFF_REASON_RULE, &rule_deny, "connection to 203.0.113.9:443",
		  &policy, 1, 1000},
		 "Connection to 203.0.113.9:443 was refused: rule destinations/deny[0]: "
		 "blocked.example is denied to everybody. Ask platform-security@company.com."},
		{{BAILIFF_DENY, BAILIFF_REASON_DEFAULT, NULL, "connection to [2001:db8::1]:443",
		  &policy, 1, 1000},
		 "Connection to [2001:db8::1]:443 was refused: no rule of the policy allows it to "
		 "alice@company.com. Ask platform-security@company.com."},
		{{BAILIFF_DENY, BAILIFF_REASON_NOT_INSPECTED, NULL,
		  "connection to 198.51.100.1:443", &policy, 1, 1000},
		 "Connection to 198.51.100.1:443 was refused: on this host only inspected Claude "
		 "Code processes reach the model API, and this process is not one. Use the claude "
		 "command itself, or ask platform-security@company.com."},
		{{BAILIFF_DENY, BAILIFF_REASON_NO_POLICY, NULL, "connection to 198.51.100.1:443",
		  NULL, 0, 1000},
		 "Connection to 198.51.100.1:443 was refused: a part of the policy that must be "
		 "there is not in force. Ask the administrator of this host to look at the agent "
		 "of "
		 "this host."},
		{{BAILIFF_WOULD_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED, &rule_pdf, "skill pdf",
		  &policy, 2, 1001},
		 "Skill pdf would be refused: it is for teams engineers and data-team, and "
		 "carol@company.com is in design-engineering. Nothing was stopped."},
		{{BAILIFF_ALLOW, BAILIFF_REASON_RULE, &rule_pdf, "skill pdf", &policy, 1, 1000},
		 "Skill pdf was allowed: rule skill/pdf: skill pdf is for teams engineers, "
		 "data-team."},
		{{BAILIFF_ALLOW, BAILIFF_REASON_DEFAULT, NULL, "skill zip", &policy, 1, 1000},
		 "Skill zip was allowed: no rule of the policy forbids it."},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char got[REASON_SENTENCE_SIZE] = "";

		assert_int_equal(reason_sentence(&table[i].c, got, sizeof(got)), 0);
		assert_string_equal(got, table[i].want);
	}
}

static struct policy_rule rule_card = {.kind = POLICY_RULE_INLINE,
				       .id = (char *)"inline/payment-card",
				       .words = (char *)"payment cards stay here"};

/* What was found in a stream: what became of it, and what comes next. */
static void test_found(void **state)
{
	static const struct {
		enum bailiff_verdict verdict;
		enum bailiff_reason reason;
		struct reason_found found;
		const char *want;
	} table[] = {
		{BAILIFF_DENY,
		 BAILIFF_REASON_CONTENT,
		 {SCAN_BLOCK, true, false},
		 "Text (card) was refused: rule inline/payment-card: payment cards stay here. It "
		 "was "
		 "not sent; where it comes again it is masked. Leave it out, or ask "
		 "platform-security@company.com."},
		{BAILIFF_DENY,
		 BAILIFF_REASON_CONTENT,
		 {SCAN_BLOCK, true, true},
		 "Text (card) was masked: rule inline/payment-card: payment cards stay here. It "
		 "was "
		 "blocked before; where it comes again it is masked. Leave it out, or ask "
		 "platform-security@company.com."},
		{BAILIFF_DENY,
		 BAILIFF_REASON_CONTENT,
		 {SCAN_APPROVE, true, false},
		 "Text (card) was refused: rule inline/payment-card: payment cards stay here. It "
		 "was "
		 "not sent; approval was requested. Ask platform-security@company.com for an "
		 "approval."},
		{BAILIFF_DENY,
		 BAILIFF_REASON_CONTENT,
		 {SCAN_MASK, true, false},
		 "Text (card) was masked: rule inline/payment-card: payment cards stay here. Ask "
		 "platform-security@company.com."},
		{BAILIFF_DENY,
		 BAILIFF_REASON_CONTENT,
		 {SCAN_BLOCK, false, false},
		 "Text (card) was refused: rule inline/payment-card: payment cards stay here. It "
		 "was "
		 "made unusable before Claude Code had it. Ask platform-security@company.com."},
		{BAILIFF_WOULD_DENY,
		 BAILIFF_REASON_CONTENT,
		 {SCAN_BLOCK, true, false},
		 "Text (card) would be refused: rule inline/payment-card: payment cards stay here. "
		 "Nothing was stopped."},
		{BAILIFF_WOULD_DENY,
		 BAILIFF_REASON_CONTENT,
		 {SCAN_MASK, false, false},
		 "Text (card) would be masked: rule inline/payment-card: payment cards stay here. "
		 "Nothing was changed."},
		{BAILIFF_ALLOW,
		 BAILIFF_REASON_CONTENT,
		 {SCAN_LOG, false, false},
		 "Text (card) was allowed: rule inline/payment-card: payment cards stay here."},
		{BAILIFF_DENY,
		 BAILIFF_REASON_COMPRESSED,
		 {SCAN_BLOCK, false, false},
		 "Text (card) was refused: it came compressed, and so could not be gone over. It "
		 "was "
		 "made unusable before Claude Code had it. Ask platform-security@company.com."},
		{BAILIFF_DENY,
		 BAILIFF_REASON_UNREADABLE,
		 {SCAN_OFF, true, false},
		 "Text (card) was refused: it could not be gone over for what the policy looks "
		 "for. "
		 "It was not sent. Ask platform-security@company.com."},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct reason_case c = {table[i].verdict,
					table[i].reason,
					&rule_card,
					"text (card)",
					&policy,
					1,
					1000};
		char got[REASON_SENTENCE_SIZE] = "";

		assert_int_equal(reason_sentence_found(&c, &table[i].found, got, sizeof(got)), 0);
		assert_string_equal(got, table[i].want);
	}
}

/* Whatever is cut for length, what became of it and whom to ask is not. */
static void test_found_long(void **state)
{
	const struct reason_found found = {SCAN_BLOCK, true, false};
	static char what[1024], words[1024];
	struct policy_rule rule = rule_card;

	rule.words = words;
	for (size_t n = 1; n < 600; n++) {
		struct reason_case c = {
			BAILIFF_DENY, BAILIFF_REASON_CONTENT, &rule, what, &policy, 1, 1000};
		char got[REASON_SENTENCE_SIZE] = "";

		memset(what, 'a', n);
		memset(words, 'b', n);
		assert_int_equal(reason_sentence_found(&c, &found, got, sizeof(got)), 0);
		assert_true(strlen(got) <= REASON_SENTENCE_MAX);
		assert_non_null(strstr(got, ". It was not sent; where it comes again it is masked. "
					    "Leave it out, or ask platform-security@company.com."));
	}
}

/* Every pair of reason and verdict gives a sentence that names what, is short, and ends in a stop;
 * a denial always says whom to ask. */
static void test_every_reason(void **state)
{
	for (int reason = 0; reason <= BAILIFF_REASON_MAX; reason++)
		for (int verdict = 0; verdict <= BAILIFF_VERDICT_MAX; verdict++) {
			struct reason_case c = {(enum bailiff_verdict)verdict,
						(enum bailiff_reason)reason,
						NULL,
						"skill pdf",
						&policy,
						2,
						1001};
			char got[REASON_SENTENCE_SIZE] = "";

			assert_int_equal(reason_sentence(&c, got, sizeof(got)), 0);
			assert_non_null(strstr(got, "Skill pdf "));
			assert_int_equal(got[strlen(got) - 1], '.');
			if (verdict == BAILIFF_DENY)
				assert_non_null(strstr(got, policy.contact));
			assert_true(strlen(got) <= REASON_SENTENCE_MAX);
		}
}

/* Each reason has a word and a sentence of its own: who is refused for one is not told another. */
static void test_reasons_differ(void **state)
{
	static char said[BAILIFF_REASON_MAX][REASON_SENTENCE_SIZE];

	(void)state;
	for (int i = BAILIFF_REASON_NONE; i < BAILIFF_REASON_MAX; i++) {
		struct reason_case c = {
			BAILIFF_DENY, (enum bailiff_reason)i, NULL, "it", &policy, 2, 1001};

		assert_int_equal(reason_sentence(&c, said[i], sizeof(said[i])), 0);
		assert_string_not_equal(reason_to_string((enum bailiff_reason)i), "unknown");
		for (int k = BAILIFF_REASON_NONE; k < i; k++) {
			assert_string_not_equal(said[i], said[k]);
			assert_string_not_equal(reason_to_string((enum bailiff_reason)i),
						reason_to_string((enum bailiff_reason)k));
		}
	}
	assert_non_null(strstr(said[BAILIFF_REASON_NONE], "no reason was recorded"));
}

static int valid_utf8(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p;) {
		int n = *p < 0x80	? 0
			: *p >> 5 == 6	? 1
			: *p >> 4 == 14 ? 2
			: *p >> 3 == 30 ? 3
					: -1;

		if (n < 0)
			return 0;
		for (p++; n > 0; n--, p++)
			if ((*p & 0xC0) != 0x80)
				return 0;
	}
	return 1;
}

/* n times the character, zero-terminated. */
static void repeat(char *to, size_t size, const char *character, size_t n)
{
	size_t len = strlen(character);

	assert_true(n * len < size);
	for (size_t i = 0; i < n; i++)
		memcpy(to + i * len, character, len);
	to[n * len] = 0;
}

/* Long names of every length around the limit: never over it, never half a character, and the
 * contact is still there. */
static void test_long(void **state)
{
	char what[1024], words[1024], contact[512];
	struct policy_rule rule = rule_deny;
	struct policy p = policy;

	for (size_t n = 1; n < 340; n++) {
		struct reason_case c = {BAILIFF_DENY, BAILIFF_REASON_RULE, &rule, what, &p, 2, 1};
		char got[REASON_SENTENCE_SIZE];

		repeat(what, sizeof(what), "é", n);
		repeat(words, sizeof(words), "ж", n);
		rule.words = words;
		assert_int_equal(reason_sentence(&c, got, sizeof(got)), 0);
		assert_true(strlen(got) <= REASON_SENTENCE_MAX);
		assert_true(valid_utf8(got));
		assert_non_null(strstr(got, "Ask platform-security@company.com."));
		if (n > 200)
			assert_non_null(strstr(got, "..."));
		repeat(contact, sizeof(contact), "ü", n < 250 ? n : 250);
		p.contact = contact;
		assert_int_equal(reason_sentence(&c, got, sizeof(got)), 0);
		assert_true(strlen(got) <= REASON_SENTENCE_MAX);
		assert_true(valid_utf8(got));
		p.contact = policy.contact;
	}
}

static void test_many_names(void **state)
{
	static char *many[64];
	static char text[64][16];
	static struct policy_skill wide = {.name = (char *)"pdf", .allowed_users = none};
	struct policy p = policy;
	struct reason_case c = {
		BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED, &rule_pdf, "skill pdf", &p, 2,
		1001};
	char got[REASON_SENTENCE_SIZE];

	for (int i = 0; i < 64; i++) {
		snprintf(text[i], sizeof(text[i]), "t%d", i);
		many[i] = text[i];
	}
	wide.allowed_teams = UINT64_MAX;
	p.teams = many;
	p.n_teams = 64;
	p.skills = &wide;
	p.n_skills = 1;
	assert_int_equal(reason_sentence(&c, got, sizeof(got)), 0);
	assert_string_equal(got,
			    "Skill pdf was refused: it is for teams t0, t1, t2, t3 and 60 more, "
			    "and carol@company.com is in t3. Ask "
			    "platform-security@company.com.");
}

static void test_hostile_name(void **state)
{
	struct reason_case c = {BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_LISTED,
				NULL,	      "skill \x1b[2J\nok\x7f",
				&policy,      2,
				1001};
	char got[REASON_SENTENCE_SIZE] = "kept";

	assert_int_equal(reason_sentence(&c, got, REASON_SENTENCE_SIZE - 1), -ENOSPC);
	assert_string_equal(got, "kept");
	assert_int_equal(reason_sentence(&c, got, sizeof(got)), 0);
	assert_ptr_equal(strstr(got, "Skill ?[2J?ok? was refused: "), got);
	c.what = NULL;
	assert_int_equal(reason_sentence(&c, got, sizeof(got)), 0);
	assert_ptr_equal(strstr(got, "This was refused: "), got);
}

static void test_words(void **state)
{
	assert_string_equal(reason_to_string(BAILIFF_REASON_SKILL_NOT_ALLOWED),
			    "skill_not_allowed");
	assert_string_equal(reason_to_string(BAILIFF_REASON_SOCKET_TYPE), "socket_type");
	assert_string_equal(reason_to_string(BAILIFF_REASON_MAX), "unknown");
	assert_string_equal(reason_verdict_to_string(BAILIFF_WOULD_DENY), "would_deny");
	assert_string_equal(reason_verdict_to_string((enum bailiff_verdict)99), "unknown");
}

/* The published hook lets everybody in when only teams are given, and everything that is not
 * listed. */
static void test_judge(void **state)
{
	static const struct {
		uint32_t person;
		const char *skill;
		enum bailiff_verdict verdict;
		enum bailiff_reason reason;
		bool listed;
	} table[] = {
		{1, "pdf", BAILIFF_ALLOW, BAILIFF_REASON_RULE, true},
		{2, "pdf", BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED, true},
		{0, "pdf", BAILIFF_DENY, BAILIFF_REASON_UNKNOWN_PERSON, true},
		{9, "pdf", BAILIFF_DENY, BAILIFF_REASON_UNKNOWN_PERSON, true},
		{1, "docx", BAILIFF_DENY, BAILIFF_REASON_APPROVAL, true},
		{2, "docx", BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED, true},
		{1, "mixed", BAILIFF_ALLOW, BAILIFF_REASON_RULE, true},
		{1, "nobody", BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED, true},
		{1, "pdf2", BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_LISTED, false},
		{1, "pd", BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_LISTED, false},
		{1, "PDF", BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_LISTED, false},
	};
	struct skill_judgement got;
	struct policy open = policy;
	size_t len;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		skill_judge(&policy, table[i].person, table[i].skill, strlen(table[i].skill), &got);
		assert_int_equal(got.verdict, table[i].verdict);
		assert_int_equal(got.reason, table[i].reason);
		assert_int_equal(got.listed, table[i].listed);
	}
	open.skill_default_allow = true;
	skill_judge(&open, 2, "unlisted", 8, &got);
	assert_int_equal(got.verdict, BAILIFF_ALLOW);
	skill_judge(&open, 2, "pdf", 3, &got);
	assert_int_equal(got.verdict, BAILIFF_DENY);
	skill_judge(NULL, 1, "pdf", 3, &got);
	assert_int_equal(got.verdict, BAILIFF_DENY);
	assert_memory_equal(skill_base_name("tools:sub:pdf", 13, &len), "pdf", 3);
	assert_int_equal(len, 3);
	skill_base_name("tools:", 6, &len);
	assert_int_equal(len, 0);
}

UNIT_MAIN(unit(test_sentences), unit(test_found), unit(test_found_long), unit(test_every_reason),
	  unit(test_reasons_differ), unit(test_long), unit(test_many_names),
	  unit(test_hostile_name), unit(test_words), unit(test_judge))
