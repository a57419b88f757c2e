/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is done with what was found, and how it is told. */
#ifndef BAILIFF_INLINE_JUDGE_BPF_H
#define BAILIFF_INLINE_JUDGE_BPF_H

#include "bpf/inline.bpf.h"

#define INLINE_NOWHERE 0xffffffffu

/* What tells findings apart beside the detector: the last four bytes of struct inline_found. */
#define INLINE_WHAT(kind, action, repeat, reason)                                                  \
	((__u32)(kind) | (__u32)(action) << 8 | (__u32)(repeat) << 16 | (__u32)(reason) << 24)

static __always_inline bool inline_is(const struct inline_found *f, __u32 detector, __u32 what)
{
	return f->detector == detector &&
	       INLINE_WHAT(f->kind, f->action, f->repeat, f->reason) == what;
}

/* Notes a finding. Where there is no place for another kind of it, it counts with the last. */
__noinline int inline_note(struct inline_work *w, __u32 detector, __u32 what)
{
	struct inline_found *f;
	__u32 i;

	if (!w)
		return 0;
	for (i = 0; i < INLINE_FOUND; i++) {
		f = &w->found[i];
		if (i >= w->n_found)
			break;
		if (inline_is(f, detector, what)) {
			f->n++;
			w->noted = i;
			return 0;
		}
	}
	if (i >= INLINE_FOUND) {
		w->found[INLINE_FOUND - 1].n++;
		return 0;
	}
	f = &w->found[i & (INLINE_FOUND - 1)];
	f->n = 1;
	f->detector = detector;
	f->kind = what;
	f->action = what >> 8;
	f->repeat = what >> 16;
	f->reason = what >> 24;
	w->noted = i;
	w->n_found = i + 1;
	return 0;
}

/* The same, where nearly always it is what was noted last: a call less. */
static __always_inline void inline_note_again(struct inline_work *w, __u32 detector, __u32 what)
{
	struct inline_found *f = &w->found[w->noted & (INLINE_FOUND - 1)];

	if (w->noted < w->n_found && inline_is(f, detector, what))
		f->n++;
	else
		inline_note(w, detector, what);
}

/* What the client sends to the model at the same time is blocked with it: the request that asks for
 * a title of the conversation has the prompt, too. */
const volatile __u64 inline_same_ns = 2000000000;

/* Whether the match that ends at `end` was blocked before; remembers it, unless it is history.
 * FNV-1a: who makes two sentences of one's own that collide has one of them masked in place of
 * blocked. */
__noinline int inline_repeats(struct inline_work *w, __u32 end, __u32 history)
{
	__u64 hash = 14695981039346656037ull, *seen, now = bpf_ktime_get_boot_ns();
	struct inline_seen_key key = {};
	bool prompt;

	if (!w)
		return 0;
	for (__s32 i = 1; i <= SCAN_RECENT; i++) {
		hash ^= scan_byte(&w->run, &w->text, (__s32)end - i);
		hash *= 1099511628211ull;
	}
	key.tail = hash;
	key.uid = w->uid;
	prompt = w->content.path == CONTENT_PATH_MESSAGES && !history;
	seen = bpf_map_lookup_elem(&inline_seen, &key);
	if (seen)
		return !prompt || now - *seen >= inline_same_ns;
	/* what was blocked on its way elsewhere is masked in the turn that tells the model of it,
	 * and that may be the next millisecond */
	if (!prompt)
		now = 0;
	if (w->mode == BAILIFF_MODE_ENFORCE && !history)
		bpf_map_update_elem(&inline_seen, &key, &now, BPF_ANY);
	return 0;
}

static __always_inline __u32 inline_strongest(__u32 acts)
{
	return acts >> (SCAN_APPROVE - 1) & 1 ? SCAN_APPROVE
	       : acts >> (SCAN_BLOCK - 1) & 1 ? SCAN_BLOCK
	       : acts >> (SCAN_MASK - 1) & 1  ? SCAN_MASK
	       : acts			      ? SCAN_LOG
					      : SCAN_OFF;
}

/* What is done with a span. Returns 1 when it is masked. */
static __always_inline int inline_judge(struct inline_work *w, __u32 i)
{
	const struct scan_span *s;
	__u32 kind, action, repeat = 0, block = 0, whole, history, at;

	s = scan_span(&w->run, i);
	at = s->named - 1;
	inline_at_piece(w, at);
	kind = INLINE_KIND(inline_where_of(w, at));
	/* what a tool was given comes again with each turn. The model said it, so that a block
	 * would keep it from nobody, and would end the conversation */
	history = w->direction == TLS_DIRECTION_SENT && kind == CONTENT_INPUT;
	if (w->direction == TLS_DIRECTION_SENT)
		kind = CONTENT_REQUEST;
	if (!kind)
		return 0;
	action = inline_strongest(SCAN_ACTS(s->flags, kind));
	whole = s->flags & SCAN_COMPLETE;
	if (action >= SCAN_BLOCK) {
		/* of an open one it is not known yet whether it is a match, and where it ends */
		if (kind == CONTENT_REQUEST && whole && !w->dry) {
			repeat = inline_repeats(w, s->named, history);
			block = !repeat && !history;
		}
		if (!block)
			action = SCAN_MASK;
	}
	if (block && !w->block) {
		w->block = s->detector + 1u;
		w->block_at = INLINE_NOWHERE;
		w->block_fresh = 1;
	}
	if (action && whole && !w->dry)
		inline_note_again(w, s->detector,
				  INLINE_WHAT(kind, action, repeat, BAILIFF_REASON_CONTENT));
	return action >= SCAN_MASK;
}

/* ---- telling -----------------------------------------------------------------------------------
 */

static __always_inline void inline_record(struct inline_work *w, struct task_context *t,
					  const struct inline_found *f)
{
	/* a refusal has the ring that nothing else can fill */
	bool refuses = f->action >= SCAN_BLOCK || f->reason == BAILIFF_REASON_TOOL;
	struct tls_connection_key key;
	struct tls_connection *c;
	struct record_inline *r;

	if (!reporting())
		return;
	/* two calls: of a pointer to the map that is either, 6.1 knows nothing */
	if (refuses)
		r = bpf_ringbuf_reserve(&denials, sizeof(*r), 0);
	else
		r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	if (!r) {
		count(refuses ? COUNTER_LOST_DENIAL : COUNTER_LOST_RECORD, 1);
		return;
	}
	actor_head(&r->head, RECORD_INLINE, sizeof(*r), w->generation, t, w->person);
	tls_connection_key(&key, w->ssl);
	c = bpf_map_lookup_elem(&tls_connections, &key);
	r->verdict = f->action < SCAN_MASK	       ? BAILIFF_ALLOW
		     : w->mode == BAILIFF_MODE_ENFORCE ? BAILIFF_DENY
		     : w->mode == BAILIFF_MODE_SHADOW  ? BAILIFF_WOULD_DENY
						       : BAILIFF_ALLOW;
	r->reason = f->reason;
	r->rule = f->reason == BAILIFF_REASON_CONTENT ? w->rule + f->detector
		  : f->reason == BAILIFF_REASON_TOOL  ? f->detector
						      : 0;
	r->direction = w->direction;
	r->ssl = w->ssl;
	r->number = f->action >= SCAN_BLOCK ? w->number : 0;
	r->epoch = c ? c->epoch : 0;
	r->kind = f->kind;
	r->action = f->action;
	r->found = f->n;
	r->repeat = f->repeat;
	if (r->verdict != BAILIFF_ALLOW)
		count(r->verdict == BAILIFF_DENY ? COUNTER_DENIED : COUNTER_WOULD_DENY, 1);
	bpf_ringbuf_submit(r, 0);
}

__noinline int inline_tell(struct inline_work *w, struct task_context *t, __u32 i)
{
	if (!w || !t)
		return 0;
	inline_record(w, t, &w->found[i & (INLINE_FOUND - 1)]);
	return 0;
}

/* Something of the stream as a whole. */
__noinline int inline_tell_stream(struct inline_work *w, struct task_context *t, __u32 reason,
				  __u32 action)
{
	struct inline_found *f;

	if (!w || !t)
		return 0;
	f = &w->found[INLINE_FOUND - 1];
	f->n = 0;
	f->detector = 0;
	f->kind = w->direction == TLS_DIRECTION_SENT ? CONTENT_REQUEST : CONTENT_TEXT;
	f->action = action;
	f->repeat = 0;
	f->reason = reason;
	inline_record(w, t, f);
	return 0;
}

/* Nothing more goes out on the connection that this thread sends on next. */
static __always_inline void inline_reset(__u32 mode)
{
	struct said *s;

	if (mode != BAILIFF_MODE_ENFORCE)
		return;
	s = bpf_task_storage_get(&said, bpf_get_current_task_btf(), 0,
				 BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (s)
		s->flags |= SAID_RESET;
	else
		count(COUNTER_STORAGE_FAILED, 1);
}

/* ---- answers -----------------------------------------------------------------------------------
 */

static __always_inline __u32 inline_digits(__u64 n)
{
	__u32 digits = 1;

	for (__u32 i = 0; i < 19; i++) {
		if (n < 10)
			break;
		n /= 10;
		digits++;
	}
	return digits;
}

/* Puts the number and the end behind a text. */
__noinline int inline_answer_end(struct inline_work *w, __u32 at)
{
	__u64 n;
	__u32 digits;

	if (!w)
		return 0;
	n = w->number;
	digits = inline_digits(n);
	for (__u32 i = 0; i < 20; i++) {
		if (i >= digits)
			break;
		w->raw[(at + digits - 1 - i) & (SCAN_BUFFER - 1)] = '0' + n % 10;
		n /= 10;
	}
	at += digits;
	w->raw[at & (SCAN_BUFFER - 1)] = '"';
	w->raw[(at + 1) & (SCAN_BUFFER - 1)] = '}';
	w->raw[(at + 2) & (SCAN_BUFFER - 1)] = '}';
	return 0;
}

struct inline_writing {
	const struct inline_text *text;
	struct inline_work *w;
};

static long inline_answer_step(__u32 i, struct inline_writing *p)
{
	struct inline_work *w = p->w;

	if (i >= p->text->len || i >= INLINE_TEXT_MAX)
		return 1;
	w->raw[w->write_at++ & (SCAN_BUFFER - 1)] = p->text->bytes[i];
	return 0;
}

/* Writes the longest text that fits where the body lies, which is blank by now. */
__noinline int inline_answer(struct inline_work *w)
{
	struct inline_writing p = {};
	struct inline_text *text;
	__u32 room, key, slot;
	void *texts;

	if (!w || w->body_to <= w->body_from)
		return 0;
	slot = w->slot;
	texts = bpf_map_lookup_elem(&policy_texts, &slot);
	if (!texts)
		return 0;
	room = w->body_to - w->body_from;
	for (__u32 i = 0; i < INLINE_TEXTS; i++) {
		key = w->answers * INLINE_TEXTS + i;
		text = bpf_map_lookup_elem(texts, &key);
		if (!text || !text->len ||
		    text->len + inline_digits(w->number) + sizeof(INLINE_TEXT_END) - 1 > room)
			continue;
		p.text = text;
		p.w = w;
		w->write_at = w->body_from;
		bpf_loop(INLINE_TEXT_MAX, inline_answer_step, &p, 0);
		inline_answer_end(w, w->write_at);
		return 1;
	}
	return 0;
}

#endif
