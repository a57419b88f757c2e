/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One datagram between a socket and a name server: where it is kept while it is read, how it is
 * taken out of its packet, whose it is. */
#ifndef BAILIFF_DNS_BPF_H
#define BAILIFF_DNS_BPF_H

#include "bpf/actor.bpf.h"
#include "bpf/dns.h"

#include <bpf/bpf_endian.h>

#define PROTOCOL_UDP 17
#define ETHERTYPE_IP 0x0800
#define ETHERTYPE_V6 0x86dd

/* Set by the loader: the network of the host, by inode. Whoever can forge answers in another could
 * close the model API's addresses, or what he calls so, to the whole host. */
const volatile __u32 home_netns;

/* One datagram from beginning to end. */
struct dns_work {
	__u32 busy;
	__u32 slot;
	__u32 governed;
	__u32 home;	     /* in the network of the host */
	__u32 elsewhere;     /* not in that of the client at the head: answers are forged */
	struct address peer; /* the name server */
	__u32 person;
	__u32 effects; /* of the pattern */
	__u64 pattern; /* 0: no rule lists the name */
	__u64 socket;
	__u64 cookie, cgroup, generation, now;
	__u32 mode, flags;
	struct socket_context who;
	struct learned_value value;
	struct name_key key;
	__u32 pad;
	struct dns_message m;
};

/* Written and read by this object alone; see net_begin(). */
#define DNS_PLACES 4
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DNS_PLACES);
	__type(key, __u32);
	__type(value, struct dns_work);
} dns_work SEC(".maps");

struct dns_asked {
	__u64 cookie; /* of the socket */
	__u64 hash;   /* of name and type */
	__u64 id;
};

/* Questions without an answer. Written and read by this object alone. LRU: one pushed out is one
 * whose answer opens nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct dns_asked);
	__type(value, __u64); /* when */
} dns_asked SEC(".maps");

struct dns_told {
	struct learned_key key;
	__u64 hash;
};

/* What was told already: a flood of answers must not crowd plaintext out of the ring. Written and
 * read by this object alone. LRU: one pushed out is told again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct dns_told);
	__type(value, __u64); /* until when */
} dns_told SEC(".maps");

static __always_inline struct dns_work *dns_at(__u32 place)
{
	__u32 key = place;

	return bpf_map_lookup_elem(&dns_work, &key);
}

/* A place of one's own; NULL when all are taken: nothing is learned then. */
static __always_inline struct dns_work *dns_begin(__u32 *ret_place)
{
	for (__u32 i = 0; i < DNS_PLACES; i++) {
		struct dns_work *w = dns_at(i);

		if (!w)
			return NULL;
		if (__sync_val_compare_and_swap(&w->busy, 0, 1))
			continue;
		__builtin_memset((char *)w + 8, 0, offsetof(struct dns_work, m) - 8);
		__builtin_memset(&w->m.addresses, 0, sizeof(w->m.addresses));
		__builtin_memset(&w->m.question, 0, sizeof(w->m.question));
		__builtin_memset(&w->m.target, 0, sizeof(w->m.target));
		w->now = bpf_ktime_get_boot_ns();
		*ret_place = i;
		return w;
	}
	count(COUNTER_STORAGE_FAILED, 1);
	return NULL;
}

static __always_inline void dns_end(struct dns_work *w)
{
	__sync_lock_test_and_set(&w->busy, 0);
}

/* ---- packets -----------------------------------------------------------------------------------
 */

/* Most packets are none, and that is soon seen. */
static __always_inline bool packet_is_udp(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (skb->protocol == bpf_htons(ETHERTYPE_IP))
		return data + 20 <= end && data[9] == PROTOCOL_UDP;
	/* headers in between are for who may make raw sockets: governed tasks may not */
	return data + 40 <= end && data[6] == PROTOCOL_UDP;
}

struct dns_packet {
	struct address peer;
	__u32 at, len; /* of what UDP carries */
};

/* A datagram over UDP that is no fragment. Returns 0, or -1 for everything else, most of all soon.
 */
static __always_inline int dns_packet(struct __sk_buff *skb, bool answer, struct dns_packet *p)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end, *udp;
	__u32 at, len;

	if (skb->protocol == bpf_htons(ETHERTYPE_IP)) {
		if (data + 20 > end || data[9] != PROTOCOL_UDP)
			return -1;
		at = (data[0] & 0xf) * 4;
		if (at < 20 || (data[6] & 0x3f) || data[7])
			return -1;
		address_v4(&p->peer, data + (answer ? 12 : 16));
	} else if (skb->protocol == bpf_htons(ETHERTYPE_V6)) {
		/* headers in between are for who may make raw sockets: governed tasks may not */
		if (data + 40 > end || data[6] != PROTOCOL_UDP)
			return -1;
		at = 40;
		address_v6(&p->peer, data + (answer ? 8 : 24));
	} else {
		return -1;
	}
	udp = data + at;
	if (udp + 8 > end)
		return -1;
	p->peer.port = answer ? (__u16)(udp[0] << 8 | udp[1]) : (__u16)(udp[2] << 8 | udp[3]);
	len = udp[4] << 8 | udp[5];
	if (len < 8 || at + len > skb->len)
		return -1;
	p->at = at + 8;
	p->len = len - 8;
	/* several datagrams in one: the first of them alone would be judged */
	if (skb->gso_size)
		p->len = DNS_MESSAGE_MAX + 1;
	return 0;
}

static __always_inline int dns_copy(struct __sk_buff *skb, const struct dns_packet *p,
				    struct dns_work *w)
{
	__u32 len = p->len;

	w->m.len = 0;
	/* the compiler must not prove away the bound that the verifier wants to see */
	asm volatile("" : "+r"(len));
	if (len < DNS_HEAD || len > DNS_MESSAGE_MAX)
		return -1;
	if (bpf_skb_load_bytes(skb, p->at, w->m.bytes, len))
		return -1;
	w->m.len = len;
	return 0;
}

/* Who has the socket, and what is in force. w->cookie and w->cgroup are given. Returns -1 where
 * there is no policy. */
static __always_inline int dns_who(struct sock *sk, struct dns_work *w,
				   const struct socket_context *s, const struct address *peer)
{
	struct policy_root *root;
	struct person_value *person;
	__u32 slot = 0, netns;

	root = policy_now(&slot);
	if (!root)
		return -1;
	w->slot = slot;
	w->generation = root->generation;
	w->mode = root->mode_destinations;
	w->flags = root->flags;
	w->peer = *peer;
	netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	w->home = netns == home_netns;
	if (s && (s->flags & TASK_GOVERNED)) {
		w->who = *s;
		w->governed = 1;
		w->elsewhere = netns != s->netns;
		person = actor_person(slot, s->uid);
		w->person = person ? person->person : 0;
	}
	return 0;
}

/* The same, for a program that is called with a packet. */
static __always_inline int dns_whose(struct __sk_buff *skb, struct bpf_sock *sk, struct dns_work *w,
				     const struct socket_context *s, const struct address *peer)
{
	w->cookie = bpf_get_socket_cookie(skb);
	w->cgroup = bpf_skb_cgroup_id(skb);
	/* through memory: what the verifier knows as a socket cannot be read by address */
	*(volatile __u64 *)&w->socket = (__u64)(unsigned long)sk;
	return dns_who((struct sock *)(unsigned long)*(volatile __u64 *)&w->socket, w, s, peer);
}

#endif
