/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the executable segments: which addresses are called, and where a string is used. */
#ifndef TLS_SCAN_H
#define TLS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/elf.h"

#define SCAN_USES_MAX 1024

struct scan {
	uint64_t base;	    /* lowest executable address */
	uint64_t span;	    /* bytes to the end of the highest */
	uint64_t *called;   /* a bit for each aligned address */
	unsigned int shift; /* log2 of the alignment of function starts */
	uint32_t n_uses;
	uint64_t *use; /* ascending addresses inside the instructions that use the string */
};

/* The address of the one string in a read-only segment that ends with this suffix and is not
 * longer than a path. Returns 0, -ENOENT, or -ENOTUNIQ when there are several. */
int scan_string(const struct elf_image *image, const char *suffix, uint64_t *ret);

/* Fills *ret from the whole text; functions start at multiples of 1 << shift. Returns 0, -ENOMEM,
 * -ENOTSUP (text too far apart) or -EUCLEAN (more uses than SCAN_USES_MAX). */
int scan_text(struct elf_image *image, uint64_t string, unsigned int shift, struct scan *ret);

/* Whether some direct call, or a slot of the PLT, leads there. */
bool scan_is_called(const struct scan *scan, uint64_t address);

/* The greatest function start below or at the address: a called one, or the start of an unwind
 * range. 0 when there is none within reach. */
uint64_t scan_start_of(const struct elf_image *image, const struct scan *scan, uint64_t address);

/* Every direct call and jump to the target, up to max sources. Returns how many. */
uint32_t scan_sources(const struct elf_image *image, uint64_t low, uint64_t high, uint64_t *ret,
		      uint32_t max);

#endif
