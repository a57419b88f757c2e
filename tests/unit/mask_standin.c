// SPDX-License-Identifier: Apache-2.0
/* The few functions of mask/mask.h that events use, for a build in which the mask stage is not
 * there: digits become '*'. Included by a test when MASK_STANDIN is defined. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mask/mask.h"

struct mask_rules {
	uint8_t key[DIGEST_SIZE];
};

struct masked {
	char *text;
	size_t len, original_len;
	char digest[DIGEST_HEX];
};

int mask_rules_new(const struct mask_options *options, struct mask_rules **ret, char *err)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	memcpy((*ret)->key, options->key, DIGEST_SIZE);
	return 0;
}

void mask_rules_free(struct mask_rules *rules)
{
	free(rules);
}

int mask_digest_only(const struct mask_rules *rules, const void *bytes, size_t len,
		     struct masked **ret)
{
	struct masked *m = calloc(1, sizeof(*m));
	uint8_t digest[DIGEST_SIZE];

	if (!m)
		return -ENOMEM;
	m->text = calloc(1, len + 1);
	if (!m->text || digest_keyed(rules->key, bytes, len, digest) < 0) {
		masked_free(m);
		return -ENOMEM;
	}
	digest_hex(digest, sizeof(digest), m->digest);
	m->original_len = len;
	*ret = m;
	return 0;
}

int mask_text(const struct mask_rules *rules, const void *bytes, size_t len, struct masked **ret)
{
	int r = mask_digest_only(rules, bytes, len, ret);

	if (r < 0)
		return r;
	(*ret)->len = len;
	memcpy((*ret)->text, bytes, len);
	for (size_t i = 0; i < len; i++)
		if ((*ret)->text[i] >= '0' && (*ret)->text[i] <= '9')
			(*ret)->text[i] = '*';
	return 0;
}

void masked_free(struct masked *m)
{
	if (m)
		free(m->text);
	free(m);
}

void masked_freep(struct masked **m)
{
	masked_free(*m);
}

const char *masked_text(const struct masked *m)
{
	return m->text;
}

size_t masked_len(const struct masked *m)
{
	return m->len;
}

const char *masked_digest(const struct masked *m)
{
	return m->digest;
}

uint64_t masked_original_len(const struct masked *m)
{
	return m->original_len;
}
