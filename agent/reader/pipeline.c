// SPDX-License-Identifier: Apache-2.0
/* Records and notes in, events out: checks each record, then hands it to the file that knows it. */
#include "reader/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "bpf/content_state.h"
#include "bpf/scan_table.h"
#include "reader/report.h"
#include "reader/state.h"

static int pipeline_rules(const struct policy *policy, const uint8_t key[DIGEST_SIZE],
			  struct mask_rules **ret)
{
	_cleanup_free_ struct mask_custom *custom = NULL;
	struct mask_options options = {0};
	char err[256] = "";
	int r;

	memcpy(options.key, key, sizeof(options.key));
	if (policy) {
		options.detectors = (const char *const *)policy->detectors;
		if (policy->n_custom) {
			custom = calloc(policy->n_custom, sizeof(*custom));
			if (!custom)
				return -ENOMEM;
			for (size_t i = 0; i < policy->n_custom; i++) {
				custom[i].name = policy->custom[i].name;
				custom[i].pattern = policy->custom[i].pattern;
			}
			options.custom = custom;
			options.n_custom = policy->n_custom;
		}
	}
	r = mask_rules_new(&options, ret, err);
	explicit_bzero(&options, sizeof(options));
	if (r < 0)
		log_err("detectors of the policy: %s", err);
	return r;
}

int pipeline_new(const struct pipeline_options *options, struct pipeline **ret)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->o = *options;
	TAILQ_INIT(&p->process_age);
	TAILQ_INIT(&p->connection_age);
	for (size_t i = 0; i < READER_BUCKETS; i++) {
		LIST_INIT(&p->processes[i]);
		LIST_INIT(&p->connections[i]);
	}
	p->host = strdup(options->host ? options->host : "unknown");
	p->accounts = calloc(1, sizeof(*p->accounts));
	r = p->host && p->accounts
		    ? pipeline_rules(options->policy, options->pseudonym_key, &p->rules)
		    : -ENOMEM;
	if (r == 0)
		r = names_new(p->rules, &p->names);
	if (r < 0) {
		pipeline_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

static void pipeline_let_go(struct pipeline *p)
{
	struct process *process;

	while ((process = TAILQ_FIRST(&p->process_age)))
		process_free(p, process);
	report_held_back(p);
}

#ifdef BAILIFF_TESTING
void pipeline_forget(struct pipeline *p)
{
	pipeline_let_go(p);
	memset(p->accounts, 0, sizeof(*p->accounts));
	memset(p->proof_told, 0, sizeof(p->proof_told));
	p->now_ns = p->n_numbered = p->malformed_told_ns = p->first_generation = 0;
}
#endif

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	if (p->rules && p->names)
		pipeline_let_go(p);
	names_free(p->names);
	mask_rules_free(p->rules);
	free(p->accounts);
	free(p->host);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

/* ---- records: checked before anything of them is believed ---- */

/* A record copied from the ring, as far as it is of fixed size: aligned, and zero where it was
 * short. */
union pipeline_copy {
	struct record_head head;
	struct record_exec exec;
	struct record_net net;
	struct record_skill skill;
	struct record_door door;
	struct record_tls tls;
	struct record_name name;
	struct record_inline found;
	struct record_ledger ledger;
};

/* The least that a record of each type must have; 0: not of the rings that come here. */
static size_t pipeline_least(uint16_t type)
{
	switch (type) {
	case RECORD_EXEC:
		return offsetof(struct record_exec, argv);
	case RECORD_EXIT:
		return sizeof(struct record_head);
	case RECORD_NET:
		return sizeof(struct record_net);
	case RECORD_SKILL:
		return offsetof(struct record_skill, path);
	case RECORD_NAME:
		return sizeof(struct record_name);
	case RECORD_DOOR:
		return sizeof(struct record_door);
	case RECORD_INLINE:
		return sizeof(struct record_inline);
	case RECORD_LEDGER:
		return sizeof(struct record_ledger);
	case RECORD_TLS_OPEN:
	case RECORD_TLS:
		return sizeof(struct record_tls);
	default:
		return 0;
	}
}

static const char *pipeline_check_tls(const struct record_tls *tls)
{
	size_t follows = tls->head.size - sizeof(*tls);

	if (tls->direction >= WIRE_DIRECTION_MAX)
		return "a direction that is not known";
	if (tls->offset > UINT64_MAX - tls->len)
		return "an offset past the end of a connection";
	if (tls->head.type == RECORD_TLS_OPEN)
		return tls->len ? "a handshake with bytes" : NULL;
	if (tls->flags & TLS_UNREADABLE)
		return NULL;
	if (tls->len > TLS_CHUNK_LARGE)
		return "more bytes than a chunk holds";
	return tls->len > follows ? "fewer bytes than it says" : NULL;
}

static const char *pipeline_check_inline(const struct record_inline *r)
{
	if (r->verdict >= BAILIFF_VERDICT_MAX || r->reason >= BAILIFF_REASON_MAX)
		return "a verdict or a reason that is not known";
	if (r->direction >= WIRE_DIRECTION_MAX)
		return "a direction that is not known";
	if (r->kind > CONTENT_REQUEST || r->action >= SCAN_ACTION_MAX || r->repeat > 1)
		return "a kind of text or an action that is not known";
	if (r->reason == BAILIFF_REASON_CONTENT &&
	    (r->kind == CONTENT_NONE || r->action == SCAN_OFF))
		return "a finding in no text, or without an action";
	return NULL;
}

/* Copies the fixed part. Returns what is wrong with the record, or NULL. */
static const char *pipeline_check(const void *record, size_t len, union pipeline_copy *ret)
{
	struct record_head head;
	size_t fixed;

	if (len < sizeof(head))
		return "shorter than a record's head";
	memcpy(&head, record, sizeof(head));
	if (head.version != CONTRACT_VERSION)
		return "a version that is not known";
	if (!pipeline_least(head.type))
		return "a type that is not known";
	if (head.size > len || head.size < pipeline_least(head.type))
		return "a size that does not fit its type";
	fixed = head.size < sizeof(*ret) ? head.size : sizeof(*ret);
	if (head.type == RECORD_TLS || head.type == RECORD_TLS_OPEN)
		fixed = sizeof(struct record_tls); /* the hot path: bytes stay where they are */
	else
		memset(ret, 0, sizeof(*ret));
	memcpy(ret, record, fixed);
	switch (head.type) {
	case RECORD_TLS:
	case RECORD_TLS_OPEN:
		return pipeline_check_tls(&ret->tls);
	case RECORD_EXEC:
		if (ret->exec.argv_len > head.size - offsetof(struct record_exec, argv) ||
		    ret->exec.argv_len > RECORD_ARGV_SIZE)
			return "more arguments than it holds";
		return NULL;
	case RECORD_NET:
		if (ret->net.verdict >= BAILIFF_VERDICT_MAX || ret->net.door >= NET_DOOR_MAX)
			return "a verdict or a door that is not known";
		return NULL;
	case RECORD_NAME:
		if (ret->name.verdict >= BAILIFF_VERDICT_MAX || ret->name.event >= NAME_EVENT_MAX ||
		    ret->name.name_len >= NAME_SIZE)
			return "a verdict, an event or a name that is not known";
		return NULL;
	case RECORD_SKILL:
		return ret->skill.verdict >= BAILIFF_VERDICT_MAX ? "a verdict that is not known"
								 : NULL;
	case RECORD_DOOR:
		if (ret->door.verdict >= BAILIFF_VERDICT_MAX || ret->door.door >= DOOR_MAX)
			return "a verdict or a door that is not known";
		return ret->door.target_len > RECORD_DOOR_TARGET ? "a target longer than its place"
								 : NULL;
	case RECORD_INLINE:
		return pipeline_check_inline(&ret->found);
	case RECORD_LEDGER:
		return ret->ledger.unsaid > ret->ledger.sent ? "more bytes missed than sent" : NULL;
	default:
		return NULL;
	}
}

static int pipeline_exit(struct pipeline *p, const struct record_head *head)
{
	struct process *process = process_find(p, head->actor.tgid, head->actor.start_ns);

	if (!process)
		return 0;
	process->actor = head->actor;
	process->generation = head->generation;
	process->has_actor = true;
	process_end(p, process, head->time_ns);
	return 0;
}

int pipeline_record(struct pipeline *p, const void *record, size_t len)
{
	union pipeline_copy copy;
	const char *wrong = pipeline_check(record, len, &copy);
	int r = 0;

	p->failed = 0;
	if (wrong) {
		report_malformed(p, len, wrong);
		return p->failed;
	}
	if (copy.head.time_ns > p->now_ns && copy.head.time_ns <= INT64_MAX)
		p->now_ns = copy.head.time_ns;
	switch (copy.head.type) {
	case RECORD_TLS:
	case RECORD_TLS_OPEN:
		r = connection_record(p, &copy.tls,
				      (const uint8_t *)record + sizeof(struct record_tls));
		break;
	case RECORD_EXEC:
		r = report_exec(p, &copy.exec);
		break;
	case RECORD_EXIT:
		r = pipeline_exit(p, &copy.head);
		break;
	case RECORD_NET:
		r = report_net(p, &copy.net);
		break;
	case RECORD_SKILL:
		r = report_skill_file(p, &copy.skill);
		break;
	case RECORD_NAME:
		r = report_name(p, &copy.name);
		break;
	case RECORD_DOOR:
		r = report_door(p, &copy.door);
		break;
	case RECORD_INLINE:
		r = report_inline(p, &copy.found);
		break;
	case RECORD_LEDGER:
		r = report_unsaid(p, &copy.ledger);
		break;
	default:
		break;
	}
	return r < 0 ? r : p->failed;
}

/* ---- the rest of the interface ---- */

int pipeline_note(struct pipeline *p, const struct process_note *note)
{
	struct process *process;
	struct process_note *copy;

	p->failed = 0;
	if (note->ended) {
		process = process_find(p, note->tgid, note->start_ns);
		if (process)
			process_end(p, process, p->now_ns);
		return p->failed;
	}
	process = process_get(p, note->tgid, note->start_ns);
	if (!process)
		return -ENOMEM;
	copy = process->note ? process->note : malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *note;
	/* whoever fills a note may forget a zero; whoever reads it must not run on */
	copy->executable[sizeof(copy->executable) - 1] = 0;
	copy->directory[sizeof(copy->directory) - 1] = 0;
	copy->cgroup[sizeof(copy->cgroup) - 1] = 0;
	copy->git_email[sizeof(copy->git_email) - 1] = 0;
	copy->user_email[sizeof(copy->user_email) - 1] = 0;
	if (copy->build_id_len > sizeof(copy->build_id))
		copy->build_id_len = sizeof(copy->build_id);
	process->note = copy;
	process->client = true;
	if (!process->noted_ns)
		process->noted_ns = p->now_ns;
	if (!process->has_actor && note->actor.tgid == note->tgid && note->tgid) {
		process->actor = note->actor;
		process->has_actor = true;
		process->generation = REPORT_GENERATION_NOW;
	}
	if (process->has_actor && !process->started)
		report_client_start(p, process,
				    p->now_ns > note->start_ns ? p->now_ns : note->start_ns);
	proof_tell(p, process, p->now_ns);
	return p->failed;
}

void pipeline_lost(struct pipeline *p, const uint64_t lost[COUNTER_MAX], int64_t now_boot_ns)
{
	report_lost(p, lost, now_boot_ns > 0 ? (uint64_t)now_boot_ns : p->now_ns);
}

int pipeline_set_policy(struct pipeline *p, const struct policy *policy,
			const struct policy_rule *rules, size_t n_rules)
{
	struct mask_rules *mask = NULL;
	struct names *names = NULL;
	int r = pipeline_rules(policy, p->o.pseudonym_key, &mask);

	if (r == 0)
		r = names_new(mask, &names);
	if (r < 0) {
		mask_rules_free(mask);
		return r;
	}
	/* what waits was judged by the old policy's rules, and is told by their names */
	connection_tell_found(p);
	/* names hold text masked by the old rules */
	names_free(p->names);
	mask_rules_free(p->rules);
	p->rules = mask;
	p->names = names;
	p->o.policy = policy;
	p->o.rules = rules;
	p->o.n_rules = n_rules;
	p->first_generation = 0;
	return 0;
}

void pipeline_set_generation(struct pipeline *p, uint64_t first)
{
	p->first_generation = first;
}

void pipeline_tick(struct pipeline *p, int64_t now_boot_ns)
{
	struct process *process, *next;

	if (now_boot_ns > 0 && (uint64_t)now_boot_ns > p->now_ns)
		p->now_ns = (uint64_t)now_boot_ns;
	connection_tick(p, p->now_ns);
	for (process = TAILQ_FIRST(&p->process_age); process; process = next) {
		next = TAILQ_NEXT(process, age);
		if (process->note && !process->started &&
		    p->now_ns - process->noted_ns >= READER_START_WAIT_NS)
			report_client_start(p, process, p->now_ns);
		if (process->ended_ns && p->now_ns >= process->ended_ns &&
		    p->now_ns - process->ended_ns >= READER_LINGER_NS)
			process_free(p, process);
	}
	report_held_back(p);
}
