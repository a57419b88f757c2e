// SPDX-License-Identifier: Apache-2.0
/* Colour, width, and text made safe for a terminal. */
#include "cli/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

#include "base/cleanup.h"

#define TERMINAL_ESCAPE_MAX 16 /* "\u{10ffff}" and a zero, and room that gcc can prove */
#define TERMINAL_GROWTH	    4  /* "\x1b" for one byte; the longer forms stand for two and more */

static bool terminal_is_utf8;
static bool terminal_has_colour[2]; /* stdout, stderr */

static const char *const terminal_codes[] = {
	[TERMINAL_PLAIN] = "",	       [TERMINAL_BOLD] = "\033[1m",    [TERMINAL_DIM] = "\033[2m",
	[TERMINAL_GREEN] = "\033[32m", [TERMINAL_YELLOW] = "\033[33m", [TERMINAL_RED] = "\033[31m",
};
_Static_assert(ARRAY_SIZE(terminal_codes) == TERMINAL_STYLE_MAX, "one code a style");

static bool terminal_wants_colour(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no && *no)
		return false;
	return term && *term && strcmp(term, "dumb") != 0 && isatty(fd);
}

void terminal_init(void)
{
	const char *charset;

	/* An 8-bit terminal takes the bytes 0x80 to 0x9f for controls, and they occur inside UTF-8
	 * letters: outside of a UTF-8 locale only ASCII is shown as itself. */
	setlocale(LC_CTYPE, "");
	charset = nl_langinfo(CODESET);
	terminal_is_utf8 = strcmp(charset, "UTF-8") == 0;
	terminal_has_colour[0] = terminal_wants_colour(STDOUT_FILENO);
	terminal_has_colour[1] = terminal_wants_colour(STDERR_FILENO);
}

void terminal_force(bool utf8, bool colour)
{
	if (utf8)
		setlocale(LC_CTYPE, "C.UTF-8");
	terminal_is_utf8 = utf8;
	terminal_has_colour[0] = terminal_has_colour[1] = colour;
}

bool terminal_colour(FILE *to)
{
	return (to == stdout && terminal_has_colour[0]) || (to == stderr && terminal_has_colour[1]);
}

size_t terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80; /* a serial console does not know */
	return size.ws_col;
}

/* Decodes one character of at least one byte. Returns its length, 0 when the bytes are not UTF-8
 * (overlong forms, surrogates and values over 10ffff are not). */
static size_t terminal_decode(const unsigned char *s, uint32_t *ret)
{
	static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c = s[0];
	size_t n = c < 0x80 ? 1 : c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 0;

	if (n == 0 || c >= 0xf8)
		return 0;
	if (n > 1)
		c &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) /* a terminating zero ends here too */
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < lowest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

/* Characters that change how others are seen, or are not seen at all: bidirectional controls turn
 * "txt.exe" around, tag characters and variation selectors carry whole hidden sentences, zero width
 * ones make two names look alike. */
static bool terminal_deceives(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x0000, 0x001f},    {0x007f, 0x009f}, {0x00ad, 0x00ad},   {0x034f, 0x034f},
		{0x061c, 0x061c},    {0x115f, 0x1160}, {0x17b4, 0x17b5},   {0x180b, 0x180f},
		{0x200b, 0x200f},    {0x2028, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},
		{0xe000, 0xf8ff}, /* private use: a font decides */
		{0xfdd0, 0xfdef},    {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
		{0xfff0, 0xfffb},    {0xfffe, 0xffff}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
		{0xe0000, 0x10ffff}, /* tags, variation selectors, private use */
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

/* What stands for the character at s. Returns how many bytes of s it is for. */
static size_t terminal_escape(const unsigned char *s, char out[TERMINAL_ESCAPE_MAX])
{
	uint32_t c;
	size_t n = terminal_decode(s, &c);

	if (n == 0)
		snprintf(out, TERMINAL_ESCAPE_MAX, "\\x%02x", (unsigned int)s[0]);
	else if (c == '\n' || c == '\t' || c == '\r')
		snprintf(out, TERMINAL_ESCAPE_MAX, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
	else if (c < 0x20 || c == 0x7f)
		snprintf(out, TERMINAL_ESCAPE_MAX, "\\x%02x", (unsigned int)c);
	else if (terminal_deceives(c) || (c >= 0x80 && !terminal_is_utf8))
		snprintf(out, TERMINAL_ESCAPE_MAX, "\\u{%x}", (unsigned int)c);
	else
		snprintf(out, TERMINAL_ESCAPE_MAX, "%.*s", (int)n, (const char *)s);
	return n ? n : 1;
}

char *terminal_safe(const char *text)
{
	const unsigned char *s = (const unsigned char *)(text ? text : "-");
	size_t len = strlen((const char *)s), at = 0;
	char one[TERMINAL_ESCAPE_MAX], *out;

	if (len > (SIZE_MAX - 1) / TERMINAL_GROWTH)
		return NULL;
	out = malloc(len * TERMINAL_GROWTH + 1);
	if (!out)
		return NULL;
	while (*s) {
		size_t n;

		s += terminal_escape(s, one);
		n = strlen(one);
		memcpy(out + at, one, n);
		at += n;
	}
	out[at] = 0;
	return out;
}

size_t terminal_fit(const char *safe, size_t columns)
{
	const unsigned char *s = (const unsigned char *)safe;
	size_t at = 0, used = 0;

	while (s[at]) {
		uint32_t c = '?';
		size_t n = terminal_decode(s + at, &c);
		int w = n > 1 ? wcwidth((wchar_t)c) : 1;

		/* a character that this C library does not know still takes a place */
		used += w < 0 ? 1 : (size_t)w;
		if (used > columns)
			break;
		at += n ? n : 1;
	}
	return at;
}

size_t terminal_columns(const char *safe)
{
	size_t columns = 0;

	for (const char *s = safe; *s;) {
		uint32_t c = '?';
		size_t n = terminal_decode((const unsigned char *)s, &c);
		int w = n > 1 ? wcwidth((wchar_t)c) : 1;

		columns += w < 0 ? 1 : (size_t)w;
		s += n ? n : 1;
	}
	return columns;
}

static void terminal_style_on(FILE *to, enum terminal_style style)
{
	if (style != TERMINAL_PLAIN && terminal_colour(to))
		fputs(terminal_codes[style], to);
}

static void terminal_style_off(FILE *to, enum terminal_style style)
{
	if (style != TERMINAL_PLAIN && terminal_colour(to))
		fputs("\033[0m", to);
}

void terminal_print(FILE *to, enum terminal_style style, const char *text)
{
	terminal_wrap(to, style, text, 0, 0);
}

void terminal_wrap(FILE *to, enum terminal_style style, const char *text, size_t indent,
		   size_t width)
{
	_cleanup_free_ char *safe = terminal_safe(text);
	/* too narrow to wrap: the terminal's own wrapping reads better than one word a line */
	size_t room = width > indent + 16 ? width - indent : SIZE_MAX;
	const char *s = safe ? safe : "(out of memory)";

	terminal_style_on(to, style);
	for (;;) {
		size_t fit = terminal_fit(s, room), cut = fit;

		if (s[fit]) {
			while (cut > 0 && s[cut] != ' ')
				cut--;
			if (cut == 0)
				cut = fit ? fit : 1; /* one long word: cut where the line ends */
		}
		fwrite(s, 1, cut, to);
		s += cut;
		while (*s == ' ' && cut)
			s++;
		if (!*s)
			break;
		fprintf(to, "\n%*s", (int)indent, "");
	}
	terminal_style_off(to, style);
}
