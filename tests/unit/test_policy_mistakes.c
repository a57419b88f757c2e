// SPDX-License-Identifier: Apache-2.0
/* Mistakes in a policy: each has a file in tests/fixtures/policy/bad and a row with the place and
 * the words that must be said of it. A file main-* is bailiff.yaml beside a good ACL, acl-* the
 * other way. */
#include "harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy_memory.h"

#define FIXTURES "tests/fixtures/policy/"

struct bad_row {
	const char *fixture;
	enum policy_severity severity;
	uint32_t line, column;
	size_t errors;	  /* in all: a mistake must not drag others behind it */
	const char *text; /* how the message begins */
};

static const struct bad_row bad_rows[] = {
	{"acl-approval", POLICY_ERROR, 4, 24, 1,
	 "requires_approval: expected true or false, found \"soon\""},
	{"acl-default", POLICY_ERROR, 1, 10, 1,
	 "default: expected deny or allow, found \"permit\""},
	{"acl-duplicate-skill", POLICY_ERROR, 6, 3, 1, "\"pdf\" is given twice; first at 2:3"},
	{"acl-nobody", POLICY_WARNING, 2, 3, 0,
	 "skill \"pdf\" is for nobody: no user and no team may use it"},
	{"acl-skill-dots", POLICY_ERROR, 2, 3, 1, "skill \"..\": not the name of a directory"},
	{"acl-skill-long", POLICY_ERROR, 2, 3, 1,
	 "skill \"ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss\": a name of 64 "
	 "bytes; at most 63 are possible"},
	{"acl-skill-null", POLICY_ERROR, 2, 7, 1,
	 "a skill: expected a mapping (\"key: value\"), found nothing"},
	{"acl-skill-slash", POLICY_ERROR, 2, 3, 1,
	 "skill \"team/pdf\": a '/' cannot be in the name, which is that of"},
	{"acl-team-far", POLICY_ERROR, 3, 32, 1,
	 "nobody is in team \"sales\"; expected a team of users in acl.yaml"},
	{"acl-team-mapping", POLICY_ERROR, 3, 13, 1, "a team: expected a text, found a mapping"},
	{"acl-team-twice", POLICY_WARNING, 3, 24, 0, "teams: \"engineers\" is given twice"},
	{"acl-team", POLICY_ERROR, 3, 21, 1,
	 "nobody is in team \"enginers\"; did you mean \"engineers\"?"},
	{"acl-teams-65", POLICY_ERROR, 68, 9, 1,
	 "team \"team-64\" is one too many; at most 64 are possible"},
	{"acl-teams-text", POLICY_ERROR, 3, 20, 1,
	 "allowed_teams: expected a list (\"[a, b]\", or lines that begin"},
	{"acl-unknown-key", POLICY_ERROR, 1, 1, 1,
	 "unknown key \"skill\" in the ACL; did you mean \"skills\"?"},
	{"acl-unknown-skill-key", POLICY_ERROR, 3, 5, 1,
	 "unknown key \"allowed_team\" in a skill; did you mean"},
	{"acl-user-list", POLICY_ERROR, 1, 8, 1,
	 "users: expected a mapping (\"key: value\"), found a list"},
	{"acl-user-twice", POLICY_ERROR, 4, 3, 1,
	 "\"alice@company.com\" is given twice; capital and small letters are"},
	{"acl-user", POLICY_WARNING, 3, 40, 0,
	 "nobody is \"dave@company.com\": neither in users nor in"},
	{"main-acl-absolute", POLICY_ERROR, 8, 8, 1,
	 "acl: expected the name of a file in the policy directory"},
	{"main-acl-path", POLICY_ERROR, 8, 8, 1,
	 "acl: expected the name of a file in the policy directory"},
	{"main-acl-self", POLICY_ERROR, 8, 8, 1,
	 "acl: bailiff.yaml is the policy itself; expected another file"},
	{"main-alias", POLICY_ERROR, 7, 10, 2,
	 "anchor &c: anchors and aliases are not used in a policy; write"},
	{"main-anchor", POLICY_ERROR, 7, 10, 1,
	 "anchor &c: anchors and aliases are not used in a policy; write"},
	{"main-at-sign", POLICY_ERROR, 7, 10, 1,
	 "a value cannot begin with this character; put the value in quotes"},
	{"main-bare-wildcard", POLICY_ERROR, 8, 13, 1,
	 "a value that begins with * must be in quotes (YAML takes it for"},
	{"main-bidi", POLICY_ERROR, 2, 17, 1,
	 "character U+202E is not seen as it is; a policy must read the"},
	{"main-carriage-return", POLICY_ERROR, 2, 4, 1,
	 "a carriage return without a line feed; lines end in a line feed"},
	{"main-claude-code-quoted", POLICY_ERROR, 8, 16, 1,
	 "claude_code: expected true or false without quotes, found \"true\""},
	{"main-claude-code", POLICY_ERROR, 8, 16, 1,
	 "claude_code: expected true or false, found \"maybe\""},
	{"main-colon", POLICY_ERROR, 7, 14, 1,
	 "a colon where none can be; check the indentation, and put a value"},
	{"main-comment-only", POLICY_ERROR, 1, 1, 1, "the file is empty; expected a mapping"},
	{"main-complex-key", POLICY_ERROR, 7, 3, 1, "a key is a word, not a list"},
	{"main-custom-name", POLICY_ERROR, 9, 14, 1,
	 "name: expected small letters, digits, '_' and '-', found \"My"},
	{"main-custom-no-pattern", POLICY_ERROR, 9, 7, 1,
	 "a custom detector: the key \"pattern\" is missing"},
	{"main-custom-twice", POLICY_ERROR, 10, 7, 1,
	 "custom detector \"x\" is given twice; first at 9:26"},
	{"main-deep", POLICY_ERROR, 7, 25, 1, "nested deeper than 16 levels"},
	{"main-dest-address-in-name", POLICY_ERROR, 8, 13, 1,
	 "name: \"10.0.0.1\" is an address; expected a host name (addresses"},
	{"main-dest-bad-address", POLICY_ERROR, 8, 13, 1,
	 "cidr: \"10.0.0.256\" is no address; expected one like 10.0.0.0/8 or"},
	{"main-dest-blank-name", POLICY_ERROR, 8, 13, 1,
	 "name: \"git company\": ' ' cannot be in a host name"},
	{"main-dest-both", POLICY_ERROR, 8, 7, 1,
	 "a destination: expected \"name\" or \"cidr\", found both"},
	{"main-dest-covered-name", POLICY_WARNING, 10, 7, 0,
	 "this rule can never match: destinations/deny[0] (8:7) denies all"},
	{"main-dest-covered-wildcard", POLICY_WARNING, 8, 7, 0,
	 "this rule can never match: destinations/deny[0] (10:7) denies all"},
	{"main-dest-covered", POLICY_WARNING, 10, 7, 0,
	 "this rule can never match: destinations/deny[0] (8:7) denies all"},
	{"main-dest-duplicate", POLICY_WARNING, 9, 7, 0,
	 "this rule can never match: destinations/one (8:7) says the same"},
	{"main-dest-empty-label", POLICY_ERROR, 8, 13, 1,
	 "name: \"git..company.com\" has an empty label between dots"},
	{"main-dest-hex-name", POLICY_ERROR, 8, 13, 1,
	 "name: \"git.0x7f\" ends in a number and would be read as an"},
	{"main-dest-host-bits", POLICY_ERROR, 8, 13, 1,
	 "cidr: \"10.1.2.3/8\" has bits set after the prefix length; expected"},
	{"main-dest-host-bits6", POLICY_ERROR, 8, 13, 1,
	 "cidr: \"2001:db8::1/32\" has bits set after the prefix length;"},
	{"main-dest-id-characters", POLICY_ERROR, 8, 12, 1,
	 "id: expected letters, digits, '.', '_' and '-', found \"a/b\""},
	{"main-dest-id-default", POLICY_ERROR, 8, 12, 1,
	 "id: \"default\" is the name of what no rule decides; expected"},
	{"main-dest-id-twice", POLICY_ERROR, 9, 7, 1, "id \"x\" is given twice; first at 8:7"},
	{"main-dest-idn", POLICY_ERROR, 8, 13, 1,
	 "name: \"bücher.example\" has letters outside ASCII; expected the"},
	{"main-dest-long-label", POLICY_ERROR, 8, 13, 1, "name:"},
	{"main-dest-long-prefix", POLICY_ERROR, 8, 13, 1,
	 "cidr: \"10.0.0.0/33\": expected a prefix length from 0 to 32 after"},
	{"main-dest-mapped", POLICY_ERROR, 8, 13, 1,
	 "cidr: \"::ffff:10.0.0.0/104\" is IPv4 written as IPv6 and would"},
	{"main-dest-name-in-cidr", POLICY_ERROR, 8, 13, 1,
	 "cidr: \"git.company.com\" is no address; expected one like"},
	{"main-dest-name-port", POLICY_ERROR, 8, 13, 1,
	 "name: \"git.company.com:443\" has a colon; expected a host name"},
	{"main-dest-neither", POLICY_ERROR, 8, 7, 1,
	 "a destination: expected \"name\" or \"cidr\", found neither"},
	{"main-dest-number-name", POLICY_ERROR, 8, 13, 1,
	 "name: \"10.1\" ends in a number and would be read as an address;"},
	{"main-dest-people-empty", POLICY_ERROR, 8, 33, 1,
	 "people: an empty list would be for nobody; leave the key out for"},
	{"main-dest-person", POLICY_ERROR, 8, 34, 1,
	 "nobody is \"alise@company.com\"; did you mean \"alice@company.com\"?"},
	{"main-dest-port-large", POLICY_ERROR, 8, 33, 1,
	 "ports: \"65536\" is no port; expected one from 1 to 65535, or a"},
	{"main-dest-port-names", POLICY_WARNING, 8, 7, 0,
	 "this rule can never match: the ports of DNS are open to"},
	{"main-dest-port-reversed", POLICY_ERROR, 8, 33, 1,
	 "ports: \"8100-8000\" is a range the wrong way round; expected"},
	{"main-dest-port-word", POLICY_ERROR, 8, 33, 1,
	 "ports: \"https\" is no port; expected one from 1 to 65535, or a"},
	{"main-dest-port-zero", POLICY_ERROR, 8, 38, 1,
	 "ports: \"0\": there is no port 0; expected 1 to 65535 (leave"},
	{"main-dest-ports-empty", POLICY_ERROR, 8, 32, 1,
	 "ports: an empty list would match no port; leave the key out for"},
	{"main-dest-ports-scalar", POLICY_ERROR, 8, 32, 1,
	 "ports: expected a list (\"[a, b]\", or lines that begin with \"- \"),"},
	{"main-dest-private-cidr", POLICY_ERROR, 9, 16, 1,
	 "private: says that an allowed name may have private addresses; a rule by cidr"},
	{"main-dest-private-deny", POLICY_ERROR, 11, 16, 1,
	 "private: says that an allowed name may have private addresses; a deny rule"},
	{"main-dest-protocol", POLICY_ERROR, 8, 35, 1,
	 "protocol: expected tcp or udp, found \"icmp\""},
	{"main-dest-short-address", POLICY_ERROR, 8, 13, 1,
	 "cidr: \"10.0/16\" is no address; expected one like 10.0.0.0/8 or"},
	{"main-dest-team-unknown", POLICY_ERROR, 8, 33, 1,
	 "nobody is in team \"sales\"; expected a team of users in acl.yaml"},
	{"main-dest-team", POLICY_ERROR, 8, 33, 1,
	 "nobody is in team \"enginers\"; did you mean \"engineers\"?"},
	{"main-dest-teams-empty", POLICY_ERROR, 8, 32, 1,
	 "teams: an empty list would be for nobody; leave the key out for"},
	{"main-dest-too-many-ports", POLICY_ERROR, 8, 7, 1,
	 "a destination: 33 port ranges; at most 32 are possible"},
	{"main-dest-too-many-rules", POLICY_ERROR, 40, 7, 1,
	 "over 32 rules hold for this destination (those for wider ranges,"},
	{"main-dest-url", POLICY_ERROR, 8, 13, 1,
	 "name: \"https://git.company.com/\" is a URL; expected the host name"},
	{"main-dest-wildcard", POLICY_ERROR, 8, 13, 1,
	 "name: \"git*.example.com\": a wildcard stands for whole labels at the beginning;"},
	{"main-dest-wildcard-all", POLICY_ERROR, 8, 13, 1,
	 "name: \"*\": a wildcard stands for whole labels at the beginning;"},
	{"main-dest-wildcard-host", POLICY_WARNING, 8, 7, 0,
	 "\"*.amazonaws.com\" is open to everybody who gets a name there"},
	{"main-dest-wildcard-pages", POLICY_WARNING, 8, 7, 0,
	 "\"*.github.io\" is open to everybody who gets a name there"},
	{"main-dest-wildcard-top", POLICY_WARNING, 8, 7, 0,
	 "\"*.com\" is open to everybody who gets a name there"},
	{"main-dest-zone", POLICY_ERROR, 8, 13, 1,
	 "cidr: \"fe80::1%eth0\" names an interface after %; expected an"},
	{"main-detectors", POLICY_ERROR, 8, 14, 1,
	 "detectors: expected \"all\" or a list of at most 1024 names, found"},
	{"main-duplicate-key", POLICY_ERROR, 7, 1, 1, "\"mode\" is given twice; first at 2:1"},
	{"main-empty", POLICY_ERROR, 1, 1, 1, "the file is empty; expected a mapping"},
	{"main-escape", POLICY_ERROR, 7, 10, 1, "the value contains the control character U+001B"},
	{"main-git-email-twice", POLICY_ERROR, 11, 5, 1,
	 "git e-mail \"x@y.example\" is given to bob@company.com and to"},
	{"main-line-break", POLICY_ERROR, 7, 10, 1,
	 "the value contains a line break; expected one line"},
	{"main-list-for-mapping", POLICY_ERROR, 3, 8, 1,
	 "model: expected a mapping (\"key: value\"), found a list"},
	{"main-list", POLICY_ERROR, 1, 1, 1,
	 "bailiff.yaml: expected a mapping (\"key: value\"), found a list"},
	{"main-log-checkpoint", POLICY_ERROR, 8, 23, 1,
	 "checkpoint_seconds: expected a number from 1 to 86400, found \"0\""},
	{"main-log-origin", POLICY_ERROR, 8, 11, 1,
	 "origin: expected a name without blanks and '+', found \"my host\""},
	{"main-log-relative", POLICY_ERROR, 8, 14, 1,
	 "directory: expected a path that begins with /, found \"log\""},
	{"main-log-text-bytes", POLICY_ERROR, 8, 15, 1,
	 "text_bytes: expected a number from 0 to 1048576, found \"-1\""},
	{"main-login-twice", POLICY_ERROR, 11, 5, 1,
	 "login \"alice\" is given to bob@company.com and to"},
	{"main-logins-text", POLICY_ERROR, 10, 15, 1,
	 "logins: expected a list (\"[a, b]\", or lines that begin with \"-"},
	{"main-mapping-for-list", POLICY_ERROR, 7, 10, 1,
	 "allow: expected a list (\"[a, b]\", or lines that begin with \"- \"),"},
	{"main-merge", POLICY_ERROR, 8, 3, 1,
	 "merge key <<: anchors and aliases are not used in a policy; write"},
	{"main-misaligned", POLICY_ERROR, 9, 4, 1,
	 "this does not line up with the keys above it (they begin in"},
	{"main-missing-mode", POLICY_ERROR, 2, 1, 1, "bailiff.yaml: the key \"mode\" is missing"},
	{"main-missing-version", POLICY_ERROR, 1, 1, 1,
	 "bailiff.yaml: the key \"version\" is missing"},
	{"main-mode-section", POLICY_ERROR, 7, 9, 1,
	 "mode: expected record, shadow or enforce, found \"block\""},
	{"main-mode-typo", POLICY_ERROR, 2, 7, 1,
	 "mode: expected record, shadow or enforce, found \"enforced\"; did"},
	{"main-model-none", POLICY_WARNING, 1, 1, 0,
	 "model.endpoints is empty: the model API is not known, so governed"},
	{"main-model-wildcard", POLICY_ERROR, 5, 13, 1,
	 "name: \"api.*.com\": a wildcard stands for whole labels at the beginning;"},
	{"main-no-colon", POLICY_ERROR, 7, 1, 1, "a key without a colon; expected \"key: value\""},
	{"main-nul", POLICY_ERROR, 2, 14, 1,
	 "character U+0000 is not seen as it is; a policy must read the"},
	{"main-null-section", POLICY_ERROR, 3, 10, 1,
	 "identity: expected a mapping (\"key: value\"), found nothing"},
	{"main-person-case", POLICY_ERROR, 10, 5, 1,
	 "\"alice@company.com\" is given twice; capital and small letters are"},
	{"main-person-no-acl", POLICY_WARNING, 9, 5, 0,
	 "\"mallory@company.com\" has no entry under users in acl.yaml, and"},
	{"main-resolver-name", POLICY_ERROR, 6, 15, 1,
	 "resolvers: \"dns.company.com\" is no name server; expected an"},
	{"main-resolver-none", POLICY_WARNING, 4, 15, 0,
	 "destinations.resolvers names no name server, so governed tasks"},
	{"main-resolver-port", POLICY_ERROR, 6, 15, 1,
	 "resolvers: \"10.0.0.53:0\" is no name server; expected an address,"},
	{"main-resolver-too-many-rules", POLICY_ERROR, 0, 0, 1,
	 "over 32 rules hold for name server 10.0.0.53; at most 32 are"},
	{"main-scalar", POLICY_ERROR, 1, 1, 1,
	 "bailiff.yaml: expected a mapping (\"key: value\"), found \"enforce\""},
	{"main-separator", POLICY_ERROR, 2, 11, 1,
	 "character U+2028 is not seen as it is; a policy must read the"},
	{"main-sha256", POLICY_ERROR, 9, 25, 1,
	 "sha256: expected 64 hexadecimal digits (sha256sum prints them),"},
	{"main-tab-deep", POLICY_ERROR, 9, 1, 1,
	 "a tab in the indentation; YAML is indented with spaces"},
	{"main-tab", POLICY_ERROR, 4, 1, 1,
	 "a tab in the indentation; YAML is indented with spaces"},
	{"main-tag", POLICY_ERROR, 1, 10, 1,
	 "tag tag:yaml.org,2002:int: tags are not used in a policy; write"},
	{"main-two-documents", POLICY_ERROR, 7, 1, 1,
	 "a second document begins here; expected one document"},
	{"main-unclosed-list", POLICY_ERROR, 7, 10, 1,
	 "a list that is opened here is not closed: expected , or ] at 8:1"},
	{"main-unclosed-mapping", POLICY_ERROR, 8, 7, 1,
	 "a mapping that is opened here is not closed: expected , or } at"},
	{"main-unclosed-quote", POLICY_ERROR, 7, 10, 1,
	 "a quote that is opened here is never closed"},
	{"main-unknown-key-far", POLICY_ERROR, 7, 1, 1,
	 "unknown key \"firewall\" in bailiff.yaml; known are version,"},
	{"main-unknown-key", POLICY_ERROR, 7, 1, 1,
	 "unknown key \"destination\" in bailiff.yaml; did you mean"},
	{"main-unknown-nested", POLICY_ERROR, 9, 7, 1,
	 "unknown key \"port\" in a destination; did you mean \"ports\"?"},
	{"main-unlisted-names", POLICY_ERROR, 9, 19, 1,
	 "unlisted_names: expected answer or refuse, found \"drop\""},
	{"main-utf8", POLICY_ERROR, 2, 6, 1, "byte 0xe9 is no UTF-8; a policy is written in UTF-8"},
	{"main-version-huge", POLICY_ERROR, 1, 10, 1,
	 "version: expected a number from 1 to 9007199254740991, found"},
	{"main-version-octal", POLICY_ERROR, 1, 10, 1,
	 "version: expected a decimal number without leading zeros, found"},
	{"main-version-quoted", POLICY_ERROR, 1, 10, 1,
	 "version: expected a number without quotes, found \"1\""},
	{"main-version-text", POLICY_ERROR, 1, 10, 1,
	 "version: expected a number from 1 to 9007199254740991, found \"one\""},
	{"main-version-zero", POLICY_ERROR, 1, 10, 1,
	 "version: expected a number from 1 to 9007199254740991, found \"0\""},
};

static char *read_fixture(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	char *text = calloc(1, 65536);

	if (!f)
		fail_msg("%s cannot be opened; run from the root of the tree", path);
	assert_non_null(text);
	*ret_len = fread(text, 1, 65535, f);
	assert_true(feof(f));
	fclose(f);
	return text;
}

static void check_row(const struct bad_row *row)
{
	bool acl = strncmp(row->fixture, "acl-", 4) == 0;
	_cleanup_free_ char *bad = NULL, *good = NULL;
	struct policy_report report = {0};
	const struct policy_message *found = NULL;
	struct policy_memory m;
	struct policy *policy = NULL;
	char path[256];
	size_t bad_len, good_len;
	int r;

	snprintf(path, sizeof(path), FIXTURES "bad/%s.yaml", row->fixture);
	bad = read_fixture(path, &bad_len);
	good = read_fixture(acl ? FIXTURES "good/bailiff.yaml" : FIXTURES "good/acl.yaml",
			    &good_len);
	m = acl ? (struct policy_memory){good, bad, good_len, bad_len}
		: (struct policy_memory){bad, good, bad_len, good_len};
	r = load_policy("p", policy_memory_open, &m, &policy, &report);
	for (size_t i = 0; i < report.n && !found; i++)
		if (strncmp(report.messages[i].text, row->text, strlen(row->text)) == 0)
			found = &report.messages[i];
	if (!found) {
		policy_report_print(&report, stdout, false);
		fail_msg("%s: nothing says \"%s\"", row->fixture, row->text);
	}
	if (found->where.line != row->line || found->where.column != row->column ||
	    found->severity != row->severity || report.n_errors != row->errors ||
	    strcmp(found->where.file, acl ? "p/acl.yaml" : "p/bailiff.yaml") != 0) {
		policy_report_print(&report, stdout, false);
		fail_msg("%s: expected %u:%u and %zu errors", row->fixture, row->line, row->column,
			 row->errors);
	}
	assert_int_equal(r, row->errors ? -EINVAL : 0);
	assert_int_equal(policy != NULL, row->errors == 0);
	policy_report_free(&report);
	policy_free(policy);
}

static void test_each_mistake_has_its_place(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++)
		check_row(&bad_rows[i]);
}

static void test_each_fixture_has_a_row(void **state)
{
	DIR *dir = opendir(FIXTURES "bad");
	size_t n = 0;

	assert_non_null(dir);
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		bool found = false;

		if (e->d_name[0] == '.')
			continue;
		n++;
		for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++)
			found |= strncmp(bad_rows[i].fixture, e->d_name,
					 strlen(bad_rows[i].fixture)) == 0 &&
				 strcmp(e->d_name + strlen(bad_rows[i].fixture), ".yaml") == 0;
		if (!found)
			fail_msg("%s has no row", e->d_name);
	}
	closedir(dir);
	assert_int_equal(n, ARRAY_SIZE(bad_rows));
}

/* The pair that the rows rest on says nothing: else a row could pass because of it. */
static void test_good_pair_is_silent(void **state)
{
	struct policy_report report;
	struct policy *policy = NULL;

	assert_int_equal(policy_load(FIXTURES "good", &policy, &report), 0);
	assert_int_equal(report.n, 0);
	policy_report_free(&report);
	policy_free(policy);
}

UNIT_MAIN(unit(test_each_mistake_has_its_place), unit(test_each_fixture_has_a_row),
	  unit(test_good_pair_is_silent))
