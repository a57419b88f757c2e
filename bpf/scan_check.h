/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks of a value that an automaton cannot make: sums over its digits, eight bytes at a time. */
#ifndef BAILIFF_SCAN_CHECK_H
#define BAILIFF_SCAN_CHECK_H

#include "bpf/scan_run.h"

/* ---- words -------------------------------------------------------------------------------------
 */

/* Eight bytes of which some lie before the buffer. */
SCAN_FUNCTION __u64 scan_begun(const struct scan_run *run, const struct scan_buffer *bytes,
			       __s32 at)
{
	__u64 word = 0;

	if (!run || !bytes)
		return 0;
	for (__s32 i = 0; i < 8; i++)
		word |= (__u64)scan_byte(run, bytes, at + i) << 8 * i;
	return word;
}

/* The bytes from at up to end, one to eight of them, the first one lowest. */
static __always_inline __u64 scan_part(const struct scan_run *run, const struct scan_buffer *bytes,
				       __s32 at, __s32 end)
{
	/* not past the end, where the buffer may end, too */
	__s32 from = end - 8;
	__u64 word = from < 0 ? scan_begun(run, bytes, from)
			      : scan_word(&bytes->byte[from & (SCAN_BUFFER - 1)]);

	return word >> (8 * (at - from) & 63);
}

/* Marks the decimal digits of eight bytes: the lowest bit of each. Of seven bits no sum is carried
 * over to the next byte. */
static __always_inline __u64 scan_digits(__u64 word)
{
	word ^= SCAN_EACH('0');
	return ~(((word & SCAN_EACH(0x7f)) + SCAN_EACH(0x80 - 10)) | word) >> 7 & SCAN_EACH(1);
}

/* Sum of eight bytes that is below 256. */
static __always_inline __u32 scan_across(__u64 word)
{
	return word * SCAN_EACH(1) >> 56;
}

/* ---- Luhn --------------------------------------------------------------------------------------
 */

/* What each digit of a word counts for, `behind` digits standing behind the word: the last one
 * counts once, the one before it twice, less nine from ten on. */
static __always_inline __u64 scan_luhn(__u64 word, __u64 ones, __u32 behind)
{
	__u64 digit = word & ones * 15, upto = ones * SCAN_EACH(1);
	/* an odd number of digits behind it; at most 250 are behind any */
	__u64 twice = ((behind + (upto >> 56)) * SCAN_EACH(1) - upto) & ones;
	__u64 over = (digit + SCAN_EACH(3)) >> 3 & twice; /* 5 and more */

	return digit + (digit & twice * 15) - 9 * over;
}

/* Adds what stands before all that was added. */
SCAN_FUNCTION int scan_luhn_add(struct scan_sum *s, __u64 word)
{
	__u64 ones = scan_digits(word), lowest = ones & -ones, second = ones - lowest;
	__u32 n = scan_across(ones);

	if (!s)
		return 0;
	s->luhn += scan_across(scan_luhn(word, ones, s->digits));
	s->digits += n;
	lowest = scan_across(word & lowest * 15);
	second = scan_across(word & (second & -second) * 15);
	if (n > 1)
		s->first = 10 * lowest + second;
	else if (n)
		s->first = 10 * lowest + (s->first * 205 >> 11); /* / 10, below 100 */
	return 0;
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

/* What sums say. */
static __always_inline int scan_summed(__u32 check, __u32 digits, __u32 luhn, __u32 first)
{
	if (check == SCAN_CHECK_DIGITS)
		return digits >= 8 && digits <= 15;
	/* a sum of 250 digits is below 2,251: * 52429 >> 19 is / 10 */
	return digits > 1 && luhn == 10 * (luhn * 52429 >> 19) &&
	       (check == SCAN_CHECK_LUHN || scan_issuer(first, digits));
}

/* ---- mod 97 ------------------------------------------------------------------------------------
 */

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

/* Eight digits. */
static __always_inline __u32 scan_number(__u64 word)
{
	word &= SCAN_EACH(15);
	word = (10 * word + (word >> 8)) & 0x00ff00ff00ff00ff;
	word = (100 * word + (word >> 16)) & 0x0000ffff0000ffff;
	return 10000 * word + (word >> 32);
}

/* Adds what stands behind all that was added: an account number is mostly digits, behind a country
 * and its check digits. */
SCAN_FUNCTION int scan_mod97_word(struct scan_sum *s, __u64 word)
{
	if (!s)
		return 0;
	if (s->plain >= 4 && scan_digits(word) == SCAN_EACH(1)) {
		s->rest = (s->rest * 100000000ull + scan_number(word)) % 97;
		s->plain += 8;
		return 0;
	}
	for (__u32 i = 0; i < 8; i++, word >>= 8) {
		__u8 b = (__u8)word;

		if (!((b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z')))
			continue;
		if (s->plain < 4)
			s->head |= (__u32)b << 8 * s->plain;
		else
			s->rest = scan_mod97_add(s->rest, b);
		s->plain++;
		SCAN_KEEP(s);
	}
	return 0;
}

static __always_inline int scan_mod97_is_one(const struct scan_sum *s)
{
	__u32 rest = s->rest;

	for (__u32 i = 0; i < 4; i++)
		rest = scan_mod97_add(rest, s->head >> 8 * i & 0xff);
	return s->plain > 4 && rest == 1;
}

/* A country, its check digits, and 16 to 24 digits, all of this buffer: most account numbers. 10^6
 * is 27 modulo 97, 10^14 is 53 and 10^22 is 25, so that one division does. Returns -1 where it is
 * not so. */
static __always_inline int scan_mod97_soon(const struct scan_buffer *bytes, __s32 start, __s32 end)
{
	__u32 len = (__u32)(end - start) - 4, cut = 4 * (24 - len), country, second, tens, ones;
	__u64 high, middle, low, number;
	const __u8 *from;

	if (start < 16 || len < 16 || len > 24)
		return -1;
	from = &bytes->byte[start & (SCAN_BUFFER - 1)];
	country = from[0] - 'A';
	second = from[1] - 'A';
	tens = from[2] - '0';
	ones = from[3] - '0';
	low = scan_word(&bytes->byte[(end - 8) & (SCAN_BUFFER - 1)]);
	middle = scan_word(&bytes->byte[(end - 16) & (SCAN_BUFFER - 1)]);
	/* of what lies before them zeros are left */
	high = scan_word(&bytes->byte[(end - 24) & (SCAN_BUFFER - 1)]) ^ SCAN_EACH('0');
	high = (high >> cut >> cut << cut << cut) ^ SCAN_EACH('0');
	if (country > 25 || second > 25 || tens > 9 || ones > 9 ||
	    (scan_digits(low) & scan_digits(middle) & scan_digits(high)) != SCAN_EACH(1))
		return -1;
	number = scan_number(low) * 27ull + scan_number(middle) * 53ull + scan_number(high) * 25ull;
	number += 10000 * (country + 10) + 100 * (second + 10) + 10 * tens + ones;
	/* 2^36 / 97, rounded up: of what is below 2^34 the quotient is one too large at most, and
	 * only where the rest is above 93 */
	return number - 97 * (number * 708448214ull >> 36) == 1;
}

/* The first four bytes, and then eight at a time. */
static __always_inline int scan_is_mod97(const struct scan_run *run, struct scan_sum *s,
					 const struct scan_buffer *bytes)
{
	__s32 to;

	for (__u32 i = 0; i < SCAN_LENGTH_MAX / 8 + 1 && s->at < s->end; i++) {
		to = s->at + (i ? 8 : 4);
		if (to > s->end)
			to = s->end;
		scan_mod97_word(s, scan_part(run, bytes, s->at, to));
		s->at = to;
		SCAN_KEEP(s);
	}
	return scan_mod97_is_one(s);
}

/* ---- all of them -------------------------------------------------------------------------------
 */

static __always_inline int scan_is_value(const struct scan_run *run, struct scan_sum *s,
					 const struct scan_buffer *bytes)
{
	__s32 at;

	/* from the last eight on, so that the first word has the first digits */
	for (__u32 i = 0; i < SCAN_LENGTH_MAX / 8 + 1 && s->end > s->at; i++) {
		at = s->at + ((s->end - s->at - 1) & ~7);
		scan_luhn_add(s, scan_part(run, bytes, at, s->end));
		s->end = at;
		SCAN_KEEP(s);
	}
	return scan_summed(s->check, s->digits, s->luhn, s->first);
}

/* Whether the bytes from start (maybe before the buffer) up to run->upto are a value. */
SCAN_FUNCTION int scan_check(struct scan_run *run, const struct scan_buffer *bytes, __u32 check,
			     __s32 start)
{
	struct scan_sum *s;

	if (!run || !bytes)
		return 0;
	s = &run->sum;
	s->check = check;
	s->at = start;
	s->end = (__s32)run->upto;
	if (s->end - start > SCAN_LENGTH_MAX)
		s->end = start + SCAN_LENGTH_MAX;
	s->digits = s->luhn = s->first = s->plain = s->head = s->rest = 0;
	SCAN_KEEP(s);
	return check == SCAN_CHECK_MOD97 ? scan_is_mod97(run, s, bytes)
					 : scan_is_value(run, s, bytes);
}

/* The same where there is nearly always no more to it: three words of this buffer, which begin with
 * two digits where these are asked for. In registers and without a branch. Returns -1 where it is
 * not so. */
static __always_inline int scan_check_soon(const struct scan_buffer *bytes, __u32 check,
					   __s32 start, __u32 end)
{
	__u32 len = end - (__u32)start, cut, digits, first, second, n;
	__u64 word, ones, sums;
	const __u8 *from;

	if (check == SCAN_CHECK_MOD97)
		return scan_mod97_soon(bytes, start, (__s32)end);
	if (start < 16 || len < 8 || len > 24)
		return -1;
	from = &bytes->byte[start & (SCAN_BUFFER - 1)];
	first = from[0] - '0';
	second = from[1] - '0';
	if (check == SCAN_CHECK_CARD && (first > 9 || second > 9))
		return -1;
	word = scan_word(&bytes->byte[(end - 8) & (SCAN_BUFFER - 1)]);
	ones = scan_digits(word);
	digits = scan_across(ones);
	sums = scan_luhn(word, ones, 0);
	/* of what lies before the start nothing is left; twice the half, for a whole word is not
	 * shifted out at once */
	cut = len < 16 ? 4 * (16 - len) : 0;
	word = scan_word(&bytes->byte[(end - 16) & (SCAN_BUFFER - 1)]) >> cut >> cut;
	ones = scan_digits(word);
	n = scan_across(ones);
	sums += scan_luhn(word, ones, digits);
	digits += n;
	cut = len < 16 ? 32 : 4 * (24 - len);
	word = scan_word(&bytes->byte[(end - 24) & (SCAN_BUFFER - 1)]) >> cut >> cut;
	ones = scan_digits(word);
	n = scan_across(ones);
	sums += scan_luhn(word, ones, digits);
	digits += n;
	return scan_summed(check, digits, scan_across(sums), 10 * first + second);
}

#endif
