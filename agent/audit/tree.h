/* SPDX-License-Identifier: Apache-2.0 */
/* The right edge of a Merkle tree (RFC 6962, SHA-256), kept as the unfinished tile of each level:
 * what is needed to append and to compute the root, in 64 KiB whatever the size. */
#ifndef AUDIT_TREE_H
#define AUDIT_TREE_H

#include <stdint.h>

#include "base/digest.h"

#define TREE_TILE   256 /* hashes of a full tile */
#define TREE_LEVELS 8	/* 256^8 entries are more than an index can name */

struct tree_tile {
	uint64_t index; /* of this tile in its level */
	unsigned int n;
	uint8_t hash[TREE_TILE][DIGEST_SIZE];
};

struct tree {
	uint64_t size; /* leaves */
	struct tree_tile level[TREE_LEVELS];
};

/* SHA-256(0x00 || entry). Returns 0 or -EIO. */
int tree_leaf(const void *entry, size_t len, uint8_t ret[DIGEST_SIZE]);

/* SHA-256(0x01 || left || right). Returns 0 or -EIO. */
int tree_node(const uint8_t left[DIGEST_SIZE], const uint8_t right[DIGEST_SIZE],
	      uint8_t ret[DIGEST_SIZE]);

/* The Merkle tree hash over n hashes of one level; of none: SHA-256 of nothing. Returns 0 or -EIO.
 */
int tree_hash(const uint8_t (*hashes)[DIGEST_SIZE], unsigned int n, uint8_t ret[DIGEST_SIZE]);

/* Called for each tile that became full, before its hash goes to the level above. A failure stops
 * tree_settle with the tile still in place, to be tried again. */
typedef int (*tree_full)(void *ctx, unsigned int level, const struct tree_tile *tile);

/* Adds a leaf hash. The lowest tile has room: tree_settle was called when it was full. */
void tree_add(struct tree *t, const uint8_t leaf[DIGEST_SIZE]);

/* Folds full tiles into the level above. Returns 0, -EIO, or what full returned. */
int tree_settle(struct tree *t, tree_full full, void *ctx);

/* Root of the tree as it is, settled or not. Returns 0 or -EIO. */
int tree_root(const struct tree *t, uint8_t ret[DIGEST_SIZE]);

#endif
