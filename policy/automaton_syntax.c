// SPDX-License-Identifier: Apache-2.0
/* What of a pattern libfa would misread: it takes (?: and \d and ^ for plain characters, and stops
 * without a word at a closing bracket too many. A policy's author means something else by them, so
 * each is refused with its place. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/automaton_parts.h"

#define REPEAT_MAX   255 /* libfa copies what is repeated so many times */
#define DEPTH_MAX    32
#define EXPANDED_MAX 2048 /* characters, once all is copied: libfa takes minutes for more */

struct reading {
	const char *re;
	size_t len, at;
	const char *what;
	size_t index;
	struct automaton_report *report;
};

static int refuse(const struct reading *r, size_t at, const char *why)
{
	return finding_add(r->report, AUTOMATON_ERROR, r->index, at, "%s, character %zu: %s",
			   r->what, at + 1, why) < 0
		       ? -ENOMEM
		       : -EINVAL;
}

/* [...]: ']' counts as itself at the beginning, '\' always. libfa compares the ends of a range as
 * signed characters, and knows no classes with names. */
static int read_bracket(struct reading *r)
{
	size_t open = r->at++, from;

	if (r->at < r->len && r->re[r->at] == '^')
		r->at++;
	from = r->at;
	for (; r->at < r->len; r->at++) {
		char c = r->re[r->at];

		if (c == ']' && r->at > from) {
			r->at++;
			return 0;
		}
		if (c == '[' && r->at + 1 < r->len && strchr(":.=", r->re[r->at + 1]))
			return refuse(r, r->at, "named classes like [:alpha:] are not known here");
		if (r->at + 2 < r->len && r->re[r->at + 1] == '-' && r->re[r->at + 2] != ']') {
			unsigned char low = (unsigned char)c;
			unsigned char high = (unsigned char)r->re[r->at + 2];

			if (low > high)
				return refuse(r, r->at, "the range ends before it begins");
			if (low < 0x80 && high >= 0x80)
				return refuse(r, r->at,
					      "a range across byte 0x80: write two, up to it and "
					      "from it");
			r->at += 2;
		}
	}
	return refuse(r, open, "this bracket is not closed");
}

/* {n}, {n,}, {n,m} */
static int read_repeat(struct reading *r, size_t *ret_times)
{
	size_t open = r->at++;
	unsigned long low, high;
	char *end;

	if (r->at >= r->len || r->re[r->at] < '0' || r->re[r->at] > '9')
		return refuse(r, open, "a repetition is {n}, {n,} or {n,m}; a brace itself is \\{");
	low = high = strtoul(r->re + r->at, &end, 10);
	r->at = (size_t)(end - r->re);
	if (r->at < r->len && r->re[r->at] == ',') {
		r->at++;
		if (r->at < r->len && r->re[r->at] >= '0' && r->re[r->at] <= '9') {
			high = strtoul(r->re + r->at, &end, 10);
			r->at = (size_t)(end - r->re);
		}
	}
	if (r->at >= r->len || r->re[r->at] != '}')
		return refuse(r, open, "a repetition is {n}, {n,} or {n,m}; a brace itself is \\{");
	r->at++;
	if (low > REPEAT_MAX || high > REPEAT_MAX || low > high)
		return refuse(r, open, "a repetition counts up to 255, the lower number first");
	*ret_times = high;
	return 0;
}

static int read_escape(struct reading *r)
{
	unsigned char c = r->at + 1 < r->len ? (unsigned char)r->re[r->at + 1] : 0;

	if (r->at + 1 >= r->len)
		return refuse(r, r->at, "nothing follows the backslash");
	if (c >= '0' && c <= '9')
		return refuse(r, r->at, "references back are no regular language");
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return refuse(r, r->at,
			      "a backslash before a letter has no meaning here: write the bytes");
	r->at += 2;
	return 0;
}

int pattern_check_syntax(const char *re, size_t len, const char *what, size_t index,
			 struct automaton_report *report)
{
	struct reading r = {.re = re, .len = len, .what = what, .index = index, .report = report};
	size_t open[DEPTH_MAX], before[DEPTH_MAX], depth = 0;
	/* of the group so far, and of what a repetition would repeat */
	size_t size = 0, last = 0, times;
	bool repeatable = false; /* something stands before that can be repeated */
	int ret = 0;

	while (r.at < len && ret == 0) {
		switch (re[r.at]) {
		case '(':
			if (r.at + 1 < len && re[r.at + 1] == '?')
				return refuse(
					&r, r.at,
					"(?: and look-around are not known: a group is (...), "
					"and what may not stand beside a match is `before` "
					"and `after`");
			if (depth == DEPTH_MAX)
				return refuse(&r, r.at, "more than 32 groups in each other");
			before[depth] = size;
			size = 0;
			open[depth++] = r.at++;
			repeatable = false;
			break;
		case ')':
			if (!depth)
				return refuse(&r, r.at, "no group is open that this could close");
			last = size;
			size += before[--depth];
			r.at++;
			repeatable = true;
			break;
		case '|':
			r.at++;
			repeatable = false;
			break;
		case '[':
			ret = read_bracket(&r);
			size += last = 1;
			repeatable = true;
			break;
		case '*':
		case '+':
		case '?':
		case '{':
			if (!repeatable)
				return refuse(&r, r.at, "there is nothing before it to repeat");
			times = 1;
			if (re[r.at] == '{')
				ret = read_repeat(&r, &times);
			else
				r.at++;
			if (ret == 0 && times > 1)
				size += last * (times - 1);
			if (size > EXPANDED_MAX)
				return refuse(&r, r.at - 1,
					      "with its repetitions written out this has more than "
					      "2,048 characters");
			/* libfa reads the ? of a*? as a character */
			repeatable = false;
			break;
		case '^':
		case '$':
			return refuse(&r, r.at,
				      "a stream has no lines: what may not stand beside a match is "
				      "`before` and `after`; the character itself is in brackets");
		case '\\':
			ret = read_escape(&r);
			size += last = 1;
			repeatable = true;
			break;
		default:
			r.at++;
			size += last = 1;
			repeatable = true;
			break;
		}
	}
	if (ret < 0)
		return ret;
	return depth ? refuse(&r, open[depth - 1], "this group is not closed") : 0;
}
