/* SPDX-License-Identifier: Apache-2.0 */
/* A stand-in for the agent at its query socket, and commands run against it with their output
 * taken. Included after the command's own source and cli/client.c, whose client_test() it calls. */
#ifndef UNIT_CLIENT_FIXTURE_H
#define UNIT_CLIENT_FIXTURE_H

#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define AGENT_SILENT	((const char *)-1)
#define AGENT_HANGS_UP	((const char *)-2)
#define AGENT_OVERLONG	((const char *)-3)
#define AGENT_DEEP	((const char *)-4)
#define AGENT_WITH_FILE ((const char *)-5)
#define AGENT_SLOW	((const char *)-6) /* answers when a question was given up, an order not */

static char agent_directory[64], agent_path[96];

static inline void place_make(void)
{
	snprintf(agent_directory, sizeof(agent_directory), "/tmp/bailiff-test-XXXXXX");
	assert_non_null(mkdtemp(agent_directory));
	snprintf(agent_path, sizeof(agent_path), "%s/query.sock", agent_directory);
	chmod(agent_directory, 0755);
}

static inline void place_remove(void)
{
	unlink(agent_path);
	rmdir(agent_directory);
}

static inline int place_bind(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, agent_path, strlen(agent_path));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* The agent's side of one exchange. Exits 0 when it was asked `want` (NULL: whatever). */
static inline void agent_answer(int fd, const char *answer)
{
	static char big[QUERY_MAX + 1];
	struct pollfd asker = {.fd = fd, .events = POLLRDHUP}; /* until it gives up */
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {.iov_base = big, .iov_len = 11};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};

	if (answer == AGENT_SILENT) {
		poll(&asker, 1, 10000);
	} else if (answer == AGENT_SLOW) {
		poll(NULL, 0, 500);
		send(fd, "{\"ok\":true}", 11, MSG_NOSIGNAL);
	} else if (answer == AGENT_OVERLONG) {
		memset(big, ' ', sizeof(big));
		memcpy(big, "{\"ok\":true}", 11);
		send(fd, big, sizeof(big), MSG_NOSIGNAL);
	} else if (answer == AGENT_DEEP) {
		memset(big, '[', QUERY_MAX);
		send(fd, big, QUERY_MAX, MSG_NOSIGNAL);
	} else if (answer == AGENT_WITH_FILE) {
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		memcpy(big, "{\"ok\":true}", 11);
		sendmsg(fd, &message, MSG_NOSIGNAL);
	} else if (answer != AGENT_HANGS_UP) {
		send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	}
}

static inline void agent_serve(int listener, const char *want, const char *answer)
{
	char request[4096];
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ssize_t n = recv(fd, request, sizeof(request), 0);
	json_t *got, *wanted;

	if (n <= 0)
		_exit(2);
	got = json_loadb(request, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	wanted = want ? json_loads(want, 0, NULL) : NULL;
	agent_answer(fd, answer);
	_exit(want && !json_equal(got, wanted) ? 3 : 0);
}

static inline pid_t agent_start(const char *want, const char *answer)
{
	int listener;
	pid_t child;

	place_make();
	listener = place_bind();
	assert_int_equal(listen(listener, 1), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		agent_serve(listener, want, answer);
	close(listener);
	client_test(agent_path, 1000);
	return child;
}

/* Waits for the stand-in, and says whether it was asked what it wanted to be. */
static inline int agent_end(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	place_remove();
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct run {
	int status;
	char out[8192], err[8192];
};

static inline void read_back(FILE *from, int to, int saved, char *text, size_t size)
{
	size_t n;

	fflush(NULL);
	dup2(saved, to);
	close(saved);
	rewind(from);
	n = fread(text, 1, size - 1, from);
	text[n] = 0;
	fclose(from);
}

/* Runs a command with its output in *ret. words: split at spaces. */
static inline void run(int (*cmd)(int, char **), const char *words, struct run *ret)
{
	FILE *out = tmpfile(), *err = tmpfile();
	int saved_out, saved_err, argc = 0;
	char *copy = strdup(words), *argv[16], *rest = NULL;

	for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		argv[argc++] = w;
	argv[argc] = NULL;
	fflush(NULL);
	saved_out = dup(1);
	saved_err = dup(2);
	dup2(fileno(out), 1);
	dup2(fileno(err), 2);
	alarm(10); /* a command that waits for ever fails, and does not hold the others up */
	ret->status = cmd(argc, argv);
	alarm(0);
	read_back(out, 1, saved_out, ret->out, sizeof(ret->out));
	read_back(err, 2, saved_err, ret->err, sizeof(ret->err));
	free(copy);
}

static inline void ask(int (*cmd)(int, char **), const char *words, const char *want,
		       const char *answer, struct run *ret)
{
	pid_t agent = agent_start(want, answer);

	run(cmd, words, ret);
	assert_int_equal(agent_end(agent), 0);
}

static inline void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

struct usage_case {
	int (*cmd)(int, char **);
	const char *words;
	int status;
};

/* What is wrong with a command's words is told before anybody is asked. */
static inline void assert_usage(const struct usage_case *cases, size_t n)
{
	client_test("/nonexistent/query.sock", 200);
	for (size_t i = 0; i < n; i++) {
		struct run r;

		run(cases[i].cmd, cases[i].words, &r);
		if (r.status != cases[i].status)
			fail_msg("%s: %d", cases[i].words, r.status);
		/* help is what was asked for; a mistake is told on stderr, and nothing on stdout */
		assert_int_equal(*r.out != 0, cases[i].status == CLI_OK);
		assert_int_equal(*r.err != 0, cases[i].status != CLI_OK);
	}
}

/* Somebody else than root asks, and the agent refuses. */
static inline void assert_refused(int (*cmd)(int, char **), const char *words, int status)
{
	pid_t agent = agent_start(NULL, "{\"ok\":false,\"error\":\"only root may ask that\"}");
	uid_t was = geteuid();
	struct run r;

	if (was == 0) {
		assert_int_equal(chown(agent_path, 65534, 65534), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	run(cmd, words, &r);
	assert_int_equal(seteuid(was), 0);
	assert_int_equal(agent_end(agent), 0);
	assert_int_equal(r.status, status);
	assert_holds(r.err, "only root may ask that");
}

#endif
