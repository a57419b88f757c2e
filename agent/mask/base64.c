// SPDX-License-Identifier: Apache-2.0
/* Base64 in both alphabets. OpenSSL's decoder knows one alphabet and refuses what is not well
 * formed; a secret inside a damaged run must be found all the same. */
#include "mask/base64.h"

#define X BASE64_NONE
const uint8_t base64_value[256] = {
	X,  X,	X,  X,
	X,  X,	X,  X,
	X,  X,	X,  X,
	X,  X,	X,  X,
	X,  X,	X,  X,
	X,  X,	X,  X,
	X,  X,	X,  X,
	X,  X,	X,  X,
	X,  X,	X,  X,
	X,  X,	X,  X,
	X,  X,	X,  62,
	X,  62, X,  63,
	52, 53, 54, 55,
	56, 57, 58, 59,
	60, 61, X,  X,
	X,  X,	X,  X,
	X,  0,	1,  2,
	3,  4,	5,  6,
	7,  8,	9,  10,
	11, 12, 13, 14,
	15, 16, 17, 18,
	19, 20, 21, 22,
	23, 24, 25, X,
	X,  X,	X,  63,
	X,  26, 27, 28,
	29, 30, 31, 32,
	33, 34, 35, 36,
	37, 38, 39, 40,
	41, 42, 43, 44,
	45, 46, 47, 48,
	49, 50, 51, [123 ... 255] = X,
};
#undef X

size_t base64_decode(const uint8_t *s, size_t n, uint8_t *out)
{
	uint32_t bits = 0;
	unsigned int have = 0;
	size_t k = 0;

	for (size_t i = 0; i < n && base64_value[s[i]] != BASE64_NONE; i++) {
		bits = bits << 6 | base64_value[s[i]];
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[k++] = (uint8_t)(bits >> have);
		}
	}
	return k;
}
