/* SPDX-License-Identifier: Apache-2.0 */
/* The event log: canonical JSON entries as leaves of a Merkle tree in C2SP tlog-tiles form, with
 * checkpoints as signed notes (Ed25519). One writer. */
#ifndef AUDIT_LOG_H
#define AUDIT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Layout of DIR: checkpoint · tile/<L>/… · tile/entries/… (C2SP tlog-tiles) · events.jsonl (the
 * entries as lines, newest segment; for people and `bailiff events`) · events-<first index>.jsonl
 * (finished segments) · log.pub (vkey) · state.json (time of the last checkpoint, for the unwatched
 * interval). The signing key is outside of DIR. docs/log-format.md has the whole of it. */
struct log;

struct log_options {
	const char *directory;
	const char *key_path;	/* Ed25519 private key, PEM (PKCS 8), mode 0600; made when missing */
	const char *origin;	/* first line of a checkpoint, key name */
};

struct log_opened {
	uint64_t size;		/* entries already there: the next sequence number */
	int64_t last_append_ms; /* logged_time of the last entry, epoch; 0 for a new log */
	int64_t last_alive_ms;	/* the last sign of life: an entry, or a checkpoint while idle */
	uint64_t discarded;	/* bytes of a torn last write that were cut off */
};

/* Opens or creates. A torn tail (crash in a write) is cut back to the last whole entry and told in
 * ret_opened; a log whose entries do not give its last checkpoint is -EUCLEAN and not touched. A
 * second writer gets -EBUSY. */
int log_open(const struct log_options *options, struct log **ret, struct log_opened *ret_opened);
void log_close(struct log *log);

/* Adds metadata.sequence (the tree index), metadata.logged_time (ms), metadata.log_name (origin) to
 * the event, makes it canonical, appends. json is what event_take gave. Returns 0 and the index;
 * -EINVAL when it is not a JSON object or over 65,535 bytes; another -errno of the write: then
 * nothing was appended. */
int log_append_event(struct log *log, const char *json, size_t len, uint64_t *ret_index);

/* Signs the tree as it is, makes it durable (fsync before the checkpoint is renamed into place).
 * Called on a timer, also when nothing was appended. */
int log_checkpoint(struct log *log, int64_t now_ms);

uint64_t log_size(const struct log *log);

struct log_finding {
	bool ok;
	uint64_t size;		/* entries under the checkpoint */
	uint64_t unsigned_tail; /* entries after it */
	uint64_t bad_index;	/* first entry that fails; UINT64_MAX when none is to blame alone */
	int64_t checkpoint_ms;	/* time of the checkpoint file's signature line's file, epoch ms */
	char root[45];		/* base64 */
	char why[512];		/* one sentence, names the record and the file */
};

/* Verifies with the public key and the files, nothing else. vkey: the text of a note verifier key, or
 * NULL for DIR/log.pub. progress may be NULL; called with entries done and in all. Returns 0 when the
 * verification could be carried out (see ret->ok), else -errno. */
int log_verify(const char *directory, const char *vkey, void (*progress)(uint64_t, uint64_t),
	       struct log_finding *ret);

/* Reads entries [from, …): calls fn for each with its canonical JSON until it returns non-zero or the
 * end. For `bailiff events`, `why` and the courier. Returns 0, fn's value, or -errno. */
int log_read(const char *directory, uint64_t from,
	     int (*fn)(void *ctx, uint64_t index, const char *json, size_t len), void *ctx);

#endif
