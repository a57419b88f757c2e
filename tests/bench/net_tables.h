/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel side of destinations with a generated policy in it: maps of its own, nothing pinned,
 * of the programs only those of cgroups, attached to one cgroup. */
#ifndef BENCH_NET_TABLES_H
#define BENCH_NET_TABLES_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/contract.h"

#define TABLES_UID	  4242
#define TABLES_FIRST	  0xc6120000u /* 198.18.0.0: one rule for each address from there */
#define TABLES_WALK	  0xc613f001u /* 198.19.240.1: DEST_RULES_MAX rules, the last allows */
#define TABLES_NAMED	  0xc613f002u /* 198.19.240.2: open by a name that DNS told */
#define TABLES_DENIED	  0xc613f003u /* 198.19.240.3: no rule */
#define TABLES_PROGRAMS	  7
#define TABLES_NAMED_MOST 10000

struct tables {
	struct kernel *kernel;
	size_t n_prefixes, n_names;
	uint64_t generation;
	struct socket_context mark; /* what the LSM hooks leave on a governed socket */
	int sockets;		    /* the map that it is left in */
	struct bpf_program *programs[TABLES_PROGRAMS];
	struct bpf_link *links[TABLES_PROGRAMS];
};

/* A policy of so many rules by IPv4 prefix and by name; each is for this port. It has one rule for
 * ::1 besides, and DEST_RULES_MAX for TABLES_WALK. Ends the process when something fails. */
void tables_make(struct tables *t, size_t n_prefixes, size_t n_names, uint16_t port);
void tables_attach(struct tables *t, int cgroup);
void tables_detach(struct tables *t);
void tables_free(struct tables *t);

#endif
