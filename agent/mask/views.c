// SPDX-License-Identifier: Apache-2.0
/* A text seen through JSON and percent escapes. */
#include "mask/views.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mask/rules.h"

/* base64 in four phases, three bytes for four characters, and a separator a run */
#define VIEW_BYTES (4 * SCAN_WINDOW)

int views_new(struct views **ret)
{
	struct views *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->bytes = malloc(VIEW_BYTES);
	v->source = malloc((VIEW_BYTES + 1) * sizeof(*v->source));
	v->run = malloc(SCAN_WINDOW);
	v->flags = malloc(SCAN_WINDOW + VIEW_PAD);
	v->lines = malloc(SCAN_WINDOW / VIEW_MIN_LINE * sizeof(*v->lines) + sizeof(*v->lines));
	v->runs = malloc(SCAN_WINDOW / 4 * sizeof(*v->runs));
	if (!v->bytes || !v->source || !v->run || !v->flags || !v->lines || !v->runs) {
		views_free(v);
		return -ENOMEM;
	}
	*ret = v;
	return 0;
}

void views_free(struct views *v)
{
	if (!v)
		return;
	/* decoded secrets */
	if (v->bytes)
		explicit_bzero(v->bytes, VIEW_BYTES);
	if (v->run)
		explicit_bzero(v->run, SCAN_WINDOW);
	free(v->bytes);
	free(v->source);
	free(v->run);
	free(v->flags);
	free(v->lines);
	free(v->runs);
	free(v);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The n hexadecimal digits at s as a number, or -1. */
static long hex_number(const uint8_t *s, size_t n)
{
	long v = 0;

	for (size_t i = 0; i < n; i++) {
		int d = hex_digit(s[i]);

		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

struct writer {
	struct views *v;
	size_t n;
};

/* A byte that came from text[at]. */
static void put(struct writer *w, uint8_t c, size_t at)
{
	w->v->bytes[w->n] = c;
	w->v->source[w->n++] = (uint32_t)at;
}

/* A code point that came from text[at]; of a character of several bytes, the last stands for all of
 * the escape. No writer of JSON gives more bytes than it had characters. */
static void put_code(struct writer *w, long code, size_t at)
{
	if (code < 0x80) {
		put(w, (uint8_t)code, at);
	} else if (code < 0x800) {
		put(w, (uint8_t)(0xc0 | code >> 6), at);
		put(w, (uint8_t)(0x80 | (code & 0x3f)), at);
	} else if (code < 0x10000) {
		put(w, (uint8_t)(0xe0 | code >> 12), at);
		put(w, (uint8_t)(0x80 | (code >> 6 & 0x3f)), at);
		put(w, (uint8_t)(0x80 | (code & 0x3f)), at);
	} else {
		put(w, (uint8_t)(0xf0 | code >> 18), at);
		put(w, (uint8_t)(0x80 | (code >> 12 & 0x3f)), at);
		put(w, (uint8_t)(0x80 | (code >> 6 & 0x3f)), at);
		put(w, (uint8_t)(0x80 | (code & 0x3f)), at);
	}
}

static bool finish(struct writer *w, size_t len, struct view *ret)
{
	w->v->source[w->n] = (uint32_t)len;
	*ret = (struct view){w->v->bytes, w->n, w->v->source};
	return true;
}

static size_t backslashes(const uint8_t *text, size_t len, size_t i)
{
	size_t k = i;

	while (k < len && text[k] == '\\')
		k++;
	return k - i;
}

static bool has_json(const uint8_t *text, size_t len)
{
	const uint8_t *p = text, *end = text + len;

	while ((p = memchr(p, '\\', (size_t)(end - p)))) {
		p += backslashes(text, len, (size_t)(p - text));
		if (p == end)
			return false;
		if (*p == '/' || (*p == 'u' && end - p >= 5 && hex_number(p + 1, 4) >= 0))
			return true;
	}
	return false;
}

/* \uXXXX whose first digit is at s[i]: the code point, with the other half of a surrogate pair.
 * Returns how many characters were taken after the u, 0 when these are no digits. */
static size_t unicode_escape(const uint8_t *s, size_t len, size_t i, long *ret)
{
	long high = len - i >= 4 ? hex_number(s + i, 4) : -1, low;
	size_t slashes;

	if (high < 0)
		return 0;
	*ret = high;
	if (high < 0xd800 || high > 0xdfff)
		return 4;
	*ret = '?';
	slashes = backslashes(s, len, i + 4);
	if (high > 0xdbff || !slashes || len - i < 4 + slashes + 5 || s[i + 4 + slashes] != 'u')
		return 4;
	low = hex_number(s + i + 4 + slashes + 1, 4);
	if (low < 0xdc00 || low > 0xdfff)
		return 4;
	*ret = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
	return 4 + slashes + 5;
}

bool view_json(struct views *v, const uint8_t *text, size_t len, struct view *ret)
{
	static const char from[] = "nrtbf\"/", to[] = "\n\r\t\b\f\"/";
	struct writer w = {v, 0};

	if (!has_json(text, len))
		return false;
	for (size_t i = 0; i < len;) {
		size_t at = i, k = backslashes(text, len, i);
		const char *simple;
		long code;

		if (!k) {
			put(&w, text[i], i);
			i++;
			continue;
		}
		i += k;
		simple = i < len && text[i] ? strchr(from, text[i]) : NULL;
		if (simple) {
			put(&w, (uint8_t)to[simple - from], at);
			i++;
			continue;
		}
		k = i < len && text[i] == 'u' ? unicode_escape(text, len, i + 1, &code) : 0;
		if (k) {
			put_code(&w, code, at);
			i += 1 + k;
		} else {
			put(&w, '\\', at);
		}
	}
	return finish(&w, len, ret);
}

/* The byte that %XX at text[i] stands for, however often '%' itself was escaped; -1 when it is none
 * that a text can have. ret_len is how long the escape is. */
static int percent_escape(const uint8_t *text, size_t len, size_t i, size_t *ret_len)
{
	size_t k = i + 1;
	long c;

	while (len - i >= 5 && k + 4 <= len && text[k] == '2' && text[k + 1] == '5' &&
	       hex_number(text + k + 2, 2) >= 0)
		k += 2;
	if (k + 2 > len)
		return -1;
	c = hex_number(text + k, 2);
	*ret_len = k + 2 - i;
	return c >= ' ' ? (int)c : c == '\n' || c == '\r' || c == '\t' ? (int)c : -1;
}

static bool has_percent(const uint8_t *text, size_t len)
{
	const uint8_t *p = text, *end = text + len;
	size_t k;

	while ((p = memchr(p, '%', (size_t)(end - p)))) {
		if (percent_escape(text, len, (size_t)(p - text), &k) >= 0)
			return true;
		p++;
	}
	return false;
}

bool view_percent(struct views *v, const uint8_t *text, size_t len, struct view *ret)
{
	struct writer w = {v, 0};

	if (!has_percent(text, len))
		return false;
	for (size_t i = 0; i < len;) {
		size_t k;
		int c = text[i] == '%' ? percent_escape(text, len, i, &k) : -1;

		put(&w, c >= 0 ? (uint8_t)c : text[i], i);
		i += c >= 0 ? k : 1;
	}
	return finish(&w, len, ret);
}
