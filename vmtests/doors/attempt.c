// SPDX-License-Identifier: Apache-2.0
/* One way out at a time: what a governed process may try beside connect(). Says what the kernel
 * answered; exit status 0 when it was let through, 1 when it was refused.
 *
 *	attempt connect ADDRESS PORT
 *	attempt uring ADDRESS PORT            connect() by io_uring, in a worker of the kernel
 *	attempt fastopen ADDRESS PORT         data with the SYN: sendto(MSG_FASTOPEN), no connect()
 *	attempt udp ADDRESS PORT              sendto() on a socket that is not connected
 *	attempt redirect ADDRESS PORT TO PORT connect() to one address, sendmsg() to another
 *	attempt ping ADDRESS                  ICMP echo from a datagram socket, which needs no right
 *	attempt socket FAMILY TYPE PROTOCOL   numbers: make it, and no more
 *	attempt exchange PATH PATH            two names change places
 *	attempt thread-exec PROGRAM ARGUMENT… exec from a thread that is not the leader
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int answer(const char *what, long result)
{
	if (result >= 0) {
		printf("%s: let through\n", what);
		return 0;
	}
	printf("%s: %s\n", what, strerrorname_np(errno));
	return 1;
}

struct place {
	struct sockaddr_storage address;
	socklen_t len;
};

static struct place place(const char *address, const char *port)
{
	struct place p = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&p.address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&p.address;
	in_port_t number = htons((uint16_t)atoi(port));

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = number;
		p.len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = number;
		p.len = sizeof(*v6);
	} else {
		fprintf(stderr, "attempt: %s is no address\n", address);
		exit(2);
	}
	return p;
}

static int try_connect(const struct place *to)
{
	int fd = socket(to->address.ss_family, SOCK_STREAM, 0);

	if (fd < 0)
		return answer("socket", fd);
	return answer("connect", connect(fd, (const struct sockaddr *)&to->address, to->len));
}

/* Asked of a ring, and not of a system call; IOSQE_ASYNC has a kernel worker do it, not the caller.
 */
static int try_uring(const struct place *to)
{
	struct io_uring_params p = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 1, &p);
	int fd = socket(to->address.ss_family, SOCK_STREAM, 0);
	struct io_uring_sqe *entry;
	uint32_t *tail;
	uint8_t *asked, *answered;

	if (ring < 0 || fd < 0)
		return answer("io_uring_setup", -1);
	asked = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(uint32_t), PROT_READ | PROT_WRITE,
		     MAP_SHARED, ring, IORING_OFF_SQ_RING);
	answered = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
			PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	entry = mmap(NULL, p.sq_entries * sizeof(*entry), PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		     IORING_OFF_SQES);
	if (asked == MAP_FAILED || answered == MAP_FAILED || entry == MAP_FAILED)
		return answer("mmap", -1);
	*entry = (struct io_uring_sqe){.opcode = IORING_OP_CONNECT,
				       .flags = IOSQE_ASYNC,
				       .fd = fd,
				       .addr = (uintptr_t)&to->address,
				       .off = to->len};
	*(uint32_t *)(asked + p.sq_off.array) = 0;
	tail = (uint32_t *)(asked + p.sq_off.tail);
	__atomic_store_n(tail, 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return answer("io_uring_enter", -1);
	errno = -((struct io_uring_cqe *)(answered + p.cq_off.cqes))->res;
	return answer("connect", errno ? -1 : 0);
}

static int try_send(const struct place *to, int type, int flags)
{
	int fd = socket(to->address.ss_family, type, 0);

	if (fd < 0)
		return answer("socket", fd);
	return answer("sendto",
		      sendto(fd, "out", 3, flags, (const struct sockaddr *)&to->address, to->len));
}

static int try_redirect(const struct place *first, struct place *to)
{
	struct iovec bytes = {.iov_base = "out", .iov_len = 3};
	struct msghdr message = {.msg_name = &to->address,
				 .msg_namelen = to->len,
				 .msg_iov = &bytes,
				 .msg_iovlen = 1};
	int fd = socket(first->address.ss_family, SOCK_DGRAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&first->address, first->len) < 0)
		return answer("connect to the first address", -1);
	return answer("sendmsg", sendmsg(fd, &message, 0));
}

static int try_ping(const struct place *to)
{
	struct icmphdr echo = {.type = ICMP_ECHO};
	int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);

	if (fd < 0)
		return answer("socket", fd);
	return answer("sendto", sendto(fd, &echo, sizeof(echo), 0,
				       (const struct sockaddr *)&to->address, to->len));
}

static void *exec_here(void *arguments)
{
	char **argv = arguments;

	execvp(argv[0], argv);
	exit(answer("exec", -1));
}

static int exec_in_thread(char **argv)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, exec_here, argv) != 0)
		return answer("thread", -1);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	struct place to, other;

	if (argc >= 3 && !strcmp(way, "thread-exec"))
		return exec_in_thread(argv + 2);
	if (argc == 5 && !strcmp(way, "socket"))
		return answer("socket", socket(atoi(argv[2]), atoi(argv[3]), atoi(argv[4])));
	if (argc == 4 && !strcmp(way, "exchange"))
		return answer("rename",
			      renameat2(AT_FDCWD, argv[2], AT_FDCWD, argv[3], RENAME_EXCHANGE));
	if (argc < 3) {
		fprintf(stderr, "usage: attempt WAY ARGUMENT...\n");
		return 2;
	}
	to = place(argv[2], argc > 3 ? argv[3] : "0");
	if (argc == 4 && !strcmp(way, "connect"))
		return try_connect(&to);
	if (argc == 4 && !strcmp(way, "uring"))
		return try_uring(&to);
	if (argc == 4 && !strcmp(way, "fastopen"))
		return try_send(&to, SOCK_STREAM, MSG_FASTOPEN);
	if (argc == 4 && !strcmp(way, "udp"))
		return try_send(&to, SOCK_DGRAM, 0);
	if (argc == 3 && !strcmp(way, "ping"))
		return try_ping(&to);
	if (argc == 6 && !strcmp(way, "redirect")) {
		other = place(argv[4], argv[5]);
		return try_redirect(&to, &other);
	}
	fprintf(stderr, "attempt: %s is no way\n", way);
	return 2;
}
