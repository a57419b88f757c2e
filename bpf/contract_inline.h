/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The contract of the inline data path. A part of bpf/contract.h, which includes it. */
#ifndef BAILIFF_CONTRACT_INLINE_H
#define BAILIFF_CONTRACT_INLINE_H

/* In policy_root.inline_kinds, beside the kinds that detectors act on. */
#define POLICY_INLINE_TOOLS 1u	/* names of tools are looked at */
#define POLICY_INLINE_KEYS  16u /* an answer says of a key that is not the person's why */

/* The beginnings of an answer that says of a block why, longest first, for each detector of the
 * scan table: INLINE_TEXTS of them each. JSON, open in a string; the number of the block and
 * INLINE_TEXT_END follow. */
#define INLINE_TEXTS	4
#define INLINE_TEXT_MAX 508
#define INLINE_TEXT_END "\"}}"

struct inline_text {
	__u32 len; /* 0: there is none */
	char bytes[INLINE_TEXT_MAX];
};
CONTRACT_ASSERT(sizeof(struct inline_text) == 512, "inline_text");

/* Behind those of the detectors stand those of a key that is not the person's: for who is nobody in
 * the directory, for everybody, and for each person that has texts with the name in it. */
#define INLINE_TEXT_NOBODY    250u
#define INLINE_TEXT_ANYBODY   251u
#define INLINE_TEXT_PERSON(p) (INLINE_TEXT_ANYBODY + (p))

/* Places that a processor has to work in: one, and some for who is preempted. */
#define INLINE_PLACES 4

/* Where the program of the inline data path runs: the cookie of its probes. */
#define INLINE_AT_WRITE	       1u
#define INLINE_AT_WRITE_RETURN 2u
#define INLINE_AT_READ	       3u
#define INLINE_AT_READ_RETURN  4u
#define INLINE_AT_HANDSHAKE    5u
#define INLINE_AT_MASK	       7u
#define INLINE_AT_EX	       8u /* of the _ex forms */

/* The same, of the program that takes HTTP/2 out of an offer: how that is made. */
#define INLINE_AT_OFFER	      1u /* a list in wire format: OpenSSL, BoringSSL */
#define INLINE_AT_OFFER_ARRAY 2u /* an array of names: GnuTLS */

/* What was found by one detector in the bytes of one call, or what came of the whole. */
struct record_inline {
	struct record_head head;
	/* BAILIFF_DENY: masked or blocked, as action says; BAILIFF_WOULD_DENY; BAILIFF_ALLOW: seen
	 */
	__u32 verdict, reason, rule;
	__u32 direction; /* TLS_DIRECTION_* */
	__u64 ssl;
	__u64 number; /* of a block, as the person is told it; 0: none */
	__u32 epoch;
	__u16 kind;   /* enum content_kind */
	__u16 action; /* enum scan_action */
	__u32 found;  /* values */
	__u32 repeat; /* 1: was blocked before, and is masked where it comes again */
};
CONTRACT_ASSERT(sizeof(struct record_inline) == 112 + 48, "record_inline");

#endif
