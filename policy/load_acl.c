// SPDX-License-Identifier: Apache-2.0
/* The ACL, in the format that companies have: users and their teams first, then the skills. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/array.h"
#include "policy/load.h"

/* ---- users -------------------------------------------------------------------------------------
 */

struct acl_user {
	struct load *load;
	uint64_t teams;
};

/* Teams get their numbers in the order of the file; load_people() puts them into that of the
 * alphabet. */
static void user_team(struct fields *f, const struct document_node *v, void *out)
{
	struct acl_user *user = out;
	struct policy *policy = user->load->policy;
	const char *name = fields_peek(f, v, "a team", LOAD_NAME_MAX);
	size_t i = 0;

	if (!name)
		return;
	while (i < policy->n_teams && strcmp(policy->teams[i], name) != 0)
		i++;
	if (i == policy->n_teams) {
		if (i == LOAD_TEAMS_MAX) {
			fields_error(f, v,
				     "team \"%.64s\" is one too many; at most %d are possible",
				     name, LOAD_TEAMS_MAX);
			return;
		}
		policy->teams[i] = strdup(name);
		if (!policy->teams[i]) {
			fields_no_memory(f);
			return;
		}
		policy->n_teams++;
	}
	if (user->teams & 1ULL << i)
		fields_warning(f, v, "teams: \"%.64s\" is given twice", name);
	user->teams |= 1ULL << i;
}

static void user_teams(struct fields *f, const struct document_node *v, void *out)
{
	fields_list(f, v, "teams", user_team, out);
}

static const struct field user_fields[] = {
	{.name = "teams", .read = user_teams, .below = "[]"},
	{0},
};

static void acl_user(struct fields *f, const struct document_node *key,
		     const struct document_node *v, void *out)
{
	struct load *load = out;
	struct acl_user user = {.load = load};
	struct load_person *person;

	if (array_grow(load->people, load->n_people) < 0) {
		fields_no_memory(f);
		return;
	}
	person = &load->people[load->n_people];
	person->in_acl = true;
	person->node = key;
	fields_text(f, key, "a user", LOAD_NAME_MAX, &person->email);
	if (!person->email)
		return;
	load->n_people++;
	fields_lower(person->email);
	fields_mapping(f, v, user_fields, "a user", &user);
	person->teams = user.teams;
}

static void acl_users(struct fields *f, const struct document_node *v, void *out)
{
	fields_each(f, v, "users", acl_user, out);
}

static void acl_default(struct fields *f, const struct document_node *v, void *out)
{
	static const char *const words[] = {"deny", "allow"};
	struct load *load = out;

	load->policy->skill_default_allow = fields_choice(f, v, "default", words, 2) == 1;
}

static void acl_skills(struct fields *f, const struct document_node *v, void *out)
{
	((struct load *)out)->skills = v;
}

/* ---- skills ------------------------------------------------------------------------------------
 */

static void skill_check_user(struct fields *f, const struct document_node *v, void *out)
{
	struct load_skill *s = out;
	_cleanup_free_ char *email = strdup(v->kind == DOCUMENT_SCALAR ? v->text : "");
	const char *near;

	if (!email) {
		fields_no_memory(f);
		return;
	}
	fields_lower(email);
	if (!*email || load_find_person(s->load->policy, email))
		return;
	near = load_suggest_person(s->load, f->report, email);
	if (near)
		fields_warning(
			f, v,
			"nobody is \"%.64s\": neither in users nor in identity.people; did you "
			"mean \"%.64s\"?",
			email, near);
	else
		fields_warning(f, v, "nobody is \"%.64s\": neither in users nor in identity.people",
			       email);
}

void load_allowed_users(struct fields *f, const struct document_node *v, void *out)
{
	struct load_skill *s = out;

	fields_texts(f, v, "allowed_users", LOAD_NAME_MAX, true, &s->skill->allowed_users);
	if (v->kind == DOCUMENT_SEQUENCE)
		fields_list(f, v, "allowed_users", skill_check_user, out);
}

static void skill_team(struct fields *f, const struct document_node *v, void *out)
{
	struct load_skill *s = out;
	const char *name = fields_peek(f, v, "a team", LOAD_NAME_MAX);
	int team;

	if (!name)
		return;
	team = load_find_team(s->load->policy, name);
	if (team < 0) {
		load_unknown_team(s->load, f, v);
		return;
	}
	if (s->skill->allowed_teams & 1ULL << team)
		fields_warning(f, v, "allowed_teams: \"%.64s\" is given twice", name);
	s->skill->allowed_teams |= 1ULL << team;
}

void load_allowed_teams(struct fields *f, const struct document_node *v, void *out)
{
	fields_list(f, v, "allowed_teams", skill_team, out);
}

static void skill_approval(struct fields *f, const struct document_node *v, void *out)
{
	fields_bool(f, v, "requires_approval",
		    &((struct load_skill *)out)->skill->requires_approval);
}

static const struct field skill_fields[] = {
	{.name = "allowed_users", .read = load_allowed_users, .below = "[]"},
	{.name = "allowed_teams", .read = load_allowed_teams, .below = "[]"},
	{.name = "requires_approval", .read = skill_approval},
	{0},
};

static bool acl_skill_name_usable(struct fields *f, const struct document_node *key)
{
	char found[FIELD_FOUND_SIZE];

	if (!fields_peek(f, key, "a skill", FIELD_TEXT_MAX))
		return false;
	if (strlen(key->text) >= SKILL_NAME_SIZE)
		fields_error(f, key, "skill %s: a name of %zu bytes; at most %d are possible",
			     fields_found(key, found), strlen(key->text), SKILL_NAME_SIZE - 1);
	else if (strchr(key->text, '/'))
		fields_error(f, key,
			     "skill %s: a '/' cannot be in the name, which is that of the skill's "
			     "directory",
			     fields_found(key, found));
	else if (strcmp(key->text, ".") == 0 || strcmp(key->text, "..") == 0)
		fields_error(f, key, "skill %s: not the name of a directory",
			     fields_found(key, found));
	else
		return true;
	return false;
}

bool load_skill_reachable(const struct policy *policy, const struct policy_skill *skill)
{
	if (skill->allowed_teams) /* each of them has somebody */
		return true;
	for (char **u = skill->allowed_users; u && *u; u++)
		if (load_find_person(policy, *u))
			return true;
	return false;
}

static void acl_skill(struct fields *f, const struct document_node *key,
		      const struct document_node *v, void *out)
{
	struct load *load = out;
	struct policy *policy = load->policy;
	struct load_skill s = {.load = load};
	size_t errors = f->report->n_errors;

	if (!acl_skill_name_usable(f, key))
		return;
	if (array_grow(policy->skills, policy->n_skills) < 0) {
		fields_no_memory(f);
		return;
	}
	s.skill = &policy->skills[policy->n_skills];
	s.skill->where = fields_where(f, key);
	s.skill->name = strdup(key->text);
	if (!s.skill->name) {
		fields_no_memory(f);
		return;
	}
	policy->n_skills++;
	fields_mapping(f, v, skill_fields, "a skill", &s);
	if (f->report->n_errors == errors && !load_skill_reachable(policy, s.skill))
		fields_warning(f, key, "skill \"%s\" is for nobody: no user and no team may use it",
			       s.skill->name);
}

void load_skills(struct load *load)
{
	if (load->skills)
		fields_each(&load->acl, load->skills, "skills", acl_skill, load);
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

const struct field load_acl_fields[] = {
	{.name = "default", .read = acl_default},
	{.name = "skills", .read = acl_skills, .below = ".NAME", .fields = skill_fields},
	{.name = "users", .read = acl_users, .below = ".EMAIL", .fields = user_fields},
	{0},
};

void load_acl(struct load *load)
{
	const struct document_node *root = load->acl.document->nodes;

	load->acl_usable = root->kind == DOCUMENT_MAPPING;
	fields_mapping(&load->acl, root, load_acl_fields, "the ACL", load);
}
