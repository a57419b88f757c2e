// SPDX-License-Identifier: Apache-2.0
/* What the kernel found in a stream and logged, masked or blocked in place, as events. The value is
 * in none of them: the record does not have it. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/content_state.h"
#include "decide/block.h"
#include "reader/report.h"

#define INLINE_RULE "inline/"
#define TOOL_RULE   "tools/"

static const char *const inline_kinds[] = {"none", "text", "tool_input", "request"};
static_assert(ARRAY_SIZE(inline_kinds) == CONTENT_REQUEST + 1, "one per kind");

static const char *const inline_actions[] = {"off", "log", "mask", "block", "approve"};
static_assert(ARRAY_SIZE(inline_actions) == SCAN_ACTION_MAX, "one per action");

/* What an event is made of. */
struct inline_case {
	const struct record_inline *record;
	struct connection *c;	    /* NULL: not followed */
	struct process *root, *who; /* head of the lineage; the client that it is; either NULL */
	bool passed;		    /* its bytes were taken in */
	struct lineage_cause cause;
	const struct found_tool *tools[READER_FOUND_TOOLS];
	size_t n_tools;
};

/* A tool that the person may not use was called. */
static bool inline_is_tool(const struct record_inline *r)
{
	return r->reason == BAILIFF_REASON_TOOL;
}

/* A finding that somebody is told of at once: something was stopped, or would have been. */
static bool inline_is_urgent(const struct record_inline *r)
{
	if (inline_is_tool(r))
		return r->verdict != BAILIFF_ALLOW;
	return r->verdict != BAILIFF_ALLOW && !r->repeat && r->action != SCAN_MASK &&
	       r->action != SCAN_LOG;
}

static bool inline_in_tool_input(const struct record_inline *r)
{
	return r->kind == CONTENT_INPUT && r->direction == TLS_DIRECTION_RECEIVED;
}

/* Whether there is more to know of it soon: whose request it is, which tool's input. Text of an
 * answer belongs to an exchange that is known already. */
static bool inline_waits(const struct inline_case *i)
{
	const struct record_inline *r = i->record;

	if (inline_in_tool_input(r))
		return !i->n_tools;
	return r->direction == TLS_DIRECTION_SENT && !i->passed;
}

/* The exchange: of a request, the one whose bytes have come; the one before would be another's. */
static bool inline_has_exchange(const struct inline_case *i)
{
	return i->c && i->c->found.exchange.id &&
	       (i->passed || i->record->direction == TLS_DIRECTION_RECEIVED);
}

/* "payment-card" of the rule "inline/payment-card", "Bash" of "tools/Bash". */
static const char *inline_named(const struct policy_rule *rule, const char *prefix)
{
	size_t n = strlen(prefix);

	if (!rule || !rule->id)
		return NULL;
	return strncmp(rule->id, prefix, n) == 0 ? rule->id + n : rule->id;
}

/* "what was sent to the model", "what files.example answered", "the input of tool Bash" */
static void inline_where(const struct inline_case *i, char *out, size_t size)
{
	const struct record_inline *r = i->record;
	const char *whom = "the model";

	if (inline_has_exchange(i) && !i->c->found.exchange.messages)
		whom = i->c->found.exchange.host[0] ? i->c->found.exchange.host
						    : "a host without a name";
	else if (!inline_has_exchange(i) && !i->who)
		whom = NULL;
	if (inline_in_tool_input(r) && i->n_tools == 1)
		snprintf(out, size, "the input of tool %s", i->tools[0]->name);
	else if (inline_in_tool_input(r))
		snprintf(out, size, "the input of a tool");
	else if (r->direction == TLS_DIRECTION_SENT)
		snprintf(out, size, "what was sent%s%s", whom ? " to " : "", whom ? whom : "");
	else if (whom)
		snprintf(out, size, "what %s answered", whom);
	else
		snprintf(out, size, "what was answered");
}

/* What is stopped is the text, with the detector behind it; what is masked, the value in it. */
static void inline_what(const struct inline_case *i, const char *detector, bool stops, char *what,
			size_t size)
{
	char where[NAME_SIZE + 64];

	inline_where(i, where, sizeof(where));
	if (!detector)
		snprintf(what, size, "%s", where);
	else if (stops)
		snprintf(what, size, "%s (%s)", where, detector);
	else
		snprintf(what, size, "%s in %s", detector, where);
}

/* Which tool caused it: the one whose input it is; of a child of the client, and of a request to
 * somebody else than the model, the one that can have started it. Which of the client's requests to
 * the model a tool caused is not known. */
static void inline_cause(struct inline_case *i)
{
	const struct record_inline *r = i->record;
	bool elsewhere = inline_has_exchange(i) && !i->c->found.exchange.messages;

	i->cause = (struct lineage_cause){LINEAGE_UNKNOWN, "", ""};
	if (inline_in_tool_input(r)) {
		if (i->n_tools == 1)
			i->cause = (struct lineage_cause){LINEAGE_ONLY, i->tools[0]->id,
							  i->tools[0]->name};
	} else if (i->root && i->root->lineage && (i->root != i->who || elsewhere)) {
		i->cause = lineage_effect(i->root->lineage, &r->head.actor, r->head.time_ns);
	}
}

static void inline_case_of(struct pipeline *p, struct connection *c, const struct record_inline *r,
			   struct inline_case *ret)
{
	const struct record_actor *a = &r->head.actor;

	*ret = (struct inline_case){.record = r, .c = c};
	ret->root = a->root_tgid ? process_find(p, a->root_tgid, a->root_start_ns) : NULL;
	ret->who = process_find(p, a->tgid, a->start_ns);
	if (ret->who && !ret->who->client)
		ret->who = NULL;
	if (!c)
		return;
	ret->passed = found_passed(&c->found, r->direction, r->head.time_ns);
	if (inline_in_tool_input(r))
		ret->n_tools = found_tools(&c->found, r->head.time_ns, ret->tools);
}

static void inline_set_exchange(struct pipeline *p, struct event *event,
				const struct inline_case *i)
{
	if (i->c)
		report_count(event, "unmapped.connection", i->c->number);
	if (!inline_has_exchange(i))
		return;
	report_count(event, "unmapped.exchange", i->c->found.exchange.id);
	report_string(p, event, "unmapped.request_id", i->c->found.exchange.request_id);
	report_string(p, event, "unmapped.agent_id", i->c->found.exchange.agent_id);
	report_string(p, event, "unmapped.host", i->c->found.exchange.host);
	if (i->who && i->c->found.exchange.messages)
		report_string(p, event, "unmapped.model", i->who->model);
}

/* The bytes belong to more than one tool_use: each is named, and none is said to be it. */
static void inline_set_tools(struct pipeline *p, struct event *event, const struct inline_case *i)
{
	for (size_t k = 0; i->n_tools > 1 && k < i->n_tools; k++) {
		const struct masked *id =
			names_get(p->names, i->tools[k]->id, strlen(i->tools[k]->id));
		json_t *value = id ? json_string(masked_text(id)) : NULL;

		if (value)
			event_append(event, "unmapped.tool_use_ids", value);
		else
			p->failed = -ENOMEM;
	}
}

static void inline_set_found(struct event *event, const struct record_inline *r,
			     const char *detector)
{
	char title[256], block[BLOCK_NAME_SIZE];

	if (detector &&
	    snprintf(title, sizeof(title), "Found in a stream: %s", detector) < (int)sizeof(title))
		event_set_name(event, "finding_info.title", title);
	event_set_name(event, "unmapped.detector", detector);
	if (r->number) {
		block_name(r->number, block);
		event_set_name(event, "unmapped.block", block);
	}
}

/* The name is the policy's: where the bytes were read after it was overwritten, theirs is none. */
static void inline_set_tool(struct pipeline *p, struct event *event, const struct inline_case *i,
			    const char *name)
{
	char title[256];

	if (name &&
	    snprintf(title, sizeof(title), "Call of the tool %s", name) < (int)sizeof(title))
		event_set_name(event, "finding_info.title", title);
	event_set_name(event, "unmapped.tool", name);
	event_set_name(event, "unmapped.tool_confidence",
		       lineage_confidence_to_string(i->cause.confidence));
	if (i->cause.confidence != LINEAGE_UNKNOWN)
		report_string(p, event, "unmapped.tool_use_id", i->cause.tool_use_id);
}

static void inline_tell(struct pipeline *p, struct inline_case *i)
{
	const struct record_inline *r = i->record;
	struct reason_found found = {
		.action = (enum scan_action)r->action,
		.sent = r->direction == TLS_DIRECTION_SENT,
		.repeat = r->repeat,
	};
	char what[NAME_SIZE + 256] = "";
	struct report_verdict v = report_verdict_of(&r->head, r->verdict, r->reason, r->rule, what);
	const char *name =
		inline_named(report_rule(p, &v), inline_is_tool(r) ? TOOL_RULE : INLINE_RULE);
	struct event *event = report_begin(p, EVENT_INLINE, r->head.time_ns);

	if (!event)
		return;
	inline_cause(i);
	report_actor(p, event, &r->head.actor, r->head.generation);
	/* the client's ids, never what a child says in a header of its own */
	if (i->who || i->root)
		report_client(p, event, i->who ? i->who : i->root);
	event_set_name(event, "unmapped.kind", inline_kinds[r->kind]);
	event_set_name(event, "unmapped.action", inline_actions[r->action]);
	event_set_name(event, "unmapped.direction", found.sent ? "sent" : "received");
	event_set_int(event, "unmapped.count", r->found);
	event_set_bool(event, "unmapped.repeat", found.repeat);
	inline_set_exchange(p, event, i);
	inline_set_tools(p, event, i);
	if (inline_is_tool(r)) {
		inline_set_tool(p, event, i, name);
		snprintf(what, sizeof(what), "the tool %s", name ? name : "that was called");
	} else {
		v.found = &found;
		inline_set_found(event, r, name);
		if (r->kind == CONTENT_INPUT || i->root != i->who || i->cause.confidence)
			report_cause(p, event, &i->cause);
		inline_what(i, name, inline_is_urgent(r), what, sizeof(what));
	}
	report_verdict(p, event, &v);
	report_end(p, event, inline_is_urgent(r));
}

int report_inline(struct pipeline *p, const struct record_inline *record)
{
	struct process *root = process_root(p, &record->head);
	struct inline_case i;
	struct connection *c;

	if (root && record->verdict == BAILIFF_DENY && inline_is_urgent(record))
		root->n_denied++;
	c = connection_of(p, &record->head, record->ssl, record->epoch);
	inline_case_of(p, c, record, &i);
	if (c && inline_waits(&i)) {
		int r = found_hold(&c->found, record, p->now_ns);

		if (r == 0)
			return p->failed;
		/* told with what is known rather than not: the oldest makes room first */
		if (r == -ENOSPC) {
			struct found_held *first = TAILQ_FIRST(&c->found.held);
			struct inline_case old;

			inline_case_of(p, c, &first->record, &old);
			inline_tell(p, &old);
			found_drop(&c->found, first);
			if (found_hold(&c->found, record, p->now_ns) == 0)
				return p->failed;
		}
	}
	inline_tell(p, &i);
	return p->failed;
}

/* Whether it has waited for as long as it may. */
static bool inline_is_late(const struct pipeline *p, const struct found_held *held)
{
	uint64_t most =
		inline_is_urgent(&held->record) ? READER_FOUND_URGENT_NS : READER_FOUND_WAIT_NS;

	return p->now_ns >= held->since_ns && p->now_ns - held->since_ns >= most;
}

static void inline_tell_held(struct pipeline *p, struct connection *c, bool waited, bool all)
{
	struct found_held *held, *next;

	for (held = TAILQ_FIRST(&c->found.held); held; held = next) {
		struct inline_case i;

		next = TAILQ_NEXT(held, entry);
		inline_case_of(p, c, &held->record, &i);
		if (inline_waits(&i) && !all && !(waited && inline_is_late(p, held)))
			continue;
		inline_tell(p, &i);
		found_drop(&c->found, held);
	}
}

void report_inline_chunk(struct pipeline *p, struct connection *c, uint32_t direction,
			 uint64_t time_ns)
{
	found_chunk(&c->found, c->wire, direction, time_ns);
	if (c->found.n_held)
		inline_tell_held(p, c, false, false);
}

void report_inline_waited(struct pipeline *p, struct connection *c, bool all)
{
	if (c->found.n_held)
		inline_tell_held(p, c, true, all);
}
