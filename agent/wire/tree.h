/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON document as a flat list of values, outer before inner. Strings without escapes are
 * borrowed from the document, so that a megabyte of text costs one pass over it; numbers stay as
 * they were written. Not stopped by what JavaScript writes and C refuses. */
#ifndef WIRE_TREE_H
#define WIRE_TREE_H

#include "wire/text.h"

enum tree_kind {
	TREE_NULL,
	TREE_FALSE,
	TREE_TRUE,
	TREE_NUMBER,
	TREE_STRING,
	TREE_ARRAY,
	TREE_OBJECT,
};

struct tree_value {
	enum tree_kind kind;
	uint32_t size;	       /* values in it, itself among them: v + v->size is the next */
	struct wire_text name; /* of a member of an object */
	struct wire_text text; /* of a string, decoded; of a number and a literal, as it stands */
};

/* Empty ({0}) or filled by tree_read. */
struct tree {
	struct tree_value *values;
	size_t len, cap;
	char *text; /* strings that had escapes */
	size_t text_len, text_cap;
	char *mended; /* the document, where its bytes had to be mended */
	bool halves;  /* holds stand-ins of half surrogates */
};

enum tree_flags {
	/* an object with a name twice is refused, because two readers may take different ones */
	TREE_STRICT = 1,
	/* A half surrogate (JSON.stringify writes a string that was cut inside a pair as a lone
	 * \ud83d, and a server may cut a delta there too) is kept as a stand-in for tree_join, and
	 * told in halves; else it is U+FFFD. */
	TREE_HALVES = 2,
};

/* U+100000 to U+1007FF (private use) stand for U+D800 to U+DFFF. */
#define TREE_STAND_IN 0x100000u

/* Parses one whole document, within the limits of wire/scan.h. Bytes that are not UTF-8 become
 * U+FFFD. text must live as long as the tree. Returns 0, -EBADMSG or -ENOMEM. */
int tree_read(struct wire_text text, unsigned int flags, struct tree *ret);
void tree_free(struct tree *t);

/* Joins the stand-ins of half surrogates that came to stand side by side, e.g. from two deltas;
 * those that stay alone become U+FFFD. Returns the new length. */
size_t tree_join(char *text, size_t len);

/* The outer value; NULL for an empty tree. The functions below take NULL for "absent". */
static inline const struct tree_value *tree_root(const struct tree *t)
{
	return t->len ? t->values : NULL;
}

/* The member of that name, the last where there are several; NULL: none, or no object. */
const struct tree_value *tree_get(const struct tree_value *object, const char *name);

static inline bool tree_is(const struct tree_value *v, enum tree_kind kind)
{
	return v && v->kind == kind;
}

/* Of a string, else absent. */
static inline struct wire_text tree_text(const struct tree_value *v)
{
	return tree_is(v, TREE_STRING) ? v->text : (struct wire_text){0};
}

static inline struct wire_text tree_member(const struct tree_value *object, const char *name)
{
	return tree_text(tree_get(object, name));
}

/* A whole number; 0 for anything else. */
int64_t tree_integer(const struct tree_value *v);

/* The elements of an array, the members of an object. */
#define tree_foreach(outer, v)                                                                     \
	for (const struct tree_value *v = (outer) + 1; v < (outer) + (outer)->size; v += v->size)

/* How many there are. */
size_t tree_count(const struct tree_value *outer);

/* Appends the compact form, members in the order they came in, but for those of the outer object
 * whose names are in without (NULL-terminated; NULL: all). Returns 0 or -ENOMEM. */
int tree_print(const struct tree_value *v, const char *const *without, struct buffer *out);

#define _cleanup_tree_ __attribute__((cleanup(tree_free)))

#endif
