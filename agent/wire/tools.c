// SPDX-License-Identifier: Apache-2.0
/* The tools that the model asked for and that the client has not answered yet. */
#include "wire/tools.h"

#include <errno.h>
#include <stdlib.h>

void tool_use_free(struct tool_use *use)
{
	if (!use)
		return;
	texts_free(&use->texts);
	free(use);
}

static void tools_forget_first(struct tools *t)
{
	struct tool_use *use = t->first;

	t->first = use->next;
	if (!t->first)
		t->last = NULL;
	t->len--;
	t->input_bytes -= use->input.len;
	t->forgotten(t->ctx, use);
	tool_use_free(use);
}

int tools_open(struct tools *t, struct wire_text id, struct wire_text name, struct wire_text input,
	       uint64_t time_ns)
{
	struct tool_use *use;
	int r;

	for (use = t->first; use; use = use->next)
		if (text_equal(use->id, id))
			return 0;
	use = calloc(1, sizeof(*use));
	if (!use)
		return -ENOMEM;
	r = texts_keep(&use->texts, id, &use->id);
	if (r == 0)
		r = texts_keep(&use->texts, name, &use->name);
	if (r == 0)
		r = texts_keep(&use->texts, text_cut(input, TOOLS_INPUT_MAX), &use->input);
	if (r < 0) {
		tool_use_free(use);
		return r;
	}
	use->time_ns = time_ns;
	if (t->last)
		t->last->next = use;
	else
		t->first = use;
	t->last = use;
	t->len++;
	t->input_bytes += use->input.len;
	while (t->len > TOOLS_MAX || (t->input_bytes > TOOLS_INPUT_MAX && t->len > 1))
		tools_forget_first(t);
	return 0;
}

struct tool_use *tools_close(struct tools *t, struct wire_text id)
{
	struct tool_use *before = NULL, *use = t->first;

	while (use && !text_equal(use->id, id)) {
		before = use;
		use = use->next;
	}
	if (!use)
		return NULL;
	if (before)
		before->next = use->next;
	else
		t->first = use->next;
	if (t->last == use)
		t->last = before;
	use->next = NULL;
	t->len--;
	t->input_bytes -= use->input.len;
	return use;
}

void tools_clear(struct tools *t)
{
	while (t->first)
		tools_forget_first(t);
}
