/* SPDX-License-Identifier: Apache-2.0 */
/* The report while it is written: sources are handed to it, messages are added to it. */
#ifndef POLICY_REPORT_H
#define POLICY_REPORT_H

#include <stdarg.h>

#include "policy/policy.h"

/* A file as it was read. The report owns it: it shows the line that a message is about. */
struct policy_source {
	char *file; /* as shown */
	char *text; /* NULL when it could not be read */
	size_t len;
};

/* Adds a file and takes text over (also on failure). The text must have a zero byte after len
 * bytes. Returns 0 or -ENOMEM. */
int report_source(struct policy_report *report, const char *file, char *text, size_t len);

/* Adds a message. Bytes of it that are no printable UTF-8 become '?'. Memory that cannot be had
 * counts as an error, so that a report never looks clean because of it. */
void report_add(struct policy_report *report, enum policy_severity severity,
		struct policy_where where, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void report_vadd(struct policy_report *report, enum policy_severity severity,
		 struct policy_where where, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

/* Puts the messages into the order of their files, lines and columns. */
void report_sort(struct policy_report *report);

#endif
