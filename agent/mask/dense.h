/* SPDX-License-Identifier: Apache-2.0 */
/* Stretches of a text that are rich in digits: all that detectors of numbers need to see. */
#ifndef MASK_DENSE_H
#define MASK_DENSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fewer digits than this within 17 bytes from its first are in no number that a detector knows. */
#define DENSE_DIGITS 6

/* The next stretch at or after *at: true, and [ret_low, ret_high); *at moves behind it. Stretches
 * do not overlap; each has room before it for the name of a number, and some after. */
bool dense_next(const uint8_t *s, size_t n, size_t *at, size_t *ret_low, size_t *ret_high);

#endif
