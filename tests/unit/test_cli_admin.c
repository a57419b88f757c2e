// SPDX-License-Identifier: Apache-2.0
/* What an administrator has the agent do, against a stand-in that does it, refuses, or is slow. */
#include "cli/admin.c" // NOLINT(bugprone-suspicious-include): the commands are in no library
#include "cli/client.c"
#include "cli/terminal.c"

#include "client_fixture.h"

static void test_usage(void **state)
{
	static const struct usage_case cases[] = {
		{cmd_reload, "reload it", CLI_USAGE},	   {cmd_reload, "reload --help", CLI_OK},
		{cmd_detach, "detach", CLI_USAGE},	   {cmd_detach, "detach --no", CLI_USAGE},
		{cmd_detach, "detach --yes x", CLI_USAGE}, {cmd_detach, "detach --help", CLI_OK},
		{cmd_trust, "trust", CLI_USAGE},	   {cmd_trust, "trust --yes", CLI_USAGE},
		{cmd_trust, "trust a b", CLI_USAGE},	   {cmd_trust, "trust --help", CLI_OK},
	};

	assert_usage(cases, ARRAY_SIZE(cases));
	(void)state;
}

static void test_root_only(void **state)
{
	assert_refused(cmd_reload, "reload", CLI_NOT_PERMITTED);
	assert_refused(cmd_detach, "detach --yes", CLI_NOT_PERMITTED);
	assert_refused(cmd_trust, "trust /dev/null", CLI_NOT_PERMITTED);
	(void)state;
}

static void test_reload(void **state)
{
	struct run r;

	ask(cmd_reload, "reload", "{\"ask\":\"reload\"}",
	    "{\"ok\":true,\"generation\":8,\"report\":[\"acl.yaml:1:1: warning\"]}", &r);
	assert_int_equal(r.status, CLI_OK);
	assert_string_equal(r.out, "policy loaded, generation 8\n");
	assert_string_equal(r.err, "acl.yaml:1:1: warning\n");
	ask(cmd_reload, "reload", NULL,
	    "{\"ok\":false,\"error\":\"the policy is refused\",\"report\":[\"bailiff.yaml:3:1: "
	    "error: \\u001b\",7]}",
	    &r);
	if (geteuid() == 0) { /* anybody else is told that they may not */
		assert_int_equal(r.status, CLI_USAGE);
		assert_holds(r.err, "the policy is refused\nbailiff.yaml:3:1: error: \\x1b\n?\n");
	}
	assert_string_equal(r.out, "");
	ask(cmd_reload, "reload --json", NULL,
	    "{\"ok\":false,\"error\":\"bad\",\"report\":[\"line\"]}", &r);
	assert_holds(r.out, "\"report\": [");
	/* refused for another reason than the policy */
	ask(cmd_reload, "reload", NULL, "{\"ok\":false,\"error\":\"busy\"}", &r);
	assert_int_equal(r.status, geteuid() == 0 ? CLI_FAILED : CLI_NOT_PERMITTED);
	ask(cmd_reload, "reload", NULL,
	    "{\"ok\":false,\"error\":\"no\",\"not_permitted\":true,\"report\":[]}", &r);
	assert_int_equal(r.status, CLI_NOT_PERMITTED);
	(void)state;
}

static void test_detach(void **state)
{
	struct run r;

	ask(cmd_detach, "detach --yes", "{\"ask\":\"detach\"}", "{\"ok\":true}", &r);
	assert_int_equal(r.status, CLI_OK);
	assert_holds(r.out, "nothing is enforced");
	(void)state;
}

static void test_trust(void **state)
{
	struct run r;

	ask(cmd_trust, "trust /dev/null", "{\"ask\":\"trust\",\"file\":\"/dev/null\"}",
	    "{\"ok\":true}", &r);
	assert_int_equal(r.status, CLI_OK);
	assert_string_equal(r.out, "/dev/null may take over\n");
	client_test("/nonexistent/query.sock", 200);
	run(cmd_trust, "trust /nonexistent/bailiffd", &r);
	assert_int_equal(r.status, CLI_FAILED);
	assert_holds(r.err, "/nonexistent/bailiffd: No such file");
	(void)state;
}

/* A large policy takes its time: an order waits longer than a question does. */
static void test_patience(void **state)
{
	struct run r;
	pid_t agent;

	agent = agent_start(NULL, AGENT_SLOW);
	client_test(agent_path, 200);
	run(cmd_reload, "reload", &r);
	assert_int_equal(agent_end(agent), 0);
	assert_int_equal(r.status, CLI_OK);
	assert_string_equal(r.err, ""); /* no terminal: nothing is said of waiting */
	agent = agent_start(NULL, AGENT_SILENT);
	client_test(agent_path, 20);
	run(cmd_reload, "reload", &r);
	assert_int_equal(r.status, CLI_FAILED);
	assert_holds(r.err, "does not answer in time; it may still do what it was told");
	assert_int_equal(agent_end(agent), 0);
	(void)state;
}

/* Reloads with a terminal as stderr, and gives what is shown there. */
static int reload_at_terminal(char *text, size_t size)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	int shown, saved = dup(2), status;
	char name[] = "reload", *argv[] = {name, NULL};
	ssize_t n;

	assert_true(terminal >= 0 && saved >= 0);
	assert_int_equal(grantpt(terminal) | unlockpt(terminal), 0);
	shown = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(shown >= 0);
	dup2(shown, 2);
	status = cmd_reload(1, argv);
	dup2(saved, 2);
	n = read(terminal, text, size - 1);
	text[n > 0 ? n : 0] = 0;
	close(shown);
	close(saved);
	close(terminal);
	return status;
}

/* Who waits at a terminal is told for what; who gets an answer at once is told nothing. */
static void test_notice(void **state)
{
	char text[512];
	pid_t agent = agent_start(NULL, AGENT_SLOW);

	client_test(agent_path, 200);
	assert_int_equal(reload_at_terminal(text, sizeof(text)), CLI_OK);
	assert_int_equal(agent_end(agent), 0);
	assert_string_equal(text,
			    "bailiff: the agent is loading the policy, waiting up to 60 s\r\n");
	agent = agent_start(NULL, "{\"ok\":true}");
	client_test(agent_path, 5000);
	assert_int_equal(reload_at_terminal(text, sizeof(text)), CLI_OK);
	assert_int_equal(agent_end(agent), 0);
	assert_string_equal(text, "");
	(void)state;
}

UNIT_MAIN(unit(test_usage), unit(test_root_only), unit(test_reload), unit(test_detach),
	  unit(test_trust), unit(test_patience), unit(test_notice))
