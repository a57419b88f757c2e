// SPDX-License-Identifier: Apache-2.0
/* The byte ledger of a socket that does not come out even, as an event. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "decide/reason.h"
#include "reader/report.h"

/* "1048576 bytes to api.anthropic.com (203.0.113.9:443) that no probe saw" */
static void unsaid_what(const struct record_ledger *r, const char *name, const char *address,
			char *what, size_t size)
{
	bool v6 = r->family == AF_INET6;

	snprintf(what, size, "%llu bytes to %s%s%s%s%s:%u%s that no probe saw", r->unsaid,
		 name ? name : "", name ? " (" : "", v6 ? "[" : "", address, v6 ? "]" : "", r->port,
		 name ? ")" : "");
}

int report_unsaid(struct pipeline *p, const struct record_ledger *record)
{
	const struct record_head *head = &record->head;
	struct process *root = process_root(p, head);
	bool model = record->flags & RECORD_LEDGER_MODEL;
	char address[INET6_ADDRSTRLEN] = "?", what[NAME_SIZE + 128];
	struct lineage_cause cause = {LINEAGE_UNKNOWN, "", ""};
	const char *name;
	struct event *event;

	event = report_effect(p, EVENT_UNSAID, head, root);
	if (!event)
		return -ENOMEM;
	name = report_peer(p, event, root, record->family, record->address, record->port, address);
	event_set_int(event, "connection_info.direction_id", 2); /* outbound */
	event_set_int(event, "connection_info.protocol_num", IPPROTO_TCP);
	event_set_name(event, "connection_info.protocol_name", "tcp");
	report_count(event, "traffic.bytes_out", record->sent);
	report_count(event, "unmapped.bytes_said", record->said);
	report_count(event, "unmapped.bytes_unsaid", record->unsaid);
	report_count(event, "unmapped.writes", record->writes);
	event_set_bool(event, "unmapped.model_api", model);
	event_set_bool(event, "unmapped.tls_seen", record->flags & RECORD_LEDGER_TIED);
	event_set_bool(event, "unmapped.ended", record->flags & RECORD_LEDGER_ENDED);
	unsaid_what(record, name, address, what, sizeof(what));
	report_string(p, event, "unmapped.what", what);
	/* before the verdict, which knows no difference */
	event_set_severity(event, model ? REPORT_SEVERITY_HIGH : REPORT_SEVERITY_MEDIUM);
	event_set_verdict(event, BAILIFF_ALLOW);
	event_set_name(event, "unmapped.verdict", reason_verdict_to_string(BAILIFF_ALLOW));
	if (root && root->lineage)
		cause = lineage_effect(root->lineage, &head->actor, head->time_ns);
	if (root)
		report_cause(p, event, &cause);
	report_end(p, event, false);
	return p->failed;
}
