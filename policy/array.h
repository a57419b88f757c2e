/* SPDX-License-Identifier: Apache-2.0 */
/* Growing arrays without a capacity field: the capacity is the next power of two. */
#ifndef POLICY_ARRAY_H
#define POLICY_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for element n of *array (a pointer to elements of `size` bytes, which must have been
 * grown by this function only, one at a time) and zeroes it. Returns 0 or -ENOMEM, *array as it
 * was. */
static inline int array_grow(void *array, size_t n, size_t size)
{
	void *p, *grown;

	memcpy(&p, array, sizeof(p));
	if ((n & (n - 1)) == 0) { /* 0 and every power of two: full */
		size_t want = n ? 2 * n : 1, bytes;

		if (__builtin_mul_overflow(want, size, &bytes))
			return -ENOMEM;
		grown = realloc(p, bytes);
		if (!grown)
			return -ENOMEM;
		p = grown;
		memcpy(array, &p, sizeof(p));
	}
	memset((char *)p + n * size, 0, size);
	return 0;
}

#endif
