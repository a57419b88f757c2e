/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled detectors, and the scratch memory that scanning with them needs. Private to agent/mask.
 *
 * The reader is single-threaded, so the scratch lives in the rules: one set of rules is used by one
 * thread at a time. */
#ifndef MASK_RULES_H
#define MASK_RULES_H

#include <hs/hs.h>
#include <openssl/evp.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/digest.h"
#include "mask/detectors.h"
#include "mask/mask.h"

/* A text is decided in blocks, so that a stream and a whole text go the same way and the result
 * cannot depend on where a stream was cut. A block sees SCAN_BEHIND bytes before it and SCAN_AHEAD
 * after it, and owns the matches that start in it. All three together are what a stream holds. */
#define SCAN_BEHIND 64
#define SCAN_AHEAD  2048
#define SCAN_BLOCK  14208
#define SCAN_WINDOW (SCAN_BEHIND + SCAN_BLOCK + SCAN_AHEAD)
_Static_assert(SCAN_WINDOW <= 16384, "a stream holds at most 16 KiB");

/* Detectors that one shape of number anchors, at most. */
#define SHAPE_DETECTORS 8

/* A text is looked at in these ways. */
enum view_kind {
	VIEW_PLAIN,
	VIEW_JSON,
	VIEW_PERCENT,
	VIEW_BASE64,
	VIEW_MAX,
};

struct compiled {
	struct detector d;
	pcre2_code *code;
	uint32_t group;	     /* 1, or 0 when the pattern has no group */
	unsigned int before; /* a match starts at most so far before the end of its anchor */
	bool whole_window;   /* a company's pattern: searched over the whole window */
	char name[64];	     /* of a company's detector; d.name points here */
};

struct candidate {
	uint32_t detector;
	uint32_t end; /* of the anchor, in the view */
};

struct mask_rules {
	struct compiled *all;
	size_t n;
	hs_database_t *db;	/* anchors of all detectors but those of numbers */
	hs_database_t *numbers; /* theirs: only stretches with many digits are searched for them */
	bool any_number, any_shape;
	uint16_t shaped[SHAPE_MAX][SHAPE_DETECTORS]; /* detectors of a shape */
	size_t n_shaped[SHAPE_MAX];
	EVP_MAC *mac;
	/* scratch */
	hs_scratch_t *scratch;
	EVP_MAC_CTX *mac_ctx;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack;
	struct candidate *candidates;
	size_t n_candidates, cap_candidates;
	struct views *views;
	struct scan_state *text_state; /* of mask_text */
};

/* HMAC-SHA-256 as digest_keyed gives, without fetching and keying the algorithm again each time: it
 * is needed once a text. Returns 0 or -EIO. */
int rules_digest(const struct mask_rules *rules, const void *bytes, size_t len,
		 uint8_t ret[DIGEST_SIZE]);

#endif
