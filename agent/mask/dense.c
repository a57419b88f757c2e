// SPDX-License-Identifier: Apache-2.0
/* Stretches of a text that are rich in digits. Patterns of numbers have no fixed letters to search
 * by, and would slow the search for everything else down to a quarter; most text has few digits. */
#include "mask/dense.h"

#include <string.h>

#define BLOCK  16
#define BEFORE 112 /* a name, what stands between, and up to a block more */
#define AFTER  48

typedef uint8_t block_v __attribute__((vector_size(BLOCK)));

/* How many of the 16 bytes at s are digits. */
static unsigned int count_digits(const uint8_t *s)
{
	block_v v, is_digit;
	uint64_t half[2];

	memcpy(&v, s, BLOCK);
	v -= (uint8_t)'0';
	is_digit = (block_v)(v < 10) & 1;
	memcpy(half, &is_digit, BLOCK);
	return (unsigned int)((half[0] + half[1]) * 0x0101010101010101u >> 56);
}

static unsigned int count_tail(const uint8_t *s, size_t n)
{
	uint8_t block[BLOCK] = {0};

	if (n >= BLOCK)
		return count_digits(s);
	memcpy(block, s, n);
	return count_digits(block);
}

bool dense_next(const uint8_t *s, size_t n, size_t *at, size_t *ret_low, size_t *ret_high)
{
	unsigned int last = 0;
	size_t low = 0, high = 0;
	bool found = false;

	for (size_t i = *at; i < n; i += BLOCK) {
		unsigned int now = count_tail(s + i, n - i);

		if (last + now >= DENSE_DIGITS) {
			if (!found)
				low = i > *at + BEFORE ? i - BEFORE : *at;
			found = true;
			high = i + BLOCK + AFTER;
		} else if (found && i >= high + BEFORE) {
			break; /* far enough for the next not to reach back into this one */
		}
		last = now;
	}
	if (!found)
		return false;
	*ret_low = low;
	*ret_high = high < n ? high : n;
	*at = *ret_high;
	return true;
}
