// SPDX-License-Identifier: Apache-2.0
/* The inline data path in the tables: the detectors' automaton, and the answers that say of a block
 * why. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/content_state.h"
#include "policy/compile.h"
#include "policy/inline_table.h"

#define INLINE_NUMBER_MAX 20 /* digits of a 64-bit number */
/* of a beginning, so that number and end fit behind it in as much room */
#define INLINE_BEGINNING_MAX (INLINE_TEXT_MAX - INLINE_NUMBER_MAX - (sizeof(INLINE_TEXT_END) - 1))

static void json_freep(json_t **json)
{
	json_decref(*json);
}

int compile_text(const char *type, const char *words, struct inline_text *ret)
{
	_cleanup_(json_freep) json_t *json = json_pack("{s:s, s:{s:s, s:s}}", "type", "error",
						       "error", "type", type, "message", words);
	_cleanup_free_ char *text =
		json ? json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_PRESERVE_ORDER)
		     : NULL;
	size_t len;

	if (!text)
		return -ENOMEM;
	len = strlen(text) - (sizeof(INLINE_TEXT_END) - 1);
	if (len > INLINE_BEGINNING_MAX)
		return -E2BIG;
	ret->len = (uint32_t)len;
	memcpy(ret->bytes, text, len);
	return 0;
}

/* The whole of it. Without the contact where that leaves no room: the name of the rule leads to it
 * too. */
static int inline_text_long(const struct policy_inline *p, const char *done, const char *contact,
			    struct inline_text *ret)
{
	int r = -E2BIG;

	for (int with = contact && *contact; r == -E2BIG && with >= 0; with--) {
		_cleanup_free_ char *words = NULL;

		if (asprintf(&words,
			     "%s: the prompt has %s (rule inline/%s). It was not sent.%s%s%s "
			     "Details: bailiff why B",
			     done, p->called, p->name, with ? " Ask " : "", with ? contact : "",
			     with ? "." : "") < 0) {
			words = NULL;
			return -ENOMEM;
		}
		r = compile_text("permission_error", words, ret);
	}
	return r;
}

static int inline_texts(const struct policy_inline *p, const char *contact, struct inline_text *ret)
{
	const char *done = p->request == SCAN_APPROVE ? "Approval requested" : COMPILE_BLOCKED;
	char words[192];
	int r = inline_text_long(p, done, contact, &ret[0]);

	snprintf(words, sizeof(words), "%s (rule inline/%s). Details: bailiff why B", done,
		 p->name);
	if (r == 0)
		r = compile_text("permission_error", words, &ret[1]);
	snprintf(words, sizeof(words), "%s: bailiff why B", done);
	if (r == 0)
		r = compile_text("permission_error", words, &ret[2]);
	if (r == 0)
		r = compile_text("x", "bailiff why B", &ret[3]);
	return r;
}

_Static_assert(INLINE_TEXTS == 4, "inline_texts");

/* The table of the detectors that act, and what answers say of them. */
static int inline_detectors(struct compile *c)
{
	const struct policy *policy = c->policy;
	struct policy_tables *t = c->tables;
	unsigned int acts = 0;
	int r = 0;

	t->scan = malloc(sizeof(*t->scan));
	t->texts = calloc((size_t)policy->scan->detectors * INLINE_TEXTS, sizeof(*t->texts));
	if (!t->scan || !t->texts)
		return -ENOMEM;
	memcpy(t->scan, policy->scan, sizeof(*t->scan));
	for (size_t i = 0; r == 0 && i < policy->n_inlines; i++) {
		const struct policy_inline *p = &policy->inlines[i];

		if (!inline_acts(p))
			continue;
		acts |= inline_acts(p);
		if (p->request == SCAN_BLOCK || p->request == SCAN_APPROVE)
			r = inline_texts(p, policy->contact, &t->texts[t->n_texts]);
		t->n_texts += INLINE_TEXTS;
	}
	t->root.inline_rule = c->first_inline;
	for (unsigned int kind = CONTENT_TEXT; kind <= CONTENT_REQUEST; kind++)
		if (SCAN_ACTS(acts, kind))
			t->root.inline_kinds |= 1u << kind;
	return r;
}

int compile_inline(struct compile *c)
{
	const struct policy *policy = c->policy;
	struct policy_root *root = &c->tables->root;
	int r = policy->scan ? inline_detectors(c) : 0;

	if (r == 0 && policy->credential_flags & POLICY_CREDENTIAL_REFUSE)
		r = compile_keys(c);
	if (policy->n_tools)
		root->inline_kinds |= POLICY_INLINE_TOOLS;
	if (root->inline_kinds)
		root->mode_inline = policy->mode_inline;
	if (policy->inline_compressed_block &&
	    (root->inline_kinds & (POLICY_INLINE_TOOLS | 1u << CONTENT_TEXT | 1u << CONTENT_INPUT)))
		root->flags |= POLICY_COMPRESSED_BLOCK;
	if (policy->inline_unreadable_block && (root->inline_kinds & 1u << CONTENT_REQUEST))
		root->flags |= POLICY_UNREADABLE_BLOCK;
	return r;
}
