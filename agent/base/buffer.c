// SPDX-License-Identifier: Apache-2.0
/* A growing byte buffer with a cap. */
#include "base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int buffer_reserve(struct buffer *b, size_t more, size_t max)
{
	size_t cap = b->cap ? b->cap : 256;
	uint8_t *p;

	if (b->len > max || more > max - b->len)
		return -ENOSPC;
	/* one byte is kept for a terminating zero */
	if (b->cap > b->len + more)
		return 0;
	while (cap <= b->len + more)
		cap *= 2;
	p = malloc(cap);
	if (!p)
		return -ENOMEM;
	if (b->data) {
		memcpy(p, b->data, b->len);
		explicit_bzero(b->data, b->cap);
		free(b->data);
	}
	b->data = p;
	b->cap = cap;
	return 0;
}

int buffer_append(struct buffer *b, const void *bytes, size_t len, size_t max)
{
	int r = buffer_reserve(b, len, max);

	if (r < 0)
		return r;
	if (len)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = 0;
	return 0;
}

int buffer_printf(struct buffer *b, size_t max, const char *fmt, ...)
{
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -EINVAL;
	r = buffer_reserve(b, (size_t)n, max);
	if (r < 0)
		return r;
	va_start(ap, fmt);
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return 0;
}

void buffer_consume(struct buffer *b, size_t n)
{
	assert(n <= b->len);
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

void buffer_free(struct buffer *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	free(b->data);
	*b = (struct buffer){0};
}
