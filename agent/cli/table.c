// SPDX-License-Identifier: Apache-2.0
/* Tables that fit the terminal. */
#include "cli/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"

#define TABLE_INDENT   2
#define TABLE_GAP      2
#define TABLE_LAST_MIN 24 /* the last column wraps down to this, then the others are cut */
#define TABLE_CUT_MIN  8

struct table_cell_ {
	char *text; /* safe */
	enum terminal_style style;
};

struct table {
	const char *heads[TABLE_COLUMNS_MAX];
	size_t n_columns;
	struct table_cell_ *cells; /* n_rows * n_columns */
	size_t n_rows, cap_rows;
	size_t next; /* column of the next cell */
	bool open;   /* table_row had memory for its row */
};

int table_new(const char *const *heads, size_t n, struct table **ret)
{
	struct table *t;

	if (n == 0 || n > TABLE_COLUMNS_MAX)
		return -EINVAL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	memcpy(t->heads, heads, n * sizeof(*heads));
	t->n_columns = n;
	*ret = t;
	return 0;
}

void table_freep(struct table **table)
{
	struct table *t = *table;

	if (!t)
		return;
	for (size_t i = 0; i < t->n_rows * t->n_columns; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}

void table_row(struct table *t)
{
	t->open = false;
	t->next = 0;
	if (t->n_rows == t->cap_rows) {
		size_t cap = t->cap_rows ? 2 * t->cap_rows : 16;
		struct table_cell_ *cells =
			reallocarray(t->cells, cap * t->n_columns, sizeof(*cells));

		if (!cells)
			return;
		t->cells = cells;
		t->cap_rows = cap;
	}
	memset(t->cells + t->n_rows * t->n_columns, 0, t->n_columns * sizeof(*t->cells));
	t->n_rows++;
	t->open = true;
}

void table_cell(struct table *t, enum terminal_style style, const char *text)
{
	struct table_cell_ *cell;

	if (!t->open || t->next == t->n_columns)
		return;
	cell = &t->cells[(t->n_rows - 1) * t->n_columns + t->next++];
	cell->text = terminal_safe(text);
	cell->style = style;
}

void table_printf(struct table *t, enum terminal_style style, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	table_cell(t, style, text);
}

static const char *table_text(const struct table *t, size_t row, size_t column)
{
	const char *text = t->cells[row * t->n_columns + column].text;

	return text ? text : "";
}

/* Natural widths, then what does not fit is taken from the last column, then from the widest. */
static void table_widths(const struct table *t, size_t width, size_t *widths)
{
	size_t last = t->n_columns - 1, sum = TABLE_INDENT;

	for (size_t c = 0; c <= last; c++) {
		widths[c] = t->heads[0] && t->heads[c] ? strlen(t->heads[c]) : 0;
		for (size_t r = 0; r < t->n_rows; r++) {
			size_t w = terminal_columns(table_text(t, r, c));

			widths[c] = w > widths[c] ? w : widths[c];
		}
		sum += widths[c] + (c ? TABLE_GAP : 0);
	}
	if (width == 0)
		return;
	if (sum > width && widths[last] > TABLE_LAST_MIN) {
		size_t spare = widths[last] - TABLE_LAST_MIN;
		size_t less = sum - width < spare ? sum - width : spare;

		widths[last] -= less;
		sum -= less;
	}
	while (sum > width) {
		size_t widest = 0;

		for (size_t c = 1; c < last; c++)
			if (widths[c] > widths[widest])
				widest = c;
		if (last == 0 || widths[widest] <= TABLE_CUT_MIN)
			return; /* narrower than a table can be: the terminal wraps */
		widths[widest]--;
		sum--;
	}
}

static void table_put(FILE *to, enum terminal_style style, const char *text, size_t width)
{
	size_t columns = terminal_columns(text);
	char *cut = NULL;

	if (columns > width) {
		size_t n = terminal_fit(text, width - 3);

		if (asprintf(&cut, "%.*s...", (int)n, text) < 0)
			cut = NULL;
		columns = terminal_columns(cut ? cut : "");
	}
	terminal_print(to, style, cut ? cut : text);
	fprintf(to, "%*s", (int)(width > columns ? width - columns : 0) + TABLE_GAP, "");
	free(cut);
}

void table_print(const struct table *t, FILE *to, size_t width)
{
	size_t widths[TABLE_COLUMNS_MAX], last = t->n_columns - 1, start = TABLE_INDENT;

	table_widths(t, width, widths);
	for (size_t c = 0; c < last; c++)
		start += widths[c] + TABLE_GAP;
	if (t->heads[0]) {
		fprintf(to, "%*s", TABLE_INDENT, "");
		for (size_t c = 0; c < last; c++)
			table_put(to, TERMINAL_DIM, t->heads[c], widths[c]);
		terminal_print(to, TERMINAL_DIM, t->heads[last]);
		fputc('\n', to);
	}
	for (size_t r = 0; r < t->n_rows; r++) {
		const struct table_cell_ *cells = t->cells + r * t->n_columns;

		fprintf(to, "%*s", TABLE_INDENT, "");
		for (size_t c = 0; c < last; c++)
			table_put(to, cells[c].style, table_text(t, r, c), widths[c]);
		terminal_wrap(to, cells[last].style, table_text(t, r, last), start, width);
		fputc('\n', to);
	}
}
