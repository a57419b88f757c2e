// SPDX-License-Identifier: Apache-2.0
/* Start and end of a client, and what it claims to be. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "identity/person.h"
#include "reader/report.h"

static struct event *report_lifecycle(struct pipeline *p, struct process *process,
				      enum event_code code, uint64_t time_ns)
{
	struct event *event = report_begin(p, code, time_ns);

	if (!event)
		return NULL;
	if (process->has_actor)
		report_actor(p, event, &process->actor, process->generation);
	event_set_int(event, "process.pid", process->tgid);
	if (process->has_actor)
		report_text(p, event, "process.name", process->actor.comm,
			    strnlen(process->actor.comm, sizeof(process->actor.comm)));
	if (process->note)
		report_string(p, event, "process.file.path", process->note->executable);
	report_client(p, event, process);
	return event;
}

void report_client_start(struct pipeline *p, struct process *process, uint64_t time_ns)
{
	const struct process_note *note = process->note;
	struct event *event;

	process->started = true;
	event = report_lifecycle(p, process, EVENT_CLIENT_START, time_ns);
	if (!event)
		return;
	if (note && note->window_ns >= 0)
		report_count(event, "unmapped.uninspected_ms", (uint64_t)note->window_ns / 1000000);
	if (note && note->git_email[0])
		report_string(p, event, "unmapped.claimed_git_email", note->git_email);
	if (note && note->user_email[0])
		report_string(p, event, "unmapped.claimed_user_email", note->user_email);
	report_end(p, event, false);
	if (!note)
		return;
	report_claim_email(p, process, CLAIM_GIT_EMAIL, note->git_email, strlen(note->git_email),
			   time_ns);
	report_claim_email(p, process, CLAIM_USER_EMAIL, note->user_email, strlen(note->user_email),
			   time_ns);
}

void report_client_stop(struct pipeline *p, struct process *process, uint64_t time_ns)
{
	struct event *event = report_lifecycle(p, process, EVENT_CLIENT_STOP, time_ns);

	if (!event)
		return;
	if (time_ns >= process->start_ns)
		report_duration(event, (int64_t)(time_ns - process->start_ns));
	report_count(event, "unmapped.bytes_captured", process->ledger.captured);
	report_count(event, "unmapped.bytes_missing", process->ledger.missing);
	report_count(event, "unmapped.bytes_undecodable", process->ledger.undecodable);
	report_count(event, "unmapped.connections", process->n_connections);
	report_count(event, "unmapped.model_calls", process->n_calls);
	report_count(event, "unmapped.tool_uses", process->n_tools);
	report_count(event, "unmapped.skill_uses", process->n_skills);
	report_count(event, "unmapped.denials", process->n_denied);
	report_string(p, event, "unmapped.model", process->model);
	report_end(p, event, false);
}

/* Whether this claim of this client was told before; remembers that it is. A client that changes
 * its claim with every request gets told READER_CLAIMS_MAX times, not for ever. */
static bool report_claim_told(struct process *process, enum claim_kind kind, uint64_t digest)
{
	digest += (uint64_t)kind; /* the same address by two ways is two claims */
	for (uint32_t i = 0; i < process->n_claims_told; i++)
		if (process->claim_told[i] == digest)
			return true;
	if (process->n_claims_told == READER_CLAIMS_MAX)
		return true;
	process->claim_told[process->n_claims_told++] = digest;
	return false;
}

static uint64_t report_digest64(const uint8_t digest[DIGEST_SIZE])
{
	uint64_t ret;

	memcpy(&ret, digest, sizeof(ret));
	return ret;
}

static uint32_t report_person(const struct pipeline *p, const struct process *process)
{
	if (!process->has_actor || process->generation < p->first_generation)
		return 0;
	return process->actor.person;
}

static void report_mismatch(struct pipeline *p, struct process *process, enum claim_kind kind,
			    const char *text, size_t len, const uint8_t digest[DIGEST_SIZE],
			    enum claim_match match, uint32_t whose, uint64_t time_ns)
{
	const struct policy_person *other = person_by_index(p->o.policy, whose);
	struct event *event = report_lifecycle(p, process, EVENT_CLAIM_MISMATCH, time_ns);

	if (!event)
		return;
	event_set_name(event, "finding_info.title", "Claimed identity differs from the kernel's");
	event_set_name(event, "unmapped.claim.kind", claim_kind_to_string(kind));
	event_set_name(event, "unmapped.claim.match", claim_match_to_string(match));
	event_set_digest(event, "unmapped.claim.digest", digest, DIGEST_SIZE);
	report_text(p, event, "unmapped.claim.text", text, len);
	if (other)
		event_set_name(event, "unmapped.claim.person", other->email);
	report_end(p, event, false);
}

void report_claim_email(struct pipeline *p, struct process *process, enum claim_kind kind,
			const char *text, size_t len, uint64_t time_ns)
{
	char claim[CLAIM_TEXT_SIZE];
	uint8_t digest[DIGEST_SIZE];
	enum claim_match match;
	uint32_t whose;

	/* without a kernel identity there is nothing to compare with */
	if (!process->has_actor || !claim_normalise(text, len, claim))
		return;
	match = claim_compare_email(p->o.policy, report_person(p, process), claim, &whose);
	if (match != CLAIM_OTHER_PERSON && match != CLAIM_STRANGER)
		return;
	if (digest_keyed(p->o.pseudonym_key, claim, strlen(claim), digest) < 0 ||
	    report_claim_told(process, kind, report_digest64(digest)))
		return;
	report_mismatch(p, process, kind, claim, strlen(claim), digest, match, whose, time_ns);
}

void report_claim_account(struct pipeline *p, struct process *process, const char *text, size_t len,
			  uint64_t time_ns)
{
	uint32_t person = report_person(p, process), other;
	uint8_t digest[DIGEST_SIZE];

	if (!person || digest_keyed(p->o.pseudonym_key, text, len, digest) < 0)
		return;
	other = claim_account_seen(p->accounts, report_digest64(digest), person);
	if (!other || report_claim_told(process, CLAIM_ACCOUNT, report_digest64(digest)))
		return;
	report_mismatch(p, process, CLAIM_ACCOUNT, text, len, digest, CLAIM_OTHER_PERSON, other,
			time_ns);
}
