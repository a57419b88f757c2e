/* SPDX-License-Identifier: Apache-2.0 */
/* Writes masks: which bytes of the text go, for a value of a view. */
#ifndef MASK_APPLY_H
#define MASK_APPLY_H

#include "mask/detectors.h"
#include "mask/scan.h"
#include "mask/views.h"

/* Masks [from, to) of a view. A decoded character that goes takes all of its escape with it. */
void apply_mask(const struct window *w, const struct view *v, size_t from, size_t to,
		enum mask_style style);

/* Masks a run of base64 in the text, but for its line ends. */
void apply_run(const struct window *w, size_t low, size_t high);

#endif
