// SPDX-License-Identifier: Apache-2.0
/* What was not seen or not understood, as events: silence must never mean "nothing happened". */
#include <assert.h>
#include <errno.h>

#include "base/cleanup.h"
#include "reader/report.h"

/* Names of the counters that count losses; NULL: not a loss. */
static const char *const report_counters[] = {
	[COUNTER_DENIED] = NULL,
	[COUNTER_WOULD_DENY] = NULL,
	[COUNTER_LOST_DENIAL] = "unmapped.lost.denials",
	[COUNTER_LOST_RECORD] = "unmapped.lost.records",
	[COUNTER_LOST_ASK] = "unmapped.lost.asks",
	[COUNTER_LOST_BYTES] = "unmapped.lost.bytes",
	[COUNTER_CAPTURED_BYTES] = NULL,
	[COUNTER_UNREADABLE] = "unmapped.lost.unreadable_buffers",
	[COUNTER_NESTED] = "unmapped.lost.nested_calls",
	[COUNTER_STORAGE_FAILED] = "unmapped.lost.storage_failed",
	[COUNTER_PENDING_FULL] = "unmapped.lost.pending_images",
	[COUNTER_NAMES_FULL] = "unmapped.lost.model_addresses",
	[COUNTER_ANSWERS] = NULL,
	[COUNTER_ANSWERS_BAD] = "unmapped.lost.dns_answers",
};
static_assert(ARRAY_SIZE(report_counters) == COUNTER_MAX, "one per counter");

static struct event *report_loss(struct pipeline *p, uint64_t time_ns, const char *loss,
				 const struct process *process, const char *why)
{
	struct event *event = report_begin(p, EVENT_LOSS, time_ns);

	if (!event)
		return NULL;
	event_set_name(event, "unmapped.loss", loss);
	event_set_name(event, "unmapped.why", why);
	if (process && process->has_actor)
		report_actor(p, event, &process->actor, process->generation);
	if (process)
		report_client(p, event, process);
	return event;
}

void report_unseen(struct pipeline *p, struct connection *c, uint64_t time_ns, const char *why)
{
	struct event *event = report_loss(p, time_ns, "bytes_unseen", c->process, why);

	if (!event)
		return;
	report_count(event, "unmapped.connection", c->number);
	report_count(event, "unmapped.bytes", c->untold);
	report_end(p, event, false);
	c->told_ns = time_ns ? time_ns : 1;
	c->untold = 0;
}

void report_undecodable(struct pipeline *p, const struct wire_event *w, struct connection *c)
{
	const struct wire_undecodable *u = &w->undecodable;
	_cleanup_(masked_freep) struct masked *masked = NULL;
	struct event *event;

	if (c && __builtin_add_overflow(c->ledger.undecodable, u->bytes, &c->ledger.undecodable))
		c->ledger.undecodable = UINT64_MAX;
	event = report_loss(p, w->time_ns, "undecodable", c ? c->process : NULL, u->why);
	if (!event)
		return;
	if (c)
		report_count(event, "unmapped.connection", c->number);
	report_count(event, "unmapped.bytes", u->bytes);
	event_set_name(event, "unmapped.direction",
		       u->direction == WIRE_SENT ? "sent" : "received");
	if (u->sample.data && u->sample.len) {
		if (mask_digest_only(p->rules, u->sample.data, u->sample.len, &masked) == 0)
			event_set_name(event, "unmapped.digest", masked_digest(masked));
		else
			p->failed = -ENOMEM;
	}
	report_end(p, event, false);
}

void report_ledger(struct pipeline *p, const struct connection *c, uint64_t time_ns,
		   const char *why)
{
	struct event *event = report_loss(p, time_ns, "connection_ledger", c->process, why);

	if (!event)
		return;
	if (!c->ledger.missing && !c->ledger.undecodable)
		event_set_severity(event, REPORT_SEVERITY_LOW);
	report_count(event, "unmapped.connection", c->number);
	report_count(event, "unmapped.bytes_captured", c->ledger.captured);
	report_count(event, "unmapped.bytes_missing", c->ledger.missing);
	report_count(event, "unmapped.bytes_undecodable", c->ledger.undecodable);
	report_count(event, "unmapped.bytes_repeated", c->ledger.repeated);
	report_count(event, "unmapped.gaps", c->ledger.gaps);
	report_end(p, event, false);
}

void report_let_go(struct pipeline *p, const struct process *process, const char *why)
{
	struct event *event = report_loss(p, p->now_ns, "client_let_go", process, why);

	if (event)
		report_end(p, event, false);
}

void report_held_back(struct pipeline *p)
{
	struct event *event;

	if (p->malformed) {
		event = report_loss(p, p->now_ns, "malformed_record", NULL, p->malformed_why);
		if (event) {
			report_count(event, "unmapped.records", p->malformed);
			report_count(event, "unmapped.bytes", p->malformed_bytes);
			report_end(p, event, false);
		}
		p->malformed = p->malformed_bytes = 0;
		p->malformed_told_ns = p->now_ns ? p->now_ns : 1;
	}
	if (p->unbuilt) {
		uint64_t n = p->unbuilt;

		p->unbuilt = 0;
		event = report_loss(p, p->now_ns, "events_unbuilt", NULL,
				    "events could not be built");
		if (event) {
			report_count(event, "unmapped.records", n);
			report_end(p, event, false);
		}
	}
}

void report_malformed(struct pipeline *p, size_t len, const char *why)
{
	p->malformed++;
	p->malformed_bytes += len;
	p->malformed_why = why;
	/* a kernel of another contract would make one of these from every record */
	if (!p->malformed_told_ns || p->now_ns >= p->malformed_told_ns + READER_LOSS_EVERY_NS)
		report_held_back(p);
}

void report_lost(struct pipeline *p, const uint64_t lost[COUNTER_MAX], uint64_t time_ns)
{
	struct event *event = NULL;

	for (size_t i = 0; i < COUNTER_MAX; i++) {
		if (!report_counters[i] || !lost[i])
			continue;
		if (!event)
			event = report_loss(p, time_ns, "records_lost", NULL,
					    "the kernel had no room for them");
		if (!event)
			return;
		report_count(event, report_counters[i], lost[i]);
	}
	if (event)
		report_end(p, event, false);
}
