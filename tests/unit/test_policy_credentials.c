// SPDX-License-Identifier: Apache-2.0
/* Keys of the model API that are enrolled for people: what the policy says, and what the kernel
 * gets. */
#include "policy_tables.h"
#include "policy_texts.h"

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

static const struct inline_text *text_at(const struct policy_tables *t, uint32_t number)
{
	const struct inline_text *found = NULL;

	for (size_t i = 0; i < t->n_key_texts; i++)
		if (t->key_texts[i].number == number) {
			assert_null(found);
			found = &t->key_texts[i].text;
		}
	return found;
}

/* Four for each, a shorter one whatever the answer's length is. */
static void check_texts(const struct policy_tables *t, uint32_t whom, const char *const want[4])
{
	uint32_t before = INLINE_TEXT_MAX;

	for (uint32_t i = 0; i < INLINE_TEXTS; i++) {
		const struct inline_text *text = text_at(t, whom * INLINE_TEXTS + i);
		json_t *json;

		assert_non_null(text);
		assert_string_equal(message_of(text, &json), want[i]);
		json_decref(json);
		assert_true(text->len < before);
		before = text->len;
	}
}

#define NUMBER "B18446744073709551615"

static void test_texts(void **state)
{
	static const struct {
		uint32_t whom;
		const char *want[INLINE_TEXTS];
	} rows[] = {
		{INLINE_TEXT_NOBODY,
		 {"Blocked by company policy: you are not in the directory of this host. Nothing "
		  "was "
		  "sent. Ask security@corp.example. Details: bailiff why " NUMBER,
		  "Blocked by company policy: you are not in the directory of this host. bailiff "
		  "why " NUMBER,
		  "Blocked by policy: you are not in the directory. bailiff why " NUMBER,
		  "bailiff why " NUMBER}},
		{INLINE_TEXT_ANYBODY,
		 {"Blocked by company policy: this key is not enrolled for you. Nothing was sent. "
		  "Ask security@corp.example. Details: bailiff why " NUMBER,
		  "Blocked by company policy: this key is not enrolled for you. bailiff "
		  "why " NUMBER,
		  "Blocked by policy: this key is not enrolled for you. bailiff why " NUMBER,
		  "bailiff why " NUMBER}},
		{INLINE_TEXT_PERSON(1),
		 {"Blocked by company policy: this key is not enrolled for alice@company.com. "
		  "Nothing was sent. Ask security@corp.example. Details: bailiff why " NUMBER,
		  "Blocked by company policy: this key is not enrolled for alice@company.com. "
		  "bailiff why " NUMBER,
		  "Blocked by policy: this key is not enrolled for you. bailiff why " NUMBER,
		  "bailiff why " NUMBER}},
	};
	struct policy *policy =
		load(HEAD "contact: security@corp.example\n" PEOPLE KEY "    unknown: refuse\n",
		     "skills: {}\n");
	struct policy_tables *t = compile(policy, NULL, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_texts(t, rows[i].whom, rows[i].want);
	/* who cannot log in here is told nothing here */
	assert_int_equal(t->n_key_texts, ARRAY_SIZE(rows) * INLINE_TEXTS);
	policy_tables_free(t);
	policy_free(policy);
}

/* Whether the program runs for keys alone, and in which mode. */
static void test_kinds(void **state)
{
	static const struct {
		const char *text;
		uint32_t kinds, mode;
	} rows[] = {
		{KEY "    unknown: refuse\n", POLICY_INLINE_KEYS, BAILIFF_MODE_ENFORCE},
		{KEY "    unknown: refuse\ninline: {mode: shadow}\n", POLICY_INLINE_KEYS,
		 BAILIFF_MODE_SHADOW},
		{KEY "    unknown: refuse\ntools: {Bash: {}}\n",
		 POLICY_INLINE_KEYS | POLICY_INLINE_TOOLS, BAILIFF_MODE_ENFORCE},
		{KEY "    unknown: report\n", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_tables *t;
		struct policy *policy;
		char text[2048];

		snprintf(text, sizeof(text), "%s%s", HEAD PEOPLE, rows[i].text);
		policy = load(text, "skills: {}\n");
		t = compile(policy, NULL, 0);
		assert_int_equal(t->root.inline_kinds, rows[i].kinds);
		assert_int_equal(t->root.mode_inline, rows[i].mode);
		assert_int_equal(t->n_key_texts != 0, rows[i].kinds != 0);
		assert_null(t->scan);
		policy_tables_free(t);
		policy_free(policy);
	}
}

/* A contact of which each character is six bytes once escaped leaves room for the name alone. */
static void test_texts_without_room(void **state)
{
	char main[2048], contact[257] = "";
	struct policy_tables *t;
	struct policy *policy;
	const char *message;
	json_t *json;

	(void)state;
	for (size_t i = 0; i < 128; i++)
		memcpy(contact + 2 * i, "\xc3\xa9", 3);
	snprintf(main, sizeof(main), "%scontact: %s\n%s", HEAD, contact,
		 PEOPLE KEY "    unknown: refuse\n");
	policy = load(main, "skills: {}\n");
	t = compile(policy, NULL, 0);
	message = message_of(text_at(t, INLINE_TEXT_PERSON(1) * INLINE_TEXTS), &json);
	assert_non_null(strstr(message, "for alice@company.com. Nothing was sent. Details:"));
	json_decref(json);
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

UNIT_MAIN(unit(test_enrolled), unit(test_texts), unit(test_texts_without_room), unit(test_kinds),
	  unit(test_none), unit(test_mistakes))
