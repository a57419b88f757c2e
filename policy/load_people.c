// SPDX-License-Identifier: Apache-2.0
/* People of bailiff.yaml and of the ACL, made one table; teams in the order of the alphabet. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/array.h"
#include "policy/load.h"
#include "policy/suggest.h"

static int people_compare(const void *a, const void *b)
{
	const struct load_person *x = a, *y = b;
	int r = strcmp(x->email, y->email);

	if (r)
		return r;
	if (x->in_identity != y->in_identity)
		return x->in_identity ? -1 : 1;
	return (x->node > y->node) - (x->node < y->node);
}

static struct fields *people_fields(struct load *load, const struct load_person *person)
{
	return person->in_identity ? &load->main : &load->acl;
}

/* The same address with other letters, in one file: document_check_keys() sees bytes, a directory
 * sees one person. Only such doubles are left when two entries of one file are equal here. */
static void people_merge(struct load *load)
{
	size_t kept = 0;

	for (size_t i = 0; i < load->n_people; i++) {
		struct load_person *p = &load->people[i];
		struct load_person *last = kept ? &load->people[kept - 1] : NULL;

		if (!last || strcmp(last->email, p->email) != 0) {
			struct load_person moved = *p;

			*p = (struct load_person){0};
			load->people[kept++] = moved;
			continue;
		}
		if ((p->in_identity && last->in_identity) || (p->in_acl && last->in_acl))
			fields_error(
				people_fields(load, p), p->node,
				"\"%.64s\" is given twice; capital and small letters are the same "
				"in an address",
				p->email);
		last->in_acl |= p->in_acl;
		last->teams |= p->teams;
		free(p->email);
		fields_free_texts(p->logins);
		fields_free_texts(p->git_emails);
		*p = (struct load_person){0};
	}
	load->n_people = kept;
}

/* Something that one person alone may have: a login, an address for commits. */
struct people_claim {
	const char *text;
	size_t person;
};

static int people_compare_claims(const void *a, const void *b)
{
	const struct people_claim *x = a, *y = b;
	int r = strcmp(x->text, y->text);

	return r ? r : (x->person > y->person) - (x->person < y->person);
}

static void people_check_claims(struct load *load, const char *what, bool logins)
{
	_cleanup_free_ struct people_claim *claims = NULL;
	size_t n = 0;

	for (size_t i = 0; i < load->n_people; i++) {
		char **texts = logins ? load->people[i].logins : load->people[i].git_emails;

		for (; texts && *texts; texts++) {
			if (array_grow(claims, n) < 0) {
				fields_no_memory(&load->main);
				return;
			}
			claims[n++] = (struct people_claim){*texts, i};
		}
	}
	if (n)
		qsort(claims, n, sizeof(*claims), people_compare_claims);
	for (size_t i = 1; i < n; i++) {
		const struct load_person *a = &load->people[claims[i - 1].person];
		const struct load_person *b = &load->people[claims[i].person];
		const struct load_person *second = a->node > b->node ? a : b;
		const struct load_person *first = second == a ? b : a;

		if (strcmp(claims[i - 1].text, claims[i].text) == 0)
			fields_error(
				&load->main, second->node,
				"%s \"%.64s\" is given to %.64s and to %.64s (%u:%u); expected one "
				"person",
				what, claims[i].text, second->email, first->email,
				first->node->line, first->node->column);
	}
}

static void people_check_acl(struct load *load)
{
	for (size_t i = 0; i < load->n_people; i++) {
		const struct load_person *p = &load->people[i];

		if (p->in_identity && !p->in_acl)
			fields_warning(&load->main, p->node,
				       "\"%.64s\" has no entry under users in %s, and so no team",
				       p->email, load->acl_name);
	}
}

static int people_compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Numbers of teams follow the alphabet, so that the order of users in the file changes no table. */
static void people_sort_teams(struct load *load)
{
	struct policy *policy = load->policy;
	const char *before[LOAD_TEAMS_MAX];
	uint64_t bit[LOAD_TEAMS_MAX];

	for (size_t i = 0; i < policy->n_teams; i++)
		before[i] = policy->teams[i];
	qsort(policy->teams, policy->n_teams, sizeof(*policy->teams), people_compare_texts);
	for (size_t i = 0; i < policy->n_teams; i++)
		bit[i] = 1ULL << load_find_team(policy, before[i]);
	for (size_t p = 0; p < load->n_people; p++) {
		uint64_t teams = 0;

		for (size_t i = 0; i < policy->n_teams; i++)
			if (load->people[p].teams & 1ULL << i)
				teams |= bit[i];
		load->people[p].teams = teams;
	}
}

void load_people(struct load *load)
{
	struct policy *policy = load->policy;

	if (load->n_people)
		qsort(load->people, load->n_people, sizeof(*load->people), people_compare);
	people_merge(load);
	people_check_claims(load, "login", true);
	people_check_claims(load, "git e-mail", false);
	if (load->acl_usable && load->main.report->n_errors == 0)
		people_check_acl(load);
	people_sort_teams(load);
	policy->people = calloc(load->n_people + 1, sizeof(*policy->people));
	if (!policy->people) {
		fields_no_memory(&load->main);
		return;
	}
	for (; policy->n_people < load->n_people; policy->n_people++) {
		struct load_person *from = &load->people[policy->n_people];
		struct policy_person *to = &policy->people[policy->n_people];

		to->email = TAKE_PTR(from->email);
		to->logins = TAKE_PTR(from->logins);
		to->git_emails = TAKE_PTR(from->git_emails);
		to->teams = from->teams;
	}
}

static int people_compare_key(const void *key, const void *person)
{
	return strcmp(key, ((const struct policy_person *)person)->email);
}

uint32_t load_find_person(const struct policy *policy, const char *email)
{
	const struct policy_person *p = NULL;

	if (policy->n_people)
		p = bsearch(email, policy->people, policy->n_people, sizeof(*p),
			    people_compare_key);
	return p ? (uint32_t)(p - policy->people) + 1 : 0;
}

int load_find_team(const struct policy *policy, const char *team)
{
	for (size_t i = 0; i < policy->n_teams; i++)
		if (strcmp(policy->teams[i], team) == 0)
			return (int)i;
	return -1;
}

void load_unknown_team(struct load *load, struct fields *f, const struct document_node *node)
{
	struct suggestion s = {.word = node->text};

	if (!load->acl_usable)
		return;
	for (size_t i = 0; i < load->policy->n_teams; i++)
		suggest_consider(&s, load->policy->teams[i]);
	if (s.best)
		fields_error(f, node, "nobody is in team \"%.64s\"; did you mean \"%.64s\"?",
			     node->text, s.best);
	else
		fields_error(f, node, "nobody is in team \"%.64s\"; expected a team of users in %s",
			     node->text, load->acl_name);
}

/* Nothing is looked for once the report is full: a hundred thousand unknown names beside a hundred
 * thousand known ones would be compared for hours. */
const char *load_suggest_person(const struct load *load, const struct policy_report *report,
				const char *email)
{
	struct suggestion s = {.word = email};

	if (report->n >= POLICY_MESSAGES_MAX)
		return NULL;
	for (size_t i = 0; i < load->policy->n_people; i++)
		suggest_consider(&s, load->policy->people[i].email);
	return s.best;
}
