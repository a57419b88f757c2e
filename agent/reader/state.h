/* SPDX-License-Identifier: Apache-2.0 */
/* What the pipeline's files share: its tables. Nobody outside of agent/reader includes this. */
#ifndef READER_STATE_H
#define READER_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "identity/claim.h"
#include "mask/mask.h"
#include "reader/found.h"
#include "reader/judged.h"
#include "reader/learned.h"
#include "reader/limits.h"
#include "reader/lineage.h"
#include "reader/names.h"
#include "reader/pipeline.h"
#include "reader/proof.h"
#include "wire/wire.h"

/* Where the bytes of a connection went. captured + missing is what the client read and wrote. */
struct ledger {
	uint64_t captured;    /* bytes that came */
	uint64_t missing;     /* bytes that the kernel could not give */
	uint64_t undecodable; /* of captured: bytes that no decoder understood */
	uint64_t repeated;    /* bytes that came again and were passed over; not in captured */
	uint64_t gaps;
};

struct process;
struct connection;
LIST_HEAD(process_list, process);
LIST_HEAD(connection_list, connection);
TAILQ_HEAD(process_ages, process);
TAILQ_HEAD(connection_ages, connection);

struct connection {
	LIST_ENTRY(connection) bucket;
	LIST_ENTRY(connection) sibling; /* of the same process */
	TAILQ_ENTRY(connection) age;	/* by last record */
	struct process *process;
	uint64_t number; /* what events call it: the pointer would tell the client's layout */
	uint64_t ssl;
	uint32_t epoch;
	uint64_t expected[WIRE_DIRECTION_MAX]; /* offset of the next byte */
	struct wire_conn *wire;		       /* NULL: given back while silent */
	bool incomplete; /* the parser reported something unfinished when it was freed */
	struct ledger ledger;
	uint64_t last_ns, told_ns; /* last record; last time a loss was told */
	uint64_t untold;	   /* missing bytes since then */
	struct {
		uint64_t id, time_ns;
	} request[READER_REQUESTS_MAX]; /* by id modulo: when each was sent */
	struct found found;		/* what the inline path found in it, and where */
};

struct process {
	LIST_ENTRY(process) bucket;
	TAILQ_ENTRY(process) age;
	struct connection_list connections;
	struct pipeline *pipeline; /* for the callback of its parsers */
	uint32_t tgid;
	uint64_t start_ns;
	uint64_t last_ns;
	uint64_t noted_ns;	   /* when the note came */
	uint64_t ended_ns;	   /* 0: it runs */
	struct record_actor actor; /* of the latest record */
	uint64_t generation;	   /* that it was judged by */
	bool has_actor;
	bool client;		   /* recognised: a note came, or the kernel says so */
	bool started;		   /* EVENT_CLIENT_START was emitted */
	struct process_note *note; /* NULL until it comes */
	struct wire_client *wire;  /* NULL until the first plaintext */
	struct lineage *lineage;   /* NULL until needed; of a root */
	struct judged *judged;
	struct learned_names *learned; /* NULL until the first; of a root */
	struct ledger ledger;	       /* of all its connections that ended */
	uint64_t n_connections, n_calls, n_tools, n_skills, n_denied;
	/* as last said on the wire; unmasked */
	char device_id[READER_ID_SIZE], account_id[READER_ID_SIZE], session_id[READER_ID_SIZE];
	char model[READER_ID_SIZE];
	uint64_t claim_told[READER_CLAIMS_MAX]; /* digests */
	uint32_t n_claims_told;
	uint8_t proof;	  /* enum proof, of a connection that was not told of yet */
	bool proof_whole; /* which was seen from its handshake on */
};

struct pipeline {
	struct pipeline_options o;
	char *host;
	struct mask_rules *rules;
	struct names *names;
	struct claim_accounts *accounts;
	struct process_list processes[READER_BUCKETS];
	struct process_ages process_age;
	size_t n_processes;
	struct connection_list connections[READER_BUCKETS];
	struct connection_ages connection_age;
	size_t n_connections;
	uint64_t n_numbered;	    /* connections so far */
	struct connection *feeding; /* whose parser calls back just now */
	const char *told;	   /* text of the tool event just before: its block says it again */
	uint64_t now_ns;	   /* latest time of a record or tick */
	uint64_t first_generation; /* of the policy in options; 0 not known */
	uint64_t malformed, malformed_bytes, malformed_told_ns;
	const char *malformed_why;
	uint64_t unbuilt;		    /* events that could not be made */
	uint32_t proof_told[READER_PROOFS]; /* images that were judged */
	uint32_t n_proof_told;
	int failed; /* -ENOMEM met in a callback */
};

/* ---- process.c ---- */
struct process *process_find(struct pipeline *p, uint32_t tgid, uint64_t start_ns);
/* Finds or makes; NULL for want of memory. Makes room by letting the idlest go. */
struct process *process_get(struct pipeline *p, uint32_t tgid, uint64_t start_ns);
/* The process of a record, with what the record says about it. */
struct process *process_of(struct pipeline *p, const struct record_head *head);
/* The client at the head of the record's lineage, or NULL: not governed, or no memory. */
struct process *process_root(struct pipeline *p, const struct record_head *head);
/* It ended: its connections end, a client's stop is told; it lingers without them. */
void process_end(struct pipeline *p, struct process *process, uint64_t time_ns);
void process_free(struct pipeline *p, struct process *process);
struct lineage *process_lineage(struct pipeline *p, struct process *process);
bool process_has_wire(struct pipeline *p, struct process *process);

/* ---- connection.c ---- */
int connection_record(struct pipeline *p, const struct record_tls *head, const uint8_t *bytes);
/* The connection that a record of another kind names, made where there is none; NULL: another one
 * is on its place by now, or there is no memory. */
struct connection *connection_of(struct pipeline *p, const struct record_head *head, uint64_t ssl,
				 uint32_t epoch);
/* Tells all that waits in any connection. */
void connection_tell_found(struct pipeline *p);
/* Ends it: its parser reports what is incomplete, its ledger is told if anything was lost. */
void connection_end(struct pipeline *p, struct connection *c, uint64_t time_ns, const char *why);
/* Gives the parsers of silent connections back, tells losses that were held back. */
void connection_tick(struct pipeline *p, uint64_t now_ns);

/* ---- proof.c ---- */
/* The first bytes that a process wrote into a connection. */
void proof_record(struct pipeline *p, struct process *process, const struct record_tls *r,
		  const uint8_t *bytes);
/* Tells the verdict on its image, once there is one and a note that asks for it. */
void proof_tell(struct pipeline *p, struct process *process, uint64_t time_ns);

/* ---- report_wire.c ---- */
void report_wire(void *ctx, const struct wire_event *event);

#endif
