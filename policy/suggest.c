// SPDX-License-Identifier: Apache-2.0
/* Finds the nearest word by the number of slips between two words. */
#include "policy/suggest.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Insertions, deletions, changes and swaps of neighbours from a to b (optimal string alignment). */
static size_t suggest_distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t rows[3][SUGGEST_LEN_MAX + 1];

	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = rows[i % 3];
		const size_t *before = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t d = before[j - 1] + (a[i - 1] != b[j - 1]);

			if (before[j] + 1 < d)
				d = before[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    older[j - 2] + 1 < d)
				d = older[j - 2] + 1;
			now[j] = d;
		}
	}
	return rows[n % 3][m];
}

void suggest_consider(struct suggestion *s, const char *known)
{
	size_t n = strlen(s->word), m = strlen(known), d;

	if (n == 0 || n > SUGGEST_LEN_MAX || m > SUGGEST_LEN_MAX)
		return;
	if (strcasecmp(s->word, known) == 0)
		d = 0;
	else if ((n > m ? n - m : m - n) > 2)
		return;
	else
		d = suggest_distance(s->word, n, known, m);
	/* two slips, but in a short word one: else every short word is near */
	if (d > (m > 4 ? 2 : 1) || (s->best && d >= s->distance))
		return;
	s->best = known;
	s->distance = d;
}
