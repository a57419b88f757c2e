// SPDX-License-Identifier: Apache-2.0
/* UTF-8: what is no part of a character becomes '?'. */
#include "mask/utf8.h"

#include <string.h>

int utf8_char(const uint8_t *s, size_t n)
{
	uint8_t low = 0x80, high = 0xbf;
	int len;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	/* no over-long forms, no surrogates, nothing above U+10FFFF */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	for (int i = 1; i < len; i++) {
		if ((size_t)i == n)
			return -1;
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

size_t utf8_valid(const uint8_t *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint64_t word[4];
		int k;

		while (n - i >= sizeof(word)) {
			memcpy(word, s + i, sizeof(word));
			if ((word[0] | word[1] | word[2] | word[3]) & 0x8080808080808080u)
				break;
			i += sizeof(word);
		}
		if (i == n)
			break;
		k = utf8_char(s + i, n - i);
		if (k <= 0)
			break;
		i += (size_t)k;
	}
	return i;
}

size_t utf8_repair(const uint8_t *s, size_t n, bool more, uint8_t *out)
{
	size_t i = 0;

	while (i < n) {
		size_t good = utf8_valid(s + i, n - i);

		memmove(out + i, s + i, good); /* in place, too */
		i += good;
		if (i == n)
			break;
		if (more && utf8_char(s + i, n - i) < 0)
			break;
		out[i++] = '?';
	}
	return i;
}
