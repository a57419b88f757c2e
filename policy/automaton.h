/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler of the inline data path: detectors that are regular, to the one table that
 * bpf/scan.h walks. What cannot be an automaton, or makes one that is too large, is refused with
 * the reason. */
#ifndef POLICY_AUTOMATON_H
#define POLICY_AUTOMATON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/scan.h"

/* A detector. Texts are POSIX extended regular expressions on bytes (see automaton_syntax.c for
 * what is not taken); a pattern matches no empty text. */
struct inline_detector {
	const char *name;
	const char *called; /* what a person calls a value of it: "a payment card number" */
	const char *pattern;
	size_t pattern_len; /* 0: up to the NUL; else it may have NULs in it */
	/* Values that are none, though the pattern has them. May be NULL. */
	const char *except;
	/* The commit point: what a candidate must begin with for all that follows to be masked at
	 * once where a buffer ends. Either the beginning itself, of which every match must have one
	 * and which must be bounded, or a number of bytes. */
	const char *head;
	unsigned int commit;
	/* One bracket expression each, or NULL: bytes that must not stand just before a match, just
	 * behind it. */
	const char *before, *after;
	/* Bytes that a match is extended backwards over, within the buffer, at most so many; one of
	 * them must stand before it. For values whose beginning is any word and whose middle gives
	 * them away. */
	const char *back;
	unsigned int back_max;
	enum scan_check check;
	enum scan_style style;
	/* Past its commit point no other candidate counts until it has ended. Needed where what
	 * follows that point is unbounded: else each start within would have to be told apart. */
	bool owns;
	bool nocase;
	/* In place of a commit point: what has begun goes out clear until it is complete. A match
	 * may be told to begin at a candidate that broke off within it. For what is no secret. */
	bool at_end;
	unsigned int acts; /* SCAN_ACT() of each kind of text */
};

/* The built in ones, n of them. */
const struct inline_detector *inline_detectors(size_t *ret_n);

enum automaton_level {
	AUTOMATON_ERROR,
	AUTOMATON_WARNING, /* a detector that never has a match of its own */
	AUTOMATON_NOTE,	   /* two that share some */
};

struct automaton_finding {
	enum automaton_level level;
	size_t detector; /* index in the list */
	size_t at;	 /* of an error in a pattern: offset of it */
	char text[200];
};

struct automaton_report {
	struct automaton_finding *findings;
	size_t n_findings;
	size_t states_made; /* before minimising */
	size_t states, classes;
	size_t bytes; /* of the table that are in use */
};

/* Compiles n detectors. limit: states at most, not above SCAN_STATES_MAX. id: of the table, see
 * struct scan_table. Returns 0, -EINVAL (a detector is refused), -E2BIG (too many states), -ENOMEM;
 * the report says why, also when it fails, and is always to be released. */
int automaton_compile(const struct inline_detector *list, size_t n, size_t limit, uint32_t id,
		      struct scan_table **ret_table, struct automaton_report *report);
/* Warns of detectors all of whose matches another one before them in the list finds, and notes
 * those that share some with another. Returns 0, -EINVAL (as automaton_compile), -ENOMEM. */
int automaton_compare(const struct inline_detector *list, size_t n,
		      struct automaton_report *report);
/* The most bytes of one value that a cut can leave clear, plus one; 0 when it does not compile. */
size_t automaton_commit(const struct inline_detector *detector);
void automaton_report_free(struct automaton_report *report);

#endif
