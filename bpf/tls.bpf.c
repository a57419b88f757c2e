// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The TLS boundary: plaintext of governed processes, copied as SSL_write and SSL_read return.
 *
 * At return, because only there is it known how much was taken: a write that would block is called
 * again with the same bytes, and counting at entry would count them twice. The return is probed at
 * the ret instructions: a uretprobe rewrites the return address, which a process can see, and which
 * crashed processes under seccomp before 6.14. */
#include "bpf/actor.bpf.h"
#include "bpf/ledger.bpf.h"
#include "bpf/uprobe.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline struct tls_connection *tls_connection(__u64 ssl, bool make)
{
	struct tls_connection_key key;
	struct tls_connection fresh = {}, *c;

	tls_connection_key(&key, ssl);
	c = bpf_map_lookup_elem(&tls_connections, &key);
	if (c || !make)
		return c;
	bpf_map_update_elem(&tls_connections, &key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&tls_connections, &key);
}

struct emit {
	struct task_context *t;
	__u64 ssl, buffer, offset, generation;
	__u32 len, direction, epoch, person;
};

static __always_inline void tls_fill(struct record_tls *r, const struct emit *e, __u32 at, __u32 n)
{
	actor_head(&r->head, RECORD_TLS, sizeof(*r) + n, e->generation, e->t, e->person);
	r->ssl = e->ssl;
	r->offset = e->offset + at;
	r->epoch = e->epoch;
	r->direction = e->direction;
	r->len = n;
	r->flags = 0;
}

static __always_inline void tls_lost(__u32 n)
{
	count(COUNTER_LOST_RECORD, 1);
	count(COUNTER_LOST_BYTES, n);
}

/* One chunk. A record has the size of its class; head.size says how much of it is used. */
#define TLS_EMIT(e, at, n, class_size)                                                             \
	do {                                                                                       \
		struct record_tls *r_ =                                                            \
			bpf_ringbuf_reserve(&records, sizeof(*r_) + (class_size), 0);              \
		if (!r_) {                                                                         \
			tls_lost(n);                                                               \
			break;                                                                     \
		}                                                                                  \
		tls_fill(r_, e, at, n);                                                            \
		if (bpf_probe_read_user(r_->bytes, n, (void *)((e)->buffer + (at)))) {             \
			count(COUNTER_UNREADABLE, 1);                                              \
			r_->flags = TLS_UNREADABLE;                                                \
			r_->head.size = sizeof(*r_);                                               \
		}                                                                                  \
		bpf_ringbuf_submit(r_, 0);                                                         \
	} while (0)

static long tls_chunk(__u32 i, struct emit *e)
{
	__u32 at = i * TLS_CHUNK_LARGE, left, n;

	if (at >= e->len)
		return 1;
	left = e->len - at;
	if (left >= TLS_CHUNK_LARGE) {
		TLS_EMIT(e, at, TLS_CHUNK_LARGE, TLS_CHUNK_LARGE);
		return 0;
	}
	n = left;
	/* the compiler must not prove away the bound that the verifier wants to see */
	asm volatile("%0 &= 0x3fff" : "+r"(n));
	if (n <= TLS_CHUNK_SMALL)
		TLS_EMIT(e, at, n, TLS_CHUNK_SMALL);
	else if (n <= TLS_CHUNK_MEDIUM)
		TLS_EMIT(e, at, n, TLS_CHUNK_MEDIUM);
	else
		TLS_EMIT(e, at, n, TLS_CHUNK_LARGE);
	return 0;
}

/* The length is an int, and what is negative fails; in the _ex forms what is longer is nobody's. */
#define TLS_WRITE_MOST 0x7fffffff

static __always_inline int tls_enter(struct pt_regs *ctx, __u64 count_at, __u32 direction)
{
	__u64 ssl = PT_REGS_PARM1(ctx), n = PT_REGS_PARM3(ctx);
	struct tls_connection *c;

	/* see tls_push() */
	asm volatile("" : "+r"(ssl), "+r"(n));
	if (!reporting() || !actor_governed())
		return 0;
	tls_push(&tls_calls, ctx, count_at, direction);
	if (direction != TLS_DIRECTION_SENT)
		return 0;
	/* what it sends leaves before it returns and is counted */
	c = tls_connection(ssl, true);
	if (c)
		c->pending = n > TLS_WRITE_MOST ? 0 : n;
	return 0;
}

static __always_inline int tls_return(struct pt_regs *ctx, __u32 direction, bool ex)
{
	struct tls_connection *c;
	struct policy_root *root;
	struct person_value *p;
	struct tls_call call;
	struct task_context *t;
	struct emit e = {};
	__u32 slot = 0;
	__s64 n;

	if (!reporting() || !tls_pop(&tls_calls, ctx, &call, direction))
		return 0;
	n = tls_result(ctx, &call, ex);
	if (n <= 0)
		return 0;
	t = actor_governed();
	c = tls_connection(call.ssl, true);
	if (!t || !c)
		return 0;
	root = policy_now(&slot);
	p = actor_person(slot, t->uid);
	e.t = t;
	e.ssl = call.ssl;
	e.buffer = call.buffer;
	e.len = n;
	e.direction = direction;
	e.epoch = c->epoch;
	e.offset = c->offset[direction & 1];
	e.person = p ? p->person : 0;
	e.generation = root ? root->generation : 0;
	c->offset[direction & 1] += n;
	if (direction == TLS_DIRECTION_SENT) {
		c->pending = 0;
		c->writes++;
	}
	count(COUNTER_CAPTURED_BYTES, n);
	bpf_loop(TLS_CHUNKS_MAX, tls_chunk, &e, 0);
	return 0;
}

SEC("uprobe")
int tls_write_enter(struct pt_regs *ctx)
{
	uprobe_own_stack(ctx);
	return tls_enter(ctx, 0, TLS_DIRECTION_SENT);
}

SEC("uprobe")
int tls_write_return(struct pt_regs *ctx)
{
	uprobe_own_stack(ctx);
	return tls_return(ctx, TLS_DIRECTION_SENT, false);
}

SEC("uprobe")
int tls_read_enter(struct pt_regs *ctx)
{
	uprobe_own_stack(ctx);
	return tls_enter(ctx, 0, TLS_DIRECTION_RECEIVED);
}

SEC("uprobe")
int tls_read_return(struct pt_regs *ctx)
{
	uprobe_own_stack(ctx);
	return tls_return(ctx, TLS_DIRECTION_RECEIVED, false);
}

SEC("uprobe")
int BPF_KPROBE(tls_write_ex_enter, __u64 ssl, __u64 buffer, __u64 len, __u64 count_at)
{
	uprobe_own_stack(ctx);
	return tls_enter(ctx, count_at, TLS_DIRECTION_SENT);
}

SEC("uprobe")
int tls_write_ex_return(struct pt_regs *ctx)
{
	uprobe_own_stack(ctx);
	return tls_return(ctx, TLS_DIRECTION_SENT, true);
}

SEC("uprobe")
int BPF_KPROBE(tls_read_ex_enter, __u64 ssl, __u64 buffer, __u64 len, __u64 count_at)
{
	uprobe_own_stack(ctx);
	return tls_enter(ctx, count_at, TLS_DIRECTION_RECEIVED);
}

SEC("uprobe")
int tls_read_ex_return(struct pt_regs *ctx)
{
	uprobe_own_stack(ctx);
	return tls_return(ctx, TLS_DIRECTION_RECEIVED, true);
}

/* A handshake on a pointer that has already received data is a new connection in an old place:
 * SSL_free and SSL_new gave the same address. (One that has only sent may be early data.) */
SEC("uprobe")
int BPF_KPROBE(tls_handshake, __u64 ssl)
{
	struct tls_connection *c;
	struct task_context *t;
	struct record_tls *r;
	struct emit e = {};

	uprobe_own_stack(ctx);
	if (!reporting())
		return 0;
	t = actor_governed();
	c = t ? tls_connection(ssl, false) : NULL;
	if (!c || !c->offset[TLS_DIRECTION_RECEIVED])
		return 0;
	c->offset[0] = 0;
	c->offset[1] = 0;
	c->pending = 0;
	c->writes = 0;
	c->epoch++;
	r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	if (!r) {
		count(COUNTER_LOST_RECORD, 1);
		return 0;
	}
	e.t = t;
	e.ssl = ssl;
	e.epoch = c->epoch;
	tls_fill(r, &e, 0, 0);
	r->head.type = RECORD_TLS_OPEN;
	bpf_ringbuf_submit(r, 0);
	return 0;
}
