// SPDX-License-Identifier: Apache-2.0
/* A small table from skill name to the kernel's latest verdict. */
#include "reader/judged.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/limits.h"

struct judged {
	uint32_t n;
	struct judged_skill entry[READER_SKILLS_MAX];
};

int judged_new(struct judged **ret)
{
	struct judged *judged = calloc(1, sizeof(*judged));

	if (!judged)
		return -ENOMEM;
	*ret = judged;
	return 0;
}

void judged_free(struct judged *judged)
{
	free(judged);
}

static struct judged_skill *judged_slot(struct judged *judged, const char *name, size_t len)
{
	struct judged_skill *oldest = NULL;

	for (uint32_t i = 0; i < judged->n; i++) {
		struct judged_skill *e = &judged->entry[i];

		if (strnlen(e->name, sizeof(e->name)) == len && memcmp(e->name, name, len) == 0)
			return e;
		if (!oldest || e->time_ns < oldest->time_ns)
			oldest = e;
	}
	return judged->n < READER_SKILLS_MAX ? &judged->entry[judged->n++] : oldest;
}

void judged_note(struct judged *judged, const struct record_skill *record)
{
	size_t len = strnlen(record->name, sizeof(record->name));
	struct judged_skill *e = judged_slot(judged, record->name, len);

	/* two rings: an older verdict may come after a newer one */
	if (e->time_ns > record->head.time_ns)
		return;
	*e = (struct judged_skill){
		.time_ns = record->head.time_ns,
		.generation = record->head.generation,
		.verdict = record->verdict,
		.reason = record->reason,
		.rule = record->rule,
		.person = record->head.actor.person,
	};
	memcpy(e->name, record->name, len);
}

const struct judged_skill *judged_find(const struct judged *judged, const char *name, size_t len)
{
	/* a use whose input named no skill has no name */
	for (uint32_t i = 0; judged && len && i < judged->n; i++) {
		const struct judged_skill *e = &judged->entry[i];

		if (strnlen(e->name, sizeof(e->name)) == len && memcmp(e->name, name, len) == 0)
			return e;
	}
	return NULL;
}
