// SPDX-License-Identifier: Apache-2.0
/* The event codes in OCSF 1.8.0. */
#include "audit/event_class.h"

#include <assert.h>

#include "base/cleanup.h"

#define ACTIVITY_OTHER 99

#define LIFECYCLE_START 3
#define LIFECYCLE_STOP	4
#define ENTITY_UPDATE	3
#define PROCESS_LAUNCH	1
#define PROCESS_END	2
#define NETWORK_OPEN	1
#define NETWORK_TRAFFIC 6
#define DNS_QUERY	1
#define DNS_RESPONSE	2
#define FILE_OPEN	14
#define API_CREATE	1
#define API_READ	2
#define FINDING_CREATE	1

#define OF_BAILIFF                                                                                 \
	{                                                                                          \
		{"app.name", "bailiff"},                                                           \
		{                                                                                  \
			"app.vendor_name", "bailiff"                                               \
		}                                                                                  \
	}

/* device.hostname is required of all, and so not in the rows. */
static const struct event_class classes[] = {
	[EVENT_AGENT_START] = {"agent_start",
			       6002,
			       LIFECYCLE_START,
			       "Start",
			       EVENT_SEVERITY_INFORMATIONAL,
			       {"app.name"},
			       OF_BAILIFF},
	[EVENT_AGENT_STOP] = {"agent_stop",
			      6002,
			      LIFECYCLE_STOP,
			      "Stop",
			      EVENT_SEVERITY_LOW,
			      {"app.name"},
			      OF_BAILIFF},
	[EVENT_POLICY_APPLIED] = {"policy_applied",
				  3004,
				  ENTITY_UPDATE,
				  "Update",
				  EVENT_SEVERITY_INFORMATIONAL,
				  {"entity.name", "entity.type"},
				  {{"entity.name", "bailiff policy"}, {"entity.type", "policy"}}},
	[EVENT_POLICY_REFUSED] = {"policy_refused",
				  3004,
				  ENTITY_UPDATE,
				  "Update",
				  EVENT_SEVERITY_MEDIUM,
				  {"entity.name", "entity.type"},
				  {{"entity.name", "bailiff policy"}, {"entity.type", "policy"}}},
	[EVENT_POSTURE] = {"posture",
			   6002,
			   ACTIVITY_OTHER,
			   "Posture",
			   EVENT_SEVERITY_INFORMATIONAL,
			   {"app.name"},
			   OF_BAILIFF},
	[EVENT_CLIENT_START] = {"client_start",
				1007,
				PROCESS_LAUNCH,
				"Launch",
				EVENT_SEVERITY_INFORMATIONAL,
				{"process.pid", "actor"},
				{{NULL}}},
	[EVENT_CLIENT_STOP] = {"client_stop",
			       1007,
			       PROCESS_END,
			       "Terminate",
			       EVENT_SEVERITY_INFORMATIONAL,
			       {"process.pid", "actor"},
			       {{NULL}}},
	[EVENT_PROCESS_EXEC] = {"process_exec",
				1007,
				PROCESS_LAUNCH,
				"Launch",
				EVENT_SEVERITY_INFORMATIONAL,
				{"process.pid", "actor"},
				{{NULL}}},
	[EVENT_CLIENT_REFUSED] = {"client_refused",
				  6002,
				  ACTIVITY_OTHER,
				  "Refuse",
				  EVENT_SEVERITY_HIGH,
				  {"app.name"},
				  {{"app.name", "Claude Code"}}},
	[EVENT_CAPTURE_DISPROVED] = {"capture_disproved",
				     6002,
				     ACTIVITY_OTHER,
				     "Disprove",
				     EVENT_SEVERITY_HIGH,
				     {"app.name"},
				     {{"app.name", "Claude Code"}}},
	[EVENT_DESTINATION] = {"destination",
			       4001,
			       NETWORK_OPEN,
			       "Open",
			       EVENT_SEVERITY_INFORMATIONAL,
			       {"actor"},
			       {{NULL}}},
	[EVENT_NAME] = {"name",
			4003,
			DNS_RESPONSE,
			"Response",
			EVENT_SEVERITY_INFORMATIONAL,
			{"actor"},
			{{NULL}}},
	[EVENT_NAME_QUERY] = {"name_query",
			      4003,
			      DNS_QUERY,
			      "Query",
			      EVENT_SEVERITY_INFORMATIONAL,
			      {"actor"},
			      {{NULL}}},
	[EVENT_DOOR] = {"door",
			1007,
			ACTIVITY_OTHER,
			"Reach",
			EVENT_SEVERITY_INFORMATIONAL,
			{"process.pid", "actor"},
			{{NULL}}},
	[EVENT_SKILL_FILE] = {"skill_file",
			      1001,
			      FILE_OPEN,
			      "Open",
			      EVENT_SEVERITY_INFORMATIONAL,
			      {"actor", "file.name", "file.type_id"},
			      /* the one file that is judged; the path may have been unreadable */
			      {{"file.name", "SKILL.md"}}},
	[EVENT_SKILL_USE] = {"skill_use",
			     6003,
			     ACTIVITY_OTHER,
			     "Use",
			     EVENT_SEVERITY_INFORMATIONAL,
			     {"actor", "api.operation"},
			     {{"api.operation", "skill.use"}}},
	[EVENT_TOOL_USE] = {"tool_use",
			    6003,
			    ACTIVITY_OTHER,
			    "Use",
			    EVENT_SEVERITY_INFORMATIONAL,
			    {"actor", "api.operation"},
			    {{"api.operation", "tool.use"}}},
	[EVENT_TOOL_RESULT] = {"tool_result",
			       6003,
			       ACTIVITY_OTHER,
			       "Result",
			       EVENT_SEVERITY_INFORMATIONAL,
			       {"actor", "api.operation"},
			       {{"api.operation", "tool.result"}}},
	[EVENT_MODEL_REQUEST] = {"model_request",
				 6003,
				 API_CREATE,
				 "Create",
				 EVENT_SEVERITY_INFORMATIONAL,
				 {"actor", "api.operation"},
				 {{"api.operation", "model.request"}}},
	[EVENT_MODEL_RESPONSE] = {"model_response",
				  6003,
				  API_READ,
				  "Read",
				  EVENT_SEVERITY_INFORMATIONAL,
				  {"actor", "api.operation"},
				  {{"api.operation", "model.response"}}},
	[EVENT_MESSAGE] = {"message",
			   6003,
			   ACTIVITY_OTHER,
			   "Message",
			   EVENT_SEVERITY_INFORMATIONAL,
			   {"actor", "api.operation"},
			   {{"api.operation", "message"}}},
	[EVENT_HTTP_REQUEST] = {"http_request",
				4002,
				ACTIVITY_OTHER,
				"Request",
				EVENT_SEVERITY_INFORMATIONAL,
				{"actor", "http_request.http_method"},
				{{"http_request.http_method", "unknown"}}},
	[EVENT_SENSITIVE_DATA] = {"sensitive_data",
				  2006,
				  FINDING_CREATE,
				  "Create",
				  EVENT_SEVERITY_MEDIUM,
				  {"finding_info.title", "finding_info.uid"},
				  {{"finding_info.title", "Sensitive data"}}},
	[EVENT_UNSAID] = {"unsaid_bytes",
			  4001,
			  NETWORK_TRAFFIC,
			  "Traffic",
			  EVENT_SEVERITY_MEDIUM,
			  {"actor"},
			  {{NULL}}},
	[EVENT_INLINE] = {"inline",
			  2006,
			  FINDING_CREATE,
			  "Create",
			  EVENT_SEVERITY_MEDIUM,
			  {"actor", "finding_info.title", "finding_info.uid"},
			  {{"finding_info.title", "Found in a stream"}}},
	[EVENT_CLAIM_MISMATCH] = {"claim_mismatch",
				  2004,
				  FINDING_CREATE,
				  "Create",
				  EVENT_SEVERITY_MEDIUM,
				  {"finding_info.title", "finding_info.uid"},
				  {{"finding_info.title", "Claimed identity differs"}}},
	[EVENT_LOSS] = {"loss",
			6002,
			ACTIVITY_OTHER,
			"Loss",
			EVENT_SEVERITY_HIGH,
			{"app.name"},
			OF_BAILIFF},
	[EVENT_CHECKPOINT] = {.name = NULL},
	[EVENT_ADMIN] = {"admin",
			 3004,
			 ENTITY_UPDATE,
			 "Update",
			 EVENT_SEVERITY_LOW,
			 {"entity.name", "entity.type"},
			 {{"entity.name", "bailiff"}, {"entity.type", "agent"}}},
};
static_assert(ARRAY_SIZE(classes) == EVENT_CODE_MAX, "one row for each code");

static const struct {
	uint32_t uid;
	const char *name;
} class_names[] = {
	{1001, "File System Activity"},	 {1007, "Process Activity"},
	{2004, "Detection Finding"},	 {2006, "Data Security Finding"},
	{3004, "Entity Management"},	 {4001, "Network Activity"},
	{4002, "HTTP Activity"},	 {4003, "DNS Activity"},
	{6002, "Application Lifecycle"}, {6003, "API Activity"},
};

static const char *const category_names[] = {
	NULL,
	"System Activity",
	"Findings",
	"Identity & Access Management",
	"Network Activity",
	"Discovery",
	"Application Activity",
};

static const char *const severity_names[] = {
	"Unknown", "Informational", "Low", "Medium", "High", "Critical", "Fatal",
};

const struct event_class *event_class_of(enum event_code code)
{
	if ((unsigned int)code >= EVENT_CODE_MAX || !classes[code].name)
		return NULL;
	return &classes[code];
}

const char *event_class_name(uint32_t class_uid)
{
	for (size_t i = 0; i < ARRAY_SIZE(class_names); i++)
		if (class_names[i].uid == class_uid)
			return class_names[i].name;
	return "Unknown";
}

const char *event_category_name(uint32_t class_uid)
{
	uint32_t category = class_uid / 1000;

	return category && category < ARRAY_SIZE(category_names) ? category_names[category]
								 : "Unknown";
}

const char *event_severity_name(int severity_id)
{
	return severity_id > 0 && severity_id < (int)ARRAY_SIZE(severity_names)
		       ? severity_names[severity_id]
		       : severity_names[0];
}

const char *event_code_to_string(enum event_code code)
{
	const struct event_class *c = event_class_of(code);

	return c ? c->name : "unknown";
}

uint32_t event_class_uid(enum event_code code)
{
	const struct event_class *c = event_class_of(code);

	return c ? c->class_uid : 0;
}
