/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the bytes of a call to text and back: gathering what is scanned, masking what is found. */
#ifndef BAILIFF_INLINE_TEXT_BPF_H
#define BAILIFF_INLINE_TEXT_BPF_H

#include "bpf/inline_judge.bpf.h"

/* ---- a round: gather text, scan it, mask it ----------------------------------------------------
 */

/* Whether anything is overwritten. */
static __always_inline bool inline_puts(const struct inline_work *w)
{
	return inline_writes && !w->dry && w->mode == BAILIFF_MODE_ENFORCE;
}

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
	if (!inline_puts(w))
		return 0;
	if (bpf_probe_write_user((void *)(w->buffer + w->done + from), w->raw + from, len)) {
		count(COUNTER_UNREADABLE, 1);
		w->failed = 1;
		return 1;
	}
	return 0;
}

/* Puts back what inline_put_soon() kept. */
static __always_inline void inline_put_kept(struct inline_work *w)
{
	/* each of them counts that could not be overwritten */
	if (w->put_n && inline_put(w, w->put_from, w->put_to) && w->put_n > 1)
		count(COUNTER_UNREADABLE, w->put_n - 1);
	w->put_n = 0;
}

/* Puts raw[from, to) back, together with what is to be put just before it: of a short write nearly
 * all is the way there. What lies between two spans is written as it was read, and never in a page
 * that has none, which may be one that cannot be written to. */
static __always_inline void inline_put_soon(struct inline_work *w, __u32 from, __u32 to)
{
	__u64 at = w->buffer + w->done;
	__u32 first, last;

	if (from >= to)
		return;
	if (w->put_n) {
		first = from < w->put_from ? from : w->put_from;
		last = to > w->put_to ? to : w->put_to;
		if (from <= w->put_to + INLINE_BETWEEN &&
		    !(((at + first) ^ (at + last - 1)) >> INLINE_PAGE)) {
			w->put_from = first;
			w->put_to = last;
			w->put_n++;
			return;
		}
		inline_put_kept(w);
	}
	w->put_from = from;
	w->put_to = to;
	w->put_n = 1;
}

/* How many of eight bytes lie before the first that is marked: has its upper bit set. */
static __always_inline __u32 inline_before(__u64 marks)
{
	/* below the lowest bit that is set: a bit for each byte up to it */
	return ((((marks & -marks) - 1) & SCAN_EACH(1)) * SCAN_EACH(1) >> 56) - 1;
}

/* Marks of eight bytes what content_is_ordinary() does not say of one. A byte of a word has its
 * upper bit set where it is not ASCII, below a blank, one of the two that mean something in JSON,
 * or DEL. What is carried over from a byte to the next one comes from one that is marked by then
 * (Mycroft), so that the first mark is right, and it alone is looked at. */
static __always_inline __u64 inline_other(__u64 word)
{
	return (word | (word - SCAN_EACH(0x20)) | ((word ^ SCAN_EACH('"')) - SCAN_EACH(1)) |
		((word ^ SCAN_EACH('\\')) - SCAN_EACH(1)) | (word + SCAN_EACH(1))) &
	       SCAN_EACH(0x80);
}

/* Copies words of which each byte is ordinary, of at most `left` bytes. Returns how many bytes. */
static __always_inline __u32 inline_words(const void *from, void *to, __u32 left)
{
	__u64 word;
	__u32 i;

#pragma unroll
	for (i = 0; i < 8 * INLINE_WORDS; i += 8) {
		if (i + 8 > left)
			break;
		word = *(const __u64 *)(from + i);
		*(__u64 *)(to + i) = word;
		if (inline_other(word))
			break;
	}
	return i;
}

/* Bytes that the content machine has nothing to say of, eight at a time: nearly all of a stream
 * goes this way. Returns how many. */
__noinline int inline_bulk(struct inline_work *w)
{
	__u32 at, n, left, end, same, code;
	void *from, *to; /* not of u8: clang would go byte by byte */
	volatile __u32 *looked;
	bool take;
	__u8 kind = 0;
	__u64 word, other;

	/* of an answer that is overwritten each byte is looked at */
	if (!w || w->answer)
		return 0;
	looked = &w->looked;
	left = content_run(&w->content, &kind);
	at = w->at;
	n = w->n;
	if (left > w->len - at)
		left = w->len - at;
	if (left > SCAN_BUFFER - n)
		left = SCAN_BUFFER - n;
	end = at + left;
	take = w->want >> (kind & 3) & 1;
	if (take && left)
		inline_place(w, n, inline_plain(at, kind));
	for (__u32 i = 0; i < INLINE_LOOKS && at < end; i++) {
		/* what is not taken lies behind the text, and is overwritten by what is */
		from = &w->raw[at & (SCAN_BUFFER - 1)];
		to = &w->text.byte[n & (SCAN_BUFFER - 1)];
		/* by way of memory: the verifier would follow each length by itself */
		*looked = inline_words(from, to, end - at);
		same = *looked;
		at += same;
		if (take)
			n += same;
		if (same == 8 * INLINE_WORDS)
			continue;
		/* a full text has no place for another word */
		if (at >= end)
			break;
		from = &w->raw[at & (SCAN_BUFFER - 1)];
		to = &w->text.byte[n & (SCAN_BUFFER - 1)];
		word = *(__u64 *)from;
		*(__u64 *)to = word;
		other = inline_other(word);
		same = other ? inline_before(other) : 8;
		if (same > end - at)
			same = end - at;
		at += same;
		if (take)
			n += same;
		/* line ends and quotes, every thirty bytes of code */
		if (at + 2 > end || w->raw[at & (SCAN_BUFFER - 1)] != '\\')
			break;
		code = content_short(&w->content, w->raw[(at + 1) & (SCAN_BUFFER - 1)]);
		if (!code)
			break;
		at += 2;
		if (!take)
			continue;
		w->text.byte[n & (SCAN_BUFFER - 1)] = code;
		inline_place(w, n,
			     inline_where(at - 1, CONTENT_SHORT, code, 2, 0) |
				     INLINE_WHERE_KIND(kind & 3));
		n++;
		inline_place(w, n, inline_plain(at, kind));
	}
	left = at - w->at;
	if (!left)
		return 0;
	content_ran(&w->content, left);
	w->at = at;
	w->n = n;
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
	if (!w)
		return 0;
	w->accept_to = to;
	w->accept_whole = whole && to - w->accept >= 8;
	bpf_loop(SCAN_BUFFER, inline_identity, &w, 0);
	inline_put(w, w->accept, to);
	return 0;
}

/* A byte of a body that becomes an answer. */
static __always_inline void inline_answer_byte(struct inline_work *w, __u32 at)
{
	/* whoever answered as if nothing were missing is left alone: it never had it */
	if (w->answer == INLINE_ANSWER_TEXT && w->content.status < 400)
		return;
	w->raw[at & (SCAN_BUFFER - 1)] = ' ';
	if (w->body_to <= w->body_from) {
		w->body_from = at;
		w->body_to = at + 1;
	} else if (w->body_to == at) {
		w->body_to = at + 1;
	}
}

/* A digit of the status of a response that becomes an answer. Without a key the API says 401 or
 * 403, and to these the client has words of its own; 400 it prints as it comes. Nor are others
 * asked again. */
static __always_inline void inline_answer_status(struct inline_work *w, __u32 at)
{
	__u8 digit = w->raw[at & (SCAN_BUFFER - 1)], place = w->content.at;
	__u32 first = w->content.status;

	if (w->answer != INLINE_ANSWER_TEXT || w->answers < INLINE_TEXT_NOBODY ||
	    w->content.state != CONTENT_AT_STATUS || digit == ' ')
		return;
	first = place == 2 ? first / 10 : place == 3 ? first / 100 : first;
	if (first < 4)
		return;
	w->raw[at & (SCAN_BUFFER - 1)] = place == 1 ? '4' : '0';
	inline_put(w, at, at + 1);
}

/* The head of a response ended. */
static __always_inline void inline_headed(struct inline_work *w)
{
	if (w->content.unread != CONTENT_UNREAD_CODED || w->answer || !w->messages ||
	    !(w->want | w->tools))
		return;
	w->coded = 1;
	if (w->flags & POLICY_COMPRESSED_BLOCK)
		w->answer = INLINE_ANSWER_BLANK;
}

/* What the policy says of the tool that was named; NULL: it is for everybody. */
static __always_inline const struct skill_value *inline_tool_rule(struct inline_work *w)
{
	struct tool_key key = {.person = w->person, .name = content_tool_hash(&w->content)};
	const struct skill_value *v;
	__u32 slot = w->slot;
	void *tools;

	tools = bpf_map_lookup_elem(&policy_tools, &slot);
	if (!tools)
		return NULL;
	v = bpf_map_lookup_elem(tools, &key);
	if (v)
		return v;
	key.person = 0;
	return bpf_map_lookup_elem(tools, &key);
}

/* A tool's name, or the beginning of one, ends before raw[end). A call of one that the person may
 * not use becomes that of a tool which does not exist: the client says so to the model. */
__noinline int inline_tool(struct inline_work *w, __u32 end)
{
	const struct skill_value *v;
	__u32 len, i;
	__u8 byte;

	if (!w || w->dry || !w->tools || !end)
		return 0;
	v = inline_tool_rule(w);
	if (!v || v->verdict != BAILIFF_DENY)
		return 0;
	len = content_tool_len(&w->out, end);
	if (!len)
		return 0;
	inline_note(w, v->rule, INLINE_WHAT(CONTENT_INPUT, SCAN_MASK, 0, BAILIFF_REASON_TOOL));
	byte = content_tool_byte(&w->content, &w->out, len, w->raw[(end - 1) & (SCAN_BUFFER - 1)]);
	for (i = 1; i <= CONTENT_SATURATED; i++) {
		if (i > len)
			break;
		w->raw[(end - i) & (SCAN_BUFFER - 1)] = byte;
	}
	inline_put(w, end - len, end);
	return 0;
}

/* In no text and in no detector: what stands on its two sides does not touch. */
static __always_inline void inline_mark(struct inline_work *w)
{
	__u32 n = w->n;

	w->text.byte[n & (SCAN_BUFFER - 1)] = CONTENT_MARK;
	inline_place(w, n, 0);
	w->n = n + 1;
}

/* The text that the byte at `at` gave. */
static __always_inline void inline_take(struct inline_work *w, __u32 at)
{
	const struct content_out *o = &w->out;
	__u32 n, have, where, kind;

	if (o->begins)
		inline_mark(w);
	n = w->n;
	have = o->run < at + 1 ? o->run : at + 1;
	kind = INLINE_WHERE_KIND(o->kind & 3);
	where = inline_where(at, o->form, o->code, content_mask_len(o, have), have < o->raw) | kind;
	for (__u32 i = 0; i < CONTENT_BYTES; i++) {
		if (i >= o->n)
			break;
		w->text.byte[(n + i) & (SCAN_BUFFER - 1)] = o->bytes[i];
	}
	/* a character is masked with its last byte */
	if (o->n > 1)
		inline_place(w, n, kind);
	inline_place(w, n + o->n - 1, where);
	w->n = n + o->n;
}

/* One byte through the content machine. */
__noinline int inline_byte(struct inline_work *w)
{
	struct content_out *o;
	__u32 at;

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
	if (w->direction == TLS_DIRECTION_RECEIVED) {
		if (o->flags & CONTENT_HEAD_ENDS)
			inline_headed(w);
		inline_answer_status(w, at);
		if (w->answer && (o->flags & CONTENT_BODY))
			inline_answer_byte(w, at);
		if (o->flags & CONTENT_TOOL_NAME)
			inline_tool(w, content_tool_end(&w->content, at, w->at >= w->len));
	}
	if (o->n && w->want >> (o->kind & 3) & 1)
		inline_take(w, at);
	if (o->flags & CONTENT_ENDS) {
		w->ended = 1;
		/* a match that nothing follows is one now: the next text may never come */
		if (w->n || w->scan.row)
			inline_mark(w);
	}
	return 0;
}

static long inline_gather(__u32 i, struct inline_work **ctx)
{
	struct inline_work *w = *ctx;

	/* a round is of one message */
	if (w->at >= w->len || w->n > SCAN_BUFFER - INLINE_SLACK ||
	    w->n_pieces > INLINE_PIECES - 2 * INLINE_LOOKS - INLINE_SLACK || w->ended)
		return 1;
	if (!inline_bulk(w))
		inline_byte(w);
	return 0;
}

/* ---- masking -----------------------------------------------------------------------------------
 */

/* One decoded byte of a span, which does not stand for itself. */
__noinline int inline_mask_byte(struct inline_work *w, __u32 at, __u32 flags)
{
	__u32 where, last, len;
	struct content_out o = {};
	__u8 b, style;

	if (!w)
		return 0;
	b = w->text.byte[at & (SCAN_BUFFER - 1)];
	where = inline_where_of(w, at);
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
	return 0;
}

/* Of eight bytes those that scan_masked() changes: the upper bit of each. Of seven bits no sum is
 * carried over to the next byte. */
static __always_inline __u64 inline_changed(__u64 word, __u32 flags)
{
	__u64 low = word & SCAN_EACH(0x7f), star, digit, letter;

	if (flags & SCAN_WHOLE) {
		star = (word ^ SCAN_EACH('*')) & SCAN_EACH(0x7f);
		return (star + SCAN_EACH(0x7f) | word) & SCAN_EACH(0x80);
	}
	digit = low + SCAN_EACH(0x80 - '0') & ~(low + SCAN_EACH(0x80 - '9' - 1));
	low |= SCAN_EACH(0x20);
	letter = low + SCAN_EACH(0x80 - 'a') & ~(low + SCAN_EACH(0x80 - 'z' - 1));
	return (word | digit | letter) & SCAN_EACH(0x80);
}

/* At most eight bytes from text `at` on, n of them of the span: what stands for itself, from raw
 * `to` on. What lies behind them is written as it was. */
static __always_inline void inline_mask_word(struct inline_work *w, __u32 at, __u32 to, __u32 n)
{
	void *text = &w->text.byte[at & (SCAN_BUFFER - 1)], *raw = &w->raw[to & (SCAN_BUFFER - 1)];
	__u64 marks = inline_changed(*(__u64 *)text, w->mask_flags), bytes;

	if (n < 8)
		marks &= (1ull << 8 * n) - 1;
	if (!marks)
		return;
	bytes = (marks >> 7) * 0xff;
	*(__u64 *)raw = (*(__u64 *)raw & ~bytes) | (SCAN_EACH('*') & bytes);
	at = to + inline_before(marks);
	if (at < w->low)
		w->low = at;
	w->high = to + n;
}

/* The next bytes of a span that lies in more than one piece, or is long. */
static __always_inline void inline_mask_more(struct inline_work *w)
{
	__u32 at, to, n, where, next, left;

	for (__u32 j = 0; j < INLINE_MASKS; j++) {
		at = w->mask_at;
		left = w->mask_to - at;
		if (at >= w->mask_to)
			return;
		next = w->mask_piece + 1;
		to = SCAN_BUFFER;
		if (next < w->n_pieces) {
			to = w->piece[next & (INLINE_PIECES - 1)].text;
			if (to <= at) {
				w->mask_piece = next;
				continue;
			}
		}
		where = inline_where_of(w, at);
		n = 1;
		if (INLINE_PLAIN(where)) {
			n = left < to - at ? left : to - at;
			n = n < 8 ? n : 8;
			inline_mask_word(w, at, INLINE_LAST(where), n);
		} else {
			inline_mask_byte(w, at, w->mask_flags);
		}
		w->mask_at = at + n;
	}
}

/* The word at `from` of a span, all of it: what stands for itself, from raw `to` on. */
static __always_inline __u64 inline_mask_whole(struct inline_work *w, __u32 from, __u32 to)
{
	void *text = &w->text.byte[from & (SCAN_BUFFER - 1)],
	     *raw = &w->raw[to & (SCAN_BUFFER - 1)];
	__u64 marks = inline_changed(*(__u64 *)text, w->mask_flags), bytes = (marks >> 7) * 0xff;

	*(__u64 *)raw = (*(__u64 *)raw & ~bytes) | (SCAN_EACH('*') & bytes);
	return marks;
}

/* A span at once, where it is what nearly all are: two to four words that stand for themselves and
 * lie on end. The last word ends with the span and overlaps the one before it, so that none is cut:
 * what a byte becomes hangs on the text, and not on what was done to it before. */
static __always_inline void inline_mask_soon(struct inline_work *w)
{
	__u32 next = w->mask_piece + 1, at = w->mask_at, to = w->mask_to, len = to - at;
	__u32 where = inline_where_of(w, at), last = INLINE_LAST(where);
	__u64 first;

	if (!INLINE_PLAIN(where) || len < 8 || len > 8 * INLINE_MASKS ||
	    (next < w->n_pieces && w->piece[next & (INLINE_PIECES - 1)].text < to))
		return;
	first = inline_mask_whole(w, at, last);
	if (!first)
		return;
	w->low = last + inline_before(first);
	w->high = last + len;
	w->mask_at = to;
	if (len > 16)
		inline_mask_whole(w, at + 8, last + 8);
	if (len > 24)
		inline_mask_whole(w, at + 16, last + 16);
	inline_mask_whole(w, to - 8, last + len - 8);
}

/* A step through the spans: the next one, or more of the one that it is in. Returns 0 when there is
 * none. */
static __always_inline int inline_mask_step(struct inline_work *w)
{
	const struct scan_span *s;

	if (w->mask_at < w->mask_to) {
		inline_mask_more(w);
	} else {
		if (w->span >= w->run.n)
			return 0;
		w->span++;
		if (!inline_judge(w, w->span - 1))
			return 1;
		s = scan_span(&w->run, w->span - 1);
		w->mask_at = s->start;
		w->mask_to = s->end;
		w->mask_flags = s->flags;
		/* where the judge found the last byte, the first nearly always is, too */
		if (w->piece[w->mask_piece & (INLINE_PIECES - 1)].text > s->start)
			inline_find_piece(w, s->start);
		w->low = SCAN_BUFFER;
		w->high = 0;
		inline_mask_soon(w);
	}
	if (w->mask_at < w->mask_to)
		return 1;
	/* the first block of the call */
	if (w->block_at == INLINE_NOWHERE)
		w->block_at = w->low < w->high ? w->low : w->from;
	if (inline_puts(w))
		inline_put_soon(w, w->low, w->high);
	return 1;
}

/* Some of them: a call of its own costs each as much as all else. */
static long inline_mask_steps(__u32 i, struct inline_work **ctx)
{
	struct inline_work *w = *ctx;

	for (__u32 j = 0; j < INLINE_STEPS; j++) {
		if (!inline_mask_step(w))
			return 1;
		SCAN_KEEP(w);
	}
	return 0;
}

__noinline int inline_mask(struct inline_work *w)
{
	if (!w)
		return 0;
	w->put_n = w->span = w->mask_at = w->mask_to = 0;
	bpf_loop(SCAN_BUFFER, inline_mask_steps, &w, 0);
	inline_put_kept(w);
	w->run.n = 0;
	return 0;
}

#endif
