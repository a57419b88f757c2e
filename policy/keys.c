// SPDX-License-Identifier: Apache-2.0
/* Lists every key that a policy may have, out of the parser's own tables. */
#include <stdio.h>

#include "policy/load.h"

#define KEYS_PATH_SIZE 256

struct keys_walk {
	void (*each)(void *ctx, const char *file, const char *key);
	void *ctx;
	const char *file;
};

static void keys_walk(const struct keys_walk *w, const struct field *table, const char *above)
{
	for (; table->name; table++) {
		char path[KEYS_PATH_SIZE], below[KEYS_PATH_SIZE];
		int n = snprintf(path, sizeof(path), "%s%s%s", above, *above ? "." : "",
				 table->name);

		if (n < 0 || (size_t)n >= sizeof(path))
			continue;
		w->each(w->ctx, w->file, path);
		n = snprintf(below, sizeof(below), "%s%s", path, table->below ? table->below : "");
		if (table->fields && n > 0 && (size_t)n < sizeof(below))
			keys_walk(w, table->fields, below);
	}
}

void policy_each_key(void (*each)(void *ctx, const char *file, const char *key), void *ctx)
{
	const struct keys_walk main = {each, ctx, LOAD_FILE_MAIN}, acl = {each, ctx, "acl.yaml"};

	keys_walk(&main, load_main_fields, "");
	keys_walk(&acl, load_acl_fields, "");
}
