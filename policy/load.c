// SPDX-License-Identifier: Apache-2.0
/* Loads a policy directory: files in, one struct policy out, or a report of what is wrong. */
#include "policy/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/array.h"
#include "policy/inline_table.h"
#include "policy/lint.h"
#include "policy/source.h"

#define LOAD_LOG_DIRECTORY	"/var/log/bailiff"
#define LOAD_LOG_TEXT_BYTES	4096
#define LOAD_CHECKPOINT_SECONDS 60

static void policy_freep(struct policy **policy)
{
	policy_free(*policy);
}

static void load_free(struct load *load)
{
	for (size_t i = 0; i < load->n_people; i++) {
		free(load->people[i].email);
		fields_free_texts(load->people[i].logins);
		fields_free_texts(load->people[i].git_emails);
	}
	free(load->people);
	free(load->acl_name);
}

static int load_set_default(char **text, const char *value)
{
	if (!*text)
		*text = strdup(value);
	return *text ? 0 : -ENOMEM;
}

/* Whether something in responses is overwritten, which a compressed one would escape. */
static bool load_masks_responses(const struct policy *policy)
{
	if (policy->n_tools)
		return true;
	for (size_t i = 0; i < policy->n_inlines; i++)
		if (policy->inlines[i].text >= SCAN_MASK ||
		    policy->inlines[i].tool_input >= SCAN_MASK)
			return true;
	return false;
}

/* What holds where the files say nothing. */
static int load_defaults(struct load *load)
{
	struct policy *p = load->policy;
	char host[256] = "", origin[300];
	int r;

	if (gethostname(host, sizeof(host) - 1) < 0 || !*host)
		snprintf(host, sizeof(host), "localhost");
	for (char *c = host; *c; c++) /* the origin is a key name: see log_origin() */
		if (*c == ' ' || *c == '+')
			*c = '-';
	snprintf(origin, sizeof(origin), "bailiff/%s", host);
	p->mode_default = (enum bailiff_mode)load->mode;
	p->mode_destinations = (enum bailiff_mode)(
		load->mode_destinations >= 0 ? load->mode_destinations : load->mode);
	p->mode_skills =
		(enum bailiff_mode)(load->mode_skills >= 0 ? load->mode_skills : load->mode);
	p->mode_model = (enum bailiff_mode)(load->mode_model >= 0 ? load->mode_model : load->mode);
	p->mode_inline =
		(enum bailiff_mode)(load->mode_inline >= 0 ? load->mode_inline : load->mode);
	p->inline_compressed_block =
		load->inline_compressed >= 0 ? load->inline_compressed : load_masks_responses(p);
	r = load_set_default(&p->log_directory, LOAD_LOG_DIRECTORY);
	if (r == 0)
		r = load_set_default(&p->log_origin, origin);
	if (r == 0)
		r = load_set_default(&p->organisation, "");
	if (r == 0)
		r = load_set_default(&p->contact, "");
	if (r == 0)
		r = load_usual_locals(load);
	return r;
}

/* Opens, checks and parses one file. Returns 0, -ENOMEM, -EINVAL, or the -errno of the failure. */
static int load_document(struct load *load, struct fields *f, const char *name, load_open open,
			 void *ctx, struct policy_report *report, struct document *ret)
{
	struct policy *policy = load->policy;
	size_t at = report->n_sources, n_files = 0;
	char *shown = NULL;
	int r;

	while (policy->files[n_files])
		n_files++;
	if (asprintf(&shown, "%s/%s", policy->directory, name) < 0)
		return -ENOMEM;
	policy->files[n_files] = shown;
	f->file = shown;
	f->report = report;
	f->document = ret;
	r = open(ctx, name, shown, report);
	if (r < 0)
		return r;
	r = source_check(&report->sources[at], report);
	if (r < 0)
		return r;
	return document_parse(&report->sources[at], report, ret);
}

static int load_digest(struct load *load, const struct policy_source *sources)
{
	const char *const names[] = {LOAD_FILE_MAIN, load->acl_name};

	return source_digest(names, sources, ARRAY_SIZE(names), load->policy->digest);
}

/* Both files; the second even when the first has errors, so that one run tells of both. Returns the
 * first failure to read a file, -ENOMEM, or 0; errors of content are counted in the report. */
static int load_files(struct load *load, load_open open, void *ctx, struct policy_report *report,
		      struct document documents[2])
{
	int main, acl;

	main = load_document(load, &load->main, LOAD_FILE_MAIN, open, ctx, report, &documents[0]);
	if (main < 0 && main != -EINVAL)
		return main;
	if (main == 0)
		load_main(load);
	if (load_set_default(&load->acl_name, "acl.yaml") < 0)
		return -ENOMEM;
	if (main < 0) /* which file the ACL is, it did not say */
		return main;
	acl = load_document(load, &load->acl, load->acl_name, open, ctx, report, &documents[1]);
	if (acl == 0)
		load_acl(load);
	if (acl == -ENOMEM || load->main.error || load->acl.error)
		return -ENOMEM;
	load_people(load);
	load_skills(load);
	load_tools(load);
	load_credentials(load);
	load_destinations(load);
	if (load->main.error || load->acl.error)
		return -ENOMEM;
	return acl;
}

static int load_whole(struct load *load, load_open open, void *ctx, struct policy_report *report)
{
	struct document documents[2] = {0};
	size_t at = report->n_sources;
	int r = load_files(load, open, ctx, report, documents);

	if (r == 0 && report->n_errors == 0)
		r = policy_lint(load->policy, report);
	if (r == 0)
		r = inline_table_build(load->policy, report);
	if (r == 0 && report->n_errors == 0)
		r = load_defaults(load);
	if (r == 0 && report->n_errors == 0)
		r = load_digest(load, &report->sources[at]);
	document_free(&documents[0]);
	document_free(&documents[1]);
	if (r == 0 && report->n_errors)
		r = -EINVAL;
	return r;
}

int load_policy(const char *directory, load_open open, void *ctx, struct policy **ret,
		struct policy_report *report)
{
	_cleanup_(policy_freep) struct policy *policy = calloc(1, sizeof(*policy));
	struct load load = {.policy = policy};
	int r = -ENOMEM;

	if (policy) {
		policy->recognise_claude_code = true;
		policy->log_text_bytes = LOAD_LOG_TEXT_BYTES;
		policy->checkpoint_seconds = LOAD_CHECKPOINT_SECONDS;
		policy->directory = strdup(directory);
		policy->files = calloc(3, sizeof(*policy->files));
		policy->teams = calloc(LOAD_TEAMS_MAX, sizeof(*policy->teams));
	}
	if (policy && policy->directory && policy->files && policy->teams)
		r = load_whole(&load, open, ctx, report);
	load_free(&load);
	report_sort(report);
	if (r < 0) {
		/* whatever failed, a report without an error would look like success */
		if (report->n_errors == 0)
			report_add(report, POLICY_ERROR, (struct policy_where){.file = directory},
				   "cannot be loaded: %s", strerror(-r));
		return r;
	}
	*ret = TAKE_PTR(policy);
	return 0;
}

static int load_open_file(void *ctx, const char *name, const char *shown,
			  struct policy_report *report)
{
	return source_read(*(int *)ctx, name, shown, report);
}

int policy_load(const char *directory, struct policy **ret, struct policy_report *report)
{
	_cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *shown = NULL;
	size_t n = strlen(directory);

	*report = (struct policy_report){0};
	if (fd < 0) {
		int r = -errno;

		report_add(report, POLICY_ERROR, (struct policy_where){.file = directory},
			   r == -ENOTDIR ? "is no directory; a policy is a directory with %s"
					 : "cannot be opened: %s",
			   r == -ENOTDIR ? LOAD_FILE_MAIN : strerror(-r));
		return r;
	}
	while (n > 1 && directory[n - 1] == '/')
		n--;
	shown = strndup(directory, n);
	if (!shown)
		return -ENOMEM;
	return load_policy(shown, load_open_file, &fd, ret, report);
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->n_people; i++) {
		free(policy->people[i].email);
		fields_free_texts(policy->people[i].logins);
		fields_free_texts(policy->people[i].git_emails);
	}
	free(policy->people);
	for (size_t i = 0; i < policy->n_teams; i++)
		free(policy->teams[i]);
	free(policy->teams);
	for (size_t i = 0; i < policy->n_skills; i++) {
		free(policy->skills[i].name);
		fields_free_texts(policy->skills[i].allowed_users);
	}
	free(policy->skills);
	for (size_t i = 0; i < policy->n_tools; i++) {
		free(policy->tools[i].name);
		fields_free_texts(policy->tools[i].allowed_users);
	}
	free(policy->tools);
	for (size_t i = 0; i < policy->n_destinations; i++) {
		free(policy->destinations[i].id);
		free(policy->destinations[i].name);
		free(policy->destinations[i].ports);
		free(policy->destinations[i].people);
	}
	free(policy->destinations);
	free(policy->credentials);
	free(policy->resolvers);
	for (size_t i = 0; i < policy->n_locals; i++)
		free(policy->locals[i].path);
	free(policy->locals);
	fields_free_texts(policy->detectors);
	free(policy->detector_where);
	for (size_t i = 0; i < policy->n_custom; i++) {
		free(policy->custom[i].name);
		free(policy->custom[i].pattern);
	}
	free(policy->custom);
	for (size_t i = 0; i < policy->n_inlines; i++) {
		struct policy_inline *p = &policy->inlines[i];

		free(p->name);
		free(p->called);
		free(p->detector);
		for (size_t k = 0; k < ARRAY_SIZE(p->owned); k++)
			free(p->owned[k]);
	}
	free(policy->inlines);
	free(policy->scan);
	for (size_t i = 0; i < policy->n_clients; i++)
		free(policy->clients[i].name);
	free(policy->clients);
	free(policy->log_directory);
	free(policy->log_origin);
	free(policy->organisation);
	free(policy->contact);
	free(policy->directory);
	fields_free_texts(policy->files);
	free(policy);
}
