/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a tiled log (c2sp.org/tlog-tiles) below an open directory: names, whole reads, whole
 * writes, entry bundles. */
#ifndef AUDIT_TILES_H
#define AUDIT_TILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "audit/tree.h"
#include "base/buffer.h"

#define TILES_PATH_SIZE	 96
#define TILES_ENTRIES	 (-1)  /* level of the entry bundles */
#define TILES_ENTRY_MAX	 65535 /* of a bundle's length field */
#define TILES_BUNDLE_MAX ((size_t)TREE_TILE * (2 + TILES_ENTRY_MAX))

#define TILES_FILE_MODE 0640
#define TILES_DIR_MODE	0750

/* "tile/0/x001/234", "tile/entries/000.p/17"; width 0 and 256 are a full tile. */
void tiles_path(int level, uint64_t n, unsigned int width, char ret[TILES_PATH_SIZE]);

/* Width of the unfinished tile of a level in a tree of size entries, 0 for none; *ret_n: its index.
 */
unsigned int tiles_partial(uint64_t size, unsigned int level, uint64_t *ret_n);

/* Reads a whole file of at most max bytes after what out holds. Returns 0, -EFBIG, -errno. */
int tiles_read(int dir_fd, const char *path, size_t max, struct buffer *out);

/* Writes a file in one step (temporary name, rename), makes its directories. With sync it is
 * durable before it appears under its name. */
int tiles_write(int dir_fd, const char *path, const void *bytes, size_t len, bool sync);

/* Makes files (zero-separated paths) durable, and then each directory above them, once. */
int tiles_sync(int dir_fd, const struct buffer *paths);

int tiles_append_entry(struct buffer *bundle, const void *entry, size_t len);

/* Next entry at *at. Returns 1, 0 at the end, -EBADMSG when the bundle is cut short. */
int tiles_next_entry(const uint8_t *bundle, size_t len, size_t *at, const char **ret,
		     size_t *ret_len);

#endif
