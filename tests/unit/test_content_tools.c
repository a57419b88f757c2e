// SPDX-License-Identifier: Apache-2.0
/* Names of tools in responses: found whole, cut everywhere and in chunks, however they are written;
 * one that is refused becomes another of the same length, and nothing else changes. */
#include "test_content.h"

#include <jansson.h>

#define SSE(head, name, tail) "event: x\ndata: " head "\"name\":\"" name "\"" tail "\n\n"
#define START		      "{\"type\":\"content_block_start\",\"index\":1,\"content_block\":{"
#define CALL(name)	      SSE(START "\"type\":\"tool_use\",\"id\":\"toolu_1\",", name, ",\"input\":{}}}")

static uint64_t hash_of(const char *name)
{
	uint64_t hash = CONTENT_TOOL_FIRST;

	while (*name)
		hash = content_tool_add(hash, (uint8_t)*name++);
	return hash;
}

/* What the program in the kernel does with each piece that a read brings. Returns how often a call
 * was refused. */
static unsigned int refuse(uint8_t *bytes, size_t len, size_t cut, const char *denied)
{
	struct content_state s;
	struct content_out out;
	unsigned int n = 0;
	uint64_t hash = hash_of(denied);
	size_t from = 0, to = cut && cut < len ? cut : len;

	content_begin(&s, 1);
	for (size_t i = 0; i < len; i++) {
		uint32_t end, some;
		uint8_t c;

		if (i == to) {
			from = to;
			to = len;
		}
		content_step(&s, bytes[i], &out);
		if (!(out.flags & CONTENT_TOOL_NAME) || content_tool_hash(&s) != hash)
			continue;
		assert_int_equal(out.kind, CONTENT_NONE);
		assert_int_equal(out.n, 0);
		end = content_tool_end(&s, (uint32_t)(i - from), i + 1 == to);
		some = end ? content_tool_len(&out, end) : 0;
		if (!some)
			continue;
		n++;
		c = content_tool_byte(&s, &out, some, bytes[from + end - 1]);
		memset(bytes + from + end - some, c, some);
	}
	assert_int_equal(s.lost, 0);
	return n;
}

/* In chunks of a size; 0: of one. Returns the length. */
static size_t build(char *to, size_t room, const char *type, const char *body, size_t chunk)
{
	struct buffer b = {0};
	size_t n;

	content_answer(&b, type, body, chunk ? chunk : strlen(body));
	assert_true(b.len <= room);
	memcpy(to, b.data, b.len);
	n = b.len;
	buffer_free(&b);
	return n;
}

/* The body without its chunks. */
static void bare(const char *bytes, size_t len, char *to)
{
	const char *at = memmem(bytes, len, "\r\n\r\n", 4);

	for (at += 4;;) {
		char *end;
		size_t n = strtoul(at, &end, 16);

		if (!n)
			break;
		memcpy(to, end + 2, n);
		to += n;
		at = end + 2 + n + 2;
	}
	*to = 0;
}

/* The name in the call, decoded by a library; NULL: no JSON any more. */
static json_t *name_of(const char *body, bool sse)
{
	json_t *json, *name = NULL, *block;
	const char *at = sse ? strstr(body, "data: ") + 6 : body;

	json = json_loads(at, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL);
	block = sse ? json_object_get(json, "content_block")
		    : json_array_get(json_object_get(json, "content"), 0);
	name = json_incref(json_object_get(block, "name"));
	json_decref(json);
	return name;
}

struct row {
	const char *type, *body, *written, *denied;
	const char *want; /* the name as it is then written when it lies in one piece */
};

static const struct row refused[] = {
	{"text/event-stream", CALL("WebFetch"), "WebFetch", "WebFetch", "xxxxxxxx"},
	{"text/event-stream", CALL("mcp__jira__create"), "mcp__jira__create", "mcp__jira__create",
	 "xxxxxxxxxxxxxxxxx"},
	{"text/event-stream", CALL("Bash"), "Bash", "Bash", "xxxx"},
	/* the end of it may be all that is in hand: no name ends as it did */
	{"text/event-stream", CALL("Regex"), "Regex", "Regex", "qqqqq"},
	{"text/event-stream", CALL("x"), "x", "x", "q"},
	{"text/event-stream", CALL("grab"), "grab", "grab", "xxxx"},
	/* written by number, in part or all of it */
	{"text/event-stream", CALL("\\u0042ash"), "\\u0042ash", "Bash", "xxxxxxxxx"},
	{"text/event-stream", CALL("Bas\\u0068"), "Bas\\u0068", "Bash", "xxxxxxxxx"},
	{"text/event-stream", CALL("gra\\u0062"), "gra\\u0062", "grab", "xxxxxxxxx"},
	{"text/event-stream", CALL("gr\\u0061b"), "gr\\u0061b", "grab", "xxxxxxxxx"},
	/* its type behind it */
	{"text/event-stream",
	 SSE(START "\"id\":\"a\",", "Bash", ",\"type\":\"tool_use\",\"input\":{}}}"), "Bash",
	 "Bash", "xxxx"},
	/* what is in it does not say what it is */
	{"text/event-stream",
	 SSE(START "\"type\":\"tool_use\",\"caller\":{\"type\":\"direct\",\"name\":\"a\"},", "Bash",
	     ",\"input\":{\"name\":\"Bash\"}}}"),
	 "Bash", "Bash", "xxxx"},
	{"application/json",
	 "{\"content\":[{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"Bash\",\"input\":{}}]}",
	 "Bash", "Bash", "xxxx"},
};

static void is_another(const char *body, const struct row *row)
{
	json_t *name = name_of(body, strstr(row->type, "event") != NULL);

	assert_non_null(name);
	assert_string_not_equal(json_string_value(name), row->denied);
	json_decref(name);
}

static void refuse_row(const struct row *row, size_t chunk)
{
	static char bytes[65536], was[65536], body[8192], before[8192];
	size_t len = build(was, sizeof(was), row->type, row->body, chunk), written, at;
	char quoted[64];

	written = strlen(row->written);
	snprintf(quoted, sizeof(quoted), "\"name\":\"%s\"", row->written);
	for (size_t cut = 0; cut < len; cut++) {
		memcpy(bytes, was, len);
		assert_int_equal(refuse((uint8_t *)bytes, len, cut, row->denied), 1);
		bare(bytes, len, body);
		bare(was, len, before);
		is_another(body, row);
		/* nothing but the name */
		at = (size_t)(strstr(before, quoted) + strlen("\"name\":\"") - before);
		assert_memory_equal(body, before, at);
		assert_string_equal(body + at + written, before + at + written);
		if (!chunk && !cut)
			assert_memory_equal(body + at, row->want, written);
	}
}

static void refused_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		for (size_t chunk = 0; chunk < 40; chunk++)
			refuse_row(&refused[i], chunk);
}

/* Longer than the count of its bytes: the end of it is another. */
static void long_name(void **state)
{
	static char name[4096], body[8192];

	(void)state;
	for (size_t len = 120; len <= 128; len += 8) {
		struct row row = {"text/event-stream", body, name, name, NULL};
		char plain[200];

		/* each by its number: six bytes a letter */
		name[0] = 0;
		for (size_t i = 0; i < len; i++) {
			plain[i] = (char)('a' + i % 26);
			snprintf(name + 6 * i, 7, "\\u%04x", (unsigned int)plain[i]);
		}
		plain[len] = 0;
		snprintf(body, sizeof(body), CALL("%s"), name);
		row.denied = plain;
		for (size_t cut = 0; cut < 2000; cut += 3) {
			static char bytes[65536], after[65536];
			size_t n = build(bytes, sizeof(bytes), row.type, body, 0);

			assert_int_equal(refuse((uint8_t *)bytes, n, cut, plain), 1);
			bare(bytes, n, after);
			is_another(after, &row);
		}
	}
}

static void left_alone(void **state)
{
	static const struct {
		const char *type, *body;
	} rows[] = {
		{"text/event-stream", CALL("BashOutput")},
		{"text/event-stream", CALL("bash")},
		{"text/event-stream", CALL("Bas")},
		{"text/event-stream", CALL("Bash\\u00e8")},
		/* the server ran it */
		{"text/event-stream", SSE(START "\"type\":\"server_tool_use\",\"id\":\"a\",",
					  "Bash", ",\"input\":{}}}")},
		{"text/event-stream", SSE(START "\"type\":\"text\",", "Bash", "}}")},
		/* not a call */
		{"text/event-stream",
		 "data: {\"type\":\"message_start\",\"message\":{\"name\":\"Bash\"}}\n\n"},
		{"text/event-stream", "data: {\"name\":\"Bash\"}\n\n"},
		{"text/event-stream",
		 SSE(START "\"type\":\"tool_use\",\"input\":{", "Bash", "}}}")},
		{"text/event-stream",
		 "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
		 "\"text_delta\",\"text\":\"\\\"name\\\":\\\"Bash\\\"\",\"name\":\"Bash\"}}\n\n"},
		/* one block after another: the second is none */
		{"text/event-stream", CALL("Read") SSE(START "\"type\":\"text\",", "Bash", "}}")},
		{"application/json",
		 "{\"content\":[{\"type\":\"tool_use\",\"name\":\"Read\"},{\"type\":\"text\","
		 "\"name\":\"Bash\"},{\"name\":\"Bash\"}],\"name\":\"Bash\"}"},
		{"application/json", "{\"tools\":[{\"name\":\"Bash\"}]}"},
		{"text/plain", "{\"content\":[{\"type\":\"tool_use\",\"name\":\"Bash\"}]}"},
	};
	static char bytes[65536], was[65536];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t chunk = 41; chunk < 2000; chunk += 1500) {
			size_t len = build(was, sizeof(was), rows[i].type, rows[i].body, chunk);
			/* a longer name that begins so is refused where it is cut just there */
			const char *longer = memmem(was, len, "\"name\":\"BashO", 13);
			const char *accent = memmem(was, len, "\"name\":\"Bash\\u", 14);
			size_t skip = longer   ? (size_t)(longer - was) + 12
				      : accent ? (size_t)(accent - was) + 12
					       : 0;

			for (size_t cut = 0; cut < len; cut++) {
				memcpy(bytes, was, len);
				assert_int_equal(refuse((uint8_t *)bytes, len, cut, "Bash"),
						 skip && cut == skip);
				if (!skip || cut != skip)
					assert_memory_equal(bytes, was, len);
			}
		}
}

/* Requests are never looked at: the client's own list of tools, and the calls it sends back. */
static void not_in_requests(void **state)
{
	static const char body[] =
		"{\"tools\":[{\"type\":\"tool_use\",\"name\":\"Bash\"}],\"content_block\":{"
		"\"type\":\"tool_use\",\"name\":\"Bash\"}}";
	struct buffer b = {0};
	struct content_state s;
	struct content_out out;

	(void)state;
	content_ask(&b, "/v1/messages", body);
	content_begin(&s, 0);
	for (size_t i = 0; i < b.len; i++) {
		content_step(&s, b.data[i], &out);
		assert_false(out.flags & CONTENT_TOOL_NAME);
	}
	buffer_free(&b);
}

UNIT_MAIN(unit(refused_everywhere), unit(long_name), unit(left_alone), unit(not_in_requests))
