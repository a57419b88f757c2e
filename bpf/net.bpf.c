// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The network door in the LSM hooks, on the thread that asks. A denial here is final; one of a
 * cgroup program can be undone by a program attached later. So both doors ask the same verdict. */
#include "bpf/cover.bpf.h"
#include "bpf/hook.bpf.h"
#include "bpf/net.bpf.h"
#include "bpf/refusal.bpf.h"

#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define DENY_ERRNO	1 /* EPERM */
#define SOCKET_STREAM	1 /* SOCK_STREAM */
#define SOCKET_DATAGRAM 2
#define STATE_CLOSE	7 /* TCP_CLOSE */
/* ECONNRESET: on an open connection EPERM makes the client send for ever */
#define RESET_ERRNO 104

/* The kernel has copied the address already: a user read would fail, and could be raced. */
static __always_inline int net_copy(const void *from, int len, struct raw_address *raw)
{
	__u32 n = len < 0 ? 0 : len;

	if (n > sizeof(raw->bytes))
		n = sizeof(raw->bytes);
	/* the compiler must not prove away the bound that the verifier wants to see */
	asm volatile("%0 &= 31" : "+r"(n));
	if (n > sizeof(raw->bytes))
		return -BAILIFF_REASON_MALFORMED;
	raw->len = n;
	return bpf_probe_read_kernel(raw->bytes, n, from) ? -BAILIFF_REASON_MALFORMED : 0;
}

/* Sockets come from the hooks' arguments: as of tasks, fields are loaded without a helper. */
static __always_inline void net_mark(struct socket_context *s, struct sock *sk,
				     const struct task_context *t)
{
	/* what a client connected is not open to what it starts: that is judged as who it is */
	if ((s->flags & TASK_CLIENT) && !(t->flags & TASK_CLIENT))
		s->judged = 0;
	s->flags = t->flags;
	s->uid = t->uid;
	s->tgid = bpf_get_current_pid_tgid() >> 32;
	s->start_ns = bpf_get_current_task_btf()->group_leader->start_boottime;
	s->root_tgid = t->root_tgid;
	s->root_start_ns = t->root_start_ns;
	s->netns = t->netns;
	s->home = sk->__sk_common.skc_net.net->ns.inum;
	if (!actor_inspected(t))
		s->flags &= ~TASK_CLIENT;
}

/* The socket carries who uses it: a cgroup program cannot read task storage, and a socket that is
 * handed on keeps the policy of who was bound by it. */
static __always_inline struct socket_context *net_tag(struct socket *sock,
						      const struct task_context *t)
{
	struct sock *sk = sock->sk;
	struct socket_context *s;

	if (!sk)
		return NULL;
	s = bpf_sk_storage_get(&sockets, sk, 0, t ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (!s) {
		if (t)
			count(COUNTER_STORAGE_FAILED, 1);
		return NULL;
	}
	if (t)
		net_mark(s, sk, t);
	return s;
}

/* sk: sock->sk as it was looked at; read once more it would be unknown again to the verifier. */
static __always_inline void net_socket(struct net_work *w, struct socket *sock, struct sock *sk,
				       const struct task_context *t)
{
	w->type = sock->type;
	/* read again, so looked at again: to the verifier of 6.12 this is another pointer */
	if (!sk)
		return;
	w->protocol = sk->sk_protocol;
	w->raw.socket_family = sk->__sk_common.skc_family;
	w->netns = sk->__sk_common.skc_net.net->ns.inum;
	if ((w->who.flags & (TASK_GOVERNED | TASK_CANARY)) == TASK_GOVERNED)
		w->uncovered = cover_lacks(sk->sk_cgrp_data.cgroup, t);
}

/* Where a socket is bound to, into w->address. */
static __always_inline void net_bound(struct net_work *w, struct sock *sk)
{
	w->address.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	if (w->raw.socket_family == VERDICT_AF_INET) {
		__u32 raw = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);

		doors_bound_v4(&w->address, (__u8 *)&raw);
	} else {
		struct in6_addr raw = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);

		doors_bound_v6(&w->address, (__u8 *)&raw);
	}
}

/* Judges w->address, which net_address() gave r for, and says so. */
static __always_inline __u32 net_decide(struct net_work *w, const struct task_context *t, int r)
{
	struct policy_root *root;
	struct person_value *p;
	__u32 slot = 0;

	if (r == 0) {
		w->verdict = net_judge(w);
		net_hold(w);
	} else {
		root = policy_now(&slot);
		p = actor_person(slot, w->who.uid);
		w->person = p ? p->person : 0;
		w->generation = root ? root->generation : 0;
		judge(&w->j, BAILIFF_DENY, -r, 0,
		      root ? root->mode_destinations : BAILIFF_MODE_ENFORCE);
		w->verdict = judgement_apply(&w->j);
	}
	if (w->who.flags & TASK_CANARY) {
		w->verdict = net_canary(w);
		return w->verdict;
	}
	net_count(w->verdict);
	/* what ungoverned processes do elsewhere is none of bailiff's business */
	if (w->verdict != BAILIFF_ALLOW || (w->who.flags & TASK_GOVERNED))
		net_report(w, t);
	return w->verdict;
}

/* connect(AF_UNSPEC) ends an association, of whatever family, and reaches nobody. */
static __always_inline bool net_dissolves(const struct raw_address *raw)
{
	return raw->len >= 2 && !raw->bytes[0] && !raw->bytes[1];
}

/* The port of what may be an internet address, on its way to somebody who is not governed. */
static __always_inline bool net_free_at(const void *address, int len)
{
	__u8 head[4] = {};

	if (len < (int)sizeof(head) || bpf_probe_read_kernel(head, sizeof(head), address))
		return false;
	return net_free((__u16)head[2] << 8 | head[3]);
}

static __always_inline int net_lsm(struct socket *sock, const void *address, int len, __u32 door)
{
	struct sock *sk = sock->sk;
	struct task_context *t = actor_governed();
	struct socket_context *s = net_tag(sock, t);
	bool governed = t || (s && (s->flags & TASK_GOVERNED));
	struct net_work *w;
	__u32 verdict;
	int r;

	if (!sk || (!governed && net_free_at(address, len)))
		return 0;
	w = net_begin(door);
	if (!w) {
		if (!governed)
			return 0;
		/* a plain branch: see refuse_if_governed() of process.bpf.c */
		barrier();
		return -DENY_ERRNO;
	}
	net_asker(&w->who, t, s);
	net_socket(w, sock, sk, t);
	r = net_copy(address, len, &w->raw);
	if (!r)
		r = door == NET_DOOR_LSM_CONNECT && net_dissolves(&w->raw) ? 1 : net_address(w);
	if (r > 0 || (r < 0 && !(w->who.flags & TASK_GOVERNED))) {
		net_end(w);
		return 0;
	}
	verdict = net_decide(w, t, r);
	/* of a datagram that names its own destination nothing follows for the socket's peer: that
	 * may have been chosen by who made the socket */
	if (door == NET_DOOR_LSM_CONNECT || w->type == SOCKET_STREAM)
		net_remember(s, w);
	else if (s && verdict == BAILIFF_WOULD_DENY)
		s->state |= SOCKET_REPORTED;
	net_end(w);
	if (verdict == BAILIFF_DENY)
		return -DENY_ERRNO;
	return 0;
}

SOCKET_HOOK(net_connect, socket_connect, struct socket *sock, struct sockaddr *address, int len)
{
	return net_lsm(sock, address, len, NET_DOOR_LSM_CONNECT);
}

static __always_inline void net_peer(struct net_work *w, struct sock *sk, __u16 family)
{
	w->address.port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (family == VERDICT_AF_INET) {
		__u32 raw = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		address_v4(&w->address, (__u8 *)&raw);
	} else {
		struct in6_addr raw = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);

		address_v6(&w->address, (__u8 *)&raw);
	}
}

/* A connection that stands. One that was made before its task was governed, was handed over, or was
 * let through by a policy that is no longer in force is judged again by its peer. */
static __always_inline int net_open(struct socket *sock, struct task_context *t,
				    struct socket_context *s)
{
	struct sock *sk = sock->sk;
	struct policy_root *root;
	struct net_work *w;
	__u32 slot = 0, verdict;
	__u16 family;

	if (!sk)
		return 0;
	if (s->state & SOCKET_RESET)
		return -RESET_ERRNO;
	root = policy_now(&slot);
	if (root && s->judged == root->generation)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != VERDICT_AF_INET && family != VERDICT_AF_INET6)
		return 0;
	w = net_begin(NET_DOOR_OPEN);
	if (!w)
		return -RESET_ERRNO;
	net_asker(&w->who, t, s);
	net_socket(w, sock, sk, t);
	if (s->state & SOCKET_ACCEPTED) {
		/* it came in: what counts is where its listener is, not who came */
		net_bound(w, sk);
		if (root && doors_may_listen(root, &w->address)) {
			s->judged = root->generation;
			net_end(w);
			return 0;
		}
		verdict = net_decide(w, t, -BAILIFF_REASON_LISTEN);
		s->judged = verdict == BAILIFF_DENY || !root ? 0 : root->generation;
		net_end(w);
		if (verdict == BAILIFF_DENY) {
			s->state |= SOCKET_RESET;
			return -RESET_ERRNO;
		}
		return 0;
	}
	net_peer(w, sk, family);
	/* a datagram socket without a peer: the send itself will say where to, or fail */
	if (!w->address.port) {
		net_end(w);
		return 0;
	}
	verdict = net_decide(w, t, 0);
	net_remember(s, w);
	net_end(w);
	if (verdict == BAILIFF_DENY) {
		s->state |= SOCKET_RESET;
		return -RESET_ERRNO;
	}
	return 0;
}

static __always_inline void net_report_said(const struct said *said, const struct net_work *w,
					    const struct task_context *t, __u32 number)
{
	struct record_name *r;

	if (!reporting())
		return;
	r = bpf_ringbuf_reserve(&denials, sizeof(*r), 0);
	if (!r) {
		count(COUNTER_LOST_DENIAL, 1);
		return;
	}
	actor_head(&r->head, RECORD_NAME, sizeof(*r), w->generation, t, w->person);
	r->verdict = w->verdict;
	r->reason = said->reason;
	r->rule = said->rule;
	r->event = said->reason == BAILIFF_REASON_CREDENTIAL ? NAME_CREDENTIAL : NAME_HOST;
	r->family = w->address.family;
	r->port = w->address.port;
	r->ttl = 0;
	__builtin_memcpy(r->address, w->address.bytes, sizeof(r->address));
	r->name_len = said->name_len;
	r->number = number;
	__builtin_memcpy(r->name, said->name, sizeof(r->name));
	bpf_ringbuf_submit(r, 0);
}

/* What the thread's request said, on the socket that is about to carry it. */
static __always_inline int net_confirm(struct socket *sock, struct task_context *t,
				       struct socket_context *s)
{
	struct said *saying = bpf_task_storage_get(&said, bpf_get_current_task_btf(), 0, 0);
	struct sock *sk = sock->sk;
	struct policy_root *root;
	struct person_value *p;
	struct net_work *w;
	__u32 slot = 0, flags, verdict, family, number = 0;

	if (!sk || !saying || !saying->flags)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family != VERDICT_AF_INET && family != VERDICT_AF_INET6)
		return 0;
	flags = saying->flags;
	/* answered, and not reset */
	if ((flags & SAID_BLANK) && net_confirmed(s, saying->pattern))
		number = refusal_answered(saying->ssl);
	saying->flags = 0;
	if (flags & SAID_RESET) /* told by who said it */
		goto reset;
	if (!(flags & SAID_DENY) && net_confirmed(s, saying->pattern))
		return 0;
	w = net_begin(NET_DOOR_OPEN);
	if (!w)
		return -RESET_ERRNO;
	root = policy_now(&slot);
	net_asker(&w->who, t, s);
	p = actor_person(slot, w->who.uid);
	w->person = p ? p->person : 0;
	w->generation = root ? root->generation : 0;
	net_peer(w, sk, family);
	judge(&w->j, BAILIFF_DENY, saying->reason, 0,
	      root ? root->mode_destinations : BAILIFF_MODE_ENFORCE);
	if ((flags & SAID_DENY) && root && !(root->flags & POLICY_CREDENTIAL_REFUSE))
		w->j.mode = BAILIFF_MODE_SHADOW; /* to be reported, not refused */
	w->verdict = judgement_apply(&w->j);
	verdict = w->verdict;
	net_count(verdict);
	if (verdict != BAILIFF_ALLOW)
		net_report_said(saying, w, t, number);
	net_end(w);
	if (verdict != BAILIFF_DENY || number)
		return 0;
	refusal_forget(saying->ssl); /* no answer comes */
reset:
	s->state |= SOCKET_RESET;
	return -RESET_ERRNO;
}

/* Of a stream that is connected, or about to be, the kernel sends to the peer, whatever address
 * comes with the call. */
static __always_inline bool net_stands(struct socket *sock)
{
	struct sock *sk = sock->sk;

	return sk && sock->type == SOCKET_STREAM &&
	       BPF_CORE_READ(sk, __sk_common.skc_state) != STATE_CLOSE;
}

SOCKET_HOOK(net_sendmsg, socket_sendmsg, struct socket *sock, struct msghdr *msg, int size)
{
	struct socket_context *s;
	struct task_context *t;
	void *name;
	int r;

	name = msg->msg_name;
	if (name && !net_stands(sock))
		return net_lsm(sock, name, msg->msg_namelen, NET_DOOR_LSM_SENDMSG);
	t = actor_governed();
	s = net_tag(sock, t);
	if (!s || !(s->flags & TASK_GOVERNED))
		return 0;
	r = net_open(sock, t, s);
	return r ? r : net_confirm(sock, t, s);
}

SEC("lsm/socket_create")
int BPF_PROG(net_create, int family, int type, int protocol, int kern, int ret)
{
	struct task_context *t;
	struct net_work *w;
	__u32 verdict;

	if (ret || kern)
		return ret;
	t = actor_governed();
	if (!t || verdict_socket(family, type, protocol))
		return 0;
	w = net_begin(NET_DOOR_SOCKET_CREATE);
	if (!w)
		return -DENY_ERRNO;
	net_asker_task(&w->who, t);
	w->address.family = family;
	w->type = type & 0xf;
	w->protocol = protocol;
	verdict = net_decide(w, t, -BAILIFF_REASON_SOCKET_TYPE);
	net_end(w);
	if (verdict == BAILIFF_DENY)
		return -DENY_ERRNO;
	return 0;
}

SOCKET_HOOK(net_created, socket_post_create, struct socket *sock, int family, int type,
	    int protocol, int kern)
{
	struct task_context *t;

	if (kern)
		return 0;
	t = actor_governed();
	if (t)
		net_tag(sock, t);
	return 0;
}

/* ---- taking connections -----------------------------------------------------------------------
 */

static __always_inline bool net_is_internet(struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return family == VERDICT_AF_INET || family == VERDICT_AF_INET6;
}

/* A governed task takes connections where this host alone can connect to, and on the ports that
 * policy gives. */
static __always_inline int net_serve(struct socket *sock, struct sock *sk, struct task_context *t,
				     __u32 door)
{
	struct socket_context *s = net_tag(sock, t);
	struct policy_root *root;
	struct net_work *w;
	__u32 slot = 0, verdict;

	w = net_begin(door);
	if (!w)
		return -DENY_ERRNO;
	net_asker_task(&w->who, t);
	net_socket(w, sock, sk, t);
	net_bound(w, sk);
	root = policy_now(&slot);
	verdict = BAILIFF_ALLOW;
	if (!root || !doors_may_listen(root, &w->address)) {
		/* whoever is refused at accept() asks again at once: it is told once a socket */
		if (door == NET_DOOR_ACCEPT && s && (s->state & SOCKET_REPORTED)) {
			judge(&w->j, BAILIFF_DENY, BAILIFF_REASON_LISTEN, 0,
			      root ? root->mode_destinations : BAILIFF_MODE_ENFORCE);
			verdict = judgement_apply(&w->j);
		} else {
			verdict = net_decide(w, t, -BAILIFF_REASON_LISTEN);
			if (s)
				s->state |= SOCKET_REPORTED;
		}
	}
	net_end(w);
	if (verdict == BAILIFF_DENY)
		return -DENY_ERRNO;
	return 0;
}

static __always_inline void net_enter(const struct listener_key *key,
				      const struct listener_value *v)
{
	if (bpf_map_update_elem(&listeners, key, v, BPF_ANY))
		count(COUNTER_STORAGE_FAILED, 1);
}

/* Notes where the lineage listens, for net_own(). Not what already listened when it came here, nor
 * what shares its port: somebody else may take connections there too. */
static __always_inline void net_note(struct sock *sk, const struct task_context *t)
{
	struct listener_key key = {};
	struct listener_value v = {};
	struct address a = {};

	if (BPF_CORE_READ(sk, __sk_common.skc_state) == NET_LISTEN ||
	    BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport) ||
	    BPF_CORE_READ(sk, sk_protocol) != 6)
		return;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == VERDICT_AF_INET) {
		__u32 raw = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);

		doors_bound_v4(&a, (__u8 *)&raw);
	} else {
		struct in6_addr raw = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);

		doors_bound_v6(&a, (__u8 *)&raw);
	}
	key.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	key.family = a.family;
	key.port = BPF_CORE_READ(sk, __sk_common.skc_num);
	__builtin_memcpy(key.address, a.bytes, sizeof(key.address));
	v.socket = (__u64)sk;
	v.cookie = bpf_get_socket_cookie(sk);
	v.root_tgid = t->root_tgid;
	v.root_start_ns = t->root_start_ns;
	net_enter(&key, &v);
	/* "::" takes what is sent to 127.0.0.1 as well, unless it was told not to */
	if (doors_any6(&a) && !BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_ipv6only)) {
		key.family = VERDICT_AF_INET;
		net_enter(&key, &v);
	}
}

SOCKET_HOOK(net_listen, socket_listen, struct socket *sock, int backlog)
{
	struct task_context *t;
	struct sock *sk;
	int r;

	t = actor_governed();
	sk = sock->sk;
	if (!t || !sk || !net_is_internet(sk))
		return 0;
	r = net_serve(sock, sk, t, NET_DOOR_LISTEN);
	if (r)
		return r;
	net_note(sk, t);
	return 0;
}

/* A listener may be inherited, or older than its task's being governed. */
SOCKET_HOOK(net_accept, socket_accept, struct socket *sock, struct socket *newsock)
{
	struct task_context *t;
	struct sock *sk;

	t = actor_governed();
	sk = sock->sk;
	if (!t || !sk || !net_is_internet(sk))
		return 0;
	return net_serve(sock, sk, t, NET_DOOR_ACCEPT);
}

/* The connection that accept() gives is made without lsm/socket_post_create. */
SEC("lsm/sock_graft")
int BPF_PROG(net_grafted, struct sock *sk, struct socket *parent)
{
	struct task_context *t = actor_governed();
	struct socket_context *s;
	struct policy_root *root;
	__u32 slot = 0;

	if (!t)
		return 0;
	s = bpf_sk_storage_get(&sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s) {
		count(COUNTER_STORAGE_FAILED, 1);
		return 0;
	}
	net_mark(s, sk, t);
	root = policy_now(&slot);
	s->state = SOCKET_ACCEPTED;
	s->judged = root ? root->generation : 0;
	return 0;
}

/* Datagrams need no listen(): a fixed port is the service. */
SOCKET_HOOK(net_bind, socket_bind, struct socket *sock, struct sockaddr *address, int len)
{
	struct policy_root *root;
	struct task_context *t;
	struct net_work *w;
	struct sock *sk;
	__u32 slot = 0, verdict;
	int r;

	t = actor_governed();
	sk = sock->sk;
	if (!t || !sk || sock->type != SOCKET_DATAGRAM || !net_is_internet(sk))
		return 0;
	w = net_begin(NET_DOOR_BIND);
	if (!w)
		return -DENY_ERRNO;
	net_asker_task(&w->who, t);
	net_socket(w, sock, sk, t);
	r = net_copy(address, len, &w->raw);
	if (!r && w->raw.len < 8)
		r = -BAILIFF_REASON_MALFORMED;
	if (!r) {
		w->address.port = (__u16)w->raw.bytes[2] << 8 | w->raw.bytes[3];
		/* the family written there may be left out; the socket's counts */
		if (w->raw.socket_family == VERDICT_AF_INET)
			doors_bound_v4(&w->address, w->raw.bytes + 4);
		else
			doors_bound_v6(&w->address, w->raw.bytes + 8);
		root = policy_now(&slot);
		if (!root || !doors_may_bind_datagram(root, &w->address))
			r = -BAILIFF_REASON_LISTEN;
	}
	verdict = r ? net_decide(w, t, r) : BAILIFF_ALLOW;
	net_end(w);
	if (verdict == BAILIFF_DENY)
		return -DENY_ERRNO;
	return 0;
}
