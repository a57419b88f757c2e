/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table that a policy's detectors are compiled to, and what is kept of a stream between two
 * buffers: shared with the compiler. */
#ifndef BAILIFF_SCAN_TABLE_H
#define BAILIFF_SCAN_TABLE_H

#include "bpf/contract.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define SCAN_VERSION	   5
#define SCAN_STATES_MAX	   8192
#define SCAN_CLASSES_SHIFT 7 /* next state: next[state << this | class] */
#define SCAN_ROW_SHIFT	   3 /* a state is kept as state << this: as far as 16 bits go */
#define SCAN_COLUMNS	   (1 << SCAN_CLASSES_SHIFT)
#define SCAN_CLASSES_MAX   (SCAN_COLUMNS - 1) /* one column says of a pair that it has none */
#define SCAN_NEXT_MAX	   (SCAN_STATES_MAX * SCAN_COLUMNS)
#define SCAN_DETECTORS_MAX 250
#define SCAN_ENTRIES_MAX   8192
#define SCAN_LIST_MAX	   16	 /* entries of one list */
#define SCAN_BUFFER	   16384 /* bytes of one call; a power of two, an offset is masked with it */
#define SCAN_RECENT	   16	 /* bytes of earlier buffers that a check may look back at */
#define SCAN_SPANS	   64	 /* of one round; a power of two */
#define SCAN_MARKS	   8
#define SCAN_STRIDE	   24 /* bytes of one step, so that a bpf_loop callback costs little */
#define SCAN_TURNS	   6  /* times that one step goes over so many */
#define SCAN_SKIP	   192 /* bytes that start nothing and that it goes over at most before them */
#define SCAN_BACK	   16  /* bytes that a match is extended backwards over at once */
#define SCAN_PAIRS	   4   /* of bytes that tell together whether a candidate starts */
#define SCAN_BARS	   8   /* bits for each of the two places where it may; 64 in all */
#define SCAN_LENGTH_MAX	   250 /* of a candidate whose start is known by its age alone */

/* Where a candidate started, as a state knows it: so many bytes ago, or in a register. */
#define SCAN_AGE_OWNER 0
#define SCAN_AGE_MARK  255

enum scan_check {
	SCAN_CHECK_NONE,
	SCAN_CHECK_LUHN,   /* ISO/IEC 7812-1, over the digits */
	SCAN_CHECK_CARD,   /* the same, and first digits that an issuer has with that length */
	SCAN_CHECK_MOD97,  /* ISO 7064 mod 97-10, the first four of the letters and digits last */
	SCAN_CHECK_DIGITS, /* 8 to 15 of them, as a telephone number has (ITU-T E.164) */
	SCAN_CHECK_MAX,
};

enum scan_style {
	SCAN_STYLE_ALL,	  /* every byte */
	SCAN_STYLE_ALNUM, /* letters and digits, and what is not ASCII: separators stay */
	SCAN_STYLE_MAX,
};

/* What is done with a match, for each kind of text that it may stand in (enum content_kind, 1 to
 * 3): a bit in the upper twelve of sixteen. */
enum scan_action {
	SCAN_OFF,
	SCAN_LOG,
	SCAN_MASK,
	SCAN_BLOCK,
	SCAN_APPROVE, /* blocked until somebody allows it */
	SCAN_ACTION_MAX,
};
#define SCAN_ACT(kind, action)	 ((action) ? 1u << (4 * (kind) + (action)-1) : 0)
#define SCAN_ACTS(flags, kind)	 ((flags) >> 4 * (kind)&15)
#define SCAN_ACTED(acts, action) ((acts) >> ((action)-1) & 1)

/* One thing that is true of a state: of which detector, and since when. */
struct scan_entry {
	__u8 detector;
	__u8 age;  /* SCAN_AGE_OWNER, SCAN_AGE_MARK, or bytes */
	__u8 more; /* 1: another entry of the same list follows */
	__u8 pad;
};

/* What a state says beside where it leads. */
struct scan_label {
	__u16 matches; /* list: what was complete just before the byte that led here; 0: nothing */
	__u16 open;    /* list: live candidates past their commit point; 0: none */
	__u8 own;      /* the owner has just committed: its age; 0: none has */
	__u8 lead;     /* a marked candidate has just started: its register + 1 */
	__u16 then;    /* the row to go on from: an idle one, where this one goes on as that */
};

struct scan_detector {
	__u8 style; /* enum scan_style */
	__u8 check; /* enum scan_check */
	__u8 mark;  /* register of its start, with SCAN_AGE_MARK */
	__u8 reach; /* a match is extended backwards over so many bytes of the set below */
	__u16 acts; /* SCAN_ACT(): what is done, for each kind of text */
	__u8 pad[2];
	__u64 back[4];
};

/* A policy's detectors, compiled. Written by user space alone, read by all. */
struct scan_table {
	__u32 version;
	__u32 id; /* differs between any two tables in use; a stream of another one starts anew */
	__u32 states, classes;
	__u32 pad;
	__u32 idle;    /* rows below: no candidate is live, and the label is empty */
	__u32 quiet;   /* rows below: no match, no owner, no lead in the label */
	__u32 entries; /* used ones; 0 is never one of a list */
	__u32 detectors;
	__u8 class_of[256];
	/* By two bytes, the first one lowest. In SCAN_PAIRS times sixteen bits, from the lowest:
	 * these two may NOT be the first of four such pairs on end that a candidate starts in; not
	 * the second; the third; the last. Of the sixteen, eight are for one that starts with the
	 * second pair, eight for one that starts at the second byte of the first; each of the eight
	 * is a detector's, or that of some together. One starts only where a bit is clear in all
	 * four (Shift-Or: Baeza-Yates and Gonnet, CACM 35/10, 1992). */
	__u64 bars[1 << 16];
	/* By two bytes, the first one lowest: a column of its own, behind those of the classes. Of
	 * a state it has the row that the two lead to, or 0: they are to be taken one by one. */
	__u8 pair[1 << 16];
	__u16 resume[256]; /* the row of the idle state after this byte */
	struct scan_detector detector[256];
	struct scan_entry entry[SCAN_ENTRIES_MAX];
	struct scan_label label[SCAN_STATES_MAX];
	__u16 next[SCAN_NEXT_MAX]; /* rows */
	__u16 behind[256];	   /* no class is that high, but the verifier sees a byte */
};

/* One stream (a connection, a direction, a content block). All zero: at its beginning. */
struct scan_state {
	__u32 table; /* id of the table that the rest is of */
	__u16 row;
	__u8 masking; /* what was open at the end of the last buffer was masked */
	__u8 own;     /* bytes of the owner before this buffer, at most 255 */
	__u8 mark[SCAN_MARKS];
	__u8 recent[SCAN_RECENT];
};

#ifndef __BPF__
_Static_assert(sizeof(struct scan_state) == 32, "a stream's state");
_Static_assert(sizeof(struct scan_label) == 8, "padding");
_Static_assert(SCAN_PAIRS * 2 * SCAN_BARS == 64, "one word");
_Static_assert(sizeof(struct scan_detector) == 40, "padding");
_Static_assert(SCAN_STATES_MAX << SCAN_ROW_SHIFT == 1 << 16, "a row is sixteen bits");
#endif

#endif
