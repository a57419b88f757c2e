// SPDX-License-Identifier: Apache-2.0
/* The number of a block as people are told it. */
#include "decide/block.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void block_name(uint64_t number, char ret[BLOCK_NAME_SIZE])
{
	snprintf(ret, BLOCK_NAME_SIZE, "B%" PRIu64, number);
}

int block_parse(const char *text, uint64_t *ret)
{
	unsigned long long n;
	char *end;

	if ((text[0] != 'B' && text[0] != 'b') || text[1] < '0' || text[1] > '9')
		return -EINVAL; /* strtoull would take "B 7" and "B-7" */
	errno = 0;
	n = strtoull(text + 1, &end, 10);
	if (errno || *end || !n)
		return -EINVAL;
	*ret = n;
	return 0;
}
