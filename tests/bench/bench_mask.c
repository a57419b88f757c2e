// SPDX-License-Identifier: Apache-2.0
/* Measures the mask stage: throughput by kind and size of text, what the compiled rules weigh.
 * Time is that of the thread, so that other work on the machine counts little. */
#include <hs/hs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "mask/mask.h"
#include "mask/rules.h"
#include "tests/unit/test_mask_gen.h"

#define RUNS 7

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long resident_kib(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/statm", "re");
	long size = 0, resident = 0;

	if (f && fscanf(f, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	return resident * sysconf(_SC_PAGESIZE) / 1024;
}

struct input {
	const char *name;
	char *bytes;
	size_t len;
};

static void whole(const struct mask_rules *rules, const struct input *in, size_t piece,
		  size_t *findings)
{
	*findings = 0;
	for (size_t at = 0; at + piece <= in->len; at += piece) {
		struct masked *m;

		if (mask_text(rules, in->bytes + at, piece, &m) < 0)
			exit(1);
		*findings += masked_n_findings(m);
		masked_free(m);
	}
}

static void sink(void *ctx, const char *bytes, size_t len)
{
	*(size_t *)ctx += len + (size_t)(bytes[0] == 0);
}

static void stream(const struct mask_rules *rules, const struct input *in, size_t piece,
		   size_t *total)
{
	struct mask_stream *s;

	*total = 0;
	if (mask_stream_new(rules, sink, total, &s) < 0)
		exit(1);
	for (size_t at = 0; at + piece <= in->len; at += piece)
		if (mask_stream_feed(s, in->bytes + at, piece) < 0)
			exit(1);
	if (mask_stream_finish(s) < 0)
		exit(1);
	mask_stream_free(s);
}

static void measure(const char *how,
		    void (*run)(const struct mask_rules *, const struct input *, size_t, size_t *),
		    const struct mask_rules *rules, const struct input *in, size_t piece)
{
	double best = 1e9, worst = 0;
	size_t result = 0, used = in->len / piece * piece;

	for (int i = 0; i < RUNS; i++) {
		double t = now(CLOCK_THREAD_CPUTIME_ID);

		run(rules, in, piece, &result);
		t = now(CLOCK_THREAD_CPUTIME_ID) - t;
		best = t < best ? t : best;
		worst = t > worst ? t : worst;
	}
	printf("%-7s %-8s %8zu bytes a call: %7.0f MB/s (slowest %.0f), %zu %s\n", how, in->name,
	       piece, (double)used / best / 1e6, (double)used / worst / 1e6, result,
	       run == whole ? "findings" : "bytes");
}

/* One kind of line of the generator, repeated with other seeds. */
static struct input generated(const char *name, void (*line)(struct gen *), size_t len)
{
	struct input in = {name, malloc(len + 1), len};
	struct gen g = {.seed = 7, .out = in.bytes, .cap = len + 1};

	if (!in.bytes)
		exit(1);
	if (!line)
		gen_text(7, in.bytes, len);
	while (line && g.len < len)
		line(&g);
	return in;
}

static struct input repeated(const char *name, const char *line, size_t len)
{
	struct input in = {name, malloc(len + 1), len};

	if (!in.bytes)
		exit(1);
	for (size_t i = 0; i < len; i++)
		in.bytes[i] = line[i % strlen(line)];
	return in;
}

static void base64_line(struct gen *g)
{
	gen_chars(g, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 64, 4096);
}

static struct input from_file(const char *path)
{
	struct input in = {path, NULL, 0};
	_cleanup_fclose_ FILE *f = fopen(path, "re");

	in.bytes = malloc(64u << 20);
	if (!f || !in.bytes)
		exit(1);
	in.len = fread(in.bytes, 1, 64u << 20, f);
	in.name = "file";
	return in;
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {1024, 4096, 16384, 65536, 1048576};
	const size_t len = 8u << 20;
	struct input in[] = {
		generated("mixed", NULL, len),
		generated("code", gen_code, len),
		generated("data", gen_data, len),
		generated("prose", gen_prose, len),
		repeated("json",
			 "{\"type\":\"text\",\"text\":\"a line\\nand \\\"one\\\" more\\n\"},\n",
			 len),
		repeated("escaped", "caf\\u00e9 and https:\\/\\/example.org\\/ and 100%25 of it\n",
			 len),
		generated("base64", base64_line, len),
		repeated("hits",
			 "write to alice@example.com or call +14155552671 about 123-45-6789\n",
			 len),
	};
	struct mask_options options = {0};
	struct mask_rules *rules;
	char err[256];
	long before = resident_kib(), after;
	double t = now(CLOCK_MONOTONIC);
	size_t db = 0, scratch = 0, jit = 0, n = 0;

	if (mask_rules_new(&options, &rules, err) < 0) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	t = now(CLOCK_MONOTONIC) - t;
	after = resident_kib();
	hs_database_size(rules->db, &db);
	hs_scratch_size(rules->scratch, &scratch);
	for (size_t i = 0; i < rules->n; i++) {
		size_t size = 0;

		pcre2_pattern_info(rules->all[i].code, PCRE2_INFO_JITSIZE, &size);
		jit += size;
	}
	while (mask_detector_name(n))
		n++;
	printf("%zu detectors, compiled in %.0f ms; database %zu KiB, scratch %zu KiB, JIT code "
	       "%zu KiB, "
	       "resident %ld KiB more\n",
	       n, t * 1e3, db >> 10, scratch >> 10, jit >> 10, after - before);
	if (argc > 1) {
		struct input file = from_file(argv[1]);

		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++)
			if (sizes[k] <= file.len)
				measure("whole", whole, rules, &file, sizes[k]);
		free(file.bytes);
	}
	for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++)
			measure("whole", whole, rules, &in[i], sizes[k]);
		measure("stream", stream, rules, &in[i], 64);
		measure("stream", stream, rules, &in[i], 16384);
		free(in[i].bytes);
	}
	mask_rules_free(rules);
	return 0;
}
