// SPDX-License-Identifier: Apache-2.0
/* Files of a tiled log. */
#include "audit/tiles.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

void tiles_path(int level, uint64_t n, unsigned int width, char ret[TILES_PATH_SIZE])
{
	char name[16] = "entries", elements[40] = "";
	int at = (int)sizeof(elements) - 1, len;

	if (level != TILES_ENTRIES)
		snprintf(name, sizeof(name), "%d", level);
	/* three digits an element, all but the last with an x, from the right */
	do {
		char element[8];

		len = snprintf(element, sizeof(element),
			       at == (int)sizeof(elements) - 1 ? "/%03u" : "/x%03u",
			       (unsigned int)(n % 1000));
		assert(len > 0 && len <= at);
		at -= len;
		memcpy(elements + at, element, (size_t)len);
		n /= 1000;
	} while (n);
	if (width == 0 || width == TREE_TILE)
		len = snprintf(ret, TILES_PATH_SIZE, "tile/%s%s", name, elements + at);
	else
		len = snprintf(ret, TILES_PATH_SIZE, "tile/%s%s.p/%u", name, elements + at, width);
	assert(len > 0 && len < TILES_PATH_SIZE);
}

unsigned int tiles_partial(uint64_t size, unsigned int level, uint64_t *ret_n)
{
	uint64_t hashes = size >> (8 * level);

	*ret_n = hashes / TREE_TILE;
	return (unsigned int)(hashes % TREE_TILE);
}

int tiles_read(int dir_fd, const char *path, size_t max, struct buffer *out)
{
	_cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char chunk[65536];
	ssize_t n;
	int r;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r = buffer_append(out, chunk, (size_t)n, max);
		if (r < 0)
			return r == -ENOSPC ? -EFBIG : r;
	}
	return 0;
}

static int make_parents(int dir_fd, const char *path)
{
	char dir[TILES_PATH_SIZE];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		size_t len = (size_t)(slash - path);

		if (len >= sizeof(dir))
			return -ENAMETOOLONG;
		memcpy(dir, path, len);
		dir[len] = 0;
		if (mkdirat(dir_fd, dir, TILES_DIR_MODE) == 0) {
			if (fchmodat(dir_fd, dir, TILES_DIR_MODE, 0) < 0)
				return -errno;
		} else if (errno != EEXIST) {
			return -errno;
		}
	}
	return 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

int tiles_write(int dir_fd, const char *path, const void *bytes, size_t len, bool sync)
{
	char temporary[TILES_PATH_SIZE + 4];
	_cleanup_close_ int fd = -1;
	int n, r;

	n = snprintf(temporary, sizeof(temporary), "%s.tmp", path);
	if (n < 0 || (size_t)n >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    TILES_FILE_MODE);
	if (fd < 0 && errno == ENOENT) {
		r = make_parents(dir_fd, path);
		if (r < 0)
			return r;
		fd = openat(dir_fd, temporary,
			    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, TILES_FILE_MODE);
	}
	if (fd < 0)
		return -errno;
	/* whatever the umask: the courier reads by its group */
	r = fchmod(fd, TILES_FILE_MODE) < 0 ? -errno : 0;
	if (r >= 0)
		r = write_all(fd, bytes, len);
	if (r >= 0 && sync && fsync(fd) < 0)
		r = -errno;
	if (r >= 0 && renameat(dir_fd, temporary, dir_fd, path) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir_fd, temporary, 0);
	return r;
}

static int sync_one(int dir_fd, const char *path)
{
	_cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

static bool is_among(const struct buffer *list, const char *path)
{
	const char *at = (const char *)list->data, *end = at + list->len;

	for (; at < end; at += strlen(at) + 1)
		if (strcmp(at, path) == 0)
			return true;
	return false;
}

static int sync_parents(int dir_fd, const char *path, struct buffer *done)
{
	char dir[TILES_PATH_SIZE];
	char *slash;
	int n, r = 0;

	n = snprintf(dir, sizeof(dir), "%s", path);
	if (n < 0 || (size_t)n >= sizeof(dir))
		return -ENAMETOOLONG;
	while (r >= 0 && (slash = strrchr(dir, '/'))) {
		*slash = 0;
		if (is_among(done, dir))
			return 0; /* and so are those above it */
		r = sync_one(dir_fd, dir);
		if (r >= 0)
			r = buffer_append(done, dir, strlen(dir) + 1, SIZE_MAX / 2);
	}
	return r;
}

int tiles_sync(int dir_fd, const struct buffer *paths)
{
	_cleanup_buffer_ struct buffer done = {0};
	const char *begin = (const char *)paths->data, *end = begin + paths->len;
	int r = 0;

	for (const char *p = begin; r >= 0 && p < end; p += strlen(p) + 1)
		r = sync_one(dir_fd, p);
	for (const char *p = begin; r >= 0 && p < end; p += strlen(p) + 1)
		r = sync_parents(dir_fd, p, &done);
	return r;
}

int tiles_append_entry(struct buffer *bundle, const void *entry, size_t len)
{
	uint8_t prefix[2] = {(uint8_t)(len >> 8), (uint8_t)len};
	size_t before = bundle->len;
	int r;

	if (len > TILES_ENTRY_MAX)
		return -EINVAL;
	r = buffer_append(bundle, prefix, sizeof(prefix), TILES_BUNDLE_MAX);
	if (r >= 0)
		r = buffer_append(bundle, entry, len, TILES_BUNDLE_MAX);
	if (r < 0)
		bundle->len = before;
	return r;
}

int tiles_next_entry(const uint8_t *bundle, size_t len, size_t *at, const char **ret,
		     size_t *ret_len)
{
	size_t n;

	if (*at == len)
		return 0;
	if (len - *at < 2)
		return -EBADMSG;
	n = (size_t)bundle[*at] << 8 | bundle[*at + 1];
	if (len - *at - 2 < n)
		return -EBADMSG;
	*ret = (const char *)bundle + *at + 2;
	*ret_len = n;
	*at += 2 + n;
	return 1;
}
