/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of events share: an event taken and checked, values of it by path. */
#ifndef UNIT_EVENT_FIXTURE_H
#define UNIT_EVENT_FIXTURE_H

#include "harness.h"

#include <jansson.h>
#include <string.h>

#include "audit/canonical.h"
#include "audit/event.h"
#include "base/cleanup.h"

static inline struct mask_rules *new_rules(void)
{
	struct mask_options options = {.key = {1, 2, 3}};
	struct mask_rules *rules;
	char err[256] = "";

	if (mask_rules_new(&options, &rules, err) != 0)
		fail_msg("%s", err);
	return rules;
}

static inline json_t *take(struct event *event)
{
	_cleanup_free_ char *text = NULL;
	json_t *root;
	size_t len;

	assert_int_equal(event_take(event, &text, &len), 0);
	assert_int_equal(canonical_check(text, len), 0);
	assert_in_range(len, 1, EVENT_JSON_MAX);
	root = json_loadb(text, len, 0, NULL);
	assert_non_null(root);
	return root;
}

static inline const json_t *at(const json_t *root, const char *path)
{
	const char *dot;

	for (; (dot = strchr(path, '.')); path = dot + 1)
		root = json_object_getn(root, path, (size_t)(dot - path));
	return json_object_get(root, path);
}

static inline int64_t int_at(const json_t *root, const char *path)
{
	const json_t *v = at(root, path);

	if (!json_is_integer(v))
		fail_msg("%s is no integer", path);
	return json_integer_value(v);
}

static inline const char *string_at(const json_t *root, const char *path)
{
	const json_t *v = at(root, path);

	if (!json_is_string(v))
		fail_msg("%s is no string", path);
	return json_string_value(v);
}

#endif
