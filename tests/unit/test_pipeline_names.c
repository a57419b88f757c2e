// SPDX-License-Identifier: Apache-2.0
/* Names in events: what was learned, refused and truncated, and by which name a connection is told.
 */
#include "harness.h"

#include "base/cleanup.h"
#include "reader/learned.h"
#include "reader/limits.h"
#include "records.h"

static void test_learned_is_told_once_and_names_connections(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000), curl, other, wget;
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	assert_int_equal(records_note(&w, &alice, "/home/alice/project", "", ""), 0);
	curl = records_child(&w, &alice, 3001, NULL, "curl");
	for (int i = 0; i < 3; i++)
		records_name(&w, &curl, NAME_LEARNED, BAILIFF_ALLOW, "www.example.com",
			     "192.0.2.7");
	records_name(&w, &curl, NAME_LEARNED, BAILIFF_ALLOW, "www.example.com", "2001:db8::7");
	assert_int_equal(records_count(&w, EVENT_NAME), 2);
	e = records_event(&w, EVENT_NAME, 0);
	assert_string_equal(records_string(e, "query.hostname"), "www.example.com");
	assert_string_equal(records_string(e, "unmapped.name_event"), "learned");
	assert_string_equal(records_string(e, "unmapped.what"),
			    "address 192.0.2.7 for the name www.example.com");
	assert_int_equal(records_int(e, "class_uid"), 4003);
	assert_string_equal(
		records_string(json_array_get(json_object_get(e, "answers"), 0), "rdata"),
		"192.0.2.7");
	/* the connections of the lineage, of whichever process */
	wget = records_child(&w, &alice, 3002, NULL, "wget");
	records_net(&w, &wget, "192.0.2.7", 443, BAILIFF_ALLOW, BAILIFF_REASON_RULE, 0);
	e = records_event(&w, EVENT_DESTINATION, 0);
	assert_string_equal(records_string(e, "dst_endpoint.hostname"), "www.example.com");
	assert_string_equal(records_string(e, "unmapped.what"),
			    "connection to www.example.com (192.0.2.7:443)");
	records_net(&w, &wget, "2001:db8::7", 443, BAILIFF_ALLOW, BAILIFF_REASON_RULE, 0);
	e = records_event(&w, EVENT_DESTINATION, 1);
	assert_string_equal(records_string(e, "unmapped.what"),
			    "connection to www.example.com ([2001:db8::7]:443)");
	records_net(&w, &wget, "192.0.2.8", 443, BAILIFF_DENY, BAILIFF_REASON_DEFAULT, 0);
	assert_null(records_at(records_event(&w, EVENT_DESTINATION, 2), "dst_endpoint.hostname"));
	/* another lineage learned nothing */
	other = records_client(2002, RECORDS_CAROL, 1002);
	records_net(&w, &other, "192.0.2.7", 443, BAILIFF_DENY, BAILIFF_REASON_DEFAULT, 0);
	assert_null(records_at(records_event(&w, EVENT_DESTINATION, 3), "dst_endpoint.hostname"));
	records_close(&w);
}

/* A name that no rule lists: no event of its own, but what is refused is told by it. */
static void test_seen_names_what_is_refused(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000), curl;
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	assert_int_equal(records_note(&w, &alice, "/home/alice/project", "", ""), 0);
	curl = records_child(&w, &alice, 3001, NULL, "curl");
	records_name(&w, &curl, NAME_SEEN, BAILIFF_ALLOW, "www.example.net", "192.0.2.9");
	assert_int_equal(records_count(&w, EVENT_NAME), 0);
	records_net(&w, &curl, "192.0.2.9", 443, BAILIFF_DENY, BAILIFF_REASON_DEFAULT, 0);
	e = records_event(&w, EVENT_DESTINATION, 0);
	assert_string_equal(records_string(e, "dst_endpoint.hostname"), "www.example.net");
	assert_string_equal(records_string(e, "dst_endpoint.ip"), "192.0.2.9");
	assert_string_equal(records_string(e, "unmapped.what"),
			    "connection to www.example.net (192.0.2.9:443)");
	/* a rule lists it from now on: that is told, once */
	for (int i = 0; i < 2; i++)
		records_name(&w, &curl, NAME_LEARNED, BAILIFF_ALLOW, "www.example.net",
			     "192.0.2.9");
	assert_int_equal(records_count(&w, EVENT_NAME), 1);
	records_close(&w);
}

static void test_refusals(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	records_name(&w, &alice, NAME_REFUSED_QUERY, BAILIFF_DENY, "other.example", NULL);
	e = records_event(&w, EVENT_NAME_QUERY, 0);
	assert_string_equal(records_string(e, "unmapped.verdict"), "denied");
	assert_string_equal(records_string(e, "unmapped.reason"), "dns_query");
	assert_string_equal(records_string(e, "actor.user.name"), "alice@company.com");
	assert_non_null(strstr(records_string(e, "unmapped.sentence"),
			       "for the name other.example was refused"));
	assert_int_equal(records_int(e, "urgent"), 1);
	records_name(&w, &alice, NAME_REFUSED_QUERY, BAILIFF_WOULD_DENY, "", NULL);
	e = records_event(&w, EVENT_NAME_QUERY, 1);
	assert_string_equal(records_string(e, "unmapped.verdict"), "would_deny");
	assert_string_equal(records_string(e, "unmapped.what"),
			    "question for the name (unreadable)");
	assert_int_equal(records_int(e, "urgent"), 1);
	records_name(&w, &alice, NAME_REFUSED_ANSWER, BAILIFF_DENY, "www.example.com", "10.0.0.1");
	e = records_event(&w, EVENT_NAME, 0);
	assert_string_equal(records_string(e, "unmapped.name_event"), "refused_answer");
	assert_string_equal(records_string(e, "unmapped.verdict"), "denied");
	/* what was refused names no connection */
	records_net(&w, &alice, "10.0.0.1", 443, BAILIFF_DENY, BAILIFF_REASON_DEFAULT, 0);
	assert_null(records_at(records_event(&w, EVENT_DESTINATION, 0), "dst_endpoint.hostname"));
	records_name(&w, &alice, NAME_TRUNCATED, BAILIFF_ALLOW, "big.example.com", NULL);
	e = records_event(&w, EVENT_NAME, 1);
	assert_string_equal(records_string(e, "unmapped.name_event"), "truncated");
	assert_null(json_object_get(e, "answers"));
	records_close(&w);
}

/* A request whose Host is wrong, or whose key is: a destination, told by the name that it said. */
static void test_requests(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct record_name r = {.event = NAME_CREDENTIAL,
				.verdict = BAILIFF_DENY,
				.reason = BAILIFF_REASON_CREDENTIAL,
				.number = 17};
	struct records_world w;
	const json_t *e;

	assert_int_equal(records_open(&w, true), 0);
	records_name(&w, &alice, NAME_HOST, BAILIFF_DENY, "evil.example", "192.0.2.7");
	e = records_event(&w, EVENT_DESTINATION, 0);
	assert_string_equal(records_string(e, "unmapped.door"), "request_host");
	assert_string_equal(records_string(e, "dst_endpoint.hostname"), "evil.example");
	assert_string_equal(records_string(e, "dst_endpoint.ip"), "192.0.2.7");
	assert_string_equal(records_string(e, "unmapped.what"), "request to evil.example");
	records_name(&w, &alice, NAME_CREDENTIAL, BAILIFF_WOULD_DENY, "", NULL);
	e = records_event(&w, EVENT_DESTINATION, 1);
	assert_string_equal(records_string(e, "unmapped.door"), "request_credential");
	assert_string_equal(records_string(e, "unmapped.verdict"), "would_deny");
	assert_null(records_at(e, "unmapped.block"));
	/* one that was answered: by the number in the answer the person asks why */
	r.head = records_head(&w, &alice, RECORD_NAME, sizeof(r));
	pipeline_record(w.pipeline, &r, sizeof(r));
	e = records_event(&w, EVENT_DESTINATION, 2);
	assert_string_equal(records_string(e, "unmapped.block"), "B17");
	assert_int_equal(records_int(e, "urgent"), 1);
	assert_non_null(strstr(records_string(e, "unmapped.sentence"),
			       "not one that was enrolled for alice@company.com"));
	records_close(&w);
}

/* A secret that somebody asks a name server for is masked like any other captured text. */
static void test_names_are_masked(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	struct records_world w;

	assert_int_equal(records_open(&w, true), 0);
	records_name(&w, &alice, NAME_LEARNED, BAILIFF_ALLOW, "ssn-219-09-9999.example.com",
		     "192.0.2.7");
	records_net(&w, &alice, "192.0.2.7", 443, BAILIFF_DENY, BAILIFF_REASON_DEFAULT, 0);
	assert_int_equal(records_count(&w, EVENT_NAME), 1);
	assert_int_equal(records_count(&w, EVENT_DESTINATION), 1);
	assert_null(memmem(w.all.data, w.all.len, "219-09-9999", 11));
	records_close(&w);
}

static void test_records_that_are_none(void **state)
{
	struct record_actor alice = records_client(2001, RECORDS_ALICE, 1000);
	static const struct {
		uint32_t verdict, event, len;
	} rows[] = {
		{BAILIFF_VERDICT_MAX, NAME_LEARNED, 1},
		{BAILIFF_ALLOW, NAME_EVENT_MAX, 1},
		{BAILIFF_ALLOW, NAME_LEARNED, NAME_SIZE},
		{BAILIFF_ALLOW, NAME_LEARNED, UINT32_MAX},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct records_world w;
		struct record_name r = {0};

		assert_int_equal(records_open(&w, true), 0);
		r.head = records_head(&w, &alice, RECORD_NAME, sizeof(r));
		r.verdict = rows[i].verdict;
		r.event = rows[i].event;
		r.name_len = rows[i].len;
		memset(r.name, 'a', sizeof(r.name));
		pipeline_record(w.pipeline, &r, sizeof(r));
		assert_int_equal(records_count(&w, EVENT_NAME), 0);
		assert_int_equal(records_count(&w, EVENT_LOSS), 1);
		records_close(&w);
	}
}

static void test_table_is_bounded_and_keeps_the_newest(void **state)
{
	struct learned_names *l = NULL;
	uint8_t a[16] = {192, 0, 2, 1}, first[16] = {192, 0, 2, 99};
	char name[32];

	assert_int_equal(learned_new(&l), 0);
	assert_null(learned_find(l, AF_INET, a));
	assert_int_equal(learned_note(l, AF_INET, first, "first", 5, true), 1);
	assert_int_equal(learned_note(l, AF_INET, a, "one.example", 11, true), 1);
	assert_int_equal(learned_note(l, AF_INET, a, "two.example", 11, true), 1);
	assert_string_equal(learned_find(l, AF_INET, a), "two.example");
	/* asked for again, the first is what the next connection is for */
	assert_int_equal(learned_note(l, AF_INET, a, "one.example", 11, true), 0);
	assert_string_equal(learned_find(l, AF_INET, a), "one.example");
	assert_null(learned_find(l, AF_INET6, a));
	for (int i = 0; i < READER_LEARNED_MAX; i++) {
		snprintf(name, sizeof(name), "n%d.example", i);
		assert_int_equal(learned_note(l, AF_INET, a, name, strlen(name), true), 1);
	}
	assert_null(learned_find(l, AF_INET, first));
	assert_string_equal(learned_find(l, AF_INET, a), name);
	learned_free(l);
}

UNIT_MAIN(unit(test_seen_names_what_is_refused),
	  unit(test_learned_is_told_once_and_names_connections), unit(test_refusals),
	  unit(test_requests), unit(test_names_are_masked), unit(test_records_that_are_none),
	  unit(test_table_is_bounded_and_keeps_the_newest))
