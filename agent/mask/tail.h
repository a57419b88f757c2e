/* SPDX-License-Identifier: Apache-2.0 */
/* Follows a value past the end of its pattern. */
#ifndef MASK_TAIL_H
#define MASK_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mask/detectors.h"

/* What tail_extend may look ahead, at most. */
#define TAIL_LOOKAHEAD 512

/* Where a value that was followed up to from ends in the n bytes at s. ret_open is set when it may
 * go on in bytes that have not come yet (more is true): call again from there. begun is false for
 * the first call: a PEM body must then begin at from, and from is returned when none does. */
size_t tail_extend(enum mask_tail kind, const uint8_t *s, size_t n, size_t from, bool begun,
		   bool more, bool *ret_open);

#endif
