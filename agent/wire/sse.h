/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events (WHATWG HTML, 9.2) in any split: lines end in CR, LF or CRLF. */
#ifndef WIRE_SSE_H
#define WIRE_SSE_H

#include "wire/text.h"

/* name is empty when the event had none. Borrowed until it returns. */
typedef int (*sse_sink)(void *ctx, struct wire_text name, struct wire_text data);

struct sse {
	sse_sink sink;
	void *ctx;
	size_t max;  /* bytes of one line, and of the data of one event */
	uint8_t bom; /* bytes of a byte order mark that came; 4: the start is behind us */
	bool carriage;
	bool has_data;
	struct buffer line, name, data;
};

void sse_init(struct sse *s, size_t max, sse_sink sink, void *ctx);
void sse_free(struct sse *s);

/* Returns 0, -ENOSPC (over max), -ENOMEM, or what the sink returned. */
int sse_feed(struct sse *s, const char *bytes, size_t len);

/* The stream ended: an event without its empty line is handed out too. Browsers drop it, but
 * clients exist that do not, and what they read must be seen. */
int sse_finish(struct sse *s);

#endif
