// SPDX-License-Identifier: Apache-2.0
/* Policies from directories: files that are not files, links, sizes, the digest, defaults, the
 * report. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "command.h"
#include "policy_tables.h"

#define GOOD "tests/fixtures/policy/good"

/* ---- a directory to play in --------------------------------------------------------------------
 */

static char dir_path[64];

static const char *path_of(const char *name)
{
	static char path[4][256];
	static unsigned int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir_path, name);
	return path[turn];
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) < 0, 0);
	fclose(f);
	assert_int_equal(chmod(path_of(name), 0644), 0);
}

static void dir_new(void)
{
	snprintf(dir_path, sizeof(dir_path), "/tmp/bailiff-test-XXXXXX");
	assert_non_null(mkdtemp(dir_path));
	put("bailiff.yaml", "version: 3\nmode: record\nmodel: {endpoints: [{cidr: 192.0.2.1}]}\n");
	put("acl.yaml", "skills: {}\n");
}

static void dir_remove(void)
{
	static const char *const names[] = {"bailiff.yaml", "acl.yaml", "data/bailiff.yaml", "real",
					    "data"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (unlink(path_of(names[i])) < 0)
			rmdir(path_of(names[i]));
	assert_int_equal(rmdir(dir_path), 0);
}

/* Loads dir_path and wants result r and a message that has these words about that file. */
static void expect(int want, enum policy_severity severity, const char *file, const char *words)
{
	struct policy_report report;
	struct policy *policy = NULL;
	int r = policy_load(dir_path, &policy, &report);

	if (r != want || report.n != (words ? 1 : 0) ||
	    (words &&
	     (!strstr(report.messages[0].text, words) || report.messages[0].severity != severity ||
	      strcmp(report.messages[0].where.file, path_of(file)) != 0))) {
		policy_report_print(&report, stdout, false);
		fail_msg("result %d, expected %d and \"%s\"", r, want, words ? words : "");
	}
	assert_int_equal(policy != NULL, want == 0);
	policy_report_free(&report);
	policy_free(policy);
}

/* ---- files -------------------------------------------------------------------------------------
 */

static void test_files_that_are_not_there(void **state)
{
	dir_new();
	expect(0, 0, NULL, NULL);
	unlink(path_of("acl.yaml"));
	expect(-ENOENT, POLICY_ERROR, "acl.yaml", "no such file");
	unlink(path_of("bailiff.yaml"));
	expect(-ENOENT, POLICY_ERROR, "bailiff.yaml", "no such file");
	dir_remove();
}

static void test_directory_that_is_none(void **state)
{
	static const struct {
		const char *path;
		int want;
	} rows[] = {
		{"/nonexistent/policy", -ENOENT},
		{GOOD "/bailiff.yaml", -ENOTDIR},
		{"", -ENOENT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_report report;
		struct policy *policy = NULL;

		assert_int_equal(policy_load(rows[i].path, &policy, &report), rows[i].want);
		assert_int_equal(report.n_errors, 1);
		assert_string_equal(report.messages[0].where.file, rows[i].path);
		assert_null(policy);
		policy_report_free(&report);
	}
}

static void test_files_that_are_no_files(void **state)
{
	dir_new();
	unlink(path_of("acl.yaml"));
	assert_int_equal(mkfifo(path_of("acl.yaml"), 0644), 0);
	expect(-EINVAL, POLICY_ERROR, "acl.yaml", "not a regular file"); /* and does not hang */
	unlink(path_of("acl.yaml"));
	assert_int_equal(mkdir(path_of("acl.yaml"), 0755), 0);
	expect(-EINVAL, POLICY_ERROR, "acl.yaml", "not a regular file");
	dir_remove();
}

static void test_links(void **state)
{
	dir_new();
	assert_int_equal(rename(path_of("acl.yaml"), path_of("real")), 0);
	assert_int_equal(symlink("real", path_of("acl.yaml")), 0);
	expect(0, 0, NULL, NULL);
	/* a Kubernetes volume: the file links into a directory beside it */
	assert_int_equal(mkdir(path_of("data"), 0755), 0);
	assert_int_equal(rename(path_of("bailiff.yaml"), path_of("data/bailiff.yaml")), 0);
	assert_int_equal(symlink("data/bailiff.yaml", path_of("bailiff.yaml")), 0);
	expect(0, 0, NULL, NULL);
	unlink(path_of("acl.yaml"));
	assert_int_equal(symlink("/etc/passwd", path_of("acl.yaml")), 0);
	expect(-EXDEV, POLICY_ERROR, "acl.yaml", "leads out of the policy directory");
	unlink(path_of("acl.yaml"));
	assert_int_equal(symlink("../../etc/passwd", path_of("acl.yaml")), 0);
	expect(-EXDEV, POLICY_ERROR, "acl.yaml", "leads out of the policy directory");
	unlink(path_of("acl.yaml"));
	assert_int_equal(symlink("acl.yaml", path_of("acl.yaml")), 0);
	expect(-ELOOP, POLICY_ERROR, "acl.yaml", "symbolic link");
	dir_remove();
}

static void test_sizes(void **state)
{
	char *text = malloc(POLICY_FILE_MAX + 2);

	assert_non_null(text);
	memset(text, '\n', POLICY_FILE_MAX + 2);
	memcpy(text, "skills: {}", 10);
	text[POLICY_FILE_MAX] = 0;
	dir_new();
	put("acl.yaml", text);
	expect(0, 0, NULL, NULL);
	text[POLICY_FILE_MAX] = '\n';
	text[POLICY_FILE_MAX + 1] = 0;
	put("acl.yaml", text);
	expect(-EFBIG, POLICY_ERROR, "acl.yaml", "larger than 4 MiB");
	dir_remove();
	free(text);
}

static void test_file_for_everybody_to_write(void **state)
{
	dir_new();
	assert_int_equal(chmod(path_of("acl.yaml"), 0666), 0);
	expect(0, POLICY_WARNING, "acl.yaml", "everybody on this host may write");
	dir_remove();
}

static void test_digest_is_that_of_sha256sum(void **state)
{
	struct policy_report report;
	struct policy *policy = NULL;
	char hex[DIGEST_HEX], want[DIGEST_HEX] = "";
	struct command c;

	/* the line of docs/policy-reference.md, shell and all */
	command_start(&c, (const char *const[]){"sh", "-c",
						"(cd " GOOD
						" && sha256sum bailiff.yaml acl.yaml) | sha256sum",
						NULL});
	assert_int_equal(fread(want, 1, DIGEST_HEX - 1, c.out), DIGEST_HEX - 1);
	command_end(&c);
	assert_int_equal(policy_load(GOOD "/", &policy, &report), 0);
	digest_hex(policy->digest, sizeof(policy->digest), hex);
	assert_string_equal(hex, want);
	policy_report_free(&report);
	policy_free(policy);
}

/* ---- what was read -----------------------------------------------------------------------------
 */

static void test_defaults(void **state)
{
	struct policy *p = load(HEAD, "skills: {}\n");
	char host[256] = "", origin[300];

	gethostname(host, sizeof(host) - 1);
	snprintf(origin, sizeof(origin), "bailiff/%s", host);
	assert_int_equal(p->version, 1);
	assert_int_equal(p->mode_default, BAILIFF_MODE_ENFORCE);
	assert_int_equal(p->mode_destinations, BAILIFF_MODE_ENFORCE);
	assert_int_equal(p->mode_skills, BAILIFF_MODE_ENFORCE);
	assert_int_equal(p->mode_model, BAILIFF_MODE_ENFORCE);
	assert_false(p->skill_default_allow);
	assert_true(p->recognise_claude_code);
	assert_null(p->detectors);
	assert_string_equal(p->log_directory, "/var/log/bailiff");
	assert_string_equal(p->log_origin, origin);
	assert_int_equal(p->log_text_bytes, 4096);
	assert_int_equal(p->checkpoint_seconds, 60);
	assert_string_equal(p->organisation, "");
	assert_string_equal(p->contact, "");
	policy_free(p);
}

static void test_examples(void **state)
{
	static const char *const names[] = {"complete", "record", "shadow"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct policy_report report;
		struct policy *policy = NULL;
		char path[64];

		snprintf(path, sizeof(path), "policy/examples/%s", names[i]);
		if (policy_load(path, &policy, &report) < 0 || report.n) {
			policy_report_print(&report, stdout, false);
			fail_msg("%s must load without a word", path);
		}
		policy_report_free(&report);
		policy_free(policy);
	}
}

static void test_complete_example_in_detail(void **state)
{
	struct policy_report report;
	struct policy *p = NULL;

	assert_int_equal(policy_load("policy/examples/complete", &p, &report), 0);
	assert_int_equal(p->version, 12);
	assert_string_equal(p->organisation, "Example Company");
	assert_int_equal(p->n_people, 3);
	assert_string_equal(p->people[1].email, "bob@company.com");
	assert_string_equal(p->people[1].logins[1], "bob-admin");
	assert_string_equal(p->people[0].git_emails[0], "alice@users.noreply.example.com");
	assert_int_equal(p->n_teams, 4);
	assert_string_equal(p->teams[0], "data-team");
	assert_int_equal(p->n_resolvers, 2);
	assert_int_equal(p->resolvers[1].ss_family, AF_INET6);
	assert_int_equal(p->n_custom, 1);
	assert_string_equal(p->custom[0].pattern, "\\bCN-[0-9]{8}\\b");
	assert_int_equal(p->n_clients, 1);
	assert_int_equal(p->clients[0].sha256[0], 0x9f);
	assert_int_equal(p->clients[0].sha256[31], 0x08);
	assert_int_equal(p->n_skills, 4);
	assert_string_equal(p->skills[1].name, "docx");
	assert_true(p->skills[1].requires_approval);
	assert_int_equal(p->skills[1].where.line, 7);
	policy_report_free(&report);
	policy_free(p);
}

static void test_yaml_1_1_booleans(void **state)
{
	static const struct {
		const char *word;
		bool want;
	} rows[] = {{"true", true},   {"True", true}, {"yes", true}, {"ON", true},
		    {"false", false}, {"no", false},  {"Off", false}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char acl[256];
		struct policy *p;

		snprintf(acl, sizeof(acl),
			 "skills:\n  pdf: {allowed_teams: [t], requires_approval: %s}\n"
			 "users:\n  a@b.example: {teams: [t]}\n",
			 rows[i].word);
		p = load(HEAD, acl);
		assert_int_equal(p->skills[0].requires_approval, rows[i].want);
		policy_free(p);
	}
}

static void test_ports_are_joined(void **state)
{
	struct policy *p =
		load(HEAD "destinations: {resolvers: [10.0.0.1], allow: [{cidr: 10.0.0.2, "
			  "ports: [90-100, 443, 80, 81, 95, 82-89, 65535]}]}\n",
		     "skills: {}\n");
	const struct policy_destination *d = &p->destinations[0];

	assert_int_equal(d->n_ports, 3);
	assert_int_equal(d->ports[0].low, 80);
	assert_int_equal(d->ports[0].high, 100);
	assert_int_equal(d->ports[1].low, 443);
	assert_int_equal(d->ports[1].high, 443);
	assert_int_equal(d->ports[2].low, 65535);
	policy_free(p);
}

static void test_windows_line_ends_and_mark(void **state)
{
	struct policy *p = load("\xef\xbb\xbfversion: 7\r\nmode: shadow\r\n", "skills: {}\r\n");

	assert_int_equal(p->version, 7);
	assert_int_equal(p->mode_default, BAILIFF_MODE_SHADOW);
	policy_free(p);
}

/* ---- the report --------------------------------------------------------------------------------
 */

static void test_both_files_in_one_run(void **state)
{
	struct policy_report report = {0};
	struct policy *policy = NULL;

	assert_int_equal(policy_memory_load("version: 1\nmode: shadwo\nlgo: {}\n",
					    "skills:\n  pdf: {allowed_teams: [x]}\n", &policy,
					    &report),
			 -EINVAL);
	assert_int_equal(report.n_errors, 3);
	assert_int_equal(report.messages[0].where.line, 2);
	assert_int_equal(report.messages[1].where.line, 3);
	assert_string_equal(report.messages[2].where.file, "p/acl.yaml");
	policy_report_free(&report);
}

static void test_report_has_an_end(void **state)
{
	char main[65536] = HEAD "destinations:\n  allow:\n";
	struct policy_report report = {0};
	struct policy *policy = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	for (int i = 0; i < 60; i++) {
		size_t n = strlen(main);

		snprintf(main + n, sizeof(main) - n, "    - {cidr: 10.0.0.256}\n");
	}
	assert_int_equal(policy_memory_load(main, "skills: {}\n", &policy, &report), -EINVAL);
	assert_int_equal(report.n, POLICY_MESSAGES_MAX);
	assert_int_equal(report.n_errors, 60);
	assert_int_equal(report.hidden[POLICY_ERROR], 10);
	policy_report_print(&report, f, false);
	fclose(f);
	assert_non_null(strstr(text, "10 more errors and 0 more warnings are not shown\n"
				     "60 errors, 0 warnings\n"));
	policy_report_free(&report);
}

static void expect_print(const char *main, bool colour, const char *want)
{
	struct policy_report report = {0};
	struct policy *policy = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	policy_memory_load(main, "skills: {}\n", &policy, &report);
	policy_report_print(&report, f, colour);
	fclose(f);
	assert_string_equal(text, want);
	policy_report_free(&report);
	policy_free(policy);
}

static void test_print(void **state)
{
	expect_print("version: 1\nmode: enforce\ncolour: red\n", false,
		     "p/bailiff.yaml:3:1: error: unknown key \"colour\" in bailiff.yaml; known are "
		     "version, organisation, contact, mode, guard, identity, model, destinations, "
		     "skills, tools, "
		     "mask, inline, "
		     "clients, log\n"
		     "    colour: red\n"
		     "    ^\n"
		     "1 error, 0 warnings\n");
	expect_print(
		"version: 1\nmode: bad\n", true,
		"\033[1mp/bailiff.yaml:2:7:\033[0m \033[1;31merror:\033[0m mode: expected record, "
		"shadow or enforce, found \"bad\"\n"
		"    mode: bad\n"
		"          \033[1;32m^\033[0m\n"
		"1 error, 0 warnings\n");
}

/* A policy may hold what drives a terminal; a report shows it and does not do it. */
static void test_print_is_safe(void **state)
{
	expect_print(
		"version: 1\nmode: \033]0;x\007\n", false,
		"p/bailiff.yaml:2:7: error: character U+001B is not seen as it is; a policy must "
		"read the same to people and to bailiff\n"
		"    mode: ?]0;x?\n"
		"          ^\n"
		"p/bailiff.yaml:2:12: error: character U+0007 is not seen as it is; a policy must "
		"read the same to people and to bailiff\n"
		"    mode: ?]0;x?\n"
		"               ^\n"
		"2 errors, 0 warnings\n");
}

static void test_long_line_is_cut_around_the_caret(void **state)
{
	char main[1200] = "version: 1\nmode: enforce\nlog: {directory: /";
	struct policy_report report = {0};
	struct policy *policy = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len = strlen(main), n = 0;
	FILE *f = open_memstream(&text, &n);

	memset(main + len, 'x', 500);
	snprintf(main + len + 500, sizeof(main) - len - 500, ", what: 1}\n");
	assert_int_equal(policy_memory_load(main, "skills: {}\n", &policy, &report), -EINVAL);
	policy_report_print(&report, f, false);
	fclose(f);
	assert_non_null(strstr(text, "p/bailiff.yaml:3:521: error: unknown key \"what\""));
	/* the caret stands 40 characters after the start of what is shown */
	assert_non_null(strstr(text, "\n    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, what: 1}\n"
				     "                                            ^\n"));
	policy_report_free(&report);
}

/* ---- detectors ---------------------------------------------------------------------------------
 */

static bool known_detector(const char *name)
{
	return strcmp(name, "email") == 0;
}

static int compile_pattern(const char *name, const char *pattern, char *err)
{
	if (strcmp(pattern, "(") != 0)
		return 0;
	snprintf(err, 256, "missing )");
	return -EINVAL;
}

static void test_detectors_are_asked_for(void **state)
{
	struct policy_report report = {0};
	struct policy *policy = NULL;

	assert_int_equal(policy_memory_load(
				 HEAD
				 "model: {endpoints: [{cidr: 192.0.2.1}]}\n"
				 "mask:\n  detectors: [email, emial]\n"
				 "  custom: [{name: email, pattern: x}, {name: y, pattern: '('}]\n",
				 "skills: {}\n", &policy, &report),
			 0);
	assert_int_equal(report.n, 0);
	assert_int_equal(policy_check_detectors(policy, known_detector, &report), -EINVAL);
	assert_int_equal(policy_check_patterns(policy, compile_pattern, &report), -EINVAL);
	assert_int_equal(report.n_errors, 3);
	assert_int_equal(report.messages[0].where.line, 5);
	assert_int_equal(report.messages[0].where.column, 22);
	assert_string_equal(report.messages[0].text, "there is no detector \"emial\"");
	assert_int_equal(report.messages[1].where.line, 6);
	assert_non_null(strstr(report.messages[1].text, "is built in"));
	assert_string_equal(report.messages[2].text, "pattern: missing )");
	policy_report_free(&report);
	policy_free(policy);
}

/* ---- the reference -----------------------------------------------------------------------------
 */

struct documented {
	char *text;
	size_t n;
};

static void check_documented(void *ctx, const char *file, const char *key)
{
	struct documented *d = ctx;
	char head[300];

	d->n++;
	snprintf(head, sizeof(head), "\n| `%s` | ", key);
	if (!strstr(d->text, head))
		fail_msg("docs/policy-reference.md has no row for %s of %s", key, file);
}

static void test_each_key_is_documented(void **state)
{
	struct documented d = {.text = calloc(1, 1 << 20)};
	FILE *f = fopen("docs/policy-reference.md", "r");
	size_t rows = 0;

	assert_non_null(f);
	assert_true(fread(d.text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	policy_each_key(check_documented, &d);
	for (const char *p = d.text; (p = strstr(p, "\n| `")); p++)
		rows++;
	assert_true(d.n > 40);
	assert_int_equal(rows, d.n); /* and nothing is documented that does not exist */
	free(d.text);
}

UNIT_MAIN(unit(test_files_that_are_not_there), unit(test_directory_that_is_none),
	  unit(test_files_that_are_no_files), unit(test_links), unit(test_sizes),
	  unit(test_file_for_everybody_to_write), unit(test_digest_is_that_of_sha256sum),
	  unit(test_defaults), unit(test_examples), unit(test_complete_example_in_detail),
	  unit(test_yaml_1_1_booleans), unit(test_ports_are_joined),
	  unit(test_windows_line_ends_and_mark), unit(test_both_files_in_one_run),
	  unit(test_report_has_an_end), unit(test_print), unit(test_print_is_safe),
	  unit(test_long_line_is_cut_around_the_caret), unit(test_detectors_are_asked_for),
	  unit(test_each_key_is_documented))
