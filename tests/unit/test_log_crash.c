// SPDX-License-Identifier: Apache-2.0
/* A writer is killed at random points, fifty times: no entry that it acknowledged is missing, and
 * the log goes on in one sequence. */
#include "log_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "audit/entry.h"

#define CRASHES 50

/* Appends and signs until it dies; tells each acknowledged index on a pipe. */
static void write_until_killed(struct fixture *f, int to)
{
	char json[512];

	fixture_open(f);
	for (uint64_t i = 1;; i++) {
		uint64_t index = log_size(f->log);
		size_t len = fixture_event(index, json, sizeof(json));

		if (log_append_event(f->log, json, len, &index) != 0)
			_exit(1);
		if (write(to, &index, sizeof(index)) != sizeof(index))
			_exit(2);
		if (i % 23 == 0 && log_checkpoint(f->log, (int64_t)i) != 0)
			_exit(3);
	}
}

static int expect_next(void *ctx, uint64_t index, const char *json, size_t len)
{
	uint64_t *next = ctx;
	char want[64];
	struct entry own;

	assert_int_equal(index, *next);
	assert_int_equal(entry_read(json, len, &own), 0);
	assert_int_equal(own.sequence, index);
	snprintf(want, sizeof(want), "\"message\":\"event %" PRIu64 " ", index);
	assert_non_null(strstr(json, want));
	(*next)++;
	return 0;
}

static void test_killed_writers(void **state)
{
	struct fixture f;
	uint64_t acknowledged = 0, crashes_with_news = 0;
	unsigned int seed = (unsigned int)time(NULL);

	(void)state;
	print_message("seed %u\n", seed);
	fixture_new(&f);
	for (int i = 0; i < CRASHES; i++) {
		struct timespec wait = {0, 2000000 + rand_r(&seed) % 40000000};
		struct log_finding finding;
		uint64_t index, next = 0, before = acknowledged;
		int pipe_fd[2], status;
		pid_t child;

		assert_int_equal(pipe(pipe_fd), 0);
		fflush(stdout);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			close(pipe_fd[0]);
			write_until_killed(&f, pipe_fd[1]);
		}
		close(pipe_fd[1]);
		/* the first acknowledgement, so that the log is there; then a random while */
		if (read(pipe_fd[0], &index, sizeof(index)) == sizeof(index))
			acknowledged = index + 1;
		nanosleep(&wait, NULL);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFSIGNALED(status))
			fail_msg("writer ended with %d", WEXITSTATUS(status));
		while (read(pipe_fd[0], &index, sizeof(index)) == sizeof(index))
			acknowledged = index + 1;
		close(pipe_fd[0]);

		assert_int_equal(log_verify(f.directory, NULL, NULL, &finding), 0);
		if (!finding.ok)
			fail_msg("crash %d: %s", i, finding.why);
		fixture_open(&f);
		if (f.opened.size < acknowledged)
			fail_msg("crash %d: %" PRIu64 " entries were acknowledged, %" PRIu64
				 " are there",
				 i, acknowledged, f.opened.size);
		fixture_close(&f);
		assert_int_equal(log_read(f.directory, 0, expect_next, &next), 0);
		assert_int_equal(next, f.opened.size);
		crashes_with_news += acknowledged > before;
	}
	assert_int_equal(crashes_with_news, CRASHES);
	fixture_open(&f);
	assert_int_equal(log_checkpoint(f.log, 1), 0);
	{
		struct log_finding finding;

		assert_int_equal(log_verify(f.directory, NULL, NULL, &finding), 0);
		assert_true(finding.ok);
		assert_int_equal(finding.size, log_size(f.log));
		assert_int_equal(finding.unsigned_tail, 0);
	}
	fixture_free(&f);
}

UNIT_MAIN(unit(test_killed_writers))
