// SPDX-License-Identifier: Apache-2.0
/* Makes the search automaton minimal: states that say the same and lead to states that say the
 * same, for ever, are one (Moore's partition, refined until it holds). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/automaton_parts.h"

struct partition {
	uint32_t *part, *refined; /* by state */
	size_t n;		  /* parts */
	uint32_t *hash;		  /* a state + 1 of each part, by its signature */
	size_t mask;
};

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 29;
}

static uint64_t label_of(const struct search_state *s)
{
	return (uint64_t)s->matches << 40 | (uint64_t)s->open << 20 | (uint64_t)s->own << 10 |
	       (uint64_t)s->lead << 2 | s->idle;
}

/* Whether two states of one part stay in one: all transitions lead to the same parts. */
static bool alike(const struct search *s, const struct partition *p, size_t a, size_t b)
{
	if (p->part[a] != p->part[b])
		return false;
	for (size_t c = 0; c < s->classes; c++)
		if (p->part[s->next[a * s->classes + c]] != p->part[s->next[b * s->classes + c]])
			return false;
	return true;
}

static size_t refine(const struct search *s, struct partition *p, bool first)
{
	size_t n = 0;

	memset(p->hash, 0, (p->mask + 1) * sizeof(*p->hash));
	for (size_t i = 0; i < s->n; i++) {
		uint64_t h = first ? mix(0, label_of(&s->state[i])) : mix(0, p->part[i]);
		size_t at;

		for (size_t c = 0; !first && c < s->classes; c++)
			h = mix(h, p->part[s->next[i * s->classes + c]]);
		for (at = (h ^ h >> 32) & p->mask; p->hash[at]; at = (at + 1) & p->mask) {
			size_t other = p->hash[at] - 1;

			if (first ? label_of(&s->state[i]) == label_of(&s->state[other])
				  : alike(s, p, i, other))
				break;
		}
		if (!p->hash[at]) {
			p->hash[at] = (uint32_t)i + 1;
			p->refined[i] = (uint32_t)n++;
		} else {
			p->refined[i] = p->refined[p->hash[at] - 1];
		}
	}
	memcpy(p->part, p->refined, s->n * sizeof(*p->part));
	return n;
}

int search_minimise(struct search *s)
{
	_cleanup_free_ uint32_t *part = calloc(s->n, sizeof(*part));
	_cleanup_free_ uint32_t *refined = calloc(s->n, sizeof(*refined));
	_cleanup_free_ uint32_t *hash = NULL;
	struct partition p = {.part = part, .refined = refined, .mask = 4095};
	size_t n = 0, now;

	while (p.mask < 2 * s->n)
		p.mask = 2 * p.mask + 1;
	p.hash = hash = calloc(p.mask + 1, sizeof(*hash));
	if (!part || !refined || !hash)
		return -ENOMEM;
	for (now = refine(s, &p, true); now != n; now = refine(s, &p, false))
		n = now;
	/* parts are numbered in the order of their first state, so what is written was read */
	for (size_t i = 0, made = 0; i < s->n; i++) {
		if (part[i] != made)
			continue;
		s->state[made] = s->state[i];
		for (size_t c = 0; c < s->classes; c++)
			s->next[made * s->classes + c] = part[s->next[i * s->classes + c]];
		made++;
	}
	for (size_t c = 0; c < 256; c++)
		s->resume[c] = part[s->resume[c]];
	s->n = n;
	return 0;
}
