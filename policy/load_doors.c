// SPDX-License-Identifier: Apache-2.0
/* Ways out beside destinations: local sockets that may be used, ports that may be listened on, user
 * namespaces. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/address.h"
#include "policy/array.h"
#include "policy/load.h"

#define DOORS_LOCALS_MAX 64
#define DOORS_PATH_MAX	 107 /* what an address of a local socket holds, less its zero */

/* What the C library and syslog() need: names of users and groups, and the log. No resolver is
 * among them, neither systemd-resolved's nor nscd: an answer that comes over a local socket is not
 * seen by the kernel, so it would open nothing, and carry names out unasked. The C library then
 * asks the name servers itself. */
static const char *const doors_usual[] = {
	"/dev/log",
	"/run/nslcd/socket",
	"/run/systemd/journal/socket",
	"/run/systemd/userdb/io.systemd.DynamicUser",
	"/run/systemd/userdb/io.systemd.Machine",
	"/run/systemd/userdb/io.systemd.Multiplexer",
	"/run/systemd/userdb/io.systemd.NameServiceSwitch",
	"/var/lib/sss/pipes/nss",
};

/* Directories where everybody, or the governed person, puts files: whoever may replace a socket
 * chooses what is behind it. The keeper looks at owners and modes besides. */
static bool doors_is_open_to_all(const char *path)
{
	static const char *const roots[] = {"/home/",	 "/tmp/",      "/var/tmp/",
					    "/dev/shm/", "/run/user/", "/run/lock/"};

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (strncmp(path, roots[i], strlen(roots[i])) == 0)
			return true;
	return false;
}

static bool doors_is_plain(const char *path)
{
	size_t n = strlen(path);

	return path[0] == '/' && path[n - 1] != '/' && !strstr(path, "//") &&
	       !strstr(path, "/./") && !strstr(path, "/../") &&
	       (n < 2 || strcmp(path + n - 2, "/.") != 0) &&
	       (n < 3 || strcmp(path + n - 3, "/..") != 0);
}

struct doors_local {
	struct policy_local *local;
	struct policy *policy;
};

static void doors_path(struct fields *f, const struct document_node *v, void *out)
{
	struct doors_local *d = out;
	const char *path = fields_peek(f, v, "path", DOORS_PATH_MAX);

	if (!path)
		return;
	if (!doors_is_plain(path)) {
		fields_error(f, v,
			     "path: expected a path that begins with / and is without \"//\", "
			     "\".\" and \"..\", found \"%.64s\"",
			     path);
		return;
	}
	if (doors_is_open_to_all(path)) {
		fields_error(f, v,
			     "path: \"%.64s\" is where those who are governed may put a socket of "
			     "their own",
			     path);
		return;
	}
	for (size_t i = 0; i < d->policy->n_locals; i++)
		if (d->policy->locals[i].path && strcmp(d->policy->locals[i].path, path) == 0) {
			fields_warning(f, v, "path: \"%.64s\" is given twice", path);
			break;
		}
	fields_text(f, v, "path", DOORS_PATH_MAX, &d->local->path);
}

const struct field load_local_fields[] = {
	{.name = "path", .read = doors_path, .required = true},
	{0},
};

static void doors_local(struct fields *f, const struct document_node *v, void *out)
{
	struct policy *policy = out;
	struct policy_local local = {.where = fields_where(f, v)};
	struct doors_local d = {&local, policy};

	fields_mapping(f, v, load_local_fields, "a local socket", &d);
	if (!local.path)
		return;
	if (array_grow(policy->locals, policy->n_locals) < 0) {
		free(local.path);
		fields_no_memory(f);
		return;
	}
	policy->locals[policy->n_locals++] = local;
}

void load_locals(struct fields *f, const struct document_node *v, void *out)
{
	struct load *load = out;

	load->locals_given = true;
	if (v->kind == DOCUMENT_SEQUENCE && v->n > DOORS_LOCALS_MAX) {
		fields_error(f, v, "local: %u sockets; at most %d are possible", v->n,
			     DOORS_LOCALS_MAX);
		return;
	}
	fields_list(f, v, "local", doors_local, load->policy);
}

int load_usual_locals(struct load *load)
{
	struct policy *policy = load->policy;

	for (size_t i = 0; i < ARRAY_SIZE(doors_usual) && !load->locals_given; i++) {
		struct policy_local local = {.path = strdup(doors_usual[i]),
					     .where = {.file = policy->files[0]}};

		if (!local.path || array_grow(policy->locals, policy->n_locals) < 0) {
			free(local.path);
			return -ENOMEM;
		}
		policy->locals[policy->n_locals++] = local;
	}
	return 0;
}

static void doors_listen(struct fields *f, const struct document_node *v, void *out)
{
	struct policy *policy = out;
	const char *text = fields_peek(f, v, "a port", FIELD_TEXT_MAX);
	char err[ADDRESS_ERROR_SIZE];
	struct port_range range;

	if (!text || policy->n_listen == POLICY_LISTEN_MAX)
		return;
	if (address_parse_ports(text, &range.low, &range.high, err) < 0)
		fields_error(f, v, "listen: %s", err);
	else
		policy->listen[policy->n_listen++] = range;
}

void load_listen(struct fields *f, const struct document_node *v, void *out)
{
	if (v->kind == DOCUMENT_SEQUENCE && v->n > POLICY_LISTEN_MAX) {
		fields_error(f, v, "listen: %u ports and ranges; at most %d are possible", v->n,
			     POLICY_LISTEN_MAX);
		return;
	}
	fields_list(f, v, "listen", doors_listen, ((struct load *)out)->policy);
}

void load_namespaces(struct fields *f, const struct document_node *v, void *out)
{
	static const char *const words[] = {"refuse", "allow"};
	int i = fields_choice(f, v, "user_namespaces", words, ARRAY_SIZE(words));

	if (i >= 0)
		((struct load *)out)->policy->user_namespaces = i == 1;
}
