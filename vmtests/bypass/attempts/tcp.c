// SPDX-License-Identifier: Apache-2.0
/* TCP and MPTCP, with connect() and without it.
 *	tcp HOW ADDRESS PORT
 * HOW: connect, fastopen-sendto, fastopen-sendmmsg, fastopen-option, nonblock, mptcp,
 * mptcp-fastopen, mptcp-subflow */
#include "attempt.h"

#include <netinet/tcp.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define SOL_MPTCP_LEVEL	  284
#define MPTCP_INFO_OPTION 1

static int fastopen_sendto(int fd, const struct target *t)
{
	char line[256];
	size_t n = attempt_line(line, sizeof(line));

	if (sendto(fd, line, n, MSG_FASTOPEN | MSG_NOSIGNAL, (const struct sockaddr *)&t->address,
		   t->len) < 0)
		return attempt_refused("sendto(MSG_FASTOPEN)");
	return attempt_answer(fd);
}

static int fastopen_sendmmsg(int fd, struct target *t)
{
	char line[256];
	struct iovec v = {.iov_base = line, .iov_len = attempt_line(line, sizeof(line))};
	struct mmsghdr m = {.msg_hdr = {.msg_name = &t->address,
					.msg_namelen = t->len,
					.msg_iov = &v,
					.msg_iovlen = 1}};

	if (sendmmsg(fd, &m, 1, MSG_FASTOPEN | MSG_NOSIGNAL) != 1)
		return attempt_refused("sendmmsg(MSG_FASTOPEN)");
	return attempt_answer(fd);
}

/* connect() that sends nothing; the first write does */
static int fastopen_option(int fd, const struct target *t)
{
	int one = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)))
		return attempt_setup("TCP_FASTOPEN_CONNECT");
	if (connect(fd, (const struct sockaddr *)&t->address, t->len))
		return attempt_refused("connect");
	return attempt_exchange(fd);
}

static int nonblock(int fd, const struct target *t)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (connect(fd, (const struct sockaddr *)&t->address, t->len) && errno != EINPROGRESS)
		return attempt_refused("connect");
	if (poll(&p, 1, ATTEMPT_WAIT_MS) != 1)
		return attempt_setup("poll");
	return attempt_exchange(fd);
}

/* The peer names another address of its own; the kernel connects there by itself, from a thread
 * that belongs to nobody. */
static int mptcp_subflow(int fd, const struct target *t)
{
	unsigned char info[256];
	socklen_t len;
	int r;

	if (connect(fd, (const struct sockaddr *)&t->address, t->len))
		return attempt_refused("connect");
	r = attempt_exchange(fd);
	if (r)
		return r;
	for (int i = 0; i < 50; i++) {
		len = sizeof(info);
		if (getsockopt(fd, SOL_MPTCP_LEVEL, MPTCP_INFO_OPTION, info, &len))
			return attempt_setup("MPTCP_INFO");
		if (info[0]) { /* mptcpi_subflows: beside the first */
			printf("through: %d more subflows\n", info[0]);
			return THROUGH;
		}
		usleep(50000);
	}
	errno = ETIMEDOUT;
	return attempt_setup("no subflow");
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	struct target t;
	int fd, type = SOCK_STREAM, protocol = 0;

	if (argc != 4 || attempt_target(&t, argv[2], argv[3]))
		return attempt_setup("usage");
	if (strncmp(how, "mptcp", 5) == 0)
		protocol = IPPROTO_MPTCP;
	if (strcmp(how, "nonblock") == 0)
		type |= SOCK_NONBLOCK;
	fd = socket(t.family, type, protocol);
	if (fd < 0)
		return attempt_refused("socket");
	if (strcmp(how, "connect") == 0 || strcmp(how, "mptcp") == 0) {
		if (connect(fd, (struct sockaddr *)&t.address, t.len))
			return attempt_refused("connect");
		return attempt_exchange(fd);
	}
	if (strcmp(how, "nonblock") == 0)
		return nonblock(fd, &t);
	if (strcmp(how, "fastopen-sendto") == 0 || strcmp(how, "mptcp-fastopen") == 0)
		return fastopen_sendto(fd, &t);
	if (strcmp(how, "fastopen-sendmmsg") == 0)
		return fastopen_sendmmsg(fd, &t);
	if (strcmp(how, "fastopen-option") == 0)
		return fastopen_option(fd, &t);
	if (strcmp(how, "mptcp-subflow") == 0)
		return mptcp_subflow(fd, &t);
	return attempt_setup("usage");
}
