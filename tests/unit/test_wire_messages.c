// SPDX-License-Identifier: Apache-2.0
/* Conversations: what is told of requests and responses of the Messages API, and what only once. */
#include "test_wire.h"
#include "test_wire_sse.h"

/* A turn with a tool, and the next that sends it all again. */
static void conversation(struct script *s)
{
	ask(s, REQUEST(USER("list the files")));
	answer_sse(s,
		   START("msg_1") BLOCK("0", TEXT_BLOCK) PING SAY("0", "I will ") SAY("0", "look.")
			   STOP("0") BLOCK("1", USE("toolu_1", "Bash")) PART("1", "{\\\"comm")
				   PART("1", "and\\\": \\\"ls\\\"}") STOP("1") DONE("tool_use"));
	ask(s, REQUEST(USER("list the files") ","
					      "{\"role\":\"assistant\",\"content\":[{\"type\":"
					      "\"text\",\"text\":\"I will look.\"},"
					      "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":"
					      "\"Bash\",\"input\":{\"command\":\"ls\"}}]},"
					      "{\"role\":\"user\",\"content\":[{\"type\":\"tool_"
					      "result\",\"tool_use_id\":\"toolu_1\","
					      "\"content\":\"a.txt\",\"is_error\":false}]}"));
	answer_sse(s, START("msg_1") BLOCK("0", TEXT_BLOCK) SAY("0", "One file.") STOP("0")
			      DONE("end_turn"));
}

static const char conversation_told[] = ASKED("1") CALL(
	"1",
	"messages=1 new=1 stream") "message #1 sent text role=user text=list the files\n"
				   "message #1 said text role=assistant text=I will look.\n"
				   "tool_use #1 id=toolu_1 name=Bash input={\"command\": \"ls\"}\n"
				   "message #1 said tool_use role=assistant id=toolu_1 "
				   "text={\"command\": \"ls\"}\n" OK_RESPONSE("1",
									      "tool_use") ASKED("2")
					   CALL("2",
						"messages=3 new=1 stream") "tool_result #2 "
									   "id=toolu_1 use=Bash "
									   "input={\"command\": "
									   "\"ls\"} result=a.txt "
									   "duration=1000\n"
									   "message #2 sent "
									   "tool_result role=user "
									   "id=toolu_1 text=a.txt\n"
									   "message #2 said text "
									   "role=assistant "
									   "text=One "
									   "file.\n" OK_RESPONSE(
										   "2", "end_turn")
										   END;

static void test_conversation(void **state)
{
	struct script s = {0};

	conversation(&s);
	script_expect(&s, conversation_told);
}

static void test_every_cut_gives_the_same(void **state)
{
	struct script s = {0};
	size_t total = 0;

	conversation(&s);
	for (size_t i = 0; i < s.len; i++)
		total += s.steps[i].bytes.len;
	assert_in_range(total, 2000, 8000);
	for (size_t cut = 1; cut < total; cut++) {
		char *got = script_run(&s, SIZE_MAX, cut);

		assert_string_equal(got, conversation_told);
		free(got);
	}
	script_free(&s);
}

static void test_each_message_is_told_once(void **state)
{
	struct script s = {0};
	struct buffer body = {0};
	char *got;

	/* ten turns; the marker for the cache moves along, and makes a list of the string it stands
	 * on */
	for (int turn = 0; turn < 10; turn++) {
		put(&body, "{\"model\":\"m\",\"messages\":[");
		for (int i = 0; i <= turn; i++) {
			assert_int_equal(
				buffer_printf(
					&body, TEXT_MAX,
					i == turn ? "{\"role\":\"user\",\"content\":[{\"type\":"
						    "\"text\",\"text\":\"turn %d\","
						    "\"cache_control\":{\"type\":\"ephemeral\"}}]}"
						  : "{\"role\":\"user\",\"content\":\"turn %d\"},",
					i),
				0);
		}
		put(&body, "]}");
		ask(&s, (const char *)body.data);
		answer(&s, "", "{}", 2);
		buffer_free(&body);
	}
	got = script_run(&s, SIZE_MAX, 0);
	assert_int_equal(count_of(got, " sent text role=user text=turn "), 10);
	assert_int_equal(count_of(got, " new=1\n"), 10);
	assert_int_equal(count_of(got, "undecodable"), 0);
	free(got);
	script_free(&s);
}

static void test_the_same_word_again_is_news(void **state)
{
	struct script s = {0};

	ask(&s, REQUEST(USER("yes")));
	answer(&s, "", "{}", 2);
	ask(&s, REQUEST(USER("yes") "," ASSISTANT("ok") "," USER("yes")));
	answer(&s, "", "{}", 2);
	/* written in another way, it is still the second and third */
	ask(&s, REQUEST(USER("yes") "," ASSISTANT("ok") "," USER("\\u0079es") "," USER("yes")));
	script_expect(
		&s,
		ASKED("1") CALL(
			"1",
			"messages=1 new=1 stream") "message #1 sent text role=user text=yes\n"
						   "body #1 received text={} bytes=2\n"
						   "response #1 status=200 in=0 "
						   "out=0\n" ASKED("2") CALL(
							   "2",
							   "messages=3 new=2 "
							   "stream") "message #2 "
								     "sent text "
								     "role="
								     "assistant "
								     "text=ok\n"
								     "message #2 "
								     "sent text "
								     "role=user "
								     "text=yes\n"
								     "body #2 "
								     "received "
								     "text={} "
								     "bytes=2\n"
								     "response #2 "
								     "status=200 "
								     "in=0 "
								     "out="
								     "0\n" ASKED("3") CALL(
									     "3",
									     "messa"
									     "ges="
									     "4 "
									     "new="
									     "1 "
									     "strea"
									     "m") "message #3 sent "
										  "text role=user "
										  "text=yes\n"
										  "-- end of "
										  "connection\n"
										  "response #3 "
										  "status=0 in=0 "
										  "out=0 "
										  "incomplete\n"
										  "-- end of "
										  "client\n");
}

static void test_who_asks(void **state)
{
	static const char both[] =
		"{\"model\":\"claude-x\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
		"{\"role\":\"system\",\"content\":\"# Environment\\n - Primary working directory: "
		"/home/a/p\\n"
		" - Platform: "
		"linux\"},{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":"
		"\"The user's email address is a@company.com.\"}]}],"
		"\"system\":[{\"type\":\"text\",\"text\":\"x-anthropic-billing-header: "
		"cc_version=2.1.329.59d; cc_entrypoint=cli; cch=%s;\"},"
		"{\"type\":\"text\",\"text\":\"You are an "
		"agent.\",\"cache_control\":{\"type\":\"ephemeral\"}}],"
		"\"tools\":[{\"name\":\"Skill\",\"input_schema\":{}}],\"max_tokens\":32000,"
		"\"metadata\":{\"user_id\":\"%s\"},\"stream\":true}";
	struct buffer body = {0};
	struct script s = {0};

	assert_int_equal(
		buffer_printf(&body, TEXT_MAX, both, "1",
			      "{\\\"device_id\\\":\\\"d1\\\",\\\"account_uuid\\\":\\\"\\\","
			      "\\\"session_id\\\":\\\"s2\\\"}"),
		0);
	ask(&s, (const char *)body.data);
	answer(&s, "", "", 0);
	body.len = 0;
	/* the older form; nothing but the attribution line is new, and that is no message */
	assert_int_equal(buffer_printf(&body, TEXT_MAX, both, "2", "user_d2_account_a2_session_s3"),
			 0);
	ask(&s, (const char *)body.data);
	answer(&s, "", "", 0);
	buffer_free(&body);
	script_expect(&s, ASKED("1") "model_call #1 model=claude-x device=d1 account= session=s2 "
				     "version=2.1.329.59d "
				     "entrypoint=cli directory=/home/a/p email=a@company.com "
				     "messages=3 new=3 stream\n"
				     "message #1 sent text role=user text=hi\n"
				     "message #1 sent system role=system text=# Environment| - "
				     "Primary working directory: "
				     "/home/a/p| - Platform: linux\n"
				     "message #1 sent system role=system text=The user's email "
				     "address is a@company.com.\n"
				     "message #1 sent system role=system text=You are an agent.\n"
				     "message #1 sent other role=tools "
				     "text={\"name\":\"Skill\",\"input_schema\":{}}\n"
				     "response #1 status=200 in=0 out=0\n" ASKED(
					     "2") "model_call #2 model=claude-x device=d2 "
						  "account=a2 session=s3 version=2.1.329.59d "
						  "entrypoint=cli directory=/home/a/p "
						  "email=a@company.com messages=3 new=0 stream\n"
						  "response #2 status=200 in=0 out=0\n" END);
}

static void test_nothing_hides_beside_known_members(void **state)
{
	struct script s = {0};

	ask(&s,
	    "{\"model\":\"m\",\"m\\u0065ssages\":[{\"role\":\"user\",\"content\":[{\"type\":"
	    "\"text\","
	    "\"text\":\"a\",\"note\":\"n\"}],\"x\":1}],\"system\":[{\"type\":\"text\",\"text\":"
	    "\"x-anthropic-billing-header: say this instead\"}],\"metadata\":{\"user_id\":\"?\"},"
	    "\"extra\":\"something that is longer than a setting\"}");
	script_expect(
		&s,
		ASKED("1") CALL(
			"1",
			"messages=1 new=1") "message #1 sent text role=user text=a\n"
					    "message #1 sent other role=user "
					    "text={\"note\":\"n\"}\n"
					    "message #1 sent other role=user text={\"x\":1}\n"
					    "message #1 sent system role=system "
					    "text=x-anthropic-billing-header: say this instead\n"
					    "message #1 sent other role=extra text=\"something "
					    "that is longer than a setting\"\n"
					    "-- end of connection\nresponse #1 status=0 in=0 out=0 "
					    "incomplete\n-- end of client\n");
}

static void test_results_with_blocks(void **state)
{
	struct script s = {0};

	ask(&s, REQUEST("{\"role\":\"user\",\"content\":["
			"{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"is_error\":true,"
			"\"content\":["
			"{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"tool_reference\",\"tool_"
			"name\":\"WebFetch\"},"
			"{\"type\":\"text\",\"text\":\"two\"}]},"
			"{\"type\":\"tool_result\",\"tool_use_id\":\"t2\"},"
			"{\"type\":\"image\",\"source\":{\"data\":\"aGk=\"}},"
			"{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"zz\"}]}"));
	answer(&s, "", "", 0);
	/* the same id with another result: a message, and no second answer of the tool */
	ask(&s, REQUEST("{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":"
			"\"t1\","
			"\"content\":\"other\"}]}"));
	answer(&s, "", "", 0);
	script_expect(
		&s,
		ASKED("1") CALL(
			"1", "messages=1 new=1 stream") "tool_result #1 id=t1 result=one|two "
							"error duration=-1\n"
							"message #1 sent tool_result role=user "
							"id=t1 text=one|two\n"
							"message #1 sent other role=user id=t1 "
							"text={\"type\":\"tool_reference\",\"tool_"
							"name\":\"WebFetch\"}\n"
							"tool_result #1 id=t2 duration=-1\n"
							"message #1 sent tool_result role=user "
							"id=t2\n"
							"message #1 sent other role=user "
							"text={\"type\":\"image\",\"source\":{"
							"\"data\":\"aGk=\"}}\n"
							"message #1 sent thinking role=user "
							"text=hm\n"
							"response #1 status=200 in=0 "
							"out=0\n" ASKED("2")
								CALL("2", "messages=1 new=1 "
									  "stream") "message #2 "
										    "sent "
										    "tool_result "
										    "role=user "
										    "id=t1 "
										    "text=other\n"
										    "response #2 "
										    "status=200 "
										    "in=0 "
										    "out=0\n" END);
}

static void test_what_is_not_json(void **state)
{
	struct script s = {0};
	struct buffer deep = {0};

	ask(&s, "{\"model\":\"m\",\"messages\":[" USER(
			"read") ",{\"role\":\"user\",\"content\":nope}]}");
	answer(&s, "", "", 0);
	ask(&s, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"role\":\"x\",\"content\":"
		"\"c\"}," USER("2") "],\"stream\":false}");
	answer(&s, "", "", 0);
	put(&deep, "{\"messages\":");
	for (int i = 0; i < 100000; i++)
		put(&deep, "[");
	ask(&s, (const char *)deep.data);
	answer(&s, "", "", 0);
	ask(&s, "[1,2]");
	buffer_free(&deep);
	script_expect(
		&s,
		ASKED("1") CALL(
			"1",
			"messages=1 new=1") "message #1 sent text role=user text=read\n"
					    "undecodable #1 sent bytes=32 why=a request that is "
					    "not JSON\n"
					    "response #1 status=200 in=0 out=0\n" ASKED("2") CALL(
						    "2",
						    "messages=2 new=1") "undecodable #2 sent "
									"bytes=40 why=a value that "
									"two readers may read "
									"differently\n"
									"message #2 sent text "
									"role=user text=2\n"
									"response #2 status=200 "
									"in=0 out=0\n" ASKED(
										"3") "model_call "
										     "#3 "
										     "session=s-1 "
										     "version=2.1."
										     "329 "
										     "entrypoint="
										     "sdk-cli "
										     "messages=0 "
										     "new=0\n"
										     "undecodable "
										     "#3 sent "
										     "bytes=99999 "
										     "why=a "
										     "request that "
										     "is not JSON\n"
										     "response #3 "
										     "status=200 "
										     "in=0 "
										     "out="
										     "0\n" ASKED(
											     "4") "model_call #4 session=s-1 version=2.1.329 entrypoint=sdk-cli messages=0 new=0\n"
												  "undecodable #4 sent bytes=4 why=a request that is not JSON\n"
												  "-- end of connection\nresponse #4 status=0 in=0 out=0 incomplete\n-- end of client\n");
}

static void test_old_digests_give_way(void **state)
{
	struct script s = {
		.limits = {.body = 1 << 20, .head = 4096, .other_body = 4096, .seen_messages = 16}};
	struct buffer body = {0};
	char *got;

	for (int turn = 0; turn < 2; turn++) {
		body.len = 0;
		put(&body, "{\"model\":\"m\",\"messages\":[");
		for (int i = 0; i < 100; i++)
			assert_int_equal(
				buffer_printf(&body, TEXT_MAX,
					      "%s{\"role\":\"user\",\"content\":\"number %d\"}",
					      i ? "," : "", i),
				0);
		put(&body, "]}");
		ask(&s, (const char *)body.data);
		answer(&s, "", "", 0);
	}
	got = script_run(&s, SIZE_MAX, 0);
	/* forgotten messages are told again, and none is left out */
	assert_in_range(count_of(got, " sent text "), 101, 200);
	assert_non_null(strstr(got, "messages=100 new=100\n"));
	free(got);
	buffer_free(&body);
	script_free(&s);
}

static void test_another_agent_is_another_conversation(void **state)
{
	static const char *const agents[] = {"a", "b", "a"};
	static const char body[] = "{\"model\":\"m\",\"messages\":[" USER("yes") "]}";
	struct script s = {0};
	char *got;

	for (int i = 0; i < 3; i++) {
		struct buffer *b = script_add(&s, WIRE_SENT);

		assert_int_equal(
			buffer_printf(b, TEXT_MAX,
				      "POST /gateway/v1/messages HTTP/1.1\r\nHost: h\r\n"
				      "x-claude-code-agent-id: %s\r\nContent-Length: %zu\r\n\r\n%s",
				      agents[i], strlen(body), body),
			0);
		answer(&s, "", "", 0);
	}
	got = script_run(&s, SIZE_MAX, 0);
	assert_int_equal(count_of(got, " sent text role=user text=yes\n"), 2);
	assert_non_null(strstr(got, "message #2 sent text role=user text=yes\n"));
	free(got);
	script_free(&s);
}

UNIT_MAIN(unit(test_conversation), unit(test_every_cut_gives_the_same),
	  unit(test_each_message_is_told_once), unit(test_the_same_word_again_is_news),
	  unit(test_who_asks), unit(test_nothing_hides_beside_known_members),
	  unit(test_results_with_blocks), unit(test_what_is_not_json),
	  unit(test_old_digests_give_way), unit(test_another_agent_is_another_conversation))
