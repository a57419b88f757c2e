// SPDX-License-Identifier: Apache-2.0
/* Values of every detector through the program, in every form and cut everywhere: none of them
 * comes out whole. Prints what was masked by detector and form. With --detached no probe is there,
 * and everything has to come out: what shows that it is the program that masks. */
#include "prove.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/content_state.h"
#include "policy/automaton.h"
#include "scan_fixture.h"
#include "streams.h"

#define VALUES	   2  /* of each recipe */
#define SHORT	   40 /* up to here every position is cut at, beyond so many */
#define CUTS	   14
#define RECALL_MIN 0.995
#define MANY	   1000

unsigned long prove_n, prove_failed;

static struct tally {
	unsigned long values, masked, clear_most;
} tally[SCAN_DETECTORS_MAX][STREAM_FORM_MAX];

static struct gen gen_values = {.seed = 4711};
static bool detached;

struct scan_table *prove_table(unsigned int request, unsigned int text, unsigned int input)
{
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);
	struct automaton_report report = {0};
	struct scan_table *table = NULL;

	if (automaton_compile(list, n, SCAN_STATES_MAX, 77, &table, &report) < 0)
		abort();
	automaton_report_free(&report);
	for (size_t i = 0; i < n; i++)
		table->detector[i].acts =
			(uint16_t)(SCAN_ACT(CONTENT_REQUEST, request) |
				   SCAN_ACT(CONTENT_TEXT, text) | SCAN_ACT(CONTENT_INPUT, input));
	return table;
}

uint64_t prove_connection(void)
{
	static uint64_t last = 0x10000;

	return last += 64;
}

static size_t detector_of(const char *name)
{
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return i;
	abort();
}

/* Sends or receives a message in pieces that end at these offsets. */
static void go_through(struct bytes *m, enum stream_form form, const size_t *ends, size_t n)
{
	uint64_t ssl = prove_connection();
	static char request[] = "POST /v1/messages HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
	size_t at = 0;

	/* a response answers something */
	if (!stream_sent(form)) {
		char copy[sizeof(request)];

		memcpy(copy, request, sizeof(request));
		world_write(ssl, copy, sizeof(request) - 1, sizeof(request) - 1);
	}
	for (size_t i = 0; i <= n; i++) {
		size_t end = i < n ? ends[i] : m->len;
		int len = (int)(end - at);

		if (end <= at)
			continue;
		if (stream_sent(form))
			world_write(ssl, m->data + at, len, len);
		else
			world_read(ssl, m->data + at, len);
		at = end;
	}
}

/* How many bytes of the value are as they were, from its first one on. Separators are never masked,
 * and do not count at the end. */
static size_t clear_prefix(const char *text, const char *value, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] == value[n])
		n++;
	while (n && n < len && !isalnum((unsigned char)value[n - 1]))
		n--;
	return n;
}

/* cut: within the value; below 0 nowhere. */
static void one(const struct recipe *r, enum stream_form form, const char *value, size_t len,
		long cut)
{
	static const char before[] = "The value is here: ", after[] = " , and it ends.";
	struct bytes text = {0}, m = {0}, out = {0}, was = {0};
	struct tally *t = &tally[detector_of(r->detector)][form];
	size_t ends[1], n_ends = 0, clear;
	long delta = -1;

	bytes_text(&text, before);
	bytes_put(&text, value, len);
	bytes_text(&text, after);
	/* deltas are cut for those that have them; of the rest, the bytes on their way are */
	if (cut >= 0 &&
	    (form == STREAM_TEXT || form == STREAM_TEXT_ESCAPED || form == STREAM_INPUT))
		delta = (long)strlen(before) + cut;
	stream_put(&m, form, text.data, delta);
	if (cut >= 0 && delta < 0) {
		const char *at = memmem(m.data, m.len, "is here: ", 9);
		size_t one_char = 1;

		if (form == STREAM_REQUEST_ESCAPED) {
			at = memmem(m.data, m.len, "\\u003A\\u0020", 12);
			at = at ? at : memmem(m.data, m.len, "\\u003a\\u0020", 12);
			at = at ? at : memmem(m.data, m.len, "\\u003A", 6);
			one_char = 6;
		}
		if (at) {
			size_t lead = one_char == 6 ? 12 : 9;

			ends[n_ends++] = (size_t)(at - m.data) + lead + one_char * (size_t)cut;
		}
	}
	bytes_put(&was, m.data, m.len);
	go_through(&m, form, ends, n_ends);
	PROVE(stream_take(m.data, m.len, form, &out) == 0, "%s, %s, cut %ld: broken", r->detector,
	      stream_form_names[form], cut);
	t->values++;
	/* of an escape two bytes are masked, and stand for two; a key without an end has none */
	PROVE(out.len >= text.len && memcmp(out.data, before, strlen(before) - 1) == 0 &&
		      (strstr(r->value, "OPENSSH") ||
		       strcmp(out.data + out.len - strlen(after) + 1, after + 1) == 0),
	      "%s, %s, cut %ld: what is beside it was changed", r->detector,
	      stream_form_names[form], cut);
	if (out.len < text.len)
		goto end;
	clear = clear_prefix(out.data + strlen(before), value, len);
	t->masked += clear < len;
	if (clear < len && clear > t->clear_most)
		t->clear_most = clear;
end:
	bytes_free(&text);
	bytes_free(&m);
	bytes_free(&out);
	bytes_free(&was);
}

static void all_cuts(const struct recipe *r, enum stream_form form, const char *value, size_t len)
{
	one(r, form, value, len, -1);
	if (len <= SHORT) {
		for (size_t cut = 1; cut < len; cut++)
			one(r, form, value, len, (long)cut);
		return;
	}
	for (unsigned int i = 0; i < CUTS; i++)
		one(r, form, value, len, 1 + (long)gen_below(&gen_values, (unsigned int)len - 1));
}

static void all_values(void)
{
	char value[4096];

	gen_values.out = value;
	gen_values.cap = sizeof(value);
	for (size_t i = 0; i < ARRAY_SIZE(scan_recipes); i++) {
		for (int v = 0; v < VALUES; v++) {
			gen_values.len = 0;
			draw_value(&gen_values, &scan_recipes[i]);
			for (int form = 0; form < STREAM_FORM_MAX; form++)
				all_cuts(&scan_recipes[i], form, value, gen_values.len);
		}
	}
}

static void print_tally(void)
{
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);
	unsigned long values = 0, masked = 0;

	printf("%-26s", "values masked of planted");
	for (int form = 0; form < STREAM_FORM_MAX; form++)
		printf(" %14s", stream_form_names[form]);
	printf("  longest clear prefix (commit)\n");
	for (size_t i = 0; i < n; i++) {
		size_t commit = automaton_commit(&list[i]);
		unsigned long most = 0;

		printf("%-26s", list[i].name);
		for (int form = 0; form < STREAM_FORM_MAX; form++) {
			const struct tally *t = &tally[i][form];

			printf(" %7lu/%-6lu", t->masked, t->values);
			values += t->values;
			masked += t->masked;
			if (t->clear_most > most)
				most = t->clear_most;
		}
		printf("  %lu (%zu)\n", most, commit);
		if (!detached)
			PROVE(most < commit, "%s: %lu bytes were clear", list[i].name, most);
	}
	printf("%lu of %lu masked, %.3f %%\n", masked, values,
	       100.0 * (double)masked / (double)values);
	if (detached)
		PROVE(masked == 0, "%lu were masked by nobody", masked);
	else
		PROVE((double)masked >= RECALL_MIN * (double)values, "%lu of %lu", masked, values);
}

int main(int argc, char **argv)
{
	const unsigned int kinds = 1 << CONTENT_REQUEST | 1 << CONTENT_TEXT | 1 << CONTENT_INPUT;
	struct scan_table *table = prove_table(SCAN_MASK, SCAN_MASK, SCAN_MASK);
	struct world_options options = {
		.table = table,
		.mode = BAILIFF_MODE_ENFORCE,
		.kinds = kinds,
	};
	struct world *w;

	setvbuf(stdout, NULL, _IOLBF, 0);
	options.detached = detached = argc > 1 && strcmp(argv[1], "--detached") == 0;
	w = world_open(&options);
	all_values();
	print_tally();
	world_close(w);
	prove_blocks(detached);
	prove_tools(detached);
	if (!detached)
		prove_many(MANY);
	free(table);
	printf("%lu checks, %lu failed\n", prove_n, prove_failed);
	return prove_failed ? 1 : 0;
}
