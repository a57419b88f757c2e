// SPDX-License-Identifier: Apache-2.0
/* The mask stage from its door: what goes in, what comes out. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "mask/mask.h"

static struct mask_rules *rules_of(const struct mask_options *o)
{
	struct mask_rules *r = NULL;
	char err[256];

	assert_int_equal(mask_rules_new(o, &r, err), 0);
	assert_string_equal(err, "");
	return r;
}

static struct masked *masked_by(const struct mask_rules *r, const char *text)
{
	struct masked *m = NULL;

	assert_int_equal(mask_text(r, text, strlen(text), &m), 0);
	assert_int_equal(masked_len(m), strlen(text));
	assert_int_equal(masked_original_len(m), strlen(text));
	return m;
}

static void test_styles(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"nothing to see here", "nothing to see here"},
		{"mail alice@example.com now", "mail *****@*******.*** now"},
		{"ssn 123-45-6789.", "ssn ***-**-****."},
		{"pay 4111 1111 1111 1111 please", "pay **** **** **** **** please"},
		{"DE89 3704 0044 0532 0130 00 PAID", "**** **** **** **** **** ** PAID"},
		{"id AKIAIOSFODNN7EXAMPLE end", "id ******************** end"},
		{"Authorization: Basic dXNlcjpwYXNzd29yZA==",
		 "Authorization: Basic ********************"},
		{"use Basic dXNlcjpwYXNzd29yZA== there", "use Basic ******************** there"},
		{"password='p\xc3\xa4ssw0rd!'", "password='**********'"},
	};
	struct mask_rules *r = rules_of(&(struct mask_options){0});

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct masked *m = masked_by(r, rows[i].text);

		assert_string_equal(masked_text(m), rows[i].want);
		assert_false(masked_failed(m));
		masked_free(m);
	}
	mask_rules_free(r);
}

static void test_findings(void **state)
{
	static const char text[] =
		"to alice@example.com, https://bob:s3cret@h.example, ALICE@example.COM; "
		"4111111111111111 4111-1111-1111-1111";
	static const char *const want[] = {"email", "url-credentials", "email", "payment-card",
					   "payment-card"};
	static const char *const values[] = {"alice@example.com", "bob:s3cret", "ALICE@example.COM",
					     "4111111111111111", "4111-1111-1111-1111"};
	struct mask_options o = {.key = {1, 2, 3}};
	struct mask_rules *r = rules_of(&o);
	struct masked *m = masked_by(r, text);
	uint8_t digest[DIGEST_SIZE];
	char hex[DIGEST_HEX];

	assert_int_equal(masked_n_findings(m), ARRAY_SIZE(want));
	assert_null(masked_finding(m, ARRAY_SIZE(want)));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const struct mask_finding *f = masked_finding(m, i);

		assert_string_equal(f->detector, want[i]);
		assert_int_equal(f->len, strlen(values[i]));
		assert_memory_equal(text + f->offset, values[i], f->len);
	}
	/* equal values have equal digests, however they were written */
	assert_string_equal(masked_finding(m, 0)->digest, masked_finding(m, 2)->digest);
	assert_string_equal(masked_finding(m, 3)->digest, masked_finding(m, 4)->digest);
	assert_string_not_equal(masked_finding(m, 0)->digest, masked_finding(m, 3)->digest);
	/* they are the keyed digest of the normal form */
	assert_int_equal(digest_keyed(o.key, "alice@example.com", 17, digest), 0);
	digest_hex(digest, 8, hex);
	assert_string_equal(masked_finding(m, 2)->digest, hex);
	assert_int_equal(digest_keyed(o.key, "4111111111111111", 16, digest), 0);
	digest_hex(digest, 8, hex);
	assert_string_equal(masked_finding(m, 4)->digest, hex);
	/* and that of the whole text is of the text as it came */
	assert_int_equal(digest_keyed(o.key, text, strlen(text), digest), 0);
	digest_hex(digest, DIGEST_SIZE, hex);
	assert_string_equal(masked_digest(m), hex);
	masked_free(m);
	mask_rules_free(r);
}

/* A value in an escape has the digest that it has without. */
static void test_digest_of_encoded(void **state)
{
	static const char *const texts[] = {
		"alice@example.com",
		"\\u0061lice@example.com",
		"alice%40example.com",
		"x YWxpY2VAZXhhbXBsZS5jb20gaXMgaGVy x",
	};
	struct mask_rules *r = rules_of(&(struct mask_options){0});
	char first[17];

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct masked *m = masked_by(r, texts[i]);

		assert_int_equal(masked_n_findings(m), 1);
		if (i == 0)
			memcpy(first, masked_finding(m, 0)->digest, sizeof(first));
		assert_string_equal(masked_finding(m, 0)->digest, first);
		masked_free(m);
	}
	mask_rules_free(r);
}

static void test_digest_only(void **state)
{
	struct mask_options o = {.key = {9}};
	struct mask_rules *r = rules_of(&o);
	uint8_t digest[DIGEST_SIZE];
	char hex[DIGEST_HEX];
	struct masked *m;

	assert_int_equal(mask_digest_only(r, "\x1f\x8b\xff", 3, &m), 0);
	assert_int_equal(masked_len(m), 0);
	assert_string_equal(masked_text(m), "");
	assert_int_equal(masked_original_len(m), 3);
	assert_int_equal(digest_keyed(o.key, "\x1f\x8b\xff", 3, digest), 0);
	digest_hex(digest, DIGEST_SIZE, hex);
	assert_string_equal(masked_digest(m), hex);
	masked_free(m);
	assert_int_equal(masked_literal(&m, "truncated"), 0);
	assert_string_equal(masked_text(m), "truncated");
	assert_int_equal(masked_n_findings(m), 0);
	assert_string_equal(masked_digest(m), "");
	masked_free(m);
	mask_rules_free(r);
}

static void test_selection(void **state)
{
	static const char *const some[] = {"us-ssn", "email", "us-ssn", NULL};
	static const char *const none[] = {NULL};
	static const struct mask_custom custom[] = {
		{"employee", "\\bEMP-(\\d{6})\\b"},
		{"project", "(?i)project (?:falcon|osprey)"},
	};
	struct mask_rules *r = rules_of(&(struct mask_options){.detectors = some});
	struct masked *m = masked_by(r, "alice@example.com 123-45-6789 4111111111111111");

	assert_string_equal(masked_text(m), "*****@*******.*** ***-**-**** 4111111111111111");
	masked_free(m);
	mask_rules_free(r);
	r = rules_of(&(struct mask_options){.detectors = none, .custom = custom, .n_custom = 2});
	m = masked_by(r, "alice@example.com is EMP-123456 of Project Osprey, EMP-1234567");
	assert_string_equal(masked_text(m),
			    "alice@example.com is EMP-****** of **************, EMP-1234567");
	assert_int_equal(masked_n_findings(m), 2);
	assert_string_equal(masked_finding(m, 0)->detector, "employee");
	assert_string_equal(masked_finding(m, 1)->detector, "project");
	masked_free(m);
	mask_rules_free(r);
	r = rules_of(&(struct mask_options){.detectors = none});
	m = masked_by(r, "alice@example.com \\u0041 %41");
	assert_string_equal(masked_text(m), "alice@example.com \\u0041 %41");
	masked_free(m);
	mask_rules_free(r);
}

static void test_bad_options(void **state)
{
	static const char *const unknown[] = {"email", "shoe-size", NULL};
	static const struct {
		struct mask_custom custom;
		const char *want; /* in the message */
	} rows[] = {
		{{"x", "a("}, "detector 'x': missing closing parenthesis (at character 3"},
		{{"x", "a*"}, "detector 'x': the pattern matches an empty text"},
		{{"x", "(?:foo)?|bar"}, "detector 'x': the pattern matches an empty text"},
		{{"x", ""}, "detector 'x': the pattern is empty"},
		{{"x", NULL}, "detector 'x': the pattern is empty"},
		{{"email", "abc"}, "detector 'email': there is one of that name already"},
		{{"Bad Name", "abc"},
		 "detector 'Bad Name': a name has 1 to 63 of a-z, 0-9 and '-'"},
		{{"", "abc"}, "detector '': a name has 1 to 63"},
		{{NULL, "abc"}, "detector '': a name has 1 to 63"},
		{{"x", "(a)(?1){3}"}, "detector 'x': "}, /* a call of a group is beyond Hyperscan */
	};
	struct mask_rules *r = NULL;
	char err[256];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mask_options o = {.custom = &rows[i].custom, .n_custom = 1};

		assert_int_equal(mask_rules_new(&o, &r, err), -EINVAL);
		if (!strstr(err, rows[i].want))
			fail_msg("row %zu: '%s' is not in '%s'", i, rows[i].want, err);
		assert_null(r);
	}
	assert_int_equal(mask_rules_new(&(struct mask_options){.detectors = unknown}, &r, err),
			 -EINVAL);
	assert_string_equal(err, "detector 'shoe-size': there is none of that name");
	assert_null(r);
}

static void append(void *ctx, const char *bytes, size_t len)
{
	char *out = ctx;
	size_t n = strlen(out);

	assert_true(n + len < 128);
	memcpy(out + n, bytes, len);
	out[n + len] = 0;
}

/* A company's pattern that backtracks without end fails the scan, and nothing of the text is shown.
 */
static void test_failed_scan(void **state)
{
	static const char *const none[] = {NULL};
	static const struct mask_custom custom = {"slow", "(x+x+)+(?=y)z"};
	static const char text[] = "secret plans: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxz";
	struct mask_rules *r = rules_of(
		&(struct mask_options){.detectors = none, .custom = &custom, .n_custom = 1});
	struct masked *m = masked_by(r, text);
	struct mask_stream *s;
	char out[128] = "";

	assert_true(masked_failed(m));
	assert_int_equal(masked_n_findings(m), 0);
	assert_int_equal(strspn(masked_text(m), "*"), strlen(text));
	masked_free(m);
	assert_int_equal(mask_stream_new(r, append, out, &s), 0);
	assert_int_equal(mask_stream_feed(s, text, strlen(text)), 0);
	assert_int_equal(mask_stream_finish(s), 0);
	assert_int_equal(strlen(out), strlen(text));
	assert_int_equal(strspn(out, "*"), strlen(text));
	mask_stream_free(s);
	/* the rules are good for the next text */
	m = masked_by(r, "xx");
	assert_false(masked_failed(m));
	assert_string_equal(masked_text(m), "xx");
	masked_free(m);
	mask_rules_free(r);
}

/* All is masked, and the list stays within its bound. */
static void test_many(void **state)
{
	enum { N = 10000 };
	struct mask_rules *r = rules_of(&(struct mask_options){0});
	char *text = malloc(N * 8 + 1);
	struct masked *m;

	for (size_t i = 0; i < N; i++)
		memcpy(text + i * 8, "ab@c.de ", 9);
	m = masked_by(r, text);
	assert_int_equal(masked_n_findings(m), 4096);
	for (size_t i = 0; i < N; i++)
		assert_memory_equal(masked_text(m) + i * 8, "**@*.** ", 8);
	masked_free(m);
	mask_rules_free(r);
	free(text);
}

static void test_names(void **state)
{
	size_t n = 0;

	for (; mask_detector_name(n); n++) {
		assert_non_null(mask_detector_description(n));
		for (size_t k = 0; k < n; k++)
			assert_string_not_equal(mask_detector_name(k), mask_detector_name(n));
	}
	assert_true(n >= 30);
	assert_null(mask_detector_description(n));
}

UNIT_MAIN(unit(test_styles), unit(test_findings), unit(test_digest_of_encoded),
	  unit(test_digest_only), unit(test_selection), unit(test_bad_options),
	  unit(test_failed_scan), unit(test_many), unit(test_names))
