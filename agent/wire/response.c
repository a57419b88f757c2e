// SPDX-License-Identifier: Apache-2.0
/* The body of a Messages response: events of a stream, or one JSON document. */
#include "wire/response.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "wire/blocks.h"
#include "wire/delta.h"
#include "wire/sse.h"

/* Content blocks that may be open at once; the API sends one after the other. */
#define OPEN_MAX 64

struct open_block {
	bool used, mended;
	int64_t index;
	enum wire_block kind;
	struct texts texts;
	struct wire_text id, name;
	struct wire_text
		start; /* JSON of the input, or of all the block, that came with its start */
	struct buffer text;
};

struct response {
	struct wire_conn *conn;
	struct exchange *ex;
	bool stream;
	bool whole;
	struct sse sse;
	struct buffer document;
	struct tree tree; /* of document */
	struct open_block open[OPEN_MAX];
	size_t n_open; /* places ever used */
	struct buffer stop_reason, message_id, error;
	uint64_t tokens_in, tokens_out;
	uint64_t bad;
	struct buffer sample;
	const char *why;
};

static int response_event(void *ctx, struct wire_text name, struct wire_text data);

int response_new(struct wire_conn *conn, struct exchange *ex, bool stream, struct response **ret)
{
	struct response *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->conn = conn;
	p->ex = ex;
	p->stream = stream;
	sse_init(&p->sse, conn->client->limits.body, response_event, p);
	*ret = p;
	return 0;
}

static void open_block_clear(struct open_block *b)
{
	texts_free(&b->texts);
	buffer_free(&b->text);
	*b = (struct open_block){0};
}

void response_free(struct response *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_open; i++)
		open_block_clear(&p->open[i]);
	sse_free(&p->sse);
	tree_free(&p->tree);
	buffer_free(&p->document);
	buffer_free(&p->stop_reason);
	buffer_free(&p->message_id);
	buffer_free(&p->error);
	buffer_free(&p->sample);
	free(p);
}

bool response_whole(const struct response *p)
{
	return p->whole;
}

bool response_open_tool(const struct response *p, size_t i, struct wire_text *ret_id,
			struct wire_text *ret_name)
{
	for (size_t k = 0; k < p->n_open; k++) {
		const struct open_block *b = &p->open[k];

		if (!b->used || b->kind != WIRE_BLOCK_TOOL_USE || i--)
			continue;
		*ret_id = b->id;
		*ret_name = b->name;
		return true;
	}
	return false;
}

static int response_bad(struct response *p, struct wire_text bytes, const char *why)
{
	size_t room = SAMPLE_MAX - p->sample.len;

	p->bad += bytes.len;
	p->why = why;
	return buffer_append(&p->sample, bytes.data, bytes.len < room ? bytes.len : room,
			     SAMPLE_MAX);
}

/* A block is complete, or will get no more: whole says which. */
static int response_tell(struct response *p, const struct block *block, bool whole)
{
	struct wire_client *client = p->conn->client;
	struct wire_event event = {
		.kind = WIRE_TOOL_USE,
		.tool = {.id = block->id,
			 .name = block->name,
			 .input = block->text,
			 .duration_ns = -1},
	};
	_cleanup_tree_ struct tree input = {0};
	_cleanup_buffer_ struct buffer printed = {0};
	struct block echo = *block;
	struct mark mark;
	int r = 0;

	if (block->kind == WIRE_BLOCK_TOOL_USE && whole) {
		conn_emit(p->conn, p->ex, &event);
		r = tools_open(&client->tools, block->id, block->name, block->text, p->conn->now);
		if (r < 0)
			return r;
	}
	block_emit(p->conn, p->ex, block, false);
	if (!p->ex)
		return 0;
	if (block->kind == WIRE_BLOCK_TOOL_USE) {
		/* the client parses the input and writes it anew; that is what comes back */
		r = tree_read(block->text, 0, &input);
		if (r == 0)
			r = tree_print(tree_root(&input), NULL, &printed);
		if (r == -ENOMEM)
			return r;
		if (r == 0)
			echo.text = TEXT_BUF(&printed);
	}
	/* the next request sends it back: not news then */
	r = block_mark(client->seen, &p->ex->conversation, &echo, &mark);
	if (r == 0)
		r = seen_add_block(client->seen, &p->ex->tally, &mark);
	return r < 0 ? r : 0;
}

static struct open_block *response_find(struct response *p, int64_t index)
{
	for (size_t i = 0; i < p->n_open; i++)
		if (p->open[i].used && p->open[i].index == index)
			return &p->open[i];
	return NULL;
}

static int response_close(struct response *p, struct open_block *b, bool whole)
{
	struct block block = {
		.kind = b->kind,
		.role = TEXT("assistant"),
		.id = b->id,
		.name = b->name,
	};
	int r;

	if (b->mended && b->text.len)
		b->text.len = tree_join((char *)b->text.data, b->text.len);
	block.text = b->text.len ? TEXT_BUF(&b->text) : b->start;
	if (!block.text.data)
		block.text = TEXT("");
	r = response_tell(p, &block, whole);
	open_block_clear(b);
	return r;
}

static int response_start(struct response *p, const struct tree_value *event)
{
	int64_t index = tree_integer(tree_get(event, "index"));
	const struct tree_value *v = tree_get(event, "content_block");
	struct open_block *b = response_find(p, index);
	_cleanup_buffer_ struct buffer printed = {0};
	struct wire_text text = {0};
	const struct tree_value *start;
	int r = 0;

	if (b) /* the one before was never closed */
		r = response_close(p, b, false);
	if (r < 0)
		return r;
	for (size_t i = 0; i < OPEN_MAX && !b; i++)
		if (!p->open[i].used)
			b = &p->open[i];
	if (!b) {
		r = tree_print(event, NULL, &printed);
		return r < 0 ? r
			     : response_bad(p, TEXT_BUF(&printed), "too many open content blocks");
	}
	if ((size_t)(b - p->open) >= p->n_open)
		p->n_open = (size_t)(b - p->open) + 1;
	*b = (struct open_block){.used = true, .index = index};
	b->kind = block_kind(tree_member(v, "type"));
	start = v;
	switch (b->kind) {
	case WIRE_BLOCK_TEXT:
		start = NULL;
		text = tree_member(v, "text");
		break;
	case WIRE_BLOCK_THINKING:
		start = NULL;
		text = tree_member(v, "thinking");
		if (!text.data)
			text = tree_member(v, "data");
		break;
	case WIRE_BLOCK_TOOL_USE:
		start = tree_get(v, "input");
		r = texts_keep(&b->texts, tree_member(v, "name"), &b->name);
		if (r == 0)
			r = texts_keep(&b->texts, tree_member(v, "id"), &b->id);
		break;
	case WIRE_BLOCK_TOOL_RESULT:
		r = texts_keep(&b->texts, tree_member(v, "tool_use_id"), &b->id);
		break;
	default:
		break;
	}
	if (r == 0 && text.len)
		r = text_set(&b->text, text);
	if (r == 0 && start)
		r = tree_print(start, NULL, &printed);
	if (r == 0 && printed.len)
		r = texts_keep(&b->texts, TEXT_BUF(&printed), &b->start);
	return r;
}

static int response_delta(struct response *p, const struct tree_value *event, bool mended)
{
	static const char *const members[] = {"text", "partial_json", "thinking"};
	const struct tree_value *delta = tree_get(event, "delta");
	struct open_block *b = response_find(p, tree_integer(tree_get(event, "index")));
	struct wire_text text = {0};
	_cleanup_buffer_ struct buffer printed = {0};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(members) && !text.data; i++)
		text = tree_member(delta, members[i]);
	if (!text.data && tree_member(delta, "signature").data)
		return 0;
	if (b && text.data) {
		b->mended = b->mended || mended;
		r = buffer_append(&b->text, text.data, text.len, SIZE_MAX / 4);
		return r < 0 ? -ENOMEM : 0;
	}
	/* of a block that never started, or of a kind not known: told as it is */
	r = tree_print(event, NULL, &printed);
	if (r == 0)
		block_emit(p->conn, p->ex,
			   &(struct block){.kind = WIRE_BLOCK_OTHER,
					   .role = TEXT("assistant"),
					   .text = TEXT_BUF(&printed)},
			   false);
	return r;
}

static void response_usage(struct response *p, const struct tree_value *usage)
{
	static const char *const in[] = {"input_tokens", "cache_creation_input_tokens",
					 "cache_read_input_tokens"};
	uint64_t sum = 0;
	int64_t n;

	/* cached tokens are input too: reported apart, they add up to what was read */
	for (size_t i = 0; i < ARRAY_SIZE(in); i++) {
		n = tree_integer(tree_get(usage, in[i]));
		sum += n > 0 ? (uint64_t)n : 0;
	}
	if (sum > p->tokens_in)
		p->tokens_in = sum;
	n = tree_integer(tree_get(usage, "output_tokens"));
	if (n > 0 && (uint64_t)n > p->tokens_out)
		p->tokens_out = (uint64_t)n;
}

static int response_error(struct response *p, const struct tree_value *error)
{
	struct wire_text type = tree_member(error, "type"), message = tree_member(error, "message");
	int r = text_set(&p->error, type);

	if (r == 0 && type.len && message.len)
		r = buffer_append(&p->error, ": ", 2, SIZE_MAX / 4);
	return r < 0 ? r : buffer_append(&p->error, message.data, message.len, SIZE_MAX / 4);
}

/* What a whole message, or the head of a streamed one, says besides its content. */
static int response_message(struct response *p, const struct tree_value *message)
{
	struct wire_text id = tree_member(message, "id");
	struct wire_text stop = tree_member(message, "stop_reason");
	int r = 0;

	response_usage(p, tree_get(message, "usage"));
	if (id.data)
		r = text_set(&p->message_id, id);
	if (r == 0 && stop.data)
		r = text_set(&p->stop_reason, stop);
	return r;
}

static int response_flush(struct response *p)
{
	int r = 0;

	for (size_t i = 0; i < p->n_open && r == 0; i++)
		if (p->open[i].used)
			r = response_close(p, &p->open[i], false);
	return r;
}

/* What the type inside the data says counts, as in the client; the event's name may differ. */
static int response_event(void *ctx, struct wire_text name, struct wire_text data)
{
	struct response *p = ctx;
	_cleanup_tree_ struct tree tree = {0};
	const struct tree_value *event;
	struct open_block *b;
	struct wire_text type;
	struct wire_text rest;
	uint32_t index;
	int r;

	b = delta_match(data, &index, &rest) ? response_find(p, index) : NULL;
	r = b ? delta_append(rest, &b->text) : 0;
	if (r != 0)
		return r < 0 ? -ENOMEM : 0;
	r = tree_read(data, TREE_HALVES, &tree);
	if (r == -EBADMSG)
		return response_bad(p, data, "an event that is not JSON");
	if (r < 0)
		return r;
	event = tree_root(&tree);
	type = tree_member(event, "type");
	if (TEXT_IS(type, "content_block_delta"))
		return response_delta(p, event, tree.halves);
	if (tree.halves) { /* nothing follows that they could be joined with */
		tree_free(&tree);
		r = tree_read(data, 0, &tree);
		if (r < 0)
			return r;
		event = tree_root(&tree);
		type = tree_member(event, "type");
	}
	if (TEXT_IS(type, "content_block_start"))
		return response_start(p, event);
	if (TEXT_IS(type, "content_block_stop")) {
		b = response_find(p, tree_integer(tree_get(event, "index")));
		return b ? response_close(p, b, true) : 0;
	}
	if (TEXT_IS(type, "message_start"))
		return response_message(p, tree_get(event, "message"));
	if (TEXT_IS(type, "message_delta")) {
		response_usage(p, tree_get(event, "usage"));
		return response_message(p, tree_get(event, "delta"));
	}
	if (TEXT_IS(type, "message_stop")) {
		p->whole = true;
		return response_flush(p);
	}
	if (TEXT_IS(type, "error"))
		return response_error(p, tree_get(event, "error"));
	if (TEXT_IS(type, "ping"))
		return 0;
	block_emit(
		p->conn, p->ex,
		&(struct block){.kind = WIRE_BLOCK_OTHER, .role = TEXT("assistant"), .text = data},
		false);
	return 0;
}

int response_feed(struct response *p, const char *bytes, size_t len)
{
	int r = p->stream ? sse_feed(&p->sse, bytes, len)
			  : buffer_append(&p->document, bytes, len, SIZE_MAX / 4);

	/* neither a line nor a document is longer than a body, which the caller limits */
	return r < 0 ? -ENOMEM : 0;
}

/* A response that was asked for without a stream. */
static int response_document(struct response *p, struct wire_text *other)
{
	struct blocks blocks = {0};
	struct wire_text type;
	const struct tree_value *root, *content;
	int r;

	r = tree_read(TEXT_BUF(&p->document), 0, &p->tree);
	if (r == -ENOMEM)
		return r;
	root = tree_root(&p->tree);
	type = tree_member(root, "type");
	if (TEXT_IS(type, "error")) {
		p->whole = true;
		return response_error(p, tree_get(root, "error"));
	}
	content = tree_get(root, "content");
	if (!TEXT_IS(type, "message") || !tree_is(content, TREE_ARRAY)) {
		p->whole = r == 0;
		*other = TEXT_BUF(&p->document);
		return 0;
	}
	p->whole = true;
	r = response_message(p, root);
	tree_foreach (content, item)
		if (r == 0)
			r = blocks_add(&blocks, TEXT("assistant"), item);
	for (size_t i = 0; i < blocks.len && r == 0; i++)
		r = response_tell(p, &blocks.items[i], true);
	blocks_free(&blocks);
	return r;
}

int response_finish(struct response *p, struct wire_response *ret, struct wire_text *other)
{
	int r = p->stream ? sse_finish(&p->sse) : response_document(p, other);

	if (r == 0)
		r = response_flush(p);
	if (r < 0)
		return r == -ENOSPC ? -ENOMEM : r;
	if (p->bad)
		conn_undecodable(p->conn, p->ex, WIRE_RECEIVED, p->bad, TEXT_BUF(&p->sample),
				 p->why);
	ret->stop_reason = TEXT_BUF(&p->stop_reason);
	ret->message_id = TEXT_BUF(&p->message_id);
	ret->error = TEXT_BUF(&p->error);
	ret->tokens_in = p->tokens_in;
	ret->tokens_out = p->tokens_out;
	return 0;
}
