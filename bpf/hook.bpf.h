/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One body for a security hook, two ways to have it called: by the LSM, and where `bpf` is not in
 * lsm=, at the function security_X itself.
 *
 * A program that needs neither a socket's storage nor other arguments than security_X has is an
 * ordinary SEC("lsm/X"): the loader turns it round. Others say here what stands in for them: their
 * names are those of the LSM program with _enter, _leave or _instead, and they are loaded in its
 * place only (the "?" in their section). */
#ifndef BAILIFF_HOOK_BPF_H
#define BAILIFF_HOOK_BPF_H

#include "bpf/actor.bpf.h"

#define HOOK_REFUSED 1 /* EPERM */

/* Written by X_enter, taken by X_leave, which the same trampoline calls right after it. */
struct hook_kept {
	__s32 verdict;
	__u32 kept;
};
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct hook_kept);
} hook_kept SEC(".maps");

static __always_inline int hook_keep(int verdict)
{
	struct hook_kept *k = bpf_task_storage_get(&hook_kept, bpf_get_current_task_btf(), 0,
						   BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (k) {
		k->verdict = verdict;
		k->kept = 1;
	} else {
		count(COUNTER_STORAGE_FAILED, 1);
	}
	return 0;
}

/* No verdict was kept: X_enter found no memory, or the kernel skipped it because it was running on
 * this CPU already. Who is governed is refused then. */
static __always_inline int hook_take(void)
{
	struct hook_kept *k = bpf_task_storage_get(&hook_kept, bpf_get_current_task_btf(), 0, 0);

	if (k && k->kept) {
		k->kept = 0;
		return k->verdict;
	}
	return actor_governed() ? -HOOK_REFUSED : 0;
}

/* What the verifier of 6.12 wants to see of an LSM program's result: its range, by comparing. The
 * compiler, which knows it, would make arithmetic of it that has none. */
static __always_inline int hook_bound(int verdict)
{
	asm volatile("" : "+r"(verdict));
	if (verdict >= 0)
		return 0;
	if (verdict < -4095)
		return -HOOK_REFUSED;
	barrier();
	return verdict;
}

/* The body follows the macro and returns 0 or -errno; what an earlier LSM refused stays refused.
 *
 * A program that modifies what security_X returns may not use a socket's storage, one at its entry
 * may (bpf_sk_storage_tracing_allowed() in the kernel) and cannot refuse. So the body runs at the
 * entry, and a second program hands its verdict over. */
#define SOCKET_HOOK(name, hook, args...)                                                           \
	static __always_inline int ____##name(unsigned long long *ctx, ##args);                    \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wint-conversion\"")      \
		SEC("lsm/" #hook) int                                                              \
		name(unsigned long long *ctx)                                                      \
	{                                                                                          \
		int before = (int)ctx[___bpf_narg(args)];                                          \
                                                                                                   \
		if (before)                                                                        \
			return before;                                                             \
		return hook_bound(____##name(___bpf_ctx_cast(args)));                              \
	}                                                                                          \
	SEC("?fentry/security_" #hook) int name##_enter(unsigned long long *ctx)                   \
	{                                                                                          \
		return hook_keep(____##name(___bpf_ctx_cast(args)));                               \
	}                                                                                          \
	SEC("?fmod_ret/security_" #hook) int name##_leave(unsigned long long *ctx)                 \
	{                                                                                          \
		int before = (int)ctx[___bpf_narg(args)], kept = hook_take();                      \
                                                                                                   \
		/* taken either way: what is left would be the next hook's verdict */              \
		return before ? before : kept;                                                     \
	}                                                                                          \
	_Pragma("GCC diagnostic pop") static __always_inline int ____##name(                       \
		unsigned long long *ctx, ##args)

#endif
