/* SPDX-License-Identifier: Apache-2.0 */
/* What was found in a text, while it is being scanned. */
#ifndef MASK_FINDINGS_H
#define MASK_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mask/detectors.h"
#include "mask/mask.h"

/* A text of nothing but addresses would otherwise take more memory for its list than for itself.
 * All are masked; no more than these are listed. */
#define FINDINGS_MAX 4096

struct finding {
	struct mask_finding f;
	bool generic;
};

struct findings {
	struct finding *all;
	size_t n, cap;
};

/* Adds a finding at offset: len bytes of text, of which value is the decoded form. *ret_index is
 * where it is, or SIZE_MAX when the list is full. Returns 0, -ENOMEM or -EIO. */
int findings_add(struct findings *f, const struct mask_rules *rules, const struct detector *d,
		 uint64_t offset, size_t len, const uint8_t *value, size_t value_len,
		 size_t *ret_index);

/* Sorts by place; of findings that overlap keeps one: rather of a detector that is not generic,
 * then the one that starts first, then the longer. */
void findings_settle(struct findings *f);

void findings_free(struct findings *f);

#endif
