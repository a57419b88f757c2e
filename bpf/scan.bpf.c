// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The inline data path: what a detector finds in the text of a request is overwritten before it is
 * encrypted, in that of a response before the client sees it. Same length, in place.
 *
 * At SSL_write's entry, because at its return it is sent; at SSL_read's ret, because before it
 * nothing is there. What a write scanned counts once its return says that the bytes were taken: a
 * write that would block is called again with the same ones. docs/inline.md has the details. */
#include "bpf/inline_alpn.bpf.h"

#include "bpf/head.h"
#include "bpf/uprobe.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

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
		w->failed = 1;
		return 0;
	}
	w->at = 0;
	w->len = n;
	w->accept = 0;
	w->accept_cut = 1;
	return 1;
}

static long inline_fill(__u32 i, struct inline_work **ctx)
{
	struct inline_work *w = *ctx;

	if (w->write_at >= w->at)
		return 1;
	w->raw[w->write_at++ & (SCAN_BUFFER - 1)] = ' ';
	return 0;
}

/* After a round of a request: what is blocked is blank from the match on. A body in chunks would
 * lose its framing, and its connection is closed instead. */
static __always_inline void inline_blank(struct inline_work *w)
{
	__u32 from = w->from;

	if (w->block_fresh) {
		w->block_fresh = 0;
		from = w->block_at;
	} else if (!w->blank || w->done < w->seam) {
		return; /* up to the seam an earlier call did it */
	}
	w->blank = !w->ended;
	if (w->content.chunked || !w->content.begun) {
		w->reset = 1;
		return;
	}
	w->write_at = from;
	bpf_loop(SCAN_BUFFER, inline_fill, &w, 0);
	inline_put(w, from, w->at);
}

/* After a round of a response that is to be another. */
static __always_inline void inline_replace(struct inline_work *w)
{
	if (w->body_to > w->body_from) {
		if (w->answer == INLINE_ANSWER_TEXT)
			inline_answer(w);
		w->answer = INLINE_ANSWER_BLANK;
		inline_put(w, w->from, w->at);
	}
	if (w->ended && w->content.status >= 200)
		w->answer = INLINE_ANSWER_NONE;
}

__noinline int inline_round_ends(struct inline_work *w)
{
	if (!w || w->dry)
		return 0;
	if (w->direction == TLS_DIRECTION_SENT)
		inline_blank(w);
	else if (w->answer)
		inline_replace(w);
	return 0;
}

/* A piece, or as much of it as there was room for its text. Returns 0 when all is done. Not a
 * function of its own: from here on seven calls nest, callbacks counted, and eight may in all. */
static __always_inline int inline_round(const struct scan_table *t, struct inline_work *w)
{
	if (w->at >= w->len && !inline_fetch(w))
		return 0;
	w->n = w->n_pieces = 0;
	w->from = w->at;
	w->ended = 0;
	w->body_from = w->body_to = 0;
	bpf_loop(SCAN_BUFFER, inline_gather, &w, 0);
	w->unread |= w->content.unread;
	inline_scan(t, w);
	inline_round_ends(w);
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

/* ---- what a call begins and ends with ----------------------------------------------------------
 */

static __always_inline void inline_load(struct inline_work *w, struct inline_stream *s,
					__u64 buffer, __u32 len)
{
	w->content = s->content;
	w->scan = s->scan;
	w->buffer = buffer;
	w->total = len;
	w->at = w->len = w->done = w->seam = w->dry = w->failed = w->unread = w->reset = 0;
	w->block = w->block_fresh = w->blank = w->answer = w->coded = w->n_found = 0;
	w->ahead.masking = 0;
	w->number = 0;
}

/* A stream that was met in its middle is read from its next request on. */
static __always_inline void inline_resume(struct inline_connection *c, __u64 buffer, __u32 len)
{
	char first[HEAD_METHOD_MAX + 1] = {};

	if (c->sent.content.lost != CONTENT_LOST_START || len < sizeof(first) ||
	    bpf_probe_read_user(first, sizeof(first), (void *)buffer) || !head_begins(first))
		return;
	content_begin(&c->sent.content, 0);
	content_begin(&c->received.content, 1);
	__builtin_memset(&c->sent.scan, 0, sizeof(c->sent.scan));
	__builtin_memset(&c->received.scan, 0, sizeof(c->received.scan));
	c->ahead_len = c->blank = c->answer = c->block = c->gone = 0;
}

static __always_inline int inline_write(struct inline_work *w, struct inline_connection *c,
					__u64 buffer, __u32 len)
{
	w->direction = TLS_DIRECTION_SENT;
	w->tools = 0;
	/* what a tool was given comes again with each turn */
	if (w->want & 1 << CONTENT_REQUEST)
		w->want = 1 << CONTENT_REQUEST | 1 << CONTENT_INPUT | 1 << CONTENT_TEXT;
	else
		w->want = 0;
	inline_load(w, &c->sent, buffer, len);
	w->blank = c->blank;
	if (c->ahead_len && c->ahead_buffer == buffer && c->ahead_len <= len) {
		w->seam = c->ahead_len;
		w->ahead = c->ahead.scan;
	}
	return 1;
}

static __always_inline void inline_written(struct inline_work *w, struct inline_connection *c)
{
	c->ahead.content = w->content;
	c->ahead.scan = w->scan;
	c->ahead_buffer = w->buffer;
	c->ahead_len = w->total;
	if (w->mode != BAILIFF_MODE_ENFORCE)
		return;
	c->blank = w->blank;
	if (!w->block)
		return;
	w->number = refusal_number();
	c->block = w->block;
	c->number = w->number;
	c->answer = INLINE_ANSWER_TEXT;
}

/* Returns 1 when a part was taken: the state after it is found by going over it again, which is
 * masked by now. What follows it comes again, from a place that is not known yet. */
static __always_inline int inline_taken(struct inline_work *w, struct inline_connection *c,
					__u64 buffer, __u32 taken)
{
	if (!c->ahead_len || c->ahead_buffer != buffer)
		return 0;
	if (taken >= c->ahead_len) {
		c->sent = c->ahead;
		c->ahead_len = 0;
		return 0;
	}
	inline_write(w, c, buffer, taken);
	w->seam = 0;
	w->dry = 1;
	return 1;
}

static __always_inline void inline_partly(struct inline_work *w, struct inline_connection *c)
{
	c->sent.content = w->content;
	c->sent.scan = w->scan;
	c->ahead_buffer = w->buffer + w->total;
	c->ahead_len -= w->total;
}

static __always_inline int inline_read(struct inline_work *w, struct inline_connection *c,
				       __u64 buffer, __u32 len)
{
	w->direction = TLS_DIRECTION_RECEIVED;
	w->want &= 1 << CONTENT_TEXT | 1 << CONTENT_INPUT;
	inline_load(w, &c->received, buffer, len);
	w->answer = c->answer;
	w->answers = c->block - 1;
	w->number = c->number;
	w->messages = c->sent.content.path == CONTENT_PATH_MESSAGES;
	/* between two responses: the next one answers the request that went out last */
	if (w->content.state == CONTENT_AT_START)
		content_answers(&w->content, c->sent.content.method);
	return 1;
}

/* What is read on the connection answers a request that was refused for its key. */
__noinline int inline_refused(struct inline_work *w, struct inline_connection *c, struct refusal *r)
{
	__u32 slot, key;
	void *texts;

	if (!w || !c || !r || r->state != REFUSAL_WAITS)
		return 0;
	r->state = REFUSAL_ANSWERING;
	/* where nothing else is looked for, nobody followed the connection up to here */
	if (c->received.content.lost || !(w->want | w->tools))
		content_begin(&c->received.content, 1);
	slot = w->slot;
	texts = bpf_map_lookup_elem(&policy_texts, &slot);
	c->block = (r->person ? INLINE_TEXT_ANYBODY : INLINE_TEXT_NOBODY) + 1;
	/* of another policy the number is another person's */
	key = INLINE_TEXT_PERSON(r->person) * INLINE_TEXTS;
	if (texts && r->person && r->generation == w->generation &&
	    bpf_map_lookup_elem(texts, &key))
		c->block = INLINE_TEXT_PERSON(r->person) + 1;
	c->answer = INLINE_ANSWER_TEXT;
	c->number = r->number;
	return 0;
}

static __always_inline void inline_was_read(struct inline_work *w, struct inline_connection *c)
{
	c->received.content = w->content;
	c->received.scan = w->scan;
	c->received_any = 1;
	if (w->mode != BAILIFF_MODE_ENFORCE)
		return;
	c->answer = w->answer;
	if (!w->answer)
		c->block = 0;
}

/* A stream, or a message, in a form that is not read. A request that was made blank is one on
 * purpose; one that is in its middle, from before the policy, is nobody's fault. */
static __always_inline void inline_report_unread(struct inline_work *w, struct inline_connection *c,
						 struct task_context *t)
{
	bool sent = w->direction == TLS_DIRECTION_SENT;
	__u32 action = SCAN_LOG;

	if (!(w->want | w->tools))
		return;
	if (!w->content.lost && !w->failed &&
	    (!sent || !w->unread || w->blank || w->block || refusal_of(w->ssl)))
		return;
	if (sent && w->want && (w->flags & POLICY_UNREADABLE_BLOCK) &&
	    w->content.lost != CONTENT_LOST_START) {
		action = SCAN_BLOCK;
		w->reset = 1;
	}
	if (c->gone)
		return;
	c->gone = 1;
	inline_tell_stream(w, t, BAILIFF_REASON_UNREADABLE, action);
}

/* What came of the call, to the log. */
static __always_inline void inline_report(struct inline_work *w, struct inline_connection *c,
					  struct task_context *t)
{
	if (w->dry)
		return;
	for (__u32 i = 0; i < INLINE_FOUND; i++) {
		if (i >= w->n_found)
			break;
		inline_tell(w, t, i);
	}
	if (w->coded)
		inline_tell_stream(w, t, BAILIFF_REASON_COMPRESSED,
				   w->answer ? SCAN_MASK : SCAN_LOG);
	inline_report_unread(w, c, t);
	if (w->failed || w->reset)
		inline_reset(w->mode);
}

/* Who cannot overwrite cannot enforce. */
static __always_inline __u32 inline_mode(const struct policy_root *root)
{
	return !inline_writes && root->mode_inline > BAILIFF_MODE_SHADOW ? BAILIFF_MODE_SHADOW
									 : root->mode_inline;
}

/* Reads the policy. Returns 0 when nothing is looked for. */
static __always_inline int inline_policy(struct inline_work *w, const struct task_context *t,
					 __u64 ssl)
{
	struct policy_root *root;
	struct person_value *p;
	__u32 slot = 0;

	root = policy_now(&slot);
	if (!root || !root->inline_kinds)
		return 0;
	p = actor_person(slot, t->uid);
	w->slot = slot;
	/* NONE is never touched, whatever is asked for */
	w->want = root->inline_kinds &
		  (1 << CONTENT_TEXT | 1 << CONTENT_INPUT | 1 << CONTENT_REQUEST);
	w->tools = root->inline_kinds & POLICY_INLINE_TOOLS;
	w->mode = inline_mode(root);
	w->flags = root->flags;
	w->rule = root->inline_rule;
	w->generation = root->generation;
	w->uid = t->uid;
	w->person = p ? p->person : 0;
	w->ssl = ssl;
	return 1;
}

static __always_inline __u32 inline_kinds(__u32 *ret_mode)
{
	struct policy_root *root;
	__u32 slot = 0;

	root = policy_now(&slot);
	*ret_mode = root ? inline_mode(root) : 0;
	return root ? root->inline_kinds : 0;
}

/* The refusal whose answer has not been read yet. */
static __always_inline struct refusal *inline_refusal(__u64 ssl)
{
	struct refusal *r = refusal_of(ssl);

	return r && r->state != REFUSAL_ANSWERED ? r : NULL;
}

static __always_inline const struct scan_table *inline_table(__u32 slot)
{
	__u32 key = 0;
	void *table = bpf_map_lookup_elem(&policy_scan, &slot);

	return table ? bpf_map_lookup_elem(table, &key) : NULL;
}

/* A request that cannot be gone over does not go out where requests are looked at. */
static __always_inline void inline_reset_unread(__u32 kinds, __u32 mode)
{
	if (kinds & 1 << CONTENT_REQUEST)
		inline_reset(mode);
}

/* One program for each place, so that the verifier goes over the scanner once. */
SEC("uprobe")
int inline_call(struct pt_regs *ctx)
{
	struct task_context *t = actor_governed();
	__u64 at = bpf_get_attach_cookie(ctx);
	__u32 place = at & INLINE_AT_MASK, mode = 0, kinds;
	const struct scan_table *table;
	struct refusal *refused = NULL;
	struct inline_connection *c;
	struct tls_call call = {};
	struct inline_work *w;
	__s64 n = 0;
	int go = 0;

	uprobe_own_stack(ctx);
	if (!t)
		return 0;
	kinds = inline_kinds(&mode);
	if (place == INLINE_AT_READ) {
		if (kinds)
			tls_push(&inline_calls, ctx, PT_REGS_PARM4(ctx), TLS_DIRECTION_RECEIVED);
		return 0;
	}
	if (place == INLINE_AT_HANDSHAKE) {
		/* within the first write of a connection it is that connection's own */
		c = inline_connection(PT_REGS_PARM1(ctx), false);
		if (c && c->received_any)
			inline_forget(PT_REGS_PARM1(ctx));
		return 0;
	}
	if (place == INLINE_AT_WRITE) {
		call.ssl = PT_REGS_PARM1(ctx);
		call.buffer = PT_REGS_PARM2(ctx);
		/* SSL_write has an int, and what is negative fails there */
		n = at & INLINE_AT_EX ? (__s64)PT_REGS_PARM3(ctx) : (__s32)PT_REGS_PARM3(ctx);
		if (!kinds) {
			inline_forget(call.ssl); /* read on from its next request, if ever */
			return 0;
		}
		if (n <= 0 || n > 0x7fffffff)
			return 0;
		if (!tls_push(&inline_calls, ctx, PT_REGS_PARM4(ctx), TLS_DIRECTION_SENT)) {
			inline_reset_unread(kinds, mode);
			return 0;
		}
		if (kinds & POLICY_INLINE_KEYS)
			refusal_hear(call.ssl);
	} else {
		if (!tls_pop(&inline_calls, ctx, &call,
			     place == INLINE_AT_WRITE_RETURN ? TLS_DIRECTION_SENT
							     : TLS_DIRECTION_RECEIVED))
			return 0;
		n = tls_result(ctx, &call, at & INLINE_AT_EX);
		if (n <= 0 || !kinds)
			return 0;
		if (place == INLINE_AT_READ_RETURN && kinds & POLICY_INLINE_KEYS)
			refused = inline_refusal(call.ssl);
	}
	/* for keys alone only what answers one that was refused is read */
	if (kinds == POLICY_INLINE_KEYS && !refused)
		return 0;
	c = inline_connection(call.ssl, place != INLINE_AT_WRITE_RETURN);
	if (!c) {
		if (place == INLINE_AT_WRITE)
			inline_reset_unread(kinds, mode);
		return 0;
	}
	w = inline_claim();
	if (!w) {
		/* what is not gone over makes the rest of the stream unreadable */
		if (place == INLINE_AT_READ_RETURN)
			content_tunnel(&c->received.content);
		else
			content_tunnel(&c->sent.content);
		if (place == INLINE_AT_WRITE)
			inline_reset_unread(kinds, mode);
		return 0;
	}
	if (!inline_policy(w, t, call.ssl))
		goto out;
	table = inline_table(w->slot);
	if (!table) {
		if (!w->tools && !refused)
			goto out;
		w->want = 0; /* nothing is scanned */
	}
	if (place == INLINE_AT_WRITE) {
		inline_resume(c, call.buffer, (__u32)n);
		go = inline_write(w, c, call.buffer, (__u32)n);
	} else if (place == INLINE_AT_WRITE_RETURN) {
		go = inline_taken(w, c, call.buffer, (__u32)n);
	} else {
		inline_refused(w, c, refused);
		go = inline_read(w, c, call.buffer, (__u32)n);
	}
	if (!go)
		goto out;
	inline_go(table, w);
	if (place == INLINE_AT_WRITE)
		inline_written(w, c);
	else if (place == INLINE_AT_WRITE_RETURN)
		inline_partly(w, c);
	else
		inline_was_read(w, c);
	if (refused && !c->answer)
		refused->state = REFUSAL_ANSWERED;
	inline_report(w, c, t);
out:
	inline_release(w);
	return 0;
}

/* A program says what it offers by ALPN: where requests or answers are gone over, HTTP/2 is not for
 * it to have. On what terms Accept-Encoding is overwritten, which serves the same end. */
SEC("uprobe")
int BPF_KPROBE(inline_offer, __u64 whose, __u64 list, __u32 n)
{
	struct inline_work *w;
	__u32 mode = 0;

	uprobe_own_stack(ctx);
	if (!inline_writes || !actor_governed() || !(inline_kinds(&mode) & ~POLICY_INLINE_KEYS) ||
	    mode != BAILIFF_MODE_ENFORCE)
		return 0;
	w = inline_claim();
	if (!w)
		return 0;
	w->mode = mode;
	w->buffer = list;
	w->done = w->dry = w->failed = 0;
	if (bpf_get_attach_cookie(ctx) == INLINE_AT_OFFER_ARRAY)
		inline_offer_array(w, n);
	else
		inline_offer_list(w, n);
	inline_release(w);
	return 0;
}
