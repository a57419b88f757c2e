/* SPDX-License-Identifier: Apache-2.0 */
/* The event that a response mostly consists of, read without a tree: a delta in exactly the form
 * that the API writes. Whatever differs by a byte is left to the parser, so this can be fast and
 * not wrong. */
#ifndef WIRE_DELTA_H
#define WIRE_DELTA_H

#include "wire/text.h"

/* Whether the data is such a delta; its block, and what follows the quote of its text. */
bool delta_match(struct wire_text data, uint32_t *index, struct wire_text *rest);

/* Appends the text. Returns 1; 0 when the parser must decide (\\u, bytes that are not UTF-8, other
 * members behind), nothing is appended then; -ENOMEM. */
int delta_append(struct wire_text rest, struct buffer *out);

#endif
