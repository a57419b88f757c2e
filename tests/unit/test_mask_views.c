// SPDX-License-Identifier: Apache-2.0
/* Values in encodings: no planted value is in the result, neither as it was nor as it was written.
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "mask/mask.h"
#include "mask/utf8.h"
#include "test_mask_values.h"

static struct mask_rules *all_rules(void)
{
	struct mask_rules *r = NULL;
	char err[256];

	assert_int_equal(mask_rules_new(&(struct mask_options){0}, &r, err), 0);
	return r;
}

/* How a text can be written. Each appends the n bytes at s. */
static void as_plain(struct gen *g, const char *s, size_t n)
{
	gen_put(g, "%.*s", (int)n, s);
}

static void as_json_all(struct gen *g, const char *s, size_t n)
{
	while (n--)
		gen_put(g, "\\u%04x", (uint8_t)*s++);
}

static void as_json_some(struct gen *g, const char *s, size_t n)
{
	for (; n; n--, s++) {
		if (*s == '\n')
			gen_put(g, "\\n");
		else if (*s == '/')
			gen_put(g, "\\/");
		else if (*s == '"' || *s == '\\')
			gen_put(g, "\\%c", *s);
		else if (gen_below(g, 5) == 0)
			gen_put(g, "\\u%04X", (uint8_t)*s);
		else
			gen_put(g, "%c", *s);
	}
}

static void as_json_twice(struct gen *g, const char *s, size_t n)
{
	for (; n; n--, s++) {
		if (*s == '\n')
			gen_put(g, "\\\\n");
		else if (*s == '/')
			gen_put(g, "\\\\/");
		else if (*s == '"' || *s == '\\')
			gen_put(g, "\\\\\\%c", *s);
		else if (gen_below(g, 5) == 0)
			gen_put(g, "\\\\u%04x", (uint8_t)*s);
		else
			gen_put(g, "%c", *s);
	}
}

static void as_percent_all(struct gen *g, const char *s, size_t n)
{
	while (n--)
		gen_put(g, "%%%02X", (uint8_t)*s++);
}

static void as_percent_some(struct gen *g, const char *s, size_t n)
{
	for (; n; n--, s++) {
		bool alnum = (*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') ||
			     (*s >= 'a' && *s <= 'z');

		if (alnum || *s == '-' || *s == '_' || *s == '.')
			gen_put(g, "%c", *s);
		else
			gen_put(g, gen_below(g, 2) ? "%%%02x" : "%%25%02x", (uint8_t)*s);
	}
}

static void as_base64_of(struct gen *g, const char *s, size_t n, const char *digits, size_t wrap)
{
	size_t column = 0;

	for (size_t i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)(uint8_t)s[i] << 16;

		bits |= i + 1 < n ? (uint32_t)(uint8_t)s[i + 1] << 8 : 0;
		bits |= i + 2 < n ? (uint8_t)s[i + 2] : 0;
		for (unsigned int k = 0; k < 4; k++) {
			bool pad = i + k > n;

			gen_put(g, "%c", pad ? '=' : digits[bits >> (18 - 6 * k) & 63]);
			if (++column == wrap) {
				gen_put(g, "\n");
				column = 0;
			}
		}
	}
}

#define WORDS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static void as_base64(struct gen *g, const char *s, size_t n)
{
	as_base64_of(g, s, n, WORDS "+/", 0);
}

static void as_base64_url(struct gen *g, const char *s, size_t n)
{
	as_base64_of(g, s, n, WORDS "-_", 0);
}

static void as_base64_wrapped(struct gen *g, const char *s, size_t n)
{
	as_base64_of(g, s, n, WORDS "+/", 76);
}

/* After characters of the same alphabet the run has another phase. */
static void as_base64_behind(struct gen *g, const char *s, size_t n)
{
	static const char *const before[] = {"v1/", "a/b/", "x_", "tokens/"};

	gen_put(g, "%s", before[gen_below(g, 4)]);
	as_base64(g, s, n);
}

static const struct encoding {
	const char *name;
	void (*put)(struct gen *g, const char *s, size_t n);
	bool base64;
} encodings[] = {
	{"plain", as_plain, false},
	{"json, all", as_json_all, false},
	{"json, some", as_json_some, false},
	{"json in json", as_json_twice, false},
	{"percent, all", as_percent_all, false},
	{"percent, some", as_percent_some, false},
	{"base64", as_base64, true},
	{"base64url", as_base64_url, true},
	{"base64, wrapped", as_base64_wrapped, true},
	{"base64, behind", as_base64_behind, true},
};

/* The longest piece of the value, as it was written, that stands in the result. */
static size_t longest_left(const char *written, const char *result, size_t from, size_t to)
{
	size_t best = 0, row = 0;

	for (size_t i = from; i < to; i++) {
		bool alnum = (written[i] >= '0' && written[i] <= '9') ||
			     ((written[i] | 0x20) >= 'a' && (written[i] | 0x20) <= 'z');

		if (alnum && written[i] == result[i])
			row++;
		else if (alnum || written[i] != result[i] || written[i] == '%' ||
			 written[i] == '\\')
			row = 0;
		best = row > best ? row : best;
	}
	return best;
}

/* Separators that stay may stand as the escapes that they were: %2D, \u002d, \n. */
#define ESCAPE_CHARS 5

static size_t leaks(const struct mask_rules *rules, const struct encoding *e,
		    const struct recipe *r, uint64_t seed)
{
	char plain[2048], written[16384];
	struct gen p = {.seed = seed + 77, .out = plain, .cap = sizeof(plain)};
	struct gen g = {.seed = seed + 99, .out = written, .cap = sizeof(written)};
	size_t from, to, value, end, left;
	struct masked *m;

	/* base64 hides where in it the value is: enough around it to make a run of 24 */
	gen_put(&p, "{\"note\": \"%s", r->before);
	value = p.len;
	draw_value(&p, r);
	end = p.len;
	gen_put(&p, "%s\", \"n\": 1}", r->after);
	gen_put(&g, "before ");
	from = g.len;
	if (e->base64) {
		e->put(&g, plain, p.len);
		to = g.len;
	} else {
		e->put(&g, plain, value);
		from = g.len;
		e->put(&g, plain + value, end - value);
		to = g.len;
		e->put(&g, plain + end, p.len - end);
	}
	gen_put(&g, " after\n");
	assert_true(g.len < sizeof(written) - 1);
	assert_int_equal(mask_text(rules, written, g.len, &m), 0);
	assert_int_equal(masked_len(m), g.len);
	left = longest_left(written, masked_text(m), from, to);
	if (left > ESCAPE_CHARS)
		print_error("%s, %s, seed %llu: %zu characters left of [%.*s]:\n  %.*s\n", e->name,
			    r->detector, (unsigned long long)seed, left, (int)(to - from),
			    written + from, (int)(to - from), masked_text(m) + from);
	/* and the value itself is nowhere in the result */
	plain[end] = 0;
	if (strstr(masked_text(m), plain + value))
		left = end - value;
	masked_free(m);
	return left > ESCAPE_CHARS;
}

static void test_no_value_leaks(void **state)
{
	struct mask_rules *rules = all_rules();
	size_t leaked = 0, tried = 0;

	for (size_t e = 0; e < ARRAY_SIZE(encodings); e++)
		for (size_t i = 0; i < ARRAY_SIZE(recipes); i++)
			for (uint64_t draw = 0; draw < 6; draw++) {
				/* a key with literal \n in percent escapes or base64 is two
				 * encodings */
				if (e > 0 && strstr(recipes[i].value, "\\n"))
					continue;
				leaked += leaks(rules, &encodings[e], &recipes[i], i * 100 + draw);
				tried++;
			}
	assert_true(tried > 5000);
	assert_int_equal(leaked, 0);
	mask_rules_free(rules);
}

/* Escapes that are none, cut or wrong, leave the text as it is and do not confuse what is near. */
static void test_damaged(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"\\u00 \\uZZZZ \\ud83d \\", "\\u00 \\uZZZZ \\ud83d \\"},
		{"% %4 %zz 100%", "% %4 %zz 100%"},
		{"\\u0031\\u0032\\u0033-45-6789", "******************-**-****"},
		{"\\ud83d\\ude00123-45-6789", "\\ud83d\\ude00***-**-****"},
		{"\\ud83d123\\u002d45-6789 \\u00", "\\ud83d***\\u002d**-**** \\u00"},
		{"%31%32%33%2D45%2D6789%4", "*********%2D**%2D****%4"},
		{"%E2%82%AC%31%32%33-45-6789", "%E2%82%AC*********-**-****"},
		/* \a would be an escape that JSON does not know */
		{"C:\\users\\alice@example.com", "C:\\users******@*******.***"},
		{"\\u00e9\\nbob@example.com", "\\u00e9\\n***@*******.***"},
	};
	struct mask_rules *rules = all_rules();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct masked *m;

		assert_int_equal(mask_text(rules, rows[i].text, strlen(rows[i].text), &m), 0);
		assert_string_equal(masked_text(m), rows[i].want);
		masked_free(m);
	}
	mask_rules_free(rules);
}

static void test_utf8(void **state)
{
	static const struct {
		const char *bytes, *want;
	} rows[] = {
		{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		 "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"\xc3", "?"},
		{"\xe2\x82", "??"},
		{"\xe2\x82x", "??x"},
		{"\xc0\xaf", "??"},	      /* over-long '/' */
		{"\xe0\x80\xaf", "???"},      /* over-long again */
		{"\xed\xa0\x80", "???"},      /* surrogate */
		{"\xf4\x90\x80\x80", "????"}, /* above U+10FFFF */
		{"\x80\xff", "??"},
		{"a\xf0\x9f\x98", "a???"},
		/* a bad byte inside a value: what is shown is searched */
		{"ssn 123-45-6789\xff", "ssn ***-**-****?"},
		{"alice\xff@example.com", "alice?@example.com"},
	};
	struct mask_rules *rules = all_rules();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct masked *m;
		size_t n = strlen(rows[i].bytes);

		assert_int_equal(mask_text(rules, rows[i].bytes, n, &m), 0);
		assert_string_equal(masked_text(m), rows[i].want);
		assert_int_equal(utf8_valid((const uint8_t *)masked_text(m), n), n);
		masked_free(m);
	}
	mask_rules_free(rules);
}

UNIT_MAIN(unit(test_no_value_leaks), unit(test_damaged), unit(test_utf8))
