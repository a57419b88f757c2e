// SPDX-License-Identifier: Apache-2.0
/* What governed tasks may not change, and what must not be unmounted from under the pins. */
#include "keeper/keeper.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "bpf/guard.h"

void keeper_guard(struct keeper *k)
{
	char log[1100], run[300];
	const struct guard_path paths[] = {
		/* first: two entries may be the same mount, and flags add up */
		{KERNEL_BPFFS, GUARD_MOUNT | GUARD_PINS},
		{"/sys", GUARD_MOUNT},
		{"/proc/self/exe", GUARD_TREE},
		{"/usr/bin/bailiff", GUARD_TREE},
		{"/usr/lib/systemd/system/bailiff.service", GUARD_TREE},
		{k->options.policy_directory, GUARD_TREE},
		{k->options.state_directory, GUARD_TREE},
		{run, GUARD_TREE},
		{log, GUARD_TREE},
		/* the client's managed settings: what is there binds it, whoever starts it */
		{"/etc/claude-code", GUARD_TREE},
		{"/etc", GUARD_ENTRY},
	};

	snprintf(log, sizeof(log), "%s", k->policy->log_directory);
	snprintf(run, sizeof(run), "%s", k->options.run_directory);
	kernel_guard_files(k->kernel, paths, ARRAY_SIZE(paths));
}
