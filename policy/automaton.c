// SPDX-License-Identifier: Apache-2.0
/* Compiles a list of detectors for the inline data path, and says what is wrong with it. */
#include "policy/automaton.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/array.h"
#include "policy/automaton_parts.h"

/* States before minimising that are tried for each one that is allowed after it: most of what a
 * detector adds is joined again. */
#define MADE_FACTOR 8

int finding_add(struct automaton_report *report, enum automaton_level level, size_t detector,
		size_t at, const char *format, ...)
{
	struct automaton_finding *f;
	va_list args;

	if (array_grow(report->findings, report->n_findings) < 0)
		return -ENOMEM;
	f = &report->findings[report->n_findings++];
	f->level = level;
	f->detector = detector;
	f->at = at;
	va_start(args, format);
	if (vsnprintf(f->text, sizeof(f->text), format, args) < 0)
		f->text[0] = 0;
	va_end(args);
	return 0;
}

void automaton_report_free(struct automaton_report *report)
{
	free(report->findings);
	memset(report, 0, sizeof(*report));
}

static void patterns_free(struct pattern *patterns, size_t n)
{
	for (size_t i = 0; patterns && i < n; i++)
		pattern_free(&patterns[i]);
	free(patterns);
}

/* Names the detector that has a live candidate in the most states. */
static int too_large(const struct search *s, size_t n, size_t limit, bool exact,
		     struct automaton_report *report)
{
	size_t most = 0;

	for (size_t d = 1; d < n; d++)
		if (s->crowd[d] > s->crowd[most])
			most = d;
	if (finding_add(
		    report, AUTOMATON_ERROR, most, 0,
		    "the table has room for %zu states, all detectors together take %s%zu; this "
		    "one is in %zu of %zu of them",
		    limit, exact ? "" : "more than ", exact ? s->n : limit, s->crowd[most],
		    report->states_made) < 0)
		return -ENOMEM;
	return -E2BIG;
}

static int compile(const struct inline_detector *list, const struct pattern *patterns, size_t n,
		   size_t limit, uint32_t id, struct scan_table **ret,
		   struct automaton_report *report)
{
	_cleanup_(search_free) struct search s = {0};
	int r = search_build(list, patterns, n, limit * MADE_FACTOR, &s, report);

	report->states_made = s.n;
	report->classes = s.classes;
	if (r == -E2BIG)
		return too_large(&s, n, limit, false, report);
	if (r == 0 && s.classes > SCAN_CLASSES_MAX) {
		r = finding_add(report, AUTOMATON_ERROR, n - 1, 0,
				"all detectors together tell %zu kinds of bytes apart, the table "
				"has room for %d",
				s.classes, SCAN_CLASSES_MAX);
		return r < 0 ? r : -E2BIG;
	}
	if (r == 0)
		r = search_minimise(&s);
	report->states = s.n;
	if (r == 0 && (s.n > limit || s.n_entries > SCAN_ENTRIES_MAX))
		return too_large(&s, n, limit, true, report);
	if (r == 0)
		r = search_write(&s, list, patterns, n, id, ret);
	if (r == 0)
		report->bytes = offsetof(struct scan_table, entry) +
				s.n_entries * sizeof(struct scan_entry) +
				s.n * sizeof(struct scan_label) +
				(s.n << SCAN_CLASSES_SHIFT) * sizeof((*ret)->next[0]);
	return r;
}

int automaton_compile(const struct inline_detector *list, size_t n, size_t limit, uint32_t id,
		      struct scan_table **ret_table, struct automaton_report *report)
{
	struct pattern *patterns = calloc(n ? n : 1, sizeof(*patterns));
	int r = 0;

	memset(report, 0, sizeof(*report));
	if (!patterns)
		return -ENOMEM;
	if (n > SCAN_DETECTORS_MAX) {
		r = finding_add(report, AUTOMATON_ERROR, SCAN_DETECTORS_MAX, 0,
				"more than %d detectors", SCAN_DETECTORS_MAX);
		r = r < 0 ? r : -E2BIG;
	}
	/* all of them, so that one run names all that are wrong */
	for (size_t i = 0; i < n && r != -ENOMEM && r != -E2BIG; i++) {
		int one = pattern_compile(&list[i], i, &patterns[i], report);

		if (one < 0)
			r = one;
	}
	if (r == 0)
		r = compile(list, patterns, n, limit < SCAN_STATES_MAX ? limit : SCAN_STATES_MAX,
			    id, ret_table, report);
	patterns_free(patterns, n);
	return r;
}

size_t automaton_commit(const struct inline_detector *detector)
{
	_cleanup_(automaton_report_free) struct automaton_report report = {0};
	_cleanup_(pattern_free) struct pattern p = {0};

	return pattern_compile(detector, 0, &p, &report) < 0 ? 0 : p.commit;
}
