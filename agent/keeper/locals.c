// SPDX-License-Identifier: Apache-2.0
/* Local sockets of the policy as inodes: looked up again, since services make theirs anew. */
#include "keeper/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "keeper/socket_path.h"

static int locals_now(const struct policy *policy, struct policy_tables *into, bool say)
{
	into->locals = calloc(policy->n_locals + 1, sizeof(*into->locals));
	into->n_locals = 0;
	if (!into->locals)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_locals; i++) {
		const char *path = policy->locals[i].path;
		int r = socket_path_find(path, &into->locals[into->n_locals].key);

		if (r == 0)
			into->locals[into->n_locals++].rule = (uint32_t)i + 1;
		else if (say && r == -EPERM)
			log_warn("the local socket %s stays refused: somebody who is no system "
				 "account may replace it",
				 path);
		else if (say && r != -ENOENT)
			log_warn("the local socket %s stays refused: %s", path, strerror(-r));
	}
	return 0;
}

int keeper_locals_fill(struct keeper *k, struct policy_tables *tables)
{
	return locals_now(k->policy, tables, true);
}

void keeper_locals_check(struct keeper *k)
{
	struct policy_tables now = {0};

	if (!k->took_over || !k->tables || locals_now(k->policy, &now, false) < 0)
		return;
	if (now.n_locals != k->tables->n_locals ||
	    memcmp(now.locals, k->tables->locals, now.n_locals * sizeof(*now.locals)) != 0)
		keeper_policy_apply(k);
	free(now.locals);
}
