// SPDX-License-Identifier: Apache-2.0
/* Events: what the setters take and refuse, what a verdict sets, masked text, the cutting. */
#include "event_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/event_cut.h"

static struct event *new_tool_use(void)
{
	struct event *event;

	assert_int_equal(event_new(EVENT_TOOL_USE, 1, &event), 0);
	assert_int_equal(event_set_name(event, "device.hostname", "h"), 0);
	assert_int_equal(event_set_int(event, "actor.process.pid", 1), 0);
	return event;
}

static void test_verdicts(void **state)
{
	static const struct {
		enum event_code code;
		enum bailiff_verdict verdict;
		int severity_before; /* 0: not set by the caller */
		int64_t action, disposition, status, severity, activity;
		const char *word;
	} rows[] = {
		{EVENT_DESTINATION, BAILIFF_ALLOW, 0, 1, 1, 1, 1, 1, "allowed"},
		{EVENT_DESTINATION, BAILIFF_DENY, 0, 2, 2, 2, 3, 5, "denied"},
		{EVENT_DESTINATION, BAILIFF_WOULD_DENY, 0, 3, 15, 1, 2, 1, "would_deny"},
		{EVENT_SKILL_FILE, BAILIFF_DENY, 0, 2, 2, 2, 3, 14, "denied"},
		{EVENT_SKILL_FILE, BAILIFF_DENY, 5, 2, 2, 2, 5, 14, "denied"},
		{EVENT_SKILL_FILE, BAILIFF_DENY, 1, 2, 2, 2, 1, 14, "denied"},
		/* severe as it is, a verdict does not make it milder; its status is its handling */
		{EVENT_SENSITIVE_DATA, BAILIFF_WOULD_DENY, 0, 3, 15, 1, 3, 1, "would_deny"},
		{EVENT_SENSITIVE_DATA, BAILIFF_DENY, 0, 2, 2, 1, 3, 1, "denied"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *event;
		json_t *root;

		assert_int_equal(event_new(rows[i].code, 5, &event), 0);
		event_set_name(event, "device.hostname", "h");
		event_set_int(event, "actor.process.pid", 1);
		if (rows[i].severity_before)
			event_set_severity(event, rows[i].severity_before);
		assert_int_equal(event_set_verdict(event, rows[i].verdict), 0);
		assert_int_equal(event_set_verdict(event, rows[i].verdict), 0); /* the same again */
		root = take(event);
		event_free(event);
		assert_int_equal(int_at(root, "action_id"), rows[i].action);
		assert_int_equal(int_at(root, "disposition_id"), rows[i].disposition);
		assert_int_equal(int_at(root, "status_id"), rows[i].status);
		assert_int_equal(int_at(root, "severity_id"), rows[i].severity);
		assert_int_equal(int_at(root, "activity_id"), rows[i].activity);
		assert_int_equal(int_at(root, "type_uid"),
				 int_at(root, "class_uid") * 100 + rows[i].activity);
		assert_string_equal(string_at(root, "unmapped.verdict"), rows[i].word);
		assert_int_equal(json_array_size(at(root, "metadata.profiles")), 2);
		json_decref(root);
	}
}

/* What goes on without the value in it was modified, and counts as a denial of the value. */
static void test_masking(void **state)
{
	struct event *event;
	json_t *root;

	(void)state;
	assert_int_equal(event_new(EVENT_INLINE, 5, &event), 0);
	event_set_name(event, "device.hostname", "h");
	event_set_int(event, "actor.process.pid", 1);
	assert_int_equal(event_set_masking(event), 0);
	assert_int_equal(event_set_masking(event), 0);
	root = take(event);
	assert_int_equal(int_at(root, "action_id"), 4);
	assert_string_equal(string_at(root, "action"), "Modified");
	assert_int_equal(int_at(root, "disposition_id"), 11);
	assert_string_equal(string_at(root, "disposition"), "Corrected");
	assert_int_equal(int_at(root, "status_id"), 1);
	assert_int_equal(int_at(root, "severity_id"), 3);
	assert_string_equal(string_at(root, "unmapped.verdict"), "denied");
	assert_int_equal(json_array_size(at(root, "metadata.profiles")), 2);
	json_decref(root);
	/* it cannot be both */
	assert_int_equal(event_set_verdict(event, BAILIFF_DENY), -EEXIST);
	event_free(event);
}

static void test_setters_refuse(void **state)
{
	static const struct {
		const char *path;
		int want;
	} rows[] = {
		{"unmapped.a", -EEXIST},
		{"unmapped", -EEXIST},
		{"unmapped.a.b", -EINVAL},
		{"time.x", -EINVAL},
		{"", -EINVAL},
		{".", -EINVAL},
		{"unmapped.", -EINVAL},
		{".a", -EINVAL},
		{"a..b", -EINVAL},
		{"metadata.profiles.x", -EINVAL},
	};
	_cleanup_free_ char *text = NULL;
	size_t len = 42;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *event = new_tool_use();

		assert_int_equal(event_set_int(event, "unmapped.a", 1), 0);
		assert_int_equal(event_set_int(event, "unmapped.a", 1), 0); /* the same value */
		if (event_set_int(event, rows[i].path, 2) != rows[i].want)
			fail_msg("path '%s'", rows[i].path);
		/* the first failure is the one that is told */
		assert_int_equal(event_set_severity(event, 7), -EINVAL);
		assert_int_equal(event_take(event, &text, &len), rows[i].want);
		assert_null(text);
		assert_int_equal(len, 42);
		event_free(event);
	}
}

static void test_integers_that_json_cannot_say(void **state)
{
	static const int64_t bad[] = {INT64_MAX, INT64_MIN, INT64_C(9007199254740992)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct event *event = new_tool_use();

		assert_int_equal(event_set_int(event, "unmapped.n", bad[i]), -EINVAL);
		event_free(event);
	}
}

static void test_required(void **state)
{
	static const struct {
		enum event_code code;
		const char *path; /* the one thing that is missing */
	} rows[] = {
		{EVENT_LOSS, "device.hostname"},	  {EVENT_TOOL_USE, "actor.process.pid"},
		{EVENT_DESTINATION, "actor.process.pid"}, {EVENT_PROCESS_EXEC, "process.pid"},
		{EVENT_SKILL_FILE, "actor.process.pid"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *text = NULL;
		struct event *event;
		size_t len;

		assert_int_equal(event_new(rows[i].code, 1, &event), 0);
		if (strcmp(rows[i].path, "device.hostname") != 0)
			event_set_name(event, "device.hostname", "h");
		if (rows[i].code == EVENT_PROCESS_EXEC)
			event_set_int(event, "actor.process.pid", 1);
		assert_int_equal(event_take(event, &text, &len), -ENODATA);
		if (!strcmp(rows[i].path, "device.hostname"))
			event_set_name(event, "device.hostname", "h");
		else
			event_set_int(event, rows[i].path, 1);
		assert_int_equal(event_take(event, &text, &len), 0);
		event_free(event);
	}
}

static void test_finding_without_id_gets_one(void **state)
{
	char first[17] = "";

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct event *event;
		json_t *root;

		assert_int_equal(event_new(EVENT_SENSITIVE_DATA, 1, &event), 0);
		event_set_name(event, "device.hostname", "h");
		event_set_int(event, "unmapped.count", i / 2);
		root = take(event);
		event_free(event);
		assert_int_equal(strlen(string_at(root, "finding_info.uid")), 16);
		/* the same finding, the same id; another, another */
		if (i == 0)
			snprintf(first, sizeof(first), "%s", string_at(root, "finding_info.uid"));
		else if (i == 1)
			assert_string_equal(string_at(root, "finding_info.uid"), first);
		else
			assert_string_not_equal(string_at(root, "finding_info.uid"), first);
		json_decref(root);
	}
}

static void test_names(void **state)
{
	struct event *event = new_tool_use();
	uint8_t digest[] = {0, 1, 0xab, 0xff}, big[65] = {0};
	json_t *root;

	(void)state;
	assert_int_equal(event_set_name(event, "unmapped.broken", "a\xff\xc3"), 0);
	assert_int_equal(event_set_name(event, "unmapped.utf8", "é"), 0);
	assert_int_equal(event_set_name(event, "unmapped.none", NULL), 0);
	assert_int_equal(event_set_digest(event, "unmapped.digest", digest, sizeof(digest)), 0);
	root = take(event);
	assert_string_equal(string_at(root, "unmapped.broken"), "a??");
	assert_string_equal(string_at(root, "unmapped.utf8"), "é");
	assert_string_equal(string_at(root, "unmapped.digest"), "0001abff");
	assert_null(at(root, "unmapped.none"));
	json_decref(root);
	assert_int_equal(event_set_digest(event, "unmapped.big", big, sizeof(big)), -EINVAL);
	event_free(event);
}

static void test_masked(void **state)
{
	static const char secret[] = "number 078-05-1120 of somebody";
	_cleanup_(masked_freep) struct masked *m = NULL, *undecodable = NULL;
	struct mask_rules *rules = new_rules();
	struct event *event = new_tool_use();
	char *text;
	json_t *root;

	(void)state;
	assert_int_equal(mask_text(rules, secret, strlen(secret), &m), 0);
	assert_int_equal(mask_digest_only(rules, secret, strlen(secret), &undecodable), 0);
	assert_int_equal(event_set_masked(event, "unmapped.whole", m), 0);
	assert_int_equal(event_set_masked(event, "unmapped.gone", undecodable), 0);
	assert_int_equal(event_set_masked_cut(event, "unmapped.cut", m, 8), 0);
	assert_int_equal(event_set_masked_cut(event, "unmapped.fits", m, strlen(secret)), 0);
	assert_int_equal(event_set_masked(event, "unmapped.null", NULL), 0);
	root = take(event);
	text = json_dumps(root, 0);
	assert_null(strstr(text, "1120"));
	free(text);
	assert_int_equal(strlen(string_at(root, "unmapped.whole")), strlen(secret));
	assert_null(at(root, "unmapped.whole_length"));
	assert_string_equal(string_at(root, "unmapped.gone"), "");
	assert_int_equal(int_at(root, "unmapped.gone_length"), strlen(secret));
	assert_string_equal(string_at(root, "unmapped.gone_digest"), masked_digest(undecodable));
	assert_string_equal(string_at(root, "unmapped.cut"), "number *");
	assert_int_equal(int_at(root, "unmapped.cut_length"), strlen(secret));
	assert_string_equal(string_at(root, "unmapped.cut_digest"), masked_digest(m));
	assert_null(at(root, "unmapped.fits_length"));
	json_decref(root);
	event_free(event);
	mask_rules_free(rules);
}

static void test_cut_at_characters(void **state)
{
	static const struct {
		const char *text;
		size_t max, want;
	} rows[] = {
		{"abc", 3, 3}, {"abc", 2, 2}, {"abc", 0, 0}, {"aé", 2, 1},  {"aé", 3, 3},
		{"€", 1, 0},   {"€", 2, 0},   {"a😀b", 4, 1}, {"a😀b", 5, 5}, {"", 0, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(event_cut_at(rows[i].text, strlen(rows[i].text), rows[i].max),
				 rows[i].want);
}

/* Any event fits an entry, whatever was captured. */
static void test_oversized(void **state)
{
	static const struct {
		const char *name;
		size_t texts, len;
		char fill;
		size_t elements;
		size_t least; /* bytes that must have been kept */
	} rows[] = {
		{"one long text", 1, 1000000, 'x', 0, 59500},
		{"just over", 1, 60001, 'x', 0, 59500},
		{"control characters", 1, 200000, '\1', 0, 20000},
		{"many texts", 300, 500, 'x', 0, 30000},
		{"two sizes", 5, 50000, 'x', 0, 30000},
		{"an array", 0, 0, 0, 20000, 20000},
		{"arrays and texts", 100, 5000, 'x', 5000, 15000},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event *event = new_tool_use();
		_cleanup_free_ char *text = malloc(rows[i].len + 1), *json = NULL;
		size_t len;
		json_t *root;

		memset(text, rows[i].fill, rows[i].len);
		text[rows[i].len] = 0;
		for (size_t k = 0; k < rows[i].texts; k++) {
			char path[64];

			snprintf(path, sizeof(path), "unmapped.t%zu", k);
			assert_int_equal(event_set_name(event, path, text), 0);
		}
		for (size_t k = 0; k < rows[i].elements; k++)
			event_append(event, "unmapped.list", json_string("element"));
		if (event_take(event, &json, &len) != 0)
			fail_msg("%s: not taken", rows[i].name);
		if (len > EVENT_JSON_MAX || len < rows[i].least)
			fail_msg("%s: %zu bytes", rows[i].name, len);
		assert_int_equal(canonical_check(json, len), 0);
		root = json_loadb(json, len, 0, NULL);
		/* what identifies the event is whole; what was cut says how long it was */
		assert_string_equal(string_at(root, "metadata.event_code"), "tool_use");
		if (rows[i].texts)
			assert_int_equal(int_at(root, "unmapped.t0_length"), rows[i].len);
		if (rows[i].elements > 10000)
			assert_int_equal(int_at(root, "unmapped.list_count"), rows[i].elements);
		json_decref(root);
		event_free(event);
	}
}

UNIT_MAIN(unit(test_verdicts), unit(test_masking), unit(test_setters_refuse),
	  unit(test_integers_that_json_cannot_say), unit(test_required),
	  unit(test_finding_without_id_gets_one), unit(test_names), unit(test_masked),
	  unit(test_cut_at_characters), unit(test_oversized))
