/* SPDX-License-Identifier: Apache-2.0 */
/* A cgroup and a network namespace of the benchmark's own, in a child; both are gone when it ends,
 * however it ends. */
#ifndef BENCH_PLACE_H
#define BENCH_PLACE_H

enum place_network {
	PLACE_LOOPBACK, /* the addresses are local */
	PLACE_PAIR,	/* they are in another namespace, at the other end of a veth pair */
};

struct place {
	int cgroup; /* open; never the root */
	int beside; /* another one, which the benchmark is not in */
	enum place_network network;
	int here, there; /* open network namespaces; one and the same of PLACE_LOOPBACK */
	char path[4200], beside_path[4300];
};

/* Makes a cgroup (of version 2) and runs fn in a child in a new network namespace, where "lo" is up
 * and 198.18.0.0/15 (set aside for benchmarks by RFC 2544) is to be reached, all of it. Returns
 * what the child ended with: fn's result, or 1. */
int place_run(enum place_network network, int (*fn)(const struct place *place));
/* Goes into a namespace of the place: sockets belong to the one they were made in. */
void place_go(int netns);
/* Goes into the cgroup. Sockets from before are not of it, nor is what they accept. */
void place_enter(const struct place *place);

#endif
