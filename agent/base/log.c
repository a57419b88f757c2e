// SPDX-License-Identifier: Apache-2.0
/* Diagnostics to stderr. */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *log_who = "bailiff";
static enum log_level log_max = LOG_LEVEL_INFO;

/* syslog(3) priorities, as sd-daemon(3) reads them at the start of a line */
static const int log_priority[] = {3, 4, 6, 7};
static_assert(sizeof(log_priority) / sizeof(log_priority[0]) == LOG_LEVEL_MAX, "one per level");

void log_init(const char *who, enum log_level max)
{
	log_who = who;
	log_max = max;
}

void log_line(enum log_level level, int err, const char *fmt, ...)
{
	int saved = errno;
	char text[1024];
	va_list ap;

	if (level > log_max)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!isatty(STDERR_FILENO))
		fprintf(stderr, "<%d>", log_priority[level]);
	if (err)
		fprintf(stderr, "%s: %s: %s\n", log_who, text, strerror(err < 0 ? -err : err));
	else
		fprintf(stderr, "%s: %s\n", log_who, text);
	errno = saved;
}
