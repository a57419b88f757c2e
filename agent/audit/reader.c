// SPDX-License-Identifier: Apache-2.0
/* Reads a log while it is written. Old entries come from the bundles, where any index is found by
 * its file name; the newest from events.jsonl, which is bounded in size. */
#include "audit/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/entry.h"
#include "audit/log.h"
#include "audit/note.h"
#include "audit/segment.h"
#include "audit/tiles.h"
#include "base/cleanup.h"

struct log_reader {
	int dir_fd;
	uint64_t index; /* of the next entry to give */
	/* events.jsonl as it was opened: after a rotation still that file, by its descriptor */
	int events_fd;
	struct lines lines;
	uint64_t line_index; /* of the line in hand, or of the next one */
	bool started;	     /* line_index is known */
	const char *line;    /* in hand, not given yet; NULL: none */
	size_t line_len;
	/* a bundle of older entries */
	struct buffer bundle;
	uint64_t bundle_n;
	bool have_bundle;
	size_t bundle_at, bundle_next; /* offset, and index of the entry there */
	char entry[TILES_ENTRY_MAX + 1];
};

static void close_segment(struct log_reader *r)
{
	if (r->events_fd >= 0)
		close(r->events_fd);
	r->events_fd = -1;
	lines_free(&r->lines);
	r->lines = (struct lines){.fd = -1};
	r->started = false;
	r->line = NULL;
}

static int open_segment(struct log_reader *r)
{
	close_segment(r);
	r->events_fd = openat(r->dir_fd, SEGMENT_ACTIVE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (r->events_fd < 0)
		return -errno;
	r->lines.fd = r->events_fd;
	return 0;
}

int log_reader_open(const char *directory, uint64_t from, struct log_reader **ret)
{
	_cleanup_(log_reader_freep) struct log_reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader)
		return -ENOMEM;
	reader->events_fd = -1;
	reader->index = from;
	reader->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (reader->dir_fd < 0)
		return -errno;
	r = open_segment(reader);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(reader);
	return 0;
}

void log_reader_free(struct log_reader *reader)
{
	if (!reader)
		return;
	close_segment(reader);
	buffer_free(&reader->bundle);
	if (reader->dir_fd >= 0)
		close(reader->dir_fd);
	free(reader);
}

void log_reader_freep(struct log_reader **reader)
{
	log_reader_free(*reader);
}

/* The widest unfinished bundle of an index, 0 for none. */
static unsigned int widest_partial(const struct log_reader *r, uint64_t n)
{
	char path[TILES_PATH_SIZE], *slash;
	const struct dirent *entry;
	unsigned int widest = 0;
	DIR *dir;
	int fd;

	tiles_path(TILES_ENTRIES, n, 1, path);
	slash = strrchr(path, '/');
	*slash = 0;
	fd = openat(r->dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return 0;
	}
	while ((entry = readdir(dir))) {
		char *end;
		unsigned long width = strtoul(entry->d_name, &end, 10);

		if (!*end && width > widest && width < TREE_TILE)
			widest = (unsigned int)width;
	}
	closedir(dir);
	return widest;
}

/* Loads the bundle that holds index. Returns 0 or -ENOENT. */
static int load_bundle(struct log_reader *r, uint64_t n)
{
	/* the writer may finish or replace an unfinished bundle between two steps */
	for (int attempt = 0; attempt < 3; attempt++) {
		char path[TILES_PATH_SIZE];
		int err;

		buffer_free(&r->bundle);
		r->have_bundle = false;
		tiles_path(TILES_ENTRIES, n, TREE_TILE, path);
		err = tiles_read(r->dir_fd, path, TILES_BUNDLE_MAX, &r->bundle);
		if (err == -ENOENT) {
			unsigned int width = widest_partial(r, n);

			if (!width)
				continue;
			tiles_path(TILES_ENTRIES, n, width, path);
			err = tiles_read(r->dir_fd, path, TILES_BUNDLE_MAX, &r->bundle);
		}
		if (err == -ENOENT)
			continue;
		if (err < 0)
			return err;
		r->have_bundle = true;
		r->bundle_n = n;
		r->bundle_at = r->bundle_next = 0;
		return 0;
	}
	return -ENOENT;
}

/* Gives entry r->index out of a bundle. Returns 1, 0 when no bundle holds it, -errno. */
static int next_of_bundle(struct log_reader *r, const char **ret, size_t *ret_len)
{
	uint64_t n = r->index / TREE_TILE, within = r->index % TREE_TILE;
	const char *entry = NULL;
	size_t len = 0;
	int err = 1;

	if (!r->have_bundle || r->bundle_n != n || r->bundle_next > within ||
	    r->bundle_at == r->bundle.len) {
		err = load_bundle(r, n);
		if (err < 0)
			return err == -ENOENT ? 0 : err;
		err = 1;
	}
	while (err > 0 && r->bundle_next <= within) {
		err = tiles_next_entry(r->bundle.data, r->bundle.len, &r->bundle_at, &entry, &len);
		r->bundle_next++;
	}
	if (err <= 0)
		return err < 0 ? -EUCLEAN : 0;
	memcpy(r->entry, entry, len);
	r->entry[len] = 0;
	*ret = r->entry;
	*ret_len = len;
	return 1;
}

/* Whether events.jsonl is by now another file than the one that is open. */
static bool was_rotated(const struct log_reader *r)
{
	struct stat open_one, named;

	if (fstat(r->events_fd, &open_one) < 0 ||
	    fstatat(r->dir_fd, SEGMENT_ACTIVE, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return open_one.st_ino != named.st_ino || open_one.st_dev != named.st_dev;
}

/* Takes the next line in hand, going on to the next segment. Returns 1, 0, -errno. */
static int next_line(struct log_reader *r)
{
	for (;;) {
		/* asked before reading: what was written before the rotation is then read for sure
		 */
		bool rotated = was_rotated(r);
		struct entry e;
		int err;

		err = lines_next(&r->lines, &r->line, &r->line_len);
		if (err > 0 && r->started) {
			r->line_index++;
			return 1;
		}
		if (err > 0) {
			if (entry_read(r->line, r->line_len, &e) < 0)
				return -EUCLEAN;
			r->line_index = e.sequence;
			r->started = true;
			return 1;
		}
		r->line = NULL;
		if (err < 0)
			return err == -EMSGSIZE ? -EUCLEAN : err;
		if (!rotated)
			return 0;
		err = open_segment(r);
		if (err < 0)
			return err == -ENOENT ? 0 : err; /* between two steps of a rotation */
	}
}

int log_reader_next(struct log_reader *r, uint64_t *ret_index, const char **ret, size_t *ret_len)
{
	int err = 1;

	if (r->events_fd < 0)
		err = open_segment(r);
	if (err < 0)
		return err == -ENOENT ? 0 : err;
	while (!r->line || r->line_index < r->index) {
		err = next_line(r);
		if (err < 0)
			return err;
		if (err == 0)
			break;
	}
	if (r->line && r->line_index == r->index) {
		*ret = r->line;
		*ret_len = r->line_len;
		r->line = NULL;
		*ret_index = r->index++;
		return 1;
	}
	if (!r->line && r->started)
		return 0;
	/* the segment begins later, or is empty: bundles hold what is before it */
	err = next_of_bundle(r, ret, ret_len);
	if (err > 0)
		*ret_index = r->index++;
	return err == 0 && r->line ? -EUCLEAN : err;
}

/* The size that the checkpoint tells, unverified. */
static int checkpoint_size(const struct log_reader *r, uint64_t *ret)
{
	_cleanup_buffer_ struct buffer note = {0};
	struct checkpoint c;
	const char *end;
	int err;

	err = tiles_read(r->dir_fd, "checkpoint", NOTE_SIZE_MAX, &note);
	if (err < 0)
		return err;
	end = note.len ? strstr((const char *)note.data, "\n\n") : NULL;
	if (!end)
		return -EBADMSG;
	err = checkpoint_parse((const char *)note.data, (size_t)(end + 1 - (const char *)note.data),
			       &c);
	if (err >= 0)
		*ret = c.size;
	return err;
}

int log_reader_size(const char *directory, uint64_t *ret)
{
	_cleanup_(log_reader_freep) struct log_reader *reader = NULL;
	int r;

	r = log_reader_open(directory, 0, &reader);
	if (r < 0)
		return r;
	while ((r = next_line(reader)) > 0)
		;
	if (r < 0)
		return r;
	/* empty only right after a rotation, which follows a checkpoint */
	if (!reader->started)
		return checkpoint_size(reader, ret);
	*ret = reader->line_index + 1;
	return 0;
}

int log_read(const char *directory, uint64_t from,
	     int (*fn)(void *ctx, uint64_t index, const char *json, size_t len), void *ctx)
{
	_cleanup_(log_reader_freep) struct log_reader *reader = NULL;
	const char *entry;
	uint64_t index;
	size_t len;
	int r;

	r = log_reader_open(directory, from, &reader);
	while (r >= 0 && (r = log_reader_next(reader, &index, &entry, &len)) > 0) {
		r = fn(ctx, index, entry, len);
		if (r)
			return r;
	}
	return r;
}
