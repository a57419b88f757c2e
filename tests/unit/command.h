/* SPDX-License-Identifier: Apache-2.0 */
/* Reads what a program prints, without a shell in between unless the test names one. */
#ifndef UNIT_COMMAND_H
#define UNIT_COMMAND_H

#include "harness.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct command {
	FILE *out;
	pid_t pid;
};

/* Starts argv[0] of PATH. What it says on stderr is dropped: an oracle that finds nothing says so
 * there. */
static inline void command_start(struct command *c, const char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO), 0);
	assert_int_equal(
		posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0),
		0);
	if (posix_spawnp(&c->pid, argv[0], &actions, NULL, (char *const *)argv, environ) != 0)
		fail_msg("%s cannot be run", argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	c->out = fdopen(fds[0], "r");
	assert_non_null(c->out);
}

/* Waits for it. Returns its exit status; -1 when it was killed. */
static inline int command_end(struct command *c)
{
	int status;

	fclose(c->out);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif
