// SPDX-License-Identifier: Apache-2.0
/* What is overwritten when text is masked: nothing of it is left where it is whole, and what it
 * stands in stays valid and as long as it was, wherever it is cut. */
#include "test_content.h"
#include "test_wire_sse.h"

#include <jansson.h>

#define CHARS_MAX 512

/* The plaintext, what was decoded of it, and where. */
struct masking {
	uint8_t bytes[8192];
	size_t len, piece, cut;
	struct content_out chars[CHARS_MAX];
	size_t at[CHARS_MAX];
	uint32_t have[CHARS_MAX];
	size_t n;
	struct content_reader reader;
};

static void gather(void *ctx, size_t at, const struct content_out *out, uint32_t have)
{
	struct masking *m = ctx;

	if (!out->n)
		return;
	assert_true(m->n < CHARS_MAX);
	m->chars[m->n] = *out;
	m->at[m->n] = at;
	m->have[m->n] = have;
	m->n++;
}

/* Reads it in two pieces. */
static void masking_read(struct masking *m, int response, const void *bytes, size_t len, size_t cut)
{
	memset(m, 0, sizeof(*m));
	assert_true(len <= sizeof(m->bytes));
	memcpy(m->bytes, bytes, len);
	m->len = len;
	m->reader.sink = gather;
	m->reader.ctx = m;
	m->reader.fast = true;
	content_begin(&m->reader.state, response);
	content_reader_feed(&m->reader, m->bytes, cut);
	content_reader_feed(&m->reader, m->bytes + cut, len - cut);
	assert_int_equal(m->reader.state.lost, 0);
	assert_int_equal(m->reader.state.unread, 0);
}

static void masks(void **state)
{
	static const struct {
		const char *body;
		uint32_t have[2]; /* in hand at most; 0: all */
		const char *want;
	} rows[] = {
		{"[\"a1b\"]", {0}, "[\"***\"]"},
		{"[\"\\n\\\"\\\\\\/\"]", {0}, "[\"********\"]"},
		{"[\"\\u0031x\\u007A\"]", {0}, "[\"\\u002a*\\u002a\"]"},
		{"[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]", {0}, "[\"*********\"]"},
		{"[\"\\u00e9\\ud83d\\ude00\"]", {0}, "[\"******************\"]"},
		/* what came before is out of reach */
		{"[\"\\n\"]", {1}, "[\"\\/\"]"},
		{"[\"\\\"\"]", {1}, "[\"\\/\"]"},
		{"[\"\\u0031\"]", {5}, "[\"\\u002a\"]"},
		{"[\"\\u0031\"]", {3}, "[\"\\u002a\"]"},
		{"[\"\\u0031\"]", {2}, "[\"\\u002a\"]"},
		{"[\"\\u0031\"]", {1}, "[\"\\u003f\"]"},
		{"[\"\\u0020\"]", {1}, "[\"\\u002a\"]"},
		{"[\"\\u004A\"]", {1}, "[\"\\u0040\"]"},
		{"[\"\\u005A\"]", {1}, "[\"\\u005f\"]"},
		{"[\"\\u006a\"]", {1}, "[\"\\u0060\"]"},
		{"[\"\\u007A\"]", {1}, "[\"\\u007e\"]"},
		/* whole or not at all */
		{"[\"\xc3\xa9\"]", {1}, "[\"\xc3\xa9\"]"},
		{"[\"\\u00e9\"]", {5}, "[\"\\u00e9\"]"},
		{"[\"\\ud83d\\ude00\"]", {6}, "[\"\\ud83d\\ude00\"]"},
	};
	struct masking m;
	struct buffer b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t body;

		content_ask(&b, "/v1/messages", rows[i].body);
		body = b.len - strlen(rows[i].body);
		masking_read(&m, 0, b.data, b.len, 0);
		assert_true(m.n > 0);
		for (size_t c = 0; c < m.n; c++) {
			uint32_t have = m.have[c];

			if (rows[i].have[0] && have > rows[i].have[0])
				have = rows[i].have[0];
			content_reader_mask(m.bytes + m.at[c], &m.chars[c], have, '*');
		}
		assert_int_equal(strlen(rows[i].want), strlen(rows[i].body));
		assert_memory_equal(m.bytes + body, rows[i].want, strlen(rows[i].want));
	}
	buffer_free(&b);
}

/* Doubly escaped, as a tool's input is. have: of the one character there is. */
static void masks_of_pieces(void **state)
{
	static const struct {
		const char *piece;
		uint32_t have;
		const char *want;
	} rows[] = {
		{"a", 1, "*"},
		{"\\\\u0031", 7, "\\\\u002a"},
		{"\\\\u0031", 5, "\\\\u002a"},
		{"\\\\u0031", 1, "\\\\u003f"},
		{"\\\\n", 3, "***"},
		{"\\\\n", 2, "\\\\/"},
		{"\\\\n", 1, "\\\\/"},
		{"\\\\\\\"", 4, "****"},
		{"\\\\\\\"", 3, "\\\\\\/"},
		{"\\\\\\\"", 1, "\\\\\\/"},
		{"\\\\\\\\", 4, "****"},
		{"\\\\\\\\", 1, "\\\\\\/"},
		{"\\/", 2, "**"},
		{"\\/", 1, "\\/"},
		{"\\u0031", 6, "\\u002a"},
		{"\\u0031", 1, "\\u003f"},
		{"\\\\ud83d\\\\ude00", 14, "**************"},
		{"\\\\ud83d\\\\ude00", 7, "\\\\ud83d\\\\ude00"},
		/* escapes of the letters of escapes */
		{"\\\\\\u006e", 8, "********"},
		{"\\\\\\u006e", 7, "\\\\\\u006e"},
		{"\\u005c\\u0075\\u0030\\u0030\\u0033\\u0031", 36,
		 "************************************"},
		{"\\\\u003\\u0031", 12, "************"},
		{"\\\\u003\\u0031", 11, "\\\\u003\\u0031"},
	};
	struct masking m;
	struct buffer b = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char body[512];
		size_t from, len = strlen(rows[i].piece);

		snprintf(body, sizeof(body), PART("0", "[\\\"%s\\\"]"), rows[i].piece);
		content_answer(&b, "text/event-stream", body, 0);
		from = (size_t)(strstr((char *)b.data, "[\\\"") + 3 - (char *)b.data);
		masking_read(&m, 1, b.data, b.len, 0);
		assert_int_equal(m.n, 1);
		assert_int_equal(m.chars[0].raw, len);
		assert_int_equal(m.have[0], len);
		content_reader_mask(m.bytes + m.at[0], &m.chars[0], rows[i].have, '*');
		assert_memory_equal(m.bytes + from, rows[i].want, len);
	}
	buffer_free(&b);
}

/* The pieces of a tool's input in a stream of chunks, put together. */
static void put_together(const struct masking *m, struct buffer *ret)
{
	struct buffer body = {0};
	struct content_reader r = {.sink = NULL};
	struct content_out out;
	char *line, *rest = NULL;

	content_begin(&r.state, 1);
	for (size_t i = 0; i < m->len; i++) {
		content_step(&r.state, m->bytes[i], &out);
		if (out.flags & CONTENT_BODY)
			assert_int_equal(buffer_append(&body, m->bytes + i, 1, CONTENT_TEST_MAX),
					 0);
	}
	assert_int_equal(r.state.lost + r.state.unread, 0);
	assert_int_equal(r.state.state, CONTENT_AT_START);
	assert_int_equal(buffer_append(&body, "", 1, CONTENT_TEST_MAX), 0);
	ret->len = 0;
	for (line = strtok_r((char *)body.data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		json_t *event;

		if (strncmp(line, "data: ", 6) != 0)
			continue;
		event = json_loads(line + 6, 0, NULL);
		assert_non_null(event);
		content_put(ret, json_string_value(json_object_get(json_object_get(event, "delta"),
								   "partial_json")));
		json_decref(event);
	}
	assert_int_equal(buffer_append(ret, "", 1, CONTENT_TEST_MAX), 0);
	buffer_free(&body);
}

/* One character after the other is masked, in every split into two records, in chunks of every
 * size: both texts stay valid, nothing but that character changes, and it does. */
static void every_cut(void **state)
{
	static const char body[] = PART("0", "{\\\"k\\\":\\\"a\\\\u0031\\\\")
		PART("0", "n\\u0032\\\\u00") PART("0", "33\\\\\\\"\xc3\xa9\\/\\\\\\\\\\\\ud83d")
			PART("0", "\\\\ude00\\\"}");
	static const char plain[] =
		"{\"k\":\"a\\u0031\\n2\\u0033\\\"\xc3\xa9/\\\\\\ud83d\\ude00\"}";
	/* with small chunks there are many places that are the same */
	static const struct {
		size_t chunk, step;
	} rows[] = {{1, 47}, {2, 29}, {3, 13}, {7, 5}, {16, 3}, {0, 1}};
	struct buffer b = {0}, together = {0};
	size_t left = 0, tried = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t chunk = rows[i].chunk, from;

		content_answer(&b, "text/event-stream", body, chunk);
		from = (size_t)(strstr((char *)b.data, "\r\n\r\n") - (char *)b.data);
		for (size_t cut = from; cut < b.len; cut += rows[i].step) {
			struct masking m;
			json_t *was, *is;
			size_t n;

			masking_read(&m, 1, b.data, b.len, cut);
			n = m.n;
			assert_int_equal(n, 10);
			put_together(&m, &together);
			assert_string_equal((char *)together.data, plain);
			was = json_loads(plain, 0, NULL);
			assert_non_null(was);
			for (size_t c = 0; c < n; c++) {
				uint32_t did;

				masking_read(&m, 1, b.data, b.len, cut);
				did = content_reader_mask(m.bytes + m.at[c], &m.chars[c], m.have[c],
							  '*');
				put_together(&m, &together);
				is = json_loads((char *)together.data, 0, NULL);
				assert_non_null(is);
				tried++;
				left += did == 0;
				/* ASCII can be masked in every cut, the rest where it is whole */
				assert_true(did > 0 || m.chars[c].form == CONTENT_WHOLE);
				assert_true(did > 0 || m.have[c] < m.chars[c].raw);
				assert_int_equal(json_equal(was, is),
						 did == 0 || memcmp(m.bytes, b.data, b.len) == 0);
				json_decref(is);
			}
			json_decref(was);
		}
	}
	assert_true(tried > 5000);
	assert_true(left > 0 && left < tried / 4);
	buffer_free(&together);
	buffer_free(&b);
}

UNIT_MAIN(unit(masks), unit(masks_of_pieces), unit(every_cut))
