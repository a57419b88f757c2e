// SPDX-License-Identifier: Apache-2.0
/* probe ADDRESS PORT FILE: each millisecond one TCP connect to a denied address, two in ten of them
 * by Fast Open and by UDP, until FILE is gone. Then prints what became of them. What it counts as
 * reached was let out: a connection made or begun, a datagram sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef MSG_FASTOPEN
#define MSG_FASTOPEN 0x20000000
#endif

static unsigned long long tries, refused, reached, odd, late, longest_us;

static unsigned long long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000 + (unsigned long long)t.tv_nsec / 1000;
}

static void one(const struct sockaddr_in *to, unsigned long long n)
{
	int kind = n % 10 == 3 ? 1 : n % 10 == 7 ? 2 : 0;
	int fd = socket(AF_INET, (kind == 2 ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
	ssize_t r;

	tries++;
	if (fd < 0) {
		odd++;
		return;
	}
	if (kind == 0)
		r = connect(fd, (const struct sockaddr *)to, sizeof(*to));
	else
		r = sendto(fd, "x", 1, kind == 1 ? MSG_FASTOPEN : 0, (const struct sockaddr *)to,
			   sizeof(*to));
	if (r >= 0 || errno == EINPROGRESS)
		reached++;
	else if (errno == EPERM || errno == EACCES || errno == ECONNRESET)
		refused++;
	else
		odd++;
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	unsigned long long next, began, t;
	struct stat st;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 64;
	to.sin_port = htons((unsigned short)atoi(argv[2]));
	began = next = now_us();
	while (tries % 64 || stat(argv[3], &st) == 0) {
		unsigned long long before = now_us();

		if (before > next + 5000)
			late++;
		if (tries && before - next > longest_us && before > next)
			longest_us = before - next;
		one(&to, tries);
		next += 1000;
		t = now_us();
		/* an emulated machine may not keep up: no burst afterwards, the count says so */
		if (t > next + 100000)
			next = t;
		if (next > t)
			usleep((useconds_t)(next - t));
	}
	printf("{\"tries\": %llu, \"refused\": %llu, \"reached\": %llu, \"other\": %llu, \"late\": "
	       "%llu, \"longest_gap_us\": %llu, \"ms\": %llu}\n",
	       tries, refused, reached, odd, late, longest_us, (now_us() - began) / 1000);
	return 0;
}
