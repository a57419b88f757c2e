/* SPDX-License-Identifier: Apache-2.0 */
/* The policy language: a directory with bailiff.yaml and the ACL it names, parsed with positions,
 * checked, and handed on as one immutable struct policy. */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/contract.h"

struct policy_where {
	const char *file;      /* as named by the user */
	uint32_t line, column; /* from 1 */
};

enum policy_severity { POLICY_ERROR, POLICY_WARNING, POLICY_SEVERITY_MAX };

struct policy_message {
	enum policy_severity severity;
	struct policy_where where;
	char *text; /* what is wrong, and what was expected */
};

/* What check and load say, in file order. */
struct policy_report {
	struct policy_message *messages;
	size_t n, n_errors;
};
void policy_report_free(struct policy_report *report);
/* "file:line:column: error: text", coloured when asked; the source line and a caret below it. */
void policy_report_print(const struct policy_report *report, FILE *to, bool colour);

struct policy_person {
	char *email;	   /* the directory's name: "alice@company.com" */
	char **logins;	   /* login names of this host, NULL-terminated */
	char **git_emails; /* further addresses that are theirs: no mismatch event */
	uint64_t teams;	   /* bit i: policy->teams[i] */
};

struct policy_skill {
	char *name;
	char **allowed_users; /* NULL-terminated */
	uint64_t allowed_teams;
	bool requires_approval;
	struct policy_where where;
};

enum policy_target { POLICY_TARGET_CIDR, POLICY_TARGET_NAME };

/* A destination rule. */
struct policy_destination {
	char *id;		 /* given, or "allow[2]" */
	enum dest_effect effect; /* model endpoints are rules too: DEST_MODEL */
	enum policy_target target;
	char *name;	     /* lower case, no trailing dot; exact */
	int family;	     /* AF_INET, AF_INET6 */
	uint8_t address[16]; /* host bits are zero */
	uint32_t prefix_len;
	struct policy_ports {
		uint16_t low, high;
	} * ports;
	size_t n_ports;	  /* 0: every port */
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP, 0 */
	uint64_t teams;	  /* 0 and no people: everybody */
	uint32_t *people; /* indices into policy->people, from 1 */
	size_t n_people;
	struct policy_where where;
};

struct policy_custom_detector {
	char *name, *pattern;
};

struct policy_client { /* a program that counts as a client beside Claude Code */
	char *name;
	uint8_t sha256[32];
};

struct policy {
	char *directory;
	uint64_t version;   /* `version:` of bailiff.yaml */
	uint8_t digest[32]; /* SHA-256 over the files in order: what events name */
	enum bailiff_mode mode_destinations, mode_skills, mode_model, mode_default;
	struct policy_person *people; /* index i is person i + 1 in the tables */
	size_t n_people;
	char **teams; /* at most 64 */
	size_t n_teams;
	struct policy_skill *skills;
	size_t n_skills;
	bool skill_default_allow;
	struct policy_destination *destinations;
	size_t n_destinations;
	struct sockaddr_storage
		*resolvers; /* port 53 unless given; governed tasks may reach them */
	size_t n_resolvers;
	char **detectors; /* NULL-terminated; NULL: all */
	struct policy_custom_detector *custom;
	size_t n_custom;
	struct policy_client *clients;
	size_t n_clients;
	bool recognise_claude_code;
	char *log_directory;
	char *log_origin; /* checkpoint origin; default "bailiff/<hostname>" */
	uint32_t
		log_text_bytes; /* of one message kept in an event; the rest as length and digest */
	uint32_t checkpoint_seconds;
	char *organisation; /* shown to the person who is refused */
	char *contact;	    /* whom to ask */
};

/* Reads DIR/bailiff.yaml and the ACL it names (default DIR/acl.yaml). Fills *report in any case.
 * Returns 0 (warnings possible), -EINVAL with errors in the report, or -errno when a file cannot be
 * read (also in the report). *ret is untouched on failure. */
int policy_load(const char *directory, struct policy **ret, struct policy_report *report);
void policy_free(struct policy *policy);

/* The table of rules that events and `bailiff why` name. Index from 1. */
enum policy_rule_kind {
	POLICY_RULE_SKILL,
	POLICY_RULE_SKILL_DEFAULT,
	POLICY_RULE_DESTINATION,
	POLICY_RULE_DESTINATION_DEFAULT,
	POLICY_RULE_RESOLVER,
	POLICY_RULE_KIND_MAX,
};
struct policy_rule {
	enum policy_rule_kind kind;
	char *id;    /* "skill/pdf", "destinations/allow[2]", "destinations/default" */
	char *words; /* one clause: "skill pdf is for teams engineers, data-team" */
	struct policy_where where;
};

/* Addresses that a name has now; given to the compiler by who resolved it. */
struct policy_addresses {
	const char *name;
	struct policy_address {
		int family;
		uint8_t address[16];
	} * addresses;
	size_t n;
};

/* Tables in the shape of the kernel's maps, built beside the ones in force. */
struct policy_tables {
	struct policy_root root; /* generation and valid are the loader's to set */
	struct {
		uint32_t uid;
		struct person_value value;
	} * persons;
	size_t n_persons;
	struct {
		struct skill_key key;
		struct skill_value value;
	} * skills;
	size_t n_skills;
	struct {
		struct dest_key4 key;
		uint32_t set;
	} * dest4;
	size_t n_dest4;
	struct {
		struct dest_key6 key;
		uint32_t set;
	} * dest6;
	size_t n_dest6;
	struct dest_set *sets; /* set 0 is empty: only the default */
	size_t n_sets;
	struct policy_rule *rules; /* rules[0] is unused */
	size_t n_rules;
};

/* login name -> uid; returns 0, or -ENOENT when this host has no such login (the person then has no
 * entry, which is no error). */
typedef int (*policy_uid_lookup)(void *ctx, const char *login, uint32_t *ret_uid);

/* Builds the tables. Rules by name use `addresses` (a name that is missing there gets no entry).
 * The LPM tables always hold /0 entries, so that a rule for everything and the default are found.
 * Returns 0, -E2BIG with one sentence in err (256 bytes) when a set has over DEST_RULES_MAX rules,
 * -ENOMEM. */
int policy_compile(const struct policy *policy, const struct policy_addresses *addresses,
		   size_t n_addresses, policy_uid_lookup lookup, void *ctx,
		   struct policy_tables **ret, char *err);
void policy_tables_free(struct policy_tables *tables);

/* Names used by rules (destinations and model endpoints), each once; NULL-terminated, borrowed. */
int policy_names(const struct policy *policy, const char ***ret);

#endif
