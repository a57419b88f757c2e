// SPDX-License-Identifier: Apache-2.0
/* What the answer to a request says whose key is not the person's. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "bpf/scan_table.h"
#include "policy/array.h"
#include "policy/compile.h"

#define KEY_BRIEF      "this key is not enrolled for you"
#define KEY_PEOPLE_MAX 1024 /* two kilobytes each */

_Static_assert(SCAN_DETECTORS_MAX <= INLINE_TEXT_NOBODY, "texts of detectors come first");

/* The API answers a request without a key in some 140 bytes: the reason has to fit into these. */
#define KEY_SHORT "x"

/* Of a key that is not the person's: who is told, in the words that say so. */
struct key_words {
	uint32_t whom;	   /* INLINE_TEXT_* */
	const char *wrong; /* with the person's name, if that is said */
	const char *brief;
};

/* Words around those of one's own, up to where the number goes. */
static int __attribute__((format(printf, 3, 4)))
key_text(struct inline_text *ret, const char *type, const char *fmt, ...)
{
	_cleanup_free_ char *words = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&words, fmt, ap);
	va_end(ap);
	if (n < 0) {
		words = NULL;
		return -ENOMEM;
	}
	return compile_text(type, words, ret);
}

/* Without the contact, and without the name, where they leave no room: `bailiff why` has both. */
static int key_texts_write(const struct key_words *k, const char *contact,
			   struct inline_text ret[INLINE_TEXTS])
{
	const char *wrong = k->wrong;
	int r = -E2BIG;

	if (contact && *contact)
		r = key_text(&ret[0], "permission_error",
			     COMPILE_BLOCKED
			     ": %s. Nothing was sent. Ask %s. Details: bailiff why B",
			     wrong, contact);
	if (r == -E2BIG)
		r = key_text(&ret[0], "permission_error",
			     COMPILE_BLOCKED ": %s. Nothing was sent. Details: bailiff why B",
			     wrong);
	if (r == -E2BIG) {
		wrong = k->brief;
		r = key_text(&ret[0], "permission_error",
			     COMPILE_BLOCKED ": %s. Nothing was sent. Details: bailiff why B",
			     wrong);
	}
	if (r == 0)
		r = key_text(&ret[1], KEY_SHORT, COMPILE_BLOCKED ": %s. bailiff why B", wrong);
	if (r == 0)
		r = key_text(&ret[2], KEY_SHORT, "Blocked by policy: %s. bailiff why B", k->brief);
	return r ? r : key_text(&ret[3], KEY_SHORT, "bailiff why B");
}

static int key_texts(struct policy_tables *t, const struct key_words *k, const char *contact)
{
	struct inline_text texts[INLINE_TEXTS] = {0};
	int r = key_texts_write(k, contact, texts);

	for (uint32_t i = 0; r == 0 && i < INLINE_TEXTS; i++) {
		if (array_grow(t->key_texts, t->n_key_texts) < 0)
			return -ENOMEM;
		t->key_texts[t->n_key_texts].number = k->whom * INLINE_TEXTS + i;
		t->key_texts[t->n_key_texts++].text = texts[i];
	}
	return r;
}

/* Whether a person who stands before in the table was told of already: several logins are one's. */
static bool key_told(const struct policy_tables *t, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (t->persons[i].value.person == t->persons[at].value.person)
			return true;
	return false;
}

static int key_texts_person(struct compile *c, uint32_t person)
{
	const char *contact = c->policy->contact;
	_cleanup_free_ char *wrong = NULL;
	struct key_words k = {INLINE_TEXT_PERSON(person), NULL, KEY_BRIEF};

	if (asprintf(&wrong, "this key is not enrolled for %s",
		     c->policy->people[person - 1].email) < 0) {
		wrong = NULL;
		return -ENOMEM;
	}
	k.wrong = wrong;
	return key_texts(c->tables, &k, contact);
}

/* With the person's name where that can be said of as many as log in on one host; of more, as many
 * are told the rest by `bailiff why`. */
int compile_keys(struct compile *c)
{
	static const struct key_words common[] = {
		{INLINE_TEXT_NOBODY, "you are not in the directory of this host",
		 "you are not in the directory"},
		{INLINE_TEXT_ANYBODY, KEY_BRIEF, KEY_BRIEF},
	};
	struct policy_tables *t = c->tables;
	size_t most = t->n_persons < KEY_PEOPLE_MAX ? t->n_persons : KEY_PEOPLE_MAX;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(common); i++)
		r = key_texts(t, &common[i], c->policy->contact);
	for (size_t i = 0; r == 0 && i < most; i++)
		if (t->persons[i].value.person && !key_told(t, i))
			r = key_texts_person(c, t->persons[i].value.person);
	if (r == 0)
		t->root.inline_kinds |= POLICY_INLINE_KEYS;
	return r;
}
