/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What bailiff refuses for its own sake, as plain functions: compiled for the kernel programs and
 * for the unit tests alike. */
#ifndef BAILIFF_GUARD_H
#define BAILIFF_GUARD_H

#include "bpf/verdict.h"

/* Who asks. */
enum guard_asker {
	GUARD_OTHER,	/* nobody in particular: root at a shell, another agent */
	GUARD_GOVERNED, /* below a client, whatever it is otherwise */
	GUARD_SELF,	/* bailiffd: marked at exec by its file's content, uid 0 */
	GUARD_INIT,	/* process 1: it stops the unit */
};

#define GUARD_TASK_SELF 1u

/* guard_files: by inode and device; GUARD_MOUNT by device with inode 0. */
#define GUARD_TREE  1u /* this file, or this directory and all below, is not written to */
#define GUARD_ENTRY 2u /* "claude-code" is not made in this directory */
#define GUARD_MOUNT 4u /* a mount that the pins lie on, or one above */
#define GUARD_PINS  8u /* the bpffs itself */

enum guard_kind { GUARD_MAP = 1, GUARD_PROGRAM, GUARD_LINK };

/* What was made by bailiffd: key of guard_objects. */
struct guard_object {
	__u32 kind; /* enum guard_kind */
	__u32 id;
};

/* A mode for governed tasks is that of the destinations: who rolls out in shadow wants to see what
 * would be refused. `guard: enforce` is said of itself. */
static __always_inline void guard_decide(const struct policy_root *root, __u32 asker, __u32 door,
					 struct judgement *j)
{
	__u32 flags = root ? root->flags : 0;
	__u32 mode = root ? root->mode_destinations : BAILIFF_MODE_ENFORCE;

	judge(j, BAILIFF_ALLOW, BAILIFF_REASON_NONE, 0, mode);
	if ((flags & POLICY_GUARD_OFF) || asker == GUARD_SELF)
		return;
	if (asker == GUARD_GOVERNED) {
		judge(j, BAILIFF_DENY, BAILIFF_REASON_GUARD, 0,
		      flags & POLICY_GUARD_ALL ? BAILIFF_MODE_ENFORCE : mode);
		return;
	}
	/* administrators change files with their own tools; what is changed there takes effect by
	 * the keeper alone, which says so */
	if (!(flags & POLICY_GUARD_ALL) || door == DOOR_FILE)
		return;
	if (asker == GUARD_INIT && door == DOOR_SIGNAL)
		return;
	judge(j, BAILIFF_DENY, BAILIFF_REASON_GUARD, 0, BAILIFF_MODE_ENFORCE);
}

/* What a bpf(2) command could do to what bailiff attached. Numbers of linux/bpf.h. */
enum guard_command {
	GUARD_COMMAND_FREE,	  /* nothing by itself */
	GUARD_COMMAND_BY_LINK,	  /* acts on the link behind a descriptor */
	GUARD_COMMAND_BY_LINK_ID, /* gives a descriptor of a link */
	GUARD_COMMAND_BY_TYPE,	  /* acts on all of one attach type */
};

static __always_inline enum guard_command guard_command(__u32 command)
{
	switch (command) {
	case 29: /* BPF_LINK_UPDATE */
	case 34: /* BPF_LINK_DETACH */
		return GUARD_COMMAND_BY_LINK;
	case 30: /* BPF_LINK_GET_FD_BY_ID */
		return GUARD_COMMAND_BY_LINK_ID;
	case 8:	 /* BPF_PROG_ATTACH */
	case 9:	 /* BPF_PROG_DETACH */
	case 28: /* BPF_LINK_CREATE */
		return GUARD_COMMAND_BY_TYPE;
	default:
		return GUARD_COMMAND_FREE;
	}
}

/* A program attached after ours to the same cgroup has the last word with bpf_set_retval(0). */
static __always_inline int guard_type_is_ours(__u32 type)
{
	switch (type) {
	case 10: /* BPF_CGROUP_INET4_CONNECT */
	case 11: /* BPF_CGROUP_INET6_CONNECT */
	case 14: /* BPF_CGROUP_UDP4_SENDMSG */
	case 15: /* BPF_CGROUP_UDP6_SENDMSG */
		return 1;
	default:
		return 0;
	}
}

/* 0 asks whether the process is there; SIGCONT undoes a stop. */
static __always_inline int guard_signal_harms(int signal)
{
	return signal != 0 && signal != 18;
}

#endif
