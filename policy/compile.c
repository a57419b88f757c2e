// SPDX-License-Identifier: Apache-2.0
/* The policy as the kernel's tables: people and skills here, the rest beside. */
#include "policy/compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
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

/* here[i]: person i + 1 has a login on this host. allowed: memory for as many, all false. */
static int compile_skill(struct compile *c, const struct policy_skill *skill, uint32_t rule,
			 const bool *here, bool *allowed)
{
	const struct policy *policy = c->policy;
	int r = compile_add_skill(c, skill, rule, 0, BAILIFF_DENY,
				  BAILIFF_REASON_SKILL_NOT_ALLOWED);

	for (char **email = skill->allowed_users; email && *email; email++) {
		uint32_t person = load_find_person(policy, *email);

		if (person)
			allowed[person - 1] = true;
	}
	for (uint32_t i = 0; r == 0 && i < policy->n_people; i++) {
		bool may = allowed[i] || (policy->people[i].teams & skill->allowed_teams);

		allowed[i] = false;
		if (!may || !here[i])
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

static int compile_skills(struct compile *c)
{
	const struct policy *policy = c->policy;
	_cleanup_free_ bool *here = calloc(policy->n_people + 1, sizeof(*here));
	_cleanup_free_ bool *allowed = calloc(policy->n_people + 1, sizeof(*allowed));
	int r = 0;

	if (!here || !allowed)
		return -ENOMEM;
	for (size_t i = 0; i < c->tables->n_persons; i++)
		if (c->tables->persons[i].value.person)
			here[c->tables->persons[i].value.person - 1] = true;
	for (uint32_t i = 0; r == 0 && i < policy->n_skills; i++)
		r = compile_skill(c, &policy->skills[i], c->first_skill + i, here, allowed);
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
	free(tables->scan);
	free(tables->texts);
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
