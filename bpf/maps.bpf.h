/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps. Each is pinned by its name, so that the objects share them, and so that identity,
 * policy and unread records outlive the agent. Every map says who writes it. */
#ifndef BAILIFF_MAPS_BPF_H
#define BAILIFF_MAPS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/contract.h"

/* Written by the keeper: which slot of every table is in force. One aligned word: the swap is one
 * store, and a program that read the old value goes on with the old tables, which stay alive until
 * it is done (the kernel frees replaced inner maps after a grace period). */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} policy_active SEC(".maps");

/* Written by the keeper. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__type(value, struct policy_root);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} policy_roots SEC(".maps");

/* Written by the keeper: inner maps are built beside the ones in force and put into the other slot.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(struct person_value));
		});
} policy_persons SEC(".maps");

/* Written by the keeper. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(key_size, sizeof(struct skill_key));
			__uint(value_size, sizeof(struct skill_value));
		});
} policy_skills SEC(".maps");

/* Written by the keeper. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_LPM_TRIE);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(key_size, sizeof(struct dest_key4));
			__uint(value_size, sizeof(__u32));
		});
} policy_dest4 SEC(".maps");

/* Written by the keeper. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_LPM_TRIE);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(key_size, sizeof(struct dest_key6));
			__uint(value_size, sizeof(__u32));
		});
} policy_dest6 SEC(".maps");

/* Written by the keeper: sets of rules, by the number the tries give. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(struct dest_set));
		});
} policy_sets SEC(".maps");

/* Written by the keeper: names, longest suffix first. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_LPM_TRIE);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(key_size, sizeof(struct name_key));
			__uint(value_size, sizeof(struct name_value));
		});
} policy_names SEC(".maps");

/* Written by the keeper: pattern -> set, for what was learned before. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(key_size, sizeof(__u64));
			__uint(value_size, sizeof(__u32));
		});
} policy_patterns SEC(".maps");

/* Written by the keeper: local sockets by inode. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(key_size, sizeof(struct local_key));
			__uint(value_size, sizeof(__u32));
		});
} policy_locals SEC(".maps");

/* Written by the keeper: credentials enrolled. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(key_size, sizeof(struct credential_key));
			__uint(value_size, sizeof(__u32));
		});
} policy_credentials SEC(".maps");

/* Written by packet.bpf.c. An entry pushed out denies, so that LRU is safe here. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct learned_key);
	__type(value, struct learned_value);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} learned SEC(".maps");

/* Written by packet.bpf.c. Not LRU: an entry pushed out would open. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct model_key);
	__type(value, struct learned_value);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} model_addresses SEC(".maps");

/* Written by host.bpf.c at SSL_write, taken by net.bpf.c when the thread sends. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct said);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} said SEC(".maps");

/* Written by process.bpf.c (IMAGE_UNKNOWN on first sight) and by the keeper (the answer). Not LRU:
 * an entry pushed out would let a known client run as an unknown program until it is asked again.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct image_key);
	__type(value, struct image_value);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} images SEC(".maps");

/* Written by process.bpf.c, and by the keeper for processes older than itself. Lives with the
 * thread group leader. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_context);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} tasks SEC(".maps");

/* Written by net.bpf.c: cgroup programs cannot read task storage. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct socket_context);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} sockets SEC(".maps");

/* Written by the keeper, when its cgroup programs run for all that is below: a cgroup's id (no two
 * ever have the same) -> the owner number of the attachment. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} covered SEC(".maps");

/* Written by net.bpf.c at listen. An entry pushed out denies, so that LRU is safe here; one whose
 * socket is gone is seen to be so. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct listener_key);
	__type(value, struct listener_value);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} listeners SEC(".maps");

/* Written by the keeper: the owner number of the attachment that reports. During an upgrade two
 * generations of programs are attached; both enforce, one reports. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} reporter SEC(".maps");

/* Written by the kernel side, read by the reader. Denials have a ring of their own, so that a flood
 * of anything else cannot hide one. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} denials SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} records SEC(".maps");

/* Written by process.bpf.c, read by the keeper. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} asks SEC(".maps");

/* Written by all programs, read by the keeper. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTER_MAX);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counters SEC(".maps");

/* Set by the loader before load: which attachment this object belongs to. */
const volatile __u32 owner;

static __always_inline void count(enum bailiff_counter which, __u64 n)
{
	__u32 key = which;
	__u64 *v = bpf_map_lookup_elem(&counters, &key);

	if (v)
		*v += n;
}

static __always_inline bool reporting(void)
{
	__u32 key = 0, *v = bpf_map_lookup_elem(&reporter, &key);

	return v && *v == owner;
}

/* The slot in force and its root; NULL when no policy was ever loaded. */
static __always_inline struct policy_root *policy_now(__u32 *slot)
{
	__u32 key = 0, *active = bpf_map_lookup_elem(&policy_active, &key);
	struct policy_root *root;

	if (!active)
		return NULL;
	*slot = *active & (POLICY_SLOTS - 1);
	root = bpf_map_lookup_elem(&policy_roots, slot);
	return root && root->valid ? root : NULL;
}

#endif
