// SPDX-License-Identifier: Apache-2.0
/* Scans one window of a text. A Hyperscan pass gives the places where a pattern can match; PCRE2
 * looks only there. */
#include "mask/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mask/apply.h"
#include "mask/dense.h"
#include "mask/shapes.h"
#include "mask/tail.h"
#include "mask/utf8.h"
#include "mask/views.h"

/* A value that went up to the end of a window, or what has been masked for a detector so far. */
struct open_value {
	uint64_t done; /* place in the text */
	bool open;
	size_t finding;
};

struct scan_state {
	size_t n; /* detectors */
	bool used;
	uint64_t run_open;	    /* a base64 run with a hit goes on here; 0: none */
	struct open_value values[]; /* by view and detector */
};

int scan_state_new(const struct mask_rules *rules, struct scan_state **ret)
{
	struct scan_state *s = calloc(1, sizeof(*s) + VIEW_MAX * rules->n * sizeof(s->values[0]));

	if (!s)
		return -ENOMEM;
	s->n = rules->n;
	*ret = s;
	return 0;
}

void scan_state_reset(struct scan_state *s)
{
	if (!s->used)
		return;
	memset(s->values, 0, VIEW_MAX * s->n * sizeof(s->values[0]));
	s->run_open = 0;
	s->used = false;
}

void scan_state_free(struct scan_state *s)
{
	free(s);
}

struct window scan_window_at(uint64_t block, uint64_t available, bool complete)
{
	uint64_t core = block * SCAN_BLOCK;
	uint64_t begin = core > SCAN_BEHIND ? core - SCAN_BEHIND : 0;
	struct window w = {.base = begin, .core = core - begin};

	w.last = complete && available - core <= SCAN_BLOCK + SCAN_AHEAD;
	w.len = w.last ? available - begin : w.core + SCAN_BLOCK + SCAN_AHEAD;
	w.core_end = w.last ? w.len : w.core + SCAN_BLOCK;
	return w;
}

struct scan {
	const struct mask_rules *rules;
	struct mask_rules *scratch; /* the same, for what it holds of scratch memory */
	struct scan_state *state;
	const struct window *w;
	struct findings *findings;
	enum view_kind kind;
	struct view view;
	size_t core;		  /* matches start no earlier in the view */
	size_t run_low, run_high; /* the run of base64 masked last */
};

static size_t source_of(const struct view *v, size_t i)
{
	return v->source ? v->source[i] : i;
}

/* The first byte of the view that came from text[at] or after. */
static size_t view_at(const struct view *v, size_t at)
{
	size_t low = 0, high = v->len;

	if (!v->source)
		return at < v->len ? at : v->len;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v->source[mid] < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct open_value *value_of(struct scan *s, size_t detector)
{
	return &s->state->values[(size_t)s->kind * s->state->n + detector];
}

static int list(struct scan *s, const struct detector *d, size_t low, size_t high, size_t from,
		size_t to, size_t *ret_index)
{
	*ret_index = SIZE_MAX;
	if (!s->findings)
		return 0;
	return findings_add(s->findings, s->rules, d, s->w->base + low, high - low,
			    s->view.bytes + from, to - from, ret_index);
}

/* A hit in a base64 run masks the run, from where this window can still change it. */
static int take_run_of(struct scan *s, const struct detector *d, size_t from, size_t to)
{
	const struct view_run *run = view_run_of(s->rules->views, from);
	size_t index;

	/* a run of a thousand addresses is masked once, not a thousand times */
	if (s->run_low == run->low && s->run_high == run->high)
		return 0;
	s->run_low = run->low;
	s->run_high = run->high;
	apply_run(s->w, run->low, run->high);
	s->state->used = true;
	if (run->high == s->w->len && !s->w->last)
		s->state->run_open = s->w->base + run->high;
	return list(s, d, run->low, run->high, from, to, &index);
}

/* A value at [from, to) of the view. ret_end is where it ends. */
static int take_value(struct scan *s, size_t detector, size_t from, size_t to, size_t *ret_end)
{
	const struct detector *d = &s->rules->all[detector].d;
	struct open_value *v = value_of(s, detector);
	bool open = false;
	size_t low, high;

	to = tail_extend(d->tail, s->view.bytes, s->view.len, to, false,
			 !s->w->last && s->kind != VIEW_BASE64, &open);
	*ret_end = to;
	if (to == from) /* a marker of a private key with no key after it */
		return 0;
	if (s->kind == VIEW_BASE64)
		return take_run_of(s, d, from, to);
	low = source_of(&s->view, from);
	high = source_of(&s->view, to);
	if (s->w->base + high <= v->done)
		return 0; /* seen as the end of a value of the window before */
	apply_mask(s->w, &s->view, from, to, d->style);
	s->state->used = true;
	v->done = s->w->base + high;
	v->open = open;
	return list(s, d, low, high, from, to, &v->finding);
}

/* Values of the window before that go on in this one. */
static void continue_values(struct scan *s)
{
	for (size_t i = 0; i < s->rules->n; i++) {
		const struct detector *d = &s->rules->all[i].d;
		struct open_value *v = value_of(s, i);
		size_t from, to, low, high;

		if (!v->open)
			continue;
		low = v->done > s->w->base ? (size_t)(v->done - s->w->base) : 0;
		from = view_at(&s->view, low);
		to = tail_extend(d->tail, s->view.bytes, s->view.len, from, true, !s->w->last,
				 &v->open);
		high = source_of(&s->view, to);
		apply_mask(s->w, &s->view, from, to, d->style);
		if (high > low) {
			v->done = s->w->base + high;
			if (s->findings && v->finding != SIZE_MAX)
				s->findings->all[v->finding].f.len += high - low;
		}
	}
}

/* Looks for matches of a detector that start before the end of an anchor. */
static int confirm(struct scan *s, size_t detector, size_t end, size_t *seen)
{
	const struct compiled *c = &s->rules->all[detector];
	const PCRE2_SIZE *o = pcre2_get_ovector_pointer(s->rules->match);
	size_t start = end > c->before ? end - c->before : 0;

	if (c->whole_window)
		start = 0;
	if (start < s->core)
		start = s->core;
	if (start < *seen)
		start = *seen;
	while (start < end) {
		size_t from, to, after, len, place;
		int n;

		pcre2_set_offset_limit(s->rules->limits, end - 1);
		n = pcre2_match(c->code, s->view.bytes, s->view.len, start, 0, s->rules->match,
				s->rules->limits);
		if (n == PCRE2_ERROR_NOMATCH)
			break;
		if (n < 0)
			return n == PCRE2_ERROR_NOMEMORY ? -ENOMEM : -EIO;
		from = o[0];
		to = o[1];
		start = from + 1;
		place = source_of(&s->view, from);
		if (place < s->w->core || place >= s->w->core_end)
			continue;
		if (c->group && (n < 2 || o[2] == PCRE2_UNSET))
			continue; /* a company's pattern whose group took no part */
		if (c->group) {
			from = o[2];
			to = o[3];
		}
		len = to - from;
		if (len || c->d.tail != TAIL_PEM) {
			len = c->d.validate(s->view.bytes + from, len);
			if (!len)
				continue;
		}
		after = from + len;
		n = take_value(s, detector, from, after, &after);
		if (n < 0)
			return n;
		if (after > start)
			start = after;
		*seen = start;
	}
	return 0;
}

struct pass {
	struct mask_rules *r;
	const struct view *view;
	size_t at; /* where in the view the pass began */
};

static int add_candidate(struct mask_rules *r, size_t detector, size_t end)
{
	if (r->n_candidates == r->cap_candidates) {
		size_t cap = r->cap_candidates ? r->cap_candidates * 2 : 256;
		struct candidate *new = reallocarray(r->candidates, cap, sizeof(*new));

		if (!new)
			return -ENOMEM;
		r->candidates = new;
		r->cap_candidates = cap;
	}
	r->candidates[r->n_candidates++] = (struct candidate){(uint32_t)detector, (uint32_t)end};
	return 0;
}

static int on_anchor(unsigned int id, unsigned long long from, unsigned long long to,
		     unsigned int flags, void *ctx)
{
	const struct pass *p = ctx;
	const struct detector *d = &p->r->all[id].d;

	if (d->screen && !d->screen(p->view->bytes, p->view->len, p->at + to))
		return 0;
	return add_candidate(p->r, id, p->at + to);
}

static int on_shape(void *ctx, enum number_shape shape, size_t end)
{
	struct mask_rules *r = ctx;
	int result = 0;

	for (size_t i = 0; i < r->n_shaped[shape] && !result; i++)
		result = add_candidate(r, r->shaped[shape][i], end);
	return result;
}

static int find_anchors(struct scan *s, const hs_database_t *db, size_t low, size_t high)
{
	struct pass p = {s->scratch, &s->view, low};
	hs_error_t e = hs_scan(db, (const char *)s->view.bytes + low, (unsigned int)(high - low), 0,
			       s->rules->scratch, on_anchor, &p);

	if (e == HS_SUCCESS)
		return 0;
	return e == HS_SCAN_TERMINATED || e == HS_NOMEM ? -ENOMEM : -EIO;
}

static int find_all_anchors(struct scan *s)
{
	size_t at = 0, low, high;
	int r = 0;

	s->scratch->n_candidates = 0;
	if (s->rules->db)
		r = find_anchors(s, s->rules->db, 0, s->view.len);
	while (!r && s->rules->any_number &&
	       dense_next(s->view.bytes, s->view.len, &at, &low, &high)) {
		if (s->rules->numbers)
			r = find_anchors(s, s->rules->numbers, low, high);
		if (!r && s->rules->any_shape)
			r = shapes_find(s->view.bytes, s->view.len, low, high, on_shape,
					s->scratch);
	}
	return r;
}

/* Hyperscan gives no promise about the order in which it reports. */
static int by_detector_and_end(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->detector != y->detector)
		return x->detector < y->detector ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

static int scan_view(struct scan *s)
{
	struct mask_rules *r = s->scratch;
	size_t seen = 0;
	int n;

	if (!s->view.len || !r->n)
		return 0;
	/* the phases of a base64 run lie one after the other: places do not rise from end to end */
	s->core = s->kind == VIEW_BASE64 ? 0 : view_at(&s->view, s->w->core);
	n = find_all_anchors(s);
	if (n < 0)
		return n;
	if (r->n_candidates > 1)
		qsort(r->candidates, r->n_candidates, sizeof(*r->candidates), by_detector_and_end);
	for (size_t i = 0; i < r->n_candidates; i++) {
		const struct candidate *c = &r->candidates[i];
		size_t end = r->all[c->detector].whole_window ? s->view.len : c->end;

		if (i && c->detector != c[-1].detector)
			seen = 0;
		n = confirm(s, c->detector, end, &seen);
		if (n < 0)
			return n;
	}
	return 0;
}

static void continue_run(struct scan *s)
{
	uint64_t open = s->state->run_open;
	size_t from, to;

	if (!open || open < s->w->base)
		return;
	from = (size_t)(open - s->w->base);
	to = view_run_end(s->w->text, s->w->len, from);
	apply_run(s->w, from, to);
	s->state->run_open = to == s->w->len && !s->w->last ? s->w->base + to : 0;
}

/* Leaves out the character that the end of a window cuts: masks go by whole characters. */
static struct window whole_characters(const struct window *w)
{
	struct window whole = *w;
	size_t k = w->len;

	while (k > 0 && w->len - k < 3 && utf8_continues(w->text[k - 1]))
		k--;
	if (!w->last && k > 0 && utf8_char(w->text + k - 1, w->len - (k - 1)) < 0)
		whole.len = k - 1;
	return whole;
}

int scan_window(const struct mask_rules *rules, struct scan_state *state,
		const struct window *window, struct findings *findings)
{
	const struct window whole = whole_characters(window), *w = &whole;
	struct scan s = {
		.rules = rules,
		.scratch = (struct mask_rules *)rules,
		.state = state,
		.w = w,
		.findings = findings,
	};
	struct views *views = rules->views;
	int r;

	for (s.kind = VIEW_PLAIN; s.kind < VIEW_MAX; s.kind++) {
		bool there = true;

		switch (s.kind) {
		case VIEW_JSON:
			there = view_json(views, w->text, w->len, &s.view);
			break;
		case VIEW_PERCENT:
			there = view_percent(views, w->text, w->len, &s.view);
			break;
		case VIEW_BASE64:
			continue_run(&s);
			there = view_base64(views, w->text, w->len, w->base > 0, &s.view);
			break;
		default:
			s.view = (struct view){w->text, w->len, NULL};
			break;
		}
		/* what began within an encoding goes on where there is no more of it */
		if (!there)
			s.view = (struct view){w->text, w->len, NULL};
		if (s.kind != VIEW_BASE64 && state->used)
			continue_values(&s);
		if (!there)
			continue;
		r = scan_view(&s);
		if (r < 0)
			return r;
	}
	return 0;
}
