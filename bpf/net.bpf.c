// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The network door in the LSM hooks, on the thread that asks. A denial here is final; one of a
 * cgroup program can be undone by a program attached later. So both doors ask the same verdict. */
#include "bpf/hook.bpf.h"
#include "bpf/net.bpf.h"

#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define DENY_ERRNO 1 /* EPERM */
#define RESET_ERRNO                                                                                \
	104 /* ECONNRESET: on an open connection EPERM makes the client send for ever              \
	     */

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
	if (t) {
		s->flags = t->flags;
		s->uid = t->uid;
		s->tgid = bpf_get_current_pid_tgid() >> 32;
		s->root_tgid = t->root_tgid;
		s->root_start_ns = t->root_start_ns;
		s->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
		if (!actor_inspected(t))
			s->flags &= ~TASK_CLIENT;
	}
	return s;
}

static __always_inline void net_socket(struct net_work *w, struct socket *sock)
{
	struct sock *sk = sock->sk;

	w->type = sock->type;
	/* read again, so looked at again: to the verifier of 6.12 this is another pointer */
	if (!sk)
		return;
	w->protocol = BPF_CORE_READ(sk, sk_protocol);
	w->raw.socket_family = BPF_CORE_READ(sk, __sk_common.skc_family);
}

/* Judges w->address, which net_address() gave r for, and says so. */
static __always_inline __u32 net_decide(struct net_work *w, const struct task_context *t, int r)
{
	struct policy_root *root;
	struct person_value *p;
	__u32 slot = 0;

	if (r == 0) {
		w->verdict = net_judge(w);
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

static __always_inline int net_lsm(struct socket *sock, const void *address, int len, __u32 door)
{
	struct task_context *t = actor_governed();
	struct socket_context *s = net_tag(sock, t);
	struct net_work *w;
	__u32 verdict;
	int r;

	if (!sock->sk)
		return 0;
	w = net_begin(door);
	if (!w)
		return t || (s && (s->flags & TASK_GOVERNED)) ? -DENY_ERRNO : 0;
	net_asker(&w->who, t, s);
	net_socket(w, sock);
	r = net_copy(address, len, &w->raw);
	if (!r)
		r = net_address(w);
	/* connect(AF_UNSPEC) dissolves an association and reaches nobody */
	if (r > 0 || (r < 0 && (!(w->who.flags & TASK_GOVERNED) ||
				(door == NET_DOOR_LSM_CONNECT && w->raw.len >= 2 &&
				 !w->raw.bytes[0] && !w->raw.bytes[1])))) {
		net_end(w);
		return 0;
	}
	verdict = net_decide(w, t, r);
	net_remember(s, w);
	net_end(w);
	if (verdict == BAILIFF_DENY)
		return -DENY_ERRNO;
	return 0;
}

SOCKET_HOOK(net_connect, socket_connect, struct socket *sock, struct sockaddr *address, int len)
{
	return net_lsm(sock, address, len, NET_DOOR_LSM_CONNECT);
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
	net_socket(w, sock);
	w->address.port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (family == VERDICT_AF_INET) {
		__u32 raw = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		address_v4(&w->address, (__u8 *)&raw);
	} else {
		struct in6_addr raw = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);

		address_v6(&w->address, (__u8 *)&raw);
	}
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

SOCKET_HOOK(net_sendmsg, socket_sendmsg, struct socket *sock, struct msghdr *msg, int size)
{
	struct socket_context *s;
	struct task_context *t;
	void *name;

	name = msg->msg_name;
	if (name)
		return net_lsm(sock, name, msg->msg_namelen, NET_DOOR_LSM_SENDMSG);
	t = actor_governed();
	s = net_tag(sock, t);
	if (!s || !(s->flags & TASK_GOVERNED))
		return 0;
	return net_open(sock, t, s);
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
