// SPDX-License-Identifier: Apache-2.0
/* Records of doors without an address, and of listening: the words that people read. */
#include "harness.h"

#include "base/cleanup.h"
#include "records.h"

static struct record_door door(struct records_world *w, const struct record_actor *actor,
			       uint32_t which, uint32_t reason, const void *target, size_t len)
{
	struct record_door r = {0};

	r.head = records_head(w, actor, RECORD_DOOR, sizeof(r));
	r.verdict = BAILIFF_DENY;
	r.reason = reason;
	r.door = which;
	memcpy(r.target, target, len);
	r.target_len = (uint32_t)len;
	return r;
}

static void test_words(void **state)
{
	static const char v4[18] = {10, 77, 2, 10, [16] = 0x01, [17] = (char)0xbb};
	static const char v6[18] = {0x20, 1, 0xd, (char)0xb8, [15] = 7, [16] = 0, [17] = 80};
	static const char unconnected[18] = {0};
	static const struct {
		uint32_t door, reason, command, peer, device;
		const char *target;
		size_t len;
		const char *what, *shown;
	} rows[] = {
		{DOOR_LOCAL_CONNECT, BAILIFF_REASON_LOCAL, 0, 812, 0, "/run/docker.sock\0", 17,
		 "connection to local socket /run/docker.sock", "/run/docker.sock"},
		{DOOR_LOCAL_CONNECT, BAILIFF_REASON_LOCAL, 0, 0, 0, "\0/tmp/.X11-unix/X0", 18,
		 "connection to local socket @/tmp/.X11-unix/X0", "@/tmp/.X11-unix/X0"},
		{DOOR_LOCAL_SEND, BAILIFF_REASON_LOCAL, 0, 1, 0, "/run/systemd/notify", 19,
		 "message to local socket /run/systemd/notify", "/run/systemd/notify"},
		{DOOR_DESCRIPTOR, BAILIFF_REASON_DESCRIPTOR, AF_INET, 0, 0, v4, 18,
		 "socket to 10.77.2.10:443, handed over by another process", NULL},
		{DOOR_DESCRIPTOR, BAILIFF_REASON_DESCRIPTOR, AF_INET6, 0, 0, v6, 18,
		 "socket to [2001:db8::7]:80, handed over by another process", NULL},
		{DOOR_DESCRIPTOR, BAILIFF_REASON_DESCRIPTOR, AF_INET, 0, 0, unconnected, 18,
		 "socket without a peer, handed over by another process", NULL},
		{DOOR_DESCRIPTOR, BAILIFF_REASON_DESCRIPTOR, AF_UNIX, 0, 0, "/run/x", 6,
		 "local socket /run/x, handed over by another process", NULL},
		{DOOR_DESCRIPTOR, BAILIFF_REASON_DESCRIPTOR, AF_UNIX, 0, 0, "", 0,
		 "local socket without a name, handed over by another process", NULL},
		{DOOR_DESCRIPTOR, BAILIFF_REASON_DESCRIPTOR, 16, 0, 0, "", 0,
		 "socket of family 16, handed over by another process", NULL},
		{DOOR_TRACE, BAILIFF_REASON_TRACE, 18, 4711, 0, "sleep\0\0\0", 8,
		 "control of process 4711 (sleep)", "sleep"},
		{DOOR_NAMESPACE, BAILIFF_REASON_NAMESPACE, 0, 0, 0, "", 0, "new user namespace",
		 NULL},
		{DOOR_DEVICE, BAILIFF_REASON_DEVICE, 0, 0, 10 << 20 | 200, "innocent", 8,
		 "device innocent (10:200)", "innocent"},
	};
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_world w;

	(void)state;
	assert_int_equal(records_open(&w, true), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record_door r =
			door(&w, &alice, rows[i].door, rows[i].reason, rows[i].target, rows[i].len);
		const json_t *e;

		r.command = rows[i].command;
		r.peer_tgid = rows[i].peer;
		r.device = rows[i].device;
		assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
		e = records_event(&w, EVENT_DOOR, i);
		assert_non_null(e);
		assert_string_equal(records_string(e, "unmapped.what"), rows[i].what);
		if (rows[i].shown)
			assert_string_equal(records_string(e, "unmapped.target"), rows[i].shown);
		else
			assert_null(records_at(e, "unmapped.target"));
		assert_int_equal(records_int(e, "process.pid"),
				 rows[i].peer ? rows[i].peer : alice.tgid);
		assert_string_equal(records_string(e, "unmapped.verdict"), "denied");
		assert_string_equal(records_string(e, "actor.user.name"), "alice@company.com");
		assert_int_equal(records_int(e, "urgent"), 1);
	}
	assert_string_equal(
		records_string(records_event(&w, EVENT_DOOR, 0), "unmapped.sentence"),
		"Connection to local socket /run/docker.sock was refused: it belongs to a process "
		"that Claude Code did not start, and is not on the list. Ask "
		"platform-security@company.com to list it.");
	records_close(&w);
}

/* What a kernel of another contract might write is told as such, and no more. */
static void test_malformed(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_world w;
	struct record_door r;

	(void)state;
	assert_int_equal(records_open(&w, true), 0);
	r = door(&w, &alice, DOOR_MAX, BAILIFF_REASON_LOCAL, "x", 1);
	assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
	r = door(&w, &alice, DOOR_TRACE, BAILIFF_REASON_TRACE, "x", 1);
	r.target_len = RECORD_DOOR_TARGET + 1;
	assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
	r = door(&w, &alice, DOOR_TRACE, BAILIFF_REASON_TRACE, "x", 1);
	r.verdict = BAILIFF_VERDICT_MAX;
	assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
	assert_int_equal(records_count(&w, EVENT_DOOR), 0);
	/* a name that fills its place, without a zero */
	r = door(&w, &alice, DOOR_LOCAL_CONNECT, BAILIFF_REASON_LOCAL, "", 0);
	memset(r.target, 'n', sizeof(r.target));
	r.target_len = sizeof(r.target);
	assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
	assert_int_equal(
		strlen(records_string(records_event(&w, EVENT_DOOR, 0), "unmapped.target")),
		RECORD_DOOR_TARGET);
	records_close(&w);
}

static void test_listening(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct record_net r = {0};
	struct records_world w;
	const json_t *e;

	(void)state;
	assert_int_equal(records_open(&w, true), 0);
	r.head = records_head(&w, &alice, RECORD_NET, sizeof(r));
	r.verdict = BAILIFF_DENY;
	r.reason = BAILIFF_REASON_LISTEN;
	r.door = NET_DOOR_LISTEN;
	r.family = AF_INET;
	r.port = 3000;
	r.protocol = IPPROTO_TCP;
	assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
	e = records_event(&w, EVENT_DESTINATION, 0);
	assert_string_equal(records_string(e, "unmapped.what"), "listening on 0.0.0.0:3000");
	assert_string_equal(records_string(e, "unmapped.door"), "listen");
	assert_int_equal(records_int(e, "connection_info.direction_id"), 1);
	assert_non_null(strstr(records_string(e, "unmapped.sentence"), "Listen on 127.0.0.1"));
	records_close(&w);
}

UNIT_MAIN(unit(test_words), unit(test_malformed), unit(test_listening))
