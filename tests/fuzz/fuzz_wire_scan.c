// SPDX-License-Identifier: Apache-2.0
/* The JSON scanner against jansson: what the parser takes the scanner takes, and a split changes
 * nothing. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/delta.h"
#include "wire/json.h"
#include "wire/scan.h"

/* Runs over the text in pieces and hashes the events and their places. */
static uint64_t events_of(const char *p, size_t len, size_t piece, bool split)
{
	const char *start = p, *end = p + len;
	uint64_t hash = 14695981039346656037ull;
	struct scan s;

	scan_init(&s, true);
	while (p < end) {
		const char *stop = (size_t)(end - p) < piece ? end : p + piece;
		enum scan_event event;

		while ((event = scan_run(&s, &p, stop)) != SCAN_MORE) {
			if (event == SCAN_BAD)
				return hash * 3;
			if (event == SCAN_BEGIN && s.depth == 1 && *p == '[')
				s.split = split;
			hash = (hash ^ (uint64_t)event) * 1099511628211ull;
			hash = (hash ^ (uint64_t)(p - start)) * 1099511628211ull;
		}
		if (p != stop)
			abort();
	}
	return hash + scan_whole(&s);
}

/* The short way through a delta must say what the parser says, or nothing. */
static void check_delta(struct wire_text text, const json_t *event)
{
	const json_t *delta = json_object_get(event, "delta");
	static const char *const members[] = {"text", "partial_json", "thinking"};
	struct wire_text rest, want = {0};
	struct buffer got = {0};
	uint32_t index;

	if (!delta_match(text, &index, &rest) || delta_append(rest, &got) != 1) {
		buffer_free(&got);
		return;
	}
	for (size_t i = 0; i < 3 && !want.data; i++)
		want = json_member(delta, members[i]);
	if (!want.data || !text_equal(want, (struct wire_text){(const char *)got.data, got.len}) ||
	    json_integer_value(json_object_get(event, "index")) != index)
		abort();
	buffer_free(&got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_text text = {(const char *)data, size};
	json_t *v, *again = NULL;
	bool mended = false;
	int r;

	v = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	r = json_read(text, false, &again, &mended);
	/* jansson stops at a zero byte, whatever follows it: there only the scanner is right */
	if (v && !scan_check(text.data, text.len) && size < SCAN_DEPTH && !memchr(data, 0, size))
		abort();
	/* the mending changes nothing that needs none */
	if (v && r == 0 && (mended || !json_equal(v, again)))
		abort();
	if (r == 0 && mended && json_join_tree(again) < 0)
		abort();
	check_delta(text, r == 0 ? again : NULL);
	json_decref(v);
	if (r == 0)
		json_decref(again);
	for (int split = 0; split < 2; split++) {
		uint64_t whole = events_of(text.data, size, SIZE_MAX, split);

		for (size_t piece = 1; piece < 10; piece += 2)
			if (events_of(text.data, size, piece, split) != whole)
				abort();
	}
	return 0;
}
