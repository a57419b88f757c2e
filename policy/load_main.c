// SPDX-License-Identifier: Apache-2.0
/* bailiff.yaml: everything but the rules, which need the people first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/array.h"
#include "policy/load.h"

#define MAIN_VERSION_MAX ((1ULL << 53) - 1) /* what every JSON reader of an event keeps */

static const char *const mode_names[] = {
	[BAILIFF_MODE_RECORD] = "record",
	[BAILIFF_MODE_SHADOW] = "shadow",
	[BAILIFF_MODE_ENFORCE] = "enforce",
};
_Static_assert(ARRAY_SIZE(mode_names) == BAILIFF_MODE_MAX, "mode_names");

int load_mode(struct fields *f, const struct document_node *v, const char *what)
{
	return fields_choice(f, v, what, mode_names, ARRAY_SIZE(mode_names));
}

static void main_version(struct fields *f, const struct document_node *v, void *out)
{
	struct load *load = out;

	fields_number(f, v, "version", 1, MAIN_VERSION_MAX, &load->policy->version);
}

static void main_organisation(struct fields *f, const struct document_node *v, void *out)
{
	struct load *load = out;

	fields_text(f, v, "organisation", 256, &load->policy->organisation);
}

static void main_contact(struct fields *f, const struct document_node *v, void *out)
{
	struct load *load = out;

	fields_text(f, v, "contact", 256, &load->policy->contact);
}

static void main_mode(struct fields *f, const struct document_node *v, void *out)
{
	((struct load *)out)->mode = load_mode(f, v, "mode");
}

static void main_guard(struct fields *f, const struct document_node *v, void *out)
{
	static const char *const names[] = {"off", "governed", "enforce"};
	static const uint32_t flags[] = {POLICY_GUARD_OFF, 0, POLICY_GUARD_ALL};
	struct load *load = out;
	int which = fields_choice(f, v, "guard", names, ARRAY_SIZE(names));

	if (which >= 0)
		load->policy->guard = flags[which];
}

/* ---- identity ----------------------------------------------------------------------------------
 */

static void person_logins(struct fields *f, const struct document_node *v, void *out)
{
	struct load_person *person = out;

	fields_texts(f, v, "logins", LOAD_NAME_MAX, false, &person->logins);
}

static void person_git_emails(struct fields *f, const struct document_node *v, void *out)
{
	struct load_person *person = out;

	fields_texts(f, v, "git_emails", LOAD_NAME_MAX, true, &person->git_emails);
}

static const struct field person_fields[] = {
	{.name = "logins", .read = person_logins, .below = "[]"},
	{.name = "git_emails", .read = person_git_emails, .below = "[]"},
	{0},
};

static void main_person(struct fields *f, const struct document_node *key,
			const struct document_node *v, void *out)
{
	struct load *load = out;
	const char *email = fields_peek(f, key, "a person", LOAD_NAME_MAX);
	struct load_person *person;

	if (!email)
		return;
	if (array_grow(load->people, load->n_people) < 0) {
		fields_no_memory(f);
		return;
	}
	person = &load->people[load->n_people];
	person->in_identity = true;
	person->node = key;
	fields_text(f, key, "a person", LOAD_NAME_MAX, &person->email);
	if (!person->email)
		return;
	load->n_people++;
	fields_lower(person->email);
	fields_mapping(f, v, person_fields, "a person", person);
}

static void identity_people(struct fields *f, const struct document_node *v, void *out)
{
	fields_each(f, v, "people", main_person, out);
}

static const struct field identity_fields[] = {
	{.name = "people", .read = identity_people, .below = ".EMAIL", .fields = person_fields},
	{0},
};

static void main_identity(struct fields *f, const struct document_node *v, void *out)
{
	fields_mapping(f, v, identity_fields, "identity", out);
}

/* ---- model -------------------------------------------------------------------------------------
 */

static void model_mode(struct fields *f, const struct document_node *v, void *out)
{
	((struct load *)out)->mode_model = load_mode(f, v, "mode");
}

static void model_endpoints(struct fields *f, const struct document_node *v, void *out)
{
	((struct load *)out)->endpoints = v;
}

static void model_credentials(struct fields *f, const struct document_node *v, void *out)
{
	fields_mapping(f, v, load_credentials_fields, "credentials", out);
}

static const struct field model_fields[] = {
	{.name = "mode", .read = model_mode},
	{.name = "endpoints",
	 .read = model_endpoints,
	 .below = "[]",
	 .fields = load_endpoint_fields},
	{.name = "credentials",
	 .read = model_credentials,
	 .below = "",
	 .fields = load_credentials_fields},
	{0},
};

static void main_model(struct fields *f, const struct document_node *v, void *out)
{
	fields_mapping(f, v, model_fields, "model", out);
}

/* ---- destinations ------------------------------------------------------------------------------
 */

static void destinations_mode(struct fields *f, const struct document_node *v, void *out)
{
	((struct load *)out)->mode_destinations = load_mode(f, v, "mode");
}

static void destinations_allow(struct fields *f, const struct document_node *v, void *out)
{
	((struct load *)out)->allow = v;
}

static void destinations_deny(struct fields *f, const struct document_node *v, void *out)
{
	((struct load *)out)->deny = v;
}

static void destinations_unlisted_names(struct fields *f, const struct document_node *v, void *out)
{
	static const char *const words[] = {"answer", "refuse"};
	int i = fields_choice(f, v, "unlisted_names", words, ARRAY_SIZE(words));

	if (i >= 0)
		((struct load *)out)->policy->refuse_unlisted_names = i == 1;
}

static const struct field destinations_fields[] = {
	{.name = "mode", .read = destinations_mode},
	{.name = "unlisted_names", .read = destinations_unlisted_names},
	{.name = "resolvers", .read = load_resolvers, .below = "[]"},
	{.name = "allow",
	 .read = destinations_allow,
	 .below = "[]",
	 .fields = load_destination_fields},
	{.name = "deny",
	 .read = destinations_deny,
	 .below = "[]",
	 .fields = load_destination_fields},
	{.name = "local", .read = load_locals, .below = "[]", .fields = load_local_fields},
	{.name = "listen", .read = load_listen, .below = "[]"},
	{.name = "user_namespaces", .read = load_namespaces},
	{0},
};

static void main_destinations(struct fields *f, const struct document_node *v, void *out)
{
	fields_mapping(f, v, destinations_fields, "destinations", out);
}

/* ---- skills ------------------------------------------------------------------------------------
 */

static void skills_mode(struct fields *f, const struct document_node *v, void *out)
{
	((struct load *)out)->mode_skills = load_mode(f, v, "mode");
}

static void skills_acl(struct fields *f, const struct document_node *v, void *out)
{
	struct load *load = out;
	const char *name = fields_peek(f, v, "acl", 255);
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	if (!name)
		return;
	if (name[strspn(name, allowed)] || name[0] == '.' || name[0] == '-') {
		fields_error(f, v,
			     "acl: expected the name of a file in the policy directory (letters, "
			     "digits, '.', '_', '-'), found \"%.64s\"",
			     name);
		return;
	}
	if (strcmp(name, LOAD_FILE_MAIN) == 0) {
		fields_error(f, v, "acl: %s is the policy itself; expected another file", name);
		return;
	}
	fields_text(f, v, "acl", 255, &load->acl_name);
}

static const struct field skills_fields[] = {
	{.name = "mode", .read = skills_mode},
	{.name = "acl", .read = skills_acl},
	{0},
};

static void main_skills(struct fields *f, const struct document_node *v, void *out)
{
	fields_mapping(f, v, skills_fields, "skills", out);
}

/* ---- tools -------------------------------------------------------------------------------------
 */

static void main_tools(struct fields *f, const struct document_node *v, void *out)
{
	(void)f;
	((struct load *)out)->tools = v;
}

/* ---- mask --------------------------------------------------------------------------------------
 */

bool load_is_word(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == 0;
}

static void mask_detector(struct fields *f, const struct document_node *v, void *out)
{
	struct load *load = out;
	struct policy *policy = load->policy;
	const char *name = fields_peek(f, v, "a detector", 64);
	size_t n = 0;

	if (!name)
		return;
	for (; policy->detectors[n]; n++)
		if (strcmp(policy->detectors[n], name) == 0) {
			fields_warning(f, v, "detectors: \"%s\" is given twice", name);
			return;
		}
	fields_text(f, v, "a detector", 64, &policy->detectors[n]);
	policy->detector_where[n] = fields_where(f, v);
}

static void mask_detectors(struct fields *f, const struct document_node *v, void *out)
{
	struct policy *policy = ((struct load *)out)->policy;

	if (v->kind == DOCUMENT_SCALAR && strcmp(v->text, "all") == 0)
		return;
	if (v->kind != DOCUMENT_SEQUENCE || v->n > 1024) {
		char found[FIELD_FOUND_SIZE];

		fields_error(
			f, v,
			"detectors: expected \"all\" or a list of at most 1024 names, found %s",
			fields_found(v, found));
		return;
	}
	policy->detectors = calloc(v->n + 1, sizeof(*policy->detectors));
	policy->detector_where = calloc(v->n + 1, sizeof(*policy->detector_where));
	if (!policy->detectors || !policy->detector_where) {
		fields_no_memory(f);
		return;
	}
	fields_list(f, v, "detectors", mask_detector, out);
}

static void custom_name(struct fields *f, const struct document_node *v, void *out)
{
	struct policy_custom_detector *custom = out;
	const char *name = fields_peek(f, v, "name", 64);

	if (!name)
		return;
	if (!load_is_word(name)) {
		fields_error(f, v,
			     "name: expected small letters, digits, '_' and '-', found \"%.64s\"",
			     name);
		return;
	}
	fields_text(f, v, "name", 64, &custom->name);
}

static void custom_pattern(struct fields *f, const struct document_node *v, void *out)
{
	struct policy_custom_detector *custom = out;

	fields_text(f, v, "pattern", 4096, &custom->pattern);
	custom->where = fields_where(f, v);
}

static const struct field custom_fields[] = {
	{.name = "name", .read = custom_name, .required = true},
	{.name = "pattern", .read = custom_pattern, .required = true},
	{0},
};

static void mask_custom_one(struct fields *f, const struct document_node *v, void *out)
{
	struct policy *policy = ((struct load *)out)->policy;
	struct policy_custom_detector custom = {.where = fields_where(f, v)};

	fields_mapping(f, v, custom_fields, "a custom detector", &custom);
	for (size_t i = 0; custom.name && i < policy->n_custom; i++)
		if (strcmp(policy->custom[i].name, custom.name) == 0)
			fields_error(f, v, "custom detector \"%s\" is given twice; first at %u:%u",
				     custom.name, policy->custom[i].where.line,
				     policy->custom[i].where.column);
	if (!custom.name || !custom.pattern || policy->n_custom >= 1024 ||
	    array_grow(policy->custom, policy->n_custom) < 0) {
		if (policy->n_custom >= 1024)
			fields_error(f, v, "over 1024 custom detectors");
		else if (custom.name && custom.pattern)
			fields_no_memory(f);
		free(custom.name);
		free(custom.pattern);
		return;
	}
	policy->custom[policy->n_custom++] = custom;
}

static void mask_custom(struct fields *f, const struct document_node *v, void *out)
{
	fields_list(f, v, "custom", mask_custom_one, out);
}

static const struct field mask_fields[] = {
	{.name = "detectors", .read = mask_detectors, .below = "[]"},
	{.name = "custom", .read = mask_custom, .below = "[]", .fields = custom_fields},
	{0},
};

static void main_mask(struct fields *f, const struct document_node *v, void *out)
{
	fields_mapping(f, v, mask_fields, "mask", out);
}

/* ---- clients -----------------------------------------------------------------------------------
 */

static void clients_claude_code(struct fields *f, const struct document_node *v, void *out)
{
	struct load *load = out;

	fields_bool(f, v, "claude_code", &load->policy->recognise_claude_code);
}

struct main_client {
	struct policy_client client;
	bool has_digest;
};

static void client_name(struct fields *f, const struct document_node *v, void *out)
{
	struct main_client *client = out;

	fields_text(f, v, "name", 64, &client->client.name);
}

static void client_sha256(struct fields *f, const struct document_node *v, void *out)
{
	struct main_client *client = out;
	const char *text = fields_peek(f, v, "sha256", FIELD_TEXT_MAX);

	if (!text)
		return;
	if (strlen(text) != 64 || text[strspn(text, "0123456789abcdefABCDEF")]) {
		fields_error(f, v,
			     "sha256: expected 64 hexadecimal digits (sha256sum prints them), "
			     "found %zu characters: \"%.64s\"",
			     strlen(text), text);
		return;
	}
	for (size_t i = 0; i < 32; i++) {
		const char hex[3] = {text[2 * i], text[2 * i + 1], 0};

		client->client.sha256[i] = (uint8_t)strtoul(hex, NULL, 16);
	}
	client->has_digest = true;
}

static const struct field client_fields[] = {
	{.name = "name", .read = client_name, .required = true},
	{.name = "sha256", .read = client_sha256, .required = true},
	{0},
};

static void clients_extra_one(struct fields *f, const struct document_node *v, void *out)
{
	struct policy *policy = ((struct load *)out)->policy;
	struct main_client client = {0};

	fields_mapping(f, v, client_fields, "a client", &client);
	if (!client.client.name || !client.has_digest) {
		free(client.client.name);
		return;
	}
	if (array_grow(policy->clients, policy->n_clients) < 0) {
		free(client.client.name);
		fields_no_memory(f);
		return;
	}
	policy->clients[policy->n_clients++] = client.client;
}

static void clients_extra(struct fields *f, const struct document_node *v, void *out)
{
	fields_list(f, v, "extra", clients_extra_one, out);
}

static const struct field clients_fields[] = {
	{.name = "claude_code", .read = clients_claude_code},
	{.name = "extra", .read = clients_extra, .below = "[]", .fields = client_fields},
	{0},
};

static void main_clients(struct fields *f, const struct document_node *v, void *out)
{
	fields_mapping(f, v, clients_fields, "clients", out);
}

/* ---- log ---------------------------------------------------------------------------------------
 */

static void log_directory(struct fields *f, const struct document_node *v, void *out)
{
	struct load *load = out;
	const char *path = fields_peek(f, v, "directory", 1024);

	if (path && path[0] != '/')
		fields_error(f, v, "directory: expected a path that begins with /, found \"%.64s\"",
			     path);
	else if (path)
		fields_text(f, v, "directory", 1024, &load->policy->log_directory);
}

/* The origin is the key's name in the signed note, where a blank or a plus sign would end it. */
static void log_origin(struct fields *f, const struct document_node *v, void *out)
{
	struct load *load = out;
	const char *origin = fields_peek(f, v, "origin", 255);

	if (origin && strpbrk(origin, " +"))
		fields_error(f, v,
			     "origin: expected a name without blanks and '+', found \"%.64s\"",
			     origin);
	else if (origin)
		fields_text(f, v, "origin", 255, &load->policy->log_origin);
}

static void log_text_bytes(struct fields *f, const struct document_node *v, void *out)
{
	struct load *load = out;
	uint64_t n;

	if (fields_number(f, v, "text_bytes", 0, 1048576, &n))
		load->policy->log_text_bytes = (uint32_t)n;
}

static void log_checkpoint_seconds(struct fields *f, const struct document_node *v, void *out)
{
	struct load *load = out;
	uint64_t n;

	if (fields_number(f, v, "checkpoint_seconds", 1, 86400, &n))
		load->policy->checkpoint_seconds = (uint32_t)n;
}

static const struct field log_fields[] = {
	{.name = "directory", .read = log_directory},
	{.name = "origin", .read = log_origin},
	{.name = "text_bytes", .read = log_text_bytes},
	{.name = "checkpoint_seconds", .read = log_checkpoint_seconds},
	{0},
};

static void main_log(struct fields *f, const struct document_node *v, void *out)
{
	fields_mapping(f, v, log_fields, "log", out);
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

const struct field load_main_fields[] = {
	{.name = "version", .read = main_version, .required = true},
	{.name = "organisation", .read = main_organisation},
	{.name = "contact", .read = main_contact},
	{.name = "mode", .read = main_mode, .required = true},
	{.name = "guard", .read = main_guard},
	{.name = "identity", .read = main_identity, .fields = identity_fields},
	{.name = "model", .read = main_model, .fields = model_fields},
	{.name = "destinations", .read = main_destinations, .fields = destinations_fields},
	{.name = "skills", .read = main_skills, .fields = skills_fields},
	{.name = "tools", .read = main_tools, .below = ".NAME", .fields = load_tool_fields},
	{.name = "mask", .read = main_mask, .fields = mask_fields},
	{.name = "inline", .read = load_inline, .fields = load_inline_fields},
	{.name = "clients", .read = main_clients, .fields = clients_fields},
	{.name = "log", .read = main_log, .fields = log_fields},
	{0},
};

void load_main(struct load *load)
{
	load->mode = load->mode_destinations = load->mode_skills = load->mode_model = -1;
	load->mode_inline = load->inline_compressed = -1;
	fields_mapping(&load->main, load->main.document->nodes, load_main_fields, LOAD_FILE_MAIN,
		       load);
}
