// SPDX-License-Identifier: Apache-2.0
/* What the kernel judged and saw, as events. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "reader/report.h"

static const char *const report_doors[] = {
	"lsm_connect",	   "lsm_sendmsg",     "cgroup_connect4", "cgroup_connect6",
	"cgroup_sendmsg4", "cgroup_sendmsg6", "socket_create",	 "bind",
	"listen",	   "accept",	      "open_connection", "cgroup_egress"};
static_assert(ARRAY_SIZE(report_doors) == NET_DOOR_MAX, "one per door");

static const char *report_protocol(uint16_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		return NULL;
	}
}

int report_exec(struct pipeline *p, const struct record_exec *record)
{
	const struct record_head *head = &record->head;
	struct process *root = process_root(p, head);
	_cleanup_(masked_freep) struct masked *masked = NULL;
	struct lineage_cause cause = {LINEAGE_UNKNOWN, "", ""};
	char argv[RECORD_ARGV_SIZE];
	size_t len = record->argv_len;
	struct event *event;

	if (root && process_lineage(p, root))
		cause = lineage_exec(root->lineage, &head->actor, head->time_ns, record->argv, len,
				     record->truncated != 0);
	/* one text, so that a secret in two arguments ("--token" "abc") is seen with its context */
	while (len && record->argv[len - 1] == 0)
		len--;
	for (size_t i = 0; i < len; i++)
		argv[i] = record->argv[i] ? record->argv[i] : ' ';
	event = report_effect(p, EVENT_PROCESS_EXEC, head, root);
	if (!event)
		return -ENOMEM;
	event_set_int(event, "process.pid", head->actor.tgid);
	report_text(p, event, "process.name", head->actor.comm,
		    strnlen(head->actor.comm, sizeof(head->actor.comm)));
	if (mask_text(p->rules, argv, len, &masked) == 0)
		event_set_masked(event, "process.cmd_line", masked);
	else
		p->failed = -ENOMEM;
	explicit_bzero(argv, len);
	event_set_bool(event, "unmapped.argv_truncated", record->truncated != 0);
	if (head->actor.spawn_tgid)
		event_set_int(event, "unmapped.spawn_pid", head->actor.spawn_tgid);
	report_cause(p, event, &cause);
	report_end(p, event, false);
	if (masked && root)
		report_findings(p, masked,
				&(struct report_place){
					.time_ns = head->time_ns,
					.process = root,
					.direction = "local",
					.where = "argv",
					.tool_use_id = cause.tool_use_id,
					.tool_use_id_len = strlen(cause.tool_use_id),
				});
	return p->failed;
}

/* "connection to blocked.example (203.0.113.9:443)", "message to [2001:db8::1]:53", "socket of
 * family 16, type 3" */
static void report_net_what(const struct record_net *r, const char *name, char *what, size_t size)
{
	char address[INET6_ADDRSTRLEN] = "";
	const char *verb = "connection", *way = "to";
	const char *open = name ? " (" : "", *close = name ? ")" : "";

	if (r->door == NET_DOOR_LSM_SENDMSG || r->door == NET_DOOR_CGROUP_SENDMSG4 ||
	    r->door == NET_DOOR_CGROUP_SENDMSG6)
		verb = "message";
	if (r->door == NET_DOOR_BIND || r->door == NET_DOOR_LISTEN || r->door == NET_DOOR_ACCEPT ||
	    r->reason == BAILIFF_REASON_LISTEN) {
		verb = "listening";
		way = "on";
	}
	if (r->door == NET_DOOR_SOCKET_CREATE)
		snprintf(what, size, "socket of family %u, type %u, protocol %u", r->family,
			 r->socket_type, r->protocol);
	else if (r->family == AF_INET && inet_ntop(AF_INET, r->address, address, sizeof(address)))
		snprintf(what, size, "%s %s %s%s%s:%u%s", verb, way, name ? name : "", open,
			 address, r->port, close);
	else if (r->family == AF_INET6 && inet_ntop(AF_INET6, r->address, address, sizeof(address)))
		snprintf(what, size, "%s %s %s%s[%s]:%u%s", verb, way, name ? name : "", open,
			 address, r->port, close);
	else
		snprintf(what, size, "%s by address family %u", verb, r->family);
}

const char *report_peer(struct pipeline *p, struct event *event, const struct process *root,
			uint32_t family, const uint8_t bytes[16], uint16_t port,
			char ret[INET6_ADDRSTRLEN])
{
	const char *name = NULL;

	if ((family != AF_INET && family != AF_INET6) ||
	    !inet_ntop((int)family, bytes, ret, INET6_ADDRSTRLEN))
		return NULL;
	event_set_name(event, "dst_endpoint.ip", ret);
	event_set_int(event, "dst_endpoint.port", port);
	if (root)
		name = learned_find(root->learned, family, bytes);
	if (name)
		report_string(p, event, "dst_endpoint.hostname", name);
	return name;
}

int report_net(struct pipeline *p, const struct record_net *record)
{
	const struct record_head *head = &record->head;
	struct process *root = process_root(p, head);
	const char *protocol = report_protocol(record->protocol);
	const char *name = NULL;
	char address[INET6_ADDRSTRLEN] = "", what[NAME_SIZE + 128];
	struct report_verdict v =
		report_verdict_of(head, record->verdict, record->reason, record->rule, what);
	struct event *event;

	event = report_effect(p, EVENT_DESTINATION, head, root);
	if (!event)
		return -ENOMEM;
	if (record->door != NET_DOOR_SOCKET_CREATE)
		name = report_peer(p, event, root, record->family, record->address, record->port,
				   address);
	event_set_int(event, "connection_info.direction_id",
		      record->reason == BAILIFF_REASON_LISTEN ? 1 : 2); /* inbound, outbound */
	event_set_int(event, "connection_info.protocol_num", record->protocol);
	if (protocol)
		event_set_name(event, "connection_info.protocol_name", protocol);
	event_set_name(event, "unmapped.door", report_doors[record->door]);
	event_set_int(event, "unmapped.family", record->family);
	event_set_int(event, "unmapped.socket_type", record->socket_type);
	report_net_what(record, name, what, sizeof(what));
	report_judged(p, event, head, root, &v);
	return p->failed;
}

int report_skill_file(struct pipeline *p, const struct record_skill *record)
{
	const struct record_head *head = &record->head;
	struct process *root = process_root(p, head);
	struct lineage_cause cause = {LINEAGE_UNKNOWN, "", ""};
	size_t name_len = strnlen(record->name, sizeof(record->name));
	size_t path_len = strnlen(record->path, sizeof(record->path));
	char name[SKILL_NAME_SIZE + 1], what[SKILL_NAME_SIZE + 16];
	struct report_verdict v =
		report_verdict_of(head, record->verdict, record->reason, record->rule, what);
	char path[RECORD_PATH_SIZE + 1];
	const char *slash;
	struct event *event;

	v.skill = true;
	memcpy(name, record->name, name_len);
	name[name_len] = 0;
	memcpy(path, record->path, path_len);
	path[path_len] = 0;
	slash = strrchr(path, '/');
	if (root) {
		if (record->verdict == BAILIFF_DENY)
			root->n_denied++;
		if (!root->judged && judged_new(&root->judged) < 0)
			p->failed = -ENOMEM;
		else
			judged_note(root->judged, record);
		if (root->lineage)
			cause = lineage_skill(root->lineage, &head->actor, head->time_ns, name,
					      path);
	}
	event = report_effect(p, EVENT_SKILL_FILE, head, root);
	if (!event)
		return -ENOMEM;
	report_string(p, event, "file.path", path);
	report_string(p, event, "file.name", slash ? slash + 1 : path);
	report_string(p, event, "unmapped.skill", name);
	snprintf(what, sizeof(what), "skill %s", name);
	if (root) {
		/* the client reads every skill when it starts: a refusal then is nobody's wish */
		event_set_name(event, "unmapped.phase", root->n_calls ? "use" : "listing");
		if (!root->n_calls && record->verdict != BAILIFF_ALLOW)
			event_set_severity(event, REPORT_SEVERITY_LOW);
		report_cause(p, event, &cause);
	}
	report_verdict(p, event, &v);
	report_end(p, event, record->verdict != BAILIFF_ALLOW);
	return p->failed;
}
