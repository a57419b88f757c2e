/* SPDX-License-Identifier: Apache-2.0 */
/* sslsniff-bpfcc, run beside a benchmark on a library of the benchmark's own. */
#ifndef BENCH_SSLSNIFF_H
#define BENCH_SSLSNIFF_H

#include <stdbool.h>
#include <sys/types.h>

struct sslsniff {
	pid_t pid;
	int errors; /* its standard error */
	char reason[128];
};

/* Starts it on the library at path and on this process. probed(ctx) tells whether its probes are
 * there. Returns false, and a reason, where it cannot run. */
bool sslsniff_start(struct sslsniff *s, const char *path, bool (*probed)(void *ctx), void *ctx);

/* Ends it, and with it its probes. Returns the number of calls that it says it lost. */
unsigned long long sslsniff_stop(struct sslsniff *s);

#endif
