// SPDX-License-Identifier: Apache-2.0
/* Proof that this attachment refuses: a child of the keeper, marked as a canary of this owner and
 * one door, knocks there. Programs of other owners let it through, so that a refusal is ours. */
#include "kernel/canary.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Nobody listens there, and nothing sent there leaves the host, should a door stand open. */
#define CANARY_ADDRESS4 "127.255.255.254"
#define CANARY_ADDRESS6 "::1"
#define CANARY_PORT	9 /* discard (RFC 863) */

enum canary_end {
	CANARY_REFUSED,
	CANARY_LET_THROUGH,
	CANARY_NO_DOOR, /* no IPv6 here, say */
};

static const struct canary_door {
	enum net_door door;
	const char *program, *what;
	int family, type;
	enum { KNOCK_CREATE, KNOCK_CONNECT, KNOCK_SEND } knock;
} doors[] = {
	{NET_DOOR_SOCKET_CREATE, "net_create", "lsm/socket_create", AF_INET, SOCK_RAW,
	 KNOCK_CREATE},
	{NET_DOOR_LSM_CONNECT, "net_connect", "lsm/socket_connect", AF_INET, SOCK_DGRAM,
	 KNOCK_CONNECT},
	{NET_DOOR_LSM_SENDMSG, "net_sendmsg", "lsm/socket_sendmsg", AF_INET, SOCK_DGRAM,
	 KNOCK_SEND},
	{NET_DOOR_CGROUP_CONNECT4, "net_connect4", "cgroup/connect4", AF_INET, SOCK_DGRAM,
	 KNOCK_CONNECT},
	{NET_DOOR_CGROUP_CONNECT6, "net_connect6", "cgroup/connect6", AF_INET6, SOCK_DGRAM,
	 KNOCK_CONNECT},
	{NET_DOOR_CGROUP_SENDMSG4, "net_sendmsg4", "cgroup/sendmsg4", AF_INET, SOCK_DGRAM,
	 KNOCK_SEND},
	{NET_DOOR_CGROUP_SENDMSG6, "net_sendmsg6", "cgroup/sendmsg6", AF_INET6, SOCK_DGRAM,
	 KNOCK_SEND},
};

static int address_of(int family, struct sockaddr_storage *to)
{
	struct sockaddr_in *four = (void *)to;
	struct sockaddr_in6 *six = (void *)to;

	memset(to, 0, sizeof(*to));
	if (family == AF_INET) {
		four->sin_family = AF_INET;
		four->sin_port = htons(CANARY_PORT);
		inet_pton(AF_INET, CANARY_ADDRESS4, &four->sin_addr);
		return sizeof(*four);
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons(CANARY_PORT);
	inet_pton(AF_INET6, CANARY_ADDRESS6, &six->sin6_addr);
	return sizeof(*six);
}

/* In the child. */
static enum canary_end knock(const struct canary_door *d)
{
	struct sockaddr_storage to;
	socklen_t len = (socklen_t)address_of(d->family, &to);
	int fd = socket(d->family, d->type | SOCK_CLOEXEC,
			d->type == SOCK_RAW ? IPPROTO_ICMP : IPPROTO_UDP);
	ssize_t r = fd;

	if (fd >= 0 && d->knock == KNOCK_CONNECT)
		r = connect(fd, (struct sockaddr *)&to, len);
	else if (fd >= 0 && d->knock == KNOCK_SEND)
		r = sendto(fd, "", 1, MSG_DONTWAIT, (struct sockaddr *)&to, len);
	if (r >= 0)
		return CANARY_LET_THROUGH;
	if (errno == EPERM)
		return CANARY_REFUSED;
	return errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL || errno == ENETUNREACH
		       ? CANARY_NO_DOOR
		       : CANARY_LET_THROUGH;
}

static int send_canary(struct kernel *k, const struct canary_door *d, enum canary_end *ret)
{
	struct task_context t = {
		.flags = TASK_GOVERNED | TASK_CANARY, .uid = d->door, .root_tgid = k->owner};
	int go[2], status = 0, r;
	pid_t child;
	char c = 0;

	if (pipe(go) < 0)
		return -errno;
	child = fork();
	if (child == 0) {
		close(go[1]);
		/* not before it is marked */
		_exit(read(go[0], &c, 1) == 1 ? (int)knock(d) : 99);
	}
	close(go[0]);
	r = child < 0 ? -errno : kernel_task_set(k, child, &t);
	if (r == 0 && write(go[1], "", 1) != 1)
		r = -errno;
	close(go[1]);
	if (child > 0 && waitpid(child, &status, 0) != child && r == 0)
		r = -errno;
	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > CANARY_NO_DOOR)
		return -EIO;
	*ret = (enum canary_end)WEXITSTATUS(status);
	return 0;
}

bool canary_has(const char *links, const char *program)
{
	char path[256];

	snprintf(path, sizeof(path), "%.160s/%.64s", links, program);
	if (access(path, F_OK) == 0)
		return true;
	snprintf(path, sizeof(path), "%.160s/%.64s_enter", links, program);
	return access(path, F_OK) == 0;
}

int canary_prove(struct kernel *k, const char *earlier, char *why, size_t size)
{
	int failed = 0;

	*why = 0;
	for (size_t i = 0; i < ARRAY_SIZE(doors); i++) {
		const struct canary_door *d = &doors[i];
		enum canary_end end = CANARY_REFUSED;
		int r;

		if (!canary_has(k->links, d->program)) {
			if (!earlier || !canary_has(earlier, d->program))
				continue;
			snprintf(why, size, "%s is missing, and the one before has it", d->what);
			failed++;
			continue;
		}
		r = send_canary(k, d, &end);
		if (r < 0)
			return log_err_r(r, "cannot send a canary to %s", d->what);
		if (end == CANARY_LET_THROUGH) {
			snprintf(why, size, "a canary was let through at %s", d->what);
			log_err("%s", why);
			failed++;
		}
	}
	return failed ? -EPROTO : 0;
}
