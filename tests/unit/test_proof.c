// SPDX-License-Identifier: Apache-2.0
/* The live proof: which first bytes speak for the probes, which against, and which say nothing. */
#include "harness.h"

#include "records.h"

#include "base/cleanup.h"
#include "reader/proof.h"

static void test_judge(void **state)
{
#define CASE(bytes, want)                                                                          \
	{                                                                                          \
		bytes, sizeof(bytes) - 1, want                                                     \
	}
	static const struct {
		const char *bytes;
		size_t len;
		enum proof want;
	} cases[] = {
		CASE("POST /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\n", PROOF_PROVEN),
		CASE("POST ", PROOF_PROVEN),
		CASE("GET / HTTP/1.1\r\n", PROOF_PROVEN),
		CASE("HEAD /", PROOF_PROVEN),
		CASE("PUT /", PROOF_PROVEN),
		CASE("DELETE /", PROOF_PROVEN),
		CASE("CONNECT api.anthropic.com:443 HTTP/1.1\r\n", PROOF_PROVEN),
		CASE("OPTIONS *", PROOF_PROVEN),
		CASE("TRACE /", PROOF_PROVEN),
		CASE("PATCH /", PROOF_PROVEN),
		CASE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04", PROOF_PROVEN),
		CASE("\x16\x03\x01\x02\0\x01", PROOF_PROVEN),
		CASE("\x16\x03\x03", PROOF_PROVEN),
		/* the rest may follow */
		CASE("P", PROOF_UNDECIDED),
		CASE("POST", PROOF_UNDECIDED),
		CASE("CONNECT", PROOF_UNDECIDED),
		CASE("PRI * HTTP/2.0\r\n\r\nSM\r\n", PROOF_UNDECIDED),
		CASE("\x16", PROOF_UNDECIDED),
		CASE("", PROOF_UNDECIDED),
		/* nothing of the kind */
		CASE("POSTAL code", PROOF_DISPROVED),
		CASE("POST\t/", PROOF_DISPROVED),
		CASE("post / HTTP/1.1", PROOF_DISPROVED),
		CASE(" GET /", PROOF_DISPROVED),
		CASE("HTTP/1.1 200 OK\r\n", PROOF_DISPROVED),
		CASE("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", PROOF_DISPROVED),
		CASE("\x16\x02", PROOF_DISPROVED),
		CASE("\x17\x03\x03", PROOF_DISPROVED), /* a TLS record of data: no beginning */
		CASE("\x15\x03\x03", PROOF_DISPROVED),
		CASE("EHLO mail.example\r\n", PROOF_DISPROVED),
		CASE("{\"model\":", PROOF_DISPROVED),
		CASE("\0", PROOF_DISPROVED),
		CASE("\0\0\0\0\0\0\0\0", PROOF_DISPROVED),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (proof_judge((const uint8_t *)cases[i].bytes, cases[i].len) != cases[i].want)
			fail_msg("\"%s\" is not judged as %d", cases[i].bytes, cases[i].want);
}

/* ---- in the pipeline: what is told to the keeper ---- */

#define IMAGE 7
#define HTTP  "POST /v1/messages HTTP/1.1\r\n"
#define SMTP  "EHLO mail.example\r\n"

struct told {
	unsigned int n;
	uint32_t image, tgid;
	bool proven;
};

static void on_judged(void *ctx, uint32_t image, uint32_t tgid, bool proven)
{
	/* the context is that of the events */
	static struct told *told;

	if (!image) {
		told = ctx;
		return;
	}
	told->n++;
	told->image = image;
	told->tgid = tgid;
	told->proven = proven;
}

static void open_world(struct records_world *w, struct told *told)
{
	struct pipeline_options o = {.policy = &records_policy,
				     .host = "build-7",
				     .boot_epoch_ns = 1700000000LL * 1000000000LL,
				     .emit = records_emit,
				     .judged = on_judged,
				     .ctx = w};

	*told = (struct told){0};
	on_judged(told, 0, 0, false);
	*w = (struct records_world){.now_ns = 1000 * RECORDS_MS, .keep = true};
	w->events = json_array();
	assert_int_equal(pipeline_new(&o, &w->pipeline), 0);
}

static void note(struct records_world *w, const struct record_actor *a, uint32_t image,
		 uint64_t since_ns)
{
	struct process_note n = {.tgid = a->tgid,
				 .start_ns = a->start_ns,
				 .judge_image = image,
				 .seen_since_ns = since_ns,
				 .build_id = {0xde, 0xad},
				 .build_id_len = 2,
				 .executable = "/home/alice/claude"};

	assert_int_equal(pipeline_note(w->pipeline, &n), 0);
}

static void sent(struct records_world *w, struct records_connection *c, const char *text,
		 uint32_t flags)
{
	assert_int_equal(records_chunk(w, c, TLS_DIRECTION_SENT, text, strlen(text), flags), 0);
}

enum want { NOTHING, PROVEN, DISPROVED };

static void test_first_connection(void **state)
{
	static const struct {
		const char *name, *first;
		uint32_t flags, epoch, image, task;
		uint64_t offset;
		bool older; /* the process is older than the probes */
		enum want want;
	} cases[] = {
		{"a request", HTTP, 0, 0, IMAGE, TASK_CLIENT, 0, false, PROVEN},
		{"no request", SMTP, 0, 0, IMAGE, TASK_CLIENT, 0, false, DISPROVED},
		{"nothing to prove", SMTP, 0, 0, 0, TASK_CLIENT, 0, false, NOTHING},
		{"unreadable", SMTP, TLS_UNREADABLE, 0, IMAGE, TASK_CLIENT, 0, false, NOTHING},
		{"not from its first byte", SMTP, 0, 0, IMAGE, TASK_CLIENT, 5, false, NOTHING},
		{"too short", "P", 0, 0, IMAGE, TASK_CLIENT, 0, false, NOTHING},
		{"runs something else by now", SMTP, 0, 0, IMAGE, 0, 0, false, NOTHING},
		{"older, a request", HTTP, 0, 0, IMAGE, TASK_CLIENT, 0, true, PROVEN},
		{"older, maybe in the middle", SMTP, 0, 0, IMAGE, TASK_CLIENT, 0, true, NOTHING},
		{"older, handshake seen", SMTP, 0, 1, IMAGE, TASK_CLIENT, 0, true, DISPROVED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* the note comes before the record, or after it */
		for (int late = 0; late < 2; late++) {
			struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
			struct records_connection c = {.ssl = 0x1000, .epoch = cases[i].epoch};
			uint64_t since = cases[i].older ? alice.start_ns : alice.start_ns - 1;
			struct records_world w;
			struct told told;

			alice.flags = TASK_GOVERNED | cases[i].task;
			c.actor = alice;
			c.offset[TLS_DIRECTION_SENT] = cases[i].offset;
			open_world(&w, &told);
			if (!late)
				note(&w, &alice, cases[i].image, since);
			sent(&w, &c, cases[i].first, cases[i].flags);
			if (late)
				note(&w, &alice, cases[i].image, since);
			if (told.n != (cases[i].want != NOTHING) ||
			    (told.n && told.proven != (cases[i].want == PROVEN)))
				fail_msg("%s (late %d): told %u times, proven %d", cases[i].name,
					 late, told.n, told.proven);
			assert_int_equal(records_count(&w, EVENT_CAPTURE_DISPROVED),
					 cases[i].want == DISPROVED);
			records_close(&w);
		}
	}
}

/* The event names the file and the person, and nothing of what was written. */
static void test_event(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = {.actor = alice, .ssl = 0x1000};
	struct records_world w;
	struct told told;
	const json_t *e;

	(void)state;
	open_world(&w, &told);
	note(&w, &alice, IMAGE, 1);
	sent(&w, &c, SMTP, 0);
	assert_int_equal(told.image, IMAGE);
	assert_int_equal(told.tgid, 2001);
	e = records_event(&w, EVENT_CAPTURE_DISPROVED, 0);
	assert_non_null(e);
	assert_int_equal(records_int(e, "unmapped.image"), IMAGE);
	assert_string_equal(records_string(e, "unmapped.build_id"), "dead");
	assert_string_equal(records_string(e, "unmapped.executable"), "/home/alice/claude");
	assert_string_equal(records_string(e, "unmapped.expected"), PROOF_EXPECTED);
	assert_string_equal(records_string(e, "unmapped.person"), "alice@company.com");
	assert_null(memmem(w.all.data, w.all.len, "EHLO", 4));
	records_close(&w);
}

/* Once an image: not by its next connection, not by another process that runs it. */
static void test_once(void **state)
{
	struct record_actor a = records_client(2001, RECORDS_ALICE, 1000);
	struct record_actor b = records_client(2002, RECORDS_CAROL, 1002);
	struct records_connection first = {.actor = a, .ssl = 0x1000};
	struct records_connection second = {.actor = a, .ssl = 0x2000};
	struct records_connection third = {.actor = b, .ssl = 0x1000};
	struct records_world w;
	struct told told;

	(void)state;
	open_world(&w, &told);
	note(&w, &a, IMAGE, 1);
	note(&w, &b, IMAGE, 1);
	sent(&w, &first, HTTP, 0);
	sent(&w, &second, SMTP, 0);
	sent(&w, &third, SMTP, 0);
	assert_int_equal(told.n, 1);
	assert_true(told.proven);
	assert_int_equal(records_count(&w, EVENT_CAPTURE_DISPROVED), 0);
	records_close(&w);
}

/* What is received, and what a child writes with a library of its own, is no proof of anything. */
static void test_others(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = {.actor = alice, .ssl = 0x1000}, d = {.ssl = 0x1000};
	struct records_world w;
	struct told told;

	(void)state;
	open_world(&w, &told);
	note(&w, &alice, IMAGE, 1);
	d.actor = records_child(&w, &alice, 3001, NULL, (const char[16]){"psql"});
	assert_int_equal(records_chunk(&w, &c, TLS_DIRECTION_RECEIVED, SMTP, strlen(SMTP), 0), 0);
	sent(&w, &d, SMTP, 0);
	assert_int_equal(told.n, 0);
	sent(&w, &c, HTTP, 0);
	assert_int_equal(told.n, 1);
	assert_true(told.proven);
	records_close(&w);
}

UNIT_MAIN(unit(test_judge), unit(test_first_connection), unit(test_event), unit(test_once),
	  unit(test_others))
