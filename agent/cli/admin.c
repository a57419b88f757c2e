// SPDX-License-Identifier: Apache-2.0
/* bailiff reload, bailiff detach, bailiff trust: what an administrator asks of the running agent.
 */
#include <getopt.h>
#include <string.h>
#include <stdlib.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/terminal.h"

static void reload_usage(FILE *to)
{
	fputs("usage: bailiff reload [--json]\n\n"
	      "Has the agent read its policy directory again and swap the new policy in whole. A "
	      "policy\n"
	      "with errors changes nothing: the one in force stays, the errors are printed, and "
	      "the exit\n"
	      "status is 2.\n\n"
	      "  --json   for programs\n"
	      "  --help   this text\n\n"
	      "Only root may ask.\n",
	      to);
}

static void detach_usage(FILE *to)
{
	fputs("usage: bailiff detach --yes\n\n"
	      "Removes every hook of bailiff from the kernel and ends the agent. From then on "
	      "nothing is\n"
	      "enforced and nothing is recorded. That it was done is said by the last "
	      "events of\n"
	      "the log.\n\n"
	      "  --yes    really do it\n"
	      "  --help   this text\n\n"
	      "Only root may ask. Stopping the service does not detach: what is attached goes on\n"
	      "enforcing without the agent.\n",
	      to);
}

/* Options of both. Returns CLI_OK to go on, CLI_USAGE, or -1 after --help. */
static int admin_arguments(int argc, char **argv, const struct option *options,
			   void (*usage)(FILE *), bool *ret_flag)
{
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'f':
			*ret_flag = true;
			break;
		case 'h':
			usage(stdout);
			return -1;
		default:
			usage(stderr);
			return CLI_USAGE;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return CLI_USAGE;
	}
	return CLI_OK;
}

/* Errors and warnings of the policy, as the agent found them. */
static void reload_report(const json_t *answer)
{
	json_t *line;
	size_t i;

	json_array_foreach (json_object_get(answer, "report"), i, line) {
		terminal_print(stderr, TERMINAL_PLAIN,
			       json_is_string(line) ? json_string_value(line) : "?");
		fputc('\n', stderr);
	}
}

/* A refusal with a report is of the policy; without one, of the question. */
static enum cli_status reload_refused(const json_t *refusal, enum cli_status status, bool json)
{
	if (json)
		client_print_json(refusal);
	if (status == CLI_NOT_PERMITTED || !json_is_array(json_object_get(refusal, "report")))
		return status;
	reload_report(refusal);
	return CLI_USAGE;
}

int cmd_reload(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {0}};
	_cleanup_json_ json_t *request = json_pack("{s:s}", "ask", "reload");
	_cleanup_json_ json_t *answer = NULL, *refusal = NULL;
	enum cli_status status;
	bool json = false;
	int r = admin_arguments(argc, argv, options, reload_usage, &json);

	if (r != CLI_OK)
		return r < 0 ? CLI_OK : r;
	status = client_order(request, "loading the policy", &answer, &refusal);
	if (refusal)
		return reload_refused(refusal, status, json);
	if (status != CLI_OK)
		return status;
	if (json)
		return client_print_json(answer);
	reload_report(answer); /* warnings */
	printf("policy loaded, generation %" PRId64 "\n",
	       (int64_t)client_integer(answer, "generation", -1));
	return CLI_OK;
}

int cmd_detach(int argc, char **argv)
{
	static const struct option options[] = {
		{"yes", no_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {0}};
	_cleanup_json_ json_t *request = json_pack("{s:s}", "ask", "detach");
	_cleanup_json_ json_t *answer = NULL;
	enum cli_status status;
	bool yes = false;
	int r = admin_arguments(argc, argv, options, detach_usage, &yes);

	if (r != CLI_OK)
		return r < 0 ? CLI_OK : r;
	if (!yes) {
		fputs("bailiff detach: after this nothing is enforced or recorded on this host; "
		      "say --yes if that is wanted\n",
		      stderr);
		return CLI_USAGE;
	}
	status = client_order(request, "removing its hooks", &answer, NULL);
	if (status != CLI_OK)
		return status;
	puts("detached: nothing is enforced or recorded on this host any more");
	return CLI_OK;
}

static void trust_usage(FILE *to)
{
	fputs("usage: bailiff trust FILE\n"
	      "lets FILE, another build of bailiffd, take over: before an upgrade\n",
	      to);
}

int cmd_trust(int argc, char **argv)
{
	_cleanup_json_ json_t *request = NULL, *answer = NULL;
	_cleanup_free_ char *path = NULL;
	enum cli_status status;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		trust_usage(stdout);
		return CLI_OK;
	}
	if (argc != 2 || argv[1][0] == '-') {
		trust_usage(stderr);
		return CLI_USAGE;
	}
	path = realpath(argv[1], NULL);
	if (!path) {
		fprintf(stderr, "bailiff trust: %s: %s\n", argv[1], strerror(errno));
		return CLI_FAILED;
	}
	request = json_pack("{s:s, s:s}", "ask", "trust", "file", path);
	status = client_order(request, "looking at the file", &answer, NULL);
	if (status != CLI_OK)
		return status;
	printf("%s may take over\n", path);
	return CLI_OK;
}
