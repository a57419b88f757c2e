/* SPDX-License-Identifier: Apache-2.0 */
/* The content blocks of a message, from a request or a response that came as one JSON document. */
#ifndef WIRE_BLOCKS_H
#define WIRE_BLOCKS_H

#include "wire/internal.h"
#include "wire/tree.h"

struct block {
	enum wire_block kind;
	struct wire_text role, text;
	struct wire_text id, name; /* of a tool_use, or the use that a result answers */
	bool is_error;
	bool news;
};

struct blocks {
	struct block *items;
	size_t len, cap;
	struct texts texts; /* what is not borrowed from the JSON tree */
};

void blocks_free(struct blocks *b);

/* A message {role, content}: content a string or an array. What a known block holds besides its
 * known members comes as a block of its own, of the kind WIRE_BLOCK_OTHER. Texts are borrowed from
 * the tree. Returns 0 or -ENOMEM. */
int blocks_add_message(struct blocks *b, const struct tree_value *message);

/* One content block, or a bare string, said in that role. */
int blocks_add(struct blocks *b, struct wire_text role, const struct tree_value *block);

/* Any value, as its JSON. */
int blocks_add_other(struct blocks *b, struct wire_text role, struct wire_text id,
		     const struct tree_value *v);

/* What makes a block the same when it is sent again. Returns 0 or -ENOMEM. */
int block_mark(struct seen *seen, const struct mark *conversation, const struct block *block,
	       struct mark *ret);

/* The kind that the type of a block names. */
enum wire_block block_kind(struct wire_text type);

/* WIRE_MESSAGE of one block. */
void block_emit(struct wire_conn *conn, struct exchange *ex, const struct block *block, bool sent);

#endif
