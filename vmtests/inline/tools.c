// SPDX-License-Identifier: Apache-2.0
/* Calls of tools that a person may not use: refused in the response itself, wherever it is cut;
 * calls of others, and everything else of the response, as they came. */
#include "prove.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/content_state.h"
#include "streams.h"

#define RULE	7
#define DENIED	"mcp__jira__create"
#define ALLOWED "mcp__jira__list"
#define HEAD                                                                                       \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define START                                                                                      \
	"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"         \
	"\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\""

static const struct world_tool tools[] = {
	{DENIED, 0, BAILIFF_DENY, RULE},
	{"Bash", 0, BAILIFF_DENY, RULE + 1},
	{"Bash", 1, BAILIFF_ALLOW, RULE + 1},
};

static struct world *world;

static void chunk(struct bytes *m, const char *text)
{
	char line[32];

	snprintf(line, sizeof(line), "%zx\r\n", strlen(text));
	bytes_text(m, line);
	bytes_text(m, text);
	bytes_text(m, "\r\n");
}

/* A response that calls that tool. */
static void answer(struct bytes *m, const char *name)
{
	char event[512];

	bytes_clear(m);
	bytes_text(m, HEAD);
	snprintf(event, sizeof(event), START "%s\",\"input\":{}}}\n\n", name);
	chunk(m, event);
	chunk(m, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
		 "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"name\\\":"
		 "\\\"" DENIED "\\\"}\"}}\n\n");
	chunk(m, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}"
		 "\n\n");
	bytes_text(m, "0\r\n\r\n");
}

/* Sends a request, and reads the answer in two pieces. */
static void converse(struct bytes *m, size_t cut)
{
	struct bytes q = {0};
	uint64_t ssl = prove_connection();

	stream_put(&q, STREAM_REQUEST, "Hello.", -1);
	world_write(ssl, q.data, (int)q.len, (int)q.len);
	if (cut)
		world_read(ssl, m->data, (int)cut);
	world_read(ssl, m->data + cut, (int)(m->len - cut));
	bytes_free(&q);
}

/* How many records tell of the tool with that verdict; 1000 and more: another one came. */
static unsigned int told(uint32_t verdict, uint32_t rule)
{
	const struct record_inline *r;
	unsigned int n = 0;

	while ((r = world_record(world)))
		n += r->reason == BAILIFF_REASON_TOOL && r->verdict == verdict && r->rule == rule &&
				     r->direction == TLS_DIRECTION_RECEIVED &&
				     r->kind == CONTENT_INPUT && r->action == SCAN_MASK
			     ? r->found
			     : 1000;
	return n;
}

static void refused_everywhere(void)
{
	struct bytes m = {0}, was = {0};
	size_t at, len = strlen(DENIED);

	answer(&was, DENIED);
	at = (size_t)((char *)memmem(was.data, was.len, DENIED, len) - was.data);
	for (size_t cut = 0; cut < at + len + 20; cut += cut + 10 < at ? 37 : 1) {
		world_forget_records(world);
		answer(&m, DENIED);
		converse(&m, cut);
		PROVE(memcmp(m.data + at, DENIED, len) != 0, "cut %zu: %.20s", cut, m.data + at);
		PROVE(memcmp(m.data, was.data, at) == 0 &&
			      memcmp(m.data + at + len, was.data + at + len, was.len - at - len) ==
				      0,
		      "more than the name, cut %zu", cut);
		/* what of it lay in the second piece, or else its end in the first */
		for (size_t i = 0; i < len; i++)
			PROVE(m.data[at + i] == 'x' ||
				      (cut > at && at + i < cut && m.data[at + i] == DENIED[i]),
			      "cut %zu: %.20s", cut, m.data + at);
		PROVE(told(BAILIFF_DENY, RULE) == 1, "told once, cut %zu", cut);
	}
	bytes_free(&m);
	bytes_free(&was);
}

static void unchanged(const char *name, const char *why)
{
	struct bytes m = {0}, was = {0};

	answer(&was, name);
	answer(&m, name);
	converse(&m, 0);
	PROVE(m.len == was.len && memcmp(m.data, was.data, m.len) == 0, "%s: %s", why, name);
	bytes_free(&m);
	bytes_free(&was);
}

static void with_policy(const struct world_options *options)
{
	world_policy(world, options);
	world_forget_records(world);
}

void prove_tools(bool detached)
{
	struct scan_table *table = prove_table(SCAN_MASK, SCAN_MASK, SCAN_MASK);
	const struct world_options alone = {
		.tools = tools,
		.n_tools = ARRAY_SIZE(tools),
		.mode = BAILIFF_MODE_ENFORCE,
		.kinds = POLICY_INLINE_TOOLS,
		.detached = detached,
	};
	struct world_options options = alone;
	unsigned long before = prove_failed, n = prove_n;

	world = world_open(&options);
	refused_everywhere();
	if (detached) {
		/* without the program the names stay */
		bool held = prove_failed == before;

		prove_failed = before + held;
		if (held)
			printf("tools hold with nothing attached\n");
		goto out;
	}
	unchanged(ALLOWED, "not listed");
	/* with detectors beside */
	options.table = table;
	options.kinds |= 1 << CONTENT_TEXT | 1 << CONTENT_INPUT | 1 << CONTENT_REQUEST;
	with_policy(&options);
	refused_everywhere();
	unchanged(ALLOWED, "not listed, with detectors");
	/* people */
	options = alone;
	options.person = 1;
	with_policy(&options);
	unchanged("Bash", "for this person");
	PROVE(told(BAILIFF_DENY, RULE) == 0, "nothing to tell");
	options.person = 2;
	with_policy(&options);
	refused_everywhere();
	/* shadow */
	options.mode = BAILIFF_MODE_SHADOW;
	with_policy(&options);
	unchanged("Bash", "shadow");
	PROVE(told(BAILIFF_WOULD_DENY, RULE + 1) == 1, "told in shadow");
	/* none is listed any more */
	options = alone;
	options.kinds = 0;
	options.n_tools = 0;
	with_policy(&options);
	unchanged("Bash", "no tool is listed");
out:
	printf("%-24s %lu checks, %lu failed\n", "tools", prove_n - n, prove_failed - before);
	world_close(world);
	free(table);
}
