/* SPDX-License-Identifier: Apache-2.0 */
/* An event as a line for people: when, who, what, verdict, by which rule, and more. */
#ifndef AUDIT_ROW_H
#define AUDIT_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_TEXT 512

struct row {
	int64_t time_ms;
	char code[32];
	char verdict[16]; /* "allowed", "denied", "would_deny"; empty: none */
	char person[128];
	char what[256];
	char rule[128];
	char detail[ROW_TEXT];
	int severity;
};

/* Reads an event. Long texts are cut at a character. Control characters are left for whoever prints
 * to make safe. Returns 0 or -EBADMSG. */
int row_read(const char *json, size_t len, struct row *ret);

/* Whether the event tells of something denied, or that would have been. */
bool row_denied(const struct row *row);

#endif
