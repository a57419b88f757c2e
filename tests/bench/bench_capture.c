// SPDX-License-Identifier: Apache-2.0
/* What capturing one 16 KiB SSL_write costs above an empty pair of uprobes at the same place, and
 * what sslsniff takes for it.
 *
 * Only uprobes on libraries of this benchmark; no hook that decides is loaded. Rounds of each kind
 * take turns; what is compared is a round with the one beside it. The rings are emptied as the
 * reader does it, by the same functions. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bench_empty.skel.h"
#include "bpf/contract.h"
#include "reader/rings.h"
#include "sslsniff.h"
#include "tls.skel.h"

#define CHUNK	   16384
#define CALLS	   500
#define ROUNDS	   40
#define COUNTED	   10  /* rounds more, in which the kernel counts the time inside of the programs */
#define ALONE	   200 /* calls with a pause before each, so that the reader sleeps */
#define PAUSE_US   5000
#define DRAINED_US 20000 /* until whoever reads has nothing left over from the last round */
#define IDLE_S	   2

typedef int (*ssl_write_fn)(void *ssl, const void *buf, int n);

enum kind {
	KIND_NONE,
	KIND_EMPTY,	/* entry and ret */
	KIND_EMPTY_RET, /* entry and uretprobe, as sslsniff does it */
	KIND_CAPTURE,
	KIND_SSLSNIFF,
	KIND_MAX,
};

struct library {
	char path[4096];
	ssl_write_fn ssl_write;
};

struct bench {
	struct bench_empty *empty;
	struct bailiff_tls *tls;
	struct library ours, theirs; /* two files: probes go by file */
	double round[KIND_MAX][ROUNDS], alone[KIND_MAX][ALONE];
	struct rings *rings;
	int stop;
};

static char buffer[CHUNK];
static int ssl;
static atomic_ullong taken, waits;
static atomic_bool telling;
static double told[ALONE];
static atomic_uint n_told;

static double clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_capture: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* In us; sorts. */
static double quantile_us(double *v, size_t n, double q)
{
	qsort(v, n, sizeof(*v), compare);
	return v[(size_t)(q * (double)(n - 1))] / 1e3;
}

static double median_us(const double *v, size_t n)
{
	double copy[ROUNDS > ALONE ? ROUNDS : ALONE];

	memcpy(copy, v, n * sizeof(*v));
	return quantile_us(copy, n, 0.5);
}

static int on_record(void *ctx, const void *record, size_t size)
{
	const struct record_head *head = record;

	(void)ctx;
	taken += size - sizeof(struct record_tls);
	if (telling && n_told < ALONE)
		told[n_told++] = clock_ns(CLOCK_BOOTTIME) - (double)head->time_ns;
	return 0;
}

static void *take(void *ctx)
{
	struct rings *rings = ctx;
	int ready;

	while (!((ready = rings_wait(rings, 1000)) & RINGS_OTHER)) {
		if (ready < 0)
			die("rings_wait");
		waits++;
		if (ready & RINGS_READY)
			rings_take(rings);
	}
	rings_take(rings);
	return NULL;
}

static void library_open(struct library *l, const char *directory, const char *name)
{
	void *handle;

	snprintf(l->path, sizeof(l->path), "%.4000s/%s", directory, name);
	handle = dlopen(l->path, RTLD_NOW | RTLD_LOCAL);
	l->ssl_write = handle ? (ssl_write_fn)dlsym(handle, "SSL_write") : NULL;
	if (!l->ssl_write) {
		fprintf(stderr, "bench_capture: %s\n", dlerror());
		exit(1);
	}
}

/* The one ret of the function: the first c3 from its entry, which a function of this size has once.
 */
static size_t ret_of(const struct library *l)
{
	const unsigned char *p = (const unsigned char *)(unsigned long)l->ssl_write;

	for (size_t i = 0; i < 64; i++)
		if (p[i] == 0xc3)
			return i;
	abort();
}

static struct bpf_link *probe(const struct bench *b, struct bpf_program *prog, size_t offset,
			      bool at_return)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = "SSL_write", .retprobe = at_return);
	struct bpf_link *link =
		bpf_program__attach_uprobe_opts(prog, getpid(), b->ours.path, offset, &opts);

	if (!link)
		die("attach");
	return link;
}

static void measure(const struct library *l, double *ret, double alone[ALONE])
{
	double from;

	if (!alone) {
		from = clock_ns(CLOCK_MONOTONIC);
		for (int i = 0; i < CALLS; i++)
			l->ssl_write(&ssl, buffer, CHUNK);
		*ret = (clock_ns(CLOCK_MONOTONIC) - from) / CALLS;
	}
	for (int i = 0; alone && i < ALONE; i++) {
		usleep(PAUSE_US);
		from = clock_ns(CLOCK_MONOTONIC);
		l->ssl_write(&ssl, buffer, CHUNK);
		alone[i] = clock_ns(CLOCK_MONOTONIC) - from;
	}
}

/* One round of one kind, or with alone, calls that follow a pause. */
static void one_round(struct bench *b, enum kind kind, double *ret, double alone[ALONE])
{
	size_t at = kind == KIND_EMPTY_RET ? 0 : ret_of(&b->ours);
	struct bpf_link *entry = NULL, *end = NULL;

	if (kind == KIND_EMPTY || kind == KIND_EMPTY_RET) {
		end = probe(b, b->empty->progs.empty_return, at, kind == KIND_EMPTY_RET);
		entry = probe(b, b->empty->progs.empty_enter, 0, false);
	} else if (kind == KIND_CAPTURE) {
		end = probe(b, b->tls->progs.tls_write_return, at, false);
		entry = probe(b, b->tls->progs.tls_write_enter, 0, false);
	}
	telling = alone && kind == KIND_CAPTURE;
	measure(kind == KIND_SSLSNIFF ? &b->theirs : &b->ours, ret, alone);
	usleep(DRAINED_US);
	telling = false;
	bpf_link__destroy(entry);
	bpf_link__destroy(end);
}

/* A call without a probe takes some ns. */
static bool probed(void *ctx)
{
	struct library *l = ctx;
	double from = clock_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < 10; i++)
		l->ssl_write(&ssl, buffer, CHUNK);
	return clock_ns(CLOCK_MONOTONIC) - from > 10 * 1000;
}

static void prepare(struct bench *b)
{
	struct task_context t = {.flags = TASK_GOVERNED | TASK_CLIENT};
	unsigned int zero = 0, owner = 0;
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	char directory[4000], *slash;
	ssize_t n = readlink("/proc/self/exe", directory, sizeof(directory) - 1);
	struct bpf_map *map;

	memset(buffer, 'x', sizeof(buffer));
	directory[n > 0 ? n : 0] = 0;
	slash = strrchr(directory, '/');
	if (!slash)
		die("/proc/self/exe");
	*slash = 0;
	library_open(&b->ours, directory, "libbench_ssl.so");
	library_open(&b->theirs, directory, "libbench_ssl2.so");
	b->empty = bench_empty__open_and_load();
	b->tls = bailiff_tls__open();
	if (!b->empty || !b->tls)
		die("load");
	bpf_object__for_each_map(map, b->tls->obj) bpf_map__set_pin_path(map, NULL);
	b->tls->rodata->owner = owner;
	if (bailiff_tls__load(b->tls) < 0)
		die("load");
	if (bpf_map_update_elem(bpf_map__fd(b->tls->maps.tasks), &pidfd, &t, BPF_ANY) < 0 ||
	    bpf_map_update_elem(bpf_map__fd(b->tls->maps.reporter), &zero, &owner, BPF_ANY) < 0)
		die("map");
	close(pidfd);
	b->stop = eventfd(0, EFD_CLOEXEC);
	if (b->stop < 0 ||
	    rings_new(bpf_map__fd(b->tls->maps.denials), bpf_map__fd(b->tls->maps.records), b->stop,
		      on_record, NULL, &b->rings) < 0)
		die("rings");
}

/* Time inside of one program, without the traps that lead to it. The kernel counts it where asked
 * to.
 */
static double inside_us(struct bpf_program *prog)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size) < 0 || !info.run_cnt)
		return 0;
	return (double)info.run_time_ns / (double)info.run_cnt / 1e3;
}

static void rounds_counted(struct bench *b)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	double ignored;

	for (int i = 0; fd >= 0 && i < COUNTED; i++)
		one_round(b, KIND_CAPTURE, &ignored, NULL);
	if (fd >= 0)
		close(fd);
}

static unsigned long long lost_records(const struct bench *b)
{
	unsigned int key = COUNTER_LOST_RECORD;
	int n = libbpf_num_possible_cpus();
	unsigned long long all = 0;
	__u64 *v = calloc(n > 0 ? (size_t)n : 1, sizeof(*v));

	if (!v || bpf_map_lookup_elem(bpf_map__fd(b->tls->maps.counters), &key, v) < 0)
		die("counters");
	for (int i = 0; i < n; i++)
		all += v[i];
	free(v);
	return all;
}

static void report_capture(struct bench *b, unsigned long long idle)
{
	double above[ROUNDS], times[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		above[i] = b->round[KIND_CAPTURE][i] - b->round[KIND_EMPTY][i];
		/* quantile_us() gives thousandths */
		times[i] = b->round[KIND_CAPTURE][i] / b->round[KIND_EMPTY][i] * 1e3;
	}
	printf("capture: per 16 KiB call, median of %d rounds of %d: no probe %.3f us, empty pair "
	       "%.2f us, capture %.2f us\n",
	       ROUNDS, CALLS, median_us(b->round[KIND_NONE], ROUNDS),
	       median_us(b->round[KIND_EMPTY], ROUNDS), median_us(b->round[KIND_CAPTURE], ROUNDS));
	printf("capture: above the empty pair beside it: median %.2f us, quartiles %.2f and %.2f; "
	       "%.2f times the pair\n",
	       quantile_us(above, ROUNDS, 0.5), quantile_us(above, ROUNDS, 0.25),
	       quantile_us(above, ROUNDS, 0.75), quantile_us(times, ROUNDS, 0.5));
	printf("capture: inside the programs %.2f us at entry, %.2f us at return\n",
	       inside_us(b->tls->progs.tls_write_enter), inside_us(b->tls->progs.tls_write_return));
	printf("capture: a call after %d ms of quiet, median of %d: empty pair %.1f us, capture "
	       "%.1f us; told after %.3f ms, at most %.3f\n",
	       PAUSE_US / 1000, ALONE, median_us(b->alone[KIND_EMPTY], ALONE),
	       median_us(b->alone[KIND_CAPTURE], ALONE), quantile_us(told, n_told, 0.5) / 1e3,
	       quantile_us(told, n_told, 1) / 1e3);
	printf("capture: %.1f MiB taken of %.1f, %llu records lost; with nothing to take, %llu "
	       "wake-ups of the reader in %d s\n",
	       (double)taken / 1048576,
	       (double)((ROUNDS + COUNTED) * CALLS + ALONE) * CHUNK / 1048576, lost_records(b),
	       idle, IDLE_S);
}

static void report_sslsniff(struct bench *b, unsigned long long lost)
{
	double cost[ROUNDS], own[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		cost[i] = b->round[KIND_CAPTURE][i] / b->round[KIND_SSLSNIFF][i] * 1e3;
		own[i] = b->round[KIND_SSLSNIFF][i] - b->round[KIND_EMPTY_RET][i];
	}
	printf("sslsniff: %.2f us a call, %.2f above an empty pair of its kind (uprobe and "
	       "uretprobe, %.2f us); lost at least %llu of %d calls\n",
	       median_us(b->round[KIND_SSLSNIFF], ROUNDS), quantile_us(own, ROUNDS, 0.5),
	       median_us(b->round[KIND_EMPTY_RET], ROUNDS), lost, ROUNDS * CALLS + ALONE);
	printf("sslsniff: a call after %d ms of quiet %.1f us\n", PAUSE_US / 1000,
	       median_us(b->alone[KIND_SSLSNIFF], ALONE));
	printf("side by side: a captured call takes %.2f times what it takes under sslsniff "
	       "(median "
	       "of the rounds), after a pause %.2f times\n",
	       quantile_us(cost, ROUNDS, 0.5),
	       median_us(b->alone[KIND_CAPTURE], ALONE) /
		       median_us(b->alone[KIND_SSLSNIFF], ALONE));
}

int main(void)
{
	static struct bench b;
	unsigned long long idle, lost;
	struct sslsniff rival;
	bool side_by_side;
	uint64_t one = 1;
	pthread_t thread;

	prepare(&b);
	if (pthread_create(&thread, NULL, take, b.rings))
		die("thread");
	sleep(1);
	idle = waits;
	sleep(IDLE_S);
	idle = waits - idle;
	side_by_side = sslsniff_start(&rival, b.theirs.path, probed, &b.theirs);
	for (int i = 0; i < ROUNDS; i++)
		for (int kind = 0; kind < KIND_MAX; kind++)
			if (kind != KIND_SSLSNIFF || side_by_side)
				one_round(&b, kind, &b.round[kind][i], NULL);
	for (int kind = 0; kind < KIND_MAX; kind++)
		if (kind != KIND_SSLSNIFF || side_by_side)
			one_round(&b, kind, NULL, b.alone[kind]);
	rounds_counted(&b);
	lost = side_by_side ? sslsniff_stop(&rival) : 0;
	if (write(b.stop, &one, sizeof(one)) != sizeof(one))
		die("eventfd");
	pthread_join(thread, NULL);
	report_capture(&b, idle);
	if (side_by_side)
		report_sslsniff(&b, lost);
	else
		printf("side by side: sslsniff did not run: %s\n", rival.reason);
	rings_free(b.rings);
	bailiff_tls__destroy(b.tls);
	bench_empty__destroy(b.empty);
	close(b.stop);
	return 0;
}
