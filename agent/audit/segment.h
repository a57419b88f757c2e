/* SPDX-License-Identifier: Apache-2.0 */
/* The log as lines: events.jsonl and the segments before it, events-<index of first entry>.jsonl.
 */
#ifndef AUDIT_SEGMENT_H
#define AUDIT_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"

#define SEGMENT_NAME_SIZE 40
#define SEGMENT_ACTIVE	  "events.jsonl"
/* events.jsonl is finished and a new one begun above this size, so that finding a place in it stays
 * cheap however long the log is. */
#ifdef BAILIFF_TESTING
#define SEGMENT_SIZE (1u << 20)
#else
#define SEGMENT_SIZE (64u << 20)
#endif
/* A line is an entry of at most 65,535 bytes; where newlines were destroyed it may look longer. */
#define SEGMENT_LINE_MAX ((size_t)1 << 20)

struct segment {
	uint64_t first;
	char name[SEGMENT_NAME_SIZE];
};

void segment_name(uint64_t first, char ret[SEGMENT_NAME_SIZE]);

/* The finished segments of a directory, oldest first; *ret is malloc'ed. */
int segment_list(int dir_fd, struct segment **ret, size_t *ret_n);

/* Lines of an open file. Zero-initialise, set fd (borrowed), call lines_free in the end. */
struct lines {
	int fd;
	struct buffer buffer;
	size_t at;	 /* start of the next line in buffer */
	uint64_t offset; /* of the next line in the file */
};

/* Returns 1 and the next whole line without its newline (zero-terminated, valid until the next
 * call); 0 when there is none; -EMSGSIZE for a line that is too long; -errno. May be called again
 * after 0, when the file has grown. */
int lines_next(struct lines *l, const char **ret, size_t *ret_len);

/* Bytes after the last newline that were seen. */
size_t lines_rest(const struct lines *l);
void lines_free(struct lines *l);

/* All lines of a log, across its segments, with the index that each must have by its place. */
struct line_stream {
	int dir_fd; /* borrowed */
	struct segment *segments;
	size_t n, at; /* finished segments; the one being read, n: the active one */
	int active_fd, fd;
	struct lines lines;
	uint64_t index;		      /* of the next line */
	char file[SEGMENT_NAME_SIZE]; /* where the last line came from, for messages */
};

/* Returns 0; -ESTALE when a rotation came between: try again; -ENOENT; -errno. */
int line_stream_open(int dir_fd, struct line_stream *ret);

/* Returns 1 and a line, 0 at the end, -EBADMSG when a segment does not go on where the one before
 * it ended or has no whole lines, -errno. */
int line_stream_next(struct line_stream *s, const char **ret, size_t *ret_len);
void line_stream_free(struct line_stream *s);

#endif
