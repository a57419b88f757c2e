// SPDX-License-Identifier: Apache-2.0
/* One detector's automaton, by libfa: its language, then each state marked with whether the commit
 * point lies behind it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/automaton_parts.h"

/* libfa's automaton as a table: state 0 is dead, 1 the initial one. */
struct flat {
	uint16_t (*next)[256];
	bool *accepts;
	size_t n;
};

static void fa_freep(struct fa **fa)
{
	fa_free(*fa);
}

static void flat_free(struct flat *f)
{
	free(f->next);
	free(f->accepts);
}

#define _cleanup_fa_   _cleanup_(fa_freep)
#define _cleanup_flat_ _cleanup_(flat_free)

static int refuse(struct automaton_report *report, size_t index, size_t at, const char *text)
{
	return finding_add(report, AUTOMATON_ERROR, index, at, "%s", text) < 0 ? -ENOMEM : -EINVAL;
}

static int compile(const char *re, size_t len, bool nocase, const char *what, size_t index,
		   struct fa **ret, struct automaton_report *report)
{
	_cleanup_free_ char *both = NULL;
	struct fa *fa = NULL;
	int r = pattern_check_syntax(re, len, what, index, report);

	if (r < 0)
		return r;
	/* libfa gives another expression each time */
	if (nocase && memchr(re, 0, len))
		return refuse(report, index, 0, "a pattern with a NUL in it cannot ignore case");
	if (nocase) {
		/* not fa_nocase: its transitions are then of lower case alone */
		r = fa_expand_nocase(re, len, &both, &len);
		if (r == 0)
			re = both;
	}
	if (r == 0)
		r = fa_compile(re, len, &fa);
	if (r != 0 || fa_minimize(fa) < 0) {
		fa_free(fa);
		return r == REG_ESPACE || r == 0
			       ? -ENOMEM
			       : refuse(report, index, 0, "libfa takes this for no expression");
	}
	*ret = fa;
	return 0;
}

int pattern_language(const struct inline_detector *d, size_t index, struct fa **ret,
		     struct automaton_report *report)
{
	_cleanup_fa_ struct fa *all = NULL, *except = NULL;
	size_t len = d->pattern_len ? d->pattern_len : strlen(d->pattern);
	int r = compile(d->pattern, len, d->nocase, "pattern", index, &all, report);

	if (r < 0)
		return r;
	if (d->except) {
		struct fa *rest;

		r = compile(d->except, strlen(d->except), true, "except", index, &except, report);
		if (r < 0)
			return r;
		rest = fa_minus(all, except);
		if (!rest)
			return -ENOMEM;
		fa_free(all);
		all = rest;
		if (fa_minimize(all) < 0)
			return -ENOMEM;
	}
	if (fa_is_basic(all, FA_EMPTY))
		return refuse(report, index, 0, "nothing matches this");
	if (fa_state_is_accepting(fa_state_initial(all)))
		return refuse(report, index, 0, "the empty text matches this");
	*ret = TAKE_PTR(all);
	return 0;
}

static int compare_pointers(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

/* Numbers libfa's states, and writes their transitions down. */
static int flatten(struct fa *fa, size_t index, struct flat *ret, struct automaton_report *report)
{
	_cleanup_free_ uintptr_t *sorted = NULL;
	_cleanup_flat_ struct flat f = {0};
	struct state *initial = fa_state_initial(fa);
	size_t n = 0, first;

	for (struct state *s = initial; s; s = fa_state_next(s))
		n++;
	if (n + 1 > PATTERN_STATES)
		return refuse(report, index, 0, "this alone has more than 4,095 states");
	f.n = n + 1;
	f.next = calloc(f.n, sizeof(*f.next));
	f.accepts = calloc(f.n, sizeof(*f.accepts));
	sorted = calloc(n, sizeof(*sorted));
	if (!f.next || !f.accepts || !sorted)
		return -ENOMEM;
	n = 0;
	for (struct state *s = initial; s; s = fa_state_next(s))
		sorted[n++] = (uintptr_t)s;
	qsort(sorted, n, sizeof(*sorted), compare_pointers);
	first = (size_t)((uintptr_t *)bsearch(&initial, sorted, n, sizeof(*sorted),
					      compare_pointers) -
			 sorted);
	/* the initial state becomes the first of them */
	for (struct state *s = initial; s; s = fa_state_next(s)) {
		size_t at = (size_t)((uintptr_t *)bsearch(&s, sorted, n, sizeof(*sorted),
							  compare_pointers) -
				     sorted);
		size_t number = at == first ? 1 : at < first ? at + 2 : at + 1;

		f.accepts[number] = fa_state_is_accepting(s);
		for (size_t i = 0; i < fa_state_num_trans(s); i++) {
			struct state *to = NULL;
			unsigned char low = 0, high = 0;
			size_t target;

			if (fa_state_trans(s, i, &to, &low, &high) < 0)
				return -EINVAL;
			target = (size_t)((uintptr_t *)bsearch(&to, sorted, n, sizeof(*sorted),
							       compare_pointers) -
					  sorted);
			target = target == first ? 1 : target < first ? target + 2 : target + 1;
			for (unsigned int b = low; b <= high; b++)
				f.next[number][b] = (uint16_t)target;
		}
	}
	*ret = f;
	f = (struct flat){0};
	return 0;
}

static int read_set(const char *re, const char *what, size_t index, struct byte_set *ret,
		    struct automaton_report *report)
{
	_cleanup_fa_ struct fa *fa = NULL;
	_cleanup_flat_ struct flat f = {0};
	int r;

	if (!re)
		return 0;
	if (re[0] != '[')
		return refuse(report, index, 0, "bytes beside a match are one [...]");
	r = compile(re, strlen(re), false, what, index, &fa, report);
	if (r == 0)
		r = flatten(fa, index, &f, report);
	if (r < 0)
		return r;
	for (size_t b = 0; b < 256; b++) {
		size_t to = f.next[PATTERN_START][b];

		for (size_t c = 0; to && c < 256; c++)
			if (f.next[to][c])
				return refuse(report, index, 0,
					      "bytes beside a match are one [...]");
		ret->has[b] = to != 0;
		ret->any |= to != 0;
	}
	return 0;
}

/* The head as an automaton of its own: a count of bytes, or a language that every match begins with
 * a word of. */
static int head_of(const struct inline_detector *d, size_t index, struct fa *language,
		   struct flat *ret, struct automaton_report *report)
{
	_cleanup_fa_ struct fa *head = NULL, *total = NULL, *begins = NULL;
	int r;

	if (!d->head) {
		_cleanup_flat_ struct flat f = {.n = d->at_end ? 2 : d->commit + 2};

		if (!d->at_end && (!d->commit || d->commit > SCAN_LENGTH_MAX))
			return refuse(report, index, 0, "the commit point is 1 to 250 bytes");
		f.next = calloc(f.n, sizeof(*f.next));
		f.accepts = calloc(f.n, sizeof(*f.accepts));
		if (!f.next || !f.accepts)
			return -ENOMEM;
		for (size_t q = 1; q < f.n; q++)
			for (size_t b = 0; b < 256; b++)
				f.next[q][b] = (uint16_t)(q + 1 < f.n ? q + 1 : q);
		f.accepts[f.n - 1] = !d->at_end;
		*ret = f;
		f = (struct flat){0};
		return 0;
	}
	r = compile(d->head, strlen(d->head), d->nocase, "head", index, &head, report);
	if (r < 0)
		return r;
	if (fa_state_is_accepting(fa_state_initial(head)))
		return refuse(report, index, 0, "the empty text is a head");
	total = fa_make_basic(FA_TOTAL);
	begins = total ? fa_concat(head, total) : NULL;
	if (!begins)
		return -ENOMEM;
	r = fa_contains(language, begins);
	if (r < 0)
		return -ENOMEM;
	if (r == 0)
		return refuse(report, index, 0, "there are matches that do not begin with a head");
	return flatten(head, index, ret, report);
}

/* The product of language and head. A state is (state of the language, state of the head), the
 * latter past the end once the head is complete. */
struct product {
	uint32_t *pair;
	uint16_t *seen; /* pair -> state, 0: none yet */
	size_t heads;	/* states of the head, and one for "committed" */
};

static int product_state(struct product *x, struct pattern *p, size_t q, size_t h)
{
	size_t key = q * x->heads + h;

	if (!q)
		return PATTERN_DEAD;
	if (!x->seen[key]) {
		if (p->n == PATTERN_STATES)
			return -E2BIG;
		x->pair[p->n] = (uint32_t)key;
		x->seen[key] = (uint16_t)p->n++;
	}
	return x->seen[key];
}

static int multiply(const struct flat *language, const struct flat *head, struct pattern *p)
{
	_cleanup_free_ uint32_t *pair = calloc(PATTERN_STATES, sizeof(*pair));
	_cleanup_free_ uint16_t *seen = calloc(language->n * (head->n + 1), sizeof(*seen));
	struct product x = {.pair = pair, .seen = seen, .heads = head->n + 1};
	void *grown;

	p->next = calloc(PATTERN_STATES, sizeof(*p->next));
	p->flags = calloc(PATTERN_STATES, sizeof(*p->flags));
	if (!pair || !seen || !p->next || !p->flags)
		return -ENOMEM;
	p->n = PATTERN_START;
	product_state(&x, p, 1, 1);
	for (size_t s = PATTERN_START; s < p->n; s++) {
		size_t q = pair[s] / x.heads, h = pair[s] % x.heads;

		p->flags[s] = (uint8_t)((language->accepts[q] ? PATTERN_ACCEPT : 0) |
					(h == head->n ? PATTERN_COMMIT : 0));
		for (size_t b = 0; b < 256; b++) {
			size_t to = h == head->n ? h : head->next[h][b];
			int r;

			if (to < head->n && head->accepts[to])
				to = head->n;
			r = product_state(&x, p, language->next[q][b], to);
			if (r < 0)
				return r;
			p->next[s][b] = (uint16_t)r;
		}
	}
	/* nearly all have a few dozen states */
	grown = realloc(p->next, p->n * sizeof(*p->next));
	if (grown)
		p->next = grown;
	return 0;
}

/* Takes out what leads to no match: such a candidate is not live. */
static int trim(struct pattern *p)
{
	_cleanup_free_ bool *live = calloc(p->n, sizeof(*live));
	bool more = true;

	if (!live)
		return -ENOMEM;
	while (more) {
		more = false;
		for (size_t s = p->n - 1; s >= PATTERN_START; s--) {
			bool now = p->flags[s] & PATTERN_ACCEPT;

			for (size_t b = 0; b < 256 && !now; b++)
				now = p->next[s][b] && live[p->next[s][b]];
			if (now && !live[s])
				live[s] = more = true;
		}
	}
	for (size_t s = PATTERN_START; s < p->n; s++)
		for (size_t b = 0; b < 256; b++)
			if (!live[p->next[s][b]])
				p->next[s][b] = PATTERN_DEAD;
	return 0;
}

/* The longest way from each state over states that are not committed (or over all), by relaxing at
 * most n times: 0 when there is a loop. */
static size_t longest_way(const struct pattern *p, bool all)
{
	_cleanup_free_ size_t *way = calloc(p->n, sizeof(*way));
	bool more = true;

	for (size_t round = 0; way && more; round++) {
		if (round > p->n)
			return 0;
		more = false;
		for (size_t s = p->n - 1; s >= PATTERN_START; s--) {
			size_t most = 0;

			if (!all && (p->flags[s] & PATTERN_COMMIT))
				continue;
			for (size_t b = 0; b < 256; b++)
				if (p->next[s][b] && way[p->next[s][b]] + 1 > most)
					most = way[p->next[s][b]] + 1;
			if (most > way[s]) {
				way[s] = most;
				more = true;
			}
		}
	}
	return way ? way[PATTERN_START] : 0;
}

static size_t shortest_way(const struct pattern *p)
{
	_cleanup_free_ bool *now = calloc(p->n, sizeof(*now));
	_cleanup_free_ bool *then = calloc(p->n, sizeof(*then));

	if (!now || !then)
		return 0;
	now[PATTERN_START] = true;
	for (size_t len = 0; len < p->n; len++) {
		memset(then, 0, p->n);
		for (size_t s = PATTERN_START; s < p->n; s++) {
			if (!now[s])
				continue;
			if (p->flags[s] & PATTERN_ACCEPT)
				return len;
			for (size_t b = 0; b < 256; b++)
				then[p->next[s][b]] = true;
		}
		memcpy(now, then, p->n);
	}
	return 0;
}

/* A byte that starts every candidate and comes nowhere else in one: a younger candidate is then the
 * end of the older, and one register knows where the only live one started. */
static int lead_of(const struct pattern *p)
{
	int lead = -1;

	for (int b = 0; b < 256; b++) {
		if (!p->next[PATTERN_START][b])
			continue;
		if (lead >= 0)
			return -1;
		lead = b;
	}
	for (size_t s = PATTERN_START + 1; s < p->n; s++)
		if (lead >= 0 && p->next[s][lead])
			return -1;
	return lead;
}

static int pattern_bounds(const struct inline_detector *d, size_t index, struct pattern *p,
			  struct automaton_report *report)
{
	size_t loose = longest_way(p, false);

	p->shortest = shortest_way(p);
	p->longest = longest_way(p, true);
	p->lead = d->owns || d->at_end ? -1 : lead_of(p);
	if (!d->at_end && (!loose || loose > SCAN_LENGTH_MAX))
		return refuse(report, index, 0,
			      "what comes before the commit point must have a bound, and at most "
			      "250 bytes: {1,64} in place of + or *");
	p->commit = d->at_end ? p->longest : loose + d->back_max;
	if (!d->owns && !d->at_end && p->lead < 0 && (!p->longest || p->longest > SCAN_LENGTH_MAX))
		return refuse(report, index, 0,
			      "a match that has no bound, or more than 250 bytes, must own what "
			      "follows its commit point");
	if (d->check && p->lead < 0 && (!p->longest || p->longest > SCAN_LENGTH_MAX))
		return refuse(report, index, 0, "what is checked must have a bound");
	/* a check looks back over what the commit point may have let out, and not further */
	if (d->check && loose > SCAN_RECENT)
		return refuse(report, index, 0,
			      "the commit point of what is checked is 16 bytes at most");
	if (p->next[PATTERN_START]['*'])
		return refuse(report, index, 0, "a match may not begin with what masks it (*)");
	return 0;
}

int pattern_compile(const struct inline_detector *d, size_t index, struct pattern *ret,
		    struct automaton_report *report)
{
	_cleanup_fa_ struct fa *language = NULL;
	_cleanup_flat_ struct flat flat = {0}, head = {0};
	_cleanup_(pattern_free) struct pattern p = {0};
	int r;

	if (d->back_max > 255 || !d->back != !d->back_max)
		return refuse(report, index, 0,
			      "a match reaches back over 1 to 255 bytes of a set");
	r = pattern_language(d, index, &language, report);
	if (r == 0)
		r = flatten(language, index, &flat, report);
	if (r == 0)
		r = head_of(d, index, language, &head, report);
	if (r == 0)
		r = multiply(&flat, &head, &p);
	if (r == -E2BIG)
		return refuse(report, index, 0, "this alone has more than 4,095 states");
	if (r == 0)
		r = trim(&p);
	if (r == 0)
		r = pattern_bounds(d, index, &p, report);
	if (r == 0)
		r = read_set(d->before, "before", index, &p.before, report);
	if (r == 0)
		r = read_set(d->after, "after", index, &p.after, report);
	if (r == 0)
		r = read_set(d->back, "back", index, &p.back, report);
	if (r < 0)
		return r;
	for (size_t b = 0; d->back && b < 256; b++)
		p.before.has[b] |= !p.back.has[b];
	*ret = p;
	p = (struct pattern){0};
	return 0;
}

void pattern_free(struct pattern *p)
{
	free(p->next);
	free(p->flags);
	p->next = NULL;
	p->flags = NULL;
}
