/* SPDX-License-Identifier: Apache-2.0 */
/* A second scanner, slow and written from the definition: every candidate of every detector, each
 * walked with that detector's own automaton. No table, no classes, no filter, no ages; and it sees
 * the whole stream, where the real one has 32 bytes between buffers. */
#ifndef SCAN_REFERENCE_H
#define SCAN_REFERENCE_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/automaton_parts.h"

#define REFERENCE_MAX 4096 /* candidates at once, spans of a buffer */

struct reference {
	const struct inline_detector *list;
	struct pattern *patterns;
	size_t n;
};

struct candidate {
	size_t d, start;
	uint32_t q;
	bool owner;
};

struct match {
	size_t start, end, d;
	bool open;
};

struct reference_scan {
	const struct reference *r;
	const uint8_t *bytes;
	struct candidate live[REFERENCE_MAX];
	size_t n_live;
	struct match match[REFERENCE_MAX]; /* of this buffer */
	size_t n_match;
	bool masking;
};

static inline int reference_init(struct reference *r, const struct inline_detector *list, size_t n)
{
	struct automaton_report report = {0};
	int ret = 0;

	r->list = list;
	r->n = n;
	r->patterns = calloc(n, sizeof(*r->patterns));
	for (size_t i = 0; i < n && ret == 0; i++)
		ret = pattern_compile(&list[i], i, &r->patterns[i], &report);
	automaton_report_free(&report);
	return ret;
}

static inline void reference_free(struct reference *r)
{
	for (size_t i = 0; i < r->n; i++)
		pattern_free(&r->patterns[i]);
	free(r->patterns);
}

/* The checks, as the standards have them and not as the scanner computes them. */
static inline bool reference_check(enum scan_check check, const uint8_t *s, size_t n)
{
	unsigned int digit[512], sum = 0, k = 0, rest = 0, m = 0;
	uint8_t plain[512];

	for (size_t i = 0; i < n && i < sizeof(plain); i++) {
		bool is_digit = s[i] >= '0' && s[i] <= '9';

		if (is_digit)
			digit[k++] = s[i] - '0';
		if (is_digit || (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= 'a' && s[i] <= 'z'))
			plain[m++] = s[i] >= 'a' ? (uint8_t)(s[i] - 32) : s[i];
	}
	if (check == SCAN_CHECK_DIGITS)
		return k >= 8 && k <= 15;
	if (check == SCAN_CHECK_MOD97) {
		for (unsigned int i = 0; i < m; i++) {
			uint8_t c = plain[(i + 4) % m];

			if (c <= '9')
				rest = (rest * 10 + (c - '0')) % 97;
			else
				rest = (rest * 100 + c + 10u - 'A') % 97;
		}
		return m > 4 && rest == 1;
	}
	for (unsigned int i = 0; i < k; i++) {
		unsigned int d = digit[k - 1 - i] * (i & 1 ? 2 : 1);

		sum += d > 9 ? d - 9 : d;
	}
	if (k < 2 || sum % 10)
		return false;
	if (check == SCAN_CHECK_LUHN)
		return true;
	rest = digit[0] * 10 + digit[1];
	return k == 16	 ? rest / 10 >= 4 || rest == 35 || (rest >= 22 && rest <= 27)
	       : k == 19 ? rest / 10 == 4 || rest / 10 == 6
	       : k == 15 ? rest == 34 || rest == 37
	       : k == 14 ? rest == 30 || rest == 36 || rest == 38 || rest == 39
			 : false;
}

/* A stretch of this buffer (which begins at `from`) that is masked. */
static inline void reference_take(struct reference_scan *x, size_t from, size_t d, size_t start,
				  size_t end, bool open)
{
	const struct pattern *p = &x->r->patterns[d];

	if (start < from) {
		start = from;
	} else {
		for (size_t i = 0; i < x->r->list[d].back_max && start > from; i++, start--)
			if (!p->back.has[x->bytes[start - 1]])
				break;
	}
	if (end <= start)
		return;
	if (x->n_match == REFERENCE_MAX)
		abort();
	x->match[x->n_match++] = (struct match){start, end, d, open};
}

static inline void reference_byte(struct reference_scan *x, size_t from, size_t at)
{
	const struct reference *r = x->r;
	uint8_t b = x->bytes[at];
	bool owned = false;
	size_t n = 0, oldest = SIZE_MAX;

	for (size_t i = 0; i < x->n_live; i++) {
		struct candidate c = x->live[i];
		const struct pattern *p = &r->patterns[c.d];

		if ((p->flags[c.q] & PATTERN_ACCEPT) && !p->after.has[b] &&
		    !(c.start < from && x->masking) &&
		    (!r->list[c.d].check ||
		     reference_check(r->list[c.d].check, x->bytes + c.start, at - c.start)))
			reference_take(x, from, c.d, c.start, at, false);
		c.q = p->next[c.q][b];
		if (!c.q)
			continue;
		owned |= c.owner;
		x->live[n++] = c;
	}
	x->n_live = n;
	for (size_t d = 0; d < r->n && !owned; d++) {
		const struct pattern *p = &r->patterns[d];

		if (!p->next[PATTERN_START][b] ||
		    (at ? p->before.has[x->bytes[at - 1]] : p->back.any))
			continue;
		if (x->n_live == REFERENCE_MAX)
			abort();
		x->live[x->n_live++] = (struct candidate){d, at, p->next[PATTERN_START][b], false};
	}
	/* the first to pass its commit point owns what follows */
	for (size_t i = 0; i < x->n_live; i++) {
		struct candidate *c = &x->live[i];

		if (r->list[c->d].owns && !c->owner && c->start < oldest &&
		    (r->patterns[c->d].flags[c->q] & PATTERN_COMMIT))
			oldest = c->start;
	}
	for (size_t i = n = 0; i < x->n_live && oldest != SIZE_MAX; i++) {
		struct candidate c = x->live[i];

		if (c.start != oldest)
			continue;
		if (r->list[c.d].owns && (r->patterns[c.d].flags[c.q] & PATTERN_COMMIT))
			c.owner = true;
		x->live[n++] = c;
	}
	if (oldest != SIZE_MAX)
		x->n_live = n;
	for (size_t i = 0; i < x->n_live && x->masking; i++) {
		struct candidate *c = &x->live[i];

		if (c->start < from && r->patterns[c->d].flags[c->q]) {
			reference_take(x, from, c->d, from, at + 1, false);
			break;
		}
	}
}

/* Scans bytes [from, to) of the stream as one buffer; x keeps what goes on. Marks what is masked.
 */
static inline void reference_buffer(struct reference_scan *x, size_t from, size_t to, bool *masked)
{
	bool open = false;

	if (from == to)
		return;
	x->n_match = 0;
	for (size_t at = from; at < to; at++)
		reference_byte(x, from, at);
	for (size_t i = 0; i < x->n_live; i++) {
		struct candidate *c = &x->live[i];

		if (!x->r->patterns[c->d].flags[c->q])
			continue;
		open = true;
		reference_take(x, from, c->d, c->start, to, true);
	}
	x->masking = open;
	for (size_t i = 0; i < x->n_match; i++)
		for (size_t k = x->match[i].start; k < x->match[i].end; k++)
			masked[k] = true;
}

/* The spans that the matches of a buffer make, sorted by their start. */
static inline size_t reference_spans(const struct reference_scan *x, struct match *ret)
{
	bool used[REFERENCE_MAX] = {0};
	size_t n = 0;

	for (;;) {
		struct match run = {SIZE_MAX, 0, 0, false};
		const struct match *name = NULL;
		bool grown = true;

		for (size_t i = 0; i < x->n_match; i++)
			if (!used[i] && x->match[i].start < run.start)
				run.start = x->match[i].start;
		if (run.start == SIZE_MAX)
			return n;
		run.end = run.start + 1;
		while (grown) {
			grown = false;
			for (size_t i = 0; i < x->n_match; i++) {
				const struct match *m = &x->match[i];

				if (used[i] || m->start >= run.end || m->end <= run.start)
					continue;
				used[i] = grown = true;
				if (m->end > run.end)
					run.end = m->end;
				if (!name || m->start < name->start ||
				    (m->start == name->start && m->end > name->end) ||
				    (m->start == name->start && m->end == name->end &&
				     m->d < name->d))
					name = m;
			}
		}
		run.d = name ? name->d : 0;
		ret[n++] = run;
	}
}

#endif
