// SPDX-License-Identifier: Apache-2.0
/* bailiff status: what this host enforces, observes, and cannot do; and how the agent is. */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/terminal.h"

#define _cleanup_table_ __attribute__((cleanup(table_freep)))

static void status_usage(FILE *to)
{
	fputs("usage: bailiff status [--json]\n\n"
	      "Shows what the running agent enforces, observes and cannot do on this host, with "
	      "the\n"
	      "reason; the policy in force; the clients it watches; its counters, log and "
	      "processes.\n\n"
	      "  --json   the agent's answer as it is, for programs\n"
	      "  --help   this text\n\n"
	      "Only root may ask.\n",
	      to);
}

/* "3 d 4 h", "12 min 5 s": the two largest units, since more is noise. */
static void status_duration(int64_t ms, char *out, size_t size)
{
	int64_t s = ms / 1000;

	if (ms < 0)
		snprintf(out, size, "an unknown time");
	else if (s >= 86400)
		snprintf(out, size, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(out, size, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(out, size, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else
		snprintf(out, size, "%" PRId64 " s", s);
}

static enum terminal_style status_colour(const char *state)
{
	if (strcmp(state, "enforce") == 0)
		return TERMINAL_GREEN;
	return strcmp(state, "off") == 0 ? TERMINAL_RED : TERMINAL_YELLOW;
}

/* "destinations enforce, skills shadow": a section that is not enforced must be seen at once. */
static void status_modes(const json_t *policy)
{
	json_t *modes = json_object_get(policy, "modes"), *mode;
	const char *section, *gap = "  mode       ";

	json_object_foreach (modes, section, mode) {
		const char *text = json_is_string(mode) ? json_string_value(mode) : "?";

		fputs(gap, stdout);
		terminal_print(stdout, TERMINAL_PLAIN, section);
		fputc(' ', stdout);
		terminal_print(stdout, status_colour(text), text);
		gap = ", ";
	}
	if (json_object_size(modes) > 0)
		fputc('\n', stdout);
}

static void status_head(const json_t *answer)
{
	const json_t *policy = json_object_get(answer, "policy");
	char up[64];

	status_duration(client_integer(answer, "uptime_ms", -1), up, sizeof(up));
	terminal_print(stdout, TERMINAL_BOLD, "bailiff ");
	terminal_print(stdout, TERMINAL_BOLD, client_text(answer, "version"));
	printf(", running for %s\n", up);
	if (json_is_false(json_object_get(answer, "watching"))) {
		fputs("  ", stdout);
		terminal_print(
			stdout, TERMINAL_YELLOW,
			"not watching yet: it waits for the addresses of the policy's names");
		fputc('\n', stdout);
	}
	status_modes(policy);
	printf("  policy     version %" PRId64 ", generation %" PRId64 "\n",
	       (int64_t)client_integer(policy, "version", -1),
	       (int64_t)client_integer(policy, "generation", -1));
	fputs("  digest     ", stdout);
	terminal_print(stdout, TERMINAL_PLAIN, client_text(policy, "digest"));
	fputc('\n', stdout);
}

static void status_log(const json_t *answer)
{
	const json_t *log = json_object_get(answer, "log");
	int64_t signed_ms = client_integer(log, "checkpoint_ms", 0);
	int64_t now_ms = (int64_t)time(NULL) * 1000;
	char age[64];

	printf("  log        %" PRId64 " events", (int64_t)client_integer(log, "size", -1));
	if (*client_text(log, "directory")) {
		fputs(" in ", stdout);
		terminal_print(stdout, TERMINAL_PLAIN, client_text(log, "directory"));
	}
	if (signed_ms <= 0) {
		fputs(", never signed\n", stdout);
		return;
	}
	status_duration(now_ms > signed_ms ? now_ms - signed_ms : 0, age, sizeof(age));
	printf(", signed %s ago\n", age);
}

static void status_processes(const json_t *answer)
{
	static const char *const names[] = {"keeper", "reader", "courier", "analyst"};
	const json_t *processes = json_object_get(answer, "processes");

	fputs("  processes  ", stdout);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int64_t pid = client_integer(processes, names[i], 0);

		printf("%s%s ", i ? ", " : "", names[i]);
		if (pid > 0)
			printf("%" PRId64, pid);
		else
			terminal_print(stdout, TERMINAL_RED, "gone");
	}
	fputc('\n', stdout);
}

static void status_title(const char *title)
{
	fputc('\n', stdout);
	terminal_print(stdout, TERMINAL_BOLD, title);
	fputc('\n', stdout);
}

static void status_posture(const json_t *answer)
{
	static const char *const heads[] = {"STATE", "CAPABILITY", "REASON"};
	_cleanup_table_ struct table *table = NULL;
	json_t *one;
	size_t i;

	status_title("What this host can do");
	if (table_new(heads, ARRAY_SIZE(heads), &table) < 0)
		return;
	json_array_foreach (json_object_get(answer, "posture"), i, one) {
		const char *state = client_text(one, "state"), *means = client_text(one, "means");
		char text[64];

		/* "enforce (fmod_ret)": as strong, by another way than the LSM's own */
		snprintf(text, sizeof(text), "%.24s%s%.24s%s", state, *means ? " (" : "", means,
			 *means ? ")" : "");
		table_row(table);
		table_cell(table, status_colour(state), text);
		table_cell(table, TERMINAL_PLAIN, client_text(one, "capability"));
		table_cell(table, TERMINAL_PLAIN, client_text(one, "reason"));
	}
	table_print(table, stdout, terminal_width());
}

/* Whether a client's TLS is read: not at all, not yet proven to be, proven, or found by symbols,
 * which needs no proof. */
static void status_inspected(struct table *table, const json_t *one)
{
	const char *proof = client_text(one, "proof");

	if (!json_is_true(json_object_get(one, "inspected")))
		table_cell(table, TERMINAL_RED, "no");
	else if (strcmp(proof, "open") == 0)
		table_cell(table, TERMINAL_YELLOW, "not proven yet");
	else
		table_cell(table, TERMINAL_GREEN, strcmp(proof, "proven") == 0 ? "proven" : "yes");
}

static void status_clients(const json_t *answer)
{
	static const char *const heads[] = {"PID", "PERSON", "INSPECTED", "BUILD-ID", "EXECUTABLE"};
	const json_t *clients = json_object_get(answer, "clients");
	_cleanup_table_ struct table *table = NULL;
	json_t *one;
	size_t i;

	status_title("Clients");
	if (json_array_size(clients) == 0) {
		fputs("  none is running\n", stdout);
		return;
	}
	if (table_new(heads, ARRAY_SIZE(heads), &table) < 0)
		return;
	json_array_foreach (clients, i, one) {
		const char *person = client_text(one, "person");

		table_row(table);
		table_printf(table, TERMINAL_PLAIN, "%" PRId64,
			     (int64_t)client_integer(one, "pid", -1));
		table_cell(table, *person ? TERMINAL_PLAIN : TERMINAL_YELLOW,
			   *person ? person : "unknown");
		status_inspected(table, one);
		table_printf(table, TERMINAL_DIM, "%.12s", client_text(one, "build_id"));
		table_cell(table, TERMINAL_PLAIN, client_text(one, "executable"));
	}
	table_print(table, stdout, terminal_width());
}

/* The files of clients, running or not: why one is not inspected outlives its processes. */
static void status_images(const json_t *answer)
{
	static const char *const heads[] = {"FILE", "INSPECTED", "PROOF", "BUILD-ID", "REASON"};
	const json_t *images = json_object_get(answer, "images");
	_cleanup_table_ struct table *table = NULL;
	json_t *one;
	size_t i;

	if (json_array_size(images) == 0 || table_new(heads, ARRAY_SIZE(heads), &table) < 0)
		return;
	status_title("Files of clients");
	json_array_foreach (images, i, one) {
		table_row(table);
		table_printf(table, TERMINAL_PLAIN, "%" PRId64,
			     (int64_t)client_integer(one, "image", -1));
		status_inspected(table, one);
		table_cell(table, TERMINAL_PLAIN, client_text(one, "proof"));
		table_printf(table, TERMINAL_DIM, "%.12s", client_text(one, "build_id"));
		table_cell(table, TERMINAL_PLAIN, client_text(one, "why"));
	}
	table_print(table, stdout, terminal_width());
}

static void status_counters(const json_t *answer)
{
	static const char *const heads[] = {NULL, NULL};
	json_t *counters = json_object_get(answer, "counters"), *value;
	_cleanup_table_ struct table *table = NULL;
	const char *name;

	status_title("Counters since the kernel side was loaded");
	if (table_new(heads, ARRAY_SIZE(heads), &table) < 0)
		return;
	json_object_foreach (counters, name, value) {
		int64_t n = json_is_integer(value) ? json_integer_value(value) : -1;
		bool loss = strncmp(name, "lost", 4) == 0 && n != 0;

		table_row(table);
		table_cell(table, TERMINAL_PLAIN, name);
		table_printf(table, loss ? TERMINAL_RED : TERMINAL_PLAIN, "%" PRId64, n);
	}
	table_print(table, stdout, terminal_width());
}

/* What the detectors of the data path found: nothing where there is none, or none has. */
static void status_inline(const json_t *answer)
{
	static const char *const heads[] = {"DETECTOR", "MASKED", "BLOCKED", "LET THROUGH"};
	static const char *const members[] = {"masked", "blocked", "let_through"};
	const json_t *list = json_object_get(answer, "inline");
	_cleanup_table_ struct table *table = NULL;
	json_t *one;
	size_t i;

	if (json_array_size(list) == 0 || table_new(heads, ARRAY_SIZE(heads), &table) < 0)
		return;
	status_title("Values found in streams since the agent started");
	json_array_foreach (list, i, one) {
		table_row(table);
		table_cell(table, TERMINAL_PLAIN, client_text(one, "detector"));
		for (size_t m = 0; m < ARRAY_SIZE(members); m++)
			table_printf(table, TERMINAL_PLAIN, "%" PRId64,
				     (int64_t)client_integer(one, members[m], 0));
	}
	table_print(table, stdout, terminal_width());
}

static void status_names(const json_t *answer)
{
	static const char *const heads[] = {"NAME", "AGE", "ADDRESSES"};
	const json_t *names = json_object_get(answer, "names");
	_cleanup_table_ struct table *table = NULL;
	json_t *one, *address;
	size_t i, j;

	if (json_array_size(names) == 0 || table_new(heads, ARRAY_SIZE(heads), &table) < 0)
		return;
	status_title("Names in the policy, and what they resolve to");
	json_array_foreach (names, i, one) {
		_cleanup_json_ json_t *line = json_string("");
		char age[64];

		json_array_foreach (json_object_get(one, "addresses"), j, address) {
			_cleanup_json_ json_t *longer = json_sprintf(
				"%s%s%s", json_string_value(line), j ? " " : "",
				json_is_string(address) ? json_string_value(address) : "?");
			json_t *shorter = line;

			if (!longer)
				break;
			line = TAKE_PTR(longer);
			json_decref(shorter);
		}
		status_duration(client_integer(one, "age_ms", -1), age, sizeof(age));
		table_row(table);
		table_cell(table, TERMINAL_PLAIN, client_text(one, "name"));
		table_cell(table, TERMINAL_DIM, age);
		table_cell(table, TERMINAL_PLAIN, json_string_value(line));
	}
	table_print(table, stdout, terminal_width());
}

int cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	_cleanup_json_ json_t *request = json_pack("{s:s}", "ask", "status");
	_cleanup_json_ json_t *answer = NULL;
	enum cli_status status;
	bool json = false;
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "jh", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			json = true;
			break;
		case 'h':
			status_usage(stdout);
			return CLI_OK;
		default:
			status_usage(stderr);
			return CLI_USAGE;
		}
	}
	if (optind != argc) {
		status_usage(stderr);
		return CLI_USAGE;
	}
	status = client_ask(request, true, &answer, NULL);
	if (status != CLI_OK)
		return status;
	if (json)
		return client_print_json(answer);
	status_head(answer);
	status_log(answer);
	status_processes(answer);
	status_posture(answer);
	status_clients(answer);
	status_images(answer);
	status_counters(answer);
	status_inline(answer);
	status_names(answer);
	return CLI_OK;
}
