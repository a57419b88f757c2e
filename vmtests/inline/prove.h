/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the proof share. */
#ifndef INLINE_PROVE_H
#define INLINE_PROVE_H

#include <stdio.h>

#include "world.h"

/* One line that says what did not hold; the proof goes on. */
#define PROVE(condition, ...)                                                                      \
	do {                                                                                       \
		prove_n++;                                                                         \
		if (!(condition)) {                                                                \
			prove_failed++;                                                            \
			if (prove_failed <= 20) {                                                  \
				printf("%s:%d: %s: ", __FILE__, __LINE__, #condition);             \
				printf(__VA_ARGS__);                                               \
				printf("\n");                                                      \
			}                                                                          \
		}                                                                                  \
	} while (0)

extern unsigned long prove_n, prove_failed;

/* A table of the built in detectors, each with that action for requests, and so on. */
struct scan_table *prove_table(unsigned int request, unsigned int text, unsigned int input);

/* A connection that no earlier one was. */
uint64_t prove_connection(void);

/* Blocks, answers, compressed responses, writes that are not taken. */
void prove_blocks(bool detached);
/* Calls of tools that a person may not use. */
void prove_tools(bool detached);
/* Many connections at once while one policy takes the place of another; how many connections. */
void prove_many(unsigned int connections);

#endif
