// SPDX-License-Identifier: Apache-2.0
/* Which detectors of a list never have a match of their own, and which share some: by their
 * languages, which libfa compares. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/automaton_parts.h"

struct languages {
	struct fa **fa;
	struct pattern *pattern;
	size_t n;
};

static void languages_free(struct languages *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (l->fa)
			fa_free(l->fa[i]);
		if (l->pattern)
			pattern_free(&l->pattern[i]);
	}
	free(l->fa);
	free(l->pattern);
}

/* Whether a may stand wherever b may. */
static bool stands_wherever(const struct byte_set *a, const struct byte_set *b)
{
	for (size_t i = 0; i < 256; i++)
		if (a->has[i] && !b->has[i])
			return false;
	return true;
}

/* Most pairs have no byte to begin with in common, and libfa need not be asked. */
static bool begin_alike(const struct pattern *a, const struct pattern *b)
{
	for (size_t i = 0; i < 256; i++)
		if (a->next[PATTERN_START][i] && b->next[PATTERN_START][i])
			return true;
	return false;
}

/* Whether every match of `late` is also one of `early`: the language has it, nothing beside it
 * keeps `early` from it, and no check refuses it. */
static int covers(const struct languages *l, const struct inline_detector *list, size_t early,
		  size_t late)
{
	const struct pattern *a = &l->pattern[early], *b = &l->pattern[late];

	if (list[early].check && list[early].check != list[late].check)
		return 0;
	if (!stands_wherever(&a->before, &b->before) || !stands_wherever(&a->after, &b->after) ||
	    (list[early].back && !list[late].back))
		return 0;
	return fa_contains(l->fa[late], l->fa[early]);
}

static int share(const struct languages *l, size_t a, size_t b)
{
	struct fa *both = fa_intersect(l->fa[a], l->fa[b]);
	int r;

	if (!both)
		return -1;
	r = fa_is_basic(both, FA_EMPTY);
	fa_free(both);
	return r < 0 ? r : !r;
}

static int compare_pair(const struct languages *l, const struct inline_detector *list, size_t early,
			size_t late, bool *ret_covered, struct automaton_report *report)
{
	int r;

	if (!begin_alike(&l->pattern[early], &l->pattern[late]))
		return 0;
	r = covers(l, list, early, late);
	if (r > 0) {
		*ret_covered = true;
		return finding_add(
			report, AUTOMATON_WARNING, late, 0,
			"can never have a match of its own: %s, listed before it, has all "
			"of them",
			list[early].name);
	}
	if (r == 0)
		r = share(l, early, late);
	if (r > 0)
		return finding_add(report, AUTOMATON_NOTE, late, 0,
				   "shares some matches with %s, under whose name they count",
				   list[early].name);
	return r < 0 ? -ENOMEM : 0;
}

int automaton_compare(const struct inline_detector *list, size_t n, struct automaton_report *report)
{
	_cleanup_(languages_free) struct languages l = {0};
	int r = 0;

	memset(report, 0, sizeof(*report));
	l.fa = calloc(n ? n : 1, sizeof(*l.fa));
	l.pattern = calloc(n ? n : 1, sizeof(*l.pattern));
	if (!l.fa || !l.pattern)
		return -ENOMEM;
	l.n = n;
	for (size_t i = 0; i < n && r == 0; i++) {
		r = pattern_language(&list[i], i, &l.fa[i], report);
		if (r == 0)
			r = pattern_compile(&list[i], i, &l.pattern[i], report);
	}
	for (size_t late = 1; late < n && r == 0; late++) {
		bool covered = false;

		for (size_t early = 0; early < late && r == 0 && !covered; early++)
			r = compare_pair(&l, list, early, late, &covered, report);
	}
	return r;
}
