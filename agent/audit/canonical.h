/* SPDX-License-Identifier: Apache-2.0 */
/* Canonical JSON: RFC 8785 for the subset without fractions (integers within ±(2^53-1)). */
#ifndef AUDIT_CANONICAL_H
#define AUDIT_CANONICAL_H

#include <jansson.h>
#include <stddef.h>

/* Serialises value. Keys are sorted by UTF-16 code units as RFC 8785 3.2.3 asks. Returns 0 and
 * malloc'ed, zero-terminated *ret; -EDOM for a real number, an integer out of range, more than 256
 * levels or 64 MiB; -ENOMEM. */
int canonical_dump(const json_t *value, char **ret, size_t *ret_len);

/* Whether text is canonical: parses it (duplicates refused) and compares with its own dump. Returns
 * 0, -EINVAL when it is not, -ENOMEM. */
int canonical_check(const char *text, size_t len);

#endif
