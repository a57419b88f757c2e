// SPDX-License-Identifier: Apache-2.0
/* Each detector: values that it must find wherever they stand, and what is nearly one. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "mask/detectors.h"
#include "mask/mask.h"
#include "test_mask_values.h"

#define DRAWS 40

static struct mask_rules *all_rules(void)
{
	struct mask_rules *r = NULL;
	char err[256];

	assert_int_equal(mask_rules_new(&(struct mask_options){0}, &r, err), 0);
	return r;
}

static bool has_finding(const struct masked *m, const char *detector, size_t from, size_t to)
{
	for (size_t i = 0; i < masked_n_findings(m); i++) {
		const struct mask_finding *f = masked_finding(m, i);

		if (strcmp(f->detector, detector) == 0 && f->offset < to &&
		    f->offset + f->len > from)
			return true;
	}
	return false;
}

/* Letters and digits of the value that are left standing, but for those of escapes of line ends. */
static size_t left_over(const char *text, size_t from, size_t to)
{
	size_t left = 0;

	for (size_t i = from; i < to; i++) {
		bool alnum = (text[i] >= '0' && text[i] <= '9') ||
			     (text[i] >= 'A' && text[i] <= 'Z') ||
			     (text[i] >= 'a' && text[i] <= 'z');

		left += alnum && !(i > from && text[i - 1] == '\\' && text[i] == 'n');
	}
	return left;
}

static bool check_value(const struct mask_rules *rules, const struct recipe *r, uint64_t seed,
			const char *open, const char *close)
{
	char text[2048];
	struct gen g = {.seed = seed * 0x9e3779b97f4a7c15ull + 1, .out = text, .cap = sizeof(text)};
	size_t from, to, left;
	bool listed, apart;
	struct masked *m;

	gen_put(&g, "%s%s", open, r->before);
	from = g.len;
	draw_value(&g, r);
	to = g.len;
	gen_put(&g, "%s%s", r->after, close);
	assert_int_equal(mask_text(rules, text, g.len, &m), 0);
	assert_int_equal(masked_len(m), g.len);
	left = left_over(masked_text(m), from, to);
	if (left)
		print_error("%s, seed %llu: %zu characters stand in [%s], masked [%s]\n",
			    r->detector, (unsigned long long)seed, left, text, masked_text(m));
	listed = has_finding(m, r->detector, from, to);
	if (!listed)
		print_error("%s, seed %llu: not listed for [%s], found %s\n", r->detector,
			    (unsigned long long)seed, text,
			    masked_n_findings(m) ? masked_finding(m, 0)->detector : "nothing");
	/* what stands before and after is none of its business */
	apart = memcmp(masked_text(m), open, strlen(open)) == 0 &&
		memcmp(masked_text(m) + g.len - strlen(close), close, strlen(close)) == 0;
	if (!apart)
		print_error("%s, seed %llu: masked too much of [%s]: [%s]\n", r->detector,
			    (unsigned long long)seed, text, masked_text(m));
	masked_free(m);
	return !left && listed && apart;
}

static void test_positives(void **state)
{
	static const char *const around[][2] = {
		{"", ""},
		{"see ", " for it.\n"},
		{"{\"text\":\"", "\"}"},
		{"line\\n", "\\nline"},
		{"(", ")"},
		{"caf\xc3\xa9 \xe2\x80\x9c", "\xe2\x80\x9d"},
		{"a,", ",b"},
		{"7,", ",8\n"},
		{"\"1\";\"", "\";\"2\""},
		{"- **", "**\n"},
	};
	struct mask_rules *rules = all_rules();
	size_t missed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(recipes); i++)
		for (uint64_t draw = 0; draw < DRAWS; draw++) {
			const char *const *a = around[draw % ARRAY_SIZE(around)];

			missed += !check_value(rules, &recipes[i], i * 1000 + draw, a[0], a[1]);
		}
	assert_int_equal(missed, 0);
	mask_rules_free(rules);
}

/* Searches go by blocks of 16 and 64 bytes: no place in them may be blind. */
static void test_every_place(void **state)
{
	static char open[130];
	struct mask_rules *rules = all_rules();
	size_t missed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(recipes); i++)
		for (size_t k = 0; k + 1 < sizeof(open); k++) {
			memset(open, ' ', k);
			open[k] = 0;
			missed += !check_value(rules, &recipes[i], i * 1000 + k, open, " ");
		}
	assert_int_equal(missed, 0);
	mask_rules_free(rules);
}

static void test_every_detector_has_values(void **state)
{
	for (size_t i = 0; mask_detector_name(i); i++) {
		bool found = false;

		for (size_t k = 0; k < ARRAY_SIZE(recipes); k++)
			found |= strcmp(recipes[k].detector, mask_detector_name(i)) == 0;
		/* telling them apart is basic-credentials' own test */
		if (!found && strcmp(mask_detector_name(i), "basic-credentials") != 0)
			fail_msg("no value for %s", mask_detector_name(i));
	}
}

/* One step beside a value: nothing may be masked in the whole text. */
static void test_near_misses(void **state)
{
	static const char *const rows[] = {
		"user@host",
		"@decorator",
		"a@b.1",
		"icon@2x.png",
		"git@github.com:x/y.git",
		"node@18.1.2",
		"4111 1111 1111 1112",
		"0.4111111111111111",
		"4111-1111 1111-1111",
		"a4111111111111111b",
		"DE89 3704 0044 0532 0130 01",
		"XX89370400440532013000",
		"+1234567",
		"x+14155552671",
		"000-12-3456",
		"666-12-3456",
		"987-67-4321",
		"1123-45-6789",
		"123-45-67890",
		"1.123-45-6789",
		"123 45 67",
		"155-555-2671",
		"(055) 555-2671",
		"nhs 943 476 5918",
		"SIN 046 454 287",
		"#define x_sin 357159417",
		"sin(0.046454286)",
		"aadhaar 2341 2341 2345",
		"111.444.777-36",
		"pesel 02070803629",
		"routing 021000022",
		"request routing 108748581 ns",
		"DNI 12345678A",
		"RSSMRA85T10A562T",
		"bsn 111222334",
		"tfn 123 456 783",
		"AKIAIOSFODNN7EXAMPL",
		"AKIA0000000000000000",
		"akiaiosfodnn7example",
		"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"ghp_abc123",
		"github_pat_short",
		"glpat-xxxxxxxxxxxxxxxxxxxx",
		"xoxb-short",
		"https://hooks.slack.com/services/",
		"sk_live_short",
		"AIzaShort",
		"sk-ant-short",
		"task-proj-management-is-a-long-name",
		"disk-partition-layout-for-all-of-us",
		"npm_config_registry",
		"SG.short.short",
		"SKfedcba98",
		"key-value",
		"hf_transformers_are_all_you_need_now",
		"eyJhbGciOiJIUzI1NiJ9",
		"eyJub3QiOiJhIGp3dCJ9.eyJub3QiOiJhIGp3dCJ9.x",
		"if (strstr(s, \"-----BEGIN PRIVATE KEY-----\"))",
		"-----BEGIN PRIVATE KEY-----\nis how such a file begins.\n",
		"-----BEGIN CERTIFICATE-----\nMIIB",
		"-----BEGIN PUBLIC KEY-----\nMIIB",
		"Authorization: Bearer <token>",
		"Authorization: Bearer $TOKEN",
		"the bearer of this",
		"basic authentication",
		"Basic YXV0aGVudGljYXRpb24",
		"https://example.com/a@b",
		"https://user@host/",
		"https://user:${PASSWORD}@example.com/",
		"https://x.example/?page=1&key=value",
		"?token=abcdefgh",
		"sig=short",
		"AccountKey=<key>",
		"password = get_password(2)",
		"password: string",
		"\"password\": \"********\"",
		"token = tokens[i + 1]",
		"const token = await f1();",
		"secret = os.environ[\"X1\"]",
		"password=${DB_PASSWORD1}",
		"api_key: {{ key1 }}",
		"password: \"<your-password-1>\"",
		"Server=x;Password=$(pw1);",
		"version 123.456.789",
		"born-15.4.95.tar.gz",
		"dob: soon",
		"2024-11-21",
	};
	struct mask_rules *rules = all_rules();
	size_t wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct masked *m;

		assert_int_equal(mask_text(rules, rows[i], strlen(rows[i]), &m), 0);
		if (strcmp(masked_text(m), rows[i]) != 0 || masked_n_findings(m)) {
			wrong++;
			print_error("row %zu [%s] became [%s] by %s\n", i, rows[i], masked_text(m),
				    masked_n_findings(m) ? masked_finding(m, 0)->detector
							 : "nothing");
		}
		masked_free(m);
	}
	assert_int_equal(wrong, 0);
	mask_rules_free(rules);
}

/* A wrong check digit alone decides, for detectors that need no name. */
static void test_one_digit_off(void **state)
{
	static const char *const names[] = {"payment-card", "iban", "br-cnpj", NULL};
	struct mask_options o = {.detectors = names};
	struct mask_rules *rules = NULL;
	size_t seen = 0, wrong = 0;
	char err[256];

	assert_int_equal(mask_rules_new(&o, &rules, err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(recipes); i++) {
		for (uint64_t draw = 0; draw < DRAWS; draw++) {
			char text[256];
			struct gen g = {.seed = draw + 1, .out = text, .cap = sizeof(text)};
			struct masked *m;

			if (!recipes[i].check || *recipes[i].before ||
			    (strcmp(recipes[i].detector, names[0]) != 0 &&
			     strcmp(recipes[i].detector, names[1]) != 0 &&
			     strcmp(recipes[i].detector, names[2]) != 0))
				continue;
			draw_value(&g, &recipes[i]);
			text[g.len - 1] =
				text[g.len - 1] == '9' ? '0' : (char)(text[g.len - 1] + 1);
			assert_int_equal(mask_text(rules, text, g.len, &m), 0);
			seen++;
			wrong += masked_n_findings(m);
			masked_free(m);
		}
	}
	assert_true(seen >= 10 * DRAWS);
	assert_int_equal(wrong, 0);
	mask_rules_free(rules);
}

/* docs/detectors.md has a row for each detector, in the order of the table, and no other. */
static void test_documented(void **state)
{
	_cleanup_fclose_ FILE *f = fopen("docs/detectors.md", "re");
	char line[512], want[512];
	size_t i = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		const struct detector *d = detector_at(i);

		if (strncmp(line, "| `", 3) != 0)
			continue;
		if (!d)
			fail_msg("a row too many: %s", line);
		assert_true(snprintf(want, sizeof(want), "| `%s` | %s | %s |\n", d->name,
				     d->description,
				     detector_style_name(d->style)) < (int)sizeof(want));
		assert_string_equal(line, want);
		i++;
	}
	if (detector_at(i))
		fail_msg("no row for %s", detector_at(i)->name);
}

UNIT_MAIN(unit(test_positives), unit(test_every_place), unit(test_every_detector_has_values),
	  unit(test_near_misses), unit(test_one_digit_off), unit(test_documented))
