/* SPDX-License-Identifier: Apache-2.0 */
/* The reader's work without its rings and sockets: kernel records in, finished events out. Pure: no
 * file, no network, no clock but what the records carry, so that recorded traffic can be replayed
 * in tests and benchmarks. */
#ifndef READER_PIPELINE_H
#define READER_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/contract.h"
#include "policy/policy.h"

/* What the keeper knows about a client process and the reader, without privileges, cannot find out.
 */
struct process_note {
	uint32_t tgid;
	uint32_t judge_image; /* number of its image, where that is to be judged; 0: it is not */
	uint64_t start_ns;
	uint64_t seen_since_ns; /* processes that began later were seen from their first byte */
	int64_t window_ns;	/* from its exec until it counted as inspected; -1 not known */
	uint8_t build_id[20];
	uint8_t build_id_len;
	uint8_t ended; /* 1: the process is gone, the rest is empty */
	uint8_t pad2[2];
	char executable[256]; /* path as /proc/PID/exe gave it */
	char directory[256];  /* working directory at start: the project */
	char cgroup[256];
	char git_email[128]; /* user.email of the directory's or the person's git config; a claim */
	char user_email[128]; /* CLAUDE_USER_EMAIL of the environment; a claim */
	/* of the record that asked what this process is, so that its start has a name; tgid 0: not
	 * known, the first record of the process tells */
	struct record_actor actor;
};

/* The first connection of an image that was to be judged: proven, or disproved. tgid: whose. */
typedef void (*pipeline_judged)(void *ctx, uint32_t image, uint32_t tgid, bool proven);

/* Takes a finished event (canonical JSON from event_take). urgent: a denial, or
 * what would be one: the person may ask why. */
typedef void (*pipeline_emit)(void *ctx, const char *json, size_t len, bool urgent);

struct pipeline_options {
	const struct policy *policy;	 /* borrowed; replaced by pipeline_set_policy */
	const struct policy_rule *rules; /* borrowed; the tables' rule names, n_rules of them */
	size_t n_rules;
	const char *host;	   /* host name for device.hostname */
	uint8_t pseudonym_key[32]; /* for keyed digests */
	int64_t boot_epoch_ns;	   /* CLOCK_REALTIME - CLOCK_BOOTTIME when started */
	pipeline_emit emit;
	pipeline_judged judged; /* may be NULL */
	void *ctx;
};

struct pipeline;

/* Returns 0, -EINVAL (a detector does not compile), -ENOMEM. */
int pipeline_new(const struct pipeline_options *options, struct pipeline **ret);
void pipeline_free(struct pipeline *p); /* ends every connection first, which may emit */

#ifdef BAILIFF_TESTING
/* As new, without compiling the detectors again: a fuzz target starts over for every input. */
void pipeline_forget(struct pipeline *p);
#endif

/* One record of the rings `denials` or `records`, checked for version, type and size before
 * anything else is believed: a malformed one becomes EVENT_LOSS, never a crash. Returns 0 or
 * -ENOMEM. */
int pipeline_record(struct pipeline *p, const void *record, size_t len);

int pipeline_note(struct pipeline *p, const struct process_note *note);

/* Records lost in the kernel since the last call (differences of the counters). */
void pipeline_lost(struct pipeline *p, const uint64_t lost[COUNTER_MAX], int64_t now_boot_ns);

/* The policy changed: names and detectors from now on. On failure the old one stays. */
int pipeline_set_policy(struct pipeline *p, const struct policy *policy,
			const struct policy_rule *rules, size_t n_rules);

/* First generation that stands for the policy of the options or of the last pipeline_set_policy.
 * A record that was judged before it names its person and rule by an index into another table, and
 * is told without them rather than with the wrong ones. 0, or never called: every index is trusted.
 */
void pipeline_set_generation(struct pipeline *p, uint64_t first);

/* Lets go of connections and processes that have been silent for long. Called every few seconds. */
void pipeline_tick(struct pipeline *p, int64_t now_boot_ns);

#endif
