// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The second door, in the cgroups that governed tasks are in. lsm/socket_connect never sees
 * sendto(MSG_FASTOPEN); these do. They know the socket only, and say something only when they deny:
 * what is let through was told at the first door. */
#include "bpf/net.bpf.h"

#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CGROUP_DENY 0
#define CGROUP_PASS 1

static __always_inline void cgroup_address(struct bpf_sock_addr *ctx, bool v6, struct address *a)
{
	a->port = bpf_ntohs((__u16)ctx->user_port);
	if (v6) {
		__u32 raw[4];

		raw[0] = ctx->user_ip6[0];
		raw[1] = ctx->user_ip6[1];
		raw[2] = ctx->user_ip6[2];
		raw[3] = ctx->user_ip6[3];
		address_v6(a, (__u8 *)raw);
	} else {
		__u32 raw = ctx->user_ip4;

		address_v4(a, (__u8 *)&raw);
	}
}

/* What the LSM hooks left on the socket; NULL: nothing. */
static __always_inline struct socket_context *cgroup_socket(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (NET_SEES_SOCKETS) {
		const struct bpf_sock_addr_kern *whole = bpf_cast_to_kern_ctx(ctx);

		if (net_bare(whole->sk))
			return NULL;
	}
	return sk ? bpf_sk_storage_get(&sockets, sk, 0, 0) : NULL;
}

/* net_passed() for nearly all that comes here: what the first door kept is in its one form, so that
 * an address of the same bytes is in it too. */
static __always_inline bool cgroup_passed(struct bpf_sock_addr *ctx, bool v6,
					  struct socket_context *s)
{
	__u32 *kept = (__u32 *)s->passed;

	if (s->passed_family != (v6 ? VERDICT_AF_INET6 : VERDICT_AF_INET) ||
	    s->passed_port != bpf_ntohs((__u16)ctx->user_port))
		return false;
	if (!v6 && kept[0] != ctx->user_ip4)
		return false;
	if (v6 && (kept[0] != ctx->user_ip6[0] || kept[1] != ctx->user_ip6[1] ||
		   kept[2] != ctx->user_ip6[2] || kept[3] != ctx->user_ip6[3]))
		return false;
	s->passed_family = 0;
	return net_in_force(s);
}

static __always_inline int cgroup_judge(struct bpf_sock_addr *ctx, __u32 door, bool v6)
{
	struct socket_context *s = cgroup_socket(ctx);
	bool governed = s && (s->flags & TASK_GOVERNED);
	struct address a = {};
	struct net_work *w;
	__u32 verdict;

	if (s && cgroup_passed(ctx, v6, s))
		return CGROUP_PASS;
	if (!governed && net_free(bpf_ntohs((__u16)ctx->user_port)))
		return CGROUP_PASS;
	cgroup_address(ctx, v6, &a);
	if (s && net_passed(s, &a))
		return CGROUP_PASS;
	w = net_begin(door);
	if (!w)
		return governed ? CGROUP_DENY : CGROUP_PASS;
	net_asker(&w->who, NULL, s);
	w->netns = s ? s->home : 0;
	w->address = a;
	w->protocol = ctx->protocol;
	w->type = ctx->type;
	verdict = net_judge(w);
	w->verdict = verdict;
	if (w->who.flags & TASK_CANARY) {
		verdict = net_canary(w);
	} else if (verdict == BAILIFF_DENY) {
		net_count(verdict);
		net_report(w, NULL);
	}
	net_end(w);
	return verdict == BAILIFF_DENY ? CGROUP_DENY : CGROUP_PASS;
}

SEC("cgroup/connect4")
int net_connect4(struct bpf_sock_addr *ctx)
{
	return cgroup_judge(ctx, NET_DOOR_CGROUP_CONNECT4, false);
}

SEC("cgroup/connect6")
int net_connect6(struct bpf_sock_addr *ctx)
{
	return cgroup_judge(ctx, NET_DOOR_CGROUP_CONNECT6, true);
}

SEC("cgroup/sendmsg4")
int net_sendmsg4(struct bpf_sock_addr *ctx)
{
	return cgroup_judge(ctx, NET_DOOR_CGROUP_SENDMSG4, false);
}

SEC("cgroup/sendmsg6")
int net_sendmsg6(struct bpf_sock_addr *ctx)
{
	return cgroup_judge(ctx, NET_DOOR_CGROUP_SENDMSG6, true);
}
