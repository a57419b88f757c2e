/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel side of destinations with a generated policy in it: maps of its own, nothing pinned,
 * of the programs only those of cgroups, attached to one cgroup. */
#ifndef BENCH_NET_TABLES_H
#define BENCH_NET_TABLES_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/socket.h>

#include "bpf/contract.h"

#define TABLES_UID	  4242
#define TABLES_FIRST	  0xc6120000u /* 198.18.0.0: one rule for each address from there */
#define TABLES_WALK	  0xc613f001u /* 198.19.240.1: DEST_RULES_MAX rules, the last allows */
#define TABLES_NAMED	  0xc613f002u /* 198.19.240.2: open by a name that DNS told */
#define TABLES_DENIED	  0xc613f003u /* 198.19.240.3: no rule */
#define TABLES_PROGRAMS	  5
#define TABLES_NAMED_MOST 10000

struct tables {
	struct kernel *kernel;
	size_t n_prefixes, n_names;
	uint64_t generation;
	struct socket_context mark;
	int sockets; /* the map of marks */
	struct bpf_program *programs[TABLES_PROGRAMS];
	struct bpf_link *links[TABLES_PROGRAMS];
};

/* A policy of so many rules by IPv4 prefix and by name; each is for this port and the
 * next. It has one rule for
 * ::1 besides, DEST_RULES_MAX for TABLES_WALK, and a model endpoint with model_port, whose address
 * nobody knows. Ends the process when something fails. */
void tables_make(struct tables *t, size_t n_prefixes, size_t n_names, uint16_t port,
		 uint16_t model_port);
/* Leaves on the socket what the LSM hooks leave on a governed task's: at its creation, and when to
 * is given, at a connect to there that they let through. Returns 0 or -errno. */
int tables_mark(const struct tables *t, int fd, const struct sockaddr_storage *to);
void tables_attach(struct tables *t, int cgroup);
void tables_detach(struct tables *t);
void tables_free(struct tables *t);

#endif
