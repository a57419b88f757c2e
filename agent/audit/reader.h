/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a log while it is written: from any index, across finished segments, waiting for nothing.
 * It checks nothing; that is log_verify. */
#ifndef AUDIT_READER_H
#define AUDIT_READER_H

#include <stddef.h>
#include <stdint.h>

struct log_reader;

/* Returns 0; -ENOENT when there is no log; -errno. */
int log_reader_open(const char *directory, uint64_t from, struct log_reader **ret);
void log_reader_free(struct log_reader *reader);
void log_reader_freep(struct log_reader **reader);

/* Returns 1 and the next entry (zero-terminated, valid until the next call); 0 when there is none
 * yet: ask again later; -EUCLEAN when an entry is missing; -errno. */
int log_reader_next(struct log_reader *reader, uint64_t *ret_index, const char **ret,
		    size_t *ret_len);

/* The number of entries, by the last line of events.jsonl: where a reader of news begins. */
int log_reader_size(const char *directory, uint64_t *ret);

#endif
