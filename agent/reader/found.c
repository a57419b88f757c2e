// SPDX-License-Identifier: Apache-2.0
/* What the inline path found in a connection, until the bytes it was found in are known. */
#include "reader/found.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int found_hold(struct found *f, const struct record_inline *record, uint64_t now_ns)
{
	struct found_held *held;

	if (f->n_held >= READER_FOUND_MAX)
		return -ENOSPC;
	held = malloc(sizeof(*held));
	if (!held)
		return -ENOMEM;
	*held = (struct found_held){.since_ns = now_ns, .record = *record};
	TAILQ_INSERT_TAIL(&f->held, held, entry);
	f->n_held++;
	return 0;
}

void found_drop(struct found *f, struct found_held *held)
{
	TAILQ_REMOVE(&f->held, held, entry);
	f->n_held--;
	free(held);
}

static void found_copy(char *to, size_t size, struct wire_text text)
{
	size_t len = text.len < size ? text.len : size - 1;

	if (len)
		memcpy(to, text.data, len);
	to[len] = 0;
}

void found_exchange(struct found *f, const struct wire_exchange *e)
{
	f->exchange.id = e->id;
	f->exchange.messages = e->is_messages;
	found_copy(f->exchange.request_id, sizeof(f->exchange.request_id), e->request_id);
	found_copy(f->exchange.agent_id, sizeof(f->exchange.agent_id), e->agent_id);
	found_copy(f->exchange.host, sizeof(f->exchange.host), e->host);
}

static bool found_is(const struct found_tool *t, struct wire_text id)
{
	size_t len = id.len < READER_ID_SIZE ? id.len : READER_ID_SIZE - 1;

	return strlen(t->id) == len && (!len || memcmp(t->id, id.data, len) == 0);
}

/* The open tool_use of that id, made where there is none: in the place of the one that ended first,
 * then of the one that began first. */
static struct found_tool *found_tool(struct found *f, uint64_t time_ns, struct wire_text id,
				     struct wire_text name)
{
	struct found_tool *room = &f->tools[0];

	for (size_t i = 0; i < ARRAY_SIZE(f->tools); i++) {
		struct found_tool *t = &f->tools[i];
		uint64_t end = t->to_ns ? t->to_ns : UINT64_MAX;
		uint64_t room_end = room->to_ns ? room->to_ns : UINT64_MAX;

		if (t->used && !t->to_ns && found_is(t, id))
			return t;
		if (!room->used)
			continue;
		if (!t->used || end < room_end || (end == room_end && t->from_ns < room->from_ns))
			room = t;
	}
	*room = (struct found_tool){.used = true, .from_ns = time_ns};
	found_copy(room->id, sizeof(room->id), id);
	found_copy(room->name, sizeof(room->name), name);
	return room;
}

void found_tool_ended(struct found *f, uint64_t time_ns, struct wire_text id, struct wire_text name)
{
	/* 0 stands for "open"; a record that is stamped so is made up */
	found_tool(f, time_ns, id, name)->to_ns = time_ns ? time_ns : 1;
}

/* Those that the parser has open: found open, or begun; and no other is open any more, for a
 * response that broke off tells of no end. */
static void found_open(struct found *f, const struct wire_conn *wire, uint64_t time_ns)
{
	struct wire_text id, name;
	size_t n = 0;

	while (n < ARRAY_SIZE(f->tools) && wire && wire_open_tool(wire, n, &id, &name)) {
		found_tool(f, time_ns, id, name);
		n++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(f->tools); i++) {
		struct found_tool *t = &f->tools[i];
		bool open = false;

		if (!t->used || t->to_ns)
			continue;
		for (size_t k = 0; k < n && !open; k++)
			open = wire_open_tool(wire, k, &id, &name) && found_is(t, id);
		if (!open)
			t->to_ns = time_ns ? time_ns : 1;
	}
}

void found_chunk(struct found *f, const struct wire_conn *wire, uint32_t direction,
		 uint64_t time_ns)
{
	if (direction == WIRE_RECEIVED)
		found_open(f, wire, time_ns);
	f->chunk_ns[direction][f->n_chunks[direction]++ % READER_FOUND_CHUNKS] = time_ns;
}

/* The first chunk that is not older: what was found was in it. UINT64_MAX: it did not come. */
static uint64_t found_chunk_of(const struct found *f, uint32_t direction, uint64_t time_ns)
{
	uint32_t n = f->n_chunks[direction];
	uint64_t best = UINT64_MAX;

	for (uint32_t i = 0; i < READER_FOUND_CHUNKS && i < n; i++)
		if (f->chunk_ns[direction][i] >= time_ns && f->chunk_ns[direction][i] < best)
			best = f->chunk_ns[direction][i];
	return best;
}

bool found_passed(const struct found *f, uint32_t direction, uint64_t time_ns)
{
	return found_chunk_of(f, direction, time_ns) != UINT64_MAX;
}

size_t found_tools(const struct found *f, uint64_t time_ns,
		   const struct found_tool *ret[READER_FOUND_TOOLS])
{
	uint64_t at = found_chunk_of(f, WIRE_RECEIVED, time_ns), next = UINT64_MAX;
	size_t n = 0;

	if (at == UINT64_MAX)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(f->tools); i++) {
		const struct found_tool *t = &f->tools[i];

		if (!t->used)
			continue;
		if (t->from_ns <= at && (!t->to_ns || t->to_ns >= at))
			ret[n++] = t;
		else if (t->from_ns > at && t->from_ns < next)
			next = t->from_ns;
	}
	if (n)
		return n;
	for (size_t i = 0; i < ARRAY_SIZE(f->tools); i++)
		if (f->tools[i].used && f->tools[i].from_ns == next)
			ret[n++] = &f->tools[i];
	return n;
}
