/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a cap: bytes off the wire decide how much is asked for. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
	uint8_t *data;
	size_t len;
	size_t cap;
};

#define _cleanup_buffer_ __attribute__((cleanup(buffer_free)))

/* Appends len bytes; the buffer never grows over max bytes in all. Returns 0, -ENOSPC when it
 * would, -ENOMEM; on failure the buffer is as it was. */
int buffer_append(struct buffer *b, const void *bytes, size_t len, size_t max);

/* Appends a formatted string (no terminating zero is counted, one is always present). */
int buffer_printf(struct buffer *b, size_t max, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Drops the first n bytes. */
void buffer_consume(struct buffer *b, size_t n);

/* Releases the memory, after zeroing it: it may have held captured bytes. */
void buffer_free(struct buffer *b);

#endif
