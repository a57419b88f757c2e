/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629): what is no part of a character becomes '?'. */
#ifndef MASK_UTF8_H
#define MASK_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the character at s (n > 0 bytes): 1 to 4; 0: none starts here; -1: the bytes end within
 * one that is well formed so far. */
int utf8_char(const uint8_t *s, size_t n);

/* How many bytes from the start of s are whole characters. */
size_t utf8_valid(const uint8_t *s, size_t n);

/* Copies s to out, '?' for each byte that is no part of a character. With more set, a character
 * that the end of s cuts is left out. Returns how many bytes were copied. */
size_t utf8_repair(const uint8_t *s, size_t n, bool more, uint8_t *out);

static inline bool utf8_continues(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

#endif
