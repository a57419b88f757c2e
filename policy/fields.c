// SPDX-License-Identifier: Apache-2.0
/* Typed values out of a document. */
#include "policy/fields.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/array.h"
#include "policy/suggest.h"

struct policy_where fields_where(const struct fields *f, const struct document_node *node)
{
	return (struct policy_where){f->file, node->line, node->column};
}

void fields_error(struct fields *f, const struct document_node *node, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_vadd(f->report, POLICY_ERROR, fields_where(f, node), fmt, ap);
	va_end(ap);
}

void fields_warning(struct fields *f, const struct document_node *node, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_vadd(f->report, POLICY_WARNING, fields_where(f, node), fmt, ap);
	va_end(ap);
}

void fields_no_memory(struct fields *f)
{
	f->error = -ENOMEM;
}

static bool fields_is_null(const struct document_node *node)
{
	return node->kind == DOCUMENT_SCALAR && !node->quoted &&
	       (!*node->text || strcmp(node->text, "~") == 0 ||
		strcasecmp(node->text, "null") == 0);
}

const char *fields_found(const struct document_node *node, char out[FIELD_FOUND_SIZE])
{
	const char *what = NULL;

	if (node->kind == DOCUMENT_SEQUENCE)
		what = "a list";
	else if (node->kind == DOCUMENT_MAPPING)
		what = "a mapping";
	else if (fields_is_null(node))
		what = "nothing";
	if (what)
		snprintf(out, FIELD_FOUND_SIZE, "%s", what);
	else if (strlen(node->text) > 64) /* may cut a character; the report mends that */
		snprintf(out, FIELD_FOUND_SIZE, "\"%.60s...\"", node->text);
	else
		snprintf(out, FIELD_FOUND_SIZE, "\"%s\"", node->text);
	return out;
}

static void fields_expected(struct fields *f, const struct document_node *node, const char *what,
			    const char *expected)
{
	char found[FIELD_FOUND_SIZE];

	fields_error(f, node, "%s: expected %s, found %s", what, expected,
		     fields_found(node, found));
}

static const struct field *fields_find(const struct field *table, const char *name)
{
	for (; table->name; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

static void fields_unknown(struct fields *f, const struct document_node *key,
			   const struct field *table, const char *what)
{
	struct suggestion s = {.word = key->text};
	char found[FIELD_FOUND_SIZE];
	_cleanup_free_ char *known = NULL;

	for (const struct field *t = table; t->name; t++)
		suggest_consider(&s, t->name);
	if (s.best) {
		fields_error(f, key, "unknown key %s in %s; did you mean \"%s\"?",
			     fields_found(key, found), what, s.best);
		return;
	}
	for (const struct field *t = table; t->name; t++) {
		char *longer;

		if (asprintf(&longer, "%s%s%s", known ? known : "", known ? ", " : "", t->name) <
		    0) {
			fields_no_memory(f);
			return;
		}
		free(known);
		known = longer;
	}
	fields_error(f, key, "unknown key %s in %s; known are %s", fields_found(key, found), what,
		     known);
}

void fields_mapping(struct fields *f, const struct document_node *node, const struct field *table,
		    const char *what, void *out)
{
	const struct document_node *key, *value;
	uint64_t seen = 0;

	if (node->kind != DOCUMENT_MAPPING) {
		fields_expected(f, node, what, "a mapping (\"key: value\")");
		return;
	}
	for (key = document_first(f->document, node); key;
	     key = document_next(f->document, value)) {
		const struct field *field = fields_find(table, key->text);

		value = document_next(f->document, key);
		if (!field) {
			fields_unknown(f, key, table, what);
			continue;
		}
		seen |= 1ULL << (field - table);
		field->read(f, value, out);
	}
	for (const struct field *t = table; t->name; t++)
		if (t->required && !(seen & 1ULL << (t - table)))
			fields_error(f, node, "%s: the key \"%s\" is missing", what, t->name);
}

void fields_each(struct fields *f, const struct document_node *node, const char *what,
		 void (*each)(struct fields *f, const struct document_node *key,
			      const struct document_node *value, void *out),
		 void *out)
{
	const struct document_node *key, *value;

	if (node->kind != DOCUMENT_MAPPING) {
		fields_expected(f, node, what, "a mapping (\"key: value\")");
		return;
	}
	for (key = document_first(f->document, node); key;
	     key = document_next(f->document, value)) {
		value = document_next(f->document, key);
		each(f, key, value, out);
	}
}

void fields_list(struct fields *f, const struct document_node *node, const char *what,
		 void (*each)(struct fields *f, const struct document_node *item, void *out),
		 void *out)
{
	if (node->kind != DOCUMENT_SEQUENCE) {
		fields_expected(f, node, what,
				"a list (\"[a, b]\", or lines that begin with \"- \")");
		return;
	}
	for (const struct document_node *item = document_first(f->document, node); item;
	     item = document_next(f->document, item))
		each(f, item, out);
}

const char *fields_peek(struct fields *f, const struct document_node *node, const char *what,
			size_t max)
{
	if (node->kind != DOCUMENT_SCALAR || fields_is_null(node) || !*node->text) {
		fields_expected(f, node, what, "a text");
		return NULL;
	}
	if (strlen(node->text) > max) {
		fields_error(f, node, "%s: %zu bytes long; at most %zu are possible", what,
			     strlen(node->text), max);
		return NULL;
	}
	return node->text;
}

void fields_text(struct fields *f, const struct document_node *node, const char *what, size_t max,
		 char **out)
{
	const char *text = fields_peek(f, node, what, max);
	char *copy;

	if (!text)
		return;
	copy = strdup(text);
	if (!copy) {
		fields_no_memory(f);
		return;
	}
	free(*out);
	*out = copy;
}

bool fields_number(struct fields *f, const struct document_node *node, const char *what,
		   uint64_t min, uint64_t max, uint64_t *out)
{
	char expected[64];
	uint64_t value = 0;
	const char *p = node->text; /* NULL unless it is a scalar */

	snprintf(expected, sizeof(expected), "a number from %llu to %llu", (unsigned long long)min,
		 (unsigned long long)max);
	if (node->kind != DOCUMENT_SCALAR || node->quoted || !*p) {
		fields_expected(f, node, what, node->quoted ? "a number without quotes" : expected);
		return false;
	}
	/* 0443 is 291 to YAML 1.1 and 443 to people: neither is taken */
	if (p[0] == '0' && p[1]) {
		fields_expected(f, node, what, "a decimal number without leading zeros");
		return false;
	}
	for (; *p; p++) {
		if (!isdigit((unsigned char)*p) || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value)) {
			fields_expected(f, node, what, expected);
			return false;
		}
	}
	if (value < min || value > max) {
		fields_expected(f, node, what, expected);
		return false;
	}
	*out = value;
	return true;
}

bool fields_bool(struct fields *f, const struct document_node *node, const char *what, bool *out)
{
	static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

	if (node->kind == DOCUMENT_SCALAR && !node->quoted)
		for (size_t i = 0; i < ARRAY_SIZE(words); i++)
			if (strcasecmp(node->text, words[i]) == 0) {
				*out = i % 2;
				return true;
			}
	if (node->kind == DOCUMENT_SCALAR && node->quoted)
		fields_expected(f, node, what, "true or false without quotes");
	else
		fields_expected(f, node, what, "true or false");
	return false;
}

int fields_choice(struct fields *f, const struct document_node *node, const char *what,
		  const char *const *words, size_t n)
{
	struct suggestion s = {.word = node->kind == DOCUMENT_SCALAR ? node->text : ""};
	char expected[128] = "", found[FIELD_FOUND_SIZE];

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(expected);

		if (node->kind == DOCUMENT_SCALAR && strcmp(node->text, words[i]) == 0)
			return (int)i;
		suggest_consider(&s, words[i]);
		snprintf(expected + len, sizeof(expected) - len, "%s%s",
			 i == 0	      ? ""
			 : i + 1 == n ? " or "
				      : ", ",
			 words[i]);
	}
	if (s.best)
		fields_error(f, node, "%s: expected %s, found %s; did you mean \"%s\"?", what,
			     expected, fields_found(node, found), s.best);
	else
		fields_expected(f, node, what, expected);
	return -1;
}

struct fields_texts_ctx {
	const char *what;
	size_t max, n;
	bool lower;
	struct fields_texts_item {
		char *text;
		const struct document_node *node;
	} * items;
};

static void fields_texts_add(struct fields *f, const struct document_node *node, void *out)
{
	struct fields_texts_ctx *ctx = out;
	const char *text = fields_peek(f, node, ctx->what, ctx->max);
	char *copy;

	if (!text)
		return;
	copy = strdup(text);
	if (!copy || array_grow(ctx->items, ctx->n) < 0) {
		free(copy);
		fields_no_memory(f);
		return;
	}
	if (ctx->lower)
		fields_lower(copy);
	ctx->items[ctx->n++] = (struct fields_texts_item){copy, node};
}

static int fields_texts_by_text(const void *a, const void *b)
{
	const struct fields_texts_item *x = a, *y = b;
	int r = strcmp(x->text, y->text);

	return r ? r : (x->node > y->node) - (x->node < y->node);
}

static int fields_texts_by_place(const void *a, const void *b)
{
	const struct fields_texts_item *x = a, *y = b;

	return (x->node > y->node) - (x->node < y->node);
}

/* Doubles are found by sorting: a list may have a hundred thousand entries. */
static void fields_texts_unique(struct fields *f, struct fields_texts_ctx *ctx)
{
	size_t kept = 0;

	if (ctx->n == 0)
		return;
	qsort(ctx->items, ctx->n, sizeof(*ctx->items), fields_texts_by_text);
	for (size_t i = 0; i < ctx->n; i++) {
		if (kept && strcmp(ctx->items[kept - 1].text, ctx->items[i].text) == 0) {
			fields_warning(f, ctx->items[i].node, "%s: \"%.64s\" is given twice",
				       ctx->what, ctx->items[i].text);
			free(ctx->items[i].text);
			continue;
		}
		ctx->items[kept++] = ctx->items[i];
	}
	ctx->n = kept;
	qsort(ctx->items, ctx->n, sizeof(*ctx->items), fields_texts_by_place);
}

void fields_texts(struct fields *f, const struct document_node *node, const char *what, size_t max,
		  bool lower, char ***out)
{
	struct fields_texts_ctx ctx = {.what = what, .max = max, .lower = lower};
	char **texts;

	fields_list(f, node, what, fields_texts_add, &ctx);
	fields_texts_unique(f, &ctx);
	texts = calloc(ctx.n + 1, sizeof(*texts));
	for (size_t i = 0; i < ctx.n; i++) {
		if (texts)
			texts[i] = ctx.items[i].text;
		else
			free(ctx.items[i].text);
	}
	free(ctx.items);
	if (!texts) {
		fields_no_memory(f);
		return;
	}
	fields_free_texts(*out);
	*out = texts;
}

void fields_lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + 'a' - 'A');
}

void fields_free_texts(char **texts)
{
	for (char **t = texts; t && *t; t++)
		free(*t);
	free(texts);
}
