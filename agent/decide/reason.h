/* SPDX-License-Identifier: Apache-2.0 */
/* Why something was refused, in one sentence for the person it was refused to. */
#ifndef DECIDE_REASON_H
#define DECIDE_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/scan_table.h"
#include "policy/policy.h"

#define REASON_SENTENCE_MAX  400 /* bytes, without the terminating zero */
#define REASON_SENTENCE_SIZE (REASON_SENTENCE_MAX + 1)

struct reason_case {
	enum bailiff_verdict verdict;
	enum bailiff_reason reason;
	const struct policy_rule *rule; /* NULL: not known */
	const char *what; /* "skill pdf", "connection to 203.0.113.9:443": masked, or our own */
	const struct policy *policy; /* NULL: none in force */
	uint32_t person;	     /* index of the policy, 0 nobody known */
	uint32_t uid;		     /* that decided: named where the person is not known */
};

/* What was found in a stream, and what became of it. */
struct reason_found {
	enum scan_action action;
	bool sent;   /* by the client; else received */
	bool repeat; /* it was blocked before, and is masked where it comes again */
};

/* Whether it was, or would be, masked while the rest goes on; else the whole is stopped. */
bool reason_is_masking(const struct reason_found *found);

/* Writes what was refused, which rule, what the person can do and whom to ask. Control bytes in
 * `what` become '?', for the sentence is shown on terminals; a sentence that would be longer than
 * REASON_SENTENCE_MAX is cut before "Ask ...", which always stays. Returns 0, -ENOSPC when size is
 * under REASON_SENTENCE_SIZE (ret is then untouched). */
int reason_sentence(const struct reason_case *c, char *ret, size_t size);

/* The same of something found in a stream: says too whether it was sent, and what comes after. */
int reason_sentence_found(const struct reason_case *c, const struct reason_found *found, char *ret,
			  size_t size);

const char *reason_to_string(enum bailiff_reason reason); /* "skill_not_allowed" */
const char *
reason_verdict_to_string(enum bailiff_verdict verdict); /* "allowed" "denied" "would_deny" */

#endif
