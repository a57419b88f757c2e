// SPDX-License-Identifier: Apache-2.0
/* What was asked of name servers, what they answered, and what requests said of names, as events.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "decide/block.h"
#include "reader/learned.h"
#include "reader/report.h"

static const struct {
	enum event_code code;
	const char *word; /* unmapped.name_event, or the door of a destination */
} report_kinds[] = {
	[NAME_LEARNED] = {EVENT_NAME, "learned"},
	[NAME_REFUSED_QUERY] = {EVENT_NAME_QUERY, "refused_query"},
	[NAME_REFUSED_ANSWER] = {EVENT_NAME, "refused_answer"},
	[NAME_TRUNCATED] = {EVENT_NAME, "truncated"},
	[NAME_HOST] = {EVENT_DESTINATION, "request_host"},
	[NAME_CREDENTIAL] = {EVENT_DESTINATION, "request_credential"},
	[NAME_SEEN] = {EVENT_NAME, "seen"},
};
static_assert(ARRAY_SIZE(report_kinds) == NAME_EVENT_MAX, "one per event");

static bool report_name_address(const struct record_name *r, char address[INET6_ADDRSTRLEN])
{
	return (r->family == AF_INET || r->family == AF_INET6) &&
	       inet_ntop(r->family, r->address, address, INET6_ADDRSTRLEN);
}

/* "name www.example.com", "address 10.0.0.1 for the name www.example.com", … */
static void report_name_what(const struct record_name *r, const char *name, const char *address,
			     char *what, size_t size)
{
	switch (r->event) {
	case NAME_REFUSED_QUERY:
		snprintf(what, size, "question for the name %s", *name ? name : "(unreadable)");
		break;
	case NAME_HOST:
		snprintf(what, size, "request to %s", *name ? name : "a host without a name");
		break;
	case NAME_CREDENTIAL:
		snprintf(what, size, "request to %s with that key", *name ? name : "the model API");
		break;
	case NAME_TRUNCATED:
		snprintf(what, size, "answer for the name %s that was too long for UDP", name);
		break;
	default:
		snprintf(what, size, "address %s for the name %s", *address ? address : "?", name);
	}
}

static void report_name_answer(struct pipeline *p, struct event *event, const char *address,
			       uint32_t ttl)
{
	json_t *answer;

	if (!*address)
		return;
	answer = json_pack("{s:s, s:I}", "rdata", address, "ttl", (json_int_t)ttl);
	if (answer)
		event_append(event, "answers", answer);
	else
		p->failed = -ENOMEM;
}

static void report_name_endpoint(struct pipeline *p, struct event *event,
				 const struct record_name *r, const char *name, const char *address)
{
	event_set_name(event, "unmapped.door", report_kinds[r->event].word);
	event_set_int(event, "connection_info.direction_id", 2); /* outbound */
	event_set_int(event, "connection_info.protocol_num", IPPROTO_TCP);
	if (*address) {
		event_set_name(event, "dst_endpoint.ip", address);
		event_set_int(event, "dst_endpoint.port", r->port);
	}
	report_string(p, event, "dst_endpoint.hostname", name);
}

/* Returns whether there is something to tell. A name that no rule lists is only remembered: clients
 * ask for a dozen such ones each time they start, and the refusal that may follow says it. */
static bool report_name_is_news(struct pipeline *p, struct process *root,
				const struct record_name *r, const char *name)
{
	int r_note;

	if (r->event != NAME_LEARNED && r->event != NAME_SEEN)
		return true;
	if (!root)
		return r->event == NAME_LEARNED;
	if (!root->learned && learned_new(&root->learned) < 0) {
		p->failed = -ENOMEM;
		return true;
	}
	r_note = learned_note(root->learned, r->family, r->address, name, strlen(name),
			      r->event == NAME_LEARNED);
	if (r_note < 0)
		p->failed = r_note;
	return r_note != 0 && r->event == NAME_LEARNED;
}

/* The person was told a number in the answer to the request. */
static void report_name_block(struct event *event, const struct record_name *r)
{
	char block[BLOCK_NAME_SIZE];

	if (!r->number)
		return;
	block_name(r->number, block);
	event_set_name(event, "unmapped.block", block);
}

int report_name(struct pipeline *p, const struct record_name *record)
{
	const struct record_head *head = &record->head;
	struct process *root = process_root(p, head);
	char name[NAME_SIZE] = "", address[INET6_ADDRSTRLEN] = "", what[NAME_SIZE + 96];
	struct report_verdict v =
		report_verdict_of(head, record->verdict, record->reason, record->rule, what);
	struct event *event;

	memcpy(name, record->name, strnlen(record->name, record->name_len));
	if (!report_name_address(record, address))
		address[0] = 0;
	if (!report_name_is_news(p, root, record, name))
		return p->failed;
	event = report_effect(p, report_kinds[record->event].code, head, root);
	if (!event)
		return -ENOMEM;
	if (report_kinds[record->event].code == EVENT_DESTINATION) {
		report_name_endpoint(p, event, record, name, address);
		report_name_block(event, record);
	} else {
		event_set_name(event, "unmapped.name_event", report_kinds[record->event].word);
		report_string(p, event, "query.hostname", name);
		report_name_answer(p, event, address, record->ttl);
	}
	report_name_what(record, name, address, what, sizeof(what));
	report_judged(p, event, head, root, &v);
	return p->failed;
}
