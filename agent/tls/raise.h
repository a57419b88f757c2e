/* SPDX-License-Identifier: Apache-2.0 */
/* The reasons that a function of BoringSSL raises: it hands them, with the name of its source file,
 * to one function (ERR_put_error). */
#ifndef TLS_RAISE_H
#define TLS_RAISE_H

#include "tls/code.h"

struct raises {
	uint32_t n_reasons;
	uint32_t reason[TLS_REASONS_MAX]; /* ascending, each once */
	uint32_t n_unread;		  /* calls with the string whose reason is no constant */
};

struct raise_walk;

/* The memory that a walk needs, owned by the image; NULL when there is none. */
struct raise_walk *raise_init(struct elf_image *image);

/* Walks every path of the decoded function with the constants that its registers hold, and notes
 * each call that is given the string. */
void raise_read(struct raise_walk *w, const struct code *c, uint64_t string, struct raises *ret);

bool raise_has(const struct raises *r, uint32_t reason);

#endif
