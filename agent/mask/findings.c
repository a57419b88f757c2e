// SPDX-License-Identifier: Apache-2.0
/* What was found in a text: digests of values, and which of overlapping findings is listed. */
#include "mask/findings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mask/rules.h"

/* The form in which equal values are equal: separators stripped from numbers, lower case for an
 * e-mail address. Returns its length. */
static size_t normalise(enum mask_style style, const uint8_t *value, size_t len, uint8_t *out)
{
	size_t k = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = value[i];
		bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z';

		if (style == MASK_EMAIL)
			out[k++] = upper ? (uint8_t)(c | 0x20) : c;
		else if (style != MASK_ALNUM || lower || upper || (c >= '0' && c <= '9'))
			out[k++] = c;
	}
	return k;
}

static int digest_value(const struct mask_rules *rules, enum mask_style style, const uint8_t *value,
			size_t len, char ret[17])
{
	uint8_t small[256] = {0}, digest[DIGEST_SIZE];
	_cleanup_free_ uint8_t *large = NULL;
	uint8_t *plain = small;
	int r;

	if (len > sizeof(small)) {
		large = malloc(len);
		if (!large)
			return -ENOMEM;
		plain = large;
	}
	r = rules_digest(rules, plain, normalise(style, value, len, plain), digest);
	explicit_bzero(plain, len);
	if (r < 0)
		return r;
	digest_hex(digest, 8, ret);
	return 0;
}

int findings_add(struct findings *f, const struct mask_rules *rules, const struct detector *d,
		 uint64_t offset, size_t len, const uint8_t *value, size_t value_len,
		 size_t *ret_index)
{
	struct finding *new;
	int r;

	if (f->n == FINDINGS_MAX) {
		*ret_index = SIZE_MAX;
		return 0;
	}
	if (f->n == f->cap) {
		size_t cap = f->cap ? f->cap * 2 : 16;

		new = reallocarray(f->all, cap, sizeof(*new));
		if (!new)
			return -ENOMEM;
		f->all = new;
		f->cap = cap;
	}
	new = &f->all[f->n];
	*new = (struct finding){
		.f = {.detector = d->name, .offset = offset, .len = len},
		.generic = d->generic,
	};
	r = digest_value(rules, d->style, value, value_len, new->f.digest);
	if (r < 0)
		return r;
	*ret_index = f->n++;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->f.offset != y->f.offset)
		return x->f.offset < y->f.offset ? -1 : 1;
	if (x->generic != y->generic)
		return x->generic ? 1 : -1;
	if (x->f.len != y->f.len)
		return x->f.len > y->f.len ? -1 : 1;
	return strcmp(x->f.detector, y->f.detector);
}

void findings_settle(struct findings *f)
{
	size_t kept = 0;

	if (f->n > 1)
		qsort(f->all, f->n, sizeof(*f->all), by_place);
	for (size_t i = 0; i < f->n; i++) {
		struct finding *last = kept ? &f->all[kept - 1] : NULL;

		if (!last || last->f.offset + last->f.len <= f->all[i].f.offset)
			f->all[kept++] = f->all[i];
		else if (last->generic && !f->all[i].generic)
			*last = f->all[i];
	}
	f->n = kept;
}

void findings_free(struct findings *f)
{
	free(f->all);
	*f = (struct findings){0};
}
