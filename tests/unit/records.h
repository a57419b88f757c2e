/* SPDX-License-Identifier: Apache-2.0 */
/* Builds what the pipeline takes: records as the kernel writes them, plaintext as the client speaks
 * it; and keeps what it gives. Used by unit tests, the fuzz target and the benchmark. */
#ifndef UNIT_RECORDS_H
#define UNIT_RECORDS_H

#include <arpa/inet.h>
#include <assert.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/event.h"
#include "base/buffer.h"
#include "bpf/content_state.h"
#include "bpf/scan_table.h"
#include "reader/pipeline.h"

#define RECORDS_MS     1000000ULL
#define RECORDS_BUFFER (256u << 20)
#define RECORDS_UNUSED __attribute__((unused))

/* ---- the policy: alice and carol as in the published ACL, mallory in no list -------------------
 */

enum { RECORDS_ENGINEERS = 1, RECORDS_LEADS = 2, RECORDS_DATA = 4, RECORDS_DESIGN = 8 };
enum { RECORDS_ALICE = 1, RECORDS_BOB, RECORDS_CAROL };

static char *records_no_names[] = {NULL};
static char *records_docx_users[] = {(char *)"alice@company.com", (char *)"bob@company.com", NULL};
static char *records_alice_git[] = {(char *)"alice@users.example", NULL};
static char *records_teams[] = {(char *)"engineers", (char *)"leads", (char *)"data-team",
				(char *)"design-engineering"};
static struct policy_person records_people[] = {
	{.email = (char *)"alice@company.com",
	 .git_emails = records_alice_git,
	 .teams = RECORDS_ENGINEERS | RECORDS_LEADS},
	{.email = (char *)"bob@company.com", .teams = RECORDS_ENGINEERS | RECORDS_DATA},
	{.email = (char *)"carol@company.com", .teams = RECORDS_DESIGN},
};
static struct policy_skill records_skills[] = {
	{.name = (char *)"pdf",
	 .allowed_users = records_no_names,
	 .allowed_teams = RECORDS_ENGINEERS | RECORDS_DATA},
	{.name = (char *)"docx", .allowed_users = records_docx_users, .requires_approval = true},
};
/* Compiling all detectors takes seconds under the sanitizers. */
static char *records_detectors[] = {(char *)"us-ssn", (char *)"payment-card", (char *)"email",
				    (char *)"aws-access-key-id", NULL};
static struct policy records_policy RECORDS_UNUSED = {
	.detectors = records_detectors,
	.people = records_people,
	.n_people = 3,
	.teams = records_teams,
	.n_teams = 4,
	.skills = records_skills,
	.n_skills = 2,
	.log_text_bytes = 2000,
	.contact = (char *)"platform-security@company.com",
};
enum {
	RECORDS_RULE_SKILL_DEFAULT = 1,
	RECORDS_RULE_DEST_DEFAULT,
	RECORDS_RULE_PDF,
	RECORDS_RULE_BLOCKED,
	RECORDS_RULE_MODEL,
	RECORDS_RULE_CARD,
	RECORDS_RULE_SSN,
	RECORDS_RULE_PROMPT,
	RECORDS_RULE_TOOL
};
static struct policy_rule records_rules[] RECORDS_UNUSED = {
	{.kind = POLICY_RULE_SKILL},
	{POLICY_RULE_SKILL_DEFAULT, (char *)"skills/default", (char *)"other skills: deny", {0}},
	{POLICY_RULE_DESTINATION_DEFAULT, (char *)"destinations/default", (char *)"deny", {0}},
	{POLICY_RULE_SKILL,
	 (char *)"skill/pdf",
	 (char *)"skill pdf is for teams engineers and data-team",
	 {0}},
	{POLICY_RULE_DESTINATION,
	 (char *)"destinations/deny[0]",
	 (char *)"blocked.example is denied to everybody",
	 {0}},
	{POLICY_RULE_DESTINATION,
	 (char *)"model/endpoints[0]",
	 (char *)"api.anthropic.com is for inspected clients",
	 {0}},
	{POLICY_RULE_INLINE,
	 (char *)"inline/payment-card",
	 (char *)"payment cards are not sent to the model",
	 {0}},
	{POLICY_RULE_INLINE, (char *)"inline/us-ssn", (char *)"social security numbers", {0}},
	{POLICY_RULE_INLINE,
	 (char *)"inline/prompts/credentials",
	 (char *)"forbidden in prompts",
	 {0}},
	{POLICY_RULE_TOOL, (char *)"tools/WebFetch", (char *)"tool WebFetch is for team data", {0}},
};

/* ---- the world: a pipeline, a clock, what came out ---------------------------------------------
 */

struct records_world {
	struct pipeline *pipeline;
	uint64_t now_ns;
	json_t *events;	   /* array, parsed */
	struct buffer all; /* the same as lines: for "is this nowhere?" */
	uint64_t n_events, n_urgent, bytes_out;
	bool keep;
};

static RECORDS_UNUSED void records_emit(void *ctx, const char *json, size_t len, bool urgent)
{
	struct records_world *w = ctx;

	w->n_events++;
	w->n_urgent += urgent;
	w->bytes_out += len;
	if (!w->keep)
		return;
	json_t *event = json_loadb(json, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	assert(event);
	json_object_set_new(event, "urgent", json_boolean(urgent));
	json_array_append_new(w->events, event);
	assert(buffer_append(&w->all, json, len, RECORDS_BUFFER) == 0);
	assert(buffer_append(&w->all, "\n", 1, RECORDS_BUFFER) == 0);
}

static RECORDS_UNUSED int records_open_with(struct records_world *w, const struct policy *policy,
					    bool keep)
{
	struct pipeline_options o = {
		.policy = policy,
		.rules = records_rules,
		.n_rules = sizeof(records_rules) / sizeof(records_rules[0]),
		.host = "build-7",
		.pseudonym_key = {1, 2, 3},
		.boot_epoch_ns = 1700000000LL * 1000000000LL,
		.emit = records_emit,
		.ctx = w,
	};

	*w = (struct records_world){.now_ns = 1000 * RECORDS_MS, .keep = keep};
	w->events = json_array();
	return pipeline_new(&o, &w->pipeline);
}

static RECORDS_UNUSED int records_open(struct records_world *w, bool keep)
{
	return records_open_with(w, &records_policy, keep);
}

/* With every detector that is built in. */
static RECORDS_UNUSED int records_open_all(struct records_world *w, bool keep)
{
	static struct policy all;

	all = records_policy;
	all.detectors = NULL;
	return records_open_with(w, &all, keep);
}

static RECORDS_UNUSED void records_close(struct records_world *w)
{
	pipeline_free(w->pipeline);
	json_decref(w->events);
	buffer_free(&w->all);
}

/* The value at a dotted path of an event, or NULL. */
static RECORDS_UNUSED const json_t *records_at(const json_t *event, const char *path)
{
	char part[128];

	while (event && *path) {
		size_t n = strcspn(path, ".");

		assert(n < sizeof(part));
		memcpy(part, path, n);
		part[n] = 0;
		event = json_object_get(event, part);
		path += n + (path[n] == '.');
	}
	return event;
}

static RECORDS_UNUSED const char *records_string(const json_t *event, const char *path)
{
	const char *s = json_string_value(records_at(event, path));

	return s ? s : "(absent)";
}

static RECORDS_UNUSED long long records_int(const json_t *event, const char *path)
{
	const json_t *v = records_at(event, path);

	return json_is_integer(v)   ? (long long)json_integer_value(v)
	       : json_is_boolean(v) ? json_is_true(v)
				    : -1;
}

/* The n-th event (from 0) with this code, or NULL. */
static RECORDS_UNUSED const json_t *records_event(const struct records_world *w,
						  enum event_code code, size_t n)
{
	const char *name = event_code_to_string(code);
	const json_t *event;
	size_t i;

	json_array_foreach (w->events, i, event)
		if (strcmp(records_string(event, "metadata.event_code"), name) == 0 && n-- == 0)
			return event;
	return NULL;
}

static RECORDS_UNUSED size_t records_count(const struct records_world *w, enum event_code code)
{
	size_t n = 0;

	while (records_event(w, code, n))
		n++;
	return n;
}

/* ---- who ---------------------------------------------------------------------------------------
 */

static RECORDS_UNUSED struct record_actor records_client(uint32_t pid, uint32_t person,
							 uint32_t uid)
{
	return (struct record_actor){
		.tgid = pid,
		.tid = pid + 1,
		.start_ns = 500 * RECORDS_MS + pid,
		.cgroup = 4242,
		.uid = uid,
		.login_uid = uid,
		.session = 7,
		.who_uid = uid,
		.person = person,
		.flags = TASK_GOVERNED | TASK_CLIENT,
		.root_tgid = pid,
		.root_start_ns = 500 * RECORDS_MS + pid,
		.comm = "claude",
	};
}

/* A process below a client; branch: the client's child above it, 0 when it is that child itself. */
static RECORDS_UNUSED struct record_actor
records_child(const struct records_world *w, const struct record_actor *client, uint32_t pid,
	      const struct record_actor *branch, const char *comm)
{
	struct record_actor a = *client;

	a.flags = TASK_GOVERNED;
	a.tgid = a.tid = pid;
	a.start_ns = w->now_ns;
	a.spawn_tgid = branch ? branch->tgid : pid;
	a.spawn_start_ns = branch ? branch->start_ns : a.start_ns;
	memset(a.comm, 0, sizeof(a.comm));
	memcpy(a.comm, comm, strnlen(comm, sizeof(a.comm)));
	return a;
}

/* ---- records -----------------------------------------------------------------------------------
 */

static RECORDS_UNUSED struct record_head records_head(struct records_world *w,
						      const struct record_actor *actor,
						      enum record_type type, size_t size)
{
	w->now_ns += RECORDS_MS;
	return (struct record_head){
		.version = CONTRACT_VERSION,
		.type = (uint16_t)type,
		.size = (uint32_t)size,
		.time_ns = w->now_ns,
		.generation = 3,
		.actor = *actor,
	};
}

static RECORDS_UNUSED int records_note(struct records_world *w, const struct record_actor *actor,
				       const char *directory, const char *git_email,
				       const char *user_email)
{
	struct process_note note = {
		.tgid = actor->tgid,
		.start_ns = actor->start_ns,
		.build_id = {0xde, 0xad, 0xbe, 0xef},
		.build_id_len = 4,
		.executable = "/usr/local/bin/claude",
		.cgroup = "/user.slice/user-1000.slice",
	};

	snprintf(note.directory, sizeof(note.directory), "%s", directory);
	snprintf(note.git_email, sizeof(note.git_email), "%s", git_email);
	snprintf(note.user_email, sizeof(note.user_email), "%s", user_email);
	return pipeline_note(w->pipeline, &note);
}

static RECORDS_UNUSED int records_exit(struct records_world *w, const struct record_actor *actor)
{
	struct record_head h = records_head(w, actor, RECORD_EXIT, sizeof(h));

	return pipeline_record(w->pipeline, &h, sizeof(h));
}

/* argv: n bytes, zero-separated. Handed over with the record's used part only, as the kernel does.
 */
static RECORDS_UNUSED int records_exec(struct records_world *w, const struct record_actor *actor,
				       const char *argv, size_t n)
{
	struct record_exec r = {0};
	size_t size = offsetof(struct record_exec, argv) + n;

	assert(n <= RECORD_ARGV_SIZE);
	r.head = records_head(w, actor, RECORD_EXEC, size);
	r.argv_len = (uint32_t)n;
	memcpy(r.argv, argv, n);
	return pipeline_record(w->pipeline, &r, size);
}

static RECORDS_UNUSED int records_net(struct records_world *w, const struct record_actor *actor,
				      const char *address, uint16_t port, uint32_t verdict,
				      uint32_t reason, uint32_t rule)
{
	struct record_net r = {0};

	r.head = records_head(w, actor, RECORD_NET, sizeof(r));
	r.verdict = verdict;
	r.reason = reason;
	r.rule = rule;
	r.door = NET_DOOR_LSM_CONNECT;
	r.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	assert(inet_pton(r.family, address, r.address) == 1);
	r.port = port;
	r.protocol = IPPROTO_TCP;
	return pipeline_record(w->pipeline, &r, sizeof(r));
}

static RECORDS_UNUSED int records_name(struct records_world *w, const struct record_actor *actor,
				       enum name_event event, uint32_t verdict, const char *name,
				       const char *address)
{
	struct record_name r = {0};

	r.head = records_head(w, actor, RECORD_NAME, sizeof(r));
	r.verdict = verdict;
	r.event = event;
	r.reason = event == NAME_REFUSED_QUERY ? BAILIFF_REASON_QUERY : BAILIFF_REASON_NONE;
	r.ttl = 60;
	if (address) {
		r.family = strchr(address, ':') ? AF_INET6 : AF_INET;
		assert(inet_pton(r.family, address, r.address) == 1);
	}
	r.name_len = (uint32_t)strlen(name);
	memcpy(r.name, name, r.name_len);
	return pipeline_record(w->pipeline, &r, sizeof(r));
}

static RECORDS_UNUSED int records_skill(struct records_world *w, const struct record_actor *actor,
					const char *name, uint32_t verdict, uint32_t reason,
					uint32_t rule)
{
	struct record_skill r = {0};

	r.head = records_head(w, actor, RECORD_SKILL, sizeof(r));
	r.verdict = verdict;
	r.reason = reason;
	r.rule = rule;
	snprintf(r.name, sizeof(r.name), "%s", name);
	snprintf(r.path, sizeof(r.path), "/home/user/.claude/skills/%s/SKILL.md", name);
	r.path_len = (uint32_t)strlen(r.path);
	return pipeline_record(w->pipeline, &r, sizeof(r));
}

/* A TLS connection of a client; offsets go on by themselves. */
struct records_connection {
	struct record_actor actor;
	uint64_t ssl;
	uint32_t epoch;
	uint64_t offset[2];
	size_t chunk; /* bytes a record; 0: the largest */
};

/* Something that was found in what the next chunk of the connection carries. */
static RECORDS_UNUSED struct record_inline
records_found(struct records_world *w, const struct records_connection *c, enum content_kind kind,
	      enum scan_action action, uint32_t verdict, uint32_t rule)
{
	return (struct record_inline){
		.head = records_head(w, &c->actor, RECORD_INLINE, sizeof(struct record_inline)),
		.verdict = verdict,
		.reason = BAILIFF_REASON_CONTENT,
		.rule = rule,
		.direction = kind == CONTENT_REQUEST ? TLS_DIRECTION_SENT : TLS_DIRECTION_RECEIVED,
		.ssl = c->ssl,
		.epoch = c->epoch,
		.kind = (uint16_t)kind,
		.action = (uint16_t)action,
		.found = 1,
	};
}

static RECORDS_UNUSED int records_chunk(struct records_world *w, struct records_connection *c,
					uint32_t direction, const void *bytes, size_t len,
					uint32_t flags)
{
	static union {
		struct record_tls r;
		uint8_t bytes[sizeof(struct record_tls) + TLS_CHUNK_LARGE];
	} u;
	size_t follows = flags & TLS_UNREADABLE ? 0 : len;

	u.r.head = records_head(w, &c->actor, RECORD_TLS, sizeof(u.r) + follows);
	u.r.ssl = c->ssl;
	u.r.epoch = c->epoch;
	u.r.offset = c->offset[direction];
	u.r.direction = direction;
	u.r.len = (uint32_t)len;
	u.r.flags = flags;
	memcpy(u.bytes + sizeof(u.r), bytes, follows);
	c->offset[direction] += len;
	return pipeline_record(w->pipeline, &u, sizeof(u.r) + follows);
}

static RECORDS_UNUSED int records_say(struct records_world *w, struct records_connection *c,
				      uint32_t direction, const struct buffer *text)
{
	size_t step = c->chunk ? c->chunk : TLS_CHUNK_LARGE;

	for (size_t at = 0; at < text->len; at += step) {
		size_t n = text->len - at < step ? text->len - at : step;
		int r = records_chunk(w, c, direction, text->data + at, n, 0);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- what the client and the API say ------------------------------------------------------------
 */

#define RECORDS_DEVICE	"3f9a1c0de5b7428896aa04c1d2e3f4053f9a1c0de5b7428896aa04c1d2e3f405"
#define RECORDS_ACCOUNT "0d4f6a1e-9b0c-4f0e-8a43-2f1f5f0c9c11"
#define RECORDS_SESSION "7c1f1e0a-54c6-4b7e-9d7f-0a52c6b1de34"

static RECORDS_UNUSED void records_add(struct buffer *b, const char *text)
{
	assert(buffer_append(b, text, strlen(text), RECORDS_BUFFER) == 0);
}

/* A Messages request. messages: the inside of the array. */
static RECORDS_UNUSED void records_request(struct buffer *b, const char *messages)
{
	static const char head[] = "{\"model\":\"claude-sonnet-4-5\",\"messages\":[";
	static const char tail[] =
		"],\"system\":[{\"type\":\"text\",\"text\":\"x-anthropic-billing-header: "
		"cc_version=2.1.329.59d; cc_entrypoint=sdk-cli; cch=9066f;\"}],\"metadata\":{"
		"\"user_id\":\"{\\\"device_id\\\":\\\"" RECORDS_DEVICE
		"\\\",\\\"account_uuid\\\":\\\"" RECORDS_ACCOUNT
		"\\\",\\\"session_id\\\":\\\"" RECORDS_SESSION "\\\"}\"},\"max_tokens\":32000,"
		"\"stream\":true}";
	size_t len = sizeof(head) - 1 + strlen(messages) + sizeof(tail) - 1;

	assert(buffer_printf(b, RECORDS_BUFFER,
			     "POST /v1/messages?beta=true HTTP/1.1\r\n"
			     "Host: api.anthropic.com\r\n"
			     "User-Agent: claude-cli/2.1.329 (external, sdk-cli)\r\n"
			     "X-Claude-Code-Session-Id: " RECORDS_SESSION "\r\n"
			     "x-api-key: sk-ant-api03-dummydummydummy\r\n"
			     "x-client-request-id: 5b1c2b3e-0c3a-4b4c-8d6a-6f6d5e4c3b2a\r\n"
			     "Content-Type: application/json\r\n"
			     "Content-Length: %zu\r\n\r\n",
			     len) == 0);
	records_add(b, head);
	records_add(b, messages);
	records_add(b, tail);
}

static RECORDS_UNUSED void records_chunked(struct buffer *b, const char *text)
{
	assert(buffer_printf(b, RECORDS_BUFFER, "%zx\r\n%s\r\n", strlen(text), text) == 0);
}

static RECORDS_UNUSED void records_sse(struct buffer *b, const char *type, const char *rest)
{
	struct buffer one = {0};

	assert(buffer_printf(&one, RECORDS_BUFFER, "event: %s\ndata: {\"type\":\"%s\"%s}\n\n", type,
			     type, rest) == 0);
	records_chunked(b, (char *)one.data);
	buffer_free(&one);
}

static RECORDS_UNUSED void records_reply_begin(struct buffer *b)
{
	records_add(b, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n");
	records_sse(b, "message_start",
		    ",\"message\":{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\","
		    "\"model\":\"claude-sonnet-4-5\",\"content\":[],\"usage\":{\"input_tokens\":25,"
		    "\"output_tokens\":1}}");
}

/* A block of text, `step` bytes a delta. The text must not need JSON escapes. */
static RECORDS_UNUSED void records_reply_text(struct buffer *b, unsigned int index,
					      const char *text, size_t step)
{
	char rest[1024];

	snprintf(rest, sizeof(rest),
		 ",\"index\":%u,\"content_block\":{\"type\":\"text\",\"text\":\"\"}", index);
	records_sse(b, "content_block_start", rest);
	for (size_t at = 0, n = strlen(text); at < n; at += step) {
		snprintf(rest, sizeof(rest),
			 ",\"index\":%u,\"delta\":{\"type\":\"text_delta\",\"text\":\"%.*s\"}",
			 index, (int)(n - at < step ? n - at : step), text + at);
		records_sse(b, "content_block_delta", rest);
	}
	snprintf(rest, sizeof(rest), ",\"index\":%u", index);
	records_sse(b, "content_block_stop", rest);
}

/* A tool_use whose input comes in pieces of seven bytes. input: JSON. */
static RECORDS_UNUSED void records_reply_tool(struct buffer *b, unsigned int index, const char *id,
					      const char *name, const char *input)
{
	char rest[1024];

	snprintf(rest, sizeof(rest),
		 ",\"index\":%u,\"content_block\":{\"type\":\"tool_use\",\"id\":\"%s\","
		 "\"name\":\"%s\",\"input\":{}}",
		 index, id, name);
	records_sse(b, "content_block_start", rest);
	for (size_t at = 0, n = strlen(input); at < n; at += 7) {
		char piece[8] = "";
		json_t *s;
		char *dump;

		memcpy(piece, input + at, n - at < 7 ? n - at : 7);
		s = json_string(piece);
		dump = json_dumps(s, JSON_ENCODE_ANY);
		snprintf(rest, sizeof(rest),
			 ",\"index\":%u,\"delta\":{\"type\":\"input_json_delta\","
			 "\"partial_json\":%s}",
			 index, dump);
		records_sse(b, "content_block_delta", rest);
		free(dump);
		json_decref(s);
	}
	snprintf(rest, sizeof(rest), ",\"index\":%u", index);
	records_sse(b, "content_block_stop", rest);
}

static RECORDS_UNUSED void records_reply_end(struct buffer *b, const char *stop_reason)
{
	char rest[256];

	snprintf(rest, sizeof(rest),
		 ",\"delta\":{\"stop_reason\":\"%s\",\"stop_sequence\":null},"
		 "\"usage\":{\"output_tokens\":15}",
		 stop_reason);
	records_sse(b, "message_delta", rest);
	records_sse(b, "message_stop", "");
	records_add(b, "0\r\n\r\n");
}

#endif
