// SPDX-License-Identifier: Apache-2.0
/* A direct-mapped cache from short strings to their masked form. */
#include "reader/names.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reader/limits.h"

struct names_entry {
	struct masked *masked;
	uint16_t len;
	char bytes[READER_NAME_SIZE];
};

struct names {
	const struct mask_rules *rules;
	struct masked *scratch[2]; /* what is too long to be kept */
	unsigned int turn;
	struct names_entry entry[READER_NAMES];
};

int names_new(const struct mask_rules *rules, struct names **ret)
{
	struct names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->rules = rules;
	*ret = names;
	return 0;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < READER_NAMES; i++)
		masked_free(names->entry[i].masked);
	masked_free(names->scratch[0]);
	masked_free(names->scratch[1]);
	/* the keys are captured bytes as they were */
	explicit_bzero(names, sizeof(*names));
	free(names);
}

/* FNV-1a. Whoever provokes collisions makes the cache useless to himself, and nothing else. */
static uint64_t names_hash(const uint8_t *bytes, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * 0x100000001b3ULL;
	return h ^ h >> 32;
}

const struct masked *names_get(struct names *names, const void *bytes, size_t len)
{
	struct masked *masked = NULL;
	struct names_entry *e;

	if (len > READER_NAME_SIZE) {
		if (mask_text_shown(names->rules, bytes, len, SIZE_MAX, &masked) < 0)
			return NULL;
		names->turn ^= 1;
		masked_free(names->scratch[names->turn]);
		names->scratch[names->turn] = masked;
		return masked;
	}
	e = &names->entry[names_hash(bytes, len) & (READER_NAMES - 1)];
	if (e->masked && e->len == len && memcmp(e->bytes, bytes, len) == 0)
		return e->masked;
	if (mask_text_shown(names->rules, bytes, len, SIZE_MAX, &masked) < 0)
		return NULL;
	/* the one that goes may still be in the caller's hands for the length of one more call */
	names->turn ^= 1;
	masked_free(names->scratch[names->turn]);
	names->scratch[names->turn] = e->masked;
	e->masked = masked;
	e->len = (uint16_t)len;
	memcpy(e->bytes, bytes, len);
	return masked;
}
