// SPDX-License-Identifier: Apache-2.0
/* Borrowed strings of the wire: compared, cut, and kept where they must outlive their buffer. */
#include "wire/text.h"

#include <errno.h>
#include <stdlib.h>

struct text_node {
	struct text_node *next;
	size_t len;
	char data[];
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool text_starts_nocase(struct wire_text t, struct wire_text prefix)
{
	if (t.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++)
		if (lower(t.data[i]) != lower(prefix.data[i]))
			return false;
	return true;
}

bool text_equal_nocase(struct wire_text a, struct wire_text b)
{
	return a.len == b.len && text_starts_nocase(a, b);
}

ssize_t text_find(struct wire_text t, struct wire_text needle)
{
	const char *p;

	if (!t.data || t.len < needle.len)
		return -1;
	p = memmem(t.data, t.len, needle.data, needle.len);
	return p ? p - t.data : -1;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct wire_text text_trim(struct wire_text t)
{
	while (t.len && blank(t.data[0]))
		t = text_from(t, 1);
	while (t.len && blank(t.data[t.len - 1]))
		t.len--;
	return t;
}

struct wire_text text_line(struct wire_text t)
{
	const char *p = t.len ? memchr(t.data, '\n', t.len) : NULL;

	return text_trim(p ? text_cut(t, (size_t)(p - t.data)) : t);
}

bool text_between(struct wire_text t, struct wire_text open, struct wire_text close,
		  struct wire_text *ret)
{
	ssize_t at = text_find(t, open);
	ssize_t end;

	if (at < 0)
		return false;
	t = text_from(t, (size_t)at + open.len);
	end = text_find(t, close);
	if (end < 0)
		return false;
	*ret = text_cut(t, (size_t)end);
	return true;
}

size_t text_utf8_length(const char *text, const char *end)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t n = *p < 0x80   ? 1
		   : *p < 0xc2 ? 0
		   : *p < 0xe0 ? 2
		   : *p < 0xf0 ? 3
		   : *p < 0xf5 ? 4
			       : 0;

	if (!n || (size_t)(end - text) < n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

char *text_put_code(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

int texts_keep(struct texts *texts, struct wire_text t, struct wire_text *ret)
{
	struct text_node *node;

	if (!t.data) {
		*ret = (struct wire_text){0};
		return 0;
	}
	node = malloc(sizeof(*node) + t.len + 1);
	if (!node)
		return -ENOMEM;
	node->next = texts->first;
	node->len = t.len;
	memcpy(node->data, t.data, t.len);
	node->data[t.len] = 0;
	texts->first = node;
	*ret = (struct wire_text){node->data, t.len};
	return 0;
}

void texts_free(struct texts *texts)
{
	struct text_node *node = texts->first;

	while (node) {
		struct text_node *next = node->next;

		explicit_bzero(node->data, node->len);
		free(node);
		node = next;
	}
	texts->first = NULL;
}

int text_set(struct buffer *b, struct wire_text t)
{
	b->len = 0;
	return buffer_append(b, t.data, t.len, SIZE_MAX / 4);
}
