// SPDX-License-Identifier: Apache-2.0
/* Validators of credentials. Where a maker gives no checksum, entropy keeps placeholders apart: to
 * mask a placeholder costs a reader little, to pass a credential costs a lot, so thresholds are
 * low. */
#include "mask/validators.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "mask/base64.h"
#include "mask/utf8.h"

size_t valid_any(const uint8_t *s, size_t n)
{
	(void)s;
	return n;
}

struct classes {
	unsigned int lower, upper, digit, other, stars;
};

static struct classes classes_of(const uint8_t *s, size_t n)
{
	struct classes c = {0};

	for (size_t i = 0; i < n; i++) {
		if (s[i] >= 'a' && s[i] <= 'z')
			c.lower++;
		else if (s[i] >= 'A' && s[i] <= 'Z')
			c.upper++;
		else if (s[i] >= '0' && s[i] <= '9')
			c.digit++;
		else if (s[i] == '*')
			c.stars++;
		else
			c.other++;
	}
	return c;
}

size_t valid_token(const uint8_t *s, size_t n)
{
	return shannon_entropy(s, n) >= 2.5 ? n : 0;
}

size_t valid_mixed(const uint8_t *s, size_t n)
{
	struct classes c = classes_of(s, n);

	return c.lower && c.upper && c.digit && shannon_entropy(s, n) >= 3.5 ? n : 0;
}

/* A reference to where the secret is kept, or a stand-in for one, is none. */
static bool is_reference(const uint8_t *s, size_t n)
{
	static const char *const starts[] = {"${",     "$(",	  "{{",	   "<",	   "%(",
					     "os.",    "this.",	  "self.", "env.", "process.env",
					     "vault:", "secret/", "arn:",  "file:"};

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (n >= strlen(starts[i]) && memcmp(s, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

/* What a secret has and a word of a program has not. */
static bool marks_secret(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c && strchr("!#$%&^@", c));
}

size_t valid_secret(const uint8_t *s, size_t n)
{
	struct classes c = classes_of(s, n);
	unsigned int letters = c.lower + c.upper;
	bool marked = false;
	double bits;

	if (is_reference(s, n))
		return 0;
	/* a name (some_variable, Some-Header) has letters and joints only; a number is no secret */
	for (size_t i = 0; i < n; i++)
		marked |= marks_secret(s[i]);
	if (!letters || !marked)
		return 0;
	if (c.stars * 2 >= n)
		return 0;
	bits = shannon_entropy(s, n);
	return bits >= (n < 12 ? 2.4 : 2.8) ? n : 0;
}

/* A checksum that holds settles it. One that does not may be a typing error in a live token, and a
 * token of a later format: then it must only look random. */
static size_t crc_or_random(const uint8_t *s, size_t n, size_t prefix)
{
	if (n == prefix + 36 && base62_crc_valid(s + prefix, 36))
		return n;
	return n > prefix && shannon_entropy(s + prefix, n - prefix) >= 3.5 ? n : 0;
}

size_t valid_github(const uint8_t *s, size_t n)
{
	return crc_or_random(s, n, strlen("ghp_"));
}

size_t valid_npm(const uint8_t *s, size_t n)
{
	return crc_or_random(s, n, strlen("npm_"));
}

/* The header must decode to a JSON object that names an algorithm (RFC 7515, RFC 7516). */
size_t valid_jwt(const uint8_t *s, size_t n)
{
	uint8_t header[1024];
	const uint8_t *dot = memchr(s, '.', n);
	size_t len = dot ? (size_t)(dot - s) : n, k;

	if (len / 4 * 3 + 3 > sizeof(header))
		return n; /* certificates in the header; the prefix eyJ is evidence enough */
	k = base64_decode(s, len, header);
	if (k < 9 || header[0] != '{')
		return 0;
	return memmem(header, k, "\"alg\"", 5) || memmem(header, k, "\"typ\"", 5) ||
			       memmem(header, k, "\"enc\"", 5)
		       ? n
		       : 0;
}

size_t valid_basic(const uint8_t *s, size_t n)
{
	uint8_t plain[768];
	size_t k;

	if (n / 4 * 3 + 3 > sizeof(plain))
		return n;
	k = base64_decode(s, n, plain);
	for (size_t i = 0; i < k; i++)
		if (plain[i] < ' ' || plain[i] == 0x7f)
			return 0;
	return k && utf8_valid(plain, k) == k && memchr(plain, ':', k) ? n : 0;
}

size_t valid_userinfo(const uint8_t *s, size_t n)
{
	const uint8_t *colon = memchr(s, ':', n);
	const uint8_t *password = colon ? colon + 1 : s;
	size_t len = n - (size_t)(password - s);
	struct classes c = classes_of(password, len);

	if (!len || c.stars == len || is_reference(password, len) || memmem(password, len, "%s", 2))
		return 0;
	/* a lone user name is none, a lone token is */
	if (!colon && (len < 20 || shannon_entropy(s, n) < 3.5))
		return 0;
	return n;
}

size_t valid_password(const uint8_t *s, size_t n)
{
	struct classes c = classes_of(s, n);

	return c.stars == n || is_reference(s, n) || memchr(s, '(', n) ? 0 : n;
}
