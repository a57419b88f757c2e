// SPDX-License-Identifier: Apache-2.0
/* What was said on a connection, as events. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "decide/reason.h"
#include "decide/skill.h"
#include "reader/report.h"

/* Text of one event where the policy says nothing: it must fit into an entry of the log. */
#define REPORT_TEXT_DEFAULT 8192

static size_t report_text_max(const struct pipeline *p)
{
	return p->o.policy && p->o.policy->log_text_bytes ? p->o.policy->log_text_bytes
							  : REPORT_TEXT_DEFAULT;
}

static void report_wire_text(struct pipeline *p, struct event *event, const char *path,
			     struct wire_text text)
{
	report_text(p, event, path, text.data, text.len);
}

static void report_keep(char *to, struct wire_text text)
{
	size_t len = text.len < READER_ID_SIZE ? text.len : READER_ID_SIZE - 1;

	if (!text.data || !text.len)
		return;
	memcpy(to, text.data, len);
	to[len] = 0;
}

/* The root of the process whose connection it is, for what belongs to the whole lineage; the
 * process itself where its root is not followed. */
static struct process *report_root(struct pipeline *p, struct process *process)
{
	const struct record_actor *a = &process->actor;
	struct process *root = NULL;

	if (process->has_actor && a->root_tgid)
		root = process_find(p, a->root_tgid, a->root_start_ns);
	return root ? root : process;
}

/* Starts an API Activity of a client, with who it is and which exchange it belongs to. */
static struct event *report_activity(struct pipeline *p, struct process *process,
				     enum event_code code, const char *operation,
				     const struct wire_event *w)
{
	struct event *event = report_begin(p, code, w->time_ns);

	if (!event)
		return NULL;
	report_actor(p, event, &process->actor, process->generation);
	report_client(p, event, process);
	event_set_name(event, "api.operation", operation);
	event_set_name(event, "src_endpoint.hostname", p->host);
	if (w->exchange) {
		report_wire_text(p, event, "dst_endpoint.hostname", w->exchange->host);
		report_wire_text(p, event, "unmapped.request_id", w->exchange->request_id);
		report_wire_text(p, event, "unmapped.agent_id", w->exchange->agent_id);
		report_count(event, "unmapped.exchange", w->exchange->id);
	}
	if (p->feeding)
		report_count(event, "unmapped.connection", p->feeding->number);
	report_string(p, event, "unmapped.model", process->model);
	return event;
}

/* Masks a whole text, puts at most what the policy keeps of it into the event. The masked text is
 * the caller's, for its findings. */
static struct masked *report_long(struct pipeline *p, struct event *event, const char *path,
				  struct wire_text text)
{
	const size_t max = report_text_max(p);
	struct masked *masked = NULL;

	if (!text.data)
		return NULL;
	if (mask_text_shown(p->rules, text.data, text.len, max, &masked) < 0) {
		p->failed = -ENOMEM;
		return NULL;
	}
	event_set_masked_cut(event, path, masked, max);
	if (masked_failed(masked))
		event_set_bool(event, "unmapped.mask_failed", true);
	return masked;
}

static void report_long_findings(struct pipeline *p, const struct masked *masked,
				 struct process *process, const struct wire_event *w,
				 const char *direction, const char *where,
				 struct wire_text tool_use)
{
	if (masked)
		report_findings(p, masked,
				&(struct report_place){
					.time_ns = w->time_ns,
					.process = process,
					.direction = direction,
					.where = where,
					.tool_use_id = tool_use.data,
					.tool_use_id_len = tool_use.len,
					.host = w->exchange ? w->exchange->host.data : NULL,
					.host_len = w->exchange ? w->exchange->host.len : 0,
				});
}

/* The tool use that a process below a client belongs to. The client's own requests have none: which
 * of them a tool caused is not known. */
static struct lineage_cause report_child_cause(const struct process *root,
					       const struct process *process, uint64_t time_ns)
{
	if (root == process || !root->lineage || !process->has_actor)
		return (struct lineage_cause){LINEAGE_UNKNOWN, "", ""};
	return lineage_effect(root->lineage, &process->actor, time_ns);
}

/* A request to anything but the model: by a child of the client (curl, git), by the client itself
 * (a page, telemetry). An address that carries data in its query is a way out like a body is. */
static void report_http_request(struct pipeline *p, struct process *process,
				const struct wire_event *w)
{
	struct process *root = report_root(p, process);
	struct lineage_cause cause = report_child_cause(root, process, w->time_ns);
	_cleanup_(masked_freep) struct masked *masked = NULL;
	struct event *event;

	event = report_begin(p, EVENT_HTTP_REQUEST, w->time_ns);
	if (!event)
		return;
	report_actor(p, event, &process->actor, process->generation);
	/* the client's ids, never what a child says in a header of its own */
	report_client(p, event, root);
	event_set_name(event, "src_endpoint.hostname", p->host);
	report_wire_text(p, event, "dst_endpoint.hostname", w->exchange->host);
	report_wire_text(p, event, "http_request.http_method", w->exchange->method);
	report_wire_text(p, event, "http_request.url.hostname", w->exchange->host);
	report_wire_text(p, event, "http_request.user_agent", w->exchange->user_agent);
	masked = report_long(p, event, "http_request.url.path", w->exchange->target);
	report_count(event, "unmapped.exchange", w->exchange->id);
	if (p->feeding)
		report_count(event, "unmapped.connection", p->feeding->number);
	if (root != process)
		report_cause(p, event, &cause);
	report_end(p, event, false);
	report_long_findings(p, masked, process, w, "sent", "url",
			     (struct wire_text){cause.tool_use_id, strlen(cause.tool_use_id)});
}

static void report_exchange(struct process *process, const struct wire_event *w)
{
	struct connection *c = process->pipeline->feeding;

	if (!w->exchange)
		return;
	if (!w->exchange->is_messages)
		report_http_request(process->pipeline, process, w);
	if (c) {
		size_t slot = w->exchange->id % READER_REQUESTS_MAX;

		c->request[slot].id = w->exchange->id;
		c->request[slot].time_ns = w->time_ns;
		found_exchange(&c->found, w->exchange);
	}
	report_keep(process->session_id, w->exchange->session_id);
}

static void report_call(struct pipeline *p, struct process *process, const struct wire_event *w)
{
	const struct wire_call *call = w->call;
	uint8_t digest[DIGEST_SIZE];
	struct event *event;

	if (!call)
		return;
	process->n_calls++;
	report_keep(process->model, call->model);
	report_keep(process->device_id, call->device_id);
	report_keep(process->account_id, call->account_id);
	report_keep(process->session_id, call->session_id);
	event = report_activity(p, process, EVENT_MODEL_REQUEST, "model.request", w);
	if (event) {
		report_wire_text(p, event, "unmapped.client_version", call->client_version);
		report_wire_text(p, event, "unmapped.entrypoint", call->entrypoint);
		report_wire_text(p, event, "unmapped.claimed_directory", call->working_directory);
		event_set_int(event, "unmapped.messages", call->n_messages);
		event_set_int(event, "unmapped.messages_new", call->n_new);
		report_count(event, "unmapped.body_bytes", call->body_bytes);
		event_set_bool(event, "unmapped.stream", call->stream);
		if (w->exchange && w->exchange->credential.len &&
		    digest_keyed(p->o.pseudonym_key, w->exchange->credential.data,
				 w->exchange->credential.len, digest) == 0)
			event_set_digest(event, "unmapped.credential", digest, sizeof(digest));
		report_end(p, event, false);
	}
	if (call->git_email.len)
		report_claim_email(p, process, CLAIM_WIRE_GIT_EMAIL, call->git_email.data,
				   call->git_email.len, w->time_ns);
	if (call->account_id.len)
		report_claim_account(p, process, call->account_id.data, call->account_id.len,
				     w->time_ns);
}

/* A tool_use or a result has an event of its own, and comes as a block right after it. A block that
 * is not such an echo is told: a tool_use whose response was before the client was watched, a
 * result that was changed later. */
static bool report_is_echo(const struct pipeline *p, const struct wire_message *m)
{
	return (m->block == WIRE_BLOCK_TOOL_USE || m->block == WIRE_BLOCK_TOOL_RESULT) &&
	       m->text.data && m->text.data == p->told;
}

static void report_message(struct pipeline *p, struct process *process, const struct wire_event *w)
{
	const struct wire_message *m = &w->message;
	const char *direction = m->sent ? "sent" : "received";
	_cleanup_(masked_freep) struct masked *masked = NULL;
	struct event *event;

	if (report_is_echo(p, m))
		return;
	event = report_activity(p, process, EVENT_MESSAGE, "message", w);
	if (!event)
		return;
	report_wire_text(p, event, "unmapped.role", m->role);
	event_set_name(event, "unmapped.block", wire_block_to_string(m->block));
	event_set_name(event, "unmapped.direction", direction);
	report_wire_text(p, event, "unmapped.tool_use_id", m->tool_use_id);
	masked = report_long(p, event, "unmapped.text", m->text);
	report_end(p, event, false);
	report_long_findings(p, masked, process, w, direction, "message", m->tool_use_id);
}

static void report_tool_use(struct pipeline *p, struct process *process, const struct wire_event *w)
{
	struct lineage_process owner = {process->tgid, process->start_ns};
	struct lineage *lineage = process_lineage(p, report_root(p, process));
	_cleanup_(masked_freep) struct masked *masked = NULL;
	const struct wire_tool *t = &w->tool;
	struct event *event;

	process->n_tools++;
	if (p->feeding)
		found_tool_ended(&p->feeding->found, w->time_ns, t->id, t->name);
	if (lineage && lineage_open(lineage, &owner, w->time_ns, t->id.data ? t->id.data : "",
				    t->id.len, t->name.data ? t->name.data : "", t->name.len,
				    t->input.data ? t->input.data : "", t->input.len) < 0)
		p->failed = -ENOMEM;
	event = report_activity(p, process, EVENT_TOOL_USE, "tool.use", w);
	if (!event)
		return;
	report_wire_text(p, event, "unmapped.tool_use_id", t->id);
	report_wire_text(p, event, "unmapped.tool", t->name);
	masked = report_long(p, event, "unmapped.input", t->input);
	report_end(p, event, false);
	report_long_findings(p, masked, process, w, "received", "tool_input", t->id);
}

static void report_tool_result(struct pipeline *p, struct process *process,
			       const struct wire_event *w)
{
	struct process *root = report_root(p, process);
	_cleanup_(masked_freep) struct masked *masked = NULL;
	const struct wire_tool *t = &w->tool;
	struct event *event;

	if (root->lineage && t->id.data)
		lineage_close(root->lineage, w->time_ns, t->id.data, t->id.len);
	event = report_activity(p, process, EVENT_TOOL_RESULT, "tool.result", w);
	if (!event)
		return;
	report_wire_text(p, event, "unmapped.tool_use_id", t->id);
	report_wire_text(p, event, "unmapped.tool", t->name.len ? t->name : t->use_name);
	event_set_bool(event, "unmapped.success", !t->is_error);
	report_duration(event, t->duration_ns);
	masked = report_long(p, event, "unmapped.result", t->result);
	report_end(p, event, false);
	report_long_findings(p, masked, process, w, "sent", "tool_result", t->id);
}

/* The kernel's verdict on the skill's file, if it gave one to this client. */
static const struct judged_skill *report_file_verdict(const struct process *root,
						      struct wire_text name)
{
	const struct judged_skill *found = judged_find(root->judged, name.data, name.len);
	const char *base;
	size_t len;

	if (found || !name.data)
		return found;
	base = skill_base_name(name.data, name.len, &len);
	return judged_find(root->judged, base, len);
}

/* The index of the rule that lists this skill, 0 when none does. */
static uint32_t report_skill_rule(const struct pipeline *p, struct wire_text name)
{
	const char *prefix = "skill/";
	size_t n = strlen(prefix);

	for (size_t i = 1; p->o.rules && name.data && i < p->o.n_rules; i++) {
		const struct policy_rule *rule = &p->o.rules[i];

		if (rule->kind == POLICY_RULE_SKILL && rule->id &&
		    strlen(rule->id) == n + name.len && memcmp(rule->id, prefix, n) == 0 &&
		    memcmp(rule->id + n, name.data, name.len) == 0)
			return (uint32_t)i;
	}
	return 0;
}

/* Joins the use with what happened at the file. Without one the ACL says what is right: where it
 * allows, that is the verdict. Where it does not, nothing was enforced, for a skill that the client
 * bundles and a command of its own have no file to stop them at: the event says so instead of
 * claiming a verdict. Returns whether it was denied. */
static bool report_skill_verdict(struct pipeline *p, struct event *event, struct process *process,
				 const struct wire_skill *s)
{
	const struct judged_skill *file = report_file_verdict(report_root(p, process), s->name);
	struct skill_judgement acl;
	char what[SKILL_NAME_SIZE + 16];
	struct report_verdict v = {
		.person = process->actor.person,
		.uid = process->actor.who_uid,
		.generation = process->generation,
		.skill = true,
		.what = what,
	};

	snprintf(what, sizeof(what), "skill %.*s",
		 (int)(s->name.len < SKILL_NAME_SIZE ? s->name.len : SKILL_NAME_SIZE),
		 s->name.data ? s->name.data : "");
	if (file) {
		event_set_name(event, "unmapped.verdict_source", "file");
		v.verdict = file->verdict;
		v.reason = file->reason;
		v.rule = file->rule;
		v.generation = file->generation;
		v.person = file->person;
		report_verdict(p, event, &v);
		return file->verdict == BAILIFF_DENY;
	}
	skill_judge(p->o.policy, process->actor.person, s->name.data ? s->name.data : "",
		    s->name.len, &acl);
	if (acl.verdict == BAILIFF_ALLOW) {
		event_set_name(event, "unmapped.verdict_source", "acl");
		v.verdict = acl.verdict;
		v.reason = acl.reason;
		v.rule = report_skill_rule(p, s->name);
		report_verdict(p, event, &v);
		return false;
	}
	event_set_name(event, "unmapped.verdict_source", "none");
	event_set_name(event, "unmapped.acl_verdict", reason_verdict_to_string(acl.verdict));
	event_set_name(event, "unmapped.acl_reason", reason_to_string(acl.reason));
	return false;
}

static void report_skill_use(struct pipeline *p, struct process *process,
			     const struct wire_event *w)
{
	const struct wire_skill *s = &w->skill;
	struct event *event;

	process->n_skills++;
	event = report_activity(p, process, EVENT_SKILL_USE, "skill.use", w);
	if (!event)
		return;
	report_wire_text(p, event, "unmapped.skill", s->name);
	event_set_name(event, "unmapped.route",
		       s->route == WIRE_SKILL_SLASH ? "slash_command" : "model");
	report_wire_text(p, event, "unmapped.tool_use_id", s->tool_use_id);
	report_wire_text(p, event, "unmapped.skill_directory", s->directory);
	if (!process->note || !process->note->directory[0])
		report_wire_text(p, event, "unmapped.project",
				 w->call ? w->call->working_directory : (struct wire_text){0});
	masked_free(report_long(p, event, "unmapped.arguments", s->args));
	event_set_bool(event, "unmapped.answered", s->answered);
	if (s->answered) {
		event_set_bool(event, "unmapped.success", s->success);
		report_duration(event, s->duration_ns);
	}
	report_end(p, event, report_skill_verdict(p, event, process, s));
	/* what was found in the arguments is told of the tool's input, or of the message, they are
	 * part of: once is enough */
}

static void report_response(struct pipeline *p, struct process *process, const struct wire_event *w)
{
	const struct wire_response *r = &w->response;
	_cleanup_(masked_freep) struct masked *masked = NULL;
	struct event *event;

	if (!w->exchange || !w->exchange->is_messages)
		return;
	event = report_activity(p, process, EVENT_MODEL_RESPONSE, "model.response", w);
	if (!event)
		return;
	event_set_int(event, "unmapped.status", r->status);
	report_wire_text(p, event, "unmapped.stop_reason", r->stop_reason);
	report_wire_text(p, event, "unmapped.message_id", r->message_id);
	if (r->error.len)
		masked = report_long(p, event, "unmapped.error", r->error);
	report_count(event, "unmapped.tokens_in", r->tokens_in);
	report_count(event, "unmapped.tokens_out", r->tokens_out);
	report_count(event, "unmapped.body_bytes", r->body_bytes);
	event_set_bool(event, "unmapped.complete", r->complete);
	if (p->feeding) {
		size_t slot = w->exchange->id % READER_REQUESTS_MAX;

		if (p->feeding->request[slot].id == w->exchange->id &&
		    p->feeding->request[slot].time_ns <= w->time_ns)
			report_duration(event,
					(int64_t)(w->time_ns - p->feeding->request[slot].time_ns));
	}
	report_end(p, event, false);
	report_long_findings(p, masked, process, w, "received", "api_error", (struct wire_text){0});
}

/* Bodies outside the Messages API (telemetry, a page that WebFetch got, an MCP call): not kept, but
 * looked through, for data leaves by them as well. */
static void report_body(struct pipeline *p, struct process *process, const struct wire_event *w)
{
	struct lineage_cause cause =
		report_child_cause(report_root(p, process), process, w->time_ns);
	_cleanup_(masked_freep) struct masked *masked = NULL;

	if (!w->body.text.data || !w->body.text.len)
		return;
	if (mask_text_shown(p->rules, w->body.text.data, w->body.text.len, SIZE_MAX, &masked) < 0) {
		p->failed = -ENOMEM;
		return;
	}
	report_long_findings(p, masked, process, w,
			     w->body.direction == WIRE_SENT ? "sent" : "received", "other_body",
			     (struct wire_text){cause.tool_use_id, strlen(cause.tool_use_id)});
}

void report_wire(void *ctx, const struct wire_event *event)
{
	struct process *process = ctx;
	struct pipeline *p = process->pipeline;

	const char *told = NULL;

	switch (event->kind) {
	case WIRE_EXCHANGE:
		report_exchange(process, event);
		break;
	case WIRE_MODEL_CALL:
		report_call(p, process, event);
		break;
	case WIRE_MESSAGE:
		report_message(p, process, event);
		break;
	case WIRE_TOOL_USE:
		report_tool_use(p, process, event);
		told = event->tool.input.data;
		break;
	case WIRE_TOOL_RESULT:
		report_tool_result(p, process, event);
		told = event->tool.result.data;
		break;
	case WIRE_SKILL:
		report_skill_use(p, process, event);
		break;
	case WIRE_RESPONSE:
		report_response(p, process, event);
		break;
	case WIRE_BODY:
		report_body(p, process, event);
		break;
	case WIRE_RESYNC: /* after a gap nothing may have been passed over: that was told already */
		if (event->undecodable.bytes)
			report_undecodable(p, event, p->feeding);
		break;
	case WIRE_UNDECODABLE:
		report_undecodable(p, event, p->feeding);
		break;
	case WIRE_KIND_MAX:
	default:
		break;
	}
	p->told = told; /* compared with the next event only, and never followed */
}
