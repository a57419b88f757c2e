// SPDX-License-Identifier: Apache-2.0
/* Masks a text that is at hand whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mask/masked.h"
#include "mask/rules.h"
#include "mask/scan.h"
#include "mask/utf8.h"

/* All blocks of text; out is a copy of it. */
static int scan_text(const struct mask_rules *rules, const uint8_t *text, size_t len,
		     struct masked *m)
{
	struct window w = {0};
	int r;

	scan_state_reset(rules->text_state);
	for (uint64_t block = 0; len && !w.last; block++) {
		w = scan_window_at(block, len, true);
		w.text = text + w.base;
		w.out = (uint8_t *)m->text + w.base;
		r = scan_window(rules, rules->text_state, &w, &m->findings);
		if (r < 0)
			return r;
	}
	findings_settle(&m->findings);
	return 0;
}

static int digest_text(const struct mask_rules *rules, const void *bytes, size_t len,
		       struct masked *m)
{
	uint8_t digest[DIGEST_SIZE];
	int r = rules_digest(rules, bytes, len, digest);

	if (r < 0)
		return r;
	digest_hex(digest, sizeof(digest), m->digest);
	return 0;
}

/* Nothing of a text that could not be searched to its end is shown. */
static void mask_all(struct masked *m)
{
	memset(m->text, '*', m->len);
	findings_free(&m->findings);
	m->failed = true;
}

/* The text with '?' for what is no UTF-8, or NULL when memory is short. */
static uint8_t *repaired(const uint8_t *bytes, size_t len)
{
	uint8_t *text = malloc(len);

	if (text)
		(void)utf8_repair(bytes, len, false, text);
	return text;
}

int mask_text(const struct mask_rules *rules, const void *bytes, size_t len, struct masked **ret)
{
	return mask_text_shown(rules, bytes, len, 0, ret);
}

int mask_text_shown(const struct mask_rules *rules, const void *bytes, size_t len, size_t shown,
		    struct masked **ret)
{
	_cleanup_(masked_freep) struct masked *m = NULL;
	const uint8_t *text = bytes;
	uint8_t *copy = NULL;
	int r;

	r = masked_new(len, &m);
	if (r < 0)
		return r;
	if (utf8_valid(text, len) < len) {
		text = copy = repaired(bytes, len);
		if (!copy)
			return -ENOMEM;
	}
	if (len)
		memcpy(m->text, text, len);
	r = scan_text(rules, text, len, m);
	if (copy)
		explicit_bzero(copy, len);
	free(copy);
	if (r < 0 || len >= shown) {
		int e = digest_text(rules, bytes, len, m);

		r = r ? r : e;
	}
	if (r < 0) {
		mask_all(m);
		if (r == -ENOMEM)
			return r;
	}
	*ret = TAKE_PTR(m);
	return 0;
}

int mask_digest_only(const struct mask_rules *rules, const void *bytes, size_t len,
		     struct masked **ret)
{
	_cleanup_(masked_freep) struct masked *m = NULL;
	int r = masked_new(0, &m);

	if (r < 0)
		return r;
	m->original_len = len;
	if (digest_text(rules, bytes, len, m) < 0)
		m->failed = true;
	*ret = TAKE_PTR(m);
	return 0;
}
