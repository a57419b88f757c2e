// SPDX-License-Identifier: Apache-2.0
/* Which sockets may be listed: those whose path nobody but the system can bend. */
#include "harness.h"

#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/socket_path.h"

#define PERSON 4001

static char base[64];

static void make_socket(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
}

static const char *at(const char *name)
{
	static char paths[4][128];
	static unsigned int turn;
	char *out = paths[turn++ % 4];

	snprintf(out, sizeof(paths[0]), "%s/%s", base, name);
	return out;
}

/* Under /run, which is root's alone on every host; the tests of owners need root. */
static bool begin(void)
{
	snprintf(base, sizeof(base), "/run/bailiff-unit.XXXXXX");
	if (geteuid() != 0 || !mkdtemp(base))
		return false;
	assert_int_equal(chmod(base, 0755), 0);
	return true;
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *ftw)
{
	(void)s;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void end(void)
{
	assert_int_equal(nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void test_found(void **state)
{
	struct local_key key = {0}, again = {0};
	struct stat s;

	(void)state;
	if (!begin())
		skip();
	assert_int_equal(mkdir(at("d"), 0755), 0);
	make_socket(at("d/s"));
	assert_int_equal(stat(at("d/s"), &s), 0);
	assert_int_equal(socket_path_find(at("d/s"), &key), 0);
	assert_int_equal(key.inode, s.st_ino);
	assert_int_equal(key.device, major(s.st_dev) << 20 | minor(s.st_dev));
	/* symbolic links, relative and absolute, of a socket and of a directory */
	assert_int_equal(symlink("d", at("l")), 0);
	assert_int_equal(symlink(at("d/s"), at("absolute")), 0);
	assert_int_equal(symlink("../d/s", at("d/up")), 0);
	assert_int_equal(socket_path_find(at("l/s"), &again), 0);
	assert_memory_equal(&key, &again, sizeof(key));
	assert_int_equal(socket_path_find(at("absolute"), &again), 0);
	assert_memory_equal(&key, &again, sizeof(key));
	assert_int_equal(socket_path_find(at("d/up"), &again), 0);
	assert_memory_equal(&key, &again, sizeof(key));
	/* the socket made anew is another inode, while the old one is still held */
	assert_int_equal(rename(at("d/s"), at("d/old")), 0);
	make_socket(at("d/s"));
	assert_int_equal(socket_path_find(at("d/s"), &again), 0);
	assert_int_not_equal(key.inode, again.inode);
	end();
}

static void test_refused(void **state)
{
	struct local_key key = {.inode = 77};

	(void)state;
	if (!begin())
		skip();
	assert_int_equal(mkdir(at("d"), 0755), 0);
	make_socket(at("d/s"));
	assert_int_equal(socket_path_find(at("d/none"), &key), -ENOENT);
	assert_int_equal(socket_path_find(at("d"), &key), -ENOTSOCK);
	assert_int_equal(socket_path_find(at("d/s/x"), &key), -ENOTDIR);
	assert_int_equal(socket_path_find("relative", &key), -EINVAL);
	assert_int_equal(socket_path_find("/etc/passwd", &key), -ENOTSOCK);
	assert_int_equal(symlink("loop", at("loop")), 0);
	assert_int_equal(socket_path_find(at("loop"), &key), -ELOOP);
	/* a socket of a person's */
	assert_int_equal(chown(at("d/s"), PERSON, PERSON), 0);
	assert_int_equal(socket_path_find(at("d/s"), &key), -EPERM);
	assert_int_equal(chown(at("d/s"), 0, 0), 0);
	/* a directory of a person's, one that others may write to, with the sticky bit too */
	assert_int_equal(chown(at("d"), PERSON, 0), 0);
	assert_int_equal(socket_path_find(at("d/s"), &key), -EPERM);
	assert_int_equal(chown(at("d"), 0, 0), 0);
	assert_int_equal(chmod(at("d"), 0775), 0);
	assert_int_equal(socket_path_find(at("d/s"), &key), -EPERM);
	assert_int_equal(chmod(at("d"), 01777), 0);
	assert_int_equal(socket_path_find(at("d/s"), &key), -EPERM);
	/* a way of a person's to a socket of the system's */
	assert_int_equal(chmod(at("d"), 0755), 0);
	assert_int_equal(mkdir(at("his"), 0755), 0);
	assert_int_equal(symlink("../d/s", at("his/s")), 0);
	assert_int_equal(symlink("his/s", at("mine")), 0);
	assert_int_equal(chown(at("his"), PERSON, PERSON), 0);
	assert_int_equal(socket_path_find(at("his/s"), &key), -EPERM);
	assert_int_equal(socket_path_find(at("mine"), &key), -EPERM);
	assert_int_equal(key.inode, 77);
	assert_int_equal(socket_path_find(at("d/s"), &key), 0);
	end();
}

UNIT_MAIN(unit(test_found), unit(test_refused))
