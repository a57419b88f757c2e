// SPDX-License-Identifier: Apache-2.0
/* bailiff events: shows the event log to people, and hands it to programs as it was written. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "audit/reader.h"
#include "audit/row.h"
#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/terminal.h"

#define EVENTS_DIRECTORY "/var/log/bailiff"
#define EVENTS_FOLLOW_N	 10
#define EVENTS_POLL_MS	 1000 /* for a file system that inotify does not see, as over NFS */
#define EVENTS_KEEP_MAX	 100000

struct options {
	const char *directory, *code;
	bool follow, json, denied, has_since, has_n;
	uint64_t since, n;
};

static void usage(FILE *to)
{
	fputs("usage: bailiff events [-f] [--json] [-n COUNT] [--since NUMBER] [--code CODE]\n"
	      "                      [--denied] [DIRECTORY]\n\n"
	      "  -f, --follow    go on with what is appended (after the last 10 events,\n"
	      "                  unless -n or --since)\n"
	      "  --json          the events as they lie in the log, one a line\n"
	      "  -n COUNT        the last COUNT events (of those asked for)\n"
	      "  --since NUMBER  from this event on\n"
	      "  --code CODE     only of this code (skill_use, destination, ...)\n"
	      "  --denied        only what was denied, or would have been\n"
	      "  --help          this text\n\n"
	      "DIRECTORY is " EVENTS_DIRECTORY " unless given.\n",
	      to);
}

static int parse_number(const char *text, uint64_t *ret)
{
	unsigned long long n;
	char *end;

	if (*text < '0' || *text > '9') /* strtoull would take " 7" and "-7" */
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* Returns 1 to go on, else the exit status negated. */
static int parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option names[] = {
		{"follow", no_argument, NULL, 'f'},	  {"json", no_argument, NULL, 'j'},
		{"since", required_argument, NULL, 's'},  {"code", required_argument, NULL, 'c'},
		{"denied", no_argument, NULL, 'd'},	  {"help", no_argument, NULL, 'h'},
		{"number", required_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
	int o;

	optind = 0;
	while ((o = getopt_long(argc, argv, "fn:", names, NULL)) != -1) {
		int r = 0;

		switch (o) {
		case 'f':
			ret->follow = true;
			break;
		case 'j':
			ret->json = true;
			break;
		case 'd':
			ret->denied = true;
			break;
		case 'c':
			ret->code = optarg;
			break;
		case 's':
			ret->has_since = true;
			r = parse_number(optarg, &ret->since);
			break;
		case 'n':
			ret->has_n = true;
			r = parse_number(optarg, &ret->n);
			break;
		case 'h':
			usage(stdout);
			return -CLI_OK;
		default:
			r = -EINVAL;
		}
		if (r < 0) {
			usage(stderr);
			return -CLI_USAGE;
		}
	}
	if (argc - optind > 1 || ret->n > EVENTS_KEEP_MAX) {
		usage(stderr);
		return -CLI_USAGE;
	}
	if (optind < argc)
		ret->directory = argv[optind];
	return 1;
}

static enum terminal_style verdict_style(const struct row *row)
{
	if (strcmp(row->verdict, "denied") == 0)
		return TERMINAL_RED;
	if (strcmp(row->verdict, "would_deny") == 0)
		return TERMINAL_YELLOW;
	return *row->verdict ? TERMINAL_GREEN : TERMINAL_DIM;
}

/* One cell, made safe, cut to width columns (0: as it is), padded to them when asked. */
static void print_cell(enum terminal_style style, const char *text, size_t width, bool pad)
{
	_cleanup_free_ char *safe = terminal_safe(*text ? text : "-");
	size_t columns;

	if (!safe)
		return;
	if (width && terminal_columns(safe) > width)
		safe[terminal_fit(safe, width)] = 0;
	columns = terminal_columns(safe);
	terminal_print(stdout, style, safe);
	for (; pad && columns < width; columns++)
		fputc(' ', stdout);
}

/* Widths of number, time, code, person, what, verdict, rule; the rest of the line is for more.
 * Where nobody looks at a terminal nothing is cut. */
static void print_row(uint64_t index, const struct row *row, bool terminal)
{
	static const size_t widths[] = {14, 24, 28, 10, 22};
	const enum terminal_style style = verdict_style(row);
	const struct {
		enum terminal_style style;
		const char *text;
	} cells[] = {
		{TERMINAL_PLAIN, row->code}, {TERMINAL_BOLD, row->person},
		{TERMINAL_PLAIN, row->what}, {style, row->verdict},
		{TERMINAL_PLAIN, row->rule},
	};
	size_t used = 8 + 2 + 19, width = terminal_width(), rest = 0;
	time_t s = (time_t)(row->time_ms / 1000);
	char when[32] = "-";
	struct tm tm;

	if (localtime_r(&s, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%8" PRIu64 "  %-19s", index, when);
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++) {
		fputs("  ", stdout);
		print_cell(cells[i].style, cells[i].text, terminal ? widths[i] : 0, terminal);
		used += 2 + widths[i];
	}
	fputs("  ", stdout);
	if (terminal && width > used + 2)
		rest = width - used - 2;
	if (!terminal || rest)
		print_cell(TERMINAL_DIM, row->detail, rest, false);
	fputc('\n', stdout);
}

static void print_heads(void)
{
	printf("%8s  %-19s  %-14s  %-24s  %-28s  %-10s  %-22s  %s\n", "NUMBER", "TIME", "EVENT",
	       "PERSON", "WHAT", "VERDICT", "RULE", "MORE");
}

/* Prints an event. Returns 0 or -errno of the output. */
static int print_event(const struct options *o, uint64_t index, const char *json, size_t len,
		       bool terminal)
{
	struct row row;

	if (o->json) {
		fwrite(json, 1, len, stdout);
		fputc('\n', stdout);
	} else if (row_read(json, len, &row) >= 0) {
		print_row(index, &row, terminal);
	} else {
		printf("%8" PRIu64 "  damaged; see bailiff log verify\n", index);
	}
	return ferror(stdout) ? -EPIPE : 0;
}

static bool wanted(const struct options *o, const char *json, size_t len)
{
	struct row row;

	if (!o->code && !o->denied)
		return true;
	if (row_read(json, len, &row) < 0)
		return true; /* shown as damaged rather than hidden */
	return (!o->code || strcmp(o->code, row.code) == 0) && (!o->denied || row_denied(&row));
}

/* The last n of those asked for; with no filter they are found without looking at those before. */
struct kept {
	char **json;
	size_t *len;
	uint64_t *index;
	uint64_t n, count;
};

static void kept_free(struct kept *k)
{
	for (uint64_t i = 0; k->json && i < k->n; i++)
		free(k->json[i]);
	free(k->json);
	free(k->len);
	free(k->index);
}

static int keep(struct kept *k, uint64_t index, const char *json, size_t len)
{
	uint64_t at;
	char *copy;

	if (!k->n)
		return 0;
	at = k->count++ % k->n;
	copy = strndup(json, len);
	if (!copy)
		return -ENOMEM;
	free(k->json[at]);
	k->json[at] = copy;
	k->len[at] = len;
	k->index[at] = index;
	return 0;
}

/* Everything that is there by now. With `last`, into it instead of out. */
static int drain(const struct options *o, struct log_reader *reader, struct kept *last,
		 bool terminal)
{
	const char *json;
	uint64_t index;
	size_t len;
	int r;

	while ((r = log_reader_next(reader, &index, &json, &len)) > 0) {
		if (!wanted(o, json, len))
			continue;
		r = last ? keep(last, index, json, len)
			 : print_event(o, index, json, len, terminal);
		if (r < 0)
			return r;
	}
	if (r >= 0 && !last && fflush(stdout) != 0)
		return -EPIPE;
	return r;
}

static int drain_last(const struct options *o, struct log_reader *reader, bool terminal)
{
	_cleanup_(kept_free) struct kept last = {.n = o->n};
	uint64_t first;
	int r;

	last.json = calloc(o->n + 1, sizeof(*last.json));
	last.len = calloc(o->n + 1, sizeof(*last.len));
	last.index = calloc(o->n + 1, sizeof(*last.index));
	if (!last.json || !last.len || !last.index)
		return -ENOMEM;
	r = drain(o, reader, &last, terminal);
	first = last.count > last.n ? last.count - last.n : 0;
	for (uint64_t i = first; r >= 0 && i < last.count; i++)
		r = print_event(o, last.index[i % last.n], last.json[i % last.n],
				last.len[i % last.n], terminal);
	if (r >= 0 && fflush(stdout) != 0)
		r = -EPIPE;
	return r;
}

/* Waits for news. The output is watched too, so that `bailiff events -f | head -1` ends with head
 * and not with the next event. */
static int follow(const struct options *o, struct log_reader *reader, bool terminal)
{
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int r;

	if (watch < 0)
		return -errno;
	if (inotify_add_watch(watch, o->directory, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return -errno;
	for (;;) {
		struct pollfd fds[] = {{.fd = watch, .events = POLLIN}, {.fd = STDOUT_FILENO}};
		char drop[4096];

		r = drain(o, reader, NULL, terminal);
		if (r < 0)
			return r;
		r = poll(fds, ARRAY_SIZE(fds), EVENTS_POLL_MS);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0 && fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
			return -EPIPE;
		/* which file it was does not matter: the reader looks at all of them */
		while (read(watch, drop, sizeof(drop)) > 0)
			;
	}
}

static int show(struct options *o)
{
	_cleanup_(log_reader_freep) struct log_reader *reader = NULL;
	bool terminal = isatty(STDOUT_FILENO), filtered = o->code || o->denied;
	uint64_t from = o->since, size;
	int r;

	if (o->follow && !o->has_n && !o->has_since) {
		o->has_n = true;
		o->n = EVENTS_FOLLOW_N;
	}
	if (o->has_n && !filtered) {
		r = log_reader_size(o->directory, &size);
		if (r < 0)
			return r;
		if (size - from > o->n && size > from)
			from = size - o->n;
	}
	r = log_reader_open(o->directory, from, &reader);
	if (r < 0)
		return r;
	if (terminal && !o->json)
		print_heads();
	r = o->has_n ? drain_last(o, reader, terminal) : drain(o, reader, NULL, terminal);
	if (r >= 0 && o->follow)
		r = follow(o, reader, terminal);
	return r;
}

int cmd_events(int argc, char **argv)
{
	struct options o = {.directory = EVENTS_DIRECTORY};
	int r;

	r = parse_options(argc, argv, &o);
	if (r <= 0)
		return -r;
	/* a reader that has seen enough is no failure: told by EPIPE, not by a signal */
	signal(SIGPIPE, SIG_IGN);
	r = show(&o);
	if (r >= 0 || r == -EPIPE)
		return CLI_OK;
	fprintf(stderr, "bailiff: %s: %s\n", o.directory,
		r == -ENOENT	? "no log there"
		: r == -EUCLEAN ? "the log is not intact; see bailiff log verify"
				: strerror(-r));
	if (r == -EUCLEAN)
		return CLI_REFUSED;
	return r == -EACCES || r == -EPERM ? CLI_NOT_PERMITTED : CLI_FAILED;
}
