// SPDX-License-Identifier: Apache-2.0
/* The content blocks of a message. */
#include "wire/blocks.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

void blocks_free(struct blocks *b)
{
	free(b->items);
	texts_free(&b->texts);
	*b = (struct blocks){0};
}

enum wire_block block_kind(struct wire_text type)
{
	static const struct wire_text result = TEXT("tool_result"), use = TEXT("tool_use");

	if (TEXT_IS(type, "text"))
		return WIRE_BLOCK_TEXT;
	if (TEXT_IS(type, "thinking") || TEXT_IS(type, "redacted_thinking"))
		return WIRE_BLOCK_THINKING;
	/* server_tool_use, mcp_tool_use; web_search_tool_result, ... */
	if (type.len >= use.len && text_equal(text_from(type, type.len - use.len), use))
		return WIRE_BLOCK_TOOL_USE;
	if (type.len >= result.len && text_equal(text_from(type, type.len - result.len), result))
		return WIRE_BLOCK_TOOL_RESULT;
	return WIRE_BLOCK_OTHER;
}

static int blocks_push(struct blocks *b, const struct block *block)
{
	if (b->len == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 16;
		struct block *items = realloc(b->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		b->items = items;
		b->cap = cap;
	}
	b->items[b->len++] = *block;
	return 0;
}

/* The JSON of a value, kept with the blocks, but for the members of that name. */
static int blocks_print(struct blocks *b, const struct tree_value *v, const char *const *without,
			struct wire_text *ret)
{
	_cleanup_buffer_ struct buffer out = {0};
	int r = tree_print(v, without, &out);

	return r < 0 ? r : texts_keep(&b->texts, TEXT_BUF(&out), ret);
}

static int blocks_add_without(struct blocks *b, struct wire_text role, struct wire_text id,
			      const struct tree_value *v, const char *const *without)
{
	struct block block = {.kind = WIRE_BLOCK_OTHER, .role = role, .id = id};
	int r = blocks_print(b, v, without, &block.text);

	return r < 0 ? r : blocks_push(b, &block);
}

int blocks_add_other(struct blocks *b, struct wire_text role, struct wire_text id,
		     const struct tree_value *v)
{
	return blocks_add_without(b, role, id, v, NULL);
}

/* What an object holds besides the members that were read: nothing said is left out. */
static int blocks_add_rest(struct blocks *b, struct wire_text role, struct wire_text id,
			   const struct tree_value *object, const char *const *known)
{
	tree_foreach (object, v) {
		size_t i = 0;

		while (known[i] && !text_equal(v->name, TEXT_STR(known[i])))
			i++;
		if (!known[i])
			return blocks_add_without(b, role, id, object, known);
	}
	return 0;
}

/* The text of a tool's result; what is not text (images, references to tools) comes as blocks. */
static int blocks_add_result(struct blocks *b, struct block *block,
			     const struct tree_value *content)
{
	_cleanup_buffer_ struct buffer joined = {0};
	const size_t max = SIZE_MAX / 4;
	int r = 0;

	if (tree_is(content, TREE_STRING)) {
		block->text = content->text;
		return blocks_push(b, block);
	}
	if (!tree_is(content, TREE_ARRAY)) {
		if (content && content->kind != TREE_NULL)
			r = blocks_print(b, content, NULL, &block->text);
		return r < 0 ? r : blocks_push(b, block);
	}
	tree_foreach (content, item) {
		struct wire_text text = tree_member(item, "text");

		if (!text.data || block_kind(tree_member(item, "type")) != WIRE_BLOCK_TEXT)
			continue;
		if (joined.len)
			r = buffer_append(&joined, "\n", 1, max);
		if (r == 0)
			r = buffer_append(&joined, text.data, text.len, max);
		if (r < 0)
			return r;
	}
	r = texts_keep(&b->texts, joined.data ? TEXT_BUF(&joined) : TEXT(""), &block->text);
	if (r == 0)
		r = blocks_push(b, block);
	tree_foreach (content, item) {
		static const char *const known[] = {"type", "text", "cache_control", NULL};

		if (r < 0)
			return r;
		if (tree_member(item, "text").data &&
		    block_kind(tree_member(item, "type")) == WIRE_BLOCK_TEXT)
			r = blocks_add_rest(b, block->role, block->id, item, known);
		else
			r = blocks_add_other(b, block->role, block->id, item);
	}
	return r;
}

int blocks_add(struct blocks *b, struct wire_text role, const struct tree_value *v)
{
	static const char *const text_known[] = {"type", "text", "cache_control", NULL};
	static const char *const thinking_known[] = {"type", "thinking",      "signature",
						     "data", "cache_control", NULL};
	static const char *const use_known[] = {"type",		 "id", "name", "input",
						"cache_control", NULL};
	static const char *const result_known[] = {"type",     "tool_use_id",	"content",
						   "is_error", "cache_control", NULL};
	/* the marker for the cache moves from turn to turn and says nothing */
	static const char *const unsaid[] = {"cache_control", NULL};
	struct wire_text type = tree_member(v, "type");
	struct block block = {.kind = block_kind(type), .role = role};
	const struct tree_value *input;
	int r = 0;

	if (v->kind == TREE_STRING) {
		block.kind = WIRE_BLOCK_TEXT;
		block.text = v->text;
		return blocks_push(b, &block);
	}
	switch (block.kind) {
	case WIRE_BLOCK_TEXT:
		block.text = tree_member(v, "text");
		if (!block.text.data)
			break;
		r = blocks_push(b, &block);
		return r < 0 ? r : blocks_add_rest(b, role, block.id, v, text_known);
	case WIRE_BLOCK_THINKING:
		block.text = tree_member(v, "thinking");
		if (!block.text.data)
			block.text = tree_member(v, "data");
		if (!block.text.data)
			break;
		r = blocks_push(b, &block);
		return r < 0 ? r : blocks_add_rest(b, role, block.id, v, thinking_known);
	case WIRE_BLOCK_TOOL_USE:
		block.id = tree_member(v, "id");
		block.name = tree_member(v, "name");
		input = tree_get(v, "input");
		if (!block.id.data || !block.name.data || !input)
			break;
		r = blocks_print(b, input, NULL, &block.text);
		if (r == 0)
			r = blocks_push(b, &block);
		return r < 0 ? r : blocks_add_rest(b, role, block.id, v, use_known);
	case WIRE_BLOCK_TOOL_RESULT:
		block.id = tree_member(v, "tool_use_id");
		block.is_error = tree_is(tree_get(v, "is_error"), TREE_TRUE);
		if (!block.id.data)
			break;
		r = blocks_add_result(b, &block, tree_get(v, "content"));
		return r < 0 ? r : blocks_add_rest(b, role, block.id, v, result_known);
	default:
		return blocks_add_without(b, role, (struct wire_text){0}, v, unsaid);
	}
	return blocks_add_other(b, role, (struct wire_text){0}, v);
}

int blocks_add_message(struct blocks *b, const struct tree_value *message)
{
	static const char *const known[] = {"role", "content", NULL};
	struct wire_text role = tree_member(message, "role");
	const struct tree_value *content = tree_get(message, "content");
	int r = 0;

	if (!role.data || !content)
		return blocks_add_other(b, role, (struct wire_text){0}, message);
	if (content->kind == TREE_ARRAY) {
		tree_foreach (content, item)
			if (r == 0)
				r = blocks_add(b, role, item);
	} else {
		r = blocks_add(b, role, content);
	}
	return r < 0 ? r : blocks_add_rest(b, role, (struct wire_text){0}, message, known);
}

int block_mark(struct seen *seen, const struct mark *conversation, const struct block *block,
	       struct mark *ret)
{
	const char kind[3] = {'b', (char)block->kind, (char)block->is_error};
	const struct wire_text pieces[] = {
		{kind, sizeof(kind)}, {(const char *)conversation, sizeof(*conversation)},
		block->role,	      block->id,
		block->name,	      block->text,
	};

	return seen_digest(seen, pieces, ARRAY_SIZE(pieces), ret) < 0 ? -ENOMEM : 0;
}

void block_emit(struct wire_conn *conn, struct exchange *ex, const struct block *block, bool sent)
{
	struct wire_event event = {
		.kind = WIRE_MESSAGE,
		.message =
			{
				.block = block->kind,
				.sent = sent,
				.role = block->role,
				.text = block->text,
				.tool_use_id = block->id,
			},
	};

	conn_emit(conn, ex, &event);
}
