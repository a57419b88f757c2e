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

#include "bpf/scan_table.h"

struct policy_where {
	const char *file;      /* as named by the user; lives as long as what holds this */
	uint32_t line, column; /* from 1, columns in characters; line 0: the file as a whole */
};

enum policy_severity {
	POLICY_ERROR,
	POLICY_WARNING,
	POLICY_NOTE, /* worth knowing, and nothing to change for */
	POLICY_SEVERITY_MAX,
};

struct policy_message {
	enum policy_severity severity;
	struct policy_where where;
	char *text; /* what is wrong, and what was expected */
};

#define POLICY_MESSAGES_MAX 50 /* of each severity; the rest is counted */

/* What check and load say, in file order. */
struct policy_report {
	struct policy_message *messages;
	size_t n, n_errors;		    /* n_errors: also those that are hidden */
	size_t hidden[POLICY_SEVERITY_MAX]; /* over POLICY_MESSAGES_MAX */
	struct policy_source *sources;	    /* the files, for the lines that are shown; private */
	size_t n_sources;
};
void policy_report_free(struct policy_report *report);
/* "file:line:column: error: text", coloured when asked; the source line and a caret below it; at
 * the end how many errors and warnings there are. Prints nothing when there is nothing to say. */
void policy_report_print(const struct policy_report *report, FILE *to, bool colour);

struct policy_person {
	char *email;	   /* the directory's name: "alice@company.com" */
	char **logins;	   /* login names of this host, NULL-terminated */
	char **git_emails; /* further addresses that are theirs: no mismatch event */
	uint64_t teams;	   /* bit i: policy->teams[i] */
};

/* A skill, or a tool that is not for everybody. */
struct policy_skill {
	char *name;
	char **allowed_users; /* NULL-terminated */
	uint64_t allowed_teams;
	bool requires_approval; /* of a skill */
	struct policy_where where;
};

enum policy_target { POLICY_TARGET_CIDR, POLICY_TARGET_NAME };

/* A destination rule. */
struct policy_destination {
	char *id;		 /* given, or "allow[2]" */
	enum dest_effect effect; /* model endpoints are rules too: DEST_MODEL */
	enum policy_target target;
	char *name;	     /* lower case, no trailing dot; "*.example.com": all names below */
	int family;	     /* AF_INET, AF_INET6 */
	uint8_t address[16]; /* host bits are zero */
	uint32_t prefix_len;
	struct policy_ports {
		uint16_t low, high;
	} * ports;
	size_t n_ports;	     /* 0: every port */
	uint8_t protocol;    /* IPPROTO_TCP, IPPROTO_UDP, 0 */
	bool may_be_private; /* a name of the company's own: private addresses count */
	uint64_t teams;	     /* 0 and no people: everybody */
	uint32_t *people;    /* indices into policy->people, from 1 */
	size_t n_people;
	struct policy_where where;
};

/* A local socket of somebody else's that governed tasks may connect to. */
struct policy_local {
	char *path; /* absolute, without "." and ".." */
	struct policy_where where;
};

struct policy_custom_detector {
	char *name, *pattern;
	struct policy_where where;
};

/* A key of the model API that is a person's: its keyed digest. */
struct policy_credential {
	uint64_t digest[2];
	uint32_t person; /* from 1 */
	uint32_t pad;
};

enum policy_inline_kind {
	POLICY_INLINE_BUILT_IN,
	POLICY_INLINE_PATTERN, /* of the company */
	POLICY_INLINE_PROMPT,  /* words that requests may not have */
	POLICY_INLINE_KIND_MAX,
};

/* A detector of the inline data path, and what is done with what it finds. */
struct policy_inline {
	enum policy_inline_kind kind;
	char *name;   /* behind "inline/" in the rule's id: "us-ssn", "prompts/credentials" */
	char *called; /* what it finds, to a person: "a payment card number" */
	enum scan_action request, text, tool_input;
	struct inline_detector *detector; /* as policy/automaton.h has it; without the actions */
	char *owned[6];			  /* texts of it that are no constants; private */
	struct policy_where owned_where[6];
	struct policy_where where;
};

struct policy_client { /* a program that counts as a client beside Claude Code */
	char *name;
	uint8_t sha256[32];
};

struct policy {
	char *directory;
	uint64_t version; /* `version:` of bailiff.yaml */
	/* what events name; `sha256sum bailiff.yaml ACL | sha256sum` gives it */
	uint8_t digest[32];
	/* what bailiff guards of its own: POLICY_GUARD_OFF, POLICY_GUARD_ALL, or 0: against
	 * governed tasks alone */
	uint32_t guard;
	enum bailiff_mode mode_destinations, mode_skills, mode_model, mode_default;
	struct policy_person *people; /* index i is person i + 1 in the tables */
	size_t n_people;
	char **teams; /* at most 64 */
	size_t n_teams;
	struct policy_skill *skills;
	size_t n_skills;
	bool skill_default_allow;
	struct policy_skill *tools; /* those that are listed; others are for everybody */
	size_t n_tools;
	struct policy_destination *destinations;
	size_t n_destinations;
	/* name servers that governed tasks may reach; the port is always set */
	struct sockaddr_storage *resolvers;
	size_t n_resolvers;
	bool refuse_unlisted_names; /* questions for names that no rule lists */
	uint32_t credential_flags;  /* POLICY_CREDENTIAL_*; 0: keys are not looked at */
	uint64_t credential_key[2];
	struct policy_credential *credentials;
	size_t n_credentials;
	struct policy_local *locals; /* the usual ones where the policy has no list */
	size_t n_locals;
	/* ports on which others than this host may connect to governed tasks */
	struct port_range listen[POLICY_LISTEN_MAX];
	size_t n_listen;
	bool user_namespaces;		     /* governed tasks may make them */
	char **detectors;		     /* NULL-terminated; NULL: all */
	struct policy_where *detector_where; /* of each */
	struct policy_custom_detector *custom;
	size_t n_custom;
	struct policy_inline *inlines; /* in the order of the file; those that do nothing too */
	size_t n_inlines;
	enum bailiff_mode mode_inline;
	bool inline_compressed_block;	/* a response that comes compressed all the same */
	bool inline_unreadable_block;	/* a request in a form that is not read: HTTP/2 */
	bool inline_unsupported_refuse; /* a host that cannot mask in place may not run */
	/* those that act, compiled; NULL: none does. policy_compile hands out copies */
	struct scan_table *scan;
	size_t scan_bytes; /* of the table that are in use */
	struct policy_client *clients;
	size_t n_clients;
	bool recognise_claude_code;
	char *log_directory;
	char *log_origin; /* checkpoint origin; default "bailiff/<hostname>" */
	/* of one message kept in an event; the rest as length and digest */
	uint32_t log_text_bytes;
	uint32_t checkpoint_seconds;
	char *organisation; /* shown to the person who is refused */
	char *contact;	    /* whom to ask */
	char **files;	    /* NULL-terminated: the names in each policy_where */
};

#define POLICY_FILE_MAX (4u << 20)

/* Reads DIR/bailiff.yaml and the ACL it names (default DIR/acl.yaml). Fills *report in any case; it
 * is the caller's to free. Files may be symbolic links that stay inside DIR (a Kubernetes volume is
 * made of such), regular, and at most POLICY_FILE_MAX bytes. A policy that policy_compile would
 * refuse with -E2BIG whatever the names resolve to is an error here already. Returns 0 (warnings
 * possible), -EINVAL with errors in the report, or -errno when a file cannot be read (also in the
 * report). *ret is untouched on failure. */
int policy_load(const char *directory, struct policy **ret, struct policy_report *report);
void policy_free(struct policy *policy);

/* Adds an error to *report for each detector that is not known, with its place. The list of
 * detectors is another stage's, and is asked for by name. Returns 0, -EINVAL when an error was
 * added, -ENOMEM. */
int policy_check_detectors(const struct policy *policy, bool (*known)(const char *name),
			   struct policy_report *report);

/* The same for patterns of mask.custom: compiles returns 0, or a negative errno with one sentence
 * in err (256 bytes). */
int policy_check_patterns(const struct policy *policy,
			  int (*compiles)(const char *name, const char *pattern, char *err),
			  struct policy_report *report);

/* Warns of detectors of the inline data path that can never have a match of their own, and notes
 * those that share some. Returns 0 or -ENOMEM. */
int policy_check_inline(const struct policy *policy, struct policy_report *report);

/* "off", "log", "mask", "block", "approve". */
const char *policy_inline_action(enum scan_action action);

/* Calls each with every key that a policy may have, as "destinations.allow[].ports" in bailiff.yaml
 * and "skills.NAME.allowed_teams" in the ACL: from the tables the parser itself uses. */
void policy_each_key(void (*each)(void *ctx, const char *file, const char *key), void *ctx);

/* The table of rules that events and `bailiff why` name. Index from 1. A record with rule 0 was
 * judged by a default: these two stand at fixed places. */
#define POLICY_RULE_INDEX_SKILL_DEFAULT	      1
#define POLICY_RULE_INDEX_DESTINATION_DEFAULT 2

enum policy_rule_kind {
	POLICY_RULE_SKILL,
	POLICY_RULE_SKILL_DEFAULT,
	POLICY_RULE_DESTINATION,
	POLICY_RULE_DESTINATION_DEFAULT,
	POLICY_RULE_RESOLVER,
	POLICY_RULE_INLINE, /* a detector of the inline data path, in the order of the scan table */
	POLICY_RULE_TOOL,
	POLICY_RULE_KIND_MAX,
};
struct policy_rule {
	enum policy_rule_kind kind;
	char *id; /* "skill/pdf", "destinations/allow[2]", "destinations/default", "skills/default",
		   * "model/endpoints[0]", "destinations/resolvers[0]", "tools/WebFetch" */
	char *words; /* one clause: "skill pdf is for teams engineers and data-team" */
	struct policy_where where;
};

/* Addresses that a model endpoint's name has now; given to the compiler by who resolved it. */
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
	struct {
		struct name_key key;
		struct name_value value;
	} * names;
	size_t n_names;
	struct { /* by pattern */
		uint64_t pattern;
		uint32_t set;
	} * patterns;
	size_t n_patterns;
	/* local sockets as they are on this host now: the keeper's to fill */
	struct {
		struct local_key key;
		uint32_t rule; /* index into policy->locals, from 1 */
	} * locals;
	size_t n_locals;
	struct {
		struct credential_key key;
		uint32_t number;
	} * credentials;
	size_t n_credentials;
	/* detectors of the inline data path; NULL: none acts. root.inline_rule is the rule of
	 * detector 0 */
	struct scan_table *scan;
	struct inline_text *texts; /* INLINE_TEXTS for each detector */
	size_t n_texts;
	/* INLINE_TEXTS for each of INLINE_TEXT_NOBODY, INLINE_TEXT_ANYBODY, and who can log in here
	 */
	struct {
		uint32_t number; /* in the kernel's table */
		struct inline_text text;
	} * key_texts;
	size_t n_key_texts;
	struct {
		struct tool_key key;
		struct skill_value value;
	} * tools;
	size_t n_tools;
	struct policy_rule *rules; /* rules[0] is unused */
	size_t n_rules;		   /* with rules[0] */
	char **files;		   /* NULL-terminated: the names in each policy_where */
};

/* login name -> uid; returns 0, or -ENOENT when this host has no such login (the person then has no
 * entry, which is no error). */
typedef int (*policy_uid_lookup)(void *ctx, const char *login, uint32_t *ret_uid);

/* Builds the tables; the same input gives the same bytes, in whatever order the addresses came.
 *
 * Rules by name go into the tables of names and patterns; what addresses they open, the kernel
 * learns from DNS answers. Model endpoints with an exact name have entries by address besides, from
 * `addresses` (a name that is missing there gets none): they are closed to everybody, also to who
 * asked no name server. An address that a name must not lead to (unspecified, loopback, link-local,
 * multicast) is left out: else whoever answers for the name could point it at the host's own
 * services. The LPM tables of addresses always hold /0 entries, so that a rule for everything and
 * the default are found. Within a set: deny, model,
 * allow, and in the order of the rule table; the first that matches decides. A rule that another of
 * the same effect before it covers wholly is left out of the set. Skills have entries for person 0
 * and for people who are allowed (or allowed after approval) and have a login on this host; whoever
 * has none is judged by person 0. A uid whose logins belong to two people has an entry with person
 * 0 and no team: nobody known.
 *
 * Returns 0, -E2BIG with one sentence in err (256 bytes) when a set has over DEST_RULES_MAX rules,
 * -EEXIST with one when two patterns have the same number, -EIO, -ENOMEM. */
int policy_compile(const struct policy *policy, const struct policy_addresses *addresses,
		   size_t n_addresses, policy_uid_lookup lookup, void *ctx,
		   struct policy_tables **ret, char *err);
void policy_tables_free(struct policy_tables *tables);

/* The exact names of model endpoints, each once, sorted; NULL-terminated: what has to be resolved
 * beside the kernel. The strings are the policy's, the array is the caller's to free. Returns 0 or
 * -ENOMEM. */
int policy_names(const struct policy *policy, const char ***ret);

#endif
