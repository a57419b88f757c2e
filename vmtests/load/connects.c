// SPDX-License-Identifier: Apache-2.0
/* connects serve PORT: takes connections and closes them. Says "ready" when it listens.
 * connects run ADDRESS PORT BATCHES CALLS: the time of socket(), connect() and close(), of each
 * batch the median of its calls, in nanoseconds; a number a line. Ends with 1 when a call is
 * refused. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CALLS_MAX 1000

static unsigned long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;

	return (x > y) - (x < y);
}

static int serve(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 1024) < 0) {
		perror("connects serve");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		int other = accept(fd, NULL, NULL);

		if (other >= 0)
			close(other);
	}
}

static int run(const struct sockaddr_in *to, int batches, int calls)
{
	static unsigned long long took[CALLS_MAX];

	for (int i = 0; i < batches; i++) {
		for (int j = 0; j < calls; j++) {
			unsigned long long began = now_ns();
			int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

			if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
				perror("connects run");
				return 1;
			}
			close(fd);
			took[j] = now_ns() - began;
			/* the other side has its turn: a full backlog would be what is measured */
			usleep(200);
		}
		qsort(took, (size_t)calls, sizeof(took[0]), compare);
		printf("%llu\n", took[calls / 2]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		return serve(atoi(argv[2]));
	if (argc != 6 || strcmp(argv[1], "run") != 0 ||
	    inet_pton(AF_INET, argv[2], &to.sin_addr) != 1 || atoi(argv[5]) < 1 ||
	    atoi(argv[5]) > CALLS_MAX)
		return 64;
	to.sin_port = htons((unsigned short)atoi(argv[3]));
	return run(&to, atoi(argv[4]), atoi(argv[5]));
}
