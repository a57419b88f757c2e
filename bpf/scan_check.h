/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks of a value that an automaton cannot make: sums over its digits. */
#ifndef BAILIFF_SCAN_CHECK_H
#define BAILIFF_SCAN_CHECK_H

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

/* Sums over the bytes of a value, for the checks. Changed by a function of its own: what the
 * verifier knew of counters it would follow through every path of a loop. */
struct scan_sum {
	__u32 check;			/* enum scan_check: what is summed up */
	__u32 left;			/* bytes to come */
	__u32 digits, even, odd, first; /* of the decimal digits */
	__u32 plain, head, rest;	/* of these and letters: mod 97 alone looks at them */
};

/* Rest modulo 97 of a number below 9,800, without a division. */
static __always_inline __u32 scan_mod97(__u32 n)
{
	return n - 97 * (n * 43241 >> 22);
}

static __always_inline __u32 scan_mod97_add(__u32 rest, __u8 c)
{
	if (c >= '0' && c <= '9')
		return scan_mod97(rest * 10 + (c - '0'));
	if (c >= 'A' && c <= 'Z')
		return scan_mod97(rest * 100 + (c - 'A') + 10);
	if (c >= 'a' && c <= 'z')
		return scan_mod97(rest * 100 + (c - 'a') + 10);
	return rest;
}

/* First two digits, and how many there are. */
static __always_inline int scan_issuer(__u32 first, __u32 digits)
{
	__u32 one = first * 205 >> 11; /* / 10, below 100 */

	if (digits == 16)
		return one >= 4 || (first >= 22 && first <= 27) || first == 35;
	if (digits == 19)
		return one == 4 || one == 6;
	if (digits == 15)
		return first == 34 || first == 37;
	return digits == 14 && (first == 30 || first == 36 || first == 38 || first == 39);
}

static __always_inline void scan_add(struct scan_sum *s, __u32 b)
{
	if (s->check == SCAN_CHECK_MOD97) {
		if (!((b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z')))
			return;
		if (s->plain < 4)
			s->head |= b << 8 * s->plain;
		else
			s->rest = scan_mod97_add(s->rest, (__u8)b);
		s->plain++;
	} else if (b >= '0' && b <= '9') {
		__u32 d = b - '0', twice = d > 4 ? 2 * d - 9 : 2 * d;
		__u32 swap = s->even + d;

		/* the last digit counts once, the one before it twice: which they are is known at
		 * the end only, so both sums go along */
		s->even = s->odd + twice;
		s->odd = swap;
		if (s->digits < 2)
			s->first = 10 * s->first + d;
		s->digits++;
	}
}

static __always_inline int scan_is_value(const struct scan_sum *s)
{
	__u32 rest = s->rest, check = s->check;

	/* a sum of 250 digits is below 2,251: * 52429 >> 19 is / 10 */
	if (check == SCAN_CHECK_LUHN || check == SCAN_CHECK_CARD)
		return s->digits > 1 && s->odd == 10 * (s->odd * 52429 >> 19) &&
		       (check == SCAN_CHECK_LUHN || scan_issuer(s->first, s->digits));
	if (check == SCAN_CHECK_DIGITS)
		return s->digits >= 8 && s->digits <= 15;
	for (__u32 i = 0; i < 4; i++)
		rest = scan_mod97_add(rest, s->head >> 8 * i & 0xff);
	return s->plain > 4 && rest == 1;
}

#endif
