// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The byte ledger: compares what governed processes say through the probed TLS functions with what
 * their sockets send, as they send and when the connection ends. It tells and refuses nothing: that
 * it is too late for.
 *
 * The TLS functions do not know the socket, and the send does not know the plaintext. What joins
 * the two is the thread: capture leaves on it which connection was written to last. */
#include "bpf/actor.bpf.h"
#include "bpf/ledger.bpf.h"
#include "bpf/ledger.h"
#include "bpf/verdict.h"

#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PROTOCOL_TCP	  6
#define STATE_ESTABLISHED 1
#define STATE_SYN_SENT	  2
#define STATE_FIN_WAIT1	  4
#define STATE_CLOSE	  7
#define STATE_LAST_ACK	  9

/* Written by this object. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ledger);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ledgers SEC(".maps");

/* ---- which connection of TLS a socket carries --------------------------------------------------
 */

/* Before 6.4. */
struct iov_iter___before {
	const struct iovec *iov;
} __attribute__((preserve_access_index));

/* The first byte that is about to be sent, in user space; 0: not from there. */
static __always_inline __u64 ledger_first(struct msghdr *msg)
{
	struct iov_iter___before *before = (void *)&msg->msg_iter;
	__u8 kind = BPF_CORE_READ(msg, msg_iter.iter_type);
	__u64 skip = BPF_CORE_READ(msg, msg_iter.iov_offset);
	const struct iovec *vector;

	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    kind == bpf_core_enum_value(enum iter_type, ITER_UBUF))
		return (__u64)BPF_CORE_READ(msg, msg_iter.ubuf) + skip;
	if (kind != bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		return 0;
	if (bpf_core_field_exists(before->iov))
		vector = BPF_CORE_READ(before, iov);
	else
		vector = BPF_CORE_READ(msg, msg_iter.__iov);
	return (__u64)BPF_CORE_READ(vector, iov_base) + skip;
}

/* Whether a record of TLS begins there (RFC 8446, 5.1). Within the write anything that TLS sends;
 * after it, from memory that the library has filled, application data alone: a handshake that comes
 * between is another connection's. Without this look plain HTTP that a thread sends after a write
 * would pass for what was written. */
static __always_inline bool ledger_is_record(struct msghdr *msg, bool within)
{
	__u64 at = ledger_first(msg);
	__u8 head[3] = {};

	if (!at || bpf_probe_read_user(head, sizeof(head), (void *)at))
		return false;
	return head[1] == 3 && head[2] <= 4 && head[0] <= 0x17 && head[0] >= (within ? 0x14 : 0x17);
}

static __always_inline struct tls_connection *ledger_connection(const struct ledger_tie *t)
{
	struct tls_connection_key key = {.ssl = t->ssl, .start_ns = t->start_ns, .tgid = t->tgid};

	return bpf_map_lookup_elem(&tls_connections, &key);
}

/* A place for another connection; the one that it takes is counted as it was. */
static __always_inline void ledger_tie(struct ledger *l, const struct tls_connection_key *key,
				       __u64 sent)
{
	struct ledger_tie *t = &l->ties[l->next++ & (LEDGER_TIES - 1)];

	ledger_retire(l, t);
	t->ssl = key->ssl;
	t->start_ns = key->start_ns;
	t->tgid = key->tgid;
	t->epoch = 0;
	/* what went before went past probes that may not have been there yet: a library is probed
	 * when it is mapped first. Not so of a client, whose probes are there before it connects */
	if (!(l->flags & LEDGER_TIED) && !(l->flags & LEDGER_MODEL))
		l->base = sent;
	l->flags |= LEDGER_TIED;
}

/* What the thread wrote through TLS goes out on this socket. */
static __always_inline void ledger_join(struct ledger *l, struct msghdr *msg, __u64 sent)
{
	struct tls_calls *calls =
		bpf_task_storage_get(&tls_calls, bpf_get_current_task_btf(), 0, 0);
	struct tls_connection_key key;
	bool within;

	if (!calls || !calls->wrote)
		return;
	tls_connection_key(&key, calls->wrote);
	for (int i = 0; i < LEDGER_TIES; i++) {
		const struct ledger_tie *t = &l->ties[i];

		if (t->ssl == key.ssl && t->tgid == key.tgid && t->start_ns == key.start_ns) {
			calls->wrote = 0;
			return;
		}
	}
	within = calls->depth != 0;
	/* from memory one thread may send for several: only who is known to speak TLS */
	if (ledger_is_record(msg, within) && (within || (l->flags & LEDGER_MODEL))) {
		ledger_tie(l, &key, sent);
		calls->wrote = 0;
	} else if (!within) {
		calls->wrote = 0;
	}
}

static __always_inline void ledger_count(struct ledger *l)
{
	for (int i = 0; i < LEDGER_TIES; i++) {
		struct ledger_tie *t = &l->ties[i];
		struct tls_connection *c;

		if (!t->ssl)
			continue;
		c = ledger_connection(t);
		if (c)
			ledger_follow(l, t, c->epoch, c->offset[TLS_DIRECTION_SENT], c->pending,
				      c->writes);
	}
}

/* ---- telling -----------------------------------------------------------------------------------
 */

/* A connection may end from a timer or an interrupt, in anybody's time: who it is of, is what the
 * socket says. */
static __always_inline void ledger_actor(struct record_actor *a, const struct socket_context *s,
					 __u32 person)
{
	__builtin_memset(a, 0, sizeof(*a));
	a->tgid = s->tgid;
	a->tid = s->tgid;
	a->start_ns = s->start_ns;
	a->uid = s->uid;
	a->login_uid = NO_LOGIN_UID;
	a->session = NO_LOGIN_UID;
	a->who_uid = s->uid;
	a->person = person;
	a->flags = s->flags;
	a->root_tgid = s->root_tgid;
	a->root_start_ns = s->root_start_ns;
}

static __always_inline void ledger_peer(struct record_ledger *r, const struct sock *sk)
{
	struct address a = {};

	a.port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == VERDICT_AF_INET) {
		__u32 raw = BPF_CORE_READ(sk, __sk_common.skc_daddr);

		address_v4(&a, (__u8 *)&raw);
	} else {
		struct in6_addr raw = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);

		address_v6(&a, (__u8 *)&raw);
	}
	r->family = a.family;
	r->port = a.port;
	__builtin_memcpy(r->address, a.bytes, sizeof(r->address));
}

/* t: who sends, NULL when it is told of the end. */
static __always_inline void ledger_tell(const struct ledger *l, const struct sock *sk,
					const struct socket_context *s,
					const struct task_context *t, __u64 sent, __u64 said,
					__u64 unsaid)
{
	struct policy_root *root;
	struct person_value *p;
	struct record_ledger *r;
	__u32 slot = 0;

	root = policy_now(&slot);
	p = actor_person(slot, t ? t->uid : s->uid);
	/* not the ring of the plaintext: whoever hides bytes can fill that */
	r = bpf_ringbuf_reserve(&denials, sizeof(*r), 0);
	if (!r) {
		count(COUNTER_LOST_DENIAL, 1);
		return;
	}
	actor_head(&r->head, RECORD_LEDGER, sizeof(*r), root ? root->generation : 0, t,
		   p ? p->person : 0);
	if (!t)
		ledger_actor(&r->head.actor, s, p ? p->person : 0);
	r->sent = sent;
	r->said = said;
	r->unsaid = unsaid;
	r->writes = l->writes;
	for (int i = 0; i < LEDGER_TIES; i++)
		r->writes += l->ties[i].writes;
	r->flags = (l->flags & LEDGER_MODEL ? RECORD_LEDGER_MODEL : 0) |
		   (l->flags & LEDGER_TIED ? RECORD_LEDGER_TIED : 0) |
		   (t ? 0 : RECORD_LEDGER_ENDED);
	ledger_peer(r, sk);
	bpf_ringbuf_submit(r, 0);
}

/* The keeper decides by the policy whether who does that stays a client. */
static __always_inline void ledger_ask(const struct task_context *t)
{
	struct record_image *r = bpf_ringbuf_reserve(&asks, sizeof(*r), 0);

	if (!r) {
		count(COUNTER_LOST_ASK, 1);
		return;
	}
	actor_head(&r->head, RECORD_IMAGE, sizeof(*r), 0, t, 0);
	r->key = t->image;
	r->ask = ASK_UNSAID;
	r->by_exec = 0;
	r->netns = t->netns;
	r->pad = 0;
	r->address = 0;
	bpf_ringbuf_submit(r, 0);
}

static __always_inline __u64 ledger_given(const struct sock *sk, const struct ledger *l)
{
	const struct tcp_sock *tp = (const void *)sk;
	__u64 acked = BPF_CORE_READ(tp, bytes_acked);

	return ledger_sent(acked, l->first, BPF_CORE_READ(tp, write_seq));
}

/* ---- hooks -------------------------------------------------------------------------------------
 */

/* Where the LSM asks, and not in TCP: what the kernel encrypts itself (kTLS) comes by here, too. */
SEC("fentry/security_socket_sendmsg")
int BPF_PROG(ledger_send, struct socket *sock, struct msghdr *msg, int size)
{
	struct sock *sk = sock->sk;
	struct socket_context *s;
	struct task_context *t;
	struct ledger *l;
	__u64 sent, said = 0, unsaid;

	if (!sk)
		return 0;
	l = bpf_sk_storage_get(&ledgers, sk, 0, 0);
	if (!l || l->owner != owner || !(l->flags & LEDGER_OPEN) || !reporting())
		return 0;
	t = actor_governed();
	if (!t)
		return 0; /* the end of the connection counts it */
	/* its probes were taken off, and with them went what is to be compared */
	if ((l->flags & LEDGER_CLIENT) && l->tgid == bpf_get_current_pid_tgid() >> 32 &&
	    l->start_ns == bpf_get_current_task_btf()->group_leader->start_boottime &&
	    !actor_inspected(t)) {
		l->owner = 0;
		return 0;
	}
	sent = ledger_given(sk, l);
	ledger_join(l, msg, sent);
	ledger_count(l);
	/* with what is about to be sent, for that was said already */
	sent += size > 0 ? size : 0;
	unsaid = ledger_unsaid(l, sent, &said);
	if (!unsaid || (l->flags & LEDGER_TOLD))
		return 0;
	s = bpf_sk_storage_get(&sockets, sk, 0, 0);
	if (!s)
		return 0;
	l->flags |= LEDGER_TOLD;
	ledger_tell(l, sk, s, t, sent, said, unsaid);
	if ((l->flags & LEDGER_MODEL) && (t->flags & TASK_CLIENT))
		ledger_ask(t);
	return 0;
}

/* By the thread that connects. Whatever the socket was before is over. */
static __always_inline void ledger_begin(struct sock *sk)
{
	struct task_context *t = actor_governed();
	struct socket_context *s;
	struct ledger *l;

	if (!t)
		return;
	s = bpf_sk_storage_get(&sockets, sk, 0, 0);
	l = bpf_sk_storage_get(&ledgers, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!l) {
		count(COUNTER_STORAGE_FAILED, 1);
		return;
	}
	__builtin_memset(l, 0, sizeof(*l));
	l->owner = owner;
	l->tgid = bpf_get_current_pid_tgid() >> 32;
	l->start_ns = bpf_get_current_task_btf()->group_leader->start_boottime;
	if (!actor_inspected(t))
		return;
	l->flags = LEDGER_CLIENT;
	if (s && (s->state & SOCKET_MODEL))
		l->flags |= LEDGER_MODEL;
}

/* SYN and ACK have passed, and nothing else: from here the two counters can be told apart. */
static __always_inline void ledger_open(const struct sock *sk, struct ledger *l)
{
	const struct tcp_sock *tp = (const void *)sk;

	l->first = BPF_CORE_READ(tp, snd_una) - (__u32)BPF_CORE_READ(tp, bytes_acked);
	l->flags |= LEDGER_OPEN;
}

/* Nothing more can be sent. What came past the hook above is in TCP's count: sendfile and splice
 * before 6.5, and what somebody sent who is not governed. */
static __always_inline void ledger_end(struct sock *sk, struct ledger *l)
{
	struct socket_context *s = bpf_sk_storage_get(&sockets, sk, 0, 0);
	__u64 sent, said = 0, unsaid;

	sent = ledger_given(sk, l);
	unsaid = ledger_unsaid(l, sent, &said);
	l->flags &= ~LEDGER_OPEN;
	if (s && unsaid)
		ledger_tell(l, sk, s, NULL, sent, said, unsaid);
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(ledger_state, struct sock *sk, int before, int after)
{
	struct ledger *l;

	if (sk->sk_protocol != PROTOCOL_TCP || !reporting())
		return 0;
	if (after == STATE_SYN_SENT) {
		ledger_begin(sk);
		return 0;
	}
	if (after != STATE_ESTABLISHED && after != STATE_FIN_WAIT1 && after != STATE_LAST_ACK &&
	    after != STATE_CLOSE)
		return 0;
	l = bpf_sk_storage_get(&ledgers, sk, 0, 0);
	if (!l || l->owner != owner)
		return 0;
	if (after == STATE_ESTABLISHED)
		ledger_open(sk, l);
	else if (l->flags & LEDGER_OPEN)
		ledger_end(sk, l);
	return 0;
}
