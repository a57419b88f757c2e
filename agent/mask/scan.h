/* SPDX-License-Identifier: Apache-2.0 */
/* Scans one window of a text: anchors by Hyperscan, spans by PCRE2, validators, marks. */
#ifndef MASK_SCAN_H
#define MASK_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mask/findings.h"
#include "mask/rules.h"

/* One window: text with what is known around it. Positions count from its first byte. */
struct window {
	const uint8_t *text; /* valid UTF-8, but that it may begin within a character */
	uint8_t *out;	     /* the same, masked so far */
	size_t len;
	size_t core, core_end; /* matches that start here are this window's */
	uint64_t base;	       /* place of its first byte in the whole text */
	bool last;	       /* the text ends with it */
};

/* What one window leaves for the next: values that go on. */
struct scan_state;

int scan_state_new(const struct mask_rules *rules, struct scan_state **ret);
void scan_state_reset(struct scan_state *s);
void scan_state_free(struct scan_state *s);

/* Where in a text of len bytes (total known: last) the window that owns block begins and ends. */
struct window scan_window_at(uint64_t block, uint64_t available, bool complete);

/* Masks in w->out. findings may be NULL. Returns 0, -ENOMEM, -EIO when a library fails (then what
 * the window holds must not be written). */
int scan_window(const struct mask_rules *rules, struct scan_state *s, const struct window *w,
		struct findings *findings);

#endif
