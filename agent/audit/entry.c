// SPDX-License-Identifier: Apache-2.0
/* The log's own attributes of an entry: metadata.sequence, .logged_time, .log_name. */
#include "audit/entry.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "audit/canonical.h"
#include "audit/tiles.h"
#include "base/cleanup.h"

int entry_read(const char *json, size_t len, struct entry *ret)
{
	_cleanup_free_ char *again = NULL;
	const json_t *metadata, *sequence, *time, *name;
	struct entry e = {0};
	size_t again_len;
	json_t *root;
	int n, r;

	root = json_loadb(json, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (!root)
		return -EBADMSG;
	r = canonical_dump(root, &again, &again_len);
	if (r == -EDOM || (r >= 0 && (again_len != len || memcmp(again, json, len) != 0)))
		r = -EBADMSG;
	metadata = json_object_get(root, "metadata");
	sequence = json_object_get(metadata, "sequence");
	time = json_object_get(metadata, "logged_time");
	name = json_object_get(metadata, "log_name");
	if (r >= 0 && (!json_is_integer(sequence) || json_integer_value(sequence) < 0 ||
		       !json_is_integer(time) || !json_is_string(name)))
		r = -EBADMSG;
	if (r >= 0) {
		e.sequence = (uint64_t)json_integer_value(sequence);
		e.logged_ms = json_integer_value(time);
		n = snprintf(e.log_name, sizeof(e.log_name), "%s", json_string_value(name));
		if (n < 0 || (size_t)n >= sizeof(e.log_name))
			r = -EBADMSG;
	}
	json_decref(root);
	if (r >= 0)
		*ret = e;
	return r;
}

int entry_make(const char *json, size_t len, const struct entry *entry, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *text = NULL;
	json_t *root, *metadata;
	size_t text_len = 0;
	int r = 0;

	root = json_loadb(json, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		return -EINVAL;
	}
	metadata = json_object_get(root, "metadata");
	if (!metadata) {
		metadata = json_object();
		if (json_object_set_new(root, "metadata", metadata) < 0)
			r = -ENOMEM;
	} else if (!json_is_object(metadata)) {
		r = -EINVAL;
	}
	if (r >= 0 &&
	    (json_object_set_new(metadata, "sequence", json_integer((json_int_t)entry->sequence)) <
		     0 ||
	     json_object_set_new(metadata, "logged_time", json_integer(entry->logged_ms)) < 0 ||
	     json_object_set_new(metadata, "log_name", json_string(entry->log_name)) < 0))
		r = -ENOMEM;
	if (r >= 0)
		r = canonical_dump(root, &text, &text_len);
	json_decref(root);
	if (r < 0)
		return r == -EDOM ? -EINVAL : r;
	if (text_len > TILES_ENTRY_MAX)
		return -EINVAL;
	*ret = TAKE_PTR(text);
	*ret_len = text_len;
	return 0;
}
