// SPDX-License-Identifier: Apache-2.0
/* A stream gives what the whole text gives, wherever it is cut, and holds no more than it may. */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mask/mask.h"
#include "test_mask_values.h"

#define HOLD 16384

static struct mask_rules *all_rules(void)
{
	struct mask_rules *r = NULL;
	char err[256];

	assert_int_equal(mask_rules_new(&(struct mask_options){0}, &r, err), 0);
	return r;
}

struct sink {
	char *bytes;
	size_t len, cap;
};

static void collect(void *ctx, const char *bytes, size_t len)
{
	struct sink *s = ctx;

	assert_true(s->len + len <= s->cap);
	memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
}

/* Feeds text in pieces whose lengths next gives, and compares with want. */
static void check_pieces(const struct mask_rules *rules, const char *text, size_t len,
			 const char *want, size_t (*next)(void *ctx, size_t at), void *ctx)
{
	struct sink out = {malloc(len + 1), 0, len};
	struct mask_stream *s = NULL;

	assert_int_equal(mask_stream_new(rules, collect, &out, &s), 0);
	for (size_t at = 0; at < len;) {
		size_t n = next(ctx, at);

		n = n < len - at ? n : len - at;
		assert_int_equal(mask_stream_feed(s, text + at, n), 0);
		at += n;
		assert_true(out.len <= at);
		assert_true(at - out.len <= HOLD);
	}
	assert_int_equal(mask_stream_finish(s), 0);
	assert_int_equal(mask_stream_finish(s), 0);
	assert_int_equal(mask_stream_feed(s, "x", 1), -EINVAL);
	assert_int_equal(out.len, len);
	for (size_t i = 0; i < len; i++)
		if (out.bytes[i] != want[i])
			fail_msg("differs at %zu of %zu: [%.60s] is not [%.60s]", i, len,
				 out.bytes + (i > 20 ? i - 20 : 0), want + (i > 20 ? i - 20 : 0));
	mask_stream_free(s);
	free(out.bytes);
}

static size_t two_pieces(void *ctx, size_t at)
{
	return at ? SIZE_MAX : *(size_t *)ctx;
}

static size_t single_bytes(void *ctx, size_t at)
{
	return 1;
}

static size_t random_pieces(void *ctx, size_t at)
{
	struct gen *g = ctx;

	return 1 + gen_below(g, gen_below(g, 4) ? 200 : 40000);
}

static void put_recipe(struct gen *g, const struct recipe *r)
{
	gen_put(g, "%s", r->before);
	draw_value(g, r);
	gen_put(g, "%s", r->after);
}

/* Every value, every place of the cut. */
static void test_every_split(void **state)
{
	struct mask_rules *rules = all_rules();

	for (size_t i = 0; i < ARRAY_SIZE(recipes); i++) {
		char text[2048];
		struct gen g = {.seed = i + 1, .out = text, .cap = sizeof(text)};
		struct masked *m;

		gen_put(&g, "caf\xc3\xa9 \\u00e9 ");
		put_recipe(&g, &recipes[i]);
		gen_put(&g, " %%41 \xe2\x82\xac end\xff\xe2\x82");
		assert_int_equal(mask_text(rules, text, g.len, &m), 0);
		for (size_t cut = 1; cut < g.len; cut++)
			check_pieces(rules, text, g.len, masked_text(m), two_pieces, &cut);
		check_pieces(rules, text, g.len, masked_text(m), single_bytes, NULL);
		masked_free(m);
	}
	mask_rules_free(rules);
}

/* Long texts full of values: blocks end within them. */
static void test_long(void **state)
{
	const size_t len = 200000;
	char *text = malloc(len + 1);
	struct mask_rules *rules = all_rules();

	for (uint64_t seed = 1; seed <= 6; seed++) {
		struct gen g = {.seed = seed, .out = text, .cap = len + 1};
		struct gen cuts = {.seed = seed + 1000};
		struct masked *m;
		size_t cut;

		while (g.len < len) {
			const struct recipe *r = &recipes[gen_below(&g, ARRAY_SIZE(recipes))];

			gen_prose(&g);
			put_recipe(&g, r);
			gen_put(&g, "\n%s", gen_below(&g, 3) ? "\xe2\x82\xac " : "\\u20ac %20 ");
		}
		assert_int_equal(mask_text(rules, text, len, &m), 0);
		assert_true(masked_n_findings(m) > 500);
		check_pieces(rules, text, len, masked_text(m), random_pieces, &cuts);
		check_pieces(rules, text, len, masked_text(m), random_pieces, &cuts);
		for (cut = 14100; cut < 14300; cut += 7)
			check_pieces(rules, text, len, masked_text(m), two_pieces, &cut);
		masked_free(m);
	}
	mask_rules_free(rules);
	free(text);
}

/* A value at each place around the end of the first and second block is masked whole. */
static void test_around_blocks(void **state)
{
	static const size_t ends[] = {14208, 2 * 14208, 14208 + 2048};
	static const size_t which[] = {0, 3, 10, 20, 39, 47, 60};
	const size_t len = 40000;
	char *text = malloc(len + 2048);
	struct mask_rules *rules = all_rules();

	for (size_t e = 0; e < ARRAY_SIZE(ends); e++)
		for (size_t place = ends[e] - 200; place < ends[e] + 80; place += 3)
			for (size_t k = 0; k < ARRAY_SIZE(which); k++) {
				struct gen g = {.seed = place, .out = text, .cap = len + 2048};
				struct masked *m;
				size_t from, to;

				memset(text, ' ', len);
				g.len = place;
				gen_put(&g, "%s", recipes[which[k]].before);
				from = g.len;
				draw_value(&g, &recipes[which[k]]);
				to = g.len;
				gen_put(&g, "%s ", recipes[which[k]].after);
				assert_int_equal(mask_text(rules, text, len, &m), 0);
				for (size_t i = from; i < to; i++)
					if ((text[i] >= '0' && text[i] <= '9') ||
					    ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z'))
						assert_int_equal(masked_text(m)[i], '*');
				masked_free(m);
				memset(text + place, ' ', g.len - place);
			}
	mask_rules_free(rules);
	free(text);
}

/* Values longer than a block are masked to their end. */
static void test_longer_than_a_block(void **state)
{
	static const struct {
		const char *begin;
		unsigned int line; /* characters a line; 0: no lines */
		const char *end;
	} rows[] = {
		{"-----BEGIN RSA PRIVATE KEY-----\n", 64,
		 "\n-----END RSA PRIVATE KEY-----\nafter it.\n"},
		{"-----BEGIN PRIVATE KEY-----\\n", 0, "\\n-----END PRIVATE KEY-----\\nafter it.\n"},
		{"-----BEGIN PRIVATE KEY-----\n", 64, "\n\nafter it.\n"},
		{"token eyJhbGciOiJIUzI1NiJ9.eyJ", 0, " after it.\n"},
		{"key sk-ant-api03-", 0, " after it.\n"},
		/* {"k":"-----BEGIN PRIVATE KEY-----\n in base64: all that follows is of the run */
		{"b64 "
		 "eyJrIjoiLS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tXG5NSUlFdlFJQkFEQU5CZ2txaGtpRzl3MEJB",
		 0, " after it.\n"},
	};
	const size_t len = 50000;
	char *text = malloc(len + 1);
	struct mask_rules *rules = all_rules();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gen g = {.seed = i + 5, .out = text, .cap = len + 1};
		struct gen cuts = {.seed = i + 50};
		size_t from, to;
		struct masked *m;

		gen_put(&g, "%s", rows[i].begin);
		from = g.len;
		while (g.len < 40000) {
			gen_chars(&g, class_of('w'), 62, rows[i].line ? rows[i].line : 64);
			if (rows[i].line)
				gen_put(&g, "\n");
		}
		to = rows[i].line ? g.len - 1 : g.len;
		g.len = to;
		gen_put(&g, "%s", rows[i].end);
		assert_int_equal(mask_text(rules, text, g.len, &m), 0);
		for (size_t k = from; k < to; k++)
			if (masked_text(m)[k] != '*' && masked_text(m)[k] != '\n')
				fail_msg("row %zu: %zu of %zu stands", i, k, to);
		assert_string_equal(masked_text(m) + g.len - strlen(" after it.\n") + 1,
				    "after it.\n");
		check_pieces(rules, text, g.len, masked_text(m), random_pieces, &cuts);
		assert_true(masked_n_findings(m) >= 1);
		masked_free(m);
	}
	mask_rules_free(rules);
	free(text);
}

/* Two streams with one set of rules, and texts between, do not disturb each other. */
static void test_interleaved(void **state)
{
	static const char text[] = "mail alice@example.com and pay 4111 1111 1111 1111 now";
	static const char want[] = "mail *****@*******.*** and pay **** **** **** **** now";
	struct mask_rules *rules = all_rules();
	char a[64], b[64];
	struct sink outs[2] = {{a, 0, sizeof(a)}, {b, 0, sizeof(b)}};
	struct mask_stream *s[2];

	for (int i = 0; i < 2; i++)
		assert_int_equal(mask_stream_new(rules, collect, &outs[i], &s[i]), 0);
	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		struct masked *m;

		assert_int_equal(mask_stream_feed(s[0], text + at, 1), 0);
		assert_int_equal(mask_text(rules, text, sizeof(text) - 1, &m), 0);
		assert_string_equal(masked_text(m), want);
		masked_free(m);
		assert_int_equal(mask_stream_feed(s[1], text + at, 1), 0);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mask_stream_finish(s[i]), 0);
		assert_int_equal(outs[i].len, sizeof(text) - 1);
		assert_memory_equal(outs[i].bytes, want, sizeof(text) - 1);
		mask_stream_free(s[i]);
	}
	mask_rules_free(rules);
}

UNIT_MAIN(unit(test_every_split), unit(test_long), unit(test_around_blocks),
	  unit(test_longer_than_a_block), unit(test_interleaved))
