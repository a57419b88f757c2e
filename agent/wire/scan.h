/* SPDX-License-Identifier: Apache-2.0 */
/* A strict JSON scanner (RFC 8259) that takes any split and builds nothing: it tells where the
 * values of the outer object begin and end, so that one that was read before need not be parsed
 * again. */
#ifndef WIRE_SCAN_H
#define WIRE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Deeper or longer documents are refused: a parser recurses and a tree costs some forty bytes a
 * value, both chosen by whoever sends "[[[[" or "0,0,0,". */
#define SCAN_DEPTH  256
#define SCAN_VALUES (1u << 18)

enum scan_event {
	SCAN_MORE,	/* the bytes are used up */
	SCAN_KEY_BEGIN, /* at the quote that opens a key of the outer object */
	SCAN_KEY_END,	/* behind the quote that closes it */
	SCAN_BEGIN,	/* at the first byte of a watched value */
	SCAN_END,	/* behind its last byte */
	SCAN_BAD,	/* not JSON, or too deep: for good */
};

struct scan {
	bool watch; /* report members of the outer object */
	bool split; /* set at SCAN_BEGIN: report this array's elements too; cleared at its end */
	uint8_t state;
	bool begun;	     /* SCAN_BEGIN or SCAN_KEY_BEGIN was reported for the byte at hand */
	bool key;	     /* the string at hand is a key */
	uint8_t hex;	     /* digits of \uXXXX still to come */
	const char *literal; /* what must still follow of true, false, null */
	uint32_t depth;
	uint32_t values;		  /* since the last watched value began */
	uint64_t object[SCAN_DEPTH / 64]; /* a bit a level: object, else array */
};

void scan_init(struct scan *s, bool watch);

/* Goes on from *p to the next event, at most to end; *p is moved to where the event is. */
enum scan_event scan_run(struct scan *s, const char **p, const char *end);

/* Whether what was given so far is one whole document. */
bool scan_whole(const struct scan *s);

/* Whether p is one whole document within the limits. */
bool scan_check(const char *p, size_t len);

#endif
