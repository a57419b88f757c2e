/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one network verdict: what every door of the network asks, with all that it needs in one
 * place.
 *
 * Addresses first, then names: a rule by address settles it; what no rule by address settles, a
 * name may open that a DNS answer to the same lineage led here. Denials win at each step. */
#ifndef BAILIFF_NET_BPF_H
#define BAILIFF_NET_BPF_H

#include "bpf/actor.bpf.h"
#include "bpf/doors.h"
#include "bpf/verdict.h"

/* What the doors know of who asks. */
struct asker {
	__u64 root_start_ns;
	__u32 root_tgid;
	__u32 flags;
	__u32 uid;
	__u32 inspected;
};

/* A socket address as it was handed in. */
struct raw_address {
	__u8 bytes[28]; /* sockaddr_in6, the longest that is judged */
	__u32 len;
	__u32 socket_family;
	__u32 pad;
};

/* One question from beginning to end. It lives in a map value: state that a bpf_loop callback
 * changes must not be on the stack before 6.7, where the verifier took it for constant after the
 * first round. */
struct net_work {
	__u32 busy;
	__u32 door;
	struct address address;
	struct asker who;
	struct judgement j;
	struct raw_address raw;
	__u32 protocol, type;
	__u32 netns, pad;
	__u32 slot, person;
	__u64 teams, generation;
	__u64 patterns[LEARNED_NAMES]; /* that let it through */
	__u32 named;		       /* 1: let through by these alone */
	__u32 verdict;
	__u64 uncovered; /* the cgroup that the last net does not run for yet, 0: it does */
};

/* Written and read by one object alone. Programs may be preempted by others on the same CPU
 * (preempt=full), so that one place a CPU would let a neighbour write the verdict: each question
 * claims a place. */
#define NET_PLACES 8
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NET_PLACES);
	__type(key, __u32);
	__type(value, struct net_work);
} net_work SEC(".maps");

/* A place of one's own, cleared but for busy; NULL when all are taken: who is governed is refused
 * then. */
static __always_inline struct net_work *net_begin(__u32 door)
{
	for (__u32 i = 0; i < NET_PLACES; i++) {
		__u32 key = i;
		struct net_work *w = bpf_map_lookup_elem(&net_work, &key);

		if (!w)
			return NULL;
		if (__sync_val_compare_and_swap(&w->busy, 0, 1))
			continue;
		__builtin_memset((char *)w + 8, 0, sizeof(*w) - 8);
		w->door = door;
		return w;
	}
	count(COUNTER_STORAGE_FAILED, 1);
	return NULL;
}

static __always_inline void net_end(struct net_work *w)
{
	__sync_lock_test_and_set(&w->busy, 0);
}

struct rule_walk {
	const struct dest_set *set;
	const struct policy_root *root;
	struct net_work *w;
};

static long net_round(__u32 i, struct rule_walk *r)
{
	struct net_work *w = r->w;

	if (i >= r->set->n || i >= DEST_RULES_MAX)
		return 1;
	return verdict_rule(&r->set->rules[i], w->address.port, (__u8)w->protocol, w->who.flags,
			    w->who.inspected, w->person, w->teams, r->root, &w->j);
}

static __always_inline int net_walk(struct net_work *w, const struct policy_root *root,
				    const struct dest_set *set)
{
	struct rule_walk walk = {.set = set, .root = root, .w = w};

	bpf_loop(DEST_RULES_MAX, net_round, &walk, 0);
	return 0;
}

/* Walks the set of one pattern with w->j as it stands. Returns 0, or -1 when the policy in force
 * has no such pattern. Not static, as all that follows: the verifier then looks at it once for each
 * object and not once for each path that leads here. */
__noinline int net_pattern(struct net_work *w, __u64 pattern)
{
	struct policy_root *root;
	struct dest_set *set = NULL;
	__u32 slot, *number = NULL;
	void *patterns, *sets;

	if (!w)
		return -1;
	slot = w->slot & (POLICY_SLOTS - 1);
	root = bpf_map_lookup_elem(&policy_roots, &slot);
	patterns = bpf_map_lookup_elem(&policy_patterns, &slot);
	sets = bpf_map_lookup_elem(&policy_sets, &slot);
	if (patterns)
		number = bpf_map_lookup_elem(patterns, &pattern);
	if (sets && number)
		set = bpf_map_lookup_elem(sets, number);
	if (!root || !set)
		return -1;
	net_walk(w, root, set);
	return 0;
}

/* An address that answers for a model endpoint, whoever was told: closed to all who are not
 * inspected. Returns 1 when that settled it. */
__noinline int net_model(struct net_work *w)
{
	struct judgement kept;
	struct model_key key = {};
	struct learned_value *v;
	__u64 now;

	if (!w)
		return 0;
	key.family = w->address.family;
	__builtin_memcpy(key.address, w->address.bytes, sizeof(key.address));
	v = bpf_map_lookup_elem(&model_addresses, &key);
	if (!v)
		return 0;
	now = bpf_ktime_get_boot_ns();
	kept = w->j;
	for (int i = 0; i < LEARNED_NAMES; i++) {
		if (!v->names[i].pattern || v->names[i].until_ns < now)
			continue;
		if (net_pattern(w, v->names[i].pattern) == 0 && w->j.verdict == BAILIFF_DENY &&
		    w->j.reason == BAILIFF_REASON_NOT_INSPECTED)
			return 1;
		/* it closes and never opens, whatever else the pattern's rules say */
		w->j = kept;
	}
	return 0;
}

/* What the lineage was told of the address, NULL: nothing. */
static __always_inline struct learned_value *net_learned(const struct net_work *w)
{
	struct learned_key key = {
		.root_start_ns = w->who.root_start_ns,
		.root_tgid = w->who.root_tgid,
		.family = w->address.family,
	};

	__builtin_memcpy(key.address, w->address.bytes, sizeof(key.address));
	return bpf_map_lookup_elem(&learned, &key);
}

/* Names that led the lineage here: one that allows is enough, the request has to confirm it. */
__noinline int net_names(struct net_work *w)
{
	struct judgement kept, best;
	struct learned_value *v;
	__u64 now;
	int found = 0;

	if (!w)
		return 0;
	v = net_learned(w);
	if (!v)
		return 0;
	now = bpf_ktime_get_boot_ns();
	kept = w->j;
	best = w->j;
	for (int i = 0; i < LEARNED_NAMES; i++) {
		__u64 pattern = v->names[i].pattern;

		if (!pattern || v->names[i].until_ns < now)
			continue;
		/* each from the beginning: what one name allows, the next does not by saying
		 * nothing */
		w->j = kept;
		if (net_pattern(w, pattern))
			continue;
		if (w->j.verdict == BAILIFF_ALLOW) {
			w->patterns[i] = pattern;
			w->named = 1;
			best = w->j;
			found = 1;
		} else if (!found && w->j.reason != kept.reason) {
			best = w->j;
		}
	}
	w->j = best;
	return found;
}

/* An address that a rule by address allows, and a name that the policy denies led the lineage here:
 * a denial wins. Returns 1 when that settled it. */
__noinline int net_denied(struct net_work *w)
{
	struct judgement kept;
	struct learned_value *v;
	__u64 now;

	if (!w)
		return 0;
	v = net_learned(w);
	if (!v)
		return 0;
	now = bpf_ktime_get_boot_ns();
	kept = w->j;
	for (int i = 0; i < LEARNED_NAMES; i++) {
		if (!v->names[i].pattern || v->names[i].until_ns < now)
			continue;
		if (net_pattern(w, v->names[i].pattern) == 0 && w->j.verdict == BAILIFF_DENY)
			return 1;
		w->j = kept;
	}
	return 0;
}

#define NET_LISTEN 10 /* TCP_LISTEN */

/* Whether the entry is of this lineage and its socket still listens there, alone: the port of one
 * that was closed may be somebody else's by now, and that of one that shares it is already. The
 * kernel frees sockets of TCP into sockets of TCP, so that what is read is one; its cookie is not
 * given twice. */
static __always_inline int net_listens(const struct net_work *w, const struct listener_key *key)
{
	struct listener_value *v = bpf_map_lookup_elem(&listeners, key);
	struct sock *sk;

	if (!v || !doors_same_lineage(w->who.root_tgid, w->who.root_start_ns, v->root_tgid,
				      v->root_start_ns))
		return 0;
	sk = (struct sock *)v->socket;
	return BPF_CORE_READ(sk, __sk_common.skc_state) == NET_LISTEN &&
	       !BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport) &&
	       BPF_CORE_READ(sk, __sk_common.skc_num) == key->port &&
	       (__u64)BPF_CORE_READ(sk, __sk_common.skc_cookie.counter) == v->cookie;
}

/* A connection to this host, to a listener of the lineage's own: development servers, tools that
 * serve on loopback. Not by port alone: a proxy of somebody else's may listen on another address
 * with the same one. */
__noinline int net_own(struct net_work *w)
{
	struct listener_key key = {};

	if (!w || w->protocol != 6 /* TCP */ || !doors_loopback(&w->address))
		return 0;
	key.netns = w->netns;
	key.family = w->address.family;
	key.port = w->address.port;
	__builtin_memcpy(key.address, w->address.bytes, sizeof(key.address));
	if (net_listens(w, &key))
		return 1;
	__builtin_memset(key.address, 0, sizeof(key.address));
	return net_listens(w, &key);
}

/* The one decision. w->address, who, protocol are given; j, person, generation, patterns come. The
 * return value has the mode applied. */
__noinline int net_judge(struct net_work *w)
{
	__u32 slot = 0, *number = NULL, zero = 0;
	struct person_value *p;
	struct policy_root *root;
	struct dest_set *set = NULL;
	void *trie, *sets;

	if (!w)
		return BAILIFF_DENY;
	root = policy_now(&slot);
	w->slot = slot;
	if (!root) {
		judge(&w->j, w->who.flags & TASK_GOVERNED ? BAILIFF_DENY : BAILIFF_ALLOW,
		      BAILIFF_REASON_NO_POLICY, 0, BAILIFF_MODE_ENFORCE);
		return judgement_apply(&w->j);
	}
	w->generation = root->generation;
	p = actor_person(slot, w->who.uid);
	if (p) {
		w->person = p->person;
		w->teams = p->teams;
	}
	if (w->address.family == VERDICT_AF_INET) {
		struct dest_key4 key = {.prefix_len = 32};

		__builtin_memcpy(key.address, w->address.bytes, 4);
		trie = bpf_map_lookup_elem(&policy_dest4, &slot);
		if (trie)
			number = bpf_map_lookup_elem(trie, &key);
	} else {
		struct dest_key6 key = {.prefix_len = 128};

		__builtin_memcpy(key.address, w->address.bytes, 16);
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
		judge(&w->j, w->who.flags & TASK_GOVERNED ? BAILIFF_DENY : BAILIFF_ALLOW,
		      BAILIFF_REASON_NO_POLICY, 0, root->mode_destinations);
		return judgement_apply(&w->j);
	}
	verdict_default(w->who.flags, w->address.port, root, &w->j);
	net_walk(w, root, set);
	if (w->j.verdict == BAILIFF_ALLOW && w->j.pattern) {
		w->named = 1;
		w->patterns[0] = w->j.pattern;
	}
	if (judgement_settled(&w->j) && w->j.verdict == BAILIFF_DENY)
		return judgement_apply(&w->j);
	if (!w->who.inspected && net_model(w))
		return judgement_apply(&w->j);
	if (!(w->who.flags & TASK_GOVERNED))
		return judgement_apply(&w->j);
	if (judgement_settled(&w->j))
		net_denied(w);
	else if (!net_names(w) && !judgement_settled(&w->j) && net_own(w))
		judge(&w->j, BAILIFF_ALLOW, BAILIFF_REASON_LOCAL, 0, root->mode_destinations);
	return judgement_apply(&w->j);
}

/* Whether a port alone says that the verdict on somebody who is not governed is to let him through.
 * Most of what a host does ends here. */
static __always_inline bool net_free(__u16 port)
{
	__u32 slot = 0;
	struct policy_root *root = policy_now(&slot);

	return !root || !verdict_port_of_model(root, port);
}

/* What is let through would go past the last net: not before that runs for the socket. */
static __always_inline void net_hold(struct net_work *w)
{
	if (!w->uncovered || w->verdict != BAILIFF_ALLOW || w->j.mode != BAILIFF_MODE_ENFORCE)
		return;
	judge(&w->j, BAILIFF_DENY, BAILIFF_REASON_CGROUP, 0, BAILIFF_MODE_ENFORCE);
	w->verdict = BAILIFF_DENY;
}

/* Brings a socket address to its one form. Returns 0, 1 when it is of a family that is not judged
 * by address, or a negative reason. */
__noinline int net_address(struct net_work *w)
{
	struct raw_address *raw;
	struct address *a;
	__u32 family;

	if (!w)
		return -BAILIFF_REASON_MALFORMED;
	raw = &w->raw;
	a = &w->address;
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

static __always_inline void net_asker_task(struct asker *who, const struct task_context *t)
{
	who->flags = t->flags;
	who->uid = t->uid;
	who->inspected = actor_inspected(t);
	who->root_tgid = t->root_tgid;
	who->root_start_ns = t->root_start_ns;
}

static __always_inline void net_asker_socket(struct asker *who, const struct socket_context *s)
{
	who->flags = s->flags;
	who->uid = s->uid;
	who->inspected = !!(s->flags & TASK_CLIENT);
	who->root_tgid = s->root_tgid;
	who->root_start_ns = s->root_start_ns;
}

/* Who asks: the task, where it is governed; else whom the socket was bound by; else the login. */
static __always_inline void net_asker(struct asker *who, const struct task_context *t,
				      const struct socket_context *s)
{
	if (t)
		net_asker_task(who, t);
	else if (s)
		net_asker_socket(who, s);
	else
		who->uid = actor_who(bpf_get_current_task_btf());
}

/* A canary went through all of the verdict; its end says which attachment it came to. */
static __always_inline __u32 net_canary(const struct net_work *w)
{
	return w->who.root_tgid == owner && w->who.uid == w->door ? BAILIFF_DENY : BAILIFF_ALLOW;
}

/* The record of a verdict. What a socket says of its owner stands where no task does. */
static __always_inline void net_report(const struct net_work *w, const struct task_context *t)
{
	struct record_net *r;

	if (!reporting())
		return;
	if (w->verdict == BAILIFF_ALLOW)
		r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	else
		r = bpf_ringbuf_reserve(&denials, sizeof(*r), 0);
	if (!r) {
		count(w->verdict == BAILIFF_ALLOW ? COUNTER_LOST_RECORD : COUNTER_LOST_DENIAL, 1);
		return;
	}
	actor_head(&r->head, RECORD_NET, sizeof(*r), w->generation, t, w->person);
	if (!t) {
		r->head.actor.who_uid = w->who.uid;
		r->head.actor.flags = w->who.flags;
		r->head.actor.root_tgid = w->who.root_tgid;
		r->head.actor.root_start_ns = w->who.root_start_ns;
	}
	r->verdict = w->verdict;
	r->reason = w->j.reason;
	r->rule = w->j.rule;
	r->door = w->door;
	r->family = w->address.family;
	r->port = w->address.port;
	r->protocol = w->protocol;
	r->socket_type = w->type;
	__builtin_memcpy(r->address, w->address.bytes, sizeof(r->address));
	bpf_ringbuf_submit(r, 0);
}

static __always_inline void net_count(__u32 verdict)
{
	if (verdict == BAILIFF_WOULD_DENY)
		count(COUNTER_WOULD_DENY, 1);
	else if (verdict == BAILIFF_DENY)
		count(COUNTER_DENIED, 1);
}

/* A program's context as the kernel has it, since 6.2. Weak: where it is not, libbpf leaves a call
 * that the verifier must not come to. The enum is the verifier's own name for it: a kernel that has
 * the one has the other. */
extern void *bpf_cast_to_kern_ctx(void *context) __ksym __weak;
enum special_kfunc_type___cast { KF_bpf_cast_to_kern_ctx___cast = 1 };

#define NET_SEES_SOCKETS                                                                           \
	(bpf_core_enum_value_exists(enum special_kfunc_type___cast,                                \
				    KF_bpf_cast_to_kern_ctx___cast) &&                             \
	 bpf_core_field_exists(struct sock, sk_bpf_storage))

/* Whether no program of anybody's has put something to the socket: as it is with most sockets of a
 * host, none of which was ever a governed task's. It is the first thing that the helper looks at,
 * which gives nothing then; to look without it saves a call for every packet. For whole sockets:
 * the kernel runs programs for packets and connects of no others. */
static __always_inline bool net_bare(const struct sock *sk)
{
	return sk && !sk->sk_bpf_storage;
}

/* What was let through, and by which names: a later send on the socket asks no table. */
static __always_inline void net_remember(struct socket_context *s, const struct net_work *w)
{
	if (!s)
		return;
	s->judged = w->verdict == BAILIFF_DENY ? 0 : w->generation;
	s->state = w->named ? SOCKET_NAMED : 0;
	if (w->j.model)
		s->state |= SOCKET_MODEL;
	if (w->verdict == BAILIFF_WOULD_DENY)
		s->state |= SOCKET_REPORTED;
	for (int i = 0; i < LEARNED_NAMES; i++)
		s->patterns[i] = w->patterns[i];
	s->passed_family = 0;
	/* a canary has to come to the door it knocks at */
	if (w->verdict != BAILIFF_DENY && !(w->who.flags & TASK_CANARY))
		passed_keep(s, &w->address);
}

/* Whether the policy in force let the socket's peer through, and nothing was refused since. */
static __always_inline bool net_in_force(const struct socket_context *s)
{
	struct policy_root *root;
	__u32 slot = 0;

	root = policy_now(&slot);
	return root && s->judged == root->generation && !(s->state & SOCKET_RESET);
}

/* Whether the first door let exactly this through, by the policy in force, on the way to the
 * second. */
static __always_inline bool net_passed(struct socket_context *s, const struct address *a)
{
	return passed_take(s, a) && net_in_force(s);
}

/* Which names opened the socket, against the one the request is for. */
static __always_inline bool net_confirmed(const struct socket_context *s, __u64 pattern)
{
	if (!(s->state & SOCKET_NAMED))
		return true;
	for (int i = 0; i < LEARNED_NAMES; i++)
		if (pattern && s->patterns[i] == pattern)
			return true;
	return false;
}

#endif
