/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as a tree that knows where each part of it stands. A narrow YAML: one document, no anchors,
 * aliases, merge keys or tags, and no key twice, so that what is written at one place is what
 * holds. */
#ifndef POLICY_DOCUMENT_H
#define POLICY_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/report.h"

#define DOCUMENT_DEPTH_MAX 16
#define DOCUMENT_NODES_MAX                                                                         \
	(1u << 20) /* bounds the memory that a file of POLICY_FILE_MAX can take */

enum document_kind {
	DOCUMENT_SCALAR,
	DOCUMENT_SEQUENCE,
	DOCUMENT_MAPPING,
};

struct document_node {
	enum document_kind kind;
	bool quoted;	       /* scalar in quotes or as a block: a text, whatever it looks like */
	uint32_t line, column; /* from 1 */
	uint32_t n;	       /* children: items, or keys and values counted both */
	uint32_t first, next;  /* indices of nodes; 0: none (the root is nobody's child) */
	char *text;	       /* scalar: no zero byte, no control character */
};

struct document {
	struct document_node *nodes; /* nodes[0] is the root */
	size_t n_nodes;
};

/* Parses. Errors go to the report. Returns 0, -EINVAL, -ENOMEM. */
int document_parse(const struct policy_source *source, struct policy_report *report,
		   struct document *ret);
void document_free(struct document *document);

static inline const struct document_node *document_first(const struct document *d,
							 const struct document_node *node)
{
	return node->first ? &d->nodes[node->first] : NULL;
}

static inline const struct document_node *document_next(const struct document *d,
							const struct document_node *node)
{
	return node->next ? &d->nodes[node->next] : NULL;
}

#endif
