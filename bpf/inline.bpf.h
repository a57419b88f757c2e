/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the inline data path works with: its maps, the places that it works in, and the state of
 * connections. */
#ifndef BAILIFF_INLINE_BPF_H
#define BAILIFF_INLINE_BPF_H

#include "bpf/actor.bpf.h"
#include "bpf/alpn.h"
#include "bpf/content.h"
#include "bpf/refusal.bpf.h"
#include "bpf/scan.h"

#define INLINE_LOOKS   8    /* at a stretch of a stream, that one call takes at most */
#define INLINE_WORDS   8    /* of such a stretch */
#define INLINE_MASKS   4    /* words of a span that a step masks */
#define INLINE_STEPS   4    /* through what was found, that one call makes */
#define INLINE_SLACK   8    /* bytes of text that one of a stream makes at most */
#define INLINE_BETWEEN 256  /* bytes between two spans that are put back with both */
#define INLINE_PAGE    12   /* bits of an address within a page, the smallest that there is */
#define INLINE_PIECES  8192 /* a power of two, a place is masked with it */
#define INLINE_ROUNDS  8192 /* of 16 KiB */

/* Set by the loader before load. A kernel in lockdown has no bpf_probe_write_user: with 0 here
 * nothing is overwritten, and what would have been is told. */
const volatile __u32 inline_writes = 1;

/* Written by the keeper: a policy's detectors, in a map of their own that is swapped whole. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_ARRAY);
			__uint(max_entries, 1);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(struct scan_table));
		});
} policy_scan SEC(".maps");

/* Written by the keeper: what an answer says of a block, INLINE_TEXTS for each detector. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(key_size, sizeof(__u32));
			__uint(value_size, sizeof(struct inline_text));
		});
} policy_texts SEC(".maps");

/* Written by the keeper: tools that are not for everybody. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, POLICY_SLOTS);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_HASH);
			__uint(max_entries, 1);
			__uint(map_flags, BPF_F_NO_PREALLOC);
			__uint(key_size, sizeof(struct tool_key));
			__uint(value_size, sizeof(struct skill_value));
		});
} policy_tools SEC(".maps");

/* What was blocked once comes again with each turn of the conversation, and is masked there. Known
 * by what stands at the end of the match and before it, so that how the stream was cut makes no
 * difference, and the same value in another sentence is blocked for itself. Of a person and not of
 * a lineage, for a conversation is resumed by another process. */
struct inline_seen_key {
	__u64 tail; /* hash of the last SCAN_RECENT bytes */
	__u32 uid;
	__u32 pad;
};

/* Written by this object: when it was blocked first, CLOCK_BOOTTIME. An entry pushed out blocks
 * once more, so that LRU is safe here. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct inline_seen_key);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} inline_seen SEC(".maps");

/* ---- where work is done ------------------------------------------------------------------------
 */

#define INLINE_FOUND 8 /* different things of one call that are told apart */

struct inline_found {
	__u32 n;
	__u32 detector; /* of a tool: the rule */
	__u8 kind, action;
	__u8 repeat;
	__u8 reason; /* enum bailiff_reason */
};

enum inline_answer {
	INLINE_ANSWER_NONE,
	INLINE_ANSWER_TEXT,  /* the next body becomes the reason */
	INLINE_ANSWER_BLANK, /* the rest of it, or of what could not be read, is blank */
};

/* Bytes of text on end that lie on end in raw, or one by itself. */
struct inline_piece {
	__u32 text;  /* its first byte */
	__u32 where; /* of that, see inline_where(); one more for each byte behind it */
};

struct inline_work {
	__u32 busy;
	/* what policy wants of this call */
	__u32 want;  /* bit (1 << enum content_kind) for each that is gathered */
	__u32 tools; /* names of tools are looked at */
	__u32 slot;
	__u32 mode;  /* enum bailiff_mode */
	__u32 flags; /* POLICY_* */
	__u32 rule;
	__u32 uid, person;
	__u64 generation;
	/* the call */
	__u64 ssl;
	__u64 buffer; /* in user space */
	__u32 total;  /* bytes of it */
	__u32 done;   /* of these, in earlier pieces */
	__u32 seam;   /* so many were scanned before, by a call that took none; 0: none */
	__u32 dry;    /* gone over for the state alone */
	__u32 failed; /* bytes could not be read or not be overwritten */
	__u32 unread; /* a message, or a part of it, was in a form that is not read */
	__u32 direction;
	/* the piece in raw */
	__u32 at, len;
	__u32 from;   /* where the round began */
	__u32 ended;  /* a message ended at `at` */
	__u32 accept; /* where the value of Accept-Encoding began */
	__u32 accept_to;
	__u32 accept_cut; /* it began in an earlier piece */
	__u32 accept_whole;
	__u32 n;      /* bytes of text */
	__u32 looked; /* bytes of the stretch that was looked at last */
	__u32 n_pieces;
	/* the span that is being masked */
	__u32 mask_at, mask_to, mask_flags, mask_piece;
	__u32 span;	 /* the next one to be judged */
	__u32 low, high; /* what of raw it changed */
	/* spans whose bytes are to be put back with one write */
	__u32 put_from, put_to, put_n;
	/* blocks */
	__u32 block;	/* the detector + 1 of the first one in this call */
	__u32 block_at; /* in raw */
	__u32 block_fresh;
	__u32 blank;		  /* what is left of the message is blank */
	__u32 reset;		  /* the connection is closed instead */
	__u32 answer;		  /* enum inline_answer */
	__u32 answers;		  /* whose texts: a detector, or INLINE_TEXT_* */
	__u32 body_from, body_to; /* first piece of a body that lies in one */
	__u32 coded;		  /* a compressed response began */
	__u32 messages;		  /* it answers the Messages API */
	__u64 number;
	struct inline_found found[INLINE_FOUND];
	__u32 n_found;
	__u32 noted;	/* of these, the last that was */
	__u32 write_at; /* of an answer */
	struct alpn_offer offer;
	struct scan_state scan, ahead;
	struct content_state content;
	struct content_out out;
	struct scan_run run;
	struct scan_buffer text; /* what was decoded, texts with a mark between them */
	struct inline_piece piece[INLINE_PIECES]; /* in the order of the text */
	__u8 raw[2 * SCAN_BUFFER]; /* half of it used: the verifier adds length to offset */
};

/* Claimed: a program that is preempted in its work leaves it to nobody. Not per-CPU, for such a
 * value is at most 32 KiB; but each processor tries its own first. The loader makes it as large as
 * the machine needs. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, INLINE_PLACES);
	__type(key, __u32);
	__type(value, struct inline_work);
} inline_places SEC(".maps");

static __always_inline struct inline_work *inline_claim(void)
{
	__u32 first = bpf_get_smp_processor_id() * INLINE_PLACES;

	for (__u32 i = 0; i < INLINE_PLACES; i++) {
		__u32 key = first + i;
		struct inline_work *w = bpf_map_lookup_elem(&inline_places, &key);

		if (w && !__sync_val_compare_and_swap(&w->busy, 0, 1))
			return w;
	}
	count(COUNTER_STORAGE_FAILED, 1);
	return NULL;
}

static __always_inline void inline_release(struct inline_work *w)
{
	__sync_lock_test_and_set(&w->busy, 0);
}

/* ---- where a byte of text is -------------------------------------------------------------------
 * In one word: the raw byte that it ends in, how many up to it are overwritten (0: it cannot be
 * masked, or is not the last of its character), and what content_mask_byte() has to know. */

static __always_inline __u32 inline_where(__u32 last, __u32 form, __u32 code, __u32 len, __u32 cut)
{
	return last | form << 14 | (code >> 4 & 7) << 16 | (cut & 1) << 19 | len << 20;
}
#define INLINE_WHERE_KIND(kind) ((__u32)(kind) << 28)

/* A byte that stands for itself. */
static __always_inline __u32 inline_plain(__u32 at, __u32 kind)
{
	return inline_where(at, CONTENT_PLAIN, 0, 1, 0) | INLINE_WHERE_KIND(kind & 3);
}

#define INLINE_LAST(w) ((w) & (SCAN_BUFFER - 1))
#define INLINE_FORM(w) ((w) >> 14 & 3)
#define INLINE_HIGH(w) ((w) >> 16 & 7)
#define INLINE_CUT(w)  ((w) >> 19 & 1)
#define INLINE_LEN(w)  ((w) >> 20 & 0xff)
#define INLINE_KIND(w) ((w) >> 28 & 3)
/* Overwritten by what content_mask_byte() calls an ordinary byte, and by nothing else. */
#define INLINE_PLAIN(w)                                                                            \
	(((w) & (3 << 14 | 1 << 19 | 0xff << 20)) == inline_where(0, CONTENT_PLAIN, 0, 1, 0))
/* raw bytes of a character at most: a pair, each of its twelve signs written by number */
#define INLINE_MASK_MAX 72

/* Text from `n` on lies at `where`, until the next that is said. Nearly always it goes on where the
 * byte before it ended. */
static __always_inline void inline_place(struct inline_work *w, __u32 n, __u32 where)
{
	struct inline_piece *p = &w->piece[(w->n_pieces - 1) & (INLINE_PIECES - 1)];

	if (w->n_pieces) {
		if (p->where + (n - p->text) == where)
			return;
		/* of what was said last nothing came */
		if (p->text == n) {
			p->where = where;
			return;
		}
	}
	p = &w->piece[w->n_pieces & (INLINE_PIECES - 1)];
	p->text = n;
	p->where = where;
	w->n_pieces++;
}

/* Finds the piece that a byte of text is in: mask_piece. It is kept there while it is looked for:
 * of what was loaded the verifier knows nothing, and takes the two ways out of a step for one. */
__noinline int inline_find_piece(struct inline_work *w, __u32 at)
{
	volatile __u32 *found;
	__u32 next;

	if (!w)
		return 0;
	found = &w->mask_piece;
	next = *found + 1;
	/* nearly always it is where the last one was */
	if (*found < w->n_pieces && w->piece[*found & (INLINE_PIECES - 1)].text <= at &&
	    (next >= w->n_pieces || w->piece[next & (INLINE_PIECES - 1)].text > at))
		return 0;
	*found = 0;
	for (__u32 step = INLINE_PIECES / 2; step; step /= 2) {
		next = (*found + step) & (INLINE_PIECES - 1);
		if (next < w->n_pieces && w->piece[next].text <= at)
			*found = next;
	}
	return 0;
}

/* The same, where nearly always it is the one that the last one was in: a call less. */
static __always_inline void inline_at_piece(struct inline_work *w, __u32 at)
{
	__u32 next = w->mask_piece + 1;

	if (w->mask_piece >= w->n_pieces ||
	    w->piece[w->mask_piece & (INLINE_PIECES - 1)].text > at ||
	    (next < w->n_pieces && w->piece[next & (INLINE_PIECES - 1)].text <= at))
		inline_find_piece(w, at);
}

/* What is to be known of a byte of the piece mask_piece. */
static __always_inline __u32 inline_where_of(struct inline_work *w, __u32 at)
{
	struct inline_piece *p = &w->piece[w->mask_piece & (INLINE_PIECES - 1)];

	return p->where + (at - p->text);
}

/* "identity", the first letter lowest */
#define INLINE_IDENTITY 0x797469746e656469ull

/* ---- connections -------------------------------------------------------------------------------
 */

struct inline_stream {
	struct content_state content;
	struct scan_state scan;
};

struct inline_connection {
	struct inline_stream sent, received;
	/* after a write whose bytes are not known to be taken */
	struct inline_stream ahead;
	__u64 ahead_buffer;
	__u32 ahead_len; /* 0: there is none */
	__u32 received_any;
	__u64 number; /* of the block that the next response is to tell of */
	__u32 block;  /* its detector, or INLINE_TEXT_*, + 1; 0: none */
	__u32 blank;  /* what is left of the request is blank */
	__u32 answer; /* enum inline_answer */
	__u32 gone;   /* that it cannot be read was said */
};

/* Written by this object. One that is pushed out is not read until its next request. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct tls_connection_key);
	__type(value, struct inline_connection);
} inline_connections SEC(".maps");

/* Too large for the stack. Never written. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct inline_connection);
} inline_fresh SEC(".maps");

static __always_inline struct inline_connection *inline_connection(__u64 ssl, bool make)
{
	struct inline_connection *c, *fresh;
	struct tls_connection_key key;
	__u32 zero = 0;

	tls_connection_key(&key, ssl);
	c = bpf_map_lookup_elem(&inline_connections, &key);
	if (c || !make)
		return c;
	fresh = bpf_map_lookup_elem(&inline_fresh, &zero);
	if (fresh)
		bpf_map_update_elem(&inline_connections, &key, fresh, BPF_NOEXIST);
	c = bpf_map_lookup_elem(&inline_connections, &key);
	if (c)
		c->received.content.response = 1;
	else
		count(COUNTER_STORAGE_FAILED, 1);
	return c;
}

static __always_inline void inline_forget(__u64 ssl)
{
	struct tls_connection_key key;

	tls_connection_key(&key, ssl);
	bpf_map_delete_elem(&inline_connections, &key);
}

/* ---- calls -------------------------------------------------------------------------------------
 */

/* Written by this object: the TLS calls that a thread is inside of. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tls_calls);
} inline_calls SEC(".maps");

#endif
