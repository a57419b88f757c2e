// SPDX-License-Identifier: Apache-2.0
/* People by index, and claims against what the kernel knows. */
#include "harness.h"

#include <string.h>

#include "identity/claim.h"
#include "identity/person.h"

static char *alice_git[] = {(char *)"alice@users.example", (char *)"pair@users.example", NULL};
static char *bob_git[] = {(char *)"Bob.B@Home.Example", (char *)"pair@users.example", NULL};
static char *teams[] = {(char *)"engineers", NULL, (char *)"leads"};
static struct policy_person people[] = {
	{.email = (char *)"alice@company.com", .git_emails = alice_git, .teams = 7},
	{.email = (char *)"Bob@company.com", .git_emails = bob_git},
};
static struct policy policy = {.people = people, .n_people = 2, .teams = teams, .n_teams = 3};

static void test_person(void **state)
{
	unsigned int i = 0;

	assert_null(person_by_index(&policy, 0));
	assert_null(person_by_index(&policy, 3));
	assert_null(person_by_index(&policy, UINT32_MAX));
	assert_null(person_by_index(NULL, 1));
	assert_string_equal(person_by_index(&policy, 2)->email, "Bob@company.com");
	assert_int_equal(person_by_email(&policy, "bob@COMPANY.com"), 2);
	assert_int_equal(person_by_email(&policy, "bob@company.co"), 0);
	assert_int_equal(person_by_email(&policy, "bob.b@home.example"), 0);
	/* a bit without a name, and bits past the table */
	assert_string_equal(person_next_team(&policy, UINT64_MAX, &i), "engineers");
	assert_string_equal(person_next_team(&policy, UINT64_MAX, &i), "leads");
	assert_null(person_next_team(&policy, UINT64_MAX, &i));
	i = 0;
	assert_null(person_next_team(&policy, 1ULL << 63, &i));
}

static void test_normalise(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} table[] = {
		{"alice@company.com", 17, "alice@company.com"},
		{"  <Alice@Company.COM>\n", 22, "alice@company.com"},
		{"alice@company.com\0garbage", 25, "alice@company.com"},
		{"", 0, ""},
		{" <> ", 4, ""},
		{"\0\0\0", 3, ""},
	};
	char got[CLAIM_TEXT_SIZE], longest[300];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(claim_normalise(table[i].text, table[i].len, got),
				 strlen(table[i].want));
		assert_string_equal(got, table[i].want);
	}
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(claim_normalise(longest, 254, got), 254);
	assert_int_equal(strlen(got), 254);
	assert_int_equal(claim_normalise(longest, 255, got), 0);
	assert_string_equal(got, "");
}

static void test_compare(void **state)
{
	static const struct {
		uint32_t person;
		const char *claim;
		enum claim_match match;
		uint32_t whose;
	} table[] = {
		{1, "", CLAIM_ABSENT, 0},
		{1, "alice@company.com", CLAIM_SAME, 0},
		{1, "alice@users.example", CLAIM_SAME, 0},
		{2, "bob.b@home.example", CLAIM_SAME, 0},
		/* shared by two people: each one's own */
		{1, "pair@users.example", CLAIM_SAME, 0},
		{2, "pair@users.example", CLAIM_SAME, 0},
		{1, "bob@company.com", CLAIM_OTHER_PERSON, 2},
		{2, "alice@users.example", CLAIM_OTHER_PERSON, 1},
		/* nobody the kernel knows claims to be alice: the case that matters most */
		{0, "alice@company.com", CLAIM_OTHER_PERSON, 1},
		{7, "alice@company.com", CLAIM_OTHER_PERSON, 1},
		{1, "eve@evil.example", CLAIM_STRANGER, 0},
		{1, "alice@company.com.evil.example", CLAIM_STRANGER, 0},
		{0, "eve@evil.example", CLAIM_UNKNOWN, 0},
	};
	uint32_t whose;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(
			claim_compare_email(&policy, table[i].person, table[i].claim, &whose),
			table[i].match);
		assert_int_equal(whose, table[i].whose);
	}
	assert_string_equal(claim_kind_to_string(CLAIM_USER_EMAIL), "user_email");
	assert_string_equal(claim_match_to_string(CLAIM_OTHER_PERSON), "other_person");
	assert_string_equal(claim_match_to_string(CLAIM_MATCH_MAX), "unknown");
}

static void test_accounts(void **state)
{
	static struct claim_accounts a;

	assert_int_equal(claim_account_seen(&a, 7, 1), 0);
	assert_int_equal(claim_account_seen(&a, 7, 1), 0);
	assert_int_equal(claim_account_seen(&a, 7, 2), 1);
	assert_int_equal(claim_account_seen(&a, 8, 2), 0);
	/* the table is full: 8 was used longest ago and goes, 7 was used since and stays */
	for (uint64_t i = 0; a.n < CLAIM_ACCOUNTS_MAX; i++)
		assert_int_equal(claim_account_seen(&a, 1000 + i, 1), 0);
	assert_int_equal(claim_account_seen(&a, 7, 1), 0);
	assert_int_equal(claim_account_seen(&a, 9, 2), 0);
	assert_int_equal(a.n, CLAIM_ACCOUNTS_MAX);
	assert_int_equal(claim_account_seen(&a, 7, 2), 1);
	assert_int_equal(claim_account_seen(&a, 8, 1), 0);
}

UNIT_MAIN(unit(test_person), unit(test_normalise), unit(test_compare), unit(test_accounts))
