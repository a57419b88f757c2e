// SPDX-License-Identifier: Apache-2.0
/* Gives privileges up for good. */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* What memory allocation, the clock, signals and an event loop need. */
static const char *const calls_common[] = {
	"read",
	"write",
	"close",
	"fstat",
	"newfstatat",
	"lseek",
	"mmap",
	"munmap",
	"mprotect",
	"mremap",
	"madvise",
	"brk",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"exit",
	"exit_group",
	"futex",
	"clock_gettime",
	"clock_nanosleep",
	"nanosleep",
	"gettimeofday",
	"getpid",
	"gettid",
	"getrandom",
	"epoll_wait",
	"epoll_pwait",
	"epoll_ctl",
	"epoll_create1",
	"poll",
	"ppoll",
	"recvmsg",
	"sendmsg",
	"recvfrom",
	"sendto",
	"writev",
	"readv",
	"restart_syscall",
	"tgkill",
	"rt_sigtimedwait",
	"sched_yield",
	"getrusage",
	"uname",
	"prctl",
	"set_robust_list",
	"rseq",
	"getuid",
	"geteuid",
	"pread64",
	"sched_getaffinity",
	"membarrier",
	"time",
	"ioctl",
	"timerfd_settime",
	"sysinfo",
	"prlimit64", /* qsort asks how much memory there is */
};
static const char *const calls_files[] = {"openat",	"open",	  "readlink",  "readlinkat",
					  "getdents64", "access", "faccessat", "faccessat2",
					  "statx",	"stat",	  "lstat",     "fcntl",
					  "getcwd",	"statfs", "fstatfs"};
static const char *const calls_network[] = {
	"socket",     "connect",    "bind",	"getsockname", "getpeername",
	"setsockopt", "getsockopt", "recvmmsg", "sendmmsg",    "shutdown"};

static int allow(scmp_filter_ctx filter, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int call = seccomp_syscall_resolve_name(names[i]);
		int r;

		/* not a call of this architecture */
		if (call == __NR_SCMP_ERROR || call < 0)
			continue;
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
		if (r < 0)
			return log_err_r(r, "seccomp: %s", names[i]);
	}
	return 0;
}

/* A call that is not on the list ends the process: a parser that makes one has been taken over.
 * Opening for writing is no call that any profile needs, and is refused by its flags. */
static int limit_calls(enum sandbox_profile profile)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	r = allow(filter, calls_common, ARRAY_SIZE(calls_common));
	if (!r && profile != SANDBOX_ANALYST) {
		for (size_t i = 0; i < ARRAY_SIZE(calls_files) && !r; i++) {
			int call = seccomp_syscall_resolve_name(calls_files[i]);

			if (call < 0)
				continue;
			if (strcmp(calls_files[i], "openat") == 0)
				r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
						     SCMP_A2(SCMP_CMP_MASKED_EQ,
							     O_ACCMODE | O_CREAT | O_TRUNC, 0));
			else if (strcmp(calls_files[i], "open") == 0)
				r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
						     SCMP_A1(SCMP_CMP_MASKED_EQ,
							     O_ACCMODE | O_CREAT | O_TRUNC, 0));
			else
				r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
		}
	}
	/* its flags are behind a pointer, where a filter cannot look: who calls it is told that the
	 * kernel has none, and takes openat */
	if (!r)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0);
	if (!r && profile == SANDBOX_COURIER)
		r = allow(filter, calls_network, ARRAY_SIZE(calls_network));
	if (!r)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r < 0 ? log_err_r(r, "seccomp") : 0;
}

/* Landlock (5.13) on top of the account's own lack of rights; its absence is no failure. */
static int limit_files(const char *readable)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				     LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
				     LANDLOCK_ACCESS_FS_REMOVE_DIR |
				     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
				     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
				     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
	};
	static const char *const system_files[] = {"/etc/resolv.conf", "/etc/hosts",
						   "/etc/nsswitch.conf", "/etc/localtime"};
	_cleanup_close_ int rules =
		(int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (rules < 0) {
		log_debug("no Landlock here: %s", strerror(errno));
		return 0;
	}
	for (size_t i = 0; i <= ARRAY_SIZE(system_files); i++) {
		const char *path = i < ARRAY_SIZE(system_files) ? system_files[i] : readable;
		struct landlock_path_beneath_attr below = {.allowed_access =
								   LANDLOCK_ACCESS_FS_READ_FILE};
		_cleanup_close_ int fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;

		if (fd < 0)
			continue;
		if (i == ARRAY_SIZE(system_files))
			below.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
		below.parent_fd = fd;
		if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) <
		    0)
			return log_err_r(-errno, "Landlock rule for %s", path);
	}
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return log_err_r(-errno, "Landlock");
	return 0;
}

int sandbox_enter(enum sandbox_profile profile, const char *user, const char *readable)
{
	const struct rlimit none = {0, 0};
	const struct passwd *account;
	cap_t empty;
	int r;

	errno = 0;
	account = getpwnam(user);
	if (!account)
		return log_err_r(errno ? -errno : -ENOENT,
				 "no account %s on this host (sysusers.d/bailiff.conf makes it)",
				 user);
	if (account->pw_uid == 0)
		return log_err_r(-EINVAL, "account %s is root", user);
	/* a core file would hold captured bytes (promise 3) */
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return log_err_r(-errno, "setrlimit");
	if (profile != SANDBOX_COURIER && unshare(CLONE_NEWNET) < 0)
		return log_err_r(-errno, "cannot leave the network namespace");
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
			return log_err_r(-errno, "cannot drop capability %d", cap);
	if (setgroups(0, NULL) < 0 ||
	    setresgid(account->pw_gid, account->pw_gid, account->pw_gid) < 0 ||
	    setresuid(account->pw_uid, account->pw_uid, account->pw_uid) < 0)
		return log_err_r(-errno, "cannot become %s", user);
	empty = cap_init();
	r = empty ? cap_set_proc(empty) : -1;
	cap_free(empty);
	if (r < 0)
		return log_err_r(-errno, "cannot drop capabilities");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return log_err_r(-errno, "prctl");
	r = limit_files(readable);
	return r < 0 ? r : limit_calls(profile);
}
