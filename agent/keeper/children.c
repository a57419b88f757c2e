// SPDX-License-Identifier: Apache-2.0
/* Starts the processes without rights and starts them again when they end. Each is this program run
 * anew (exec, not fork alone), so that no key and no policy of the keeper is left in its memory. */
#include "keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/roles.h"

/* In the child: puts the descriptors where the role expects them and closes all others. */
static void become(const struct keeper *k, const struct keeper_child *c, int sock)
{
	int fds[3] = {sock, -1, -1}, n = 1;
	char role[64];

	if (strcmp(c->role, "reader") == 0) {
		fds[n++] = kernel_ring_fd(k->kernel, KERNEL_RING_DENIALS);
		fds[n++] = kernel_ring_fd(k->kernel, KERNEL_RING_RECORDS);
	}
	/* first out of the way of 3.., then into place, where dup2 clears close-on-exec */
	for (int i = 0; i < n; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 64);
		if (fds[i] < 0)
			_exit(126);
	}
	for (int i = 0; i < n; i++)
		if (dup2(fds[i], ROLE_FD_FIRST + i) < 0)
			_exit(126);
	if (syscall(SYS_close_range, ROLE_FD_FIRST + n, ~0u, 0) < 0)
		_exit(126);
	snprintf(role, sizeof(role), "--role=%s", c->role);
	execl("/proc/self/exe", "bailiffd", role, "--policy", k->options.policy_directory,
	      "--state", k->options.state_directory, (char *)NULL);
	_exit(127);
}

static int start(struct keeper *k, int which)
{
	struct keeper_child *c = &k->child[which];
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 0};
	int pair[2], size = 4 << 20;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return log_err_r(-errno, "cannot make a socket pair for the %s", c->role);
	/* room for bursts; the kernel's maximum applies where FORCE is not allowed */
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	pid = fork();
	if (pid < 0) {
		close(pair[0]);
		close(pair[1]);
		return log_err_r(-errno, "cannot start the %s", c->role);
	}
	if (pid == 0)
		become(k, c, pair[1]);
	close(pair[1]);
	c->pid = pid;
	c->sock = pair[0];
	ev.data.u64 = ((uint64_t)(uint32_t)which << 32) | (uint32_t)pair[0];
	if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, pair[0], &ev) < 0)
		return log_err_r(-errno, "epoll");
	log_info("%s started, pid %d", c->role, pid);
	if (which == KEEPER_CHILD_READER) {
		struct channel_init init = {.boot_epoch_ns = k->boot_epoch_ns};

		memcpy(init.pseudonym_key, k->pseudonym_key, sizeof(init.pseudonym_key));
		memcpy(init.policy_digest, k->policy->digest, sizeof(init.policy_digest));
		snprintf(init.host, sizeof(init.host), "%s", k->host);
		keeper_tell(k, which, CHANNEL_INIT, &init, sizeof(init), -1);
		explicit_bzero(&init, sizeof(init));
	}
	return 0;
}

int keeper_children_start(struct keeper *k)
{
	static const char *const roles[KEEPER_CHILDREN] = {"reader", "courier", "analyst"};
	int r = 0;

	for (int i = 0; i < KEEPER_CHILDREN; i++) {
		k->child[i].role = roles[i];
		k->child[i].sock = -1;
	}
	for (int i = 0; i < KEEPER_CHILDREN && !r; i++)
		r = start(k, i);
	return r;
}

int keeper_tell(struct keeper *k, int child, enum channel_type type, const void *body, size_t len,
		int fd)
{
	struct keeper_child *c = &k->child[child];
	int r;

	if (c->sock < 0)
		return -ENOTCONN;
	/* the keeper waits for nobody: a child that does not read is told less, and it is said */
	r = channel_send(c->sock, type, body, len, fd, MSG_DONTWAIT);
	if (r == -EAGAIN)
		keeper_event_loss(k, "a message to a child process found no room", 1);
	return r;
}

static void ended(struct keeper *k, struct keeper_child *c, int status)
{
	char what[128];

	close(c->sock);
	c->sock = -1;
	c->pid = 0;
	if (k->stopping)
		return;
	c->failures++;
	c->retry_at_ms = keeper_now_ms() + (c->failures > 6 ? 30000 : 250 << c->failures);
	snprintf(what, sizeof(what), "the %s ended (%s %d) and is started again", c->role,
		 WIFSIGNALED(status) ? "signal" : "status",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	log_err("%s", what);
	keeper_event_loss(k, what, c->failures);
	if (c == &k->child[KEEPER_CHILD_ANALYST])
		keeper_questions_drop(k);
}

void keeper_children_reap(struct keeper *k)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < KEEPER_CHILDREN; i++)
			if (k->child[i].pid == pid)
				ended(k, &k->child[i], status);
}

void keeper_children_retry(struct keeper *k)
{
	int64_t now = keeper_now_ms();

	for (int i = 0; i < KEEPER_CHILDREN; i++)
		if (!k->child[i].pid && now >= k->child[i].retry_at_ms && start(k, i) < 0)
			k->child[i].retry_at_ms = now + 5000;
}

void keeper_children_stop(struct keeper *k)
{
	k->stopping = true;
	for (int i = 0; i < KEEPER_CHILDREN; i++) {
		struct keeper_child *c = &k->child[i];

		if (c->sock >= 0)
			shutdown(c->sock, SHUT_WR);
	}
}
