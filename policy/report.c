// SPDX-License-Identifier: Apache-2.0
/* The report: messages with their places, in file order, printed with the line they are about. */
#include "policy/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/array.h"
#include "policy/utf8.h"

#define REPORT_LINE_MAX	  160 /* characters of a source line that are shown */
#define REPORT_LINE_AHEAD 40  /* of them before the caret when the line is longer */

static const char *const severity_names[] = {
	[POLICY_ERROR] = "error",
	[POLICY_WARNING] = "warning",
	[POLICY_NOTE] = "note",
};
_Static_assert(ARRAY_SIZE(severity_names) == POLICY_SEVERITY_MAX, "severity_names");

int report_source(struct policy_report *report, const char *file, char *text, size_t len)
{
	struct policy_source source = {.file = strdup(file), .text = text, .len = len};

	if (!source.file || array_grow(report->sources, report->n_sources) < 0) {
		free(source.file);
		free(text);
		return -ENOMEM;
	}
	report->sources[report->n_sources++] = source;
	return 0;
}

/* The report's own copy of a file name: messages outlive the policy that was being read. */
static const char *report_file(struct policy_report *report, const char *file)
{
	for (size_t i = 0; i < report->n_sources; i++)
		if (strcmp(report->sources[i].file, file) == 0)
			return report->sources[i].file;
	if (report_source(report, file, NULL, 0) < 0)
		return NULL;
	return report->sources[report->n_sources - 1].file;
}

static void report_clean(char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t n = utf8_decode(text + i, len - i, &c);

		if (n == 0 || utf8_hides(c)) {
			memset(text + i, '?', n ? n : 1);
			n = n ? n : 1;
		}
		i += n;
	}
}

void report_vadd(struct policy_report *report, enum policy_severity severity,
		 struct policy_where where, const char *fmt, va_list ap)
{
	size_t shown = 0;
	char *text;

	report->n_errors += severity == POLICY_ERROR;
	for (size_t i = 0; i < report->n; i++)
		shown += report->messages[i].severity == severity;
	if (shown >= POLICY_MESSAGES_MAX) {
		report->hidden[severity]++;
		return;
	}
	where.file = report_file(report, where.file);
	if (!where.file || vasprintf(&text, fmt, ap) < 0) {
		report->n_errors++;
		return;
	}
	report_clean(text);
	if (array_grow(report->messages, report->n) < 0) {
		free(text);
		report->n_errors++;
		return;
	}
	report->messages[report->n++] =
		(struct policy_message){.severity = severity, .where = where, .text = text};
}

void report_add(struct policy_report *report, enum policy_severity severity,
		struct policy_where where, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_vadd(report, severity, where, fmt, ap);
	va_end(ap);
}

static int report_compare(const struct policy_report *report, const struct policy_message *a,
			  const struct policy_message *b)
{
	if (a->where.file != b->where.file)
		for (size_t i = 0; i < report->n_sources; i++) {
			if (report->sources[i].file == a->where.file)
				return -1;
			if (report->sources[i].file == b->where.file)
				return 1;
		}
	if (a->where.line != b->where.line)
		return a->where.line < b->where.line ? -1 : 1;
	if (a->where.column != b->where.column)
		return a->where.column < b->where.column ? -1 : 1;
	return 0;
}

/* By insertion: stable, and there are at most 3 * POLICY_MESSAGES_MAX. */
void report_sort(struct policy_report *report)
{
	for (size_t i = 1; i < report->n; i++) {
		struct policy_message m = report->messages[i];
		size_t j = i;

		for (; j > 0 && report_compare(report, &report->messages[j - 1], &m) > 0; j--)
			report->messages[j] = report->messages[j - 1];
		report->messages[j] = m;
	}
}

void policy_report_free(struct policy_report *report)
{
	for (size_t i = 0; i < report->n; i++)
		free(report->messages[i].text);
	free(report->messages);
	for (size_t i = 0; i < report->n_sources; i++) {
		free(report->sources[i].file);
		free(report->sources[i].text);
	}
	free(report->sources);
	*report = (struct policy_report){0};
}

/* Line `line` of the text, or NULL when there is no such line. */
static const char *report_line(const struct policy_source *source, uint32_t line, size_t *ret_len)
{
	const char *p = source->text, *end, *stop;

	if (!p || line == 0)
		return NULL;
	end = p + source->len;
	for (uint32_t i = 1; i < line; i++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return NULL;
		p++;
	}
	stop = memchr(p, '\n', (size_t)(end - p));
	if (!stop)
		stop = end;
	if (stop > p && stop[-1] == '\r')
		stop--;
	*ret_len = (size_t)(stop - p);
	return p;
}

/* The source line with a caret under `column`. A long line is shown from a little before that. */
static void report_print_line(const char *line, size_t len, uint32_t column, FILE *to, bool colour)
{
	uint32_t first =
		column > REPORT_LINE_MAX - REPORT_LINE_AHEAD ? column - REPORT_LINE_AHEAD : 1;
	uint32_t at = 1;

	fputs("    ", to);
	for (size_t i = 0; i < len && at < first + REPORT_LINE_MAX; at++) {
		uint32_t c;
		size_t n = utf8_decode(line + i, len - i, &c);

		if (at >= first) {
			if (n == 0 || utf8_hides(c)) /* a tab too: it would move the caret */
				fputc(c == '\t' && n ? ' ' : '?', to);
			else
				fwrite(line + i, 1, n, to);
		}
		i += n ? n : 1;
	}
	fprintf(to, "\n    %*s%s^%s\n", (int)(column - first), "", colour ? "\033[1;32m" : "",
		colour ? "\033[0m" : "");
}

static void report_print_message(const struct policy_report *report, const struct policy_message *m,
				 FILE *to, bool colour)
{
	static const char *const paint[] = {
		[POLICY_ERROR] = "\033[1;31m",
		[POLICY_WARNING] = "\033[1;35m",
		[POLICY_NOTE] = "\033[1;36m",
	};
	const char *bold = colour ? "\033[1m" : "", *off = colour ? "\033[0m" : "";

	fprintf(to, "%s%s:", bold, m->where.file);
	if (m->where.line)
		fprintf(to, "%u:%u:", m->where.line, m->where.column);
	fprintf(to, "%s %s%s:%s %s\n", off, colour ? paint[m->severity] : "",
		severity_names[m->severity], off, m->text);
	for (size_t i = 0; i < report->n_sources; i++) {
		const char *line;
		size_t len;

		if (report->sources[i].file != m->where.file)
			continue;
		line = report_line(&report->sources[i], m->where.line, &len);
		if (line && len)
			report_print_line(line, len, m->where.column, to, colour);
	}
}

void policy_report_print(const struct policy_report *report, FILE *to, bool colour)
{
	size_t n[POLICY_SEVERITY_MAX];

	memcpy(n, report->hidden, sizeof(n));
	for (size_t i = 0; i < report->n; i++) {
		report_print_message(report, &report->messages[i], to, colour);
		n[report->messages[i].severity]++;
	}
	if (report->hidden[POLICY_ERROR] || report->hidden[POLICY_WARNING])
		fprintf(to, "%zu more errors and %zu more warnings are not shown\n",
			report->hidden[POLICY_ERROR], report->hidden[POLICY_WARNING]);
	if (report->hidden[POLICY_NOTE])
		fprintf(to, "%zu more notes are not shown\n", report->hidden[POLICY_NOTE]);
	if (n[POLICY_ERROR] < report->n_errors && n[POLICY_ERROR] == 0)
		fprintf(to, "out of memory\n");
	if (n[POLICY_ERROR] || n[POLICY_WARNING])
		fprintf(to, "%zu error%s, %zu warning%s\n", n[POLICY_ERROR],
			n[POLICY_ERROR] == 1 ? "" : "s", n[POLICY_WARNING],
			n[POLICY_WARNING] == 1 ? "" : "s");
}
