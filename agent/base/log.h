/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostics of the daemon and the tools. Never given captured bytes: those reach a writer only
 * as struct masked (agent/mask/mask.h). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_MAX,
};

/* Sets who speaks (a static string, e.g. "keeper") and the highest level that is printed. */
void log_init(const char *who, enum log_level max);

/* Prints one line to stderr, with a systemd priority prefix where stderr is not a terminal. */
void log_line(enum log_level level, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define log_err(...)   log_line(LOG_LEVEL_ERROR, 0, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, 0, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, 0, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, 0, __VA_ARGS__)

/* Logs with the text of the error and evaluates to it, as a negative errno: return log_err_r(r,
 * ...) */
#define log_err_r(r, ...)                                                                          \
	({                                                                                         \
		int r_ = (r);                                                                      \
		r_ = r_ > 0 ? -r_ : r_;                                                            \
		log_line(LOG_LEVEL_ERROR, r_, __VA_ARGS__);                                        \
		r_;                                                                                \
	})

#endif
