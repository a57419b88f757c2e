// SPDX-License-Identifier: Apache-2.0
/* The search automaton: all detectors at once, a candidate of each started at every byte, by the
 * subset construction. A state is the set of live candidates, each with its age where the age tells
 * where it started, and what was complete just before. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/automaton_parts.h"

#define THREADS_MAX 512 /* live candidates of one state */
#define KEY_MAX	    (THREADS_MAX + SCAN_LIST_MAX + 4)

/* A live candidate. The age is bytes, SCAN_AGE_OWNER or SCAN_AGE_MARK. */
#define THREAD(d, age, q) ((uint32_t)(d) << 24 | (uint32_t)(age) << 16 | (uint32_t)(q))
#define DETECTOR_OF(t)	  ((t) >> 24)
#define AGE_OF(t)	  ((t) >> 16 & 255)
#define STATE_OF(t)	  ((t)&0xffff)

/* What a state is known by: context, own, lead, matches, threads. */
struct set {
	uint32_t context; /* which bytes went before; see contexts_find */
	uint32_t own, lead;
	size_t n_matches, n;
	uint32_t match[SCAN_LIST_MAX]; /* detector << 8 | age */
	uint32_t thread[THREADS_MAX];
};

struct build {
	const struct inline_detector *list;
	const struct pattern *patterns;
	size_t n, limit;
	struct search *s;
	/* keys of all states, one after the other; where each begins */
	uint32_t *keys;
	size_t n_keys, room_keys;
	size_t *key_at;
	uint32_t *hash; /* state + 1 */
	size_t hash_mask;
	/* context -> who may not start; the last one: nothing went before */
	bool (*blocked)[SCAN_DETECTORS_MAX];
	size_t n_contexts;
	uint32_t context_of[256]; /* by class */
	struct automaton_report *report;
};

/* ---- classes -------------------------------------------------------------------------------- */

/* Splits classes by a value that bytes have. */
static void split(struct search *s, const uint16_t value[256])
{
	uint8_t made[256];
	size_t n = 0;

	for (size_t b = 0; b < 256; b++) {
		size_t c;

		for (c = 0; c < b; c++)
			if (s->class_of[c] == s->class_of[b] && value[c] == value[b])
				break;
		made[b] = c < b ? made[c] : (uint8_t)n++;
	}
	if (n == s->classes)
		return;
	memcpy(s->class_of, made, sizeof(made));
	s->classes = n;
}

static void classes_find(struct build *b)
{
	struct search *s = b->s;

	s->classes = 1;
	for (size_t d = 0; d < b->n; d++) {
		const struct pattern *p = &b->patterns[d];
		uint16_t beside[256];

		for (size_t c = 0; c < 256; c++)
			beside[c] = (uint16_t)(p->before.has[c] | p->after.has[c] << 1);
		split(s, beside);
		for (size_t q = PATTERN_START; q < p->n && s->classes < 256; q++)
			split(s, p->next[q]);
	}
	for (int c = 255; c >= 0; c--)
		s->class_byte[s->class_of[c]] = (uint8_t)c;
}

/* Bytes after which the same detectors may start are one context. */
static int contexts_find(struct build *b)
{
	struct search *s = b->s;

	b->blocked = calloc(s->classes + 1, sizeof(*b->blocked));
	if (!b->blocked)
		return -ENOMEM;
	for (size_t c = 0; c <= s->classes; c++) {
		bool *row = b->blocked[b->n_contexts];
		size_t same;

		for (size_t d = 0; d < b->n; d++)
			row[d] = c < s->classes ? b->patterns[d].before.has[s->class_byte[c]]
						: b->patterns[d].back.any;
		for (same = 0; same < b->n_contexts; same++)
			if (memcmp(b->blocked[same], row, sizeof(*b->blocked)) == 0)
				break;
		if (c < s->classes)
			b->context_of[c] = (uint32_t)same;
		/* the beginning of a stream has one of its own: it is state 0 */
		if (c == s->classes || same == b->n_contexts)
			b->n_contexts++;
	}
	return 0;
}

static int crowded(struct build *b, size_t d, const char *what)
{
	return finding_add(b->report, AUTOMATON_ERROR, d, 0, "%s", what) < 0 ? -ENOMEM : -EINVAL;
}

/* A detector that commits at its end, and may start at this byte. */
static bool starts_at(const struct build *b, int byte, size_t *ret)
{
	for (size_t d = 0; d < b->n; d++)
		if (b->list[d].at_end && b->patterns[d].next[PATTERN_START][byte]) {
			*ret = d;
			return true;
		}
	return false;
}

/* Registers for those that have a byte of their own in front. Those that commit at their end share
 * the first one: it has where the oldest of their live candidates started, so a match may be told
 * to begin at one that broke off since. For words that are no secret that is too much by little,
 * and ages would multiply the states. A state can set one register. */
static int marks_find(struct build *b)
{
	int lead[SCAN_MARKS] = {-1};
	size_t shared = 0, n;

	for (size_t d = 0; d < b->n; d++)
		shared |= b->list[d].at_end;
	n = shared;
	for (size_t d = 0; d < b->n; d++) {
		const struct pattern *p = &b->patterns[d];
		size_t i, other;

		b->s->mark[d] = b->list[d].at_end ? 0 : SCAN_MARKS;
		if (b->list[d].at_end || p->lead < 0)
			continue;
		if (starts_at(b, p->lead, &other)) {
			if (!p->longest || p->longest > SCAN_LENGTH_MAX)
				return crowded(b, other,
					       "may not begin with a byte that begins every match "
					       "of a detector whose matches have no bound");
			continue; /* by its age */
		}
		for (i = shared; i < n && lead[i] != p->lead; i++)
			;
		if (i == SCAN_MARKS)
			continue;
		if (i == n)
			lead[n++] = p->lead;
		b->s->mark[d] = (uint8_t)i;
	}
	return 0;
}

/* ---- states --------------------------------------------------------------------------------- */

static uint64_t key_hash(const uint32_t *key, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < len; i++)
		h = (h ^ key[i]) * 0x9e3779b97f4a7c15ULL ^ h >> 29;
	return h ^ h >> 32;
}

static int compare_threads(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int list_add(struct build *b, const uint32_t *pairs, size_t n, uint32_t *ret)
{
	struct search *s = b->s;
	struct scan_entry *grown;

	*ret = 0;
	if (!n)
		return 0;
	for (size_t at = 1; at + n <= s->n_entries; at++) {
		size_t i;

		for (i = 0; i < n; i++)
			if (s->entries[at + i].detector != pairs[i] >> 8 ||
			    s->entries[at + i].age != (pairs[i] & 255) ||
			    s->entries[at + i].more != (i + 1 < n))
				break;
		if (i == n) {
			*ret = (uint32_t)at;
			return 0;
		}
	}
	grown = realloc(s->entries, (s->n_entries + n) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	s->entries = grown;
	*ret = (uint32_t)s->n_entries;
	for (size_t i = 0; i < n; i++)
		s->entries[s->n_entries++] = (struct scan_entry){
			.detector = (uint8_t)(pairs[i] >> 8),
			.age = (uint8_t)pairs[i],
			.more = i + 1 < n,
		};
	return 0;
}

/* What is open in a set: of those that an age tells about, the oldest alone; it covers the others.
 * A complete match counts, though its commit point may lie behind its end. */
static int open_list(struct build *b, const struct set *set, uint32_t *ret)
{
	uint32_t pairs[SCAN_LIST_MAX];
	uint32_t oldest = 0, owner = UINT32_MAX;
	size_t n = 0, oldest_at = SIZE_MAX;

	for (size_t i = 0; i < set->n; i++) {
		uint32_t t = set->thread[i], age = AGE_OF(t);

		if (!b->patterns[DETECTOR_OF(t)].flags[STATE_OF(t)])
			continue;
		if (age == SCAN_AGE_OWNER && owner == DETECTOR_OF(t))
			continue;
		if (age == SCAN_AGE_MARK && n && pairs[n - 1] == (DETECTOR_OF(t) << 8 | age))
			continue;
		if (age != SCAN_AGE_OWNER && age != SCAN_AGE_MARK) {
			if (age <= oldest)
				continue;
			oldest = age;
			if (oldest_at != SIZE_MAX) {
				pairs[oldest_at] = DETECTOR_OF(t) << 8 | age;
				continue;
			}
			oldest_at = n;
		}
		if (age == SCAN_AGE_OWNER)
			owner = DETECTOR_OF(t);
		if (n == SCAN_LIST_MAX)
			return finding_add(b->report, AUTOMATON_ERROR, DETECTOR_OF(t), 0,
					   "more than 16 detectors are open at once") < 0
				       ? -ENOMEM
				       : -EINVAL;
		pairs[n++] = DETECTOR_OF(t) << 8 | age;
	}
	return list_add(b, pairs, n, ret);
}

static int state_label(struct build *b, const struct set *set, struct search_state *ret)
{
	bool seen[SCAN_DETECTORS_MAX] = {0};
	int r = list_add(b, set->match, set->n_matches, &ret->matches);

	if (r == 0)
		r = open_list(b, set, &ret->open);
	if (r < 0)
		return r;
	ret->own = (uint8_t)set->own;
	ret->lead = (uint8_t)set->lead;
	ret->idle = !set->n && !set->n_matches;
	for (size_t i = 0; i < set->n; i++) {
		size_t d = DETECTOR_OF(set->thread[i]);

		if (!seen[d])
			b->s->crowd[d]++;
		seen[d] = true;
	}
	return 0;
}

static int rehash(struct build *b)
{
	size_t room = b->hash_mask ? 2 * (b->hash_mask + 1) : 4096;
	uint32_t *grown = calloc(room, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	free(b->hash);
	b->hash = grown;
	b->hash_mask = room - 1;
	for (size_t i = 0; i < b->s->n; i++) {
		const uint32_t *key = b->keys + b->key_at[i];
		size_t at = key_hash(key + 1, key[0]) & b->hash_mask;

		while (grown[at])
			at = (at + 1) & b->hash_mask;
		grown[at] = (uint32_t)i + 1;
	}
	return 0;
}

static int room_for_state(struct build *b)
{
	struct search *s = b->s;
	size_t n = s->n;

	if (n && (n & (n - 1)))
		return 0;
	n = n ? 2 * n : 1;
	s->next = realloc(s->next, n * s->classes * sizeof(*s->next));
	s->state = realloc(s->state, n * sizeof(*s->state));
	b->key_at = realloc(b->key_at, n * sizeof(*b->key_at));
	return s->next && s->state && b->key_at ? 0 : -ENOMEM;
}

/* The number of the state with this set; a new one when there is none. */
static int state_of(struct build *b, struct set *set, uint32_t *ret)
{
	uint32_t key[KEY_MAX];
	size_t len = 0, at;
	int r;

	qsort(set->thread, set->n, sizeof(*set->thread), compare_threads);
	qsort(set->match, set->n_matches, sizeof(*set->match), compare_threads);
	key[len++] = set->context;
	key[len++] = set->own << 16 | set->lead << 8 | (uint32_t)set->n_matches;
	memcpy(key + len, set->match, set->n_matches * sizeof(*key));
	len += set->n_matches;
	memcpy(key + len, set->thread, set->n * sizeof(*key));
	len += set->n;
	if (2 * b->s->n >= b->hash_mask) {
		r = rehash(b);
		if (r < 0)
			return r;
	}
	for (at = key_hash(key, len) & b->hash_mask; b->hash[at]; at = (at + 1) & b->hash_mask) {
		const uint32_t *other = b->keys + b->key_at[b->hash[at] - 1];

		if (other[0] == len && memcmp(other + 1, key, len * sizeof(*key)) == 0) {
			*ret = b->hash[at] - 1;
			return 0;
		}
	}
	if (b->s->n == b->limit)
		return -E2BIG;
	if (b->n_keys + len + 1 > b->room_keys) {
		size_t room = 2 * b->room_keys + KEY_MAX + 1;
		uint32_t *grown = realloc(b->keys, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		b->keys = grown;
		b->room_keys = room;
	}
	r = room_for_state(b);
	if (r < 0)
		return r;
	memset(&b->s->state[b->s->n], 0, sizeof(*b->s->state));
	r = state_label(b, set, &b->s->state[b->s->n]);
	if (r < 0)
		return r;
	b->key_at[b->s->n] = b->n_keys;
	b->keys[b->n_keys++] = (uint32_t)len;
	memcpy(b->keys + b->n_keys, key, len * sizeof(*key));
	b->n_keys += len;
	b->hash[at] = (uint32_t)b->s->n + 1;
	*ret = (uint32_t)b->s->n++;
	return 0;
}

static void state_set(const struct build *b, size_t state, struct set *ret)
{
	const uint32_t *key = b->keys + b->key_at[state];
	size_t n_matches = key[2] & 255;

	ret->context = key[1];
	ret->own = ret->lead = 0;
	ret->n_matches = 0;
	ret->n = key[0] - 2 - n_matches;
	memcpy(ret->thread, key + 3 + n_matches, ret->n * sizeof(*ret->thread));
}

/* ---- one step ------------------------------------------------------------------------------- */

static int add_thread(struct build *b, struct set *set, size_t d, uint32_t age, uint32_t q)
{
	/* of two in one state the older covers the younger, unless a check may refuse one alone */
	for (size_t i = 0; i < set->n; i++) {
		uint32_t t = set->thread[i];

		if (DETECTOR_OF(t) != d || STATE_OF(t) != q)
			continue;
		if (AGE_OF(t) == age || AGE_OF(t) == SCAN_AGE_OWNER)
			return 0;
		if (b->list[d].check || age == SCAN_AGE_OWNER)
			continue;
		if (age > AGE_OF(t))
			set->thread[i] = THREAD(d, age, q);
		return 0;
	}
	if (set->n == THREADS_MAX)
		return crowded(b, d, "more than 512 candidates are live at once");
	set->thread[set->n++] = THREAD(d, age, q);
	return 0;
}

static int add_match(struct build *b, struct set *set, size_t d, uint32_t age)
{
	uint32_t match = (uint32_t)d << 8 | age;

	for (size_t i = 0; i < set->n_matches; i++) {
		uint32_t m = set->match[i], old = m & 255;

		if (m == match)
			return 0;
		/* that of the older one takes this in */
		if (m >> 8 == d && !b->list[d].check && age != SCAN_AGE_OWNER &&
		    old != SCAN_AGE_OWNER) {
			if (age > old)
				set->match[i] = match;
			return 0;
		}
	}
	if (set->n_matches == SCAN_LIST_MAX)
		return crowded(b, d, "more than 16 matches end at once");
	set->match[set->n_matches++] = match;
	return 0;
}

/* Past its commit point the owner is alone: of the others those stay that started with it. Of two
 * that commit with one byte, the one that started first. */
static void settle_owner(struct build *b, struct set *set, bool owned)
{
	uint32_t age = 0;
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++) {
		uint32_t t = set->thread[i], a = AGE_OF(t);

		if (a != SCAN_AGE_OWNER && a != SCAN_AGE_MARK && a > age &&
		    b->list[DETECTOR_OF(t)].owns &&
		    (b->patterns[DETECTOR_OF(t)].flags[STATE_OF(t)] & PATTERN_COMMIT))
			age = a;
	}
	if (!age)
		return;
	for (size_t i = 0; i < set->n; i++) {
		uint32_t t = set->thread[i], d = DETECTOR_OF(t), q = STATE_OF(t);

		if (AGE_OF(t) == age && b->list[d].owns &&
		    (b->patterns[d].flags[q] & PATTERN_COMMIT))
			t = THREAD(d, SCAN_AGE_OWNER, q);
		else if (AGE_OF(t) != age && AGE_OF(t) != SCAN_AGE_OWNER)
			continue;
		set->thread[n++] = t;
	}
	set->n = n;
	if (!owned)
		set->own = age;
}

static bool lives_on(const struct set *set, size_t d, uint32_t q)
{
	for (size_t i = 0; i < set->n; i++)
		if (DETECTOR_OF(set->thread[i]) == d && STATE_OF(set->thread[i]) == q)
			return true;
	return false;
}

/* What was complete before this byte is told when it is not longer by it; where a longer one may
 * yet be refused, for what comes behind it or by a check, in any case. */
static int tell_matches(struct build *b, const struct set *from, uint8_t byte, struct set *to)
{
	int r = 0;

	for (size_t i = 0; i < from->n && r == 0; i++) {
		uint32_t t = from->thread[i], d = DETECTOR_OF(t), q = STATE_OF(t);
		const struct pattern *p = &b->patterns[d];
		uint32_t next = p->next[q][byte];

		if (!(p->flags[q] & PATTERN_ACCEPT) || p->after.has[byte])
			continue;
		if (p->after.any || b->list[d].check || !(p->flags[next] & PATTERN_ACCEPT) ||
		    !lives_on(to, d, next))
			r = add_match(b, to, d, AGE_OF(t));
	}
	return r;
}

static int step(struct build *b, const struct set *from, size_t class, struct set *to)
{
	uint8_t byte = b->s->class_byte[class];
	bool owned = false, live = false;
	int r = 0;

	to->context = b->context_of[class];
	to->own = to->lead = 0;
	to->n_matches = to->n = 0;
	for (size_t i = 0; i < from->n && r == 0; i++) {
		uint32_t t = from->thread[i], d = DETECTOR_OF(t), q = STATE_OF(t), age = AGE_OF(t);
		const struct pattern *p = &b->patterns[d];
		uint32_t next = p->next[q][byte];

		if (!next)
			continue;
		if (age != SCAN_AGE_OWNER && age != SCAN_AGE_MARK && ++age > SCAN_LENGTH_MAX)
			return crowded(b, d, "a candidate has more than 250 bytes");
		owned |= age == SCAN_AGE_OWNER;
		live |= b->list[d].at_end;
		r = add_thread(b, to, d, age, next);
	}
	for (size_t d = 0; d < b->n && r == 0 && !owned; d++) {
		uint32_t q = b->patterns[d].next[PATTERN_START][byte];
		bool mark = b->s->mark[d] < SCAN_MARKS;

		if (!q || b->blocked[from->context][d])
			continue;
		if (mark && !(b->list[d].at_end && live))
			to->lead = b->s->mark[d] + 1u;
		r = add_thread(b, to, d, mark ? SCAN_AGE_MARK : 1, q);
	}
	if (r != 0)
		return r;
	settle_owner(b, to, owned);
	return tell_matches(b, from, byte, to);
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* All idle states first, so that 0 is the beginning of a stream. */
static int seed(struct build *b, struct set *set)
{
	uint32_t state;
	int r;

	memset(set, 0, sizeof(*set));
	set->context = (uint32_t)b->n_contexts - 1;
	r = state_of(b, set, &state);
	for (size_t c = 0; c < 256 && r == 0; c++) {
		set->n = set->n_matches = 0;
		set->context = b->context_of[b->s->class_of[c]];
		r = state_of(b, set, &b->s->resume[c]);
	}
	return r;
}

int search_build(const struct inline_detector *list, const struct pattern *patterns, size_t n,
		 size_t limit, struct search *ret, struct automaton_report *report)
{
	struct build b = {
		.list = list,
		.patterns = patterns,
		.n = n,
		.limit = limit,
		.s = ret,
		.report = report,
	};
	_cleanup_free_ struct set *from = calloc(1, sizeof(*from)), *to = calloc(1, sizeof(*to));
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->entries = calloc(1, sizeof(*ret->entries));
	ret->n_entries = 1;
	if (!from || !to || !ret->entries)
		return -ENOMEM;
	classes_find(&b);
	r = marks_find(&b);
	if (r == 0)
		r = contexts_find(&b);
	if (r == 0)
		r = seed(&b, to);
	for (size_t i = 0; r == 0 && i < ret->n; i++) {
		for (size_t c = 0; r == 0 && c < ret->classes; c++) {
			uint32_t next;

			state_set(&b, i, from);
			r = step(&b, from, c, to);
			if (r == 0)
				r = state_of(&b, to, &next);
			if (r == 0)
				ret->next[i * ret->classes + c] = next;
		}
	}
	free(b.keys);
	free(b.key_at);
	free(b.hash);
	free(b.blocked);
	return r;
}

void search_free(struct search *s)
{
	free(s->next);
	free(s->state);
	free(s->entries);
	memset(s, 0, sizeof(*s));
}
