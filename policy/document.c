// SPDX-License-Identifier: Apache-2.0
/* Builds the tree from libyaml's events. Built here and not by libyaml's document API because that
 * one follows aliases, keeps the last of two equal keys, and has no limit of depth. */
#include "policy/document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "policy/array.h"
#include "policy/utf8.h"

struct document_builder {
	const struct policy_source *source;
	struct policy_report *report;
	struct document *document;
	struct {
		uint32_t node, last; /* the open collection and its last child */
	} stack[DOCUMENT_DEPTH_MAX];
	size_t depth;
	bool failed; /* errors were added; the tree is not given out */
};

static void document_error(struct document_builder *b, const yaml_mark_t *mark, const char *fmt,
			   ...) __attribute__((format(printf, 3, 4)));

static void document_error(struct document_builder *b, const yaml_mark_t *mark, const char *fmt,
			   ...)
{
	struct policy_where where = {
		.file = b->source->file,
		.line = (uint32_t)mark->line + 1,
		.column = (uint32_t)mark->column + 1,
	};
	va_list ap;

	b->failed = true;
	va_start(ap, fmt);
	report_vadd(b->report, POLICY_ERROR, where, fmt, ap);
	va_end(ap);
}

/* Whether the indentation of the line that mark is on has a tab. */
static bool document_tab_indented(const struct document_builder *b, const yaml_mark_t *mark)
{
	const char *p = b->source->text, *end = p + b->source->len;

	for (size_t line = 0; line < mark->line; line++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return false;
		p++;
	}
	for (; p < end && (*p == ' ' || *p == '\t'); p++)
		if (*p == '\t')
			return true;
	return false;
}

/* libyaml's messages in the words of somebody who edits a policy. */
static void document_syntax_error(struct document_builder *b, const yaml_parser_t *p)
{
	const char *problem = p->problem ? p->problem : "it cannot be parsed";
	const char *context = p->context ? p->context : "";
	yaml_mark_t mark = p->problem_mark;
	char at;

	if (p->error == YAML_READER_ERROR) {
		document_error(b, &p->mark, "this is no YAML: %s", problem);
		return;
	}
	at = p->mark.index < b->source->len ? b->source->text[p->mark.index] : 0;
	if (strstr(problem, "tab character") || document_tab_indented(b, &mark))
		document_error(b, &mark, "a tab in the indentation; YAML is indented with spaces");
	else if (strstr(context, "alias"))
		document_error(b, &p->context_mark,
			       "a value that begins with * must be in quotes (YAML takes it for an "
			       "alias); names with wildcards are not possible in this version");
	else if (strstr(problem, "cannot start any token"))
		document_error(b, &mark,
			       "a value cannot begin with this character; put the value in quotes");
	else if (strstr(problem, "mapping values are not allowed"))
		document_error(
			b, &mark,
			"a colon where none can be; check the indentation, and put a value that "
			"has a colon and a space in quotes");
	else if (strstr(problem, "could not find expected ':'"))
		document_error(b, &p->context_mark,
			       "a key without a colon; expected \"key: value\"");
	else if (strstr(problem, "unexpected end of stream"))
		document_error(b, &p->context_mark, "a quote that is opened here is never closed");
	else if (strstr(context, "flow sequence"))
		document_error(
			b, &p->context_mark,
			"a list that is opened here is not closed: expected , or ] at %zu:%zu",
			mark.line + 1, mark.column + 1);
	else if (strstr(context, "flow mapping"))
		document_error(
			b, &p->context_mark,
			"a mapping that is opened here is not closed: expected , or } at %zu:%zu",
			mark.line + 1, mark.column + 1);
	else if (strstr(problem, "did not find expected key"))
		document_error(
			b, &mark,
			"this does not line up with the keys above it (they begin in column %zu)",
			p->context_mark.column + 1);
	else
		document_error(b, &mark, "this is no YAML: %s%s%s%s", context, *context ? ", " : "",
			       problem, at == '\t' ? " (a tab)" : "");
}

static int document_add(struct document_builder *b, enum document_kind kind,
			const yaml_event_t *event, uint32_t *ret)
{
	struct document *d = b->document;
	uint32_t i = (uint32_t)d->n_nodes;

	if (d->n_nodes == DOCUMENT_NODES_MAX) {
		document_error(b, &event->start_mark, "more than %u values", DOCUMENT_NODES_MAX);
		return -EINVAL;
	}
	if (array_grow(d->nodes, d->n_nodes) < 0)
		return -ENOMEM;
	d->nodes[i].kind = kind;
	d->nodes[i].line = (uint32_t)event->start_mark.line + 1;
	d->nodes[i].column = (uint32_t)event->start_mark.column + 1;
	d->n_nodes++;
	if (b->depth) {
		uint32_t parent = b->stack[b->depth - 1].node;
		uint32_t last = b->stack[b->depth - 1].last;

		if (last)
			d->nodes[last].next = i;
		else
			d->nodes[parent].first = i;
		d->nodes[parent].n++;
		b->stack[b->depth - 1].last = i;
	}
	*ret = i;
	return 0;
}

/* Whether the next node is a key of the mapping that is open. */
static bool document_at_key(const struct document_builder *b)
{
	const struct document_node *open;

	if (!b->depth)
		return false;
	open = &b->document->nodes[b->stack[b->depth - 1].node];
	return open->kind == DOCUMENT_MAPPING && open->n % 2 == 0;
}

static void document_check_marks(struct document_builder *b, const yaml_event_t *event,
				 const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		document_error(
			b, &event->start_mark,
			"anchor &%.64s: anchors and aliases are not used in a policy; write the "
			"value where it holds",
			anchor);
	if (tag)
		document_error(b, &event->start_mark,
			       "tag %.64s: tags are not used in a policy; write the value alone",
			       tag);
}

static int document_scalar(struct document_builder *b, yaml_event_t *event)
{
	bool key = document_at_key(b);
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	uint32_t i;
	int r;

	document_check_marks(b, event, event->data.scalar.anchor, event->data.scalar.tag);
	for (size_t at = 0; at < len;) {
		uint32_t c;
		size_t n = utf8_decode(value + at, len - at, &c);

		/* escapes in double quotes can make what source_check() does not see */
		if (n == 0 || utf8_hides(c)) {
			if (c == '\n' && n)
				document_error(
					b, &event->start_mark,
					"the value contains a line break; expected one line");
			else
				document_error(b, &event->start_mark,
					       "the value contains the control character U+%04X",
					       n ? c : 0xfffd);
			break;
		}
		at += n;
	}
	r = document_add(b, DOCUMENT_SCALAR, event, &i);
	if (r < 0)
		return r;
	b->document->nodes[i].quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	b->document->nodes[i].text = (char *)event->data.scalar.value; /* libyaml's, by malloc */
	event->data.scalar.value = NULL;
	if (key && strcmp(b->document->nodes[i].text, "<<") == 0)
		document_error(
			b, &event->start_mark,
			"merge key <<: anchors and aliases are not used in a policy; write the "
			"keys where they hold");
	return 0;
}

static int document_open(struct document_builder *b, enum document_kind kind,
			 const yaml_event_t *event)
{
	uint32_t i;
	int r;

	if (document_at_key(b))
		document_error(b, &event->start_mark, "a key is a word, not a %s",
			       kind == DOCUMENT_SEQUENCE ? "list" : "mapping");
	r = document_add(b, kind, event, &i);
	if (r < 0)
		return r;
	if (b->depth == DOCUMENT_DEPTH_MAX) {
		document_error(b, &event->start_mark, "nested deeper than %d levels",
			       DOCUMENT_DEPTH_MAX);
		return -EINVAL;
	}
	b->stack[b->depth].node = i;
	b->stack[b->depth++].last = 0;
	return 0;
}

static int document_compare_keys(const void *a, const void *b)
{
	const struct document_node *const *x = a, *const *y = b;
	int r = strcmp((*x)->text, (*y)->text);

	return r ? r : (*x > *y) - (*x < *y);
}

/* A key that is there twice: YAML readers take the last one, people see the first. By sorting, so
 * that a mapping of a hundred thousand users costs no quadratic time. */
static int document_check_keys(struct document_builder *b, uint32_t mapping)
{
	const struct document *d = b->document;
	const struct document_node *node = &d->nodes[mapping];
	_cleanup_free_ const struct document_node **keys = NULL;
	size_t n = 0;

	if (node->n < 4)
		return 0;
	keys = calloc(node->n / 2 + 1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	for (const struct document_node *k = document_first(d, node); k;) {
		const struct document_node *v = document_next(d, k);

		if (k->kind == DOCUMENT_SCALAR)
			keys[n++] = k;
		k = v ? document_next(d, v) : NULL;
	}
	qsort(keys, n, sizeof(*keys), document_compare_keys);
	for (size_t i = 1; i < n; i++) {
		yaml_mark_t mark = {.line = keys[i]->line - 1, .column = keys[i]->column - 1};

		if (strcmp(keys[i - 1]->text, keys[i]->text) == 0)
			document_error(b, &mark, "\"%.64s\" is given twice; first at %u:%u",
				       keys[i]->text, keys[i - 1]->line, keys[i - 1]->column);
	}
	return 0;
}

/* One event. Returns 0, 1 at the end, -EINVAL when it is no use going on, -ENOMEM. */
static int document_event(struct document_builder *b, yaml_event_t *event, size_t *documents)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if ((*documents)++) {
			document_error(b, &event->start_mark,
				       "a second document begins here; expected one document");
			return -EINVAL;
		}
		return 0;
	case YAML_ALIAS_EVENT:
		document_error(
			b, &event->start_mark,
			"alias *%.64s: anchors and aliases are not used in a policy; write the "
			"value where it holds",
			event->data.alias.anchor);
		return -EINVAL;
	case YAML_SCALAR_EVENT:
		return document_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		document_check_marks(b, event, event->data.sequence_start.anchor,
				     event->data.sequence_start.tag);
		return document_open(b, DOCUMENT_SEQUENCE, event);
	case YAML_MAPPING_START_EVENT:
		document_check_marks(b, event, event->data.mapping_start.anchor,
				     event->data.mapping_start.tag);
		return document_open(b, DOCUMENT_MAPPING, event);
	case YAML_SEQUENCE_END_EVENT:
		b->depth--;
		return 0;
	case YAML_MAPPING_END_EVENT:
		return document_check_keys(b, b->stack[--b->depth].node);
	case YAML_STREAM_END_EVENT:
		return 1;
	default:
		return 0;
	}
}

static int document_run(struct document_builder *b, yaml_parser_t *parser)
{
	size_t documents = 0;
	int r;

	do {
		yaml_event_t event;

		if (!yaml_parser_parse(parser, &event)) {
			if (parser->error == YAML_MEMORY_ERROR)
				return -ENOMEM;
			document_syntax_error(b, parser);
			return -EINVAL;
		}
		r = document_event(b, &event, &documents);
		yaml_event_delete(&event);
	} while (r == 0);
	if (r < 0)
		return r;
	if (!b->failed && b->document->n_nodes == 0) {
		document_error(b, &(yaml_mark_t){0}, "the file is empty; expected a mapping");
		return -EINVAL;
	}
	return b->failed ? -EINVAL : 0;
}

int document_parse(const struct policy_source *source, struct policy_report *report,
		   struct document *ret)
{
	struct document document = {0};
	struct document_builder b = {
		.source = source,
		.report = report,
		.document = &document,
	};
	yaml_parser_t parser;
	int r = source->text ? 0 : -EINVAL;

	if (r < 0)
		return r;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	/* the encoding is found by the byte order mark, if any; source_check() let only UTF-8 pass
	 */
	yaml_parser_set_input_string(&parser, (const unsigned char *)source->text, source->len);
	r = document_run(&b, &parser);
	yaml_parser_delete(&parser);
	if (r < 0) {
		document_free(&document);
		return r;
	}
	*ret = document;
	return 0;
}

void document_free(struct document *document)
{
	for (size_t i = 0; i < document->n_nodes; i++)
		free(document->nodes[i].text);
	free(document->nodes);
	*document = (struct document){0};
}
