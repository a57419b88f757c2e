// SPDX-License-Identifier: Apache-2.0
/* Conversations: what is told of requests and responses of the Messages API, and what only once. */
#include "test_wire.h"

#define EVENT(type, data) "event: " type "\ndata: " data "\n\n"
#define START(id)                                                                                  \
	EVENT("message_start",                                                                     \
	      "{\"type\":\"message_start\",\"message\":{\"id\":\"" id                              \
	      "\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[],\"model\":\"m\","     \
	      "\"usage\":{\"input_tokens\":11,\"output_tokens\":1}}}")
#define BLOCK(i, block)                                                                            \
	EVENT("content_block_start",                                                               \
	      "{\"type\":\"content_block_start\",\"index\":" i ",\"content_block\":" block "}")
#define DELTA(i, delta)                                                                            \
	EVENT("content_block_delta",                                                               \
	      "{\"type\":\"content_block_delta\",\"index\":" i ",\"delta\":" delta "}")
#define SAY(i, text)  DELTA(i, "{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define PART(i, json) DELTA(i, "{\"type\":\"input_json_delta\",\"partial_json\":\"" json "\"}")
#define STOP(i)	      EVENT("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":" i "}")
#define TEXT_BLOCK    "{\"type\":\"text\",\"text\":\"\"}"
#define USE(id, name) "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"" name "\",\"input\":{}}"
#define DONE(why)                                                                                  \
	EVENT("message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" why     \
			       "\"},\"usage\":{\"output_tokens\":25}}")                            \
	EVENT("message_stop", "{\"type\":\"message_stop\"}")
#define PING EVENT("ping", "{\"type\":\"ping\"}")

#define REQUEST(messages) "{\"model\":\"m\",\"messages\":[" messages "],\"stream\":true}"
#define USER(text)	  "{\"role\":\"user\",\"content\":\"" text "\"}"
#define ASSISTANT(text)                                                                            \
	"{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"" text "\"}]}"
#define OK_RESPONSE(n, stop) "response #" n " status=200 stop=" stop " message=msg_1 in=11 out=25\n"

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
	script_expect(&s,
		      ASKED("1") CALL(
			      "1",
			      "messages=1 new=1 stream") "message #1 sent text role=user text=yes\n"
							 "body #1 received text={} bytes=2\n"
							 "response #1 status=200 in=0 "
							 "out=0\n" ASKED("2")
								 CALL("2", "messages=3 new=2 "
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
											     "m") "message #3 sent text role=user text=yes\n"
												  "-- end of connection\n"
												  "response #3 status=0 in=0 out=0 incomplete\n"
												  "-- end of client\n");
}

UNIT_MAIN(unit(test_conversation), unit(test_every_cut_gives_the_same),
	  unit(test_each_message_is_told_once), unit(test_the_same_word_again_is_news))
