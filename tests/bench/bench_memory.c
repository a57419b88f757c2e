// SPDX-License-Identifier: Apache-2.0
/* What a look at the probes in a process's memory costs the keeper: bench_memory [MAPPINGS] [RUNS].
 * This very process has that many other mappings, and breakpoints at as many places as a client.
 * Needs root, as the keeper does, to follow map_files. */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/memory.h"

#define SITES	  24 /* of Claude Code: three functions and their returns, with room */
#define CODE_SIZE (64u << 10)

static double busy(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static uint8_t *code_map(struct image_key *key)
{
	char path[] = "/tmp/bailiff-bench-XXXXXX";
	_cleanup_close_ int fd = mkostemp(path, O_CLOEXEC);
	struct stat st;
	uint8_t *code;

	if (fd < 0 || unlink(path) < 0 || ftruncate(fd, CODE_SIZE) < 0 || fstat(fd, &st) < 0)
		return NULL;
	*key = (struct image_key){.ctime_ns = (uint64_t)st.st_ctim.tv_sec * 1000000000u +
					      (uint64_t)st.st_ctim.tv_nsec,
				  .size = (uint64_t)st.st_size};
	code = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (code == MAP_FAILED)
		return NULL;
	memset(code, 0xcc, CODE_SIZE);
	return mprotect(code, CODE_SIZE, PROT_READ | PROT_EXEC) < 0 ? NULL : code;
}

/* Neighbours of different rights, or the kernel would make one of them. */
static int crowd(long n)
{
	_cleanup_close_ int fd = memfd_create("crowd", MFD_CLOEXEC);

	for (long i = 0; i < n && fd >= 0; i++) {
		const void *p = mmap(NULL, 4096, i & 1 ? PROT_READ : PROT_READ | PROT_WRITE,
				     MAP_PRIVATE, fd, 0);

		if (p == MAP_FAILED)
			return -1;
	}
	return fd < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	long mappings = argc > 1 ? atol(argv[1]) : 500, runs = argc > 2 ? atol(argv[2]) : 1000;
	_cleanup_free_ double *took = calloc((size_t)(runs > 0 ? runs : 1), sizeof(*took));
	struct memory_site sites[SITES] = {0};
	const struct memory_site *gone;
	struct image_key key;

	if (!took || runs < 1 || !code_map(&key) || crowd(mappings) < 0) {
		perror("bench_memory");
		return 1;
	}
	for (size_t i = 0; i < SITES; i++)
		sites[i].offset = i * (CODE_SIZE / SITES);
	for (long n = 0; n < runs; n++) {
		double from = busy();

		if (memory_look(getpid(), &key, EM_X86_64, sites, SITES, &gone) != 0) {
			fprintf(stderr, "bench_memory: the look failed: is this root?\n");
			return 1;
		}
		took[n] = busy() - from;
	}
	qsort(took, (size_t)runs, sizeof(*took), ascending);
	printf("a look, %ld other mappings, %d places: %.0f us of processor (median of %ld; "
	       "quartiles %.0f to %.0f)\n",
	       mappings, SITES, took[runs / 2], runs, took[runs / 4], took[runs * 3 / 4]);
	return 0;
}
