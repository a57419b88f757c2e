// SPDX-License-Identifier: Apache-2.0
/* A connection from before: made by a process that nothing binds, used by the same when it is
 * bound. becoming HOW ADDRESS PORT
 * HOW: send, write, sendfile, splice, sendto (on the open connection; the last names an address that
 * is allowed), udp (an association that stands), connect (a new connection, for comparison) */
#include "attempt.h"

#include <fcntl.h>
#include <sys/sendfile.h>

static int line_file(void)
{
	char line[256];
	size_t n = attempt_line(line, sizeof(line));
	int fd = memfd_create("line", MFD_CLOEXEC);

	if (fd < 0 || write(fd, line, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET))
		return -1;
	return fd;
}

/* A connection that stands, on which nothing comes back: whether it is refused is what an ordinary
 * send on it is told. */
static int answered(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (poll(&p, 1, ATTEMPT_WAIT_MS / 3) != 1 && send(fd, "?", 1, MSG_NOSIGNAL) < 0)
		return attempt_refused("send");
	return attempt_answer(fd);
}

/* The pages of a file go to the socket without a copy: on 6.1 without a sendmsg either. */
static int by_sendfile(int fd)
{
	int file = line_file();

	if (file < 0)
		return attempt_setup("memfd");
	if (sendfile(fd, file, NULL, 4096) < 0)
		return attempt_refused("sendfile");
	return answered(fd);
}

static int by_splice(int fd)
{
	int file = line_file(), ends[2];
	ssize_t n;

	if (file < 0 || pipe(ends))
		return attempt_setup("pipe");
	n = splice(file, NULL, ends[1], NULL, 4096, 0);
	if (n <= 0)
		return attempt_setup("splice");
	if (splice(ends[0], NULL, fd, NULL, (size_t)n, 0) < 0)
		return attempt_refused("splice");
	return answered(fd);
}

static int by_write(int fd)
{
	char line[256];
	size_t n = attempt_line(line, sizeof(line));

	if (write(fd, line, n) < 0)
		return attempt_refused("write");
	return attempt_answer(fd);
}

/* Of a stream the kernel sends to its peer and never looks at the address that comes along. */
static int by_sendto(int fd)
{
	struct target allowed;
	char line[256];
	size_t n = attempt_line(line, sizeof(line));

	if (attempt_target(&allowed, "10.77.3.10", "7000"))
		return attempt_setup("address");
	if (sendto(fd, line, n, MSG_NOSIGNAL, (struct sockaddr *)&allowed.address, allowed.len) < 0)
		return attempt_refused("sendto");
	return attempt_answer(fd);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	struct target t;
	int fd;

	if (argc != 4 || attempt_target(&t, argv[2], argv[3]))
		return attempt_setup("usage");
	if (strcmp(how, "connect") == 0) {
		if (attempt_become())
			return attempt_setup(ATTEMPT_CLIENT);
		return attempt_connect(argv[2], argv[3]);
	}
	fd = socket(t.family, strcmp(how, "udp") ? SOCK_STREAM : SOCK_DGRAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&t.address, t.len))
		return attempt_setup("connect");
	if (attempt_become())
		return attempt_setup(ATTEMPT_CLIENT);
	if (strcmp(how, "sendfile") == 0)
		return by_sendfile(fd);
	if (strcmp(how, "splice") == 0)
		return by_splice(fd);
	if (strcmp(how, "write") == 0)
		return by_write(fd);
	if (strcmp(how, "sendto") == 0)
		return by_sendto(fd);
	return attempt_exchange(fd);
}
