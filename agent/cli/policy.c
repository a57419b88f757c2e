// SPDX-License-Identifier: Apache-2.0
/* bailiff policy: checks a policy directory, or shows what it means. Needs no agent and no
 * privileges. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "cli/commands.h"
#include "cli/policy_digest.h"
#include "cli/policy_inline.h"
#include "cli/policy_show.h"
#include "cli/terminal.h"
#include "mask/mask.h"
#include "policy/policy.h"

static const char policy_usage[] =
	"usage: bailiff policy check [--json] DIRECTORY\n"
	"       bailiff policy show [--json] DIRECTORY\n"
	"       bailiff policy digest DIRECTORY\n"
	"\n"
	"  check   report errors and warnings with file, line and column\n"
	"  show    people, skills, destinations, detectors and modes, as they are understood\n"
	"  digest  read a key of the model API, print what enrols it for somebody\n"
	"  --json  one JSON object on standard output\n"
	"\n"
	"Exit status: 0 when the policy can be used (there may be warnings), 2 when it cannot or "
	"the\n"
	"command is wrong.\n";

static void policy_freep(struct policy **policy)
{
	policy_free(*policy);
}

static void policy_json_freep(json_t **json)
{
	json_decref(*json);
}

/* What the agent does before it takes a policy, detectors included. *ret is NULL after errors. */
static void policy_load_checked(const char *directory, struct policy **ret,
				struct policy_report *report)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;

	*ret = NULL;
	if (policy_load(directory, &policy, report) < 0)
		return;
	if (policy_check_detectors(policy, mask_detector_known, report) == -ENOMEM ||
	    policy_check_patterns(policy, mask_pattern_compiles, report) == -ENOMEM ||
	    policy_check_inline(policy, report) == -ENOMEM)
		return;
	if (report->n_errors == 0)
		*ret = TAKE_PTR(policy);
}

static size_t policy_count(const struct policy_report *report, enum policy_severity severity)
{
	size_t n = report->hidden[severity];

	for (size_t i = 0; i < report->n; i++)
		n += report->messages[i].severity == severity;
	return n;
}

static json_t *policy_report_json(const struct policy_report *report)
{
	static const char *const severity[] = {
		[POLICY_ERROR] = "error",
		[POLICY_WARNING] = "warning",
		[POLICY_NOTE] = "note",
	};
	json_t *messages = json_array();

	_Static_assert(ARRAY_SIZE(severity) == POLICY_SEVERITY_MAX, "severity");
	for (size_t i = 0; i < report->n; i++) {
		const struct policy_message *m = &report->messages[i];
		json_t *one = json_pack("{s:s, s:o, s:s}", "severity", severity[m->severity],
					"file", policy_show_text(m->where.file), "text", m->text);

		if (m->where.line) {
			json_object_set_new(one, "line", json_integer(m->where.line));
			json_object_set_new(one, "column", json_integer(m->where.column));
		}
		json_array_append_new(messages, one);
	}
	return messages;
}

static int policy_print_json(json_t *json)
{
	if (!json || json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) < 0) {
		fprintf(stderr, "bailiff policy: out of memory, or standard output is closed\n");
		return CLI_FAILED;
	}
	putchar('\n');
	return CLI_OK;
}

static int policy_check_json(const struct policy *policy, const struct policy_report *report)
{
	_cleanup_(policy_json_freep) json_t *json =
		json_pack("{s:b, s:I, s:I, s:o}", "ok", policy != NULL, "errors",
			  (json_int_t)policy_count(report, POLICY_ERROR), "warnings",
			  (json_int_t)policy_count(report, POLICY_WARNING), "messages",
			  policy_report_json(report));
	int r;

	if (policy) {
		char hex[DIGEST_HEX];

		digest_hex(policy->digest, sizeof(policy->digest), hex);
		json_object_set_new(json, "version", json_integer((json_int_t)policy->version));
		json_object_set_new(json, "digest", json_string(hex));
		json_object_set_new(json, "inline", policy_inline_size_json(policy));
	}
	r = policy_print_json(json);
	return r == CLI_OK && !policy ? CLI_USAGE : r;
}

static int policy_check_text(const struct policy *policy, const struct policy_report *report,
			     const char *directory)
{
	char hex[DIGEST_HEX];

	policy_report_print(report, stdout, terminal_colour(stdout));
	if (!policy) {
		if (report->n_errors == 0)
			fprintf(stderr, "bailiff policy: out of memory\n");
		return CLI_USAGE;
	}
	digest_hex(policy->digest, sizeof(policy->digest), hex);
	terminal_print(stdout, TERMINAL_PLAIN, directory);
	printf(": version %llu is valid; people: %zu, teams: %zu, skills: %zu, destination rules: "
	       "%zu\n",
	       (unsigned long long)policy->version, policy->n_people, policy->n_teams,
	       policy->n_skills, policy->n_destinations);
	policy_inline_print_size(policy, stdout);
	printf("digest %s\n", hex);
	return CLI_OK;
}

static int policy_show(const struct policy *policy, bool json)
{
	_cleanup_(policy_json_freep) json_t *shown = NULL;

	if (!json)
		return policy_show_print(policy, stdout) < 0 ? CLI_FAILED : CLI_OK;
	shown = policy_show_json(policy);
	return policy_print_json(shown);
}

static int policy_bad_usage(const char *what, const char *argument)
{
	fprintf(stderr, "bailiff policy: %s", what);
	if (argument)
		terminal_print(stderr, TERMINAL_PLAIN, argument);
	fprintf(stderr, "\n%s", policy_usage);
	return CLI_USAGE;
}

int cmd_policy(int argc, char **argv)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(policy_report_free) struct policy_report report = {0};
	const char *verb = NULL, *directory = NULL;
	bool json = false, options = true, check;

	for (int i = 1; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0))
			return fputs(policy_usage, stdout) < 0 ? CLI_FAILED : CLI_OK;
		else if (options && strcmp(argv[i], "--json") == 0)
			json = true;
		else if (options && argv[i][0] == '-')
			return policy_bad_usage("unknown option ", argv[i]);
		else if (!verb)
			verb = argv[i];
		else if (!directory)
			directory = argv[i];
		else
			return policy_bad_usage("one directory too many: ", argv[i]);
	}
	check = verb && strcmp(verb, "check") == 0;
	if (!verb || (!check && strcmp(verb, "show") != 0 && strcmp(verb, "digest") != 0))
		return policy_bad_usage(verb ? "expected check, show or digest, found "
					     : "expected check, show or digest",
					verb);
	if (!directory)
		return policy_bad_usage("expected the directory of a policy", NULL);
	policy_load_checked(directory, &policy, &report);
	if (check)
		return json ? policy_check_json(policy, &report)
			    : policy_check_text(policy, &report, directory);
	policy_report_print(&report, stderr, terminal_colour(stderr));
	if (!policy)
		return CLI_USAGE;
	return strcmp(verb, "digest") == 0 ? policy_digest(policy) : policy_show(policy, json);
}
