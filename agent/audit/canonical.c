// SPDX-License-Identifier: Apache-2.0
/* Canonical JSON (RFC 8785) out of jansson values. */
#include "audit/canonical.h"

#include <errno.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/plain.h"

/* Integers that an IEEE 754 double holds exactly: RFC 8785 numbers are doubles, and a reader in
 * JavaScript must see the same digits. */
#define CANONICAL_INT_MAX INT64_C(9007199254740991)
#define CANONICAL_DEPTH	  256
#define CANONICAL_SIZE	  (64u << 20)

/* Most events are of two to four thousand bytes. */
#define CANONICAL_FIRST 4096

struct out {
	char *data;
	size_t len, cap;
};

static int reserve(struct out *out, size_t more)
{
	size_t cap = out->cap;
	char *data;

	if (more <= out->cap - out->len)
		return 0;
	if (more > CANONICAL_SIZE - out->len)
		return -EDOM;
	while (cap - out->len < more)
		cap = cap ? cap * 2 : CANONICAL_FIRST;
	data = realloc(out->data, cap);
	if (!data)
		return -ENOMEM;
	out->data = data;
	out->cap = cap;
	return 0;
}

static int put(struct out *out, const void *bytes, size_t len)
{
	int r = reserve(out, len);

	if (r < 0)
		return r;
	memcpy(out->data + out->len, bytes, len);
	out->len += len;
	return 0;
}

static int put_char(struct out *out, char c)
{
	if (out->len == out->cap) {
		int r = reserve(out, 1);

		if (r < 0)
			return r;
	}
	out->data[out->len++] = c;
	return 0;
}

static int put_escape(struct out *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[256] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n',  ['\f'] = 'f',
		['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\',
	};
	const char two[2] = {'\\', letters[c]};
	const char six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	return letters[c] ? put(out, two, sizeof(two)) : put(out, six, sizeof(six));
}

static int put_string(struct out *out, const char *s, size_t len)
{
	int r = put_char(out, '"');

	while (r >= 0) {
		size_t n = plain_length(s, len);

		r = put(out, s, n);
		if (r < 0 || n == len)
			break;
		r = put_escape(out, (unsigned char)s[n]);
		s += n + 1;
		len -= n + 1;
	}
	return r < 0 ? r : put_char(out, '"');
}

/* Members of most objects: no memory is taken for their list. */
#define MEMBERS_FEW 64

struct member {
	uint64_t begin; /* of the key, so that numbers compare as it does */
	const char *key;
	size_t key_len;
	json_t *value;
};

/* Order of UTF-16 code units, on UTF-8. It is the order of bytes but for one case: characters
 * beyond U+FFFF (lead byte F0 and above) are surrogates in UTF-16 and come before U+E000..U+FFFF
 * (lead bytes EE and EF). Two strings first differ in a lead byte or, with equal lead bytes, in a
 * later one; a later byte is at most BF, so the adjustment cannot touch it. */
static int member_compare(const void *pa, const void *pb)
{
	const struct member *a = pa, *b = pb;
	size_t n = a->key_len < b->key_len ? a->key_len : b->key_len;

	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)a->key[i], y = (unsigned char)b->key[i];

		if (x == y)
			continue;
		if (x >= 0xee && y >= 0xee && (x >= 0xf0) != (y >= 0xf0))
			return x >= 0xf0 ? -1 : 1;
		return x < y ? -1 : 1;
	}
	return (a->key_len > b->key_len) - (a->key_len < b->key_len);
}

/* The first eight bytes of a key as a number; 0 where one of them is none that compares as bytes.
 */
static uint64_t begin_of(const char *key, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8; i++) {
		unsigned char c = i < len ? (unsigned char)key[i] : 0;

		if (c >= 0xee)
			return 0;
		v = v << 8 | c;
	}
	return v;
}

static bool member_before(const struct member *a, const struct member *b)
{
	if (a->begin && b->begin && a->begin != b->begin)
		return a->begin < b->begin;
	return member_compare(a, b) < 0;
}

/* By insertion where they are few: the keys of an event differ in their first bytes. */
static void sort_members(struct member *members, size_t n)
{
	if (n > MEMBERS_FEW) {
		qsort(members, n, sizeof(*members), member_compare);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		struct member m = members[i];
		size_t k = i;

		for (; k > 0 && member_before(&m, &members[k - 1]); k--)
			members[k] = members[k - 1];
		members[k] = m;
	}
}

static int put_value(struct out *out, const json_t *value, unsigned int depth);

static int put_members(struct out *out, struct member *members, json_t *object, unsigned int depth)
{
	size_t n = 0;
	int r = put_char(out, '{');

	for (void *it = json_object_iter(object); it; it = json_object_iter_next(object, it)) {
		members[n].key = json_object_iter_key(it);
		members[n].key_len = json_object_iter_key_len(it);
		members[n].value = json_object_iter_value(it);
		members[n].begin = begin_of(members[n].key, members[n].key_len);
		n++;
	}
	sort_members(members, n);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		if (i)
			r = put_char(out, ',');
		if (r >= 0)
			r = put_string(out, members[i].key, members[i].key_len);
		if (r >= 0)
			r = put_char(out, ':');
		if (r >= 0)
			r = put_value(out, members[i].value, depth + 1);
	}
	return r < 0 ? r : put_char(out, '}');
}

static int put_few(struct out *out, json_t *object, unsigned int depth)
{
	struct member members[MEMBERS_FEW];

	return put_members(out, members, object, depth);
}

static int put_object(struct out *out, const json_t *value, unsigned int depth)
{
	json_t *object = (json_t *)value; /* jansson's iterators take it without const */
	_cleanup_free_ struct member *members = NULL;

	if (json_object_size(object) <= MEMBERS_FEW)
		return put_few(out, object, depth);
	members = calloc(json_object_size(object), sizeof(*members));
	return members ? put_members(out, members, object, depth) : -ENOMEM;
}

static int put_array(struct out *out, const json_t *value, unsigned int depth)
{
	int r = put_char(out, '[');

	for (size_t i = 0; r >= 0 && i < json_array_size(value); i++) {
		if (i)
			r = put_char(out, ',');
		if (r >= 0)
			r = put_value(out, json_array_get(value, i), depth + 1);
	}
	return r < 0 ? r : put_char(out, ']');
}

static int put_integer(struct out *out, json_int_t value)
{
	char digits[24], *p = digits + sizeof(digits);
	uint64_t n;

	if (value > CANONICAL_INT_MAX || value < -CANONICAL_INT_MAX)
		return -EDOM;
	n = (uint64_t)(value < 0 ? -value : value);
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	if (value < 0)
		*--p = '-';
	return put(out, p, (size_t)(digits + sizeof(digits) - p));
}

static int put_value(struct out *out, const json_t *value, unsigned int depth)
{
	if (depth >= CANONICAL_DEPTH)
		return -EDOM;
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return put_object(out, value, depth);
	case JSON_ARRAY:
		return put_array(out, value, depth);
	case JSON_STRING:
		return put_string(out, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
		return put_integer(out, json_integer_value(value));
	case JSON_REAL:
		return -EDOM;
	case JSON_TRUE:
		return put(out, "true", 4);
	case JSON_FALSE:
		return put(out, "false", 5);
	case JSON_NULL:
		return put(out, "null", 4);
	}
	return -EDOM;
}

int canonical_dump(const json_t *value, char **ret, size_t *ret_len)
{
	struct out out = {0};
	int r;

	if (!value)
		return -EINVAL;
	r = put_value(&out, value, 0);
	if (r >= 0)
		r = put_char(&out, 0);
	if (r < 0) {
		free(out.data);
		return r;
	}
	*ret = out.data;
	*ret_len = out.len - 1;
	return 0;
}

int canonical_check(const char *text, size_t len)
{
	_cleanup_free_ char *again = NULL;
	size_t again_len;
	json_t *value;
	int r;

	value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL,
			   NULL);
	if (!value)
		return -EINVAL;
	r = canonical_dump(value, &again, &again_len);
	json_decref(value);
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	return again_len == len && memcmp(again, text, len) == 0 ? 0 : -EINVAL;
}
