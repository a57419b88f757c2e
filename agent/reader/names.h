/* SPDX-License-Identifier: Apache-2.0 */
/* Masked forms of short strings that come again and again (model, session, directory, tool names),
 * so that an event does not cost ten scans of the same bytes. */
#ifndef READER_NAMES_H
#define READER_NAMES_H

#include <stddef.h>

#include "mask/mask.h"

struct names;

/* rules are borrowed, and must outlive the names. Returns 0 or -ENOMEM. */
int names_new(const struct mask_rules *rules, struct names **ret);
void names_free(struct names *names);

/* The masked form, or NULL for want of memory. Borrowed: it holds until the second next call. */
const struct masked *names_get(struct names *names, const void *bytes, size_t len);

#endif
