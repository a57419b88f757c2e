// SPDX-License-Identifier: Apache-2.0
/* A race on the address: one thread connects, another changes where to.
 *	race connect ADDRESS PORT ALLOWED */
#include "attempt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* A lost race is no refusal: so long at least, and so often, whatever else the machine does. */
#define RACE_MS	   2000
#define RACE_TRIES 200
#define RACE_END   20000

static struct target shared;
static struct in_addr wanted, allowed;
static atomic_int over;

static void *change(void *unused)
{
	volatile unsigned int *at = &((struct sockaddr_in *)&shared.address)->sin_addr.s_addr;

	(void)unused;
	while (!atomic_load(&over)) {
		*at = wanted.s_addr;
		*at = allowed.s_addr;
	}
	return NULL;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* 0: at the address that is wanted, and it answered */
static int try(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), r = -1;
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&shared.address, shared.len) == 0 &&
	    getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
	    peer.sin_addr.s_addr == wanted.s_addr)
		r = attempt_exchange(fd);
	close(fd);
	return r;
}

int main(int argc, char **argv)
{
	long begun = now_ms(), ms = 0;
	int tries = 0, r = -1;
	pthread_t thread;

	if (argc != 5 || attempt_target(&shared, argv[2], argv[3]) ||
	    inet_pton(AF_INET, argv[2], &wanted) != 1 || inet_pton(AF_INET, argv[4], &allowed) != 1)
		return attempt_setup("usage");
	if (pthread_create(&thread, NULL, change, NULL))
		return attempt_setup("pthread_create");
	while (r && (ms < RACE_MS || tries < RACE_TRIES) && ms < RACE_END) {
		r = try();
		tries++;
		ms = now_ms() - begun;
	}
	atomic_store(&over, 1);
	pthread_join(thread, NULL);
	printf("%d tries\n", tries);
	if (r && tries < RACE_TRIES)
		return attempt_setup("too few tries");
	return r == 0 ? THROUGH : REFUSED;
}
