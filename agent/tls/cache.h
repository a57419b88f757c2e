/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts kept between runs, so that a client is analysed once a build and not once a start. */
#ifndef TLS_CACHE_H
#define TLS_CACHE_H

#include "tls/locate.h"

/* Looks up the layout of the file behind fd in the directory. The key is the build-id and the size
 * of the file; a hit counts only if the record is whole (SHA-256), its owner is who runs this, the
 * digest of the functions' bytes equals that at the time of the analysis, and tls_layout_matches.
 * Returns 0, or -ENOENT: no usable entry (a damaged or foreign one is warned of and ignored). */
int tls_cache_load(int dirfd, int fd, struct tls_layout *ret);

/* Keeps the layout of the file behind fd: written aside, synced, renamed. Returns 0, -ENOTSUP for a
 * file without a build-id (there is no name for it), or a negative errno. */
int tls_cache_store(int dirfd, int fd, const struct tls_layout *layout);

/* From the cache, else by tls_locate, and then kept. A cache that cannot be written is warned of
 * and costs only time. Returns what tls_locate returns. */
int tls_cache_locate(int dirfd, int fd, struct tls_layout *ret, char *why);

#endif
