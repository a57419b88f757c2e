// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Attached to the root cgroup after bailiff's, it makes a refused connect or sendto succeed. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("cgroup/connect4")
int rival_connect4(struct bpf_sock_addr *ctx)
{
	bpf_set_retval(0);
	return 1;
}

SEC("cgroup/sendmsg4")
int rival_sendmsg4(struct bpf_sock_addr *ctx)
{
	bpf_set_retval(0);
	return 1;
}
