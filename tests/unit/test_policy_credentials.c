// SPDX-License-Identifier: Apache-2.0
/* Keys of the model API that are enrolled for people: what the policy says, and what the kernel
 * gets. */
#include "policy_tables.h"

#define PEOPLE                                                                                     \
	"identity: {people: {alice@company.com: {logins: [alice]}, bob@company.com: {}}}\n"        \
	"destinations: {resolvers: [10.0.0.53]}\n"                                                 \
	"model:\n"                                                                                 \
	"  endpoints: [{name: api.m.example}]\n"                                                   \
	"  credentials:\n"
#define KEY   "    key: 000102030405060708090a0b0c0d0e0f\n"
#define FIRST "a3817f04ba25a8e66df67214c7550293"

static void test_enrolled(void **state)
{
	struct policy *policy =
		load(HEAD PEOPLE KEY
		     "    unknown: refuse\n"
		     "    enrolled:\n"
		     "      Bob@Company.com: [" FIRST "]\n"
		     "      alice@company.com: [00112233445566778899AABBCCDDEEFF, " FIRST "]\n",
		     "skills: {}\n");
	static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	static const uint8_t first[16] = {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6,
					  0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93};
	struct policy_tables *t = compile(policy, NULL, 0);
	size_t found = 0;

	(void)state;
	assert_int_equal(t->root.flags & (POLICY_CREDENTIAL_REFUSE | POLICY_CREDENTIAL_REPORT),
			 POLICY_CREDENTIAL_REFUSE);
	assert_memory_equal(t->root.credential_key, key, sizeof(key));
	assert_int_equal(t->n_credentials, 3);
	for (size_t i = 0; i < t->n_credentials; i++) {
		const struct credential_key *k = &t->credentials[i].key;
		const char *who = policy->people[k->person - 1].email;

		assert_int_equal(t->credentials[i].number, i + 1);
		if (memcmp(k->digest, first, sizeof(first)) == 0 &&
		    strcmp(who, "bob@company.com") == 0)
			found |= 1;
		else if (memcmp(k->digest, first, sizeof(first)) == 0)
			found |= 2;
		else if (((const uint8_t *)k->digest)[15] == 0xff)
			found |= 4;
	}
	assert_int_equal(found, 7);
	policy_tables_free(t);
	policy_free(policy);
}

static void test_none(void **state)
{
	struct policy *policy =
		load(HEAD "destinations: {resolvers: [10.0.0.53]}\n", "skills: {}\n");
	struct policy_tables *t = compile(policy, NULL, 0);

	(void)state;
	assert_int_equal(t->root.flags & (POLICY_CREDENTIAL_REFUSE | POLICY_CREDENTIAL_REPORT), 0);
	assert_int_equal(t->n_credentials, 0);
	policy_tables_free(t);
	policy_free(policy);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text;
		uint32_t line;
		const char *want;
	} rows[] = {
		{KEY "    unknown: deny\n", 9, "unknown"},
		{KEY, 8, "unknown"},
		{"    unknown: refuse\n", 8, "key"},
		{"    key: 0001\n    unknown: refuse\n", 8, "32 hexadecimal digits"},
		{"    key: 000102030405060708090a0b0c0d0e0g\n    unknown: refuse\n", 8,
		 "32 hexadecimal digits"},
		{KEY "    unknown: refuse\n    enrolled: {carol@company.com: [" FIRST "]}\n", 10,
		 "nobody in the policy"},
		{KEY "    unknown: refuse\n    enrolled: {alice@company.com: [sk-ant-api03]}\n", 10,
		 "32 hexadecimal digits"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_report report = {0};
		struct policy *policy = NULL;
		bool found = false;
		char text[2048];

		snprintf(text, sizeof(text), "%s%s", HEAD PEOPLE, rows[i].text);
		assert_int_equal(policy_memory_load(text, "skills: {}\n", &policy, &report),
				 -EINVAL);
		assert_null(policy);
		for (size_t m = 0; m < report.n; m++)
			found |= report.messages[m].severity == POLICY_ERROR &&
				 report.messages[m].where.line == rows[i].line &&
				 strstr(report.messages[m].text, rows[i].want);
		if (!found) {
			policy_report_print(&report, stdout, false);
			fail_msg("row %zu: no such error", i);
		}
		policy_report_free(&report);
	}
}

UNIT_MAIN(unit(test_enrolled), unit(test_none), unit(test_mistakes))
