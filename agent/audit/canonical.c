// SPDX-License-Identifier: Apache-2.0
/* Canonical JSON (RFC 8785) out of jansson values. */
#include "audit/canonical.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"

/* Integers that an IEEE 754 double holds exactly: RFC 8785 numbers are doubles, and a reader in
 * JavaScript must see the same digits. */
#define CANONICAL_INT_MAX INT64_C(9007199254740991)
#define CANONICAL_DEPTH	  256
#define CANONICAL_SIZE	  (64u << 20)

static int put(struct buffer *out, const void *bytes, size_t len)
{
	return buffer_append(out, bytes, len, CANONICAL_SIZE);
}

static int put_string(struct buffer *out, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	size_t from = 0;
	int r;

	r = put(out, "\"", 1);
	if (r < 0)
		return r;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		char escape[7] = "\\u00";
		size_t n = 2;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		switch (c) {
		case '\b':
			escape[1] = 'b';
			break;
		case '\t':
			escape[1] = 't';
			break;
		case '\n':
			escape[1] = 'n';
			break;
		case '\f':
			escape[1] = 'f';
			break;
		case '\r':
			escape[1] = 'r';
			break;
		case '"':
		case '\\':
			escape[1] = (char)c;
			break;
		default:
			escape[4] = hex[c >> 4];
			escape[5] = hex[c & 15];
			n = 6;
		}
		r = put(out, s + from, i - from);
		if (r >= 0)
			r = put(out, escape, n);
		if (r < 0)
			return r;
		from = i + 1;
	}
	r = put(out, s + from, len - from);
	return r < 0 ? r : put(out, "\"", 1);
}

struct member {
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

static int put_value(struct buffer *out, const json_t *value, unsigned int depth);

static int put_object(struct buffer *out, const json_t *value, unsigned int depth)
{
	json_t *object = (json_t *)value; /* jansson's iterators take it without const */
	_cleanup_free_ struct member *members = NULL;
	size_t n = json_object_size(object), i = 0;
	int r;

	members = calloc(n + 1, sizeof(*members));
	if (!members)
		return -ENOMEM;
	for (void *it = json_object_iter(object); it && i < n; i++) {
		members[i].key = json_object_iter_key(it);
		members[i].key_len = json_object_iter_key_len(it);
		members[i].value = json_object_iter_value(it);
		it = json_object_iter_next(object, it);
	}
	qsort(members, i, sizeof(*members), member_compare);
	n = i;
	r = put(out, "{", 1);
	for (i = 0; r >= 0 && i < n; i++) {
		if (i)
			r = put(out, ",", 1);
		if (r >= 0)
			r = put_string(out, members[i].key, members[i].key_len);
		if (r >= 0)
			r = put(out, ":", 1);
		if (r >= 0)
			r = put_value(out, members[i].value, depth + 1);
	}
	return r < 0 ? r : put(out, "}", 1);
}

static int put_array(struct buffer *out, const json_t *value, unsigned int depth)
{
	int r = put(out, "[", 1);

	for (size_t i = 0; r >= 0 && i < json_array_size(value); i++) {
		if (i)
			r = put(out, ",", 1);
		if (r >= 0)
			r = put_value(out, json_array_get(value, i), depth + 1);
	}
	return r < 0 ? r : put(out, "]", 1);
}

static int put_integer(struct buffer *out, json_int_t value)
{
	char digits[24];
	int n;

	if (value > CANONICAL_INT_MAX || value < -CANONICAL_INT_MAX)
		return -EDOM;
	n = snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, value);
	return n < 0 || (size_t)n >= sizeof(digits) ? -EDOM : put(out, digits, (size_t)n);
}

static int put_value(struct buffer *out, const json_t *value, unsigned int depth)
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
	_cleanup_buffer_ struct buffer out = {0};
	int r;

	if (!value)
		return -EINVAL;
	r = put_value(&out, value, 0);
	if (r < 0)
		return r == -ENOSPC ? -EDOM : r;
	*ret = (char *)out.data;
	*ret_len = out.len;
	out = (struct buffer){0};
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
