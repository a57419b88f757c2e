// SPDX-License-Identifier: Apache-2.0
/* What is printed for people: nothing from outside may drive the terminal, tables fit it. */
#include "cli/terminal.c" // NOLINT(bugprone-suspicious-include): the commands are in no library
#include "cli/table.c"	  // NOLINT(bugprone-suspicious-include)

#include <fcntl.h>

#include "harness.h"

struct safe_case {
	const char *name, *in, *utf8, *ascii; /* ascii NULL: the same */
};

static const struct safe_case safe_cases[] = {
	{"nothing", "", "", NULL},
	{"plain", "skill pdf: 100% of \\ ~", "skill pdf: 100% of \\ ~", NULL},
	{"colour", "a\033[31mred", "a\\x1b[31mred", NULL},
	{"title and bell", "\033]0;x\a", "\\x1b]0;x\\x07", NULL},
	{"carriage return", "allowed\rdenied\n\t.", "allowed\\rdenied\\n\\t.", NULL},
	{"delete", "a\177b", "a\\x7fb", NULL},
	{"C1 control", "a\302\2330m", "a\\u{9b}0m", NULL},
	{"C1 as a bare byte", "a\2330m", "a\\x9b0m", NULL},
	{"letter", "Zo\303\253", "Zo\303\253", "Zo\\u{eb}"},
	{"three bytes", "\346\227\245", "\346\227\245", "\\u{65e5}"},
	{"four bytes", "\360\237\231\202", "\360\237\231\202", "\\u{1f642}"},
	{"letter that holds byte 9b", "\333\233", "\333\233", "\\u{6db}"},
	{"right to left override", "a\342\200\256txt.exe", "a\\u{202e}txt.exe", NULL},
	{"isolates", "\342\201\246x\342\201\251", "\\u{2066}x\\u{2069}", NULL},
	{"arabic letter mark", "\330\234", "\\u{61c}", NULL},
	{"zero width space", "p\342\200\213df", "p\\u{200b}df", NULL},
	{"zero width joiner", "p\342\200\215df", "p\\u{200d}df", NULL},
	{"line separator", "\342\200\250", "\\u{2028}", NULL},
	{"byte order mark", "\357\273\277x", "\\u{feff}x", NULL},
	{"soft hyphen", "p\302\255df", "p\\u{ad}df", NULL},
	{"hangul filler", "\343\205\244", "\\u{3164}", NULL},
	{"tag letters", "\363\240\201\201", "\\u{e0041}", NULL},
	{"variation selector", "\357\270\217", "\\u{fe0f}", NULL},
	{"private use", "\356\200\200", "\\u{e000}", NULL},
	{"last character", "\364\217\277\277", "\\u{10ffff}", NULL},
	{"over the last", "\364\220\200\200", "\\xf4\\x90\\x80\\x80", NULL},
	{"overlong slash", "\300\257", "\\xc0\\xaf", NULL},
	{"overlong escape", "\340\200\233", "\\xe0\\x80\\x9b", NULL},
	{"surrogate", "\355\240\200", "\\xed\\xa0\\x80", NULL},
	{"cut short", "ab\346\227", "ab\\xe6\\x97", NULL},
	{"cut short, then a letter", "\346\227x", "\\xe6\\x97x", NULL},
	{"not UTF-8", "\377\376", "\\xff\\xfe", NULL},
	{"five bytes", "\370\210\200\200\200", "\\xf8\\x88\\x80\\x80\\x80", NULL},
};

static void test_safe(void **state)
{
	for (size_t i = 0; i < 2 * ARRAY_SIZE(safe_cases); i++) {
		const struct safe_case *c = &safe_cases[i / 2];
		const char *want = i % 2 && c->ascii ? c->ascii : c->utf8;
		_cleanup_free_ char *got = NULL, *again = NULL;

		terminal_force(i % 2 == 0, false);
		got = terminal_safe(c->in);
		assert_non_null(got);
		if (strcmp(got, want) != 0)
			fail_msg("%s: '%s' for '%s'", c->name, got, want);
		/* what is printed may be made safe at two places */
		again = terminal_safe(got);
		assert_string_equal(again, got);
	}
	(void)state;
}

/* No byte string at all comes out as something a terminal obeys. */
static void test_safe_of_anything(void **state)
{
	unsigned int seed = 1;

	terminal_force(false, false);
	for (int round = 0; round < 20000; round++) {
		char in[40];
		size_t len = (size_t)rand_r(&seed) % (sizeof(in) - 1);
		_cleanup_free_ char *out = NULL;

		for (size_t i = 0; i < len; i++)
			in[i] = (char)(1 + rand_r(&seed) % 255);
		in[len] = 0;
		out = terminal_safe(in);
		assert_non_null(out);
		for (const char *s = out; *s; s++)
			assert_true(*s >= 0x20 && *s < 0x7f);
		assert_int_equal(terminal_columns(out), strlen(out));
	}
	(void)state;
}

static void test_safe_of_null(void **state)
{
	_cleanup_free_ char *out = terminal_safe(NULL);

	assert_string_equal(out, "-");
	(void)state;
}

/* Runs print into a file and gives its text. */
static char *printed(void (*print)(FILE *to, void *ctx), void *ctx)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	print(f, ctx);
	fclose(f);
	return text;
}

struct wrap_case {
	const char *text;
	size_t indent, width;
	const char *want;
};

static void print_wrapped(FILE *to, void *ctx)
{
	const struct wrap_case *c = ctx;

	terminal_wrap(to, TERMINAL_PLAIN, c->text, c->indent, c->width);
}

static void test_wrap(void **state)
{
	static struct wrap_case cases[] = {
		{"one two three four five", 0, 0, "one two three four five"},
		{"one two three four five", 0, 18, "one two three four\nfive"},
		{"one two three four five", 2, 19, "one two three\n  four five"},
		{"exactly twenty chars", 0, 20, "exactly twenty chars"},
		{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa b", 0, 20, "aaaaaaaaaaaaaaaaaaaa\naaaaaaaaaa b"},
		{"too narrow to wrap", 10, 20, "too narrow to wrap"},
		{"", 0, 40, ""},
		/* three letters of two columns each, then one more word */
		{"\346\227\245\346\227\245\346\227\245 0123456789 abc", 0, 17,
		 "\346\227\245\346\227\245\346\227\245 0123456789\nabc"},
	};

	terminal_force(true, false);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *got = printed(print_wrapped, &cases[i]);

		if (strcmp(got, cases[i].want) != 0)
			fail_msg("case %zu: '%s' for '%s'", i, got, cases[i].want);
	}
	(void)state;
}

static void test_colour_only_where_asked(void **state)
{
	static struct wrap_case one = {"x", 0, 0, NULL};
	_cleanup_free_ char *other = NULL;

	terminal_force(true, true);
	assert_true(terminal_colour(stdout));
	assert_true(terminal_colour(stderr));
	/* a stream that is neither is a file or a pipe */
	other = printed(print_wrapped, &one);
	assert_string_equal(other, "x");

	/* the harness gives a file for stdout: never a colour, whatever the environment says */
	setenv("TERM", "xterm-256color", 1);
	unsetenv("NO_COLOR");
	terminal_init();
	assert_false(terminal_colour(stdout));
	assert_int_equal(terminal_width(), 0);
	(void)state;
}

static void test_no_color(void **state)
{
	static const struct {
		const char *no_color, *term;
		bool want;
	} cases[] = {
		{NULL, "xterm", true}, {"", "xterm", true},   /* empty is unset: no-color.org */
		{"1", "xterm", false}, {"0", "xterm", false}, /* any value */
		{NULL, "dumb", false}, {NULL, NULL, false},   {NULL, "", false},
	};
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	assert_true(terminal >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsetenv("NO_COLOR");
		unsetenv("TERM");
		if (cases[i].no_color)
			setenv("NO_COLOR", cases[i].no_color, 1);
		if (cases[i].term)
			setenv("TERM", cases[i].term, 1);
		assert_int_equal(terminal_wants_colour(terminal), cases[i].want);
	}
	close(terminal);
	(void)state;
}

struct table_case {
	const struct table *table;
	size_t width;
};

static void print_table(FILE *to, void *ctx)
{
	const struct table_case *c = ctx;

	table_print(c->table, to, c->width);
}

static void check_table(const struct table *table, size_t width, const char *want)
{
	struct table_case c = {table, width};
	_cleanup_free_ char *got = printed(print_table, &c);

	if (strcmp(got, want) != 0)
		fail_msg("width %zu:\n%s\nfor:\n%s", width, got, want);
}

static void test_table(void **state)
{
	static const char *const heads[] = {"A", "LONG", "REASON"};
	_cleanup_(table_freep) struct table *t = NULL;

	terminal_force(true, false);
	assert_int_equal(table_new(heads, 3, &t), 0);
	table_row(t);
	table_cell(t, TERMINAL_RED, "1");
	table_cell(t, TERMINAL_PLAIN, "abcdefghijklmnopqrst");
	table_cell(t, TERMINAL_PLAIN, "some words that are many more than fit");
	table_row(t);
	table_printf(t, TERMINAL_PLAIN, "%d%%", 22);
	table_cell(t, TERMINAL_PLAIN, "\033");
	table_row(t);
	table_cell(t, TERMINAL_PLAIN, NULL);
	check_table(t, 0,
		    "  A    LONG                  REASON\n"
		    "  1    abcdefghijklmnopqrst  some words that are many more than fit\n"
		    "  22%  \\x1b                  \n"
		    "  -                          \n");
	check_table(t, 60,
		    "  A    LONG                  REASON\n"
		    "  1    abcdefghijklmnopqrst  some words that are many more\n"
		    "                             than fit\n"
		    "  22%  \\x1b                  \n"
		    "  -                          \n");
	check_table(t, 45,
		    "  A    LONG          REASON\n"
		    "  1    abcdefghi...  some words that are many\n"
		    "                     more than fit\n"
		    "  22%  \\x1b          \n"
		    "  -                  \n");
	(void)state;
}

/* No width makes a line longer than itself, as long as a table can be that narrow at all. */
static void test_table_fits(void **state)
{
	static const char *const heads[] = {"PID", "PERSON", "EXECUTABLE"};
	_cleanup_(table_freep) struct table *t = NULL;

	terminal_force(true, false);
	assert_int_equal(table_new(heads, 3, &t), 0);
	for (int i = 0; i < 40; i++) {
		table_row(t);
		table_printf(t, TERMINAL_PLAIN, "%d", i * i * i * i);
		table_cell(t, TERMINAL_PLAIN, "somebody.with.a.long.name@company.example");
		table_cell(t, TERMINAL_PLAIN, "/opt/a/path/without/any/space/that/is/long/claude");
	}
	for (size_t width = 50; width < 140; width++) {
		struct table_case c = {t, width};
		_cleanup_free_ char *text = printed(print_table, &c);

		for (const char *line = text; *line; line = strchr(line, '\n') + 1)
			if ((size_t)(strchr(line, '\n') - line) > width)
				fail_msg("width %zu: %.*s", width, (int)(strchr(line, '\n') - line),
					 line);
	}
	(void)state;
}

static void test_table_limits(void **state)
{
	static const char *const heads[TABLE_COLUMNS_MAX + 1] = {NULL};
	_cleanup_(table_freep) struct table *t = NULL;

	assert_int_equal(table_new(heads, 0, &t), -EINVAL);
	assert_int_equal(table_new(heads, TABLE_COLUMNS_MAX + 1, &t), -EINVAL);
	assert_null(t);
	assert_int_equal(table_new(heads, 1, &t), 0);
	table_cell(t, TERMINAL_PLAIN, "before any row");
	table_row(t);
	table_cell(t, TERMINAL_PLAIN, "in");
	table_cell(t, TERMINAL_PLAIN, "over");
	check_table(t, 0, "  in\n");
	(void)state;
}

UNIT_MAIN(unit(test_safe), unit(test_safe_of_anything), unit(test_safe_of_null), unit(test_wrap),
	  unit(test_colour_only_where_asked), unit(test_no_color), unit(test_table),
	  unit(test_table_fits), unit(test_table_limits))
