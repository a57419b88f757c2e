// SPDX-License-Identifier: Apache-2.0
/* Events as lines for people. */
#include "audit/row.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "audit/event_cut.h"
#include "base/cleanup.h"

static const json_t *get(const json_t *at, const char *path)
{
	const char *dot;

	for (; (dot = strchr(path, '.')); path = dot + 1)
		at = json_object_getn(at, path, (size_t)(dot - path));
	return json_object_get(at, path);
}

/* Appends text, cut to what fits. */
static void add(char *out, size_t size, const char *text)
{
	size_t used = strlen(out), len = event_cut_at(text, strlen(text), size - used - 1);

	memcpy(out + used, text, len);
	out[used + len] = 0;
}

/* Appends the first of the paths that holds a string. */
static void add_first(const json_t *root, const char *const *paths, size_t n, char *out,
		      size_t size)
{
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(get(root, paths[i]));

		if (!text || !*text)
			continue;
		add(out, size, text);
		return;
	}
}

#define ADD_FIRST(root, field, ...)                                                                \
	do {                                                                                       \
		static const char *const paths[] = {__VA_ARGS__};                                  \
		add_first(root, paths, ARRAY_SIZE(paths), field, sizeof(field));                   \
	} while (0)

static void add_pid(const json_t *root, char *out, size_t size)
{
	const json_t *pid = get(root, "process.pid");
	char text[32];

	if (!json_is_integer(pid))
		return;
	snprintf(text, sizeof(text), " [%" JSON_INTEGER_FORMAT "]", json_integer_value(pid));
	add(out, size, text);
}

int row_read(const char *json, size_t len, struct row *ret)
{
	json_t *root = json_loadb(json, len, JSON_ALLOW_NUL, NULL);
	struct row row = {0};

	if (!json_is_object(root)) {
		json_decref(root);
		return -EBADMSG;
	}
	row.time_ms = json_integer_value(get(root, "time"));
	row.severity = (int)json_integer_value(get(root, "severity_id"));
	ADD_FIRST(root, row.code, "metadata.event_code");
	ADD_FIRST(root, row.verdict, "unmapped.verdict");
	ADD_FIRST(root, row.person, "unmapped.person", "actor.user.name", "actor.user.uid");
	ADD_FIRST(root, row.rule, "unmapped.rule", "unmapped.reason");
	ADD_FIRST(root, row.what, "unmapped.what", "unmapped.skill", "http_request.url.hostname",
		  "unmapped.tool", "unmapped.detector", "unmapped.loss", "unmapped.capability",
		  "unmapped.claim.kind", "process.name", "process.cmd_line", "unmapped.model",
		  "unmapped.role", "unmapped.executable", "entity.name", "app.name");
	add_pid(root, row.what, sizeof(row.what));
	ADD_FIRST(root, row.detail, "unmapped.sentence", "message", "unmapped.why",
		  "unmapped.error", "process.cmd_line", "unmapped.input", "unmapped.arguments",
		  "unmapped.result", "unmapped.text", "unmapped.stop_reason", "unmapped.state",
		  "http_request.url.path", "unmapped.where", "unmapped.tool", "unmapped.executable",
		  "unmapped.project");
	json_decref(root);
	*ret = row;
	return 0;
}

bool row_denied(const struct row *row)
{
	return strcmp(row->verdict, "denied") == 0 || strcmp(row->verdict, "would_deny") == 0;
}
