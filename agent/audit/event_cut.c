// SPDX-License-Identifier: Apache-2.0
/* Cutting events to size. */
#include "audit/event_cut.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/canonical.h"
#include "base/cleanup.h"

#define CUT_STRING_MIN 64 /* shorter strings are names and identifiers: they stay */
#define CUT_ARRAY_MIN  2
#define CUT_ROUNDS     512
#define CUT_KEY_SIZE   128

size_t event_cut_at(const char *text, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* The longest string or array below an object, and where it hangs. */
struct longest {
	json_t *parent; /* object, or array when key is NULL */
	const char *key;
	size_t index;
	json_t *value;
	size_t size;
};

static void consider(struct longest *best, json_t *parent, const char *key, size_t index,
		     json_t *value, bool arrays)
{
	size_t size = 0, min = arrays ? CUT_ARRAY_MIN : CUT_STRING_MIN;

	if (!arrays && json_is_string(value))
		size = json_string_length(value);
	if (arrays && json_is_array(value))
		size = json_array_size(value);
	if (size > min && size > best->size)
		*best = (struct longest){parent, key, index, value, size};
}

static void find(json_t *at, bool arrays, struct longest *best)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_object(at))
		json_object_foreach (at, key, value) {
			consider(best, at, key, 0, value, arrays);
			find(value, arrays, best);
		}
	if (json_is_array(at))
		json_array_foreach (at, i, value) {
			consider(best, at, NULL, i, value, arrays);
			find(value, arrays, best);
		}
}

/* Notes how much there was, once. Elements of arrays have no name to note it under. */
static int note(const struct longest *l, const char *suffix, size_t was)
{
	char beside[CUT_KEY_SIZE];
	int n;

	if (!l->key)
		return 0;
	n = snprintf(beside, sizeof(beside), "%s%s", l->key, suffix);
	if (n < 0 || (size_t)n >= sizeof(beside) || json_object_get(l->parent, beside))
		return 0;
	return json_object_set_new(l->parent, beside, json_integer((json_int_t)was)) < 0 ? -ENOMEM
											 : 0;
}

static int cut_string(const struct longest *l, size_t keep)
{
	const char *text = json_string_value(l->value);
	json_t *shorter = json_stringn(text, event_cut_at(text, l->size, keep));
	int r;

	if (!shorter)
		return -ENOMEM;
	r = note(l, "_length", l->size);
	if (r < 0) {
		json_decref(shorter);
		return r;
	}
	if (l->key)
		return json_object_set_new(l->parent, l->key, shorter) < 0 ? -ENOMEM : 0;
	return json_array_set_new(l->parent, l->index, shorter) < 0 ? -ENOMEM : 0;
}

/* One long text gives up just what is too much, and its note beside it; escapes may leave a rest
 * for the next round. Many texts are all cut to half of the longest. */
static int cut_strings(json_t *root, struct longest l, size_t excess)
{
	size_t limit = l.size / 2 > CUT_STRING_MIN ? l.size / 2 : CUT_STRING_MIN;
	int r = 0;

	if (l.size > excess + CUT_KEY_SIZE && l.size - excess - CUT_KEY_SIZE > limit)
		return cut_string(&l, l.size - excess - CUT_KEY_SIZE);
	while (r >= 0 && l.value && l.size > limit) {
		r = cut_string(&l, limit);
		l = (struct longest){0};
		find(root, false, &l);
	}
	return r;
}

static int cut_array(const struct longest *l)
{
	size_t n = json_array_size(l->value);
	int r = note(l, "_count", n);

	for (size_t i = n; r >= 0 && i > n / 2; i--)
		r = json_array_remove(l->value, i - 1) < 0 ? -ENOMEM : 0;
	return r;
}

int event_cut(json_t *root, size_t max, char **ret, size_t *ret_len)
{
	for (int round = 0; round < CUT_ROUNDS; round++) {
		_cleanup_free_ char *text = NULL;
		struct longest longest = {0};
		size_t len;
		int r;

		r = canonical_dump(root, &text, &len);
		if (r < 0)
			return r;
		if (len <= max) {
			*ret = TAKE_PTR(text);
			*ret_len = len;
			return 0;
		}
		find(root, false, &longest);
		if (longest.value) {
			r = cut_strings(root, longest, len - max);
		} else {
			find(root, true, &longest);
			r = longest.value ? cut_array(&longest) : -EMSGSIZE;
		}
		if (r < 0)
			return r;
	}
	return -EMSGSIZE;
}
