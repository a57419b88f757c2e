// SPDX-License-Identifier: Apache-2.0
/* The reader's pipeline, from kernel records to events: the stories that the log must tell. */
#include "harness.h"

#include <ctype.h>

#include "records.h"

#include "reader/limits.h"

#define ARGV(s) s, sizeof(s) - 1

#define USER_ASKS "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"make a report\"}]}"

static struct records_connection connection(const struct record_actor *actor)
{
	return (struct records_connection){.actor = *actor, .ssl = 0x7f0000001000, .epoch = 1};
}

static void ask(struct records_world *w, struct records_connection *c, const char *messages)
{
	_cleanup_buffer_ struct buffer b = {0};

	records_request(&b, messages);
	assert_int_equal(records_say(w, c, TLS_DIRECTION_SENT, &b), 0);
}

/* The answer that asks for one tool. */
static void answer_tool(struct records_world *w, struct records_connection *c, const char *id,
			const char *name, const char *input)
{
	_cleanup_buffer_ struct buffer b = {0};

	records_reply_begin(&b);
	records_reply_tool(&b, 0, id, name, input);
	records_reply_end(&b, "tool_use");
	assert_int_equal(records_say(w, c, TLS_DIRECTION_RECEIVED, &b), 0);
}

static void answer_text(struct records_world *w, struct records_connection *c, const char *text,
			size_t step)
{
	_cleanup_buffer_ struct buffer b = {0};

	records_reply_begin(&b);
	records_reply_text(&b, 0, text, step);
	records_reply_end(&b, "end_turn");
	assert_int_equal(records_say(w, c, TLS_DIRECTION_RECEIVED, &b), 0);
}

/* The next request: the tool_use as the client sends it back, and its result. */
static void ask_result(struct records_world *w, struct records_connection *c, const char *id,
		       const char *name, const char *input, const char *result, bool error,
		       const char *after)
{
	_cleanup_buffer_ struct buffer b = {0};

	assert_int_equal(buffer_printf(&b, 1 << 20,
				       USER_ASKS
				       ",{\"role\":\"assistant\",\"content\":[{\"type\":"
				       "\"tool_use\",\"id\":\"%s\",\"name\":\"%s\",\"input\":%s}]}"
				       ",{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
				       "\"tool_use_id\":\"%s\",\"content\":\"%s\"%s}%s]}",
				       id, name, input, id, result,
				       error ? ",\"is_error\":true" : "", after),
			 0);
	ask(w, c, (char *)b.data);
}

static void absent(const struct records_world *w, const char *secret)
{
	if (w->all.data && memmem(w->all.data, w->all.len, secret, strlen(secret)))
		fail_msg("found in the events: %s", secret);
}

#define SKILL_PDF "{\"skill\":\"pdf\",\"args\":\"report for bob@company.com\"}"
#define SKILL_TEXT                                                                                 \
	",{\"type\":\"text\",\"text\":\"Base directory for this skill: "                           \
	"/home/alice/.claude/skills/pdf\\n\\nMake pages.\"}"

/* 1. alice uses pdf: one event names everything that an auditor asks for. */
static void test_story_allowed(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice);
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open_all(&w, true), 0);
	assert_int_equal(records_note(&w, &alice, "/home/alice/project", "", ""), 0);
	records_skill(&w, &alice, "pdf", BAILIFF_ALLOW, BAILIFF_REASON_RULE, RECORDS_RULE_PDF);
	ask(&w, &c, USER_ASKS);
	answer_tool(&w, &c, "toolu_01Skill", "Skill", SKILL_PDF);
	records_skill(&w, &alice, "pdf", BAILIFF_ALLOW, BAILIFF_REASON_RULE, RECORDS_RULE_PDF);
	ask_result(&w, &c, "toolu_01Skill", "Skill", SKILL_PDF, "Launching skill: pdf", false,
		   SKILL_TEXT);
	answer_text(&w, &c, "done", 2);
	assert_int_equal(records_exit(&w, &alice), 0);

	assert_int_equal(records_count(&w, EVENT_SKILL_USE), 1);
	e = records_event(&w, EVENT_SKILL_USE, 0);
	assert_string_equal(records_string(e, "actor.user.name"), "alice@company.com");
	assert_string_equal(records_string(e, "unmapped.person"), "alice@company.com");
	assert_string_equal(json_string_value(json_array_get(records_at(e, "unmapped.teams"), 0)),
			    "engineers");
	assert_string_equal(json_string_value(json_array_get(records_at(e, "unmapped.teams"), 1)),
			    "leads");
	assert_int_equal(records_int(e, "unmapped.login_uid"), 1000);
	assert_string_equal(records_string(e, "actor.user.uid"), "1000");
	assert_int_equal(records_int(e, "unmapped.audit_session"), 7);
	assert_int_equal(records_int(e, "actor.process.pid"), 2001);
	assert_string_equal(records_string(e, "device.hostname"), "build-7");
	assert_string_equal(records_string(e, "unmapped.build_id"), "deadbeef");
	assert_string_equal(records_string(e, "unmapped.executable"), "/usr/local/bin/claude");
	assert_string_equal(records_string(e, "unmapped.device_id"), RECORDS_DEVICE);
	assert_string_equal(records_string(e, "unmapped.account_id"), RECORDS_ACCOUNT);
	assert_string_equal(records_string(e, "unmapped.client_session"), RECORDS_SESSION);
	assert_string_equal(records_string(e, "unmapped.model"), "claude-sonnet-4-5");
	assert_string_equal(records_string(e, "unmapped.skill"), "pdf");
	assert_non_null(strstr(records_string(e, "unmapped.arguments"), "report for "));
	assert_string_equal(records_string(e, "unmapped.tool_use_id"), "toolu_01Skill");
	assert_string_equal(records_string(e, "unmapped.project"), "/home/alice/project");
	assert_true(records_int(e, "unmapped.duration_ms") > 0);
	assert_int_equal(records_int(e, "unmapped.success"), 1);
	assert_string_equal(records_string(e, "unmapped.verdict"), "allowed");
	assert_string_equal(records_string(e, "unmapped.verdict_source"), "file");
	assert_string_equal(records_string(e, "unmapped.rule"), "skill/pdf");
	assert_string_equal(records_string(e, "unmapped.route"), "model");
	assert_null(records_at(e, "unmapped.sentence"));
	assert_int_equal(records_int(e, "unmapped.generation"), 3);
	assert_int_equal(records_int(e, "urgent"), 0);
	/* the arguments name a person: an address is masked in captured text */
	absent(&w, "bob@company.com");
	absent(&w, "sk-ant-api03");

	/* the file was read in the listing, and once for this tool_use */
	e = records_event(&w, EVENT_SKILL_FILE, 0);
	assert_string_equal(records_string(e, "unmapped.phase"), "listing");
	assert_string_equal(records_string(e, "unmapped.tool_confidence"), "unknown");
	e = records_event(&w, EVENT_SKILL_FILE, 1);
	assert_string_equal(records_string(e, "unmapped.phase"), "use");
	assert_string_equal(records_string(e, "unmapped.tool_use_id"), "toolu_01Skill");
	assert_string_equal(records_string(e, "unmapped.tool_confidence"), "name");

	/* each tool_use and each message once, though the conversation was sent twice */
	assert_int_equal(records_count(&w, EVENT_CLIENT_START), 1);
	assert_int_equal(records_count(&w, EVENT_MODEL_REQUEST), 2);
	assert_int_equal(records_count(&w, EVENT_MODEL_RESPONSE), 2);
	assert_int_equal(records_count(&w, EVENT_TOOL_USE), 1);
	assert_int_equal(records_count(&w, EVENT_TOOL_RESULT), 1);
	assert_int_equal(records_count(&w, EVENT_MESSAGE), 3);
	assert_int_equal(records_count(&w, EVENT_LOSS), 0);
	e = records_event(&w, EVENT_MODEL_RESPONSE, 0);
	assert_string_equal(records_string(e, "unmapped.stop_reason"), "tool_use");
	assert_int_equal(records_int(e, "unmapped.tokens_out"), 15);
	assert_true(records_int(e, "unmapped.duration_ms") >= 1);
	e = records_event(&w, EVENT_CLIENT_STOP, 0);
	assert_non_null(e);
	assert_int_equal(records_int(e, "unmapped.model_calls"), 2);
	assert_int_equal(records_int(e, "unmapped.skill_uses"), 1);
	assert_int_equal(records_int(e, "unmapped.bytes_missing"), 0);
	assert_int_equal((uint64_t)records_int(e, "unmapped.bytes_captured"),
			 c.offset[0] + c.offset[1]);
	records_close(&w);
}

/* 2. carol the same: refused at the file while the client lists its skills; the use on the wire
 * fails and is told with that refusal. */
static void test_story_denied(void **state)
{
	struct record_actor carol = records_client(2002, RECORDS_CAROL, 1001);
	struct records_connection c = connection(&carol);
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	assert_int_equal(records_note(&w, &carol, "/home/carol", "", ""), 0);
	records_skill(&w, &carol, "pdf", BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED,
		      RECORDS_RULE_PDF);
	ask(&w, &c, USER_ASKS);
	answer_tool(&w, &c, "toolu_01Skill", "Skill", SKILL_PDF);
	ask_result(&w, &c, "toolu_01Skill", "Skill", SKILL_PDF,
		   "<tool_use_error>Unknown skill: pdf</tool_use_error>", true, "");

	e = records_event(&w, EVENT_SKILL_FILE, 0);
	assert_string_equal(records_string(e, "actor.user.name"), "carol@company.com");
	assert_string_equal(records_string(e, "unmapped.verdict"), "denied");
	assert_string_equal(records_string(e, "unmapped.reason"), "skill_not_allowed");
	assert_string_equal(records_string(e, "unmapped.rule"), "skill/pdf");
	assert_string_equal(records_string(e, "unmapped.phase"), "listing");
	assert_string_equal(records_string(e, "unmapped.what"), "skill pdf");
	assert_string_equal(records_string(e, "file.path"),
			    "/home/user/.claude/skills/pdf/SKILL.md");
	assert_string_equal(
		records_string(e, "unmapped.sentence"),
		"Skill pdf was refused: it is for teams engineers and data-team, and "
		"carol@company.com is in design-engineering. Ask platform-security@company.com.");
	assert_int_equal(records_int(e, "urgent"), 1);

	e = records_event(&w, EVENT_SKILL_USE, 0);
	assert_non_null(e);
	assert_int_equal(records_int(e, "unmapped.success"), 0);
	assert_string_equal(records_string(e, "unmapped.verdict"), "denied");
	assert_string_equal(records_string(e, "unmapped.verdict_source"), "file");
	assert_string_equal(records_string(e, "unmapped.rule"), "skill/pdf");
	assert_int_equal(records_int(e, "urgent"), 1);
	records_close(&w);
}

/* 3. Read and cat of the file, each with the tool_use that asked for it. */
static void test_story_read_and_cat(void **state)
{
	struct record_actor carol = records_client(2002, RECORDS_CAROL, 1001), bash;
	struct records_connection c = connection(&carol);
	struct records_world w;
	const json_t *e;
	static const char read_input[] =
		"{\"file_path\":\"/home/user/.claude/skills/pdf/SKILL.md\"}";
	static const char bash_input[] =
		"{\"command\":\"cat ~/.claude/skills/pdf/SKILL.md\",\"description\":\"look\"}";

	assert_int_equal(records_open(&w, true), 0);
	ask(&w, &c, USER_ASKS);
	answer_tool(&w, &c, "toolu_read", "Read", read_input);
	records_skill(&w, &carol, "pdf", BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED,
		      RECORDS_RULE_PDF);
	ask_result(&w, &c, "toolu_read", "Read", read_input, "EACCES", true, "");
	answer_tool(&w, &c, "toolu_cat", "Bash", bash_input);
	bash = records_child(&w, &carol, 3000, NULL, "bash");
	records_exec(&w, &bash,
		     ARGV("/bin/bash\0-c\0eval 'cat ~/.claude/skills/pdf/SKILL.md' \\< /dev/null"));
	records_skill(&w, &bash, "pdf", BAILIFF_DENY, BAILIFF_REASON_SKILL_NOT_ALLOWED,
		      RECORDS_RULE_PDF);
	e = records_event(&w, EVENT_SKILL_FILE, 0);
	assert_string_equal(records_string(e, "unmapped.tool_use_id"), "toolu_read");
	assert_string_equal(records_string(e, "unmapped.tool_confidence"), "path");
	assert_string_equal(records_string(e, "unmapped.phase"), "use");
	e = records_event(&w, EVENT_SKILL_FILE, 1);
	assert_string_equal(records_string(e, "unmapped.tool_use_id"), "toolu_cat");
	assert_string_equal(records_string(e, "unmapped.tool_confidence"), "argv");
	assert_string_equal(records_string(e, "actor.process.name"), "bash");
	assert_string_equal(records_string(e, "unmapped.client_session"), RECORDS_SESSION);
	records_close(&w);
}

/* 3 and 4. A slash command without a file of its own, and somebody who is in no list. */
static void test_story_slash_and_unknown(void **state)
{
	struct record_actor mallory = records_client(2003, 0, 1003);
	struct records_connection c = connection(&mallory);
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	records_skill(&w, &mallory, "pdf", BAILIFF_DENY, BAILIFF_REASON_UNKNOWN_PERSON,
		      RECORDS_RULE_PDF);
	ask(&w, &c,
	    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
	    "\"<command-message>pdf</command-message>\\n<command-name>/pdf</command-name>\\n"
	    "<command-args>report</command-args>\\n\"}]}");
	e = records_event(&w, EVENT_SKILL_FILE, 0);
	assert_string_equal(records_string(e, "actor.user.name"), "unknown");
	assert_string_equal(records_string(e, "actor.user.uid"), "1003");
	assert_null(records_at(e, "unmapped.teams"));
	assert_non_null(strstr(records_string(e, "unmapped.sentence"),
			       "the login with uid 1003 belongs to nobody in the directory"));
	e = records_event(&w, EVENT_SKILL_USE, 0);
	assert_non_null(e);
	assert_string_equal(records_string(e, "unmapped.route"), "slash_command");
	assert_string_equal(records_string(e, "unmapped.skill"), "pdf");
	assert_string_equal(records_string(e, "unmapped.arguments"), "report");
	assert_string_equal(records_string(e, "unmapped.verdict"), "denied");
	records_close(&w);
}

/* A skill without a file: the event says that nothing was enforced, and what the ACL would have
 * said. */
static void test_bundled_skill(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice);
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	ask(&w, &c, USER_ASKS);
	answer_tool(&w, &c, "toolu_b", "Skill", "{\"skill\":\"simplify\"}");
	ask_result(&w, &c, "toolu_b", "Skill", "{\"skill\":\"simplify\"}",
		   "Launching skill: simplify", false, "");
	e = records_event(&w, EVENT_SKILL_USE, 0);
	assert_string_equal(records_string(e, "unmapped.verdict_source"), "none");
	assert_null(records_at(e, "unmapped.verdict"));
	assert_string_equal(records_string(e, "unmapped.acl_verdict"), "denied");
	assert_string_equal(records_string(e, "unmapped.acl_reason"), "skill_not_listed");
	records_close(&w);
}

/* 5. The connection that a tool_use caused names it, two processes further down. */
static void test_story_destination(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000), bash, curl;
	struct records_connection c = connection(&alice);
	struct records_world w;
	const json_t *e;
	static const char input[] = "{\"command\":\"curl https://blocked.example/\"}";

	assert_int_equal(records_open(&w, true), 0);
	assert_int_equal(records_note(&w, &alice, "/home/alice/project", "", ""), 0);
	ask(&w, &c, USER_ASKS);
	answer_tool(&w, &c, "toolu_curl", "Bash", input);
	bash = records_child(&w, &alice, 3000, NULL, "bash");
	records_exec(&w, &bash,
		     ARGV("/bin/bash\0-c\0source /s.sh && eval 'curl https://blocked.example/' "
			  "\\< /dev/null && pwd -P >| /tmp/x"));
	curl = records_child(&w, &alice, 3001, &bash, "curl");
	records_exec(&w, &curl, ARGV("curl\0https://blocked.example/\0"));
	records_net(&w, &curl, "203.0.113.9", 443, BAILIFF_DENY, BAILIFF_REASON_RULE,
		    RECORDS_RULE_BLOCKED);
	e = records_event(&w, EVENT_DESTINATION, 0);
	assert_string_equal(records_string(e, "unmapped.tool_use_id"), "toolu_curl");
	assert_string_equal(records_string(e, "unmapped.tool"), "Bash");
	assert_string_equal(records_string(e, "unmapped.tool_confidence"), "argv");
	assert_string_equal(records_string(e, "dst_endpoint.ip"), "203.0.113.9");
	assert_int_equal(records_int(e, "dst_endpoint.port"), 443);
	assert_string_equal(records_string(e, "connection_info.protocol_name"), "tcp");
	assert_string_equal(records_string(e, "unmapped.door"), "lsm_connect");
	assert_string_equal(records_string(e, "unmapped.verdict"), "denied");
	assert_string_equal(records_string(e, "unmapped.rule"), "destinations/deny[0]");
	assert_string_equal(records_string(e, "unmapped.what"), "connection to 203.0.113.9:443");
	assert_string_equal(records_string(e, "unmapped.client_session"), RECORDS_SESSION);
	assert_string_equal(records_string(e, "unmapped.project"), "/home/alice/project");
	assert_int_equal(records_int(e, "actor.process.pid"), 3001);
	assert_int_equal(records_int(e, "unmapped.root_pid"), 2001);
	assert_int_equal(records_int(e, "urgent"), 1);
	/* IPv6, by default, in shadow */
	records_net(&w, &curl, "2001:db8::7", 8443, BAILIFF_WOULD_DENY, BAILIFF_REASON_DEFAULT, 0);
	e = records_event(&w, EVENT_DESTINATION, 1);
	assert_string_equal(records_string(e, "unmapped.what"), "connection to [2001:db8::7]:8443");
	assert_string_equal(records_string(e, "unmapped.verdict"), "would_deny");
	assert_string_equal(records_string(e, "unmapped.rule"), "destinations/default");
	assert_non_null(strstr(records_string(e, "unmapped.sentence"), "Nothing was stopped."));
	assert_int_equal(records_int(e, "urgent"), 1);
	/* the exec of the shell and of curl */
	assert_int_equal(records_count(&w, EVENT_PROCESS_EXEC), 2);
	e = records_event(&w, EVENT_PROCESS_EXEC, 1);
	assert_string_equal(records_string(e, "process.cmd_line"), "curl https://blocked.example/");
	assert_string_equal(records_string(e, "unmapped.tool_use_id"), "toolu_curl");
	records_close(&w);
}

/* 6. From alice's own shell: no client, no lineage, and no place in the table for it. */
static void test_story_outside(void **state)
{
	struct record_actor shell = {.tgid = 900,
				     .tid = 900,
				     .start_ns = 5,
				     .uid = 1000,
				     .login_uid = UINT32_MAX,
				     .session = UINT32_MAX,
				     .who_uid = 1000,
				     .person = RECORDS_ALICE,
				     .comm = "curl"};
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	records_net(&w, &shell, "198.51.100.1", 443, BAILIFF_DENY, BAILIFF_REASON_NOT_INSPECTED,
		    RECORDS_RULE_MODEL);
	e = records_event(&w, EVENT_DESTINATION, 0);
	assert_string_equal(records_string(e, "unmapped.reason"), "not_inspected");
	assert_string_equal(records_string(e, "actor.user.name"), "alice@company.com");
	assert_string_equal(records_string(e, "actor.user.uid"), "1000");
	assert_null(records_at(e, "unmapped.login_uid"));
	assert_null(records_at(e, "unmapped.audit_session"));
	assert_null(records_at(e, "unmapped.tool_confidence"));
	assert_int_equal(records_int(e, "unmapped.governed"), 0);
	records_close(&w);
}

/* 7. Planted values, across deltas of three bytes and records of 61: masked everywhere, and each a
 * finding that names its detector and a digest. */
static void test_story_sensitive(void **state)
{
	static const char *const planted[] = {"078-05-1120", "4111 1111 1111 1111",
					      "jane.roe@example.org", "AKIAIOSFODNN7EXAMPLF"};
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice);
	struct records_world w;
	size_t n;

	c.chunk = 61;
	assert_int_equal(records_open_all(&w, true), 0);
	ask(&w, &c, USER_ASKS);
	answer_text(&w, &c,
		    "The SSN is 078-05-1120 ok. The card is 4111 1111 1111 1111 ok. Write to "
		    "jane.roe@example.org ok. The AWS key is AKIAIOSFODNN7EXAMPLF ok.",
		    3);
	for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++)
		absent(&w, planted[i]);
	n = records_count(&w, EVENT_SENSITIVE_DATA);
	assert_true(n >= 4);
	for (size_t i = 0; i < n; i++) {
		const json_t *e = records_event(&w, EVENT_SENSITIVE_DATA, i);

		assert_string_equal(records_string(e, "unmapped.direction"), "received");
		assert_string_equal(records_string(e, "unmapped.where"), "message");
		assert_true(strlen(records_string(e, "unmapped.detector")) > 1);
		assert_int_equal(records_int(e, "unmapped.count"), 1);
		assert_int_equal(json_array_size(records_at(e, "unmapped.digests")), 1);
		assert_string_equal(records_string(e, "actor.user.name"), "alice@company.com");
	}
	/* the text itself is there, around the masks */
	assert_non_null(strstr(records_string(records_event(&w, EVENT_MESSAGE, 1), "unmapped.text"),
			       "The SSN is "));
	records_close(&w);
}

/* A secret in a command line, in a tool's arguments and in a body outside the Messages API. */
static void test_sensitive_elsewhere(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000), bash;
	struct records_connection c = connection(&alice), other = connection(&alice);
	_cleanup_buffer_ struct buffer b = {0};
	struct records_world w;
	bool argv = false, input = false, body = false;

	other.ssl++;
	assert_int_equal(records_open(&w, true), 0);
	ask(&w, &c, USER_ASKS);
	answer_tool(&w, &c, "toolu_x", "Bash", "{\"command\":\"echo 078-05-1120\"}");
	bash = records_child(&w, &alice, 3000, NULL, "bash");
	records_exec(&w, &bash, ARGV("bash\0-c\0eval 'echo 078-05-1120'"));
	records_add(&b, "POST /collect HTTP/1.1\r\nHost: stats.example\r\nContent-Type: "
			"text/plain\r\nContent-Length: 20\r\n\r\nSSN is 078-05-1120 !");
	records_say(&w, &other, TLS_DIRECTION_SENT, &b);
	buffer_free(&b);
	records_add(&b, "HTTP/1.1 204 No Content\r\n\r\n");
	records_say(&w, &other, TLS_DIRECTION_RECEIVED, &b);
	absent(&w, "078-05-1120");
	for (size_t i = 0; i < records_count(&w, EVENT_SENSITIVE_DATA); i++) {
		const char *where = records_string(records_event(&w, EVENT_SENSITIVE_DATA, i),
						   "unmapped.where");

		argv |= strcmp(where, "argv") == 0;
		input |= strcmp(where, "tool_input") == 0;
		body |= strcmp(where, "other_body") == 0;
	}
	assert_true(argv);
	assert_true(input);
	assert_true(body);
	assert_string_equal(
		records_string(records_event(&w, EVENT_PROCESS_EXEC, 0), "unmapped.tool_use_id"),
		"toolu_x");
	/* an exchange outside the Messages API is told by its head, and by what was found in it */
	assert_int_equal(records_count(&w, EVENT_MODEL_REQUEST), 1);
	assert_int_equal(records_count(&w, EVENT_HTTP_REQUEST), 1);
	records_close(&w);
}

static void test_claims(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct record_actor carol = records_client(2002, RECORDS_CAROL, 1001);
	struct records_connection a = connection(&alice), c = connection(&carol);
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	/* alice's own two addresses, however they are written */
	assert_int_equal(records_note(&w, &alice, "/p", "Alice@Users.Example", "alice@company.com"),
			 0);
	ask(&w, &a, USER_ASKS);
	assert_int_equal(records_count(&w, EVENT_CLAIM_MISMATCH), 0);
	/* carol says that she is alice, and somebody that nobody knows */
	assert_int_equal(records_note(&w, &carol, "/p", "alice@company.com", "x@evil.example"), 0);
	ask(&w, &c, USER_ASKS);
	assert_int_equal(records_count(&w, EVENT_CLAIM_MISMATCH), 3);
	e = records_event(&w, EVENT_CLAIM_MISMATCH, 0);
	assert_string_equal(records_string(e, "actor.user.name"), "carol@company.com");
	assert_string_equal(records_string(e, "unmapped.claim.kind"), "git_email");
	assert_string_equal(records_string(e, "unmapped.claim.match"), "other_person");
	assert_string_equal(records_string(e, "unmapped.claim.person"), "alice@company.com");
	assert_string_not_equal(records_string(e, "unmapped.claim.text"), "alice@company.com");
	assert_true(strlen(records_string(e, "unmapped.claim.digest")) >= 64);
	e = records_event(&w, EVENT_CLAIM_MISMATCH, 1);
	assert_string_equal(records_string(e, "unmapped.claim.kind"), "user_email");
	assert_string_equal(records_string(e, "unmapped.claim.match"), "stranger");
	assert_null(records_at(e, "unmapped.claim.person"));
	/* the account on the wire was alice's a moment ago */
	e = records_event(&w, EVENT_CLAIM_MISMATCH, 2);
	assert_string_equal(records_string(e, "unmapped.claim.kind"), "account");
	assert_string_equal(records_string(e, "unmapped.claim.person"), "alice@company.com");
	/* once for each client and claim */
	assert_int_equal(records_note(&w, &carol, "/p", "alice@company.com", "x@evil.example"), 0);
	ask(&w, &c, USER_ASKS);
	assert_int_equal(records_count(&w, EVENT_CLAIM_MISMATCH), 3);
	/* what the client tells the model is a claim of its own, in every request, told once */
	for (int i = 0; i < 3; i++)
		ask(&w, &c,
		    USER_ASKS ",{\"role\":\"system\",\"content\":\"Git user email: "
			      "bob@company.com\"}");
	assert_int_equal(records_count(&w, EVENT_CLAIM_MISMATCH), 4);
	e = records_event(&w, EVENT_CLAIM_MISMATCH, 3);
	assert_string_equal(records_string(e, "unmapped.claim.kind"), "wire_git_email");
	assert_string_equal(records_string(e, "unmapped.claim.person"), "bob@company.com");
	absent(&w, "evil.example");
	records_close(&w);
}

/* The note after the records, before them, with an actor, and never followed by a record. */
static void test_note_order(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct record_actor bob = records_client(2002, RECORDS_BOB, 1002);
	struct record_actor eve = records_client(2003, 0, 1003);
	struct process_note note = {.tgid = 2004, .start_ns = 77, .executable = "/x/claude"};
	struct records_connection c = connection(&alice), d = connection(&bob);
	struct records_world w;

	assert_int_equal(records_open(&w, true), 0);
	ask(&w, &c, USER_ASKS);
	assert_int_equal(records_count(&w, EVENT_CLIENT_START), 0);
	assert_null(records_at(records_event(&w, EVENT_MODEL_REQUEST, 0), "unmapped.build_id"));
	assert_int_equal(records_note(&w, &alice, "/p", "", ""), 0);
	assert_int_equal(records_count(&w, EVENT_CLIENT_START), 1);
	assert_string_equal(
		records_string(records_event(&w, EVENT_CLIENT_START, 0), "actor.user.name"),
		"alice@company.com");
	/* before: the first record says who it is */
	assert_int_equal(records_note(&w, &bob, "/p", "", ""), 0);
	assert_int_equal(records_count(&w, EVENT_CLIENT_START), 1);
	ask(&w, &d, USER_ASKS);
	assert_int_equal(records_count(&w, EVENT_CLIENT_START), 2);
	assert_string_equal(
		records_string(records_event(&w, EVENT_CLIENT_START, 1), "actor.user.name"),
		"bob@company.com");
	assert_string_equal(
		records_string(records_event(&w, EVENT_MODEL_REQUEST, 1), "unmapped.build_id"),
		"deadbeef");
	/* with an actor: at once */
	note.actor = records_client(2004, RECORDS_CAROL, 1001);
	note.actor.start_ns = 77;
	assert_int_equal(pipeline_note(w.pipeline, &note), 0);
	assert_int_equal(records_count(&w, EVENT_CLIENT_START), 3);
	assert_string_equal(
		records_string(records_event(&w, EVENT_CLIENT_START, 2), "actor.user.name"),
		"carol@company.com");
	/* never: told all the same, when it has waited long enough */
	assert_int_equal(records_note(&w, &eve, "/p", "", ""), 0);
	pipeline_tick(w.pipeline, (int64_t)(w.now_ns + RECORDS_MS));
	assert_int_equal(records_count(&w, EVENT_CLIENT_START), 3);
	pipeline_tick(w.pipeline, (int64_t)(w.now_ns + 3000 * RECORDS_MS));
	assert_int_equal(records_count(&w, EVENT_CLIENT_START), 4);
	assert_int_equal(records_int(records_event(&w, EVENT_CLIENT_START, 3), "process.pid"),
			 2003);
	/* the note that it ended */
	note.ended = 1;
	assert_int_equal(pipeline_note(w.pipeline, &note), 0);
	assert_int_equal(records_count(&w, EVENT_CLIENT_STOP), 1);
	records_close(&w);
}

/* A note that no zero ends, and a build-id that says to be longer than it is. */
static void test_note_hostile(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice);
	struct process_note note;
	struct records_world w;

	memset(&note, 'A', sizeof(note));
	note.tgid = alice.tgid;
	note.start_ns = alice.start_ns;
	note.ended = 0;
	note.build_id_len = 255;
	assert_int_equal(records_open(&w, true), 0);
	assert_int_equal(pipeline_note(w.pipeline, &note), 0);
	ask(&w, &c, USER_ASKS);
	assert_int_equal(strlen(records_string(records_event(&w, EVENT_CLIENT_START, 0),
					       "unmapped.build_id")),
			 40);
	records_close(&w);
}

UNIT_MAIN(unit(test_story_allowed), unit(test_story_denied), unit(test_story_read_and_cat),
	  unit(test_story_slash_and_unknown), unit(test_bundled_skill),
	  unit(test_story_destination), unit(test_story_outside), unit(test_story_sensitive),
	  unit(test_sensitive_elsewhere), unit(test_claims), unit(test_note_order),
	  unit(test_note_hostile))
