// SPDX-License-Identifier: Apache-2.0
/* What the kernel found in streams: one event for each finding, with the exchange and the tool_use
 * that it stands in, however records and bytes come; and none that is lost. */
#include "harness.h"

#include "inline_scene.h"
#include "reader/limits.h"

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
		 "an approval.",
		 true},
		{SCAN_BLOCK, BAILIFF_DENY, BAILIFF_REASON_CONTENT, RECORDS_RULE_CARD, 1,
		 TLS_DIRECTION_SENT, CONTENT_REQUEST, "denied",
		 "payment-card in what was sent to the model",
		 " was masked: rule inline/payment-card: payment cards are not sent to the model. "
		 "It was blocked before; where it comes again it is masked. Leave it out,",
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
		 "gone over. It was made unusable before Claude Code had it. Ask platform-",
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
	  unit(test_what_becomes_of_it), unit(test_of_the_past), unit(test_records_that_are_none),
	  unit(test_extremes))
