// SPDX-License-Identifier: Apache-2.0
/* Security hooks by name. */
#include "kernel/hooks.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* Only what the rule "security_" and the hook's name does not give. */
static const struct {
	const char *hook, *function;
	bool nothing; /* returns void */
} odd[] = {
	{"bprm_check_security", "security_bprm_check", false},
	{"bprm_committed_creds", "security_bprm_committed_creds", true},
	{"userns_create", "security_create_user_ns", false},
	{"sock_graft", "security_sock_graft", true},
};

static const struct {
	const char *hook, *rows;
} rows[] = {
	{"socket_connect", "6, 7, 8, 38"},
	{"socket_sendmsg", "1, 2, 5, 18, 38"},
	{"socket_create", "3, 9, 10, 11, 12"},
	{"socket_post_create", "18, 20"},
	{"socket_bind", "17"},
	{"socket_listen", "17"},
	{"socket_accept", "17"},
	{"sock_graft", "17, 20"},
	{"egress", "5, 14, 18, 20, 44, 45"},
	{"ingress", "44, 47"},
	{"__udp_enqueue_schedule_skb", "44, 47"},
	{"unix_stream_connect", "15"},
	{"unix_may_send", "15"},
	{"file_receive", "18, 19"},
	{"ptrace_access_check", "19, 21, 34"},
	{"userns_create", "28"},
	{"file_open", "13, 39, 42, 59"},
	{"task_alloc", "25"},
	{"bprm_check_security", "25"},
	{"bprm_committed_creds", "24"},
	{"mmap_file", "24"},
	{"task_kill", "34"},
	{"inode_unlink", "35"},
	{"inode_rmdir", "35"},
	{"inode_rename", "35"},
	{"inode_create", "42, 59"},
	{"inode_mkdir", "42, 59"},
	{"inode_mknod", "42, 59"},
	{"inode_symlink", "42, 59"},
	{"inode_link", "42, 59"},
	{"path_chmod", "42, 59"},
	{"path_truncate", "42, 59"},
	{"sb_umount", "35"},
	{"sb_mount", "35"},
	{"move_mount", "35"},
	{"bpf", "36, 38"},
	{"bpf_map", "37"},
	{"bpf_prog", "36, 38"},
	{"connect4", "1, 2"},
	{"connect6", "1, 2, 7"},
	{"sendmsg4", "4"},
	{"sendmsg6", "4"},
};

bool hook_function(const char *hook, char *function, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++)
		if (strcmp(odd[i].hook, hook) == 0) {
			snprintf(function, size, "%s", odd[i].function);
			return odd[i].nothing;
		}
	snprintf(function, size, "security_%s", hook);
	return false;
}

const char *hook_rows(const char *hook)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].hook, hook) == 0)
			return rows[i].rows;
	return NULL;
}

const char *hook_of_section(const char *section)
{
	static const char *const before[] = {
		"lsm/",	   "fmod_ret/security_", "fentry/security_", "fentry/",
		"cgroup/", "cgroup_skb/"};

	if (*section == '?')
		section++;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		if (strncmp(section, before[i], strlen(before[i])) == 0)
			return section + strlen(before[i]);
	return NULL;
}
