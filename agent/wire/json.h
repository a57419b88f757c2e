/* SPDX-License-Identifier: Apache-2.0 */
/* jansson, as the wire needs it: bounded, and not stopped by what JavaScript writes and C refuses.
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include <jansson.h>

#include "wire/text.h"

/* Parses one whole document. strict: an object with a key twice is refused, because two readers may
 * take different ones. Half surrogates, big integers and bytes that are not UTF-8 are mended: a
 * half surrogate is kept as a stand-in (see json_join) and *mended is set. Returns 0, -EBADMSG or
 * -ENOMEM. */
int json_read(struct wire_text text, bool strict, json_t **ret, bool *mended);

/* Joins the stand-ins of half surrogates that came to stand side by side, e.g. from two deltas;
 * those that stay alone become U+FFFD. Returns the new length. */
size_t json_join(char *text, size_t len);

/* json_join on every string of a tree. Returns 0 or -ENOMEM. */
int json_join_tree(json_t *v);

static inline struct wire_text json_text(const json_t *v)
{
	if (!json_is_string(v))
		return (struct wire_text){0};
	return (struct wire_text){json_string_value(v), json_string_length(v)};
}

static inline struct wire_text json_member(const json_t *object, const char *key)
{
	return json_text(json_object_get(object, key));
}

/* Appends the compact form, members in the order they came in. Returns 0 or -ENOMEM. */
int json_print(const json_t *v, struct buffer *out);

#define _cleanup_json_ __attribute__((cleanup(json_decrefp)))

#endif
