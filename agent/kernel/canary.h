/* SPDX-License-Identifier: Apache-2.0 */
/* Proof that the attachment of this keeper refuses, before an earlier one is let go. */
#ifndef KERNEL_CANARY_H
#define KERNEL_CANARY_H

#include "kernel/internal.h"

/* Knocks at every door that this attachment has a program for. earlier: the links of the attachment
 * before, NULL when there is none; a door that only that one has counts as let through. Returns 0,
 * -EPROTO with one sentence in why, or -errno when no canary could be sent. */
int canary_prove(struct kernel *k, const char *earlier, char *why, size_t size);

/* Whether the program of that name, or what stands in for it, is pinned in the directory. */
bool canary_has(const char *links, const char *program);

#endif
