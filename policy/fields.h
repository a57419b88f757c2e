/* SPDX-License-Identifier: Apache-2.0 */
/* Typed values out of a document: each function says at its place what it found and what was
 * expected, and goes on, so that one run reports every mistake. */
#ifndef POLICY_FIELDS_H
#define POLICY_FIELDS_H

#include "policy/document.h"

#define FIELD_TEXT_MAX 1024 /* bytes of a value without a limit of its own */

/* What reading one file needs. */
struct fields {
	const struct document *document;
	struct policy_report *report;
	const char *file;
	int error; /* first -ENOMEM; stays */
};

/* One key of a mapping. The same table drives the parser, its suggestions and the list of keys. */
struct field {
	const char *name;
	void (*read)(struct fields *f, const struct document_node *value, void *out);
	bool required;
	const char *below;	    /* how the path goes on: "", "[]", ".NAME" */
	const struct field *fields; /* what is below; ends with a NULL name */
};

void fields_error(struct fields *f, const struct document_node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void fields_warning(struct fields *f, const struct document_node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void fields_no_memory(struct fields *f);
struct policy_where fields_where(const struct fields *f, const struct document_node *node);

/* "found X" for a message: a list, a mapping, nothing, or the text in quotes. */
#define FIELD_FOUND_SIZE 96
const char *fields_found(const struct document_node *node, char out[FIELD_FOUND_SIZE]);

/* A mapping whose keys are those of the table. `what` names it in messages: "a destination". */
void fields_mapping(struct fields *f, const struct document_node *node, const struct field *table,
		    const char *what, void *out);

/* A mapping with free keys, in file order. */
void fields_each(struct fields *f, const struct document_node *node, const char *what,
		 void (*each)(struct fields *f, const struct document_node *key,
			      const struct document_node *value, void *out),
		 void *out);

/* A list, in file order. */
void fields_list(struct fields *f, const struct document_node *node, const char *what,
		 void (*each)(struct fields *f, const struct document_node *item, void *out),
		 void *out);

/* The text of a scalar of 1 to max bytes, borrowed; NULL after an error. */
const char *fields_peek(struct fields *f, const struct document_node *node, const char *what,
			size_t max);

/* The same as a copy in *out, which is freed first; left alone after an error. */
void fields_text(struct fields *f, const struct document_node *node, const char *what, size_t max,
		 char **out);

/* A decimal number from min to max. Returns whether *out was set. */
bool fields_number(struct fields *f, const struct document_node *node, const char *what,
		   uint64_t min, uint64_t max, uint64_t *out);

/* true or false, in the spellings of YAML 1.1 that the readers of existing ACLs take. */
bool fields_bool(struct fields *f, const struct document_node *node, const char *what, bool *out);

/* One of n words. Returns its index or -1. */
int fields_choice(struct fields *f, const struct document_node *node, const char *what,
		  const char *const *words, size_t n);

/* A list of texts, NULL-terminated, in file order; one that is there twice is a warning and kept
 * once. lower: ASCII letters are made small. */
void fields_texts(struct fields *f, const struct document_node *node, const char *what, size_t max,
		  bool lower, char ***out);

/* Makes ASCII letters small: addresses of people are compared as directories do. */
void fields_lower(char *text);

/* Frees a NULL-terminated list. */
void fields_free_texts(char **texts);

#endif
