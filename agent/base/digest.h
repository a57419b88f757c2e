/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and keyed digests (HMAC-SHA-256), by OpenSSL. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_SIZE 32
#define DIGEST_HEX  (2 * DIGEST_SIZE + 1)

/* SHA-256 of len bytes into ret. Returns 0 or -EIO when the library fails. */
int digest_sha256(const void *bytes, size_t len, uint8_t ret[DIGEST_SIZE]);

/* HMAC-SHA-256 (RFC 2104) under the host's pseudonym key: equal values are seen to be equal in the
 * log, and nobody without the key can try values. Returns 0 or -EIO. */
int digest_keyed(const uint8_t key[DIGEST_SIZE], const void *bytes, size_t len,
		 uint8_t ret[DIGEST_SIZE]);

/* Lower-case hexadecimal, with a terminating zero. out holds 2 * len + 1 bytes. */
void digest_hex(const uint8_t *bytes, size_t len, char *out);

#endif
