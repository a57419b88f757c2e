// SPDX-License-Identifier: Apache-2.0
/* The table of processes: clients, and governed programs that speak TLS. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/report.h"
#include "reader/state.h"

static size_t process_bucket(uint32_t tgid, uint64_t start_ns)
{
	uint64_t h = (start_ns ^ tgid) * 0x9E3779B97F4A7C15ULL;

	return h >> 40 & (READER_BUCKETS - 1);
}

struct process *process_find(struct pipeline *p, uint32_t tgid, uint64_t start_ns)
{
	struct process *process;

	LIST_FOREACH(process, &p->processes[process_bucket(tgid, start_ns)], bucket)
	if (process->tgid == tgid && process->start_ns == start_ns)
		return process;
	return NULL;
}

static void process_end_connections(struct pipeline *p, struct process *process, uint64_t time_ns,
				    const char *why)
{
	struct connection *c;

	while ((c = LIST_FIRST(&process->connections)))
		connection_end(p, c, time_ns, why);
}

void process_free(struct pipeline *p, struct process *process)
{
	process_end_connections(p, process, p->now_ns, "the process is no longer followed");
	wire_client_free(process->wire);
	lineage_free(process->lineage);
	judged_free(process->judged);
	learned_free(process->learned);
	free(process->note);
	LIST_REMOVE(process, bucket);
	TAILQ_REMOVE(&p->process_age, process, age);
	p->n_processes--;
	explicit_bzero(process, sizeof(*process));
	free(process);
}

/* Ended ones go first, then the idlest that is no client, then the idlest. */
static void process_make_room(struct pipeline *p)
{
	struct process *process, *victim = NULL;

	for (process = TAILQ_FIRST(&p->process_age); process; process = TAILQ_NEXT(process, age)) {
		if (process->ended_ns) {
			victim = process;
			break;
		}
		if (!process->client && (!victim || victim->client))
			victim = process;
		else if (!victim)
			victim = process;
	}
	if (!victim)
		return;
	if (victim->client && !victim->ended_ns)
		report_let_go(p, victim, "more clients run than are followed at a time");
	process_free(p, victim);
}

struct process *process_get(struct pipeline *p, uint32_t tgid, uint64_t start_ns)
{
	struct process *process = process_find(p, tgid, start_ns);

	if (process)
		return process;
	if (p->n_processes >= READER_PROCESSES_MAX)
		process_make_room(p);
	process = calloc(1, sizeof(*process));
	if (!process)
		return NULL;
	process->pipeline = p;
	process->tgid = tgid;
	process->start_ns = start_ns;
	process->last_ns = p->now_ns;
	LIST_INIT(&process->connections);
	LIST_INSERT_HEAD(&p->processes[process_bucket(tgid, start_ns)], process, bucket);
	TAILQ_INSERT_TAIL(&p->process_age, process, age);
	p->n_processes++;
	return process;
}

static void process_touch(struct pipeline *p, struct process *process)
{
	process->last_ns = p->now_ns;
	if (TAILQ_NEXT(process, age)) {
		TAILQ_REMOVE(&p->process_age, process, age);
		TAILQ_INSERT_TAIL(&p->process_age, process, age);
	}
}

struct process *process_of(struct pipeline *p, const struct record_head *head)
{
	struct process *process = process_get(p, head->actor.tgid, head->actor.start_ns);

	if (!process)
		return NULL;
	process->actor = head->actor;
	process->generation = head->generation;
	process->has_actor = true;
	if (head->actor.flags & TASK_CLIENT)
		process->client = true;
	process_touch(p, process);
	if (process->note && !process->started)
		report_client_start(p, process, head->time_ns);
	return process;
}

struct process *process_root(struct pipeline *p, const struct record_head *head)
{
	const struct record_actor *a = &head->actor;
	struct process *root;

	/* nobody outside of a governed tree gets a place in the table: it would be for the taking
	 */
	if (!(a->flags & TASK_GOVERNED) || a->root_tgid == 0)
		return NULL;
	if (a->root_tgid == a->tgid && a->root_start_ns == a->start_ns)
		return process_of(p, head);
	root = process_get(p, a->root_tgid, a->root_start_ns);
	if (root) {
		root->client = true;
		process_touch(p, root);
	}
	return root;
}

void process_end(struct pipeline *p, struct process *process, uint64_t time_ns)
{
	if (process->ended_ns)
		return;
	if (process->note && !process->started)
		report_client_start(p, process, time_ns);
	process_end_connections(p, process, time_ns, "the process ended");
	/* tells the skills that were asked for and never answered */
	wire_client_free(process->wire);
	process->wire = NULL;
	if (process->client)
		report_client_stop(p, process, time_ns);
	process->ended_ns = time_ns ? time_ns : 1;
}

struct lineage *process_lineage(struct pipeline *p, struct process *process)
{
	if (!process->lineage && lineage_new(&process->lineage) < 0)
		p->failed = -ENOMEM;
	return process->lineage;
}

bool process_has_wire(struct pipeline *p, struct process *process)
{
	if (!process->wire && wire_client_new(NULL, report_wire, process, &process->wire) < 0) {
		p->failed = -ENOMEM;
		return false;
	}
	return true;
}
