// SPDX-License-Identifier: Apache-2.0
/* The rule table: each rule in one clause that fits behind "refused: ". */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "policy/address.h"
#include "policy/array.h"
#include "policy/compile.h"
#include "policy/inline_table.h"
#include "policy/load.h"

#define WORDS_MAX    4096
#define WORDS_LISTED 4 /* of a list; of the rest only the number is told */

/* "a", "a and b", "a, b and c", "a, b, c and 12 others". */
static int words_list(struct buffer *out, const char *const *items, size_t n)
{
	size_t shown = n <= WORDS_LISTED ? n : WORDS_LISTED - 1;
	int r = 0;

	for (size_t i = 0; r == 0 && i < shown; i++)
		r = buffer_printf(out, WORDS_MAX, "%s%s",
				  i == 0       ? ""
				  : i + 1 == n ? " and "
					       : ", ",
				  items[i]);
	if (r == 0 && shown < n)
		r = buffer_printf(out, WORDS_MAX, " and %zu others", n - shown);
	return r;
}

static int words_teams(struct buffer *out, const struct policy *policy, uint64_t teams)
{
	const char *names[LOAD_TEAMS_MAX];
	size_t n = 0;
	int r;

	for (size_t i = 0; i < policy->n_teams; i++)
		if (teams & 1ULL << i)
			names[n++] = policy->teams[i];
	r = buffer_printf(out, WORDS_MAX, n == 1 ? "team " : "teams ");
	return r < 0 ? r : words_list(out, names, n);
}

/* what: "skill" or "tool" */
static int words_skill(struct buffer *out, const struct policy *policy, const char *what,
		       const struct policy_skill *skill)
{
	size_t n = 0;
	int r = buffer_printf(out, WORDS_MAX, "%s %s is for ", what, skill->name);

	while (skill->allowed_users && skill->allowed_users[n])
		n++;
	if (r == 0 && skill->allowed_teams)
		r = words_teams(out, policy, skill->allowed_teams);
	if (r == 0 && skill->allowed_teams && n)
		r = buffer_printf(out, WORDS_MAX, ", and for ");
	if (r == 0 && n)
		r = words_list(out, (const char *const *)skill->allowed_users, n);
	if (r == 0 && !n && !skill->allowed_teams)
		r = buffer_printf(out, WORDS_MAX, "nobody");
	if (r == 0 && skill->requires_approval)
		r = buffer_printf(out, WORDS_MAX, ", after approval");
	return r;
}

static int words_target(struct buffer *out, const struct policy_destination *d)
{
	struct prefix prefix = {.family = d->family, .len = d->prefix_len};
	char text[ADDRESS_TEXT_SIZE];
	int r;

	memcpy(prefix.address, d->address, sizeof(prefix.address));
	r = buffer_printf(out, WORDS_MAX, "%s",
			  d->target == POLICY_TARGET_NAME ? d->name
							  : address_format(&prefix, text));
	if (r == 0 && d->may_be_private)
		r = buffer_printf(out, WORDS_MAX, " (also at private addresses)");
	for (size_t i = 0; r == 0 && i < d->n_ports; i++) {
		const struct policy_ports *p = &d->ports[i];

		if (i == WORDS_LISTED)
			return buffer_printf(out, WORDS_MAX, " and more");
		r = buffer_printf(
			out, WORDS_MAX, "%s%u",
			i == 0 ? (d->n_ports > 1 || p->low != p->high ? " ports " : " port ")
			       : ", ",
			p->low);
		if (r == 0 && p->low != p->high)
			r = buffer_printf(out, WORDS_MAX, "-%u", p->high);
	}
	if (r == 0 && d->protocol)
		r = buffer_printf(out, WORDS_MAX, " (%s)",
				  d->protocol == IPPROTO_TCP ? "TCP" : "UDP");
	return r;
}

static int words_people(struct buffer *out, const struct policy *policy,
			const struct policy_destination *d)
{
	const char *emails[WORDS_LISTED];

	for (size_t i = 0; i < d->n_people && i < WORDS_LISTED; i++)
		emails[i] = policy->people[d->people[i] - 1].email;
	return words_list(out, emails, d->n_people);
}

static int words_destination(struct buffer *out, const struct policy *policy,
			     const struct policy_destination *d)
{
	int r = buffer_printf(out, WORDS_MAX, "%s",
			      d->effect == DEST_MODEL ? "the model API at " : "destination ");

	if (r == 0)
		r = words_target(out, d);
	if (r < 0)
		return r;
	if (d->effect == DEST_MODEL)
		return buffer_printf(out, WORDS_MAX, " is for inspected Claude processes only");
	r = buffer_printf(out, WORDS_MAX, d->effect == DEST_DENY ? " is denied" : " is allowed");
	if (r < 0 || (!d->teams && !d->n_people))
		return r;
	r = buffer_printf(out, WORDS_MAX, " to ");
	if (r == 0 && d->teams)
		r = words_teams(out, policy, d->teams);
	if (r == 0 && d->teams && d->n_people)
		r = buffer_printf(out, WORDS_MAX, ", and to ");
	if (r == 0 && d->n_people)
		r = words_people(out, policy, d);
	return r;
}

static int words_resolver(struct buffer *out, const struct sockaddr_storage *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	bool v4 = address->ss_family == AF_INET;
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(address->ss_family,
		  v4 ? (const void *)&in->sin_addr : (const void *)&in6->sin6_addr, text,
		  sizeof(text));
	return buffer_printf(out, WORDS_MAX, "%s is the name server, on port %u", text,
			     ntohs(v4 ? in->sin_port : in6->sin6_port));
}

/* "a payment card number: blocked in requests, masked in text, logged in tool input". */
static int words_inline(struct buffer *out, const struct policy_inline *p)
{
	static const char *const done[] = {
		[SCAN_LOG] = "logged",
		[SCAN_MASK] = "masked",
		[SCAN_BLOCK] = "blocked",
		[SCAN_APPROVE] = "held for approval",
	};
	const struct {
		const char *name;
		enum scan_action action;
	} places[] = {
		{"requests", p->request},
		{"text", p->text},
		{"tool input", p->tool_input},
	};
	int r = buffer_printf(out, WORDS_MAX, "%s:", p->called);
	bool more = false;

	for (size_t action = SCAN_ACTION_MAX - 1; action > SCAN_OFF; action--) {
		const char *names[ARRAY_SIZE(places)];
		size_t n = 0;

		for (size_t i = 0; i < ARRAY_SIZE(places); i++)
			if (places[i].action == action)
				names[n++] = places[i].name;
		if (r < 0 || !n)
			continue;
		r = buffer_printf(out, WORDS_MAX, "%s %s in ", more ? "," : "", done[action]);
		if (r == 0)
			r = words_list(out, names, n);
		more = true;
	}
	return r;
}

/* ---- the table ---------------------------------------------------------------------------------
 */

/* The tables' own copy of a file name: they may outlive the policy. */
static const char *rules_file(const struct policy_tables *t, const char *file)
{
	for (char **f = t->files; *f; f++)
		if (strcmp(*f, file) == 0)
			return *f;
	return t->files[0];
}

/* Takes the words over. made: what the function that made them returned. */
static int rules_add(struct compile *c, enum policy_rule_kind kind, int made, struct buffer *words,
		     struct policy_where where, const char *section, const char *name)
{
	struct policy_tables *t = c->tables;
	struct policy_rule rule = {.kind = kind, .where = where};

	if (made < 0 || array_grow(t->rules, t->n_rules) < 0) {
		buffer_free(words);
		return -ENOMEM;
	}
	rule.where.file = rules_file(t, where.file ? where.file : "");
	rule.words = strndup((const char *)words->data, words->len);
	buffer_free(words);
	if (!rule.words || asprintf(&rule.id, "%s/%s", section, name) < 0) {
		free(rule.words);
		return -ENOMEM;
	}
	t->rules[t->n_rules++] = rule;
	return 0;
}

static int rules_add_defaults(struct compile *c)
{
	const char *main = c->policy->files[0], *acl = c->policy->files[1];
	struct buffer words = {0};
	int r = buffer_printf(&words, WORDS_MAX, "%s",
			      c->policy->skill_default_allow
				      ? "skills that are not in the access list are allowed"
				      : "only skills in the access list may be used");

	r = rules_add(c, POLICY_RULE_SKILL_DEFAULT, r, &words, (struct policy_where){.file = acl},
		      "skills", "default");
	if (r < 0)
		return r;
	r = buffer_printf(&words, WORDS_MAX, "only destinations on the list may be reached");
	return rules_add(c, POLICY_RULE_DESTINATION_DEFAULT, r, &words,
			 (struct policy_where){.file = main}, "destinations", "default");
}

static int rules_copy_files(struct compile *c)
{
	size_t n = 0;

	while (c->policy->files[n])
		n++;
	c->tables->files = calloc(n + 1, sizeof(*c->tables->files));
	for (size_t i = 0; c->tables->files && i < n; i++) {
		c->tables->files[i] = strdup(c->policy->files[i]);
		if (!c->tables->files[i])
			return -ENOMEM;
	}
	return c->tables->files ? 0 : -ENOMEM;
}

int compile_rules(struct compile *c)
{
	const struct policy *policy = c->policy;
	struct policy_tables *t = c->tables;
	struct buffer words = {0};
	int r = rules_copy_files(c);

	if (r < 0 || array_grow(t->rules, 0) < 0)
		return -ENOMEM;
	t->n_rules = 1; /* rules[0] is unused: 0 says "no rule" */
	r = rules_add_defaults(c);
	c->first_skill = (uint32_t)t->n_rules;
	for (size_t i = 0; r == 0 && i < policy->n_skills; i++) {
		const struct policy_skill *skill = &policy->skills[i];

		r = words_skill(&words, policy, "skill", skill);
		r = rules_add(c, POLICY_RULE_SKILL, r, &words, skill->where, "skill", skill->name);
	}
	c->first_destination = (uint32_t)t->n_rules;
	for (size_t i = 0; r == 0 && i < policy->n_destinations; i++) {
		const struct policy_destination *d = &policy->destinations[i];

		r = words_destination(&words, policy, d);
		r = rules_add(c, POLICY_RULE_DESTINATION, r, &words, d->where,
			      d->effect == DEST_MODEL ? "model" : "destinations", d->id);
	}
	c->first_resolver = (uint32_t)t->n_rules;
	for (size_t i = 0; r == 0 && i < policy->n_resolvers; i++) {
		char name[32];

		snprintf(name, sizeof(name), "resolvers[%zu]", i);
		r = words_resolver(&words, &policy->resolvers[i]);
		r = rules_add(c, POLICY_RULE_RESOLVER, r, &words,
			      (struct policy_where){.file = policy->files[0]}, "destinations",
			      name);
	}
	c->first_inline = (uint32_t)t->n_rules;
	for (size_t i = 0; r == 0 && i < policy->n_inlines; i++) {
		const struct policy_inline *p = &policy->inlines[i];

		if (!inline_acts(p))
			continue;
		r = words_inline(&words, p);
		r = rules_add(c, POLICY_RULE_INLINE, r, &words, p->where, "inline", p->name);
	}
	c->first_tool = (uint32_t)t->n_rules;
	for (size_t i = 0; r == 0 && i < policy->n_tools; i++) {
		const struct policy_skill *tool = &policy->tools[i];

		r = words_skill(&words, policy, "tool", tool);
		r = rules_add(c, POLICY_RULE_TOOL, r, &words, tool->where, "tools", tool->name);
	}
	return r;
}
