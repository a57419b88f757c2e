// SPDX-License-Identifier: Apache-2.0
/* The log as lines. */
#include "audit/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SEGMENT_CHUNK 65536

void segment_name(uint64_t first, char ret[SEGMENT_NAME_SIZE])
{
	snprintf(ret, SEGMENT_NAME_SIZE, "events-%016" PRIu64 ".jsonl", first);
}

static bool segment_parse(const char *name, struct segment *ret)
{
	char *end;

	if (strncmp(name, "events-", 7) != 0 || name[7] < '0' || name[7] > '9')
		return false;
	errno = 0;
	ret->first = strtoull(name + 7, &end, 10);
	segment_name(ret->first, ret->name);
	return !errno && strcmp(ret->name, name) == 0;
}

static int segment_compare(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

int segment_list(int dir_fd, struct segment **ret, size_t *ret_n)
{
	_cleanup_free_ struct segment *list = NULL;
	const struct dirent *entry;
	size_t n = 0, cap = 0;
	DIR *dir;
	int fd, r = 0;

	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	while ((entry = readdir(dir))) {
		struct segment one;

		if (!segment_parse(entry->d_name, &one))
			continue;
		if (n == cap) {
			struct segment *more =
				reallocarray(list, cap ? cap * 2 : 16, sizeof(*list));

			if (!more) {
				r = -ENOMEM;
				break;
			}
			list = more;
			cap = cap ? cap * 2 : 16;
		}
		list[n++] = one;
	}
	closedir(dir);
	if (r < 0)
		return r;
	if (n)
		qsort(list, n, sizeof(*list), segment_compare);
	*ret = TAKE_PTR(list);
	*ret_n = n;
	return 0;
}

int lines_next(struct lines *l, const char **ret, size_t *ret_len)
{
	size_t searched = l->at;

	for (;;) {
		char *start = (char *)l->buffer.data + l->at, *newline = NULL;
		char chunk[SEGMENT_CHUNK];
		ssize_t n;
		int r;

		if (l->buffer.len > searched)
			newline = memchr(l->buffer.data + searched, '\n', l->buffer.len - searched);
		if (newline) {
			*newline = 0;
			*ret = start;
			*ret_len = (size_t)(newline - start);
			l->at += *ret_len + 1;
			l->offset += *ret_len + 1;
			return 1;
		}
		if (l->buffer.len - l->at > SEGMENT_LINE_MAX)
			return -EMSGSIZE;
		if (l->at)
			buffer_consume(&l->buffer, l->at);
		l->at = 0;
		searched = l->buffer.len;
		n = read(l->fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = buffer_append(&l->buffer, chunk, (size_t)n,
				  SEGMENT_LINE_MAX + 2 * SEGMENT_CHUNK);
		if (r < 0)
			return r;
	}
}

size_t lines_rest(const struct lines *l)
{
	return l->buffer.len - l->at;
}

void lines_free(struct lines *l)
{
	buffer_free(&l->buffer);
}

int line_stream_open(int dir_fd, struct line_stream *ret)
{
	struct line_stream s = {.dir_fd = dir_fd, .active_fd = -1, .fd = -1};
	struct stat opened, named;
	int r;

	s.active_fd = openat(dir_fd, SEGMENT_ACTIVE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (s.active_fd < 0)
		return -errno;
	r = segment_list(dir_fd, &s.segments, &s.n);
	if (r >= 0 && fstat(s.active_fd, &opened) < 0)
		r = -errno;
	if (r >= 0 && (fstatat(dir_fd, SEGMENT_ACTIVE, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
		       named.st_ino != opened.st_ino))
		r = -ESTALE;
	if (r < 0) {
		line_stream_free(&s);
		return r;
	}
	*ret = s;
	return 0;
}

static int open_next(struct line_stream *s)
{
	lines_free(&s->lines);
	s->lines = (struct lines){.fd = -1};
	if (s->at == s->n) {
		snprintf(s->file, sizeof(s->file), SEGMENT_ACTIVE);
		s->fd = s->active_fd;
		s->active_fd = -1;
	} else {
		snprintf(s->file, sizeof(s->file), "%s", s->segments[s->at].name);
		if (s->segments[s->at].first != s->index)
			return -EBADMSG;
		s->fd = openat(s->dir_fd, s->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (s->fd < 0)
			return -errno;
	}
	s->lines.fd = s->fd;
	return 0;
}

int line_stream_next(struct line_stream *s, const char **ret, size_t *ret_len)
{
	for (;;) {
		int r = s->fd < 0 ? open_next(s) : 0;

		if (r >= 0)
			r = lines_next(&s->lines, ret, ret_len);
		if (r > 0)
			s->index++;
		if (r == -EMSGSIZE)
			r = -EBADMSG;
		if (r != 0 || s->at == s->n)
			return r;
		/* only the newest segment may end in half a line */
		if (lines_rest(&s->lines))
			return -EBADMSG;
		close(s->fd);
		s->fd = -1;
		s->at++;
	}
}

void line_stream_free(struct line_stream *s)
{
	lines_free(&s->lines);
	if (s->fd >= 0)
		close(s->fd);
	if (s->active_fd >= 0)
		close(s->active_fd);
	free(s->segments);
	*s = (struct line_stream){.fd = -1, .active_fd = -1};
}
