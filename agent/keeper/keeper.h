/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: holds the kernel side, the policy and the log; decides what user space must decide;
 * starts and watches the processes without rights. What its files share. */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "audit/event.h"
#include "audit/log.h"
#include "base/channel.h"
#include "decide/notice.h"
#include "keeper/memory.h"
#include "kernel/kernel.h"
#include "policy/policy.h"
#include "process/analyst.h"

#define KEEPER_CHILD_READER  0
#define KEEPER_CHILD_COURIER 1
#define KEEPER_CHILD_ANALYST 2
#define KEEPER_CHILDREN	     3

struct keeper_options {
	const char *policy_directory; /* /etc/bailiff */
	const char *state_directory;  /* /var/lib/bailiff: log, keys, cache */
	const char *run_directory;    /* /run/bailiff: sockets */
};

struct keeper_child {
	const char *role, *user;
	pid_t pid; /* 0: not running */
	int sock;
	int64_t retry_at_ms;
	uint32_t failures; /* in a row */
};

/* Whether the probes on a file were seen to be in the right places. */
enum keeper_proof {
	KEEPER_PROOF_NONE,	/* nothing to prove: no client's, or found by its symbols */
	KEEPER_PROOF_OPEN,	/* no connection was seen from its first byte yet */
	KEEPER_PROOF_GIVEN,	/* the first one began as a client's does */
	KEEPER_PROOF_DISPROVED, /* it did not: the probes are gone */
	KEEPER_PROOF_MAX,
};

/* A client, a runtime or a holder of TLS functions. What is none of these is in the kernel's table
 * alone: there are many. */
struct keeper_image {
	struct image_key key;
	enum image_class class_; /* by what the policy says of it */
	enum image_class found;	 /* by its content */
	bool attached;
	bool answered;
	bool hashed, digested; /* sha256 and text hold */
	enum keeper_proof proof;
	uint32_t id;
	int64_t attached_ns; /* CLOCK_BOOTTIME: since when all probes are on it */
	uint8_t sha256[32];  /* of the file */
	uint8_t text[32];    /* of its TLS functions, for the cache */
	struct tls_layout *layout;
	struct memory_site *sites; /* where its probes are */
	size_t n_sites;
	char why[TLS_WHY_SIZE];
	struct keeper_image *next;
};

/* A question the analyst has not answered. */
struct keeper_question {
	uint64_t id;
	struct record_image record;
	enum recognise_kind kind;
	int fd;
	bool digest;		  /* that of the file was asked for */
	struct tls_layout *known; /* out of the cache; NULL: not there */
	struct keeper_question *next;
};

/* TLS libraries that are asked about before somebody governed maps them. */
#define KEEPER_LIBRARIES_MAX 32

/* A client that runs: for `bailiff status`. */
struct keeper_client {
	pid_t pid;
	uint64_t start_ns;
	uint32_t uid;
	uint32_t image_id;
	const char *tampered; /* why it is no client any more, NULL: it is */
	char executable[256];
	struct keeper_client *next;
};

/* A process, as the task iterator tells of it. */
struct keeper_seeded {
	pid_t pid, parent;
	struct record_actor actor;
	struct image_key key;
	uint32_t netns;
};

#define KEEPER_ASKERS_MAX 32
#define KEEPER_WHY_MAX	  256
struct keeper_denial {
	uint64_t number;
	uint64_t block; /* of the data path, 0: none */
	int64_t time_ms;
	uint32_t uid;
	bool would;
	char person[128];
	char what[160];
	char rule[96];
	char sentence[420];
};

/* Values that one detector of the data path found, since the keeper started. */
#define KEEPER_TALLY_MAX 64 /* the last is for those of all others */
struct keeper_tally {
	char detector[96];
	uint64_t let_through, masked, blocked;
};

struct keeper_name {
	char *name;
	struct {
		int family;
		uint8_t address[16];
		int64_t until_ms;
	} addresses[CHANNEL_ADDRESSES_MAX];
	size_t n;
	int64_t seen_ms;
};

struct keeper {
	struct keeper_options options;
	int epoll;
	bool stopping, detached;
	int64_t started_ms;    /* epoch */
	int64_t boot_epoch_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME */
	char host[256];
	uint8_t pseudonym_key[32];

	struct kernel *kernel;
	struct ring_buffer *asks;
	uint64_t generation;
	bool took_over, seeding;
	int64_t take_over_by_ms;
	uint64_t kept_question; /* the last of those about what an earlier keeper had probed */
	int64_t watching_ns;	/* CLOCK_BOOTTIME: since when what the probes see is taken */
	uint64_t counters[COUNTER_MAX], missed;
	/* "text in place" as the host has it, and whether clients are kept from the model API
	 * because it has less than the policy asks for */
	enum posture_state masks;
	char masks_reason[POSTURE_REASON_SIZE];
	bool masks_closed;
	uint64_t unwatchable; /* looks into a client's memory that failed */

	struct policy *policy;
	struct policy_tables *tables;
	struct keeper_name *names;
	size_t n_names;

	struct log *log;
	int64_t next_checkpoint_ms, last_checkpoint_ms;

	struct keeper_child child[KEEPER_CHILDREN];
	struct keeper_image *images;
	uint32_t next_image_id;
	size_t images_entered,
		images_limit; /* of the kernel's table: an upper bound; when to prune */
	int cache_fd;	      /* layouts of earlier runs; -1: none */
	bool ask_again;	      /* a question found no room */
	struct keeper_question *questions;
	int libraries[KEEPER_LIBRARIES_MAX]; /* files that are asked about; the oldest first */
	size_t n_libraries;
	uint64_t next_question;
	unsigned int n_questions;
	struct keeper_client *clients;
	struct keeper_seeded *seeded;
	size_t n_seeded;

	int query_fd;
	struct {
		int fd;
		int64_t since_ms;
	} askers[KEEPER_ASKERS_MAX];
	struct keeper_denial denials[KEEPER_WHY_MAX];
	size_t n_denials; /* ever; the newest is at (n_denials - 1) % KEEPER_WHY_MAX */
	struct keeper_tally tally[KEEPER_TALLY_MAX];
	size_t n_tally;
	struct notices notices;
	uint64_t unreachable; /* messages for a terminal that none took */
};

int64_t keeper_now_ms(void);
int64_t keeper_boot_ns(void);

/* keeper.c */
int keeper_main(const struct keeper_options *options);

/* tally.c: what the data path found, by detector */
/* Takes an event that the reader made; most are of other kinds. */
void keeper_tally(struct keeper *k, const char *json, size_t len);
json_t *keeper_tally_json(const struct keeper *k);

/* journal.c: the log and what is remembered for `why` */
int keeper_journal_open(struct keeper *k, int64_t *ret_unwatched_ms, uint64_t *ret_discarded);
/* Finishes and appends an event of the keeper's own; takes it over. */
void keeper_record(struct keeper *k, struct event *event);
/* Appends what the reader made. */
void keeper_append(struct keeper *k, const char *json, size_t len, bool denial);
void keeper_checkpoint(struct keeper *k, bool now);
void keeper_event_start(struct keeper *k, int64_t unwatched_ms, uint64_t discarded);
void keeper_event_stop(struct keeper *k, const char *why);
void keeper_event_policy(struct keeper *k);
void keeper_event_policy_refused(struct keeper *k, const struct policy_report *report);
void keeper_event_posture(struct keeper *k);
void keeper_event_client_refused(struct keeper *k, pid_t pid, const struct keeper_image *image);
/* site: where its probes were overwritten, NULL: they were not */
void keeper_event_tampered(struct keeper *k, pid_t pid, uint32_t uid,
			   const struct keeper_image *image, const struct memory_site *site,
			   const char *why);
void keeper_event_loss(struct keeper *k, const char *what, uint64_t n);
void keeper_event_admin(struct keeper *k, const char *what, uint32_t uid);

/* notices.c: refusals on the terminal of whom they concern */
/* event: of a denial; number: its place in the log */
void keeper_notice(struct keeper *k, const json_t *event, uint64_t number);
void keeper_notices_tick(struct keeper *k);

/* children.c */
int keeper_children_start(struct keeper *k);
void keeper_children_reap(struct keeper *k);
void keeper_children_retry(struct keeper *k);
void keeper_children_stop(struct keeper *k);
int keeper_tell(struct keeper *k, int child, enum channel_type type, const void *body, size_t len,
		int fd);

/* images.c */
void keeper_ask(struct keeper *k, const struct record_image *r);
void keeper_analysed(struct keeper *k, const struct channel_analysed *a);
void keeper_questions_drop(struct keeper *k);
struct keeper_image *keeper_image_find(struct keeper *k, const struct image_key *key);
const struct keeper_image *keeper_image_numbered(const struct keeper *k, uint32_t id);
enum image_class keeper_image_class(const struct keeper *k, const struct keeper_image *i);
void keeper_image_tell(struct keeper *k, const struct keeper_image *i);
/* Whether the open file is the one the kernel asked about. */
bool keeper_same_file(int fd, const struct image_key *key);
/* Probes a TLS library that is known, unless it was, and tells the kernel; fd: the file. */
void keeper_image_probe(struct keeper *k, struct keeper_image *i, int fd);
/* From the exec that asked until now, 0 where the file was inspected before; -1 not known. */
int64_t keeper_exec_window(const struct record_image *r, bool inspected_before);
/* Looks at the scripts that a runtime was told to run. */
void keeper_ask_scripts(struct keeper *k, const struct record_image *r);

/* libraries.c: TLS libraries, before a client's children map them */
/* A client began: looks where the dynamic linker of its root does, unless it lives in a user
 * namespace of its own. */
void keeper_libraries_look(struct keeper *k, pid_t pid);
/* The same for all that is governed, once this keeper has taken over: until then nothing is looked
 * at. */
void keeper_libraries_again(struct keeper *k);
/* Libraries that an earlier keeper had probed, and that governed processes have mapped or would
 * find, are asked about. Else a process would go unread once the earlier probes are gone. */
void keeper_libraries_kept(struct keeper *k);
/* The file, where it is one that is waited for. Returns a descriptor of the caller's, -ENOENT: it
 * is none, or another -errno. */
int keeper_library_open(const struct keeper *k, const struct image_key *key);
/* It was answered; whether it is to be probed for a client's sake. */
bool keeper_library_take(struct keeper *k, const struct image_key *key);

/* masks.c: hosts that cannot mask in place */
#define KEEPER_MASKS_CLOSED                                                                        \
	"clients may not use the model API, since this host cannot mask and the policy says "      \
	"refuse (inline.unsupported)"
/* Before the first tables are in force. */
void keeper_masks_start(struct keeper *k);
/* Before the tables of another policy are in force: closes what it closes. */
void keeper_masks_close(struct keeper *k);
/* Once they are: opens what it opens. */
void keeper_masks_follow(struct keeper *k);
/* Whether policy would rather have no client than one whose text is not masked. */
bool keeper_masks_wanted(const struct keeper *k);
/* Whether who runs the file counts as inspected. */
bool keeper_inspected(const struct keeper *k, const struct keeper_image *i);

/* intact.c: probes that are overwritten in a client's memory, or gone round */
#define KEEPER_TAMPERED "the probes on its TLS functions were overwritten in its memory"
/* The probes were put on the file behind fd: where, and over what. */
void keeper_intact_begin(struct keeper_image *i, int fd);
void keeper_intact_tick(struct keeper *k);
#define KEEPER_UNSAID                                                                              \
	"it sent the model API what its probes did not see, and the policy says refuse "           \
	"(inline.unsupported)"
/* The kernel asks (ASK_UNSAID): the client is kept from the model API where policy wants that. */
void keeper_intact_unsaid(struct keeper *k, const struct record_image *r);

/* table.c: the kernel's table of files, kept right and small */
/* Before the first questions: an earlier keeper answered them by an earlier policy. */
void keeper_images_start(struct keeper *k);
void keeper_images_tick(struct keeper *k);
void keeper_images_sweep(struct keeper *k);
/* After another policy came in force: what counts as a client may have changed. */
void keeper_images_reclassify(struct keeper *k, const struct policy *old);

/* running.c: processes that run already */
/* Has bailiff's cgroup programs run where a governed task is, or is about to be; see kernel_cover()
 */
void keeper_cover(struct keeper *k, uint64_t cgroup);
/* Reads into k->seeded what runs now. */
void keeper_running(struct keeper *k);
/* Every program that runs is looked at, unless it was; of a runtime, each process's scripts. */
void keeper_seed(struct keeper *k);
/* The same, of programs that an earlier keeper had probed. */
void keeper_seed_kept(struct keeper *k);
/* asked: the record of the exec that asked; window_ns: since then, as above */
void keeper_mark_running(struct keeper *k, const struct keeper_image *i,
			 const struct record_image *asked, int64_t window_ns);
void keeper_mark_script(struct keeper *k, const struct record_image *r);
void keeper_unmark_running(struct keeper *k, const struct image_key *key);

/* proof.c: are the probes in the right places; what is known of that from earlier runs */
void keeper_cache_open(struct keeper *k);
struct tls_layout *keeper_cache_find(struct keeper *k, int fd);
/* The probes were put on: what is to be proven. known: the layout came out of the cache. */
void keeper_proof_begin(struct keeper *k, struct keeper_image *i, int fd, bool known);
void keeper_judged(struct keeper *k, const struct channel_judged *j);
const char *keeper_proof_to_string(enum keeper_proof proof);

/* clients.c */
/* actor: of the record that told of it, or asked what it is. window_ns: from its exec until it
 * counted as inspected, -1 where that was not seen */
void keeper_client_started(struct keeper *k, const struct record_actor *actor,
			   const struct keeper_image *image, int64_t window_ns);
const struct policy_person *keeper_person(const struct keeper *k, uint32_t uid,
					  uint32_t *ret_index);
void keeper_clients_sweep(struct keeper *k);

/* rules.c: policy and names into tables */
int keeper_policy_load(struct keeper *k, struct policy_report *report);
int keeper_policy_apply(struct keeper *k);
/* Tells the guard which files and mounts are bailiff's, by the policy at hand. */
void keeper_guard(struct keeper *k);
int keeper_policy_reload(struct keeper *k, struct policy_report *report);
void keeper_names(struct keeper *k, const struct channel_names *names);
void keeper_names_expire(struct keeper *k);

/* locals.c: local sockets that governed tasks may use */
/* Fills tables->locals with what the policy's paths lead to now. Returns 0 or -ENOMEM. */
int keeper_locals_fill(struct keeper *k, struct policy_tables *tables);
/* Applies the policy again when a service has made its socket anew. */
void keeper_locals_check(struct keeper *k);

/* query.c */
int keeper_query_open(struct keeper *k);
void keeper_query_accept(struct keeper *k);
void keeper_query_expire(struct keeper *k);
void keeper_query_serve(struct keeper *k, int fd);
void keeper_query_close(struct keeper *k);

#endif
