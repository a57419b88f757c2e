// SPDX-License-Identifier: Apache-2.0
/* The guard's decisions, and the table of hooks, as plain C. */
#include "harness.h"

#include <linux/bpf.h>
#include <signal.h>
#include <string.h>

#include "bpf/guard.h"
#include "kernel/hooks.h"
#include "kernel/internal.h"

static void who_may(void **state)
{
	enum { NONE, OFF, GOVERNED, ALL };
	static const struct {
		int level;
		uint32_t mode, asker, door, want;
	} rows[] = {
		/* no policy was ever loaded: governed tasks alone are refused, and are */
		{NONE, 0, GUARD_GOVERNED, DOOR_BPF, BAILIFF_DENY},
		{NONE, 0, GUARD_OTHER, DOOR_BPF, BAILIFF_ALLOW},
		{NONE, 0, GUARD_SELF, DOOR_BPF, BAILIFF_ALLOW},
		{OFF, BAILIFF_MODE_ENFORCE, GUARD_GOVERNED, DOOR_PIN, BAILIFF_ALLOW},
		{OFF, BAILIFF_MODE_ENFORCE, GUARD_OTHER, DOOR_PIN, BAILIFF_ALLOW},
		{GOVERNED, BAILIFF_MODE_ENFORCE, GUARD_GOVERNED, DOOR_FILE, BAILIFF_DENY},
		{GOVERNED, BAILIFF_MODE_ENFORCE, GUARD_GOVERNED, DOOR_SIGNAL, BAILIFF_DENY},
		{GOVERNED, BAILIFF_MODE_SHADOW, GUARD_GOVERNED, DOOR_FILE, BAILIFF_WOULD_DENY},
		{GOVERNED, BAILIFF_MODE_RECORD, GUARD_GOVERNED, DOOR_FILE, BAILIFF_ALLOW},
		{GOVERNED, BAILIFF_MODE_ENFORCE, GUARD_OTHER, DOOR_BPF, BAILIFF_ALLOW},
		{GOVERNED, BAILIFF_MODE_ENFORCE, GUARD_OTHER, DOOR_SIGNAL, BAILIFF_ALLOW},
		{ALL, BAILIFF_MODE_ENFORCE, GUARD_OTHER, DOOR_BPF, BAILIFF_DENY},
		{ALL, BAILIFF_MODE_ENFORCE, GUARD_OTHER, DOOR_PIN, BAILIFF_DENY},
		{ALL, BAILIFF_MODE_ENFORCE, GUARD_OTHER, DOOR_SIGNAL, BAILIFF_DENY},
		{ALL, BAILIFF_MODE_ENFORCE, GUARD_OTHER, DOOR_TRACE, BAILIFF_DENY},
		{ALL, BAILIFF_MODE_ENFORCE, GUARD_OTHER, DOOR_FILE, BAILIFF_ALLOW},
		{ALL, BAILIFF_MODE_ENFORCE, GUARD_INIT, DOOR_SIGNAL, BAILIFF_ALLOW},
		{ALL, BAILIFF_MODE_ENFORCE, GUARD_INIT, DOOR_PIN, BAILIFF_DENY},
		{ALL, BAILIFF_MODE_ENFORCE, GUARD_SELF, DOOR_PIN, BAILIFF_ALLOW},
		/* who asks for it by name gets it whatever the rest is tried in */
		{ALL, BAILIFF_MODE_RECORD, GUARD_OTHER, DOOR_BPF, BAILIFF_DENY},
		{ALL, BAILIFF_MODE_SHADOW, GUARD_GOVERNED, DOOR_BPF, BAILIFF_DENY},
	};
	static const uint32_t flags[] = {0, POLICY_GUARD_OFF, 0, POLICY_GUARD_ALL};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct policy_root root = {.mode_destinations = rows[i].mode,
						 .flags = flags[rows[i].level]};
		struct judgement j = {0};

		guard_decide(rows[i].level == NONE ? NULL : &root, rows[i].asker, rows[i].door, &j);
		assert_int_equal(judgement_apply(&j), rows[i].want);
		if (rows[i].want != BAILIFF_ALLOW)
			assert_int_equal(j.reason, BAILIFF_REASON_GUARD);
	}
}

/* The numbers in guard.h are those of linux/bpf.h, which the kernel side does not include. */
static void commands(void **state)
{
	(void)state;
	assert_int_equal(guard_command(BPF_LINK_UPDATE), GUARD_COMMAND_BY_LINK);
	assert_int_equal(guard_command(BPF_LINK_DETACH), GUARD_COMMAND_BY_LINK);
	assert_int_equal(guard_command(BPF_LINK_GET_FD_BY_ID), GUARD_COMMAND_BY_LINK_ID);
	assert_int_equal(guard_command(BPF_PROG_ATTACH), GUARD_COMMAND_BY_TYPE);
	assert_int_equal(guard_command(BPF_PROG_DETACH), GUARD_COMMAND_BY_TYPE);
	assert_int_equal(guard_command(BPF_LINK_CREATE), GUARD_COMMAND_BY_TYPE);
	assert_int_equal(guard_command(BPF_MAP_CREATE), GUARD_COMMAND_FREE);
	assert_int_equal(guard_command(BPF_OBJ_GET), GUARD_COMMAND_FREE);
	assert_int_equal(guard_command(BPF_PROG_LOAD), GUARD_COMMAND_FREE);
	assert_true(guard_type_is_ours(BPF_CGROUP_INET4_CONNECT));
	assert_true(guard_type_is_ours(BPF_CGROUP_INET6_CONNECT));
	assert_true(guard_type_is_ours(BPF_CGROUP_UDP4_SENDMSG));
	assert_true(guard_type_is_ours(BPF_CGROUP_UDP6_SENDMSG));
	/* bpf_set_retval() is not for these: what they allow, ours still refuse */
	assert_false(guard_type_is_ours(BPF_CGROUP_INET_EGRESS));
	assert_false(guard_type_is_ours(BPF_CGROUP_DEVICE));
	assert_true(offsetof(union bpf_attr, attach_type) ==
		    offsetof(union bpf_attr, link_create.attach_type));
	assert_true(offsetof(union bpf_attr, link_update.link_fd) ==
		    offsetof(union bpf_attr, link_detach.link_fd));
}

static void signals(void **state)
{
	(void)state;
	assert_true(guard_signal_harms(SIGKILL));
	assert_true(guard_signal_harms(SIGSTOP));
	assert_true(guard_signal_harms(SIGTERM));
	assert_true(guard_signal_harms(SIGHUP));
	assert_false(guard_signal_harms(0));
	assert_false(guard_signal_harms(SIGCONT));
}

static void functions(void **state)
{
	static const struct {
		const char *hook, *function;
		bool nothing;
	} rows[] = {
		{"socket_connect", "security_socket_connect", false},
		{"bprm_check_security", "security_bprm_check", false},
		{"bprm_committed_creds", "security_bprm_committed_creds", true},
		{"userns_create", "security_create_user_ns", false},
		{"task_kill", "security_task_kill", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char function[64];

		assert_int_equal(hook_function(rows[i].hook, function, sizeof(function)),
				 rows[i].nothing);
		assert_string_equal(function, rows[i].function);
	}
}

static void sections(void **state)
{
	(void)state;
	assert_string_equal(hook_of_section("lsm/task_alloc"), "task_alloc");
	assert_string_equal(hook_of_section("?fmod_ret/security_mmap_file"), "mmap_file");
	assert_string_equal(hook_of_section("?fentry/security_socket_connect"), "socket_connect");
	assert_string_equal(hook_of_section("cgroup/connect4"), "connect4");
	assert_null(hook_of_section("iter/task"));
	assert_null(hook_of_section("uprobe"));
	assert_non_null(hook_rows("socket_connect"));
	assert_non_null(hook_rows(hook_of_section("cgroup/sendmsg6")));
	assert_null(hook_rows("path_mknod"));
}

static void has_rows(const struct bpf_object *object, size_t *n)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		const char *section = bpf_program__section_name(program);
		const char *hook = hook_of_section(section);

		if (!hook)
			continue;
		if (!hook_rows(hook))
			fail_msg("no row is open without %s (%s)", hook, section);
		++*n;
	}
}

/* A kernel that lacks a hook has to say what it leaves open. Opened, never loaded. */
static void every_hook_has_rows(void **state)
{
	size_t n = 0;

	(void)state;
#define HAS_ROWS(part)                                                                             \
	do {                                                                                       \
		struct bailiff_##part *s_ = bailiff_##part##__open();                              \
		assert_non_null(s_);                                                               \
		has_rows(s_->obj, &n);                                                             \
		bailiff_##part##__destroy(s_);                                                     \
	} while (0)
	HAS_ROWS(cgroup);
	HAS_ROWS(packet);
	HAS_ROWS(file);
	HAS_ROWS(guard);
	HAS_ROWS(ipc);
	HAS_ROWS(net);
	HAS_ROWS(process);
	assert_true(n > 40);
}

UNIT_MAIN(unit(who_may), unit(commands), unit(signals), unit(functions), unit(sections),
	  unit(every_hook_has_rows))
