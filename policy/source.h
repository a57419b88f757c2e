/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a policy directory, read whole before anything in them is believed. */
#ifndef POLICY_SOURCE_H
#define POLICY_SOURCE_H

#include "policy/policy.h"

/* Reads file `name` of the directory open as dir, and hands it to the report as `shown`. On failure
 * an error that says why stands in the report. Returns 0, -ENOMEM, or -errno of the failure
 * (-EFBIG: over POLICY_FILE_MAX; -EINVAL: no regular file; -EXDEV: a link that leads out of the
 * directory). */
int source_read(int dir, const char *name, const char *shown, struct policy_report *report);

/* Whether the text is what it looks like: well-formed UTF-8 without characters that hide something.
 * Adds errors with places. Returns 0 or -EINVAL. */
int source_check(const struct policy_source *source, struct policy_report *report);

/* SHA-256 of the output of sha256sum(1) over the files in their order: anybody can compute it
 * again. Returns 0, -ENOMEM, -EIO. */
int source_digest(const char *const *names, const struct policy_source *sources, size_t n,
		  uint8_t ret[32]);

#endif
