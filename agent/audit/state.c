// SPDX-License-Identifier: Apache-2.0
/* Takes up an existing log: what the last checkpoint signs must be there and whole; what comes
 * after it is taken as far as it is whole. */
#include "audit/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "audit/canonical.h"
#include "audit/entry.h"
#include "audit/segment.h"
#include "audit/tiles.h"
#include "base/cleanup.h"
#include "base/log.h"

static int load_checkpoint(struct log *log, struct checkpoint *ret)
{
	_cleanup_buffer_ struct buffer note = {0};
	struct checkpoint c;
	size_t len = 0;
	int r;

	r = tiles_read(log->dir_fd, "checkpoint", NOTE_SIZE_MAX, &note);
	if (r == -EFBIG)
		return log_err_r(-EUCLEAN, "the checkpoint is not one of ours");
	if (r < 0)
		return r;
	r = note_verify((const char *)note.data, note.len, &log->verifier, &len);
	if (r >= 0)
		r = checkpoint_parse((const char *)note.data, len, &c);
	if (r >= 0 && strcmp(c.origin, log->verifier.name) != 0)
		r = -EBADMSG;
	if (r < 0)
		return log_err_r(-EUCLEAN, "the checkpoint was not signed by %s with this key",
				 log->verifier.name);
	*ret = c;
	return 0;
}

/* A whole file of exactly len bytes; anything else contradicts the checkpoint. */
static int load_exact(const struct log *log, const char *path, size_t len, uint8_t *ret)
{
	_cleanup_buffer_ struct buffer file = {0};
	int r = tiles_read(log->dir_fd, path, len, &file);

	if (r == -ENOENT || r == -EFBIG || (r >= 0 && file.len != len))
		return log_err_r(-EUCLEAN, "%s is missing or has another size", path);
	if (r < 0)
		return r;
	memcpy(ret, file.data, len);
	return 0;
}

static int load_tree(struct log *log, const struct checkpoint *c)
{
	uint8_t root[DIGEST_SIZE];
	int r = 0;

	for (unsigned int l = 0; r >= 0 && l < TREE_LEVELS; l++) {
		struct tree_tile *tile = &log->tree.level[l];
		char path[TILES_PATH_SIZE];

		tile->n = tiles_partial(c->size, l, &tile->index);
		tiles_path((int)l, tile->index, tile->n, path);
		if (tile->n)
			r = load_exact(log, path, (size_t)tile->n * DIGEST_SIZE, tile->hash[0]);
	}
	if (r >= 0)
		r = tree_root(&log->tree, root);
	if (r < 0)
		return r;
	if (memcmp(root, c->root, DIGEST_SIZE) != 0)
		return log_err_r(-EUCLEAN, "the tiles do not give the root that was signed");
	log->tree.size = log->signed_size = c->size;
	return 0;
}

static int load_bundle(struct log *log)
{
	const struct tree_tile *tile = &log->tree.level[0];
	char path[TILES_PATH_SIZE];
	const char *entry = NULL;
	size_t len = 0, at = 0;
	int r;

	if (!tile->n)
		return 0;
	tiles_path(TILES_ENTRIES, tile->index, tile->n, path);
	r = tiles_read(log->dir_fd, path, TILES_BUNDLE_MAX, &log->bundle);
	if (r < 0 && r != -ENOENT && r != -EFBIG)
		return r;
	for (unsigned int i = 0; r >= 0 && i < tile->n; i++) {
		uint8_t leaf[DIGEST_SIZE];

		r = tiles_next_entry(log->bundle.data, log->bundle.len, &at, &entry, &len);
		if (r > 0)
			r = tree_leaf(entry, len, leaf);
		else
			r = -EBADMSG;
		if (r >= 0 && memcmp(leaf, tile->hash[i], DIGEST_SIZE) != 0)
			r = -EBADMSG;
	}
	if (r < 0 || at != log->bundle.len)
		return log_err_r(-EUCLEAN, "%s does not hold the entries that were signed", path);
	return 0;
}

struct signed_leaves {
	uint8_t hash[TREE_TILE][DIGEST_SIZE];
	uint64_t n;
	bool have;
};

/* Whether a line is the signed entry of this index. */
static int check_signed_line(const struct log *log, struct signed_leaves *cache, uint64_t index,
			     const char *line, size_t len)
{
	const uint8_t(*hashes)[DIGEST_SIZE] = (const uint8_t(*)[DIGEST_SIZE])cache->hash;
	uint8_t leaf[DIGEST_SIZE];
	char path[TILES_PATH_SIZE];
	int r;

	if (index / TREE_TILE == log->tree.level[0].index) {
		hashes = (const uint8_t(*)[DIGEST_SIZE])log->tree.level[0].hash;
	} else if (!cache->have || cache->n != index / TREE_TILE) {
		tiles_path(0, index / TREE_TILE, TREE_TILE, path);
		r = load_exact(log, path, sizeof(cache->hash), cache->hash[0]);
		if (r < 0)
			return r;
		cache->n = index / TREE_TILE;
		cache->have = true;
	}
	r = tree_leaf(line, len, leaf);
	if (r < 0)
		return r;
	if (memcmp(leaf, hashes[index % TREE_TILE], DIGEST_SIZE) != 0)
		return log_err_r(-EUCLEAN,
				 SEGMENT_ACTIVE ": record %" PRIu64 " is not the one signed",
				 index);
	return 0;
}

/* Lines that the checkpoint covers. Returns 1 with the first line that it does not cover in hand, 0
 * at the end of the file, -EMSGSIZE when such a line is not one. */
static int check_signed_lines(struct log *log, struct lines *lines, struct entry *last,
			      const char **line, size_t *len)
{
	_cleanup_free_ struct signed_leaves *cache = calloc(1, sizeof(*cache));
	uint64_t index = log->segment_first;
	int r;

	if (!cache)
		return -ENOMEM;
	while ((r = lines_next(lines, line, len)) > 0 && index < log->signed_size) {
		r = check_signed_line(log, cache, index++, *line, *len);
		if (r < 0)
			return r;
		if (index == log->signed_size)
			entry_read(*line, *len, last);
	}
	if (r < 0 && r != -EMSGSIZE)
		return r;
	if (index != log->signed_size)
		return log_err_r(-EUCLEAN, SEGMENT_ACTIVE ": record %" PRIu64 " is missing", index);
	return r;
}

static int load_lines(struct log *log, struct entry *last)
{
	_cleanup_(lines_free) struct lines lines = {.fd = log->events_fd};
	uint64_t index = log->signed_size, end;
	const char *line = NULL;
	size_t len = 0;
	int r;

	r = check_signed_lines(log, &lines, last, &line, &len);
	if (r < 0 && r != -EMSGSIZE)
		return r;
	end = lines.offset;
	if (r > 0)
		end -= len + 1;
	/* Nobody signed what follows: a line that a crash left damaged ends it. */
	while (r > 0) {
		struct entry e;

		if (entry_read(line, len, &e) < 0 || e.sequence != index ||
		    strcmp(e.log_name, log->verifier.name) != 0)
			break;
		r = state_add(log, line, len);
		if (r < 0)
			return r;
		*last = e;
		end = lines.offset;
		index++;
		r = lines_next(&lines, &line, &len);
	}
	if (r < 0 && r != -EMSGSIZE)
		return r;
	log->events_end = end;
	return 0;
}

/* When the active segment is empty, the last entry is in the last bundle. */
static int last_entry(struct log *log, struct entry *last)
{
	_cleanup_buffer_ struct buffer file = {0};
	const struct buffer *bundle = &log->bundle;
	char path[TILES_PATH_SIZE];
	const char *entry;
	size_t len, at = 0;
	int r = 0;

	if (!log->bundle.len) {
		tiles_path(TILES_ENTRIES, (log->tree.size - 1) / TREE_TILE, TREE_TILE, path);
		r = tiles_read(log->dir_fd, path, TILES_BUNDLE_MAX, &file);
		bundle = &file;
	}
	while (r >= 0 && (r = tiles_next_entry(bundle->data, bundle->len, &at, &entry, &len)) > 0)
		if (at == bundle->len)
			r = entry_read(entry, len, last);
	return r;
}

/* Where events.jsonl begins: where the segment before it ends. Not what its first line says of
 * itself: a changed number there would make signed lines pass for unsigned ones. */
static int find_segment_first(struct log *log)
{
	_cleanup_free_ struct segment *segments = NULL;
	_cleanup_(lines_free) struct lines lines = {.fd = -1};
	_cleanup_close_ int fd = -1;
	const char *line;
	size_t n = 0, len;
	uint64_t first;
	int r;

	r = segment_list(log->dir_fd, &segments, &n);
	if (r < 0 || !n)
		return r;
	fd = openat(log->dir_fd, segments[n - 1].name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	lines.fd = fd;
	first = segments[n - 1].first;
	while ((r = lines_next(&lines, &line, &len)) > 0)
		first++;
	if (r < 0 && r != -EMSGSIZE)
		return r;
	if (first > log->signed_size)
		return log_err_r(-EUCLEAN, "%s holds records that were not signed",
				 segments[n - 1].name);
	log->segment_first = first;
	return 0;
}

static int open_events(struct log *log)
{
	int fd, r;

	fd = openat(log->dir_fd, SEGMENT_ACTIVE, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		/* a crash between two steps of a rotation, else the file was taken away */
		if (log->segment_first != log->signed_size)
			return log_err_r(-EUCLEAN, SEGMENT_ACTIVE " is missing");
		fd = openat(log->dir_fd, SEGMENT_ACTIVE,
			    O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    TILES_FILE_MODE);
		if (fd >= 0 && fchmod(fd, TILES_FILE_MODE) < 0) {
			r = -errno;
			close(fd);
			return r;
		}
	}
	return fd < 0 ? -errno : fd;
}

int state_load(struct log *log, struct log_opened *ret)
{
	struct checkpoint c;
	struct entry last = {0};
	struct stat st;
	int r;

	r = load_checkpoint(log, &c);
	if (r >= 0)
		r = load_tree(log, &c);
	if (r >= 0)
		r = load_bundle(log);
	if (r >= 0)
		r = find_segment_first(log);
	if (r >= 0)
		r = log->events_fd = open_events(log);
	if (r >= 0)
		r = load_lines(log, &last);
	if (r >= 0 && !log->events_end && log->tree.size)
		last_entry(log, &last); /* only a time is lost when this fails */
	if (r < 0)
		return r;
	if (fstat(log->events_fd, &st) < 0)
		return -errno;
	ret->discarded = (uint64_t)st.st_size - log->events_end;
	if (ret->discarded) {
		r = state_cut(log);
		if (r < 0)
			return r;
	}
	ret->size = log->tree.size;
	ret->last_append_ms = last.logged_ms;
	ret->last_alive_ms = state_read_ms(log->dir_fd);
	if (ret->last_alive_ms < last.logged_ms)
		ret->last_alive_ms = last.logged_ms;
	return 0;
}

int state_save(const struct log *log, int64_t now_ms)
{
	char text[128];
	int n;

	/* canonical, like everything else here */
	n = snprintf(text, sizeof(text), "{\"alive_ms\":%" PRId64 ",\"size\":%" PRIu64 "}\n",
		     now_ms, log->tree.size);
	if (n < 0 || (size_t)n >= sizeof(text))
		return -EINVAL;
	return tiles_write(log->dir_fd, "state.json", text, (size_t)n, false);
}

int64_t state_read_ms(int dir_fd)
{
	_cleanup_buffer_ struct buffer file = {0};
	int64_t ms = 0;
	json_t *root;

	if (tiles_read(dir_fd, "state.json", 4096, &file) < 0)
		return 0;
	root = json_loadb((const char *)file.data, file.len, 0, NULL);
	if (json_is_integer(json_object_get(root, "alive_ms")))
		ms = json_integer_value(json_object_get(root, "alive_ms"));
	json_decref(root);
	return ms;
}
