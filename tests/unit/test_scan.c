// SPDX-License-Identifier: Apache-2.0
/* The inline scanner with its built in detectors: what is masked, however a value is cut, and what
 * stays. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "scan_fixture.h"

static struct scan_table *compile_list(const struct inline_detector *list, size_t n)
{
	_cleanup_(automaton_report_free) struct automaton_report report = {0};
	struct scan_table *table = NULL;
	int r = automaton_compile(list, n, SCAN_STATES_MAX, 1, &table, &report);

	for (size_t i = 0; i < report.n_findings; i++)
		print_error("%s: %s\n", list[report.findings[i].detector].name,
			    report.findings[i].text);
	assert_int_equal(r, 0);
	return table;
}

static struct scan_table *built_in(void)
{
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);

	return compile_list(list, n);
}

/* Bytes of the value that a cut left clear. They must be its first ones: what follows a masked byte
 * is masked. */
static size_t clear_prefix(const struct scan_found *f, size_t from, size_t len, const char *what,
			   size_t cut)
{
	size_t clear = 0;

	while (clear < len && !f->masked[from + clear])
		clear++;
	for (size_t i = clear; i < len; i++)
		if (!f->masked[from + i])
			fail_msg("%s, cut at %zu: byte %zu is clear", what, cut, i);
	return clear;
}

/* At least 20 values of each detector, cut in two at every place, and into single bytes. */
static void test_every_cut(void **state)
{
	struct scan_table *table = built_in();
	struct scan_found *f = malloc(sizeof(*f));
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);

	for (size_t d = 0; d < n; d++) {
		size_t commit = automaton_commit(&list[d]), longest = 0, values = 0, cuts = 0;

		assert_true(commit > 0);
		for (uint64_t seed = 1; seed <= 20; seed++) {
			for (size_t i = 0; i < ARRAY_SIZE(scan_recipes); i++) {
				char text[1024];
				struct gen g = {.seed = seed * 7919 + i, .out = text, .cap = 1024};
				size_t from, len;

				if (strcmp(scan_recipes[i].detector, list[d].name) != 0)
					continue;
				gen_put(&g, "the value is ");
				from = g.len;
				draw_value(&g, &scan_recipes[i]);
				len = g.len - from;
				gen_put(&g, "\" and more");
				values++;
				scan_pieces(table, text, g.len, g.len, g.len, f);
				if (clear_prefix(f, from, len, list[d].name, 0) != 0)
					fail_msg("%s: not masked: %s", list[d].name, text);
				assert_int_equal(f->n, 1);
				assert_int_equal(f->span[0].detector, d);
				assert_int_equal(f->span[0].flags & ~SCAN_WHOLE, SCAN_COMPLETE);
				for (size_t cut = from; cut <= from + len; cut++, cuts++) {
					size_t clear;

					scan_pieces(table, text, g.len, cut, g.len, f);
					clear = clear_prefix(f, from, len, list[d].name, cut);
					longest = clear > longest ? clear : longest;
				}
				scan_pieces(table, text, g.len, 1, 1, f);
				len = clear_prefix(f, from, len, list[d].name, 1);
				longest = len > longest ? len : longest;
			}
		}
		assert_true(values >= 20);
		print_message("%-26s %4zu values %6zu cuts: longest clear prefix %2zu, commit "
			      "%zu\n",
			      list[d].name, values, cuts, longest, commit);
		assert_true(longest < commit);
	}
	free(f);
	free(table);
}

/* What is not masked for what stands beside a value, or for its check. */
static void test_near_misses(void **state)
{
	static const char *const texts[] = {
		"4111111111111112", /* Luhn */
		"4111 1111 1111 1112",
		"41111111111111111111", /* 20 digits */
		"x4111111111111111",	/* a letter before */
		"4111111111111111a",
		"0.4111111111111111", /* a fraction */
		"id_4111111111111111",
		"4111-1111 1111-1111", /* mixed separators */
		"9111111111111111",    /* no issuer */
		"123-45-67890",	       /* too long */
		"1123-45-6789",
		"000-12-3456", /* area, group, serial that are not given out */
		"666-12-3456",
		"912-12-3456",
		"123-00-4567",
		"123-45-0000",
		"2024-11-21T10:20:30.123456Z",
		"2024-11-21 10:20:30 +0100",
		"1732184430 1732184430123 1732184430123456",
		"v1.2.3-rc4 10.20.30.40 255.255.255.0 2001:db8::1",
		"550e8400-e29b-41d4-a716-446655440000",
		"d41d8cd98f00b204e9800998ecf8427e",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwv",
		"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA",
		"/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0a",
		"00000000  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF............|",
		"0x4111111111111111 0xdeadbeefcafebabe",
		"+0100 +1 +12 +123456789", /* no telephone */
		"@@ -1234,56 +7890,12 @@",
		"+2024-01-15 12:30:00 text of a diff",
		"+    12345678, 90",
		"a+12345678901 x",	       /* a sum */
		"+1234567890123456",	       /* 16 digits */
		"DE89 3704 0044 0532 0130 01", /* mod 97 */
		"XX89370400440532013000",
		"GB82WEST1234569876543",
		"image@2x.png foo@bar.service git@github.com:a/b.git",
		"@property @media (min-width) user@localhost a@b",
		"AKIA1234 AKIAIOSFODNN7EXAMPLEX",
		"ghp_short ghp_xxxxxxxxxxxxxxxxxxxx",
		"npm_config_registry npm_package_name",
		"sk-SK sk-learn disk-0123456789012345678901234567890123456789",
		"eyJhbGciOiJIUzI1NiJ9 eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.foo()",
		"-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ0==\n-----END CERTIFICATE-----",
		"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI\n-----END PUBLIC KEY-----",
		"a file with -----BEGIN RSA PRIVATE KEY----- in it",
		"SG.foo SG.bar.baz xoxb-1 hf_hub_download AIzaShort pypi-server",
		"DHCP 4000 4000 4000, 5000-6000, 3.14159265358979 2.71828182845904523536",
	};
	struct scan_table *table = built_in();
	struct scan_found *f = malloc(sizeof(*f));

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char text[256];
		int len = snprintf(text, sizeof(text), "x: %s \n", texts[i]);

		assert_true(len > 0 && (size_t)len < sizeof(text));
		scan_pieces(table, text, (size_t)len, (size_t)len, 1, f);
		if (f->n)
			fail_msg("masked as %u at %u: %s", f->span[0].detector, f->span[0].start,
				 texts[i]);
	}
	free(f);
	free(table);
}

static void mask_of(const struct scan_table *table, const void *from, size_t len, char *to)
{
	struct scan_state state = {0};
	uint8_t in[SCAN_BUFFER] = {0}, out[SCAN_BUFFER];

	memcpy(in, from, len);
	scan_mask(table, &state, in, out, (__u32)len);
	memcpy(to, out, len);
}

/* What a mask looks like; and a value beside others, behind NUL and bytes that are no ASCII. */
static void test_masks(void **state)
{
#define TEXT(s) s, sizeof(s) - 1
	static const struct {
		const char *from;
		size_t len;
		const char *to;
	} cases[] = {
		{TEXT("ssn 123-45-6789."), "ssn ***-**-****."},
		{TEXT("\0"
		      "123-45-6789\0"),
		 "\0***-**-****\0"},
		{TEXT("\xff\x80 123-45-6789\xc3\xa9"), "\xff\x80 ***-**-****\xc3\xa9"},
		{TEXT("+4111111111111111"), "+****************"},
		{TEXT("+49 4111 1111 1111 1111,"), "+** **** **** **** ****,"},
		/* a number that could be the beginning of one, and is not */
		{TEXT("5500 1234 4111 1111 1111 1111 x"), "5500 1234 **** **** **** **** x"},
		{TEXT("4111111111111111,5500005555555559;"), "****************,****************;"},
		{TEXT("IBAN DE89 3704 0044 0532 0130 00 EUR"),
		 "IBAN **** **** **** **** **** ** EUR"},
		{TEXT("<a.b+c@x-y.example.org>"), "<*.*+*@*-*.*******.***>"},
		{TEXT("key=AKIAIOSFODNN7EXAMPLE\n"), "key=********************\n"},
		{TEXT("------BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\"x"),
		 "-********************************************\"x"},
		{TEXT("a glpat-x glpat-abcdefghijklmnopqrst z"),
		 "a glpat-x ************************** z"},
	};
	struct scan_table *table = built_in();

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char once[256], twice[256];

		mask_of(table, cases[i].from, cases[i].len, once);
		if (memcmp(once, cases[i].to, cases[i].len) != 0)
			fail_msg("[%.*s] became [%.*s]", (int)cases[i].len, cases[i].from,
				 (int)cases[i].len, once);
		mask_of(table, once, cases[i].len, twice);
		assert_memory_equal(once, twice, cases[i].len);
	}
	free(table);
}

/* Two detectors in one place: all of both is masked, under the name of the one that starts first,
 * then the longer, then the one listed first. */
static void test_overlap(void **state)
{
	static const struct inline_detector list[] = {
		{.name = "a", .pattern = "one two", .commit = 3},
		{.name = "b", .pattern = "two three", .commit = 3},
		{.name = "c", .pattern = "one", .commit = 2},
		{.name = "d", .pattern = "six", .commit = 2},
		{.name = "e", .pattern = "s[a-z]x", .commit = 2},
	};
	static const struct {
		const char *text;
		size_t start, end, detector;
	} cases[] = {
		{"x one two three y", 2, 15, 0}, {"x one twos y", 2, 9, 0}, {"x one tw y", 2, 5, 2},
		{"x two three y", 2, 11, 1},	 {"x six y", 2, 5, 3},	    {"x sax y", 2, 5, 4},
	};
	struct scan_table *table = compile_list(list, ARRAY_SIZE(list));
	struct scan_found *f = malloc(sizeof(*f));

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = strlen(cases[i].text);

		scan_pieces(table, cases[i].text, len, len, len, f);
		assert_int_equal(f->n, 1);
		assert_int_equal(f->span[0].start, cases[i].start);
		assert_int_equal(f->span[0].end, cases[i].end);
		assert_int_equal(f->span[0].detector, cases[i].detector);
	}
	free(f);
	free(table);
}

/* What a span says of itself at the end of a buffer, and of a check that refuses. */
static void test_flags(void **state)
{
	struct scan_table *table = built_in();
	struct scan_found *f = malloc(sizeof(*f));
	const char *card = "a 4111111111111111 b";

	scan_pieces(table, card, strlen(card), 12, 20, f);
	assert_int_equal(f->n, 2);
	assert_int_equal(f->span[0].flags, SCAN_OPEN);
	assert_int_equal(f->span[0].end, 12);
	assert_int_equal(f->span[1].flags, SCAN_COMPLETE | SCAN_CONTINUED);
	assert_int_equal(f->span[1].end, 6);
	/* seven digits went out: the rest is checked with them */
	scan_pieces(table, card, strlen(card), 9, 20, f);
	assert_int_equal(f->n, 1);
	assert_int_equal(f->span[0].flags, SCAN_COMPLETE | SCAN_CONTINUED);
	scan_pieces(table, "a 4111111111111112 b", 20, 9, 20, f);
	assert_int_equal(f->n, 0);
	assert_int_equal(f->dropped, 1);
	free(f);
	free(table);
}

/* A stream that goes on under another policy starts anew: a state of one table means nothing in
 * another. */
static void test_swap(void **state)
{
	static const struct inline_detector list[] = {
		{.name = "w", .pattern = "word", .commit = 2}};
	struct scan_table *table = compile_list(list, 1);
	struct scan_state s = {0};
	uint8_t in[SCAN_BUFFER] = "wo", out[SCAN_BUFFER];

	assert_int_equal(scan_mask(table, &s, in, out, 2), 1);
	assert_true(s.row != 0 && s.masking);
	table->id = 2;
	memcpy(in, "rd", 2);
	assert_int_equal(scan_mask(table, &s, in, out, 2), 0);
	assert_memory_equal(out, "rd", 2);
	assert_int_equal(s.table, 2);
	free(table);
}

/* More values in one buffer than there are spans, and one as long as the buffer. */
static void test_many(void **state)
{
	struct scan_table *table = built_in();
	struct scan_state s = {0};
	uint8_t *in = malloc(SCAN_BUFFER), *out = malloc(SCAN_BUFFER);
	size_t n = SCAN_BUFFER / 16, clear = 0;

	for (size_t i = 0; i < n; i++)
		memcpy(in + i * 16, "123-45-6789 abc ", 16);
	assert_int_equal(scan_mask(table, &s, in, out, SCAN_BUFFER), n);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(out + i * 16, "***-**-**** abc ", 16);
	memset(in, 'a', SCAN_BUFFER);
	memcpy(in, " sk-ant-api03-", 14);
	for (int round = 0; round < 3; round++) {
		scan_mask(table, &s, in, out, SCAN_BUFFER);
		for (size_t i = round ? 0 : 1; i < SCAN_BUFFER; i++)
			clear += out[i] != '*';
		memset(in, 'a', SCAN_BUFFER);
	}
	assert_int_equal(clear, 0);
	free(in);
	free(out);
	free(table);
}

/* The arithmetic that stands for a division. */
static void test_arithmetic(void **state)
{
	for (uint32_t n = 0; n < 9800; n++)
		assert_int_equal(scan_mod97(n), n % 97);
	for (uint32_t n = 0; n <= 2250; n++)
		assert_int_equal(n * 52429 >> 19, n / 10);
	for (uint32_t n = 0; n < 100; n++)
		assert_int_equal(n * 205 >> 11, n / 10);
}

UNIT_MAIN(unit(test_every_cut), unit(test_near_misses), unit(test_masks), unit(test_overlap),
	  unit(test_flags), unit(test_swap), unit(test_many), unit(test_arithmetic))
