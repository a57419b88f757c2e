// SPDX-License-Identifier: Apache-2.0
/* Inclusion proofs of every entry of trees of many sizes, and of nothing else. */
#include "log_fixture.h"

#include <errno.h>

#include "audit/proof.h"
#include "audit/tree.h"

struct lines_of {
	char *line[700];
	size_t len[700];
};

static int keep(void *ctx, uint64_t index, const char *json, size_t len)
{
	struct lines_of *l = ctx;

	l->line[index] = strdup(json);
	l->len[index] = len;
	return 0;
}

static void test_every_entry_is_proven(void **state)
{
	static const uint64_t sizes[] = {1, 2, 3, 7, 8, 255, 256, 257, 600};
	_cleanup_free_ struct lines_of *lines = calloc(1, sizeof(*lines));
	_cleanup_free_ char *vkey = NULL;
	struct fixture f;
	size_t key_len;

	(void)state;
	fixture_new(&f);
	fixture_open(&f);
	vkey = fixture_read(&f, "log.pub", &key_len);
	vkey[key_len - 1] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t from = log_size(f.log);
		char *proof;

		fixture_append(&f, sizes[i] - from);
		assert_int_equal(proof_make(f.directory, from, &proof), -ERANGE);
		assert_int_equal(log_checkpoint(f.log, 1), 0);
		assert_int_equal(log_read(f.directory, from, keep, lines), 0);
		for (uint64_t n = 0; n < sizes[i]; n += 1 + sizes[i] / 70) {
			uint64_t index = UINT64_MAX, other = n ? n - 1 : sizes[i] - 1;

			assert_int_equal(proof_make(f.directory, n, &proof), 0);
			assert_int_equal(proof_check(proof, strlen(proof), lines->line[n],
						     lines->len[n], vkey, &index),
					 0);
			assert_int_equal(index, n);
			if (other != n)
				assert_int_equal(proof_check(proof, strlen(proof),
							     lines->line[other], lines->len[other],
							     vkey, &index),
						 -EUCLEAN);
			free(proof);
		}
	}
	for (size_t i = 0; i < 700; i++)
		free(lines->line[i]);
	fixture_free(&f);
}

/* The text is short, and no byte of it can change. */
static void test_changed_proofs(void **state)
{
	_cleanup_free_ struct lines_of *lines = calloc(1, sizeof(*lines));
	_cleanup_free_ char *vkey = NULL, *proof = NULL, *extra = NULL;
	struct fixture f;
	uint64_t index = 0;
	size_t key_len, len;

	(void)state;
	fixture_new(&f);
	fixture_open(&f);
	fixture_append(&f, 300);
	assert_int_equal(log_checkpoint(f.log, 1), 0);
	vkey = fixture_read(&f, "log.pub", &key_len);
	vkey[key_len - 1] = 0;
	assert_int_equal(log_read(f.directory, 0, keep, lines), 0);
	assert_int_equal(proof_make(f.directory, 123, &proof), 0);
	len = strlen(proof);
	for (size_t i = 0; i < len; i++) {
		proof[i] ^= 1;
		if (proof_check(proof, len, lines->line[123], lines->len[123], vkey, &index) == 0)
			fail_msg("proves with byte %zu changed", i);
		proof[i] ^= 1;
		assert_int_not_equal(
			proof_check(proof, i, lines->line[123], lines->len[123], vkey, &index), 0);
	}
	/* extra data is allowed, and of no weight */
	extra = calloc(1, len + 64);
	snprintf(extra, len + 64, "c2sp.org/tlog-proof@v1\nextra aGk=\n%s",
		 strchr(proof, '\n') + 1);
	assert_int_equal(
		proof_check(extra, strlen(extra), lines->line[123], lines->len[123], vkey, &index),
		0);
	assert_int_equal(index, 123);
	assert_int_equal(proof_check(proof, len, lines->line[123], lines->len[123], "x", &index),
			 -EINVAL);
	for (size_t i = 0; i < 700; i++)
		free(lines->line[i]);
	fixture_free(&f);
}

/* RFC 9162, 2.1.3.2: a path of another length is refused before its hashes are believed. */
static void test_path_lengths(void **state)
{
	static const struct {
		uint64_t index, size;
		size_t n;
	} rows[] = {{0, 1, 0}, {0, 2, 1}, {2, 3, 1},	{0, 3, 2},
		    {6, 7, 2}, {0, 8, 3}, {299, 300, 5}};
	uint8_t path[PROOF_MAX][DIGEST_SIZE] = {{0}}, root[DIGEST_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t n = 0; n < 12; n++)
			assert_int_equal(proof_root(rows[i].index, rows[i].size, path[0],
						    (const uint8_t(*)[DIGEST_SIZE])path, n, root),
					 n == rows[i].n ? 0 : -EBADMSG);
	assert_int_equal(proof_root(3, 3, path[0], (const uint8_t(*)[DIGEST_SIZE])path, 2, root),
			 -EBADMSG);
	assert_int_equal(proof_root(0, 0, path[0], (const uint8_t(*)[DIGEST_SIZE])path, 0, root),
			 -EBADMSG);
}

UNIT_MAIN(unit(test_every_entry_is_proven), unit(test_changed_proofs), unit(test_path_lengths))
