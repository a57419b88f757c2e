// SPDX-License-Identifier: Apache-2.0
/* What the kernel judged at the doors without an address, as events. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "reader/report.h"

#define TARGET_TEXT (RECORD_DOOR_TARGET + 2)
/* where a DOOR_DESCRIPTOR of IPv4 or IPv6 has the port, in network order, behind the address */
#define TARGET_PORT 16

static const char *const door_names[] = {
	"local_connect", "local_send", "descriptor", "trace",  "namespace",
	"device",	 "bpf",	       "pin",	     "signal", "file",
};
static_assert(ARRAY_SIZE(door_names) == DOOR_MAX, "one per door");

/* The target as text: an abstract address begins with a zero byte, which ss and /proc/net/unix show
 * as "@"; a zero in the middle is shown so too. */
static void door_target(const struct record_door *r, char out[TARGET_TEXT])
{
	size_t len = r->target_len < RECORD_DOOR_TARGET ? r->target_len : RECORD_DOOR_TARGET;
	bool abstract = len && !r->target[0];

	/* a path is followed by its zero, an abstract name by what belongs to it */
	if (!abstract)
		len = strnlen(r->target, len);
	for (size_t i = 0; i < len; i++)
		out[i] = r->target[i] ? r->target[i] : '@';
	out[len] = 0;
}

/* "socket to 203.0.113.9:443" */
static void door_socket(const struct record_door *r, char *out, size_t size)
{
	char address[INET6_ADDRSTRLEN] = "", target[TARGET_TEXT];
	uint16_t port;

	if (r->command == AF_UNIX) {
		door_target(r, target);
		snprintf(out, size, "local socket %.*s", (int)TARGET_TEXT,
			 target[0] ? target : "without a name");
		return;
	}
	memcpy(&port, r->target + TARGET_PORT, sizeof(port));
	if ((r->command != AF_INET && r->command != AF_INET6) ||
	    !inet_ntop((int)r->command, r->target, address, sizeof(address)))
		snprintf(out, size, "socket of family %u", r->command);
	else if (!port)
		snprintf(out, size, "socket without a peer");
	else
		snprintf(out, size, r->command == AF_INET ? "socket to %s:%u" : "socket to [%s]:%u",
			 address, ntohs(port));
}

/* Of the target, only what the door puts there as text. */
static void door_what(const struct record_door *r, const char *target, char *what, size_t size)
{
	char socket[TARGET_TEXT + 32];

	switch (r->door) {
	case DOOR_LOCAL_CONNECT:
		snprintf(what, size, "connection to local socket %s", target);
		break;
	case DOOR_LOCAL_SEND:
		snprintf(what, size, "message to local socket %s", target);
		break;
	case DOOR_DESCRIPTOR:
		door_socket(r, socket, sizeof(socket));
		snprintf(what, size, "%s, handed over by another process", socket);
		break;
	case DOOR_TRACE:
		snprintf(what, size, "control of process %u (%s)", r->peer_tgid, target);
		break;
	case DOOR_NAMESPACE:
		snprintf(what, size, "new user namespace");
		break;
	case DOOR_DEVICE:
		snprintf(what, size, "device %s (%u:%u)", target, r->device >> 20,
			 r->device & 0xfffff);
		break;
	case DOOR_BPF:
		snprintf(what, size, "bpf command %u%s%s", r->command, *target ? " on " : "",
			 target);
		break;
	case DOOR_PIN:
		snprintf(what, size, "change of %s", *target ? target : "what bailiff has pinned");
		break;
	case DOOR_SIGNAL:
		snprintf(what, size, "signal %u to process %u (%s)", r->command, r->peer_tgid,
			 target);
		break;
	case DOOR_FILE:
	default:
		snprintf(what, size, "writing of %s", *target ? target : "a file");
		break;
	}
}

int report_door(struct pipeline *p, const struct record_door *record)
{
	const struct record_head *head = &record->head;
	struct process *root = process_root(p, head);
	char target[TARGET_TEXT], what[TARGET_TEXT + 80];
	struct report_verdict v =
		report_verdict_of(head, record->verdict, record->reason, record->rule, what);
	struct event *event;

	event = report_effect(p, EVENT_DOOR, head, root);
	if (!event)
		return -ENOMEM;
	door_target(record, target);
	door_what(record, target, what, sizeof(what));
	event_set_int(event, "process.pid",
		      record->peer_tgid ? record->peer_tgid : head->actor.tgid);
	event_set_name(event, "unmapped.door", door_names[record->door]);
	if (record->door != DOOR_DESCRIPTOR)
		report_string(p, event, "unmapped.target", target);
	if (record->peer_tgid)
		event_set_int(event, "unmapped.peer_pid", record->peer_tgid);
	if (record->inode)
		report_count(event, "unmapped.inode", record->inode);
	report_judged(p, event, head, root, &v);
	return p->failed;
}
