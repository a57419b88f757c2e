/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 in both alphabets (RFC 4648), lenient: what is searched need not be well formed. */
#ifndef MASK_BASE64_H
#define MASK_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Value of a character: 0..63, or BASE64_NONE. '+' and '-' are 62, '/' and '_' are 63. */
#define BASE64_NONE 0xff
extern const uint8_t base64_value[256];

/* Decodes up to the first character that is none (padding ends it). out holds n / 4 * 3 + 3 bytes.
 * Returns how many bytes came out. */
size_t base64_decode(const uint8_t *s, size_t n, uint8_t *out);

#endif
