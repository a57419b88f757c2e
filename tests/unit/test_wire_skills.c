// SPDX-License-Identifier: Apache-2.0
/* Skills on the wire: asked for by the model, typed by the person, refused, and never answered. */
#include "test_wire.h"

#define USE(id, input)                                                                             \
	"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"         \
	"\"content_block\":{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"Skill\","           \
	"\"input\":{}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\","   \
	"\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"" input "\"}}"    \
	"\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
#define STOP "data: {\"type\":\"message_stop\"}\n\n"
#define RESULT(id, text)                                                                           \
	"{\"type\":\"tool_result\",\"tool_use_id\":\"" id "\",\"content\":\"" text "\"}"
#define ERROR(id, text)                                                                            \
	"{\"type\":\"tool_result\",\"tool_use_id\":\"" id "\",\"content\":\"" text                 \
	"\",\"is_error\":true}"
#define TEXT(text) "{\"type\":\"text\",\"text\":\"" text "\"}"
#define REQUEST(blocks)                                                                            \
	"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[" blocks "]}]}"

/* Runs the response and the request that follows it, 1000 ns later; returns the WIRE_SKILL lines.
 */
static char *skills_of(const char *sse, const char *request, bool other_connection)
{
	struct script s = {0};
	struct buffer lines = {0};
	char *got, *whole, *line, *save = NULL;

	ask(&s, REQUEST(TEXT("go")));
	answer_sse(&s, sse);
	if (other_connection)
		reconnect(&s);
	else
		gap(&s, WIRE_RECEIVED, 0);
	if (request)
		ask(&s, request);
	whole = script_run(&s, SIZE_MAX, 0);
	got = script_run(&s, 3, 0);
	assert_string_equal(got, whole);
	free(whole);
	put(&lines, "");
	for (line = strtok_r(got, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, "skill", 5) == 0 || strstr(line, "-- end of c") == line)
			assert_int_equal(buffer_printf(&lines, TEXT_MAX, "%s\n", line), 0);
	free(got);
	script_free(&s);
	return (char *)lines.data;
}

static void test_skills(void **state)
{
	static const struct {
		const char *name, *sse, *request, *want;
	} table[] = {
		{"called by the model",
		 USE("t", "{\\\"skill\\\": \\\"pdf\\\", \\\"args\\\": \\\"a b\\\"}") STOP,
		 REQUEST(RESULT("t", "Launching skill: pdf") "," TEXT(
			 "Base directory for this skill: /home/a/.claude/skills/pdf\\n\\n# PDF")),
		 "skill #2 model name=pdf args=a b id=t directory=/home/a/.claude/skills/pdf "
		 "answered=1 "
		 "success=1 duration=2000\n-- end of connection\n-- end of client\n"},
		{"called with the older input", USE("t", "{\\\"command\\\":\\\"/pdf\\\"}") STOP,
		 REQUEST(RESULT("t", "Launching skill: pdf")),
		 "skill #2 model name=pdf id=t answered=1 success=1 duration=2000\n"
		 "-- end of connection\n-- end of client\n"},
		{"not known", USE("t", "{\\\"skill\\\":\\\"nope\\\"}") STOP,
		 REQUEST(ERROR("t", "<tool_use_error>Unknown skill: nope</tool_use_error>")),
		 "skill #2 model name=nope id=t answered=1 success=0 duration=2000\n"
		 "-- end of connection\n-- end of client\n"},
		{"not known, and no error", USE("t", "{\\\"skill\\\":\\\"nope\\\"}") STOP,
		 REQUEST(RESULT("t", "Unknown skill: nope")),
		 "skill #2 model name=nope id=t answered=1 success=0 duration=2000\n"
		 "-- end of connection\n-- end of client\n"},
		{"two at once",
		 USE("t", "{\\\"skill\\\":\\\"pdf\\\"}") USE("u", "{\\\"skill\\\":\\\"x:docx\\\"}")
			 STOP,
		 REQUEST(RESULT("t", "Launching skill: pdf") "," RESULT(
			 "u", "Launching skill: "
			      "x:docx") "," TEXT("Base directory for this skill: "
						 "/p/docx/\\n") "," TEXT("Base directory "
									 "for this skill: "
									 "/p/pdf")),
		 "skill #2 model name=pdf id=t directory=/p/pdf answered=1 success=1 "
		 "duration=2000\n"
		 "skill #2 model name=x:docx id=u directory=/p/docx answered=1 success=1 "
		 "duration=2000\n"
		 "-- end of connection\n-- end of client\n"},
		{"never answered", USE("t", "{\\\"skill\\\":\\\"pdf\\\"}") STOP, NULL,
		 "-- end of connection\n-- end of client\n"
		 "skill model name=pdf id=t answered=0 success=0 duration=-1\n"},
		{"cut off before it was whole",
		 "data: "
		 "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_"
		 "use\","
		 "\"id\":\"t\",\"name\":\"Skill\",\"input\":{}}}\n\n",
		 NULL, "-- end of connection\n-- end of client\n"},
		{"typed", STOP,
		 REQUEST(TEXT(
			 "<command-message>demo</command-message>\\n<command-name>/demo</"
			 "command-name>\\n"
			 "<command-args>foo bar</command-args>\\n") "," TEXT("Base directory for "
									     "this skill: "
									     "/p/.claude/skills/"
									     "demo\\n\\nDo it.")),
		 "skill #2 slash name=demo args=foo bar directory=/p/.claude/skills/demo "
		 "answered=1 success=1 "
		 "duration=-1\n-- end of connection\n-- end of client\n"},
		{"typed, a command without a directory", STOP,
		 REQUEST(TEXT("<command-message>fix</command-message>\\n<command-name>/fix</"
			      "command-name>") "," TEXT("Fix the bug.")),
		 "skill #2 slash name=fix answered=1 success=1 duration=-1\n"
		 "-- end of connection\n-- end of client\n"},
		{"typed, not expanded", STOP,
		 REQUEST(TEXT("<command-message>fix</command-message>\\n<command-name>/fix</"
			      "command-name>")),
		 "skill #2 slash name=fix answered=1 success=0 duration=-1\n"
		 "-- end of connection\n-- end of client\n"},
		{"a command of the client itself", STOP,
		 REQUEST(TEXT(
			 "<command-name>/model</command-name>\\n<command-message>model</"
			 "command-message>\\n"
			 "<command-args></command-args>") "," TEXT("<local-command-stdout>Set "
								   "model</local-command-stdout>")),
		 "-- end of connection\n-- end of client\n"},
		{"quoted by the person or in a result", STOP,
		 REQUEST(TEXT("what is <command-name>/demo</command-name>?") "," RESULT(
			 "t", "<command-name>/demo</command-name>")),
		 "-- end of connection\n-- end of client\n"},
		{"a directory alone", STOP,
		 REQUEST(TEXT("Base directory for this skill: /p/skills/new")),
		 "skill #2 slash name=new directory=/p/skills/new answered=1 success=1 "
		 "duration=-1\n"
		 "-- end of connection\n-- end of client\n"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *got = skills_of(table[i].sse, table[i].request, false);

		if (strcmp(got, table[i].want) != 0)
			printf("%s:\n", table[i].name);
		assert_string_equal(got, table[i].want);
		free(got);
	}
}

static void test_answered_on_another_connection(void **state)
{
	char *got = skills_of(USE("t", "{\\\"skill\\\":\\\"pdf\\\"}") STOP,
			      REQUEST(RESULT("t", "Launching skill: pdf")), true);

	assert_string_equal(got, "skill #1 model name=pdf id=t answered=1 success=1 duration=2000\n"
				 "-- end of connection\n-- end of client\n");
	free(got);
}

static void test_many_skills_in_one_request(void **state)
{
	struct buffer body = {0};
	struct script s = {0};
	char *got;

	put(&body, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[");
	for (int i = 0; i < 500; i++)
		assert_int_equal(buffer_printf(&body, TEXT_MAX,
					       "%s{\"type\":\"text\",\"text\":\"<command-name>/s%d"
					       "</command-name>\"}",
					       i ? "," : "", i),
				 0);
	put(&body, "]}]}");
	ask(&s, (const char *)body.data);
	got = script_run(&s, SIZE_MAX, 0);
	assert_int_equal(count_of(got, "\nskill #1 slash name=s"), 500);
	free(got);
	buffer_free(&body);
	script_free(&s);
}

static void test_more_open_tools_than_are_kept(void **state)
{
	struct buffer body = {0};
	struct script s = {0};
	char *got;

	for (int i = 0; i < 1500; i++)
		assert_int_equal(
			buffer_printf(&body, TEXT_MAX,
				      "data: {\"type\":\"content_block_start\",\"index\":%d,"
				      "\"content_block\":{\"type\":\"tool_use\",\"id\":\"t%d\","
				      "\"name\":\"Skill\",\"input\":{\"skill\":\"s\"}}}\n\n"
				      "data: {\"type\":\"content_block_stop\",\"index\":%d}\n\n",
				      i, i, i),
			0);
	ask(&s, REQUEST(TEXT("go")));
	answer_sse(&s, (const char *)body.data);
	got = script_run(&s, SIZE_MAX, 0);
	/* each is told: those that had to be forgotten at once, the others at the end */
	assert_int_equal(count_of(got, "\nskill model name=s id="), 1500);
	free(got);
	buffer_free(&body);
	script_free(&s);
}

UNIT_MAIN(unit(test_skills), unit(test_answered_on_another_connection),
	  unit(test_many_skills_in_one_request), unit(test_more_open_tools_than_are_kept))
