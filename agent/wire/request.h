/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a Messages request, as it comes: what was sent before is recognised by its digest and
 * dropped at once, so a conversation of a megabyte costs a scan and a hash, and no tree. */
#ifndef WIRE_REQUEST_H
#define WIRE_REQUEST_H

#include "wire/internal.h"

struct request;
int request_new(struct wire_conn *conn, struct exchange *ex, struct request **ret);
void request_free(struct request *q);

/* Decoded bytes of the body. Returns 0 or -ENOMEM. */
int request_feed(struct request *q, const char *bytes, size_t len);

/* The body ended, or is cut off: emits the call and what was said in it. Returns 0 or -ENOMEM. */
int request_finish(struct request *q);

#endif
