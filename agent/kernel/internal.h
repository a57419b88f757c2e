/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of agent/kernel share. */
#ifndef KERNEL_INTERNAL_H
#define KERNEL_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "cgroup.skel.h"
#include "dns.skel.h"
#include "file.skel.h"
#include "host.skel.h"
#include "ipc.skel.h"
#include "kernel/kernel.h"
#include "net.skel.h"
#include "process.skel.h"
#include "tls.skel.h"

#define POSTURE_MAX 16

struct kernel {
	struct bailiff_process *process;
	struct bailiff_net *net;
	struct bailiff_cgroup *cgroup;
	struct bailiff_dns *dns;
	struct bailiff_file *file;
	struct bailiff_ipc *ipc;
	struct bailiff_tls *tls;
	struct bailiff_host *host;
	int cgroup_fd;
	uint32_t owner; /* number of this attachment; its links are pinned under it */
	char links[128];
	struct posture posture[POSTURE_MAX];
	size_t n_posture;
};

/* One descriptor for a map that every object shares, taken from the process object. */
int kernel_map_fd(const struct kernel *k, const char *name);
int kernel_pin_link(struct kernel *k, struct bpf_link *link, const char *name);

/* dns.c: loads and attaches what reads DNS answers, and says so in the posture. */
void kernel_open_dns(struct kernel *k, const struct bpf_object_open_opts *opts);

#endif
