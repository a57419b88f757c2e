// SPDX-License-Identifier: Apache-2.0
/* The JSON scanner and the JSON tree against jansson: what one takes the others take and read
 * alike, and a split changes nothing. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/delta.h"
#include "wire/scan.h"
#include "wire/tree.h"

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
static void check_delta(struct wire_text text, const struct tree_value *event)
{
	const struct tree_value *delta = tree_get(event, "delta");
	static const char *const members[] = {"text", "partial_json", "thinking"};
	struct wire_text rest, want = {0};
	struct buffer got = {0};
	uint32_t index;

	if (!delta_match(text, &index, &rest) || delta_append(rest, &got) != 1) {
		buffer_free(&got);
		return;
	}
	for (size_t i = 0; i < 3 && !want.data; i++)
		want = tree_member(delta, members[i]);
	if (!want.data || !text_equal(want, (struct wire_text){(const char *)got.data, got.len}) ||
	    tree_integer(tree_get(event, "index")) != index)
		abort();
	buffer_free(&got);
}

/* Whether a value of the tree is what jansson read. */
static bool same(const struct tree_value *v, const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT: {
		const char *name;
		json_t *member;

		if (v->kind != TREE_OBJECT || tree_count(v) < json_object_size(j))
			return false;
		json_object_foreach ((json_t *)j, name, member) {
			const struct tree_value *mine = tree_get(v, name);

			if (!mine || !same(mine, member))
				return false;
		}
		return true;
	}
	case JSON_ARRAY: {
		size_t i = 0;

		if (v->kind != TREE_ARRAY || tree_count(v) != json_array_size(j))
			return false;
		tree_foreach (v, inner)
			if (!same(inner, json_array_get(j, i++)))
				return false;
		return true;
	}
	case JSON_STRING:
		return text_equal(tree_text(v),
				  (struct wire_text){json_string_value(j), json_string_length(j)});
	case JSON_INTEGER:
		return v->kind == TREE_NUMBER &&
		       (tree_integer(v) == json_integer_value(j) || !tree_integer(v));
	case JSON_REAL:
		return v->kind == TREE_NUMBER && !tree_integer(v);
	case JSON_TRUE:
		return v->kind == TREE_TRUE;
	case JSON_FALSE:
		return v->kind == TREE_FALSE;
	case JSON_NULL:
		return v->kind == TREE_NULL;
	}
	return false;
}

/* What is printed is read as the same again. */
static void check_print(const struct tree_value *v)
{
	struct buffer once = {0}, twice = {0};
	struct tree again = {0};

	if (tree_print(v, NULL, &once) < 0 || tree_read(TEXT_BUF(&once), 0, &again) < 0 ||
	    tree_print(tree_root(&again), NULL, &twice) < 0 ||
	    !text_equal(TEXT_BUF(&once), TEXT_BUF(&twice)))
		abort();
	tree_free(&again);
	buffer_free(&once);
	buffer_free(&twice);
}

/* jansson compares the names as they are; so does the tree, and knows a zero in them, too. */
static void check_strict(struct wire_text text, bool loose)
{
	json_t *v = json_loadb(text.data, text.len,
			       JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
	struct tree t = {0};
	int r = tree_read(text, TREE_STRICT, &t);

	if (loose && (r == 0) != (v != NULL))
		abort();
	tree_free(&t);
	json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_text text = {(const char *)data, size};
	struct tree tree = {0};
	bool zero = memchr(data, 0, size);
	json_t *v;
	int r;

	v = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	r = tree_read(text, 0, &tree);
	/* the two of our own agree */
	if ((r == 0) != scan_check(text.data, text.len))
		abort();
	/* jansson stops at a zero byte, whatever follows it: there only the scanner is right */
	if (v && r < 0 && size < SCAN_DEPTH && !zero)
		abort();
	if (v && r == 0 && (tree.mended || tree.halves || !same(tree_root(&tree), v)))
		abort();
	if (r == 0) {
		check_print(tree_root(&tree));
		check_strict(text, v && !zero);
	}
	check_delta(text, tree_root(&tree));
	json_decref(v);
	tree_free(&tree);
	for (int split = 0; split < 2; split++) {
		uint64_t whole = events_of(text.data, size, SIZE_MAX, split);

		for (size_t piece = 1; piece < 10; piece += 2)
			if (events_of(text.data, size, piece, split) != whole)
				abort();
	}
	return 0;
}
