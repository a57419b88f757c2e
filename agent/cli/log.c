// SPDX-License-Identifier: Apache-2.0
/* bailiff log: verifies the event log, and proves single entries of it. */
#include "audit/log.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit/canonical.h"
#include "audit/note.h"
#include "audit/proof.h"
#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/terminal.h"

#define LOG_DIRECTORY "/var/log/bailiff"

static void usage(FILE *to)
{
	fputs("usage: bailiff log verify [--json] [--key FILE|KEY] [DIRECTORY]\n"
	      "       bailiff log prove INDEX [DIRECTORY]\n\n"
	      "verify  computes the log again from its files and compares it with what was "
	      "signed;\n"
	      "        names the first record that was changed, and the file\n"
	      "prove   writes a proof (c2sp.org/tlog-proof@v1) that one record is in the log\n\n"
	      "  --key FILE|KEY  the public key; without it log.pub of the directory is believed,\n"
	      "                  which a forger could have replaced together with the log\n"
	      "  --json          for programs\n"
	      "  --help          this text\n\n"
	      "DIRECTORY is " LOG_DIRECTORY " unless given.\n",
	      to);
}

static void show_progress(uint64_t done, uint64_t all)
{
	fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " records%s", done, all,
		done == all ? "\r\033[K" : "");
}

/* The key as text: of a file, or as given. */
static int read_key(const char *given, char ret[NOTE_VKEY_SIZE + 1])
{
	_cleanup_close_ int fd = open(given, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 && errno == ENOENT && strchr(given, '+')) {
		n = snprintf(ret, NOTE_VKEY_SIZE + 1, "%s", given);
		return n < 0 || n > NOTE_VKEY_SIZE ? -EINVAL : 0;
	}
	if (fd < 0)
		return -errno;
	n = read(fd, ret, NOTE_VKEY_SIZE);
	if (n < 0)
		return -errno;
	ret[n] = 0;
	return 0;
}

static int print_json(const struct log_finding *f)
{
	_cleanup_free_ char *text = NULL;
	json_t *root;
	size_t len;
	int r;

	root = json_pack("{s:b, s:I, s:I, s:I, s:s, s:s}", "ok", f->ok, "size", (json_int_t)f->size,
			 "unsigned_tail", (json_int_t)f->unsigned_tail, "checkpoint_ms",
			 (json_int_t)f->checkpoint_ms, "root", f->root, "why", f->why);
	if (root && json_object_set_new(root, "bad_index",
					f->bad_index == UINT64_MAX
						? json_null()
						: json_integer((json_int_t)f->bad_index)) < 0) {
		json_decref(root);
		root = NULL;
	}
	r = root ? canonical_dump(root, &text, &len) : -ENOMEM;
	json_decref(root);
	if (r >= 0)
		puts(text);
	return r;
}

static void print_finding(const struct log_finding *f, bool own_key)
{
	time_t s = (time_t)(f->checkpoint_ms / 1000);
	char when[64] = "at an unknown time";
	struct tm tm;

	if (f->checkpoint_ms > 0 && localtime_r(&s, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", &tm);
	if (!f->ok) {
		terminal_print(stdout, TERMINAL_RED, "NOT INTACT");
		fputs("  ", stdout);
		terminal_print(stdout, TERMINAL_PLAIN, f->why);
		fputc('\n', stdout);
		return;
	}
	terminal_print(stdout, TERMINAL_GREEN, "intact");
	printf("  %" PRIu64 " records, root %s, signed %s\n", f->size, f->root, when);
	if (f->unsigned_tail)
		printf("        %" PRIu64 " more records are not signed yet\n", f->unsigned_tail);
	if (own_key)
		puts("        by the key that lies with the log; --key checks against yours");
}

static int verify(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
						{"key", required_argument, NULL, 'k'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	const char *directory = LOG_DIRECTORY, *given = NULL;
	char vkey[NOTE_VKEY_SIZE + 1];
	struct log_finding finding;
	bool json = false;
	int o, r;

	optind = 0;
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (o) {
		case 'j':
			json = true;
			break;
		case 'k':
			given = optarg;
			break;
		case 'h':
			usage(stdout);
			return CLI_OK;
		default:
			usage(stderr);
			return CLI_USAGE;
		}
	if (argc - optind > 1) {
		usage(stderr);
		return CLI_USAGE;
	}
	if (optind < argc)
		directory = argv[optind];
	r = given ? read_key(given, vkey) : 0;
	if (r < 0) {
		fprintf(stderr, "bailiff: %s: %s\n", given, strerror(-r));
		return CLI_USAGE;
	}
	r = log_verify(directory, given ? vkey : NULL,
		       !json && isatty(STDERR_FILENO) ? show_progress : NULL, &finding);
	if (r == -EINVAL && given) {
		fprintf(stderr, "bailiff: %s is not a verifier key (name+id+base64)\n", given);
		return CLI_USAGE;
	}
	if (r < 0) {
		fprintf(stderr, "bailiff: %s: %s\n", directory,
			r == -ENOENT ? "no log there" : strerror(-r));
		return r == -EACCES || r == -EPERM ? CLI_NOT_PERMITTED : CLI_FAILED;
	}
	if (json)
		r = print_json(&finding);
	else
		print_finding(&finding, !given);
	if (r < 0 || fflush(stdout) != 0)
		return CLI_FAILED;
	return finding.ok ? CLI_OK : CLI_REFUSED;
}

static int prove(int argc, char **argv)
{
	const char *directory = argc > 2 ? argv[2] : LOG_DIRECTORY;
	_cleanup_free_ char *proof = NULL;
	unsigned long long index;
	char *end;
	int r;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return CLI_OK;
	}
	if (argc < 2 || argc > 3 || argv[1][0] < '0' || argv[1][0] > '9') {
		usage(stderr);
		return CLI_USAGE;
	}
	errno = 0;
	index = strtoull(argv[1], &end, 10);
	if (errno || *end) {
		usage(stderr);
		return CLI_USAGE;
	}
	r = proof_make(directory, index, &proof);
	if (r == -ERANGE) {
		fprintf(stderr, "bailiff: record %llu is not signed\n", index);
		return CLI_REFUSED;
	}
	if (r < 0) {
		fprintf(stderr, "bailiff: %s: %s\n", directory,
			r == -EUCLEAN ? "the log is not intact; see bailiff log verify"
				      : strerror(-r));
		return r == -EACCES || r == -EPERM ? CLI_NOT_PERMITTED : CLI_FAILED;
	}
	fputs(proof, stdout);
	return fflush(stdout) == 0 ? CLI_OK : CLI_FAILED;
}

int cmd_log(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "verify") == 0)
		return verify(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "prove") == 0)
		return prove(argc - 1, argv + 1);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return CLI_OK;
	}
	usage(stderr);
	return CLI_USAGE;
}
