// SPDX-License-Identifier: Apache-2.0
/* What the kernel says of the programs that this keeper loaded. */
#include "kernel/internal.h"

int kernel_programs(const struct kernel *k, void (*fn)(void *ctx, const struct kernel_program *p),
		    void *ctx)
{
	const struct bpf_object *objects[KERNEL_OBJECTS_MAX];
	size_t n = kernel_objects(k, objects);
	struct bpf_program *prog;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		bpf_object__for_each_program(prog, objects[i])
		{
			struct bpf_prog_info info = {0};
			uint32_t len = sizeof(info);
			int fd = bpf_program__fd(prog);

			if (fd < 0)
				continue;
			r = bpf_obj_get_info_by_fd(fd, &info, &len);
			if (r < 0)
				return r;
			fn(ctx, &(struct kernel_program){
					.name = bpf_program__name(prog),
					.instructions = info.verified_insns,
					.missed = info.recursion_misses,
				});
		}
	}
	return 0;
}
