/* SPDX-License-Identifier: Apache-2.0 */
/* One object of programs: loaded, attached program by program, its posture drawn from that. */
#ifndef KERNEL_PROGRAMS_H
#define KERNEL_PROGRAMS_H

#include "kernel/internal.h"

struct part {
	const char *name;
	const char *capability; /* of its programs, those of cgroups apart */
	/* the posture it has with all programs attached */
	enum posture_state best;
	struct bpf_object *(*open)(struct kernel *k, const struct bpf_object_open_opts *opts);
	int (*load)(struct kernel *k);
	void (*destroy)(struct kernel *k);
	const struct bpf_object *(*object)(const struct kernel *k); /* NULL: not loaded */
	/* Where the object is refused: makes the next open ask for less. Returns in words what is
	 * then only observed, NULL when there is nothing less. May be NULL. */
	const char *(*lower)(struct kernel *k);
};

/* Which way security hooks can be programmed here, by trying: a fork has to be seen. */
enum hook_means programs_try_hooks(void);

/* Whether the program runs for the sockets of a cgroup, so that it is attached wherever a governed
 * task is. */
bool programs_of_tasks_cgroup(const struct bpf_program *prog);

/* Loads what can be loaded and attaches what can be attached, beside what is attached already. A
 * program that this kernel does not take lowers the posture and keeps no other from its place.
 * Returns -errno when nothing of the object could be loaded. */
int programs_load(struct kernel *k, const struct part *part,
		  const struct bpf_object_open_opts *opts);

#endif
