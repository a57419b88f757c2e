// SPDX-License-Identifier: Apache-2.0
/* TLS libraries that a client's children will map, looked at and probed when the client starts.
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

/* Takes fd over. What waits the longest makes room: nobody answered for it. */
static void want(struct keeper *k, int fd)
{
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

/* Takes fd over. */
static void meet(struct keeper *k, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return;
	}
	for (size_t i = 0; i < k->n_libraries; i++) {
		struct stat other;

		/* under two names, or at the last look and the question got lost */
		if (fstat(k->libraries[i], &other) == 0 && other.st_dev == st.st_dev &&
		    other.st_ino == st.st_ino) {
			drop(k, i);
			break;
		}
	}
	for (struct keeper_image *i = k->images; i; i = i->next)
		if (i->answered && keeper_same_file(fd, &i->key)) {
			keeper_image_probe(k, i, fd);
			close(fd);
			return;
		}
	want(k, fd);
}

static size_t look_at(struct keeper *k, int root, const char *place, size_t room)
{
	DIR *d;
	const struct dirent *e;
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
		meet(k, fd);
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

void keeper_libraries_look(struct keeper *k, pid_t pid)
{
	_cleanup_close_ int root = -1;
	size_t files = 0;
	char path[64];

	/* until it has taken over, the kernel asks somebody else */
	if (!k->took_over)
		return;
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* In this order: from a user namespace of one's own there is no way back. -1: it ended. */
	if (root < 0 || !is_hosts(pid))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		files += look_at(k, root, places[i], KEEPER_LIBRARIES_MAX - files);
	have_asked(k);
}

void keeper_libraries_again(struct keeper *k)
{
	for (const struct keeper_client *c = k->clients; c; c = c->next)
		keeper_libraries_look(k, c->pid);
}

/* ---- what an earlier keeper had probed ----------------------------------------------------------
 */

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

void keeper_libraries_kept(struct keeper *k)
{
	struct record_image r = {.ask = ASK_ATTACH};
	struct task_context t;
	struct kept all = {0};

	kernel_images_drop(k->kernel, keep, &all);
	for (size_t n = 0; all.n && n < k->n_seeded; n++) {
		const struct keeper_seeded *s = &k->seeded[n];

		if (kernel_task_get(k->kernel, s->pid, &t) < 0 || !(t.flags & TASK_GOVERNED))
			continue;
		r.head.actor = s->actor;
		r.head.actor.flags |= TASK_GOVERNED;
		for (size_t i = 0; i < all.n; i++) {
			r.key = all.key[i];
			keeper_ask(k, &r);
		}
	}
}
