// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that the cost of others is measured against: empty ones, and one that only copies. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define COPY_PIECE 16384 /* SCAN_BUFFER: as much as the scanner takes at a time */

/* twice the piece: the verifier adds length to offset, as in struct inline_work */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8[2 * COPY_PIECE]);
} copy_place SEC(".maps");

SEC("uprobe")
int empty_enter(struct pt_regs *ctx)
{
	return 0;
}

SEC("uprobe")
int empty_return(struct pt_regs *ctx)
{
	return 0;
}

/* What whoever looks at the bytes of a write has to do first: have them. One piece, once. */
SEC("uprobe")
int BPF_KPROBE(copy_enter, __u64 ssl, void *buffer, __u32 n)
{
	__u32 zero = 0;
	__u8 *to = bpf_map_lookup_elem(&copy_place, &zero);

	if (!to || !n || n > COPY_PIECE)
		return 0;
	bpf_probe_read_user(to, ((n - 1) & (COPY_PIECE - 1)) + 1, buffer);
	return 0;
}

SEC("cgroup/connect4")
int empty_connect4(struct bpf_sock_addr *ctx)
{
	return 1;
}

SEC("cgroup/connect6")
int empty_connect6(struct bpf_sock_addr *ctx)
{
	return 1;
}

SEC("cgroup_skb/egress")
int empty_egress(struct __sk_buff *skb)
{
	return 1;
}
