// SPDX-License-Identifier: Apache-2.0
/* What is asked of a parsed document: members, numbers, its JSON again. */
#include <errno.h>
#include <stdio.h>

#include "wire/plain.h"
#include "wire/tree.h"

#define PRINT_MAX (SIZE_MAX / 4)

const struct tree_value *tree_get(const struct tree_value *object, const char *name)
{
	const struct wire_text want = TEXT_STR(name);
	const struct tree_value *found = NULL;

	if (!tree_is(object, TREE_OBJECT))
		return NULL;
	tree_foreach (object, v)
		if (text_equal(v->name, want))
			found = v;
	return found;
}

int64_t tree_integer(const struct tree_value *v)
{
	bool minus;
	uint64_t n = 0;

	if (!tree_is(v, TREE_NUMBER))
		return 0;
	minus = v->text.data[0] == '-';
	for (size_t i = minus; i < v->text.len; i++) {
		if (v->text.data[i] < '0' || v->text.data[i] > '9' || n > INT64_MAX / 10 - 1)
			return 0;
		n = n * 10 + (uint64_t)(v->text.data[i] - '0');
	}
	return minus ? -(int64_t)n : (int64_t)n;
}

size_t tree_count(const struct tree_value *outer)
{
	size_t n = 0;

	tree_foreach (outer, v)
		n++;
	return n;
}

static int print_string(struct wire_text t, struct buffer *out)
{
	const char *p = t.data, *end = p + t.len, *from = p;
	int r = buffer_append(out, "\"", 1, PRINT_MAX);

	while (r == 0) {
		static const char of[] = "\"\\\b\f\n\r\t", as[] = "\"\\bfnrt";
		const char *at;
		char escape[8];
		size_t n = 2;

		p = plain_skip(p, end);
		if (p == end)
			break;
		if ((unsigned char)*p >= 0x80) {
			p++;
			continue;
		}
		at = *p ? strchr(of, *p) : NULL;
		if (at) {
			escape[0] = '\\';
			escape[1] = as[at - of];
		} else {
			n = (size_t)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)*p);
		}
		r = buffer_append(out, from, (size_t)(p - from), PRINT_MAX);
		if (r == 0)
			r = buffer_append(out, escape, n, PRINT_MAX);
		from = ++p;
	}
	if (r == 0)
		r = buffer_append(out, from, (size_t)(end - from), PRINT_MAX);
	return r == 0 ? buffer_append(out, "\"", 1, PRINT_MAX) : r;
}

static bool is_among(struct wire_text name, const char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		if (text_equal(name, TEXT_STR(list[i])))
			return true;
	return false;
}

static int print_value(const struct tree_value *v, const char *const *without, struct buffer *out)
{
	const bool object = v->kind == TREE_OBJECT;
	bool first = true;
	int r;

	if (v->kind == TREE_STRING)
		return print_string(v->text, out);
	if (v->kind != TREE_OBJECT && v->kind != TREE_ARRAY)
		return buffer_append(out, v->text.data, v->text.len, PRINT_MAX);
	r = buffer_append(out, object ? "{" : "[", 1, PRINT_MAX);
	tree_foreach (v, inner) {
		if (object && is_among(inner->name, without))
			continue;
		if (r == 0 && !first)
			r = buffer_append(out, ",", 1, PRINT_MAX);
		first = false;
		if (r == 0 && object)
			r = print_string(inner->name, out);
		if (r == 0 && object)
			r = buffer_append(out, ":", 1, PRINT_MAX);
		if (r == 0)
			r = print_value(inner, NULL, out);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : buffer_append(out, object ? "}" : "]", 1, PRINT_MAX);
}

int tree_print(const struct tree_value *v, const char *const *without, struct buffer *out)
{
	return print_value(v, without, out) < 0 ? -ENOMEM : 0;
}

/* ---- half surrogates ---- */

/* The code point of the four-byte character at p when it is a stand-in, as the unit it stands for.
 */
static uint32_t stand_in_at(const unsigned char *p, const unsigned char *end)
{
	uint32_t code;

	if (end - p < 4 || p[0] != 0xf4 || p[1] != 0x80 || (p[2] & 0xc0) != 0x80 ||
	    (p[3] & 0xc0) != 0x80)
		return 0;
	code = TREE_STAND_IN | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	return code < TREE_STAND_IN + 0x800 ? 0xd800 + (code - TREE_STAND_IN) : 0;
}

size_t tree_join(char *text, size_t len)
{
	unsigned char *p = (unsigned char *)text, *end = p + len;
	char *out = text;

	while (p < end) {
		uint32_t unit = stand_in_at(p, end), next;

		if (!unit) {
			*out++ = (char)*p++;
			continue;
		}
		p += 4;
		next = unit < 0xdc00 ? stand_in_at(p, end) : 0;
		if (next >= 0xdc00) {
			p += 4;
			out = text_put_code(out,
					    0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00));
		} else {
			out = text_put_code(out, 0xfffd);
		}
	}
	return (size_t)(out - text);
}
