// SPDX-License-Identifier: Apache-2.0
/* The writer of the event log: open, append, checkpoint. */
#include "audit/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/entry.h"
#include "audit/segment.h"
#include "audit/state.h"
#include "audit/tiles.h"
#include "base/cleanup.h"
#include "base/log.h"

/* events.jsonl is finished and a new one begun above this size, so that finding a place in it stays
 * cheap however long the log is. */
#ifndef LOG_SEGMENT_SIZE
#define LOG_SEGMENT_SIZE (64u << 20)
#endif
#define LOG_WRITTEN_MAX ((size_t)64 << 20)

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int write_tile(struct log *log, int level, uint64_t n, unsigned int width, const void *bytes,
		      size_t len)
{
	char path[TILES_PATH_SIZE];
	int r;

	tiles_path(level, n, width, path);
	r = tiles_write(log->dir_fd, path, bytes, len, false);
	if (r >= 0)
		r = buffer_append(&log->written, path, strlen(path) + 1, LOG_WRITTEN_MAX);
	return r;
}

static int on_full_tile(void *ctx, unsigned int level, const struct tree_tile *tile)
{
	struct log *log = ctx;
	int r = 0;

	if (level == 0)
		r = write_tile(log, TILES_ENTRIES, tile->index, TREE_TILE, log->bundle.data,
			       log->bundle.len);
	if (r >= 0)
		r = write_tile(log, (int)level, tile->index, TREE_TILE, tile->hash,
			       sizeof(tile->hash));
	if (r >= 0 && level == 0)
		log->bundle.len = 0;
	return r;
}

int state_add(struct log *log, const char *entry, size_t len)
{
	uint8_t leaf[DIGEST_SIZE];
	int r;

	/* full tiles are written here, not by the append that filled them: that one had put its
	 * line in place already and could not be taken back */
	r = tree_settle(&log->tree, on_full_tile, log);
	if (r >= 0)
		r = tree_leaf(entry, len, leaf);
	if (r >= 0)
		r = tiles_append_entry(&log->bundle, entry, len);
	if (r < 0)
		return r;
	tree_add(&log->tree, leaf);
	return 0;
}

int state_cut(struct log *log)
{
	if (ftruncate(log->events_fd, (off_t)log->events_end) < 0)
		return -errno;
	log->torn = false;
	return 0;
}

/* Appends bytes to events.jsonl, all or nothing. */
static int write_line(struct log *log, const char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(log->events_fd, bytes + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int r = -errno;

			log->torn = done > 0;
			if (log->torn)
				state_cut(log); /* if it fails, the next append tries again */
			return r;
		}
		done += (size_t)n;
	}
	log->events_end += len;
	return 0;
}

int log_append_event(struct log *log, const char *json, size_t len, uint64_t *ret_index)
{
	struct entry own = {.sequence = log->tree.size, .logged_ms = now_ms()};
	_cleanup_free_ char *entry = NULL;
	size_t bundle_len, entry_len;
	int r;

	static_assert(sizeof(own.log_name) >= sizeof(log->verifier.name), "the origin is the name");
	memcpy(own.log_name, log->verifier.name, sizeof(log->verifier.name));
	r = entry_make(json, len, &own, &entry, &entry_len);
	if (r >= 0 && log->torn)
		r = state_cut(log);
	if (r >= 0)
		r = state_add(log, entry, entry_len);
	if (r < 0)
		return r;
	/* the line comes last: what it acknowledges is in place, and taking it back is three steps
	 */
	bundle_len = log->bundle.len;
	entry[entry_len] = '\n';
	r = write_line(log, entry, entry_len + 1);
	if (r < 0) {
		log->tree.size--;
		log->tree.level[0].n--;
		log->bundle.len = bundle_len - entry_len - 2;
		return r;
	}
	*ret_index = own.sequence;
	return 0;
}

/* The unfinished tile of each level, and the bundle of the lowest. */
static int write_partial_tiles(struct log *log)
{
	int r = tree_settle(&log->tree, on_full_tile, log);

	for (unsigned int l = 0; r >= 0 && l < TREE_LEVELS; l++) {
		const struct tree_tile *tile = &log->tree.level[l];

		if (!tile->n)
			continue;
		if (l == 0)
			r = write_tile(log, TILES_ENTRIES, tile->index, tile->n, log->bundle.data,
				       log->bundle.len);
		if (r >= 0)
			r = write_tile(log, (int)l, tile->index, tile->n, tile->hash,
				       (size_t)tile->n * DIGEST_SIZE);
	}
	return r;
}

static int sync_written(struct log *log)
{
	int r = log->written.len ? tiles_sync(log->dir_fd, &log->written) : 0;

	if (r >= 0 && fdatasync(log->events_fd) < 0)
		r = -errno;
	/* the name of events.jsonl, and of the directory tile */
	if (r >= 0 && fsync(log->dir_fd) < 0)
		r = -errno;
	if (r >= 0)
		log->written.len = 0;
	return r;
}

static void remove_partial(struct log *log, int level, uint64_t n, unsigned int width)
{
	char path[TILES_PATH_SIZE], *slash;

	tiles_path(level, n, width, path);
	unlinkat(log->dir_fd, path, 0);
	slash = strrchr(path, '/');
	*slash = 0;
	unlinkat(log->dir_fd, path, AT_REMOVEDIR); /* goes only when it is empty */
}

/* Unfinished tiles of the checkpoint before: without this, 255 growing copies of every bundle. */
static void remove_superseded(struct log *log)
{
	for (unsigned int l = 0; l < TREE_LEVELS; l++) {
		uint64_t old_n, new_n;
		unsigned int old_width = tiles_partial(log->signed_size, l, &old_n);
		unsigned int new_width = tiles_partial(log->tree.size, l, &new_n);

		if (!old_width || (old_n == new_n && old_width == new_width))
			continue;
		remove_partial(log, (int)l, old_n, old_width);
		if (l == 0)
			remove_partial(log, TILES_ENTRIES, old_n, old_width);
	}
}

static int sign(struct log *log)
{
	_cleanup_free_ char *text = NULL, *note = NULL;
	struct checkpoint c = {.size = log->tree.size};
	int r;

	memcpy(c.origin, log->verifier.name, sizeof(c.origin));
	r = tree_root(&log->tree, c.root);
	if (r >= 0)
		r = checkpoint_format(&c, &text);
	if (r >= 0)
		r = note_sign(log->key, &log->verifier, text, &note);
	if (r >= 0)
		r = tiles_write(log->dir_fd, "checkpoint", note, strlen(note), true);
	if (r < 0)
		return r;
	return fsync(log->dir_fd) < 0 ? -errno : 0;
}

static int open_active(int dir_fd)
{
	int fd = openat(dir_fd, SEGMENT_ACTIVE,
			O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, TILES_FILE_MODE);

	if (fd < 0)
		return -errno;
	if (fchmod(fd, TILES_FILE_MODE) < 0) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

/* Finishes events.jsonl. Done only when everything in it is signed: recovery then needs to look for
 * unsigned lines in one file. */
static int rotate(struct log *log)
{
	char name[SEGMENT_NAME_SIZE];
	int fd;

	if (log->events_end < LOG_SEGMENT_SIZE)
		return 0;
	segment_name(log->segment_first, name);
	if (renameat(log->dir_fd, SEGMENT_ACTIVE, log->dir_fd, name) < 0)
		return -errno;
	fd = open_active(log->dir_fd);
	if (fd < 0) {
		/* go on in the old file rather than stop logging */
		renameat(log->dir_fd, name, log->dir_fd, SEGMENT_ACTIVE);
		return fd;
	}
	close(log->events_fd);
	log->events_fd = fd;
	log->events_end = 0;
	log->segment_first = log->tree.size;
	return fsync(log->dir_fd) < 0 ? -errno : 0;
}

int log_checkpoint(struct log *log, int64_t when_ms)
{
	int r = 0;

	if (log->broken)
		return -EIO;
	if (log->torn)
		r = state_cut(log);
	if (r >= 0 && log->tree.size != log->signed_size) {
		r = write_partial_tiles(log);
		if (r < 0)
			return r;
		r = sync_written(log);
		if (r < 0) {
			/* a second fsync would report success for pages that the kernel has
			 * dropped: only reading everything again, at the next open, can tell */
			log->broken = true;
			return log_err_r(
				r, "the log cannot be made durable; it is not signed any more");
		}
	}
	if (r >= 0)
		r = sign(log);
	if (r < 0)
		return r;
	remove_superseded(log);
	log->signed_size = log->tree.size;
	r = state_save(log, when_ms);
	if (r >= 0)
		r = rotate(log);
	if (r < 0)
		log_line(LOG_LEVEL_WARN, r, "after signing the log");
	return 0;
}

static int open_directory(const char *path)
{
	int fd;

	if (mkdir(path, TILES_DIR_MODE) == 0) {
		if (chmod(path, TILES_DIR_MODE) < 0)
			return -errno;
	} else if (errno != EEXIST) {
		return -errno;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int r = errno == EWOULDBLOCK ? -EBUSY : -errno;

		close(fd);
		return r;
	}
	return fd;
}

static bool is_there(const struct log *log, const char *name)
{
	return faccessat(log->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* log.pub follows from the key; another one in its place would make a forged log verify. */
static int check_public_key(struct log *log)
{
	_cleanup_buffer_ struct buffer there = {0};
	char vkey[NOTE_VKEY_SIZE + 1];
	size_t len;
	int r;

	r = note_key_format(&log->verifier, vkey);
	if (r < 0)
		return r;
	len = strlen(vkey);
	vkey[len++] = '\n';
	r = tiles_read(log->dir_fd, "log.pub", NOTE_VKEY_SIZE, &there);
	if (r == -ENOENT)
		return tiles_write(log->dir_fd, "log.pub", vkey, len, true);
	if (r < 0)
		return r;
	if (there.len != len || memcmp(there.data, vkey, len) != 0)
		return log_err_r(-EUCLEAN, "log.pub is not the public key of this log");
	return 0;
}

static int open_key(struct log *log, const struct log_options *options, bool is_new)
{
	int r = key_load(options->key_path, &log->key);

	if (r == -ENOENT && !is_new)
		return log_err_r(-ENOKEY, "%s: the key of this log is gone", options->key_path);
	if (r == -ENOENT)
		r = key_make(options->key_path, &log->key);
	return r < 0 ? r : key_verifier(log->key, options->origin, &log->verifier);
}

static int start_new(struct log *log)
{
	struct stat st;

	/* entries without a checkpoint: somebody removed it, and must not be given a fresh start */
	if (is_there(log, "tile") ||
	    (fstatat(log->dir_fd, SEGMENT_ACTIVE, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size))
		return log_err_r(-EUCLEAN, "the log has entries and no checkpoint");
	log->events_fd = open_active(log->dir_fd);
	return log->events_fd < 0 ? log->events_fd : sign(log);
}

int log_open(const struct log_options *options, struct log **ret, struct log_opened *ret_opened)
{
	struct log_opened opened = {0};
	struct log *log;
	bool is_new;
	int r;

	log = calloc(1, sizeof(*log));
	if (!log)
		return -ENOMEM;
	log->events_fd = -1;
	r = log->dir_fd = open_directory(options->directory);
	if (r >= 0) {
		is_new = !is_there(log, "checkpoint");
		r = open_key(log, options, is_new);
		if (r >= 0)
			r = check_public_key(log);
		if (r >= 0)
			r = is_new ? start_new(log) : state_load(log, &opened);
	}
	if (r < 0) {
		log_close(log);
		return r;
	}
	*ret_opened = opened;
	*ret = log;
	return 0;
}

void log_close(struct log *log)
{
	if (!log)
		return;
	buffer_free(&log->bundle);
	buffer_free(&log->written);
	EVP_PKEY_free(log->key);
	if (log->events_fd >= 0)
		close(log->events_fd);
	if (log->dir_fd >= 0)
		close(log->dir_fd);
	free(log);
}

uint64_t log_size(const struct log *log)
{
	return log->tree.size;
}
