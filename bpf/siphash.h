/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SipHash-2-4 with 128 bits of result (Aumasson and Bernstein, 2012; the result as in the authors'
 * reference code), one eight-byte word at a time, so that kernel programs can loop over it. */
#ifndef BAILIFF_SIPHASH_H
#define BAILIFF_SIPHASH_H

#include "bpf/contract.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

struct siphash {
	__u64 v0, v1, v2, v3;
};

static __always_inline __u64 siphash_turn(__u64 x, int by)
{
	return x << by | x >> (64 - by);
}

static __always_inline void siphash_round(struct siphash *s)
{
	s->v0 += s->v1;
	s->v1 = siphash_turn(s->v1, 13) ^ s->v0;
	s->v0 = siphash_turn(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = siphash_turn(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = siphash_turn(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = siphash_turn(s->v1, 17) ^ s->v2;
	s->v2 = siphash_turn(s->v2, 32);
}

static __always_inline void siphash_begin(struct siphash *s, const __u64 key[2])
{
	s->v0 = 0x736f6d6570736575ull ^ key[0];
	s->v1 = 0x646f72616e646f6dull ^ key[1] ^ 0xee;
	s->v2 = 0x6c7967656e657261ull ^ key[0];
	s->v3 = 0x7465646279746573ull ^ key[1];
}

static __always_inline void siphash_word(struct siphash *s, __u64 word)
{
	s->v3 ^= word;
	siphash_round(s);
	siphash_round(s);
	s->v0 ^= word;
}

/* word: the last bytes of the message, under eight, little-endian, zero-filled; len: of all. */
static __always_inline void siphash_end(struct siphash *s, __u64 word, __u64 len, __u64 ret[2])
{
	siphash_word(s, word | len << 56);
	s->v2 ^= 0xee;
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	ret[0] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
	s->v1 ^= 0xdd;
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	ret[1] = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

#endif
