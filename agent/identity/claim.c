// SPDX-License-Identifier: Apache-2.0
/* Comparison of self-asserted identity with the kernel's. */
#include "identity/claim.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "identity/person.h"

/* RFC 5321 4.5.3.1.3 */
#define CLAIM_ADDRESS_MAX 254

static const char *const claim_kinds[] = {"git_email", "user_email", "wire_git_email", "account"};
static_assert(sizeof(claim_kinds) / sizeof(claim_kinds[0]) == CLAIM_KIND_MAX, "one per kind");

static const char *const claim_matches[] = {"absent", "same", "other_person", "stranger",
					    "unknown"};
static_assert(sizeof(claim_matches) / sizeof(claim_matches[0]) == CLAIM_MATCH_MAX, "one per match");

static bool claim_is_edge(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '<' || c == '>' || c == '"';
}

size_t claim_normalise(const char *text, size_t len, char *ret)
{
	while (len && claim_is_edge(text[0]))
		text++, len--;
	/* a note's field is zero-padded: what follows the zero is not the claim */
	if (len) {
		const char *zero = memchr(text, 0, len);

		if (zero)
			len = (size_t)(zero - text);
	}
	while (len && claim_is_edge(text[len - 1]))
		len--;
	ret[0] = 0;
	if (len == 0 || len > CLAIM_ADDRESS_MAX)
		return 0;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		ret[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
	}
	ret[len] = 0;
	return len;
}

static bool claim_is_of(const struct policy_person *person, const char *claim)
{
	if (person->email && strcasecmp(person->email, claim) == 0)
		return true;
	for (char **a = person->git_emails; a && *a; a++)
		if (strcasecmp(*a, claim) == 0)
			return true;
	return false;
}

enum claim_match claim_compare_email(const struct policy *policy, uint32_t person,
				     const char *claim, uint32_t *ret_person)
{
	const struct policy_person *self = person_by_index(policy, person);

	*ret_person = 0;
	if (!claim[0])
		return CLAIM_ABSENT;
	/* an address that two people share is the person's own first */
	if (self && claim_is_of(self, claim))
		return CLAIM_SAME;
	for (size_t i = 0; policy && i < policy->n_people; i++) {
		if (&policy->people[i] == self || !claim_is_of(&policy->people[i], claim))
			continue;
		*ret_person = (uint32_t)i + 1;
		return CLAIM_OTHER_PERSON;
	}
	return self ? CLAIM_STRANGER : CLAIM_UNKNOWN;
}

const char *claim_kind_to_string(enum claim_kind kind)
{
	return (unsigned int)kind < CLAIM_KIND_MAX ? claim_kinds[kind] : "unknown";
}

const char *claim_match_to_string(enum claim_match match)
{
	return (unsigned int)match < CLAIM_MATCH_MAX ? claim_matches[match] : "unknown";
}

uint32_t claim_account_seen(struct claim_accounts *accounts, uint64_t digest, uint32_t person)
{
	struct claim_account *slot = NULL;

	accounts->clock++;
	for (uint32_t i = 0; i < accounts->n; i++) {
		struct claim_account *a = &accounts->entry[i];

		if (a->digest == digest) {
			a->used = accounts->clock;
			return a->person == person ? 0 : a->person;
		}
		if (!slot || a->used < slot->used)
			slot = a;
	}
	if (accounts->n < CLAIM_ACCOUNTS_MAX)
		slot = &accounts->entry[accounts->n++];
	*slot = (struct claim_account){.digest = digest, .used = accounts->clock, .person = person};
	return 0;
}
