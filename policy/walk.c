// SPDX-License-Identifier: Apache-2.0
/* Walks prefixes with a stack of those that are open. */
#include "policy/walk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/array.h"

#define WALK_DEPTH_MAX 129 /* /0 to /128; a name has at most 127 labels */

/* The order in which the kernel looks at the rules of a set: deny, model, allow; then that of the
 * rule table. Whatever is left makes the order of equal rules the same each time. */
static int walk_compare_rules(const struct dest_rule *a, const struct dest_rule *b)
{
	static const int rank[DEST_EFFECT_MAX] = {
		[DEST_DENY] = 0,
		[DEST_MODEL] = 1,
		[DEST_ALLOW] = 2,
		[DEST_RESOLVER] = 3,
	};

	if (a->effect != b->effect)
		return rank[a->effect] - rank[b->effect];
	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	if (a->person != b->person)
		return a->person < b->person ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol - b->protocol;
	return a->port_low - b->port_low;
}

static int walk_compare(const void *a, const void *b)
{
	const struct walk_entry *x = a, *y = b;
	int r;

	if (x->prefix.family != y->prefix.family)
		return x->prefix.family - y->prefix.family;
	if (x->prefix.family == WALK_FAMILY_NAME) {
		r = address_compare_patterns(x->name, y->name);
		return r ? r : walk_compare_rules(&x->rule, &y->rule);
	}
	r = memcmp(x->prefix.address, y->prefix.address, sizeof(x->prefix.address));
	if (r)
		return r;
	if (x->prefix.len != y->prefix.len)
		return x->prefix.len < y->prefix.len ? -1 : 1;
	return walk_compare_rules(&x->rule, &y->rule);
}

bool walk_covers(const struct dest_rule *a, const struct dest_rule *b)
{
	bool who = (!a->person && !a->teams) || (a->person && a->person == b->person) ||
		   (a->teams && b->teams && !b->person && !(b->teams & ~a->teams));

	return who && a->port_low <= b->port_low && a->port_high >= b->port_high &&
	       (!a->protocol || a->protocol == b->protocol);
}

/* Puts a rule at its place. One that another of the same effect before it covers is never the one
 * that decides, so it takes no place; across effects that is not so: a model rule binds tasks that
 * a deny rule does not. Returns 0 or -E2BIG. */
static int walk_add(struct dest_set *set, const struct dest_rule *rule)
{
	uint32_t at = 0, kept;

	for (; at < set->n && walk_compare_rules(&set->rules[at], rule) <= 0; at++)
		if (set->rules[at].effect == rule->effect && walk_covers(&set->rules[at], rule))
			return 0;
	kept = at;
	for (uint32_t i = at; i < set->n; i++)
		if (set->rules[i].effect != rule->effect || !walk_covers(rule, &set->rules[i]))
			set->rules[kept++] = set->rules[i];
	set->n = kept;
	if (set->n == DEST_RULES_MAX)
		return -E2BIG;
	memmove(&set->rules[at + 1], &set->rules[at], (set->n - at) * sizeof(*rule));
	set->rules[at] = *rule;
	set->n++;
	/* sets are compared as bytes */
	memset(&set->rules[set->n], 0, (DEST_RULES_MAX - set->n) * sizeof(*rule));
	return 0;
}

static bool walk_is_at(const struct walk_frame *frame, const struct walk_entry *entry)
{
	const struct prefix *a = &frame->prefix, *b = &entry->prefix;

	if (a->family == WALK_FAMILY_NAME && b->family == WALK_FAMILY_NAME)
		return strcmp(frame->name, entry->name) == 0;
	return a->family == b->family && a->len == b->len &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static bool walk_is_below(const struct walk_frame *frame, const struct walk_entry *entry)
{
	if (frame->prefix.family == WALK_FAMILY_NAME && entry->prefix.family == WALK_FAMILY_NAME)
		return address_pattern_covers(frame->name, entry->name);
	return address_covers(&frame->prefix, &entry->prefix);
}

int walk_run(struct walk_entry *entries, size_t n, const struct walk_visitor *visitor, void *ctx)
{
	_cleanup_free_ struct walk_frame *stack = calloc(WALK_DEPTH_MAX, sizeof(*stack));
	size_t depth = 0;

	if (!stack)
		return -ENOMEM;
	if (n)
		qsort(entries, n, sizeof(*entries), walk_compare);
	for (size_t i = 0; i < n;) {
		struct walk_frame *frame;
		int r;

		while (depth && !walk_is_below(&stack[depth - 1], &entries[i]))
			depth--;
		frame = &stack[depth++];
		memset(frame, 0, sizeof(*frame));
		frame->prefix = entries[i].prefix;
		frame->name = entries[i].name;
		if (depth > 1)
			frame->set = frame[-1].set;
		for (; i < n && walk_is_at(frame, &entries[i]); i++) {
			if (visitor->rule)
				visitor->rule(ctx, frame, &entries[i]);
			if (walk_add(&frame->set, &entries[i].rule) == 0)
				continue;
			r = visitor->full(ctx, frame, &entries[i]);
			if (r < 0)
				return r;
		}
		r = visitor->done(ctx, frame, depth > 1 ? frame - 1 : NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

size_t walk_expand_count(const struct policy_destination *d)
{
	size_t who = d->n_people + (d->teams || !d->n_people);

	return who * (d->n_ports ? d->n_ports : 1);
}

int walk_expand(const struct policy_destination *d, uint32_t destination, uint32_t rule,
		const struct prefix *prefix, struct walk_entry **entries, size_t *n)
{
	/* person 0 first: the teams, or everybody when there is nobody else */
	for (size_t who = d->teams || !d->n_people ? 0 : 1; who <= d->n_people; who++)
		for (size_t port = 0; port < (d->n_ports ? d->n_ports : 1); port++) {
			struct walk_entry *e;

			if (array_grow(*entries, *n) < 0)
				return -ENOMEM;
			e = &(*entries)[(*n)++];
			if (prefix)
				e->prefix = *prefix;
			else
				e->prefix.family = WALK_FAMILY_NAME;
			e->name = prefix ? NULL : d->name;
			e->destination = destination;
			e->rule.rule = rule;
			e->rule.effect = (uint8_t)d->effect;
			e->rule.protocol = d->protocol;
			e->rule.teams = who ? 0 : d->teams;
			e->rule.person = who ? d->people[who - 1] : 0;
			e->rule.port_low = d->n_ports ? d->ports[port].low : 0;
			e->rule.port_high = d->n_ports ? d->ports[port].high : 65535;
		}
	return 0;
}

int walk_expand_resolver(const struct sockaddr_storage *address, uint32_t rule, bool tcp,
			 struct walk_entry **entries, size_t *n)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP};
	struct prefix prefix = {.family = address->ss_family};
	uint16_t port;

	if (prefix.family == AF_INET) {
		prefix.len = 32;
		memcpy(prefix.address, &in->sin_addr, 4);
		port = ntohs(in->sin_port);
	} else {
		prefix.len = 128;
		memcpy(prefix.address, &in6->sin6_addr, 16);
		port = ntohs(in6->sin6_port);
	}
	if (port == 0)
		port = 53;
	for (size_t p = 0; p < (tcp ? ARRAY_SIZE(protocols) : 1); p++) {
		struct walk_entry *e;

		if (array_grow(*entries, *n) < 0)
			return -ENOMEM;
		e = &(*entries)[(*n)++];
		e->prefix = prefix;
		e->destination = WALK_NO_DESTINATION;
		e->rule.rule = rule;
		e->rule.effect = DEST_RESOLVER;
		e->rule.protocol = protocols[p];
		e->rule.port_low = e->rule.port_high = port;
	}
	return 0;
}
