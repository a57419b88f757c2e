// SPDX-License-Identifier: Apache-2.0
/* What capturing one 16 KiB SSL_write costs above an empty pair of uprobes at the same place.
 *
 * Only uprobes on a function of this very program; no hook that decides is loaded. Three rounds are
 * interleaved and repeated; the median of each is reported, and their difference. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench_empty.skel.h"
#include "bpf/contract.h"
#include "tls.skel.h"

#define CHUNK  16384
#define CALLS  2000
#define ROUNDS 15

static char buffer[CHUNK];
static volatile bool stop;
static int ssl;
static unsigned long long drained;

/* The function under the probe: what SSL_write looks like from outside. */
__attribute__((noinline, noclone)) int bench_ssl_write(void *ssl, const void *buf, int n)
{
	__asm__ volatile("" ::"r"(ssl), "r"(buf) : "memory");
	return n;
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double one_round(void)
{
	double from = now_ns();

	for (int i = 0; i < CALLS; i++)
		bench_ssl_write(&ssl, buffer, CHUNK);
	return (now_ns() - from) / CALLS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int on_record(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	drained += size;
	return 0;
}

static void *drain(void *ring)
{
	while (!stop)
		ring_buffer__poll(ring, 10);
	return NULL;
}

/* File offset of a function of this program (it is position-independent: the load bias goes off).
 */
static int base_of(struct dl_phdr_info *info, size_t size, void *ctx)
{
	(void)size;
	*(unsigned long *)ctx = info->dlpi_addr;
	return 1;
}

static size_t offset_of(const void *address)
{
	unsigned long base = 0;

	dl_iterate_phdr(base_of, &base);
	/* with -Wl,-z,noseparate-code the first segment maps file offset 0 at the base */
	return (unsigned long)address - base;
}

/* The one ret of the function: the first c3 from its entry, which a function of this size has once.
 */
static size_t ret_of(size_t entry)
{
	const unsigned char *p = (const unsigned char *)(unsigned long)bench_ssl_write;

	for (size_t i = 0; i < 64; i++)
		if (p[i] == 0xc3)
			return entry + i;
	abort();
}

static struct bpf_link *probe(struct bpf_program *prog, size_t offset)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts);
	struct bpf_link *link =
		bpf_program__attach_uprobe_opts(prog, getpid(), "/proc/self/exe", offset, &opts);

	if (!link) {
		perror("bench_capture: attach");
		exit(1);
	}
	return link;
}

int main(void)
{
	struct task_context t = {.flags = TASK_GOVERNED | TASK_CLIENT};
	double none[ROUNDS], empty[ROUNDS], capture[ROUNDS];
	size_t entry = offset_of((const void *)(unsigned long)bench_ssl_write), ret = ret_of(entry);
	struct bench_empty *e = bench_empty__open_and_load();
	struct bailiff_tls *s = bailiff_tls__open();
	struct ring_buffer *ring;
	struct bpf_map *map;
	unsigned int zero = 0, owner = 0;
	pthread_t thread;
	int pidfd;

	memset(buffer, 'x', sizeof(buffer));
	if (!e || !s)
		return 1;
	bpf_object__for_each_map(map, s->obj) bpf_map__set_pin_path(map, NULL);
	s->rodata->owner = owner;
	if (bailiff_tls__load(s) < 0)
		return 1;
	pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (bpf_map_update_elem(bpf_map__fd(s->maps.tasks), &pidfd, &t, BPF_ANY) < 0 ||
	    bpf_map_update_elem(bpf_map__fd(s->maps.reporter), &zero, &owner, BPF_ANY) < 0) {
		perror("bench_capture: map");
		return 1;
	}
	ring = ring_buffer__new(bpf_map__fd(s->maps.records), on_record, NULL, NULL);
	pthread_create(&thread, NULL, drain, ring);
	for (int i = 0; i < ROUNDS; i++) {
		struct bpf_link *a, *b;

		none[i] = one_round();
		a = probe(e->progs.empty_enter, entry);
		b = probe(e->progs.empty_return, ret);
		empty[i] = one_round();
		bpf_link__destroy(a);
		bpf_link__destroy(b);
		b = probe(s->progs.tls_write_return, ret);
		a = probe(s->progs.tls_write_enter, entry);
		capture[i] = one_round();
		bpf_link__destroy(a);
		bpf_link__destroy(b);
	}
	stop = true;
	pthread_join(thread, NULL);
	ring_buffer__consume(ring);
	qsort(none, ROUNDS, sizeof(double), compare);
	qsort(empty, ROUNDS, sizeof(double), compare);
	qsort(capture, ROUNDS, sizeof(double), compare);
	printf("capture: per 16 KiB call, median of %d rounds of %d: no probe %.3f us, empty pair "
	       "%.2f "
	       "us, capture %.2f us; capture above the empty pair %.2f us (%.2f times the pair); "
	       "%.1f "
	       "MiB drained of %.1f\n",
	       ROUNDS, CALLS, none[ROUNDS / 2] / 1e3, empty[ROUNDS / 2] / 1e3,
	       capture[ROUNDS / 2] / 1e3, (capture[ROUNDS / 2] - empty[ROUNDS / 2]) / 1e3,
	       capture[ROUNDS / 2] / empty[ROUNDS / 2], (double)drained / 1048576,
	       (double)ROUNDS * CALLS * CHUNK / 1048576);
	ring_buffer__free(ring);
	bailiff_tls__destroy(s);
	bench_empty__destroy(e);
	return 0;
}
