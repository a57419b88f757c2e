/* SPDX-License-Identifier: Apache-2.0 */
/* One body on its way from the framing to its reader: content decoding, limits, and a count of what
 * could not be decoded. */
#ifndef WIRE_BODY_H
#define WIRE_BODY_H

#include "wire/internal.h"

struct body;

/* The body that this head announces; ex may be NULL for a response nobody is known to have asked
 * for. Returns 0 or -ENOMEM. */
int body_new(struct wire_conn *conn, struct exchange *ex, enum wire_direction direction,
	     const struct http_head *head, struct body **ret);
void body_free(struct body *b);

/* Bytes as they came, framing taken off. Returns 0 or -ENOMEM. */
int body_feed(struct body *b, const char *bytes, size_t len);

/* The body ended, or is cut off (whole false). Emits what it says; fills response, whose texts live
 * until body_free; may be NULL for a request. Returns 0 or -ENOMEM. */
int body_finish(struct body *b, bool whole, struct wire_response *response);

/* As wire_open_tool(). */
bool body_open_tool(const struct body *b, size_t i, struct wire_text *ret_id,
		    struct wire_text *ret_name);

/* Whether the content itself came to an end: for a body whose framing does not tell. */
bool body_ended(const struct body *b);

#endif
