// SPDX-License-Identifier: Apache-2.0
/* Checksums and entropy: what validators are built of. */
#include "mask/validators.h"

#include <zlib.h>

size_t digits_of(const uint8_t *s, size_t n, uint8_t *out, size_t max)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			continue;
		if (k == max)
			return max + 1;
		out[k++] = (uint8_t)(s[i] - '0');
	}
	return k;
}

bool luhn_valid(const uint8_t *digits, size_t n)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned int d = digits[n - 1 - i];

		if (i & 1)
			d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return n > 1 && sum % 10 == 0;
}

bool verhoeff_valid(const uint8_t *digits, size_t n)
{
	/* multiplication in the dihedral group D5, and the permutation of a place */
	static const uint8_t mul[10][10] = {
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5},
		{2, 3, 4, 0, 1, 7, 8, 9, 5, 6}, {3, 4, 0, 1, 2, 8, 9, 5, 6, 7},
		{4, 0, 1, 2, 3, 9, 5, 6, 7, 8}, {5, 9, 8, 7, 6, 0, 4, 3, 2, 1},
		{6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3},
		{8, 7, 6, 5, 9, 3, 2, 1, 0, 4}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
	};
	static const uint8_t perm[8][10] = {
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4},
		{5, 8, 0, 3, 7, 9, 6, 1, 4, 2}, {8, 9, 1, 6, 0, 4, 3, 5, 2, 7},
		{9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1},
		{2, 7, 9, 3, 8, 0, 6, 4, 1, 5}, {7, 0, 4, 6, 9, 1, 3, 2, 5, 8},
	};
	uint8_t c = 0;

	for (size_t i = 0; i < n; i++)
		c = mul[c][perm[i % 8][digits[n - 1 - i]]];
	return n > 1 && c == 0;
}

bool mod97_valid(const char *alnum, size_t n)
{
	unsigned int rest = 0;

	if (n < 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = alnum[(i + 4) % n];

		if (c >= '0' && c <= '9')
			rest = (rest * 10 + (unsigned int)(c - '0')) % 97;
		else
			rest = (rest * 100 + (unsigned int)(c - 'A') + 10) % 97;
	}
	return rest == 1;
}

unsigned int weighted_sum(const uint8_t *digits, const uint8_t *weights, size_t n)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (unsigned int)digits[i] * weights[i];
	return sum;
}

static int base62_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 36;
	return -1;
}

bool base62_crc_valid(const uint8_t *s, size_t n)
{
	uint64_t want = 0;

	if (n <= 6)
		return false;
	for (size_t i = n - 6; i < n; i++) {
		int d = base62_digit(s[i]);

		if (d < 0)
			return false;
		want = want * 62 + (uint64_t)d;
	}
	return want == crc32(0, s, (uInt)(n - 6));
}

/* log2 of a count; without libm, which nothing else here needs. Exact to 1e-6. */
static double log2_of(unsigned int n)
{
	double result = 0, step = 1, x;

	while (n >> 1 >> (unsigned int)result)
		result += 1;
	x = (double)n / (double)(1u << (unsigned int)result);
	for (int i = 0; i < 20; i++) {
		step /= 2;
		x *= x;
		if (x >= 2) {
			x /= 2;
			result += step;
		}
	}
	return result;
}

double shannon_entropy(const uint8_t *s, size_t n)
{
	unsigned int count[256] = {0};
	double sum = 0;

	if (n == 0 || n > UINT32_MAX)
		return 0;
	for (size_t i = 0; i < n; i++)
		count[s[i]]++;
	for (size_t i = 0; i < 256; i++)
		if (count[i] > 1)
			sum += count[i] * log2_of(count[i]);
	return log2_of((unsigned int)n) - sum / (double)n;
}
