/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of struct masked. Private to agent/mask: who could fill them elsewhere could write
 * what was never masked. */
#ifndef MASK_MASKED_H
#define MASK_MASKED_H

#include "mask/findings.h"
#include "mask/mask.h"

struct masked {
	char *text;
	size_t len;
	uint64_t original_len;
	struct findings findings;
	bool failed;
	char digest[DIGEST_HEX];
};

/* Empty, with room for len bytes of text and a zero. Returns 0 or -ENOMEM. */
int masked_new(size_t len, struct masked **ret);

#endif
