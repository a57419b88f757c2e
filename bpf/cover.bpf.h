/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether bailiff's cgroup programs run for a socket.
 *
 * They are attached to the cgroups that governed tasks are in and to no others, since every packet
 * of a cgroup pays for them. The keeper attaches them, and the kernel cannot wait for it: a socket
 * of a governed task in any other cgroup is refused at the doors of the LSM, which are for the
 * whole host, until that is done. What counts is the cgroup that the socket was made in: a socket
 * stays there wherever its task goes. */
#ifndef BAILIFF_COVER_BPF_H
#define BAILIFF_COVER_BPF_H

#include "bpf/actor.bpf.h"

#define COVER_DEPTH 32 /* levels that are looked at; the keeper covers the cgroup itself */

/* Not asked about again sooner: whoever is refused tries again at once. */
#define COVER_AGAIN_NS 100000000ULL

/* When the keeper was asked about a cgroup. Written and read by each object for itself. LRU: one
 * pushed out is asked about again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} cover_asked SEC(".maps");

/* Asks the keeper to attach there. */
static __always_inline void cover_ask(__u64 id, const struct task_context *t)
{
	__u64 now = bpf_ktime_get_boot_ns(), *asked;
	struct record_image *r;

	if (!reporting())
		return;
	asked = bpf_map_lookup_elem(&cover_asked, &id);
	if (asked && now - *asked < COVER_AGAIN_NS)
		return;
	bpf_map_update_elem(&cover_asked, &id, &now, BPF_ANY);
	r = bpf_ringbuf_reserve(&asks, sizeof(*r), 0);
	if (!r) {
		count(COUNTER_LOST_ASK, 1);
		return;
	}
	actor_head(&r->head, RECORD_IMAGE, sizeof(*r), 0, t, 0);
	__builtin_memset(&r->key, 0, sizeof(r->key));
	r->ask = ASK_COVER;
	r->by_exec = 0;
	r->netns = 0;
	r->pad = 0;
	r->address = id;
	bpf_ringbuf_submit(r, 0);
}

/* The cgroup's id where it is not covered, which the keeper is told; 0 where it is. */
static __always_inline __u64 cover_lacks(struct cgroup *cgroup, const struct task_context *t)
{
	__u64 own = BPF_CORE_READ(cgroup, kn, id), id = own;

	for (__u32 i = 0; i < COVER_DEPTH; i++) {
		if (bpf_map_lookup_elem(&covered, &id))
			return 0;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
		if (!cgroup)
			break;
		id = BPF_CORE_READ(cgroup, kn, id);
	}
	cover_ask(own, t);
	return own;
}

#endif
