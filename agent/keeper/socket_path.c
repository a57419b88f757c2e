// SPDX-License-Identifier: Apache-2.0
/* A path walked component by component, each looked at before the next is opened. */
#include "keeper/socket_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SYSTEM_UID_MAX 999 /* SYS_UID_MAX of login.defs: above are people */
#define LINKS_MAX      8

static bool is_systems(const struct stat *s)
{
	return s->st_uid <= SYSTEM_UID_MAX;
}

/* What is left of a path, behind the link that was met. */
static int follow(int fd, char *rest, size_t size)
{
	char target[PATH_MAX], joined[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	int r;

	if (n < 0)
		return -errno;
	target[n] = 0;
	r = snprintf(joined, sizeof(joined), "%s%s%s", target, *rest ? "/" : "", rest);
	if (r < 0 || (size_t)r >= sizeof(joined) || (size_t)r >= size)
		return -ENAMETOOLONG;
	memcpy(rest, joined, (size_t)r + 1);
	return 0;
}

int socket_path_find(const char *path, struct local_key *ret)
{
	_cleanup_close_ int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char rest[PATH_MAX];
	int links = 0, r;
	struct stat s;

	if (at < 0)
		return -errno;
	if (path[0] != '/')
		return -EINVAL;
	r = snprintf(rest, sizeof(rest), "%s", path);
	if (r < 0 || (size_t)r >= sizeof(rest))
		return -ENAMETOOLONG;
	for (;;) {
		char name[NAME_MAX + 1];
		size_t skip = strspn(rest, "/"), n = strcspn(rest + skip, "/");
		_cleanup_close_ int next = -1;

		if (n == 0)
			return -ENOTSOCK; /* it ends in a directory */
		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		if (fstat(at, &s) < 0)
			return -errno;
		if (!is_systems(&s) || (s.st_mode & (S_IWGRP | S_IWOTH)))
			return -EPERM;
		memcpy(name, rest + skip, n);
		name[n] = 0;
		next = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		memmove(rest, rest + skip + n, strlen(rest + skip + n) + 1);
		if (fstat(next, &s) < 0)
			return -errno;
		if (S_ISLNK(s.st_mode)) {
			if (++links > LINKS_MAX)
				return -ELOOP;
			r = follow(next, rest, sizeof(rest));
			if (r < 0)
				return r;
			if (rest[0] != '/')
				continue; /* goes on from the directory that the link is in */
			close(at);
			at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
			if (at < 0)
				return -errno;
			continue;
		}
		if (S_ISSOCK(s.st_mode) && !rest[strspn(rest, "/")])
			break;
		if (!S_ISDIR(s.st_mode))
			return rest[strspn(rest, "/")] ? -ENOTDIR : -ENOTSOCK;
		close(at);
		at = TAKE_FD(next);
	}
	if (!is_systems(&s))
		return -EPERM;
	*ret = (struct local_key){.inode = s.st_ino,
				  .device = major(s.st_dev) << 20 | minor(s.st_dev)};
	return 0;
}
