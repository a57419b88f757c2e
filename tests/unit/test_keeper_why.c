// SPDX-License-Identifier: Apache-2.0
/* From events to what `bailiff why` and `bailiff status` are told: refusals by their numbers, and
 * for whom; values by detector. */
#include "keeper/journal.c" // NOLINT(bugprone-suspicious-include): its functions are static
#include "keeper/query.c"   // NOLINT(bugprone-suspicious-include)

#include "harness.h"

#define ALICE 1000
#define CAROL 1001

static struct keeper k;

static void begin_anew(void)
{
	static char email[] = "alice@company.com", contact[] = "security@company.com";
	static struct policy_person people[] = {{.email = email}};
	static struct policy policy = {.people = people, .n_people = 1, .contact = contact};

	memset(&k, 0, sizeof(k));
	k.policy = &policy;
}

/* An event as the log has it. */
static char *event_text(uint32_t uid, const char *verdict, const char *action, const char *block,
			bool repeat, const char *detector, int count)
{
	json_t *e = json_pack(
		"{s:{s:s}, s:I, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:b, s:i, s:s*}}",
		"metadata", "event_code", "inline", "time", (json_int_t)5, "unmapped", "verdict",
		verdict, "action", action, "detector", detector, "reason", "content", "rule",
		"inline/x", "sentence", "No.", "who_uid", (int)uid, "person",
		uid == ALICE ? "alice@company.com" : "carol@company.com", "what", "text", "repeat",
		repeat, "count", count, "block", block);
	char *text = json_dumps(e, JSON_COMPACT | JSON_SORT_KEYS);

	assert_non_null(text);
	json_decref(e);
	return text;
}

static void add(uint64_t number, uint32_t uid, const char *verdict, const char *action,
		const char *block, bool repeat)
{
	_cleanup_free_ char *text = event_text(uid, verdict, action, block, repeat, "x", 1);

	assert_int_equal(remember_old(&k, number, text, strlen(text)), 0);
}

/* The numbers of the events that are told, newest first. */
static const char *why(const char *question, uint32_t uid)
{
	static char numbers[256];
	json_t *ask = json_loads(question, 0, NULL), *reply, *one;
	size_t i;

	assert_non_null(ask);
	numbers[0] = 0;
	reply = answer(&k, ask, uid);
	if (!json_is_true(json_object_get(reply, "ok")))
		snprintf(numbers, sizeof(numbers), "%s", text_at(reply, "error"));
	json_array_foreach (json_object_get(reply, "denials"), i, one) {
		snprintf(numbers + strlen(numbers), sizeof(numbers) - strlen(numbers),
			 "%" JSON_INTEGER_FORMAT "%s ",
			 json_integer_value(json_object_get(one, "number")), text_at(one, "block"));
	}
	json_decref(ask);
	json_decref(reply);
	return numbers;
}

static void test_why(void **state)
{
	static const struct {
		const char *ask;
		uint32_t uid;
		const char *want;
	} rows[] = {
		{"{\"ask\":\"why\"}", ALICE, "17B30 "},
		{"{\"ask\":\"why\",\"limit\":9}", ALICE, "17B30 15 12B17 10B16 "},
		{"{\"ask\":\"why\",\"block\":\"B17\",\"limit\":1}", ALICE, "12B17 "},
		{"{\"ask\":\"why\",\"block\":\"b17\"}", ALICE, "12B17 "},
		/* the number of an event, and no block's */
		{"{\"ask\":\"why\",\"number\":17}", ALICE, "17B30 "},
		{"{\"ask\":\"why\",\"number\":30}", ALICE, ""},
		/* numbers that began anew: the newest */
		{"{\"ask\":\"why\",\"block\":\"B16\"}", 0, "16B16 "},
		{"{\"ask\":\"why\",\"block\":\"B16\"}", ALICE, "10B16 "},
		/* somebody else's */
		{"{\"ask\":\"why\",\"block\":\"B17\"}", CAROL, ""},
		{"{\"ask\":\"why\",\"block\":\"B17\"}", 0, "12B17 "},
		{"{\"ask\":\"why\",\"block\":\"B17\",\"person\":\"carol@company.com\"}", 0, ""},
		{"{\"ask\":\"why\",\"block\":\"B17\",\"person\":\"alice@company.com\"}", CAROL,
		 "only root may ask about somebody else"},
		/* those that were masked are none */
		{"{\"ask\":\"why\",\"block\":\"B18\"}", 0, ""},
		{"{\"ask\":\"why\",\"block\":\"17\"}", 0, "that is no number of a block"},
		{"{\"ask\":\"why\",\"block\":\"B0\"}", 0, "that is no number of a block"},
	};

	begin_anew();
	add(10, ALICE, "denied", "block", "B16", false);
	add(11, ALICE, "allowed", "log", NULL, false);
	add(12, ALICE, "denied", "block", "B17", false);
	add(13, ALICE, "denied", "mask", NULL, false);
	add(14, ALICE, "denied", "block", "B18", true);
	add(15, ALICE, "would_deny", "block", NULL, false);
	add(16, CAROL, "denied", "approve", "B16", false);
	add(17, ALICE, "denied", "approve", "B30", false);
	add(18, ALICE, "would_deny", "mask", NULL, false);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(why(rows[i].ask, rows[i].uid), rows[i].want);
	(void)state;
}

static void count(const char *verdict, const char *action, bool repeat, const char *detector, int n)
{
	_cleanup_free_ char *text = event_text(ALICE, verdict, action, NULL, repeat, detector, n);

	keeper_tally(&k, text, strlen(text));
}

static void test_tally(void **state)
{
	static const char other[] = "{\"metadata\":{\"event_code\":\"message\"},\"unmapped\":{"
				    "\"count\":5,\"detector\":\"x\",\"text\":"
				    "\"\\\"event_code\\\":\\\"inline\\\"\"}}";
	json_t *got, *want;
	char name[120];

	begin_anew();
	count("denied", "mask", false, "us-ssn", 3);
	count("denied", "block", false, "us-ssn", 1);
	count("denied", "block", true, "us-ssn", 2);
	count("would_deny", "mask", false, "us-ssn", 7);
	count("allowed", "log", false, "iban", 4);
	count("denied", "mask", false, "iban", -4);
	count("denied", "mask", false, "", 1);
	keeper_tally(&k, other, strlen(other));
	got = keeper_tally_json(&k);
	want = json_loads("[{\"detector\":\"us-ssn\",\"let_through\":7,\"masked\":5,\"blocked\":1},"
			  "{\"detector\":\"iban\",\"let_through\":4,\"masked\":0,\"blocked\":0}]",
			  0, NULL);
	assert_true(json_equal(got, want));
	json_decref(got);
	json_decref(want);
	/* more detectors than there are places, with names longer than there is room for */
	begin_anew();
	for (int i = 0; i < 2 * KEEPER_TALLY_MAX; i++)
		for (int twice = 0; twice < 2; twice++) {
			snprintf(name, sizeof(name), "%d-%0100d", i, 0);
			count("denied", "mask", false, name, 1);
		}
	assert_int_equal(k.n_tally, KEEPER_TALLY_MAX);
	assert_int_equal(k.tally[0].masked, 2);
	assert_int_equal(k.tally[KEEPER_TALLY_MAX - 2].masked, 2);
	assert_string_equal(k.tally[KEEPER_TALLY_MAX - 1].detector, "others");
	assert_int_equal(k.tally[KEEPER_TALLY_MAX - 1].masked, 2 * (KEEPER_TALLY_MAX + 1));
	(void)state;
}

UNIT_MAIN(unit(test_why), unit(test_tally))
