/* SPDX-License-Identifier: Apache-2.0 */
/* Which of 64 bytes are of a class, as the bits of a number: what a search decides for one byte
 * after the other it can then decide for all of them at once. */
#ifndef MASK_BITS_H
#define MASK_BITS_H

#include <stdint.h>
#include <string.h>

#define BITS_BLOCK 64

typedef uint8_t bits_v __attribute__((vector_size(16)));

static inline bits_v bits_load(const uint8_t *s)
{
	bits_v v;

	memcpy(&v, s, sizeof(v));
	return v;
}

/* A bit for each byte of v, which are 0 or 0xff. */
static inline uint64_t bits_of(bits_v v)
{
#ifdef __SSE2__
	typedef char signed_v __attribute__((vector_size(16)));

	return (uint64_t)(unsigned int)__builtin_ia32_pmovmskb128((signed_v)v);
#else
	uint64_t half[2];

	memcpy(half, &v, sizeof(half));
	for (int i = 0; i < 2; i++)
		half[i] = (half[i] & 0x0101010101010101u) * 0x0102040810204080u >> 56;
	return half[0] | half[1] << 8;
#endif
}

/* For each byte: what is after (down) or before (up) it by k, of three blocks in a row. */
static inline uint64_t bits_after(uint64_t now, uint64_t next, unsigned int k)
{
	return now >> k | next << (64 - k);
}

static inline uint64_t bits_before(uint64_t last, uint64_t now, unsigned int k)
{
	return now << k | last >> (64 - k);
}

#endif
