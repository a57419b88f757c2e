// SPDX-License-Identifier: Apache-2.0
/* A ring of names and addresses, newest last. */
#include "reader/learned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/limits.h"

struct learned_entry {
	uint32_t family;
	uint8_t address[16];
	bool listed;
	char *name;
};

struct learned_names {
	struct learned_entry entries[READER_LEARNED_MAX];
	size_t n; /* ever */
};

int learned_new(struct learned_names **ret)
{
	struct learned_names *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*ret = l;
	return 0;
}

void learned_free(struct learned_names *l)
{
	for (size_t i = 0; l && i < READER_LEARNED_MAX; i++)
		free(l->entries[i].name);
	free(l);
}

static bool learned_is(const struct learned_entry *e, uint32_t family, const uint8_t address[16])
{
	return e->name && e->family == family &&
	       memcmp(e->address, address, sizeof(e->address)) == 0;
}

/* From the newest on. NULL after the oldest. */
static struct learned_entry *learned_back(const struct learned_names *l, size_t i)
{
	if (i >= l->n || i >= READER_LEARNED_MAX)
		return NULL;
	return (struct learned_entry *)&l->entries[(l->n - 1 - i) % READER_LEARNED_MAX];
}

int learned_note(struct learned_names *l, uint32_t family, const uint8_t address[16],
		 const char *name, size_t len, bool listed)
{
	struct learned_entry *e;
	char *copy;

	for (size_t i = 0; (e = learned_back(l, i)); i++)
		if (learned_is(e, family, address) && strlen(e->name) == len &&
		    memcmp(e->name, name, len) == 0) {
			struct learned_entry *newest = learned_back(l, 0), moved = *e;

			/* the latest is what the next connection is for */
			*e = *newest;
			*newest = moved;
			newest->listed |= listed;
			return listed && !moved.listed;
		}
	copy = strndup(name, len);
	if (!copy)
		return -ENOMEM;
	e = &l->entries[l->n++ % READER_LEARNED_MAX];
	free(e->name);
	e->family = family;
	memcpy(e->address, address, sizeof(e->address));
	e->name = copy;
	e->listed = listed;
	return listed;
}

const char *learned_find(const struct learned_names *l, uint32_t family, const uint8_t address[16])
{
	const struct learned_entry *e;

	for (size_t i = 0; l && (e = learned_back(l, i)); i++)
		if (learned_is(e, family, address))
			return e->name;
	return NULL;
}
