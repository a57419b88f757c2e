/* SPDX-License-Identifier: Apache-2.0 */
/* Security hooks: the function behind each, for kernels without `bpf` in lsm=, and what stays open
 * where one is missing. */
#ifndef KERNEL_HOOKS_H
#define KERNEL_HOOKS_H

#include <stdbool.h>
#include <stddef.h>

/* Puts the function that calls the LSM hook into function. Returns true when it returns nothing, so
 * that a program can only watch its entry. */
bool hook_function(const char *hook, char *function, size_t size);

/* The numbers of the rows of docs/bypasses.md that lean on the hook ("1, 4"), NULL for none. For
 * programs of cgroups the section without "cgroup/". */
const char *hook_rows(const char *hook);

/* The hook in a section's name: "lsm/task_alloc" and "fmod_ret/security_task_alloc" give
 * "task_alloc"; NULL when it names none. */
const char *hook_of_section(const char *section);

#endif
