/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What programs at uprobes need beside others. */
#ifndef BAILIFF_UPROBE_BPF_H
#define BAILIFF_UPROBE_BPF_H

#include "bpf/maps.bpf.h"

/* Nothing is ever put into it. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} uprobe_nowhere SEC(".maps");

const volatile __u32 uprobe_jumps;

/* To be called at the top of each program at a uprobe.
 *
 * Since 6.13 x86 gives programs of the kprobe type a stack of their own, one for each processor: at
 * a kprobe no other run of the program gets in between. At a uprobe one does: the program can be
 * preempted, and the next task that hits the probe on that processor writes over the same stack.
 * Seen on 7.2: four threads in SSL_write, and pointers of one run in the registers of another, up
 * to an oops. A program that has a tail call keeps the stack of the task (check_max_stack_depth()
 * in kernel/bpf/verifier.c). This one is never made, and is gone from the program once it is
 * verified. */
static __always_inline void uprobe_own_stack(void *ctx)
{
	if (uprobe_jumps)
		bpf_tail_call(ctx, &uprobe_nowhere, 0);
}

#endif
