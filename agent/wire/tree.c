// SPDX-License-Identifier: Apache-2.0
/* JSON as a flat list of values. A general parser (jansson) took half of the reader's time for what
 * was never sent before: it reads byte by byte through a buffer, and allocates and copies each
 * string twice. */
#include "wire/tree.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "wire/plain.h"
#include "wire/scan.h"

#define TEXT_MAX (SIZE_MAX / 4)
/* Objects of more members are sorted to find a name that comes twice. */
#define COMPARE_ALL 16
/* copy_plain writes so far beyond what it copies */
#define SLACK 8

struct reader {
	struct tree *t;
	const char *p, *end;
	unsigned int flags;
	uint32_t values; /* and names, as the scanner counts them */
	uint32_t depth;
	bool not_utf8;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
		r->p++;
}

static int add_value(struct reader *r, size_t *ret)
{
	struct tree *t = r->t;

	if (t->len == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 16;
		struct tree_value *values = reallocarray(t->values, cap, sizeof(*values));

		if (!values)
			return -ENOMEM;
		t->values = values;
		t->cap = cap;
	}
	*ret = t->len;
	t->values[t->len++] = (struct tree_value){.size = 1};
	return 0;
}

/* ---- strings ---- */

/* As plain_skip, and copies: *out has SLACK bytes more than there are. */
static const char *copy_plain(const char *p, const char *end, char **out)
{
	uint64_t v, hit;

	while (end - p >= 8) {
		memcpy(&v, p, 8);
		memcpy(*out, &v, 8);
		hit = plain_special(v);
		if (hit) {
			*out += __builtin_ctzll(hit) / 8;
			return p + __builtin_ctzll(hit) / 8;
		}
		p += 8;
		*out += 8;
	}
	while (p < end && !plain_is_special((unsigned char)*p))
		*(*out)++ = *p++;
	return p;
}

/* Four hexadecimal digits at p, or -1. */
static long hex_at(const char *p, const char *end)
{
	long v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i] | 0x20;

		if (is_digit(p[i]))
			v = v << 4 | (p[i] - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (c - 'a' + 10);
		else
			return -1;
	}
	return v;
}

/* \uXXXX, p behind the u. Returns behind it, or NULL. */
static const char *take_unicode(struct reader *r, const char *p, char **out)
{
	long code = hex_at(p, r->end), low;

	if (code < 0)
		return NULL;
	p += 4;
	if (code < 0xd800 || code > 0xdfff) {
		*out = text_put_code(*out, (uint32_t)code);
		return p;
	}
	if (code < 0xdc00 && r->end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		low = hex_at(p + 2, r->end);
		if (low >= 0xdc00 && low <= 0xdfff) {
			code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
			*out = text_put_code(*out, (uint32_t)code);
			return p + 6;
		}
	}
	r->t->halves = true;
	*out = text_put_code(
		*out, r->flags & TREE_HALVES ? TREE_STAND_IN + (uint32_t)(code - 0xd800) : 0xfffd);
	return p;
}

/* An escape at p, the backslash. Returns behind it, or NULL. */
static const char *take_escape(struct reader *r, const char *p, char **out)
{
	static const char letters[256] = {
		['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
		['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
	};
	char c;

	if (r->end - p < 2)
		return NULL;
	if (p[1] == 'u')
		return take_unicode(r, p + 2, out);
	c = letters[(unsigned char)p[1]];
	*(*out)++ = c;
	return c ? p + 2 : NULL;
}

/* Room for all strings from here on: none is longer decoded than it is in the document. */
static int reserve_text(struct reader *r)
{
	struct tree *t = r->t;

	if (t->text)
		return 0;
	t->text_cap = (size_t)(r->end - r->p) + SLACK;
	t->text = malloc(t->text_cap);
	return t->text ? 0 : -ENOMEM;
}

/* The rest of a string whose first n bytes need no decoding; r->p is at its beginning. */
static int decode_string(struct reader *r, const char *p, struct wire_text *ret)
{
	char *begin, *out;
	int e = reserve_text(r);

	if (e < 0)
		return e;
	begin = out = r->t->text + r->t->text_len;
	memcpy(out, r->p, (size_t)(p - r->p));
	out += p - r->p;
	while (p < r->end && *p != '"') {
		if (*p == '\\') {
			p = take_escape(r, p, &out);
			if (!p)
				return -EBADMSG;
		} else if ((unsigned char)*p >= 0x80) {
			size_t n = text_utf8_length(p, r->end);

			r->not_utf8 = !n;
			if (!n)
				return -EBADMSG;
			memcpy(out, p, n);
			out += n;
			p += n;
		} else if ((unsigned char)*p < 0x20) {
			return -EBADMSG;
		}
		p = copy_plain(p, r->end, &out);
	}
	if (p == r->end)
		return -EBADMSG;
	r->p = p + 1;
	r->t->text_len = (size_t)(out - r->t->text);
	*ret = (struct wire_text){begin, (size_t)(out - begin)};
	return 0;
}

/* A string; r->p is behind its quote. */
static int read_string(struct reader *r, struct wire_text *ret)
{
	const char *p = plain_skip(r->p, r->end);

	while (p < r->end && (unsigned char)*p >= 0x80) {
		size_t n = text_utf8_length(p, r->end);

		r->not_utf8 = !n;
		if (!n)
			return -EBADMSG;
		p = plain_skip(p + n, r->end);
	}
	if (p == r->end || (unsigned char)*p < 0x20)
		return -EBADMSG;
	if (*p == '\\')
		return decode_string(r, p, ret);
	*ret = (struct wire_text){r->p, (size_t)(p - r->p)};
	r->p = p + 1;
	return 0;
}

/* ---- values ---- */

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

static int read_number(struct reader *r, struct wire_text *ret)
{
	const char *p = r->p, *end = r->end, *from;

	if (p < end && *p == '-')
		p++;
	from = p;
	p = skip_digits(p, end);
	if (p == from || (*from == '0' && p - from > 1))
		return -EBADMSG;
	if (p < end && *p == '.') {
		from = ++p;
		p = skip_digits(p, end);
		if (p == from)
			return -EBADMSG;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		from = p;
		p = skip_digits(p, end);
		if (p == from)
			return -EBADMSG;
	}
	*ret = (struct wire_text){r->p, (size_t)(p - r->p)};
	r->p = p;
	return 0;
}

static int read_literal(struct reader *r, struct wire_text literal, struct wire_text *ret)
{
	if (!text_starts((struct wire_text){r->p, (size_t)(r->end - r->p)}, literal))
		return -EBADMSG;
	*ret = (struct wire_text){r->p, literal.len};
	r->p += literal.len;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct wire_text *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->len ? memcmp(x->data, y->data, x->len) : 0;
}

/* Whether no name comes twice among the n members of an object. Returns 1, 0 or -ENOMEM. */
static int names_differ(const struct tree_value *object, size_t n)
{
	_cleanup_free_ struct wire_text *names = NULL;
	size_t k = 0;

	if (n <= COMPARE_ALL) {
		tree_foreach (object, x)
			for (const struct tree_value *y = object + 1; y < x; y += y->size)
				if (text_equal(x->name, y->name))
					return 0;
		return 1;
	}
	names = calloc(n, sizeof(*names));
	if (!names)
		return -ENOMEM;
	tree_foreach (object, x)
		names[k++] = x->name;
	qsort(names, n, sizeof(*names), by_name);
	for (k = 1; k < n; k++)
		if (text_equal(names[k - 1], names[k]))
			return 0;
	return 1;
}

static int read_value(struct reader *r, size_t *ret);

static int read_name(struct reader *r, struct wire_text *ret)
{
	int e;

	if (r->p == r->end || *r->p != '"' || ++r->values > SCAN_VALUES)
		return -EBADMSG;
	r->p++;
	e = read_string(r, ret);
	skip_blanks(r);
	if (e == 0 && (r->p == r->end || *r->p++ != ':'))
		e = -EBADMSG;
	return e;
}

/* What stands in an array or object; r->p is behind its bracket. The depth is limited, and with it
 * the recursion. */
static int read_inner(struct reader *r, size_t outer, bool object)
{
	const char close = object ? '}' : ']';
	struct wire_text name = {0};
	size_t n = 0, at;
	int e = 0;

	if (++r->depth > SCAN_DEPTH)
		return -EBADMSG;
	skip_blanks(r);
	if (r->p < r->end && *r->p == close)
		r->p++;
	else
		n = 1;
	for (; n; n++) {
		if (object)
			e = read_name(r, &name);
		if (e == 0)
			e = read_value(r, &at);
		if (e < 0)
			return e;
		r->t->values[at].name = name;
		skip_blanks(r);
		if (r->p == r->end)
			return -EBADMSG;
		if (*r->p == close) {
			r->p++;
			break;
		}
		if (*r->p++ != ',')
			return -EBADMSG;
		skip_blanks(r);
	}
	r->depth--;
	r->t->values[outer].size = (uint32_t)(r->t->len - outer);
	if (!object || !(r->flags & TREE_STRICT) || n < 2)
		return 0;
	e = names_differ(&r->t->values[outer], n);
	return e < 0 ? e : e ? 0 : -EBADMSG;
}

static int read_value(struct reader *r, size_t *ret)
{
	struct wire_text text = {0};
	enum tree_kind kind;
	int e;

	skip_blanks(r);
	if (r->p == r->end || ++r->values > SCAN_VALUES)
		return -EBADMSG;
	e = add_value(r, ret);
	if (e < 0)
		return e;
	switch (*r->p) {
	case '{':
	case '[':
		kind = *r->p++ == '{' ? TREE_OBJECT : TREE_ARRAY;
		e = read_inner(r, *ret, kind == TREE_OBJECT);
		break;
	case '"':
		kind = TREE_STRING;
		r->p++;
		e = read_string(r, &text);
		break;
	case 't':
		kind = TREE_TRUE;
		e = read_literal(r, TEXT("true"), &text);
		break;
	case 'f':
		kind = TREE_FALSE;
		e = read_literal(r, TEXT("false"), &text);
		break;
	case 'n':
		kind = TREE_NULL;
		e = read_literal(r, TEXT("null"), &text);
		break;
	default:
		kind = TREE_NUMBER;
		e = read_number(r, &text);
		break;
	}
	r->t->values[*ret].kind = kind;
	r->t->values[*ret].text = text;
	return e;
}

static int read_document(struct wire_text text, unsigned int flags, struct tree *t, bool *not_utf8)
{
	struct reader r = {.t = t, .flags = flags};
	size_t root;
	int e;

	*not_utf8 = false;
	if (!text.data)
		return -EBADMSG;
	r.p = text.data;
	r.end = text.data + text.len;
	e = read_value(&r, &root);
	skip_blanks(&r);
	if (e == 0 && r.p != r.end)
		e = -EBADMSG;
	*not_utf8 = r.not_utf8;
	return e;
}

/* A copy in which each byte that is no part of a character is U+FFFD. */
static int mend(struct wire_text text, struct buffer *out)
{
	const char *p = text.data, *end = p + text.len, *from = p;
	int r = 0;

	while (p < end && r == 0) {
		size_t len = text_utf8_length(p, end);

		if (len) {
			p += len;
			continue;
		}
		r = buffer_append(out, from, (size_t)(p - from), TEXT_MAX);
		if (r == 0)
			r = buffer_append(out, "\xef\xbf\xbd", 3, TEXT_MAX);
		from = ++p;
	}
	if (r == 0)
		r = buffer_append(out, from, (size_t)(end - from), TEXT_MAX);
	return r == 0 ? 0 : -ENOMEM;
}

int tree_read(struct wire_text text, unsigned int flags, struct tree *ret)
{
	_cleanup_tree_ struct tree t = {0};
	struct buffer copy = {0};
	bool not_utf8;
	int r = read_document(text, flags, &t, &not_utf8);

	if (r == -EBADMSG && not_utf8) {
		tree_free(&t);
		r = mend(text, &copy);
		t.mended = (char *)copy.data;
		if (r == 0)
			r = read_document(TEXT_BUF(&copy), flags, &t, &not_utf8);
	}
	if (r < 0)
		return r;
	*ret = t;
	t = (struct tree){0};
	return 0;
}

void tree_free(struct tree *t)
{
	/* what came off the wire is not left in memory */
	if (t->text)
		explicit_bzero(t->text, t->text_len);
	free(t->values);
	free(t->text);
	free(t->mended);
	*t = (struct tree){0};
}
