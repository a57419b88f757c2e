/* SPDX-License-Identifier: Apache-2.0 */
/* Where the path of a local socket leads to, by a way that nobody governed can bend. */
#ifndef KEEPER_SOCKET_PATH_H
#define KEEPER_SOCKET_PATH_H

#include "bpf/contract.h"

/* The inode of the socket at an absolute path, as the kernel programs know it. Each directory on
 * the way, of symbolic links too, must belong to root or to a system account and be writable by its
 * owner alone, and so must the socket belong to one: whoever may replace it chooses what is behind
 * it. Returns 0, -ENOENT, -EPERM when somebody may replace it, -ENOTSOCK, -ELOOP, or another
 * -errno; *ret is untouched on failure. */
int socket_path_find(const char *path, struct local_key *ret);

#endif
