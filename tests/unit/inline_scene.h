/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of findings in streams: a client with a connection to the model API. */
#ifndef UNIT_INLINE_SCENE_H
#define UNIT_INLINE_SCENE_H

#include "harness.h"

#include "base/cleanup.h"
#include "records.h"

#define USER_ASKS  "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"pay it\"}]}"
#define REQUEST_ID "5b1c2b3e-0c3a-4b4c-8d6a-6f6d5e4c3b2a"

struct scene {
	struct records_world w;
	struct record_actor alice;
	struct records_connection c;
};

static RECORDS_UNUSED void scene_open(struct scene *s)
{
	s->alice = records_client(2001, RECORDS_ALICE, 1000);
	s->c = (struct records_connection){.actor = s->alice, .ssl = 0x7f0000001000, .epoch = 1};
	assert_int_equal(records_open(&s->w, true), 0);
	assert_int_equal(records_note(&s->w, &s->alice, "/home/alice/project", "", ""), 0);
}

static RECORDS_UNUSED void scene_close(struct scene *s)
{
	assert_int_equal(records_count(&s->w, EVENT_LOSS), 0);
	records_close(&s->w);
}

static RECORDS_UNUSED void tell(struct scene *s, const struct record_inline *r)
{
	assert_int_equal(pipeline_record(s->w.pipeline, r, sizeof(*r)), 0);
}

static RECORDS_UNUSED size_t told(const struct scene *s)
{
	return records_count(&s->w, EVENT_INLINE);
}

static RECORDS_UNUSED void ask(struct scene *s)
{
	_cleanup_buffer_ struct buffer b = {0};

	records_request(&b, USER_ASKS);
	assert_int_equal(records_say(&s->w, &s->c, TLS_DIRECTION_SENT, &b), 0);
}

static RECORDS_UNUSED void received(struct scene *s, struct buffer *b)
{
	assert_int_equal(records_say(&s->w, &s->c, TLS_DIRECTION_RECEIVED, b), 0);
	buffer_free(b);
}

static RECORDS_UNUSED struct record_inline block(struct scene *s)
{
	struct record_inline r = records_found(&s->w, &s->c, CONTENT_REQUEST, SCAN_BLOCK,
					       BAILIFF_DENY, RECORDS_RULE_CARD);

	r.number = 17;
	return r;
}

/* The exchange of ask(). */
static RECORDS_UNUSED void check_exchange(const json_t *e)
{
	assert_string_equal(records_string(e, "unmapped.request_id"), REQUEST_ID);
	assert_string_equal(records_string(e, "unmapped.client_session"), RECORDS_SESSION);
	assert_string_equal(records_string(e, "unmapped.model"), "claude-sonnet-4-5");
	assert_string_equal(records_string(e, "unmapped.host"), "api.anthropic.com");
	assert_int_equal(records_int(e, "unmapped.exchange"), 1);
}

#endif
