/* SPDX-License-Identifier: Apache-2.0 */
/* Turns a located function into what a probe needs: offsets, returns, the bytes to compare. */
#ifndef TLS_FINISH_H
#define TLS_FINISH_H

#include "tls/code.h"

/* Fills *ret for the function at the entry, which the code memory is used to decode. size is that
 * of its symbol or 0. Reasons and edges are the caller's. Returns 0 or -EUCLEAN. */
int finish_function(struct code *c, enum tls_role role, uint64_t entry, uint64_t size,
		    struct tls_function *ret);

#endif
