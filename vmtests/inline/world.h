/* SPDX-License-Identifier: Apache-2.0 */
/* The program of the inline data path on a TLS library that is none: two functions of this program
 * that do nothing but move bytes, with the probes on them. What the client would have, the caller
 * gets. */
#ifndef INLINE_WORLD_H
#define INLINE_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/scan_table.h"

struct world;

/* An entry of the table of tools. */
struct world_tool {
	const char *name;
	uint32_t person; /* 0: everybody who has no entry */
	uint32_t verdict;
	uint32_t rule;
};

struct world_options {
	const struct scan_table *table; /* NULL: none */
	const struct world_tool *tools;
	size_t n_tools;
	uint32_t person;		 /* who this program is; 0: nobody known */
	const struct inline_text *texts; /* INLINE_TEXTS for each detector */
	size_t n_texts;
	uint32_t mode;	  /* enum bailiff_mode */
	uint32_t kinds;	  /* bit (1 << enum content_kind) each */
	uint32_t flags;	  /* POLICY_* */
	uint64_t same_ns; /* how long what was blocked is blocked again */
	bool dry;	  /* nothing is overwritten: for kernels that do not allow it */
	bool detached;	  /* no probes: what everything must fail with */
};

/* Loads and attaches. Needs the privileges for BPF and uprobes. Ends the program when it cannot. */
struct world *world_open(const struct world_options *options);
void world_close(struct world *w);
/* Puts another policy in force while calls go on. */
void world_policy(struct world *w, const struct world_options *options);

/* A write of len bytes at buf, of which the library takes so many (below 0: none). In buf is what
 * it would have encrypted. */
int world_write(uint64_t ssl, void *buf, int len, int taken);
/* A read that brings len bytes, which lie in buf already. In buf is what the caller would get. */
int world_read(uint64_t ssl, void *buf, int len);
void world_handshake(uint64_t ssl);
/* Where the return of the write is, from its beginning. */
size_t world_write_ret(void);

/* Takes the next record, or NULL. Valid until the next call. */
const struct record_inline *world_record(struct world *w);
/* Takes all. Returns how many there were. */
size_t world_forget_records(struct world *w);
/* Time inside of the program, in ns a call, since the last time this was asked; 0: nothing ran. */
double world_inside_ns(struct world *w);

#endif
