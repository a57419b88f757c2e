// SPDX-License-Identifier: Apache-2.0
/* What was found in the input of tools, and in what tools say to others: the events name the
 * tool_use. */
#include "harness.h"

#include "inline_scene.h"
#include "reader/limits.h"

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

/* A tool that was refused: the event has its name from the policy, for in the bytes it may be
 * overwritten already. */
static void test_tool_refused(void **state)
{
	static const struct {
		enum bailiff_verdict verdict;
		const char *word, *sentence;
	} rows[] = {
		{BAILIFF_DENY, "denied",
		 "The tool WebFetch was refused: rule tools/WebFetch: tool WebFetch is for team "
		 "data, and alice@company.com is in engineers and leads. Ask "
		 "platform-security@company.com."},
		{BAILIFF_WOULD_DENY, "would_deny",
		 "The tool WebFetch would be refused: rule tools/WebFetch: tool WebFetch is for "
		 "team data, and alice@company.com is in engineers and leads. Nothing "
		 "was stopped."},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		_cleanup_buffer_ struct buffer b = {0};
		struct record_inline r;
		struct scene s;
		const json_t *e;

		scene_open(&s);
		ask(&s);
		r = records_found(&s.w, &s.c, CONTENT_INPUT, SCAN_MASK, rows[i].verdict,
				  RECORDS_RULE_TOOL);
		r.reason = BAILIFF_REASON_TOOL;
		tell(&s, &r);
		records_reply_begin(&b);
		records_reply_tool(&b, 0, "toolu_no", "xxxxxxxx", "{\"url\":\"u\"}");
		records_reply_end(&b, "tool_use");
		received(&s, &b);
		assert_int_equal(told(&s), 1);
		e = records_event(&s.w, EVENT_INLINE, 0);
		assert_string_equal(records_string(e, "unmapped.verdict"), rows[i].word);
		assert_string_equal(records_string(e, "unmapped.reason"), "tool_not_allowed");
		assert_string_equal(records_string(e, "unmapped.rule"), "tools/WebFetch");
		assert_string_equal(records_string(e, "unmapped.tool"), "WebFetch");
		assert_string_equal(records_string(e, "unmapped.tool_use_id"), "toolu_no");
		assert_string_equal(records_string(e, "unmapped.person"), "alice@company.com");
		assert_string_equal(records_string(e, "unmapped.what"), "the tool WebFetch");
		assert_string_equal(records_string(e, "unmapped.sentence"), rows[i].sentence);
		assert_null(records_at(e, "unmapped.detector"));
		assert_int_equal(s.w.n_urgent, 1);
		check_exchange(e);
		scene_close(&s);
	}
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

/* A page that the client itself fetches for a tool: to somebody else than the model, so the tool
 * that is open and fetches is named. Its own requests to the model name none. */
static void test_fetch(void **state)
{
	_cleanup_buffer_ struct buffer b = {0};
	struct record_inline r;
	struct scene s;
	const json_t *e;

	scene_open(&s);
	ask(&s);
	records_reply_begin(&b);
	records_reply_tool(&b, 0, "toolu_w", "WebFetch", "{\"url\":\"https://pages.example/\"}");
	records_reply_end(&b, "tool_use");
	received(&s, &b);
	r = block(&s);
	tell(&s, &r);
	ask(&s);
	e = records_event(&s.w, EVENT_INLINE, 0);
	assert_null(records_at(e, "unmapped.tool_use_id"));
	assert_null(records_at(e, "unmapped.tool_confidence"));
	s.c = (struct records_connection){.actor = s.alice, .ssl = 0x7f0000002000, .epoch = 1};
	r = block(&s);
	tell(&s, &r);
	records_add(&b, "GET /?q=x HTTP/1.1\r\nHost: pages.example\r\n\r\n");
	assert_int_equal(records_say(&s.w, &s.c, TLS_DIRECTION_SENT, &b), 0);
	e = records_event(&s.w, EVENT_INLINE, 1);
	assert_string_equal(records_string(e, "unmapped.what"),
			    "what was sent to pages.example (payment-card)");
	assert_string_equal(records_string(e, "unmapped.tool_use_id"), "toolu_w");
	assert_string_equal(records_string(e, "unmapped.tool_confidence"), "only");
	scene_close(&s);
}

UNIT_MAIN(unit(test_tool_input), unit(test_tool_input_in_pieces), unit(test_tool_input_of_two),
	  unit(test_tool_input_of_a_document), unit(test_tool_refused), unit(test_tool_input_alone),
	  unit(test_child), unit(test_fetch))
