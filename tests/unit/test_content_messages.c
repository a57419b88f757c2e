// SPDX-License-Identifier: Apache-2.0
/* Which strings of requests and responses are text, and what their characters are. */
#include "test_content.h"
#include "test_wire_sse.h"

#define MESSAGES		  "/v1/messages?beta=true"
#define SSE			  "text/event-stream; charset=utf-8"
#define DELTA_OF(type, key, text) DELTA("0", "{\"type\":\"" type "\",\"" key "\":\"" text "\"}")

static void requests(void **state)
{
	static const struct {
		const char *path, *body, *want;
	} rows[] = {
		{MESSAGES, REQUEST(USER("hi \\\"you\\\"")), "R hi \"you\"\n."},
		{MESSAGES,
		 "{ \"messages\" : [ {\r\n\t\"content\" : \"a\" , \"role\" : \"user\" } ] }",
		 "R a\n."},
		/* each string is a text of its own */
		{MESSAGES, REQUEST(USER("12") "," USER("34")), "R 12\nR 34\n."},
		{MESSAGES,
		 "{\"system\":[{\"type\":\"text\",\"text\":\"s\",\"cache_control\":{\"type\":"
		 "\"ephemeral\",\"ttl\":\"1h\"}}],\"stop_sequences\":[\"x\",\"y\"]}",
		 "R s\nR x\nR y\n."},
		/* signed, or compared with what was sent */
		{MESSAGES,
		 "{\"messages\":[{\"content\":[{\"type\":\"thinking\",\"thinking\":\"a\","
		 "\"signature\":\"b\"},{\"type\":\"redacted_thinking\",\"data\":\"c\"},{"
		 "\"signature\":"
		 "\"d\",\"thinking\":\"e\",\"type\":\"thinking\"}]}],\"thinking\":{\"type\":"
		 "\"enabled\",\"display\":\"f\",\"x\":[\"y\",{\"z\":\"z\"}]},\"user\":\"g\"}",
		 "R g\n."},
		{MESSAGES,
		 "{\"model\":\"a\",\"metadata\":{\"user_id\":\"b\"},\"tools\":[{\"name\":\"c\","
		 "\"description\":\"d\",\"input_schema\":{\"type\":\"object\",\"properties\":{"
		 "\"name\":"
		 "{\"type\":\"string\",\"description\":\"e\"}}}}]}",
		 "R d\nR e\n."},
		{MESSAGES,
		 "{\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":[{"
		 "\"type\":"
		 "\"tool_reference\",\"tool_name\":\"b\"},{\"type\":\"web_search_result\",\"url\":"
		 "\"c\","
		 "\"encrypted_content\":\"d\",\"encrypted_index\":\"e\"}],\"file_id\":\"f\"}]}",
		 "R c\n."},
		/* base64, and a document that is text */
		{MESSAGES,
		 "{\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"a\"},"
		 "\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"b\"},"
		 "\"source\":{\"data\":\"c\",\"type\":\"text\"}}",
		 "R b\n."},
		/* the model's own call */
		{MESSAGES,
		 "{\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"b\",\"input\":{"
		 "\"id\":"
		 "\"c\",\"n\":5,\"x\":[\"d\",{\"thinking\":\"e\",\"type\":\"text\"}],\"data\":"
		 "\"f\"},"
		 "\"text\":\"g\"}]}",
		 "I c\nI d\nI e\nI text\nI f\nR g\n."},
		{MESSAGES, "{\"input\":\"a\",\"type\":\"server_tool_use\"}", "I a\n."},
		{MESSAGES, "{\"type\":\"text\",\"input\":\"a\"}", "R a\n."},
		{MESSAGES, "{\"type\":\"mcp_tool_use\",\"input\":[[\"a\"]],\"b\":\"c\"}",
		 "I a\nR c\n."},
		{"/v1/messages/count_tokens", "{\"name\":\"a\",\"b\":\"c\"}", "R c\n."},
		/* other APIs: everything but what is signed */
		{"/mcp", "{\"id\":\"a\",\"params\":{\"name\":\"b\",\"input\":{\"data\":\"c\"}}}",
		 "R a\nR b\nR c\n."},
		{"/model/m/invoke",
		 "[{\"type\":\"thinking\",\"thinking\":\"a\",\"signature\":\"b\"},{\"type\":"
		 "\"redacted_thinking\",\"data\":\"c\"},{\"data\":\"d\"},{\"type\":\"tool_use\","
		 "\"input\":{\"e\":\"f\"}}]",
		 "R thinking\nR redacted_thinking\nR d\nR tool_use\nI f\n."},
		{"/x?y=z#/v1/messages", "[\"\\u0061\"]", "R a\n."},
		{"/x", "\"a\"", "R a\n."},
		{"/x", "[\"a\", -1.5e+3, true , false,null,0]", "R a\n."},
		{"/x", " 17 ", "."},
		/* keys are compared decoded, and whole */
		{MESSAGES,
		 "{\"\\u0074hinking\":\"a\",\"thinkin\\u0067\":\"b\",\"thinking "
		 "\":\"c\",\"athinking\":"
		 "\"d\",\"thinking\\u0000\":\"e\",\"thinkin\xc3\xa7\":\"f\"}",
		 "R c\nR d\nR e\nR f\n."},
		/* no JSON: nothing is taken for text after it */
		{MESSAGES, "{\"a\":\"b\"}x{\"a\":\"c\"}", "R b\n.json"},
		{MESSAGES, "{\"a\":\"b\",}", "R b\n.json"},
		{MESSAGES, "{\"a\":\"b\" \"c\":\"d\"}", "R b\n.json"},
		{MESSAGES, "{\"a\":\"b\"]", "R b\n.json"},
		{MESSAGES, "[\"a\",]", "R a\n.json"},
		{MESSAGES, "[,\"a\"]", ".json"},
		{MESSAGES, "[\"a\\x\"]", "R a\n.json"},
		{MESSAGES, "[\"a\\u00g0\"]", "R a\n.json"},
		{MESSAGES, "[\"a\nb\"]", "R a\n.json"},
		{MESSAGES, "{a:\"b\"}", ".json"},
		{MESSAGES, "{'a':\"b\"}", ".json"},
		{MESSAGES, "[\"a\"", "R a\n.json"},
		{MESSAGES, "[078-05-1120]", ".json"},
		{MESSAGES, "[\"a\",nulls]", "R a\n.json"},
		{MESSAGES, "[\"a\",tru]", "R a\n.json"},
		{MESSAGES, "[1.]", ".json"},
		{MESSAGES, "[01]", ".json"},
		{MESSAGES, "[1e]", ".json"},
		{MESSAGES, "[- 1]", ".json"},
		{MESSAGES, "hello", ".json"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		content_expect_ask(rows[i].path, rows[i].body, rows[i].want);
}

static void characters(void **state)
{
	static const struct {
		const char *body, *want;
	} rows[] = {
		{"[\"\\\"\\\\\\/\\b\\f\\r\\t|\"]", "R \"\\/\b\f\r\t|\n."},
		{"[\"\\u0031\\u007A\\u007a\"]", "R 1zz\n."},
		{"[\"\\u00e9\\u20ac\\ud83d\\ude00\"]", "R \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n."},
		{"[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]",
		 "R \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n."},
		/* half a pair: something is there, and it is no character */
		{"[\"1\\ud83d2\"]", "R 1\xff"
				    "2\n."},
		{"[\"1\\ud83d\\n2\"]", "R 1\xff\n2\n."},
		{"[\"1\\ud83d\\u00322\"]", "R 1\xff"
					   "22\n."},
		{"[\"1\\ude002\"]", "R 1\xff"
				    "2\n."},
		{"[\"1\\ud83d\\ud83d\\ude002\"]", "R 1\xff\xf0\x9f\x98\x80"
						  "2\n."},
		{"[\"1\\ud83d\xc3\xa9\"]", "R 1\xff\xc3\xa9\n."},
		{"[\"1\\ud83d\",\"2\"]", "R 1\nR 2\n."},
		/* no UTF-8 */
		{"[\"1\xc3"
		 "2\"]",
		 "R 1\xff"
		 "2\n."},
		{"[\"1\xe2\x82"
		 "2\"]",
		 "R 1\xff"
		 "2\n."},
		{"[\"1\xbf"
		 "2\"]",
		 "R 1\xff"
		 "2\n."},
		{"[\"1\xff"
		 "2\"]",
		 "R 1\xff"
		 "2\n."},
		{"[\"1\xc0\xb1"
		 "2\"]",
		 "R 1\xff"
		 "2\n."},
		{"[\"1\xed\xa0\x80"
		 "2\"]",
		 "R 1\xff"
		 "2\n."},
		{"[\"1\xf4\x90\x80\x80"
		 "2\"]",
		 "R 1\xff"
		 "2\n."},
		{"[\"1\xc3\",\"2\"]", "R 1\nR 2\n."},
		{"[\"1\xc3\xc3\xa9\"]", "R 1\xff\xc3\xa9\n."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		content_expect_ask(MESSAGES, rows[i].body, rows[i].want);
}

static void other_bodies(void **state)
{
	static const char form[] = "POST /x HTTP/1.1\r\nContent-Type: "
				   "application/x-www-form-urlencoded\r\nContent-Length: "
				   "16\r\n\r\na=%31\\u0031&b=\xc3\xa9";
	static const char untyped[] =
		"POST /v1/messages HTTP/1.1\r\nContent-Type: "
		"text/plain\r\nContent-Length: 17\r\n\r\n{\"thinking\":\"a\"}x";

	(void)state;
	content_expect(0, form, "R a=%31\\u0031&b=\xc3\xa9\n.");
	content_expect(0, untyped, ".json");
}

static void documents(void **state)
{
	static const struct {
		const char *body, *want;
	} rows[] = {
		{"{\"type\":\"message\",\"id\":\"a\",\"content\":[{\"type\":\"text\",\"text\":"
		 "\"b\"},"
		 "{\"text\":\"c\",\"type\":\"text\",\"citations\":[{\"type\":\"char_location\","
		 "\"cited_text\":\"d\"}]}],\"model\":\"e\",\"stop_reason\":\"end_turn\"}",
		 "T b\nT c\n."},
		{"{\"content\":[{\"type\":\"thinking\",\"thinking\":\"a\",\"signature\":\"b\"},{"
		 "\"type\":"
		 "\"redacted_thinking\",\"data\":\"c\"},{\"type\":\"thinking\",\"text\":\"d\"}]}",
		 "."},
		{"{\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"b\",\"input\":{"
		 "\"c\":\"d\","
		 "\"e\":[1,\"f\"]}},{\"input\":{\"g\":\"h\"},\"name\":\"i\"}]}",
		 "I d\nI f\nI h\n."},
		{"{\"type\":\"error\",\"error\":{\"type\":\"a\",\"message\":\"b\",\"x\":{"
		 "\"message\":\"c\"}"
		 ",\"message\":\"d\"},\"message\":\"e\"}",
		 "T b\nT d\n."},
		{"{\"error\":{\"message\":\"a\"},\"x\":{\"message\":\"b\"}}", "T a\n."},
		{"{\"error\":[{\"message\":\"a\"}],\"error\":\"b\"}", "."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		content_expect_answer("application/json", rows[i].body, rows[i].want);
}

static void streams(void **state)
{
	static const struct {
		const char *body, *want;
	} rows[] = {
		/* the text of a block joins over its deltas */
		{START("a") BLOCK("0", TEXT_BLOCK) SAY("0", "07") PING SAY("0", "8-05")
			 SAY("0", "-1120") STOP("0") DONE("end_turn"),
		 "T 078-05-1120"},
		{START("a") BLOCK("0", TEXT_BLOCK) SAY("0", "a") STOP("0") BLOCK("1", TEXT_BLOCK)
			 SAY("1", "b"),
		 "T a\nT b"},
		/* a delta of another block, and back */
		{BLOCK("0", TEXT_BLOCK) SAY("0", "a") SAY("1", "b") SAY("0", "c"), "T a\nT b\nT c"},
		/* the start of a block with text in it */
		{BLOCK("0", "{\"type\":\"text\",\"text\":\"a\"}") SAY("0", "b")
			 BLOCK("0", "{\"text\":\"c\",\"type\":\"text\"}") SAY("0", "d"),
		 "T ab\nT cd"},
		{START("a") BLOCK("0", TEXT_BLOCK) SAY("0", "a") START("b") SAY("0", "c"),
		 "T a\nT c"},
		/* never */
		{BLOCK("0", "{\"type\":\"thinking\",\"thinking\":\"a\",\"signature\":\"\"}")
			 DELTA_OF("thinking_delta", "thinking", "b")
				 DELTA_OF("signature_delta", "signature", "c") STOP("0"),
		 ""},
		{DELTA_OF("thinking_delta", "text", "a") DELTA_OF("new_delta", "text", "b")
			 DELTA_OF("new_delta", "partial_json", "\\\"c\\\"")
				 DELTA_OF("citations_delta", "cited_text", "d"),
		 ""},
		/* keys in any order, blanks between */
		{"data: { \"delta\" : { \"text\" : \"a\" , \"type\" : \"text_delta\" } , \"type\" "
		 ": "
		 "\"content_block_delta\" , \"index\" : 0 }\n\n"
		 "data:{\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"b\"}}\n\n",
		 "T ab"},
		/* an index that comes late counts for what comes after */
		{SAY("0", "a") "data: "
			       "{\"delta\":{\"type\":\"text_delta\",\"text\":\"b\"},\"index\":1}"
			       "\n\n" SAY("1", "c"),
		 "T ab\nT c"},
		/* errors */
		{EVENT("error",
		       "{\"type\":\"error\",\"error\":{\"type\":\"overloaded\",\"message\":\"a\"}}")
			 SAY("0", "b"),
		 "T a\nT b"},
		/* lines: CR, CRLF, comments, fields that are not data, an event over several lines
		 */
		{"\xef\xbb\xbf"
		 "data: {\"text\":\rdata:\"a\"}\r\r: c\r\ndata: {\"te\r\nid: 1\r\n\r\n",
		 "T a\n?json"},
		{"data\ndata: {\"delta\":\ndata:\ndata\ndata:   {\"text\":\ndata: \"a\"}}\n\n"
		 "retry: 5\ndatum: {\"text\":\"x\"}\ndatax: {\"text\":\"x\"}\n data: "
		 "{\"text\":\"x\"}\n"
		 ":data: {\"text\":\"x\"}\n\ndata: {\"delta\":{\"text\":\"b\"}}\n\n",
		 "T ab"},
		/* an event that is no JSON does not spoil the next */
		{"data: {\"delta\":{\"text\":\"a\n\ndata: [DONE]\n\n" SAY("0", "b"), "T ab\n?json"},
		/* nor does what it was in the middle of */
		{"data: {\"error\":{\"x\":\n\ndata: {\"delta\":{\"message\":\"a\"}}\n\n"
		 "data: {\"delta\":{\"input\":{\n\n" SAY(
			 "0", "b") "data: {\"text\":\n\ndata: [\"c\"]\n\n",
		 "T b\n?json"},
		/* half a character at the end of a line, half a pair at the end of a delta */
		{"data: {\"delta\":{\"text\":\"a\xc3\n\n" SAY("0", "\xa9"
								   "b"),
		 "T a\xff\xff"
		 "b\n?json"},
		{SAY("0", "a\\ud83d") SAY("0", "\\ude00b"), "T a\xf0\x9f\x98\x80"
							    "b"},
		{SAY("0", "a\\ud83d") SAY("0", "b"), "T a\xff"
						     "b"},
		{SAY("0", "a\\ud83d") SAY("1", "\\ude00b"), "T a\nT \xff"
							    "b"},
		{DELTA("0", "{\"text\":\"x\\u0031\\n\xc3\xa9\",\"type\":\"text_delta\"}"),
		 "T x1\n\xc3\xa9"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buffer b = {0};
		char *want;

		assert_int_equal(buffer_printf(&b, CONTENT_TEST_MAX, "%s", rows[i].want), 0);
		if (strchr(rows[i].want, '?')) {
			/* told when the message ends, too */
			b.len = (size_t)(strchr(rows[i].want, '?') - rows[i].want);
			assert_int_equal(buffer_printf(&b, CONTENT_TEST_MAX, ".json"), 0);
		} else {
			assert_int_equal(buffer_printf(&b, CONTENT_TEST_MAX, b.len ? "\n." : "."),
					 0);
		}
		want = (char *)b.data;
		content_expect_answer(SSE, rows[i].body, want);
		buffer_free(&b);
	}
}

/* JSON in pieces inside of JSON strings: the value of a string is its text, however it is cut. */
static void tool_inputs(void **state)
{
	static const struct {
		const char *body, *want;
	} rows[] = {
		{BLOCK("0", USE("a", "Bash")) PART("0", "") PART("0", "{\\\"com")
			 PART("0", "mand\\\": \\\"") PART("0", "ec")
				 PART("0", "ho\\\", \\\"n\\\": 12, \\\"a\\\":[\\\"b\\\"]}"),
		 "I echo\nI b\n."},
		/* escapes of escapes, also cut */
		{PART("0", "{\\\"a\\\":\\\"\\\\u0031\\\\n\\\\\\\"\\\\\\\\\\\"}"), "I 1\n\"\\\n."},
		{PART("0", "{\\\"a\\\":\\\"\\\\") PART("0", "u00") PART("0", "3") PART("0", "1\\\\")
			 PART("0", "n2\\\"}"),
		 "I 1\n2\n."},
		{PART("0", "{\\\"a\\\":\\\"\\\\ud83d")
			 PART("0", "\\\\ude00\xc3\xa9\\u00e9\\ud83d\\ude00\\\"}"),
		 "I \xf0\x9f\x98\x80\xc3\xa9\xc3\xa9\xf0\x9f\x98\x80\n."},
		{PART("0", "{\\u0022a\\u0022:\\u0022\\u005c\\u0075003\\u0031\\u0022}"), "I 1\n."},
		/* a new block starts over */
		{PART("0", "{\\\"a\\\":\\\"b") BLOCK("1", USE("c", "d"))
			 PART("1", "{\\\"e\\\":\\\"f\\\"}"),
		 "I b\nI f\n."},
		{PART("0", "[\\\"a\\\"]") PART("1", "[\\\"b\\\"]"), "I a\nI b\n."},
		/* an input with the start of its block */
		{BLOCK("0",
		       "{\"type\":\"tool_use\",\"input\":{\"a\":\"b\",\"c\":{\"text\":\"d\"}}}")
			 BLOCK("1", TEXT_BLOCK) SAY("1", "e"),
		 "I b\nI d\nT e\n."},
		{BLOCK("0", TEXT_BLOCK) SAY("0", "a") PART("0", "[\\\"b\\\"]") SAY("0", "c"),
		 "T a\nI b\nT c\n."},
		{PART("0", "{\\\"a\\\" \\\"b\\\"}") PART("1", "[\\\"c\\\"]"), "I c\n.json"},
		{PART("0", "[\\\"a\\nb\\\"]"), "I a\n.json"},
		{"data: "
		 "{\"delta\":{\"partial_json\":\"[\\\"a\\\"]\",\"type\":\"input_json_delta\"}}\n\n",
		 "I a\n."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		content_expect_answer(SSE, rows[i].body, rows[i].want);
}

static void depth(void **state)
{
	char body[2200], *p = body;
	struct buffer b = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		*p++ = '[';
	p += snprintf(p, 8, "\"a\"");
	for (int i = 0; i < 1000; i++)
		*p++ = ']';
	*p = 0;
	content_expect_ask(MESSAGES, body, ".deep");
	/* the next message is read again */
	content_ask(&b, MESSAGES, body);
	content_put(&b, "POST /x HTTP/1.1\r\nContent-Length: 1\r\n\r\nb");
	content_expect_buffer(0, &b, ".deep\nR b\n.");
	buffer_free(&b);
	/* as deep as it may be */
	snprintf(body, sizeof(body), "%.64s\"a\"%.64s",
		 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
		 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
		 "]]]]]]]]]]]]]]]]]]]]]]]");
	content_expect_ask(MESSAGES, body, "R a\n.");
	/* types are forgotten below a depth, and then keys decide */
	snprintf(body, sizeof(body), "%.40s{\"type\":\"text\",\"thinking\":\"b\",\"x\":\"c\"}%.40s",
		 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	content_expect_ask(MESSAGES, body, "R c\n.");
}

UNIT_MAIN(unit(requests), unit(characters), unit(other_bodies), unit(documents), unit(streams),
	  unit(tool_inputs), unit(depth))
