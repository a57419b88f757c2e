/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the known word that is nearest to one that is not known. */
#ifndef POLICY_SUGGEST_H
#define POLICY_SUGGEST_H

#include <stddef.h>

#define SUGGEST_LEN_MAX 64 /* longer words have no neighbour */

/* The nearest of the words collected so far. Start with {.word = word}. */
struct suggestion {
	const char *word;
	const char *best; /* NULL: none is near */
	size_t distance;  /* of best */
};

/* Looks at one known word; it must live as long as the suggestion. */
void suggest_consider(struct suggestion *s, const char *known);

#endif
