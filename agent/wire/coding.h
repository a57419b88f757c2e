/* SPDX-License-Identifier: Apache-2.0 */
/* Content and transfer codings, undone as the bytes come: identity, gzip, deflate (also raw), br,
 * zstd, and chains of them. */
#ifndef WIRE_CODING_H
#define WIRE_CODING_H

#include "wire/text.h"

#define CODING_CHAIN_MAX 4

typedef int (*coding_sink)(void *ctx, const char *bytes, size_t len);

struct coding_limits {
	size_t body;  /* bytes that any stage may give */
	size_t ratio; /* of decoded to encoded, once over CODING_RATIO_FROM */
};
#define CODING_RATIO_FROM (1u << 20)

struct coding;

/* content and transfer are the header values (absent: none); "chunked" is not looked at. What was
 * applied last is undone first. Returns 0, -ENOTSUP (unknown, or too long a chain) or -ENOMEM. */
int coding_new(struct wire_text content, struct wire_text transfer,
	       const struct coding_limits *limits, coding_sink sink, void *ctx,
	       struct coding **ret);
void coding_free(struct coding *c);

/* Decodes and hands out all that can be known by now. Returns 0; -EBADMSG, *why says what is wrong
 * (not to be fed again); -ENOMEM; what the sink returned. */
int coding_feed(struct coding *c, const char *bytes, size_t len, const char **why);

/* Whether the encoded data came to its own end. */
bool coding_whole(const struct coding *c);

#endif
