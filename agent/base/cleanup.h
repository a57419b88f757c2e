/* SPDX-License-Identifier: Apache-2.0 */
/* Cleanup attributes: a resource is released where its scope ends, whatever path leaves it. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void base_freep(void *p)
{
	free(*(void **)p);
}

static inline void base_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void base_fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_free_	 __attribute__((cleanup(base_freep)))
#define _cleanup_close_	 __attribute__((cleanup(base_closep)))
#define _cleanup_fclose_ __attribute__((cleanup(base_fclosep)))
#define _cleanup_(f)	 __attribute__((cleanup(f)))

/* Hands a value over: the variable is emptied, so that its cleanup releases nothing. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) p_ = (p);                                                            \
		(p) = NULL;                                                                        \
		p_;                                                                                \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int f_ = (fd);                                                                     \
		(fd) = -1;                                                                         \
		f_;                                                                                \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
