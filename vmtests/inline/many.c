// SPDX-License-Identifier: Apache-2.0
/* A thousand connections of several threads, while policies take each other's place: no value comes
 * out, no finding is lost. */
#include "prove.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf/content_state.h"
#include "streams.h"

#define THREADS 4
#define TURNS	4
#define VALUE                                                                                      \
	"123-"                                                                                     \
	"45-6789"

struct many {
	unsigned int connections, from, step;
	uint64_t first;
	atomic_ulong *went, *whole, *broken;
};

static atomic_bool swapping;
static struct world *world;
static struct world_options policies[2];

/* All connections of a thread go on at the same time: each gets its turn's halves one after the
 * other. */
static void *talk(void *ctx)
{
	struct many *m = ctx;
	struct bytes message = {0}, out = {0};

	for (unsigned int turn = 0; turn < TURNS; turn++) {
		for (unsigned int i = m->from; i < m->connections; i += m->step) {
			uint64_t ssl = m->first + 64ull * i;
			char text[128];

			snprintf(text, sizeof(text), "Connection %u turn %u: " VALUE " it was.", i,
				 turn);
			bytes_clear(&message);
			stream_put(&message, STREAM_REQUEST, text, -1);
			world_write(ssl, message.data, (int)message.len, (int)message.len);
			if (stream_take(message.data, message.len, STREAM_REQUEST, &out) < 0)
				++*m->broken;
			*m->whole += memmem(message.data, message.len, VALUE, 11) != NULL;
			bytes_clear(&message);
			stream_put(&message, STREAM_TEXT, text, 25);
			world_read(ssl, message.data, (int)message.len);
			if (stream_take(message.data, message.len, STREAM_TEXT, &out) < 0)
				++*m->broken;
			*m->whole += strstr(out.data, VALUE) != NULL;
			*m->went += 2;
		}
	}
	bytes_free(&message);
	bytes_free(&out);
	return NULL;
}

static void *swap(void *ctx)
{
	unsigned int *n = ctx;

	while (swapping) {
		world_policy(world, &policies[++*n & 1]);
		usleep(2000);
	}
	return NULL;
}

void prove_many(unsigned int connections)
{
	struct scan_table *one = prove_table(SCAN_MASK, SCAN_MASK, SCAN_MASK);
	struct scan_table *two = prove_table(SCAN_MASK, SCAN_MASK, SCAN_LOG);
	const struct world_options options = {
		.table = one,
		.mode = BAILIFF_MODE_ENFORCE,
		.kinds = 1 << CONTENT_REQUEST | 1 << CONTENT_TEXT | 1 << CONTENT_INPUT,
	};
	atomic_ulong went = 0, whole = 0, broken = 0;
	pthread_t thread[THREADS], swapper;
	struct many part[THREADS];
	unsigned int swaps = 0;
	unsigned long found = 0;
	const struct record_inline *r;

	two->id = one->id + 1;
	policies[0] = policies[1] = options;
	policies[1].table = two;
	world = world_open(&options);
	swapping = true;
	pthread_create(&swapper, NULL, swap, &swaps);
	for (unsigned int i = 0; i < THREADS; i++) {
		part[i] = (struct many){.connections = connections,
					.from = i,
					.step = THREADS,
					.first = 1ull << 32,
					.went = &went,
					.whole = &whole,
					.broken = &broken};
		pthread_create(&thread[i], NULL, talk, &part[i]);
	}
	for (unsigned int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	swapping = false;
	pthread_join(swapper, NULL);
	while ((r = world_record(world)))
		found += r->found;
	printf("%u connections: %lu messages, %u policies, %lu values told\n", connections,
	       (unsigned long)went, swaps, found);
	PROVE(swaps > 1, "%u policies only", swaps);
	PROVE(!whole && !broken, "%lu came out whole, %lu were broken", (unsigned long)whole,
	      (unsigned long)broken);
	PROVE(found == went, "%lu of %lu were told", found, (unsigned long)went);
	world_close(world);
	free(one);
	free(two);
}
