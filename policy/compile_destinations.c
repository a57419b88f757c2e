// SPDX-License-Identifier: Apache-2.0
/* Destination rules into the longest-prefix tables, of addresses and of names, and their sets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "policy/array.h"
#include "policy/compile.h"
#include "policy/walk.h"

struct dest_compile {
	struct compile *c;
	struct walk_entry *entries;
	size_t n_entries;
	/* addresses by name */
	const struct policy_addresses **by_name;
	size_t n_by_name;
	/* sets by content: index of each, 0 free; a power of two, at most half full */
	uint32_t *slots;
	size_t n_slots;
};

/* ---- entries -----------------------------------------------------------------------------------
 */

static int dest_compare_addresses(const void *a, const void *b)
{
	const struct policy_addresses *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int dest_index_addresses(struct dest_compile *d)
{
	d->by_name = calloc(d->c->n_addresses + 1, sizeof(*d->by_name));
	if (!d->by_name)
		return -ENOMEM;
	for (size_t i = 0; i < d->c->n_addresses; i++)
		d->by_name[d->n_by_name++] = &d->c->addresses[i];
	qsort(d->by_name, d->n_by_name, sizeof(*d->by_name), dest_compare_addresses);
	return 0;
}

/* The first of the addresses of a name. */
static size_t dest_find_name(const struct dest_compile *d, const char *name)
{
	size_t low = 0, high = d->n_by_name;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(d->by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A model endpoint's addresses: closed also to who asked no name server. */
static int dest_add_name(struct dest_compile *d, const struct policy_destination *rule,
			 uint32_t index)
{
	for (size_t i = dest_find_name(d, rule->name);
	     i < d->n_by_name && strcmp(d->by_name[i]->name, rule->name) == 0; i++) {
		const struct policy_addresses *a = d->by_name[i];

		for (size_t j = 0; j < a->n; j++) {
			struct prefix prefix = {.family = a->addresses[j].family};
			int r;

			memcpy(prefix.address, a->addresses[j].address, sizeof(prefix.address));
			if (prefix.family != AF_INET && prefix.family != AF_INET6)
				continue;
			address_canonicalise(&prefix.family, prefix.address);
			prefix.len = prefix.family == AF_INET ? 32 : 128;
			if (address_is_local(prefix.family, prefix.address))
				continue;
			r = walk_expand(rule, index, d->c->first_destination + index, &prefix,
					&d->entries, &d->n_entries);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int dest_collect(struct dest_compile *d)
{
	const struct policy *policy = d->c->policy;
	int r = dest_index_addresses(d);

	for (uint32_t i = 0; r == 0 && i < policy->n_destinations; i++) {
		const struct policy_destination *rule = &policy->destinations[i];
		struct prefix prefix = {.family = rule->family, .len = rule->prefix_len};

		if (rule->target == POLICY_TARGET_NAME) {
			r = walk_expand(rule, i, d->c->first_destination + i, NULL, &d->entries,
					&d->n_entries);
			if (r == 0 && rule->effect == DEST_MODEL &&
			    !address_is_wildcard(rule->name))
				r = dest_add_name(d, rule, i);
			continue;
		}
		memcpy(prefix.address, rule->address, sizeof(prefix.address));
		r = walk_expand(rule, i, d->c->first_destination + i, &prefix, &d->entries,
				&d->n_entries);
	}
	for (size_t i = 0; r == 0 && i < policy->n_resolvers; i++)
		r = walk_expand_resolver(&policy->resolvers[i], d->c->first_resolver + (uint32_t)i,
					 !policy->refuse_unlisted_names, &d->entries,
					 &d->n_entries);
	return r;
}

/* ---- sets --------------------------------------------------------------------------------------
 */

/* FNV-1a over the rules in use. */
static uint64_t dest_hash(const struct dest_set *set)
{
	const uint8_t *p = (const uint8_t *)set->rules;
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < set->n * sizeof(set->rules[0]); i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h;
}

static uint32_t *dest_slot(const struct dest_compile *d, const struct dest_set *set)
{
	const struct dest_set *sets = d->c->tables->sets;
	size_t i = dest_hash(set) & (d->n_slots - 1);

	while (d->slots[i] && memcmp(&sets[d->slots[i]], set, sizeof(*set)) != 0)
		i = (i + 1) & (d->n_slots - 1);
	return &d->slots[i];
}

static int dest_grow_slots(struct dest_compile *d)
{
	struct policy_tables *t = d->c->tables;
	size_t n = d->n_slots ? 2 * d->n_slots : 1024;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(d->slots);
	d->slots = slots;
	d->n_slots = n;
	for (uint32_t i = 1; i < t->n_sets; i++)
		*dest_slot(d, &t->sets[i]) = i;
	return 0;
}

static int dest_intern(struct dest_compile *d, const struct dest_set *set, uint32_t *ret)
{
	struct policy_tables *t = d->c->tables;
	uint32_t *slot;

	if (set->n == 0) {
		*ret = 0;
		return 0;
	}
	if (2 * (t->n_sets + 1) > d->n_slots && dest_grow_slots(d) < 0)
		return -ENOMEM;
	slot = dest_slot(d, set);
	if (!*slot) {
		if (array_grow(t->sets, t->n_sets) < 0)
			return -ENOMEM;
		t->sets[t->n_sets] = *set;
		*slot = (uint32_t)t->n_sets++;
	}
	*ret = *slot;
	return 0;
}

/* ---- tables ------------------------------------------------------------------------------------
 */

static int dest_emit(struct dest_compile *d, const struct prefix *prefix, uint32_t set)
{
	struct policy_tables *t = d->c->tables;

	if (prefix->family == AF_INET) {
		if (array_grow(t->dest4, t->n_dest4) < 0)
			return -ENOMEM;
		t->dest4[t->n_dest4].key.prefix_len = prefix->len;
		memcpy(t->dest4[t->n_dest4].key.address, prefix->address, 4);
		t->dest4[t->n_dest4++].set = set;
		return 0;
	}
	if (array_grow(t->dest6, t->n_dest6) < 0)
		return -ENOMEM;
	t->dest6[t->n_dest6].key.prefix_len = prefix->len;
	memcpy(t->dest6[t->n_dest6].key.address, prefix->address, 16);
	t->dest6[t->n_dest6++].set = set;
	return 0;
}

/* Whether the policy lets names of this set have private addresses: model endpoints may, a gateway
 * of the company's own is one. */
static uint32_t dest_effects(const struct dest_compile *d, const struct dest_set *set)
{
	const struct policy_destination *all = d->c->policy->destinations;
	uint32_t effects = 0;

	for (uint32_t i = 0; i < set->n; i++) {
		effects |= 1u << set->rules[i].effect;
		if (all[set->rules[i].rule - d->c->first_destination].may_be_private)
			effects |= NAME_PRIVATE;
	}
	return effects;
}

static int dest_emit_name(struct dest_compile *d, const struct walk_frame *frame)
{
	struct policy_tables *t = d->c->tables;
	uint8_t digest[DIGEST_SIZE];
	uint64_t pattern = 0;
	size_t len;

	if (array_grow(t->names, t->n_names) < 0 || array_grow(t->patterns, t->n_patterns) < 0)
		return -ENOMEM;
	len = address_backward(frame->name, t->names[t->n_names].key.name);
	if (digest_sha256(t->names[t->n_names].key.name, len, digest) < 0)
		return -EIO;
	for (size_t i = sizeof(pattern); i-- > 0;)
		pattern = pattern << 8 | digest[i];
	t->names[t->n_names].key.prefix_len = (uint32_t)(8 * len);
	t->names[t->n_names++].value = (struct name_value){
		.pattern = pattern,
		.set = frame->index,
		.effects = dest_effects(d, &frame->set),
	};
	t->patterns[t->n_patterns].pattern = pattern;
	t->patterns[t->n_patterns++].set = frame->index;
	return 0;
}

static int dest_compare_patterns(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b; /* the pattern stands first */

	return (*x > *y) - (*x < *y);
}

/* Two patterns of one number would stand for each other; 0 stands for none. */
static int dest_check_patterns(struct dest_compile *d)
{
	struct policy_tables *t = d->c->tables;
	bool doubled = false;

	_Static_assert(offsetof(__typeof__(*t->patterns), pattern) == 0, "compared by pattern");
	if (t->n_patterns == 0)
		return 0;
	qsort(t->patterns, t->n_patterns, sizeof(*t->patterns), dest_compare_patterns);
	doubled = t->patterns[0].pattern == 0;
	for (size_t i = 1; i < t->n_patterns; i++)
		doubled |= t->patterns[i - 1].pattern == t->patterns[i].pattern;
	if (!doubled)
		return 0;
	snprintf(d->c->err, 256, "two names have the same number; write one of them another way");
	return -EEXIST;
}

static int dest_full(void *ctx, const struct walk_frame *frame, const struct walk_entry *entry)
{
	struct dest_compile *d = ctx;
	char text[ADDRESS_TEXT_SIZE];

	snprintf(d->c->err, 256,
		 "%.100s: over %d rules hold for this destination; the one too many is %s",
		 frame->name ? frame->name : address_format(&frame->prefix, text), DEST_RULES_MAX,
		 d->c->tables->rules[entry->rule.rule].id);
	return -E2BIG;
}

static int dest_done(void *ctx, struct walk_frame *frame, const struct walk_frame *outer)
{
	struct dest_compile *d = ctx;
	int r = dest_intern(d, &frame->set, &frame->index);

	if (r < 0)
		return r;
	/* a pattern keeps its own number, whatever comes under others */
	if (frame->prefix.family == WALK_FAMILY_NAME)
		return dest_emit_name(d, frame);
	/* the longest match is then the outer prefix, with the same set */
	if (outer && outer->index == frame->index)
		return 0;
	return dest_emit(d, &frame->prefix, frame->index);
}

/* The defaults: rules for everything have /0 entries of their own. */
static int dest_emit_defaults(struct dest_compile *d)
{
	static const int families[] = {AF_INET, AF_INET6};

	for (size_t f = 0; f < ARRAY_SIZE(families); f++) {
		const struct prefix all = {.family = families[f]};
		bool found = false;
		int r;

		for (size_t i = 0; i < d->n_entries && !found; i++)
			found = d->entries[i].prefix.family == all.family &&
				d->entries[i].prefix.len == 0;
		if (found)
			continue;
		r = dest_emit(d, &all, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The ports of model endpoints, each once; when there are too many, one range for all of them. */
static void dest_model_ports(struct dest_compile *d)
{
	struct port_range *model = d->c->tables->root.model, all = {UINT16_MAX, 0};
	size_t n = 0;

	for (size_t i = 0; i < d->n_entries; i++) {
		const struct dest_rule *rule = &d->entries[i].rule;
		size_t at = 0;

		if (rule->effect != DEST_MODEL)
			continue;
		if (rule->port_low < all.low)
			all.low = rule->port_low;
		if (rule->port_high > all.high)
			all.high = rule->port_high;
		while (at < n && at < POLICY_MODEL_MAX &&
		       (model[at].low != rule->port_low || model[at].high != rule->port_high))
			at++;
		if (at < n)
			continue;
		if (n < POLICY_MODEL_MAX)
			model[n] = (struct port_range){rule->port_low, rule->port_high};
		n++;
	}
	if (n <= POLICY_MODEL_MAX)
		return;
	memset(model, 0, POLICY_MODEL_MAX * sizeof(*model));
	model[0] = all;
}

int compile_destinations(struct compile *c)
{
	static const struct walk_visitor visitor = {NULL, dest_full, dest_done};
	struct dest_compile d = {.c = c};
	int r;

	/* set 0: no rule, only the default */
	r = array_grow(c->tables->sets, 0);
	if (r == 0) {
		c->tables->n_sets = 1;
		r = dest_collect(&d);
	}
	if (r == 0)
		r = dest_emit_defaults(&d);
	if (r == 0)
		dest_model_ports(&d);
	if (r == 0)
		r = walk_run(d.entries, d.n_entries, &visitor, &d);
	if (r == 0)
		r = dest_check_patterns(&d);
	free(d.entries);
	free(d.by_name);
	free(d.slots);
	return r;
}
