// SPDX-License-Identifier: Apache-2.0
/* The data path where the kernel does not let it overwrite: what that is called, and why. */
#include "kernel/internal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Asked by trying. libbpf's own probe reads the verifier's words, which change between kernels. */
static bool helper_allowed(void)
{
	/* eight bytes of the stack, to address 0 */
	const struct bpf_insn code[] = {
		{.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2, .src_reg = BPF_REG_10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = 8},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_probe_write_user},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "may_write", "Dual BSD/GPL",
					       code, ARRAY_SIZE(code), NULL);

	return fd >= 0;
}

/* "none [integrity] confidentiality": the one in brackets is in force. */
static bool in_lockdown(void)
{
	_cleanup_fclose_ FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	char line[128] = "";

	return file && fgets(line, sizeof(line), file) && strchr(line, '[') &&
	       !strstr(line, "[none]");
}

const char *kernel_inline_dry(struct kernel *k)
{
	if (k->inline_dry)
		return NULL;
	k->inline_dry = true;
	if (helper_allowed())
		return "the kernel does not take the program that overwrites; what would be masked "
		       "is told";
	if (in_lockdown())
		return "the kernel is in lockdown: bpf_probe_write_user is not allowed; what would "
		       "be masked is told";
	return "bpf_probe_write_user is not allowed here; what would be masked is told";
}
