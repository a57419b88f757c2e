/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the TLS functions by name, where the names are there. */
#ifndef TLS_SYMBOLS_H
#define TLS_SYMBOLS_H

#include "tls/elf.h"

/* Fills *ret (all but the fields of the file itself). Returns 0, -ENOENT (no such names), or
 * -EUCLEAN. */
int symbols_locate(struct elf_image *image, struct tls_layout *ret);

#endif
