/* SPDX-License-Identifier: Apache-2.0 */
/* Events in OCSF 1.8, built from typed parts. A captured string enters only as struct masked. */
#ifndef AUDIT_EVENT_H
#define AUDIT_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/contract.h"
#include "mask/mask.h"

/* What happened; each has an OCSF class, activity and default severity in event.c's table, and a
 * page in docs/event-reference.md. The name is `metadata.event_code`. */
enum event_code {
	EVENT_AGENT_START, /* 6002 Application Lifecycle: bailiff started; unwatched since … */
	EVENT_AGENT_STOP,
	EVENT_POLICY_APPLIED, /* 3004 Entity Management */
	EVENT_POLICY_REFUSED,
	EVENT_POSTURE,	    /* 6002: what this host can enforce, observe, not do */
	EVENT_CLIENT_START, /* 1007 Process Activity */
	EVENT_CLIENT_STOP,
	EVENT_PROCESS_EXEC,   /* 1007: below a client */
	EVENT_CLIENT_REFUSED, /* 6002: a client whose TLS functions could not be found or proven */
	EVENT_CAPTURE_DISPROVED, /* 6002: the probes on a client show something else than requests
				  */
	EVENT_DESTINATION,	 /* 4001 Network Activity: allowed, denied, would-deny */
	EVENT_DOOR,		 /* 1007: a way out that is no connection was judged */
	EVENT_NAME,		 /* 4003 DNS Activity: what a name server answered */
	EVENT_NAME_QUERY,	 /* 4003: what it was asked */
	EVENT_SKILL_FILE,	 /* 1001 File System Activity: a skill's file was judged */
	EVENT_SKILL_USE,	 /* 6003 API Activity: a skill was used */
	EVENT_TOOL_USE,		 /* 6003 */
	EVENT_TOOL_RESULT,	 /* 6003 */
	EVENT_MODEL_REQUEST,	 /* 6003 */
	EVENT_MODEL_RESPONSE,	 /* 6003 */
	EVENT_MESSAGE,		 /* 6003: one message of the conversation, masked */
	EVENT_HTTP_REQUEST,	 /* 4002 HTTP Activity: a request outside of the Messages API */
	EVENT_SENSITIVE_DATA,	 /* 2006 Data Security Finding: a detector matched */
	EVENT_UNSAID,		 /* 4001: more was sent than was said through the TLS functions */
	EVENT_INLINE,		 /* 2006: found in a stream: logged, masked or blocked in place */
	EVENT_CLAIM_MISMATCH,	 /* 2004 Detection Finding: self-asserted identity differs */
	EVENT_LOSS,		 /* 6002: records or bytes lost, unseen or undecodable */
	EVENT_CHECKPOINT,	 /* not an event of the stream: reserved */
	EVENT_ADMIN, /* 3004: an administrator used the command line to change something */
	EVENT_CODE_MAX,
};

struct event; /* an OCSF object under construction */

/* time_ms: milliseconds since the epoch of what happened. */
int event_new(enum event_code code, int64_t time_ms, struct event **ret);
void event_free(struct event *event);
void event_freep(struct event **event);

/* Each setter takes a dotted path into the object ("actor.user.name"); parents are made on the way.
 * All return 0, -EEXIST when it is set already to another value, -EINVAL for a path through a
 * scalar, -ENOMEM. After a failure the event stays whole, and event_take reports the first failure,
 * so callers need not check each one. A value that is NULL sets nothing. */
int event_set_int(struct event *event, const char *path, int64_t value);
int event_set_bool(struct event *event, const char *path, bool value);
/* Static strings and names that the policy or bailiff gave: never bytes that were captured. In a
 * value that is not UTF-8 each byte outside ASCII becomes '?'. */
int event_set_name(struct event *event, const char *path, const char *value);
/* Without a text (mask_digest_only) <path>_length and <path>_digest stand beside the empty one. */
int event_set_masked(struct event *event, const char *path, const struct masked *value);
/* As set_masked, but at most max bytes of text; adds <path>_length and <path>_digest when cut. */
int event_set_masked_cut(struct event *event, const char *path, const struct masked *value,
			 size_t max);
int event_set_digest(struct event *event, const char *path, const uint8_t *bytes, size_t len);
/* Appends an object built by another event-less builder to an array; takes value over. */
int event_append(struct event *event, const char *path, json_t *value);
int event_set_severity(struct event *event, int severity_id);
/* verdict -> action_id, action, disposition_id, disposition of the security_control profile,
 * status_id, unmapped.verdict; a refused destination becomes the activity Refuse. Raises the
 * severity to Medium for a denial and to Low for a would-deny, unless it was set. */
int event_set_verdict(struct event *event, enum bailiff_verdict verdict);
/* The same, denied, of what went on without what was found in it: action 4 Modified, disposition 11
 * Corrected. */
int event_set_masking(struct event *event);

/* Finishes: fills in what follows from the rest, checks the required attributes of the class, gives
 * the canonical JSON (RFC 8785) in malloc'ed *ret, at most EVENT_JSON_MAX bytes: the longest
 * strings are cut first, with <name>_length beside them, then the longest arrays, with
 * <name>_count. Returns 0, -ENODATA when a required attribute is missing, the first failure of a
 * setter, -ENOMEM. metadata.sequence, logged_time and log_name are added by log_append_event. */
#define EVENT_JSON_MAX 60000
#ifndef BAILIFF_VERSION
#define BAILIFF_VERSION "0.1.0" /* metadata.product.version */
#endif
int event_take(struct event *event, char **ret, size_t *ret_len);

/* "skill_use"; "unknown" out of range. */
const char *event_code_to_string(enum event_code code);
uint32_t event_class_uid(enum event_code code);

#endif
