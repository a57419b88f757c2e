// SPDX-License-Identifier: Apache-2.0
/* Runs sslsniff-bpfcc beside a benchmark. */
#include "sslsniff.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT	   "tests/bench/sslsniff.sh"
#define START_MS   60000
#define STOP_MS	   5000
#define POLL_MS	   100
#define SETTLE_S   2 /* the probes on SSL_write come first, those on SSL_read after them */
#define ERRORS_MAX (1u << 20)

static void run(const char *path, pid_t parent, int errors)
{
	char pid[16], copy[4096];
	int null = open("/dev/null", O_RDWR);

	/* its probes end with it, however the benchmark ends */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(pid, sizeof(pid), "%d", (int)parent);
	snprintf(copy, sizeof(copy), "%s.sslsniff.py", path);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(errors, 2) < 0)
		_exit(3);
	execl("/bin/sh", "sh", SCRIPT, path, pid, copy, (char *)NULL);
	_exit(3);
}

static void end(struct sslsniff *s)
{
	kill(s->pid, SIGINT); /* on which it takes its probes away itself */
	for (int i = 0; i < STOP_MS / POLL_MS; i++) {
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
			return;
		usleep(POLL_MS * 1000);
	}
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}

static char *said(struct sslsniff *s)
{
	char *text = calloc(1, ERRORS_MAX);
	ssize_t n = text ? pread(s->errors, text, ERRORS_MAX - 1, 0) : -1;

	if (n < 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* The last line that it said: an exception, or why the script gave up. */
static void why(struct sslsniff *s)
{
	char *text = said(s), *line;

	snprintf(s->reason, sizeof(s->reason), "it did not start");
	if (text) {
		while (*text && text[strlen(text) - 1] == '\n')
			text[strlen(text) - 1] = 0;
		line = strrchr(text, '\n');
		if (*text)
			snprintf(s->reason, sizeof(s->reason), "%.120s", line ? line + 1 : text);
	}
	free(text);
}

bool sslsniff_start(struct sslsniff *s, const char *path, bool (*probed)(void *ctx), void *ctx)
{
	pid_t parent = getpid();

	memset(s, 0, sizeof(*s));
	s->errors = memfd_create("sslsniff", MFD_CLOEXEC);
	s->pid = s->errors < 0 ? -1 : fork();
	if (s->pid == 0)
		run(path, parent, s->errors);
	if (s->pid < 0) {
		snprintf(s->reason, sizeof(s->reason), "it cannot be started");
		return false;
	}
	for (int i = 0; i < START_MS / POLL_MS; i++) {
		usleep(POLL_MS * 1000);
		if (probed(ctx)) {
			sleep(SETTLE_S);
			return true;
		}
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
			why(s);
			close(s->errors);
			return false;
		}
	}
	end(s);
	why(s);
	close(s->errors);
	return false;
}

unsigned long long sslsniff_stop(struct sslsniff *s)
{
	unsigned long long lost = 0, n;
	char *text, *at;

	end(s);
	text = said(s);
	for (at = text; at && (at = strstr(at, "Possibly lost ")); at++)
		if (sscanf(at, "Possibly lost %llu", &n) == 1)
			lost += n;
	free(text);
	close(s->errors);
	return lost;
}
