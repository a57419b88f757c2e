/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the compiler hand to each other: detectors as automata, the search automaton
 * before and after it is minimised. */
#ifndef POLICY_AUTOMATON_PARTS_H
#define POLICY_AUTOMATON_PARTS_H

#include <fa.h>
#include <stdbool.h>

#include "policy/automaton.h"

#define PATTERN_DEAD   0
#define PATTERN_START  1
#define PATTERN_ACCEPT 1 /* flags of a state */
#define PATTERN_COMMIT 2
#define PATTERN_STATES 4096

struct byte_set {
	bool has[256];
	bool any;
};

/* One detector's own automaton: deterministic, anchored, without states that lead nowhere. */
struct pattern {
	uint16_t (*next)[256]; /* 0: dead */
	uint8_t *flags;
	size_t n; /* states, with the dead one */
	struct byte_set before, after, back;
	size_t shortest, longest; /* of a match; longest 0: unbounded */
	size_t commit;		  /* bytes after which a candidate is committed at the latest */
	int lead;		  /* the byte that starts it and is nowhere else in it; -1: none */
};

int pattern_compile(const struct inline_detector *d, size_t index, struct pattern *ret,
		    struct automaton_report *report);
void pattern_free(struct pattern *p);
/* The language as libfa has it: pattern without except. */
int pattern_language(const struct inline_detector *d, size_t index, struct fa **ret,
		     struct automaton_report *report);
/* 0, or -EINVAL with a finding: what libfa would take for something else, or not at all. */
int pattern_check_syntax(const char *re, size_t len, const char *what, size_t index,
			 struct automaton_report *report);

/* One distinct thing that states say, see struct scan_label. Lists are offsets in entries. */
struct search_state {
	uint32_t matches, open;
	uint8_t own, lead;
	bool idle;
};

struct search {
	uint8_t class_of[256];
	uint8_t class_byte[256]; /* one of each class */
	size_t classes;
	uint32_t *next; /* n * classes */
	struct search_state *state;
	size_t n;
	struct scan_entry *entries;
	size_t n_entries;
	uint32_t resume[256];
	uint8_t mark[SCAN_DETECTORS_MAX];
	size_t crowd[SCAN_DETECTORS_MAX]; /* states in which a candidate of this one is live */
};

/* Everything at once, unanchored. Returns -E2BIG past limit states. State 0 is that of a beginning
 * stream. */
int search_build(const struct inline_detector *list, const struct pattern *patterns, size_t n,
		 size_t limit, struct search *ret, struct automaton_report *report);
void search_free(struct search *s);
/* Joins what cannot be told apart. State 0 stays it. */
int search_minimise(struct search *s);
/* Writes the table. The search is minimal and within the limits. */
int search_write(const struct search *s, const struct inline_detector *list,
		 const struct pattern *patterns, size_t n, uint32_t id, struct scan_table **ret);
/* The columns for pairs of bytes, as far as there is room for them. All else has been written. */
int search_write_pairs(struct scan_table *t);

int finding_add(struct automaton_report *report, enum automaton_level level, size_t detector,
		size_t at, const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
