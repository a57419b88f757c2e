// SPDX-License-Identifier: Apache-2.0
/* What must stay: code, logs, lock files, prose, and the project's own sources. And a masked text,
 * when it is masked again. */
#include "harness.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mask/mask.h"
#include "test_mask_values.h"

static struct mask_rules *all_rules(void)
{
	struct mask_rules *r = NULL;
	char err[256];

	assert_int_equal(mask_rules_new(&(struct mask_options){0}, &r, err), 0);
	return r;
}

/* Findings in a text, printed with what stands around them. */
static size_t count_findings(const struct mask_rules *rules, const char *name, const char *except,
			     const char *text, size_t len)
{
	struct masked *m;
	size_t n = 0;

	assert_int_equal(mask_text(rules, text, len, &m), 0);
	for (size_t i = 0; i < masked_n_findings(m); i++) {
		const struct mask_finding *f = masked_finding(m, i);
		size_t from = f->offset > 30 ? f->offset - 30 : 0;

		if (strcmp(f->detector, except) == 0)
			continue;
		n++;
		print_error("%s: %s at %zu: [%.*s]\n", name, f->detector, f->offset,
			    (int)(f->offset + f->len - from), text + from);
	}
	masked_free(m);
	return n;
}

static void test_generated(void **state)
{
	const size_t len = 1u << 20;
	char *text = malloc(len + 1);
	struct mask_rules *rules = all_rules();
	size_t found = 0, bytes = 0;

	for (uint64_t seed = 1; seed <= 6; seed++) {
		char name[32];

		gen_text(seed, text, len);
		assert_true(snprintf(name, sizeof(name), "seed %llu", (unsigned long long)seed) >
			    0);
		found += count_findings(rules, name, "", text, len);
		bytes += len;
	}
	assert_true(bytes >= 5u << 20);
	/* at most one a megabyte */
	assert_true(found <= bytes >> 20);
	mask_rules_free(rules);
	free(text);
}

/* The sources but for the tests, documents and tables of this stage, which hold values on purpose.
 */
static void test_sources(void **state)
{
	static const char *const patterns[] = {"*/*.[ch]", "*/*/*.[ch]", "Makefile", "LICENSE"};
	const size_t cap = 4u << 20;
	char *text = malloc(cap);
	struct mask_rules *rules = all_rules();
	size_t found = 0, bytes = 0;

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		glob_t g;

		if (glob(patterns[i], 0, NULL, &g) != 0)
			continue;
		for (size_t k = 0; k < g.gl_pathc; k++) {
			const char *path = g.gl_pathv[k];
			_cleanup_fclose_ FILE *f = NULL;
			size_t len;

			if (strncmp(path, "tests/", 6) == 0 || strncmp(path, "build", 5) == 0 ||
			    strstr(path, "fixtures") || strstr(path, "/gen/"))
				continue;
			f = fopen(path, "re");
			assert_non_null(f);
			len = fread(text, 1, cap, f);
			found += count_findings(rules, path, "email", text, len);
			bytes += len;
		}
		globfree(&g);
	}
	assert_true(bytes > 100000);
	assert_true(found <= 1 + (bytes >> 20));
	mask_rules_free(rules);
	free(text);
}

/* Masking what is masked changes nothing. */
static void test_again(void **state)
{
	const size_t len = 60000;
	char *text = malloc(len + 1);
	struct mask_rules *rules = all_rules();

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct gen g = {.seed = seed, .out = text, .cap = len + 1};
		struct masked *once, *twice;

		while (g.len < len - 1500) {
			const struct recipe *r = &recipes[gen_below(&g, ARRAY_SIZE(recipes))];

			gen_put(&g, "%s", r->before);
			draw_value(&g, r);
			gen_put(&g, "%s\n", r->after);
			gen_code(&g);
		}
		assert_int_equal(mask_text(rules, text, g.len, &once), 0);
		assert_true(masked_n_findings(once) > 100);
		assert_int_equal(mask_text(rules, masked_text(once), g.len, &twice), 0);
		for (size_t i = 0; i < g.len; i++)
			if (masked_text(once)[i] != masked_text(twice)[i])
				fail_msg("seed %llu: at %zu [%.80s] became [%.80s]",
					 (unsigned long long)seed, i,
					 masked_text(once) + (i > 30 ? i - 30 : 0),
					 masked_text(twice) + (i > 30 ? i - 30 : 0));
		masked_free(once);
		masked_free(twice);
	}
	mask_rules_free(rules);
	free(text);
}

UNIT_MAIN(unit(test_generated), unit(test_sources), unit(test_again))
