// SPDX-License-Identifier: Apache-2.0
/* bailiff why: tells whoever was refused, in one sentence, by which rule and whom to ask. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/terminal.h"
#include "decide/block.h"

#define WHY_LIMIT_MAX 50 /* the agent gives no more at once */

static void why_usage(FILE *to)
{
	fputs("usage: bailiff why [-n COUNT] [--person PERSON] [--json] [NUMBER]\n\n"
	      "Says why the latest thing that you tried was refused. With NUMBER, as the refusal "
	      "named\n"
	      "it: the event of that number, or the block of a text (B17).\n\n"
	      "  -n COUNT         the latest COUNT refusals, newest first\n"
	      "  --person PERSON  somebody else's (an e-mail address); only for root\n"
	      "  --json           for programs\n"
	      "  --help           this text\n\n"
	      "Everybody may ask about themselves, and about nobody else.\n",
	      to);
}

/* A decimal number from low to high, nothing around it. Returns 0 or -EINVAL. */
static int why_number(const char *text, int64_t low, int64_t high, int64_t *ret)
{
	char *end;
	long long n;

	if (*text < '0' || *text > '9') /* strtoll would take " 7" and "-7" */
		return -EINVAL;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || *end || n < low || n > high)
		return -EINVAL;
	*ret = n;
	return 0;
}

static void why_time(int64_t ms, char *out, size_t size)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	if (ms <= 0 || !localtime_r(&s, &tm) || !strftime(out, size, "%Y-%m-%d %H:%M:%S %z", &tm))
		snprintf(out, size, "at an unknown time");
}

static void why_print(const json_t *denial, size_t width)
{
	bool shadow = strcmp(client_text(denial, "verdict"), "would_deny") == 0;
	const char *sentence = client_text(denial, "sentence");
	const char *contact = client_text(denial, "contact");
	const char *block = client_text(denial, "block");
	_cleanup_free_ char *details = NULL, *ask = NULL;
	char when[64];

	why_time(client_integer(denial, "time", 0), when, sizeof(when));
	terminal_wrap(stdout, TERMINAL_BOLD, sentence, 0, width);
	fputc('\n', stdout);
	/* most sentences end with it */
	if (*contact && !strstr(sentence, contact) && asprintf(&ask, "Ask %s.", contact) < 0)
		ask = NULL;
	if (ask) {
		fputs("  ", stdout);
		terminal_wrap(stdout, TERMINAL_PLAIN, ask, 2, width);
		fputc('\n', stdout);
	}
	if (asprintf(&details, "%s, %s, rule %s, %s, %s%s%snumber %" PRId64, when,
		     client_text(denial, "what"), client_text(denial, "rule"),
		     shadow ? "let through because the policy is in shadow mode" : "denied",
		     *block ? "block " : "", *block ? block : "", *block ? ", " : "",
		     (int64_t)client_integer(denial, "number", -1)) < 0) {
		details = NULL;
		return;
	}
	fputs("  ", stdout);
	terminal_wrap(stdout, TERMINAL_DIM, details, 2, width);
	fputc('\n', stdout);
}

static enum cli_status why_show(const json_t *answer, bool by_number)
{
	json_t *denials = json_object_get(answer, "denials"), *one;
	size_t i;

	if (json_array_size(denials) == 0) {
		puts(by_number ? "There is no refusal of yours with that number."
			       : "Nothing of yours was refused.");
		return CLI_REFUSED;
	}
	json_array_foreach (denials, i, one) {
		if (i)
			fputc('\n', stdout);
		why_print(one, terminal_width());
	}
	return CLI_OK;
}

/* Fills the request from the arguments. Returns CLI_OK to go on, CLI_USAGE, or -1 after --help. */
static int why_arguments(int argc, char **argv, json_t *request, bool *ret_json)
{
	static const struct option options[] = {{"count", required_argument, NULL, 'n'},
						{"person", required_argument, NULL, 'p'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int64_t limit = 1, number;
	char name[BLOCK_NAME_SIZE];
	uint64_t block;
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "n:h", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			if (why_number(optarg, 1, WHY_LIMIT_MAX, &limit) < 0) {
				fprintf(stderr, "bailiff why: -n takes a number from 1 to %d\n",
					WHY_LIMIT_MAX);
				return CLI_USAGE;
			}
			break;
		case 'p':
			/* refused here too when it is no UTF-8: JSON cannot carry it */
			if (json_object_set_new(request, "person", json_string(optarg)) < 0) {
				fputs("bailiff why: that is no name of a person\n", stderr);
				return CLI_USAGE;
			}
			break;
		case 'j':
			*ret_json = true;
			break;
		case 'h':
			why_usage(stdout);
			return -1;
		default:
			why_usage(stderr);
			return CLI_USAGE;
		}
	}
	if (argc - optind > 1) {
		why_usage(stderr);
		return CLI_USAGE;
	}
	if (optind < argc) {
		if (block_parse(argv[optind], &block) == 0) {
			block_name(block, name);
			json_object_set_new(request, "block", json_string(name));
		} else if (why_number(argv[optind], 0, INT64_MAX, &number) == 0) {
			json_object_set_new(request, "number", json_integer(number));
		} else {
			fputs("bailiff why: NUMBER is the number of an event, a decimal one, or "
			      "of a block: B17\n",
			      stderr);
			return CLI_USAGE;
		}
	}
	json_object_set_new(request, "limit", json_integer(limit));
	return CLI_OK;
}

int cmd_why(int argc, char **argv)
{
	_cleanup_json_ json_t *request = json_pack("{s:s}", "ask", "why");
	_cleanup_json_ json_t *answer = NULL;
	enum cli_status status;
	bool json = false, root_only;
	int r = why_arguments(argc, argv, request, &json);

	if (r != CLI_OK)
		return r < 0 ? CLI_OK : r;
	root_only = json_object_get(request, "person") != NULL;
	status = client_ask(request, root_only, &answer, NULL);
	if (status != CLI_OK)
		return status;
	if (json) {
		status = client_print_json(answer);
		if (status == CLI_OK && json_array_size(json_object_get(answer, "denials")) == 0)
			status = CLI_REFUSED;
		return status;
	}
	return why_show(answer,
			json_object_get(request, "number") || json_object_get(request, "block"));
}
