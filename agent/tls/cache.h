/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts kept between runs, so that a client is analysed once a build and not once a start. */
#ifndef TLS_CACHE_H
#define TLS_CACHE_H

#include "tls/locate.h"

/* Looks up the layout of the file behind fd in the directory. A file is taken apart only where a
 * layout for a file of its very size is kept. The key is the build-id and the size
 * of the file; a hit counts only if the record is whole (SHA-256), its owner is who runs this, the
 * digest of the functions' bytes equals that at the time of the analysis, and tls_layout_matches.
 * Returns 0, or -ENOENT: no usable entry (a damaged or foreign one is warned of and ignored). */
int tls_cache_load(int dirfd, int fd, struct tls_layout *ret);

/* The digest of the bytes of all located functions, as they are in the file behind fd now. 0 or
 * -errno. */
int tls_cache_digest(int fd, const struct tls_layout *layout, uint8_t ret[32]);

/* Keeps the layout of a file whose functions had that digest when they were analysed: written
 * aside, synced, renamed. Returns 0, -ENOTSUP for a file without a build-id (there is no name for
 * it), or a negative errno. */
int tls_cache_store(int dirfd, const struct tls_layout *layout, const uint8_t digest[32]);

#endif
