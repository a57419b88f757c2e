/* SPDX-License-Identifier: Apache-2.0 */
/* What the log itself writes into an entry, read back. */
#ifndef AUDIT_ENTRY_H
#define AUDIT_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "audit/note.h"

struct entry {
	uint64_t sequence;
	int64_t logged_ms;
	char log_name[NOTE_NAME_SIZE];
};

/* Returns 0; -EBADMSG when it is not canonical JSON with these three; -ENOMEM. */
int entry_read(const char *json, size_t len, struct entry *ret);

/* Puts the three into an event (canonical JSON or not) and makes it canonical: *ret is malloc'ed.
 * Returns 0, -EINVAL when it is no JSON object, has no fitting metadata, or becomes too long. */
int entry_make(const char *json, size_t len, const struct entry *entry, char **ret,
	       size_t *ret_len);

#endif
