/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The automaton of the inline data path: its table, and the scanner that walks a buffer with it.
 * Compiled for the kernel programs and, as plain C, for unit tests, the fuzzer and the bench.
 *
 * One table finds all detectors at once, in a stream that comes in buffers. What is masked is the
 * union of all matches: every stretch that a detector's language has, that stands free of the bytes
 * that must not be beside it, and that passes the detector's check. A match that ends within a
 * buffer is decided before anything of it is masked. A candidate that is open at the end of a
 * buffer and past its commit point is masked as far as it is here, and on from there as it comes.
 *
 * Nothing but struct scan_state outlives a buffer. docs/automaton.md says how the table is made. */
#ifndef BAILIFF_SCAN_H
#define BAILIFF_SCAN_H

#include "bpf/scan_check.h"

/* What one detector has: its number, and flags of the span. One word, for a function that the
 * verifier looks at by itself has at most five arguments. */
#define SCAN_WHAT(detector, flags) ((__u32)(detector) | (__u32)(flags) << 16)

/* From a row to bytes within the table. */
#define SCAN_ROW_BYTES (SCAN_CLASSES_SHIFT + 1 - SCAN_ROW_SHIFT)

/* The row of the state that a byte leads to. Each byte waits for the one before: from row to row it
 * is a shift, a sum and a load, and nothing that keeps the place within bounds, since a row cannot
 * be out of them. */
static __always_inline __u16 scan_next(const struct scan_table *t, __u16 row, __u8 byte)
{
	const __u8 *column = (const __u8 *)(t->next + t->class_of[byte]);

	/* of this byte alone, so that it is there before the row is */
	SCAN_HIDE(column);
	return *(const __u16 *)(const void *)(column + ((__u32)row << SCAN_ROW_BYTES));
}

/* The same for two bytes at once: half of the way. Returns 0 where they have to be taken one by
 * one: what they are makes a difference, or the first of them leads to a state that says something.
 */
static __always_inline __u16 scan_next_two(const struct scan_table *t, __u16 row, __u16 two)
{
	const __u8 *column = (const __u8 *)(t->next + t->pair[two]);

	SCAN_HIDE(column);
	return *(const __u16 *)(const void *)(column + ((__u32)row << SCAN_ROW_BYTES));
}

static __always_inline const struct scan_label *scan_label(const struct scan_table *t, __u16 row)
{
	__u32 state = row >> SCAN_ROW_SHIFT;

	/* of an argument the verifier does not know that it is sixteen bits */
	SCAN_HIDE(state);
	return &t->label[state & (SCAN_STATES_MAX - 1)];
}

/* ---- spans -------------------------------------------------------------------------------------
 */

static __always_inline struct scan_span *scan_span(struct scan_run *run, __u32 i)
{
	SCAN_HIDE(i);
	return &run->span[i & (SCAN_SPANS - 1)];
}

SCAN_FUNCTION int scan_emit(struct scan_run *run, __u32 start, __u32 what)
{
	struct scan_span *last, s = {0};

	if (!run || run->upto <= start)
		return 0;
	s.start = start;
	s.end = s.named = run->upto;
	s.detector = (__u16)what;
	s.flags = (__u16)(what >> 16);
	/* spans come in the order of their ends: this one takes in what began within it */
	for (__u32 i = 0; i < SCAN_SPANS; i++) {
		if (!run->n)
			break;
		last = scan_span(run, run->n - 1);
		if (last->start < s.start)
			break;
		if (last->start == s.start &&
		    (last->named > s.named ||
		     (last->named == s.named && last->detector < s.detector))) {
			s.named = last->named;
			s.detector = last->detector;
		}
		if (last->end > s.end)
			s.end = last->end;
		s.flags |= last->flags;
		run->n--;
	}
	if (run->n) {
		last = scan_span(run, run->n - 1);
		/* full cannot be, see scan_stride; if it were, too much is masked and not too
		 * little */
		if (last->end > s.start || run->n >= SCAN_SPANS) {
			if (s.end > last->end)
				last->end = s.end;
			last->flags |= s.flags;
			return 0;
		}
	}
	*scan_span(run, run->n) = s;
	run->n++;
	return 0;
}

/* The same where the span touches none that was there before, which is nearly always. Returns 0
 * where it may. */
static __always_inline int scan_append(struct scan_run *run, __u32 start, __u32 what)
{
	struct scan_span *s;
	__u32 n = run->n;

	if (run->upto <= start || n >= SCAN_SPANS)
		return 0;
	if (n) {
		s = scan_span(run, n - 1);
		if (s->start >= start || s->end > start)
			return 0;
	}
	s = scan_span(run, n);
	s->start = start;
	s->end = s->named = run->upto;
	s->detector = (__u16)what;
	s->flags = (__u16)(what >> 16);
	run->n = n + 1;
	return 1;
}

static __always_inline __s32 scan_start(const struct scan_table *t, const struct scan_run *run,
					const struct scan_entry *e, __s32 now)
{
	if (e->age == SCAN_AGE_OWNER)
		return run->own;
	if (e->age == SCAN_AGE_MARK)
		return run->mark[t->detector[e->detector].mark & (SCAN_MARKS - 1)];
	return now - e->age;
}

/* What a span of a detector has beside its own. */
static __always_inline __u32 scan_acts(const struct scan_detector *d)
{
	return SCAN_WHAT(0, d->acts) | (d->style == SCAN_STYLE_ALL ? SCAN_WHAT(0, SCAN_WHOLE) : 0);
}

/* Whether a byte may stand before what a detector finds, and belong to it. */
static __always_inline int scan_belongs(const struct scan_detector *d, __u8 b)
{
	return d->back[b >> 6] >> (b & 63) & 1;
}

/* Where what was found at run->back begins. Returns 0 where it may be further back yet. */
static __always_inline int scan_back(const struct scan_detector *d, struct scan_run *run,
				     const struct scan_buffer *bytes)
{
	__s32 start = run->back;
	__u32 i;

	for (i = 0; i < SCAN_BACK; i++) {
		if (i >= d->reach || start <= 0 ||
		    !scan_belongs(d, bytes->byte[(start - 1) & (SCAN_BUFFER - 1)]))
			break;
		start--;
	}
	run->back = start;
	SCAN_KEEP(run);
	return i < SCAN_BACK;
}

/* Emits what one detector has from start (maybe before the buffer) up to run->upto. */
SCAN_FUNCTION int scan_take(const struct scan_table *t, struct scan_run *run,
			    const struct scan_buffer *bytes, __u32 what, __s32 start)
{
	const struct scan_detector *d;

	if (!t || !run || !bytes)
		return 0;
	d = &t->detector[what & 255];
	what |= scan_acts(d);
	if (start < 0)
		return scan_emit(run, 0, what | SCAN_WHAT(0, SCAN_CONTINUED));
	for (__u32 i = 0; i < 255; i++) {
		if (i >= d->reach || start <= 0 ||
		    !scan_belongs(d, bytes->byte[(start - 1) & (SCAN_BUFFER - 1)]))
			break;
		start--;
	}
	if (scan_append(run, (__u32)start, what))
		return 0;
	return scan_emit(run, (__u32)start, what);
}

/* Where what has just started or committed began. */
static __always_inline void scan_since(struct scan_run *run, const struct scan_label *l, __u32 at)
{
	if (l->lead)
		run->mark[(l->lead - 1) & (SCAN_MARKS - 1)] = (__s32)at;
	if (l->own)
		run->own = (__s32)at + 1 - l->own;
}

/* What the state says that the byte at `at` led to. */
SCAN_FUNCTION int scan_event(const struct scan_table *t, struct scan_run *run,
			     const struct scan_buffer *bytes, __u32 at, __u16 row)
{
	const struct scan_label *l;
	__u32 list;

	if (!t || !run || !bytes)
		return 0;
	l = scan_label(t, row);
	list = l->matches;
	run->upto = at;
	for (__u32 i = 0; list && i < SCAN_LIST_MAX; i++) {
		const struct scan_entry *e = &t->entry[(list + i) & (SCAN_ENTRIES_MAX - 1)];
		__u32 check = t->detector[e->detector].check;
		__s32 start = scan_start(t, run, e, (__s32)at);

		/* what crosses into a buffer that goes on masking is masked already, and may have
		 * begun too long ago to be checked */
		if (check && !(start < 0 && run->masking) && !scan_check(run, bytes, check, start))
			run->dropped++;
		else
			scan_take(t, run, bytes, SCAN_WHAT(e->detector, SCAN_COMPLETE), start);
		if (!e->more)
			break;
	}
	scan_since(run, l, at);
	return 0;
}

/* The same for what is nearly always so: one match, all of it in this buffer. With a call less or
 * two: where returns are guarded against speculation, each costs as much as four bytes. */
static __always_inline void scan_match(const struct scan_table *t, struct scan_run *run,
				       const struct scan_buffer *bytes, __u32 at, __u16 row)
{
	const struct scan_label *l = scan_label(t, row);
	const struct scan_entry *e = &t->entry[l->matches & (SCAN_ENTRIES_MAX - 1)];
	const struct scan_detector *d = &t->detector[e->detector];
	__u32 what = SCAN_WHAT(e->detector, SCAN_COMPLETE);
	__s32 start, is = 1;

	/* a branch, so that nothing waits for the label where there is nothing to it */
	if (l->then < t->idle)
		run->row = l->then;
	if (!l->matches) {
		scan_since(run, l, at);
		return;
	}
	start = scan_start(t, run, e, (__s32)at);
	run->upto = at;
	if (l->lead || l->own || e->more || start < 0) {
		scan_event(t, run, bytes, at, row);
		return;
	}
	if (d->check) {
		is = scan_check_soon(bytes, d->check, start, at);
		if (is < 0)
			is = scan_check(run, bytes, d->check, start);
	}
	run->back = start;
	if (!is)
		run->dropped++;
	else if (!scan_back(d, run, bytes) ||
		 !scan_append(run, (__u32)run->back, what | scan_acts(d)))
		scan_take(t, run, bytes, what, start);
}

/* One byte while something goes on that was masked at the end of the last buffer: whatever is past
 * its commit point and began before this buffer is masked as it comes. */
SCAN_FUNCTION int scan_carry(const struct scan_table *t, struct scan_run *run,
			     const struct scan_buffer *bytes)
{
	__u32 at, crossing = 0, list;

	if (!t || !run || !bytes)
		return 0;
	at = run->at;
	run->row = scan_next(t, run->row, bytes->byte[at & (SCAN_BUFFER - 1)]);
	run->at = at + 1;
	if (run->row >= t->quiet)
		scan_event(t, run, bytes, at, run->row);
	run->upto = at + 1;
	list = scan_label(t, run->row)->open;
	for (__u32 i = 0; list && i < SCAN_LIST_MAX; i++) {
		const struct scan_entry *e = &t->entry[(list + i) & (SCAN_ENTRIES_MAX - 1)];

		if (scan_start(t, run, e, (__s32)at + 1) < 0) {
			scan_take(t, run, bytes, e->detector, -1);
			crossing = 1;
			break;
		}
		if (!e->more)
			break;
	}
	/* an older candidate that is not past its commit point has fewer bytes than that */
	if (run->row < t->idle || (!crossing && at >= SCAN_LENGTH_MAX))
		run->masking = 0;
	return 0;
}

/* ---- the scanner -------------------------------------------------------------------------------
 */

/* Starts a buffer of len bytes, at most SCAN_BUFFER. */
SCAN_FUNCTION int scan_begin(const struct scan_table *t, struct scan_state *s, struct scan_run *run,
			     __u32 len)
{
	if (!t || !s || !run)
		return 0;
	if (s->table != t->id) {
		__builtin_memset(s, 0, sizeof(*s));
		s->table = t->id;
	}
	run->at = 0;
	run->len = len;
	run->row = s->row;
	run->masking = s->masking;
	run->dropped = 0;
	run->own = -(__s32)s->own;
	for (__u32 i = 0; i < SCAN_MARKS; i++)
		run->mark[i] = -(__s32)s->mark[i];
	__builtin_memcpy(run->recent, s->recent, sizeof(run->recent));
	run->n = run->upto = 0;
	run->none = ~0ull;
	return 0;
}

/* No bit of the last pair is clear. */
#define SCAN_BARRED (~0ull << 2 * SCAN_BARS * (SCAN_PAIRS - 1))

/* Shifts the four pairs of a word into what bars each candidate. Returns what bars it after all
 * four: less than SCAN_BARRED where one may have started with one of them. */
static __always_inline __u64 scan_pairs(const struct scan_table *t, __u64 word, __u64 *barred)
{
	__u64 all = ~0ull;

	SCAN_UNROLL
	for (__u32 i = 0; i < 64; i += 16) {
		*barred = *barred << 2 * SCAN_BARS | t->bars[word >> i & 0xffff];
		all &= *barred;
	}
	return all;
}

/* How many bytes of a word lie before the first pair with which one may have started: up to 8. */
static __always_inline __u32 scan_before(const struct scan_table *t, __u64 word, __u64 barred)
{
	SCAN_UNROLL
	for (__u32 i = 0; i < 8; i += 2) {
		barred = barred << 2 * SCAN_BARS | t->bars[word >> 8 * i & 0xffff];
		if (barred < SCAN_BARRED)
			return i;
	}
	return 8;
}

/* Goes over idle bytes from run->at on. Returns 1 when there may be more, 0 when a candidate may
 * start at one of the next two, or the buffer ends soon. Little-endian, as all machines are that
 * this is built for. */
static __always_inline int scan_idle(const struct scan_table *t, struct scan_run *run,
				     const struct scan_buffer *bytes)
{
	__u64 barred = run->none;
	const __u8 *from;
	__u32 at, i = 0;

	/* what may start something has a pair before it */
	at = run->at - 2;
	run->left = run->len - at;
	SCAN_KEEP(run);
	if (run->left < 16)
		return 0;
	from = &bytes->byte[at & (SCAN_BUFFER - 1)];
	/* two words, so that less of it is the loop's own */
	while (i < SCAN_SKIP && i + 16 <= run->left) {
		run->barred = barred;
		SCAN_KEEP(run);
		i += 8;
		if (scan_pairs(t, scan_word(from + i - 8), &barred) < SCAN_BARRED)
			break;
		run->barred = barred;
		SCAN_KEEP(run);
		i += 8;
		if (scan_pairs(t, scan_word(from + i - 8), &barred) < SCAN_BARRED)
			break;
	}
	/* what is read from memory again the verifier takes for the same, whichever way led here */
	run->skipped = i - 8;
	SCAN_KEEP(run);
	/* never so: but at a branch it compares the ways that led here */
	if (run->skipped > SCAN_SKIP)
		return 0;
	at = run->at - 2;
	i = run->skipped;
	i += scan_before(t, scan_word(&bytes->byte[(at + i) & (SCAN_BUFFER - 1)]), run->barred);
	/* the first that can show in the pair at i starts three before, at the second byte */
	if (i >= 2 * SCAN_PAIRS) {
		at += i - 2 * (SCAN_PAIRS - 1) + 1;
		run->row = t->resume[bytes->byte[(at - 1) & (SCAN_BUFFER - 1)]];
		run->at = at;
	}
	run->skipped = i;
	SCAN_KEEP(run);
	return run->skipped >= SCAN_SKIP;
}

/* Whether a state is left for what is done elsewhere: none is live (unless that is waited for, low
 * is 0 then), or it says something. One comparison. */
static __always_inline int scan_stops(const struct scan_table *t, __u32 row, __u32 low)
{
	return row - low >= t->quiet - low;
}

/* The last bytes of a buffer, fewer than SCAN_STRIDE, up to the first that scan_stops() at. */
SCAN_FUNCTION int scan_last(const struct scan_table *t, struct scan_run *run,
			    const struct scan_buffer *bytes)
{
	__u32 at, left, low, i;
	__u16 row;

	if (!t || !run || !bytes)
		return 0;
	at = run->at;
	left = run->len - at;
	row = run->row;
	low = row < t->idle ? 0 : t->idle;
	for (i = 0; i < SCAN_STRIDE && i < left; i++) {
		row = scan_next(t, row, bytes->byte[(at + i) & (SCAN_BUFFER - 1)]);
		if (scan_stops(t, row, i > 2 ? t->idle : low)) {
			i++;
			break;
		}
	}
	run->at = at + i;
	run->row = row;
	return 0;
}

/* SCAN_STRIDE bytes through the automaton, up to the first that scan_stops() at. Without a call in
 * it, so that all of it stays in registers. */
static __always_inline void scan_walk(const struct scan_table *t, struct scan_run *run,
				      const struct scan_buffer *bytes)
{
	__u32 at = run->at, i;
	__u16 row = run->row, next, two;
	/* scan_idle() stops before what it saw */
	__u32 low = row < t->idle ? 0 : t->idle;
	__u64 word = scan_word(&bytes->byte[at & (SCAN_BUFFER - 1)]);

	SCAN_UNROLL
	for (i = 0; i < SCAN_STRIDE; i += 2) {
		if (i && !(i & 7))
			word = scan_word(&bytes->byte[(at + i) & (SCAN_BUFFER - 1)]);
		two = word >> 8 * (i & 7);
		next = scan_next_two(t, row, two);
		if (!next) {
			row = scan_next(t, row, two & 0xff);
			if (scan_stops(t, row, i > 2 ? t->idle : low)) {
				i++;
				break;
			}
			next = scan_next(t, row, two >> 8);
		}
		row = next;
		if (scan_stops(t, row, i > 1 ? t->idle : low)) {
			i += 2;
			break;
		}
	}
	run->at = at + i;
	run->row = row;
	SCAN_KEEP(run);
}

/* One step: some times at most SCAN_STRIDE bytes, and idle ones before them: what a bpf_loop calls.
 * Returns 1 when the buffer is done (at == len), or the spans have to be taken first (n > 0). */
static __always_inline int scan_stride(const struct scan_table *t, struct scan_run *run,
				       const struct scan_buffer *bytes)
{
	/* a stride leaves at most one span for each of its bytes */
	if (run->at >= run->len || run->n > SCAN_SPANS / 2)
		return 1;
	if (run->masking) {
		scan_carry(t, run, bytes);
		return 0;
	}
	for (__u32 i = 0; i < SCAN_TURNS && run->at < run->len; i++) {
		if (run->row < t->idle && run->at >= 2 && scan_idle(t, run, bytes))
			continue;
		if (run->len - run->at < SCAN_STRIDE)
			scan_last(t, run, bytes);
		else
			scan_walk(t, run, bytes);
		if (run->row >= t->quiet)
			scan_match(t, run, bytes, run->at - 1, run->row);
	}
	return 0;
}

/* Strides that a buffer takes at most: single bytes while it goes on masking, and the rest. */
#define SCAN_STRIDES (SCAN_BUFFER + 1)

/* Ends the buffer: what is open is masked as far as it is here. The spans are the last ones. */
SCAN_FUNCTION int scan_finish(const struct scan_table *t, struct scan_state *s,
			      struct scan_run *run, const struct scan_buffer *bytes)
{
	__u32 list;
	__s32 len;

	if (!t || !s || !run || !bytes || !run->len)
		return 0;
	list = scan_label(t, run->row)->open;
	len = (__s32)run->len;
	run->upto = run->len;
	s->masking = list != 0;
	for (__u32 i = 0; list && i < SCAN_LIST_MAX; i++) {
		const struct scan_entry *e = &t->entry[(list + i) & (SCAN_ENTRIES_MAX - 1)];

		scan_take(t, run, bytes, SCAN_WHAT(e->detector, SCAN_OPEN),
			  scan_start(t, run, e, len));
		if (!e->more)
			break;
	}
	s->row = run->row;
	s->own = len - run->own > 255 ? 255 : (__u8)(len - run->own);
	for (__u32 i = 0; i < SCAN_MARKS; i++)
		s->mark[i] = len - run->mark[i] > 255 ? 255 : (__u8)(len - run->mark[i]);
	for (__s32 i = 0; i < SCAN_RECENT; i++)
		s->recent[i] = scan_byte(run, bytes, len - SCAN_RECENT + i);
	return 0;
}

/* What a mask leaves of a byte. '*' and no letter or digit: it is in no detector's alphabet, so
 * that what was masked matches nothing again, here or on the next turn. */
static __always_inline __u8 scan_masked(__u32 flags, __u8 b)
{
	if (!(flags & SCAN_WHOLE) && b < 0x80 && !(b >= '0' && b <= '9') &&
	    !((b | 0x20) >= 'a' && (b | 0x20) <= 'z'))
		return b;
	return '*';
}

#ifndef __BPF__
/* Scans one buffer of a stream. take() gets the spans, in the order of their starts; one may reach
 * back over those of an earlier call. Returns the matches that their check refused. */
static __attribute__((unused)) __u32 scan_bytes(const struct scan_table *table,
						struct scan_state *state, const __u8 *bytes,
						__u32 len, void *ctx,
						void (*take)(void *ctx, const struct scan_span *s))
{
	const struct scan_buffer *b = (const struct scan_buffer *)bytes;
	struct scan_run run;

	scan_begin(table, state, &run, len);
	for (;;) {
		while (!scan_stride(table, &run, b))
			;
		if (run.at >= len)
			scan_finish(table, state, &run, b);
		for (__u32 i = 0; i < run.n; i++)
			take(ctx, &run.span[i]);
		if (run.at >= len)
			return run.dropped;
		run.n = 0;
	}
}

struct scan_mask {
	const __u8 *from;
	__u8 *to;
	__u64 masked;
};

static inline void scan_mask_span(void *ctx, const struct scan_span *s)
{
	struct scan_mask *m = ctx;

	m->masked++;
	for (__u32 i = s->start; i < s->end; i++)
		m->to[i] = scan_masked(s->flags, m->from[i]);
}

/* Scans a buffer and writes it masked to `to`, which must not be `from`: the scanner looks back.
 * Returns how many spans were masked. */
static __attribute__((unused)) __u64 scan_mask(const struct scan_table *table,
					       struct scan_state *state, const __u8 *from, __u8 *to,
					       __u32 len)
{
	struct scan_mask m = {.from = from, .to = to};

	__builtin_memcpy(to, from, len);
	scan_bytes(table, state, from, len, &m, scan_mask_span);
	return m.masked;
}
#endif

#endif
