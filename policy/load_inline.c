// SPDX-License-Identifier: Apache-2.0
/* The inline section: which detectors act on what is sent and on what comes back, and a company's
 * own patterns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "policy/array.h"
#include "policy/automaton.h"
#include "policy/inline_table.h"
#include "policy/load_inline.h"
#include "policy/suggest.h"

#define INLINE_NAME_MAX	  64
#define INLINE_CALLED_MAX 64 /* so that the answer that names it has room, escaped or not */

static const char *const action_names[] = {
	[SCAN_OFF] = "off",	[SCAN_LOG] = "log",	    [SCAN_MASK] = "mask",
	[SCAN_BLOCK] = "block", [SCAN_APPROVE] = "approve",
};
_Static_assert(ARRAY_SIZE(action_names) == SCAN_ACTION_MAX, "action_names");

const char *policy_inline_action(enum scan_action action)
{
	return action_names[action];
}

void inline_reading_free(struct inline_reading *r)
{
	free(r->one.name);
	free(r->one.called);
	for (size_t i = 0; i < ARRAY_SIZE(r->one.owned); i++)
		free(r->one.owned[i]);
	fields_free_texts(r->words);
}

/* ---- what is done ------------------------------------------------------------------------------
 */

bool inline_action(struct fields *f, const struct document_node *v, const char *what,
		   enum scan_action most, enum scan_action *ret)
{
	int i;

	for (size_t a = most + 1; a < SCAN_ACTION_MAX && v->kind == DOCUMENT_SCALAR; a++)
		if (strcmp(v->text, action_names[a]) == 0) {
			fields_error(f, v, "%s: %s is for requests alone; expected off, log%s",
				     what, action_names[a],
				     most == SCAN_BLOCK ? ", mask or block" : " or mask");
			return false;
		}
	i = fields_choice(f, v, what, action_names, most + 1);
	if (i >= 0)
		*ret = (enum scan_action)i;
	return i >= 0;
}

static void read_request(struct fields *f, const struct document_node *v, void *out)
{
	struct inline_reading *r = out;

	r->request = true;
	inline_action(f, v, "request", SCAN_APPROVE, &r->one.request);
}

static void read_text(struct fields *f, const struct document_node *v, void *out)
{
	struct inline_reading *r = out;

	r->text = true;
	inline_action(f, v, "text", SCAN_MASK, &r->one.text);
}

static void read_tool_input(struct fields *f, const struct document_node *v, void *out)
{
	struct inline_reading *r = out;

	r->tool_input = true;
	inline_action(f, v, "tool_input", SCAN_BLOCK, &r->one.tool_input);
}

/* What a tool is given is not changed unless that was asked for: it changes what the tool does. */
static void inline_default_action(struct inline_reading *r)
{
	if (!r->tool_input && (r->one.request || r->one.text))
		r->one.tool_input = SCAN_LOG;
}

static void inline_given(struct fields *f, const struct document_node *v, struct inline_reading *r)
{
	if (!r->request && !r->text && !r->tool_input)
		fields_error(f, v, "%s: expected at least one of request, text and tool_input",
			     r->one.name);
	inline_default_action(r);
}

static const struct field inline_action_fields[] = {
	{.name = "request", .read = read_request},
	{.name = "text", .read = read_text},
	{.name = "tool_input", .read = read_tool_input},
	{0},
};

/* ---- one more ----------------------------------------------------------------------------------
 */

static const struct inline_detector *inline_built_in(const char *name)
{
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

void inline_add(struct fields *f, struct load *load, struct inline_reading *r)
{
	struct policy *policy = load->policy;
	struct inline_detector *detector = &r->detector;

	if (policy->n_inlines == SCAN_DETECTORS_MAX) {
		report_add(f->report, POLICY_ERROR, r->one.where,
			   "over %d detectors, patterns and prompts", SCAN_DETECTORS_MAX);
		return;
	}
	if (r->one.kind != POLICY_INLINE_BUILT_IN) {
		detector->pattern = r->one.owned[OWNED_PATTERN];
		detector->except = r->one.owned[OWNED_EXCEPT];
		detector->head = r->one.owned[OWNED_HEAD];
		detector->before = r->one.owned[OWNED_BEFORE];
		detector->after = r->one.owned[OWNED_AFTER];
		detector->back = r->one.owned[OWNED_BACK];
	}
	r->one.detector = malloc(sizeof(*detector));
	if (!r->one.detector || array_grow(policy->inlines, policy->n_inlines) < 0) {
		free(r->one.detector);
		fields_no_memory(f);
		return;
	}
	*r->one.detector = *detector;
	policy->inlines[policy->n_inlines++] = r->one;
	memset(&r->one, 0, sizeof(r->one));
}

/* ---- built in ones -----------------------------------------------------------------------------
 */

static void inline_unknown(struct fields *f, const struct document_node *key)
{
	size_t n;
	const struct inline_detector *list = inline_detectors(&n);
	struct suggestion s = {.word = key->text};
	_cleanup_buffer_ struct buffer known = {0};
	char found[FIELD_FOUND_SIZE];

	for (size_t i = 0; i < n; i++)
		suggest_consider(&s, list[i].name);
	if (s.best) {
		fields_error(f, key, "there is no detector %s; did you mean \"%s\"?",
			     fields_found(key, found), s.best);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (buffer_printf(&known, FIELD_TEXT_MAX, "%s%s", i ? ", " : "", list[i].name) <
		    0) {
			fields_no_memory(f);
			return;
		}
	fields_error(f, key, "there is no detector %s; there are %s", fields_found(key, found),
		     (const char *)known.data);
}

static void inline_detector(struct fields *f, const struct document_node *key,
			    const struct document_node *v, void *out)
{
	_cleanup_reading_ struct inline_reading r = {.one.where = fields_where(f, key)};
	const char *name = fields_peek(f, key, "a detector", INLINE_NAME_MAX);
	const struct inline_detector *built_in = name ? inline_built_in(name) : NULL;

	if (!name)
		return;
	if (!built_in) {
		inline_unknown(f, key);
		return;
	}
	r.detector = *built_in;
	r.one.name = strdup(name);
	r.one.called = strdup(built_in->called);
	if (!r.one.name || !r.one.called) {
		fields_no_memory(f);
		return;
	}
	if (v->kind == DOCUMENT_MAPPING) {
		size_t errors = f->report->n_errors;

		fields_mapping(f, v, inline_action_fields, name, &r);
		if (f->report->n_errors > errors)
			return;
		inline_given(f, v, &r);
	} else {
		if (!inline_action(f, v, name, SCAN_MASK, &r.one.request))
			return;
		r.one.text = r.one.request;
		inline_default_action(&r);
	}
	inline_add(f, out, &r);
}

static void inline_read_detectors(struct fields *f, const struct document_node *v, void *out)
{
	fields_each(f, v, "detectors", inline_detector, out);
}

/* ---- patterns of the company -------------------------------------------------------------------
 */

static void inline_expression(struct fields *f, const struct document_node *v, const char *what,
			      enum inline_owned which, struct inline_reading *r)
{
	fields_text(f, v, what, FIELD_TEXT_MAX, &r->one.owned[which]);
	r->one.owned_where[which] = fields_where(f, v);
}

#define INLINE_EXPRESSION(field, which)                                                            \
	static void inline_##field(struct fields *f, const struct document_node *v, void *out)     \
	{                                                                                          \
		struct inline_reading *r = out;                                                    \
                                                                                                   \
		inline_expression(f, v, #field, which, r);                                         \
	}
void inline_pattern(struct fields *f, const struct document_node *v, void *out)
{
	inline_expression(f, v, "pattern", OWNED_PATTERN, out);
}

INLINE_EXPRESSION(except, OWNED_EXCEPT)
INLINE_EXPRESSION(head, OWNED_HEAD)
INLINE_EXPRESSION(before, OWNED_BEFORE)
INLINE_EXPRESSION(after, OWNED_AFTER)
INLINE_EXPRESSION(back, OWNED_BACK)

static void pattern_commit(struct fields *f, const struct document_node *v, void *out)
{
	uint64_t n;

	if (fields_number(f, v, "commit", 1, SCAN_LENGTH_MAX, &n))
		((struct inline_reading *)out)->detector.commit = (unsigned int)n;
}

static void pattern_back_max(struct fields *f, const struct document_node *v, void *out)
{
	uint64_t n;

	if (fields_number(f, v, "back_max", 1, 255, &n))
		((struct inline_reading *)out)->detector.back_max = (unsigned int)n;
}

static void pattern_check(struct fields *f, const struct document_node *v, void *out)
{
	static const char *const words[] = {
		[SCAN_CHECK_NONE] = "none",	[SCAN_CHECK_LUHN] = "luhn",
		[SCAN_CHECK_CARD] = "card",	[SCAN_CHECK_MOD97] = "mod97",
		[SCAN_CHECK_DIGITS] = "digits",
	};
	int i = fields_choice(f, v, "check", words, ARRAY_SIZE(words));

	_Static_assert(ARRAY_SIZE(words) == SCAN_CHECK_MAX, "words");
	if (i >= 0)
		((struct inline_reading *)out)->detector.check = (enum scan_check)i;
}

static void pattern_style(struct fields *f, const struct document_node *v, void *out)
{
	static const char *const words[] = {
		[SCAN_STYLE_ALL] = "all",
		[SCAN_STYLE_ALNUM] = "alnum",
	};
	int i = fields_choice(f, v, "style", words, ARRAY_SIZE(words));

	_Static_assert(ARRAY_SIZE(words) == SCAN_STYLE_MAX, "words");
	if (i >= 0)
		((struct inline_reading *)out)->detector.style = (enum scan_style)i;
}

static void pattern_ignore_case(struct fields *f, const struct document_node *v, void *out)
{
	fields_bool(f, v, "ignore_case", &((struct inline_reading *)out)->detector.nocase);
}

static void pattern_owns(struct fields *f, const struct document_node *v, void *out)
{
	fields_bool(f, v, "owns", &((struct inline_reading *)out)->detector.owns);
}

void inline_called(struct fields *f, const struct document_node *v, void *out)
{
	struct inline_reading *r = out;

	fields_text(f, v, "called", INLINE_CALLED_MAX, &r->one.called);
}

static const struct field inline_pattern_fields[] = {
	{.name = "pattern", .read = inline_pattern, .required = true},
	{.name = "commit", .read = pattern_commit},
	{.name = "head", .read = inline_head},
	{.name = "except", .read = inline_except},
	{.name = "before", .read = inline_before},
	{.name = "after", .read = inline_after},
	{.name = "back", .read = inline_back},
	{.name = "back_max", .read = pattern_back_max},
	{.name = "check", .read = pattern_check},
	{.name = "style", .read = pattern_style},
	{.name = "ignore_case", .read = pattern_ignore_case},
	{.name = "owns", .read = pattern_owns},
	{.name = "called", .read = inline_called},
	{.name = "request", .read = read_request},
	{.name = "text", .read = read_text},
	{.name = "tool_input", .read = read_tool_input},
	{0},
};

bool inline_name(struct fields *f, const struct document_node *key, const char *what,
		 const char *above, struct inline_reading *r)
{
	const char *name = fields_peek(f, key, what, INLINE_NAME_MAX);

	if (!name)
		return false;
	if (!load_is_word(name)) {
		fields_error(f, key,
			     "%s: expected small letters, digits, '_' and '-', found \"%.64s\"",
			     what, name);
		return false;
	}
	if (!*above && inline_built_in(name)) {
		fields_error(f, key,
			     "\"%.64s\" is the name of a detector that is built in; expected "
			     "another",
			     name);
		return false;
	}
	if (asprintf(&r->one.name, "%s%s", above, name) < 0) {
		r->one.name = NULL;
		fields_no_memory(f);
		return false;
	}
	r->one.where = fields_where(f, key);
	return true;
}

static void inline_pattern_one(struct fields *f, const struct document_node *key,
			       const struct document_node *v, void *out)
{
	_cleanup_reading_ struct inline_reading r = {.one.kind = POLICY_INLINE_PATTERN};
	size_t errors = f->report->n_errors;

	if (!inline_name(f, key, "a pattern", "", &r))
		return;
	fields_mapping(f, v, inline_pattern_fields, "a pattern", &r);
	if (f->report->n_errors > errors)
		return;
	if (!r.detector.commit == !r.one.owned[OWNED_HEAD])
		fields_error(f, v,
			     "%s: expected either `commit`, a number of bytes, or `head`, an "
			     "expression: from there on what is cut off is masked",
			     r.one.name);
	inline_given(f, v, &r);
	if (!r.one.called && asprintf(&r.one.called, "a match of %s", r.one.name) < 0) {
		r.one.called = NULL;
		fields_no_memory(f);
	}
	if (f->report->n_errors == errors && r.one.called)
		inline_add(f, out, &r);
}

static void inline_read_patterns(struct fields *f, const struct document_node *v, void *out)
{
	fields_each(f, v, "patterns", inline_pattern_one, out);
}

/* ---- the section -------------------------------------------------------------------------------
 */

static void inline_mode(struct fields *f, const struct document_node *v, void *out)
{
	((struct load *)out)->mode_inline = load_mode(f, v, "mode");
}

static void inline_compressed(struct fields *f, const struct document_node *v, void *out)
{
	static const char *const words[] = {"log", "block"};

	((struct load *)out)->inline_compressed =
		fields_choice(f, v, "compressed", words, ARRAY_SIZE(words));
}

static void inline_unreadable(struct fields *f, const struct document_node *v, void *out)
{
	static const char *const words[] = {"log", "block"};
	int i = fields_choice(f, v, "unreadable", words, ARRAY_SIZE(words));

	if (i >= 0)
		((struct load *)out)->policy->inline_unreadable_block = i == 1;
}

static void inline_unsupported(struct fields *f, const struct document_node *v, void *out)
{
	static const char *const words[] = {"run", "refuse"};
	int i = fields_choice(f, v, "unsupported", words, ARRAY_SIZE(words));

	if (i >= 0)
		((struct load *)out)->policy->inline_unsupported_refuse = i == 1;
}

const struct field load_inline_fields[] = {
	{.name = "mode", .read = inline_mode},
	{.name = "compressed", .read = inline_compressed},
	{.name = "unreadable", .read = inline_unreadable},
	{.name = "unsupported", .read = inline_unsupported},
	{.name = "detectors",
	 .read = inline_read_detectors,
	 .below = ".DETECTOR",
	 .fields = inline_action_fields},
	{.name = "patterns",
	 .read = inline_read_patterns,
	 .below = ".NAME",
	 .fields = inline_pattern_fields},
	{.name = "prompts", .read = load_prompts, .below = ".NAME", .fields = load_prompt_fields},
	{0},
};

void load_inline(struct fields *f, const struct document_node *v, void *out)
{
	fields_mapping(f, v, load_inline_fields, "inline", out);
}
