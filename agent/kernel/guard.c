// SPDX-License-Identifier: Apache-2.0
/* Tells the guard what is bailiff's: this process, its file, its maps and programs, its
 * directories. Files are named as the kernel names them, by a file iterator: on an overlay stat(2)
 * gives others. */
#include "kernel/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bpf/guard.h"

/* As guard.bpf.c writes it. */
struct opened {
	uint64_t inode;
	uint32_t device;
	int32_t fd;
	struct image_key image;
};

static int guard_fd(const struct kernel *k, const char *map)
{
	return k->guard ? bpf_object__find_map_fd_by_name(k->guard->obj, map) : -ENOTSUP;
}

/* What the kernel calls the file behind a descriptor of ours. */
static int look_up(struct kernel *k, int want, struct opened *ret)
{
	union bpf_iter_link_info info = {.task.tid = (uint32_t)getpid()};
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_program *prog = k->guard->progs.guard_opened;
	struct opened o;
	struct bpf_link *link;
	int fd, r = -ENOENT;

	if (!bpf_program__autoload(prog))
		return -ENOTSUP;
	link = bpf_program__attach_iter(prog, &opts);
	if (!link) /* before 6.1 the iterator goes over all processes */
		link = bpf_program__attach_iter(prog, NULL);
	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	bpf_link__destroy(link);
	if (fd < 0)
		return fd;
	while (read(fd, &o, sizeof(o)) == (ssize_t)sizeof(o))
		if (o.fd == want) {
			*ret = o;
			r = 0;
		}
	close(fd);
	return r;
}

/* What is not noted can be changed by whoever may use bpf(2): a failure is said. */
static void note(const struct kernel *k, uint32_t kind, uint32_t id)
{
	struct guard_object key = {.kind = kind, .id = id};
	uint32_t one = 1;
	int r = bpf_map_update_elem(guard_fd(k, "guard_objects"), &key, &one, BPF_ANY);

	if (r < 0)
		log_err_r(r, "the guard does not know object %u of kind %u", id, kind);
}

void kernel_guard_link(const struct kernel *k, const struct bpf_link *link)
{
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);

	if (k->guard && bpf_obj_get_info_by_fd(bpf_link__fd(link), &info, &len) == 0)
		note(k, GUARD_LINK, info.id);
}

void kernel_guard_object(const struct kernel *k, const struct bpf_object *object)
{
	struct bpf_program *prog;
	struct bpf_map *map;

	if (!k->guard || !object)
		return;
	bpf_object__for_each_map(map, object)
	{
		struct bpf_map_info info = {0};
		uint32_t len = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &len) == 0)
			note(k, GUARD_MAP, info.id);
	}
	bpf_object__for_each_program(prog, object)
	{
		struct bpf_prog_info info = {0};
		uint32_t len = sizeof(info);

		if (bpf_program__fd(prog) >= 0 &&
		    bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len) == 0)
			note(k, GUARD_PROGRAM, info.id);
	}
}

int kernel_guard_self(struct kernel *k)
{
	_cleanup_close_ int pid = (int)syscall(SYS_pidfd_open, getpid(), 0);
	_cleanup_close_ int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint32_t flags = GUARD_TASK_SELF;
	int r;

	if (!k->guard)
		return -ENOTSUP;
	if (pid < 0 || exe < 0)
		return -errno;
	r = bpf_map_update_elem(guard_fd(k, "guard_tasks"), &pid, &flags, BPF_ANY);
	if (r < 0)
		return log_err_r(r, "cannot mark this process for the guard");
	return kernel_guard_successor(k, exe);
}

int kernel_guard_successor(struct kernel *k, int fd)
{
	struct opened o;
	uint32_t one = 1;
	int r;

	if (!k->guard)
		return -ENOTSUP;
	r = look_up(k, fd, &o);
	if (r == 0)
		r = bpf_map_update_elem(guard_fd(k, "guard_images"), &o.image, &one, BPF_ANY);
	return r < 0 ? log_err_r(r, "cannot enter a file of bailiffd for the guard") : 0;
}

/* Entries of an earlier list that are not in this one. */
static void forget_files(const struct kernel *k, const struct local_key *keep, size_t n)
{
	int fd = guard_fd(k, "guard_files");
	struct local_key key, next;
	bool have = bpf_map_get_next_key(fd, NULL, &next) == 0;

	while (have) {
		bool kept = false;

		key = next;
		have = bpf_map_get_next_key(fd, &key, &next) == 0;
		for (size_t i = 0; i < n; i++)
			kept |= memcmp(&keep[i], &key, sizeof(key)) == 0;
		if (!kept)
			bpf_map_delete_elem(fd, &key);
	}
}

int kernel_guard_files(struct kernel *k, const struct guard_path *paths, size_t n)
{
	struct local_key keys[GUARD_PATHS_MAX];
	size_t n_keys = 0;
	int last = 0;

	if (!k->guard)
		return -ENOTSUP;
	for (size_t i = 0; i < n && n_keys < GUARD_PATHS_MAX; i++) {
		_cleanup_close_ int fd = open(paths[i].path, O_PATH | O_CLOEXEC);
		struct local_key key = {0};
		uint32_t flags = paths[i].flags, had = 0;
		struct opened o;
		int r;

		/* what is not there needs no guard; the directory above says who may make it */
		if (fd < 0)
			continue;
		r = look_up(k, fd, &o);
		if (r < 0) {
			last = r;
			continue;
		}
		key.device = o.device;
		key.inode = flags & GUARD_MOUNT ? 0 : o.inode;
		if (n_keys && bpf_map_lookup_elem(guard_fd(k, "guard_files"), &key, &had) == 0)
			for (size_t j = 0; j < n_keys; j++)
				if (memcmp(&keys[j], &key, sizeof(key)) == 0)
					flags |= had;
		r = bpf_map_update_elem(guard_fd(k, "guard_files"), &key, &flags, BPF_ANY);
		if (r < 0)
			last = r;
		keys[n_keys++] = key;
	}
	forget_files(k, keys, n_keys);
	return last < 0
		       ? log_err_r(last, "not every file of bailiff could be entered for the guard")
		       : 0;
}

static bool gone(const struct guard_object *o)
{
	int fd = o->kind == GUARD_MAP	    ? bpf_map_get_fd_by_id(o->id)
		 : o->kind == GUARD_PROGRAM ? bpf_prog_get_fd_by_id(o->id)
					    : bpf_link_get_fd_by_id(o->id);

	if (fd >= 0)
		close(fd);
	return fd == -ENOENT;
}

void kernel_guard_sweep(const struct kernel *k)
{
	int fd = guard_fd(k, "guard_objects");
	struct guard_object key, next;
	bool have = fd >= 0 && bpf_map_get_next_key(fd, NULL, &next) == 0;

	while (have) {
		key = next;
		have = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (gone(&key))
			bpf_map_delete_elem(fd, &key);
	}
}
