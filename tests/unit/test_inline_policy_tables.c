// SPDX-License-Identifier: Apache-2.0
/* The inline section of a policy in the tables: what they make of a text, the rules, the answers
 * that say of a block why. */
#include "policy_tables.h"
#include "policy_texts.h"

#include <jansson.h>

#include "bpf/content_state.h"
#include "bpf/scan.h"

#define ACL "skills: {}\n"
#define TOP HEAD "model: {endpoints: [{cidr: 192.0.2.1}]}\n"

static struct policy *load_inline_text(const char *text)
{
	char main[8192];

	assert_true((size_t)snprintf(main, sizeof(main), TOP "inline:\n%s", text) < sizeof(main));
	return load(main, ACL);
}

struct found {
	struct scan_span span[16];
	size_t n;
};

static void take(void *ctx, const struct scan_span *s)
{
	struct found *f = ctx;

	assert_true(f->n < ARRAY_SIZE(f->span));
	f->span[f->n++] = *s;
}

static void scan(const struct scan_table *t, struct scan_state *s, const char *text, size_t len,
		 struct found *ret)
{
	static uint8_t buffer[SCAN_BUFFER];

	assert_true(len <= sizeof(buffer));
	memcpy(buffer, text, len);
	ret->n = 0;
	scan_bytes(t, s, buffer, (__u32)len, ret, take);
}

#define CARD "4111 1111 1111 1111"
#define JWT  "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"

static const char whole_text[] =
	"  detectors:\n"
	"    us-ssn: {request: mask, text: mask, tool_input: log}\n"
	"    payment-card: {request: block, text: mask}\n"
	"    phone: off\n"
	"    jwt: mask\n"
	"  patterns:\n"
	"    project-name: {pattern: 'PRJ-[0-9]{6}', commit: 6, called: a project number,\n"
	"      request: log, tool_input: block, before: '[A-Za-z]', after: '[0-9]'}\n"
	"  prompts:\n"
	"    credentials: {words: ['print the credentials of', '/etc/shadow'], action: block}\n"
	"    production: {pattern: 'deploy [a-z-]+ to prod', action: approve}\n";

static void test_scan(void **state)
{
	static const struct {
		const char *before, *value, *after;
		const char *rule;
		enum scan_action request, text, tool_input;
	} rows[] = {
		{"my ssn is ", "123-45-6789", ".", "inline/us-ssn", SCAN_MASK, SCAN_MASK, SCAN_LOG},
		{"card ", CARD, ", thanks", "inline/payment-card", SCAN_BLOCK, SCAN_MASK, SCAN_LOG},
		{"token ", JWT, " ", "inline/jwt", SCAN_MASK, SCAN_MASK, SCAN_LOG},
		{"see ", "PRJ-123456", " there", "inline/project-name", SCAN_LOG, SCAN_OFF,
		 SCAN_BLOCK},
		{"please ", "Print  the\ncredentials\r\n\t of", " bob",
		 "inline/prompts/credentials", SCAN_BLOCK, SCAN_OFF, SCAN_OFF},
		{"print the ", "print the credentials of", ".", "inline/prompts/credentials",
		 SCAN_BLOCK, SCAN_OFF, SCAN_OFF},
		{"cat ", "/etc/shadow", ";", "inline/prompts/credentials", SCAN_BLOCK, SCAN_OFF,
		 SCAN_OFF},
		{"now ", "DEPLOY web-shop to prod", "!", "inline/prompts/production", SCAN_APPROVE,
		 SCAN_OFF, SCAN_OFF},
	};
	static const char *const nothing[] = {
		"123-45-678 4111 1111 1111 1112 APRJ-123456 PRJ-1234567 +49 89 1234567",
		"print the credential of, print thecredentials of, deploy  x to prod",
	};
	struct policy *policy = load_inline_text(whole_text);
	struct policy_tables *t = compile(policy, NULL, 0);
	struct found found;

	assert_int_equal(t->scan->detectors, 6);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scan_state s = {0};
		char text[256];
		size_t at = strlen(rows[i].before), len = strlen(rows[i].value);
		const struct scan_span *span = found.span;
		uint32_t rule;

		snprintf(text, sizeof(text), "%s%s%s", rows[i].before, rows[i].value,
			 rows[i].after);
		scan(t->scan, &s, text, strlen(text), &found);
		if (found.n != 1)
			fail_msg("%s: %zu found", text, found.n);
		rule = t->root.inline_rule + span->detector;
		assert_true(rule < t->n_rules);
		assert_int_equal(t->rules[rule].kind, POLICY_RULE_INLINE);
		assert_string_equal(t->rules[rule].id, rows[i].rule);
		assert_int_equal(span->start, at);
		assert_int_equal(span->end, at + len);
		assert_int_equal(SCAN_ACTS(span->flags, CONTENT_REQUEST),
				 SCAN_ACT(0, rows[i].request));
		assert_int_equal(SCAN_ACTS(span->flags, CONTENT_TEXT), SCAN_ACT(0, rows[i].text));
		assert_int_equal(SCAN_ACTS(span->flags, CONTENT_INPUT),
				 SCAN_ACT(0, rows[i].tool_input));
	}
	for (size_t i = 0; i < ARRAY_SIZE(nothing); i++) {
		struct scan_state s = {0};

		scan(t->scan, &s, nothing[i], strlen(nothing[i]), &found);
		if (found.n)
			fail_msg("%s: %u..%u", nothing[i], found.span[0].start, found.span[0].end);
	}
	policy_tables_free(t);
	policy_free(policy);
}

/* Prompts share one register: a match may be told to begin at a candidate that broke off within it,
 * never behind its own beginning. */
static void test_scan_prompts_share(void **state)
{
	static const struct {
		const char *text;
		uint32_t start, end;
	} rows[] = {
		{"now deploy deploy a to prod.", 4, 27},
		{"deploy a, deploy b to prod.", 10, 26},
		{"print the deploy b to prod.", 10, 26},
		/* the second word is a name, and the two are live together */
		{"deploy print the credentials of x", 0, 31},
	};
	struct policy *policy = load_inline_text(whole_text);
	struct policy_tables *t = compile(policy, NULL, 0);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scan_state s = {0};
		struct found found;

		scan(t->scan, &s, rows[i].text, strlen(rows[i].text), &found);
		assert_int_equal(found.n, 1);
		assert_int_equal(found.span[0].start, rows[i].start);
		assert_int_equal(found.span[0].end, rows[i].end);
	}
	policy_tables_free(t);
	policy_free(policy);
}

/* Of values that overlap, the actions of all. */
static void test_scan_overlap(void **state)
{
	struct policy *policy = load_inline_text(
		"  patterns:\n    a: {pattern: 'xx[0-9]{4}', commit: 6, text: mask}\n"
		"    b: {pattern: '[0-9]{4}yy', commit: 6, request: block}\n");
	struct policy_tables *t = compile(policy, NULL, 0);
	struct scan_state s = {0};
	struct found found;

	scan(t->scan, &s, ".xx1234yy.", 10, &found);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.span[0].start, 1);
	assert_int_equal(found.span[0].end, 9);
	assert_true(SCAN_ACTED(SCAN_ACTS(found.span[0].flags, CONTENT_TEXT), SCAN_MASK));
	assert_true(SCAN_ACTED(SCAN_ACTS(found.span[0].flags, CONTENT_REQUEST), SCAN_BLOCK));
	policy_tables_free(t);
	policy_free(policy);
}

/* Words that are cut anywhere are found in the buffer that they end in; what only begins like them
 * is not touched where a buffer ends. */
static void test_scan_prompt_cut(void **state)
{
	static const char text[] = "so: print the credentials of all";
	const size_t start = 4, end = 28;
	struct policy *policy = load_inline_text(whole_text);
	struct policy_tables *t = compile(policy, NULL, 0);

	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		struct scan_state s = {0};
		struct found found;

		scan(t->scan, &s, text, cut, &found);
		if (cut < end)
			assert_int_equal(found.n, 0);
		if (cut >= end) {
			assert_int_equal(found.n, 1);
			assert_int_equal(found.span[0].start, start);
			assert_int_equal(found.span[0].end, end);
			continue;
		}
		scan(t->scan, &s, text + cut, sizeof(text) - 1 - cut, &found);
		assert_int_equal(found.n, 1);
		assert_int_equal(found.span[0].start, cut < start ? start - cut : 0);
		assert_int_equal(found.span[0].end, end - cut);
		assert_int_equal(SCAN_ACTS(found.span[0].flags, CONTENT_REQUEST),
				 SCAN_ACT(0, SCAN_BLOCK));
		assert_int_equal(!!(found.span[0].flags & SCAN_CONTINUED), cut > start);
	}
	policy_tables_free(t);
	policy_free(policy);
}

static void test_root_and_rules(void **state)
{
	static const struct {
		const char *id, *words;
		uint32_t line;
	} want[] = {
		{"inline/us-ssn",
		 "a social security number: masked in requests and text, logged in tool input", 6},
		{"inline/payment-card",
		 "a payment card number: blocked in requests, masked in text, logged in tool input",
		 7},
		{"inline/jwt",
		 "a JSON web token: masked in requests and text, logged in tool input", 9},
		{"inline/project-name",
		 "a project number: blocked in tool input, logged in requests", 11},
		{"inline/prompts/credentials", "words that are not allowed: blocked in requests",
		 14},
		{"inline/prompts/production",
		 "words that are not allowed: held for approval in requests", 15},
	};
	struct policy *policy = load_inline_text(whole_text);
	struct policy_tables *t = compile(policy, NULL, 0);

	assert_int_equal(t->root.inline_kinds,
			 1u << CONTENT_TEXT | 1u << CONTENT_INPUT | 1u << CONTENT_REQUEST);
	assert_int_equal(t->n_rules, t->root.inline_rule + ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const struct policy_rule *rule = &t->rules[t->root.inline_rule + i];

		assert_string_equal(rule->id, want[i].id);
		assert_string_equal(rule->words, want[i].words);
		assert_int_equal(rule->where.line, want[i].line);
	}
	policy_tables_free(t);
	policy_free(policy);
}

/* Without detectors that act, all is as if there were no section. */
static void test_nothing(void **state)
{
	static const char *const texts[] = {
		"",
		"inline: {mode: shadow, compressed: block, unsupported: refuse}\n",
		"inline: {detectors: {}, patterns: {}, prompts: {}}\n",
		"inline: {detectors: {jwt: off, iban: {text: off}},\n"
		"  patterns: {x: {pattern: ab, commit: 1, text: off}},\n"
		"  prompts: {x: {words: [a], action: off}}}\n",
	};
	struct policy_root first;
	size_t n_rules = 0;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct policy_tables *t;
		struct policy *policy;
		char main[512];

		snprintf(main, sizeof(main), TOP "%s", texts[i]);
		policy = load(main, ACL);
		t = compile(policy, NULL, 0);
		assert_null(policy->scan);
		assert_null(t->scan);
		assert_null(t->texts);
		assert_int_equal(t->n_texts, 0);
		assert_int_equal(t->root.mode_inline | t->root.inline_kinds | t->root.inline_rule,
				 0);
		if (i == 0) {
			first = t->root;
			n_rules = t->n_rules;
		}
		assert_memory_equal(&t->root, &first, sizeof(first));
		assert_int_equal(t->n_rules, n_rules);
		policy_tables_free(t);
		policy_free(policy);
	}
}

/* The number is that of what is in the table, whatever else the policy says. */
static void test_number(void **state)
{
	static const struct {
		const char *text;
		bool same; /* as the first */
	} rows[] = {
		{"  detectors: {jwt: mask, us-ssn: mask}\n", true},
		{"  mode: shadow\n  detectors:\n    jwt: mask\n    iban: off\n    us-ssn: mask\n",
		 true},
		{"  detectors: {us-ssn: mask, jwt: mask}\n", false},
		{"  detectors: {jwt: mask, us-ssn: log}\n", false},
		{"  detectors: {jwt: mask}\n", false},
	};
	struct scan_table *first = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy *policy = load_inline_text(rows[i].text);
		struct policy_tables *a = compile(policy, NULL, 0), *b = compile(policy, NULL, 0);

		assert_int_not_equal(a->scan->id, 0);
		assert_memory_equal(a->scan, b->scan, sizeof(*a->scan));
		if (!first)
			first = TAKE_PTR(a->scan);
		else
			assert_int_equal(a->scan->id == first->id, rows[i].same);
		policy_tables_free(a);
		policy_tables_free(b);
		policy_free(policy);
	}
	free(first);
}

/* ---- answers ------------------------------------------------------------------------------------
 */

static void test_texts(void **state)
{
	static const struct {
		const char *contact, *detector;
		const char *longest, *second;
	} rows[] = {
		{"contact: security@corp.example\n", "detectors: {payment-card: {request: block}}",
		 "Blocked by company policy: the prompt has a payment card number (rule "
		 "inline/payment-card). It was not sent. Ask security@corp.example. Details: "
		 "bailiff why B18446744073709551615",
		 "Blocked by company policy (rule inline/payment-card). Details: bailiff why "
		 "B18446744073709551615"},
		{"", "prompts: {x: {words: [a], action: approve}}",
		 "Approval requested: the prompt has words that are not allowed (rule "
		 "inline/prompts/x). It was not sent. Details: bailiff why B18446744073709551615",
		 "Approval requested (rule inline/prompts/x). Details: bailiff why "
		 "B18446744073709551615"},
		{"contact: 'S\xc3\xa9"
		 "curit\xc3\xa9 \"\\'\n",
		 "patterns: {x: {pattern: ab, commit: 1, request: block, called: 'a "
		 "\xf0\x9f\x94\x91'}}",
		 "Blocked by company policy: the prompt has a \xf0\x9f\x94\x91 (rule inline/x). It "
		 "was "
		 "not sent. Ask S\xc3\xa9"
		 "curit\xc3\xa9 \"\\. Details: bailiff why "
		 "B18446744073709551615",
		 "Blocked by company policy (rule inline/x). Details: bailiff why "
		 "B18446744073709551615"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_tables *t;
		struct policy *policy;
		char main[1024];

		snprintf(main, sizeof(main), TOP "%sinline: {%s}\n", rows[i].contact,
			 rows[i].detector);
		policy = load(main, ACL);
		t = compile(policy, NULL, 0);
		assert_int_equal(t->n_texts, INLINE_TEXTS);
		for (size_t k = 0; k < INLINE_TEXTS; k++) {
			json_t *json;
			const char *message = message_of(&t->texts[k], &json);

			if (k == 0)
				assert_string_equal(message, rows[i].longest);
			if (k == 1)
				assert_string_equal(message, rows[i].second);
			if (k > 0)
				assert_true(t->texts[k].len < t->texts[k - 1].len);
			json_decref(json);
		}
		assert_int_equal(t->texts[INLINE_TEXTS - 1].len,
				 strlen("{\"type\":\"error\",\"error\":{\"type\":\"x\","
					"\"message\":\"bailiff why B"));
		policy_tables_free(t);
		policy_free(policy);
	}
}

/* Four for each detector, in the order of the table; only who blocks has some. */
static void test_texts_by_detector(void **state)
{
	struct policy *policy = load_inline_text(whole_text);
	struct policy_tables *t = compile(policy, NULL, 0);

	assert_int_equal(t->n_texts, INLINE_TEXTS * t->scan->detectors);
	for (size_t d = 0; d < t->scan->detectors; d++) {
		unsigned int acts = SCAN_ACTS(t->scan->detector[d].acts, CONTENT_REQUEST);
		bool blocks = SCAN_ACTED(acts, SCAN_BLOCK) || SCAN_ACTED(acts, SCAN_APPROVE);
		const struct inline_text *text = &t->texts[d * INLINE_TEXTS];
		const char *id = t->rules[t->root.inline_rule + d].id;

		for (size_t k = 0; k < INLINE_TEXTS; k++)
			assert_int_equal(text[k].len != 0, blocks);
		if (blocks)
			assert_non_null(memmem(text->bytes, text->len, id, strlen(id)));
	}
	policy_tables_free(t);
	policy_free(policy);
}

/* Everything as long as it may be, and each character of the contact six bytes once escaped. */
static void test_texts_without_room(void **state)
{
	char main[2048], contact[257] = "", called[65] = "", name[65];
	struct policy_tables *t;
	struct policy *policy;
	json_t *json;

	for (size_t i = 0; i < 128; i++)
		memcpy(contact + 2 * i, "\xc3\xa9", 3);
	for (size_t i = 0; i < 32; i++)
		memcpy(called + 2 * i, "\xc3\xa9", 3);
	memset(name, 'n', 64);
	name[64] = 0;
	snprintf(main, sizeof(main),
		 TOP
		 "contact: %s\ninline: {prompts: {%s: {words: [a], action: block, called: %s}}}\n",
		 contact, name, called);
	policy = load(main, ACL);
	t = compile(policy, NULL, 0);
	assert_non_null(strstr(message_of(&t->texts[0], &json), "It was not sent. Details:"));
	json_decref(json);
	for (size_t k = 1; k < INLINE_TEXTS; k++) {
		message_of(&t->texts[k], &json);
		json_decref(json);
		assert_true(t->texts[k].len < t->texts[k - 1].len);
	}
	policy_tables_free(t);
	policy_free(policy);
}

UNIT_MAIN(unit(test_scan), unit(test_scan_overlap), unit(test_scan_prompts_share),
	  unit(test_scan_prompt_cut), unit(test_root_and_rules), unit(test_nothing),
	  unit(test_number), unit(test_texts), unit(test_texts_by_detector),
	  unit(test_texts_without_room))
