// SPDX-License-Identifier: Apache-2.0
/* Inclusion proofs, made from tiles and checked without them. */
#include "audit/proof.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/note.h"
#include "audit/tiles.h"
#include "base/cleanup.h"

#define PROOF_HEADER "c2sp.org/tlog-proof@v1\n"

struct prover {
	int dir_fd;
	uint64_t size;
	uint8_t path[PROOF_MAX][DIGEST_SIZE];
	size_t n;
};

/* Hash of the whole subtree of 2^height leaves, the n-th of its height. */
static int read_node(const struct prover *p, unsigned int height, uint64_t n,
		     uint8_t ret[DIGEST_SIZE])
{
	_cleanup_buffer_ struct buffer file = {0};
	unsigned int level = height / 8, width = 1u << height % 8;
	uint64_t first = n << height % 8, partial;
	char path[TILES_PATH_SIZE];
	unsigned int have = tiles_partial(p->size, level, &partial);
	int r;

	if (first / TREE_TILE < partial)
		have = TREE_TILE;
	tiles_path((int)level, first / TREE_TILE, have, path);
	r = tiles_read(p->dir_fd, path, TREE_TILE * DIGEST_SIZE, &file);
	if (r < 0)
		return r == -ENOENT || r == -EFBIG ? -EUCLEAN : r;
	if (file.len < (first % TREE_TILE + width) * DIGEST_SIZE)
		return -EUCLEAN;
	return tree_hash((const uint8_t(*)[DIGEST_SIZE])file.data + first % TREE_TILE, width, ret);
}

/* Height of the greatest power of two below n, n > 1: where RFC 6962 splits. */
static unsigned int split_height(uint64_t n)
{
	return 63 - (unsigned int)__builtin_clzll(n - 1);
}

static int range_hash(const struct prover *p, uint64_t from, uint64_t to, uint8_t ret[DIGEST_SIZE])
{
	uint64_t n = to - from;
	uint8_t left[DIGEST_SIZE], right[DIGEST_SIZE];
	unsigned int k;
	int r;

	if ((n & (n - 1)) == 0) {
		k = (unsigned int)__builtin_ctzll(n);
		return read_node(p, k, from >> k, ret);
	}
	k = split_height(n);
	r = range_hash(p, from, from + (UINT64_C(1) << k), left);
	if (r >= 0)
		r = range_hash(p, from + (UINT64_C(1) << k), to, right);
	return r < 0 ? r : tree_node(left, right, ret);
}

/* PATH of RFC 6962, 2.1.1, from the leaf up. */
static int collect(struct prover *p, uint64_t index, uint64_t from, uint64_t to)
{
	uint64_t middle;
	int r;

	if (to - from <= 1)
		return 0;
	middle = from + (UINT64_C(1) << split_height(to - from));
	r = index < middle ? collect(p, index, from, middle) : collect(p, index, middle, to);
	if (r < 0)
		return r;
	if (p->n == PROOF_MAX)
		return -EUCLEAN;
	return index < middle ? range_hash(p, middle, to, p->path[p->n++])
			      : range_hash(p, from, middle, p->path[p->n++]);
}

static int format(const struct prover *p, uint64_t index, const struct buffer *note, char **ret)
{
	_cleanup_buffer_ struct buffer out = {0};
	char line[NOTE_BASE64(DIGEST_SIZE)];
	int r;

	r = buffer_printf(&out, NOTE_SIZE_MAX, PROOF_HEADER "index %" PRIu64 "\n", index);
	for (size_t i = 0; r >= 0 && i < p->n; i++) {
		note_base64(p->path[i], DIGEST_SIZE, line);
		r = buffer_printf(&out, NOTE_SIZE_MAX, "%s\n", line);
	}
	if (r >= 0)
		r = buffer_printf(&out, NOTE_SIZE_MAX, "\n");
	if (r >= 0)
		r = buffer_append(&out, note->data, note->len, 2 * NOTE_SIZE_MAX);
	if (r < 0)
		return r;
	*ret = (char *)out.data;
	out = (struct buffer){0};
	return 0;
}

static int make_once(const char *directory, uint64_t index, char **ret)
{
	_cleanup_free_ struct prover *p = calloc(1, sizeof(*p));
	_cleanup_buffer_ struct buffer note = {0};
	_cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct checkpoint c;
	const char *end;
	int r;

	if (!p)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	r = tiles_read(fd, "checkpoint", NOTE_SIZE_MAX, &note);
	if (r < 0)
		return r;
	end = note.len ? strstr((const char *)note.data, "\n\n") : NULL;
	if (!end || checkpoint_parse((const char *)note.data,
				     (size_t)(end + 1 - (const char *)note.data), &c) < 0)
		return -EUCLEAN;
	if (index >= c.size)
		return -ERANGE;
	p->dir_fd = fd;
	p->size = c.size;
	r = collect(p, index, 0, c.size);
	return r < 0 ? r : format(p, index, &note, ret);
}

int proof_make(const char *directory, uint64_t index, char **ret)
{
	int r = -EUCLEAN;

	/* a writer at work replaces unfinished tiles: a few tries see a log that stands still */
	for (int attempt = 0; r == -EUCLEAN && attempt < 5; attempt++)
		r = make_once(directory, index, ret);
	return r;
}

int proof_root(uint64_t index, uint64_t size, const uint8_t leaf[DIGEST_SIZE],
	       const uint8_t (*path)[DIGEST_SIZE], size_t n, uint8_t ret[DIGEST_SIZE])
{
	uint64_t fn = index, sn = size - 1;
	uint8_t acc[DIGEST_SIZE];
	int r = 0;

	if (index >= size)
		return -EBADMSG;
	memcpy(acc, leaf, DIGEST_SIZE);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		if (sn == 0)
			return -EBADMSG;
		if ((fn & 1) || fn == sn) {
			r = tree_node(path[i], acc, acc);
			while (!(fn & 1) && fn) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			r = tree_node(acc, path[i], acc);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (r < 0)
		return r;
	if (sn != 0)
		return -EBADMSG;
	memcpy(ret, acc, DIGEST_SIZE);
	return 0;
}

/* Takes a line off; gives its start and length without the newline. */
static int next_line(const char **at, const char *end, const char **ret, size_t *ret_len)
{
	const char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

	if (!newline)
		return -EBADMSG;
	*ret = *at;
	*ret_len = (size_t)(newline - *at);
	*at = newline + 1;
	return 0;
}

static int parse_index(const char *line, size_t len, uint64_t *ret)
{
	uint64_t index = 0;
	char again[32];
	int n;

	if (len < 7 || len > 25 || memcmp(line, "index ", 6) != 0)
		return -EBADMSG;
	for (size_t i = 6; i < len; i++) {
		if (line[i] < '0' || line[i] > '9')
			return -EBADMSG;
		index = index * 10 + (uint64_t)(line[i] - '0');
	}
	n = snprintf(again, sizeof(again), "index %" PRIu64, index);
	if (n < 0 || (size_t)n != len || memcmp(again, line, len) != 0)
		return -EBADMSG;
	*ret = index;
	return 0;
}

int proof_check(const char *proof, size_t len, const char *entry, size_t entry_len,
		const char *vkey, uint64_t *ret_index)
{
	uint8_t path[PROOF_MAX][DIGEST_SIZE], hash[DIGEST_SIZE];
	const char *at = proof + strlen(PROOF_HEADER), *end = proof + len, *line;
	struct checkpoint c = {0};
	struct note_key key;
	size_t n = 0, line_len, text_len;
	uint64_t index;
	int r;

	if (note_key_parse(vkey, strlen(vkey), &key) < 0)
		return -EINVAL;
	if (len < strlen(PROOF_HEADER) || memcmp(proof, PROOF_HEADER, strlen(PROOF_HEADER)) != 0)
		return -EBADMSG;
	r = next_line(&at, end, &line, &line_len);
	if (r >= 0 && line_len > 6 && memcmp(line, "extra ", 6) == 0) /* opaque, and not signed */
		r = next_line(&at, end, &line, &line_len);
	if (r >= 0)
		r = parse_index(line, line_len, &index);
	while (r >= 0 && (r = next_line(&at, end, &line, &line_len)) >= 0 && line_len) {
		if (n == PROOF_MAX)
			return -EBADMSG;
		r = note_unbase64(line, line_len, path[n++], DIGEST_SIZE);
	}
	if (r >= 0)
		r = note_verify(at, (size_t)(end - at), &key, &text_len);
	if (r >= 0)
		r = checkpoint_parse(at, text_len, &c);
	if (r >= 0 && strcmp(c.origin, key.name) != 0)
		r = -EBADMSG;
	if (r >= 0)
		r = tree_leaf(entry, entry_len, hash);
	if (r >= 0)
		r = proof_root(index, c.size, hash, (const uint8_t(*)[DIGEST_SIZE])path, n, hash);
	if (r < 0)
		return r;
	if (memcmp(hash, c.root, DIGEST_SIZE) != 0)
		return -EUCLEAN;
	*ret_index = index;
	return 0;
}
