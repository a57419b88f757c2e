// SPDX-License-Identifier: Apache-2.0
/* The scanner against one written from the definition: the same spans of a whole text, the same
 * bytes masked however it is cut into buffers, and of every match no more clear than may be. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/scan_reference.h"

#define TEXT_MAX 600

/* Small alphabets, so that candidates overlap; every kind of start, owner and check. */
static const struct inline_detector overlapping[] = {
	{.name = "fixed", .pattern = "ab[ab]{3}c", .commit = 3, .before = "[x]"},
	{.name = "loop", .pattern = "ba[abc]{2,}d", .commit = 4, .owns = true, .after = "[x]"},
	{.name = "either", .pattern = "a(b|cc)d?|cab{2}", .commit = 2, .after = "[ax]"},
	{.name = "mark", .pattern = "#[abcd-]+!", .commit = 2},
	{.name = "marked", .pattern = "#a{2}(b+c)+", .commit = 3, .before = "[b]", .after = "[d]"},
	{.name = "back", .pattern = "@[ab]+\\.c", .commit = 2, .back = "[abcd]", .back_max = 5},
	{.name = "own", .pattern = "cc[a-d]*", .commit = 2, .before = "[c]", .owns = true},
	{.name = "twice", .pattern = "dd?[bc]{1,3}", .commit = 1},
};
static const struct inline_detector numbers[] = {
	{.name = "luhn",
	 .pattern = "[1-4][0-9]{3}(-[0-9]{2}){1,3}|[1-9][0-9]{5,7}",
	 .head = "[1-4][0-9]{3}-[0-9]|[1-9][0-9]{5}",
	 .before = "[0-9]",
	 .after = "[0-9]",
	 .check = SCAN_CHECK_LUHN,
	 .style = SCAN_STYLE_ALNUM},
	{.name = "mod97",
	 .pattern = "[AB]C( [0-9C]{2}|[0-9C]){4,9}",
	 .commit = 5,
	 .before = "[A-C]",
	 .check = SCAN_CHECK_MOD97},
	{.name = "digits",
	 .pattern = "\\+[0-9]([ -]?[0-9]){5,}",
	 .commit = 4,
	 .before = "[]0-9+)]",
	 .after = "[0-9]",
	 .check = SCAN_CHECK_DIGITS},
	{.name = "own", .pattern = "1-[0-9]*-C", .commit = 2, .owns = true},
};

static struct set {
	struct reference reference;
	struct scan_table *table;
	const char *alphabet; /* NULL: bytes as they come */
} sets[3];

static void set_up(struct set *s, const struct inline_detector *list, size_t n,
		   const char *alphabet)
{
	struct automaton_report report;

	if (automaton_compile(list, n, SCAN_STATES_MAX, 1, &s->table, &report) < 0 ||
	    reference_init(&s->reference, list, n) < 0) {
		for (size_t i = 0; i < report.n_findings; i++)
			fprintf(stderr, "%s: %s\n", list[report.findings[i].detector].name,
				report.findings[i].text);
		abort();
	}
	s->alphabet = alphabet;
	automaton_report_free(&report);
}

struct found {
	size_t at; /* of the buffer */
	bool masked[TEXT_MAX];
	struct match spans[TEXT_MAX];
	size_t n;
};

static void take(void *ctx, const struct scan_span *s)
{
	struct found *f = ctx;

	if (s->end <= s->start || f->n == TEXT_MAX || f->at + s->end > TEXT_MAX)
		abort();
	for (size_t i = s->start; i < s->end; i++)
		f->masked[f->at + i] = true;
	f->spans[f->n++] = (struct match){f->at + s->start, f->at + s->end, s->detector, false};
}

/* Buffers of a size that the input says, again and again; 0: one. */
static size_t buffer_size(const uint8_t *cuts, size_t n_cuts, size_t i, size_t left)
{
	size_t size = n_cuts ? cuts[i % n_cuts] & 63u : 0;

	return !size || size > left ? left : size;
}

static struct reference_scan slow;

static void compare(const struct set *s, const uint8_t *text, size_t len, const uint8_t *cuts,
		    size_t n_cuts, bool *ret_masked, struct match *ret_matches, size_t *ret_n)
{
	struct scan_state state = {0};
	struct found found = {0};
	uint8_t buffer[SCAN_BUFFER];
	size_t at = 0;

	memset(ret_masked, 0, TEXT_MAX);
	slow.r = &s->reference;
	slow.bytes = text;
	slow.n_live = slow.n_match = 0;
	slow.masking = false;
	for (size_t i = 0; at < len; i++) {
		size_t size = buffer_size(cuts, n_cuts, i, len - at);

		memcpy(buffer, text + at, size);
		found.at = at;
		scan_bytes(s->table, &state, buffer, (__u32)size, &found, take);
		reference_buffer(&slow, at, at + size, ret_masked);
		at += size;
	}
	if (memcmp(found.masked, ret_masked, len) != 0)
		abort();
	if (ret_matches) {
		memcpy(ret_matches, slow.match, slow.n_match * sizeof(*ret_matches));
		*ret_n = slow.n_match;
	}
	if (!n_cuts && found.n < SCAN_SPANS / 2) {
		static struct match spans[REFERENCE_MAX];
		size_t n = reference_spans(&slow, spans);

		if (n != found.n)
			abort();
		for (size_t i = 0; i < n; i++)
			if (spans[i].start != found.spans[i].start ||
			    spans[i].end != found.spans[i].end || spans[i].d != found.spans[i].d)
				abort();
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);

	(void)argc;
	(void)argv;
	set_up(&sets[0], list, n, NULL);
	set_up(&sets[1], overlapping, sizeof(overlapping) / sizeof(overlapping[0]),
	       "aabbccdd#@.!-xabcd");
	set_up(&sets[2], numbers, sizeof(numbers) / sizeof(numbers[0]), "0123456789--  ++ABC1234C");
	return 0;
}

/* First byte: which detectors; second: how many of the next are sizes of buffers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct match matches[REFERENCE_MAX];
	const struct set *s;
	uint8_t text[TEXT_MAX];
	bool whole[TEXT_MAX], cut[TEXT_MAX];
	size_t n_cuts, n = 0;

	if (size < 2)
		return 0;
	s = &sets[data[0] % 3];
	n_cuts = data[1] % 8 + 1u;
	data += 2;
	size -= 2;
	if (size < n_cuts || size - n_cuts > TEXT_MAX)
		return 0;
	for (size_t i = n_cuts; i < size; i++)
		text[i - n_cuts] =
			s->alphabet ? (uint8_t)s->alphabet[data[i] % strlen(s->alphabet)] : data[i];
	compare(s, text, size - n_cuts, NULL, 0, whole, matches, &n);
	compare(s, text, size - n_cuts, data, n_cuts, cut, NULL, NULL);
	for (size_t i = 0; i < n; i++) {
		size_t commit = s->reference.patterns[matches[i].d].commit;

		/* what is open at the end is no match yet */
		for (size_t k = matches[i].start + commit - 1;
		     !matches[i].open && k < matches[i].end; k++)
			if (!cut[k])
				abort();
	}
	return 0;
}
