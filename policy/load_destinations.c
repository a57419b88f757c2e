// SPDX-License-Identifier: Apache-2.0
/* Destination rules: model endpoints, allow, deny, resolvers. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/address.h"
#include "policy/array.h"
#include "policy/load.h"
#include "policy/walk.h"

#define DESTINATION_PORTS_MAX 64 /* ranges of one rule before they are joined */

struct load_destination {
	struct load *load;
	struct policy_destination *rule;
	const struct document_node *name, *cidr, *may_be_private;
};

static void destination_id(struct fields *f, const struct document_node *v, void *out)
{
	struct load_destination *d = out;
	const char *id = fields_peek(f, v, "id", 64);

	if (!id)
		return;
	if (id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")])
		fields_error(f, v,
			     "id: expected letters, digits, '.', '_' and '-', found \"%.64s\"", id);
	else if (strcmp(id, "default") == 0)
		fields_error(f, v,
			     "id: \"default\" is the name of what no rule decides; expected "
			     "another");
	else
		fields_text(f, v, "id", 64, &d->rule->id);
}

static void destination_name(struct fields *f, const struct document_node *v, void *out)
{
	struct load_destination *d = out;
	const char *text = fields_peek(f, v, "name", FIELD_TEXT_MAX);
	char name[254], err[ADDRESS_ERROR_SIZE];

	d->name = v;
	d->rule->target = POLICY_TARGET_NAME;
	if (!text)
		return;
	if (address_parse_pattern(text, name, err) < 0) {
		fields_error(f, v, "name: %s", err);
		return;
	}
	free(d->rule->name);
	d->rule->name = strdup(name);
	if (!d->rule->name)
		fields_no_memory(f);
}

static void destination_cidr(struct fields *f, const struct document_node *v, void *out)
{
	struct load_destination *d = out;
	const char *text = fields_peek(f, v, "cidr", FIELD_TEXT_MAX);
	struct prefix prefix;
	char err[ADDRESS_ERROR_SIZE];

	d->cidr = v;
	d->rule->target = POLICY_TARGET_CIDR;
	if (!text)
		return;
	if (address_parse_prefix(text, &prefix, err) < 0) {
		fields_error(f, v, "cidr: %s", err);
		return;
	}
	d->rule->family = prefix.family;
	d->rule->prefix_len = prefix.len;
	memcpy(d->rule->address, prefix.address, sizeof(prefix.address));
}

static void destination_private(struct fields *f, const struct document_node *v, void *out)
{
	struct load_destination *d = out;

	d->may_be_private = v;
	fields_bool(f, v, "private", &d->rule->may_be_private);
}

/* ---- ports -------------------------------------------------------------------------------------
 */

static void destination_port(struct fields *f, const struct document_node *v, void *out)
{
	struct policy_destination *rule = ((struct load_destination *)out)->rule;
	const char *text = fields_peek(f, v, "a port", FIELD_TEXT_MAX);
	char err[ADDRESS_ERROR_SIZE];
	struct policy_ports ports;

	if (!text)
		return;
	if (address_parse_ports(text, &ports.low, &ports.high, err) < 0) {
		fields_error(f, v, "ports: %s", err);
		return;
	}
	if (array_grow(rule->ports, rule->n_ports) < 0) {
		fields_no_memory(f);
		return;
	}
	rule->ports[rule->n_ports++] = ports;
}

static int destination_compare_ports(const void *a, const void *b)
{
	const struct policy_ports *x = a, *y = b;

	return x->low != y->low ? (int)x->low - y->low : (int)x->high - y->high;
}

/* Sorts the ranges and joins those that touch: each takes one of DEST_RULES_MAX places in the
 * kernel. */
static void destination_join_ports(struct policy_destination *rule)
{
	size_t kept = 0;

	if (rule->n_ports == 0)
		return;
	qsort(rule->ports, rule->n_ports, sizeof(*rule->ports), destination_compare_ports);
	for (size_t i = 1; i < rule->n_ports; i++) {
		struct policy_ports *last = &rule->ports[kept];

		if (rule->ports[i].low <= (uint32_t)last->high + 1) {
			if (rule->ports[i].high > last->high)
				last->high = rule->ports[i].high;
		} else {
			rule->ports[++kept] = rule->ports[i];
		}
	}
	rule->n_ports = kept + 1;
}

static void destination_ports(struct fields *f, const struct document_node *v, void *out)
{
	struct load_destination *d = out;

	if (v->kind == DOCUMENT_SEQUENCE && v->n == 0) {
		fields_error(
			f, v,
			"ports: an empty list would match no port; leave the key out for every "
			"port");
		return;
	}
	if (v->kind == DOCUMENT_SEQUENCE && v->n > DESTINATION_PORTS_MAX) {
		fields_error(f, v, "ports: %u entries; at most %d are possible", v->n,
			     DESTINATION_PORTS_MAX);
		return;
	}
	fields_list(f, v, "ports", destination_port, d);
	destination_join_ports(d->rule);
}

static void destination_protocol(struct fields *f, const struct document_node *v, void *out)
{
	static const char *const words[] = {"tcp", "udp"};
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	int i = fields_choice(f, v, "protocol", words, ARRAY_SIZE(words));

	if (i >= 0)
		((struct load_destination *)out)->rule->protocol = protocols[i];
}

/* ---- who ---------------------------------------------------------------------------------------
 */

static void destination_team(struct fields *f, const struct document_node *v, void *out)
{
	struct load_destination *d = out;
	const char *name = fields_peek(f, v, "a team", LOAD_NAME_MAX);
	int team;

	if (!name)
		return;
	team = load_find_team(d->load->policy, name);
	if (team < 0) {
		load_unknown_team(d->load, f, v);
		return;
	}
	if (d->rule->teams & 1ULL << team)
		fields_warning(f, v, "teams: \"%.64s\" is given twice", name);
	d->rule->teams |= 1ULL << team;
}

/* A list that lost its last entry must not come to mean everybody. */
static bool destination_list_is_empty(struct fields *f, const struct document_node *v,
				      const char *what)
{
	if (v->kind != DOCUMENT_SEQUENCE || v->n)
		return false;
	fields_error(f, v, "%s: an empty list would be for nobody; leave the key out for everybody",
		     what);
	return true;
}

static void destination_teams(struct fields *f, const struct document_node *v, void *out)
{
	if (!destination_list_is_empty(f, v, "teams"))
		fields_list(f, v, "teams", destination_team, out);
}

static int destination_compare_people(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Somebody who is not known is an error here, unlike in the ACL: a rule whose people are all
 * unknown would be left without any, and that stands for everybody. */
static void destination_person(struct fields *f, const struct document_node *v, void *out)
{
	struct load_destination *d = out;
	struct policy_destination *rule = d->rule;
	const char *text = fields_peek(f, v, "a person", LOAD_NAME_MAX), *near;
	char email[LOAD_NAME_MAX + 1];
	uint32_t person;

	if (!text)
		return;
	snprintf(email, sizeof(email), "%s", text);
	fields_lower(email);
	person = load_find_person(d->load->policy, email);
	if (!person) {
		near = load_suggest_person(d->load, f->report, email);
		if (near)
			fields_error(f, v, "nobody is \"%.64s\"; did you mean \"%.64s\"?", email,
				     near);
		else if (d->load->acl_usable)
			fields_error(f, v,
				     "nobody is \"%.64s\"; expected somebody of users in %s or of "
				     "identity.people",
				     email, d->load->acl_name);
		return;
	}
	for (size_t i = 0; i < rule->n_people; i++)
		if (rule->people[i] == person) {
			fields_warning(f, v, "people: \"%.64s\" is given twice", email);
			return;
		}
	if (array_grow(rule->people, rule->n_people) < 0) {
		fields_no_memory(f);
		return;
	}
	rule->people[rule->n_people++] = person;
}

/* Each person takes a place in the kernel's set; a long list is cut off before it costs time. */
static void destination_people(struct fields *f, const struct document_node *v, void *out)
{
	struct policy_destination *rule = ((struct load_destination *)out)->rule;

	if (destination_list_is_empty(f, v, "people"))
		return;
	if (v->kind == DOCUMENT_SEQUENCE && v->n > DEST_RULES_MAX) {
		fields_error(f, v, "people: %u entries; at most %d are possible (make them a team)",
			     v->n, DEST_RULES_MAX);
		return;
	}
	fields_list(f, v, "people", destination_person, out);
	if (rule->n_people)
		qsort(rule->people, rule->n_people, sizeof(*rule->people),
		      destination_compare_people);
}

/* ---- rules -------------------------------------------------------------------------------------
 */

const struct field load_destination_fields[] = {
	{.name = "id", .read = destination_id},
	{.name = "name", .read = destination_name},
	{.name = "cidr", .read = destination_cidr},
	{.name = "private", .read = destination_private},
	{.name = "ports", .read = destination_ports, .below = "[]"},
	{.name = "protocol", .read = destination_protocol},
	{.name = "teams", .read = destination_teams, .below = "[]"},
	{.name = "people", .read = destination_people, .below = "[]"},
	{0},
};

const struct field load_endpoint_fields[] = {
	{.name = "id", .read = destination_id},
	{.name = "name", .read = destination_name},
	{.name = "cidr", .read = destination_cidr},
	{.name = "ports", .read = destination_ports, .below = "[]"},
	{.name = "protocol", .read = destination_protocol},
	{0},
};

struct load_rules {
	struct load *load;
	enum dest_effect effect;
	const char *list; /* "allow", for the id of a rule that has none */
	const char *what;
	const struct field *fields;
	size_t n;
};

/* Each pair of a person and a port range takes a place of its own in the kernel's set. */
static void load_check_size(struct fields *f, const struct document_node *node, const char *what,
			    const struct policy_destination *rule)
{
	size_t n = walk_expand_count(rule), ports = rule->n_ports ? rule->n_ports : 1;

	if (n > DEST_RULES_MAX && n == ports)
		fields_error(f, node, "%s: %zu port ranges; at most %d are possible", what, ports,
			     DEST_RULES_MAX);
	else if (n > DEST_RULES_MAX)
		fields_error(
			f, node,
			"%s: %zu people (the teams count as one) times %zu port ranges are %zu; at "
			"most %d are possible",
			what, n / ports, ports, n, DEST_RULES_MAX);
}

static void load_rule(struct fields *f, const struct document_node *node, void *out)
{
	struct load_rules *rules = out;
	struct policy *policy = rules->load->policy;
	struct load_destination d = {.load = rules->load};
	size_t i = rules->n++;

	if (array_grow(policy->destinations, policy->n_destinations) < 0) {
		fields_no_memory(f);
		return;
	}
	d.rule = &policy->destinations[policy->n_destinations++];
	d.rule->effect = rules->effect;
	d.rule->where = fields_where(f, node);
	fields_mapping(f, node, rules->fields, rules->what, &d);
	if (node->kind == DOCUMENT_MAPPING && !d.name && !d.cidr)
		fields_error(f, node, "%s: expected \"name\" or \"cidr\", found neither",
			     rules->what);
	if (d.name && d.cidr)
		fields_error(f, node, "%s: expected \"name\" or \"cidr\", found both", rules->what);
	if (d.may_be_private && (d.cidr || rules->effect == DEST_DENY))
		fields_error(f, d.may_be_private,
			     "private: says that an allowed name may have private addresses; a "
			     "%s needs no such word",
			     d.cidr ? "rule by cidr" : "deny rule");
	load_check_size(f, node, rules->what, d.rule);
	if (!d.rule->id && asprintf(&d.rule->id, "%s[%zu]", rules->list, i) < 0) {
		d.rule->id = NULL;
		fields_no_memory(f);
	}
}

static int destination_compare_ids(const void *a, const void *b)
{
	const struct policy_destination *x = *(struct policy_destination *const *)a;
	const struct policy_destination *y = *(struct policy_destination *const *)b;
	int r = strcmp(x->id, y->id);

	return r ? r : (x > y) - (x < y);
}

static void load_check_ids(struct load *load)
{
	const struct policy *policy = load->policy;
	_cleanup_free_ struct policy_destination **rules =
		calloc(policy->n_destinations + 1, sizeof(*rules));
	size_t n = 0;

	if (!rules) {
		fields_no_memory(&load->main);
		return;
	}
	for (size_t i = 0; i < policy->n_destinations; i++)
		if (policy->destinations[i].id)
			rules[n++] = &policy->destinations[i];
	qsort(rules, n, sizeof(*rules), destination_compare_ids);
	for (size_t i = 1; i < n; i++)
		if (strcmp(rules[i - 1]->id, rules[i]->id) == 0)
			report_add(load->main.report, POLICY_ERROR, rules[i]->where,
				   "id \"%s\" is given twice; first at %u:%u", rules[i]->id,
				   rules[i - 1]->where.line, rules[i - 1]->where.column);
}

/* Without a name server no governed task can look up the names that the rules allow. */
static void load_check_resolvers(struct load *load)
{
	const struct policy *policy = load->policy;

	for (size_t i = 0; i < policy->n_destinations; i++) {
		const struct policy_destination *d = &policy->destinations[i];

		if (d->target != POLICY_TARGET_NAME || d->effect == DEST_DENY ||
		    policy->n_resolvers)
			continue;
		report_add(load->main.report, POLICY_WARNING, d->where,
			   "destinations.resolvers names no name server, so governed tasks cannot "
			   "look up "
			   "\"%.64s\"",
			   d->name ? d->name : "");
		return;
	}
}

void load_destinations(struct load *load)
{
	struct load_rules lists[] = {
		{load, DEST_DENY, "deny", "a destination", load_destination_fields, 0},
		{load, DEST_MODEL, "endpoints", "a model endpoint", load_endpoint_fields, 0},
		{load, DEST_ALLOW, "allow", "a destination", load_destination_fields, 0},
	};
	/* in the order in which the kernel asks them */
	const struct document_node *nodes[] = {load->deny, load->endpoints, load->allow};
	static const char *const names[] = {"deny", "endpoints", "allow"};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (nodes[i])
			fields_list(&load->main, nodes[i], names[i], load_rule, &lists[i]);
	load_check_ids(load);
	/* of a file with errors, what is missing may only not have been understood */
	if (load->main.report->n_errors)
		return;
	if (lists[1].n == 0)
		fields_warning(
			&load->main, load->main.document->nodes,
			"model.endpoints is empty: the model API is not known, so governed tasks "
			"cannot reach it and others can");
	load_check_resolvers(load);
}

/* ---- resolvers ---------------------------------------------------------------------------------
 */

static void load_resolver(struct fields *f, const struct document_node *v, void *out)
{
	struct policy *policy = ((struct load *)out)->policy;
	const char *text = fields_peek(f, v, "a name server", FIELD_TEXT_MAX);
	struct sockaddr_storage address;
	char err[ADDRESS_ERROR_SIZE];

	if (!text)
		return;
	if (address_parse_resolver(text, &address, err) < 0) {
		fields_error(f, v, "resolvers: %s", err);
		return;
	}
	for (size_t i = 0; i < policy->n_resolvers; i++)
		if (memcmp(&policy->resolvers[i], &address, sizeof(address)) == 0) {
			fields_warning(f, v, "resolvers: \"%.64s\" is given twice", text);
			return;
		}
	if (array_grow(policy->resolvers, policy->n_resolvers) < 0) {
		fields_no_memory(f);
		return;
	}
	policy->resolvers[policy->n_resolvers++] = address;
}

void load_resolvers(struct fields *f, const struct document_node *node, void *out)
{
	if (node->kind == DOCUMENT_SEQUENCE && node->n > 16) {
		fields_error(f, node, "resolvers: %u name servers; at most 16 are possible",
			     node->n);
		return;
	}
	fields_list(f, node, "resolvers", load_resolver, out);
}
