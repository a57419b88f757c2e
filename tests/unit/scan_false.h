/* SPDX-License-Identifier: Apache-2.0 */
/* Counts what the inline scanner masks in ordinary code and text, and what of it is false: where
 * the masker before the log, which can look longer, finds nothing. An author's address in a header
 * is no false one. */
#ifndef SCAN_FALSE_H
#define SCAN_FALSE_H

#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "mask/mask.h"
#include "policy/automaton.h"

#define FILE_MAX_BYTES (1u << 20)
#define TREE_BYTES     (3u << 20) /* of one tree, so that each has its part */
#define HITS_MAX       65536

struct false_hits {
	size_t at, n;
	struct {
		size_t start, end, detector;
	} hit[HITS_MAX];
};

struct false_totals {
	size_t bytes, masks, unsure;
};

static struct scan_table *false_table;
static struct mask_rules *false_rules;
static struct false_hits false_hits;

static inline void false_set_up(void)
{
	_cleanup_(automaton_report_free) struct automaton_report report = {0};
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);
	char err[256];

	if (automaton_compile(list, n, SCAN_STATES_MAX, 1, &false_table, &report) < 0)
		abort();
	if (mask_rules_new(&(struct mask_options){0}, &false_rules, err) < 0)
		abort();
}

static inline void false_tear_down(void)
{
	free(false_table);
	mask_rules_free(false_rules);
}

static inline void take(void *ctx, const struct scan_span *s)
{
	(void)ctx;
	if (false_hits.n == HITS_MAX)
		return;
	false_hits.hit[false_hits.n].start = false_hits.at + s->start;
	false_hits.hit[false_hits.n].end = false_hits.at + s->end;
	false_hits.hit[false_hits.n++].detector = s->detector;
}

static inline bool confirmed(const struct masked *m, size_t start, size_t end)
{
	for (size_t i = 0; i < masked_n_findings(m); i++) {
		const struct mask_finding *f = masked_finding(m, i);

		if (f->offset < end && f->offset + f->len > start)
			return true;
	}
	return false;
}

/* One text, in buffers as the client has them. */
static inline void false_scan(const char *name, const char *text, size_t len, size_t size,
			      struct false_totals *t)
{
	struct scan_state state = {0};
	static uint8_t buffer[SCAN_BUFFER];
	const struct inline_detector *list;
	struct masked *m;
	size_t n;

	false_hits.n = 0;
	for (false_hits.at = 0; false_hits.at < len; false_hits.at += size) {
		size_t part = len - false_hits.at < size ? len - false_hits.at : size;

		memcpy(buffer, text + false_hits.at, part);
		scan_bytes(false_table, &state, buffer, (__u32)part, NULL, take);
	}
	t->bytes += len;
	t->masks += false_hits.n;
	if (!false_hits.n)
		return;
	list = inline_detectors(&n);
	if (mask_text(false_rules, text, len, &m) < 0)
		abort();
	for (size_t i = 0; i < false_hits.n; i++) {
		if (confirmed(m, false_hits.hit[i].start, false_hits.hit[i].end))
			continue;
		t->unsure++;
		fprintf(stderr, "%s: %s at %zu: [%.*s]\n", name,
			list[false_hits.hit[i].detector].name, false_hits.hit[i].start,
			(int)(false_hits.hit[i].end - false_hits.hit[i].start),
			text + false_hits.hit[i].start);
	}
	masked_free(m);
}

static inline void false_scan_tree(const char *root, char *text, struct false_totals *t)
{
	char *const roots[] = {(char *)root, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	size_t until = t->bytes + TREE_BYTES;
	FTSENT *e;

	while (fts && t->bytes < until && (e = fts_read(fts))) {
		_cleanup_fclose_ FILE *f = NULL;
		size_t len;

		if (e->fts_info != FTS_F || e->fts_statp->st_size > FILE_MAX_BYTES)
			continue;
		f = fopen(e->fts_accpath, "re");
		len = f ? fread(text, 1, FILE_MAX_BYTES, f) : 0;
		/* text, as people and models read it */
		if (!len || memchr(text, 0, len))
			continue;
		false_scan(e->fts_path, text, len, SCAN_BUFFER, t);
	}
	if (fts)
		fts_close(fts);
}

/* What lies on any Debian machine, a part of each tree: no one file has to be there. */
static inline void false_scan_machine(struct false_totals *t)
{
	static const char *const roots[] = {
		"/usr/include",	    "/usr/share/doc",	   "/usr/share/common-licenses",
		"/usr/lib/python3", "/usr/lib/python3.11", "/usr/share/perl",
	};
	_cleanup_free_ char *text = malloc(FILE_MAX_BYTES);

	for (size_t i = 0; text && i < ARRAY_SIZE(roots); i++)
		false_scan_tree(roots[i], text, t);
}

#endif
