// SPDX-License-Identifier: Apache-2.0
/* Keys of the model API that are enrolled for people, as keyed digests: whoever reads the policy
 * learns no key from it. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/array.h"
#include "policy/load.h"

#define CREDENTIAL_HEX 32 /* 16 bytes: a SipHash-2-4-128 digest, and its key */

static int credential_nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* 32 hexadecimal digits into the words that the kernel compares. Returns whether it was that. */
static bool credential_hex(struct fields *f, const struct document_node *v, const char *what,
			   uint64_t ret[2])
{
	const char *text = fields_peek(f, v, what, 2 * CREDENTIAL_HEX);
	uint8_t raw[CREDENTIAL_HEX / 2];

	if (!text)
		return false;
	if (strlen(text) != CREDENTIAL_HEX) {
		fields_error(f, v, "%s: expected %d hexadecimal digits, found %zu characters", what,
			     CREDENTIAL_HEX, strlen(text));
		return false;
	}
	for (size_t i = 0; i < sizeof(raw); i++) {
		int high = credential_nibble(text[2 * i]), low = credential_nibble(text[2 * i + 1]);

		if (high < 0 || low < 0) {
			fields_error(f, v, "%s: expected %d hexadecimal digits", what,
				     CREDENTIAL_HEX);
			return false;
		}
		raw[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(ret, raw, sizeof(raw));
	return true;
}

static void credentials_unknown(struct fields *f, const struct document_node *v, void *out)
{
	static const char *const words[] = {"report", "refuse"};
	int choice = fields_choice(f, v, "unknown", words, ARRAY_SIZE(words));

	if (choice >= 0)
		((struct load *)out)->policy->credential_flags =
			choice ? POLICY_CREDENTIAL_REFUSE : POLICY_CREDENTIAL_REPORT;
}

static void credentials_key(struct fields *f, const struct document_node *v, void *out)
{
	credential_hex(f, v, "key", ((struct load *)out)->policy->credential_key);
}

static void credentials_enrolled(struct fields *f, const struct document_node *v, void *out)
{
	((struct load *)out)->enrolled = v;
}

const struct field load_credentials_fields[] = {
	{.name = "unknown", .read = credentials_unknown, .required = true},
	{.name = "key", .read = credentials_key, .required = true},
	{.name = "enrolled", .read = credentials_enrolled, .below = ".EMAIL"},
	{0},
};

struct enrolment {
	struct load *load;
	uint32_t person;
};

static void credential_enrol(struct fields *f, const struct document_node *v, void *out)
{
	const struct enrolment *e = out;
	struct policy *policy = e->load->policy;
	struct policy_credential c = {.person = e->person};

	if (!credential_hex(f, v, "a digest", c.digest))
		return;
	for (size_t i = 0; i < policy->n_credentials; i++)
		if (memcmp(&policy->credentials[i], &c, sizeof(c)) == 0) {
			fields_warning(f, v, "this digest is given twice");
			return;
		}
	if (array_grow(policy->credentials, policy->n_credentials) < 0) {
		fields_no_memory(f);
		return;
	}
	policy->credentials[policy->n_credentials++] = c;
}

static void credential_person(struct fields *f, const struct document_node *key,
			      const struct document_node *v, void *out)
{
	struct enrolment e = {.load = out};
	const char *email = fields_peek(f, key, "a person", LOAD_NAME_MAX);
	char lower[LOAD_NAME_MAX + 1];

	if (!email)
		return;
	snprintf(lower, sizeof(lower), "%s", email);
	fields_lower(lower);
	e.person = load_find_person(e.load->policy, lower);
	if (!e.person) {
		fields_error(f, key, "enrolled: nobody in the policy is \"%.64s\"", email);
		return;
	}
	fields_list(f, v, "enrolled", credential_enrol, &e);
}

void load_credentials(struct load *load)
{
	if (load->enrolled)
		fields_each(&load->main, load->enrolled, "enrolled", credential_person, load);
}
