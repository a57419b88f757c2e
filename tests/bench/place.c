// SPDX-License-Identifier: Apache-2.0
/* See place.h. The parent stays outside and waits: it takes the cgroup away when the child has
 * ended, and ends the child when it is told to end itself. */
#include "place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* One name: what a run that was killed with -9 left (an empty directory) the next one takes away.
 */
#define PLACE_NAME "bailiff-bench"

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void find_cgroup(struct place *p)
{
	struct mntent *e;
	FILE *f = setmntent("/proc/self/mounts", "r");

	while (f && (e = getmntent(f)))
		if (strcmp(e->mnt_type, "cgroup2") == 0) {
			snprintf(p->path, sizeof(p->path), "%.4000s/" PLACE_NAME, e->mnt_dir);
			endmntent(f);
			return;
		}
	fprintf(stderr, "bench: cgroup version 2 is not mounted\n");
	exit(1);
}

static void interface(int fd, unsigned long request, const char *name, struct ifreq *r)
{
	snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", name);
	if (ioctl(fd, request, r) < 0)
		die(name);
}

/* Of an interface that is a loopback the whole prefix is local, not one address of it. */
static void make_network(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {0};

	if (fd < 0)
		die("socket");
	r.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
	interface(fd, SIOCSIFFLAGS, "lo", &r);
	memset(&r, 0, sizeof(r));
	a.sin_addr.s_addr = htonl(0xc6120001);
	memcpy(&r.ifr_addr, &a, sizeof(a));
	interface(fd, SIOCSIFADDR, "lo:0", &r);
	a.sin_addr.s_addr = htonl(0xfffe0000);
	memcpy(&r.ifr_netmask, &a, sizeof(a));
	interface(fd, SIOCSIFNETMASK, "lo:0", &r);
	close(fd);
}

void place_enter(const struct place *p)
{
	int fd = openat(p->cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		die("cgroup.procs");
	close(fd);
}

void place_go(int netns)
{
	if (setns(netns, CLONE_NEWNET) < 0)
		die("network namespace");
}

static int new_network(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		die("network namespace");
	/* ip(8) is told of it by its number, so it goes along at exec */
	fd = open("/proc/self/ns/net", O_RDONLY); /* NOLINT(android-cloexec-open) */
	if (fd < 0)
		die("network namespace");
	return fd;
}

/* ip(8): a veth pair is netlink, which is not worth a second implementation here. */
static void ip(const char *const *arguments)
{
	char *argv[16] = {(char *)"ip"};
	int status;
	pid_t child;

	for (size_t i = 0; arguments[i] && i + 2 < sizeof(argv) / sizeof(argv[0]); i++)
		argv[i + 1] = (char *)arguments[i];
	errno = posix_spawnp(&child, argv[0], NULL, NULL, argv, environ);
	if (errno)
		die("ip");
	if (waitpid(child, &status, 0) != child || status) {
		fprintf(stderr, "bench: ip %s failed\n", arguments[0]);
		exit(1);
	}
}

#define IP(...) ip((const char *const[]){__VA_ARGS__, NULL})

/* The other end's host is made first, so that the last namespace is the one to begin in. */
static void make_pair(struct place *p)
{
	char there[32];

	p->there = new_network();
	make_network();
	p->here = new_network();
	snprintf(there, sizeof(there), "/proc/self/fd/%d", p->there);
	IP("link", "add", "near", "type", "veth", "peer", "name", "far", "netns", there);
	IP("link", "set", "lo", "up");
	IP("addr", "add", "192.0.2.1/30", "dev", "near");
	IP("link", "set", "near", "up");
	IP("route", "add", "198.18.0.0/15", "via", "192.0.2.2");
	place_go(p->there);
	IP("addr", "add", "192.0.2.2/30", "dev", "far");
	IP("link", "set", "far", "up");
	place_go(p->here);
}

static void prepare(struct place *p)
{
	p->cgroup = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->cgroup < 0)
		die(p->path);
	p->beside = open(p->beside_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->beside < 0)
		die(p->beside_path);
	if (p->network == PLACE_PAIR) {
		make_pair(p);
		return;
	}
	p->here = p->there = new_network();
	make_network();
}

static int wait_for(pid_t child, const sigset_t *told)
{
	int status, signal;

	while (waitpid(child, &status, WNOHANG) != child) {
		signal = sigwaitinfo(told, NULL);
		if (signal > 0 && signal != SIGCHLD)
			kill(child, SIGKILL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int place_run(enum place_network network, int (*fn)(const struct place *place))
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD};
	struct place p = {.cgroup = -1, .network = network};
	pid_t child, parent = getpid();
	sigset_t told, before;
	int r;

	find_cgroup(&p);
	snprintf(p.beside_path, sizeof(p.beside_path), "%s/beside", p.path);
	rmdir(p.beside_path);
	rmdir(p.path);
	sigemptyset(&told);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaddset(&told, ends[i]);
	sigprocmask(SIG_BLOCK, &told, &before);
	if (mkdir(p.path, 0700) < 0 || mkdir(p.beside_path, 0700) < 0)
		die(p.path);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		/* with the parent gone nobody would take the programs away before the end */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
			exit(1);
		prepare(&p);
		exit(fn(&p));
	}
	r = child < 0 ? 1 : wait_for(child, &told);
	if (rmdir(p.beside_path) < 0 || rmdir(p.path) < 0) {
		fprintf(stderr, "bench: %s: %s\n", p.path, strerror(errno));
		r = 1;
	}
	return r;
}
