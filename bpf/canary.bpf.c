// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which of two ways a program at a security hook is really called on this kernel. An LSM program
 * attaches where `bpf` is not in lsm=, and is then never called: only a call proves anything. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Set before load: whose forks count. */
const volatile __u32 asked_tgid;

/* Read by the loader after a fork. */
__u64 seen_by_lsm, seen_by_function;

static __always_inline int asked(void)
{
	return bpf_get_current_pid_tgid() >> 32 == asked_tgid;
}

SEC("?lsm/task_alloc")
int BPF_PROG(canary_lsm, struct task_struct *task, unsigned long clone_flags, int ret)
{
	if (asked())
		__sync_fetch_and_add(&seen_by_lsm, 1);
	return ret;
}

SEC("?fmod_ret/security_task_alloc")
int BPF_PROG(canary_function, struct task_struct *task, unsigned long clone_flags, int ret)
{
	if (asked())
		__sync_fetch_and_add(&seen_by_function, 1);
	return ret;
}
