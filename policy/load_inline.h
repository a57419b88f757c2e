/* SPDX-License-Identifier: Apache-2.0 */
/* Between the readers of the inline section. */
#ifndef POLICY_LOAD_INLINE_H
#define POLICY_LOAD_INLINE_H

#include "base/cleanup.h"
#include "policy/automaton.h"
#include "policy/load.h"

enum inline_owned {
	OWNED_PATTERN,
	OWNED_EXCEPT,
	OWNED_HEAD,
	OWNED_BEFORE,
	OWNED_AFTER,
	OWNED_BACK,
};
_Static_assert(ARRAY_SIZE(((struct policy_inline *)0)->owned) == OWNED_BACK + 1, "owned");

/* A detector while it is read. */
struct inline_reading {
	struct policy_inline one;
	struct inline_detector detector;
	bool request, text, tool_input; /* given */
	char **words;
};
void inline_reading_free(struct inline_reading *r);

#define _cleanup_reading_ _cleanup_(inline_reading_free)

/* The name of a pattern or a prompt, which goes behind `above`. Returns whether it is one. */
bool inline_name(struct fields *f, const struct document_node *key, const char *what,
		 const char *above, struct inline_reading *r);
/* An action up to `most`: what comes behind that one is for requests alone. Returns whether it is
 * one. */
bool inline_action(struct fields *f, const struct document_node *v, const char *what,
		   enum scan_action most, enum scan_action *ret);
/* Readers of keys; out is the reading. */
void inline_pattern(struct fields *f, const struct document_node *v, void *out);
void inline_called(struct fields *f, const struct document_node *v, void *out);
/* Adds what was read to the policy, which takes over what it holds. */
void inline_add(struct fields *f, struct load *load, struct inline_reading *r);

void load_prompts(struct fields *f, const struct document_node *node, void *out);
extern const struct field load_prompt_fields[];

#endif
