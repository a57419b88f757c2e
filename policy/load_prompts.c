// SPDX-License-Identifier: Apache-2.0
/* inline.prompts: words that a company does not let into requests, as expressions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "policy/load_inline.h"

#define PROMPT_WORDS_MAX  100
#define PROMPT_WORD_BYTES 200
#define PROMPT_BLANKS	  "[ \t\r\n]+"

static bool prompt_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool prompt_is_letter(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_';
}

/* Appends one text of a list as an expression: each stretch of blanks stands for some, all else for
 * itself. Returns 0, -EINVAL where nothing but blanks is in it, -ENOMEM. */
static int prompt_phrase(struct buffer *out, const char *text)
{
	size_t len = strlen(text);
	int r = 0;

	while (len && prompt_is_blank(text[len - 1]))
		len--;
	while (len && prompt_is_blank(*text)) {
		text++;
		len--;
	}
	for (size_t i = 0; r == 0 && i < len; i++) {
		bool blank = prompt_is_blank(text[i]);

		while (blank && prompt_is_blank(text[i + 1]))
			i++;
		if (blank)
			r = buffer_append(out, PROMPT_BLANKS, strlen(PROMPT_BLANKS), SIZE_MAX);
		else
			r = buffer_printf(out, SIZE_MAX, "%s%c",
					  strchr("\\^$.[]|()*+?{}", text[i]) ? "\\" : "", text[i]);
	}
	if (r < 0)
		return r;
	return len ? 0 : -EINVAL;
}

/* The expression of a list of words. A word is a whole one: "print" is not in "imprint"; where a
 * text begins or ends with a sign, nothing has to stand apart. */
static int prompt_expression(struct fields *f, const struct document_node *v,
			     struct inline_reading *p)
{
	_cleanup_buffer_ struct buffer out = {0};
	bool begins = true, ends = true;
	int r = buffer_printf(&out, SIZE_MAX, "(");

	for (size_t i = 0; r == 0 && p->words[i]; i++) {
		const char *text = p->words[i];
		size_t n = strlen(text);

		if (i)
			r = buffer_printf(&out, SIZE_MAX, "|");
		if (r == 0)
			r = prompt_phrase(&out, text);
		while (n && prompt_is_blank(text[n - 1]))
			n--;
		ends &= n && prompt_is_letter(text[n - 1]);
		begins &= prompt_is_letter(text[strspn(text, " \t\r\n")]);
	}
	if (r == 0)
		r = buffer_printf(&out, SIZE_MAX, ")");
	if (r == -EINVAL) {
		fields_error(f, v, "words: expected at least one word");
		return r;
	}
	p->one.owned[OWNED_PATTERN] = r == 0 ? strdup((const char *)out.data) : NULL;
	if (begins)
		p->one.owned[OWNED_BEFORE] = strdup("[A-Za-z0-9_]");
	if (ends)
		p->one.owned[OWNED_AFTER] = strdup("[A-Za-z0-9_]");
	if (p->one.owned[OWNED_PATTERN] && !begins == !p->one.owned[OWNED_BEFORE] &&
	    !ends == !p->one.owned[OWNED_AFTER])
		return 0;
	fields_no_memory(f);
	return -ENOMEM;
}

static void prompt_words(struct fields *f, const struct document_node *v, void *out)
{
	struct inline_reading *r = out;

	if (v->kind == DOCUMENT_SEQUENCE && (v->n == 0 || v->n > PROMPT_WORDS_MAX)) {
		fields_error(f, v, "words: expected 1 to %d texts, found %u", PROMPT_WORDS_MAX,
			     v->n);
		return;
	}
	fields_texts(f, v, "words", PROMPT_WORD_BYTES, false, &r->words);
	if (r->words && r->words[0])
		prompt_expression(f, v, r);
}

static void prompt_action(struct fields *f, const struct document_node *v, void *out)
{
	inline_action(f, v, "action", SCAN_APPROVE, &((struct inline_reading *)out)->one.request);
}

const struct field load_prompt_fields[] = {
	{.name = "words", .read = prompt_words, .below = "[]"},
	{.name = "pattern", .read = inline_pattern},
	{.name = "called", .read = inline_called},
	{.name = "action", .read = prompt_action, .required = true},
	{0},
};

static bool prompt_has(const struct fields *f, const struct document_node *mapping,
		       const char *name)
{
	const struct document_node *key = document_first(f->document, mapping);

	while (key && strcmp(key->text, name) != 0)
		key = document_next(f->document, document_next(f->document, key));
	return key;
}

static void prompt_one(struct fields *f, const struct document_node *key,
		       const struct document_node *v, void *out)
{
	_cleanup_reading_ struct inline_reading r = {
		.one.kind = POLICY_INLINE_PROMPT,
		.detector.nocase = true,
		/* it is no secret: blocked is what is complete, and nothing that begins like it */
		.detector.at_end = true,
	};
	size_t errors = f->report->n_errors;

	if (!inline_name(f, key, "a prompt", "prompts/", &r))
		return;
	if (v->kind == DOCUMENT_MAPPING &&
	    prompt_has(f, v, "words") == prompt_has(f, v, "pattern")) {
		fields_error(f, v, "a prompt: expected either `words` or `pattern`");
		return;
	}
	fields_mapping(f, v, load_prompt_fields, "a prompt", &r);
	if (!r.one.called)
		r.one.called = strdup("words that are not allowed");
	if (!r.one.called)
		fields_no_memory(f);
	if (f->report->n_errors == errors && r.one.called && r.one.owned[OWNED_PATTERN])
		inline_add(f, out, &r);
}

void load_prompts(struct fields *f, const struct document_node *v, void *out)
{
	fields_each(f, v, "prompts", prompt_one, out);
}
