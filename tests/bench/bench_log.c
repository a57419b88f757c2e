// SPDX-License-Identifier: Apache-2.0
/* How fast the log takes events and how fast it is verified: bench_log [ENTRIES] [DIRECTORY]. A
 * checkpoint every 2,000 entries stands for one every few seconds under load. */
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "audit/log.h"
#include "base/log.h"

#define CHECKPOINT_EVERY 2000

/* Beside the time on the clock the time on the processor: what a machine with other work to do
 * cannot blur, and what waiting for the disk is not part of. */
static double busy(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* About the size of a tool_use event. */
static size_t make_event(uint64_t i, char *out, size_t size)
{
	int n = snprintf(
		out, size,
		"{\"activity_id\":99,\"activity_name\":\"Use\",\"actor\":{\"process\":{\"pid\":"
		"%" PRIu64
		"},\"user\":{\"groups\":[{\"name\":\"engineers\"}],\"name\":\"alice@company.com\","
		"\"uid\":\"1000\"}},\"api\":{\"operation\":\"tool.use\"},\"category_uid\":6,"
		"\"class_uid\":6003,\"device\":{\"hostname\":\"dev-7\"},\"metadata\":{"
		"\"event_code\":\"tool_use\",\"profiles\":[\"host\",\"ai_operation\"],"
		"\"version\":\"1.8.0\"},\"severity_id\":1,\"time\":%" PRIu64
		",\"type_uid\":600399,\"unmapped\":{\"input\":\"%0512d\",\"tool\":\"Bash\"}}",
		i % 30000, 1767225600000 + i, (int)(i % 1000000));

	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int fill(struct log *log, uint64_t entries, uint64_t *ret_bytes)
{
	char json[2048];
	uint64_t index;

	for (uint64_t i = 0; i < entries; i++) {
		size_t len = make_event(i, json, sizeof(json));
		int r = log_append_event(log, json, len, &index);

		if (r >= 0 && (i + 1) % CHECKPOINT_EVERY == 0)
			r = log_checkpoint(log, 1);
		if (r < 0)
			return r;
		*ret_bytes += len;
	}
	return log_checkpoint(log, 1);
}

int main(int argc, char **argv)
{
	uint64_t entries = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000, bytes = 0;
	char base[256], directory[288], key[288];
	struct log_options options = {directory, key, "bailiff/bench"};
	struct log_finding finding;
	struct log_opened opened;
	struct log *log;
	double start, cpu, took;
	int r;

	log_init("bench_log", LOG_LEVEL_ERROR);
	snprintf(base, sizeof(base), "%s/bench-log-XXXXXX", argc > 2 ? argv[2] : "/tmp");
	if (!entries || !mkdtemp(base))
		return 1;
	snprintf(directory, sizeof(directory), "%s/log", base);
	snprintf(key, sizeof(key), "%s/keys/log.key", base);
	r = log_open(&options, &log, &opened);
	if (r >= 0) {
		start = now();
		cpu = busy();
		r = fill(log, entries, &bytes);
		took = now() - start;
		cpu = busy() - cpu;
		log_close(log);
		printf("append  %8.0f entries/s  %6.1f MB/s  %5.1f us of processor an entry  "
		       "(%" PRIu64 " entries of %" PRIu64 " bytes, a checkpoint every %d)\n",
		       (double)entries / took, (double)bytes / took / 1e6,
		       cpu / (double)entries * 1e6, entries, bytes / entries, CHECKPOINT_EVERY);
	}
	if (r >= 0) {
		start = now();
		r = log_open(&options, &log, &opened);
		took = now() - start;
		if (r >= 0)
			log_close(log);
		printf("open    %8.1f ms\n", took * 1e3);
	}
	if (r >= 0) {
		start = now();
		cpu = busy();
		r = log_verify(directory, NULL, NULL, &finding);
		took = now() - start;
		cpu = busy() - cpu;
		printf("verify  %8.0f entries/s  %6.1f MB/s  %5.1f us of processor an entry  %s\n",
		       (double)entries / took, (double)bytes / took / 1e6,
		       cpu / (double)entries * 1e6, r == 0 && finding.ok ? "intact" : "NOT INTACT");
		if (!finding.ok)
			r = -1;
	}
	nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return r < 0;
}
