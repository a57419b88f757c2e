// SPDX-License-Identifier: Apache-2.0
/* bailiff locate: shows the TLS functions of files, and what they were recognised by. */
#include "cli/commands.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "tls/locate.h"

enum { EXIT_LOCATED = 0, EXIT_USAGE = 2, EXIT_REFUSED = 3 };

static const char usage[] = "usage: bailiff locate [--json] FILE...\n"
			    "\n"
			    "Finds the functions of a program or library through which TLS "
			    "plaintext passes, and shows\n"
			    "what they were recognised by. Nothing is run or changed.\n"
			    "\n"
			    "  --json   one JSON object a file, on a line of its own\n"
			    "  --help   this text\n"
			    "\n"
			    "exit status: 0 all found, 3 refused (no TLS library, or more than one "
			    "answer), 2 a file that\n"
			    "cannot be read or analysed, or bad usage\n";

static const char *machine_name(uint16_t machine)
{
	return machine == EM_X86_64 ? "x86-64" : machine == EM_AARCH64 ? "arm64" : "?";
}

static void print_list(const char *what, uint32_t n, const uint64_t *list)
{
	if (!n)
		return;
	printf("             %-8s", what);
	for (uint32_t i = 0; i < n; i++)
		printf(" 0x%" PRIx64, list[i]);
	putchar('\n');
}

static void print_function(enum tls_role role, const struct tls_function *f)
{
	printf("  %-10s 0x%-10" PRIx64 " offset 0x%-10" PRIx64 " %5" PRIu64 " bytes\n",
	       tls_role_to_string(role), f->address, f->offset, f->size);
	if (f->n_rets)
		print_list("returns", f->n_rets, f->ret_offset);
	else
		puts("             returns  not known; only its entry is used");
	if (f->n_reasons) {
		printf("             %-8s", "reasons");
		for (uint32_t i = 0; i < f->n_reasons; i++)
			printf(" %" PRIu32, f->reasons[i]);
		putchar('\n');
	}
	print_list("calls", f->n_edges, f->edges);
}

static void print_layout(const char *path, const struct tls_layout *l)
{
	char id[2 * TLS_BUILD_ID_MAX + 1];

	digest_hex(l->build_id, l->build_id_len, id);
	printf("%s: %s, %s, by %s\n", path, tls_library_to_string(l->library),
	       machine_name(l->machine), tls_method_to_string(l->method));
	printf("  %-10s %s\n", "build-id", l->build_id_len ? id : "none");
	if (l->source_string)
		printf("  %-10s 0x%" PRIx64 "\n", "string", l->source_string);
	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++)
		if (l->function[i].present)
			print_function(i, &l->function[i]);
	if (l->read_body)
		printf("  %-10s 0x%" PRIx64 "\n", "read body", l->read_body);
}

/* Addresses go out as text: many readers of JSON lose bits above 2^53. */
static json_t *hex_json(uint64_t v)
{
	return json_sprintf("0x%" PRIx64, v);
}

static json_t *hex_list(uint32_t n, const uint64_t *list)
{
	json_t *a = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(a, hex_json(list[i]));
	return a;
}

static json_t *function_json(const struct tls_function *f)
{
	json_t *reasons = json_array();
	char entry[2 * TLS_ENTRY_BYTES + 1];

	for (uint32_t i = 0; i < f->n_reasons; i++)
		json_array_append_new(reasons, json_integer(f->reasons[i]));
	digest_hex(f->entry, sizeof(f->entry), entry);
	return json_pack("{s:o, s:o, s:I, s:o, s:o, s:o, s:s}", "address", hex_json(f->address),
			 "offset", hex_json(f->offset), "size", (json_int_t)f->size, "returns",
			 hex_list(f->n_rets, f->ret_offset), "reasons", reasons, "calls",
			 hex_list(f->n_edges, f->edges), "entry", entry);
}

static json_t *layout_json(const struct tls_layout *l)
{
	json_t *functions = json_object();
	char id[2 * TLS_BUILD_ID_MAX + 1];

	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++)
		if (l->function[i].present)
			json_object_set_new(functions, tls_role_to_string(i),
					    function_json(&l->function[i]));
	digest_hex(l->build_id, l->build_id_len, id);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o}", "library",
			 tls_library_to_string(l->library), "method",
			 tls_method_to_string(l->method), "machine", machine_name(l->machine),
			 "build_id", id, "file_size", (json_int_t)l->file_size, "source_string",
			 hex_json(l->source_string), "read_body", hex_json(l->read_body),
			 "functions", functions);
}

static const char *outcome(int r, bool opened)
{
	if (r == -EUCLEAN)
		return "refused";
	return r == -ENOENT && opened ? "nothing found" : "not analysed";
}

static void print_json(const char *path, int r, bool opened, const char *why,
		       const struct tls_layout *l)
{
	/* a file name is bytes, JSON is UTF-8 */
	json_t *name = json_string(path);
	json_t *o = r ? json_pack("{s:b, s:s, s:s}", "located", 0, "error", outcome(r, opened),
				  "why", why)
		      : layout_json(l);
	_cleanup_free_ char *text = NULL;

	if (o && !r)
		json_object_set_new(o, "located", json_true());
	if (o)
		json_object_set_new(o, "file", name ? name : json_string("(name is not UTF-8)"));
	else
		json_decref(name);
	text = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	puts(text ? text : "{\"error\":\"out of memory\",\"located\":false}");
	json_decref(o);
}

static int locate_one(const char *path, bool json)
{
	struct tls_layout layout = {0};
	char why[TLS_WHY_SIZE] = "";
	/* a fifo or a device in the list must not block or act */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = fd < 0 ? -errno : tls_locate(fd, &layout, why);

	if (r && !why[0])
		snprintf(why, sizeof(why), "%s", strerror(-r));
	if (json)
		print_json(path, r, fd >= 0, why, &layout);
	else if (r)
		printf("%s: %s: %s\n", path, outcome(r, fd >= 0), why);
	else
		print_layout(path, &layout);
	if (!r)
		return EXIT_LOCATED;
	return fd >= 0 && (r == -EUCLEAN || r == -ENOENT) ? EXIT_REFUSED : EXIT_USAGE;
}

int cmd_locate(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool json = false, refused = false, failed = false;
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_LOCATED;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind >= argc) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	for (int i = optind; i < argc; i++) {
		int r = locate_one(argv[i], json);

		refused |= r == EXIT_REFUSED;
		failed |= r == EXIT_USAGE;
	}
	return failed ? EXIT_USAGE : refused ? EXIT_REFUSED : EXIT_LOCATED;
}
