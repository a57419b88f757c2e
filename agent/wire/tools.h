/* SPDX-License-Identifier: Apache-2.0 */
/* The tools that the model asked for and that the client has not answered yet. */
#ifndef WIRE_TOOLS_H
#define WIRE_TOOLS_H

#include "wire/text.h"

/* A model that asks and a client that never answers must not fill the memory. */
#define TOOLS_MAX	1024
#define TOOLS_INPUT_MAX (4u << 20) /* bytes of all inputs kept */

struct tool_use {
	struct tool_use *next;
	struct texts texts;
	struct wire_text id, name, input;
	uint64_t time_ns; /* when it was whole; 0: read in a request, the time is not known */
};

struct tools {
	struct tool_use *first, *last; /* oldest first */
	size_t len, input_bytes;
	void (*forgotten)(void *ctx,
			  const struct tool_use *use); /* before an open one is dropped */
	void *ctx;
};

/* Keeps a use; one with the same id stays as it is. Returns 0 or -ENOMEM. */
int tools_open(struct tools *t, struct wire_text id, struct wire_text name, struct wire_text input,
	       uint64_t time_ns);

/* Takes the use out, for the caller to free; NULL when it is not known. */
struct tool_use *tools_close(struct tools *t, struct wire_text id);
void tool_use_free(struct tool_use *use);

/* Forgets all that is open. */
void tools_clear(struct tools *t);

#endif
