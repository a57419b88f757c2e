// SPDX-License-Identifier: Apache-2.0
/* UTF-8 by the character. */
#include "policy/utf8.h"

size_t utf8_decode(const char *text, size_t len, uint32_t *ret)
{
	const uint8_t *p = (const uint8_t *)text;
	uint32_t c, least;
	size_t n;

	if (p[0] < 0x80) {
		*ret = p[0];
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		n = 2, c = p[0] & 0x1f, least = 0x80;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		n = 3, c = p[0] & 0x0f, least = 0x800;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		n = 4, c = p[0] & 0x07, least = 0x10000;
	} else {
		return 0;
	}
	if (len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

bool utf8_hides(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0)) /* C0, DEL, C1 with NEL */
		return true;
	return c == 0x2028 || c == 0x2029 || /* line and paragraph separator */
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e ||
	       c == 0x200f || c == 0x061c ||				   /* directions */
	       c == 0x200b || c == 0x2060 || c == 0xfeff || c == 0x00ad || /* no width */
	       (c >= 0xe0000 && c <= 0xe007f) || (c & 0xfffe) == 0xfffe; /* tags; not characters */
}
