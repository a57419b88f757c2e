// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The inline data path: what a detector finds in the text of a request is overwritten before it is
 * encrypted, in that of a response before the client sees it. Same length, in place.
 *
 * At SSL_write's entry, because at its return it is sent; at SSL_read's ret, because before it
 * nothing is there. What a write scanned counts once its return says that the bytes were taken: a
 * write that would block is called again with the same ones. docs/inline.md has the details. */
#include "bpf/inline.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* ---- a round: gather text, scan it, mask it ----------------------------------------------------
 */

/* Puts raw[from, to) back where it was read. */
__noinline int inline_put(struct inline_work *w, __u32 from, __u32 to)
{
	__u32 len;

	if (!w || from >= to || to > SCAN_BUFFER)
		return 0;
	from &= SCAN_BUFFER - 1;
	len = to - from;
	/* a positive size, and the verifier has to see it so */
	len = ((len - 1) & (SCAN_BUFFER - 1)) + 1;
	if (w->dry)
		return 0;
	if (bpf_probe_write_user((void *)(w->buffer + w->done + from), w->raw + from, len))
		count(COUNTER_UNREADABLE, 1);
	return 0;
}

/* Up to 16 bytes that the content machine has nothing to say of. Returns how many. */
__noinline int inline_bulk(struct inline_work *w)
{
	__u32 at, n, i, left, last;
	__u8 kind = 0;

	if (!w)
		return 0;
	left = content_run(&w->content, &kind);
	if (left > w->len - w->at)
		left = w->len - w->at;
	at = w->at;
	for (i = 0; i < INLINE_STRIDE; i++) {
		if (i >= left || !content_is_ordinary(w->raw[(at + i) & (SCAN_BUFFER - 1)]))
			break;
	}
	if (!i)
		return 0;
	left = i;
	content_ran(&w->content, left);
	w->at = at + left;
	if (!(w->want >> (kind & 3) & 1))
		return left;
	n = w->n;
	w->n = n + left;
	for (i = 0; i < INLINE_STRIDE; i++) {
		last = at + i;
		w->text.byte[(n + i) & (SCAN_BUFFER - 1)] = w->raw[last & (SCAN_BUFFER - 1)];
		w->where[(n + i) & (SCAN_BUFFER - 1)] = inline_where(last, CONTENT_PLAIN, 0, 1, 0);
	}
	return left;
}

/* Overwrites the value of Accept-Encoding that lies in raw[from, to). What is cut off or too short
 * for a word is blank, which asks for the same (RFC 9110, 12.5.3). */
static long inline_identity(__u32 i, struct inline_work **ctx)
{
	struct inline_work *w = *ctx;
	__u32 at = w->accept + i;

	if (at >= w->accept_to)
		return 1;
	w->raw[at & (SCAN_BUFFER - 1)] =
		w->accept_whole && i < 8 ? INLINE_IDENTITY >> (i & 7) * 8 & 0xff : ' ';
	return 0;
}

__noinline int inline_accept(struct inline_work *w, __u32 to, __u32 whole)
{
	if (!w || !(w->want & (1 << CONTENT_TEXT | 1 << CONTENT_INPUT)))
		return 0;
	w->accept_to = to;
	w->accept_whole = whole && to - w->accept >= 8;
	bpf_loop(SCAN_BUFFER, inline_identity, &w, 0);
	inline_put(w, w->accept, to);
	return 0;
}

/* One byte through the content machine. */
__noinline int inline_byte(struct inline_work *w)
{
	__u32 at, n, have, where;
	struct content_out *o;

	if (!w)
		return 0;
	o = &w->out;
	at = w->at;
	content_step(&w->content, w->raw[at & (SCAN_BUFFER - 1)], o);
	w->at = at + 1;
	if (o->flags & (CONTENT_ACCEPT_BEGINS | CONTENT_ACCEPT_ENDS)) {
		if (o->flags & CONTENT_ACCEPT_BEGINS) {
			w->accept = at;
			w->accept_cut = 0;
		} else {
			inline_accept(w, at, !w->accept_cut);
		}
	}
	if (!o->n || !(w->want >> (o->kind & 3) & 1))
		return 0;
	n = w->n;
	if (o->begins) {
		/* in no text and in no detector: what stands on its two sides does not touch */
		w->text.byte[n & (SCAN_BUFFER - 1)] = CONTENT_MARK;
		w->where[n & (SCAN_BUFFER - 1)] = 0;
		n++;
	}
	have = o->run < at + 1 ? o->run : at + 1;
	where = inline_where(at, o->form, o->code, content_mask_len(o, have), have < o->raw);
	for (__u32 i = 0; i < CONTENT_BYTES; i++) {
		if (i >= o->n)
			break;
		w->text.byte[n & (SCAN_BUFFER - 1)] = o->bytes[i];
		/* a character is masked with its last byte */
		w->where[n & (SCAN_BUFFER - 1)] = i + 1u == o->n ? where : 0;
		n++;
	}
	w->n = n;
	return 0;
}

static long inline_gather(__u32 i, struct inline_work **ctx)
{
	struct inline_work *w = *ctx;

	if (w->at >= w->len || w->n > SCAN_BUFFER - INLINE_SLACK)
		return 1;
	if (!inline_bulk(w))
		inline_byte(w);
	return 0;
}

/* ---- masking -----------------------------------------------------------------------------------
 */

/* One decoded byte of a span. */
__noinline int inline_mask_byte(struct inline_work *w, __u32 at, __u32 flags)
{
	__u32 where, last, len;
	struct content_out o = {};
	__u8 b, style;

	if (!w)
		return 0;
	b = w->text.byte[at & (SCAN_BUFFER - 1)];
	where = w->where[at & (SCAN_BUFFER - 1)];
	len = INLINE_LEN(where);
	style = scan_masked(flags, b);
	if (!len || style == b)
		return 0;
	last = INLINE_LAST(where);
	o.form = INLINE_FORM(where);
	o.code = INLINE_HIGH(where) << 4;
	o.raw = INLINE_CUT(where) ? len + 1 : len;
	for (__u32 i = 0; i < INLINE_MASK_MAX; i++) {
		if (i >= len)
			break;
		w->raw[(last - i) & (SCAN_BUFFER - 1)] = content_mask_byte(&o, len, style, i);
	}
	if (last + 1 - len < w->low)
		w->low = last + 1 - len;
	w->high = last + 1;
	w->masked++;
	return 0;
}

static long inline_mask_step(__u32 i, struct inline_work **ctx)
{
	struct inline_work *w = *ctx;

	if (w->mask_at >= w->mask_to)
		return 1;
	inline_mask_byte(w, w->mask_at, w->mask_flags);
	w->mask_at++;
	return 0;
}

static long inline_mask_span(__u32 i, struct inline_work **ctx)
{
	struct inline_work *w = *ctx;
	const struct scan_span *s;

	if (i >= w->run.n)
		return 1;
	s = scan_span(&w->run, i);
	w->mask_at = s->start;
	w->mask_to = s->end;
	w->mask_flags = s->flags;
	w->low = SCAN_BUFFER;
	w->high = 0;
	bpf_loop(SCAN_BUFFER, inline_mask_step, ctx, 0);
	inline_put(w, w->low, w->high);
	return 0;
}

__noinline int inline_mask(struct inline_work *w)
{
	if (!w)
		return 0;
	bpf_loop(SCAN_SPANS, inline_mask_span, &w, 0);
	w->run.n = 0;
	return 0;
}

/* ---- rounds ------------------------------------------------------------------------------------
 */

struct inline_pair {
	const struct scan_table *t;
	struct inline_work *w;
};

static long inline_stride(__u32 i, struct inline_pair *p)
{
	struct inline_work *w = p->w;

	if (!scan_stride(p->t, &w->run, &w->text))
		return 0;
	if (w->run.at >= w->run.len)
		return 1;
	inline_mask(w);
	return 0;
}

/* Scans what was gathered, and masks what is found. */
__noinline int inline_scan(const struct scan_table *t, struct inline_work *w)
{
	struct inline_pair p = {};

	if (!t || !w || !w->n)
		return 0;
	p.t = t;
	p.w = w;
	scan_begin(t, &w->scan, &w->run, w->n);
	bpf_loop(SCAN_STRIDES + SCAN_BUFFER / SCAN_STRIDE, inline_stride, &p, 0);
	scan_finish(t, &w->scan, &w->run, &w->text);
	inline_mask(w);
	return 0;
}

/* Reads the next piece. Returns 0 when there is none. */
__noinline int inline_fetch(struct inline_work *w)
{
	__u32 n, stop;

	if (!w)
		return 0;
	/* what was scanned before is a piece of its own, so that its end can be told */
	stop = w->done < w->seam && w->seam < w->total ? w->seam : w->total;
	if (w->done >= stop)
		return 0;
	n = stop - w->done;
	if (n > SCAN_BUFFER)
		n = SCAN_BUFFER;
	n = ((n - 1) & (SCAN_BUFFER - 1)) + 1;
	if (bpf_probe_read_user(w->raw, n, (void *)(w->buffer + w->done))) {
		count(COUNTER_UNREADABLE, 1);
		content_tunnel(&w->content);
		return 0;
	}
	w->at = 0;
	w->len = n;
	w->accept = 0;
	w->accept_cut = 1;
	return 1;
}

/* A piece, or as much of it as there was room for its text. Returns 0 when all is done. Not a
 * function of its own: from here on seven calls nest, callbacks counted, and eight may in all. */
static __always_inline int inline_round(const struct scan_table *t, struct inline_work *w)
{
	if (w->at >= w->len && !inline_fetch(w))
		return 0;
	w->n = 0;
	bpf_loop(SCAN_BUFFER, inline_gather, &w, 0);
	inline_scan(t, w);
	if (w->at < w->len)
		return 1;
	if (w->content.accepting)
		inline_accept(w, w->len, 0);
	w->done += w->len;
	return 1;
}

static long inline_rounds(__u32 i, struct inline_pair *p)
{
	struct inline_work *w = p->w;

	if (!inline_round(p->t, w))
		return 1;
	/* a value that was masked when these bytes were scanned before is masked on */
	if (w->at >= w->len && w->done == w->seam && w->ahead.masking)
		w->scan = w->ahead;
	return 0;
}

static __always_inline void inline_go(const struct scan_table *t, struct inline_work *w)
{
	struct inline_pair p = {.t = t, .w = w};

	bpf_loop(INLINE_ROUNDS, inline_rounds, &p, 0);
}

/* ---- calls -------------------------------------------------------------------------------------
 */

static __always_inline struct inline_calls *inline_push(struct pt_regs *ctx, __u64 ssl,
							__u64 buffer, __u32 len, __u32 direction)
{
	struct inline_calls *calls;
	__u32 depth;

	calls = bpf_task_storage_get(&inline_calls, bpf_get_current_task_btf(), 0,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!calls) {
		count(COUNTER_STORAGE_FAILED, 1);
		return NULL;
	}
	depth = calls->depth;
	if (depth >= INLINE_CALLS) {
		/* calls that never returned: the stack is worth nothing, start again */
		count(COUNTER_NESTED, 1);
		depth = 0;
	}
	calls->call[depth].ssl = ssl;
	calls->call[depth].buffer = buffer;
	calls->call[depth].stack = PT_REGS_SP(ctx);
	calls->call[depth].len = len;
	calls->call[depth].direction = direction;
	calls->depth = depth + 1;
	return calls;
}

/* The call that returns here. Returns 0 when it is none of ours: a function that ended in a jump
 * comes to a ret of another one, where the stack is not where it was. */
static __always_inline int inline_pop(struct pt_regs *ctx, struct inline_call *call,
				      __u32 direction)
{
	struct inline_calls *calls;
	__u32 depth;

	calls = bpf_task_storage_get(&inline_calls, bpf_get_current_task_btf(), 0, 0);
	if (!calls || !calls->depth)
		return 0;
	depth = calls->depth - 1;
	if (depth >= INLINE_CALLS)
		return 0;
	*call = calls->call[depth];
	if (call->direction != direction || call->stack != PT_REGS_SP(ctx))
		return 0;
	calls->depth = depth;
	return 1;
}

static __always_inline void inline_load(struct inline_work *w, struct inline_stream *s,
					__u64 buffer, __u32 len)
{
	w->content = s->content;
	w->scan = s->scan;
	w->buffer = buffer;
	w->total = len;
	w->at = w->len = w->done = w->seam = w->dry = w->masked = 0;
	w->ahead.masking = 0;
}

SEC("uprobe")
int BPF_KPROBE(inline_write, __u64 ssl, __u64 buffer, __u64 length)
{
	struct task_context *task = actor_governed();
	struct inline_connection *c;
	const struct scan_table *t;
	__u32 want = inline_wanted(), len = (__u32)length;
	struct inline_work *w;

	/* SSL_write has an int, and what is negative fails there */
	if (!task || !want || (__s32)len <= 0)
		return 0;
	t = inline_table();
	c = t ? inline_connection(ssl, true) : NULL;
	if (!c || !inline_push(ctx, ssl, buffer, len, TLS_DIRECTION_SENT))
		return 0;
	w = inline_claim();
	if (!w) {
		content_tunnel(&c->sent.content);
		return 0;
	}
	w->want = want;
	inline_load(w, &c->sent, buffer, len);
	if (c->ahead_len && c->ahead_buffer == buffer && c->ahead_len <= len) {
		w->seam = c->ahead_len;
		w->ahead = c->ahead.scan;
	}
	inline_go(t, w);
	c->ahead.content = w->content;
	c->ahead.scan = w->scan;
	c->ahead_buffer = buffer;
	c->ahead_len = len;
	inline_release(w);
	return 0;
}

SEC("uprobe")
int inline_write_return(struct pt_regs *ctx)
{
	__s32 taken = (__s32)PT_REGS_RC(ctx);
	struct inline_connection *c;
	const struct scan_table *t;
	struct inline_call call;
	struct inline_work *w;

	if (!inline_pop(ctx, &call, TLS_DIRECTION_SENT) || taken <= 0)
		return 0;
	c = inline_connection(call.ssl, false);
	if (!c || !c->ahead_len || c->ahead_buffer != call.buffer)
		return 0;
	if ((__u32)taken >= c->ahead_len) {
		c->sent = c->ahead;
		c->ahead_len = 0;
		return 0;
	}
	/* A part was taken: the state after it is found by going over it again, which is masked
	 * by now. What follows it comes again, from a place that is not known yet. */
	t = inline_table();
	w = t ? inline_claim() : NULL;
	if (!w) {
		content_tunnel(&c->sent.content);
		return 0;
	}
	w->want = inline_wanted();
	inline_load(w, &c->sent, call.buffer, taken);
	w->dry = 1;
	inline_go(t, w);
	c->sent.content = w->content;
	c->sent.scan = w->scan;
	c->ahead_buffer = call.buffer + taken;
	c->ahead_len -= taken;
	inline_release(w);
	return 0;
}

SEC("uprobe")
int BPF_KPROBE(inline_read, __u64 ssl, __u64 buffer)
{
	if (actor_governed() && inline_wanted())
		inline_push(ctx, ssl, buffer, 0, TLS_DIRECTION_RECEIVED);
	return 0;
}

SEC("uprobe")
int inline_read_return(struct pt_regs *ctx)
{
	__s32 len = (__s32)PT_REGS_RC(ctx);
	struct inline_connection *c;
	const struct scan_table *t;
	struct inline_call call;
	struct inline_work *w;

	if (!inline_pop(ctx, &call, TLS_DIRECTION_RECEIVED) || len <= 0)
		return 0;
	t = inline_table();
	c = t ? inline_connection(call.ssl, true) : NULL;
	if (!c)
		return 0;
	/* what is not gone over makes the rest of the stream unreadable */
	w = inline_claim();
	if (!w) {
		content_tunnel(&c->received.content);
		return 0;
	}
	w->want = inline_wanted();
	inline_load(w, &c->received, call.buffer, len);
	/* between two responses: the next one answers the request that went out last */
	if (w->content.state == CONTENT_AT_START)
		content_answers(&w->content, c->sent.content.method);
	inline_go(t, w);
	c->received.content = w->content;
	c->received.scan = w->scan;
	inline_release(w);
	return 0;
}

/* The pointer is a new connection. */
SEC("uprobe")
int BPF_KPROBE(inline_handshake, __u64 ssl)
{
	inline_forget(ssl);
	return 0;
}
