/* SPDX-License-Identifier: Apache-2.0 */
/* What each event code is in OCSF 1.8.0: class, activity, severity, what must be there. */
#ifndef AUDIT_EVENT_CLASS_H
#define AUDIT_EVENT_CLASS_H

#include <stdint.h>

#include "audit/event.h"

#define EVENT_OCSF_VERSION "1.8.0"

enum event_severity {
	EVENT_SEVERITY_INFORMATIONAL = 1,
	EVENT_SEVERITY_LOW,
	EVENT_SEVERITY_MEDIUM,
	EVENT_SEVERITY_HIGH,
	EVENT_SEVERITY_CRITICAL,
	EVENT_SEVERITY_FATAL,
};

struct event_class {
	const char *name; /* metadata.event_code; NULL: reserved, no event of it can be made */
	uint32_t class_uid;
	uint32_t activity_id;
	const char *activity; /* caption of the activity */
	enum event_severity severity;
	/* Paths that must be set when the event is taken, after the defaults. */
	const char *required[4];
	/* Path and value that are filled in where the event has none. */
	const char *defaults[3][2];
};

/* The row of a code; NULL out of range and for reserved codes. */
const struct event_class *event_class_of(enum event_code code);

const char *event_class_name(uint32_t class_uid);
const char *event_category_name(uint32_t class_uid);
const char *event_severity_name(int severity_id);

#endif
