// SPDX-License-Identifier: Apache-2.0
/* Events as lines for people. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/row.h"
#include "base/cleanup.h"

static const struct {
	const char *json, *code, *verdict, *person, *what, *rule, *detail;
	int64_t time;
	bool denied;
} rows[] = {
	{"{\"time\":7,\"metadata\":{\"event_code\":\"skill_file\"},\"unmapped\":{\"verdict\":"
	 "\"denied\","
	 "\"person\":\"carol@company.com\",\"what\":\"skill docx\",\"skill\":\"docx\","
	 "\"rule\":\"skill/docx\",\"sentence\":\"No.\"}}",
	 "skill_file", "denied", "carol@company.com", "skill docx", "skill/docx", "No.", 7, true},
	{"{\"metadata\":{\"event_code\":\"destination\"},\"actor\":{\"user\":{\"uid\":\"1000\"}},"
	 "\"unmapped\":{\"verdict\":\"would_deny\",\"reason\":\"default\"}}",
	 "destination", "would_deny", "1000", "", "default", "", 0, true},
	{"{\"metadata\":{\"event_code\":\"process_exec\"},\"process\":{\"pid\":12,\"name\":"
	 "\"curl\","
	 "\"cmd_line\":\"curl x\"}}",
	 "process_exec", "", "", "curl [12]", "", "curl x", 0, false},
	{"{\"unmapped\":{\"verdict\":\"allowed\",\"skill\":\"pdf\"}}", "", "allowed", "", "pdf", "",
	 "", 0, false},
	/* wrong types are no reason to stop showing a log */
	{"{\"time\":\"x\",\"metadata\":[],\"unmapped\":{\"verdict\":1,\"what\":{}}}", "", "", "",
	 "", "", "", 0, false},
	{"{}", "", "", "", "", "", "", 0, false},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct row got;

		assert_int_equal(row_read(rows[i].json, strlen(rows[i].json), &got), 0);
		assert_string_equal(got.code, rows[i].code);
		assert_string_equal(got.verdict, rows[i].verdict);
		assert_string_equal(got.person, rows[i].person);
		assert_string_equal(got.what, rows[i].what);
		assert_string_equal(got.rule, rows[i].rule);
		assert_string_equal(got.detail, rows[i].detail);
		assert_int_equal(got.time_ms, rows[i].time);
		assert_int_equal(row_denied(&got), rows[i].denied);
	}
}

static void test_long_texts_are_cut_at_characters(void **state)
{
	_cleanup_free_ char *json = malloc(10000);
	struct row got;
	size_t n;

	(void)state;
	n = (size_t)snprintf(json, 10000, "{\"message\":\"");
	for (int i = 0; i < 1000; i++)
		n += (size_t)snprintf(json + n, 10000 - n, "é");
	n += (size_t)snprintf(json + n, 10000 - n, "\"}");
	assert_int_equal(row_read(json, n, &got), 0);
	assert_int_equal(strlen(got.detail), ROW_TEXT - 2); /* 255 of two bytes each */
	assert_string_equal(got.detail + strlen(got.detail) - 2, "é");
}

static void test_not_events(void **state)
{
	static const char *const bad[] = {"", "[]", "{", "\"x\"", "nul"};
	struct row got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(row_read(bad[i], strlen(bad[i]), &got), -EBADMSG);
}

UNIT_MAIN(unit(test_rows), unit(test_long_texts_are_cut_at_characters), unit(test_not_events))
