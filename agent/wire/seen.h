/* SPDX-License-Identifier: Apache-2.0 */
/* What was said before: digests of the elements and blocks of a conversation that is sent again in
 * whole every turn. Keyed and 128 bits wide, so that nobody can make one message hide another.
 *
 * Poly1305 under one key is no MAC for messages that others see with their tags; here no digest
 * ever leaves this file's callers. What is left is its collision bound: two chosen texts of 32 MiB
 * have the same digest once in 2^80 keys. It takes a third of the time of SipHash, and this is what
 * a conversation that is sent again mostly costs. */
#ifndef WIRE_SEEN_H
#define WIRE_SEEN_H

#include "wire/text.h"

struct mark {
	uint64_t a, b;
};

/* How often each block stood in one exchange so far: the second "yes" of a conversation is news
 * although the first was seen. */
struct tally {
	struct tally_slot {
		struct mark mark;
		uint32_t count;
		bool used;
	} * slots;
	size_t cap, len;
};
void tally_free(struct tally *t);

struct seen;
int seen_new(size_t max, struct seen **ret); /* 0, -ENOMEM, -EIO (no Poly1305, no random key) */
void seen_free(struct seen *s);

/* The digest of n pieces, each bound to its place and length. Returns 0 or -EIO. */
int seen_digest(struct seen *s, const struct wire_text *pieces, size_t n, struct mark *ret);

/* Whether an element was read before and every block of it was told as often as it stands in this
 * exchange by now; if so the tally counts them. Returns 1, 0 or -ENOMEM. */
int seen_has_element(struct seen *s, struct tally *t, const struct mark *element);

/* An element was read; it consists of these blocks. Returns 0 or -ENOMEM. */
int seen_add_element(struct seen *s, const struct mark *element, const struct mark *blocks,
		     size_t n);

/* Counts a block in the exchange and in all. Returns 1 when it is news, 0, or -ENOMEM. */
int seen_add_block(struct seen *s, struct tally *t, const struct mark *block);

size_t seen_len(const struct seen *s);

#endif
