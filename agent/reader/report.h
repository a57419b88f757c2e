/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the reader: the attributes that they share, and one function for each kernel record. */
#ifndef READER_REPORT_H
#define READER_REPORT_H

#include <netinet/in.h>

#include "audit/event.h"
#include "decide/reason.h"
#include "reader/state.h"

/* ---- report.c: shared attributes ---- */

#define REPORT_SEVERITY_LOW    2 /* OCSF severity_id */
#define REPORT_SEVERITY_MEDIUM 3
#define REPORT_SEVERITY_HIGH   4

/* Starts an event with its time and this host; NULL for want of memory (noted in p->failed). */
struct event *report_begin(struct pipeline *p, enum event_code code, uint64_t time_ns);
/* Finishes it and hands it out; urgent: see pipeline_emit. An event that cannot be finished becomes
 * a loss. */
void report_end(struct pipeline *p, struct event *event, bool urgent);

/* Unsigned counts of the kernel, cut to what JSON readers agree on. */
void report_count(struct event *event, const char *path, uint64_t value);
/* Milliseconds of a duration; nothing when it is negative (not known). */
void report_duration(struct event *event, int64_t duration_ns);
/* A captured string, masked; nothing when it is absent or empty. */
void report_text(struct pipeline *p, struct event *event, const char *path, const void *bytes,
		 size_t len);
void report_string(struct pipeline *p, struct event *event, const char *path, const char *text);
/* Of an actor that came with a note, not with a judged record: its indices are of the policy now.
 */
#define REPORT_GENERATION_NOW UINT64_MAX

/* Who: person, teams, uid, login uid, audit session, process, as the kernel said. */
void report_actor(struct pipeline *p, struct event *event, const struct record_actor *actor,
		  uint64_t generation);
/* What a client is and said about itself: executable, build-id, directory, device, account,
 * session. */
void report_client(struct pipeline *p, struct event *event, const struct process *client);
void report_cause(struct pipeline *p, struct event *event, const struct lineage_cause *cause);

/* The verdict, its rule and reason, and for a refusal the sentence for people. what is our own text
 * with captured parts in it: it is masked here. */
struct report_verdict {
	uint32_t verdict, reason, rule, person, uid;
	uint64_t generation;
	bool skill; /* else a destination: decides which default a rule 0 is */
	const char *what;
	const struct reason_found *found; /* NULL: it is not about something found in a stream */
};
/* That of a judged record, about a destination; what is borrowed. */
struct report_verdict report_verdict_of(const struct record_head *head, uint32_t verdict,
					uint32_t reason, uint32_t rule, const char *what);
void report_verdict(struct pipeline *p, struct event *event, const struct report_verdict *v);
/* The rule of a verdict; NULL: none, or not one of the policy at hand. */
const struct policy_rule *report_rule(const struct pipeline *p, const struct report_verdict *v);

/* Starts the event of a kernel record: who did it, and the client that it belongs to (root), for
 * its ids, where the actor is in a governed tree; NULL as report_begin(). */
struct event *report_effect(struct pipeline *p, enum event_code code,
			    const struct record_head *head, const struct process *root);
/* Ends it with the verdict, and with what the client was doing that led to it; counts a refusal. */
void report_judged(struct pipeline *p, struct event *event, const struct record_head *head,
		   struct process *root, const struct report_verdict *v);

/* One EVENT_SENSITIVE_DATA for each detector that matched in text. where: "message", "tool_input",
 * … */
struct report_place {
	uint64_t time_ns;
	const struct process *process;
	const char *direction; /* "sent", "received", "local" */
	const char *where;
	const char *tool_use_id; /* unmasked, or NULL */
	size_t tool_use_id_len;
	const char *host; /* whom it was said to or by, unmasked, or NULL */
	size_t host_len;
};
void report_findings(struct pipeline *p, const struct masked *text,
		     const struct report_place *place);

/* ---- report_kernel.c ---- */
/* Puts a peer into an event: address, port, and the name that led root's processes to it. Returns
 * that name, which lives as long as what root learned, or NULL. family: AF_INET or AF_INET6; of
 * others nothing is put, and ret is left alone. */
const char *report_peer(struct pipeline *p, struct event *event, const struct process *root,
			uint32_t family, const uint8_t bytes[16], uint16_t port,
			char ret[INET6_ADDRSTRLEN]);
int report_exec(struct pipeline *p, const struct record_exec *record);
int report_net(struct pipeline *p, const struct record_net *record);
int report_skill_file(struct pipeline *p, const struct record_skill *record);

/* ---- report_name.c ---- */
int report_name(struct pipeline *p, const struct record_name *record);

/* ---- report_unsaid.c ---- */
int report_unsaid(struct pipeline *p, const struct record_ledger *record);

/* ---- report_door.c ---- */
int report_door(struct pipeline *p, const struct record_door *record);

/* ---- report_inline.c ---- */
int report_inline(struct pipeline *p, const struct record_inline *record);
/* A chunk of the connection was taken in: what waited for it is told. */
void report_inline_chunk(struct pipeline *p, struct connection *c, uint32_t direction,
			 uint64_t time_ns);
/* What has waited for long enough is told; with all, everything. */
void report_inline_waited(struct pipeline *p, struct connection *c, bool all);

/* ---- report_process.c ---- */
void report_client_start(struct pipeline *p, struct process *process, uint64_t time_ns);
void report_client_stop(struct pipeline *p, struct process *process, uint64_t time_ns);
/* Compares a claimed address with the kernel's person; tells a mismatch once for each client. */
void report_claim_email(struct pipeline *p, struct process *process, enum claim_kind kind,
			const char *text, size_t len, uint64_t time_ns);
/* The same for an account id on the wire. */
void report_claim_account(struct pipeline *p, struct process *process, const char *text, size_t len,
			  uint64_t time_ns);

/* ---- report_loss.c ---- */
void report_unseen(struct pipeline *p, struct connection *c, uint64_t time_ns, const char *why);
void report_undecodable(struct pipeline *p, const struct wire_event *event, struct connection *c);
void report_ledger(struct pipeline *p, const struct connection *c, uint64_t time_ns,
		   const char *why);
void report_let_go(struct pipeline *p, const struct process *process, const char *why);
/* A record that is not what the contract says; told at once, then together. */
void report_malformed(struct pipeline *p, size_t len, const char *why);
void report_held_back(struct pipeline *p); /* what report_malformed has kept */
void report_lost(struct pipeline *p, const uint64_t lost[COUNTER_MAX], uint64_t time_ns);

#endif
