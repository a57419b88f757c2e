// SPDX-License-Identifier: Apache-2.0
/* Finds rules that can never match, and sets that are too large, by the walk that builds the
 * tables. */
#include "policy/lint.h"

#include <errno.h>
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/verdict.h"
#include "policy/array.h"
#include "policy/report.h"
#include "policy/walk.h"

/* What became of a destination's entries. */
struct lint_fate {
	uint32_t denied;		/* entries that a deny rule covers */
	uint32_t doubled;		/* entries that another rule for the same target covers */
	uint32_t denied_by, doubled_by; /* index + 1 of the last of them */
	bool full;
};

struct lint {
	const struct policy *policy;
	struct lint_fate *fates;
	bool full;		     /* a destination's set is */
	struct prefix full_resolver; /* family 0: none */
};

static bool lint_same_target(const struct policy_destination *a, const struct policy_destination *b)
{
	if (a->target != b->target)
		return false;
	if (a->target == POLICY_TARGET_NAME)
		return strcmp(a->name, b->name) == 0;
	return a->family == b->family && a->prefix_len == b->prefix_len &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

/* Rules carry the index of their destination + 1 here. */
static void lint_rule(void *ctx, const struct walk_frame *frame, const struct walk_entry *entry)
{
	struct lint *lint = ctx;
	const struct policy_destination *d;
	struct lint_fate *fate;
	bool denied = false, doubled = false;

	if (entry->destination == WALK_NO_DESTINATION)
		return;
	fate = &lint->fates[entry->destination];
	d = &lint->policy->destinations[entry->destination];
	for (uint32_t i = 0; i < frame->set.n; i++) {
		const struct dest_rule *by = &frame->set.rules[i];

		if (by->rule == entry->rule.rule || by->rule > lint->policy->n_destinations ||
		    !walk_covers(by, &entry->rule))
			continue;
		if (by->effect == DEST_DENY && d->effect == DEST_ALLOW && !denied) {
			denied = true;
			fate->denied_by = by->rule;
		} else if (by->effect == d->effect && !doubled &&
			   lint_same_target(d, &lint->policy->destinations[by->rule - 1])) {
			doubled = true;
			fate->doubled_by = by->rule;
		}
	}
	fate->denied += denied;
	fate->doubled += doubled;
}

/* Goes on: other sets may be too large as well. */
static int lint_full(void *ctx, const struct walk_frame *frame, const struct walk_entry *entry)
{
	struct lint *lint = ctx;

	if (entry->destination == WALK_NO_DESTINATION)
		lint->full_resolver = frame->prefix;
	else
		lint->fates[entry->destination].full = lint->full = true;
	return 0;
}

static int lint_done(void *ctx, struct walk_frame *frame, const struct walk_frame *outer)
{
	return 0;
}

static void lint_report(const struct lint *lint, struct policy_report *report)
{
	char text[ADDRESS_TEXT_SIZE];

	/* where destinations alone are too many, the name server in their midst is not the one to
	 * blame */
	if (lint->full_resolver.family && !lint->full)
		report_add(
			report, POLICY_ERROR, (struct policy_where){.file = lint->policy->files[0]},
			"over %d rules hold for name server %s; at most %d are possible",
			DEST_RULES_MAX, address_format(&lint->full_resolver, text), DEST_RULES_MAX);
	for (size_t i = 0; i < lint->policy->n_destinations; i++) {
		const struct policy_destination *d = &lint->policy->destinations[i], *by;
		const struct lint_fate *fate = &lint->fates[i];
		size_t n = walk_expand_count(d);

		if (fate->full) {
			report_add(report, POLICY_ERROR, d->where,
				   "over %d rules hold for this destination (those for wider "
				   "ranges, and "
				   "each person and port range, count); at most %d are possible",
				   DEST_RULES_MAX, DEST_RULES_MAX);
		} else if (fate->denied == n) {
			by = &lint->policy->destinations[fate->denied_by - 1];
			report_add(report, POLICY_WARNING, d->where,
				   "this rule can never match: destinations/%s (%u:%u) denies all "
				   "of it",
				   by->id, by->where.line, by->where.column);
		} else if (fate->doubled == n) {
			by = &lint->policy->destinations[fate->doubled_by - 1];
			report_add(report, POLICY_WARNING, d->where,
				   "this rule can never match: %s/%s (%u:%u) says the same or more",
				   d->effect == DEST_MODEL ? "model" : "destinations", by->id,
				   by->where.line, by->where.column);
		}
	}
}

/* Whether anybody can have a name there: under a public suffix (https://publicsuffix.org), at a
 * host of other people's pages and buckets, or nearly everywhere. */
static bool lint_is_shared(const psl_ctx_t *suffixes, const char *domain)
{
	/* they hold public suffixes, and are none themselves */
	static const char *const hosts[] = {"amazonaws.com",
					    "aliyuncs.com",
					    "azure.com",
					    "cloudfront.net",
					    "fastly.net",
					    "github.com",
					    "githubusercontent.com",
					    "gitlab.com",
					    "google.com",
					    "googleapis.com",
					    "googleusercontent.com",
					    "ibm.com",
					    "microsoft.com",
					    "oraclecloud.com",
					    "rackspace.com",
					    "sharepoint.com",
					    "windows.net",
					    "wordpress.com"};

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		if (strcmp(domain, hosts[i]) == 0)
			return true;
	return !strchr(domain, '.') ||
	       (suffixes &&
		psl_is_public_suffix2(suffixes, domain, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE));
}

static void lint_wildcards(const struct policy *policy, struct policy_report *report)
{
	const psl_ctx_t *suffixes = psl_builtin();

	for (size_t i = 0; i < policy->n_destinations; i++) {
		const struct policy_destination *d = &policy->destinations[i];

		if (d->target != POLICY_TARGET_NAME || d->effect == DEST_DENY ||
		    !address_is_wildcard(d->name) || !lint_is_shared(suffixes, d->name + 2))
			continue;
		report_add(report, POLICY_WARNING, d->where,
			   "\"%.64s\" is open to everybody who gets a name there, for a few "
			   "cents or for nothing; expected the names that are meant",
			   d->name);
	}
}

/* An allow rule opens no port of name servers: these are for resolvers alone. */
static void lint_ports(const struct policy *policy, struct policy_report *report)
{
	for (size_t i = 0; i < policy->n_destinations; i++) {
		const struct policy_destination *d = &policy->destinations[i];
		size_t n = 0;

		for (size_t p = 0; d->effect == DEST_ALLOW && p < d->n_ports; p++)
			n += d->ports[p].low == d->ports[p].high &&
			     verdict_port_of_names(d->ports[p].low);
		if (n && n == d->n_ports)
			report_add(report, POLICY_WARNING, d->where,
				   "this rule can never match: the ports of DNS are open to "
				   "destinations.resolvers alone");
	}
}

int policy_lint(const struct policy *policy, struct policy_report *report)
{
	static const struct walk_visitor visitor = {lint_rule, lint_full, lint_done};
	struct lint lint = {.policy = policy};
	_cleanup_free_ struct lint_fate *fates = calloc(policy->n_destinations + 1, sizeof(*fates));
	_cleanup_free_ struct walk_entry *entries = NULL;
	size_t n = 0;
	int r;

	if (!fates)
		return -ENOMEM;
	for (uint32_t i = 0; i < policy->n_destinations; i++) {
		const struct policy_destination *d = &policy->destinations[i];
		struct prefix prefix = {.family = d->family, .len = d->prefix_len};

		memcpy(prefix.address, d->address, sizeof(prefix.address));
		r = walk_expand(d, i, i + 1, d->target == POLICY_TARGET_NAME ? NULL : &prefix,
				&entries, &n);
		if (r < 0)
			return r;
	}
	for (uint32_t i = 0; i < policy->n_resolvers; i++) {
		r = walk_expand_resolver(&policy->resolvers[i],
					 (uint32_t)policy->n_destinations + 1 + i,
					 !policy->refuse_unlisted_names, &entries, &n);
		if (r < 0)
			return r;
	}
	lint.fates = fates;
	r = walk_run(entries, n, &visitor, &lint);
	if (r < 0)
		return r;
	lint_report(&lint, report);
	lint_wildcards(policy, report);
	lint_ports(policy, report);
	return 0;
}
