/* SPDX-License-Identifier: Apache-2.0 */
/* The plain part of a JSON string, eight bytes at a time: most of a conversation is inside
 * strings. */
#ifndef WIRE_PLAIN_H
#define WIRE_PLAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A bit in each byte of v that a string treats specially: a quote, a backslash, a control
 * character, what is not ASCII. Exact for the lowest, which is the one that counts. */
static inline uint64_t plain_special(uint64_t v)
{
	const uint64_t ones = 0x0101010101010101ull, high = 0x8080808080808080ull;
	uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');

	return ((quote - ones) | (slash - ones) | (v - ones * 0x20) | v) & high;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "eight bytes are read as one number");

static inline bool plain_is_special(unsigned char c)
{
	return c == '"' || c == '\\' || c < 0x20 || c >= 0x80;
}

static inline const char *plain_skip(const char *p, const char *end)
{
	uint64_t v, hit;

	while (end - p >= 8) {
		memcpy(&v, p, 8);
		hit = plain_special(v);
		if (hit)
			return p + __builtin_ctzll(hit) / 8;
		p += 8;
	}
	while (p < end && !plain_is_special((unsigned char)*p))
		p++;
	return p;
}

#endif
