/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the TLS functions of a stripped BoringSSL by the sets of error reasons that they raise. */
#ifndef TLS_REASONS_H
#define TLS_REASONS_H

#include "tls/code.h"

/* Fills *ret (all but the fields of the file itself). Returns 0, -ENOENT (no BoringSSL), -EUCLEAN,
 * or what tls_locate returns otherwise. Symbols are not looked at. */
int reasons_locate(struct elf_image *image, struct tls_layout *ret);

/* tls_locate with this method alone, for the tests: the symbols of a file that has them are then
 * the oracle. */
int tls_locate_reasons(int fd, struct tls_layout *ret, char *why);

#endif
