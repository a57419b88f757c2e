/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers by their shape: the anchors of patterns that have no letters to search for. */
#ifndef MASK_SHAPES_H
#define MASK_SHAPES_H

#include <stddef.h>
#include <stdint.h>

#include "mask/detectors.h"

/* Calls found for each place in [low, high) of the n bytes at s where a number of a shape may be;
 * end is behind its first digits, at most SHAPE_BEFORE after where a match starts. found returns 0
 * or an error, which ends the search and is returned. */
#define SHAPE_BEFORE 24
typedef int (*shape_found)(void *ctx, enum number_shape shape, size_t end);
int shapes_find(const uint8_t *s, size_t n, size_t low, size_t high, shape_found found, void *ctx);

#endif
