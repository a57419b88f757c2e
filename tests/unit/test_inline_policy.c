// SPDX-License-Identifier: Apache-2.0
/* The inline section of a policy: what is read, what is refused and where, what is warned of. */
#include "policy_tables.h"

#include "bpf/content_state.h"

#define ACL "skills: {}\n"
#define TOP HEAD "model: {endpoints: [{cidr: 192.0.2.1}]}\n"

static struct policy *load_inline_text(const char *text)
{
	char main[8192];

	assert_true((size_t)snprintf(main, sizeof(main), TOP "inline:\n%s", text) < sizeof(main));
	return load(main, ACL);
}

/* ---- reading ------------------------------------------------------------------------------------
 */

static void test_actions(void **state)
{
	static const struct {
		const char *text, *name;
		enum scan_action request, text_, tool_input;
	} rows[] = {
		{"  detectors: {jwt: mask}\n", "jwt", SCAN_MASK, SCAN_MASK, SCAN_LOG},
		{"  detectors: {jwt: log}\n", "jwt", SCAN_LOG, SCAN_LOG, SCAN_LOG},
		{"  detectors: {jwt: off}\n", "jwt", SCAN_OFF, SCAN_OFF, SCAN_OFF},
		{"  detectors: {iban: {request: approve}}\n", "iban", SCAN_APPROVE, SCAN_OFF,
		 SCAN_LOG},
		{"  detectors: {iban: {request: block, text: mask, tool_input: block}}\n", "iban",
		 SCAN_BLOCK, SCAN_MASK, SCAN_BLOCK},
		{"  detectors: {iban: {text: log, tool_input: off}}\n", "iban", SCAN_OFF, SCAN_LOG,
		 SCAN_OFF},
		{"  detectors: {iban: {request: off, text: off}}\n", "iban", SCAN_OFF, SCAN_OFF,
		 SCAN_OFF},
		{"  detectors: {iban: {tool_input: mask}}\n", "iban", SCAN_OFF, SCAN_OFF,
		 SCAN_MASK},
		{"  patterns: {x: {pattern: abc, commit: 2, request: log}}\n", "x", SCAN_LOG,
		 SCAN_OFF, SCAN_LOG},
		{"  patterns: {x: {pattern: abc, head: ab, text: mask, tool_input: mask}}\n", "x",
		 SCAN_OFF, SCAN_MASK, SCAN_MASK},
		{"  prompts: {x: {words: [abc], action: block}}\n", "prompts/x", SCAN_BLOCK,
		 SCAN_OFF, SCAN_OFF},
		{"  prompts: {x: {pattern: abc, action: approve}}\n", "prompts/x", SCAN_APPROVE,
		 SCAN_OFF, SCAN_OFF},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy *policy = load_inline_text(rows[i].text);
		const struct policy_inline *p = policy->inlines;

		assert_int_equal(policy->n_inlines, 1);
		assert_string_equal(p->name, rows[i].name);
		assert_int_equal(p->request, rows[i].request);
		assert_int_equal(p->text, rows[i].text_);
		assert_int_equal(p->tool_input, rows[i].tool_input);
		assert_int_equal(p->where.line, 5);
		assert_int_equal(policy->mode_inline, BAILIFF_MODE_ENFORCE);
		/* what does nothing is not compiled in */
		assert_true(!policy->scan == (!p->request && !p->text && !p->tool_input));
		policy_free(policy);
	}
}

static void test_settings(void **state)
{
	static const struct {
		const char *text;
		enum bailiff_mode mode;
		bool compressed_block, refuse, unreadable_block;
	} rows[] = {
		{"  detectors: {jwt: mask}\n", BAILIFF_MODE_ENFORCE, true, false, false},
		{"  detectors: {jwt: log}\n", BAILIFF_MODE_ENFORCE, false, false, false},
		{"  detectors: {jwt: {request: block}}\n", BAILIFF_MODE_ENFORCE, false, false,
		 false},
		{"  detectors: {jwt: {tool_input: block}}\n", BAILIFF_MODE_ENFORCE, true, false,
		 false},
		{"  compressed: log\n  detectors: {jwt: mask}\n", BAILIFF_MODE_ENFORCE, false,
		 false, false},
		{"  compressed: block\n  detectors: {jwt: log}\n", BAILIFF_MODE_ENFORCE, true,
		 false, false},
		{"  mode: record\n  unsupported: refuse\n", BAILIFF_MODE_RECORD, false, true,
		 false},
		{"  mode: shadow\n  unsupported: run\n", BAILIFF_MODE_SHADOW, false, false, false},
		{"  unreadable: log\n  detectors: {jwt: {request: block}}\n", BAILIFF_MODE_ENFORCE,
		 false, false, false},
		{"  unreadable: block\n  detectors: {jwt: {request: block}}\n",
		 BAILIFF_MODE_ENFORCE, false, false, true},
		/* requests are not looked at */
		{"  unreadable: block\n  detectors: {jwt: {text: log}}\n", BAILIFF_MODE_ENFORCE,
		 false, false, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy *policy = load_inline_text(rows[i].text);
		struct policy_tables *t = compile(policy, NULL, 0);

		assert_int_equal(policy->mode_inline, rows[i].mode);
		assert_int_equal(policy->inline_compressed_block, rows[i].compressed_block);
		assert_int_equal(policy->inline_unsupported_refuse, rows[i].refuse);
		assert_int_equal((t->root.flags & POLICY_COMPRESSED_BLOCK) != 0,
				 rows[i].compressed_block);
		assert_int_equal((t->root.flags & POLICY_UNREADABLE_BLOCK) != 0,
				 rows[i].unreadable_block);
		assert_int_equal(t->root.mode_inline, t->scan ? rows[i].mode : 0);
		policy_tables_free(t);
		policy_free(policy);
	}
}

/* What is compressed cannot be blocked where responses are not looked at. */
static void test_compressed_is_of_responses(void **state)
{
	struct policy *policy = load_inline_text(
		"  compressed: block\n  prompts: {x: {words: [a], action: block}}\n");
	struct policy_tables *t = compile(policy, NULL, 0);

	assert_int_equal(t->root.flags & POLICY_COMPRESSED_BLOCK, 0);
	assert_int_equal(t->root.inline_kinds, 1u << CONTENT_REQUEST);
	policy_tables_free(t);
	policy_free(policy);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *want;
		uint32_t line, column;
	} rows[] = {
		{"  mode: masks\n", "mode: expected record, shadow or enforce", 5, 9},
		{"  compressed: maybe\n", "compressed: expected log or block", 5, 15},
		{"  unreadable: refuse\n", "unreadable: expected log or block", 5, 15},
		{"  unsupported: no\n", "unsupported: expected run or refuse", 5, 16},
		{"  detector: {}\n",
		 "unknown key \"detector\" in inline; did you mean \"detectors\"?", 5, 3},
		{"  detectors: [jwt]\n", "detectors: expected a mapping", 5, 14},
		{"  detectors:\n    us-sn: mask\n",
		 "there is no detector \"us-sn\"; did you mean \"us-ssn\"?", 6, 5},
		{"  detectors: {secrets: mask}\n",
		 "there is no detector \"secrets\"; there are us-ssn, payment-card, iban", 5, 15},
		{"  detectors: {jwt: block}\n",
		 "jwt: block is for requests alone; expected off, log or mask", 5, 20},
		{"  detectors: {jwt: hide}\n", "jwt: expected off, log or mask, found \"hide\"", 5,
		 20},
		{"  detectors: {jwt: }\n", "jwt: expected off, log or mask, found nothing", 5, 20},
		{"  detectors: {jwt: {}}\n",
		 "jwt: expected at least one of request, text and tool_input", 5, 20},
		{"  detectors: {jwt: {text: block}}\n", "text: block is for requests alone", 5, 27},
		{"  detectors: {jwt: {text: approve}}\n", "text: approve is for requests alone", 5,
		 27},
		{"  detectors: {jwt: {tool_input: approve}}\n",
		 "tool_input: approve is for requests alone; expected off, log, mask or block", 5,
		 33},
		{"  detectors: {jwt: {request: mosk}}\n",
		 "request: expected off, log, mask, block or approve, found \"mosk\"; did you mean "
		 "\"mask\"?",
		 5, 30},
		{"  detectors: {jwt: {tool: log}}\n", "unknown key \"tool\" in jwt", 5, 21},
		{"  patterns: {X: {pattern: a, commit: 1, text: log}}\n",
		 "a pattern: expected small letters", 5, 14},
		{"  patterns: {jwt: {pattern: a, commit: 1, text: log}}\n",
		 "\"jwt\" is the name of a detector that is built in", 5, 14},
		{"  patterns: {x: {commit: 1, text: log}}\n",
		 "a pattern: the key \"pattern\" is missing", 5, 17},
		{"  patterns: {x: {pattern: a, commit: 1}}\n",
		 "x: expected at least one of request, text and tool_input", 5, 17},
		{"  patterns: {x: {pattern: ab, text: log}}\n", "x: expected either `commit`", 5,
		 17},
		{"  patterns: {x: {pattern: ab, head: a, commit: 1, text: log}}\n",
		 "x: expected either `commit`", 5, 17},
		{"  patterns: {x: {pattern: ab, commit: 251, text: log}}\n",
		 "commit: expected a number from 1 to 250", 5, 39},
		{"  patterns: {x: {pattern: ab, commit: 1, check: crc, text: log}}\n",
		 "check: expected none, luhn, card, mod97 or digits", 5, 49},
		{"  patterns: {x: {pattern: ab, commit: 1, style: x, text: log}}\n",
		 "style: expected all or alnum", 5, 49},
		{"  patterns: {x: {pattern: a(b, commit: 1, text: log}}\n",
		 "inline/x: pattern, character 2: this group is not closed", 5, 27},
		{"  patterns: {x: {pattern: 'a\\d', commit: 1, text: log}}\n",
		 "inline/x: pattern, character 2: a backslash before a letter", 5, 27},
		{"  patterns: {x: {pattern: ab, head: 'a(', text: log}}\n",
		 "inline/x: head, character 2: this group is not closed", 5, 37},
		{"  patterns: {x: {pattern: a*, commit: 1, text: log}}\n",
		 "inline/x: the empty text matches this", 5, 14},
		{"  patterns: {x: {pattern: a+b, commit: 1, text: log}}\n",
		 "inline/x: a match that has no bound, or more than 250 bytes, must own", 5, 14},
		{"  patterns: {x: {pattern: ab, commit: 1, back: '[a]', text: log}}\n",
		 "inline/x: a match reaches back over 1 to 255 bytes", 5, 14},
		{"  prompts: {x: {action: block}}\n",
		 "a prompt: expected either `words` or `pattern`", 5, 16},
		{"  prompts: {x: {words: [a], pattern: a, action: block}}\n",
		 "a prompt: expected either `words` or `pattern`", 5, 16},
		{"  prompts: {x: {words: [a]}}\n", "a prompt: the key \"action\" is missing", 5,
		 16},
		{"  prompts: {x: {words: [], action: block}}\n",
		 "words: expected 1 to 100 texts, found 0", 5, 24},
		{"  prompts: {x: {words: ' ', action: block}}\n", "words: expected a list", 5, 24},
		{"  prompts: {x: {words: [a, '  '], action: block}}\n",
		 "words: expected at least one word", 5, 24},
		{"  prompts: {x: {words: ['**'], action: block}}\n",
		 "inline/prompts/x: a match may not begin with what masks it", 5, 13},
		{"  prompts: {x: {words: [a], action: refuse}}\n",
		 "action: expected off, log, mask, block or approve", 5, 37},
		{"  prompts: {x: {pattern: '^a', action: block}}\n",
		 "inline/prompts/x: pattern, character 1: a stream has no lines", 5, 26},
		{"  detectors: {phone: log}\n  prompts: {x: {words: ['+1'], action: block}}\n",
		 "inline/prompts/x: may not begin with a byte that begins every match", 6, 13},
		/* two counts that overlap: each state of one with each of the other */
		{"  patterns:\n    x: {pattern: 'a[a-z]{1,100}[0-9][a-z0-9]{1,100}b', commit: 3, "
		 "text: log}\n",
		 "inline/x: the table has room for 8192 states, all detectors together take more "
		 "than 8192",
		 6, 5},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_report report = {0};
		struct policy *policy = NULL;
		const struct policy_message *m;
		char main[1024];

		snprintf(main, sizeof(main), TOP "inline:\n%s", rows[i].text);
		assert_int_equal(policy_memory_load(main, ACL, &policy, &report), -EINVAL);
		assert_null(policy);
		m = &report.messages[0];
		if (report.n_errors != 1 ||
		    strncmp(m->text, rows[i].want, strlen(rows[i].want)) != 0 ||
		    m->where.line != rows[i].line || m->where.column != rows[i].column)
			fail_msg("%s%u:%u: %s", rows[i].text, m->where.line, m->where.column,
				 m->text);
		policy_report_free(&report);
	}
}

static void test_too_many(void **state)
{
	struct policy_report report = {0};
	struct policy *policy = NULL;
	char main[32768];
	size_t len = (size_t)snprintf(main, sizeof(main), TOP "inline:\n  patterns:\n");

	for (size_t i = 0; i < SCAN_DETECTORS_MAX + 2; i++)
		len += (size_t)snprintf(main + len, sizeof(main) - len,
					"    x%zu: {pattern: 'q%zuz', commit: 9, request: log}\n",
					i, i);
	assert_int_equal(policy_memory_load(main, ACL, &policy, &report), -EINVAL);
	assert_int_equal(report.n_errors, 2);
	assert_string_equal(report.messages[0].text, "over 250 detectors, patterns and prompts");
	assert_int_equal(report.messages[0].where.line, 6 + SCAN_DETECTORS_MAX);
	policy_report_free(&report);
}

/* Mistakes elsewhere do not keep those of detectors from being told. */
static void test_both_in_one_run(void **state)
{
	struct policy_report report = {0};
	struct policy *policy = NULL;

	assert_int_equal(policy_memory_load(TOP "log: {text_bytes: x}\ninline:\n  patterns:\n"
						"    x: {pattern: '(', commit: 1, text: log}\n",
					    ACL, &policy, &report),
			 -EINVAL);
	assert_int_equal(report.n_errors, 2);
	policy_report_free(&report);
}

static void test_what_shares_matches(void **state)
{
	static const struct {
		enum policy_severity severity;
		uint32_t line;
		const char *says;
	} want[] = {
		{POLICY_WARNING, 8, "inline/few: can never have a match of its own: many, listed"},
		{POLICY_NOTE, 9, "inline/other: shares some matches with many"},
		{POLICY_NOTE, 9, "inline/other: shares some matches with few"},
	};
	struct policy *policy =
		load_inline_text("  detectors: {jwt: mask}\n  patterns:\n"
				 "    many: {pattern: 'key-[a-z]{4}', commit: 4, text: log}\n"
				 "    few: {pattern: 'key-[a-c]{4}', commit: 4, text: mask}\n"
				 "    other: {pattern: 'key-[a-z0-9]{4}', commit: 4, text: log}\n"
				 "    silent: {pattern: 'key-[a-c]{4}', commit: 4, text: off}\n");
	struct policy_report report = {0};

	assert_int_equal(policy_check_inline(policy, &report), 0);
	assert_int_equal(report.n, ARRAY_SIZE(want));
	assert_int_equal(report.n_errors, 0);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		assert_int_equal(report.messages[i].severity, want[i].severity);
		assert_int_equal(report.messages[i].where.line, want[i].line);
		assert_non_null(strstr(report.messages[i].text, want[i].says));
	}
	policy_report_free(&report);
	policy_free(policy);
}

UNIT_MAIN(unit(test_actions), unit(test_settings), unit(test_compressed_is_of_responses),
	  unit(test_mistakes), unit(test_too_many), unit(test_both_in_one_run),
	  unit(test_what_shares_matches))
