// SPDX-License-Identifier: Apache-2.0
/* Blocks and their answers, compressed responses, writes that are not taken, what is never touched.
 */
#include "prove.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bpf/content_state.h"
#include "streams.h"

/* in halves: what looks for values in files finds none in this one */
#define SSN                                                                                        \
	"123-"                                                                                     \
	"45-6789"
#define OTHER                                                                                      \
	"223-"                                                                                     \
	"45-6789"
#define PHONE                                                                                      \
	"+1 (415)"                                                                                 \
	" 555-2671"
#define SAME_S 3

static struct inline_text texts[SCAN_DETECTORS_MAX * INLINE_TEXTS];
static struct world *world;
static bool off;	   /* nothing is attached: everything has to fail */
static bool unread_blocks; /* policy says so of what is not read */

static void fill_texts(void)
{
	static const char *const words[INLINE_TEXTS] = {
		"{\"type\":\"error\",\"error\":{\"type\":\"permission_error\",\"message\":"
		"\"Blocked by "
		"company policy: something that must not leave was in what you sent, and it was "
		"not "
		"sent. Ask security@corp.example. Details: bailiff why B",
		"{\"type\":\"error\",\"error\":{\"type\":\"permission_error\",\"message\":"
		"\"Blocked by "
		"company policy. Details: bailiff why B",
		"{\"type\":\"error\",\"error\":{\"type\":\"x\",\"message\":\"Blocked: bailiff why "
		"B",
		"{\"type\":\"error\",\"error\":{\"type\":\"x\",\"message\":\"bailiff why B",
	};

	for (size_t i = 0; i < SCAN_DETECTORS_MAX * INLINE_TEXTS; i++) {
		texts[i].len = (uint32_t)strlen(words[i % INLINE_TEXTS]);
		memcpy(texts[i].bytes, words[i % INLINE_TEXTS], texts[i].len);
	}
}

static void request(struct bytes *m, const char *text)
{
	bytes_clear(m);
	stream_put(m, STREAM_REQUEST, text, -1);
}

static void send_whole(uint64_t ssl, struct bytes *m)
{
	world_write(ssl, m->data, (int)m->len, (int)m->len);
}

/* An answer of the server with a body of that many bytes. */
static void error_answer(struct bytes *m, size_t body, bool chunked)
{
	char line[128];

	bytes_clear(m);
	bytes_text(m, "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n");
	snprintf(line, sizeof(line),
		 chunked ? "Transfer-Encoding: chunked\r\n\r\n%zx\r\n"
			 : "Content-Length: %zu\r\n\r\n",
		 body);
	bytes_text(m, line);
	for (size_t i = 0; i < body; i++)
		bytes_text(m, "e");
	if (chunked)
		bytes_text(m, "\r\n0\r\n\r\n");
}

/* What the answer says; NULL when its body is no JSON. */
static const char *answer_message(const struct bytes *m, size_t body, json_t **ret)
{
	const char *at = memmem(m->data, m->len, "\r\n\r\n", 4) + 4;

	if (memcmp(at, "{", 1) != 0)
		at = strstr(at, "\r\n") ? strstr(at, "\r\n") + 2 : at;
	*ret = json_loadb(at, body, 0, NULL);
	return json_string_value(json_object_get(json_object_get(*ret, "error"), "message"));
}

static void blocked_and_answered(void)
{
	static const size_t sizes[] = {40, 66, 70, 80, 90, 113, 200, 300, 4000};
	struct bytes m = {0}, a = {0}, was = {0};
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(sizes) * 2; i++) {
		size_t size = sizes[i / 2];
		bool chunked = i & 1;
		uint64_t ssl = prove_connection();
		const char *message;
		json_t *json;

		snprintf(text, sizeof(text), "Turn %zu " SSN " and more.", i);
		request(&m, text);
		bytes_clear(&was);
		bytes_put(&was, m.data, m.len);
		send_whole(ssl, &m);
		PROVE(!memmem(m.data, m.len, "45-6789", 7), "size %zu", size);
		PROVE(!memmem(m.data, m.len, "and more", 8), "the rest is blank, size %zu", size);
		PROVE(memmem(m.data, m.len, "Turn", 4), "what is before stays, size %zu", size);
		error_answer(&a, size, chunked);
		world_read(ssl, a.data, (int)a.len);
		message = answer_message(&a, size, &json);
		if (size < 62) /* nothing fits: blank, and no JSON */
			PROVE(!memchr(a.data + a.len - size, 'e', size), "size %zu: %s", size,
			      a.data);
		else
			PROVE(message && strstr(message, "bailiff why B"), "size %zu: \"%.80s\"",
			      size, message ? message : a.data);
		json_decref(json);
		/* the next one, with the same text in its history: masked, and goes through */
		request(&m, text);
		send_whole(ssl, &m);
		PROVE(memmem(m.data, m.len, "and more", 8) && !memmem(m.data, m.len, SSN, 11),
		      "the same again, size %zu", size);
		error_answer(&a, size, chunked);
		world_read(ssl, a.data, (int)a.len);
		PROVE(memmem(a.data, a.len, "eeeeeeee", 8), "an answer to nobody's block, size %zu",
		      size);
	}
	bytes_free(&m);
	bytes_free(&a);
	bytes_free(&was);
}

/* The conversation goes on in another process, of the same person, with other cuts. */
static void blocked_once(void)
{
	struct bytes m = {0};
	const char *text = "Two of them: " SSN " and then " OTHER " end.";
	uint64_t ssl = prove_connection();

	request(&m, text);
	send_whole(ssl, &m);
	PROVE(!memmem(m.data, m.len, "end.", 4), "blocked");
	for (int cut = 1; cut < 500; cut += 7) {
		ssl = prove_connection();
		request(&m, text);
		if (cut >= (int)m.len)
			break;
		world_write(ssl, m.data, cut, cut);
		world_write(ssl, m.data + cut, (int)m.len - cut, (int)m.len - cut);
		PROVE(memmem(m.data, m.len, "end.", 4) && !memmem(m.data, m.len, SSN, 11) &&
			      !memmem(m.data, m.len, OTHER, 11),
		      "both masked where they come again, cut %d", cut);
	}
	/* the same value in another sentence is news */
	ssl = prove_connection();
	request(&m, "Quite another sentence with " SSN " in it, end.");
	send_whole(ssl, &m);
	PROVE(!memmem(m.data, m.len, "end.", 4), "blocked for itself");
	bytes_free(&m);
}

/* A client asks for a title with the same prompt as it asks for the answer: both are blocked. */
static void blocked_at_once(void)
{
	struct bytes m = {0};

	for (int i = 0; i < 3; i++) {
		request(&m, "At the same time " SSN " twice, end.");
		send_whole(prove_connection(), &m);
		PROVE(!memmem(m.data, m.len, "end.", 4), "request %d", i);
	}
	sleep(SAME_S);
	request(&m, "At the same time " SSN " twice, end.");
	send_whole(prove_connection(), &m);
	PROVE(memmem(m.data, m.len, "end.", 4) && !memmem(m.data, m.len, SSN, 11), "later");
	bytes_free(&m);
}

/* Over the boundary of a record, and in a body of many. */
static void blocked_across(void)
{
	static char filler[20000];
	struct bytes m = {0}, text = {0};
	uint64_t ssl;

	memset(filler, 'x', sizeof(filler));
	for (int before = 16384 - 300; before < 16384 - 180; before += 3) {
		size_t at = 0;
		char turn[32];

		bytes_clear(&text);
		snprintf(turn, sizeof(turn), "Turn %d: ", before);
		bytes_put(&text, filler, (size_t)before);
		bytes_text(&text, turn);
		bytes_text(&text, SSN " and much more ");
		bytes_put(&text, filler, sizeof(filler));
		request(&m, text.data);
		ssl = prove_connection();
		while (at < m.len) {
			int n = m.len - at < 16384 ? (int)(m.len - at) : 16384;

			world_write(ssl, m.data + at, n, n);
			at += (size_t)n;
		}
		PROVE(!memmem(m.data, m.len, SSN, 11), "%d before it", before);
		PROVE(!memmem(m.data, m.len, "much more", 9), "blank behind it, %d before", before);
		PROVE(m.data[m.len - 1] == ' ', "blank to the end, %d before it", before);
	}
	bytes_free(&m);
	bytes_free(&text);
}

/* A library that takes nothing, or a part, is called again with the same bytes. */
static void written_again(void)
{
	struct bytes m = {0}, whole = {0};

	for (int taken = -1; taken < 420; taken += 5) {
		uint64_t ssl = prove_connection();
		size_t at = 0;

		request(&m, "Say nothing of " PHONE " or +49 30"
			    " 1234567, please.");
		bytes_clear(&whole);
		for (int i = 0; i < 2000 && at < m.len; i++) {
			int left = (int)(m.len - at), take = taken < left ? taken : left;

			/* every second time nothing is taken at all */
			if (i & 1)
				take = -1;
			else if (taken <= 0)
				take = left;
			world_write(ssl, m.data + at, left, take);
			if (take > 0) {
				bytes_put(&whole, m.data + at, (size_t)take);
				at += (size_t)take;
			}
		}
		PROVE(whole.len == m.len && !memmem(whole.data, whole.len, "555-2671", 8) &&
			      !memmem(whole.data, whole.len, "1234567", 7) &&
			      memmem(whole.data, whole.len, "please.", 7),
		      "%d taken each time", taken);
	}
	bytes_free(&m);
	bytes_free(&whole);
}

static void asked_for_identity(void)
{
	struct bytes m = {0};

	request(&m, "Hello.");
	send_whole(prove_connection(), &m);
	PROVE(memmem(m.data, m.len, "Accept-Encoding: identity", 25) &&
		      !memmem(m.data, m.len, "gzip", 4),
	      "%.200s", m.data);
	bytes_free(&m);
}

static void came_compressed(void)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
				   "Content-Encoding: gzip\r\nContent-Length: 40\r\n\r\n";
	struct bytes m = {0}, a = {0};
	const struct record_inline *r;
	uint64_t ssl = prove_connection();
	bool told = false;

	world_forget_records(world);
	request(&m, "Hello.");
	send_whole(ssl, &m);
	bytes_text(&a, head);
	bytes_text(&a, "0123456789012345678901234567890123456789");
	world_read(ssl, a.data, (int)a.len);
	PROVE(memmem(a.data, a.len, head, strlen(head)) && !memmem(a.data, a.len, "0123", 4), "%s",
	      a.data);
	while ((r = world_record(world)))
		told |= r->reason == BAILIFF_REASON_COMPRESSED;
	PROVE(told, "no record of it");
	bytes_free(&m);
	bytes_free(&a);
}

static bool told_unreadable(uint32_t action)
{
	const struct record_inline *r;
	bool told = false;

	while ((r = world_record(world)))
		told |= r->reason == BAILIFF_REASON_UNREADABLE && r->action == action;
	return told;
}

/* What is not read is told once a connection, and blocked where policy says so. */
static void not_read(void)
{
	static const char *const forms[] = {
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nand frames",
		"POST /up HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
		"POST /up HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 4\r\n"
		"\r\n}abcGET / HTTP/1.1\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		uint64_t ssl = prove_connection();
		struct bytes m = {0};

		world_forget_records(world);
		bytes_text(&m, forms[i]);
		send_whole(ssl, &m);
		PROVE(told_unreadable(unread_blocks ? SCAN_BLOCK : SCAN_LOG), "%.30s", forms[i]);
		bytes_free(&m);
	}
}

/* Thinking and signatures come back byte by byte. */
static void never_touched(void)
{
	static const char event[] =
		"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
		"\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"of " SSN " I think\"}}\n\n"
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
		"\"delta\":{\"type\":\"signature_delta\",\"signature\":\"" SSN "\"}}\n\n";
	static const char post[] =
		"POST /v1/messages HTTP/1.1\r\nContent-Type: application/json\r\n"
		"Content-Length: 142\r\n\r\n{\"messages\":[{\"role\":\"assistant\",\"content\":"
		"[{\"type\":\"thinking\",\"thinking\":\"of " SSN
		" I think\",\"signature\":\"ab " SSN "\"}]}],\"stream\":true}    ";
	struct bytes m = {0};
	uint64_t ssl = prove_connection();

	bytes_put(&m, post, sizeof(post) - 1);
	send_whole(ssl, &m);
	PROVE(memcmp(m.data, post, m.len) == 0, "%s", m.data);
	bytes_clear(&m);
	bytes_put(&m, event, sizeof(event) - 1);
	world_read(ssl, m.data, (int)m.len);
	PROVE(memcmp(m.data, event, m.len) == 0, "%s", m.data);
	bytes_free(&m);
}

/* A value that ends what is sent is blocked as any other is, and one that ends an answer is told.
 */
static void ends_a_message(void)
{
	static const char *const messages[] = {
		"GET /find?one=" SSN " HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"POST /find HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
		"Content-Length: 17\r\n\r\nthree=" SSN,
		"POST /find HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 22\r\n"
		"\r\n{\"four\":\"" SSN "\"}",
		"POST /find HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: "
		"chunked\r\n\r\n16\r\n{\"five\":\"" OTHER "\"}\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 65\r\n\r\n"
		"{\"content\":[{\"type\":\"text\",\"text\":\"It is that one " SSN "\"}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		bool answer = i == ARRAY_SIZE(messages) - 1;
		uint64_t ssl = prove_connection();
		const struct record_inline *r;
		struct bytes m = {0};

		world_forget_records(world);
		if (answer) {
			bytes_text(&m, "POST /v1/messages HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
			send_whole(ssl, &m);
			bytes_clear(&m);
		}
		bytes_text(&m, messages[i]);
		if (answer)
			world_read(ssl, m.data, (int)m.len);
		else
			send_whole(ssl, &m);
		r = world_record(world);
		PROVE(r && r->action == (answer ? SCAN_MASK : SCAN_BLOCK) && r->found == 1,
		      "%.60s: action %u", messages[i], r ? r->action : 0);
		PROVE(!memmem(m.data, m.len, "45-6789", 7), "%.60s", messages[i]);
		bytes_free(&m);
	}
}

/* A connection that was there before, or whose state is gone: from its next request on. */
static void met_in_its_middle(void)
{
	struct bytes m = {0};
	uint64_t ssl = prove_connection();
	char rest[] = "the rest of a body that nobody saw the beginning of";

	world_write(ssl, rest, sizeof(rest) - 1, sizeof(rest) - 1);
	request(&m, "Then my number is " OTHER " and that was it.");
	send_whole(ssl, &m);
	PROVE(!memmem(m.data, m.len, OTHER, 11), "not read on");
	bytes_free(&m);
}

static void told_of(void)
{
	struct bytes m = {0};
	const struct record_inline *r;
	uint64_t ssl = prove_connection();
	unsigned int blocks = 0, masks = 0;

	world_forget_records(world);
	request(&m, "Told: " SSN " twice " SSN " and " PHONE ".");
	send_whole(ssl, &m);
	while ((r = world_record(world))) {
		PROVE(r->ssl == ssl && r->verdict == BAILIFF_DENY &&
			      r->reason == BAILIFF_REASON_CONTENT && r->rule >= 100,
		      "verdict %u reason %u rule %u", r->verdict, r->reason, r->rule);
		if (r->action == SCAN_BLOCK) {
			blocks += r->found;
			PROVE(r->number, "a block without a number");
		} else {
			masks += r->found;
		}
	}
	PROVE(blocks == 2 && masks == 1, "%u blocks, %u masks", blocks, masks);
	bytes_free(&m);
}

void prove_blocks(bool detached)
{
	struct scan_table *table = prove_table(SCAN_MASK, SCAN_MASK, SCAN_MASK);
	struct world_options options = {
		.table = table,
		.texts = texts,
		.n_texts = ARRAY_SIZE(texts),
		.mode = BAILIFF_MODE_ENFORCE,
		.kinds = 1 << CONTENT_REQUEST | 1 << CONTENT_TEXT | 1 << CONTENT_INPUT,
		.flags = POLICY_COMPRESSED_BLOCK,
		.detached = detached,
	};
	static const struct {
		const char *name;
		void (*run)(void);
		bool nothing; /* holds without the program too */
		/* from here on */
		uint32_t flags;
		uint64_t same_ns;
	} parts[] = {
		{.name = "blocked and answered", .run = blocked_and_answered},
		{.name = "blocked once", .run = blocked_once},
		{.name = "blocked across records", .run = blocked_across},
		{.name = "written again", .run = written_again},
		{.name = "asked for identity", .run = asked_for_identity},
		{.name = "came compressed", .run = came_compressed},
		{.name = "not read", .run = not_read},
		{.name = "not read, and blocked",
		 .run = not_read,
		 .flags = POLICY_UNREADABLE_BLOCK},
		{.name = "never touched", .run = never_touched, .nothing = true},
		{.name = "met in its middle", .run = met_in_its_middle},
		{.name = "ends a message", .run = ends_a_message},
		{.name = "told of", .run = told_of},
		{.name = "blocked at once",
		 .run = blocked_at_once,
		 .same_ns = SAME_S * 1000000000ull},
	};

	off = detached;
	/* the first detector is that of social security numbers */
	table->detector[0].acts = (uint16_t)(SCAN_ACT(CONTENT_REQUEST, SCAN_BLOCK) |
					     SCAN_ACT(CONTENT_TEXT, SCAN_MASK));
	fill_texts();
	world = world_open(&options);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		unsigned long before = prove_failed, n = prove_n;

		if (parts[i].flags || parts[i].same_ns) {
			world_close(world);
			options.flags |= parts[i].flags;
			options.same_ns = parts[i].same_ns;
			world = world_open(&options);
		}
		unread_blocks = options.flags & POLICY_UNREADABLE_BLOCK;
		parts[i].run();
		printf("%-24s %lu checks, %lu failed\n", parts[i].name, prove_n - n,
		       prove_failed - before);
		if (!off || parts[i].nothing)
			continue;
		/* without the program each part has to fail: that is what it shows */
		if (prove_failed == before) {
			printf("%s holds with nothing attached\n", parts[i].name);
			prove_failed++;
		} else {
			prove_failed = before;
		}
	}
	world_close(world);
	free(table);
}
