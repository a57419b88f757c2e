/* SPDX-License-Identifier: Apache-2.0 */
/* The table of detectors: what each looks for, who has the last word, what a mask leaves standing.
 */
#ifndef MASK_DETECTORS_H
#define MASK_DETECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mask/validators.h"

/* What stays readable of a value. */
enum mask_style {
	MASK_ALL,   /* nothing */
	MASK_ALNUM, /* separators: ***-**-**** */
	MASK_EMAIL, /* '@' and '.' */
	MASK_LINES, /* white space and line ends, also those written as \n */
	MASK_STYLE_MAX,
};

/* How a value goes on after the pattern: patterns are bounded, so that a block of text is enough to
 * decide; a longer value is followed character by character, across blocks. */
enum mask_tail {
	TAIL_NONE,
	TAIL_TOKEN,  /* letters, digits, '_', '-', '.' */
	TAIL_BASE64, /* letters, digits, '+', '/', '_', '-', '=' */
	TAIL_PEM,    /* lines of base64 up to an END line, or to where they stop looking like it */
	TAIL_MAX,
};

/* What numbers look like that no letter gives away. */
enum number_shape {
	SHAPE_NONE,
	SHAPE_CARD,	/* four digits, a separator, more; or twelve and more */
	SHAPE_SOCIAL,	/* 3-2-4 */
	SHAPE_PHONE,	/* 3-3-4, (3) 3-4 */
	SHAPE_DOTTED,	/* 3.3.3, 2.3.3 */
	SHAPE_CAPITALS, /* two capital letters, two digits or more */
	SHAPE_PLUS,	/* '+', eight digits or more, at most two other characters between */
	SHAPE_MAX,
};

struct detector {
	const char *name;
	const char *description;
	/* PCRE2, on bytes. Group 1 (in every alternative, by (?|...)) is what is masked; without a
	 * group it is the whole match. Starts on a byte that is its own: a match belongs to the
	 * block in which it starts. At most SCAN_AHEAD bytes wide. */
	const char *pattern;
	/* Hyperscan: found wherever the pattern can match, as early in it as is rare enough. NULL
	 * when shape says all. */
	const char *anchor;
	enum number_shape shape;
	/* how far before the anchor a match of the pattern may start */
	unsigned int reach;
	validator validate;
	/* May be NULL. A quick look at what ends in an anchor (the end of it, in the n bytes at s):
	 * false when no match can come of it, and PCRE2 need not be asked. */
	bool (*screen)(const uint8_t *s, size_t n, size_t end);
	enum mask_style style;
	enum mask_tail tail;
	bool number;  /* has DENSE_DIGITS digits close together (mask/dense.h) */
	bool generic; /* of two findings in one place, the one that is not generic is listed */
};

/* Personal data, credentials of known makers, credentials known by their place. */
extern const struct detector detectors_personal[], detectors_national[], detectors_token[],
	detectors_context[];

/* The i-th built in detector, NULL past the end. */
const struct detector *detector_at(size_t i);
/* Index of the detector of that name, or -1. */
int detector_find(const char *name);
const char *detector_style_name(enum mask_style style);

#endif
