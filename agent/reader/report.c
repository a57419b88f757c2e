// SPDX-License-Identifier: Apache-2.0
/* The attributes that events of the reader share. */
#include "reader/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity/person.h"

/* audit(7): the login uid of a process that nobody logged in for. */
#define REPORT_NO_LOGIN UINT32_MAX

/* Milliseconds since the epoch; a time that a record made up stays within what JSON can say. */
static int64_t report_time(const struct pipeline *p, uint64_t time_ns)
{
	uint64_t epoch_ns;

	if (p->o.boot_epoch_ns < 0 ||
	    __builtin_add_overflow((uint64_t)p->o.boot_epoch_ns, time_ns, &epoch_ns))
		return 0;
	return (int64_t)(epoch_ns / 1000000);
}

struct event *report_begin(struct pipeline *p, enum event_code code, uint64_t time_ns)
{
	struct event *event = NULL;

	if (event_new(code, report_time(p, time_ns), &event) < 0) {
		p->failed = -ENOMEM;
		return NULL;
	}
	event_set_name(event, "device.hostname", p->host);
	return event;
}

void report_end(struct pipeline *p, struct event *event, bool urgent)
{
	char *json = NULL;
	size_t len = 0;

	if (!event)
		return;
	if (event_take(event, &json, &len) < 0)
		p->unbuilt++; /* told on the next tick: an event may fail for want of memory */
	else
		p->o.emit(p->o.ctx, json, len, urgent);
	event_free(event);
	free(json);
}

void report_count(struct event *event, const char *path, uint64_t value)
{
	event_set_int(event, path, (int64_t)(value < READER_WHOLE_MAX ? value : READER_WHOLE_MAX));
}

void report_duration(struct event *event, int64_t duration_ns)
{
	if (duration_ns >= 0)
		report_count(event, "unmapped.duration_ms", (uint64_t)duration_ns / 1000000);
}

void report_text(struct pipeline *p, struct event *event, const char *path, const void *bytes,
		 size_t len)
{
	const struct masked *masked;

	if (!bytes || len == 0)
		return;
	masked = names_get(p->names, bytes, len);
	if (masked)
		event_set_masked(event, path, masked);
	else
		p->failed = -ENOMEM;
}

void report_string(struct pipeline *p, struct event *event, const char *path, const char *text)
{
	report_text(p, event, path, text, strlen(text));
}

/* Whether the indices of a record are those of the policy at hand. */
static bool report_trusts(const struct pipeline *p, uint64_t generation)
{
	return generation >= p->first_generation;
}

static void report_append(struct pipeline *p, struct event *event, const char *path, json_t *value)
{
	if (value)
		event_append(event, path, value);
	else
		p->failed = -ENOMEM;
}

static void report_teams(struct pipeline *p, struct event *event, uint64_t teams)
{
	const char *team;

	for (unsigned int i = 0; (team = person_next_team(p->o.policy, teams, &i));) {
		report_append(p, event, "actor.user.groups", json_pack("{s:s}", "name", team));
		report_append(p, event, "unmapped.teams", json_string(team));
	}
}

void report_actor(struct pipeline *p, struct event *event, const struct record_actor *actor,
		  uint64_t generation)
{
	const struct policy_person *person = NULL;
	char uid[16];

	if (report_trusts(p, generation))
		person = person_by_index(p->o.policy, actor->person);
	else
		event_set_bool(event, "unmapped.person_unresolved", true);
	snprintf(uid, sizeof(uid), "%u",
		 actor->login_uid != REPORT_NO_LOGIN ? actor->login_uid : actor->who_uid);
	event_set_name(event, "actor.user.uid", uid);
	event_set_name(event, "actor.user.name", person ? person->email : "unknown");
	event_set_name(event, "unmapped.person", person ? person->email : "unknown");
	if (person)
		report_teams(p, event, person->teams);
	event_set_int(event, "unmapped.uid", actor->uid);
	event_set_int(event, "unmapped.who_uid", actor->who_uid);
	if (actor->login_uid != REPORT_NO_LOGIN)
		event_set_int(event, "unmapped.login_uid", actor->login_uid);
	if (actor->session != REPORT_NO_LOGIN)
		event_set_int(event, "unmapped.audit_session", actor->session);
	report_count(event, "unmapped.cgroup_id", actor->cgroup);
	event_set_int(event, "actor.process.pid", actor->tgid);
	event_set_int(event, "actor.process.tid", actor->tid);
	event_set_int(event, "actor.process.created_time", report_time(p, actor->start_ns));
	report_text(p, event, "actor.process.name", actor->comm,
		    strnlen(actor->comm, sizeof(actor->comm)));
	event_set_bool(event, "unmapped.governed", actor->flags & TASK_GOVERNED);
	if (actor->root_tgid)
		event_set_int(event, "unmapped.root_pid", actor->root_tgid);
	if (generation != REPORT_GENERATION_NOW)
		report_count(event, "unmapped.generation", generation);
}

void report_client(struct pipeline *p, struct event *event, const struct process *client)
{
	const struct process_note *note = client->note;

	if (note) {
		char hex[2 * sizeof(note->build_id) + 1];

		digest_hex(note->build_id, note->build_id_len, hex);
		if (hex[0])
			event_set_name(event, "unmapped.build_id", hex);
		report_string(p, event, "unmapped.executable", note->executable);
		report_string(p, event, "unmapped.project", note->directory);
		report_string(p, event, "unmapped.cgroup", note->cgroup);
	}
	report_string(p, event, "unmapped.device_id", client->device_id);
	/* with an API key the client sends an empty account: that it was empty is said too */
	if (client->device_id[0] && !client->account_id[0])
		event_set_name(event, "unmapped.account_id", "");
	report_string(p, event, "unmapped.account_id", client->account_id);
	report_string(p, event, "unmapped.client_session", client->session_id);
}

void report_cause(struct pipeline *p, struct event *event, const struct lineage_cause *cause)
{
	event_set_name(event, "unmapped.tool_confidence",
		       lineage_confidence_to_string(cause->confidence));
	if (cause->confidence == LINEAGE_UNKNOWN)
		return;
	report_string(p, event, "unmapped.tool_use_id", cause->tool_use_id);
	report_string(p, event, "unmapped.tool", cause->tool);
}

const struct policy_rule *report_rule(const struct pipeline *p, const struct report_verdict *v)
{
	enum policy_rule_kind fallback =
		v->skill ? POLICY_RULE_SKILL_DEFAULT : POLICY_RULE_DESTINATION_DEFAULT;

	if (!p->o.rules || !report_trusts(p, v->generation))
		return NULL;
	if (v->rule)
		return v->rule < p->o.n_rules ? &p->o.rules[v->rule] : NULL;
	/* no rule of its own: the default decided, where it was a default that did */
	if (v->reason != BAILIFF_REASON_DEFAULT && v->reason != BAILIFF_REASON_SKILL_NOT_LISTED)
		return NULL;
	for (size_t i = 1; i < p->o.n_rules; i++)
		if (p->o.rules[i].kind == fallback)
			return &p->o.rules[i];
	return NULL;
}

struct report_verdict report_verdict_of(const struct record_head *head, uint32_t verdict,
					uint32_t reason, uint32_t rule, const char *what)
{
	return (struct report_verdict){
		.verdict = verdict,
		.reason = reason,
		.rule = rule,
		.person = head->actor.person,
		.uid = head->actor.who_uid,
		.generation = head->generation,
		.what = what,
	};
}

void report_verdict(struct pipeline *p, struct event *event, const struct report_verdict *v)
{
	const struct policy_rule *rule = report_rule(p, v);
	enum bailiff_verdict verdict =
		v->verdict < BAILIFF_VERDICT_MAX ? (enum bailiff_verdict)v->verdict : BAILIFF_DENY;
	struct reason_case c = {
		.verdict = verdict,
		.reason = (enum bailiff_reason)v->reason,
		.rule = rule,
		.policy = p->o.policy,
		.person = report_trusts(p, v->generation) ? v->person : 0,
		.uid = v->uid,
	};
	const struct masked *what = names_get(p->names, v->what, strlen(v->what));
	char sentence[REASON_SENTENCE_SIZE];

	if (v->found && verdict == BAILIFF_DENY && reason_is_masking(v->found))
		event_set_masking(event);
	else
		event_set_verdict(event, verdict);
	event_set_name(event, "unmapped.verdict", reason_verdict_to_string(verdict));
	event_set_name(event, "unmapped.reason", reason_to_string(c.reason));
	if (rule && rule->id) {
		event_set_name(event, "unmapped.rule", rule->id);
		if (rule->words)
			event_set_name(event, "unmapped.rule_words", rule->words);
	}
	if (!what) {
		p->failed = -ENOMEM;
		return;
	}
	event_set_masked(event, "unmapped.what", what);
	if (verdict == BAILIFF_ALLOW)
		return;
	/* made of the masked text, the policy's words and our own: nothing that was captured */
	c.what = masked_text(what);
	if (reason_sentence_found(&c, v->found, sentence, sizeof(sentence)) == 0)
		event_set_name(event, "unmapped.sentence", sentence);
	if (p->o.policy && p->o.policy->contact)
		event_set_name(event, "unmapped.contact", p->o.policy->contact);
}

/* How often a detector matched in a text, and which values, by their keyed digests. */
struct report_detector {
	const char *name;
	uint64_t count;
	size_t n_digests;
	const char *digest[READER_DIGESTS_MAX];
};

static void report_detector_add(struct report_detector *d, const struct mask_finding *f)
{
	d->count++;
	for (size_t i = 0; i < d->n_digests; i++)
		if (strcmp(d->digest[i], f->digest) == 0)
			return;
	if (d->n_digests < READER_DIGESTS_MAX)
		d->digest[d->n_digests++] = f->digest;
}

static size_t report_detectors(const struct masked *text, struct report_detector *list, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < masked_n_findings(text); i++) {
		const struct mask_finding *f = masked_finding(text, i);
		size_t k = 0;

		while (k < n && strcmp(list[k].name, f->detector) != 0)
			k++;
		/* the last place is for all that come after the table is full */
		if (k == max) {
			k = max - 1;
		} else if (k == n) {
			list[k] = (struct report_detector){.name = k + 1 < max ? f->detector
									       : "other"};
			n++;
		}
		report_detector_add(&list[k], f);
	}
	return n;
}

static void report_finding(struct pipeline *p, const struct masked *text,
			   const struct report_detector *d, const struct report_place *place)
{
	struct event *event = report_begin(p, EVENT_SENSITIVE_DATA, place->time_ns);
	char title[256];

	if (!event)
		return;
	if (place->process->has_actor)
		report_actor(p, event, &place->process->actor, place->process->generation);
	report_client(p, event, place->process);
	/* a name of the policy too long for a title is in unmapped.detector all the same */
	if (snprintf(title, sizeof(title), "Sensitive data: %s", d->name) < (int)sizeof(title))
		event_set_name(event, "finding_info.title", title);
	else
		event_set_name(event, "finding_info.title", "Sensitive data");
	event_set_name(event, "unmapped.detector", d->name);
	report_count(event, "unmapped.count", d->count);
	for (size_t i = 0; i < d->n_digests; i++)
		report_append(p, event, "unmapped.digests", json_string(d->digest[i]));
	event_set_name(event, "unmapped.direction", place->direction);
	event_set_name(event, "unmapped.where", place->where);
	report_count(event, "unmapped.text_length", masked_original_len(text));
	report_text(p, event, "unmapped.tool_use_id", place->tool_use_id, place->tool_use_id_len);
	report_text(p, event, "unmapped.host", place->host, place->host_len);
	report_end(p, event, false);
}

void report_findings(struct pipeline *p, const struct masked *text,
		     const struct report_place *place)
{
	struct report_detector list[READER_DETECTORS_MAX];
	size_t n = report_detectors(text, list, READER_DETECTORS_MAX);

	for (size_t i = 0; i < n; i++)
		report_finding(p, text, &list[i], place);
}

struct event *report_effect(struct pipeline *p, enum event_code code,
			    const struct record_head *head, const struct process *root)
{
	struct event *event = report_begin(p, code, head->time_ns);

	if (!event)
		return NULL;
	report_actor(p, event, &head->actor, head->generation);
	if (root)
		report_client(p, event, root);
	return event;
}

void report_judged(struct pipeline *p, struct event *event, const struct record_head *head,
		   struct process *root, const struct report_verdict *v)
{
	struct lineage_cause cause = {LINEAGE_UNKNOWN, "", ""};

	if (root && v->verdict == BAILIFF_DENY)
		root->n_denied++;
	report_verdict(p, event, v);
	if (root && root->lineage)
		cause = lineage_effect(root->lineage, &head->actor, head->time_ns);
	if (root)
		report_cause(p, event, &cause);
	report_end(p, event, v->verdict != BAILIFF_ALLOW);
}
