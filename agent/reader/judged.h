/* SPDX-License-Identifier: Apache-2.0 */
/* The verdicts that the kernel gave on the skill files of one client, so that the use of a skill,
 * seen later on the wire, is told together with what happened at its file. */
#ifndef READER_JUDGED_H
#define READER_JUDGED_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/contract.h"

struct judged_skill {
	char name[SKILL_NAME_SIZE];
	uint64_t time_ns, generation;
	uint32_t verdict, reason, rule, person;
};

struct judged;

int judged_new(struct judged **ret);
void judged_free(struct judged *judged);

/* Remembers the latest verdict on this name; the one unchanged longest goes when it is full. */
void judged_note(struct judged *judged, const struct record_skill *record);

/* The latest verdict on the skill, or NULL. */
const struct judged_skill *judged_find(const struct judged *judged, const char *name, size_t len);

#endif
