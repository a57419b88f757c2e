/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One buffer on its way through the scanner: what is kept meanwhile, and how bytes are read. */
#ifndef BAILIFF_SCAN_RUN_H
#define BAILIFF_SCAN_RUN_H

#include "bpf/scan_table.h"

/* Not static for the kernel: the verifier looks at each once, and not sixteen times a stride. It
 * takes every pointer for one that may be NULL. */
#ifdef __BPF__
#define SCAN_FUNCTION __attribute__((noinline))
#else
#define SCAN_FUNCTION static __attribute__((noinline, unused))
#endif

/* The compiler knows bounds, and leaves them out where the verifier does not know them. */
#ifdef __BPF__
#define SCAN_HIDE(x) asm volatile("" : "+r"(x))
#define SCAN_KEEP(x) asm volatile("" : "+r"(x) : : "memory")
#define SCAN_UNROLL  _Pragma("unroll")
#else
#define SCAN_HIDE(x) (void)0
#define SCAN_KEEP(x) (void)0
#define SCAN_UNROLL
#endif

#define SCAN_COMPLETE  1 /* a match ended in it */
#define SCAN_OPEN      2 /* goes on past the buffer, as far as is known */
#define SCAN_CONTINUED 4 /* began before the buffer */
#define SCAN_WHOLE     8 /* has a match of a detector that leaves no byte standing */
/* the other twelve: SCAN_ACT() of all that is in it */

/* What is to be masked: matches that overlap are one. Named after the one that starts first; of
 * those, the longest; of those, the one whose detector is listed first. */
struct scan_span {
	__u32 start, end;
	__u32 named; /* end of the match that it is named after */
	__u16 detector;
	__u16 flags;
};

/* What a check adds up. In memory: what the verifier knew of counters it would follow through every
 * path of a loop. */
struct scan_sum {
	__u32 check;		   /* enum scan_check */
	__s32 at, end;		   /* what is left to be looked at */
	__u32 digits, luhn, first; /* the first two of them */
	__u32 plain, head, rest;   /* letters and digits; the first four; mod 97 of the others */
};

/* One buffer on its way. In the kernel it lies in a map value: what a bpf_loop callback changes
 * must. */
struct scan_run {
	__u32 at, len;
	__u16 row;
	__u16 pad;
	__u32 masking; /* as in struct scan_state, until what crossed the boundary has ended */
	__u32 dropped; /* matches that their check refused */
	__s32 own;     /* where the owner started; below 0: in an earlier buffer */
	__s32 mark[SCAN_MARKS];
	__u32 upto;    /* where what is looked at ends */
	__u32 left;    /* up to the end */
	__u32 skipped; /* idle bytes, of the last that were gone over at once */
	__u64 none;    /* what is barred before the first pair: all */
	__u64 barred;  /* before the last word that was looked at */
	__s32 back;    /* where a match begins that is extended backwards */
	struct scan_sum sum;
	__u8 recent[SCAN_RECENT];
	__u32 n;
	struct scan_span span[SCAN_SPANS];
};

/* len of the run are looked at. Of what lies behind the last one nothing is: the verifier takes
 * every place for the last, and all that scan_idle() goes over to lie behind it. */
struct scan_buffer {
	__u8 byte[SCAN_BUFFER];
#ifdef __BPF__
	__u64 behind[SCAN_SKIP / 8];
#endif
};

#define SCAN_EACH(byte) ((byte)*0x0101010101010101ull)

/* Eight bytes, the first one lowest. */
static __always_inline __u64 scan_word(const void *from)
{
#ifdef __BPF__
	/* not of the place itself: clang knows that it is no multiple of eight, and reads bytes */
	const __u64 *word = from;

	return *word;
#else
	__u64 word;

	__builtin_memcpy(&word, from, sizeof(word));
	return word;
#endif
}

/* A byte of the buffer, or of the last ones before it. */
static __always_inline __u8 scan_byte(const struct scan_run *run, const struct scan_buffer *b,
				      __s32 at)
{
	return at < 0 ? run->recent[(at + SCAN_RECENT) & (SCAN_RECENT - 1)]
		      : b->byte[at & (SCAN_BUFFER - 1)];
}

#endif
