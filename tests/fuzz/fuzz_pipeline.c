// SPDX-License-Identifier: Apache-2.0
/* Mutated sequences of kernel records: whatever they say, the pipeline neither crashes nor gives
 * out an event that is not JSON, nor one that holds what no event may hold.
 *
 * Input: steps of two bytes (what, length / 8) and a record, cut at the end of the input. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/records.h"

#define STEPS_MAX  256
#define RECORD_MAX 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(void *ctx, const char *json, size_t len, bool urgent)
{
	json_t *event = json_loadb(json, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	(void)ctx;
	(void)urgent;
	if (!event || len > EVENT_JSON_MAX)
		abort();
	json_decref(event);
}

/* Only what a note asked for is judged. */
static void judged(void *ctx, uint32_t image, uint32_t tgid, bool proven)
{
	(void)ctx;
	(void)tgid;
	(void)proven;
	if (!image)
		abort();
}

/* Most of what is random fails the first check: with these bits the head is mended, so that the
 * rest is reached. */
enum { MEND_HEAD = 1, MEND_SIZE = 2, TICK = 4, EXIT = 8, NOTE = 16 };

static void mend(uint8_t *record, size_t len, uint8_t what)
{
	struct record_head head;

	if (len < sizeof(head))
		return;
	memcpy(&head, record, sizeof(head));
	if (what & MEND_HEAD) {
		head.version = CONTRACT_VERSION;
		head.type = (uint16_t)(RECORD_EXEC + head.type % (RECORD_TYPE_MAX - RECORD_EXEC));
	}
	if (what & MEND_SIZE)
		head.size = (uint32_t)len;
	memcpy(record, &head, sizeof(head));
	if ((what & MEND_SIZE) && len >= sizeof(struct record_tls) &&
	    (head.type == RECORD_TLS || head.type == RECORD_TLS_OPEN)) {
		uint32_t bytes = (uint32_t)(len - sizeof(struct record_tls)), direction;

		if (head.type == RECORD_TLS_OPEN)
			bytes = 0;
		memcpy(record + offsetof(struct record_tls, len), &bytes, sizeof(bytes));
		memcpy(&direction, record + offsetof(struct record_tls, direction),
		       sizeof(direction));
		direction %= 2;
		memcpy(record + offsetof(struct record_tls, direction), &direction,
		       sizeof(direction));
	}
	if ((what & MEND_SIZE) && len >= sizeof(struct record_inline) &&
	    head.type == RECORD_INLINE) {
		struct record_inline r;

		memcpy(&r, record, sizeof(r));
		r.verdict %= BAILIFF_VERDICT_MAX;
		r.reason %= BAILIFF_REASON_MAX;
		r.direction %= 2;
		r.kind %= CONTENT_REQUEST + 1;
		r.action %= SCAN_ACTION_MAX;
		r.repeat %= 2;
		memcpy(record, &r, sizeof(r));
	}
}

static void step(struct pipeline *p, uint8_t what, uint8_t *record, size_t len)
{
	struct record_head head = {0};

	mend(record, len, what);
	memcpy(&head, record, len < sizeof(head) ? len : sizeof(head));
	if (what & NOTE) {
		struct process_note note = {0};

		memcpy(&note, record, len < sizeof(note) ? len : sizeof(note));
		note.tgid = head.actor.tgid;
		note.start_ns = head.actor.start_ns;
		pipeline_note(p, &note);
	}
	pipeline_record(p, record, len);
	if (what & EXIT) {
		head.version = CONTRACT_VERSION;
		head.type = RECORD_EXIT;
		head.size = sizeof(head);
		pipeline_record(p, &head, sizeof(head));
	}
	if (what & TICK)
		pipeline_tick(p, (int64_t)head.time_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct pipeline_options options = {
		.policy = &records_policy,
		.rules = records_rules,
		.n_rules = sizeof(records_rules) / sizeof(records_rules[0]),
		.host = "fuzz",
		.emit = check,
		.judged = judged,
	};
	static struct pipeline *p;
	size_t at = 0;

	if (!p && pipeline_new(&options, &p) < 0)
		abort();
	for (int i = 0; i < STEPS_MAX && at + 2 <= size; i++) {
		uint8_t what = data[at], record[RECORD_MAX];
		size_t len = (size_t)data[at + 1] * 8;

		at += 2;
		if (len > size - at)
			len = size - at;
		memcpy(record, data + at, len);
		at += len;
		step(p, what, record, len);
	}
	pipeline_forget(p);
	return 0;
}
