// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The network door: one verdict, asked at the LSM hooks and again in the cgroup programs. Both are
 * needed: lsm/socket_connect never sees sendto(MSG_FASTOPEN), the cgroup programs never see raw
 * sockets, and a cgroup denial can be undone by a program attached later, an LSM denial cannot. */
#include "bpf/actor.bpf.h"

#include <bpf/bpf_endian.h>

#include "bpf/verdict.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define DENY_ERRNO  1 /* EPERM */
#define CGROUP_DENY 0
#define CGROUP_PASS 1

/* What the two doors know of who asks. */
struct asker {
	__u32 flags;
	__u32 uid;
	__u32 inspected;
	__u32 type;
};

static __always_inline void net_report(const struct task_context *t, const struct address *a,
				       __u16 protocol, __u32 type, __u32 door, __u32 person,
				       __u64 generation, const struct judgement *j, __u32 verdict)
{
	struct record_net *r;

	if (!reporting())
		return;
	if (verdict == BAILIFF_ALLOW)
		r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	else
		r = bpf_ringbuf_reserve(&denials, sizeof(*r), 0);
	if (!r) {
		count(verdict == BAILIFF_ALLOW ? COUNTER_LOST_RECORD : COUNTER_LOST_DENIAL, 1);
		return;
	}
	actor_head(&r->head, RECORD_NET, sizeof(*r), generation, t, person);
	r->verdict = verdict;
	r->reason = j->reason;
	r->rule = j->rule;
	r->door = door;
	r->family = a->family;
	r->port = a->port;
	r->protocol = protocol;
	r->socket_type = type;
	__builtin_memcpy(r->address, a->bytes, sizeof(r->address));
	bpf_ringbuf_submit(r, 0);
}

/* Scratch lives in a map value: state that a bpf_loop callback changes must not be on the stack
 * before 6.7, where the verifier took it for constant after the first round. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); /* written and read by this program alone */
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct judgement);
} net_scratch SEC(".maps");

/* One rule of a set at a time. Nothing on the caller's stack changes between the rounds: the result
 * goes to a map value (see net_scratch). */
struct rule_walk {
	const struct dest_set *set;
	const struct policy_root *root;
	struct judgement *j;
	__u64 teams;
	__u32 person, flags, inspected;
	__u16 port, protocol;
};

static long net_round(__u32 i, struct rule_walk *r)
{
	if (i >= r->set->n || i >= DEST_RULES_MAX)
		return 1;
	return verdict_rule(&r->set->rules[i], r->port, (__u8)r->protocol, r->flags, r->inspected,
			    r->person, r->teams, r->root, r->j);
}

/* The one decision. j gets what was judged; the return value has the mode applied. Not static: the
 * verifier then looks at it once for each object and not once for each path that leads here. */
__noinline int net_judge(struct address *a, struct asker *who, __u32 protocol, struct judgement *j)
{
	struct rule_walk walk = {};
	struct person_value *p;
	struct policy_root *root;
	struct dest_set *set = NULL;
	__u32 slot = 0, *number = NULL, person = 0, zero = 0;
	__u64 teams = 0;
	void *trie, *sets;

	if (!a || !who || !j)
		return BAILIFF_DENY;
	root = policy_now(&slot);
	if (!root) {
		judge(j, who->flags & TASK_GOVERNED ? BAILIFF_DENY : BAILIFF_ALLOW,
		      BAILIFF_REASON_NO_POLICY, 0, BAILIFF_MODE_ENFORCE);
		return judgement_apply(j);
	}
	p = actor_person(slot, who->uid);
	if (p) {
		person = p->person;
		teams = p->teams;
	}
	if (a->family == VERDICT_AF_INET) {
		struct dest_key4 key = {.prefix_len = 32};

		__builtin_memcpy(key.address, a->bytes, 4);
		trie = bpf_map_lookup_elem(&policy_dest4, &slot);
		if (trie)
			number = bpf_map_lookup_elem(trie, &key);
	} else {
		struct dest_key6 key = {.prefix_len = 128};

		__builtin_memcpy(key.address, a->bytes, 16);
		trie = bpf_map_lookup_elem(&policy_dest6, &slot);
		if (trie)
			number = bpf_map_lookup_elem(trie, &key);
	}
	sets = bpf_map_lookup_elem(&policy_sets, &slot);
	if (!number)
		number = &zero; /* no entry: the set of the default */
	if (sets)
		set = bpf_map_lookup_elem(sets, number);
	if (!set) {
		judge(j, who->flags & TASK_GOVERNED ? BAILIFF_DENY : BAILIFF_ALLOW,
		      BAILIFF_REASON_NO_POLICY, 0, root->mode_destinations);
		return judgement_apply(j);
	}
	verdict_default(who->flags, root, j);
	walk.set = set;
	walk.root = root;
	walk.j = j;
	walk.teams = teams;
	walk.person = person;
	walk.flags = who->flags;
	walk.inspected = who->inspected;
	walk.port = a->port;
	walk.protocol = protocol;
	bpf_loop(DEST_RULES_MAX, net_round, &walk, 0);
	return judgement_apply(j);
}

/* A socket address as it was handed in. */
struct raw_address {
	__u8 bytes[28]; /* sockaddr_in6, the longest that is judged */
	__u32 len;
	__u32 socket_family;
};

/* Brings a socket address to its one form. Returns 0, 1 when it is of a family that is not judged
 * by address, or a negative reason. */
__noinline int net_address(struct raw_address *raw, struct address *a)
{
	__u32 family;

	if (!raw || !a)
		return -BAILIFF_REASON_MALFORMED;
	if (raw->len < 2)
		return -BAILIFF_REASON_MALFORMED;
	family = raw->bytes[0] | (__u32)raw->bytes[1] << 8;
	/* sendto() on an IPv4 datagram socket takes AF_UNSPEC for AF_INET */
	if (family == VERDICT_AF_UNSPEC && raw->socket_family == VERDICT_AF_INET && raw->len >= 16)
		family = VERDICT_AF_INET;
	a->port = ((__u16)raw->bytes[2] << 8) | raw->bytes[3];
	switch (family) {
	case VERDICT_AF_INET:
		if (raw->len < 8)
			return -BAILIFF_REASON_MALFORMED;
		address_v4(a, raw->bytes + 4);
		return 0;
	case VERDICT_AF_INET6:
		if (raw->len < 24)
			return -BAILIFF_REASON_MALFORMED;
		address_v6(a, raw->bytes + 8);
		return 0;
	case VERDICT_AF_UNIX:
	case VERDICT_AF_NETLINK:
		return 1;
	default:
		a->family = family;
		return -BAILIFF_REASON_FAMILY;
	}
}

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
		if (!actor_inspected(t))
			s->flags &= ~TASK_CLIENT;
	}
	return s;
}

static __always_inline void net_asker(struct asker *who, const struct task_context *t,
				      const struct socket_context *s)
{
	who->flags = t ? t->flags : s ? s->flags : 0;
	who->uid = t ? t->uid : s ? s->uid : actor_who(bpf_get_current_task_btf());
	who->inspected = t ? actor_inspected(t) : s ? !!(s->flags & TASK_CLIENT) : 0;
}

static __always_inline int net_lsm(struct socket *sock, const void *address, int len, __u32 door)
{
	struct task_context *t = actor_governed();
	struct socket_context *s = net_tag(sock, t);
	struct sock *sk = sock->sk;
	struct raw_address raw = {};
	struct address a = {};
	struct asker who = {};
	struct judgement *j;
	struct policy_root *root;
	__u32 verdict, zero = 0, slot = 0;
	__u16 protocol = 0, type = sock->type;
	struct person_value *p;
	int r;

	j = bpf_map_lookup_elem(&net_scratch, &zero);
	if (!sk || !j)
		return 0;
	protocol = BPF_CORE_READ(sk, sk_protocol);
	raw.socket_family = BPF_CORE_READ(sk, __sk_common.skc_family);
	net_asker(&who, t, s);
	root = policy_now(&slot);
	r = net_copy(address, len, &raw);
	if (!r)
		r = net_address(&raw, &a);
	if (r > 0)
		return 0;
	if (r < 0) {
		/* connect(AF_UNSPEC) dissolves an association and reaches nobody */
		if (!(who.flags & TASK_GOVERNED) || (door == NET_DOOR_LSM_CONNECT && raw.len >= 2 &&
						     !raw.bytes[0] && !raw.bytes[1]))
			return 0;
		judge(j, BAILIFF_DENY, -r, 0,
		      root ? root->mode_destinations : BAILIFF_MODE_ENFORCE);
		verdict = judgement_apply(j);
	} else {
		verdict = net_judge(&a, &who, protocol, j);
	}
	p = actor_person(slot, who.uid);
	/* what ungoverned processes do elsewhere is none of bailiff's business */
	if (verdict != BAILIFF_ALLOW || (who.flags & TASK_GOVERNED))
		net_report(t, &a, protocol, type, door, p ? p->person : 0,
			   root ? root->generation : 0, j, verdict);
	if (s && verdict == BAILIFF_WOULD_DENY)
		s->reported = 1;
	if (verdict == BAILIFF_WOULD_DENY)
		count(COUNTER_WOULD_DENY, 1);
	if (verdict != BAILIFF_DENY)
		return 0;
	count(COUNTER_DENIED, 1);
	return -DENY_ERRNO;
}

SEC("lsm/socket_connect")
int BPF_PROG(net_connect, struct socket *sock, struct sockaddr *address, int len, int ret)
{
	return ret ? ret : net_lsm(sock, address, len, NET_DOOR_LSM_CONNECT);
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(net_sendmsg, struct socket *sock, struct msghdr *msg, int size, int ret)
{
	void *name;

	if (ret)
		return ret;
	name = msg->msg_name;
	if (!name) {
		/* a socket made before its task was governed, or received from another: tag it now
		 */
		struct task_context *t = actor_governed();

		if (t)
			net_tag(sock, t);
		return 0;
	}
	return net_lsm(sock, name, msg->msg_namelen, NET_DOOR_LSM_SENDMSG);
}

SEC("lsm/socket_create")
int BPF_PROG(net_create, int family, int type, int protocol, int kern, int ret)
{
	struct task_context *t;
	struct policy_root *root;
	struct judgement *j;
	struct person_value *p;
	struct address a = {};
	__u32 slot = 0, verdict, zero = 0;

	if (ret || kern)
		return ret;
	t = actor_governed();
	if (!t || verdict_socket(family, type, protocol))
		return 0;
	j = bpf_map_lookup_elem(&net_scratch, &zero);
	if (!j)
		return -DENY_ERRNO;
	root = policy_now(&slot);
	judge(j, BAILIFF_DENY, BAILIFF_REASON_SOCKET_TYPE, 0,
	      root ? root->mode_destinations : BAILIFF_MODE_ENFORCE);
	verdict = judgement_apply(j);
	a.family = family;
	p = actor_person(slot, t->uid);
	net_report(t, &a, protocol, type & 0xf, NET_DOOR_SOCKET_CREATE, p ? p->person : 0,
		   root ? root->generation : 0, j, verdict);
	if (verdict == BAILIFF_WOULD_DENY)
		count(COUNTER_WOULD_DENY, 1);
	if (verdict != BAILIFF_DENY)
		return 0;
	count(COUNTER_DENIED, 1);
	return -DENY_ERRNO;
}

SEC("lsm/socket_post_create")
int BPF_PROG(net_created, struct socket *sock, int family, int type, int protocol, int kern,
	     int ret)
{
	struct task_context *t;

	if (ret || kern)
		return ret;
	t = actor_governed();
	if (t)
		net_tag(sock, t);
	return 0;
}

/* The second door. It knows the socket only, and says something only when it denies: what it lets
 * through was told at the first. */
static __always_inline int net_cgroup(struct bpf_sock_addr *ctx, __u32 door, bool v6)
{
	struct socket_context *s = ctx->sk ? bpf_sk_storage_get(&sockets, ctx->sk, 0, 0) : NULL;
	struct address a = {.port = bpf_ntohs((__u16)ctx->user_port)};
	struct asker who = {};
	struct judgement *j;
	struct person_value *p;
	struct policy_root *root;
	__u32 zero = 0, slot = 0, verdict;

	net_asker(&who, NULL, s);
	if (v6) {
		__u32 raw[4];

		raw[0] = ctx->user_ip6[0];
		raw[1] = ctx->user_ip6[1];
		raw[2] = ctx->user_ip6[2];
		raw[3] = ctx->user_ip6[3];
		address_v6(&a, (__u8 *)raw);
	} else {
		__u32 raw = ctx->user_ip4;

		address_v4(&a, (__u8 *)&raw);
	}
	j = bpf_map_lookup_elem(&net_scratch, &zero);
	if (!j)
		return who.flags & TASK_GOVERNED ? CGROUP_DENY : CGROUP_PASS;
	verdict = net_judge(&a, &who, ctx->protocol, j);
	if (verdict != BAILIFF_DENY)
		return CGROUP_PASS;
	root = policy_now(&slot);
	p = actor_person(slot, who.uid);
	if (reporting()) {
		struct record_net *r = bpf_ringbuf_reserve(&denials, sizeof(*r), 0);

		if (r) {
			struct task_struct *task = bpf_get_current_task_btf();
			__u64 id = bpf_get_current_pid_tgid();

			__builtin_memset(r, 0, sizeof(*r));
			r->head.version = CONTRACT_VERSION;
			r->head.type = RECORD_NET;
			r->head.size = sizeof(*r);
			r->head.time_ns = bpf_ktime_get_boot_ns();
			r->head.generation = root ? root->generation : 0;
			r->head.actor.tgid = id >> 32;
			r->head.actor.tid = (__u32)id;
			r->head.actor.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
			r->head.actor.uid = (__u32)bpf_get_current_uid_gid();
			r->head.actor.login_uid = actor_login_uid(task);
			r->head.actor.who_uid = who.uid;
			r->head.actor.person = p ? p->person : 0;
			r->head.actor.flags = who.flags;
			bpf_get_current_comm(r->head.actor.comm, sizeof(r->head.actor.comm));
			r->verdict = verdict;
			r->reason = j->reason;
			r->rule = j->rule;
			r->door = door;
			r->family = a.family;
			r->port = a.port;
			r->protocol = ctx->protocol;
			r->socket_type = ctx->type;
			__builtin_memcpy(r->address, a.bytes, sizeof(r->address));
			bpf_ringbuf_submit(r, 0);
		} else {
			count(COUNTER_LOST_DENIAL, 1);
		}
	}
	count(COUNTER_DENIED, 1);
	return CGROUP_DENY;
}

SEC("cgroup/connect4")
int net_connect4(struct bpf_sock_addr *ctx)
{
	return net_cgroup(ctx, NET_DOOR_CGROUP_CONNECT4, false);
}

SEC("cgroup/connect6")
int net_connect6(struct bpf_sock_addr *ctx)
{
	return net_cgroup(ctx, NET_DOOR_CGROUP_CONNECT6, true);
}

SEC("cgroup/sendmsg4")
int net_sendmsg4(struct bpf_sock_addr *ctx)
{
	return net_cgroup(ctx, NET_DOOR_CGROUP_SENDMSG4, false);
}

SEC("cgroup/sendmsg6")
int net_sendmsg6(struct bpf_sock_addr *ctx)
{
	return net_cgroup(ctx, NET_DOOR_CGROUP_SENDMSG6, true);
}
