// SPDX-License-Identifier: Apache-2.0
/* Responses of the Messages API: blocks side by side, cut anywhere, of unknown kinds, errors. */
#include "test_wire.h"
#include "test_wire_sse.h"

static void test_two_tools_at_once(void **state)
{
	struct script s = {0};

	ask(&s, REQUEST(USER("go")));
	/* the parts of one come between those of the other */
	answer_sse(&s,
		   START("msg_1") BLOCK("0", USE("a", "Read")) BLOCK("1", USE("b", "Bash"))
			   PART("1", "{\\\"c\\\":") PART("0", "{\\\"p\\\":") PING PART("0", "1}")
				   PART("1", "2}") STOP("1") STOP("0") BLOCK("2", USE("c", "Now"))
					   STOP("2") DONE("tool_use"));
	script_expect(
		&s,
		ASKED("1") CALL(
			"1",
			"messages=1 new=1 stream") "message #1 sent text role=user text=go\n"
						   "tool_use #1 id=b name=Bash input={\"c\":2}\n"
						   "message #1 said tool_use role=assistant id=b "
						   "text={\"c\":2}\n"
						   "tool_use #1 id=a name=Read input={\"p\":1}\n"
						   "message #1 said tool_use role=assistant id=a "
						   "text={\"p\":1}\n"
						   "tool_use #1 id=c name=Now input={}\n"
						   "message #1 said tool_use role=assistant id=c "
						   "text={}\n" OK_RESPONSE("1", "tool_use") END);
}

static void no_sink(void *ctx, const struct wire_event *event)
{
}

/* The tool_uses that are open, after each event of a response. */
static void test_open_tools(void **state)
{
	static const struct {
		const char *event, *want;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", ""},
		{START("msg_1"), ""},
		{BLOCK("0", TEXT_BLOCK), ""},
		{SAY("0", "so"), ""},
		{STOP("0"), ""},
		{BLOCK("1", USE("a", "Read")), "a Read;"},
		{BLOCK("2", USE("b", "Bash")), "a Read;b Bash;"},
		{PART("2", "{"), "a Read;b Bash;"},
		{STOP("1"), "b Bash;"},
		{BLOCK("3", USE("c", "Now")), "c Now;b Bash;"},
		{STOP("2"), "c Now;"},
		{DONE("tool_use"), ""},
	};
	static const char body[] = REQUEST(USER("go"));
	struct wire_client *client;
	struct wire_conn *conn;
	char head[256];

	assert_int_equal(wire_client_new(NULL, no_sink, NULL, &client), 0);
	assert_int_equal(wire_conn_new(client, &conn), 0);
	snprintf(head, sizeof(head),
		 "POST /v1/messages HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
		 "Content-Length: %zu\r\n\r\n",
		 strlen(body));
	assert_int_equal(wire_feed(conn, WIRE_SENT, 1, head, strlen(head)), 0);
	assert_int_equal(wire_feed(conn, WIRE_SENT, 1, body, strlen(body)), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wire_text id, name;
		char got[64] = "";

		assert_int_equal(
			wire_feed(conn, WIRE_RECEIVED, 2, rows[i].event, strlen(rows[i].event)), 0);
		for (size_t k = 0; wire_open_tool(conn, k, &id, &name); k++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s %.*s;",
				 (int)id.len, id.data, (int)name.len, name.data);
		assert_string_equal(got, rows[i].want);
	}
	wire_conn_free(conn);
	wire_client_free(client);
}

static void test_input_split_every_seven_bytes(void **state)
{
	static const char input[] =
		"{\"command\":\"echo '\\u00e9 \\ud83d\\ude00 \\\\ \\\"q\\\"'\",\"n\":1.5}";
	struct buffer body = {0};
	struct script s = {0};
	char *got;

	ask(&s, REQUEST(USER("go")));
	put(&body, START("msg_1") BLOCK("0", USE("t", "Bash")));
	for (size_t i = 0; i < strlen(input); i += 7) {
		put(&body, "event: content_block_delta\ndata: "
			   "{\"type\":\"content_block_delta\",\"index\":0,"
			   "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"");
		for (size_t k = i; k < i + 7 && input[k]; k++) {
			const char c[3] = {'\\', input[k], 0};

			put(&body, input[k] == '"' || input[k] == '\\' ? c : c + 1);
		}
		put(&body, "\"}}\n\n");
	}
	put(&body, STOP("0") DONE("tool_use"));
	answer_sse(&s, (const char *)body.data);
	got = script_run(&s, 5, 0);
	assert_int_equal(count_of(got, "\ntool_use #1 id=t name=Bash input="), 1);
	assert_non_null(strstr(got, input));
	free(got);
	buffer_free(&body);
	script_free(&s);
}

static void test_surrogates_across_deltas(void **state)
{
	struct script s = {0};

	ask(&s, REQUEST(USER("a \\ud83d b")));
	answer_sse(&s, START("msg_1") BLOCK("0", TEXT_BLOCK) SAY("0", "x\\ud83d") SAY(
			       "0", "\\ude00y") SAY("0", " \\ude00") STOP("0") DONE("end_turn"));
	/* the client joins them; what it sends back is not news */
	ask(&s, REQUEST(ASSISTANT("x\\ud83d\\ude00y \\ude00")));
	answer(&s, "", "", 0);
	script_expect(&s,
		      ASKED("1") CALL(
			      "1", "messages=1 new=1 stream") "message #1 sent text role=user "
							      "text=a \xef\xbf\xbd b\n"
							      "message #1 said text role=assistant "
							      "text=x\xf0\x9f\x98\x80y "
							      "\xef\xbf\xbd\n" OK_RESPONSE(
								      "1", "end_turn") ASKED("2")
								      CALL("2",
									   "messages=1 new=0 "
									   "stream") "response #2 "
										     "status=200 "
										     "in=0 "
										     "out=0\n" END);
}

static void test_thinking_and_unknown_events(void **state)
{
	struct script s = {0};

	ask(&s, REQUEST(USER("go")));
	answer_sse(
		&s,
		START("msg_1") BLOCK("0",
				     "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
			DELTA("0", "{\"type\":\"thinking_delta\",\"thinking\":\"let me\"}") DELTA(
				"0", "{\"type\":\"signature_delta\",\"signature\":\"s\"}") STOP("0")
				BLOCK("1", "{\"type\":\"web_search_tool_result\",\"tool_use_id\":"
					   "\"w\",\"content\":[]}") STOP("1")
					EVENT("later", "{\"type\":\"later\",\"x\":1}")
						EVENT("bad", "{nope") DONE("refusal"));
	script_expect(
		&s,
		ASKED("1") CALL(
			"1", "messages=1 new=1 stream") "message #1 sent text role=user text=go\n"
							"message #1 said thinking role=assistant "
							"text=let me\n"
							"message #1 said tool_result "
							"role=assistant id=w text={\"type\":"
							"\"web_search_tool_result\",\"tool_use_"
							"id\":\"w\",\"content\":[]}\n"
							"message #1 said other role=assistant "
							"text={\"type\":\"later\",\"x\":1}\n"
							"undecodable #1 received bytes=5 why=an "
							"event that is not JSON\n" OK_RESPONSE(
								"1", "refusal") END);
}

static void test_errors(void **state)
{
	static const char error[] = "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
				    "\"message\":\"Overloaded\"}}";
	struct script s = {0};

	/* in the middle of a stream, as a document, and as something else */
	ask(&s, REQUEST(USER("go")));
	answer_sse(&s,
		   START("msg_1") BLOCK("0", TEXT_BLOCK) SAY(
			   "0",
			   "half ") "event: error\ndata: "
				    "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
				    "\"message\":\"Overloaded\"}}\n\n");
	ask(&s, REQUEST(USER("go")));
	answer(&s, "Content-Type: application/json\r\n", error, strlen(error));
	ask(&s, REQUEST(USER("go")));
	answer(&s, "Content-Type: text/html\r\n", "<html>bad gateway", 17);
	script_expect(
		&s,
		ASKED("1") CALL(
			"1",
			"messages=1 new=1 stream") "message #1 sent text role=user text=go\n"
						   "message #1 said text role=assistant "
						   "text=half \n"
						   "response #1 status=200 message=msg_1 "
						   "error=overloaded_error: Overloaded in=11 "
						   "out=1\n" ASKED("2") CALL(
							   "2",
							   "messages="
							   "1 new=0 "
							   "stream") "response #2 status=200 "
								     "error=overloaded_error: "
								     "Overloaded in=0 "
								     "out=0\n" ASKED("3") CALL(
									     "3",
									     "messages=1 "
									     "new=0 "
									     "stream") "body "
										       "#3 "
										       "receiv"
										       "ed "
										       "type="
										       "text/"
										       "html "
										       "text=<"
										       "html>"
										       "bad "
										       "gatewa"
										       "y "
										       "bytes="
										       "17\n"
										       "respon"
										       "se #3 "
										       "status"
										       "=200 "
										       "in=0 "
										       "out="
										       "0"
										       "\n" END);
}

static void test_whole_document(void **state)
{
	static const char message[] =
		"{\"id\":\"msg_9\",\"type\":\"message\",\"role\":\"assistant\",\"content\":["
		"{\"type\":\"text\",\"text\":\"hello\"},{\"type\":\"tool_use\",\"id\":\"t\","
		"\"name\":\"Bash\","
		"\"input\":{\"command\":\"ls\"}}],\"stop_reason\":\"tool_use\","
		"\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":4,\"output_tokens\":5}}";
	struct script s = {0};

	ask(&s, REQUEST(USER("go")));
	answer(&s, "Content-Type: application/json\r\n", message, strlen(message));
	script_expect(
		&s,
		ASKED("1") CALL(
			"1", "messages=1 new=1 stream") "message #1 sent text role=user text=go\n"
							"message #1 said text role=assistant "
							"text=hello\n"
							"tool_use #1 id=t name=Bash "
							"input={\"command\":\"ls\"}\n"
							"message #1 said tool_use role=assistant "
							"id=t text={\"command\":\"ls\"}\n"
							"response #1 status=200 stop=tool_use "
							"message=msg_9 in=7 out=5\n" END);
}

static void test_stream_under_a_wrong_content_type(void **state)
{
	static const char body[] = "\xef\xbb\xbf\r\n" START("msg_1") BLOCK("0", TEXT_BLOCK)
		SAY("0", "seen") STOP("0") DONE("end_turn");
	struct script s = {0};

	ask(&s, REQUEST(USER("go")));
	answer(&s, "Content-Type: application/octet-stream\r\n", body, strlen(body));
	script_expect(
		&s,
		ASKED("1") CALL(
			"1", "messages=1 new=1 stream") "message #1 sent text role=user text=go\n"
							"message #1 said text role=assistant "
							"text=seen\n" OK_RESPONSE("1", "end_turn")
								END);
}

UNIT_MAIN(unit(test_two_tools_at_once), unit(test_open_tools),
	  unit(test_input_split_every_seven_bytes), unit(test_surrogates_across_deltas),
	  unit(test_thinking_and_unknown_events), unit(test_errors), unit(test_whole_document),
	  unit(test_stream_under_a_wrong_content_type))
