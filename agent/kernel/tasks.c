// SPDX-License-Identifier: Apache-2.0
/* Images and processes: what the keeper tells the kernel about them. */
#include "kernel/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

int kernel_image_get(const struct kernel *k, const struct image_key *key, struct image_value *ret)
{
	return bpf_map_lookup_elem(kernel_map_fd(k, "images"), key, ret);
}

int kernel_image_set(struct kernel *k, const struct image_key *key, const struct image_value *value)
{
	int r = bpf_map_update_elem(kernel_map_fd(k, "images"), key, value, BPF_ANY);

	return r < 0 ? log_err_r(r, "cannot enter an image") : 0;
}

int kernel_image_forget(struct kernel *k, const struct image_key *key)
{
	return bpf_map_delete_elem(kernel_map_fd(k, "images"), key);
}

size_t kernel_images_drop(struct kernel *k,
			  bool (*drop)(void *ctx, const struct image_key *,
				       const struct image_value *),
			  void *ctx)
{
	int fd = kernel_map_fd(k, "images");
	struct image_key key, next;
	struct image_value v;
	size_t left = 0;
	bool have = bpf_map_get_next_key(fd, NULL, &next) == 0;

	while (have) {
		key = next;
		have = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &v) < 0 || !drop(ctx, &key, &v)) {
			left++;
			continue;
		}
		/* a client stays one, so that its next start is governed from its first
		 * instruction; the probes on it went away, and are asked for again */
		if (v.class_ == IMAGE_CLIENT) {
			v.flags &= ~(IMAGE_ATTACHED | IMAGE_WANTED);
			bpf_map_update_elem(fd, &key, &v, BPF_EXIST);
			left++;
			continue;
		}
		bpf_map_delete_elem(fd, &key);
	}
	return left;
}

int kernel_seed(struct kernel *k, void (*fn)(void *ctx, const struct record_image *r), void *ctx)
{
	struct bpf_link *link;
	struct record_image r;
	ssize_t n;
	int fd, e = 0;

	link = bpf_program__attach_iter(k->process->progs.process_seed, NULL);
	if (!link)
		return log_err_r(-errno, "cannot make the task iterator");
	fd = bpf_iter_create(bpf_link__fd(link));
	bpf_link__destroy(link);
	if (fd < 0)
		return log_err_r(fd, "cannot start the task iterator");
	/* the iterator hands whole records over, as many as fit: reads of one record stay aligned
	 */
	while ((n = read(fd, &r, sizeof(r))) == (ssize_t)sizeof(r))
		fn(ctx, &r);
	if (n != 0)
		e = log_err_r(n < 0 ? -errno : -EIO, "the task iterator broke off");
	close(fd);
	return e;
}

int kernel_task_get(const struct kernel *k, pid_t pid, struct task_context *ret)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return -errno;
	return bpf_map_lookup_elem(kernel_map_fd(k, "tasks"), &fd, ret);
}

int kernel_task_set(struct kernel *k, pid_t pid, const struct task_context *context)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return -errno;
	return bpf_map_update_elem(kernel_map_fd(k, "tasks"), &fd, context, BPF_ANY);
}
