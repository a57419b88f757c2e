// SPDX-License-Identifier: Apache-2.0
/* What bailiff's cgroup programs add to socket(), connect() and close() on loopback, the cheapest
 * connect there is: for ungoverned and for governed sockets, with few rules loaded and with many.
 *
 * Then the same to the other end of a veth pair, which is what a connect to another host begins
 * with. They are attached to a cgroup of this benchmark's own, in a network namespace of its own,
 * and nowhere else. The LSM hooks refuse on the whole host: what they cost is measured in a virtual
 * machine (`make bench-vm`). What they leave on a socket is put there from here, outside of what is
 * timed.
 *
 * A batch with programs stands beside one without, in turns; what is compared is the two. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench_empty.skel.h"
#include "net_tables.h"
#include "place.h"

#define CALLS	   100 /* of a batch */
#define WARM	   20  /* before each: attaching rewrites the kernel's code */
#define ROUNDS	   200
#define ROUNDS_MAX 10000
#define RULES	   1000
#define PREFIXES   100000
#define NAMES	   10000
#define BACKLOG	   128
#define EMPTIES	   3
#define PORT	   7000 /* outside of the cgroup; the next is inside */

enum operation { TCP4, TCP6, UDP4, TCP4_BOTH, OPERATIONS };
static const struct {
	const char *name;
	int family, type;
	bool both; /* ends are in the cgroup; else the other one is as on another host */
} operations[] = {
	{"TCP, IPv4", AF_INET, SOCK_STREAM, false},
	{"TCP, IPv6", AF_INET6, SOCK_STREAM, false},
	{"UDP, IPv4", AF_INET, SOCK_DGRAM, false},
	{"TCP, both", AF_INET, SOCK_STREAM, true},
};

enum size { TEN, THOUSAND, LARGE, MODEL, SIZES };
static const size_t prefixes_of[] = {10, RULES, PREFIXES, RULES}, names_of[] = {0, 0, NAMES, 0};

#define FEW 10 /* addresses, as many as a task talks to */
enum target { TARGET_FEW, TARGET_EACH, TARGET_WALK, TARGET_NAMED };

/* The socket as the LSM hooks leave it: after a connect() that they let through, or as they do not
 * leave it before one: then all is decided at the second door. */
enum mark { UNGOVERNED, PASSED, TO_BE_JUDGED };

enum kind {
	KIND_NOTHING,	      /* no program on either side: what two batches differ by */
	KIND_EMPTY,	      /* what the kernel takes to call one program at each hook */
	KIND_EMPTY_ELSEWHERE, /* ... and to see that it calls none */
	KIND_ELSEWHERE,	      /* the programs are where governed tasks are, which is not here */
	KIND_UNGOVERNED,
	KIND_UNGOVERNED_MODEL,
	KIND_GOVERNED,
	KIND_GOVERNED_LARGE,
	KIND_JUDGED_TEN,
	KIND_JUDGED,
	KIND_JUDGED_LARGE,
	KIND_JUDGED_EACH,
	KIND_JUDGED_WALK,
	KIND_JUDGED_NAMED,
	KINDS
};

static const struct {
	const char *what;
	enum size size;
	enum target target;
	enum mark mark;
	bool ours;
} kinds[KINDS] = {
	[KIND_NOTHING] = {"no program, twice", THOUSAND, TARGET_FEW, UNGOVERNED, false},
	[KIND_EMPTY] = {"empty programs, one a hook", THOUSAND, TARGET_FEW, UNGOVERNED, false},
	[KIND_EMPTY_ELSEWHERE] = {"the same, in another cgroup", THOUSAND, TARGET_FEW, UNGOVERNED,
				  false},
	[KIND_ELSEWHERE] = {"ungoverned, 1,000 rules", THOUSAND, TARGET_FEW, UNGOVERNED, true},
	[KIND_UNGOVERNED] = {"the same, in a governed task's cgroup", THOUSAND, TARGET_FEW,
			     UNGOVERNED, true},
	[KIND_UNGOVERNED_MODEL] = {"the same, on a port of the model API", MODEL, TARGET_FEW,
				   UNGOVERNED, true},
	[KIND_GOVERNED] = {"governed, 1,000 rules", THOUSAND, TARGET_FEW, PASSED, true},
	[KIND_GOVERNED_LARGE] = {"governed, 100,000 CIDRs, 10,000 names", LARGE, TARGET_FEW, PASSED,
				 true},
	[KIND_JUDGED_TEN] = {"judged here: 10 rules", TEN, TARGET_FEW, TO_BE_JUDGED, true},
	[KIND_JUDGED] = {"judged here: 1,000 rules", THOUSAND, TARGET_FEW, TO_BE_JUDGED, true},
	[KIND_JUDGED_LARGE] = {"judged here: 100,000 CIDRs, 10,000 names", LARGE, TARGET_FEW,
			       TO_BE_JUDGED, true},
	[KIND_JUDGED_EACH] = {"the same, each call another of the CIDRs", LARGE, TARGET_EACH,
			      TO_BE_JUDGED, true},
	[KIND_JUDGED_WALK] = {"judged here: 32 rules for the address", THOUSAND, TARGET_WALK,
			      TO_BE_JUDGED, true},
	[KIND_JUDGED_NAMED] = {"judged here: opened by 1 of 10,000 names", LARGE, TARGET_NAMED,
			       TO_BE_JUDGED, true},
};

struct bench {
	const struct place *place;
	struct tables tables[SIZES];
	struct bench_empty *empty;
	struct bpf_program *empties[EMPTIES];
	struct bpf_link *empty_links[EMPTIES];
	int listeners[OPERATIONS];
	size_t rounds;
	uint32_t turn; /* which of the prefixes is next */
	double *ratio[OPERATIONS][KINDS], *added[OPERATIONS][KINDS];
	double *one[OPERATIONS][KINDS][2]; /* each call, without and with */
};

/* Where one address is all that there is, kinds that differ by addresses are one and the same; and
 * what is judged does not depend on where the other end is. */
static bool told(const struct bench *b, enum operation op, enum kind kind)
{
	/* judging is the same wherever the packets go */
	if (b->place->network == PLACE_PAIR)
		return operations[op].family == AF_INET && !operations[op].both &&
		       kind < KIND_JUDGED_TEN;
	if (operations[op].both)
		return kind < KIND_JUDGED_TEN && kinds[kind].size != MODEL;
	return op != TCP6 || kinds[kind].target == TARGET_FEW;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_net: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sorts. */
static double quantile(double *v, size_t n, double q)
{
	qsort(v, n, sizeof(*v), compare);
	return v[(size_t)(q * (double)(n - 1))];
}

/* ---- one call -----------------------------------------------------------------------------------
 */

static uint32_t address_of(struct bench *b, enum kind kind)
{
	/* so that the entry is seldom one that is in the cache already */
	static const uint32_t leap = 7919;
	size_t all = prefixes_of[kinds[kind].size];

	switch (kinds[kind].target) {
	case TARGET_WALK:
		return TABLES_WALK;
	case TARGET_NAMED:
		return TABLES_NAMED;
	case TARGET_EACH:
		return TABLES_FIRST + (uint32_t)((uint64_t)b->turn++ * leap % all);
	default:
		return TABLES_FIRST + (uint32_t)(b->turn++ % FEW * (all / FEW));
	}
}

static socklen_t destination(enum operation op, uint32_t address, struct in6_addr address6,
			     struct sockaddr_storage *to)
{
	uint16_t port = htons(PORT + operations[op].both);
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = port};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = port};

	if (operations[op].family == AF_INET6) {
		six.sin6_addr = address6;
		memcpy(to, &six, sizeof(six));
		return sizeof(six);
	}
	four.sin_addr.s_addr = htonl(address);
	memcpy(to, &four, sizeof(four));
	return sizeof(four);
}

/* The time of the three calls. Where the socket is not to be marked the same system call is made
 * and fails, so that both find the caches alike. */
static double call(const struct bench *b, enum operation op, const struct tables *t, enum mark mark,
		   const struct sockaddr_storage *to, socklen_t len)
{
	double began, took;
	int fd, other = -1;

	began = now_ns();
	fd = socket(operations[op].family, operations[op].type | SOCK_CLOEXEC, 0);
	took = now_ns() - began;
	if (fd < 0)
		die("socket");
	if (mark == UNGOVERNED)
		bpf_map_update_elem(t->sockets, &fd, &t->mark, BPF_EXIST);
	else if (tables_mark(t, fd, mark == PASSED ? to : NULL) < 0)
		die("mark");
	began = now_ns();
	if (connect(fd, (const struct sockaddr *)to, len) < 0)
		die("connect");
	took += now_ns() - began;
	if (operations[op].type == SOCK_STREAM) {
		other = accept4(b->listeners[op], NULL, NULL, SOCK_CLOEXEC);
		if (other < 0)
			die("accept");
	}
	began = now_ns();
	close(fd);
	took += now_ns() - began;
	if (other >= 0)
		close(other);
	return took;
}

/* ---- batches ------------------------------------------------------------------------------------
 */

static bool is_empty(enum kind kind)
{
	return kind == KIND_EMPTY || kind == KIND_EMPTY_ELSEWHERE;
}

static bool is_elsewhere(enum kind kind)
{
	return kind == KIND_ELSEWHERE || kind == KIND_EMPTY_ELSEWHERE;
}

static void attach(struct bench *b, enum kind kind)
{
	int cgroup = is_elsewhere(kind) ? b->place->beside : b->place->cgroup;

	if (kinds[kind].ours)
		tables_attach(&b->tables[kinds[kind].size], cgroup);
	for (int i = 0; is_empty(kind) && i < EMPTIES; i++) {
		b->empty_links[i] = bpf_program__attach_cgroup(b->empties[i], cgroup);
		if (!b->empty_links[i])
			die("attach");
	}
}

static void detach(struct bench *b, enum kind kind)
{
	if (kinds[kind].ours)
		tables_detach(&b->tables[kinds[kind].size]);
	for (int i = 0; is_empty(kind) && i < EMPTIES; i++)
		bpf_link__destroy(b->empty_links[i]);
}

static void calls(struct bench *b, enum operation op, enum kind kind, bool with, size_t n,
		  double *ret)
{
	const struct tables *t = &b->tables[kinds[kind].size];
	struct sockaddr_storage to;

	for (size_t i = 0; i < n; i++) {
		socklen_t len = destination(op, address_of(b, kind), in6addr_loopback, &to);
		double took = call(b, op, t, with ? kinds[kind].mark : UNGOVERNED, &to, len);

		if (ret)
			ret[i] = took;
	}
}

/* The median of the calls, which is not moved by a call that was interrupted. */
static double batch(struct bench *b, enum operation op, enum kind kind, bool with, double *ret)
{
	double copy[CALLS];

	if (with)
		attach(b, kind);
	calls(b, op, kind, with, WARM, NULL);
	calls(b, op, kind, with, CALLS, ret);
	if (with)
		detach(b, kind);
	memcpy(copy, ret, sizeof(copy));
	return quantile(copy, CALLS, 0.5);
}

static void pair(struct bench *b, enum operation op, enum kind kind, size_t round)
{
	uint32_t turn = b->turn;
	double median[2];

	/* each is first as often as the other */
	for (size_t i = 0; i < 2; i++) {
		size_t with = i ^ (round & 1);

		b->turn = turn; /* the same addresses */
		median[with] = batch(b, op, kind, with, b->one[op][kind][with] + round * CALLS);
	}
	b->ratio[op][kind][round] = median[1] / median[0];
	b->added[op][kind][round] = median[1] - median[0];
}

/* ---- time inside of the programs ----------------------------------------------------------------
 */

struct inside {
	struct bpf_program *program;
	double *mean; /* ns a run, of each batch in which it ran */
	size_t n;
	unsigned long long runs;
	struct bpf_prog_info before, after;
};

static void read_stats(struct bpf_program *program, struct bpf_prog_info *ret)
{
	__u32 size = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), ret, &size) < 0)
		die("bpf_prog_info");
}

static void counted(struct bench *b, enum operation op, enum kind kind, struct inside *in, size_t n)
{
	calls(b, op, kind, true, WARM, NULL);
	for (size_t i = 0; i < n; i++)
		read_stats(in[i].program, &in[i].before);
	calls(b, op, kind, true, CALLS, NULL);
	for (size_t i = 0; i < n; i++) {
		unsigned long long runs;

		read_stats(in[i].program, &in[i].after);
		runs = in[i].after.run_cnt - in[i].before.run_cnt;
		if (!runs)
			continue;
		in[i].runs += runs;
		in[i].mean[in[i].n++] =
			(double)(in[i].after.run_time_ns - in[i].before.run_time_ns) / (double)runs;
	}
}

static void report_inside(struct bench *b, enum operation op, enum kind kind)
{
	const struct tables *t = &b->tables[kinds[kind].size];
	struct inside in[TABLES_PROGRAMS] = {0};
	size_t n = kind == KIND_EMPTY ? EMPTIES : TABLES_PROGRAMS;

	for (size_t i = 0; i < n; i++) {
		in[i].program = kind == KIND_EMPTY ? b->empties[i] : t->programs[i];
		in[i].mean = calloc(b->rounds, sizeof(double));
		if (!in[i].mean)
			die("memory");
	}
	attach(b, kind);
	for (size_t i = 0; i < b->rounds; i++)
		counted(b, op, kind, in, n);
	detach(b, kind);
	for (size_t i = 0; i < n; i++) {
		if (in[i].n)
			printf("  %-10s %-41s %-14s %4.1f runs a call  %6.0f  %6.0f\n",
			       operations[op].name, kinds[kind].what,
			       bpf_program__name(in[i].program),
			       (double)in[i].runs / ((double)b->rounds * CALLS),
			       quantile(in[i].mean, in[i].n, 0.5),
			       quantile(in[i].mean, in[i].n, 0.99));
		free(in[i].mean);
	}
}

static void report_stats(struct bench *b)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (fd < 0)
		die("bpf_enable_stats");
	printf("\nns a run inside of each program, by the kernel's bpf_stats: median and p99 of "
	       "the "
	       "means of %zu batches of %d calls\n",
	       b->rounds, CALLS);
	for (int op = 0; op < OPERATIONS; op++)
		for (int kind = KIND_EMPTY; kind < KINDS; kind++)
			if (told(b, op, kind) && !is_elsewhere(kind) &&
			    (op == TCP4 || kind <= KIND_GOVERNED))
				report_inside(b, op, kind);
	close(fd);
}

/* ---- all of it ----------------------------------------------------------------------------------
 */

static int listener(enum operation op)
{
	int fd = socket(operations[op].family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_storage at;
	socklen_t len = destination(op, INADDR_ANY, in6addr_any, &at);

	if (fd < 0 ||
	    (operations[op].family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0) ||
	    bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, BACKLOG) < 0)
		die("listen");
	return fd;
}

/* A socket is of the cgroup that its maker is in. */
static void listen_all(struct bench *b)
{
	place_go(b->place->there);
	for (int both = 0; both < 2; both++) {
		if (both)
			place_enter(b->place);
		for (int op = 0; op < OPERATIONS; op++)
			if (operations[op].type == SOCK_STREAM && operations[op].both == both)
				b->listeners[op] = listener(op);
	}
	place_go(b->place->here);
}

static void expect(struct bench *b, enum kind kind, uint32_t address, bool governed, int error)
{
	struct tables *t = &b->tables[kinds[kind].size];
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;
	struct sockaddr_storage to;
	socklen_t len = destination(UDP4, address, in6addr_loopback, &to);

	if (fd < 0 || (governed && tables_mark(t, fd, NULL) < 0))
		die("socket");
	r = connect(fd, (struct sockaddr *)&to, len) < 0 ? errno : 0;
	if (r != error) {
		fprintf(stderr, "bench_net: %s: connect gives %s instead of %s\n", kinds[kind].what,
			strerror(r), strerror(error));
		exit(1);
	}
	close(fd);
}

/* The cost of what does not decide is not worth a number. */
static void prove(struct bench *b)
{
	for (int kind = KIND_ELSEWHERE; kind < KINDS; kind++) {
		attach(b, kind);
		expect(b, kind, address_of(b, kind), kinds[kind].mark != UNGOVERNED, 0);
		expect(b, kind, TABLES_DENIED, true, kind == KIND_ELSEWHERE ? 0 : EPERM);
		expect(b, kind, TABLES_DENIED, false, 0);
		detach(b, kind);
	}
}

static void prepare(struct bench *b)
{
	size_t n = b->rounds;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity");
	listen_all(b);
	b->empty = bench_empty__open_and_load();
	if (!b->empty)
		die("load");
	b->empties[0] = b->empty->progs.empty_connect4;
	b->empties[1] = b->empty->progs.empty_connect6;
	b->empties[2] = b->empty->progs.empty_egress;
	for (int size = 0; size < SIZES; size++)
		tables_make(&b->tables[size], prefixes_of[size], names_of[size], PORT,
			    size == MODEL ? PORT : 443);
	for (int op = 0; op < OPERATIONS; op++) {
		for (int kind = 0; kind < KINDS; kind++) {
			b->ratio[op][kind] = calloc(n, sizeof(double));
			b->added[op][kind] = calloc(n, sizeof(double));
			b->one[op][kind][0] = calloc(n * CALLS, sizeof(double));
			b->one[op][kind][1] = calloc(n * CALLS, sizeof(double));
			if (!b->ratio[op][kind] || !b->added[op][kind] || !b->one[op][kind][0] ||
			    !b->one[op][kind][1])
				die("memory");
		}
	}
}

static void report(struct bench *b)
{
	size_t n = b->rounds;

	printf("socket + connect + close %s: %zu pairs of batches of %d calls; a batch is its "
	       "median\n",
	       b->place->network == PLACE_PAIR ? "to another network namespace" : "on loopback", n,
	       CALLS);
	printf("  %-10s %-41s %8s %8s %17s %9s %17s\n", "", "", "us", "added ns", "added %",
	       "quartiles", "p99 us: without, with");
	for (int op = 0; op < OPERATIONS; op++) {
		for (int kind = 0; kind < KINDS; kind++) {
			double *r = b->ratio[op][kind], **one = b->one[op][kind];

			if (!told(b, op, kind))
				continue;
			printf("  %-10s %-41s %8.2f %8.0f %17.2f %+6.2f %+6.2f %7.1f %7.1f\n",
			       operations[op].name, kinds[kind].what,
			       quantile(one[0], n * CALLS, 0.5) / 1e3,
			       quantile(b->added[op][kind], n, 0.5),
			       100 * quantile(r, n, 0.5) - 100, 100 * quantile(r, n, 0.25) - 100,
			       100 * quantile(r, n, 0.75) - 100,
			       quantile(one[0], n * CALLS, 0.99) / 1e3,
			       quantile(one[1], n * CALLS, 0.99) / 1e3);
		}
	}
}

static size_t rounds = ROUNDS;

static int run(const struct place *place)
{
	static struct bench b;

	b.place = place;
	b.rounds = rounds;
	prepare(&b);
	prove(&b);
	for (size_t i = 0; i < rounds; i++)
		for (int op = 0; op < OPERATIONS; op++)
			for (int kind = 0; kind < KINDS; kind++)
				if (told(&b, op, kind))
					pair(&b, op, kind, i);
	report(&b);
	report_stats(&b);
	for (int size = 0; size < SIZES; size++)
		tables_free(&b.tables[size]);
	bench_empty__destroy(b.empty);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 10);
	if (rounds < 4 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench_net [ROUNDS]\n");
		return 64;
	}
	return place_run(PLACE_LOOPBACK, run) || place_run(PLACE_PAIR, run);
}
