// SPDX-License-Identifier: Apache-2.0
/* The frame of the command line: which command is run with what, and what is said of a wrong one.
 */
#include "cli/main.c" // NOLINT(bugprone-suspicious-include): the commands are in no library
#include "cli/terminal.c"

#include "harness.h"

static const char *called;
static char called_with[256];

static int note_call(const char *name, int argc, char **argv)
{
	size_t at = 0;

	called = name;
	for (int i = 0; i < argc; i++) {
		int n = snprintf(called_with + at, sizeof(called_with) - at, "[%s]", argv[i]);

		assert_true(n > 0 && (size_t)n < sizeof(called_with) - at);
		at += (size_t)n;
	}
	assert_null(argv[argc]); /* getopt and exec rely on it */
	return CLI_REFUSED;
}

#define STAND_IN(name)                                                                             \
	int cmd_##name(int argc, char **argv)                                                      \
	{                                                                                          \
		return note_call(#name, argc, argv);                                               \
	}
STAND_IN(detach)
STAND_IN(trust)
STAND_IN(events)
STAND_IN(locate)
STAND_IN(log)
STAND_IN(policy)
STAND_IN(reload)
STAND_IN(status)
STAND_IN(why)

/* main() is given writable strings by the kernel, and the commands may rely on it */
static int run(const char *const *words)
{
	char *argv[8] = {NULL};
	int argc = 0, r;

	for (; words[argc]; argc++)
		argv[argc] = strdup(words[argc]);

	called = NULL;
	called_with[0] = 0;
	r = cli_run(argc, argv);
	while (argc)
		free(argv[--argc]);
	return r;
}
#define RUN(...) run((const char *const[]){"bailiff", ##__VA_ARGS__, NULL})

static void test_each_command_is_found(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cli_commands); i++) {
		char *name = strdup(cli_commands[i].name);

		assert_int_equal(RUN(name, "-x", "y"), CLI_REFUSED);
		assert_string_equal(called, name);
		assert_int_equal(RUN("help", name), CLI_REFUSED);
		assert_string_equal(called, name);
		assert_non_null(strstr(called_with, "][--help]"));
		/* the columns of the help are as wide as this */
		assert_true(strlen(name) <= 8);
		assert_true(strlen(name) <= CLI_NAME_MAX);
		free(name);
	}
	(void)state;
}

static void test_arguments(void **state)
{
	assert_int_equal(RUN("why", "--json", "7"), CLI_REFUSED);
	assert_string_equal(called_with, "[why][--json][7]");
	assert_int_equal(RUN("help", "log"), CLI_REFUSED);
	assert_string_equal(called_with, "[log][--help]");
	(void)state;
}

static void test_without_a_command(void **state)
{
	assert_int_equal(RUN(), CLI_USAGE);
	assert_int_equal(RUN("--help"), CLI_OK);
	assert_int_equal(RUN("-h"), CLI_OK);
	assert_int_equal(RUN("help"), CLI_OK);
	assert_int_equal(RUN("--version"), CLI_OK);
	assert_int_equal(RUN("--json"), CLI_USAGE);
	assert_int_equal(RUN("help", "nothing"), CLI_USAGE);
	assert_int_equal(RUN("nothing"), CLI_USAGE);
	assert_int_equal(RUN(""), CLI_USAGE);
	assert_null(called);
	(void)state;
}

static void test_suggestions(void **state)
{
	static const struct {
		const char *word, *want;
	} cases[] = {
		{"statsu", "status"},
		{"stat", "status"},
		{"eventss", "events"},
		{"polcy", "policy"},
		{"wy", "why"},
		{"relaod", "reload"},
		{"det", "detach"},
		{"lgo", "log"},
		{"l", NULL}, /* log, locate */
		{"", NULL},
		{"frobnicate", NULL},
		{"STATUS", NULL},
		{"statusstatusstatusstatusstatusstatusstatus", NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *got = cli_suggest(cases[i].word);

		if (cases[i].want ? !got || strcmp(got, cases[i].want) != 0 : got != NULL)
			fail_msg("%s: %s", cases[i].word, got ? got : "nothing");
	}
	(void)state;
}

static void test_distance(void **state)
{
	assert_int_equal(cli_distance("", ""), 0);
	assert_int_equal(cli_distance("abc", ""), 3);
	assert_int_equal(cli_distance("", "abc"), 3);
	assert_int_equal(cli_distance("kitten", "sitting"), 3);
	assert_int_equal(cli_distance("log", "log"), 0);
	assert_int_equal(cli_distance("ab", "ba"), 2);
	(void)state;
}

UNIT_MAIN(unit(test_each_command_is_found), unit(test_arguments), unit(test_without_a_command),
	  unit(test_suggestions), unit(test_distance))
