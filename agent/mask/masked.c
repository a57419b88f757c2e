// SPDX-License-Identifier: Apache-2.0
/* Masked text: made here, read by writers. */
#include "mask/masked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int masked_new(size_t len, struct masked **ret)
{
	struct masked *m;

	if (len == SIZE_MAX)
		return -ENOMEM;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->text = malloc(len + 1);
	if (!m->text) {
		free(m);
		return -ENOMEM;
	}
	m->text[len] = 0;
	m->len = len;
	m->original_len = len;
	*ret = m;
	return 0;
}

int masked_of_literal(struct masked **ret, const char *s, size_t len)
{
	struct masked *m;
	int r = masked_new(len, &m);

	if (r < 0)
		return r;
	memcpy(m->text, s, len);
	*ret = m;
	return 0;
}

void masked_free(struct masked *m)
{
	if (!m)
		return;
	findings_free(&m->findings);
	free(m->text);
	free(m);
}

void masked_freep(struct masked **m)
{
	masked_free(*m);
}

const char *masked_text(const struct masked *m)
{
	return m->text;
}

size_t masked_len(const struct masked *m)
{
	return m->len;
}

size_t masked_n_findings(const struct masked *m)
{
	return m->findings.n;
}

const struct mask_finding *masked_finding(const struct masked *m, size_t i)
{
	return i < m->findings.n ? &m->findings.all[i].f : NULL;
}

bool masked_failed(const struct masked *m)
{
	return m->failed;
}

const char *masked_digest(const struct masked *m)
{
	return m->digest;
}

uint64_t masked_original_len(const struct masked *m)
{
	return m->original_len;
}
