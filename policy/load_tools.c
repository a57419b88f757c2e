// SPDX-License-Identifier: Apache-2.0
/* Tools that are not for everybody, with whom they are for. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/array.h"
#include "policy/load.h"

#define TOOLS_MAX      1024
#define TOOL_NAME_SIZE 128 /* the longest that the model API takes */

const struct field load_tool_fields[] = {
	{.name = "allowed_users", .read = load_allowed_users, .below = "[]"},
	{.name = "allowed_teams", .read = load_allowed_teams, .below = "[]"},
	{0},
};

static bool tool_name_usable(struct fields *f, const struct document_node *key)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";
	const char *name = fields_peek(f, key, "a tool", TOOL_NAME_SIZE);

	if (!name)
		return false;
	if (!name[strspn(name, letters)])
		return true;
	fields_error(f, key,
		     "tool \"%.64s\": expected the name that the model calls it by (letters, "
		     "digits, '_', '-'; mcp__SERVER__TOOL of an MCP server)%s",
		     name,
		     strpbrk(name, "*?")
			     ? "; patterns are not possible, each tool has its own entry"
			     : "");
	return false;
}

static void tools_one(struct fields *f, const struct document_node *key,
		      const struct document_node *v, void *out)
{
	struct load *load = out;
	struct policy *policy = load->policy;
	struct load_skill s = {.load = load};
	size_t errors = f->report->n_errors;

	if (!tool_name_usable(f, key))
		return;
	if (policy->n_tools == TOOLS_MAX) {
		fields_error(f, key, "over %d tools", TOOLS_MAX);
		return;
	}
	if (array_grow(policy->tools, policy->n_tools) < 0) {
		fields_no_memory(f);
		return;
	}
	s.skill = &policy->tools[policy->n_tools];
	s.skill->where = fields_where(f, key);
	s.skill->name = strdup(key->text);
	if (!s.skill->name) {
		fields_no_memory(f);
		return;
	}
	policy->n_tools++;
	fields_mapping(f, v, load_tool_fields, "a tool", &s);
	/* for nobody on purpose: an empty list says so */
	if (f->report->n_errors == errors && !load_skill_reachable(policy, s.skill) &&
	    s.skill->allowed_users && *s.skill->allowed_users)
		fields_warning(f, key, "tool \"%s\" is for nobody: no user and no team may use it",
			       s.skill->name);
}

void load_tools(struct load *load)
{
	if (load->tools)
		fields_each(&load->main, load->tools, "tools", tools_one, load);
}
