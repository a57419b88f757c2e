/* SPDX-License-Identifier: Apache-2.0 */
/* The open log, shared by the files that append to it and that open it; nobody else includes this.
 */
#ifndef AUDIT_STATE_H
#define AUDIT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/key.h"
#include "audit/log.h"
#include "audit/note.h"
#include "audit/tree.h"
#include "base/buffer.h"

struct log {
	int dir_fd; /* holds the lock */
	int events_fd;
	EVP_PKEY *key;
	struct note_key verifier;
	struct tree tree;
	struct buffer bundle;  /* the entries of the lowest, unfinished tile */
	struct buffer written; /* zero-separated paths of tiles that are not durable yet */
	uint64_t signed_size;
	uint64_t segment_first; /* index of the first line of events.jsonl */
	uint64_t events_end;	/* end of the last whole line of events.jsonl */
	bool torn;		/* half a line may lie behind events_end: cut it before writing */
	bool broken; /* fsync failed: what the disk holds is not known, nothing is signed */
};

/* Reads what is there and checks it against the last checkpoint, then takes in the lines after it.
 * The log is locked and has a checkpoint. Nothing is changed unless all checks hold. */
int state_load(struct log *log, struct log_opened *ret);

/* Adds one whole entry to the tree and the bundle, writing tiles that become full. Nothing changes
 * on failure. */
int state_add(struct log *log, const char *entry, size_t len);

/* Cuts events.jsonl back to events_end. */
int state_cut(struct log *log);

/* state.json: when the log was last known to be watched. */
int state_save(const struct log *log, int64_t now_ms);
int64_t state_read_ms(int dir_fd); /* 0 when unknown */

#endif
