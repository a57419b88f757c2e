/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a Messages response: events of a stream, or one JSON document. */
#ifndef WIRE_RESPONSE_H
#define WIRE_RESPONSE_H

#include "wire/internal.h"

struct response;
int response_new(struct wire_conn *conn, struct exchange *ex, bool stream, struct response **ret);
void response_free(struct response *p);

/* Decoded bytes of the body. A block is emitted as soon as it is whole. Returns 0 or -ENOMEM. */
int response_feed(struct response *p, const char *bytes, size_t len);

/* The body ended, or is cut off: emits what is at hand, and fills in what the stream said about
 * itself; the texts live until response_free. *other: it was a document of another kind, for the
 * caller to tell. Returns 0 or -ENOMEM. */
int response_finish(struct response *p, struct wire_response *ret, struct wire_text *other);

/* As wire_open_tool(). */
bool response_open_tool(const struct response *p, size_t i, struct wire_text *ret_id,
			struct wire_text *ret_name);

/* Whether the message came to its own end. */
bool response_whole(const struct response *p);

#endif
