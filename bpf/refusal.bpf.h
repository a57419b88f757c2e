/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests whose key is not the person's, between who refuses them and who answers them.
 *
 * Three programs have a part in it: host.bpf.c finds the key and makes the request blank, net.bpf.c
 * lets the rest of it go instead of resetting the connection, scan.bpf.c overwrites the answer. The
 * first and the last run at one address, in an order that is the kernel's. So neither waits for the
 * other there: each notes what it did, and net.bpf.c, which runs after both, looks for both. */
#ifndef BAILIFF_REFUSAL_BPF_H
#define BAILIFF_REFUSAL_BPF_H

#include "bpf/stream.bpf.h"

enum refusal_state {
	REFUSAL_WAITS,	   /* the request is on its way */
	REFUSAL_ANSWERING, /* its answer has begun */
	REFUSAL_ANSWERED,
};

struct refusal {
	__u64 number;	  /* as the person is told it */
	__u64 generation; /* of the policy that person is of */
	__u32 person;
	__u32 state; /* enum refusal_state */
};

/* Written by host.bpf.c, the state by scan.bpf.c too: by connection, until a request on it is
 * taken. LRU is safe here: of one that is pushed out the rest goes out as it is, but to nobody,
 * since its key is gone; and it gets the server's own answer. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct tls_connection_key);
	__type(value, struct refusal);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} refusals SEC(".maps");

/* Written by host.bpf.c and scan.bpf.c: how many blocks there were. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} inline_number SEC(".maps");

/* Written by scan.bpf.c, taken by net.bpf.c: the connection that the thread's last write was for,
 * if it saw that one. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} refusal_heard SEC(".maps");

static __always_inline struct refusal *refusal_of(__u64 ssl)
{
	struct tls_connection_key key;

	tls_connection_key(&key, ssl);
	return bpf_map_lookup_elem(&refusals, &key);
}

static __always_inline void refusal_forget(__u64 ssl)
{
	struct tls_connection_key key;

	tls_connection_key(&key, ssl);
	bpf_map_delete_elem(&refusals, &key);
}

/* The number of the next block; 0 where there is none to be had. */
static __always_inline __u64 refusal_number(void)
{
	__u32 zero = 0;
	__u64 *number = bpf_map_lookup_elem(&inline_number, &zero);

	return number ? __sync_fetch_and_add(number, 1) + 1 : 0;
}

/* scan.bpf.c saw the beginning of a write: its probes are there, and will be at the answer. */
static __always_inline void refusal_hear(__u64 ssl)
{
	__u64 *heard = bpf_task_storage_get(&refusal_heard, bpf_get_current_task_btf(), 0,
					    BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (heard)
		*heard = ssl;
	else
		count(COUNTER_STORAGE_FAILED, 1);
}

/* The number of the refusal on that connection, if the last write of this thread was to it and scan
 * saw it; else 0. The library may send a record after SSL_write returned. */
static __always_inline __u32 refusal_answered(__u64 ssl)
{
	__u64 *heard = bpf_task_storage_get(&refusal_heard, bpf_get_current_task_btf(), 0, 0);
	struct refusal *r = refusal_of(ssl);

	return r && heard && *heard == ssl ? (__u32)r->number : 0;
}

#endif
