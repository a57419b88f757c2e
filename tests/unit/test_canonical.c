// SPDX-License-Identifier: Apache-2.0
/* Canonical JSON: the vectors of RFC 8785 that have no fractions, and the edges of keys, strings
 * and numbers. */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/canonical.h"
#include "base/cleanup.h"

static json_t *parse(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	assert_non_null(value);
	return value;
}

static const struct {
	const char *name, *in, *want;
} good[] = {
	{"RFC 8785 3.2.2, without its numbers",
	 "{\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
	 "\"literals\": [null, true, false]}",
	 "{\"literals\":[null,true,false],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"},
	{"RFC 8785 3.2.3",
	 "{\"\\u20ac\": \"Euro Sign\", \"\\r\": \"Carriage Return\","
	 "\"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\", \"1\": \"One\","
	 "\"\\ud83d\\ude00\": \"Emoji: Grinning Face\", \"\\u0080\": \"Control\","
	 "\"\\u00f6\": \"Latin Small Letter O With Diaeresis\"}",
	 "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\302\200\":\"Control\","
	 "\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\","
	 "\"😀\":\"Emoji: Grinning Face\",\"\357\254\263\":\"Hebrew Letter Dalet With Dagesh\"}"},
	{"french.json of the reference implementation",
	 "{\"peach\": \"This sorting order\", \"péché\": \"is wrong according to French\","
	 "\"pêche\": \"but canonicalization MUST\", \"sin\": \"ignore locale\"}",
	 "{\"peach\":\"This sorting order\",\"péché\":\"is wrong according to French\","
	 "\"pêche\":\"but canonicalization MUST\",\"sin\":\"ignore locale\"}"},
	{"structures.json",
	 "{\"1\": {\"f\": {\"f\": \"hi\", \"F\": 5}, \"\\n\": 56},"
	 "\"10\": {}, \"\": \"empty\", \"a\": {}, \"111\": [{\"e\": \"yes\", \"E\": \"no\"}], "
	 "\"A\": {}}",
	 "{\"\":\"empty\",\"1\":{\"\\n\":56,\"f\":{\"F\":5,\"f\":\"hi\"}},\"10\":{},"
	 "\"111\":[{\"E\":\"no\",\"e\":\"yes\"}],\"A\":{},\"a\":{}}"},
	{"arrays.json", "[56, {\"d\": true, \"10\": null, \"1\": []}]",
	 "[56,{\"1\":[],\"10\":null,\"d\":true}]"},
	{"unicode is not normalised", "{\"Unnormalized Unicode\": \"A\\u030a\"}",
	 "{\"Unnormalized Unicode\":\"A\314\212\"}"},
	{"every short escape", "\"\\b\\t\\n\\f\\r\\\"\\\\\"", "\"\\b\\t\\n\\f\\r\\\"\\\\\""},
	{"control characters without one", "\"\\u0000\\u0001\\u000b\\u001f\"",
	 "\"\\u0000\\u0001\\u000b\\u001f\""},
	{"delete, line separators and solidus stay", "\"\\u007f\\u2028\\u2029\\/\"",
	 "\"\177\342\200\250\342\200\251/\""},
	{"upper-case hex becomes lower-case", "\"\\u001F\"", "\"\\u001f\""},
	{"a prefix comes first", "{\"aa\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"aa\":1}"},
	{"astral before U+E000", "{\"\\ue000\":1,\"\\ud800\\udc00\":2}",
	 "{\"\360\220\200\200\":2,\"\356\200\200\":1}"},
	{"astral after U+D7FF", "{\"\\ud800\\udc00\":1,\"\\ud7ff\":2}",
	 "{\"\355\237\277\":2,\"\360\220\200\200\":1}"},
	{"astral before U+FFFF, after a common prefix",
	 "{\"k\\uffff\":1,\"k\\udbff\\udfff\":2,\"k\":3}",
	 "{\"k\":3,\"k\364\217\277\277\":2,\"k\357\277\277\":1}"},
	{"two astral keys", "{\"\\ud83d\\ude01\":1,\"\\ud83d\\ude00\":2,\"\\udbff\\udfff\":3}",
	 "{\"😀\":2,\"😁\":1,\"\364\217\277\277\":3}"},
	{"greatest integers", "[9007199254740991,-9007199254740991,0,-1]",
	 "[9007199254740991,-9007199254740991,0,-1]"},
	{"minus nought", "[-0]", "[0]"},
	{"empty", "[{},[],\"\"]", "[{},[],\"\"]"},
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_free_ char *got = NULL;
		json_t *value = parse(good[i].in);
		size_t len;

		if (canonical_dump(value, &got, &len) != 0)
			fail_msg("%s: not dumped", good[i].name);
		json_decref(value);
		if (strcmp(got, good[i].want) != 0 || strlen(got) != len)
			fail_msg("%s: got %s, want %s", good[i].name, got, good[i].want);
		if (canonical_check(got, len) != 0)
			fail_msg("%s: its own form is not canonical", good[i].name);
	}
}

static void test_refused_values(void **state)
{
	static const char *const bad[] = {
		"1.5",
		"[1.0]",
		"{\"a\":1e3}",
		"9007199254740992",
		"-9007199254740992",
		"[9223372036854775807]",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		json_t *value = parse(bad[i]);
		char untouched, *got = &untouched;
		size_t len = 42;

		if (canonical_dump(value, &got, &len) != -EDOM)
			fail_msg("%s: dumped", bad[i]);
		json_decref(value);
		assert_ptr_equal(got, &untouched);
		assert_int_equal(len, 42);
	}
	assert_int_equal(canonical_dump(NULL, NULL, NULL), -EINVAL);
}

/* A document that is deeper than any event would exhaust the stack of whoever reads it. */
static void test_depth(void **state)
{
	static const struct {
		int depth, want;
	} rows[] = {{200, 0}, {257, -EDOM}, {2000, -EDOM}};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *got = NULL;
		json_t *value = json_array();
		size_t len;

		for (int d = 1; d < rows[i].depth; d++) {
			json_t *outer = json_array();

			json_array_append_new(outer, value);
			value = outer;
		}
		assert_int_equal(canonical_dump(value, &got, &len), rows[i].want);
		json_decref(value);
	}
}

static void test_check_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		" {}",
		"{} ",
		"{ }",
		"{\"b\":1,\"a\":2}",
		"{\"a\":1,\"a\":1}",
		"{\"a\":1,\"a\":2}",
		"[1.0]",
		"[-0]",
		"[01]",
		"[1e2]",
		"\"\\u0041\"",
		"\"\\/\"",
		"\"\\u001F\"",
		"\"\\u000a\"",
		"\"\t\"",
		"{\"a\":1}x",
		"[1,]",
		"\"\377\"",
		"\"\\ud800\"",
		"nul",
		"{\"\\ue000\":1,\"\360\220\200\200\":2}",
		"[9007199254740992]",
		"{\"a\":1",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (canonical_check(bad[i], strlen(bad[i])) != -EINVAL)
			fail_msg("accepted: %s", bad[i]);
	/* what follows len is not looked at, what precedes it is */
	assert_int_equal(canonical_check("{}garbage", 2), 0);
	assert_int_equal(canonical_check("{}\0", 3), -EINVAL);
}

UNIT_MAIN(unit(test_vectors), unit(test_refused_values), unit(test_depth), unit(test_check_refuses))
