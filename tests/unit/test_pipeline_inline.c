// SPDX-License-Identifier: Apache-2.0
/* What the kernel found in streams: one event for each finding, with the exchange and the tool_use
 * that it stands in, however records and bytes come; and none that is lost. */
#include "harness.h"

#include "base/cleanup.h"
#include "reader/limits.h"
#include "records.h"

#define USER_ASKS  "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"pay it\"}]}"
#define REQUEST_ID "5b1c2b3e-0c3a-4b4c-8d6a-6f6d5e4c3b2a"

struct scene {
	struct records_world w;
	struct record_actor alice;
	struct records_connection c;
};

static void scene_open(struct scene *s)
{
	s->alice = records_client(2001, RECORDS_ALICE, 1000);
	s->c = (struct records_connection){.actor = s->alice, .ssl = 0x7f0000001000, .epoch = 1};
	assert_int_equal(records_open(&s->w, true), 0);
	assert_int_equal(records_note(&s->w, &s->alice, "/home/alice/project", "", ""), 0);
}

static void scene_close(struct scene *s)
{
	assert_int_equal(records_count(&s->w, EVENT_LOSS), 0);
	records_close(&s->w);
}

static void tell(struct scene *s, const struct record_inline *r)
{
	assert_int_equal(pipeline_record(s->w.pipeline, r, sizeof(*r)), 0);
}

static size_t told(const struct scene *s)
{
	return records_count(&s->w, EVENT_INLINE);
}

static void ask(struct scene *s)
{
	_cleanup_buffer_ struct buffer b = {0};

	records_request(&b, USER_ASKS);
	assert_int_equal(records_say(&s->w, &s->c, TLS_DIRECTION_SENT, &b), 0);
}

static void received(struct scene *s, struct buffer *b)
{
	assert_int_equal(records_say(&s->w, &s->c, TLS_DIRECTION_RECEIVED, b), 0);
	buffer_free(b);
}

static struct record_inline block(struct scene *s)
{
	struct record_inline r = records_found(&s->w, &s->c, CONTENT_REQUEST, SCAN_BLOCK,
					       BAILIFF_DENY, RECORDS_RULE_CARD);

	r.number = 17;
	return r;
}

static void check_block(const json_t *e)
{
	assert_non_null(e);
	assert_int_equal(records_int(e, "class_uid"), 2006);
	assert_string_equal(records_string(e, "disposition"), "Blocked");
	assert_string_equal(records_string(e, "unmapped.verdict"), "denied");
	assert_string_equal(records_string(e, "unmapped.reason"), "content");
	assert_string_equal(records_string(e, "unmapped.rule"), "inline/payment-card");
	assert_string_equal(records_string(e, "unmapped.detector"), "payment-card");
	assert_string_equal(records_string(e, "unmapped.kind"), "request");
	assert_string_equal(records_string(e, "unmapped.action"), "block");
	assert_string_equal(records_string(e, "unmapped.direction"), "sent");
	assert_string_equal(records_string(e, "unmapped.block"), "B17");
	assert_int_equal(records_int(e, "unmapped.count"), 1);
	assert_int_equal(records_int(e, "unmapped.repeat"), 0);
	assert_string_equal(records_string(e, "unmapped.person"), "alice@company.com");
	assert_string_equal(records_string(e, "unmapped.project"), "/home/alice/project");
	assert_string_equal(records_string(e, "unmapped.what"),
			    "what was sent to the model (payment-card)");
	assert_string_equal(
		records_string(e, "unmapped.sentence"),
		"What was sent to the model (payment-card) was refused: rule inline/payment-card: "
		"payment cards are not sent to the model. It was not sent; where it comes again it "
		"is masked. Leave it out, or ask platform-security@company.com.");
	assert_int_equal(records_int(e, "urgent"), 1);
}

static void check_exchange(const json_t *e)
{
	assert_string_equal(records_string(e, "unmapped.request_id"), REQUEST_ID);
	assert_string_equal(records_string(e, "unmapped.client_session"), RECORDS_SESSION);
	assert_string_equal(records_string(e, "unmapped.model"), "claude-sonnet-4-5");
	assert_string_equal(records_string(e, "unmapped.host"), "api.anthropic.com");
	assert_int_equal(records_int(e, "unmapped.exchange"), 1);
}

/* The record comes before the first bytes of its connection: it waits for them, and knows then
 * whose request it was. A denial travels by another ring, and may come after them. */
static void test_block(void **state)
{
	for (int late = 0; late < 2; late++) {
		struct record_inline r;
		struct scene s;

		scene_open(&s);
		r = block(&s);
		if (!late) {
			tell(&s, &r);
			assert_int_equal(told(&s), 0);
		}
		ask(&s);
		if (late)
			tell(&s, &r);
		assert_int_equal(told(&s), 1);
		check_block(records_event(&s.w, EVENT_INLINE, 0));
		check_exchange(records_event(&s.w, EVENT_INLINE, 0));
		assert_int_equal(records_exit(&s.w, &s.alice), 0);
		assert_int_equal(told(&s), 1);
		assert_int_equal(
			records_int(records_event(&s.w, EVENT_CLIENT_STOP, 0), "unmapped.denials"),
			1);
		scene_close(&s);
	}
}

/* Bytes that never come: what is known is told, by the next tick for what the person is told of.
 * The request before is not taken for it. */
static void test_nothing_is_lost(void **state)
{
	enum { TICK, SOON, CLOSE, REUSE, POLICY, END };

	for (int how = TICK; how <= END; how++) {
		struct record_inline r;
		struct scene s;

		scene_open(&s);
		ask(&s);
		r = block(&s);
		r.action = how == SOON ? SCAN_MASK : SCAN_BLOCK;
		tell(&s, &r);
		assert_int_equal(told(&s), 0);
		switch (how) {
		case TICK:
			pipeline_tick(s.w.pipeline, (int64_t)(s.w.now_ns + READER_FOUND_URGENT_NS));
			break;
		case SOON:
			pipeline_tick(s.w.pipeline,
				      (int64_t)(s.w.now_ns + READER_FOUND_WAIT_NS - 1));
			assert_int_equal(told(&s), 0);
			pipeline_tick(s.w.pipeline, (int64_t)(s.w.now_ns + READER_FOUND_WAIT_NS));
			break;
		case CLOSE:
			assert_int_equal(records_exit(&s.w, &s.alice), 0);
			break;
		case REUSE:
			s.c.epoch = 2;
			s.c.offset[0] = s.c.offset[1] = 0;
			ask(&s);
			break;
		case POLICY:
			assert_int_equal(pipeline_set_policy(s.w.pipeline, NULL, NULL, 0), 0);
			break;
		default:
			pipeline_free(s.w.pipeline);
			s.w.pipeline = NULL;
		}
		assert_int_equal(told(&s), 1);
		if (how != SOON)
			check_block(records_event(&s.w, EVENT_INLINE, 0));
		assert_null(
			records_at(records_event(&s.w, EVENT_INLINE, 0), "unmapped.request_id"));
		scene_close(&s);
	}
}

static void test_many_wait(void **state)
{
	struct scene s;

	scene_open(&s);
	for (int i = 0; i < 3 * READER_FOUND_MAX; i++) {
		struct record_inline r = block(&s);

		r.number = (uint64_t)i + 1;
		tell(&s, &r);
		assert_int_equal(told(&s), i < READER_FOUND_MAX ? 0 : i + 1 - READER_FOUND_MAX);
	}
	ask(&s);
	assert_int_equal(told(&s), 3 * READER_FOUND_MAX);
	for (int i = 0; i < 3 * READER_FOUND_MAX; i++) {
		char want[16];

		snprintf(want, sizeof(want), "B%d", i + 1);
		assert_string_equal(records_string(records_event(&s.w, EVENT_INLINE, (size_t)i),
						   "unmapped.block"),
				    want);
	}
	scene_close(&s);
}

static void test_text(void **state)
{
	_cleanup_buffer_ struct buffer b = {0};
	struct record_inline r;
	struct scene s;
	const json_t *e;

	scene_open(&s);
	ask(&s);
	r = records_found(&s.w, &s.c, CONTENT_TEXT, SCAN_MASK, BAILIFF_DENY, RECORDS_RULE_SSN);
	r.found = 3;
	tell(&s, &r);
	/* whose answer it is is known: nothing to wait for */
	assert_int_equal(told(&s), 1);
	e = records_event(&s.w, EVENT_INLINE, 0);
	check_exchange(e);
	assert_string_equal(records_string(e, "action"), "Modified");
	assert_int_equal(records_int(e, "action_id"), 4);
	assert_string_equal(records_string(e, "disposition"), "Corrected");
	assert_string_equal(records_string(e, "unmapped.verdict"), "denied");
	assert_string_equal(records_string(e, "unmapped.kind"), "text");
	assert_string_equal(records_string(e, "unmapped.action"), "mask");
	assert_string_equal(records_string(e, "unmapped.direction"), "received");
	assert_int_equal(records_int(e, "unmapped.count"), 3);
	assert_null(records_at(e, "unmapped.block"));
	assert_null(records_at(e, "unmapped.tool_confidence"));
	assert_string_equal(records_string(e, "unmapped.what"),
			    "us-ssn in what the model answered");
	assert_string_equal(records_string(e, "unmapped.sentence"),
			    "Us-ssn in what the model answered was masked: rule inline/us-ssn: "
			    "social security numbers. Ask platform-security@company.com.");
	/* nobody is told on a terminal of what was masked */
	assert_int_equal(records_int(e, "urgent"), 0);
	records_reply_begin(&b);
	records_reply_text(&b, 0, "it is ***-**-****", 40);
	records_reply_end(&b, "end_turn");
	received(&s, &b);
	assert_int_equal(records_exit(&s.w, &s.alice), 0);
	assert_int_equal(told(&s), 1);
	assert_int_equal(records_int(records_event(&s.w, EVENT_CLIENT_STOP, 0), "unmapped.denials"),
			 0);
	scene_close(&s);
}

static struct record_inline input(struct scene *s, enum scan_action action)
{
	return records_found(&s->w, &s->c, CONTENT_INPUT, action,
			     action == SCAN_LOG ? BAILIFF_ALLOW : BAILIFF_DENY, RECORDS_RULE_SSN);
}

static void check_tool(const struct scene *s, size_t n, const char *id, const char *tool)
{
	const json_t *e = records_event(&s->w, EVENT_INLINE, n);
	char what[128];

	assert_non_null(e);
	snprintf(what, sizeof(what), "us-ssn in the input of tool %s", tool);
	assert_string_equal(records_string(e, "unmapped.kind"), "tool_input");
	assert_string_equal(records_string(e, "unmapped.tool_use_id"), id);
	assert_string_equal(records_string(e, "unmapped.tool"), tool);
	assert_string_equal(records_string(e, "unmapped.tool_confidence"), "only");
	assert_string_equal(records_string(e, "unmapped.what"), what);
	assert_null(records_at(e, "unmapped.tool_use_ids"));
}

/* The tool_use comes with the next chunk, whole. */
static void test_tool_input(void **state)
{
	_cleanup_buffer_ struct buffer b = {0};
	struct record_inline r;
	struct scene s;

	scene_open(&s);
	ask(&s);
	r = input(&s, SCAN_LOG);
	tell(&s, &r);
	assert_int_equal(told(&s), 0);
	records_reply_begin(&b);
	records_reply_tool(&b, 0, "toolu_one", "Write", "{\"content\":\"078-05-1120\"}");
	records_reply_end(&b, "tool_use");
	received(&s, &b);
	assert_int_equal(told(&s), 1);
	check_tool(&s, 0, "toolu_one", "Write");
	check_exchange(records_event(&s.w, EVENT_INLINE, 0));
	assert_string_equal(
		records_string(records_event(&s.w, EVENT_INLINE, 0), "unmapped.verdict"),
		"allowed");
	assert_null(memmem(s.w.all.data, s.w.all.len, "078-05-1120", 11));
	scene_close(&s);
}

/* The tool_use is open in the chunk, and ends much later: it is known by then all the same. One
 * that ended before, and one that begins after, are not taken for it; not by what comes late
 * either. */
static void test_tool_input_in_pieces(void **state)
{
	_cleanup_buffer_ struct buffer b = {0};
	struct record_inline r, late;
	struct scene s;
	char part[256];

	scene_open(&s);
	ask(&s);
	records_reply_begin(&b);
	records_reply_tool(&b, 0, "toolu_before", "Read", "{\"file_path\":\"/etc/hosts\"}");
	received(&s, &b);
	records_sse(&b, "content_block_start",
		    ",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_two\","
		    "\"name\":\"Bash\",\"input\":{}}");
	received(&s, &b);
	r = input(&s, SCAN_MASK);
	late = input(&s, SCAN_BLOCK);
	tell(&s, &r);
	assert_int_equal(told(&s), 0);
	snprintf(part, sizeof(part),
		 ",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"%s\"}",
		 "{\\\"command\\\":\\\"echo ***-**-****\\\"}");
	records_sse(&b, "content_block_delta", part);
	received(&s, &b);
	assert_int_equal(told(&s), 1);
	check_tool(&s, 0, "toolu_two", "Bash");
	records_sse(&b, "content_block_stop", ",\"index\":1");
	received(&s, &b);
	records_reply_tool(&b, 2, "toolu_after", "Grep", "{\"pattern\":\"x\"}");
	records_reply_end(&b, "tool_use");
	received(&s, &b);
	tell(&s, &late);
	assert_int_equal(told(&s), 2);
	assert_string_equal(records_string(records_event(&s.w, EVENT_INLINE, 1), "unmapped.tool"),
			    "Bash");
	assert_string_equal(
		records_string(records_event(&s.w, EVENT_INLINE, 1), "unmapped.sentence"),
		"The input of tool Bash (us-ssn) was refused: rule inline/us-ssn: social security "
		"numbers. It was made unusable before Claude Code had it. Ask "
		"platform-security@company.com.");
	scene_close(&s);
}

/* Two in one chunk: each is named, none is said to be it. */
static void test_tool_input_of_two(void **state)
{
	_cleanup_buffer_ struct buffer b = {0};
	struct record_inline r;
	struct scene s;
	const json_t *e, *ids;

	scene_open(&s);
	ask(&s);
	r = input(&s, SCAN_MASK);
	tell(&s, &r);
	records_reply_begin(&b);
	records_reply_tool(&b, 0, "toolu_one", "Bash", "{\"command\":\"a\"}");
	records_reply_tool(&b, 1, "toolu_two", "Bash", "{\"command\":\"b\"}");
	records_reply_end(&b, "tool_use");
	received(&s, &b);
	assert_int_equal(told(&s), 1);
	e = records_event(&s.w, EVENT_INLINE, 0);
	ids = records_at(e, "unmapped.tool_use_ids");
	assert_int_equal(json_array_size(ids), 2);
	assert_string_equal(json_string_value(json_array_get(ids, 0)), "toolu_one");
	assert_string_equal(json_string_value(json_array_get(ids, 1)), "toolu_two");
	assert_string_equal(records_string(e, "unmapped.tool_confidence"), "unknown");
	assert_null(records_at(e, "unmapped.tool_use_id"));
	assert_string_equal(records_string(e, "unmapped.what"), "us-ssn in the input of a tool");
	scene_close(&s);
}

/* A response that is one document says what its tools are when it ends: the finding waits on. */
static void test_tool_input_of_a_document(void **state)
{
	static const char body[] =
		"{\"id\":\"msg_01\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{"
		"\"type\":\"tool_use\",\"id\":\"toolu_doc\",\"name\":\"Edit\",\"input\":{\"a\":"
		"\"***-**-****\"}}],\"stop_reason\":\"tool_use\"}";
	_cleanup_buffer_ struct buffer b = {0};
	struct record_inline r;
	struct scene s;

	scene_open(&s);
	ask(&s);
	r = input(&s, SCAN_MASK);
	tell(&s, &r);
	assert_int_equal(buffer_printf(&b, 1 << 16,
				       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				       "Content-Length: %zu\r\n\r\n",
				       strlen(body)),
			 0);
	received(&s, &b);
	assert_int_equal(told(&s), 0);
	records_add(&b, body);
	received(&s, &b);
	assert_int_equal(told(&s), 1);
	check_tool(&s, 0, "toolu_doc", "Edit");
	scene_close(&s);
}

/* Tool input that no tool_use comes for. */
static void test_tool_input_alone(void **state)
{
	_cleanup_buffer_ struct buffer b = {0};
	struct record_inline r;
	struct scene s;

	scene_open(&s);
	ask(&s);
	r = input(&s, SCAN_MASK);
	tell(&s, &r);
	records_reply_begin(&b);
	received(&s, &b);
	assert_int_equal(told(&s), 0);
	pipeline_tick(s.w.pipeline, (int64_t)(s.w.now_ns + READER_FOUND_WAIT_NS));
	assert_int_equal(told(&s), 1);
	assert_string_equal(
		records_string(records_event(&s.w, EVENT_INLINE, 0), "unmapped.tool_confidence"),
		"unknown");
	scene_close(&s);
}

/* curl below the client: the host it talks to, and the tool use that started it. */
static void test_child(void **state)
{
	static const char comm[16] = "bash",
			  argv[] = "bash\0-c\0eval 'curl https://files.example/'";
	_cleanup_buffer_ struct buffer b = {0};
	struct record_actor bash;
	struct record_inline r;
	struct scene s;
	const json_t *e;

	scene_open(&s);
	ask(&s);
	records_reply_begin(&b);
	records_reply_tool(&b, 0, "toolu_x", "Bash",
			   "{\"command\":\"curl https://files.example/\"}");
	records_reply_end(&b, "tool_use");
	received(&s, &b);
	bash = records_child(&s.w, &s.alice, 3000, NULL, comm);
	records_exec(&s.w, &bash, argv, sizeof(argv) - 1);
	s.c = (struct records_connection){.actor = bash, .ssl = 0x7f0000001000, .epoch = 1};
	r = records_found(&s.w, &s.c, CONTENT_REQUEST, SCAN_MASK, BAILIFF_DENY, RECORDS_RULE_CARD);
	tell(&s, &r);
	assert_int_equal(told(&s), 0);
	records_add(&b, "POST /up HTTP/1.1\r\nHost: files.example\r\nContent-Type: text/plain\r\n"
			"X-Claude-Code-Session-Id: forged\r\nContent-Length: 4\r\n\r\n****");
	assert_int_equal(records_say(&s.w, &s.c, TLS_DIRECTION_SENT, &b), 0);
	assert_int_equal(told(&s), 1);
	e = records_event(&s.w, EVENT_INLINE, 0);
	assert_string_equal(records_string(e, "unmapped.host"), "files.example");
	assert_string_equal(records_string(e, "unmapped.what"),
			    "payment-card in what was sent to files.example");
	assert_string_equal(records_string(e, "unmapped.tool_use_id"), "toolu_x");
	assert_string_equal(records_string(e, "unmapped.tool_confidence"), "argv");
	assert_string_equal(records_string(e, "unmapped.client_session"), RECORDS_SESSION);
	assert_int_equal(records_int(e, "actor.process.pid"), 3000);
	assert_null(records_at(e, "unmapped.model"));
	scene_close(&s);
}

static void test_what_becomes_of_it(void **state)
{
	static const struct {
		enum scan_action action;
		uint32_t verdict, reason, rule, repeat, direction;
		enum content_kind kind;
		const char *verdict_word, *what, *says;
		bool urgent;
	} rows[] = {
		{SCAN_APPROVE, BAILIFF_DENY, BAILIFF_REASON_CONTENT, RECORDS_RULE_PROMPT, 0,
		 TLS_DIRECTION_SENT, CONTENT_REQUEST, "denied",
		 "what was sent to the model (prompts/credentials)",
		 " It was not sent; approval was requested. Ask platform-security@company.com for "
		 "an "
		 "approval.",
		 true},
		{SCAN_BLOCK, BAILIFF_DENY, BAILIFF_REASON_CONTENT, RECORDS_RULE_CARD, 1,
		 TLS_DIRECTION_SENT, CONTENT_REQUEST, "denied",
		 "payment-card in what was sent to the model",
		 " was masked: rule inline/payment-card: payment cards are not sent to the model. "
		 "It "
		 "was blocked before; where it comes again it is masked. Leave it out,",
		 false},
		{SCAN_BLOCK, BAILIFF_WOULD_DENY, BAILIFF_REASON_CONTENT, RECORDS_RULE_CARD, 0,
		 TLS_DIRECTION_SENT, CONTENT_REQUEST, "would_deny",
		 "what was sent to the model (payment-card)", " Nothing was stopped.", true},
		{SCAN_MASK, BAILIFF_WOULD_DENY, BAILIFF_REASON_CONTENT, RECORDS_RULE_SSN, 0,
		 TLS_DIRECTION_RECEIVED, CONTENT_TEXT, "would_deny",
		 "us-ssn in what the model answered", " Nothing was changed.", false},
		{SCAN_LOG, BAILIFF_ALLOW, BAILIFF_REASON_CONTENT, RECORDS_RULE_SSN, 0,
		 TLS_DIRECTION_RECEIVED, CONTENT_TEXT, "allowed",
		 "us-ssn in what the model answered", NULL, false},
		{SCAN_BLOCK, BAILIFF_DENY, BAILIFF_REASON_COMPRESSED, 0, 0, TLS_DIRECTION_RECEIVED,
		 CONTENT_NONE, "denied", "what the model answered",
		 "What the model answered was refused: it came compressed, and so could not be "
		 "gone "
		 "over. It was made unusable before Claude Code had it. Ask platform-security",
		 true},
		{SCAN_OFF, BAILIFF_ALLOW, BAILIFF_REASON_COMPRESSED, 0, 0, TLS_DIRECTION_RECEIVED,
		 CONTENT_NONE, "allowed", "what the model answered", NULL, false},
		{SCAN_OFF, BAILIFF_DENY, BAILIFF_REASON_UNREADABLE, 0, 0, TLS_DIRECTION_SENT,
		 CONTENT_NONE, "denied", "what was sent to the model",
		 "it could not be gone over for what the policy looks for. It was not sent. Ask ",
		 true},
		/* a rule that the table has not: told without, rather than not at all */
		{SCAN_MASK, BAILIFF_DENY, BAILIFF_REASON_CONTENT, 4096, 0, TLS_DIRECTION_RECEIVED,
		 CONTENT_TEXT, "denied", "what the model answered",
		 "was masked: a detector of the policy found something in it. Ask ", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record_inline r;
		struct scene s;
		const json_t *e;

		scene_open(&s);
		r = records_found(&s.w, &s.c, rows[i].kind, rows[i].action, rows[i].verdict,
				  rows[i].rule);
		r.reason = rows[i].reason;
		r.repeat = rows[i].repeat;
		r.direction = rows[i].direction;
		tell(&s, &r);
		ask(&s);
		assert_int_equal(told(&s), 1);
		e = records_event(&s.w, EVENT_INLINE, 0);
		assert_string_equal(records_string(e, "unmapped.verdict"), rows[i].verdict_word);
		assert_string_equal(records_string(e, "unmapped.what"), rows[i].what);
		assert_int_equal(records_int(e, "unmapped.repeat"), rows[i].repeat);
		assert_int_equal(records_int(e, "urgent"), rows[i].urgent);
		if (rows[i].says)
			assert_non_null(
				strstr(records_string(e, "unmapped.sentence"), rows[i].says));
		else
			assert_null(records_at(e, "unmapped.sentence"));
		scene_close(&s);
	}
}

/* A finding of a connection whose place another one has by now, and one of an older policy: told at
 * once, and by no name of the new one. */
static void test_of_the_past(void **state)
{
	struct record_inline r;
	struct scene s;
	const json_t *e;

	scene_open(&s);
	ask(&s);
	r = block(&s);
	r.epoch = 7;
	tell(&s, &r);
	assert_int_equal(told(&s), 1);
	check_block(records_event(&s.w, EVENT_INLINE, 0));
	pipeline_set_generation(s.w.pipeline, 4);
	r = records_found(&s.w, &s.c, CONTENT_TEXT, SCAN_MASK, BAILIFF_DENY, RECORDS_RULE_SSN);
	tell(&s, &r);
	e = records_event(&s.w, EVENT_INLINE, 1);
	assert_null(records_at(e, "unmapped.rule"));
	assert_null(records_at(e, "unmapped.detector"));
	assert_string_equal(records_string(e, "finding_info.title"), "Found in a stream");
	assert_string_equal(records_string(e, "unmapped.person"), "unknown");
	/* the connection goes on */
	ask(&s);
	assert_int_equal(records_count(&s.w, EVENT_MODEL_REQUEST), 2);
	scene_close(&s);
}

static void test_records_that_are_none(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		uint8_t size;
	} rows[] = {
		{offsetof(struct record_inline, verdict), BAILIFF_VERDICT_MAX, 4},
		{offsetof(struct record_inline, reason), BAILIFF_REASON_MAX, 4},
		{offsetof(struct record_inline, direction), 2, 4},
		{offsetof(struct record_inline, kind), CONTENT_REQUEST + 1, 2},
		{offsetof(struct record_inline, kind), CONTENT_NONE, 2},
		{offsetof(struct record_inline, action), SCAN_ACTION_MAX, 2},
		{offsetof(struct record_inline, action), SCAN_OFF, 2},
		{offsetof(struct record_inline, repeat), 2, 4},
		{offsetof(struct record_head, size), sizeof(struct record_inline) - 1, 4},
		{offsetof(struct record_head, size), sizeof(struct record_inline) + 1, 4},
		{offsetof(struct record_head, version), CONTRACT_VERSION + 1, 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record_inline r;
		struct scene s;

		scene_open(&s);
		r = block(&s);
		memcpy((uint8_t *)&r + rows[i].at, &rows[i].value, rows[i].size);
		tell(&s, &r);
		assert_int_equal(records_count(&s.w, EVENT_LOSS), 1);
		ask(&s);
		assert_int_equal(told(&s), 0);
		records_close(&s.w);
	}
}

/* Values that no sane record has, and that are nobody's mistake to crash for. */
static void test_extremes(void **state)
{
	struct record_inline r;
	struct scene s;
	const json_t *e;

	scene_open(&s);
	r = block(&s);
	r.number = r.head.time_ns = r.head.actor.start_ns = UINT64_MAX;
	r.found = r.rule = UINT32_MAX;
	tell(&s, &r);
	ask(&s);
	assert_int_equal(told(&s), 0);
	pipeline_tick(s.w.pipeline, (int64_t)(s.w.now_ns + READER_FOUND_URGENT_NS));
	assert_int_equal(told(&s), 1);
	e = records_event(&s.w, EVENT_INLINE, 0);
	assert_string_equal(records_string(e, "unmapped.block"), "B18446744073709551615");
	assert_int_equal(records_int(e, "unmapped.count"), UINT32_MAX);
	scene_close(&s);
}

UNIT_MAIN(unit(test_block), unit(test_nothing_is_lost), unit(test_many_wait), unit(test_text),
	  unit(test_tool_input), unit(test_tool_input_in_pieces), unit(test_tool_input_of_two),
	  unit(test_tool_input_of_a_document), unit(test_tool_input_alone), unit(test_child),
	  unit(test_what_becomes_of_it), unit(test_of_the_past), unit(test_records_that_are_none),
	  unit(test_extremes))
