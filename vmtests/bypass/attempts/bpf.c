// SPDX-License-Identifier: Apache-2.0
/* root against the programs: with bpf(2) alone.
 *	bpf HOW ADDRESS PORT
 * HOW: rival (a later program at the root cgroup takes denials back), detach (each cgroup link
 * that is found), rewrite (the policy in force becomes "record"). Then an ordinary connection. */
#include "attempt.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})

/* bpf_set_retval(0); return 1: whatever an earlier program of this hook said is forgotten */
static int rival_at(int cgroup, enum bpf_attach_type type)
{
	struct bpf_insn code[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 1, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_set_retval),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr load = {.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			       .insn_cnt = 4,
			       .insns = (uintptr_t)code,
			       .license = (uintptr_t) "GPL",
			       .expected_attach_type = type};
	union bpf_attr link = {0};
	int fd = bpf(BPF_PROG_LOAD, &load);

	if (fd < 0)
		return attempt_refused("BPF_PROG_LOAD");
	link.link_create.prog_fd = (unsigned int)fd;
	link.link_create.target_fd = (unsigned int)cgroup;
	link.link_create.attach_type = type;
	/* lives as long as this process */
	return bpf(BPF_LINK_CREATE, &link) < 0 ? attempt_refused("BPF_LINK_CREATE") : 0;
}

static int rival(void)
{
	int cgroup = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (cgroup < 0)
		return attempt_setup("cgroup");
	r = rival_at(cgroup, BPF_CGROUP_INET4_CONNECT);
	return r ? r : rival_at(cgroup, BPF_CGROUP_UDP4_SENDMSG);
}

static int detach(void)
{
	union bpf_attr next = {0};

	while (bpf(BPF_LINK_GET_NEXT_ID, &next) == 0) {
		union bpf_attr open_it = {.link_id = next.next_id}, drop = {0};
		int fd = bpf(BPF_LINK_GET_FD_BY_ID, &open_it);

		next.start_id = next.next_id;
		if (fd < 0)
			return attempt_refused("BPF_LINK_GET_FD_BY_ID");
		drop.link_detach.link_fd = (unsigned int)fd;
		/* links of LSM programs cannot be: they answer EOPNOTSUPP */
		if (bpf(BPF_LINK_DETACH, &drop) && errno == EPERM)
			return attempt_refused("BPF_LINK_DETACH");
		close(fd);
	}
	return errno == ENOENT ? 0 : attempt_refused("BPF_LINK_GET_NEXT_ID");
}

#define ROOT_WORDS_MAX 64

/* The modes are the words behind the generation, which has two; 0 is "record". */
static int rewrite_map(int fd, const struct bpf_map_info *map)
{
	unsigned int words[ROOT_WORDS_MAX];
	union bpf_attr at = {0};

	if (map->value_size > sizeof(words)) {
		errno = E2BIG;
		return attempt_setup("policy_roots");
	}
	for (unsigned int key = 0; key < map->max_entries; key++) {
		at.map_fd = (unsigned int)fd;
		at.key = (uintptr_t)&key;
		at.value = (uintptr_t)words;
		if (bpf(BPF_MAP_LOOKUP_ELEM, &at))
			return attempt_refused("BPF_MAP_LOOKUP_ELEM");
		words[2] = words[3] = words[4] = 0;
		if (bpf(BPF_MAP_UPDATE_ELEM, &at))
			return attempt_refused("BPF_MAP_UPDATE_ELEM");
	}
	fprintf(stderr, "rewritten\n");
	return 0;
}

static int rewrite(void)
{
	union bpf_attr next = {0};

	while (bpf(BPF_MAP_GET_NEXT_ID, &next) == 0) {
		union bpf_attr open_it = {.map_id = next.next_id}, info = {0};
		struct bpf_map_info map = {0};
		int fd = bpf(BPF_MAP_GET_FD_BY_ID, &open_it), r = 0;

		next.start_id = next.next_id;
		if (fd < 0)
			return attempt_refused("BPF_MAP_GET_FD_BY_ID");
		info.info.bpf_fd = (unsigned int)fd;
		info.info.info_len = sizeof(map);
		info.info.info = (uintptr_t)&map;
		if (bpf(BPF_OBJ_GET_INFO_BY_FD, &info) == 0 &&
		    strncmp(map.name, "policy_roots", sizeof(map.name)) == 0)
			r = rewrite_map(fd, &map);
		close(fd);
		if (r)
			return r;
	}
	return errno == ENOENT ? 0 : attempt_refused("BPF_MAP_GET_NEXT_ID");
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int r = SETUP;

	if (argc != 4)
		return attempt_setup("usage");
	if (strcmp(how, "rival") == 0)
		r = rival();
	else if (strcmp(how, "detach") == 0)
		r = detach();
	else if (strcmp(how, "rewrite") == 0)
		r = rewrite();
	if (r)
		return r;
	/* what counts is whether the host is reached, not whether the way there was closed */
	return attempt_connect(argv[2], argv[3]);
}
