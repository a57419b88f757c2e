/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by the character: what a reviewer sees must be what the parser reads. */
#ifndef POLICY_UTF8_H
#define POLICY_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the character at text (len > 0 bytes left) into *ret. Returns its length in bytes, or 0
 * when the bytes are no well-formed UTF-8 (overlong forms, surrogates, over U+10FFFF). */
size_t utf8_decode(const char *text, size_t len, uint32_t *ret);

/* Characters that make text look like other text: controls, line breaks that editors do not show as
 * such, directions turned around ("Trojan Source"), characters without width. */
bool utf8_hides(uint32_t c);

#endif
