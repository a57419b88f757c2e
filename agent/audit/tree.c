// SPDX-License-Identifier: Apache-2.0
/* Merkle tree hashes of RFC 6962, 2.1. */
#include "audit/tree.h"

#include <assert.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

/* Leaves and nodes are told apart by a first byte, so that no entry can pose as a pair of hashes.
 */
static const uint8_t tree_leaf_prefix = 0, tree_node_prefix = 1;

static int hash_parts(uint8_t prefix, const void *a, size_t a_len, const void *b, size_t b_len,
		      uint8_t ret[DIGEST_SIZE])
{
	/* one context for the process: making one costs as much as hashing a node */
	static EVP_MD_CTX *ctx;
	uint8_t out[DIGEST_SIZE];

	if (!ctx)
		ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, &prefix, 1) != 1 || EVP_DigestUpdate(ctx, a, a_len) != 1 ||
	    EVP_DigestUpdate(ctx, b, b_len) != 1 || EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		return -EIO;
	memcpy(ret, out, DIGEST_SIZE);
	return 0;
}

int tree_leaf(const void *entry, size_t len, uint8_t ret[DIGEST_SIZE])
{
	return hash_parts(tree_leaf_prefix, entry, len, "", 0, ret);
}

int tree_node(const uint8_t left[DIGEST_SIZE], const uint8_t right[DIGEST_SIZE],
	      uint8_t ret[DIGEST_SIZE])
{
	return hash_parts(tree_node_prefix, left, DIGEST_SIZE, right, DIGEST_SIZE, ret);
}

int tree_hash(const uint8_t (*hashes)[DIGEST_SIZE], unsigned int n, uint8_t ret[DIGEST_SIZE])
{
	uint8_t row[TREE_TILE][DIGEST_SIZE];
	int r;

	assert(n <= TREE_TILE);
	if (!n)
		return digest_sha256("", 0, ret);
	memcpy(row, hashes, (size_t)n * DIGEST_SIZE);
	/* pairing neighbours level by level and carrying an odd last one up gives the tree of the
	 * RFC: its left part is always the largest power of two */
	while (n > 1) {
		for (unsigned int i = 0; i + 1 < n; i += 2) {
			r = tree_node(row[i], row[i + 1], row[i / 2]);
			if (r < 0)
				return r;
		}
		if (n % 2)
			memmove(row[n / 2], row[n - 1], DIGEST_SIZE);
		n = (n + 1) / 2;
	}
	memcpy(ret, row[0], DIGEST_SIZE);
	return 0;
}

void tree_add(struct tree *t, const uint8_t leaf[DIGEST_SIZE])
{
	struct tree_tile *lowest = &t->level[0];

	assert(lowest->n < TREE_TILE);
	memcpy(lowest->hash[lowest->n++], leaf, DIGEST_SIZE);
	t->size++;
}

static int settle_level(struct tree *t, unsigned int l, tree_full full, void *ctx)
{
	struct tree_tile *tile = &t->level[l];
	uint8_t hash[DIGEST_SIZE];
	int r;

	if (tile->n < TREE_TILE)
		return 0;
	if (l + 1 == TREE_LEVELS)
		return -EIO;
	/* makes room above: a full tile is there only when its own full() failed before */
	r = settle_level(t, l + 1, full, ctx);
	if (r >= 0)
		r = tree_hash((const uint8_t(*)[DIGEST_SIZE])tile->hash, TREE_TILE, hash);
	if (r >= 0 && full)
		r = full(ctx, l, tile);
	if (r < 0)
		return r;
	memcpy(t->level[l + 1].hash[t->level[l + 1].n++], hash, DIGEST_SIZE);
	tile->n = 0;
	tile->index++;
	return settle_level(t, l + 1, full, ctx);
}

int tree_settle(struct tree *t, tree_full full, void *ctx)
{
	int r = 0;

	for (unsigned int l = TREE_LEVELS; r >= 0 && l-- > 0;)
		r = settle_level(t, l, full, ctx);
	return r;
}

int tree_root(const struct tree *t, uint8_t ret[DIGEST_SIZE])
{
	uint8_t acc[DIGEST_SIZE];
	bool have = false;
	int r = 0;

	/* from the lowest level up: what is to the right is always the smaller subtree */
	for (unsigned int l = 0; r >= 0 && l < TREE_LEVELS; l++) {
		const struct tree_tile *tile = &t->level[l];
		unsigned int end = tile->n;

		while (r >= 0 && end) {
			unsigned int width = end & -end;
			uint8_t peak[DIGEST_SIZE];

			r = tree_hash((const uint8_t(*)[DIGEST_SIZE])tile->hash + end - width,
				      width, peak);
			if (r >= 0 && have)
				r = tree_node(peak, acc, acc);
			else if (r >= 0)
				memcpy(acc, peak, DIGEST_SIZE);
			have = true;
			end -= width;
		}
	}
	if (r < 0)
		return r;
	if (!have)
		return digest_sha256("", 0, ret);
	memcpy(ret, acc, DIGEST_SIZE);
	return 0;
}
