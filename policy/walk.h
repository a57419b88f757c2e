/* SPDX-License-Identifier: Apache-2.0 */
/* The set of rules that holds at each prefix: its own, and those of every prefix that covers it. By
 * one sort and a stack of open prefixes, as deep as a prefix is long: time n log n, however many
 * prefixes. Patterns of names are prefixes too: of a name read backwards. */
#ifndef POLICY_WALK_H
#define POLICY_WALK_H

#include "policy/address.h"
#include "policy/policy.h"

#define WALK_FAMILY_NAME AF_UNSPEC /* the prefix is a pattern of names */

struct walk_entry {
	struct prefix prefix;
	const char *name; /* the pattern, with WALK_FAMILY_NAME; the policy's */
	struct dest_rule rule;
	uint32_t destination; /* index in policy->destinations, or WALK_NO_DESTINATION */
};
#define WALK_NO_DESTINATION UINT32_MAX

struct walk_frame {
	struct prefix prefix;
	const char *name;
	struct dest_set set;
	uint32_t index; /* what done() made of it */
};

struct walk_visitor {
	/* before a rule is put into the set of its prefix, which has all rules that come before it;
	 * NULL: not called */
	void (*rule)(void *ctx, const struct walk_frame *frame, const struct walk_entry *entry);
	/* the set is full; gives the result of the walk */
	int (*full)(void *ctx, const struct walk_frame *frame, const struct walk_entry *entry);
	/* the set is whole; outer is the nearest prefix that covers this one, or NULL */
	int (*done)(void *ctx, struct walk_frame *frame, const struct walk_frame *outer);
};

/* Sorts the entries and visits each prefix once, outer ones first. Returns 0, -ENOMEM, or what full
 * or done returned. */
int walk_run(struct walk_entry *entries, size_t n, const struct walk_visitor *visitor, void *ctx);

/* Whether everything that b matches is matched by a too, effects aside. */
bool walk_covers(const struct dest_rule *a, const struct dest_rule *b);

/* How many entries a destination takes for each of its prefixes: principals times port ranges. */
size_t walk_expand_count(const struct policy_destination *d);

/* Adds those entries to *entries (grown by array_grow) for one prefix; NULL: for its name. rule:
 * index in the rule table. Returns 0 or -ENOMEM. */
int walk_expand(const struct policy_destination *d, uint32_t destination, uint32_t rule,
		const struct prefix *prefix, struct walk_entry **entries, size_t *n);

/* The same for a name server: its port over UDP, for everybody, and over TCP. Where questions are
 * judged there is no TCP: what is asked there is not read. */
int walk_expand_resolver(const struct sockaddr_storage *address, uint32_t rule, bool tcp,
			 struct walk_entry **entries, size_t *n);

#endif
