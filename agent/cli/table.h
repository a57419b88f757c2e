/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: columns as wide as their cells, the whole as wide as the terminal. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "cli/terminal.h"

#define TABLE_COLUMNS_MAX 8

struct table;

/* heads: n names of columns, static; a NULL first head leaves the line of heads out. */
int table_new(const char *const *heads, size_t n, struct table **ret);
void table_freep(struct table **table);

/* Starts a row. After a failure (memory) the table stays whole and prints what it has. */
void table_row(struct table *table);

/* The next cell of the row: made safe here. Cells over the number of columns are dropped. */
void table_cell(struct table *table, enum terminal_style style, const char *text);
void table_printf(struct table *table, enum terminal_style style, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints with two spaces in front of each line. width 0: as wide as it gets. Otherwise the last
 * column wraps, and where that is not enough the widest of the others are cut with "...". */
void table_print(const struct table *table, FILE *to, size_t width);

#endif
