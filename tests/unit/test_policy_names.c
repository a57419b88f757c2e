// SPDX-License-Identifier: Apache-2.0
/* The tables of names: patterns backwards, sets that hold the rules of shorter patterns, against a
 * naive reading of the policy. */
#include "policy_tables.h"

#include <endian.h>

#include "base/digest.h"

/* What the kernel's trie gives for a name: the longest entry that its backward form begins with. */
static const struct name_value *find(const struct policy_tables *t, const char *name)
{
	const struct name_value *best = NULL;
	char key[NAME_SIZE];
	uint32_t longest = 0;
	size_t len = address_backward(name, key);

	for (size_t i = 0; i < t->n_names; i++) {
		uint32_t bits = t->names[i].key.prefix_len;

		assert_int_equal(bits % 8, 0);
		if (bits / 8 <= len && bits > longest &&
		    memcmp(t->names[i].key.name, key, bits / 8) == 0) {
			longest = bits;
			best = &t->names[i].value;
		}
	}
	return best;
}

static const char *judge(const struct policy_tables *t, const char *name, uint16_t port)
{
	const struct name_value *v = find(t, name);

	for (uint32_t i = 0; v && i < t->sets[v->set].n; i++) {
		const struct dest_rule *r = &t->sets[v->set].rules[i];

		if (port >= r->port_low && port <= r->port_high)
			return t->rules[r->rule].id;
	}
	return "default";
}

static const char rules_text[] =
	HEAD "model: {endpoints: [{name: api.m.example, ports: [443]}, {name: '*.m.example'}]}\n"
	     "destinations:\n"
	     "  resolvers: [10.0.0.53]\n"
	     "  deny:\n"
	     "    - name: '*.bad.good.example'\n"
	     "    - {name: www.good.example, ports: [22]}\n"
	     "  allow:\n"
	     "    - {name: '*.good.example', ports: [443]}\n"
	     "    - {name: good.example, ports: [80]}\n"
	     "    - {name: a.bad.good.example}\n"
	     "    - {name: WWW.Good.Example., ports: [8080]}\n"
	     "    - {name: '*.corp.example', private: true}\n"
	     "    - {name: git.corp.example}\n"
	     "    - {name: '*.x', ports: [1]}\n";

static void test_longest_pattern_has_the_rules_of_all(void **state)
{
	static const struct {
		const char *name;
		uint16_t port;
		const char *want;
	} rows[] = {
		{"a.good.example", 443, "destinations/allow[0]"},
		{"a.b.c.good.example", 443, "destinations/allow[0]"},
		{"a.good.example", 80, "default"},
		{"good.example", 443, "default"}, /* the name itself is not below itself */
		{"good.example", 80, "destinations/allow[1]"},
		{"notgood.example", 443, "default"},
		{"good.example.evil.example", 443, "default"},
		{"example", 443, "default"},
		{"www.good.example", 443, "destinations/allow[0]"},
		{"www.good.example", 8080, "destinations/allow[3]"},
		{"www.good.example", 22, "destinations/deny[1]"},
		{"x.www.good.example", 22, "default"},
		{"x.www.good.example", 443, "destinations/allow[0]"},
		{"bad.good.example", 443, "destinations/allow[0]"},
		{"a.bad.good.example", 443, "destinations/deny[0]"}, /* deny wins */
		{"b.bad.good.example", 443, "destinations/deny[0]"},
		{"api.m.example", 443, "model/endpoints[0]"},
		{"api.m.example", 80, "model/endpoints[1]"},
		{"m.example", 443, "default"},
		{"y.x", 1, "destinations/allow[6]"},
		{"x", 1, "default"},
	};
	struct policy *policy = load(rules_text, "skills: {}\n");
	struct policy_tables *t = compile(policy, NULL, 0);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = judge(t, rows[i].name, rows[i].port);

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s:%u: %s, expected %s", rows[i].name, rows[i].port, got,
				 rows[i].want);
	}
	policy_tables_free(t);
	policy_free(policy);
}

static void test_keys_and_numbers(void **state)
{
	struct policy *policy = load(rules_text, "skills: {}\n");
	struct policy_tables *t = compile(policy, NULL, 0);
	const struct name_value *wild = find(t, "q.good.example"), *exact = find(t, "good.example");
	uint8_t digest[DIGEST_SIZE];
	uint64_t number;

	/* named by others, so pinned down to the byte */
	assert_int_equal(digest_sha256("elpmaxe.doog.", 13, digest), 0);
	memcpy(&number, digest, sizeof(number));
	assert_int_equal(wild->pattern, le64toh(number));
	assert_int_equal(digest_sha256("elpmaxe.doog", 13, digest), 0); /* with its zero byte */
	memcpy(&number, digest, sizeof(number));
	assert_int_equal(exact->pattern, le64toh(number));
	assert_int_equal(t->n_patterns, t->n_names);
	for (size_t i = 0; i < t->n_patterns; i++) {
		size_t found = 0;

		assert_true(i == 0 || t->patterns[i - 1].pattern < t->patterns[i].pattern);
		for (size_t n = 0; n < t->n_names; n++)
			found += t->names[n].value.pattern == t->patterns[i].pattern &&
				 t->names[n].value.set == t->patterns[i].set;
		assert_int_equal(found, 1);
	}
	policy_tables_free(t);
	policy_free(policy);
}

static void test_effects(void **state)
{
	static const struct {
		const char *name;
		uint32_t want;
	} rows[] = {
		{"q.good.example", 1u << DEST_ALLOW},
		{"www.good.example", 1u << DEST_ALLOW | 1u << DEST_DENY},
		{"api.m.example", 1u << DEST_MODEL},
		{"q.corp.example", 1u << DEST_ALLOW | NAME_PRIVATE},
		/* a rule that says so holds for this name too */
		{"git.corp.example", 1u << DEST_ALLOW | NAME_PRIVATE},
	};
	struct policy *policy = load(rules_text, "skills: {}\n");
	struct policy_tables *t = compile(policy, NULL, 0);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(find(t, rows[i].name)->effects, rows[i].want);
	policy_tables_free(t);
	policy_free(policy);
}

/* A pattern's number is the same whatever else the policy says: what was learned before a push
 * still counts after it, and what the push took away does not. */
static void test_numbers_stay_over_a_push(void **state)
{
	struct policy *before = load(rules_text, "skills: {}\n");
	struct policy *after =
		load(HEAD "destinations: {allow: [{name: first.example}, {name: good.example}]}\n",
		     "skills: {}\n");
	struct policy_tables *a = compile(before, NULL, 0), *b = compile(after, NULL, 0);

	assert_int_equal(find(a, "good.example")->pattern, find(b, "good.example")->pattern);
	for (size_t i = 0; i < b->n_patterns; i++)
		assert_int_not_equal(b->patterns[i].pattern, find(a, "q.good.example")->pattern);
	policy_tables_free(a);
	policy_tables_free(b);
	policy_free(before);
	policy_free(after);
}

static void test_unlisted_names(void **state)
{
	static const struct {
		const char *text;
		uint32_t flags;
		size_t rules; /* of the name server */
	} rows[] = {
		{HEAD "destinations: {resolvers: [10.0.0.53]}\n", 0, 2},
		{HEAD "destinations: {resolvers: [10.0.0.53], unlisted_names: answer}\n", 0, 2},
		/* over TCP nobody would judge the question */
		{HEAD "destinations: {resolvers: [10.0.0.53], unlisted_names: refuse}\n",
		 POLICY_QUERY_REFUSE, 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy *policy = load(rows[i].text, "skills: {}\n");
		struct policy_tables *t = compile(policy, NULL, 0);

		assert_int_equal(t->root.flags, rows[i].flags);
		assert_int_equal(t->n_sets, 2);
		assert_int_equal(t->sets[1].n, rows[i].rules);
		for (uint32_t r = 0; r < t->sets[1].n; r++)
			assert_true(rows[i].flags == 0 ||
				    t->sets[1].rules[r].protocol == IPPROTO_UDP);
		policy_tables_free(t);
		policy_free(policy);
	}
}

static void test_too_many_rules_for_a_name(void **state)
{
	char main[4096] = HEAD "destinations:\n  allow:\n    - {name: '*.example', ports: [1]}\n";
	struct policy_report report = {0};
	struct policy *policy = NULL;

	for (size_t i = 0; i < 32; i++) {
		size_t len = strlen(main);

		snprintf(main + len, sizeof(main) - len,
			 "    - {name: a.b.example, ports: [%zu]}\n", i + 10);
	}
	assert_int_equal(policy_memory_load(main, "skills: {}\n", &policy, &report), -EINVAL);
	assert_int_equal(report.n_errors, 1);
	assert_non_null(strstr(report.messages[report.n - 1].text,
			       "over 32 rules hold for this destination"));
	policy_report_free(&report);
}

/* ---- patterns as people write them -------------------------------------------------------------
 */

static void test_parse_pattern(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: an error */
	} rows[] = {
		{"*.Example.COM.", "*.example.com"},
		{"a.example", "a.example"},
		{"*.com", "*.com"},
		{"*", NULL},
		{"*.", NULL},
		{"**.example", NULL},
		{"*.*.example", NULL},
		{"a.*.example", NULL},
		{"*a.example", NULL},
		{"*.10.0.0.1", NULL},
		{".example", NULL},
		{"*..example", NULL},
	};
	char got[254], err[ADDRESS_ERROR_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = address_parse_pattern(rows[i].text, got, err);

		if (!rows[i].want && r != -EINVAL)
			fail_msg("%s was taken as %s", rows[i].text, got);
		if (rows[i].want && (r || strcmp(got, rows[i].want) != 0))
			fail_msg("%s: %d %s", rows[i].text, r, r ? err : got);
	}
}

/* Longer than 251 and there is no name below it. */
static void test_longest_wildcard(void **state)
{
	char text[260] = "*.", got[254], err[ADDRESS_ERROR_SIZE];

	/* "a.a.….a", of 251 bytes */
	for (size_t i = 0; i < 251; i++)
		text[2 + i] = i % 2 ? '.' : 'a';
	assert_int_equal(address_parse_pattern(text, got, err), 0);
	assert_int_equal(strlen(got), 253);
	text[2 + 251] = 'a';
	assert_int_equal(address_parse_pattern(text, got, err), -EINVAL);
}

static void test_compare_and_cover(void **state)
{
	static const struct {
		const char *a, *b;
		bool covers;
	} rows[] = {
		{"*.example.com", "www.example.com", true},
		{"*.example.com", "*.example.com", true},
		{"*.example.com", "*.a.example.com", true},
		{"*.example.com", "example.com", false},
		{"*.example.com", "*.com", false},
		{"*.example.com", "xexample.com", false},
		{"example.com", "example.com", true},
		{"example.com", "www.example.com", false},
		{"example.com", "*.example.com", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char a[NAME_SIZE], b[NAME_SIZE];
		size_t a_len = address_backward(rows[i].a, a),
		       b_len = address_backward(rows[i].b, b);
		int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

		assert_int_equal(address_pattern_covers(rows[i].a, rows[i].b), rows[i].covers);
		assert_int_equal(a_len <= b_len && memcmp(a, b, a_len) == 0, rows[i].covers);
		if (order)
			assert_true((address_compare_patterns(rows[i].a, rows[i].b) < 0) ==
				    (order < 0));
		assert_int_equal(address_compare_patterns(rows[i].a, rows[i].a), 0);
	}
}

UNIT_MAIN(unit(test_longest_pattern_has_the_rules_of_all), unit(test_keys_and_numbers),
	  unit(test_effects), unit(test_numbers_stay_over_a_push), unit(test_unlisted_names),
	  unit(test_too_many_rules_for_a_name), unit(test_parse_pattern),
	  unit(test_longest_wildcard), unit(test_compare_and_cover))
