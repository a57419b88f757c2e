/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the log share: a directory of their own, and events to put into it. */
#ifndef UNIT_LOG_FIXTURE_H
#define UNIT_LOG_FIXTURE_H

#include <ftw.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#include "audit/log.h"
#include "base/cleanup.h"
#include "base/log.h"

struct fixture {
	char base[64], directory[96], key[96];
	struct log_options options;
	struct log *log;
	struct log_opened opened;
};

static inline void fixture_new(struct fixture *f)
{
	*f = (struct fixture){0};
	log_init("test", LOG_LEVEL_ERROR);
	snprintf(f->base, sizeof(f->base), "/tmp/bailiff-log-XXXXXX");
	assert_non_null(mkdtemp(f->base));
	snprintf(f->directory, sizeof(f->directory), "%s/log", f->base);
	snprintf(f->key, sizeof(f->key), "%s/keys/log.key", f->base);
	f->options = (struct log_options){
		.directory = f->directory, .key_path = f->key, .origin = "bailiff/test-host"};
}

static inline void fixture_open(struct fixture *f)
{
	assert_int_equal(log_open(&f->options, &f->log, &f->opened), 0);
}

static inline void fixture_close(struct fixture *f)
{
	log_close(f->log);
	f->log = NULL;
}

static inline int fixture_remove_one(const char *path, const struct stat *st, int type,
				     struct FTW *ftw)
{
	return remove(path);
}

static inline void fixture_free(struct fixture *f)
{
	fixture_close(f);
	nftw(f->base, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Event number i: each has another text and length. */
static inline size_t fixture_event(uint64_t i, char *out, size_t size)
{
	int n = snprintf(out, size,
			 "{\"class_uid\":6003,\"message\":\"event %" PRIu64 " %.*s é\","
			 "\"metadata\":{\"event_code\":\"tool_use\"},\"time\":%" PRIu64 "}",
			 i, (int)(i * 7 % 60),
			 "............................................................",
			 1700000000000 + i);

	assert_true(n > 0 && (size_t)n < size);
	return (size_t)n;
}

static inline void fixture_append(struct fixture *f, uint64_t n)
{
	char json[512];

	for (uint64_t i = 0; i < n; i++) {
		uint64_t want = log_size(f->log), index = UINT64_MAX;
		size_t len = fixture_event(want, json, sizeof(json));

		assert_int_equal(log_append_event(f->log, json, len, &index), 0);
		assert_int_equal(index, want);
	}
}

static inline void fixture_path(const struct fixture *f, const char *name, char out[256])
{
	snprintf(out, 256, "%s/%s", f->directory, name);
}

/* A whole file of the log; the caller frees it. */
static inline char *fixture_read(const struct fixture *f, const char *name, size_t *ret_len)
{
	char path[256];
	struct stat st;
	char *bytes;
	int fd;

	fixture_path(f, name, path);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return NULL;
	assert_int_equal(fstat(fd, &st), 0);
	bytes = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_len = (size_t)st.st_size;
	return bytes;
}

static inline void fixture_write(const struct fixture *f, const char *name, const void *bytes,
				 size_t len)
{
	char path[256];
	int fd;

	fixture_path(f, name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

#endif
