// SPDX-License-Identifier: Apache-2.0
/* Sockets that sent more than was said through TLS, as events. */
#include "harness.h"

#include "base/cleanup.h"
#include "records.h"

static struct record_ledger ledger(struct records_world *w, const struct record_actor *actor,
				   const char *address, uint32_t flags)
{
	struct record_ledger r = {0};

	r.head = records_head(w, actor, RECORD_LEDGER, sizeof(r));
	r.sent = 1050000;
	r.said = 400;
	r.unsaid = 1049600;
	r.writes = 2;
	r.flags = flags;
	r.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(r.family, address, r.address), 1);
	r.port = 443;
	return r;
}

static void test_words(void **state)
{
	static const struct {
		const char *address;
		uint32_t flags;
		const char *severity, *what;
	} rows[] = {
		{"192.0.2.7", RECORD_LEDGER_MODEL | RECORD_LEDGER_TIED, "High",
		 "1049600 bytes to www.example.com (192.0.2.7:443) that no probe saw"},
		{"192.0.2.8", RECORD_LEDGER_MODEL | RECORD_LEDGER_ENDED, "High",
		 "1049600 bytes to 192.0.2.8:443 that no probe saw"},
		{"2001:db8::7", RECORD_LEDGER_TIED, "Medium",
		 "1049600 bytes to [2001:db8::7]:443 that no probe saw"},
	};
	static const char comm[16] = "curl";
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000), curl;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct records_world w;
		struct record_ledger r;
		const json_t *e;

		assert_int_equal(records_open(&w, true), 0);
		assert_int_equal(records_note(&w, &alice, "/home/alice/project", "", ""), 0);
		curl = records_child(&w, &alice, 3001, NULL, comm);
		records_name(&w, &curl, NAME_LEARNED, BAILIFF_ALLOW, "www.example.com",
			     "192.0.2.7");
		r = ledger(&w, &curl, rows[i].address, rows[i].flags);
		assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
		assert_int_equal(records_count(&w, EVENT_UNSAID), 1);
		e = records_event(&w, EVENT_UNSAID, 0);
		assert_string_equal(records_string(e, "severity"), rows[i].severity);
		assert_string_equal(records_string(e, "unmapped.what"), rows[i].what);
		assert_string_equal(records_string(e, "unmapped.verdict"), "allowed");
		assert_string_equal(records_string(e, "unmapped.person"), "alice@company.com");
		assert_string_equal(records_string(e, "dst_endpoint.ip"), rows[i].address);
		assert_int_equal(records_int(e, "actor.process.pid"), 3001);
		assert_int_equal(records_int(e, "unmapped.root_pid"), 2001);
		assert_int_equal(records_int(e, "traffic.bytes_out"), 1050000);
		assert_int_equal(records_int(e, "unmapped.bytes_said"), 400);
		assert_int_equal(records_int(e, "unmapped.bytes_unsaid"), 1049600);
		assert_int_equal(json_is_true(records_at(e, "unmapped.model_api")),
				 !!(rows[i].flags & RECORD_LEDGER_MODEL));
		assert_int_equal(json_is_true(records_at(e, "unmapped.tls_seen")),
				 !!(rows[i].flags & RECORD_LEDGER_TIED));
		assert_int_equal(json_is_true(records_at(e, "unmapped.ended")),
				 !!(rows[i].flags & RECORD_LEDGER_ENDED));
		assert_int_equal(records_count(&w, EVENT_LOSS), 0);
		records_close(&w);
	}
}

/* Told from a timer: what the socket knows of its owner is less than what a thread does. */
static void test_owner_of_a_socket(void **state)
{
	struct record_actor owner = records_client(2001, RECORDS_ALICE, 1000);
	struct records_world w;
	struct record_ledger r;

	(void)state;
	memset(owner.comm, 0, sizeof(owner.comm));
	owner.login_uid = owner.session = UINT32_MAX;
	owner.cgroup = 0;
	assert_int_equal(records_open(&w, true), 0);
	r = ledger(&w, &owner, "192.0.2.7", RECORD_LEDGER_ENDED);
	assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
	assert_string_equal(records_string(records_event(&w, EVENT_UNSAID, 0), "unmapped.person"),
			    "alice@company.com");
	records_close(&w);
}

static void test_records_that_are_none(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_world w;
	struct record_ledger r;

	(void)state;
	assert_int_equal(records_open(&w, true), 0);
	r = ledger(&w, &alice, "192.0.2.7", 0);
	r.unsaid = r.sent + 1;
	assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
	r.unsaid = r.sent;
	assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r) - 1), 0);
	assert_int_equal(records_count(&w, EVENT_UNSAID), 0);
	assert_int_equal(records_count(&w, EVENT_LOSS), 1);
	/* an address family that nobody knows leaves the address out */
	r.family = 99;
	assert_int_equal(pipeline_record(w.pipeline, &r, sizeof(r)), 0);
	assert_int_equal(records_count(&w, EVENT_UNSAID), 1);
	assert_null(records_at(records_event(&w, EVENT_UNSAID, 0), "dst_endpoint"));
	records_close(&w);
}

UNIT_MAIN(unit(test_words), unit(test_owner_of_a_socket), unit(test_records_that_are_none))
