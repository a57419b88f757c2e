// SPDX-License-Identifier: Apache-2.0
/* The detectors as one table. */
#include "mask/detectors.h"

#include <string.h>

#include "base/cleanup.h"
#include "mask/mask.h"

static const struct detector *const groups[] = {
	detectors_personal,
	detectors_national,
	detectors_token,
	detectors_context,
};

static const char *const style_names[] = {
	[MASK_ALL] = "nothing",
	[MASK_ALNUM] = "separators",
	[MASK_EMAIL] = "`@` and `.`",
	[MASK_LINES] = "line ends",
};
_Static_assert(ARRAY_SIZE(style_names) == MASK_STYLE_MAX, "a style without a name");

const struct detector *detector_at(size_t i)
{
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		for (const struct detector *d = groups[g]; d->name; d++)
			if (i-- == 0)
				return d;
	return NULL;
}

int detector_find(const char *name)
{
	const struct detector *d;

	for (size_t i = 0; (d = detector_at(i)); i++)
		if (strcmp(d->name, name) == 0)
			return (int)i;
	return -1;
}

const char *detector_style_name(enum mask_style style)
{
	return style_names[style];
}

const char *mask_detector_name(size_t i)
{
	const struct detector *d = detector_at(i);

	return d ? d->name : NULL;
}

const char *mask_detector_description(size_t i)
{
	const struct detector *d = detector_at(i);

	return d ? d->description : NULL;
}
