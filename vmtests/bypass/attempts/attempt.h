/* SPDX-License-Identifier: Apache-2.0 */
/* What the attempts in C share: how one ends, where it goes, and what shows that it arrived. Header
 * only, so that each attempt is one file and one program. */
#ifndef BYPASS_ATTEMPT_H
#define BYPASS_ATTEMPT_H

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* The contract of every attempt. What is neither through nor refused is a broken test, never a
 * pass. */
#define THROUGH 0
#define REFUSED 1
#define SETUP	2

#define ATTEMPT_WAIT_MS 3000
#define ATTEMPT_CLIENT	"/opt/claude/claude"

struct target {
	struct sockaddr_storage address;
	socklen_t len;
	int family;
};

static inline int attempt_setup(const char *what)
{
	fprintf(stderr, "setup: %s: %s\n", what, strerror(errno));
	return SETUP;
}

/* The errors of a refusal. A time-out, a route that is missing or a peer that does not listen is
 * none: the way was not tried then. */
static inline int attempt_refused(const char *what)
{
	int refusal = errno == EPERM || errno == EACCES || errno == ECONNRESET || errno == EPIPE;

	fprintf(stderr, "%s: %s: %s\n", refusal ? "refused" : "setup", what, strerror(errno));
	return refusal ? REFUSED : SETUP;
}

static inline const char *attempt_token(void)
{
	const char *token = getenv("BYPASS_TOKEN");

	return token ? token : "bypass-no-token";
}

/* "10.77.2.10", "fd77::1" or "fe80::1%blocked" */
static inline int attempt_target(struct target *t, const char *address, const char *port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&t->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&t->address;
	char host[64], *scope;

	memset(t, 0, sizeof(*t));
	snprintf(host, sizeof(host), "%s", address);
	scope = strchr(host, '%');
	if (scope)
		*scope++ = 0;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((unsigned short)atoi(port));
		t->len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((unsigned short)atoi(port));
		v6->sin6_scope_id = scope ? if_nametoindex(scope) : 0;
		t->len = sizeof(*v6);
	} else {
		errno = EINVAL;
		return -EINVAL;
	}
	t->family = t->address.ss_family;
	return 0;
}

/* Waits for the answer, which has the token in it: so it came from the host asked, and to this run.
 */
static inline int attempt_answer(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char answer[512];
	ssize_t n;

	if (poll(&p, 1, ATTEMPT_WAIT_MS) != 1) {
		errno = ETIMEDOUT;
		return attempt_refused("answer");
	}
	n = recv(fd, answer, sizeof(answer) - 1, 0);
	if (n < 0)
		return attempt_refused("recv");
	answer[n] = 0;
	if (!strstr(answer, attempt_token())) {
		errno = EPROTO;
		return attempt_refused("answer");
	}
	printf("through: %s\n", answer);
	return THROUGH;
}

/* The token and its newline into what; returns the length. */
static inline size_t attempt_line(char *what, size_t size)
{
	return (size_t)snprintf(what, size, "%s\n", attempt_token());
}

/* On a connection that stands: say the token, hear it. */
static inline int attempt_exchange(int fd)
{
	char line[256];
	size_t n = attempt_line(line, sizeof(line));

	if (send(fd, line, n, MSG_NOSIGNAL) < 0)
		return attempt_refused("send");
	return attempt_answer(fd);
}

static inline int attempt_connect(const char *address, const char *port)
{
	struct target t;
	int fd;

	if (attempt_target(&t, address, port))
		return attempt_setup(address);
	fd = socket(t.family, SOCK_STREAM, 0);
	if (fd < 0)
		return attempt_refused("socket");
	if (connect(fd, (struct sockaddr *)&t.address, t.len))
		return attempt_refused("connect");
	return attempt_exchange(fd);
}

/* Becomes what a client's descendants are: a process that maps a client's program to run it is
 * governed from there on. With no bailiff it is a mapping. */
static inline int attempt_become(void)
{
	FILE *f = fopen(ATTEMPT_CLIENT, "re");
	void *p;

	if (!f)
		return -errno;
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fileno(f), 0);
	fclose(f);
	return p == MAP_FAILED ? -errno : 0;
}

#endif
