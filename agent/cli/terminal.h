/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed for people: colour, width, and text that cannot drive the terminal it is shown
 * on. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum terminal_style {
	TERMINAL_PLAIN,
	TERMINAL_BOLD,
	TERMINAL_DIM,
	TERMINAL_GREEN,
	TERMINAL_YELLOW,
	TERMINAL_RED,
	TERMINAL_STYLE_MAX,
};

/* Looks at the locale and the streams once. Without it there is no colour, and only ASCII is safe.
 */
void terminal_init(void);

/* What terminal_init found, set by hand. */
void terminal_force(bool utf8, bool colour);

/* Whether to colour what goes to `to`: a terminal, NO_COLOR unset or empty, TERM not "dumb". */
bool terminal_colour(FILE *to);

/* Columns of stdout; 0 when it is no terminal, and then nothing is cut or wrapped. */
size_t terminal_width(void);

/* A copy of text in which every character that is not seen as itself is an escape: control
 * characters as \x1b, \n; bidirectional controls, invisible and tag characters as \u{202e}; bytes
 * that are not UTF-8 as \xff. Whatever came from outside goes through here before it is printed: a
 * skill name or a path is chosen by whom it is used against. NULL stands for "-". Returns malloc'ed
 * text, or NULL when memory is out. */
char *terminal_safe(const char *text);

/* Columns that safe text takes. */
size_t terminal_columns(const char *safe);

/* Bytes of the longest start of safe text that takes at most `columns`. */
size_t terminal_fit(const char *safe, size_t columns);

/* Prints text, made safe, in a style. */
void terminal_print(FILE *to, enum terminal_style style, const char *text);

/* Prints text, made safe, wrapped at spaces to `width` columns (0: not wrapped); lines after the
 * first start with `indent` spaces. The first line is taken to start at column `indent`. No newline
 * at the end. */
void terminal_wrap(FILE *to, enum terminal_style style, const char *text, size_t indent,
		   size_t width);

#endif
