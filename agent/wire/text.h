/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed strings of the wire: compared, cut, and kept where they must outlive their buffer. */
#ifndef WIRE_TEXT_H
#define WIRE_TEXT_H

#include <string.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "wire/wire.h"

#define TEXT(s)	      ((struct wire_text){"" s "", sizeof(s) - 1})
#define TEXT_STR(s)   ((struct wire_text){(s), strlen(s)})
#define TEXT_BUF(b)   ((struct wire_text){(const char *)(b)->data, (b)->len})
#define TEXT_IS(t, s) text_equal((t), TEXT(s))

static inline bool text_equal(struct wire_text a, struct wire_text b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool text_starts(struct wire_text t, struct wire_text prefix)
{
	return t.len >= prefix.len && (!prefix.len || memcmp(t.data, prefix.data, prefix.len) == 0);
}

static inline struct wire_text text_from(struct wire_text t, size_t offset)
{
	return (struct wire_text){t.data + offset, t.len - offset};
}

static inline struct wire_text text_cut(struct wire_text t, size_t max)
{
	return (struct wire_text){t.data, t.len < max ? t.len : max};
}

/* ASCII letters compare alike, whatever the locale. */
bool text_equal_nocase(struct wire_text a, struct wire_text b);
bool text_starts_nocase(struct wire_text t, struct wire_text prefix);

/* Offset of needle in t, or -1. */
ssize_t text_find(struct wire_text t, struct wire_text needle);

/* Without spaces, tabs and line ends at both ends. */
struct wire_text text_trim(struct wire_text t);

/* Up to the end of the line, trimmed. */
struct wire_text text_line(struct wire_text t);

/* What stands between two marks, e.g. <a> and </a>. Returns false when one is missing. */
bool text_between(struct wire_text t, struct wire_text open, struct wire_text close,
		  struct wire_text *ret);

/* Bytes of the well-formed UTF-8 character at p (Unicode, table 3-7), which is before end; or 0. */
size_t text_utf8_length(const char *p, const char *end);

/* Writes a code point as UTF-8, at most four bytes. Returns behind it. */
char *text_put_code(char *out, uint32_t code);

/* Strings kept together, released together and zeroed then: they came off the wire. */
struct texts {
	struct text_node *first;
};

/* A copy that lives until texts_free. An absent text stays absent. Returns 0 or -ENOMEM. */
int texts_keep(struct texts *texts, struct wire_text t, struct wire_text *ret);
void texts_free(struct texts *texts);

/* Replaces what b holds. Returns 0 or -ENOMEM. */
int text_set(struct buffer *b, struct wire_text t);

#endif
