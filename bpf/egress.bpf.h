/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The last net: packets of governed sockets that no door has judged by the policy in force. */
#ifndef BAILIFF_EGRESS_BPF_H
#define BAILIFF_EGRESS_BPF_H

#include "bpf/net.bpf.h"

#include <bpf/bpf_endian.h>

#define PACKET_PASS 1
#define PACKET_DROP 0 /* the sender gets EPERM */

#define PACKET_V4      0x0800 /* ETH_P_IP */
#define PACKET_V6      0x86dd
#define PROTOCOL_TCP   6
#define STATE_LISTEN   10
#define V4_HEADER      20
#define V6_HEADER      40
#define V6_NEXT	       6
#define V6_DESTINATION 24
#define V6_HOP_BY_HOP  0
#define V6_ROUTING     43
#define V6_OPTIONS     60
#define V4_PROTOCOL    9
#define V4_DESTINATION 16

#define TCP_OFFSET 12
#define TCP_FLAGS  13
#define TCP_FIN	   1
#define TCP_RST	   4

/* The packet's own destination: what a datagram socket is connected to need not be where it sends
 * to. Returns 0 or a negative reason. */
static __always_inline int egress_address(struct __sk_buff *skb, struct net_work *w)
{
	__u8 first = 0, protocol = 0;
	__u32 at = V6_HEADER;
	__u16 port = 0;

	if (skb->protocol == bpf_htons(PACKET_V4)) {
		__u32 raw;

		if (bpf_skb_load_bytes(skb, 0, &first, 1) ||
		    bpf_skb_load_bytes(skb, V4_PROTOCOL, &protocol, 1) ||
		    bpf_skb_load_bytes(skb, V4_DESTINATION, &raw, sizeof(raw)))
			return -BAILIFF_REASON_MALFORMED;
		address_v4(&w->address, (__u8 *)&raw);
		at = (first & 0xf) * 4;
	} else if (skb->protocol == bpf_htons(PACKET_V6)) {
		__u32 raw[4];

		if (bpf_skb_load_bytes(skb, V6_NEXT, &protocol, 1) ||
		    bpf_skb_load_bytes(skb, V6_DESTINATION, raw, sizeof(raw)))
			return -BAILIFF_REASON_MALFORMED;
		address_v6(&w->address, (__u8 *)raw);
	} else {
		return -BAILIFF_REASON_FAMILY;
	}
	/* extension headers leave no port to be read: port 0, which no rule for a port allows */
	w->protocol = protocol;
	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
		return 0;
	if (bpf_skb_load_bytes(skb, at + 2, &port, sizeof(port)))
		return -BAILIFF_REASON_MALFORMED;
	w->address.port = bpf_ntohs(port);
	return 0;
}

/* Of a connection that is refused for good the end alone goes out, without a byte of data: else the
 * other side would hold it open until it times out. */
static __always_inline bool egress_farewell(struct __sk_buff *skb)
{
	__u32 header = V6_HEADER;
	__u8 protocol = 0, first = 0, offset = 0, flags = 0;

	if (skb->protocol == bpf_htons(PACKET_V4)) {
		bpf_skb_load_bytes(skb, 0, &first, 1);
		bpf_skb_load_bytes(skb, V4_PROTOCOL, &protocol, 1);
		header = (first & 0xf) * 4;
	} else {
		bpf_skb_load_bytes(skb, V6_NEXT, &protocol, 1);
	}
	if (protocol != PROTOCOL_TCP || bpf_skb_load_bytes(skb, header + TCP_OFFSET, &offset, 1) ||
	    bpf_skb_load_bytes(skb, header + TCP_FLAGS, &flags, 1))
		return false;
	return (flags & (TCP_FIN | TCP_RST)) && skb->len == header + (offset >> 4) * 4;
}

/* What the socket is bound to, for one that came in on a listener. */
static __always_inline void egress_bound(struct bpf_sock *sk, struct net_work *w)
{
	if (sk->family == VERDICT_AF_INET) {
		__u32 raw = sk->src_ip4;

		doors_bound_v4(&w->address, (__u8 *)&raw);
	} else {
		__u32 raw[4];

		raw[0] = sk->src_ip6[0];
		raw[1] = sk->src_ip6[1];
		raw[2] = sk->src_ip6[2];
		raw[3] = sk->src_ip6[3];
		doors_bound_v6(&w->address, (__u8 *)raw);
	}
	w->address.port = sk->src_port;
}

/* A packet may leave from a timer or an interrupt, in the middle of anybody's time: who it is of,
 * is what the socket says. */
static __always_inline void egress_report(const struct net_work *w, const struct socket_context *s)
{
	struct record_net *r;

	if (!reporting())
		return;
	r = bpf_ringbuf_reserve(&denials, sizeof(*r), 0);
	if (!r) {
		count(COUNTER_LOST_DENIAL, 1);
		return;
	}
	__builtin_memset(r, 0, sizeof(*r));
	r->head.version = CONTRACT_VERSION;
	r->head.type = RECORD_NET;
	r->head.size = sizeof(*r);
	r->head.time_ns = bpf_ktime_get_boot_ns();
	r->head.generation = w->generation;
	r->head.actor.tgid = s->tgid;
	r->head.actor.tid = s->tgid;
	r->head.actor.start_ns = s->start_ns;
	r->head.actor.uid = s->uid;
	r->head.actor.login_uid = NO_LOGIN_UID;
	r->head.actor.session = NO_LOGIN_UID;
	r->head.actor.who_uid = s->uid;
	r->head.actor.person = w->person;
	r->head.actor.flags = s->flags;
	r->head.actor.root_tgid = s->root_tgid;
	r->head.actor.root_start_ns = s->root_start_ns;
	r->verdict = w->verdict;
	r->reason = w->j.reason;
	r->rule = w->j.rule;
	r->door = NET_DOOR_EGRESS;
	r->family = w->address.family;
	r->port = w->address.port;
	r->protocol = w->protocol;
	r->socket_type = w->type;
	__builtin_memcpy(r->address, w->address.bytes, sizeof(r->address));
	bpf_ringbuf_submit(r, 0);
}

static __always_inline void egress_refuse(struct net_work *w, const struct policy_root *root,
					  __u32 reason)
{
	struct person_value *p = actor_person(w->slot, w->who.uid);

	w->person = p ? p->person : 0;
	w->generation = root ? root->generation : 0;
	judge(&w->j, BAILIFF_DENY, reason, 0,
	      root ? root->mode_destinations : BAILIFF_MODE_ENFORCE);
	w->verdict = judgement_apply(&w->j);
}

static __always_inline int egress_judge(struct __sk_buff *skb, struct bpf_sock *sk,
					struct socket_context *s, const struct policy_root *root,
					__u32 slot)
{
	struct net_work *w = net_begin(NET_DOOR_EGRESS);
	__u32 verdict;
	int r;

	if (!w)
		return PACKET_DROP;
	net_asker_socket(&w->who, s);
	w->netns = s->home;
	w->type = sk->type;
	w->slot = slot;
	if (s->state & SOCKET_ACCEPTED) {
		w->protocol = sk->protocol;
		egress_bound(sk, w);
		if (!root || !doors_may_listen(root, &w->address))
			egress_refuse(w, root, BAILIFF_REASON_LISTEN);
		else
			w->generation = root->generation;
	} else {
		r = egress_address(skb, w);
		if (r)
			egress_refuse(w, root, -r);
		else
			w->verdict = net_judge(w);
	}
	verdict = w->verdict;
	if (verdict != BAILIFF_ALLOW &&
	    (sk->protocol == PROTOCOL_TCP || !(s->state & SOCKET_REPORTED))) {
		net_count(verdict);
		egress_report(w, s);
		s->state |= SOCKET_REPORTED;
	}
	/* a stream has one peer; a datagram socket is asked about each packet */
	if (sk->protocol == PROTOCOL_TCP) {
		if (verdict == BAILIFF_DENY)
			s->state |= SOCKET_RESET;
		else
			s->judged = w->generation;
	}
	net_end(w);
	return verdict == BAILIFF_DENY ? PACKET_DROP : PACKET_PASS;
}

/* TCP right behind a header without options, so that it goes straight to the socket's peer. */
static __always_inline bool egress_is_plain_tcp(struct __sk_buff *skb)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (skb->protocol == bpf_htons(PACKET_V4))
		return data + V4_HEADER <= end && data[0] == 0x45 &&
		       data[V4_PROTOCOL] == PROTOCOL_TCP;
	return data + V6_HEADER <= end && data[V6_NEXT] == PROTOCOL_TCP;
}

/* Whether the packet goes elsewhere first than to the socket's peer: IP_OPTIONS and IPV6_RTHDR take
 * a route from anybody, and the packet is then addressed to the first host of it. Only packets with
 * more than the plain header are looked at: a host's address translation changes destinations, too.
 */
static __always_inline bool egress_detours(struct __sk_buff *skb, struct bpf_sock *sk)
{
	__u8 *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 to[4], peer;

	if (skb->protocol == bpf_htons(PACKET_V4)) {
		if (data + V4_HEADER > end)
			return true;
		if ((data[0] & 0xf) == V4_HEADER / 4)
			return false;
		__builtin_memcpy(to, data + V4_DESTINATION, 4);
		peer = sk->dst_ip4;
		/* the compiler would make one load of this and of one below, at an offset that it
		 * chose before: the verifier forbids arithmetic on sockets */
		asm volatile("" : "+r"(peer));
		return to[0] != peer;
	}
	if (data + V6_HEADER > end)
		return true;
	if (data[V6_NEXT] != V6_HOP_BY_HOP && data[V6_NEXT] != V6_ROUTING &&
	    data[V6_NEXT] != V6_OPTIONS)
		return false;
	__builtin_memcpy(to, data + V6_DESTINATION, sizeof(to));
	return to[0] != sk->dst_ip6[0] || to[1] != sk->dst_ip6[1] || to[2] != sk->dst_ip6[2] ||
	       to[3] != sk->dst_ip6[3];
}

#endif
