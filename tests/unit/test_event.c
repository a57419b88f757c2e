// SPDX-License-Identifier: Apache-2.0
/* Events: one of each code against its example in docs/event-reference.md. */
#include "event_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/event_class.h"
#include "reader/proof.h"

static void set_text(struct mask_rules *rules, struct event *event, const char *path,
		     const char *text)
{
	_cleanup_(masked_freep) struct masked *m = NULL;

	assert_int_equal(mask_text(rules, text, strlen(text), &m), 0);
	assert_int_equal(event_set_masked(event, path, m), 0);
}

/* ---- one example of each code -----------------------------------------------------------------
 */

#define NO_VERDICT (-1)

struct attribute {
	const char *path;
	char kind; /* i integer, b bool, n name, t masked text, g group, p posture, a array element
		    */
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
	 {{"entity.name", 'n', "policy", 0},
	  {"entity.type", 'n', "policy", 0},
	  {"unmapped.policy_version", 'i', NULL, 12},
	  {"unmapped.policy_digest", 'n',
	   "9f86d081884c7d659a2feaa0c55ad015"
	   "a3bf4f1b2b0b822cd15d6c15b0f00a08",
	   0},
	  {"unmapped.generation", 'i', NULL, 3}}},
	{EVENT_POLICY_REFUSED,
	 NO_VERDICT,
	 {{"entity.name", 'n', "policy", 0},
	  {"entity.type", 'n', "policy", 0},
	  {"message", 'n', "a policy was refused; the one in force stays", 0},
	  {"unmapped.errors", 'i', NULL, 1},
	  {"unmapped.file", 'n', "acl.yaml", 0},
	  {"unmapped.line", 'i', NULL, 7},
	  {"unmapped.generation", 'i', NULL, 3}}},
	{EVENT_POSTURE,
	 NO_VERDICT,
	 {{"unmapped.posture", 'p', "destinations (lsm)", 0},
	  {"unmapped.posture", 'p', "skill files", 0}}},
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
	 {{"app.name", 'n', "claude-code", 0},
	  {"unmapped.pid", 'i', NULL, 4711},
	  {"unmapped.image", 'i', NULL, 12},
	  {"unmapped.build_id", 'n', "c0ffee", 0},
	  {"message", 'n', "two candidates for SSL_read", 0}}},
	{EVENT_CAPTURE_DISPROVED,
	 NO_VERDICT,
	 {ACTOR,
	  {"unmapped.image", 'i', NULL, 12},
	  {"unmapped.build_id", 'n', "c0ffee", 0},
	  {"unmapped.executable", 't', "/home/alice/claude", 0},
	  {"unmapped.project", 't', "/home/alice/project", 0},
	  {"unmapped.expected", 'n', PROOF_EXPECTED, 0},
	  {"message", 'n', "what the probes on a client show is not what a client sends", 0}}},
	{EVENT_DESTINATION,
	 BAILIFF_DENY,
	 {ACTOR,
	  {"dst_endpoint.ip", 'n', "203.0.113.9", 0},
	  {"dst_endpoint.port", 'i', NULL, 443},
	  {"dst_endpoint.hostname", 't', "blocked.example", 0},
	  {"unmapped.what", 't', "connection to blocked.example (203.0.113.9:443)", 0},
	  {"unmapped.reason", 'n', "default", 0},
	  {"unmapped.rule", 'n', "destinations/default", 0},
	  {"unmapped.door", 'n', "lsm_connect", 0},
	  {"unmapped.tool", 't', "Bash", 0}}},
	{EVENT_NAME,
	 BAILIFF_DENY,
	 {ACTOR,
	  {"query.hostname", 't', "cdn.example.com", 0},
	  {"unmapped.name_event", 'n', "refused_answer", 0},
	  {"unmapped.what", 't', "address 10.0.0.1 for the name cdn.example.com", 0},
	  {"unmapped.reason", 'n', "default", 0},
	  {"unmapped.rule", 'n', "destinations/default", 0}}},
	{EVENT_NAME_QUERY,
	 BAILIFF_DENY,
	 {ACTOR,
	  {"query.hostname", 't', "other.example", 0},
	  {"unmapped.name_event", 'n', "refused_query", 0},
	  {"unmapped.what", 't', "question for the name other.example", 0},
	  {"unmapped.reason", 'n', "dns_query", 0}}},
	{EVENT_DOOR,
	 BAILIFF_DENY,
	 {ACTOR,
	  {"process.pid", 'i', NULL, 812},
	  {"unmapped.door", 'n', "local_connect", 0},
	  {"unmapped.target", 't', "/run/docker.sock", 0},
	  {"unmapped.peer_pid", 'i', NULL, 812},
	  {"unmapped.what", 't', "connection to local socket /run/docker.sock", 0},
	  {"unmapped.reason", 'n', "local_socket", 0},
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
	{EVENT_HTTP_REQUEST,
	 NO_VERDICT,
	 {ACTOR,
	  {"dst_endpoint.hostname", 't', "allowed.example", 0},
	  {"http_request.http_method", 't', "GET", 0},
	  {"http_request.url.hostname", 't', "allowed.example", 0},
	  {"http_request.url.path", 't', "/report?page=1", 0},
	  {"http_request.user_agent", 't', "curl/7.88.1", 0},
	  {"unmapped.tool_use_id", 't', "toolu_a", 0},
	  {"unmapped.tool", 't', "Bash", 0},
	  {"unmapped.tool_confidence", 'n', "argv", 0}}},
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
	{EVENT_UNSAID,
	 BAILIFF_ALLOW,
	 {ACTOR,
	  {"dst_endpoint.ip", 'n', "203.0.113.9", 0},
	  {"dst_endpoint.port", 'i', NULL, 443},
	  {"dst_endpoint.hostname", 't', "files.example.com", 0},
	  {"connection_info.protocol_name", 'n', "tcp", 0},
	  {"traffic.bytes_out", 'i', NULL, 1050000},
	  {"unmapped.bytes_said", 'i', NULL, 1200},
	  {"unmapped.bytes_unsaid", 'i', NULL, 1048800},
	  {"unmapped.writes", 'i', NULL, 2},
	  {"unmapped.model_api", 'b', NULL, 0},
	  {"unmapped.tls_seen", 'b', NULL, 1},
	  {"unmapped.ended", 'b', NULL, 0},
	  {"unmapped.what", 't',
	   "1048800 bytes to files.example.com (203.0.113.9:443) that no probe saw", 0}}},
	{EVENT_INLINE,
	 BAILIFF_DENY,
	 {ACTOR,
	  {"finding_info.title", 'n', "Found in a stream: payment-card", 0},
	  {"finding_info.uid", 'n', "cafe", 0},
	  {"unmapped.detector", 'n', "payment-card", 0},
	  {"unmapped.kind", 'n', "request", 0},
	  {"unmapped.action", 'n', "block", 0},
	  {"unmapped.direction", 'n', "sent", 0},
	  {"unmapped.count", 'i', NULL, 1},
	  {"unmapped.repeat", 'b', NULL, 0},
	  {"unmapped.block", 'n', "B17", 0},
	  {"unmapped.host", 't', "api.anthropic.com", 0},
	  {"unmapped.model", 't', "claude-opus", 0},
	  {"unmapped.request_id", 't', "req_1", 0},
	  {"unmapped.reason", 'n', "content", 0},
	  {"unmapped.rule", 'n', "inline/payment-card", 0},
	  {"unmapped.what", 't', "what was sent to the model (payment-card)", 0}}},
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
	{EVENT_ADMIN,
	 NO_VERDICT,
	 {{"unmapped.uid", 'i', NULL, 0},
	  {"message", 'n', "the policy was asked to be loaded again", 0}}},
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
	case 'p':
		assert_int_equal(event_append(event, a->path,
					      json_pack("{s:s, s:s, s:s, s:s}", "capability",
							a->text, "state", "enforce", "means", "",
							"reason", "attached")),
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

UNIT_MAIN(unit(test_every_code), unit(test_examples_are_those_of_the_reference))
