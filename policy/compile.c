// SPDX-License-Identifier: Apache-2.0
/* The policy as the kernel's tables: people and skills here, the rest beside. */
#include "policy/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/content_state.h"
#include "policy/address.h"
#include "policy/array.h"
#include "policy/fields.h"
#include "policy/load.h"

static int compile_compare_persons(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b; /* the uid stands first */

	return (*x > *y) - (*x < *y);
}

/* Several logins may be one uid. Of one person: one entry. Of two: nobody can say who it is. */
static void compile_merge_persons(struct policy_tables *t)
{
	size_t kept = 0;

	if (t->n_persons == 0)
		return;
	_Static_assert(offsetof(__typeof__(*t->persons), uid) == 0, "compared by uid");
	qsort(t->persons, t->n_persons, sizeof(*t->persons), compile_compare_persons);
	for (size_t i = 1; i < t->n_persons; i++) {
		if (t->persons[kept].uid != t->persons[i].uid)
			t->persons[++kept] = t->persons[i];
		else if (t->persons[kept].value.person != t->persons[i].value.person)
			t->persons[kept].value = (struct person_value){0};
	}
	t->n_persons = kept + 1;
}

static int compile_persons(struct compile *c, policy_uid_lookup lookup, void *ctx)
{
	struct policy_tables *t = c->tables;

	for (uint32_t i = 0; i < c->policy->n_people; i++) {
		const struct policy_person *p = &c->policy->people[i];

		for (char **login = p->logins; login && *login; login++) {
			uint32_t uid;
			int r = lookup ? lookup(ctx, *login, &uid) : -ENOENT;

			if (r == -ENOMEM)
				return r;
			if (r < 0)
				continue;
			if (array_grow(t->persons, t->n_persons) < 0)
				return -ENOMEM;
			t->persons[t->n_persons].uid = uid;
			t->persons[t->n_persons].value.teams = p->teams;
			t->persons[t->n_persons++].value.person = i + 1;
		}
	}
	compile_merge_persons(t);
	return 0;
}

static int compile_add_skill(struct compile *c, const struct policy_skill *skill, uint32_t rule,
			     uint32_t person, enum bailiff_verdict verdict,
			     enum bailiff_reason reason)
{
	struct policy_tables *t = c->tables;
	size_t len = strlen(skill->name);

	if (array_grow(t->skills, t->n_skills) < 0)
		return -ENOMEM;
	t->skills[t->n_skills].key.person = person;
	memcpy(t->skills[t->n_skills].key.name, skill->name,
	       len < SKILL_NAME_SIZE ? len : SKILL_NAME_SIZE - 1);
	t->skills[t->n_skills++].value =
		(struct skill_value){.verdict = verdict, .reason = reason, .rule = rule};
	return 0;
}

/* Who has a login on this host, and, of one skill or tool at a time, who may use it: person i + 1.
 */
struct compile_people {
	bool *here, *may;
};

static void compile_people_free(struct compile_people *people)
{
	free(people->here);
	free(people->may);
}

static int compile_people_of(const struct compile *c, struct compile_people *ret)
{
	ret->here = calloc(c->policy->n_people + 1, sizeof(*ret->here));
	ret->may = calloc(c->policy->n_people + 1, sizeof(*ret->may));
	if (!ret->here || !ret->may)
		return -ENOMEM;
	for (size_t i = 0; i < c->tables->n_persons; i++)
		if (c->tables->persons[i].value.person)
			ret->here[c->tables->persons[i].value.person - 1] = true;
	return 0;
}

/* Of those who are not here nothing has to be known. */
static void compile_who(const struct policy *policy, const struct policy_skill *skill,
			struct compile_people *people)
{
	for (uint32_t i = 0; i < policy->n_people; i++)
		people->may[i] =
			people->here[i] && (policy->people[i].teams & skill->allowed_teams);
	for (char **email = skill->allowed_users; email && *email; email++) {
		uint32_t person = load_find_person(policy, *email);

		if (person && people->here[person - 1])
			people->may[person - 1] = true;
	}
}

static int compile_skill(struct compile *c, const struct policy_skill *skill, uint32_t rule,
			 struct compile_people *people)
{
	int r = compile_add_skill(c, skill, rule, 0, BAILIFF_DENY,
				  BAILIFF_REASON_SKILL_NOT_ALLOWED);

	compile_who(c->policy, skill, people);
	for (uint32_t i = 0; r == 0 && i < c->policy->n_people; i++) {
		if (!people->may[i])
			continue;
		if (skill->requires_approval)
			r = compile_add_skill(c, skill, rule, i + 1, BAILIFF_DENY,
					      BAILIFF_REASON_APPROVAL);
		else
			r = compile_add_skill(c, skill, rule, i + 1, BAILIFF_ALLOW,
					      BAILIFF_REASON_RULE);
	}
	return r;
}

static int compile_add_tool(struct compile *c, const struct policy_skill *tool, uint32_t rule,
			    uint32_t person)
{
	struct policy_tables *t = c->tables;
	uint64_t hash = CONTENT_TOOL_FIRST;

	for (const char *p = tool->name; *p; p++)
		hash = content_tool_add(hash, (uint8_t)*p);
	if (array_grow(t->tools, t->n_tools) < 0)
		return -ENOMEM;
	t->tools[t->n_tools].key = (struct tool_key){.person = person, .name = hash};
	t->tools[t->n_tools++].value = (struct skill_value){
		.verdict = person ? BAILIFF_ALLOW : BAILIFF_DENY,
		.reason = person ? BAILIFF_REASON_RULE : BAILIFF_REASON_TOOL,
		.rule = rule,
	};
	return 0;
}

static int compile_tool(struct compile *c, const struct policy_skill *tool, uint32_t rule,
			struct compile_people *people)
{
	int r = compile_add_tool(c, tool, rule, 0);

	compile_who(c->policy, tool, people);
	for (uint32_t i = 0; r == 0 && i < c->policy->n_people; i++)
		if (people->may[i])
			r = compile_add_tool(c, tool, rule, i + 1);
	return r;
}

static int compile_skills(struct compile *c)
{
	_cleanup_(compile_people_free) struct compile_people people = {0};
	int r = compile_people_of(c, &people);

	for (uint32_t i = 0; r == 0 && i < c->policy->n_skills; i++)
		r = compile_skill(c, &c->policy->skills[i], c->first_skill + i, &people);
	for (uint32_t i = 0; r == 0 && i < c->policy->n_tools; i++)
		r = compile_tool(c, &c->policy->tools[i], c->first_tool + i, &people);
	return r;
}

static void policy_tables_freep(struct policy_tables **tables)
{
	policy_tables_free(*tables);
}

static int compile_credentials(struct compile *c)
{
	struct policy_tables *t = c->tables;

	t->root.flags |= c->policy->credential_flags;
	memcpy(t->root.credential_key, c->policy->credential_key, sizeof(t->root.credential_key));
	for (uint32_t i = 0; i < c->policy->n_credentials; i++) {
		const struct policy_credential *from = &c->policy->credentials[i];

		if (array_grow(t->credentials, t->n_credentials) < 0)
			return -ENOMEM;
		t->credentials[t->n_credentials].key.person = from->person;
		memcpy(t->credentials[t->n_credentials].key.digest, from->digest,
		       sizeof(from->digest));
		t->credentials[t->n_credentials++].number = i + 1;
	}
	return 0;
}

int policy_compile(const struct policy *policy, const struct policy_addresses *addresses,
		   size_t n_addresses, policy_uid_lookup lookup, void *ctx,
		   struct policy_tables **ret, char *err)
{
	_cleanup_(policy_tables_freep) struct policy_tables *t = calloc(1, sizeof(*t));
	struct compile c = {
		.policy = policy,
		.tables = t,
		.addresses = addresses,
		.n_addresses = n_addresses,
		.err = err,
	};
	int r;

	err[0] = 0;
	if (!t)
		return -ENOMEM;
	t->root.mode_destinations = policy->mode_destinations;
	t->root.mode_skills = policy->mode_skills;
	t->root.mode_model = policy->mode_model;
	if (policy->refuse_unlisted_names)
		t->root.flags |= POLICY_QUERY_REFUSE;
	t->root.flags |= policy->guard;
	t->root.skill_default = policy->skill_default_allow ? BAILIFF_ALLOW : BAILIFF_DENY;
	if (policy->user_namespaces)
		t->root.flags |= POLICY_NAMESPACES;
	memcpy(t->root.listen, policy->listen, policy->n_listen * sizeof(policy->listen[0]));
	r = compile_rules(&c);
	if (r == 0)
		r = compile_persons(&c, lookup, ctx);
	if (r == 0)
		r = compile_skills(&c);
	if (r == 0)
		r = compile_destinations(&c);
	if (r == 0)
		r = compile_credentials(&c);
	if (r == 0)
		r = compile_inline(&c);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(t);
	return 0;
}

void policy_tables_free(struct policy_tables *tables)
{
	if (!tables)
		return;
	free(tables->persons);
	free(tables->skills);
	free(tables->dest4);
	free(tables->dest6);
	free(tables->sets);
	free(tables->names);
	free(tables->patterns);
	free(tables->locals);
	free(tables->credentials);
	free(tables->tools);
	free(tables->scan);
	free(tables->texts);
	free(tables->key_texts);
	for (size_t i = 0; i < tables->n_rules; i++) {
		free(tables->rules[i].id);
		free(tables->rules[i].words);
	}
	free(tables->rules);
	fields_free_texts(tables->files);
	free(tables);
}

static int compile_compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int policy_names(const struct policy *policy, const char ***ret)
{
	const char **names = calloc(policy->n_destinations + 1, sizeof(*names));
	size_t n = 0, kept = 0;

	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_destinations; i++) {
		const struct policy_destination *d = &policy->destinations[i];

		if (d->target == POLICY_TARGET_NAME && d->effect == DEST_MODEL &&
		    !address_is_wildcard(d->name))
			names[n++] = d->name;
	}
	qsort(names, n, sizeof(*names), compile_compare_names);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0)
			names[kept++] = names[i];
	names[kept] = NULL;
	*ret = names;
	return 0;
}
