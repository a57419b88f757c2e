// SPDX-License-Identifier: Apache-2.0
/* bailiff policy digest: what to enrol for a key of the model API. */
#include "cli/policy_digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "bpf/head.h"
#include "bpf/siphash.h"

/* One line, without an echo where somebody types it. */
static ssize_t digest_read(char *key, size_t size)
{
	struct termios old, quiet;
	int terminal = tcgetattr(STDIN_FILENO, &old) == 0;
	size_t n = 0;
	int c;

	if (terminal) {
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		fprintf(stderr, "key: ");
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	while ((c = getchar()) != EOF && c != '\n' && n < size)
		key[n++] = (char)c;
	if (terminal) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		fputc('\n', stderr);
	}
	return n == size ? -E2BIG : (ssize_t)n;
}

void policy_digest_of(const uint64_t secret[2], const char *key, size_t len, uint8_t ret[16])
{
	__u64 words[2], digest[2], word = 0;
	struct siphash s;

	/* what is longer the kernel cuts there, too */
	if (len > HEAD_KEY - 1)
		len = HEAD_KEY - 1;
	memcpy(words, secret, sizeof(words));
	siphash_begin(&s, words);
	for (size_t i = 0; i < len / 8; i++) {
		memcpy(&word, key + 8 * i, 8);
		siphash_word(&s, word);
	}
	word = 0;
	memcpy(&word, key + (len & ~(size_t)7), len & 7);
	siphash_end(&s, word, len, digest);
	memcpy(ret, digest, 16);
}

int policy_digest(const struct policy *policy)
{
	char key[4096];
	uint8_t digest[16];
	ssize_t n;

	if (!policy->credential_flags) {
		fprintf(stderr, "bailiff policy digest: the policy has no model.credentials; "
				"expected its key there\n");
		return CLI_USAGE;
	}
	n = digest_read(key, sizeof(key));
	if (n <= 0) {
		fprintf(stderr,
			"bailiff policy digest: expected a key of 1 to %zu bytes on "
			"standard input\n",
			sizeof(key) - 1);
		return CLI_USAGE;
	}
	policy_digest_of(policy->credential_key, key, (size_t)n, digest);
	OPENSSL_cleanse(key, sizeof(key));
	for (size_t i = 0; i < sizeof(digest); i++)
		printf("%02x", digest[i]);
	putchar('\n');
	return CLI_OK;
}
