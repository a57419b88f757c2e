/* SPDX-License-Identifier: Apache-2.0 */
/* How far a JSON string goes on without anything special, for who writes one and who reads one. */
#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "eight bytes are read as one number");

/* How many of the first bytes of s are no quote, no backslash and no control byte. Eight at a time:
 * most of a conversation is inside strings. */
static inline size_t plain_length(const char *s, size_t len)
{
	const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
	size_t i = 0;

	for (; len - i >= 8; i += 8) {
		uint64_t v, quote, slash, hit;

		memcpy(&v, s + i, 8);
		quote = v ^ (ones * '"');
		slash = v ^ (ones * '\\');
		/* the zero-byte test: exact for the lowest hit, which is the one that counts */
		hit = ((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
		      ((v - ones * 0x20) & ~v);
		hit &= high;
		if (hit)
			return i + (size_t)__builtin_ctzll(hit) / 8;
	}
	while (i < len && s[i] != '"' && s[i] != '\\' && (unsigned char)s[i] >= 0x20)
		i++;
	return i;
}

#endif
