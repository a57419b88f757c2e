// SPDX-License-Identifier: Apache-2.0
/* TLS libraries that a client's children will map, looked at and probed when the client starts, and
 * again when a keeper takes over.
 *
 * A library that is looked at when something governed maps it first is probed too late for that
 * one: curl has sent its request while the analyst is at the file. So the places are gone through
 * where the dynamic linker of the client's root looks, and each library there is probed before the
 * model has said a word. What lies elsewhere waits until it is mapped.
 *
 * That a name begins like a library's says only that the file is worth a look; what it is, the
 * analyst says by its content. */
#include "keeper/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Somebody's own root can hold any number of files. */
#define ENTRIES_MAX 65536

/* The linker's defaults and what distributions add to them (ld.so(8), musl's ldso). */
static const char *const places[] = {
#ifdef __x86_64__
	"usr/lib/x86_64-linux-gnu",
#elif defined(__aarch64__)
	"usr/lib/aarch64-linux-gnu",
#endif
	"usr/lib64",
	"usr/lib",
	"lib64",
	"lib",
	"usr/local/lib64",
	"usr/local/lib",
};

static const char *const prefixes[] = {"libssl.so", "libgnutls.so"};

/* Links are followed inside of the root alone: it may be a stranger's. */
static int open_within(int root, const char *path, uint64_t flags)
{
	struct open_how how = {.flags = flags | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static bool is_library(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* ---- files that are waited for ------------------------------------------------------------------
 */

static void drop(struct keeper *k, size_t at)
{
	close(k->libraries[at]);
	memmove(k->libraries + at, k->libraries + at + 1,
		(--k->n_libraries - at) * sizeof(*k->libraries));
}

static bool same_inode(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

/* Takes fd over. What waits the longest makes room: nobody answered for it. */
static void want(struct keeper *k, int fd)
{
	for (size_t i = 0; i < k->n_libraries; i++)
		/* under two names, or at the last look and the question got lost */
		if (same_inode(k->libraries[i], fd)) {
			drop(k, i);
			break;
		}
	if (k->n_libraries == KEEPER_LIBRARIES_MAX)
		drop(k, 0);
	k->libraries[k->n_libraries++] = fd;
}

int keeper_library_open(const struct keeper *k, const struct image_key *key)
{
	for (size_t i = 0; i < k->n_libraries; i++)
		if (keeper_same_file(k->libraries[i], key)) {
			int fd = fcntl(k->libraries[i], F_DUPFD_CLOEXEC, 0);

			return fd < 0 ? -errno : fd;
		}
	return -ENOENT;
}

bool keeper_library_take(struct keeper *k, const struct image_key *key)
{
	for (size_t i = 0; i < k->n_libraries; i++)
		if (keeper_same_file(k->libraries[i], key)) {
			drop(k, i);
			return true;
		}
	return false;
}

/* ---- looking -----------------------------------------------------------------------------------
 */

/* Has a file that bears a library's name; takes fd over. */
typedef void (*found_fn)(struct keeper *k, int fd, const void *ctx);

/* The kernel is made to ask about the files, as it does for everybody who maps one: then their keys
 * are those that others will have, on overlay file systems too. A process of its own maps them:
 * a client under a library's name would make who maps it governed. */
static void have_asked(const struct keeper *k)
{
	pid_t pid = k->n_libraries ? fork() : -1;

	if (pid < 0 && k->n_libraries)
		log_err_r(-errno, "cannot look at TLS libraries");
	if (pid)
		return;
	for (size_t i = 0; i < k->n_libraries; i++) {
		void *page = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, k->libraries[i], 0);

		if (page != MAP_FAILED)
			munmap(page, 1);
	}
	_exit(0);
}

/* found_fn: what is known is probed, what is not is waited for. */
static void meet(struct keeper *k, int fd, const void *ctx)
{
	(void)ctx;
	for (struct keeper_image *i = k->images; i; i = i->next)
		if (i->answered && keeper_same_file(fd, &i->key)) {
			keeper_image_probe(k, i, fd);
			close(fd);
			return;
		}
	want(k, fd);
}

static size_t look_at(struct keeper *k, int root, const char *place, size_t room, found_fn found,
		      const void *ctx)
{
	DIR *d;
	const struct dirent *e;
	struct stat st;
	size_t files = 0;
	char path[512];
	int fd = open_within(root, place, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return 0;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return 0;
	}
	for (size_t n = 0; n < ENTRIES_MAX && files < room && (e = readdir(d)); n++) {
		if (!is_library(e->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", place, e->d_name);
		fd = open_within(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			continue;
		files++;
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			found(k, fd, ctx);
		else
			close(fd);
	}
	closedir(d);
	return files;
}

/* Who has made a user namespace mounts there what he likes, and may let whoever opens it wait for
 * ever: an overlay over FUSE asks its server with his rights. */
static bool is_hosts(pid_t pid)
{
	struct stat own, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	return stat("/proc/self/ns/user", &own) == 0 && stat(path, &its) == 0 &&
	       own.st_dev == its.st_dev && own.st_ino == its.st_ino;
}

/* Returns whether its root is one that is looked in. */
static bool look_in(struct keeper *k, pid_t pid, found_fn found, const void *ctx)
{
	_cleanup_close_ int root = -1;
	size_t files = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* In this order: from a user namespace of one's own there is no way back. -1: it ended. */
	if (root < 0 || !is_hosts(pid))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		files += look_at(k, root, places[i], KEEPER_LIBRARIES_MAX - files, found, ctx);
	return true;
}

void keeper_libraries_look(struct keeper *k, pid_t pid)
{
	/* until it has taken over, the kernel asks somebody else */
	if (!k->took_over)
		return;
	look_in(k, pid, meet, NULL);
	have_asked(k);
}

/* ---- when a keeper begins -----------------------------------------------------------------------
 */

/* Roots that are looked at anew: pods on one host have a few of the same. */
#define ROOTS_MAX 64

/* What a process sees as its libraries: the directory and the mounts in it. */
struct root {
	dev_t device;
	ino_t inode, mounts;
};

static int root_of(pid_t pid, struct root *ret)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	if (stat(path, &st) < 0)
		return -errno;
	*ret = (struct root){.device = st.st_dev, .inode = st.st_ino};
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	if (stat(path, &st) < 0)
		return -errno;
	ret->mounts = st.st_ino;
	return 0;
}

static bool is_governed(const struct keeper *k, pid_t pid)
{
	struct task_context t;

	return kernel_task_get(k->kernel, pid, &t) == 0 && (t.flags & TASK_GOVERNED);
}

/* Each root that something governed has, once. A client's shell goes on without the client, and
 * what it starts is to be read like what any other starts. After keeper_running(). */
static void look_in_all(struct keeper *k, found_fn found, const void *ctx)
{
	struct root seen[ROOTS_MAX], root;
	size_t n_seen = 0, at;

	for (size_t n = 0; n < k->n_seeded && n_seen < ROOTS_MAX; n++) {
		pid_t pid = k->seeded[n].pid;

		if (!is_governed(k, pid) || root_of(pid, &root) < 0)
			continue;
		for (at = 0; at < n_seen; at++)
			if (seen[at].device == root.device && seen[at].inode == root.inode &&
			    seen[at].mounts == root.mounts)
				break;
		/* what is not looked in takes no room: anybody makes as many as he likes */
		if (at == n_seen && look_in(k, pid, found, ctx))
			seen[n_seen++] = root;
	}
}

void keeper_libraries_again(struct keeper *k)
{
	keeper_running(k);
	look_in_all(k, meet, NULL);
	have_asked(k);
}

#define KEPT_MAX 256

struct kept {
	struct image_key key[KEPT_MAX];
	size_t n;
};

/* Never drops. */
static bool keep(void *ctx, const struct image_key *key, const struct image_value *v)
{
	struct kept *all = ctx;

	if (v->class_ == IMAGE_TLS && (v->flags & (IMAGE_ATTACHED | IMAGE_WANTED)) &&
	    all->n < KEPT_MAX)
		all->key[all->n++] = *key;
	return false;
}

/* found_fn: what an earlier keeper had probed is asked about, by the key that it had. */
static void meet_kept(struct keeper *k, int fd, const void *ctx)
{
	const struct kept *all = ctx;
	struct record_image r = {.ask = ASK_ATTACH};

	for (size_t i = 0; i < all->n; i++)
		if (keeper_same_file(fd, &all->key[i])) {
			want(k, fd);
			r.key = all->key[i];
			keeper_ask(k, &r);
			return;
		}
	close(fd);
}

void keeper_libraries_kept(struct keeper *k)
{
	struct record_image r = {.ask = ASK_ATTACH};
	struct kept all = {0};

	kernel_images_drop(k->kernel, keep, &all);
	if (!all.n)
		return;
	keeper_running(k);
	look_in_all(k, meet_kept, &all);
	/* what lies elsewhere, or has no name any more, and is mapped */
	for (size_t n = 0; n < k->n_seeded; n++) {
		const struct keeper_seeded *s = &k->seeded[n];

		if (!is_governed(k, s->pid))
			continue;
		r.head.actor = s->actor;
		r.head.actor.flags |= TASK_GOVERNED;
		for (size_t i = 0; i < all.n; i++) {
			r.key = all.key[i];
			keeper_ask(k, &r);
		}
	}
}
