// SPDX-License-Identifier: Apache-2.0
/* What a policy may ask for: looked at before it is taken, by the command line and by the keeper.
 */
#include <string.h>

#include "mask/mask.h"

bool mask_detector_known(const char *name)
{
	const char *have;

	for (size_t i = 0; (have = mask_detector_name(i)); i++)
		if (strcmp(have, name) == 0)
			return true;
	return false;
}

int mask_pattern_compiles(const char *name, const char *pattern, char *err)
{
	static const char *const none[] = {NULL};
	const struct mask_custom custom = {name, pattern};
	const struct mask_options options = {.detectors = none, .custom = &custom, .n_custom = 1};
	struct mask_rules *rules = NULL;
	int r = mask_rules_new(&options, &rules, err);

	if (r == 0)
		mask_rules_free(rules);
	return r;
}
