// SPDX-License-Identifier: Apache-2.0
/* Getting rid of one's parents, one's name or one's program, then an ordinary connection.
 *	lineage HOW ADDRESS PORT
 * HOW: fork, clone, orphan, setsid, double-fork, thread, thread-exec, name, memfd, cgroup, netns,
 * setuid, plain */
#include "attempt.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char **args;

static int plain(void)
{
	return attempt_connect(args[2], args[3]);
}

/* The status of a descendant comes back through a pipe: its parents may be gone. */
static int report[2];

static void tell(int r)
{
	unsigned char byte = (unsigned char)r;

	if (write(report[1], &byte, 1) != 1)
		_exit(SETUP);
	_exit(r);
}

static int heard(void)
{
	unsigned char byte = SETUP;
	struct pollfd p = {.fd = report[0], .events = POLLIN};

	if (poll(&p, 1, 2 * ATTEMPT_WAIT_MS) != 1 || read(report[0], &byte, 1) != 1)
		return attempt_setup("descendant");
	return byte;
}

static int by_fork(int session, int twice)
{
	pid_t child = fork();

	if (child < 0)
		return attempt_setup("fork");
	if (child == 0) {
		if (session && setsid() < 0)
			_exit(SETUP);
		if (twice && fork() != 0)
			_exit(0); /* the grandchild is init's */
		if (twice)
			usleep(20000);
		tell(plain());
	}
	if (twice)
		waitpid(child, NULL, 0);
	return heard();
}

static int by_clone(unsigned long flags)
{
	/* a child that shares memory or files, as no shell makes one */
	long child = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);

	if (child < 0)
		return attempt_setup("clone");
	if (child == 0)
		tell(plain());
	return heard();
}

static int again(const char *program, const char *how)
{
	char *argv[] = {(char *)"[kworker/0:1]", (char *)how, args[2], args[3], NULL};
	extern char **environ;

	execve(program, argv, environ);
	return attempt_setup("execve");
}

static void *thread_connects(void *ret)
{
	*(int *)ret = plain();
	return NULL;
}

/* exec by a thread that is not the leader: the leader dies, and with it what hangs on it */
static void *thread_execs(void *unused)
{
	(void)unused;
	exit(again("/proc/self/exe", "plain"));
}

static int by_thread(void *(*function)(void *))
{
	pthread_t thread;
	int r = SETUP;

	if (pthread_create(&thread, NULL, function, &r))
		return attempt_setup("pthread_create");
	pthread_join(thread, NULL);
	return r;
}

static int by_memfd(void)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = memfd_create("x", 0);
	char path[64], block[65536];
	ssize_t n;

	if (from < 0 || to < 0)
		return attempt_setup("memfd");
	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(to, block, (size_t)n) != n)
			return attempt_setup("write");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", to);
	return again(path, "plain");
}

/* /proc shows another name and other arguments from here on */
static int by_name(void)
{
	if (prctl(PR_SET_NAME, "kworker/0:1"))
		return attempt_setup("PR_SET_NAME");
	memset(args[0], 'k', strlen(args[0]));
	return plain();
}

static int by_cgroup(void)
{
	const char *group = "/sys/fs/cgroup/bypass";
	FILE *f;

	if (mkdir(group, 0755) && errno != EEXIST)
		return attempt_setup(group);
	f = fopen("/sys/fs/cgroup/bypass/cgroup.procs", "we");
	if (!f || fprintf(f, "%d\n", getpid()) < 0 || fclose(f))
		return attempt_setup("cgroup.procs");
	return plain();
}

static int by_netns(void)
{
	int fd = open("/run/netns/blocked", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return attempt_setup("netns");
	if (setns(fd, CLONE_NEWNET))
		return attempt_refused("setns");
	return plain();
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	args = argv;
	if (argc != 4 || pipe2(report, O_CLOEXEC))
		return attempt_setup("usage");
	if (strcmp(how, "plain") == 0)
		return plain();
	if (strcmp(how, "fork") == 0)
		return by_fork(0, 0);
	if (strcmp(how, "setsid") == 0)
		return by_fork(1, 0);
	if (strcmp(how, "double-fork") == 0)
		return by_fork(1, 1);
	if (strcmp(how, "clone") == 0)
		return by_clone(CLONE_FILES | CLONE_FS | CLONE_IO);
	if (strcmp(how, "orphan") == 0)
		return by_clone(CLONE_PARENT);
	if (strcmp(how, "thread") == 0)
		return by_thread(thread_connects);
	if (strcmp(how, "thread-exec") == 0)
		return by_thread(thread_execs);
	if (strcmp(how, "name") == 0)
		return by_name();
	if (strcmp(how, "memfd") == 0)
		return by_memfd();
	if (strcmp(how, "cgroup") == 0)
		return by_cgroup();
	if (strcmp(how, "netns") == 0)
		return by_netns();
	if (strcmp(how, "setuid") == 0) {
		/* this file belongs to root and has the bit: no uid of the person is left */
		if (setresuid(0, 0, 0))
			return attempt_setup("setresuid");
		return plain();
	}
	return attempt_setup("usage");
}
