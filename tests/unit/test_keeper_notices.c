// SPDX-License-Identifier: Apache-2.0
/* From a denial in the log to the line on the person's terminal: whose it is, and which. */
#include "session.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "keeper/keeper.h"

#define CLIENT 1 /* in an event of the table: the pid of the session's client */
#define GONE   2 /* a pid that nobody has */
#define OTHER  3 /* the client of another session */

/* ---- the kernel side and the clock, played ---- */

static struct {
	pid_t pid;
	struct task_context context;
	int64_t now_ns;
} world;

int kernel_task_get(const struct kernel *k, pid_t pid, struct task_context *ret)
{
	(void)k;
	if (pid != world.pid)
		return -ENOENT;
	*ret = world.context;
	return 0;
}

int64_t keeper_boot_ns(void)
{
	return world.now_ns;
}

static json_t *denial(pid_t pid, pid_t root, const char *verdict, const char *tool)
{
	json_t *e =
		json_pack("{s:{s:{s:i}}, s:{s:s, s:i, s:s, s:s, s:s}}", "actor", "process", "pid",
			  pid, "unmapped", "verdict", verdict, "who_uid", (int)getuid(), "what",
			  "skill pdf", "rule", "skill/pdf", "reason", "skill_not_allowed");

	if (root)
		json_object_set_new(json_object_get(e, "unmapped"), "root_pid", json_integer(root));
	if (tool) {
		json_object_set_new(json_object_get(e, "unmapped"), "skill", json_string("pdf"));
		json_object_set_new(json_object_get(e, "unmapped"), "tool_confidence",
				    json_string(tool));
	}
	return e;
}

static void test_whose(void **state)
{
	static const struct {
		const char *what;
		int pid, root;
		const char *verdict, *tool;
		uint32_t flags;
		bool shown, unreachable;
	} table[] = {
		{"below a client", GONE, CLIENT, "denied", NULL, TASK_GOVERNED, true, false},
		{"the client itself", CLIENT, CLIENT, "denied", "name", TASK_GOVERNED, true, false},
		{"a skill, by a process below", GONE, CLIENT, "denied", "unknown", TASK_GOVERNED,
		 true, false},
		{"below no client, and still there", CLIENT, 0, "denied", NULL, 0, true, false},
		{"below no client, and gone", GONE, 0, "denied", NULL, 0, false, true},
		{"shadow", CLIENT, CLIENT, "would_deny", NULL, TASK_GOVERNED, false, false},
		{"the client lists its skills", CLIENT, CLIENT, "denied", "unknown", TASK_GOVERNED,
		 false, false},
		/* an event that a reader made up names whom the kernel does not govern */
		{"made up", CLIENT, CLIENT, "denied", NULL, 0, false, true},
		{"made up: of another lineage", OTHER, CLIENT, "denied", NULL, TASK_CANARY, false,
		 true},
	};
	static struct keeper k;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct session s, other;
		json_t *e;

		print_message("%s\n", table[i].what);
		session_begin(&s, OPEN, 0620);
		session_begin(&other, OPEN, 0620);
		memset(&k, 0, sizeof(k));
		world.pid = s.client;
		world.context = (struct task_context){
			.flags = table[i].flags, .uid = getuid(), .root_tgid = (uint32_t)s.client};
		e = denial(table[i].pid == CLIENT  ? s.client
			   : table[i].pid == OTHER ? other.client
						   : 999999999,
			   table[i].root ? s.client : 0, table[i].verdict, table[i].tool);
		keeper_notice(&k, e, 57);
		assert_string_equal(session_shows(&s),
				    table[i].shown ? "\r\r\nbailiff refused skill pdf (rule "
						     "skill/pdf). Why: bailiff\r\r\nwhy 57\r\r\n"
						   : "");
		assert_string_equal(session_shows(&other), "");
		assert_int_equal(k.unreachable, table[i].unreachable);
		json_decref(e);
		session_end(&s);
		session_end(&other);
	}
}

static void test_again(void **state)
{
	static struct keeper k;
	struct session s;
	json_t *e;

	(void)state;
	session_begin(&s, OPEN, 0620);
	memset(&k, 0, sizeof(k));
	world.pid = s.client;
	world.context = (struct task_context){
		.flags = TASK_GOVERNED, .uid = getuid(), .root_tgid = (uint32_t)s.client};
	e = denial(s.client, s.client, "denied", NULL);
	for (uint64_t i = 0; i < 20; i++) {
		world.now_ns = (int64_t)i * 100000000;
		keeper_notice(&k, e, 100 + i);
		keeper_notices_tick(&k);
	}
	assert_string_equal(session_shows(&s), "\r\r\nbailiff refused skill pdf (rule "
					       "skill/pdf). Why: bailiff\r\r\nwhy 100\r\r\n");
	world.now_ns = 10000000000;
	keeper_notices_tick(&k);
	assert_string_equal(session_shows(&s),
			    "\r\r\nbailiff refused skill pdf (rule skill/pdf) 19 more times.\r\r\n"
			    "Why: bailiff why 119\r\r\n");
	keeper_notices_tick(&k);
	assert_string_equal(session_shows(&s), "");
	json_decref(e);
	session_end(&s);
}

/* A block of the data path: by the number that the client shows; one that is no number is none. */
static void test_block(void **state)
{
	static const struct {
		const char *block, *shown;
	} table[] = {{"B17", "B17"}, {"17", "57"}, {"text", "57"}, {"", "57"}};
	static struct keeper k;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct session s;
		char want[128];
		json_t *e;

		session_begin(&s, OPEN, 0620);
		memset(&k, 0, sizeof(k));
		world.pid = s.client;
		world.context = (struct task_context){
			.flags = TASK_GOVERNED, .uid = getuid(), .root_tgid = (uint32_t)s.client};
		e = denial(s.client, s.client, "denied", NULL);
		json_object_set_new(json_object_get(e, "unmapped"), "block",
				    json_string(table[i].block));
		keeper_notice(&k, e, 57);
		snprintf(want, sizeof(want),
			 "\r\r\nbailiff refused skill pdf (rule skill/pdf). Why: bailiff\r\r\nwhy "
			 "%s\r\r\n",
			 table[i].shown);
		assert_string_equal(session_shows(&s), want);
		json_decref(e);
		session_end(&s);
	}
}

UNIT_MAIN(unit(test_block), unit(test_whose), unit(test_again))
