// SPDX-License-Identifier: Apache-2.0
/* Refusals on the terminal of the person whose client, or whose command, was refused. */
#include "keeper/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "decide/block.h"
#include "keeper/tty.h"

/* Whose refusals count together where there is no lineage. */
#define NOTICE_OF_UID (1ull << 32)

static const char *text_at(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static uint32_t number_at(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

static int64_t now_ms(void)
{
	return keeper_boot_ns() / 1000000;
}

/* The terminal of one process. Where the kernel knows it as governed, by whom is taken from there:
 * what the reader says may be what an attacker would have it say. */
static int open_terminal(struct keeper *k, const struct notice *n, uint32_t pid, struct tty *ret)
{
	struct task_context t;
	uid_t uid = n->uid;

	if (!pid)
		return -ESRCH;
	if (n->root_pid) {
		if (kernel_task_get(k->kernel, (pid_t)pid, &t) < 0 || !(t.flags & TASK_GOVERNED) ||
		    t.root_tgid != n->root_pid)
			return -ESRCH;
		uid = t.uid;
	}
	return tty_open((pid_t)pid, uid, ret);
}

/* The client's terminal first: what a governed process has for one it may have made itself, for
 * nobody to look at. */
static void tell(struct keeper *k, const struct notice *n, uint32_t count, bool others)
{
	char text[NOTICE_TEXT_SIZE];
	struct tty tty = {.fd = -1};
	int r = open_terminal(k, n, n->root_pid, &tty);

	if (r == -ESRCH || r == -ENOTTY)
		r = open_terminal(k, n, n->pid, &tty);
	if (r == 0) {
		_cleanup_close_ int fd = tty.fd;

		notice_text(n, count, others, text);
		r = tty_say(&tty, text);
	}
	if (r < 0)
		k->unreachable++;
}

void keeper_notice(struct keeper *k, const json_t *event, uint64_t number)
{
	const json_t *u = json_object_get(event, "unmapped");
	const json_t *process = json_object_get(json_object_get(event, "actor"), "process");
	struct notice n = {
		.number = number,
		.pid = number_at(process, "pid"),
		.root_pid = number_at(u, "root_pid"),
		.uid = number_at(u, "who_uid"),
	};
	const char *rule = text_at(u, "rule");

	if (strcmp(text_at(u, "verdict"), "denied") != 0)
		return;
	if (block_parse(text_at(u, "block"), &n.block) < 0)
		n.block = 0;
	/* The client reads every skill when it starts, and again when it likes: nobody asked for
	 * those. What a tool use asked for is known as its doing. */
	if (*text_at(u, "skill") && n.pid == n.root_pid &&
	    strcmp(text_at(u, "tool_confidence"), "unknown") == 0)
		return;
	n.whom = n.root_pid ? n.root_pid : NOTICE_OF_UID | n.uid;
	snprintf(n.what, sizeof(n.what), "%s", text_at(u, "what"));
	if (*rule)
		snprintf(n.why, sizeof(n.why), "rule %s", rule);
	else
		snprintf(n.why, sizeof(n.why), "%s", text_at(u, "reason"));
	if (notices_take(&k->notices, &n, now_ms()))
		tell(k, &n, 0, false);
}

void keeper_notices_tick(struct keeper *k)
{
	struct notice n;
	uint32_t count;
	bool others;

	while (notices_due(&k->notices, now_ms(), &n, &count, &others))
		tell(k, &n, count, others);
}
