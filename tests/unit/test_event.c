// SPDX-License-Identifier: Apache-2.0
/* Events: one of each code against its example in docs/event-reference.md, the setters, the
 * cutting. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/canonical.h"
#include "audit/event.h"
#include "audit/event_class.h"
#include "audit/event_cut.h"
#include "base/cleanup.h"
#include "base/log.h"
static struct mask_rules *new_rules(void)
{
	struct mask_options options = {.key = {1, 2, 3}};
	struct mask_rules *rules;
	char err[256] = "";

	if (mask_rules_new(&options, &rules, err) != 0)
		fail_msg("%s", err);
	return rules;
}

static void set_text(struct mask_rules *rules, struct event *event, const char *path,
		     const char *text)
{
	_cleanup_(masked_freep) struct masked *m = NULL;

	assert_int_equal(mask_text(rules, text, strlen(text), &m), 0);
	assert_int_equal(event_set_masked(event, path, m), 0);
}

static json_t *take(struct event *event)
{
	_cleanup_free_ char *text = NULL;
	json_t *root;
	size_t len;

	assert_int_equal(event_take(event, &text, &len), 0);
	assert_int_equal(canonical_check(text, len), 0);
	assert_in_range(len, 1, EVENT_JSON_MAX);
	root = json_loadb(text, len, 0, NULL);
	assert_non_null(root);
	return root;
}

static const json_t *at(const json_t *root, const char *path)
{
	const char *dot;

	for (; (dot = strchr(path, '.')); path = dot + 1)
		root = json_object_getn(root, path, (size_t)(dot - path));
	return json_object_get(root, path);
}

static int64_t int_at(const json_t *root, const char *path)
{
	const json_t *v = at(root, path);

	if (!json_is_integer(v))
		fail_msg("%s is no integer", path);
	return json_integer_value(v);
}

static const char *string_at(const json_t *root, const char *path)
{
	const json_t *v = at(root, path);

	if (!json_is_string(v))
		fail_msg("%s is no string", path);
	return json_string_value(v);
}

/* ---- one example of each code -----------------------------------------------------------------
 */

#define NO_VERDICT (-1)

struct attribute {
	const char *path;
	char kind; /* i integer, b bool, n name, t masked text, g group, a array element */
	const char *text;
	int64_t number;
};

struct example {
	enum event_code code;
	int verdict;
	struct attribute attributes[24];
};

/* Who: alice, in a client that she started. */
#define ACTOR                                                                                      \
	{"actor.user.name", 'n', "alice@company.com", 0}, {"actor.user.uid", 'n', "1000", 0},      \
		{"actor.user.groups", 'g', "engineers", 0},                                        \
		{"actor.process.pid", 'i', NULL, 4711},                                            \
		{"unmapped.person", 'n', "alice@company.com", 0},                                  \
		{"unmapped.login_uid", 'i', NULL, 1000},                                           \
	{                                                                                          \
		"unmapped.generation", 'i', NULL, 3                                                \
	}

static const struct example examples[] = {
	{EVENT_AGENT_START,
	 NO_VERDICT,
	 {{"unmapped.unwatched_ms", 'i', NULL, 73000}, {"unmapped.discarded_bytes", 'i', NULL, 0}}},
	{EVENT_AGENT_STOP, NO_VERDICT, {{"message", 'n', "stopped by SIGTERM", 0}}},
	{EVENT_POLICY_APPLIED,
	 NO_VERDICT,
	 {{"entity.version", 'n', "v1", 0}, {"unmapped.generation", 'i', NULL, 3}}},
	{EVENT_POLICY_REFUSED,
	 NO_VERDICT,
	 {{"message", 'n', "acl.yaml:7:3: unknown key", 0}, {"unmapped.generation", 'i', NULL, 3}}},
	{EVENT_POSTURE,
	 NO_VERDICT,
	 {{"unmapped.capability", 'n', "destinations", 0}, {"unmapped.state", 'n', "enforce", 0}}},
	{EVENT_CLIENT_START,
	 NO_VERDICT,
	 {ACTOR,
	  {"process.pid", 'i', NULL, 4711},
	  {"process.name", 't', "claude", 0},
	  {"unmapped.build_id", 'n', "c0ffee", 0},
	  {"unmapped.project", 't', "/home/alice/project", 0}}},
	{EVENT_CLIENT_STOP,
	 NO_VERDICT,
	 {ACTOR, {"process.pid", 'i', NULL, 4711}, {"unmapped.duration_ms", 'i', NULL, 90000}}},
	{EVENT_PROCESS_EXEC,
	 NO_VERDICT,
	 {ACTOR,
	  {"process.pid", 'i', NULL, 4720},
	  {"process.cmd_line", 't', "git status", 0},
	  {"unmapped.tool", 't', "Bash", 0}}},
	{EVENT_CLIENT_REFUSED,
	 NO_VERDICT,
	 {{"unmapped.executable", 't', "/opt/claude", 0},
	  {"unmapped.why", 'n', "two candidates for SSL_read", 0}}},
	{EVENT_DESTINATION,
	 BAILIFF_DENY,
	 {ACTOR,
	  {"dst_endpoint.ip", 'n', "203.0.113.9", 0},
	  {"dst_endpoint.port", 'i', NULL, 443},
	  {"unmapped.what", 't', "connection to blocked.example", 0},
	  {"unmapped.reason", 'n', "default", 0},
	  {"unmapped.rule", 'n', "destinations/default", 0},
	  {"unmapped.door", 'n', "lsm_connect", 0},
	  {"unmapped.tool", 't', "Bash", 0}}},
	{EVENT_SKILL_FILE,
	 BAILIFF_DENY,
	 {ACTOR,
	  {"file.name", 't', "SKILL.md", 0},
	  {"file.path", 't', "/home/alice/.claude/skills/docx/SKILL.md", 0},
	  {"unmapped.skill", 't', "docx", 0},
	  {"unmapped.what", 't', "skill docx", 0},
	  {"unmapped.reason", 'n', "skill_not_allowed", 0},
	  {"unmapped.rule", 'n', "skill/docx", 0},
	  {"unmapped.sentence", 'n', "You are not among the users of skill docx.", 0}}},
	{EVENT_SKILL_USE,
	 BAILIFF_ALLOW,
	 {ACTOR,
	  {"unmapped.skill", 't', "pdf", 0},
	  {"unmapped.route", 'n', "model", 0},
	  {"unmapped.what", 't', "skill pdf", 0},
	  {"unmapped.rule", 'n', "skill/pdf", 0},
	  {"unmapped.arguments", 't', "report", 0},
	  {"unmapped.success", 'b', NULL, 1},
	  {"unmapped.duration_ms", 'i', NULL, 12}}},
	{EVENT_TOOL_USE,
	 NO_VERDICT,
	 {ACTOR,
	  {"unmapped.tool", 't', "Bash", 0},
	  {"unmapped.tool_use_id", 't', "toolu_a", 0},
	  {"unmapped.input", 't', "{\"command\":\"ls\"}", 0}}},
	{EVENT_TOOL_RESULT,
	 NO_VERDICT,
	 {ACTOR,
	  {"unmapped.tool", 't', "Bash", 0},
	  {"unmapped.tool_use_id", 't', "toolu_a", 0},
	  {"unmapped.success", 'b', NULL, 1},
	  {"unmapped.result", 't', "README.md", 0}}},
	{EVENT_MODEL_REQUEST,
	 NO_VERDICT,
	 {ACTOR,
	  {"dst_endpoint.hostname", 't', "api.anthropic.com", 0},
	  {"unmapped.model", 't', "claude-opus", 0},
	  {"unmapped.messages", 'i', NULL, 5},
	  {"unmapped.messages_new", 'i', NULL, 1}}},
	{EVENT_MODEL_RESPONSE,
	 NO_VERDICT,
	 {ACTOR,
	  {"unmapped.status", 'i', NULL, 200},
	  {"unmapped.stop_reason", 't', "tool_use", 0},
	  {"unmapped.tokens_in", 'i', NULL, 1200},
	  {"unmapped.tokens_out", 'i', NULL, 80}}},
	{EVENT_MESSAGE,
	 NO_VERDICT,
	 {ACTOR,
	  {"unmapped.role", 't', "user", 0},
	  {"unmapped.direction", 'n', "sent", 0},
	  {"unmapped.text", 't', "Please list the files.", 0}}},
	{EVENT_SENSITIVE_DATA,
	 NO_VERDICT,
	 {ACTOR,
	  {"finding_info.title", 'n', "Sensitive data: us_ssn", 0},
	  {"finding_info.uid", 'n', "f00d", 0},
	  {"unmapped.detector", 'n', "us_ssn", 0},
	  {"unmapped.count", 'i', NULL, 1},
	  {"unmapped.digests", 'a', "a1b2", 0},
	  {"unmapped.direction", 'n', "received", 0},
	  {"unmapped.where", 'n', "message", 0}}},
	{EVENT_CLAIM_MISMATCH,
	 NO_VERDICT,
	 {ACTOR,
	  {"unmapped.claim.kind", 'n', "git_email", 0},
	  {"unmapped.claim.match", 'n', "other_person", 0},
	  {"finding_info.uid", 'n', "beef", 0},
	  {"unmapped.claim.person", 'n', "carol@company.com", 0}}},
	{EVENT_LOSS,
	 NO_VERDICT,
	 {{"unmapped.loss", 'n', "records_lost", 0},
	  {"unmapped.why", 'n', "the kernel had no room for them", 0},
	  {"unmapped.lost.records", 'i', NULL, 17}}},
	{EVENT_ADMIN, NO_VERDICT, {{"actor.user.uid", 'n', "0", 0}, {"message", 'n', "reload", 0}}},
};

static void apply(struct mask_rules *rules, struct event *event, const struct attribute *a)
{
	switch (a->kind) {
	case 'i':
		assert_int_equal(event_set_int(event, a->path, a->number), 0);
		break;
	case 'b':
		assert_int_equal(event_set_bool(event, a->path, a->number), 0);
		break;
	case 'n':
		assert_int_equal(event_set_name(event, a->path, a->text), 0);
		break;
	case 't':
		set_text(rules, event, a->path, a->text);
		break;
	case 'g':
		assert_int_equal(event_append(event, a->path, json_pack("{s:s}", "name", a->text)),
				 0);
		break;
	case 'a':
		assert_int_equal(event_append(event, a->path, json_string(a->text)), 0);
		break;
	default:
		fail_msg("kind %c", a->kind);
	}
}

static json_t *make(struct mask_rules *rules, const struct example *x)
{
	struct event *event;
	json_t *root;

	assert_int_equal(event_new(x->code, 1767225600000, &event), 0);
	assert_int_equal(event_set_name(event, "device.hostname", "dev-7"), 0);
	for (size_t i = 0; x->attributes[i].path; i++)
		apply(rules, event, &x->attributes[i]);
	if (x->verdict != NO_VERDICT)
		assert_int_equal(event_set_verdict(event, (enum bailiff_verdict)x->verdict), 0);
	root = take(event);
	event_free(event);
	return root;
}

/* The fenced JSON below "### `name`". */
static json_t *documented(const char *name)
{
	_cleanup_fclose_ FILE *f = fopen("docs/event-reference.md", "re");
	_cleanup_free_ char *text = calloc(1, 1 << 20);
	char heading[64], *start, *end;
	json_t *root;

	assert_non_null(f);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	snprintf(heading, sizeof(heading), "\n### `%s`\n", name);
	start = strstr(text, heading);
	if (!start)
		return NULL;
	start = strstr(start, "```json\n");
	end = start ? strstr(start, "\n```\n") : NULL;
	if (!end)
		return NULL;
	start += strlen("```json\n");
	root = json_loadb(start, (size_t)(end - start), JSON_REJECT_DUPLICATES, NULL);
	return root;
}

static void test_examples_are_those_of_the_reference(void **state)
{
	struct mask_rules *rules = new_rules();
	unsigned int different = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		const char *name = event_code_to_string(examples[i].code);
		json_t *got = make(rules, &examples[i]), *want = documented(name);

		if (!want || !json_equal(got, want)) {
			char *text = json_dumps(got, JSON_INDENT(2) | JSON_SORT_KEYS);

			printf("EXAMPLE %s\n%s\nEND\n", name,
			       text); /* to be put into the reference */
			free(text);
			fflush(stdout);
			different++;
		}
		json_decref(got);
		json_decref(want);
	}
	mask_rules_free(rules);
	assert_int_equal(different, 0);
}

/* Each code has an example, but for the reserved one. */
static void test_every_code(void **state)
{
	struct event *event = NULL;

	(void)state;
	for (int code = 0; code < EVENT_CODE_MAX; code++) {
		size_t n = 0;

		for (size_t i = 0; i < ARRAY_SIZE(examples); i++)
			n += examples[i].code == (enum event_code)code;
		assert_int_equal(n, code == EVENT_CHECKPOINT ? 0 : 1);
		if (code == EVENT_CHECKPOINT)
			continue;
		assert_int_equal(event_new((enum event_code)code, 0, &event), 0);
		event_free(event);
		for (int other = 0; other < code; other++)
			assert_string_not_equal(event_code_to_string((enum event_code)code),
						event_code_to_string((enum event_code)other));
	}
	assert_int_equal(event_new(EVENT_CHECKPOINT, 0, &event), -EINVAL);
	assert_int_equal(event_new(EVENT_CODE_MAX, 0, &event), -EINVAL);
	assert_string_equal(event_code_to_string(EVENT_CODE_MAX), "unknown");
	assert_int_equal(event_class_uid(EVENT_SENSITIVE_DATA), 2006);
	assert_int_equal(event_class_uid(EVENT_CHECKPOINT), 0);
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

static struct event *new_tool_use(void)
{
	struct event *event;

	assert_int_equal(event_new(EVENT_TOOL_USE, 1, &event), 0);
	assert_int_equal(event_set_name(event, "device.hostname", "h"), 0);
	assert_int_equal(event_set_int(event, "actor.process.pid", 1), 0);
	return event;
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

UNIT_MAIN(unit(test_every_code), unit(test_examples_are_those_of_the_reference),
	  unit(test_verdicts), unit(test_setters_refuse), unit(test_integers_that_json_cannot_say),
	  unit(test_required), unit(test_finding_without_id_gets_one), unit(test_names),
	  unit(test_masked), unit(test_cut_at_characters), unit(test_oversized))
