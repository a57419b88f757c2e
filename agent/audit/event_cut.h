/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a JSON object fit into a number of bytes by cutting what is longest. */
#ifndef AUDIT_EVENT_CUT_H
#define AUDIT_EVENT_CUT_H

#include <jansson.h>
#include <stddef.h>

/* Length of the longest start of text, at most max bytes, that does not end within a character. */
size_t event_cut_at(const char *text, size_t len, size_t max);

/* Cuts the longest strings of root, adding <name>_length with the bytes each had, then the longest
 * arrays, adding <name>_count, until the canonical JSON has at most max bytes; gives that in
 * malloc'ed *ret. Returns 0, -EMSGSIZE when nothing is left to cut, -EDOM, -ENOMEM. */
int event_cut(json_t *root, size_t max, char **ret, size_t *ret_len);

#endif
