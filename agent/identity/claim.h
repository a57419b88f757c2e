/* SPDX-License-Identifier: Apache-2.0 */
/* What a process says about itself, compared with what the kernel knows. A claim never identifies:
 * git's user.email, an environment variable and the ids on the wire are all the user's to set. */
#ifndef IDENTITY_CLAIM_H
#define IDENTITY_CLAIM_H

#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

enum claim_kind {
	CLAIM_GIT_EMAIL,      /* user.email of the git configuration */
	CLAIM_USER_EMAIL,     /* CLAUDE_USER_EMAIL of the environment */
	CLAIM_WIRE_GIT_EMAIL, /* the address that the client told the model */
	CLAIM_ACCOUNT,	      /* account id on the wire */
	CLAIM_KIND_MAX,
};

enum claim_match {
	CLAIM_ABSENT,	    /* nothing was claimed */
	CLAIM_SAME,	    /* it is the person's own */
	CLAIM_OTHER_PERSON, /* it belongs to somebody else of the policy */
	CLAIM_STRANGER,	    /* it belongs to nobody of the policy, and the person is known */
	CLAIM_UNKNOWN,	    /* neither the person nor the claim is known: nothing to compare */
	CLAIM_MATCH_MAX,
};

#define CLAIM_TEXT_SIZE 256

/* Lower case, without the blanks and angle brackets around it, zero-terminated in ret
 * (CLAIM_TEXT_SIZE bytes). Returns its length; 0 when nothing is left or it is too long for an
 * address (RFC 5321 4.5.3.1.3: 254). */
size_t claim_normalise(const char *text, size_t len, char *ret);

/* Compares a normalised address with the person of the kernel (index from 1, 0 nobody). With
 * CLAIM_OTHER_PERSON *ret_person is whose it is, else it is 0. */
enum claim_match claim_compare_email(const struct policy *policy, uint32_t person,
				     const char *claim, uint32_t *ret_person);

const char *claim_kind_to_string(enum claim_kind kind);
const char *claim_match_to_string(enum claim_match match);

/* Which person an opaque id on the wire (account, device) was first seen with. Two people with one
 * account is the mismatch that an id without a directory can show. Ids are kept as keyed digests.
 */
#define CLAIM_ACCOUNTS_MAX 1024

struct claim_accounts {
	struct claim_account {
		uint64_t digest;
		uint64_t used; /* larger is later */
		uint32_t person;
	} entry[CLAIM_ACCOUNTS_MAX];
	uint32_t n;
	uint64_t clock;
};

/* Notes that person (not 0) used the id, as the first 64 bits of its keyed digest. Returns the
 * other person that it was seen with before, 0 when there is none. Full: the one unused longest
 * goes. */
uint32_t claim_account_seen(struct claim_accounts *accounts, uint64_t digest, uint32_t person);

#endif
