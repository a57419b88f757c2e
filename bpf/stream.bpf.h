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
	__u32 epoch;
	__u32 pad;
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

#endif
