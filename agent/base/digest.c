// SPDX-License-Identifier: Apache-2.0
/* SHA-256 and keyed digests, by OpenSSL. */
#include "base/digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

int digest_sha256(const void *bytes, size_t len, uint8_t ret[DIGEST_SIZE])
{
	return EVP_Digest(bytes, len, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

int digest_keyed(const uint8_t key[DIGEST_SIZE], const void *bytes, size_t len,
		 uint8_t ret[DIGEST_SIZE])
{
	unsigned int n = DIGEST_SIZE;

	return HMAC(EVP_sha256(), key, DIGEST_SIZE, bytes, len, ret, &n) ? 0 : -EIO;
}

void digest_hex(const uint8_t *bytes, size_t len, char *out)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = hex[bytes[i] >> 4];
		*out++ = hex[bytes[i] & 15];
	}
	*out = 0;
}
