/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel side as the keeper holds it: programs loaded, attached and pinned, tables written,
 * rings and counters at hand, and a posture that says what really holds on this host. */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/contract.h"
#include "policy/policy.h"
#include "tls/locate.h"

#define KERNEL_BPFFS	"/sys/fs/bpf"
#define KERNEL_PIN_ROOT KERNEL_BPFFS "/bailiff"
#define KERNEL_CGROUP	"/sys/fs/cgroup"

enum posture_state {
	POSTURE_OFF,
	POSTURE_OBSERVE,
	POSTURE_PARTIAL, /* refuses, and the reason says which ways stay open */
	POSTURE_ENFORCE,
	POSTURE_STATE_MAX,
};

#define POSTURE_REASON_SIZE 320

/* The capability that masks and blocks in the stream. */
#define KERNEL_TEXT_IN_PLACE "text in place"

struct posture {
	const char *capability; /* static */
	enum posture_state state;
	const char *means;		  /* "fmod_ret" where that stands in for the LSM, else "" */
	char reason[POSTURE_REASON_SIZE]; /* why it is less than enforce; what proved it otherwise
					   */
};

enum kernel_ring {
	KERNEL_RING_DENIALS,
	KERNEL_RING_RECORDS,
	KERNEL_RING_ASKS,
	KERNEL_RING_MAX,
};

struct kernel;

/* Loads every object, attaches it beside what an earlier keeper left pinned, and pins it. Maps that
 * are pinned already are taken over with what they hold. Nothing reports before kernel_take_over().
 * A capability that the host does not have lowers the posture; only the lack of all of BPF, bpffs
 * or cgroup2 is an error. Needs CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_SYS_ADMIN. */
int kernel_open(struct kernel **ret);

/* Proves that this attachment refuses (a canary at each door), then reports in place of earlier
 * ones and removes their links. When a canary was let through and there is an earlier attachment,
 * that one stays, ours goes, and -EPROTO is returned with one sentence in why. */
int kernel_take_over(struct kernel *k, char *why, size_t size);

/* Lets go of descriptors. Everything pinned goes on enforcing. */
void kernel_close(struct kernel *k);

/* Removes every pin, and so every program: the host is as it was. */
int kernel_detach(void);

/* Builds inner maps from the tables, puts them into the slot that is not in force, and swaps. On
 * failure the tables in force are untouched. generation must be higher than the last. */
int kernel_policy_apply(struct kernel *k, const struct policy_tables *tables, uint64_t generation);
/* The generation in force, 0 when none was ever applied. */
uint64_t kernel_policy_generation(struct kernel *k);

/* Forgets addresses of model endpoints whose time is over. now_ns: CLOCK_BOOTTIME. */
void kernel_names_sweep(struct kernel *k, uint64_t now_ns);

int kernel_ring_fd(const struct kernel *k, enum kernel_ring ring);
/* Sums over all CPUs. */
int kernel_counters(const struct kernel *k, uint64_t ret[COUNTER_MAX]);
const struct posture *kernel_posture(const struct kernel *k, size_t *ret_n);
void kernel_posture_set(struct kernel *k, const char *capability, enum posture_state state,
			const char *reason);

int kernel_image_get(const struct kernel *k, const struct image_key *key, struct image_value *ret);
int kernel_image_set(struct kernel *k, const struct image_key *key,
		     const struct image_value *value);
int kernel_image_forget(struct kernel *k, const struct image_key *key);
#define KERNEL_IMAGES_MAX 65536 /* entries of the map */
/* Forgets every image that drop() says; a file without an entry is asked about at its next exec.
 * Returns how many are left. */
size_t kernel_images_drop(struct kernel *k,
			  bool (*drop)(void *ctx, const struct image_key *,
				       const struct image_value *),
			  void *ctx);

/* Every process that runs now, by a task iterator: the record's actor and key are filled. */
int kernel_seed(struct kernel *k, void (*fn)(void *ctx, const struct record_image *r), void *ctx);
/* Gives a process that already runs its context. -ESRCH when it is gone. */
int kernel_task_get(const struct kernel *k, pid_t pid, struct task_context *ret);
int kernel_task_set(struct kernel *k, pid_t pid, const struct task_context *context);

/* Has the cgroup programs run for the sockets of that cgroup, given by id, and of all below it,
 * from now on: sockets of governed tasks are refused elsewhere. Where the programs cannot be
 * attached they are attached above it. Returns 0, or -errno; -ESTALE when the cgroup is gone. */
int kernel_cover(struct kernel *k, uint64_t cgroup);
/* Forgets cgroups that were removed and have no sockets left. */
void kernel_cover_sweep(struct kernel *k);

/* Probes entry and each ret of each located function of the file behind fd; id names the pins. All
 * or nothing. Returns 0 or -errno. */
int kernel_attach_tls(struct kernel *k, int fd, const struct tls_layout *layout, uint32_t id);
int kernel_detach_tls(struct kernel *k, uint32_t id);

/* A program as it was loaded. */
struct kernel_program {
	const char *name;
	uint32_t instructions; /* that the verifier looked at */
	/* times that the kernel skipped it because it was running on that CPU already: programs at
	 * hooks of the LSM never are, those at the functions behind them can be */
	uint64_t missed;
};
/* Calls fn for each. Returns 0 or -errno. */
int kernel_programs(const struct kernel *k, void (*fn)(void *ctx, const struct kernel_program *p),
		    void *ctx);

/* Files that governed tasks may not change, and mounts that the pins lie on (bpf/guard.h, GUARD_*).
 * The list replaces the one before. */
#define GUARD_PATHS_MAX 32
struct guard_path {
	const char *path;
	uint32_t flags;
};
int kernel_guard_files(struct kernel *k, const struct guard_path *paths, size_t n);
/* From now on the program behind fd may take over, as bailiffd. */
int kernel_guard_successor(struct kernel *k, int fd);

const char *posture_state_to_string(enum posture_state state);

#endif
