// SPDX-License-Identifier: Apache-2.0
/* The body of a Messages request, as it comes. */
#include "wire/request.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "wire/blocks.h"
#include "wire/claims.h"
#include "wire/scan.h"
#include "wire/skills.h"

/* A setting shorter than this (max_tokens, temperature) is no place to hide a message. */
#define SETTING_MAX 32

enum field {
	FIELD_OTHER,
	FIELD_MESSAGES,
	FIELD_SYSTEM,
	FIELD_TOOLS,
	FIELD_MODEL,
	FIELD_METADATA,
	FIELD_STREAM,
};

/* A value not seen before, until the body has ended: the call is told before what was said in it.
 */
struct held {
	enum field field;
	struct wire_text key;
	struct buffer span; /* its JSON */
	struct mark mark;
	struct tree tree; /* empty: not read, or broken */
	const char *why;  /* it is not read: why */
	size_t first, n;  /* its blocks */
	bool news;
};

struct request {
	struct wire_conn *conn;
	struct exchange *ex;
	struct scan scan;
	bool failed;
	bool collecting; /* the bytes of a key or of a value of interest */
	enum field field;
	struct wire_text key_name; /* of FIELD_OTHER */
	struct buffer span;
	struct texts keys;
	struct held *held;
	size_t n_held, cap_held;
	struct buffer model, metadata;
	bool stream;
	uint32_t n_messages;
	uint64_t bytes;
	uint32_t values; /* JSON values held: their trees stand side by side */
	uint64_t bad;
	struct buffer sample; /* of the bad bytes */
	struct blocks blocks;
	struct skill_round round;
};

int request_new(struct wire_conn *conn, struct exchange *ex, struct request **ret)
{
	struct request *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->conn = conn;
	q->ex = ex;
	scan_init(&q->scan, true);
	*ret = q;
	return 0;
}

void request_free(struct request *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->n_held; i++) {
		tree_free(&q->held[i].tree);
		buffer_free(&q->held[i].span);
	}
	free(q->held);
	for (size_t i = 0; i < q->round.len; i++)
		texts_free(&q->round.uses[i].texts);
	buffer_free(&q->span);
	buffer_free(&q->model);
	buffer_free(&q->metadata);
	buffer_free(&q->sample);
	texts_free(&q->keys);
	blocks_free(&q->blocks);
	free(q);
}

/* The key that was read, escapes undone: "m\u0065ssages" is the same member to the server. */
static int request_key(struct request *q)
{
	static const struct {
		struct wire_text name;
		enum field field;
	} fields[] = {
		{TEXT("messages"), FIELD_MESSAGES}, {TEXT("system"), FIELD_SYSTEM},
		{TEXT("tools"), FIELD_TOOLS},	    {TEXT("model"), FIELD_MODEL},
		{TEXT("metadata"), FIELD_METADATA}, {TEXT("stream"), FIELD_STREAM},
	};
	_cleanup_tree_ struct tree tree = {0};
	struct wire_text name;
	int r;

	r = tree_read(TEXT_BUF(&q->span), 0, &tree);
	if (r == -ENOMEM)
		return r;
	name = r < 0 ? TEXT("?") : tree_text(tree_root(&tree));
	q->field = FIELD_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (text_equal(name, fields[i].name))
			q->field = fields[i].field;
	return texts_keep(&q->keys, text_cut(name, 128), &q->key_name);
}

static bool request_known(const struct request *q, struct mark *mark, int *error)
{
	const char kind[2] = {'e', (char)q->field};
	const struct wire_text pieces[] = {
		{kind, sizeof(kind)},
		{(const char *)&q->ex->conversation, sizeof(q->ex->conversation)},
		q->key_name,
		TEXT_BUF(&q->span),
	};
	struct seen *seen = q->conn->client->seen;
	int r;

	r = seen_digest(seen, pieces, ARRAY_SIZE(pieces), mark);
	if (r == 0)
		r = seen_has_element(seen, &q->ex->tally, mark);
	*error = r < 0 ? -ENOMEM : 0;
	return r == 1;
}

/* A whole value is in span. */
static int request_value(struct request *q)
{
	struct buffer copy = {0};
	struct held *held;
	struct mark mark;
	int r;

	switch (q->field) {
	case FIELD_MODEL:
		return text_set(&q->model, TEXT_BUF(&q->span));
	case FIELD_METADATA:
		return text_set(&q->metadata, TEXT_BUF(&q->span));
	case FIELD_STREAM:
		q->stream = q->span.len == 4 && memcmp(q->span.data, "true", 4) == 0;
		return 0;
	case FIELD_OTHER:
		if (q->span.len <= SETTING_MAX)
			return 0;
		break;
	case FIELD_MESSAGES:
		q->n_messages++;
		break;
	default:
		break;
	}
	if (request_known(q, &mark, &r) || r < 0)
		return r;
	if (q->n_held == q->cap_held) {
		size_t cap = q->cap_held ? q->cap_held * 2 : 16;

		held = realloc(q->held, cap * sizeof(*held));
		if (!held)
			return -ENOMEM;
		q->held = held;
		q->cap_held = cap;
	}
	/* of its own size: the one that grew is used again for the next */
	r = buffer_append(&copy, q->span.data, q->span.len, SIZE_MAX / 4);
	if (r < 0)
		return -ENOMEM;
	q->held[q->n_held++] = (struct held){
		.field = q->field,
		.key = q->key_name,
		.span = copy,
		.mark = mark,
	};
	q->values += q->scan.values;
	if (q->values > SCAN_VALUES) {
		q->values -= q->scan.values;
		q->held[q->n_held - 1].why = "more values than are read of one request";
	}
	return 0;
}

static int request_bad(struct request *q, struct wire_text bytes)
{
	size_t room = SAMPLE_MAX - q->sample.len;

	q->bad += bytes.len;
	return buffer_append(&q->sample, bytes.data, bytes.len < room ? bytes.len : room,
			     SAMPLE_MAX);
}

static int request_failed(struct request *q, const char *from, const char *end)
{
	int r = request_bad(q, TEXT_BUF(&q->span));

	q->failed = true;
	q->collecting = false;
	q->span.len = 0;
	return r < 0 ? r : request_bad(q, (struct wire_text){from, (size_t)(end - from)});
}

int request_feed(struct request *q, const char *bytes, size_t len)
{
	const char *p = bytes, *end = bytes + len;
	int r = 0;

	q->bytes += len;
	if (q->failed)
		return request_bad(q, (struct wire_text){bytes, len});
	while (r == 0) {
		const char *from = p;
		enum scan_event event = scan_run(&q->scan, &p, end);

		if (event == SCAN_BAD)
			return request_failed(q, from, end);
		if (q->collecting) {
			r = buffer_append(&q->span, from, (size_t)(p - from), SIZE_MAX / 4);
			if (r < 0)
				return -ENOMEM;
		}
		switch (event) {
		case SCAN_KEY_BEGIN:
			q->collecting = true;
			q->span.len = 0;
			break;
		case SCAN_KEY_END:
			q->collecting = false;
			r = request_key(q);
			break;
		case SCAN_BEGIN:
			/* an outer array is no request; its elements have no key */
			if (!q->key_name.data)
				return request_failed(q, p, end);
			q->span.len = 0;
			q->collecting = true;
			if (q->scan.depth == 1 && *p == '[' &&
			    (q->field == FIELD_MESSAGES || q->field == FIELD_SYSTEM ||
			     q->field == FIELD_TOOLS)) {
				q->scan.split = true;
				q->collecting = false;
			}
			break;
		case SCAN_END:
			if (q->collecting)
				r = request_value(q);
			q->collecting = false;
			q->span.len = 0;
			break;
		default:
			return r;
		}
	}
	return r;
}

/* Reads what was held into blocks, and finds those that are news. */
static int request_read(struct request *q, struct held *h)
{
	struct seen *seen = q->conn->client->seen;
	_cleanup_free_ struct mark *marks = NULL;
	const struct tree_value *value;
	int r;

	if (h->why)
		return 0;
	r = tree_read(TEXT_BUF(&h->span), TREE_STRICT, &h->tree);
	if (r == -EBADMSG) {
		h->why = "a value that two readers may read differently";
		return 0;
	}
	if (r < 0)
		return r;
	value = tree_root(&h->tree);
	h->first = q->blocks.len;
	if (h->field == FIELD_MESSAGES && value->kind == TREE_OBJECT)
		r = blocks_add_message(&q->blocks, value);
	else if (h->field == FIELD_SYSTEM)
		r = blocks_add(&q->blocks, TEXT("system"), value);
	else
		r = blocks_add_other(&q->blocks, h->key, (struct wire_text){0}, value);
	h->n = q->blocks.len - h->first;
	if (r < 0 || !h->n)
		return r < 0 ? r : seen_add_element(seen, &h->mark, NULL, 0);
	marks = calloc(h->n, sizeof(*marks));
	if (!marks)
		return -ENOMEM;
	for (size_t i = 0; i < h->n; i++) {
		struct block *b = &q->blocks.items[h->first + i];

		if (b->kind == WIRE_BLOCK_TEXT && TEXT_IS(b->role, "system"))
			b->kind = WIRE_BLOCK_SYSTEM;
		r = block_mark(seen, &q->ex->conversation, b, &marks[i]);
		if (r == 0)
			r = seen_add_block(seen, &q->ex->tally, &marks[i]);
		if (r < 0)
			return r;
		b->news = r == 1;
		h->news = h->news || b->news;
	}
	return seen_add_element(seen, &h->mark, marks, h->n);
}

/* What the client says about itself in this block. */
static int request_claims(struct request *q, const struct held *h, struct block *b)
{
	struct wire_client *client = q->conn->client;
	int r;

	if (b->kind == WIRE_BLOCK_SYSTEM && h->field == FIELD_SYSTEM) {
		r = claims_attribution(&q->ex->texts, b->text, &q->ex->call);
		if (r != 0) {
			b->news = false;
			return r < 0 ? r : 0;
		}
	}
	if (b->kind == WIRE_BLOCK_SYSTEM ||
	    (b->kind == WIRE_BLOCK_TEXT && text_starts(b->text, TEXT("<system-reminder>"))))
		return claims_environment(client, b->text);
	return 0;
}

static int request_metadata(struct request *q)
{
	_cleanup_tree_ struct tree tree = {0};
	struct held h = {.field = FIELD_OTHER, .key = TEXT("metadata")};
	const struct tree_value *v, *user_id;
	int r;

	if (!q->metadata.len)
		return 0;
	r = tree_read(TEXT_BUF(&q->metadata), TREE_STRICT, &tree);
	if (r == -ENOMEM)
		return r;
	v = tree_root(&tree);
	user_id = tree_get(v, "user_id");
	r = user_id ? claims_user_id(&q->ex->texts, tree_text(user_id), &q->ex->call) : 0;
	if (r < 0 || (r == 1 && tree_count(v) == 1))
		return r < 0 ? r : 0;
	/* something else stands there: told as it is */
	text_set(&q->span, TEXT_BUF(&q->metadata));
	q->field = h.field;
	q->key_name = h.key;
	return request_value(q);
}

static int request_call(struct request *q)
{
	struct wire_client *client = q->conn->client;
	struct wire_call *call = &q->ex->call;
	_cleanup_tree_ struct tree model = {0};
	int r = 0;

	if (q->model.len) {
		r = tree_read(TEXT_BUF(&q->model), TREE_STRICT, &model);
		if (r == -ENOMEM)
			return r;
		r = texts_keep(&q->ex->texts, tree_text(tree_root(&model)), &call->model);
	}
	if (r == 0)
		r = texts_keep(&q->ex->texts, TEXT_BUF(&client->working_directory),
			       &call->working_directory);
	if (r == 0)
		r = texts_keep(&q->ex->texts, TEXT_BUF(&client->git_email), &call->git_email);
	claims_user_agent(q->ex->head.user_agent, call);
	if (!call->session_id.data)
		call->session_id = q->ex->head.session_id;
	call->n_messages = q->n_messages;
	for (size_t i = 0; i < q->n_held; i++)
		call->n_new += q->held[i].field == FIELD_MESSAGES && q->held[i].news;
	call->body_bytes = q->bytes;
	call->stream = q->stream;
	return r;
}

static int result_mark(struct request *q, const struct block *b, struct mark *ret)
{
	const struct wire_text pieces[] = {TEXT("result"), b->id};

	return seen_digest(q->conn->client->seen, pieces, 2, ret) < 0 ? -ENOMEM : 0;
}

/* A result of a tool: told once for each use, with the use it answers. */
static int request_result(struct request *q, const struct block *b)
{
	struct wire_client *client = q->conn->client;
	struct wire_event event = {
		.kind = WIRE_TOOL_RESULT,
		.tool = {.id = b->id,
			 .result = b->text,
			 .is_error = b->is_error,
			 .duration_ns = -1},
	};
	struct tool_use *use;
	struct mark mark;
	int r = result_mark(q, b, &mark);

	if (r == 0)
		r = seen_has_element(client->seen, &q->ex->tally, &mark);
	if (r != 0)
		return r < 0 ? r : 0;
	r = seen_add_element(client->seen, &mark, NULL, 0);
	if (r < 0)
		return r;
	use = tools_close(&client->tools, b->id);
	if (use) {
		event.tool.name = use->name;
		event.tool.use_name = use->name;
		event.tool.use_input = use->input;
		if (use->time_ns && q->conn->now >= use->time_ns)
			event.tool.duration_ns = (int64_t)(q->conn->now - use->time_ns);
	}
	conn_emit(q->conn, q->ex, &event);
	if (use && skills_is_tool(use->name))
		r = skills_answer(&q->round, use, b->text, b->is_error, q->conn->now);
	tool_use_free(use);
	return r;
}

/* A use that no response showed, e.g. of a session taken up again: its time is not known. One whose
 * result was told is not open again when its own digest was forgotten first. */
static int request_use(struct request *q, const struct block *b)
{
	struct mark mark;
	int r = result_mark(q, b, &mark);

	if (r == 0)
		r = seen_has_element(q->conn->client->seen, &q->ex->tally, &mark);
	return r != 0 ? (r < 0 ? r : 0)
		      : tools_open(&q->conn->client->tools, b->id, b->name, b->text, 0);
}

static int request_tell(struct request *q, const struct held *h, const struct block *b)
{
	int r = 0;

	if (!b->news)
		return 0;
	if (q->round.len == SKILLS_ROUND_MAX)
		skills_finish(&q->round, q->conn, q->ex);
	if (b->kind == WIRE_BLOCK_TOOL_USE)
		r = request_use(q, b);
	else if (b->kind == WIRE_BLOCK_TOOL_RESULT)
		r = request_result(q, b);
	else if (b->kind == WIRE_BLOCK_TEXT && h->field == FIELD_MESSAGES &&
		 TEXT_IS(b->role, "user"))
		r = skills_text(&q->round, b->text);
	block_emit(q->conn, q->ex, b, true);
	return r;
}

int request_finish(struct request *q)
{
	struct wire_event event = {.kind = WIRE_MODEL_CALL};
	bool whole = !q->failed && scan_whole(&q->scan);
	int r = 0;

	if (!whole && !q->failed)
		r = request_bad(q, TEXT_BUF(&q->span));
	if (r == 0)
		r = request_metadata(q);
	for (size_t i = 0; i < q->n_held && r == 0; i++) {
		r = request_read(q, &q->held[i]);
		for (size_t k = 0; k < q->held[i].n && r == 0; k++)
			r = request_claims(q, &q->held[i], &q->blocks.items[q->held[i].first + k]);
	}
	if (r == 0)
		r = request_call(q);
	if (r < 0)
		return r;
	q->ex->call_read = true;
	conn_emit(q->conn, q->ex, &event);
	for (size_t i = 0; i < q->n_held && r == 0; i++) {
		const struct held *h = &q->held[i];

		if (h->why)
			conn_undecodable(q->conn, q->ex, WIRE_SENT, h->span.len,
					 text_cut(TEXT_BUF(&h->span), SAMPLE_MAX), h->why);
		for (size_t k = 0; k < h->n && r == 0; k++)
			r = request_tell(q, h, &q->blocks.items[h->first + k]);
	}
	skills_finish(&q->round, q->conn, q->ex);
	if (!whole)
		conn_undecodable(q->conn, q->ex, WIRE_SENT, q->bad, TEXT_BUF(&q->sample),
				 q->failed ? "a request that is not JSON"
					   : "a request that is not whole");
	return r;
}
