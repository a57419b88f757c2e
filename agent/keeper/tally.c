// SPDX-License-Identifier: Apache-2.0
/* How many values each detector of the data path found, for `bailiff status`. */
#include "keeper/keeper.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static const char *text_at(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* That of a detector, made where there is none. Names come from the reader, which parses what an
 * attacker can send: it must not decide how much memory they take. */
static struct keeper_tally *tally_of(struct keeper *k, const char *detector)
{
	struct keeper_tally *t;

	for (size_t i = 0; i < k->n_tally; i++)
		if (strncmp(k->tally[i].detector, detector, sizeof(t->detector) - 1) == 0)
			return &k->tally[i];
	if (k->n_tally == KEEPER_TALLY_MAX)
		return &k->tally[KEEPER_TALLY_MAX - 1];
	t = &k->tally[k->n_tally++];
	snprintf(t->detector, sizeof(t->detector), "%s",
		 k->n_tally == KEEPER_TALLY_MAX ? "others" : detector);
	return t;
}

void keeper_tally(struct keeper *k, const char *json, size_t len)
{
	/* events are canonical: the code stands in them in one form alone */
	static const char code[] = "\"event_code\":\"inline\"";
	struct keeper_tally *t;
	const char *action;
	json_int_t count;
	const json_t *u;
	json_t *e;

	if (!memmem(json, len, code, sizeof(code) - 1))
		return;
	e = json_loadb(json, len, 0, NULL);
	u = json_object_get(e, "unmapped");
	count = json_integer_value(json_object_get(u, "count"));
	if (strcmp(text_at(json_object_get(e, "metadata"), "event_code"), "inline") == 0 &&
	    *text_at(u, "detector") && count > 0) {
		t = tally_of(k, text_at(u, "detector"));
		action = text_at(u, "action");
		if (strcmp(text_at(u, "verdict"), "denied") != 0)
			t->let_through += (uint64_t)count;
		else if (strcmp(action, "mask") == 0 || json_is_true(json_object_get(u, "repeat")))
			t->masked += (uint64_t)count;
		else
			t->blocked += (uint64_t)count;
	}
	json_decref(e);
}

json_t *keeper_tally_json(const struct keeper *k)
{
	json_t *list = json_array();

	for (size_t i = 0; i < k->n_tally; i++) {
		const struct keeper_tally *t = &k->tally[i];

		json_array_append_new(
			list, json_pack("{s:s, s:I, s:I, s:I}", "detector", t->detector,
					"let_through", (json_int_t)t->let_through, "masked",
					(json_int_t)t->masked, "blocked", (json_int_t)t->blocked));
	}
	return list;
}
