// SPDX-License-Identifier: Apache-2.0
/* The table of connections: puts records in order by their offset and keeps account of each byte.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reader/report.h"
#include "reader/state.h"

static size_t connection_bucket(uint32_t tgid, uint64_t start_ns, uint64_t ssl)
{
	uint64_t h = (start_ns ^ tgid ^ ssl >> 4) * 0x9E3779B97F4A7C15ULL;

	return h >> 40 & (READER_BUCKETS - 1);
}

static struct connection *connection_find(struct pipeline *p, const struct record_actor *a,
					  uint64_t ssl)
{
	struct connection *c;

	LIST_FOREACH(c, &p->connections[connection_bucket(a->tgid, a->start_ns, ssl)], bucket)
	if (c->ssl == ssl && c->process->tgid == a->tgid && c->process->start_ns == a->start_ns)
		return c;
	return NULL;
}

/* Numbers that only grow: one that a record made up must not wrap around to "nothing was lost". */
static void ledger_add(uint64_t *sum, uint64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = UINT64_MAX;
}

/* Frees the parser; what it reports meanwhile goes to this connection. */
static void connection_park(struct pipeline *p, struct connection *c)
{
	struct connection *before = p->feeding;

	p->feeding = c;
	wire_conn_free(c->wire);
	c->wire = NULL;
	p->feeding = before;
}

void connection_end(struct pipeline *p, struct connection *c, uint64_t time_ns, const char *why)
{
	struct process *process = c->process;

	connection_park(p, c);
	report_inline_waited(p, c, true);
	if (c->ledger.missing || c->ledger.undecodable || c->ledger.repeated)
		report_ledger(p, c, time_ns, why);
	ledger_add(&process->ledger.captured, c->ledger.captured);
	ledger_add(&process->ledger.missing, c->ledger.missing);
	ledger_add(&process->ledger.undecodable, c->ledger.undecodable);
	ledger_add(&process->ledger.repeated, c->ledger.repeated);
	ledger_add(&process->ledger.gaps, c->ledger.gaps);
	LIST_REMOVE(c, bucket);
	LIST_REMOVE(c, sibling);
	TAILQ_REMOVE(&p->connection_age, c, age);
	p->n_connections--;
	free(c);
}

static int connection_new(struct pipeline *p, const struct record_head *head, uint64_t ssl,
			  uint32_t epoch, struct connection **ret)
{
	struct process *process;
	struct connection *c;

	if (p->n_connections >= READER_CONNECTIONS_MAX)
		connection_end(p, TAILQ_FIRST(&p->connection_age), head->time_ns,
			       "more connections are open than are followed at a time");
	process = process_of(p, head);
	if (!process || !process_has_wire(p, process))
		return -ENOMEM;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->process = process;
	c->number = ++p->n_numbered;
	c->ssl = ssl;
	c->epoch = epoch;
	c->last_ns = p->now_ns;
	TAILQ_INIT(&c->found.held);
	LIST_INSERT_HEAD(&p->connections[connection_bucket(process->tgid, process->start_ns, ssl)],
			 c, bucket);
	LIST_INSERT_HEAD(&process->connections, c, sibling);
	TAILQ_INSERT_TAIL(&p->connection_age, c, age);
	p->n_connections++;
	process->n_connections++;
	*ret = c;
	return 0;
}

struct connection *connection_of(struct pipeline *p, const struct record_head *head, uint64_t ssl,
				 uint32_t epoch)
{
	struct connection *c = connection_find(p, &head->actor, ssl);

	if (c)
		return c->epoch == epoch ? c : NULL;
	return connection_new(p, head, ssl, epoch, &c) < 0 ? NULL : c;
}

static void connection_missing(struct pipeline *p, struct connection *c, uint64_t time_ns,
			       uint64_t len, const char *why)
{
	ledger_add(&c->ledger.missing, len);
	ledger_add(&c->untold, len);
	c->ledger.gaps++;
	if (!c->told_ns || time_ns >= c->told_ns + READER_LOSS_EVERY_NS)
		report_unseen(p, c, time_ns, why);
}

/* The parser could not go on for want of memory: what it held is gone, the next bytes start anew.
 */
static int connection_failed(struct pipeline *p, struct connection *c, uint64_t time_ns,
			     uint64_t len)
{
	connection_park(p, c);
	if (len)
		connection_missing(p, c, time_ns, len, "there was no memory to decode them");
	return -ENOMEM;
}

static int connection_gap(struct pipeline *p, struct connection *c, const struct record_tls *r,
			  uint64_t len, const char *why)
{
	int n;

	p->feeding = c;
	n = wire_gap(c->wire, (enum wire_direction)r->direction, r->head.time_ns, len);
	p->feeding = NULL;
	connection_missing(p, c, r->head.time_ns, len, why);
	return n < 0 ? connection_failed(p, c, r->head.time_ns, 0) : 0;
}

static int connection_bytes(struct pipeline *p, struct connection *c, const struct record_tls *r,
			    const uint8_t *bytes)
{
	uint64_t *expected = &c->expected[r->direction];
	uint64_t skip = r->offset < *expected ? *expected - r->offset : 0;
	int n;

	if (skip >= r->len) {
		ledger_add(&c->ledger.repeated, r->len);
		return 0;
	}
	ledger_add(&c->ledger.repeated, skip);
	if (!*expected && r->direction == TLS_DIRECTION_SENT)
		proof_record(p, c->process, r, bytes);
	*expected += r->len - skip;
	ledger_add(&c->ledger.captured, r->len - skip);
	p->feeding = c;
	n = wire_feed(c->wire, (enum wire_direction)r->direction, r->head.time_ns, bytes + skip,
		      r->len - skip);
	p->feeding = NULL;
	return n < 0 ? connection_failed(p, c, r->head.time_ns, r->len - skip) : 0;
}

/* A chunk of a connection that is followed: what is missing before it, then its bytes. */
static int connection_chunk(struct pipeline *p, struct connection *c, const struct record_tls *r,
			    const uint8_t *bytes)
{
	int n;

	if (!c->wire &&
	    (!process_has_wire(p, c->process) || wire_conn_new(c->process->wire, &c->wire) < 0))
		return connection_failed(p, c, r->head.time_ns, r->len);
	if (r->offset > c->expected[r->direction]) {
		uint64_t gap = r->offset - c->expected[r->direction];

		c->expected[r->direction] = r->offset;
		n = connection_gap(p, c, r, gap, "the kernel could not hand them over");
		if (n < 0)
			return n;
	}
	if (r->flags & TLS_UNREADABLE) {
		uint64_t end = r->offset + r->len;
		uint64_t from = c->expected[r->direction];

		if (end <= from)
			return 0;
		c->expected[r->direction] = end;
		return connection_gap(p, c, r, end - from, "the client's buffer was not readable");
	}
	return connection_bytes(p, c, r, bytes);
}

int connection_record(struct pipeline *p, const struct record_tls *r, const uint8_t *bytes)
{
	struct connection *c = connection_find(p, &r->head.actor, r->ssl);
	int n;

	if (c && r->epoch > c->epoch) {
		connection_end(p, c, r->head.time_ns, "a new handshake began on its place");
		c = NULL;
	}
	if (c && r->epoch < c->epoch) {
		connection_missing(p, c, r->head.time_ns, r->len,
				   "they are of an older connection on the same place");
		return 0;
	}
	if (!c) {
		n = connection_new(p, &r->head, r->ssl, r->epoch, &c);
		if (n < 0)
			return n;
	} else {
		/* the process itself is looked up only when its connection is new or it says more
		 */
		c->process->actor = r->head.actor;
		c->process->generation = r->head.generation;
		c->process->last_ns = p->now_ns;
		if (TAILQ_NEXT(c->process, age)) {
			TAILQ_REMOVE(&p->process_age, c->process, age);
			TAILQ_INSERT_TAIL(&p->process_age, c->process, age);
		}
		if (TAILQ_NEXT(c, age)) {
			TAILQ_REMOVE(&p->connection_age, c, age);
			TAILQ_INSERT_TAIL(&p->connection_age, c, age);
		}
	}
	c->last_ns = p->now_ns;
	if (r->head.type == RECORD_TLS_OPEN || r->len == 0)
		return 0;
	n = connection_chunk(p, c, r, bytes);
	report_inline_chunk(p, c, r->direction, r->head.time_ns);
	return n;
}

void connection_tell_found(struct pipeline *p)
{
	struct connection *c;

	for (c = TAILQ_FIRST(&p->connection_age); c; c = TAILQ_NEXT(c, age))
		report_inline_waited(p, c, true);
}

void connection_tick(struct pipeline *p, uint64_t now_ns)
{
	struct connection *c;

	for (c = TAILQ_FIRST(&p->connection_age); c; c = TAILQ_NEXT(c, age)) {
		if (c->untold && now_ns >= c->told_ns + READER_LOSS_EVERY_NS)
			report_unseen(p, c, now_ns, "the kernel could not hand them over");
		report_inline_waited(p, c, false);
		if (c->wire && now_ns >= c->last_ns && now_ns - c->last_ns >= READER_IDLE_NS)
			connection_park(p, c);
	}
}
