/* SPDX-License-Identifier: Apache-2.0 */
/* Growing arrays without a capacity field: the capacity is the next power of two. */
#ifndef POLICY_ARRAY_H
#define POLICY_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for element n of `array` (a pointer variable that only this grows, one element at a
 * time) and zeroes it. Evaluates to 0, or -ENOMEM with the array as it was. */
#define array_grow(array, n)                                                                       \
	({                                                                                         \
		void *grown_ = array_grown((array), (n), sizeof(*(array)));                        \
		if (grown_)                                                                        \
			(array) = grown_;                                                          \
		grown_ ? 0 : -ENOMEM;                                                              \
	})

static inline void *array_grown(void *array, size_t n, size_t size)
{
	size_t bytes;

	if ((n & (n - 1)) == 0) { /* 0 and every power of two: full */
		if (__builtin_mul_overflow(n ? 2 * n : 1, size, &bytes))
			return NULL;
		array = realloc(array, bytes);
	}
	if (array)
		memset((char *)array + n * size, 0, size);
	return array;
}

#endif
