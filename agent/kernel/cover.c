// SPDX-License-Identifier: Apache-2.0
/* The cgroups that bailiff's cgroup programs run for: those that governed tasks are in. What the
 * kernel takes to call a program for each packet is most of what bailiff costs a connection, and
 * who is not governed shall not pay it. The doors of the LSM refuse governed sockets anywhere else
 * (bpf/cover.bpf.h), so that nothing depends on how soon this is done.
 *
 * The pins are the memory: PROGRAM@CGROUP, beside those of the other links. */
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
#include "base/log.h"
#include "kernel/canary.h"
#include "kernel/internal.h"
#include "kernel/programs.h"

#define KERNFS_HANDLE 0xfe /* FILEID_KERNFS of linux/exportfs.h: eight bytes, the node's id */
#define DEPTH_MAX     64

static int id_of(int fd, uint64_t *ret)
{
	struct stat s;

	if (fstat(fd, &s) < 0)
		return -errno;
	/* since 5.5, where a pointer has 64 bits: the number of a cgroup's inode is its id */
	*ret = s.st_ino;
	return 0;
}

/* By id, and not by a path that somebody says: of a container's cgroup the agent may not know the
 * path. Needs CAP_DAC_READ_SEARCH. Returns a descriptor or -errno; -ESTALE when it is gone. */
static int open_by_id(const struct kernel *k, uint64_t id)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + sizeof(uint64_t)];
	} u = {.h = {.handle_bytes = sizeof(id), .handle_type = KERNFS_HANDLE}};
	int fd;

	memcpy(u.h.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(k->root_fd, &u.h, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static bool is_ours(const struct kernel *k, uint64_t id)
{
	for (size_t i = 0; i < k->n_covers; i++)
		if (k->covers[i] == id)
			return true;
	return false;
}

/* An entry of the attachment before stays until this one has taken over: should it not, all is as
 * it was. */
static int enter(struct kernel *k, uint64_t id)
{
	uint64_t *more = reallocarray(k->covers, k->n_covers + 1, sizeof(*more));
	int r;

	if (!more)
		return -ENOMEM;
	k->covers = more;
	r = bpf_map_update_elem(kernel_map_fd(k, "covered"), &id, &k->owner, BPF_NOEXIST);
	if (r < 0 && r != -EEXIST)
		return log_err_r(r, "cannot enter a cgroup as covered");
	k->covers[k->n_covers++] = id;
	return 0;
}

/* Whether this attachment runs there already: attached there or above. */
static int covered_above(const struct kernel *k, int at, bool *ret)
{
	_cleanup_close_ int fd = fcntl(at, F_DUPFD_CLOEXEC, 0);
	uint64_t id, below = 0;
	int r;

	*ret = false;
	for (int i = 0; i < DEPTH_MAX && fd >= 0; i++) {
		int up;

		r = id_of(fd, &id);
		if (r < 0)
			return r;
		if (id == below)
			return 0;
		*ret = is_ours(k, id);
		if (*ret || id == k->root_id)
			return 0;
		below = id;
		up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = up;
	}
	return fd < 0 ? -errno : -ELOOP;
}

static void pin_name(char *to, size_t size, const struct bpf_program *prog, uint64_t id)
{
	snprintf(to, size, "%.63s@%" PRIu64, bpf_program__name(prog), id);
}

static int attach_one(struct kernel *k, struct bpf_program *prog, int fd, uint64_t id)
{
	struct bpf_link *link = bpf_program__attach_cgroup(prog, fd);
	char name[96];
	int r;

	if (!link)
		return -errno;
	pin_name(name, sizeof(name), prog, id);
	r = kernel_pin_link(k, link, name);
	bpf_link__destroy(link);
	return r;
}

/* Of all programs the pins of one cgroup. */
static void unpin(const struct kernel *k, uint64_t id)
{
	char path[256], suffix[32];
	struct dirent *e;
	DIR *d = opendir(k->links);

	snprintf(suffix, sizeof(suffix), "@%" PRIu64, id);
	while (d && (e = readdir(d))) {
		const char *at = strchr(e->d_name, '@');

		if (!at || strcmp(at, suffix) != 0)
			continue;
		snprintf(path, sizeof(path), "%.120s/%.100s", k->links, e->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
}

static int attach_all(struct kernel *k, int fd, uint64_t id)
{
	const struct bpf_object *objects[KERNEL_OBJECTS_MAX];
	size_t n = kernel_objects(k, objects);
	struct bpf_program *prog;

	for (size_t i = 0; i < n; i++)
		bpf_object__for_each_program(prog, objects[i])
		{
			int r;

			if (!programs_of_tasks_cgroup(prog) || bpf_program__fd(prog) < 0)
				continue;
			r = attach_one(k, prog, fd, id);
			if (r < 0) {
				unpin(k, id);
				return r;
			}
		}
	return 0;
}

static void forget(struct kernel *k, uint64_t id)
{
	bpf_map_delete_elem(kernel_map_fd(k, "covered"), &id);
}

/* What lies below another one has its packets looked at twice, and what is refused there told
 * twice. The agent's own stays as it is: it is where the canaries are. */
static void drop_below(struct kernel *k)
{
	size_t left = 1;

	for (size_t i = 1; i < k->n_covers; i++) {
		_cleanup_close_ int fd = open_by_id(k, k->covers[i]);
		_cleanup_close_ int up = -1;
		bool have = false;

		if (fd >= 0 && k->covers[i] != k->root_id)
			up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (up >= 0 && covered_above(k, up, &have) == 0 && have) {
			unpin(k, k->covers[i]);
			forget(k, k->covers[i]);
		} else {
			k->covers[left++] = k->covers[i];
		}
	}
	k->n_covers = left;
}

/* In words, for status: where the programs run. */
static void say(struct kernel *k)
{
	char text[96] = "attached to the root cgroup";

	if (!is_ours(k, k->root_id))
		snprintf(text, sizeof(text), "attached to %zu cgroup%s: where governed tasks are",
			 k->n_covers, k->n_covers == 1 ? "" : "s");
	for (size_t i = 0; i < k->n_posture; i++)
		if (k->posture[i].state == POSTURE_ENFORCE &&
		    strstr(k->posture[i].capability, "(cgroup)"))
			snprintf(k->posture[i].reason, sizeof(k->posture[i].reason), "%s", text);
}

/* ---- where it begins ---------------------------------------------------------------------------
 */

static void find_own(void *ctx, const struct record_image *r)
{
	uint64_t *id = ctx;

	if (r->head.actor.tgid == (uint32_t)getpid())
		*id = r->head.actor.cgroup;
}

/* Without the doors of the LSM nobody refuses what is elsewhere. */
static bool doors_are_on(const struct kernel *k)
{
	return canary_has(k->links, "net_connect") && canary_has(k->links, "net_sendmsg");
}

int kernel_cover_begin(struct kernel *k)
{
	uint64_t own = 0;

	if (k->cgroup_fd >= 0)
		return k->cgroup_fd;
	if (doors_are_on(k) && kernel_seed(k, find_own, &own) == 0 && own)
		k->cgroup_fd = open_by_id(k, own);
	if (k->cgroup_fd < 0)
		k->cgroup_fd = fcntl(k->root_fd, F_DUPFD_CLOEXEC, 0);
	return k->cgroup_fd < 0 ? -errno : k->cgroup_fd;
}

/* Where a part of the programs cannot be had, what there is runs for everybody, and nobody waits
 * for more: the posture says what is missing. */
int kernel_cover_ready(struct kernel *k)
{
	uint64_t id = k->root_id;
	int r = 0;

	if (canary_has(k->links, "net_egress") && canary_has(k->links, "net_connect4"))
		r = id_of(kernel_cover_begin(k), &id);
	else
		attach_all(k, k->root_fd, k->root_id);
	if (r == 0)
		r = enter(k, id);
	if (r == 0)
		say(k);
	return r;
}

/* ---- one more ----------------------------------------------------------------------------------
 */

static void told(int fd)
{
	char link[64], path[512];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = 0;
	log_info("a governed task is in the cgroup %s: its sockets are looked after", path);
}

int kernel_cover(struct kernel *k, uint64_t id)
{
	_cleanup_close_ int fd = -1;
	bool have = false;
	int r;

	if (is_ours(k, id) || is_ours(k, k->root_id))
		return 0;
	fd = open_by_id(k, id);
	if (fd < 0)
		return fd;
	for (;;) {
		int up;

		r = covered_above(k, fd, &have);
		if (r < 0 || have)
			return r;
		r = attach_all(k, fd, id);
		if (r == 0)
			break;
		if (id == k->root_id)
			return log_err_r(r, "cannot attach to the root cgroup");
		/* a program that lets no other in beside it, say: the one above runs all the same
		 */
		log_warn("cannot attach to a cgroup (%s), trying the one above", strerror(-r));
		up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return -errno;
		close(fd);
		fd = up;
		r = id_of(fd, &id);
		if (r < 0)
			return r;
	}
	r = enter(k, id);
	if (r < 0) {
		unpin(k, id);
		return r;
	}
	told(fd);
	drop_below(k);
	say(k);
	return 0;
}

/* ---- those of others, and those that are gone --------------------------------------------------
 */

/* Calls fn for each entry of the map: which cgroup, and whose it is. fn may delete it. */
static void each(struct kernel *k, void (*fn)(struct kernel *, uint64_t id, uint32_t owner))
{
	int map = kernel_map_fd(k, "covered");
	uint64_t key, next;
	bool have = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (have) {
		uint32_t owner = 0;

		key = next;
		have = bpf_map_get_next_key(map, &key, &next) == 0;
		if (bpf_map_lookup_elem(map, &key, &owner) == 0)
			fn(k, key, owner);
	}
}

static void take(struct kernel *k, uint64_t id, uint32_t owner)
{
	int r = owner == k->owner || id == k->root_id ? 0 : kernel_cover(k, id);

	if (r < 0 && r != -ESTALE)
		log_warn("cannot attach where the one before is: %s", strerror(-r));
}

static void drop_other(struct kernel *k, uint64_t id, uint32_t owner)
{
	if (owner != k->owner)
		forget(k, id);
}

static void drop_own(struct kernel *k, uint64_t id, uint32_t owner)
{
	if (owner == k->owner)
		forget(k, id);
}

void kernel_cover_inherit(struct kernel *k)
{
	each(k, take);
}

void kernel_cover_settle(struct kernel *k)
{
	int map = kernel_map_fd(k, "covered");

	each(k, take); /* what the one before came to meanwhile */
	for (size_t i = 0; i < k->n_covers; i++)
		bpf_map_update_elem(map, &k->covers[i], &k->owner, BPF_ANY);
	each(k, drop_other);
}

void kernel_cover_abandon(struct kernel *k)
{
	each(k, drop_own);
}

/* A link of a cgroup that was removed and has no socket left either names none any more. */
static bool is_dead(const char *path)
{
	_cleanup_close_ int fd = bpf_obj_get(path);
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
	       info.type == BPF_LINK_TYPE_CGROUP && !info.cgroup.cgroup_id;
}

void kernel_cover_sweep(struct kernel *k)
{
	size_t left = 0;

	for (size_t i = 0; i < k->n_covers; i++) {
		uint64_t id = k->covers[i];
		char path[256];

		snprintf(path, sizeof(path), "%.120s/net_egress@%" PRIu64, k->links, id);
		if (is_dead(path)) {
			forget(k, id);
			unpin(k, id);
		} else {
			k->covers[left++] = id;
		}
	}
	if (left == k->n_covers)
		return;
	k->n_covers = left;
	kernel_guard_sweep(k);
	say(k);
}
