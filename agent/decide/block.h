/* SPDX-License-Identifier: Apache-2.0 */
/* The number of a block as people are told it: "B17" in the client's error, on the terminal, in
 * events. It is not the number of an event, which the kernel does not know when it blocks. */
#ifndef DECIDE_BLOCK_H
#define DECIDE_BLOCK_H

#include <stdint.h>

#define BLOCK_NAME_SIZE 24 /* "B", twenty digits, zero */

void block_name(uint64_t number, char ret[BLOCK_NAME_SIZE]);

/* Reads "B17" or "b17", nothing around it. Returns 0 or -EINVAL; 0 is no block's number. */
int block_parse(const char *text, uint64_t *ret);

#endif
