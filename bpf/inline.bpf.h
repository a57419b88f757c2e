/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the inline data path works with: its maps, the places that it works in, and the state of
 * connections. */
#ifndef BAILIFF_INLINE_BPF_H
#define BAILIFF_INLINE_BPF_H

#include "bpf/actor.bpf.h"
#include "bpf/content.h"
#include "bpf/scan.h"

#define INLINE_STRIDE 16
#define INLINE_SLACK  16   /* bytes of text that a step writes at most */
#define INLINE_ROUNDS 8192 /* of 16 KiB */
#define INLINE_CALLS  4	   /* TLS inside TLS through a proxy nests once */

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

/* Written by the keeper: what is masked, a bit (1 << enum content_kind) each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} inline_switch SEC(".maps");

/* ---- where work is done ------------------------------------------------------------------------
 */

struct inline_work {
	__u32 busy;
	__u32 want;    /* as in inline_switch */
	__u64 buffer;  /* the call's, in user space */
	__u32 total;   /* bytes of it */
	__u32 done;    /* of these, in earlier pieces */
	__u32 seam;    /* so many were scanned before, by a call that took none; 0: none */
	__u32 dry;     /* nothing is written */
	__u32 at, len; /* of the piece in raw */
	__u32 n;       /* bytes of text */
	__u32 accept;  /* where the value of Accept-Encoding began */
	__u32 accept_to;
	__u32 accept_cut; /* it began in an earlier piece */
	__u32 accept_whole;
	__u32 mask_at, mask_to, mask_flags;
	__u32 low, high; /* what of raw a span changed */
	__u32 masked;	 /* characters */
	struct scan_state scan, ahead;
	struct content_state content;
	struct content_out out;
	struct scan_run run;
	struct scan_buffer text;   /* what was decoded, texts with a mark between them */
	__u32 where[SCAN_BUFFER];  /* how each byte of text is masked in raw, see inline_where() */
	__u8 raw[2 * SCAN_BUFFER]; /* half of it used: the verifier adds length to offset */
};

/* Claimed: a program that is preempted in its work leaves it to nobody. Not per-CPU, for such a
 * value is at most 32 KiB; but each processor tries its own first. The loader makes it as large as
 * the machine needs. */
#define INLINE_PLACES 4
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16 * INLINE_PLACES);
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

#define INLINE_LAST(w) ((w) & (SCAN_BUFFER - 1))
#define INLINE_FORM(w) ((w) >> 14 & 3)
#define INLINE_HIGH(w) ((w) >> 16 & 7)
#define INLINE_CUT(w)  ((w) >> 19 & 1)
#define INLINE_LEN(w)  ((w) >> 20)
/* raw bytes of a character at most: a pair, each of its twelve signs written by number */
#define INLINE_MASK_MAX 72

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
	__u32 pad;
};

struct inline_key {
	__u64 ssl;
	__u64 start_ns; /* a pid alone is used again */
	__u32 tgid;
	__u32 pad;
};

/* Written by this object. One that is pushed out is read from its middle on, as no HTTP: nothing of
 * it is masked. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct inline_key);
	__type(value, struct inline_connection);
} inline_connections SEC(".maps");

/* Too large for the stack. Never written. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct inline_connection);
} inline_fresh SEC(".maps");

static __always_inline void inline_key(struct inline_key *key, __u64 ssl)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->ssl = ssl;
	key->tgid = bpf_get_current_pid_tgid() >> 32;
	key->start_ns = bpf_get_current_task_btf()->group_leader->start_boottime;
}

static __always_inline struct inline_connection *inline_connection(__u64 ssl, bool make)
{
	struct inline_connection *c, *fresh;
	struct inline_key key;
	__u32 zero = 0;

	inline_key(&key, ssl);
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
	struct inline_key key;

	inline_key(&key, ssl);
	bpf_map_delete_elem(&inline_connections, &key);
}

/* ---- calls -------------------------------------------------------------------------------------
 */

struct inline_call {
	__u64 ssl;
	__u64 buffer;
	__u64 stack; /* stack pointer at entry */
	__u32 len;
	__u32 direction;
};

struct inline_calls {
	__u32 depth;
	__u32 pad;
	struct inline_call call[INLINE_CALLS];
};

/* Written by this object: the TLS calls that a thread is inside of. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct inline_calls);
} inline_calls SEC(".maps");

/* ---- policy ------------------------------------------------------------------------------------
 */

static __always_inline __u32 inline_wanted(void)
{
	__u32 key = 0, *v = bpf_map_lookup_elem(&inline_switch, &key);

	/* NONE is never touched, whatever is asked for */
	return v ? *v & (1 << CONTENT_TEXT | 1 << CONTENT_INPUT | 1 << CONTENT_REQUEST) : 0;
}

static __always_inline const struct scan_table *inline_table(void)
{
	__u32 slot = 0, key = 0;
	void *table;

	if (!policy_now(&slot))
		return NULL;
	table = bpf_map_lookup_elem(&policy_scan, &slot);
	return table ? bpf_map_lookup_elem(table, &key) : NULL;
}

#endif
