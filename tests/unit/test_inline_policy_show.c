// SPDX-License-Identifier: Apache-2.0
/* The inline section as `bailiff policy` shows it, to people and to programs. */
#include "cli/policy_inline.c" // NOLINT(bugprone-suspicious-include): the commands are in no library
#include "cli/table.c"	       // NOLINT(bugprone-suspicious-include)
#include "cli/terminal.c"      // NOLINT(bugprone-suspicious-include)

#include "policy_tables.h"

#define TOP HEAD "model: {endpoints: [{cidr: 192.0.2.1}]}\n"

static const char section[] =
	TOP "inline:\n  compressed: block\n  unsupported: refuse\n  detectors:\n"
	    "    payment-card: {request: block, text: mask}\n    jwt: off\n"
	    "  patterns: {x: {pattern: abc, commit: 2, tool_input: log, called: 'a \xc3\xa9'}}\n"
	    "  prompts: {y: {words: [a b], action: approve}}\n  unreadable: block\n";

static char *print(const struct policy *policy, bool size)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (size)
		policy_inline_print_size(policy, f);
	else
		assert_int_equal(policy_inline_print(policy, f), 0);
	fclose(f);
	return text;
}

static void test_for_people(void **state)
{
	static const char *const lines[] = {
		"payment-card  8     block    mask  log         a payment card number",
		"jwt           9     off      off   off         a JSON web token",
		"prompts/y     11    approve  off   off         words that are not allowed",
		"a response that comes compressed all the same: blocked\n",
		"a request in a form that is not read, such as HTTP/2: blocked\n",
		"a host that cannot mask in place: refused\n",
	};
	struct policy *policy = load(section, "skills: {}\n");
	_cleanup_free_ char *text = print(policy, false), *size = print(policy, true);
	char want[128];

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (!strstr(text, lines[i]))
			fail_msg("no \"%s\" in:\n%s", lines[i], text);
	snprintf(want, sizeof(want),
		 "inline: detectors: 3, states: %u of 8192, classes: %u of 127, bytes: %zu\n",
		 policy->scan->states, policy->scan->classes, policy->scan_bytes);
	assert_string_equal(size, want);
	assert_in_range(policy->scan_bytes, sizeof(struct scan_table) / 1000,
			sizeof(struct scan_table));
	policy_free(policy);
}

static void test_without_detectors(void **state)
{
	struct policy *policy = load(TOP, "skills: {}\n");
	_cleanup_free_ char *text = print(policy, false), *size = print(policy, true);
	json_t *json = policy_inline_json(policy);

	assert_string_equal(text, "");
	assert_string_equal(size, "");
	assert_true(json_is_null(json_object_get(json, "table")));
	assert_int_equal(json_array_size(json_object_get(json, "detectors")), 0);
	json_decref(json);
	policy_free(policy);
}

static void test_for_programs(void **state)
{
	struct policy *policy = load(section, "skills: {}\n");
	json_t *json = policy_inline_json(policy), *want, *table;

	want = json_pack("[{s:s, s:s, s:i, s:s, s:s, s:s}, {s:s, s:s, s:i, s:s, s:s, s:s},"
			 " {s:s, s:s, s:i, s:s, s:s, s:s}, {s:s, s:s, s:i, s:s, s:s, s:s}]",
			 "name", "payment-card", "finds", "a payment card number", "line", 8,
			 "request", "block", "text", "mask", "tool_input", "log", "name", "jwt",
			 "finds", "a JSON web token", "line", 9, "request", "off", "text", "off",
			 "tool_input", "off", "name", "x", "finds", "a \xc3\xa9", "line", 10,
			 "request", "off", "text", "off", "tool_input", "log", "name", "prompts/y",
			 "finds", "words that are not allowed", "line", 11, "request", "approve",
			 "text", "off", "tool_input", "off");
	assert_non_null(want);
	assert_true(json_equal(json_object_get(json, "detectors"), want));
	assert_string_equal(json_string_value(json_object_get(json, "compressed")), "block");
	assert_string_equal(json_string_value(json_object_get(json, "unreadable")), "block");
	assert_string_equal(json_string_value(json_object_get(json, "unsupported")), "refuse");
	table = json_object_get(json, "table");
	assert_int_equal(json_integer_value(json_object_get(table, "states")),
			 policy->scan->states);
	assert_int_equal(json_integer_value(json_object_get(table, "detectors")), 3);
	json_decref(want);
	json_decref(json);
	policy_free(policy);
}

UNIT_MAIN(unit(test_for_people), unit(test_without_detectors), unit(test_for_programs))
