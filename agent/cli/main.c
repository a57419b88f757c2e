// SPDX-License-Identifier: Apache-2.0
/* bailiff: the command line. One table of subcommands, help, and what is said of a wrong one. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/terminal.h"

static const struct cli_command {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
} cli_commands[] = {
	{"why", "say why something of yours was refused", cmd_why},
	{"status", "show what this host enforces, and how the agent is", cmd_status},
	{"events", "show the event log, follow it, or select from it", cmd_events},
	{"policy", "check a policy, or show what it means", cmd_policy},
	{"log", "verify the event log, or prove an entry of it", cmd_log},
	{"locate", "find the TLS functions of a program", cmd_locate},
	{"reload", "have the agent read its policy again", cmd_reload},
	{"trust", "let another file of bailiffd take over", cmd_trust},
	{"detach", "remove every hook from the kernel and end the agent", cmd_detach},
};

#define CLI_NAME_MAX 32

/* Edits (insert, delete, change) from a to b, b at most CLI_NAME_MAX long: Levenshtein's table, one
 * row kept. */
static size_t cli_distance(const char *a, const char *b)
{
	size_t row[CLI_NAME_MAX + 1], n = strlen(b);

	for (size_t i = 0; i <= n; i++)
		row[i] = i;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < n; j++) {
			size_t change = diagonal + (a[i] != b[j]);
			size_t add = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;

			diagonal = row[j + 1];
			row[j + 1] = change < add ? change : add;
		}
	}
	return row[n];
}

/* The one subcommand that was probably meant; NULL when none is near, or two are as near. */
static const char *cli_suggest(const char *word)
{
	const char *best = NULL;
	size_t least = 3; /* two slips of the finger, not another word */

	if (strlen(word) > CLI_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(cli_commands); i++) {
		const char *name = cli_commands[i].name;
		size_t d = strncmp(name, word, strlen(word)) ? cli_distance(word, name) : 1;

		if (d < least) {
			least = d;
			best = name;
		} else if (d == least) {
			best = NULL;
		}
	}
	return best;
}

static const struct cli_command *cli_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(cli_commands); i++)
		if (strcmp(cli_commands[i].name, name) == 0)
			return &cli_commands[i];
	return NULL;
}

static void cli_usage(FILE *to)
{
	fputs("usage: bailiff COMMAND [ARGUMENT...]\n"
	      "       bailiff help [COMMAND] | --help | --version\n\n",
	      to);
	for (size_t i = 0; i < ARRAY_SIZE(cli_commands); i++)
		fprintf(to, "  %-8s %s\n", cli_commands[i].name, cli_commands[i].help);
	fputs("\nEach command has --help and a man page, bailiff-COMMAND(1).\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage or input, 3 the answer is no,\n"
	      "4 the agent is not running, 5 not permitted.\n",
	      to);
}

static int cli_unknown(const char *word)
{
	const char *near = cli_suggest(word);

	fputs("bailiff: there is no command ", stderr);
	terminal_print(stderr, TERMINAL_BOLD, word);
	if (near)
		fprintf(stderr, "; did you mean `bailiff %s`?\n", near);
	else
		fputs("; `bailiff --help` lists them\n", stderr);
	return CLI_USAGE;
}

static int cli_help(int argc, char **argv)
{
	char help[] = "--help";
	const struct cli_command *command;

	if (argc < 2) {
		cli_usage(stdout);
		return CLI_OK;
	}
	command = cli_find(argv[1]);
	if (!command)
		return cli_unknown(argv[1]);
	return command->run(2, (char *[]){argv[1], help, NULL});
}

int cli_run(int argc, char **argv)
{
	const struct cli_command *command;

	if (argc < 2) {
		cli_usage(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("bailiff %s\n", BAILIFF_VERSION);
		return CLI_OK;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		cli_usage(stdout);
		return CLI_OK;
	}
	if (strcmp(argv[1], "help") == 0)
		return cli_help(argc - 1, argv + 1);
	if (argv[1][0] == '-') {
		fputs("bailiff: there is no option ", stderr);
		terminal_print(stderr, TERMINAL_BOLD, argv[1]);
		fputs(" before the command; `bailiff --help` says what there is\n", stderr);
		return CLI_USAGE;
	}
	command = cli_find(argv[1]);
	return command ? command->run(argc - 1, argv + 1) : cli_unknown(argv[1]);
}

#ifndef BAILIFF_TESTING
int main(int argc, char **argv)
{
	int status;

	terminal_init();
	status = cli_run(argc, argv);
	/* a full disk must not look like a short answer */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "bailiff: cannot write the output: %s\n", strerror(errno));
		return status == CLI_OK ? CLI_FAILED : status;
	}
	return status;
}
#endif
