// SPDX-License-Identifier: Apache-2.0
/* The content machine against the decoder of user space: of recorded and of stand-in traffic, both
 * must see the same texts and the same inputs of tools, and the first never a thinking. */
#include "test_content.h"

#include <jansson.h>

#include "wire/wire.h"

#define SCENARIOS "vmtests/api/scenarios.json"
#define STREAM	  "tests/fixtures/wire/response.sse"
#define RECORDS	  "tests/fuzz/corpus/fuzz_wire/chunked"

/* Strings, each with its zero. */
struct strings {
	struct buffer b;
	size_t n;
	bool open;
};

struct heard {
	struct strings text, input, request, thinking;
	uint8_t kind;
};

static void strings_add(struct strings *s, const void *bytes, size_t len)
{
	const char *p = bytes, *mark;

	if (!len)
		return;
	/* where no character is, user space writes U+FFFD, the other nothing or a mark */
	for (; (mark = memmem(p, len, "\xef\xbf\xbd", 3)); p = mark + 3) {
		size_t n = (size_t)(mark - p);

		assert_int_equal(buffer_append(&s->b, p, n, CONTENT_TEST_MAX), 0);
		len -= n + 3;
	}
	assert_int_equal(buffer_append(&s->b, p, len, CONTENT_TEST_MAX), 0);
	assert_int_equal(buffer_append(&s->b, "", 1, CONTENT_TEST_MAX), 0);
	s->n++;
}

static void strings_same(const struct strings *a, const struct strings *b)
{
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->b.len, b->b.len);
	if (a->b.len)
		assert_memory_equal(a->b.data, b->b.data, a->b.len);
}

static bool strings_have(const struct strings *s, const char *text)
{
	const char *p = (const char *)s->b.data;

	for (size_t i = 0; i < s->n; i++, p += strlen(p) + 1)
		if (strstr(p, text))
			return true;
	return false;
}

static void heard_free(struct heard *h)
{
	buffer_free(&h->text.b);
	buffer_free(&h->input.b);
	buffer_free(&h->request.b);
	buffer_free(&h->thinking.b);
}

/* ---- as the kernel hears it -------------------------------------------------------------------
 */

static void hear(void *ctx, size_t at, const struct content_out *out, uint32_t have)
{
	struct heard *h = ctx;
	struct strings *s = out->kind == CONTENT_TEXT	 ? &h->text
			    : out->kind == CONTENT_INPUT ? &h->input
							 : &h->request;

	(void)at;
	(void)have;
	if (!out->n)
		return;
	if (out->begins || !s->n)
		s->n++;
	if (out->begins && s->b.len)
		assert_int_equal(buffer_append(&s->b, "", 1, CONTENT_TEST_MAX), 0);
	assert_int_equal(buffer_append(&s->b, out->bytes, out->n, CONTENT_TEST_MAX), 0);
}

static void kernel_hears(int response, const struct buffer *b, size_t piece, struct heard *h)
{
	struct content_reader r = {.fast = true, .sink = hear, .ctx = h};

	content_begin(&r.state, response);
	for (size_t at = 0; at < b->len; at += piece)
		content_reader_feed(&r, b->data + at, b->len - at < piece ? b->len - at : piece);
	assert_int_equal(r.state.lost + r.state.unread, 0);
	assert_int_equal(r.state.state, CONTENT_AT_START);
	for (struct strings *s = &h->text; s <= &h->request; s++)
		if (s->n)
			assert_int_equal(buffer_append(&s->b, "", 1, CONTENT_TEST_MAX), 0);
}

/* ---- as user space hears it -------------------------------------------------------------------
 */

static void add_values(struct strings *s, json_t *v)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(v))
		strings_add(s, json_string_value(v), json_string_length(v));
	json_array_foreach (v, i, item) {
		add_values(s, item);
	}
	json_object_foreach (v, key, item) {
		add_values(s, item);
	}
}

static void wire_hears(void *ctx, const struct wire_event *e)
{
	struct heard *h = ctx;
	json_t *input;

	assert_int_not_equal(e->kind, WIRE_UNDECODABLE);
	if (e->kind == WIRE_TOOL_USE) {
		input = json_loadb(e->tool.input.data, e->tool.input.len, 0, NULL);
		assert_non_null(input);
		add_values(&h->input, input);
		json_decref(input);
	}
	if (e->kind != WIRE_MESSAGE)
		return;
	if (e->message.block == WIRE_BLOCK_THINKING)
		strings_add(&h->thinking, e->message.text.data, e->message.text.len);
	else if (e->message.sent && e->message.block != WIRE_BLOCK_TOOL_USE)
		strings_add(&h->request, e->message.text.data, e->message.text.len);
	else if (!e->message.sent && e->message.block == WIRE_BLOCK_TEXT)
		strings_add(&h->text, e->message.text.data, e->message.text.len);
}

static void user_space_hears(const struct buffer *sent, const struct buffer *received,
			     struct heard *h)
{
	struct wire_client *client;
	struct wire_conn *conn;

	assert_int_equal(wire_client_new(NULL, wire_hears, h, &client), 0);
	assert_int_equal(wire_conn_new(client, &conn), 0);
	assert_int_equal(wire_feed(conn, WIRE_SENT, 1, sent->data, sent->len), 0);
	assert_int_equal(wire_feed(conn, WIRE_RECEIVED, 1, received->data, received->len), 0);
	wire_conn_free(conn);
	wire_client_free(client);
}

/* echo: the request carries the response's tools back. Returns how many strings were compared. */
static size_t compare(const struct buffer *sent, const struct buffer *received, bool echo)
{
	static const size_t pieces[] = {SIZE_MAX / 2, 1, 7, 1024};
	struct heard want = {0};
	size_t n;

	user_space_hears(sent, received, &want);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct heard response = {0}, request = {0};
		const char *p = (const char *)want.thinking.b.data;

		kernel_hears(1, received, pieces[i], &response);
		strings_same(&response.text, &want.text);
		strings_same(&response.input, &want.input);
		kernel_hears(0, sent, pieces[i], &request);
		if (echo)
			strings_same(&request.input, &want.input);
		for (size_t t = 0; t < want.thinking.n; t++, p += strlen(p) + 1) {
			assert_false(strings_have(&response.text, p));
			assert_false(strings_have(&response.input, p));
			assert_false(strings_have(&request.request, p));
			assert_false(strings_have(&request.input, p));
		}
		/* what is no one's text is more: the system prompt, descriptions */
		p = (const char *)want.request.b.data;
		for (size_t t = 0; t < want.request.n; t++, p += strlen(p) + 1)
			assert_true(strings_have(&request.request, p));
		heard_free(&response);
		heard_free(&request);
	}
	n = want.text.n + want.input.n + want.request.n + want.thinking.n;
	heard_free(&want);
	return n;
}

/* ---- traffic ----------------------------------------------------------------------------------
 */

static void load(const char *path, struct buffer *ret)
{
	FILE *f = fopen(path, "re");
	char part[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		assert_int_equal(buffer_append(ret, part, n, CONTENT_TEST_MAX), 0);
	fclose(f);
}

static void recorded_stream(void **state)
{
	struct buffer body = {0}, sent = {0}, received = {0};

	(void)state;
	load(STREAM, &body);
	assert_int_equal(buffer_append(&body, "", 1, CONTENT_TEST_MAX), 0);
	content_ask(&sent, "/v1/messages", "{\"messages\":[]}");
	for (size_t chunk = 0; chunk < 300; chunk += 37) {
		content_answer(&received, "text/event-stream", (char *)body.data, chunk);
		assert_true(compare(&sent, &received, false) > 0);
	}
	buffer_free(&body);
	buffer_free(&sent);
	buffer_free(&received);
}

/* A list of records: direction, length, bytes. */
static void recorded_connection(void **state)
{
	struct buffer file = {0}, b[2] = {{0}, {0}};
	size_t at = 0;

	(void)state;
	load(RECORDS, &file);
	while (at + 3 <= file.len) {
		size_t len = (size_t)file.data[at + 1] << 8 | file.data[at + 2];

		assert_true(file.data[at] <= 1 && at + 3 + len <= file.len);
		assert_int_equal(
			buffer_append(&b[file.data[at]], file.data + at + 3, len, CONTENT_TEST_MAX),
			0);
		at += 3 + len;
	}
	assert_true(compare(&b[0], &b[1], false) > 3);
	buffer_free(&file);
	buffer_free(&b[0]);
	buffer_free(&b[1]);
}

static void event(struct buffer *b, const char *type, json_t *data, size_t flags)
{
	char *text;

	json_object_set_new(data, "type", json_string(type));
	text = json_dumps(data, flags);
	assert_non_null(text);
	assert_int_equal(buffer_printf(b, CONTENT_TEST_MAX, "event: %s\ndata: %s\n\n", type, text),
			 0);
	free(text);
	json_decref(data);
}

/* A block in deltas of so many bytes, cut between characters as a server does. */
static void put_block(struct buffer *b, int index, const json_t *start, const char *delta,
		      const char *key, const char *text, size_t piece, size_t flags)
{
	event(b, "content_block_start",
	      json_pack("{s:i,s:O}", "index", index, "content_block", start), flags);
	for (size_t at = 0, len = strlen(text); at < len;) {
		size_t n = len - at < piece ? len - at : piece;

		while (at + n < len && ((uint8_t)text[at + n] & 0xc0) == 0x80)
			n++;
		event(b, "content_block_delta",
		      json_pack("{s:{s:s%,s:s},s:i}", "delta", key, text + at, n, "type", delta,
				"index", index),
		      flags);
		at += n;
	}
	event(b, "content_block_stop", json_pack("{s:i}", "index", index), flags);
}

/* What the stand-in's model says in a turn, with a thinking before it; and the next request. */
static void put_turn(const json_t *turn, size_t piece, size_t flags, struct buffer *stream,
		     json_t *messages)
{
	static const char thought[] = "thinks of 078-05-1120 \xe2\x82\xac \"and\" \\n";
	json_t *content = json_array(), *results = json_array(), *tool, *start;
	const char *text = json_string_value(json_object_get(turn, "text"));
	int index = 0;
	size_t i;

	start = json_pack("{s:s,s:s,s:s}", "type", "thinking", "thinking", "", "signature", "");
	put_block(stream, index++, start, "thinking_delta", "thinking", thought, piece, flags);
	json_decref(start);
	json_array_append_new(content, json_pack("{s:s,s:s,s:s}", "type", "thinking", "thinking",
						 thought, "signature", "c2lnbmF0dXJl"));
	start = json_pack("{s:s,s:s}", "type", "text", "text", "");
	if (text) {
		put_block(stream, index++, start, "text_delta", "text", text, piece, flags);
		json_array_append_new(content,
				      json_pack("{s:s,s:s}", "type", "text", "text", text));
	}
	json_decref(start);
	json_array_foreach (json_object_get(turn, "tools"), i, tool) {
		char *input = json_dumps(json_object_get(tool, "input"), flags), id[32];

		snprintf(id, sizeof(id), "toolu_%zu_%d", json_array_size(messages), index);
		start = json_pack("{s:s,s:s,s:O,s:{}}", "type", "tool_use", "id", id, "name",
				  json_object_get(tool, "name"), "input");
		put_block(stream, index++, start, "input_json_delta", "partial_json", input, piece,
			  flags);
		json_decref(start);
		json_array_append_new(content,
				      json_pack("{s:s,s:s,s:O,s:O}", "type", "tool_use", "id", id,
						"name", json_object_get(tool, "name"), "input",
						json_object_get(tool, "input")));
		json_array_append_new(results, json_pack("{s:s,s:s,s:s}", "type", "tool_result",
							 "tool_use_id", id, "content", input));
		free(input);
	}
	json_array_append_new(messages,
			      json_pack("{s:s,s:o}", "role", "assistant", "content", content));
	if (json_array_size(results))
		json_array_append_new(messages,
				      json_pack("{s:s,s:O}", "role", "user", "content", results));
	json_decref(results);
}

/* All that the stand-in API says in the tests with the real client, and the requests that carry it
 * back; compact, with blanks, and with escapes for all that is not ASCII. */
static void scenarios(void **state)
{
	static const size_t flags[] = {JSON_COMPACT, 0, JSON_COMPACT | JSON_ENSURE_ASCII,
				       JSON_COMPACT | JSON_ESCAPE_SLASH};
	json_t *all = json_load_file(SCENARIOS, 0, NULL), *turns, *turn;
	size_t compared = 0, n = 0, i;
	const char *name;

	(void)state;
	assert_non_null(all);
	json_object_foreach (all, name, turns) {
		struct buffer stream = {0}, sent = {0}, received = {0};
		json_t *messages = json_array(), *request;
		size_t how = flags[n % 4];
		char *body;

		json_array_append_new(messages, json_pack("{s:s,s:s}", "role", "user", "content",
							  "SCENARIO: \xc3\xa9\xf0\x9f\x98\x80"));
		event(&stream, "message_start",
		      json_pack("{s:{s:s,s:[]}}", "message", "id", "msg_1", "content"), how);
		json_array_foreach (turns, i, turn) {
			put_turn(turn, 1 + n % 9, how, &stream, messages);
		}
		event(&stream, "message_stop", json_object(), how);
		request = json_pack("{s:s,s:o,s:s,s:b}", "model", "m", "messages", messages,
				    "system", "You help.", "stream", 1);
		body = json_dumps(request, how);
		content_ask(&sent, "/v1/messages?beta=true", body);
		assert_int_equal(buffer_append(&stream, "", 1, CONTENT_TEST_MAX), 0);
		content_answer(&received, "text/event-stream", (char *)stream.data, n % 5 * 61);
		compared += compare(&sent, &received, true);
		free(body);
		json_decref(request);
		buffer_free(&stream);
		buffer_free(&sent);
		buffer_free(&received);
		n++;
	}
	json_decref(all);
	assert_true(n >= 10 && compared > 10 * n);
}

UNIT_MAIN(unit(recorded_stream), unit(recorded_connection), unit(scenarios))
