// SPDX-License-Identifier: Apache-2.0
/* The commands that ask the agent, against a stand-in that answers well, badly, or not at all. */
#include "cli/client.c" // NOLINT(bugprone-suspicious-include): the commands are in no library
#include "cli/status.c"
#include "cli/table.c"
#include "cli/terminal.c"
#include "cli/why.c"

#include "client_fixture.h"

static const char why_answer[] =
	"{\"ok\":true,\"person\":\"carol@company.com\",\"denials\":[{\"number\":41,"
	"\"time\":1700000000123,\"verdict\":\"denied\",\"what\":\"skill docx\",\"rule\":"
	"\"skill/docx\",\"sentence\":\"The skill docx is for alice and bob.\",\"contact\":"
	"\"security@company.com\"},{\"number\":40,\"time\":1700000000000,\"verdict\":"
	"\"would_deny\",\"what\":\"connection to 10.0.0.7:443\",\"rule\":\"destinations/default\","
	"\"sentence\":\"Nobody may reach \\u001b[2J10.0.0.7 \\u202e.\"}]}";

static void test_why(void **state)
{
	struct run r;

	setenv("TZ", "UTC", 1);
	ask(cmd_why, "why", "{\"ask\":\"why\",\"limit\":1}", why_answer, &r);
	assert_int_equal(r.status, CLI_OK);
	assert_string_equal(r.err, "");
	assert_string_equal(r.out,
			    "The skill docx is for alice and bob.\n"
			    "  Ask security@company.com.\n"
			    "  2023-11-14 22:13:20 +0000, skill docx, rule skill/docx, denied, "
			    "number 41\n"
			    "\n"
			    "Nobody may reach \\x1b[2J10.0.0.7 \\u{202e}.\n"
			    "  2023-11-14 22:13:20 +0000, connection to 10.0.0.7:443, rule "
			    "destinations/default, let through because the policy is in shadow "
			    "mode, number 40\n");
	(void)state;
}

static void test_why_asks_what_it_is_told(void **state)
{
	static const struct {
		const char *words, *want;
	} cases[] = {
		{"why -n 5", "{\"ask\":\"why\",\"limit\":5}"},
		{"why 41", "{\"ask\":\"why\",\"limit\":1,\"number\":41}"},
		{"why 0", "{\"ask\":\"why\",\"limit\":1,\"number\":0}"},
		{"why B17", "{\"ask\":\"why\",\"limit\":1,\"block\":\"B17\"}"},
		{"why b017", "{\"ask\":\"why\",\"limit\":1,\"block\":\"B17\"}"},
		{"why B18446744073709551615",
		 "{\"ask\":\"why\",\"limit\":1,\"block\":\"B18446744073709551615\"}"},
		{"why --person a@b -n 50", "{\"ask\":\"why\",\"limit\":50,\"person\":\"a@b\"}"},
		{"why --json --count 2", "{\"ask\":\"why\",\"limit\":2}"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run r;

		ask(cmd_why, cases[i].words, cases[i].want, why_answer, &r);
		assert_int_equal(r.status, CLI_OK);
	}
	(void)state;
}

/* Sentences of the agent end with whom to ask; it is not said twice. */
static void test_why_says_whom_to_ask_once(void **state)
{
	static const char answer[] =
		"{\"ok\":true,\"person\":null,\"denials\":[{\"number\":1,\"time\":1700000000123,"
		"\"verdict\":\"denied\",\"what\":\"skill pdf\",\"rule\":\"skill/pdf\",\"sentence\":"
		"\"Skill pdf was refused. Ask security@company.com.\",\"contact\":"
		"\"security@company.com\"}]}";
	struct run r;

	setenv("TZ", "UTC", 1);
	ask(cmd_why, "why", NULL, answer, &r);
	assert_int_equal(r.status, CLI_OK);
	assert_string_equal(r.out,
			    "Skill pdf was refused. Ask security@company.com.\n"
			    "  2023-11-14 22:13:20 +0000, skill pdf, rule skill/pdf, denied, "
			    "number 1\n");
	(void)state;
}

static void test_why_of_a_block(void **state)
{
	static const char answer[] =
		"{\"ok\":true,\"person\":null,\"denials\":[{\"number\":1,\"time\":1700000000123,"
		"\"verdict\":\"denied\",\"what\":\"what was sent to the model (us-ssn)\",\"rule\":"
		"\"inline/us-ssn\",\"sentence\":\"It was refused.\",\"block\":\"B17\"}]}";
	struct run r;

	setenv("TZ", "UTC", 1);
	ask(cmd_why, "why b17", NULL, answer, &r);
	assert_int_equal(r.status, CLI_OK);
	assert_string_equal(
		r.out, "It was refused.\n"
		       "  2023-11-14 22:13:20 +0000, what was sent to the model (us-ssn), rule "
		       "inline/us-ssn, denied, block B17, number 1\n");
	ask(cmd_why, "why B17", NULL, "{\"ok\":true,\"person\":null,\"denials\":[]}", &r);
	assert_int_equal(r.status, CLI_REFUSED);
	assert_string_equal(r.out, "There is no refusal of yours with that number.\n");
	(void)state;
}

static void test_why_without_a_denial(void **state)
{
	static const char none[] = "{\"ok\":true,\"person\":null,\"denials\":[]}";
	struct run r;

	ask(cmd_why, "why", NULL, none, &r);
	assert_int_equal(r.status, CLI_REFUSED);
	assert_string_equal(r.out, "Nothing of yours was refused.\n");
	ask(cmd_why, "why 7", NULL, none, &r);
	assert_int_equal(r.status, CLI_REFUSED);
	assert_string_equal(r.out, "There is no refusal of yours with that number.\n");
	ask(cmd_why, "why --json", NULL, none, &r);
	assert_int_equal(r.status, CLI_REFUSED);
	assert_holds(r.out, "\"denials\": []");
	(void)state;
}

/* JSON for programs keeps the answer's meaning, and is ASCII: a terminal shows it as it is. */
static void test_json(void **state)
{
	_cleanup_json_ json_t *want = json_loads(why_answer, 0, NULL), *got = NULL;
	struct run r;

	ask(cmd_why, "why --json", NULL, why_answer, &r);
	assert_int_equal(r.status, CLI_OK);
	got = json_loads(r.out, 0, NULL);
	assert_true(json_equal(got, want));
	for (const char *s = r.out; *s; s++)
		assert_true((*s >= 0x20 && *s < 0x7f) || *s == '\n');
	(void)state;
}

static void test_usage(void **state)
{
	static const struct usage_case cases[] = {
		{cmd_why, "why -n 0", CLI_USAGE},
		{cmd_why, "why -n 51", CLI_USAGE},
		{cmd_why, "why -n -1", CLI_USAGE},
		{cmd_why, "why -n 3x", CLI_USAGE},
		{cmd_why, "why -n", CLI_USAGE},
		{cmd_why, "why 1 2", CLI_USAGE},
		{cmd_why, "why 0x10", CLI_USAGE},
		{cmd_why, "why B", CLI_USAGE},
		{cmd_why, "why B0", CLI_USAGE},
		{cmd_why, "why B-1", CLI_USAGE},
		{cmd_why, "why B1x", CLI_USAGE},
		{cmd_why, "why BB1", CLI_USAGE},
		{cmd_why, "why B18446744073709551616", CLI_USAGE},
		{cmd_why, "why +1", CLI_USAGE},
		{cmd_why, "why 9223372036854775808", CLI_USAGE},
		{cmd_why, "why --person \377\376", CLI_USAGE},
		{cmd_why, "why --what", CLI_USAGE},
		{cmd_why, "why --help", CLI_OK},
		{cmd_status, "status now", CLI_USAGE},
		{cmd_status, "status -x", CLI_USAGE},
		{cmd_status, "status --help", CLI_OK},
	};

	assert_usage(cases, ARRAY_SIZE(cases));
	(void)state;
}

static void test_not_there(void **state)
{
	struct run r;

	client_test("/nonexistent/query.sock", 200);
	run(cmd_status, "status", &r);
	assert_int_equal(r.status, CLI_NOT_RUNNING);
	assert_holds(r.err, "not running");

	/* a socket that a killed agent left behind */
	place_make();
	close(place_bind());
	client_test(agent_path, 200);
	run(cmd_why, "why", &r);
	assert_int_equal(r.status, CLI_NOT_RUNNING);

	if (geteuid() == 0) {
		chmod(agent_directory, 0700);
		assert_int_equal(seteuid(65534), 0);
		run(cmd_why, "why", &r);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(r.status, CLI_NOT_PERMITTED);
	}
	place_remove();
	(void)state;
}

static void test_hostile_answers(void **state)
{
	static const struct {
		const char *answer, *says;
	} cases[] = {
		{AGENT_SILENT, "in time"},
		{AGENT_HANGS_UP, "closed the connection"},
		{AGENT_OVERLONG, "longer than it may be"},
		{AGENT_DEEP, "not understood"},
		{"", "closed the connection"}, /* an empty message looks the same */
		{"hello", "not understood"},
		{"[]", "not understood"},
		{"{}", "not understood"},
		{"{\"ok\":1}", "not understood"},
		{"{\"ok\":true,\"ok\":false}", "not understood"},
		{"{\"ok\":true} {}", "not understood"},
		{"{\"ok\":false}", "gave no reason"},
		{"{\"ok\":false,\"error\":7}", "gave no reason"},
		{"{\"ok\":false,\"error\":\"no \\u001b[31m\"}", "no \\x1b[31m"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run r;

		ask(cmd_why, "why", NULL, cases[i].answer, &r);
		if (r.status != CLI_FAILED)
			fail_msg("case %zu: %d %s", i, r.status, r.err);
		assert_holds(r.err, cases[i].says);
		assert_string_equal(r.out, "");
	}
	(void)state;
}

/* A descriptor sent along is not taken: the harness counts those left open. */
static void test_descriptor_in_answer(void **state)
{
	struct run r;

	ask(cmd_why, "why", NULL, AGENT_WITH_FILE, &r);
	assert_int_equal(r.status, CLI_REFUSED);
	(void)state;
}

/* A backlog that is full holds connect(2) up: that too ends in time. */
static void test_full_backlog(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener, waiting[8], n = 0;
	struct run r;

	place_make();
	listener = place_bind();
	assert_int_equal(listen(listener, 0), 0);
	memcpy(address.sun_path, agent_path, strlen(agent_path));
	for (int i = 0; i < 8; i++) {
		waiting[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		n += connect(waiting[i], (struct sockaddr *)&address, sizeof(address)) == 0;
	}
	assert_in_range(n, 1, 7);
	client_test(agent_path, 100);
	run(cmd_why, "why", &r);
	assert_int_equal(r.status, CLI_FAILED);
	assert_holds(r.err, "in time");
	for (int i = 0; i < 8; i++)
		close(waiting[i]);
	close(listener);
	place_remove();
	(void)state;
}

static const char status_answer[] =
	"{\"ok\":true,\"version\":\"9.8.7\",\"uptime_ms\":93784000,\"watching\":true,\"policy\":{"
	"\"version\":4,"
	"\"digest\":\"abcd\",\"generation\":6,\"modes\":{\"destinations\":\"enforce\",\"skills\":"
	"\"shadow\"}},\"posture\":[{\"capability\":\"connect\",\"state\":\"enforce\",\"reason\":"
	"\"lsm\"},{\"capability\":\"tls\",\"state\":\"off\",\"reason\":\"no\\u001buprobes\"}],"
	"\"clients\":[{\"pid\":77,\"person\":null,\"executable\":\"/x\\n/claude\",\"build_id\":"
	"\"00112233445566778899\",\"inspected\":false,\"proof\":\"disproved\"},{\"pid\":78,"
	"\"person\":\"a@b\",\"inspected\":true,\"proof\":\"proven\"},{\"pid\":79,\"person\":"
	"\"a@b\",\"inspected\":true,\"proof\":\"open\"},{\"pid\":80,\"person\":\"a@b\","
	"\"inspected\":true,\"proof\":\"none\"}],\"images\":[{\"image\":3,\"build_id\":"
	"\"00112233445566778899\",\"inspected\":false,\"proof\":\"disproved\",\"why\":\"not "
	"a\\u001brequest\"}],\"counters\":{\"denied\":3,\"lost_record\":"
	"2},\"inline\":[{\"detector\":\"us-ssn\",\"masked\":12,\"blocked\":3,\"let_through\":1}],"
	"\"log\":{\"size\":12,\"directory\":\"/var/log/b\",\"checkpoint_ms\":0},\"processes\":"
	"{\"keeper\":1,\"reader\":0},\"names\":[{\"name\":\"api.example\",\"addresses\":"
	"[\"10.0.0.1\",\"::1\",5],\"age_ms\":61000}]}";

static void test_status(void **state)
{
	static const char *const parts[] = {
		"bailiff 9.8.7, running for 1 d 2 h\n",
		"  mode       destinations enforce, skills shadow\n",
		"  policy     version 4, generation 6\n",
		"  digest     abcd\n",
		"  log        12 events in /var/log/b, never signed\n",
		"  processes  keeper 1, reader gone, courier gone, analyst gone\n",
		"  enforce  connect     lsm\n",
		"  off      tls         no\\x1buprobes\n",
		"  77   unknown  no              001122334455  /x\\n/claude\n",
		"  78   a@b      proven",
		"  79   a@b      not proven yet",
		"  80   a@b      yes",
		"  3     no         disproved  001122334455  not a\\x1brequest\n",
		"  denied       3\n",
		"  us-ssn    12      3        1\n",
		"  api.example  1 min 1 s  10.0.0.1 ::1 ?\n",
	};
	struct run r;

	ask(cmd_status, "status", "{\"ask\":\"status\"}", status_answer, &r);
	assert_int_equal(r.status, CLI_OK);
	assert_string_equal(r.err, "");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_holds(r.out, parts[i]);
	assert_null(strchr(r.out, '\033'));
	assert_null(strstr(r.out, "not watching"));
	ask(cmd_status, "status", NULL, "{\"ok\":true,\"watching\":false}", &r);
	assert_holds(r.out, "not watching yet");
	(void)state;
}

/* An agent of another version leaves members out, or gives them other types. */
static void test_status_of_another_version(void **state)
{
	static const char *const answers[] = {
		"{\"ok\":true}",
		"{\"ok\":true,\"version\":1,\"uptime_ms\":\"x\",\"policy\":[],\"posture\":{},"
		"\"clients\":[1,null,\"x\"],\"images\":[1,{},{\"why\":[]}],\"counters\":[1],"
		"\"inline\":[1,{\"masked\":[]}],\"log\":null,\"processes\":7,"
		"\"names\":"
		"[{\"addresses\":{}},[]]}",
		"{\"ok\":true,\"uptime_ms\":-9223372036854775807,\"policy\":{\"modes\":{\"x\":1}},"
		"\"posture\":[{},7],\"counters\":{\"a\":1.5,\"b\":null},\"log\":{\"checkpoint_ms\":"
		"9223372036854775807}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct run r;

		ask(cmd_status, "status", NULL, answers[i], &r);
		assert_int_equal(r.status, CLI_OK);
		assert_holds(r.out, "What this host can do");
	}
	(void)state;
}

static void test_root_only(void **state)
{
	assert_refused(cmd_status, "status", CLI_NOT_PERMITTED);
	assert_refused(cmd_why, "why --person a@b", CLI_NOT_PERMITTED);
	assert_refused(cmd_why, "why", CLI_FAILED);
	(void)state;
}

static void test_durations(void **state)
{
	static const struct {
		int64_t ms;
		const char *want;
	} cases[] = {
		{-1, "an unknown time"},  {0, "0 s"},
		{59999, "59 s"},	  {60000, "1 min 0 s"},
		{3599999, "59 min 59 s"}, {3600000, "1 h 0 min"},
		{86400000, "1 d 0 h"},	  {INT64_MAX, "106751991167 d 7 h"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[64];

		status_duration(cases[i].ms, text, sizeof(text));
		assert_string_equal(text, cases[i].want);
	}
	(void)state;
}

UNIT_MAIN(unit(test_why), unit(test_why_asks_what_it_is_told), unit(test_why_says_whom_to_ask_once),
	  unit(test_why_of_a_block), unit(test_why_without_a_denial), unit(test_json),
	  unit(test_usage), unit(test_not_there), unit(test_hostile_answers),
	  unit(test_descriptor_in_answer), unit(test_full_backlog), unit(test_status),
	  unit(test_status_of_another_version), unit(test_root_only), unit(test_durations))
