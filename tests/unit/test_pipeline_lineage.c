// SPDX-License-Identifier: Apache-2.0
/* Which tool_use caused what: by argv, by name, by path, by being the only one, or honestly
 * unknown. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/lineage.h"

static const struct lineage_process client = {100, 1000};

static struct record_actor actor_client(void)
{
	return (struct record_actor){.tgid = 100,
				     .start_ns = 1000,
				     .flags = TASK_GOVERNED | TASK_CLIENT,
				     .root_tgid = 100,
				     .root_start_ns = 1000};
}

/* A process below the client: head of a branch when spawn is itself. */
static struct record_actor actor_child(uint32_t tgid, uint64_t start, uint32_t spawn,
				       uint64_t spawn_start)
{
	return (struct record_actor){.tgid = tgid,
				     .start_ns = start,
				     .flags = TASK_GOVERNED,
				     .root_tgid = 100,
				     .root_start_ns = 1000,
				     .spawn_tgid = spawn,
				     .spawn_start_ns = spawn_start};
}

static void open_tool(struct lineage *l, uint64_t time, const char *id, const char *tool,
		      const char *input)
{
	assert_int_equal(lineage_open(l, &client, time, id, strlen(id), tool, strlen(tool), input,
				      strlen(input)),
			 0);
}

static void expect(struct lineage_cause cause, const char *id, const char *confidence)
{
	assert_string_equal(lineage_confidence_to_string(cause.confidence), confidence);
	assert_string_equal(cause.tool_use_id, id);
}

#define ARGV(s) s, sizeof(s) - 1

/* The forms in which the client quotes a command for its shell. */
static void test_argv(void **state)
{
	static const struct {
		const char *argv;
		size_t len;
		bool truncated;
		const char *command;
		bool want;
	} table[] = {
		{ARGV("/bin/bash\0-c\0source /h/.claude/shell-snapshots/s.sh && eval 'curl "
		      "https://blocked.example/' \\< /dev/null && pwd -P >| /tmp/x-cwd\0"),
		 false, "curl https://blocked.example/", true},
		{ARGV("/bin/bash\0-c\0-l\0eval 'echo '\"'\"'a b'\"'\"' | wc' < /dev/null"), false,
		 "echo 'a b' | wc", true},
		{ARGV("/bin/bash\0-c\0eval \"echo \\\"\\$HOME\\\"\""), false, "echo \"$HOME\"",
		 true},
		{ARGV("/bin/bash\0-c\0eval 'cat x' \\< /dev/null \\| 'grep y'"), false,
		 "cat x | grep y", true},
		{ARGV("/bin/bash\0-c\0eval 'a &&\n  b'"), false, "a &&\n\tb\n", true},
		{ARGV("curl\0https://blocked.example/\0"), false, "curl https://blocked.example/",
		 true},
		/* not a word of its own */
		{ARGV("/bin/false\0"), false, "ls", false},
		{ARGV("bash\0-c\0eval 'lsof'"), false, "ls", false},
		{ARGV("bash\0-c\0eval 'ls -la'"), false, "ls", true},
		{ARGV("bash\0-c\0eval 'xls; ls'"), false, "ls", true},
		{ARGV("bash\0-c\0eval 'xls; lsx'"), false, "ls", false},
		{ARGV(""), false, "ls", false},
		{ARGV("ls"), false, "", false},
		{ARGV("ls"), false, "''", false},
		/* the end of argv is missing: a long beginning is enough, a short one is not */
		{ARGV("bash\0-c\0eval 'python3 -c print(1234567890123456789012345678901234567890"),
		 true, "python3 -c print(123456789012345678901234567890123456789012345)", true},
		{ARGV("bash\0-c\0eval 'python3 -c print(1234567890123456789012345678901234567890"),
		 false, "python3 -c print(123456789012345678901234567890123456789012345)", false},
		{ARGV("bash\0-c\0eval 'python3 -c"), true, "python3 -c print(1)", false},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bool got = lineage_argv_holds(table[i].argv, table[i].len, table[i].truncated,
					      table[i].command, strlen(table[i].command));

		if (got != table[i].want)
			fail_msg("row %zu: %s", i, table[i].command);
	}
}

/* Two commands at a time: each branch is told apart, and so is what runs below it later. */
static void test_parallel(void **state)
{
	struct record_actor a = actor_child(200, 2000, 200, 2000);
	struct record_actor b = actor_child(201, 2001, 201, 2001);
	struct record_actor below = actor_child(300, 9000, 200, 2000);
	static const char run_a[] = "bash\0-c\0eval 'curl https://a.example/'";
	static const char run_b[] = "bash\0-c\0eval 'curl https://b.example/'";
	struct lineage *l;

	assert_int_equal(lineage_new(&l), 0);
	open_tool(l, 1500, "toolu_a", "Bash", "{\"command\":\"curl https://a.example/\"}");
	open_tool(l, 1501, "toolu_b", "Bash", "{\"command\":\"curl https://b.example/\"}");
	/* before its exec nothing tells them apart */
	expect(lineage_effect(l, &a, 2001), "", "unknown");
	expect(lineage_exec(l, &b, 2100, run_b, sizeof(run_b), false), "toolu_b", "argv");
	expect(lineage_exec(l, &a, 2101, run_a, sizeof(run_a), false), "toolu_a", "argv");
	/* answered: a background job goes on, and is still its doing */
	lineage_close(l, 3000, "toolu_a", 7);
	lineage_close(l, 3000, "toolu_b", 7);
	expect(lineage_exec(l, &below, 9100, ARGV("sh\0-c\0true"), false), "toolu_a", "argv");
	expect(lineage_effect(l, &below, 9200), "toolu_a", "argv");
	expect(lineage_effect(l, &b, 9200), "toolu_b", "argv");
	lineage_free(l);
}

static void test_same_command_twice(void **state)
{
	static const char run[] = "bash\0-c\0eval 'make test'";
	struct record_actor a = actor_child(200, 2000, 200, 2000);
	struct record_actor b = actor_child(201, 2001, 201, 2001);
	struct lineage *l;

	assert_int_equal(lineage_new(&l), 0);
	open_tool(l, 1500, "toolu_1", "Bash", "{\"command\":\"make test\"}");
	open_tool(l, 1501, "toolu_2", "Bash", "{\"command\":\"make test\"}");
	expect(lineage_exec(l, &a, 2100, run, sizeof(run), false), "toolu_1", "argv");
	expect(lineage_exec(l, &b, 2101, run, sizeof(run), false), "toolu_2", "argv");
	/* the shell runs the command itself: no new answer */
	expect(lineage_exec(l, &a, 2102, ARGV("make\0test"), false), "toolu_1", "argv");
	lineage_free(l);
}

static void test_only(void **state)
{
	struct record_actor old = actor_child(150, 1200, 150, 1200); /* an MCP server */
	struct record_actor a = actor_child(200, 2000, 200, 2000);
	struct record_actor itself = actor_client();
	struct record_actor nobody = {.tgid = 5, .start_ns = 5};
	struct lineage *l;

	assert_int_equal(lineage_new(&l), 0);
	expect(lineage_effect(l, &a, 2100), "", "unknown");
	open_tool(l, 1500, "toolu_w", "Write", "{\"file_path\":\"/x\",\"content\":\"y\"}");
	expect(lineage_effect(l, &a, 2100), "", "unknown"); /* Write starts no process */
	open_tool(l, 1600, "toolu_b", "Bash", "not json");
	expect(lineage_exec(l, &a, 2100, ARGV("rg\0--files"), false), "toolu_b", "only");
	expect(lineage_effect(l, &a, 2200), "toolu_b", "only");
	/* a branch from before the tool_use is not its doing */
	expect(lineage_effect(l, &old, 2200), "", "unknown");
	open_tool(l, 2300, "toolu_m", "mcp__db__query", "{}");
	lineage_close(l, 2250, "toolu_b", 7);
	expect(lineage_effect(l, &old, 2400), "toolu_m", "only");
	lineage_close(l, 2500, "toolu_m", 7);
	expect(lineage_effect(l, &old, 2600), "", "unknown");
	/* rings are read one after the other: an effect from before the answer comes after it */
	expect(lineage_effect(l, &old, 2400), "toolu_m", "only");
	/* the client itself */
	expect(lineage_effect(l, &itself, 2700), "", "unknown");
	open_tool(l, 2700, "toolu_f", "WebFetch", "{\"url\":\"https://a.example/\"}");
	expect(lineage_effect(l, &itself, 2800), "toolu_f", "only");
	open_tool(l, 2750, "toolu_g", "WebFetch", "{\"url\":\"https://b.example/\"}");
	expect(lineage_effect(l, &itself, 2800), "", "unknown");
	expect(lineage_effect(l, &nobody, 2800), "", "unknown");
	lineage_free(l);
}

/* A guess gives way to the argv of a later exec; the argv never gives way to a guess. */
static void test_better_answer(void **state)
{
	static const char run[] = "bash\0-c\0eval 'id'";
	struct record_actor a = actor_child(200, 2000, 200, 2000);
	struct lineage *l;

	assert_int_equal(lineage_new(&l), 0);
	open_tool(l, 1500, "toolu_1", "Bash", "{\"command\":\"id\"}");
	expect(lineage_exec(l, &a, 2100, ARGV("wrapper\0--sandbox"), false), "toolu_1", "only");
	expect(lineage_exec(l, &a, 2101, run, sizeof(run), false), "toolu_1", "argv");
	expect(lineage_exec(l, &a, 2102, ARGV("other"), false), "toolu_1", "argv");
	lineage_free(l);
}

/* A tool_use that came after the process started, or was answered before, did not start it. */
static void test_times(void **state)
{
	static const char run[] = "bash\0-c\0eval 'id'";
	struct record_actor early = actor_child(200, 1400, 200, 1400);
	struct record_actor late = actor_child(201, 2600, 201, 2600);
	struct lineage *l;

	assert_int_equal(lineage_new(&l), 0);
	open_tool(l, 1500, "toolu_1", "Bash", "{\"command\":\"id\"}");
	expect(lineage_exec(l, &early, 1600, run, sizeof(run), false), "", "unknown");
	lineage_close(l, 2500, "toolu_1", 7);
	expect(lineage_exec(l, &late, 2700, run, sizeof(run), false), "", "unknown");
	lineage_free(l);
}

static void test_skill(void **state)
{
	static const char path[] = "/home/carol/.claude/skills/pdf/SKILL.md";
	struct record_actor itself = actor_client();
	struct record_actor cat = actor_child(200, 2600, 200, 2600);
	static const char run[] = "bash\0-c\0eval 'cat ~/.claude/skills/pdf/SKILL.md'";
	struct lineage *l;

	assert_int_equal(lineage_new(&l), 0);
	expect(lineage_skill(l, &itself, 1400, "pdf", path), "", "unknown");
	open_tool(l, 1500, "toolu_s", "Skill", "{\"skill\":\"tools:pdf\",\"args\":\"x\"}");
	open_tool(l, 1500, "toolu_d", "Skill", "{\"command\":\"docx\"}");
	expect(lineage_skill(l, &itself, 1600, "pdf", path), "toolu_s", "name");
	expect(lineage_skill(l, &itself, 1600, "docx", path), "toolu_d", "name");
	expect(lineage_skill(l, &itself, 1600, "tdd", path), "", "unknown");
	expect(lineage_skill(l, &itself, 1400, "pdf", path), "", "unknown");
	lineage_close(l, 1700, "toolu_s", 7);
	expect(lineage_skill(l, &itself, 1800, "pdf", path), "", "unknown");
	open_tool(l, 1900, "toolu_r", "Read",
		  "{\"file_path\":\"/home/carol/.claude/skills/pdf/SKILL.md\"}");
	expect(lineage_skill(l, &itself, 2000, "pdf", path), "toolu_r", "path");
	expect(lineage_skill(l, &itself, 2000, "pdf", "/other/SKILL.md"), "", "unknown");
	open_tool(l, 2500, "toolu_c", "Bash",
		  "{\"command\":\"cat ~/.claude/skills/pdf/SKILL.md\"}");
	lineage_exec(l, &cat, 2700, run, sizeof(run), false);
	expect(lineage_skill(l, &cat, 2800, "pdf", path), "toolu_c", "argv");
	lineage_free(l);
}

/* Tables are bounded, and what goes is what was answered first. */
static void test_bounds(void **state)
{
	static const char run[] = "bash\0-c\0eval 'keep me'";
	struct record_actor a = actor_child(200, 1000000, 200, 1000000);
	struct lineage *l;
	char id[256], input[128];

	assert_int_equal(lineage_new(&l), 0);
	open_tool(l, 1, "toolu_keep", "Bash", "{\"command\":\"keep me\"}");
	for (int i = 0; i < 10 * READER_TOOLS_MAX; i++) {
		snprintf(id, sizeof(id), "toolu_%d", i);
		snprintf(input, sizeof(input), "{\"command\":\"echo %d\"}", i);
		open_tool(l, (uint64_t)i + 2, id, "Bash", input);
		lineage_close(l, (uint64_t)i + 3, id, strlen(id));
	}
	expect(lineage_exec(l, &a, 1000001, run, sizeof(run), false), "toolu_keep", "argv");
	for (uint32_t i = 0; i < 4 * READER_SPAWNS_MAX; i++) {
		struct record_actor s = actor_child(1000 + i, 1000010 + i, 1000 + i, 1000010 + i);

		expect(lineage_exec(l, &s, 1000010 + i, run, sizeof(run), false), "toolu_keep",
		       "argv");
	}
	/* an id longer than is kept is cut, and does not run on */
	memset(id, 'x', sizeof(id));
	assert_int_equal(lineage_open(l, &client, 2000000, id, sizeof(id), "Bash", 4, "{}", 2), 0);
	lineage_free(l);
}

UNIT_MAIN(unit(test_argv), unit(test_parallel), unit(test_same_command_twice), unit(test_only),
	  unit(test_better_answer), unit(test_times), unit(test_skill), unit(test_bounds))
