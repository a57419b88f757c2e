// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Packets. What leaves a cgroup with governed tasks goes through the last net, and a question for a
 * name is looked at on its way: in one program, since the kernel's price for calling one is most of
 * what a packet pays. What comes is looked at where UDP puts it into its socket's queue, since of
 * all packets that come these alone can be answers.
 *
 * Names: what a configured name server answers to a lineage opens addresses for that lineage,
 * before its datagram can be read. So no connect() comes before it, and nobody else's answer
 * counts: each one must be for a question that the same socket asked, come from the name server's
 * address and port, and come in the network where the client at the head lives: in one that it made
 * itself, a client could be its own name server.
 *
 * What is truncated goes on over TCP, which is not read. */
#include "bpf/datagram.bpf.h"
#include "bpf/egress.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define QUESTION_NS (30 * 1000000000ULL) /* a resolver gives up sooner */

/* ---- what is looked up -------------------------------------------------------------------------
 */

/* Whether w->peer is a name server of the policy, over UDP, on its port. Functions that are not
 * static: the verifier looks at them once. They find the place themselves, since a key of a map
 * must not come from a function's argument. */
__noinline int dns_resolver(__u32 place)
{
	struct dns_work *w = dns_at(place);
	struct dest_set *set = NULL;
	void *trie, *sets;
	__u32 slot, *number = NULL;

	if (!w)
		return 0;
	slot = w->slot & (POLICY_SLOTS - 1);
	if (w->peer.family == VERDICT_AF_INET) {
		struct dest_key4 key = {.prefix_len = 32};

		__builtin_memcpy(key.address, w->peer.bytes, 4);
		trie = bpf_map_lookup_elem(&policy_dest4, &slot);
		if (trie)
			number = bpf_map_lookup_elem(trie, &key);
	} else {
		struct dest_key6 key = {.prefix_len = 128};

		__builtin_memcpy(key.address, w->peer.bytes, 16);
		trie = bpf_map_lookup_elem(&policy_dest6, &slot);
		if (trie)
			number = bpf_map_lookup_elem(trie, &key);
	}
	sets = bpf_map_lookup_elem(&policy_sets, &slot);
	if (sets && number)
		set = bpf_map_lookup_elem(sets, number);
	if (!set)
		return 0;
	for (__u32 i = 0; i < DEST_RULES_MAX; i++) {
		const struct dest_rule *r = &set->rules[i];

		if (i >= set->n)
			return 0;
		if (r->effect == DEST_RESOLVER && r->port_low <= w->peer.port &&
		    r->port_high >= w->peer.port && (!r->protocol || r->protocol == PROTOCOL_UDP))
			return 1;
	}
	return 0;
}

static long dns_key_round(__u32 i, struct dns_work **w)
{
	return dns_key_step(&(*w)->m.question, &(*w)->key, i);
}

/* The pattern of the policy that the question's name comes under: the longest. */
__noinline int dns_pattern(__u32 place)
{
	struct dns_work *w = dns_at(place);
	struct name_value *v;
	void *names;
	__u32 slot;

	if (!w || !dns_name_is_plain(&w->m.question))
		return 0;
	slot = w->slot & (POLICY_SLOTS - 1);
	names = bpf_map_lookup_elem(&policy_names, &slot);
	if (!names)
		return 0;
	bpf_loop(NAME_SIZE, dns_key_round, &w, 0);
	w->key.prefix_len = 8 * (w->m.question.len + 1);
	v = bpf_map_lookup_elem(names, &w->key);
	if (!v)
		return 0;
	w->pattern = v->pattern;
	w->effects = v->effects;
	return 1;
}

/* ---- what is said ------------------------------------------------------------------------------
 */

/* In softirq the current task is whoever was interrupted: what it says of itself counts only where
 * it is the socket's own process. */
static __always_inline void dns_head(struct record_head *h, const struct dns_work *w)
{
	struct task_struct *task = bpf_get_current_task_btf();

	h->version = CONTRACT_VERSION;
	h->type = RECORD_NAME;
	h->size = sizeof(struct record_name);
	h->time_ns = w->now;
	h->generation = w->generation;
	h->actor.tgid = w->who.tgid;
	h->actor.tid = w->who.tgid;
	h->actor.start_ns = w->who.start_ns;
	h->actor.cgroup = w->cgroup;
	h->actor.uid = w->who.uid;
	h->actor.login_uid = NO_LOGIN_UID;
	h->actor.session = NO_LOGIN_UID;
	h->actor.who_uid = w->who.uid;
	h->actor.person = w->person;
	h->actor.flags = w->who.flags;
	h->actor.root_tgid = w->who.root_tgid;
	h->actor.root_start_ns = w->who.root_start_ns;
	if ((__u32)BPF_CORE_READ(task, tgid) != w->who.tgid)
		return;
	h->actor.tid = BPF_CORE_READ(task, pid);
	h->actor.uid = BPF_CORE_READ(task, real_cred, uid.val);
	h->actor.login_uid = actor_login_uid(task);
	if (bpf_core_field_exists(task->sessionid))
		h->actor.session = BPF_CORE_READ(task, sessionid);
	bpf_probe_read_kernel(h->actor.comm, sizeof(h->actor.comm), &task->comm);
}

__noinline int dns_tell(__u32 place, __u32 event, __u32 verdict, __u32 reason, __u32 found)
{
	struct dns_work *w = dns_at(place);
	struct record_name *r;

	if (!w || !reporting())
		return 0;
	if (verdict == BAILIFF_ALLOW)
		r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	else
		r = bpf_ringbuf_reserve(&denials, sizeof(*r), 0);
	if (!r) {
		count(verdict == BAILIFF_ALLOW ? COUNTER_LOST_RECORD : COUNTER_LOST_DENIAL, 1);
		return 0;
	}
	__builtin_memset(r, 0, sizeof(*r));
	dns_head(&r->head, w);
	r->verdict = verdict;
	r->reason = reason;
	r->event = event;
	r->port = w->peer.port;
	if (found < DNS_ADDRESSES_MAX) {
		const struct dns_address *a = &w->m.addresses[found];

		r->family = a->family;
		r->ttl = dns_ttl(a->ttl);
		__builtin_memcpy(r->address, a->bytes, sizeof(r->address));
		r->port = 0;
	}
	r->name_len = w->m.question.len;
	__builtin_memcpy(r->name, w->m.question.text, sizeof(r->name));
	bpf_ringbuf_submit(r, 0);
	return 0;
}

/* What policy forbids, with the mode's last word. Returns an enum bailiff_verdict. */
static __always_inline __u32 dns_refuse(struct dns_work *w, __u32 place, __u32 event, __u32 reason,
					__u32 found)
{
	struct judgement j;
	__u32 verdict;

	judge(&j, BAILIFF_DENY, reason, 0, w->mode);
	verdict = judgement_apply(&j);
	if (verdict == BAILIFF_ALLOW)
		return verdict;
	count(verdict == BAILIFF_DENY ? COUNTER_DENIED : COUNTER_WOULD_DENY, 1);
	dns_tell(place, event, verdict, reason, found);
	return verdict;
}

/* ---- answers -----------------------------------------------------------------------------------
 */

static __always_inline void dns_tell_learned(struct dns_work *w, __u32 place, __u32 found,
					     const struct learned_key *key, __u64 until,
					     __u32 event)
{
	struct dns_told told = {.hash = w->m.hash};
	__u64 *seen;

	told.key = *key;
	seen = bpf_map_lookup_elem(&dns_told, &told);
	if (seen && *seen >= w->now)
		return;
	bpf_map_update_elem(&dns_told, &told, &until, BPF_ANY);
	dns_tell(place, event, BAILIFF_ALLOW, BAILIFF_REASON_NONE, found);
}

/* Closes an address to all who are not inspected. */
static __always_inline void dns_learn_model(struct dns_work *w, const struct address *a,
					    __u64 until)
{
	struct model_key key = {.family = a->family};
	struct learned_value *v;

	__builtin_memcpy(key.address, a->bytes, sizeof(key.address));
	v = bpf_map_lookup_elem(&model_addresses, &key);
	__builtin_memset(&w->value, 0, sizeof(w->value));
	if (v)
		w->value = *v;
	dns_remember(&w->value, w->pattern, until, w->now);
	if (bpf_map_update_elem(&model_addresses, &key, &w->value, BPF_ANY))
		count(COUNTER_NAMES_FULL, 1);
}

/* An address of an answer in its one form, in place too: what is told is what a connection to it
 * will be told by. */
static __always_inline void dns_canonical(struct dns_address *a, struct address *to)
{
	if (a->family == VERDICT_AF_INET)
		address_v4(to, a->bytes);
	else
		address_v6(to, a->bytes);
	a->family = to->family;
	__builtin_memcpy(a->bytes, to->bytes, sizeof(a->bytes));
}

static __always_inline void dns_learned_key(const struct dns_work *w, const struct address *to,
					    struct learned_key *key)
{
	key->root_start_ns = w->who.root_start_ns;
	key->root_tgid = w->who.root_tgid;
	key->family = to->family;
	__builtin_memcpy(key->address, to->bytes, sizeof(key->address));
}

/* One address of the answer. */
__noinline int dns_learn(__u32 place, __u32 found)
{
	struct dns_work *w = dns_at(place);
	struct learned_key key = {};
	struct learned_value *v;
	struct dns_address *a;
	struct address to = {};
	__u64 until;

	if (!w || found >= DNS_ADDRESSES_MAX)
		return 0;
	a = &w->m.addresses[found];
	dns_canonical(a, &to);
	if (!dns_may_have(w->effects, dns_reach(&to))) {
		if (w->governed)
			dns_refuse(w, place, NAME_REFUSED_ANSWER, BAILIFF_REASON_DEFAULT, found);
		return 0;
	}
	until = w->now + dns_ttl(a->ttl) * 1000000000ULL;
	if (w->home && (w->effects & (1u << DEST_MODEL)))
		dns_learn_model(w, &to, until);
	if (!w->governed)
		return 0;
	dns_learned_key(w, &to, &key);
	__builtin_memset(&w->value, 0, sizeof(w->value));
	v = bpf_map_lookup_elem(&learned, &key);
	if (v)
		w->value = *v;
	dns_remember(&w->value, w->pattern, until, w->now);
	/* written whole: a reader sees the old names or the new ones */
	if (bpf_map_update_elem(&learned, &key, &w->value, BPF_ANY))
		count(COUNTER_STORAGE_FAILED, 1);
	else
		dns_tell_learned(w, place, found, &key, until, NAME_LEARNED);
	return 0;
}

/* One address of an answer for a name that no rule lists: nothing is learned, but a connection that
 * is refused there has a name that people know it by. */
__noinline int dns_see(__u32 place, __u32 found)
{
	struct dns_work *w = dns_at(place);
	struct learned_key key = {};
	struct address to = {};
	struct dns_address *a;

	if (!w || found >= DNS_ADDRESSES_MAX)
		return 0;
	a = &w->m.addresses[found];
	dns_canonical(a, &to);
	dns_learned_key(w, &to, &key);
	dns_tell_learned(w, place, found, &key, w->now + dns_ttl(a->ttl) * 1000000000ULL,
			 NAME_SEEN);
	return 0;
}

/* Whether this socket asked; each question has one answer. */
static __always_inline bool dns_was_asked(const struct dns_work *w)
{
	struct dns_asked key = {.cookie = w->cookie, .hash = w->m.hash, .id = w->m.id};
	__u64 *when = bpf_map_lookup_elem(&dns_asked, &key);

	if (!when || *when + QUESTION_NS < w->now)
		return false;
	return bpf_map_delete_elem(&dns_asked, &key) == 0;
}

/* The message of w->m, from a name server. */
__noinline int dns_answered(__u32 place)
{
	struct dns_work *w = dns_at(place);
	int r, listed;

	if (!w)
		return 0;
	r = dns_question(&w->m, 1);
	if (r == DNS_OTHER)
		return 0;
	count(r == DNS_BAD ? COUNTER_ANSWERS_BAD : COUNTER_ANSWERS, 1);
	if (r == DNS_BAD || (w->governed && !dns_was_asked(w)))
		return 0;
	/* what an ungoverned process was told matters only where it closes something */
	listed = dns_pattern(place);
	if (!w->governed && !(listed && (w->effects & (1u << DEST_MODEL))))
		return 0;
	if (r == DNS_TRUNCATED) {
		if (w->governed && listed)
			dns_tell(place, NAME_TRUNCATED, BAILIFF_ALLOW, BAILIFF_REASON_NONE,
				 DNS_ADDRESSES_MAX);
		return 0;
	}
	r = dns_answer(&w->m);
	if (r == DNS_BAD)
		count(COUNTER_ANSWERS_BAD, 1);
	if (r != DNS_OK)
		return 0;
	for (__u32 i = 0; i < DNS_ADDRESSES_MAX; i++) {
		if (i >= w->m.n)
			break;
		if (listed)
			dns_learn(place, i);
		else
			dns_see(place, i);
	}
	return 0;
}

/* A standard response with one question: nearly nothing else on a host looks like it. */
static __always_inline bool dns_looks_answered(const __u8 head[6])
{
	return (head[2] & 0xf8) == 0x80 && head[4] == 0 && head[5] == 1;
}

/* The same of a datagram, a part of which may be in pages. */
static __always_inline bool dns_is_heard(const struct datagram *d)
{
	__u8 head[6];

	if (d->len < DNS_HEAD)
		return false;
	if (d->len - d->paged < sizeof(head))
		return true; /* seen when it is read whole */
	return !bpf_probe_read_kernel(head, sizeof(head), (void *)(unsigned long)d->data) &&
	       dns_looks_answered(head);
}

/* Every datagram that comes, in any cgroup. A function of the kernel's, exported to its modules, so
 * that it is never inlined. */
SEC("fentry/__udp_enqueue_schedule_skb")
int BPF_PROG(dns_heard, struct sock *sk, struct sk_buff *skb)
{
	struct datagram d = {};
	struct dns_work *w;
	__u32 place = 0;

	if (datagram_of(skb, &d) || !dns_is_heard(&d))
		return 0;
	w = dns_begin(&place);
	if (!w)
		return 0;
	w->cookie = bpf_get_socket_cookie(sk);
	w->cgroup = BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);
	if (dns_who(sk, w, bpf_sk_storage_get(&sockets, sk, 0, 0), &d.peer) == 0 && !w->elsewhere &&
	    dns_resolver(place)) {
		if (datagram_read(&d, &w->m) == 0)
			dns_answered(place);
		else
			count(COUNTER_ANSWERS_BAD, 1);
	}
	dns_end(w);
	return 0;
}

/* Stands in where that function cannot be watched: every packet that comes pays for it. */
SEC("?cgroup_skb/ingress")
int dns_ingress(struct __sk_buff *skb)
{
	struct dns_packet p = {};
	struct bpf_sock *sk;
	struct dns_work *w;
	__u32 place = 0;
	__u8 head[6];

	if (dns_packet(skb, true, &p) || p.len < DNS_HEAD ||
	    bpf_skb_load_bytes(skb, p.at, head, sizeof(head)) || !dns_looks_answered(head))
		return PACKET_PASS;
	sk = skb->sk;
	if (!sk)
		return PACKET_PASS;
	w = dns_begin(&place);
	if (!w)
		return PACKET_PASS;
	if (dns_whose(skb, sk, w, bpf_sk_storage_get(&sockets, sk, 0, 0), &p.peer) == 0 &&
	    !w->elsewhere && dns_resolver(place) && dns_copy(skb, &p, w) == 0)
		dns_answered(place);
	dns_end(w);
	return PACKET_PASS;
}

/* ---- questions ---------------------------------------------------------------------------------
 */

/* The message of w->m, to a name server. Returns whether it goes. */
__noinline int dns_asks(__u32 place)
{
	struct dns_work *w = dns_at(place);
	struct dns_asked key = {};
	int r = DNS_BAD;

	if (!w)
		return PACKET_PASS;
	if (w->m.len)
		r = dns_question(&w->m, 0);
	if (w->flags & POLICY_QUERY_REFUSE) {
		/* a name under a listed domain may still carry something to who owns the domain:
		 * that is somebody the policy trusts */
		if ((r != DNS_OK || !dns_only_asks(&w->m) || !dns_pattern(place)) &&
		    dns_refuse(w, place, NAME_REFUSED_QUERY, BAILIFF_REASON_QUERY,
			       DNS_ADDRESSES_MAX) == BAILIFF_DENY)
			return PACKET_DROP;
	}
	if (r == DNS_OK) {
		key.cookie = w->cookie;
		key.hash = w->m.hash;
		key.id = w->m.id;
		bpf_map_update_elem(&dns_asked, &key, &w->now, BPF_ANY);
	}
	return PACKET_PASS;
}

/* No place to read a datagram of a governed task in: where questions are refused it may be one. */
static __always_inline int dns_unread(void)
{
	struct policy_root *root;
	__u32 slot = 0;

	root = policy_now(&slot);
	if (root && (root->flags & POLICY_QUERY_REFUSE) &&
	    root->mode_destinations == BAILIFF_MODE_ENFORCE)
		return PACKET_DROP;
	return PACKET_PASS;
}

/* A datagram of a governed socket: whether it is a question for a name, and may go. A function of
 * its own: what is below it and below net_egress() have one stack between them. */
__noinline int dns_leaves(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct socket_context *s;
	struct dns_packet p = {};
	struct dns_work *w;
	__u32 place = 0;
	int r = PACKET_PASS;

	if (!sk || dns_packet(skb, false, &p))
		return PACKET_PASS;
	s = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!s)
		return PACKET_PASS;
	w = dns_begin(&place);
	if (!w)
		return dns_unread();
	if (dns_whose(skb, sk, w, s, &p.peer) == 0 && dns_resolver(place)) {
		dns_copy(skb, &p, w);
		r = dns_asks(place);
	}
	dns_end(w);
	return r;
}

/* ---- what leaves -------------------------------------------------------------------------------
 */

/* What no door has judged by the policy in force, or goes elsewhere than to the peer. A function of
 * its own: the verifier looks at it once, and most packets never come here. */
__noinline int egress_unjudged(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct socket_context *s;
	struct policy_root *root;
	__u32 slot = 0;

	if (!sk)
		return PACKET_PASS;
	s = bpf_sk_storage_get(&sockets, sk, 0, 0);
	sk = bpf_sk_fullsock(sk);
	if (!s || !sk)
		return PACKET_PASS;
	/* a listener sends handshakes alone, and was judged when it began to listen */
	if (sk->state == STATE_LISTEN)
		return PACKET_PASS;
	root = policy_now(&slot);
	if ((s->state & SOCKET_RESET) && sk->protocol == PROTOCOL_TCP)
		return egress_farewell(skb) ? PACKET_PASS : PACKET_DROP;
	return egress_judge(skb, sk, s, root, slot);
}

/* Packets of governed sockets that no door has judged by the policy in force: splice and sendfile,
 * for which no LSM hook is called before 6.5; connections that somebody else made; connections from
 * before the policy changed; packets with a route of their own. All others pass at the first look.
 */
SEC("cgroup_skb/egress")
int net_egress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct socket_context *s;

	if (!sk)
		return PACKET_PASS;
	if (NET_SEES_SOCKETS) {
		const struct sk_buff *whole = bpf_cast_to_kern_ctx(skb);

		if (net_bare(whole->sk))
			return PACKET_PASS;
	}
	/* of a socket that is not a whole one (a handshake's) it gives nothing */
	s = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!s || !(s->flags & TASK_GOVERNED))
		return PACKET_PASS;
	if (net_in_force(s)) {
		/* nearly all: neither a route of its own nor a question can be in it */
		if (egress_is_plain_tcp(skb))
			return PACKET_PASS;
		if (egress_detours(skb, sk) && egress_unjudged(skb) == PACKET_DROP)
			return PACKET_DROP;
	} else if (egress_unjudged(skb) == PACKET_DROP) {
		return PACKET_DROP;
	}
	if (!packet_is_udp(skb))
		return PACKET_PASS;
	return dns_leaves(skb) == PACKET_DROP ? PACKET_DROP : PACKET_PASS;
}
