/* SPDX-License-Identifier: Apache-2.0 */
/* A policy while it is read: what several of the readers need from each other. */
#ifndef POLICY_LOAD_H
#define POLICY_LOAD_H

#include "policy/fields.h"

#define LOAD_FILE_MAIN "bailiff.yaml"
#define LOAD_TEAMS_MAX 64
#define LOAD_NAME_MAX  254 /* an e-mail address, a login, a team */

/* Somebody named in identity.people, in the ACL's users, or in both. */
struct load_person {
	char *email;
	char **logins, **git_emails;
	uint64_t teams;
	bool in_identity, in_acl;
	const struct document_node *node; /* in the file that in_identity, else in_acl, names */
};

struct load {
	struct policy *policy;
	struct fields main, acl;
	char *acl_name;
	int mode, mode_destinations, mode_skills, mode_model, mode_inline; /* -1: not given */
	int inline_compressed;						   /* 1: block, 0: log */
	struct load_person *people; /* until load_people() sorts them into the policy */
	size_t n_people;
	bool locals_given;
	bool acl_usable; /* false: teams and users are unknown, and nothing is said of them */

	/* read once people and teams are known */
	const struct document_node *allow, *deny, *endpoints, *skills, *enrolled, *tools;
};

/* Each reads its part and reports what is wrong with it. */
void load_main(struct load *load);	   /* bailiff.yaml without rules */
void load_acl(struct load *load);	   /* the ACL without its skills */
void load_people(struct load *load);	   /* people and teams of both */
void load_skills(struct load *load);	   /* needs people */
void load_tools(struct load *load);	   /* needs people */
void load_destinations(struct load *load); /* needs people */
void load_credentials(struct load *load);  /* needs people */

/* A skill or a tool, for those who read whom it is for. */
struct load_skill {
	struct load *load;
	struct policy_skill *skill;
};
void load_allowed_users(struct fields *f, const struct document_node *node, void *out);
void load_allowed_teams(struct fields *f, const struct document_node *node, void *out);
/* Whether anybody there is could use it. */
bool load_skill_reachable(const struct policy *policy, const struct policy_skill *skill);

/* Readers of list entries that another file's tables name. */
void load_resolvers(struct fields *f, const struct document_node *node, void *out);
void load_locals(struct fields *f, const struct document_node *node, void *out);
void load_listen(struct fields *f, const struct document_node *node, void *out);
void load_namespaces(struct fields *f, const struct document_node *node, void *out);
void load_inline(struct fields *f, const struct document_node *node, void *out);
extern const struct field load_local_fields[], load_inline_fields[];

/* One of the three modes; -1 after an error. */
int load_mode(struct fields *f, const struct document_node *v, const char *what);
/* Whether a name is made of small letters, digits, '_' and '-'. */
bool load_is_word(const char *text);

/* The local sockets that everybody needs, where the policy says nothing of them. Returns 0 or
 * -ENOMEM. */
int load_usual_locals(struct load *load);
extern const struct field load_main_fields[], load_acl_fields[];
extern const struct field load_destination_fields[], load_endpoint_fields[], load_tool_fields[];
extern const struct field load_credentials_fields[];

/* A person's number (index + 1) or 0; a team's number or -1. Only after load_people(). */
uint32_t load_find_person(const struct policy *policy, const char *email);
int load_find_team(const struct policy *policy, const char *team);

/* Says that nobody is in the team, or nobody is that person; suggests one. */
void load_unknown_team(struct load *load, struct fields *f, const struct document_node *node);
const char *load_suggest_person(const struct load *load, const struct policy_report *report,
				const char *email);

/* The files of a policy by name. Adds its source to the report, or an error. Returns 0 or -errno.
 */
typedef int (*load_open)(void *ctx, const char *name, const char *shown,
			 struct policy_report *report);

/* policy_load() with the files from wherever they are. */
int load_policy(const char *directory, load_open open, void *ctx, struct policy **ret,
		struct policy_report *report);

#endif
