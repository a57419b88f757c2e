// SPDX-License-Identifier: Apache-2.0
/* The programs that read DNS answers, onto the root cgroup. */
#include "kernel/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

/* The host's network, by inode: that of the first process; of a container that cannot see it, the
 * agent's own. */
static uint32_t home_netns(void)
{
	struct stat s;

	if (stat("/proc/1/ns/net", &s) < 0 && stat("/proc/self/ns/net", &s) < 0)
		return 0;
	return (uint32_t)s.st_ino;
}

static int attach(struct kernel *k, const struct bpf_program *prog)
{
	struct bpf_link *link = bpf_program__attach_cgroup(prog, k->cgroup_fd);
	int r;

	if (!link)
		return log_err_r(-errno, "cannot attach %s", bpf_program__name(prog));
	r = kernel_pin_link(k, link, bpf_program__name(prog));
	bpf_link__destroy(link);
	return r;
}

static int open_dns(struct kernel *k, const struct bpf_object_open_opts *opts)
{
	int r;

	k->dns = bailiff_dns__open_opts(opts);
	if (!k->dns)
		return -errno;
	k->dns->rodata->owner = k->owner;
	k->dns->rodata->home_netns = home_netns();
	r = bailiff_dns__load(k->dns);
	/* questions first: an answer counts only where its question was seen */
	if (r == 0)
		r = attach(k, k->dns->progs.dns_egress);
	return r ? r : attach(k, k->dns->progs.dns_ingress);
}

void kernel_open_dns(struct kernel *k, const struct bpf_object_open_opts *opts)
{
	char text[128];
	int r = open_dns(k, opts);

	if (r == 0) {
		kernel_posture_set(k, "names (dns)", POSTURE_ENFORCE,
				   "attached to the root cgroup");
		return;
	}
	snprintf(text, sizeof(text), "cannot be loaded or attached, so that no name opens: %s",
		 strerror(-r));
	kernel_posture_set(k, "names (dns)", POSTURE_OFF, text);
}
