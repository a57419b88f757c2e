// SPDX-License-Identifier: Apache-2.0
/* The parts of the wire stage by themselves: JSON scanner, JSON tree, events of a stream,
 * digests. */
#include "test_wire.h"

#include "wire/claims.h"
#include "wire/delta.h"
#include "wire/scan.h"
#include "wire/seen.h"
#include "wire/sse.h"
#include "wire/tree.h"

static void test_scanner_takes_json_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} table[] = {
		{"{}", true},
		{" [ ] ", true},
		{"0", true},
		{"-0.5e+10", true},
		{"true", true},
		{"null ", true},
		{"\"\\u00e9\\\"\\\\\\/\\b\\f\\n\\r\\t\x7f\"", true},
		{"{\"a\":[1,2,{\"b\":null}],\"c\":\"}\"}", true},
		{"", false},
		{" ", false},
		{"{", false},
		{"}", false},
		{"[1,]", false},
		{"{\"a\":1,}", false},
		{"{\"a\" 1}", false},
		{"{a:1}", false},
		{"{1:1}", false},
		{"[1 2]", false},
		{"[}", false},
		{"{]", false},
		{"{} {}", false},
		{"01", false},
		{"-", false},
		{"1.", false},
		{".5", false},
		{"1e", false},
		{"+1", false},
		{"0x1", false},
		{"tru", false},
		{"truE", false},
		{"truee", false},
		{"NaN", false},
		{"'a'", false},
		{"\"a", false},
		{"\"a\nb\"", false},
		{"\"\\x\"", false},
		{"\"\\u12g4\"", false},
		{"// c\n1", false},
		{"\xef\xbb\xbf{}", false},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (scan_check(table[i].text, strlen(table[i].text)) != table[i].good)
			fail_msg("%s", table[i].text);
	}
	/* bytes behind a zero byte, which the parser does not look at */
	assert_false(scan_check("{}\0{}", 5));
}

static void test_scanner_limits(void **state)
{
	struct buffer b = {0};

	for (int i = 0; i < SCAN_DEPTH; i++)
		put(&b, "[");
	for (int i = 0; i < SCAN_DEPTH; i++)
		put(&b, "]");
	assert_true(scan_check((const char *)b.data, b.len));
	b.len = 0;
	for (int i = 0; i <= SCAN_DEPTH; i++)
		put(&b, "[");
	for (int i = 0; i <= SCAN_DEPTH; i++)
		put(&b, "]");
	assert_false(scan_check((const char *)b.data, b.len));
	b.len = 0;
	put(&b, "[0");
	for (uint32_t i = 2; i < SCAN_VALUES; i++)
		put(&b, ",0");
	put(&b, "]");
	assert_true(scan_check((const char *)b.data, b.len));
	b.len--;
	put(&b, ",0]");
	assert_false(scan_check((const char *)b.data, b.len));
	buffer_free(&b);
}

/* Values of one request that are each small enough, and together would cost hundreds of megabytes.
 */
static void test_values_of_one_request(void **state)
{
	struct script s = {0};
	struct buffer b = {0};
	char *got;

	put(&b, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"first\"}");
	for (int element = 0; element < 3; element++) {
		assert_int_equal(
			buffer_printf(&b, TEXT_MAX, ",{\"role\":\"user\",\"content\":[%d", element),
			0);
		for (int i = 0; i < 100000; i++)
			put(&b, ",0");
		put(&b, "]}");
	}
	put(&b, ",{\"role\":\"user\",\"content\":\"last\"}]}");
	ask(&s, (const char *)b.data);
	got = script_run(&s, 16384, 0);
	assert_int_equal(count_of(got, "why=more values than are read of one request\n"), 1);
	assert_non_null(strstr(got, "text=first\n"));
	assert_non_null(strstr(got, "text=last\n"));
	free(got);
	buffer_free(&b);
	script_free(&s);
}

static void test_mended_json(void **state)
{
	static const struct {
		const char *text, *want; /* want: a string of the JSON's only member */
	} table[] = {
		{"{\"a\":\"plain\"}", "plain"},
		{"{\"a\":\"\\ud83d\\ude00\"}", "\xf0\x9f\x98\x80"},
		{"{\"a\":\"x\\ud83dy\"}", "x\xef\xbf\xbdy"},
		{"{\"a\":\"\\ude00\\ud83d\"}", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"{\"a\":\"\\\\ud83d\"}", "\\ud83d"},
		{"{\"a\":\"\\ud83d\\ud83d\\ude00\"}", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
		{"{\"a\":\"\\uDBFF\\uDFFF\\uD800\"}", "\xf4\x8f\xbf\xbf\xef\xbf\xbd"},
		{"{\"a\":\"\xff\xc3\xa9\xed\xa0\x80\"}",
		 "\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"{\"a\":\"b\",\"n\":123456789012345678901234567890}", "b"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		_cleanup_tree_ struct tree t = {0};
		struct wire_text got;

		assert_int_equal(tree_read(TEXT_STR(table[i].text), TREE_STRICT, &t), 0);
		got = tree_member(tree_root(&t), "a");
		if (!text_equal(got, TEXT_STR(table[i].want)))
			fail_msg("%s: %.*s", table[i].text, (int)got.len, got.data);
	}
}

/* Halves that come in two documents are one character when they are put together. */
static void test_halves_are_joined(void **state)
{
	static const char *const documents[] = {"\"a\\ud83d\"", "\"\\ude00b\\ude00\""};
	struct buffer joined = {0};

	for (size_t i = 0; i < 2; i++) {
		_cleanup_tree_ struct tree t = {0};
		struct wire_text text;

		assert_int_equal(tree_read(TEXT_STR(documents[i]), TREE_HALVES, &t), 0);
		assert_true(t.halves);
		text = tree_text(tree_root(&t));
		assert_int_equal(buffer_append(&joined, text.data, text.len, TEXT_MAX), 0);
	}
	joined.len = tree_join((char *)joined.data, joined.len);
	assert_true(text_equal(TEXT_BUF(&joined), TEXT("a\xf0\x9f\x98\x80"
						       "b\xef\xbf\xbd")));
	buffer_free(&joined);
}

static void test_keys_twice(void **state)
{
	static const struct {
		const char *text;
		int strict;
		int64_t a;
	} table[] = {
		{"{\"a\":1,\"a\":2}", -EBADMSG, 2},
		{"{\"a\":1,\"\\u0061\":2}", -EBADMSG, 2},
		{"{\"b\":{\"a\":7,\"a\":8},\"a\":1}", -EBADMSG, 1},
		{"{\"a\":1,\"aa\":2,\"b\":{\"a\":3}}", 0, 1},
		{"{\"a\":1,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,"
		 "\"k\":0,\"l\":0,\"m\":0,\"n\":0,\"o\":0,\"p\":0,\"q\":0,\"g\":0}",
		 -EBADMSG, 1},
		{"{\"a\":1,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,"
		 "\"k\":0,\"l\":0,\"m\":0,\"n\":0,\"o\":0,\"p\":0,\"q\":0,\"r\":0}",
		 0, 1},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		_cleanup_tree_ struct tree strict = {0}, loose = {0};

		assert_int_equal(tree_read(TEXT_STR(table[i].text), TREE_STRICT, &strict),
				 table[i].strict);
		if (table[i].strict)
			assert_null(tree_root(&strict));
		assert_int_equal(tree_read(TEXT_STR(table[i].text), 0, &loose), 0);
		assert_int_equal(tree_integer(tree_get(tree_root(&loose), "a")), table[i].a);
	}
}

/* What is printed is what came, without its blanks and with the escapes that JSON needs. */
static void test_tree_is_printed(void **state)
{
	static const char *const without[] = {"gone", NULL};
	static const struct {
		const char *text, *want;
	} table[] = {
		{" [ 1 , -0.50e+3 , 123456789012345678901234567890 ] ",
		 "[1,-0.50e+3,123456789012345678901234567890]"},
		{"{\"gone\":{\"a\":1},\"b\":[{\"gone\":1}],\"gone\":2}", "{\"b\":[{\"gone\":1}]}"},
		{"{\"gone\":1}", "{}"},
		{"[true,false,null,[],{},\"\"]", "[true,false,null,[],{},\"\"]"},
		{"\"\\u0041\\/\\\\\\\"\\b\\f\\n\\r\\t\\u0001\\u00e9\\u0000\x7f\"",
		 "\"A/\\\\\\\"\\b\\f\\n\\r\\t\\u0001\xc3\xa9\\u0000\x7f\""},
		{"{\"k\\n\":\"long enough to be read in words of eight\\nbytes each, "
		 "\xe2\x82\xac\"}",
		 "{\"k\\n\":\"long enough to be read in words of eight\\nbytes each, "
		 "\xe2\x82\xac\"}"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		_cleanup_tree_ struct tree t = {0};
		struct buffer out = {0};

		assert_int_equal(tree_read(TEXT_STR(table[i].text), 0, &t), 0);
		assert_int_equal(tree_print(tree_root(&t), without, &out), 0);
		assert_string_equal((const char *)out.data, table[i].want);
		buffer_free(&out);
	}
}

static void test_whole_numbers(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} table[] = {
		{"0", 0},
		{"-17", -17},
		{"900000000000000000", 900000000000000000},
		{"99999999999999999999", 0},
		{"1.5", 0},
		{"1e3", 0},
		{"\"7\"", 0},
		{"[7]", 0},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		_cleanup_tree_ struct tree t = {0};

		assert_int_equal(tree_read(TEXT_STR(table[i].text), 0, &t), 0);
		assert_int_equal(tree_integer(tree_root(&t)), table[i].want);
	}
	assert_int_equal(tree_integer(NULL), 0);
}

static int put_event(void *ctx, struct wire_text name, struct wire_text data)
{
	struct buffer *b = ctx;

	return buffer_printf(b, TEXT_MAX, "<%.*s|%.*s>", (int)name.len, name.len ? name.data : "",
			     (int)data.len, data.len ? data.data : "");
}

static void test_stream_events(void **state)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{"data: a\n\n", "<|a>"},
		{"data: a\r\n\r\ndata: b\r\rdata: c\n\n", "<|a><|b><|c>"},
		{"event: x\ndata:a\ndata\ndata:  b\n\n", "<x|a\n\n b>"},
		{"\xef\xbb\xbf"
		 "data: a\n\n",
		 "<|a>"},
		{": comment\nid: 1\nretry: 5\nother: x\ndata: a\n\n", "<|a>"},
		{"event: no data\n\ndata: a\n\n", "<|a>"},
		{"data:\n\n", "<|>"},
		{"data: a", "<|a>"},
		{"data: a\n", "<|a>"},
		{"\n\n\r\r\n\n", ""},
		{"event: x\nevent: y\ndata: 1\n\ndata: 2\n\n", "<y|1><|2>"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *text = table[i].text;

		for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
			struct buffer got = {0};
			struct sse s;

			put(&got, "");
			sse_init(&s, 1000, put_event, &got);
			for (size_t k = 0; k < strlen(text); k += piece) {
				size_t n = strlen(text) - k < piece ? strlen(text) - k : piece;

				assert_int_equal(sse_feed(&s, text + k, n), 0);
			}
			assert_int_equal(sse_finish(&s), 0);
			assert_string_equal((const char *)got.data, table[i].want);
			sse_free(&s);
			buffer_free(&got);
		}
	}
}

static void test_stream_limit(void **state)
{
	struct buffer got = {0};
	struct sse s;
	int r = 0;

	sse_init(&s, 100, put_event, &got);
	for (int i = 0; i < 10 && r == 0; i++)
		r = sse_feed(&s, "data: 0123456789012345\n", 23);
	assert_int_equal(r, -ENOSPC);
	sse_free(&s);
	buffer_free(&got);
}

static void test_delta(void **state)
{
#define HEAD                                                                                       \
	"{\"type\":\"content_block_delta\",\"index\":12,\"delta\":{\"type\":\"text_delta\","       \
	"\"text\":\""
	static const struct {
		const char *data;
		int want;
		const char *text;
	} table[] = {
		{HEAD "a\\n\\\"\\\\\\/ \xc3\xa9\"}}", 1, "a\n\"\\/ \xc3\xa9"},
		{HEAD "\"}   }", 1, ""},
		{HEAD "\\u0041\"}}", 0, NULL},
		{HEAD "\xff\"}}", 0, NULL},
		{HEAD "a\nb\"}}", 0, NULL},
		{HEAD "a\"},\"x\":1}", 0, NULL},
		{HEAD "a\",\"text\":\"b\"}}", 0, NULL},
		{HEAD "a\"}} x", 0, NULL},
		{HEAD "a\\", 0, NULL},
		{HEAD "a", 0, NULL},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct buffer out = {0};
		struct wire_text rest;
		uint32_t index = 0;

		put(&out, "before ");
		assert_true(delta_match(TEXT_STR(table[i].data), &index, &rest));
		assert_int_equal(index, 12);
		assert_int_equal(delta_append(rest, &out), table[i].want);
		assert_int_equal(out.len, 7 + (table[i].text ? strlen(table[i].text) : 0));
		if (table[i].text)
			assert_memory_equal(out.data + 7, table[i].text, strlen(table[i].text));
		buffer_free(&out);
	}
}

static struct mark digest(struct seen *s, const char *a, const char *b)
{
	struct mark mark;

	assert_int_equal(
		seen_digest(s, (const struct wire_text[]){TEXT_STR(a), TEXT_STR(b)}, 2, &mark), 0);
	return mark;
}

static void test_digests(void **state)
{
	struct mark x, y;
	struct seen *s, *t;

	assert_int_equal(seen_new(100, &s), 0);
	assert_int_equal(seen_new(100, &t), 0);
	x = digest(s, "ab", "c");
	y = digest(s, "ab", "c");
	assert_memory_equal(&x, &y, sizeof(x));
	y = digest(s, "a", "bc");
	assert_memory_not_equal(&x, &y, sizeof(x));
	/* another process, another key: what collides in one says nothing of the other */
	y = digest(t, "ab", "c");
	assert_memory_not_equal(&x, &y, sizeof(x));
	seen_free(s);
	seen_free(t);
}

static void test_seen_counts(void **state)
{
	struct mark block, element;
	struct tally first = {0}, second = {0};
	struct seen *s;

	assert_int_equal(seen_new(100, &s), 0);
	block = digest(s, "block", "");
	element = digest(s, "element", "");
	assert_int_equal(seen_has_element(s, &first, &element), 0);
	assert_int_equal(seen_add_block(s, &first, &block), 1);
	assert_int_equal(seen_add_element(s, &element, &block, 1), 0);
	/* in the next exchange it was told; standing there twice it was not */
	assert_int_equal(seen_has_element(s, &second, &element), 1);
	assert_int_equal(seen_has_element(s, &second, &element), 0);
	assert_int_equal(seen_add_block(s, &second, &block), 1);
	tally_free(&second);
	assert_int_equal(seen_has_element(s, &second, &element), 1);
	assert_int_equal(seen_has_element(s, &second, &element), 1);
	assert_int_equal(seen_has_element(s, &second, &element), 0);
	tally_free(&first);
	tally_free(&second);
	seen_free(s);
}

static void test_seen_is_bounded(void **state)
{
	struct tally tally = {0};
	struct mark mark;
	struct seen *s;
	char name[32];

	assert_int_equal(seen_new(1000, &s), 0);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		mark = digest(s, name, "");
		assert_int_equal(seen_add_element(s, &mark, NULL, 0), 0);
	}
	assert_int_equal(seen_len(s), 1000);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		mark = digest(s, name, "");
		assert_int_equal(seen_has_element(s, &tally, &mark), i >= 4000);
	}
	tally_free(&tally);
	seen_free(s);
}

static void test_user_ids(void **state)
{
	static const struct {
		const char *text;
		int want;
		const char *device, *account, *session;
	} table[] = {
		{"{\"device_id\":\"d\",\"account_uuid\":\"a\",\"session_id\":\"s\"}", 1, "d", "a",
		 "s"},
		{"{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\"s\"}", 1, "d", "",
		 "s"},
		{"user_d_account_a_session_s", 1, "d", "a", "s"},
		{"user_d_account__session_s", 1, "d", "", "s"},
		{"user_d", 0, NULL, NULL, NULL},
		{"{\"device_id\":\"d\",\"more\":1,\"than\":2,\"known\":3}", 0, NULL, NULL, NULL},
		{"{broken", 0, NULL, NULL, NULL},
		{"", 0, NULL, NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct wire_call call = {0};
		struct texts texts = {0};

		assert_int_equal(claims_user_id(&texts, TEXT_STR(table[i].text), &call),
				 table[i].want);
		if (table[i].want) {
			assert_string_equal(call.device_id.data, table[i].device);
			assert_string_equal(call.account_id.data, table[i].account);
			assert_string_equal(call.session_id.data, table[i].session);
		}
		texts_free(&texts);
	}
}

UNIT_MAIN(unit(test_scanner_takes_json_and_nothing_else), unit(test_scanner_limits),
	  unit(test_values_of_one_request), unit(test_mended_json), unit(test_keys_twice),
	  unit(test_halves_are_joined), unit(test_tree_is_printed), unit(test_whole_numbers),
	  unit(test_stream_events), unit(test_stream_limit), unit(test_delta), unit(test_digests),
	  unit(test_seen_counts), unit(test_seen_is_bounded), unit(test_user_ids))
