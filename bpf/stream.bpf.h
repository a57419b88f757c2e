/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TLS connections, as the probes know them: by the pointer that the library has for one. */
#ifndef BAILIFF_STREAM_BPF_H
#define BAILIFF_STREAM_BPF_H

#include "bpf/maps.bpf.h"

struct tls_connection_key {
	__u64 ssl;
	__u64 start_ns; /* a pid alone is used again */
	__u32 tgid;
	__u32 pad;
};

struct tls_connection {
	__u64 offset[2];
	__u64 writes; /* that took something */
	__u32 epoch;
	__u32 pending; /* bytes given to the last write, as long as it has taken none */
};

/* Written by tls.bpf.c: the ledger. LRU is safe here: it counts and decides nothing, and a
 * restart of the count shows as an offset that jumps back. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct tls_connection_key);
	__type(value, struct tls_connection);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} tls_connections SEC(".maps");

static __always_inline void tls_connection_key(struct tls_connection_key *key, __u64 ssl)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->ssl = ssl;
	key->tgid = bpf_get_current_pid_tgid() >> 32;
	key->start_ns = bpf_get_current_task_btf()->group_leader->start_boottime;
}

/* ---- calls -------------------------------------------------------------------------------------
 */

#define TLS_CALLS_MAX 4 /* TLS inside TLS through a proxy nests once */

struct tls_call {
	__u64 ssl;
	__u64 buffer;
	__u64 count_at; /* _ex forms: where the length is put */
	__u64 stack;	/* stack pointer at entry */
	__u32 direction;
	__u32 pad;
};

/* What a thread is inside of: task storage, a map for the capture and one for the data path, for
 * their probes come and go apart.
 */
struct tls_calls {
	__u32 depth;
	__u32 pad;
	__u64 wrote; /* the connection that was written to last; 0 once a socket was found for it */
	struct tls_call call[TLS_CALLS_MAX];
};

/* At entry. Returns false when there is no place to note it. */
static __always_inline bool tls_push(void *map, struct pt_regs *ctx, __u64 count_at,
				     __u32 direction)
{
	__u64 ssl = PT_REGS_PARM1(ctx);
	struct tls_calls *calls;
	__u32 depth;

	/* the compiler would load it later from ctx and an offset that it chose before, and the
	 * verifier forbids arithmetic on ctx */
	asm volatile("" : "+r"(ssl));
	calls = bpf_task_storage_get(map, bpf_get_current_task_btf(), 0,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!calls) {
		count(COUNTER_STORAGE_FAILED, 1);
		return false;
	}
	depth = calls->depth;
	if (depth >= TLS_CALLS_MAX) {
		/* calls that never returned (longjmp, a thread that left a signal handler): the
		 * stack is worth nothing, start again */
		count(COUNTER_NESTED, 1);
		depth = 0;
	}
	calls->call[depth].ssl = ssl;
	calls->call[depth].buffer = PT_REGS_PARM2(ctx);
	calls->call[depth].count_at = count_at;
	calls->call[depth].stack = PT_REGS_SP(ctx);
	calls->call[depth].direction = direction;
	calls->depth = depth + 1;
	if (direction == TLS_DIRECTION_SENT)
		calls->wrote = ssl;
	return true;
}

/* At a ret: the call that returns here. Returns false when it is none of ours: one of the other
 * direction left an entry behind; or the function that was entered ended in a jump, and this ret is
 * of another call of its target. At our own ret the stack is where it was. */
static __always_inline bool tls_pop(void *map, struct pt_regs *ctx, struct tls_call *ret,
				    __u32 direction)
{
	struct tls_calls *calls = bpf_task_storage_get(map, bpf_get_current_task_btf(), 0, 0);
	__u32 depth;

	if (!calls || !calls->depth)
		return false;
	depth = calls->depth - 1;
	if (depth >= TLS_CALLS_MAX)
		return false;
	*ret = calls->call[depth];
	if (ret->direction != direction || ret->stack != PT_REGS_SP(ctx))
		return false;
	calls->depth = depth;
	return true;
}

/* How many bytes went through; not positive: none. */
static __always_inline __s64 tls_result(struct pt_regs *ctx, const struct tls_call *call, bool ex)
{
	__s64 n = (__s32)PT_REGS_RC(ctx);
	__u64 length = 0;

	if (!ex)
		return n;
	if (n != 1 || bpf_probe_read_user(&length, sizeof(length), (void *)call->count_at))
		return 0;
	return length > 0x7fffffff ? 0 : length;
}

#endif
