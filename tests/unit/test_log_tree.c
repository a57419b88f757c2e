// SPDX-License-Identifier: Apache-2.0
/* Merkle tree hashes: the vectors of RFC 6962 implementations, and an independent recursive
 * computation straight from the RFC's definition. */
#include "harness.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/tiles.h"
#include "audit/tree.h"
#include "base/cleanup.h"

static void test_rfc6962_vectors(void **state)
{
	/* inputs and roots of the certificate-transparency reference tests */
	static const struct {
		const char *bytes;
		size_t len;
	} leaves[] = {
		{"", 0},
		{"\x00", 1},
		{"\x10", 1},
		{"\x20\x21", 2},
		{"\x30\x31", 2},
		{"\x40\x41\x42\x43", 4},
		{"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
		{"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
	};
	static const char *const roots[] = {
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	};
	_cleanup_free_ struct tree *t = calloc(1, sizeof(*t));
	uint8_t hash[DIGEST_SIZE];
	char hex[DIGEST_HEX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		assert_int_equal(tree_root(t, hash), 0);
		digest_hex(hash, sizeof(hash), hex);
		assert_string_equal(hex, roots[i]);
		if (i == ARRAY_SIZE(leaves))
			break;
		assert_int_equal(tree_leaf(leaves[i].bytes, leaves[i].len, hash), 0);
		tree_add(t, hash);
	}
}

/* MTH of RFC 6962, 2.1, as it is written there. */
static void mth(const uint8_t (*leaves)[DIGEST_SIZE], uint64_t n, uint8_t ret[DIGEST_SIZE])
{
	uint8_t left[DIGEST_SIZE], right[DIGEST_SIZE];
	uint64_t k = 1;

	if (n == 1) {
		memcpy(ret, leaves[0], DIGEST_SIZE);
		return;
	}
	while (2 * k < n)
		k *= 2;
	mth(leaves, k, left);
	mth(leaves + k, n - k, right);
	assert_int_equal(tree_node(left, right, ret), 0);
}

struct seen {
	unsigned int tiles[TREE_LEVELS];
	int fail_at; /* level whose full() fails, -1: none */
};

static int on_full(void *ctx, unsigned int level, const struct tree_tile *tile)
{
	struct seen *seen = ctx;

	if ((int)level == seen->fail_at)
		return -ENOSPC;
	assert_int_equal(tile->n, TREE_TILE);
	assert_int_equal(tile->index, seen->tiles[level]);
	seen->tiles[level]++;
	return 0;
}

static uint8_t (*make_leaves(size_t n))[DIGEST_SIZE]
{
	uint8_t(*leaves)[DIGEST_SIZE] = calloc(n, DIGEST_SIZE);

	assert_non_null(leaves);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(tree_leaf(&i, sizeof(i), leaves[i]), 0);
	return leaves;
}

static void test_against_definition(void **state)
{
	enum { MAX = 66200 }; /* over 65,536: three levels of tiles */
	_cleanup_free_ void *store = make_leaves(MAX);
	const uint8_t(*leaves)[DIGEST_SIZE] = store;
	_cleanup_free_ struct tree *t = calloc(1, sizeof(*t));
	struct seen seen = {.fail_at = -1};
	uint8_t want[DIGEST_SIZE], got[DIGEST_SIZE];

	(void)state;
	for (uint64_t n = 1; n <= MAX; n++) {
		bool look = n < 300 || (n < 2000 && n % 256 < 3) || (n >= 65535 && n <= 65538) ||
			    n == MAX;

		tree_add(t, leaves[n - 1]);
		assert_int_equal(t->size, n);
		if (look) {
			mth(leaves, n, want);
			assert_int_equal(tree_root(t, got), 0); /* before settling too */
			assert_memory_equal(want, got, DIGEST_SIZE);
		}
		assert_int_equal(tree_settle(t, on_full, &seen), 0);
		if (look) {
			assert_int_equal(tree_root(t, got), 0);
			assert_memory_equal(want, got, DIGEST_SIZE);
		}
	}
	assert_int_equal(seen.tiles[0], MAX / 256);
	assert_int_equal(seen.tiles[1], 1);
	assert_int_equal(seen.tiles[2], 0);
	assert_int_equal(t->level[2].n, 1);
}

/* A disk that is full while a tile is written: nothing is folded, and the next try goes on. */
static void test_settle_fails_and_recovers(void **state)
{
	_cleanup_free_ void *store = make_leaves(65537);
	const uint8_t(*leaves)[DIGEST_SIZE] = store;
	_cleanup_free_ struct tree *t = calloc(1, sizeof(*t));
	struct seen seen = {.fail_at = -1};
	uint8_t want[DIGEST_SIZE], got[DIGEST_SIZE];

	(void)state;
	for (size_t i = 0; i < 65536; i++) {
		seen.fail_at = i == 65535 ? 1 : -1;
		tree_add(t, leaves[i]);
		assert_int_equal(tree_settle(t, on_full, &seen), i == 65535 ? -ENOSPC : 0);
	}
	mth(leaves, 65536, want);
	assert_int_equal(tree_root(t, got), 0);
	assert_memory_equal(want, got, DIGEST_SIZE);
	assert_int_equal(tree_settle(t, on_full, &seen), -ENOSPC);
	seen.fail_at = -1;
	assert_int_equal(tree_settle(t, on_full, &seen), 0);
	assert_int_equal(seen.tiles[1], 1);
	tree_add(t, leaves[65536]);
	mth(leaves, 65537, want);
	assert_int_equal(tree_root(t, got), 0);
	assert_memory_equal(want, got, DIGEST_SIZE);
}

static void test_paths(void **state)
{
	static const struct {
		int level;
		uint64_t n;
		unsigned int width;
		const char *want;
	} rows[] = {
		{0, 0, 256, "tile/0/000"},
		{0, 0, 0, "tile/0/000"},
		{0, 273, 112, "tile/0/273.p/112"},
		{1, 1234067, 0, "tile/1/x001/x234/067"}, /* the example of the specification */
		{TILES_ENTRIES, 1000, 1, "tile/entries/x001/000.p/1"},
		{TILES_ENTRIES, 999, 255, "tile/entries/999.p/255"},
		{7, UINT64_MAX, 0, "tile/7/x018/x446/x744/x073/x709/x551/615"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[TILES_PATH_SIZE];

		tiles_path(rows[i].level, rows[i].n, rows[i].width, path);
		assert_string_equal(path, rows[i].want);
	}
}

/* The specification's example: a tree of 70,000. */
static void test_partial_widths(void **state)
{
	static const struct {
		uint64_t size;
		unsigned int level, width;
		uint64_t n;
	} rows[] = {
		{70000, 0, 112, 273}, {70000, 1, 17, 1}, {70000, 2, 1, 0}, {70000, 3, 0, 0},
		{256, 0, 0, 1},	      {256, 1, 1, 0},	 {0, 0, 0, 0},	   {65536, 1, 0, 1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t n;

		assert_int_equal(tiles_partial(rows[i].size, rows[i].level, &n), rows[i].width);
		assert_int_equal(n, rows[i].n);
	}
}

static void test_bundles(void **state)
{
	_cleanup_free_ char *longest = calloc(1, TILES_ENTRY_MAX + 1);
	_cleanup_buffer_ struct buffer bundle = {0};
	const char *entry;
	size_t len, at = 0;

	(void)state;
	assert_int_equal(tiles_append_entry(&bundle, "ab", 2), 0);
	assert_int_equal(tiles_append_entry(&bundle, "", 0), 0);
	assert_int_equal(tiles_append_entry(&bundle, longest, TILES_ENTRY_MAX), 0);
	assert_int_equal(tiles_append_entry(&bundle, longest, TILES_ENTRY_MAX + 1), -EINVAL);
	assert_int_equal(bundle.len, 4 + 2 + 2 + TILES_ENTRY_MAX);
	assert_memory_equal(bundle.data, "\0\2ab\0\0\377\377", 8);
	assert_int_equal(tiles_next_entry(bundle.data, bundle.len, &at, &entry, &len), 1);
	assert_int_equal(len, 2);
	assert_memory_equal(entry, "ab", 2);
	assert_int_equal(tiles_next_entry(bundle.data, bundle.len, &at, &entry, &len), 1);
	assert_int_equal(len, 0);
	assert_int_equal(tiles_next_entry(bundle.data, bundle.len - 1, &at, &entry, &len),
			 -EBADMSG);
	assert_int_equal(tiles_next_entry(bundle.data, bundle.len, &at, &entry, &len), 1);
	assert_int_equal(len, TILES_ENTRY_MAX);
	assert_int_equal(tiles_next_entry(bundle.data, bundle.len, &at, &entry, &len), 0);
	at = 0;
	assert_int_equal(tiles_next_entry(bundle.data, 1, &at, &entry, &len), -EBADMSG);
}

UNIT_MAIN(unit(test_rfc6962_vectors), unit(test_against_definition),
	  unit(test_settle_fails_and_recovers), unit(test_paths), unit(test_partial_widths),
	  unit(test_bundles))
