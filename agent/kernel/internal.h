/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of agent/kernel share. */
#ifndef KERNEL_INTERNAL_H
#define KERNEL_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "cgroup.skel.h"
#include "packet.skel.h"
#include "file.skel.h"
#include "guard.skel.h"
#include "host.skel.h"
#include "ipc.skel.h"
#include "kernel/kernel.h"
#include "ledger.skel.h"
#include "net.skel.h"
#include "process.skel.h"
#include "scan.skel.h"
#include "tls.skel.h"

#define POSTURE_MAX 24

/* How security hooks are programmed on this kernel. */
enum hook_means {
	HOOK_BY_LSM,
	HOOK_BY_FUNCTION, /* fmod_ret/security_X: `bpf` is not in lsm= */
	HOOK_BY_NOTHING,
};

struct kernel {
	struct bailiff_process *process;
	struct bailiff_net *net;
	struct bailiff_cgroup *cgroup;
	struct bailiff_packet *packet;
	struct bailiff_file *file;
	struct bailiff_ipc *ipc;
	struct bailiff_tls *tls;
	struct bailiff_ledger *ledger;
	struct bailiff_scan *scan;
	struct bailiff_host *host;
	struct bailiff_guard *guard;
	enum hook_means hooks;
	int root_fd;   /* of the tree of cgroups */
	int cgroup_fd; /* where cgroup programs are attached first; cover.c */
	uint64_t root_id;
	uint64_t *covers; /* cgroups that this attachment's programs run for, by id */
	size_t n_covers;
	bool inline_dry; /* the data path was loaded without the call that overwrites */
	uint32_t owner;	 /* number of this attachment; its links are pinned under it */
	char links[128];
	struct posture posture[POSTURE_MAX];
	size_t n_posture;
};

/* One descriptor for a map that every object shares, taken from the process object. */
int kernel_map_fd(const struct kernel *k, const char *name);
int kernel_pin_link(struct kernel *k, struct bpf_link *link, const char *name);

/* cover.c: the cgroups that cgroup programs run for. Where they are attached first, a descriptor or
 * -errno: the agent's own cgroup, or the root where no door of the LSM refuses what is elsewhere.
 */
int kernel_cover_begin(struct kernel *k);
/* All programs are attached there. Returns 0 or -errno. */
int kernel_cover_ready(struct kernel *k);
/* Attaches wherever an earlier attachment is. */
void kernel_cover_inherit(struct kernel *k);
/* This attachment has taken over: what it does not run for counts as covered no more. */
void kernel_cover_settle(struct kernel *k);
/* It has not, and its links go. */
void kernel_cover_abandon(struct kernel *k);

/* dry.c: the data path is to be loaded without what overwrites. Returns what that means and why, in
 * words; NULL when it was tried already. */
const char *kernel_inline_dry(struct kernel *k);

/* load.c: the objects that are loaded. ret: KERNEL_OBJECTS_MAX places. Returns how many. */
#define KERNEL_OBJECTS_MAX 12
size_t kernel_objects(const struct kernel *k, const struct bpf_object *ret[KERNEL_OBJECTS_MAX]);
/* guard.c. Makes this process one that the guard trusts, and its file one that gives trust. */
int kernel_guard_self(struct kernel *k);
void kernel_guard_link(const struct kernel *k, const struct bpf_link *link);
void kernel_guard_object(const struct kernel *k, const struct bpf_object *object);
/* Forgets what is gone: numbers of maps are used again, after a long time. */
void kernel_guard_sweep(const struct kernel *k);

#endif
