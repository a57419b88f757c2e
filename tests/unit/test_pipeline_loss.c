// SPDX-License-Identifier: Apache-2.0
/* What was not seen, came twice, came late or made no sense: accounted for, and never a crash. */
#include "harness.h"

#include <errno.h>

#include "records.h"

#include "reader/limits.h"

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

static void answer(struct records_world *w, struct records_connection *c, const char *text)
{
	_cleanup_buffer_ struct buffer b = {0};

	records_reply_begin(&b);
	records_reply_text(&b, 0, text, 40);
	records_reply_end(&b, "end_turn");
	assert_int_equal(records_say(w, c, TLS_DIRECTION_RECEIVED, &b), 0);
}

/* The n-th loss of a kind, or NULL. */
static const json_t *loss(const struct records_world *w, const char *kind, size_t n)
{
	const json_t *e;

	for (size_t i = 0; (e = records_event(w, EVENT_LOSS, i)); i++)
		if (strcmp(records_string(e, "unmapped.loss"), kind) == 0 && n-- == 0)
			return e;
	return NULL;
}

/* Bytes that the kernel could not hand over: told at once, in the ledger of the connection and in
 * the client's totals; what comes after the gap is understood again. */
static void test_gap(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice);
	struct records_world w;
	const json_t *e;
	uint64_t sent;

	assert_int_equal(records_open(&w, true), 0);
	ask(&w, &c, USER_ASKS);
	answer(&w, &c, "one");
	sent = c.offset[TLS_DIRECTION_SENT];
	c.offset[TLS_DIRECTION_SENT] += 777;
	ask(&w, &c, USER_ASKS ",{\"role\":\"user\",\"content\":\"after the gap\"}");
	answer(&w, &c, "two");
	e = loss(&w, "bytes_unseen", 0);
	assert_non_null(e);
	assert_int_equal(records_int(e, "unmapped.bytes"), 777);
	assert_int_equal(records_int(e, "unmapped.connection"), 1);
	assert_string_equal(records_string(e, "actor.user.name"), "alice@company.com");
	assert_int_equal(records_count(&w, EVENT_MODEL_REQUEST), 2);
	assert_int_equal(records_exit(&w, &alice), 0);
	e = loss(&w, "connection_ledger", 0);
	assert_non_null(e);
	assert_int_equal(records_int(e, "unmapped.bytes_missing"), 777);
	assert_int_equal(records_int(e, "unmapped.gaps"), 1);
	assert_int_equal((uint64_t)records_int(e, "unmapped.bytes_captured"),
			 c.offset[0] - 777 + c.offset[1]);
	e = records_event(&w, EVENT_CLIENT_STOP, 0);
	assert_int_equal(records_int(e, "unmapped.bytes_missing"), 777);
	assert_true(sent > 0);
	records_close(&w);
}

/* Many gaps in one second are told together; nothing is left untold. */
static void test_gap_flood(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice);
	struct records_world w;
	long long told = 0;
	size_t n = 0;

	assert_int_equal(records_open(&w, true), 0);
	for (int i = 0; i < 3000; i++) { /* a record every millisecond */
		c.offset[TLS_DIRECTION_SENT] += 10;
		records_chunk(&w, &c, TLS_DIRECTION_SENT, "x", 1, 0);
	}
	pipeline_tick(w.pipeline, (int64_t)(w.now_ns + 2 * READER_SECOND_NS));
	for (const json_t *e; (e = loss(&w, "bytes_unseen", n)); n++)
		told += records_int(e, "unmapped.bytes");
	assert_int_equal(told, 30000);
	assert_true(n >= 3 && n <= 6);
	records_close(&w);
}

/* A buffer that was not readable is a gap of its length. */
static void test_unreadable(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice);
	struct records_world w;

	assert_int_equal(records_open(&w, true), 0);
	records_chunk(&w, &c, TLS_DIRECTION_RECEIVED, "", 100000, TLS_UNREADABLE);
	assert_int_equal(records_int(loss(&w, "bytes_unseen", 0), "unmapped.bytes"), 100000);
	ask(&w, &c, USER_ASKS);
	assert_int_equal(records_count(&w, EVENT_MODEL_REQUEST), 1);
	records_close(&w);
}

/* The same bytes again, whole and half: counted, and not read twice. */
static void test_repeated(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice);
	_cleanup_buffer_ struct buffer b = {0};
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	records_request(&b, USER_ASKS);
	records_chunk(&w, &c, 0, b.data, 100, 0);
	c.offset[0] = 0; /* again */
	records_chunk(&w, &c, 0, b.data, 100, 0);
	c.offset[0] = 10; /* some that are long past */
	records_chunk(&w, &c, 0, b.data + 10, 20, 0);
	c.offset[0] = 50; /* the second half again, and the rest */
	records_chunk(&w, &c, 0, b.data + 50, b.len - 50, 0);
	assert_int_equal(records_count(&w, EVENT_MODEL_REQUEST), 1);
	assert_int_equal(records_count(&w, EVENT_LOSS), 0);
	records_exit(&w, &alice);
	e = loss(&w, "connection_ledger", 0);
	assert_int_equal(records_int(e, "unmapped.bytes_repeated"), 170);
	assert_int_equal(records_int(e, "unmapped.bytes_missing"), 0);
	assert_int_equal((uint64_t)records_int(e, "unmapped.bytes_captured"), b.len);
	records_close(&w);
}

/* The SSL pointer is used again: another connection, whose bytes start at 0 and are no duplicates;
 * a straggler of the first is not mixed into it. */
static void test_epoch(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice), d = connection(&alice);
	struct records_world w;

	d.epoch = 2;
	assert_int_equal(records_open(&w, true), 0);
	ask(&w, &c, USER_ASKS);
	ask(&w, &d, "{\"role\":\"user\",\"content\":\"on the second\"}");
	assert_int_equal(records_count(&w, EVENT_MODEL_REQUEST), 2);
	assert_int_equal(records_count(&w, EVENT_LOSS), 0);
	assert_int_equal(
		records_int(records_event(&w, EVENT_MODEL_REQUEST, 1), "unmapped.connection"), 2);
	records_chunk(&w, &c, TLS_DIRECTION_RECEIVED, "late bytes", 10, 0);
	assert_int_equal(records_int(loss(&w, "bytes_unseen", 0), "unmapped.bytes"), 10);
	answer(&w, &d, "still in order");
	assert_int_equal(
		records_int(records_event(&w, EVENT_MODEL_RESPONSE, 1), "unmapped.complete"), 1);
	records_close(&w);
}

/* Two clients in turns, on the same pointer value, with records of one byte: nothing is mixed up.
 */
static void test_interleaved(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct record_actor carol = records_client(2002, RECORDS_CAROL, 1001);
	struct records_connection a = connection(&alice), c = connection(&carol);
	_cleanup_buffer_ struct buffer x = {0}, y = {0};
	struct records_world w;

	assert_int_equal(records_open(&w, true), 0);
	records_request(&x, "{\"role\":\"user\",\"content\":\"alice says this\"}");
	records_request(&y, "{\"role\":\"user\",\"content\":\"carol says that\"}");
	for (size_t i = 0; i < x.len || i < y.len; i++) {
		if (i < x.len)
			records_chunk(&w, &a, 0, x.data + i, 1, 0);
		if (i < y.len)
			records_chunk(&w, &c, 0, y.data + i, 1, 0);
	}
	assert_int_equal(records_count(&w, EVENT_LOSS), 0);
	for (size_t i = 0; i < records_count(&w, EVENT_MESSAGE); i++) {
		const json_t *e = records_event(&w, EVENT_MESSAGE, i);
		const char *text = records_string(e, "unmapped.text");

		if (strstr(text, "alice says"))
			assert_string_equal(records_string(e, "actor.user.name"),
					    "alice@company.com");
		if (strstr(text, "carol says"))
			assert_string_equal(records_string(e, "actor.user.name"),
					    "carol@company.com");
	}
	records_exit(&w, &alice);
	assert_int_equal(records_count(&w, EVENT_CLIENT_STOP), 1);
	answer(&w, &c, "goes on");
	assert_int_equal(records_count(&w, EVENT_MODEL_RESPONSE), 2);
	records_close(&w);
}

/* Records that are not what the contract says. */
static void test_malformed(void **state)
{
	static const struct {
		const char *name;
		size_t at, size; /* what is changed in a good record */
		uint64_t value;
	} table[] = {
		{"version", offsetof(struct record_head, version), 2, CONTRACT_VERSION + 1},
		{"type 0", offsetof(struct record_head, type), 2, 0},
		{"type of another ring", offsetof(struct record_head, type), 2, RECORD_IMAGE},
		{"type past the end", offsetof(struct record_head, type), 2, RECORD_TYPE_MAX},
		{"size 0", offsetof(struct record_head, size), 4, 0},
		{"size under the type's", offsetof(struct record_head, size), 4,
		 sizeof(struct record_tls) - 1},
		{"size past the end", offsetof(struct record_head, size), 4, 4096},
		{"direction", offsetof(struct record_tls, direction), 4, 2},
		{"length past the end", offsetof(struct record_tls, len), 4, 17},
		{"length past a chunk", offsetof(struct record_tls, len), 4, TLS_CHUNK_LARGE + 1},
		{"length of everything", offsetof(struct record_tls, len), 4, UINT32_MAX},
		{"offset that wraps", offsetof(struct record_tls, offset), 8, UINT64_MAX},
	};
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		union {
			struct record_tls r;
			uint8_t bytes[sizeof(struct record_tls) + 16];
		} u = {0};
		struct records_world w;

		assert_int_equal(records_open(&w, true), 0);
		u.r.head = records_head(&w, &alice, RECORD_TLS, sizeof(u));
		u.r.len = 16;
		assert_int_equal(pipeline_record(w.pipeline, &u, sizeof(u)), 0);
		assert_null(loss(&w, "malformed_record", 0));
		memcpy(u.bytes + table[i].at, &table[i].value, table[i].size);
		assert_int_equal(pipeline_record(w.pipeline, &u, sizeof(u)), 0);
		if (!loss(&w, "malformed_record", 0))
			fail_msg("%s was taken", table[i].name);
		assert_int_equal(records_int(loss(&w, "malformed_record", 0), "unmapped.bytes"),
				 sizeof(u));
		records_close(&w);
	}
}

/* Every length of a record, and a thousand bad ones told in one or two events. */
static void test_short(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct record_exec exec = {.argv_len = 5, .argv = "abcd"};
	struct record_net net = {.door = NET_DOOR_MAX};
	struct record_skill skill = {.verdict = BAILIFF_VERDICT_MAX};
	struct records_world w;
	long long told = 0;
	size_t n = 0;

	assert_int_equal(records_open(&w, true), 0);
	exec.head = records_head(&w, &alice, RECORD_EXEC, sizeof(exec));
	for (size_t len = 0; len < sizeof(exec); len++) {
		/* the head says more than there is */
		assert_int_equal(pipeline_record(w.pipeline, &exec, len), 0);
		w.now_ns += 1;
	}
	exec.head.size = offsetof(struct record_exec, argv) + 4; /* one byte short of its argv */
	assert_int_equal(pipeline_record(w.pipeline, &exec, sizeof(exec)), 0);
	exec.argv_len = UINT32_MAX;
	exec.head.size = sizeof(exec);
	assert_int_equal(pipeline_record(w.pipeline, &exec, sizeof(exec)), 0);
	net.head = records_head(&w, &alice, RECORD_NET, sizeof(net));
	assert_int_equal(pipeline_record(w.pipeline, &net, sizeof(net)), 0);
	skill.head = records_head(&w, &alice, RECORD_SKILL, sizeof(skill));
	assert_int_equal(pipeline_record(w.pipeline, &skill, sizeof(skill)), 0);
	assert_int_equal(records_count(&w, EVENT_PROCESS_EXEC), 0);
	pipeline_tick(w.pipeline, (int64_t)(w.now_ns + 2 * READER_SECOND_NS));
	for (const json_t *e; (e = loss(&w, "malformed_record", n)); n++)
		told += records_int(e, "unmapped.records");
	assert_int_equal(told, sizeof(exec) + 4);
	assert_int_equal(n, 2);
	records_close(&w);
}

/* A skill record with names that no zero ends, and bytes that are no text. */
static void test_unterminated(void **state)
{
	struct record_actor carol = records_client(2002, RECORDS_CAROL, 1001);
	struct record_skill r = {0};
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	r.head = records_head(&w, &carol, RECORD_SKILL, sizeof(r));
	r.verdict = BAILIFF_DENY;
	r.reason = 4711;
	r.rule = UINT32_MAX;
	memset(r.name, 0xFF, sizeof(r.name));
	memset(r.path, '/', sizeof(r.path));
	memset(r.head.actor.comm, 0x1b, sizeof(r.head.actor.comm));
	r.head.actor.person = UINT32_MAX;
	assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
	e = records_event(&w, EVENT_SKILL_FILE, 0);
	assert_non_null(e);
	assert_string_equal(records_string(e, "unmapped.reason"), "unknown");
	assert_string_equal(records_string(e, "actor.user.name"), "unknown");
	assert_null(records_at(e, "unmapped.rule"));
	assert_non_null(strstr(records_string(e, "unmapped.sentence"), "was refused"));
	records_close(&w);
}

/* Times and numbers at their ends do not make an event impossible. */
static void test_extremes(void **state)
{
	struct record_actor a = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c;
	struct records_world w;
	struct record_net r = {0};

	a.start_ns = UINT64_MAX;
	a.root_start_ns = UINT64_MAX;
	a.cgroup = UINT64_MAX;
	a.tid = UINT32_MAX;
	assert_int_equal(records_open(&w, true), 0);
	r.head = records_head(&w, &a, RECORD_NET, sizeof(r));
	r.head.time_ns = UINT64_MAX;
	r.head.generation = UINT64_MAX - 1;
	r.family = UINT16_MAX;
	r.port = UINT16_MAX;
	r.reason = UINT32_MAX;
	assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
	assert_int_equal(records_count(&w, EVENT_DESTINATION), 1);
	c = connection(&a);
	c.offset[0] = UINT64_MAX - 20000;
	records_chunk(&w, &c, 0, "x", 1, 0);
	c.epoch = UINT32_MAX;
	c.offset[0] = UINT64_MAX - 20000;
	records_chunk(&w, &c, 0, "x", 1, 0);
	assert_non_null(loss(&w, "bytes_unseen", 0));
	records_exit(&w, &a);
	assert_int_equal(records_count(&w, EVENT_CLIENT_STOP), 1);
	pipeline_tick(w.pipeline, INT64_MAX);
	assert_null(loss(&w, "events_unbuilt", 0));
	records_close(&w);
}

/* More processes and connections than are followed: the idlest go, what they held is told. */
static void test_bounds(void **state)
{
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	for (uint32_t i = 0; i < READER_PROCESSES_MAX + 10; i++) {
		struct record_actor a = records_client(10000 + i, RECORDS_ALICE, 1000);
		struct records_connection c = connection(&a);

		/* half a request: undecoded when it must go */
		records_chunk(&w, &c, 0,
			      "POST /v1/messages HTTP/1.1\r\nContent-Length: 9\r\n\r\n{\"a", 53, 0);
	}
	assert_non_null(loss(&w, "client_let_go", 9));
	assert_null(loss(&w, "client_let_go", 10));
	e = loss(&w, "connection_ledger", 0);
	assert_non_null(e);
	assert_true(records_int(e, "unmapped.bytes_undecodable") > 0);
	records_close(&w);

	assert_int_equal(records_open(&w, true), 0);
	for (uint32_t i = 0; i < READER_CONNECTIONS_MAX + 10; i++) {
		struct record_actor a = records_client(10000, RECORDS_ALICE, 1000);
		struct records_connection c = connection(&a);

		c.ssl += i * 4096;
		records_chunk(&w, &c, 0, "GET / HTTP/1.1\r\n\r\n", 18, 0);
	}
	assert_null(loss(&w, "client_let_go", 0));
	records_close(&w);
}

/* An ended process keeps its name for the denials that come by the other ring, then goes. */
static void test_linger(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice);
	struct records_world w;

	assert_int_equal(records_open(&w, true), 0);
	records_note(&w, &alice, "/home/alice/project", "", "");
	ask(&w, &c, USER_ASKS);
	records_exit(&w, &alice);
	records_exit(&w, &alice);
	assert_int_equal(records_count(&w, EVENT_CLIENT_STOP), 1);
	records_net(&w, &alice, "203.0.113.9", 443, BAILIFF_DENY, BAILIFF_REASON_RULE, 4);
	assert_string_equal(
		records_string(records_event(&w, EVENT_DESTINATION, 0), "unmapped.project"),
		"/home/alice/project");
	pipeline_tick(w.pipeline, (int64_t)(w.now_ns + 11 * READER_SECOND_NS));
	records_net(&w, &alice, "203.0.113.9", 443, BAILIFF_DENY, BAILIFF_REASON_RULE, 4);
	assert_null(records_at(records_event(&w, EVENT_DESTINATION, 1), "unmapped.project"));
	assert_int_equal(records_count(&w, EVENT_CLIENT_STOP), 1);
	records_close(&w);
}

/* A connection that is silent for long gives its parser back, and goes on afterwards without a
 * loss. */
static void test_idle(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice);
	struct records_world w;

	assert_int_equal(records_open(&w, true), 0);
	ask(&w, &c, USER_ASKS);
	answer(&w, &c, "one");
	w.now_ns += READER_IDLE_NS + READER_SECOND_NS;
	pipeline_tick(w.pipeline, (int64_t)w.now_ns);
	ask(&w, &c, USER_ASKS ",{\"role\":\"user\",\"content\":\"back again\"}");
	answer(&w, &c, "two");
	assert_int_equal(records_count(&w, EVENT_MODEL_REQUEST), 2);
	assert_int_equal(records_count(&w, EVENT_MODEL_RESPONSE), 2);
	records_exit(&w, &alice);
	assert_int_equal(records_count(&w, EVENT_LOSS), 0);
	records_close(&w);
}

/* Bytes that are no HTTP: never as text, but as a length and a keyed digest. */
static void test_undecodable(void **state)
{
	static const char planted[] = "\x16\x03secret words 078-05-1120 that are no HTTP\r\n\r\n";
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_connection c = connection(&alice);
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	records_chunk(&w, &c, 0, planted, sizeof(planted) - 1, 0);
	records_exit(&w, &alice);
	e = loss(&w, "undecodable", 0);
	assert_non_null(e);
	assert_string_equal(records_string(e, "unmapped.direction"), "sent");
	assert_true(records_int(e, "unmapped.bytes") > 0);
	assert_int_equal(strlen(records_string(e, "unmapped.digest")), 64);
	assert_null(memmem(w.all.data, w.all.len, "secret words", 12));
	assert_null(memmem(w.all.data, w.all.len, "078-05", 6));
	records_close(&w);
}

static void test_lost(void **state)
{
	uint64_t lost[COUNTER_MAX] = {0};
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	lost[COUNTER_DENIED] = lost[COUNTER_WOULD_DENY] = lost[COUNTER_CAPTURED_BYTES] = 9;
	pipeline_lost(w.pipeline, lost, 5);
	assert_int_equal(records_count(&w, EVENT_LOSS), 0); /* these are no losses */
	lost[COUNTER_LOST_RECORD] = 3;
	lost[COUNTER_LOST_BYTES] = 40960;
	lost[COUNTER_LOST_DENIAL] = UINT64_MAX;
	pipeline_lost(w.pipeline, lost, 5);
	e = loss(&w, "records_lost", 0);
	assert_int_equal(records_int(e, "unmapped.lost.records"), 3);
	assert_int_equal(records_int(e, "unmapped.lost.bytes"), 40960);
	assert_int_equal((uint64_t)records_int(e, "unmapped.lost.denials"), READER_WHOLE_MAX);
	assert_null(records_at(e, "unmapped.lost.asks"));
	records_close(&w);
}

/* Another policy: names and detectors from now on; records judged before it are not given the names
 * that their numbers have now. */
static void test_set_policy(void **state)
{
	static char *teams[] = {(char *)"others"};
	static struct policy_person people[] = {{.email = (char *)"zoe@company.com", .teams = 1}};
	static struct policy_custom_detector bad[] = {
		{.name = (char *)"broken", .pattern = (char *)"(("}};
	struct policy other = {.people = people, .n_people = 1, .teams = teams, .n_teams = 1};
	struct policy broken = other;
	struct record_actor alice = records_client(2001, 1, 1000);
	struct records_world w;

	assert_int_equal(records_open(&w, true), 0);
	records_net(&w, &alice, "203.0.113.9", 443, BAILIFF_DENY, BAILIFF_REASON_RULE, 4);
	broken.custom = bad;
	broken.n_custom = 1;
	assert_int_equal(pipeline_set_policy(w.pipeline, &broken, NULL, 0), -EINVAL);
	records_net(&w, &alice, "203.0.113.9", 443, BAILIFF_DENY, BAILIFF_REASON_RULE, 4);
	assert_int_equal(pipeline_set_policy(w.pipeline, &other, NULL, 0), 0);
	records_net(&w, &alice, "203.0.113.9", 443, BAILIFF_DENY, BAILIFF_REASON_RULE, 4);
	pipeline_set_generation(w.pipeline, 4);
	records_net(&w, &alice, "203.0.113.9", 443, BAILIFF_DENY, BAILIFF_REASON_RULE, 4);
	for (size_t i = 0; i < 4; i++) {
		static const char *const want[] = {"alice@company.com", "alice@company.com",
						   "zoe@company.com", "unknown"};
		const json_t *e = records_event(&w, EVENT_DESTINATION, i);

		assert_string_equal(records_string(e, "actor.user.name"), want[i]);
		assert_int_equal(records_at(e, "unmapped.rule") != NULL, i < 2);
	}
	records_close(&w);
}

UNIT_MAIN(unit(test_gap), unit(test_gap_flood), unit(test_unreadable), unit(test_repeated),
	  unit(test_epoch), unit(test_interleaved), unit(test_malformed), unit(test_short),
	  unit(test_unterminated), unit(test_extremes), unit(test_bounds), unit(test_linger),
	  unit(test_idle), unit(test_undecodable), unit(test_lost), unit(test_set_policy))
