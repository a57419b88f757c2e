// SPDX-License-Identifier: Apache-2.0
/* Runs each case in a child: a crash or a leak in one says so and spoils no other. */
#include "harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int run_one(const struct unit_case *c)
{
	const struct CMUnitTest t = {c->name, c->run, NULL, NULL, NULL};
	int before = open_descriptors(), failed;

	cmocka_set_message_output(CM_OUTPUT_STDOUT);
	failed = _cmocka_run_group_tests(c->name, &t, 1, NULL, NULL);
	fflush(stdout);
	if (!failed && open_descriptors() != before) {
		printf("%s: descriptors left open: %d before, %d after\n", c->name, before,
		       open_descriptors());
		failed = 1;
	}
	return failed ? 1 : 0;
}

/* Prints one line a case, "ok NAME" or "FAIL NAME", and the output of a case that failed. */
int unit_run(const char *program, const struct unit_case *cases, size_t n, int argc, char **argv)
{
	int failed = 0;

	for (size_t i = 0; i < n; i++) {
		FILE *out;
		pid_t child;
		int status;

		if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
			continue;
		out = tmpfile();
		fflush(stdout);
		child = out ? fork() : -1;
		if (child == 0) {
			dup2(fileno(out), 1);
			dup2(fileno(out), 2);
			fclose(out);
			exit(run_one(&cases[i])); /* exit, so that the leak check runs */
		}
		if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0) {
			char line[4096];

			failed++;
			printf("FAIL %s\n", cases[i].name);
			if (out)
				rewind(out);
			while (out && fgets(line, sizeof(line), out))
				printf("    %s", line);
		} else {
			printf("ok %s\n", cases[i].name);
		}
		if (out)
			fclose(out);
	}
	(void)program;
	return failed != 0;
}
