// SPDX-License-Identifier: Apache-2.0
/* Shows a policy as it was understood: the rule ids are those that events and `bailiff why` name.
 */
#include "cli/policy_show.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "cli/policy_inline.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "policy/address.h"

#define SHOW_CELL_MAX (1u << 20)

static const char *const show_modes[] = {
	[BAILIFF_MODE_RECORD] = "record",
	[BAILIFF_MODE_SHADOW] = "shadow",
	[BAILIFF_MODE_ENFORCE] = "enforce",
};
_Static_assert(ARRAY_SIZE(show_modes) == BAILIFF_MODE_MAX, "show_modes");

static const char *const show_effects[] = {
	[DEST_ALLOW] = "allow",
	[DEST_DENY] = "deny",
	[DEST_MODEL] = "model",
	[DEST_RESOLVER] = "resolver",
};
_Static_assert(ARRAY_SIZE(show_effects) == DEST_EFFECT_MAX, "show_effects");

static void show_tables_freep(struct policy_tables **tables)
{
	policy_tables_free(*tables);
}

/* Whether the skill's entry lets the person in, with approval or without. */
static bool show_may_use(const struct policy_skill *skill, const struct policy_person *person)
{
	for (char **u = skill->allowed_users; u && *u; u++)
		if (strcmp(*u, person->email) == 0)
			return true;
	return (skill->allowed_teams & person->teams) != 0;
}

static const char *show_target(const struct policy_destination *d, char out[ADDRESS_TEXT_SIZE])
{
	struct prefix prefix = {.family = d->family, .len = d->prefix_len};

	if (d->target == POLICY_TARGET_NAME)
		return d->name;
	memcpy(prefix.address, d->address, sizeof(prefix.address));
	return address_format(&prefix, out);
}

static void show_ports(const struct policy_ports *p, char out[16])
{
	if (p->low == p->high)
		snprintf(out, 16, "%u", p->low);
	else
		snprintf(out, 16, "%u-%u", p->low, p->high);
}

static void show_resolver(const struct sockaddr_storage *address, char out[ADDRESS_TEXT_SIZE])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	char text[INET6_ADDRSTRLEN] = "?";

	if (address->ss_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		snprintf(out, ADDRESS_TEXT_SIZE, "%s:%u", text, ntohs(in->sin_port));
	} else {
		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		snprintf(out, ADDRESS_TEXT_SIZE, "[%s]:%u", text, ntohs(in6->sin6_port));
	}
}

/* ---- for people --------------------------------------------------------------------------------
 */

/* One cell made of several texts. A failure is memory, and leaves the cell shorter. */
static void show_append(struct buffer *cell, const char *text)
{
	if (buffer_printf(cell, SHOW_CELL_MAX, "%s%s", cell->len ? ", " : "", text) < 0)
		buffer_printf(cell, SHOW_CELL_MAX + 8, "...");
}

static void show_cell(struct table *table, struct buffer *cell, const char *empty)
{
	table_cell(table, TERMINAL_PLAIN, cell->len ? (const char *)cell->data : empty);
	buffer_free(cell);
}

static void show_append_teams(struct buffer *cell, const struct policy *policy, uint64_t teams)
{
	for (size_t i = 0; i < policy->n_teams; i++)
		if (teams & 1ULL << i)
			show_append(cell, policy->teams[i]);
}

static void show_head(const struct policy *policy, FILE *to)
{
	char hex[DIGEST_HEX];

	digest_hex(policy->digest, sizeof(policy->digest), hex);
	fprintf(to, "version %llu", (unsigned long long)policy->version);
	if (*policy->organisation) {
		fprintf(to, " of ");
		terminal_print(to, TERMINAL_BOLD, policy->organisation);
	}
	if (*policy->contact) {
		fprintf(to, ", contact ");
		terminal_print(to, TERMINAL_PLAIN, policy->contact);
	}
	fprintf(to, "\ndigest %s\n", hex);
	fprintf(to, "modes: destinations %s, skills %s, model %s, inline %s\n",
		show_modes[policy->mode_destinations], show_modes[policy->mode_skills],
		show_modes[policy->mode_model], show_modes[policy->mode_inline]);
	if (policy->refuse_unlisted_names)
		fprintf(to, "questions for names that no rule lists are refused\n");
}

static int show_people(const struct policy *policy, FILE *to)
{
	static const char *const heads[] = {"PERSON", "LOGINS", "TEAMS", "SKILLS"};
	_cleanup_(table_freep) struct table *table = NULL;
	int r = table_new(heads, ARRAY_SIZE(heads), &table);

	if (r < 0)
		return r;
	for (size_t i = 0; i < policy->n_people; i++) {
		const struct policy_person *p = &policy->people[i];
		struct buffer cell = {0};

		table_row(table);
		table_cell(table, TERMINAL_BOLD, p->email);
		for (char **login = p->logins; login && *login; login++)
			show_append(&cell, *login);
		show_cell(table, &cell, "-");
		show_append_teams(&cell, policy, p->teams);
		show_cell(table, &cell, "-");
		for (size_t s = 0; s < policy->n_skills; s++) {
			const struct policy_skill *skill = &policy->skills[s];
			char name[SKILL_NAME_SIZE + 16];

			if (!show_may_use(skill, p))
				continue;
			snprintf(name, sizeof(name), "%s%s", skill->name,
				 skill->requires_approval ? " (approval)" : "");
			show_append(&cell, name);
		}
		show_cell(table, &cell, "none");
	}
	fprintf(to, "\nPeople\n");
	table_print(table, to, terminal_width());
	return 0;
}

/* Rules of these kinds with their words. */
static int show_rules(const struct policy_tables *tables, const char *title, FILE *to,
		      unsigned int kinds)
{
	static const char *const heads[] = {"RULE", "LINE", "MEANS"};
	_cleanup_(table_freep) struct table *table = NULL;
	int r = table_new(heads, ARRAY_SIZE(heads), &table);

	if (r < 0)
		return r;
	/* the defaults stand first in the table of rules, and come last for the reader */
	for (int defaults = 0; defaults < 2; defaults++)
		for (size_t i = 1; i < tables->n_rules; i++) {
			const struct policy_rule *rule = &tables->rules[i];
			bool is_default = i <= POLICY_RULE_INDEX_DESTINATION_DEFAULT;

			if (!(kinds & 1u << rule->kind) || is_default != defaults)
				continue;
			table_row(table);
			table_cell(table, TERMINAL_BOLD, rule->id);
			if (rule->where.line)
				table_printf(table, TERMINAL_DIM, "%u", rule->where.line);
			else
				table_cell(table, TERMINAL_DIM, "-");
			table_cell(table, TERMINAL_PLAIN, rule->words);
		}
	fprintf(to, "\n%s\n", title);
	table_print(table, to, terminal_width());
	return 0;
}

/* Ways out beside destinations. */
static void show_doors(const struct policy *policy, FILE *to)
{
	fprintf(to, "\nLocal sockets of others that may be used\n");
	for (size_t i = 0; i < policy->n_locals; i++)
		fprintf(to, "%s\n", policy->locals[i].path);
	if (!policy->n_locals)
		fprintf(to, "none\n");
	fprintf(to, "\nPorts that others than this host may connect to: ");
	for (size_t i = 0; i < policy->n_listen; i++) {
		const struct port_range *r = &policy->listen[i];

		fprintf(to, "%s%u", i ? ", " : "", r->low);
		if (r->high != r->low)
			fprintf(to, "-%u", r->high);
	}
	fprintf(to, "%s\nUser namespaces: %s\n", policy->n_listen ? "" : "none",
		policy->user_namespaces ? "allowed" : "refused");
}

static int show_compile(const struct policy *policy, struct policy_tables **ret)
{
	char err[256];
	int r = policy_compile(policy, NULL, 0, NULL, NULL, ret, err);

	if (r < 0)
		fprintf(stderr, "bailiff policy: %s\n", *err ? err : strerror(-r));
	return r;
}

int policy_show_print(const struct policy *policy, FILE *to)
{
	_cleanup_(show_tables_freep) struct policy_tables *tables = NULL;
	int r = show_compile(policy, &tables);

	if (r < 0)
		return r;
	show_head(policy, to);
	r = show_people(policy, to);
	if (r == 0)
		r = show_rules(tables, "Skills", to,
			       1u << POLICY_RULE_SKILL | 1u << POLICY_RULE_SKILL_DEFAULT);
	if (r == 0)
		r = show_rules(tables, "Destinations (deny, then model, then allow)", to,
			       1u << POLICY_RULE_DESTINATION | 1u << POLICY_RULE_RESOLVER |
				       1u << POLICY_RULE_DESTINATION_DEFAULT);
	if (r == 0 && policy->n_tools)
		r = show_rules(tables, "Tools (those that are not listed are for everybody)", to,
			       1u << POLICY_RULE_TOOL);
	if (r == 0)
		show_doors(policy, to);
	if (r == 0)
		r = policy_inline_print(policy, to);
	return r;
}

/* ---- for programs ------------------------------------------------------------------------------
 */

json_t *policy_show_text(const char *text)
{
	json_t *json = json_string(text);
	_cleanup_free_ char *safe = NULL;

	if (json)
		return json;
	safe = terminal_safe(text);
	return json_string(safe ? safe : "");
}

static json_t *show_json_texts(char *const *texts)
{
	json_t *list = json_array();

	for (; texts && *texts; texts++)
		json_array_append_new(list, json_string(*texts));
	return list;
}

static json_t *show_json_teams(const struct policy *policy, uint64_t teams)
{
	json_t *list = json_array();

	for (size_t i = 0; i < policy->n_teams; i++)
		if (teams & 1ULL << i)
			json_array_append_new(list, json_string(policy->teams[i]));
	return list;
}

static json_t *show_json_people(const struct policy *policy)
{
	json_t *list = json_array();

	for (size_t i = 0; i < policy->n_people; i++) {
		const struct policy_person *p = &policy->people[i];
		json_t *skills = json_array();

		for (size_t s = 0; s < policy->n_skills; s++)
			if (show_may_use(&policy->skills[s], p))
				json_array_append_new(skills, json_string(policy->skills[s].name));
		json_array_append_new(
			list, json_pack("{s:s, s:o, s:o, s:o, s:o}", "email", p->email, "logins",
					show_json_texts(p->logins), "git_emails",
					show_json_texts(p->git_emails), "teams",
					show_json_teams(policy, p->teams), "skills", skills));
	}
	return list;
}

static json_t *show_json_rule(const struct policy_rule *rule)
{
	json_t *json = json_pack("{s:s, s:s, s:o}", "rule", rule->id, "words", rule->words, "file",
				 policy_show_text(rule->where.file));

	if (rule->where.line) {
		json_object_set_new(json, "line", json_integer(rule->where.line));
		json_object_set_new(json, "column", json_integer(rule->where.column));
	}
	return json;
}

static json_t *show_json_skill(const struct policy *policy, const struct policy_skill *skill,
			       const struct policy_rule *rule)
{
	json_t *json = show_json_rule(rule);

	json_object_set_new(json, "name", json_string(skill->name));
	json_object_set_new(json, "allowed_users", show_json_texts(skill->allowed_users));
	json_object_set_new(json, "allowed_teams", show_json_teams(policy, skill->allowed_teams));
	if (rule->kind == POLICY_RULE_SKILL)
		json_object_set_new(json, "requires_approval",
				    json_boolean(skill->requires_approval));
	return json;
}

static json_t *show_json_destination(const struct policy *policy,
				     const struct policy_destination *d,
				     const struct policy_rule *rule)
{
	json_t *json = show_json_rule(rule), *ports = json_array(), *people = json_array();
	char text[ADDRESS_TEXT_SIZE];

	json_object_set_new(json, "effect", json_string(show_effects[d->effect]));
	json_object_set_new(json, d->target == POLICY_TARGET_NAME ? "name" : "cidr",
			    json_string(show_target(d, text)));
	for (size_t i = 0; i < d->n_ports; i++) {
		show_ports(&d->ports[i], text);
		json_array_append_new(ports, json_string(text));
	}
	if (d->may_be_private)
		json_object_set_new(json, "private", json_true());
	json_object_set_new(json, "ports", ports);
	if (d->protocol)
		json_object_set_new(json, "protocol",
				    json_string(d->protocol == IPPROTO_TCP ? "tcp" : "udp"));
	json_object_set_new(json, "teams", show_json_teams(policy, d->teams));
	for (size_t i = 0; i < d->n_people; i++)
		json_array_append_new(people, json_string(policy->people[d->people[i] - 1].email));
	json_object_set_new(json, "people", people);
	return json;
}

static json_t *show_json_resolvers(const struct policy *policy)
{
	json_t *list = json_array();

	for (size_t i = 0; i < policy->n_resolvers; i++) {
		char text[ADDRESS_TEXT_SIZE];

		show_resolver(&policy->resolvers[i], text);
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *show_json_mask(const struct policy *policy)
{
	json_t *custom = json_array();

	for (size_t i = 0; i < policy->n_custom; i++)
		json_array_append_new(custom,
				      json_pack("{s:s, s:s}", "name", policy->custom[i].name,
						"pattern", policy->custom[i].pattern));
	return json_pack("{s:o, s:o}", "detectors",
			 policy->detectors ? show_json_texts(policy->detectors)
					   : json_string("all"),
			 "custom", custom);
}

static json_t *show_json_clients(const struct policy *policy)
{
	json_t *extra = json_array();

	for (size_t i = 0; i < policy->n_clients; i++) {
		char hex[DIGEST_HEX];

		digest_hex(policy->clients[i].sha256, sizeof(policy->clients[i].sha256), hex);
		json_array_append_new(extra, json_pack("{s:s, s:s}", "name",
						       policy->clients[i].name, "sha256", hex));
	}
	return json_pack("{s:b, s:o}", "claude_code", policy->recognise_claude_code, "extra",
			 extra);
}

static json_t *show_json_locals(const struct policy *policy)
{
	json_t *list = json_array();

	for (size_t i = 0; i < policy->n_locals; i++)
		json_array_append_new(list, policy_show_text(policy->locals[i].path));
	return list;
}

static json_t *show_json_listen(const struct policy *policy)
{
	json_t *list = json_array();

	for (size_t i = 0; i < policy->n_listen; i++)
		json_array_append_new(list, json_pack("{s:i, s:i}", "low", policy->listen[i].low,
						      "high", policy->listen[i].high));
	return list;
}

json_t *policy_show_json(const struct policy *policy)
{
	_cleanup_(show_tables_freep) struct policy_tables *tables = NULL;
	json_t *skills, *tools, *destinations, *json;
	size_t skill = 0, tool = 0, destination = 0;
	char hex[DIGEST_HEX];

	if (show_compile(policy, &tables) < 0)
		return NULL;
	skills = json_array();
	tools = json_array();
	destinations = json_array();
	for (size_t i = 1; i < tables->n_rules; i++) {
		const struct policy_rule *rule = &tables->rules[i];

		if (rule->kind == POLICY_RULE_SKILL)
			json_array_append_new(
				skills, show_json_skill(policy, &policy->skills[skill++], rule));
		else if (rule->kind == POLICY_RULE_TOOL)
			json_array_append_new(
				tools, show_json_skill(policy, &policy->tools[tool++], rule));
		else if (rule->kind == POLICY_RULE_DESTINATION)
			json_array_append_new(
				destinations,
				show_json_destination(policy, &policy->destinations[destination++],
						      rule));
	}
	digest_hex(policy->digest, sizeof(policy->digest), hex);
	json = json_pack("{s:I, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s}}", "version",
			 (json_int_t)policy->version, "digest", hex, "organisation",
			 policy->organisation, "contact", policy->contact, "modes", "default",
			 show_modes[policy->mode_default], "destinations",
			 show_modes[policy->mode_destinations], "skills",
			 show_modes[policy->mode_skills], "model", show_modes[policy->mode_model],
			 "inline", show_modes[policy->mode_inline]);
	json_object_set_new(json, "people", show_json_people(policy));
	json_object_set_new(json, "teams", show_json_teams(policy, UINT64_MAX));
	json_object_set_new(json, "skill_default",
			    json_string(policy->skill_default_allow ? "allow" : "deny"));
	json_object_set_new(json, "skills", skills);
	json_object_set_new(json, "tools", tools);
	json_object_set_new(json, "destinations", destinations);
	json_object_set_new(json, "resolvers", show_json_resolvers(policy));
	json_object_set_new(json, "unlisted_names",
			    json_string(policy->refuse_unlisted_names ? "refuse" : "answer"));
	json_object_set_new(json, "local", show_json_locals(policy));
	json_object_set_new(json, "listen", show_json_listen(policy));
	json_object_set_new(json, "user_namespaces",
			    json_string(policy->user_namespaces ? "allow" : "refuse"));
	json_object_set_new(json, "mask", show_json_mask(policy));
	json_object_set_new(json, "inline", policy_inline_json(policy));
	json_object_set_new(json, "clients", show_json_clients(policy));
	json_object_set_new(json, "log",
			    json_pack("{s:s, s:s, s:i, s:i}", "directory", policy->log_directory,
				      "origin", policy->log_origin, "text_bytes",
				      (int)policy->log_text_bytes, "checkpoint_seconds",
				      (int)policy->checkpoint_seconds));
	return json;
}
