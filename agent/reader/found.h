/* SPDX-License-Identifier: Apache-2.0 */
/* What the inline path found in a connection waits here for the bytes it was found in: a finding is
 * told before them, or, when it is a denial, by another ring and perhaps after them. Times join the
 * two, since the thread that stamps a finding stamps its bytes later. */
#ifndef READER_FOUND_H
#define READER_FOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bpf/contract.h"
#include "reader/limits.h"
#include "wire/wire.h"

/* A tool_use of a response. Ids and names are unmasked. */
struct found_tool {
	char id[READER_ID_SIZE], name[READER_ID_SIZE];
	uint64_t from_ns, to_ns; /* chunks that it began and ended in; to_ns 0: it is open */
	bool used;
};

struct found_held {
	TAILQ_ENTRY(found_held) entry;
	uint64_t since_ns;
	struct record_inline record;
};
TAILQ_HEAD(found_queue, found_held);

/* Of one connection. */
struct found {
	struct found_queue held; /* oldest first */
	size_t n_held;
	uint64_t chunk_ns[WIRE_DIRECTION_MAX][READER_FOUND_CHUNKS];
	uint32_t n_chunks[WIRE_DIRECTION_MAX];
	struct found_tool tools[READER_FOUND_TOOLS];
	/* the latest exchange; unmasked. id 0: none was seen */
	struct {
		uint64_t id;
		bool messages; /* of the Messages API */
		char request_id[READER_ID_SIZE], agent_id[READER_ID_SIZE], host[NAME_SIZE];
	} exchange;
};

/* Keeps a finding. Returns 0, -ENOSPC when too many wait, -ENOMEM. */
int found_hold(struct found *f, const struct record_inline *record, uint64_t now_ns);
void found_drop(struct found *f, struct found_held *held);

void found_exchange(struct found *f, const struct wire_exchange *exchange);
/* A tool_use ended, in the chunk of that time. */
void found_tool_ended(struct found *f, uint64_t time_ns, struct wire_text id,
		      struct wire_text name);
/* A chunk of that time was taken in; wire may be NULL. */
void found_chunk(struct found *f, const struct wire_conn *wire, uint32_t direction,
		 uint64_t time_ns);

/* Whether the bytes of a finding of that time were taken in. */
bool found_passed(const struct found *f, uint32_t direction, uint64_t time_ns);
/* The tool_uses that what was found in a response at that time can stand in, READER_FOUND_TOOLS at
 * most: those that the chunk with it belongs to. Where that tells of none (a response that is one
 * document tells at its end), those of the chunk that tells the next ones. Returns how many. */
size_t found_tools(const struct found *f, uint64_t time_ns,
		   const struct found_tool *ret[READER_FOUND_TOOLS]);

#endif
