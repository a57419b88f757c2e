// SPDX-License-Identifier: Apache-2.0
/* Events under construction: an OCSF object that is filled by path, checked and made canonical. */
#include "audit/event.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/canonical.h"
#include "audit/event_class.h"
#include "audit/event_cut.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/log.h"

#define EVENT_PATH_MAX	 128
#define EVENT_INT_MAX	 INT64_C(9007199254740991) /* canonical JSON has no greater integer */
#define EVENT_DIGEST_MAX 64
#define NETWORK_REFUSE	 5

struct event {
	const struct event_class *class;
	json_t *root;
	int failed;	   /* first failure, for event_take */
	bool severity_set; /* by the caller: a verdict does not change it any more */
	bool verdict_set;
};

static int fail(struct event *event, int r)
{
	if (!event->failed)
		event->failed = r;
	return r;
}

/* Finds the object that holds the last element of a path, making those on the way. Returns 0 and
 * the element's name, a part of path. */
static int walk(json_t *root, const char *path, json_t **ret_parent, const char **ret_name)
{
	const char *dot;
	json_t *object = root;

	for (; (dot = strchr(path, '.')); path = dot + 1) {
		size_t len = (size_t)(dot - path);
		json_t *child = json_object_getn(object, path, len);

		if (!len)
			return -EINVAL;
		if (!child) {
			child = json_object();
			if (json_object_setn_new_nocheck(object, path, len, child) < 0)
				return -ENOMEM;
		}
		if (!json_is_object(child))
			return -EINVAL;
		object = child;
	}
	if (!*path)
		return -EINVAL;
	*ret_parent = object;
	*ret_name = path;
	return 0;
}

/* Puts value at path; takes value over, also on failure. Paths are literals of ours: jansson need
 * not check that they are UTF-8. */
static int put(struct event *event, const char *path, json_t *value)
{
	json_t *parent, *there;
	const char *name;
	int r;

	if (!value)
		return fail(event, -ENOMEM);
	r = walk(event->root, path, &parent, &name);
	if (r >= 0) {
		there = json_object_get(parent, name);
		if (there && !json_equal(there, value))
			r = -EEXIST;
		else if (!there && json_object_set_nocheck(parent, name, value) < 0)
			r = -ENOMEM;
	}
	json_decref(value);
	if (r == -EEXIST || r == -EINVAL)
		/* the path is a literal of ours: it may be told */
		log_debug("event %s: %s cannot be set", event->class->name, path);
	return r < 0 ? fail(event, r) : 0;
}

static const json_t *get(const struct event *event, const char *path)
{
	const json_t *at = event->root;
	const char *dot;

	for (; (dot = strchr(path, '.')); path = dot + 1)
		at = json_object_getn(at, path, (size_t)(dot - path));
	return json_object_get(at, path);
}

/* Replaces what is there: for attributes that a verdict or a severity revises. */
static int replace(struct event *event, const char *name, json_t *value)
{
	return json_object_set_new(event->root, name, value) < 0 ? fail(event, -ENOMEM) : 0;
}

static int set_severity(struct event *event, int id)
{
	int r = replace(event, "severity_id", json_integer(id));

	return r < 0 ? r : replace(event, "severity", json_string(event_severity_name(id)));
}

static int set_activity(struct event *event, uint32_t id, const char *name)
{
	int r = replace(event, "activity_id", json_integer(id));

	if (r >= 0)
		r = replace(event, "activity_name", json_string(name));
	if (r >= 0)
		r = replace(event, "type_uid", json_integer(event->class->class_uid * 100 + id));
	return r;
}

int event_new(enum event_code code, int64_t time_ms, struct event **ret)
{
	_cleanup_(event_freep) struct event *event = NULL;
	const struct event_class *c = event_class_of(code);

	if (!c)
		return -EINVAL;
	event = calloc(1, sizeof(*event));
	if (!event)
		return -ENOMEM;
	event->class = c;
	event->root = json_object();
	if (!event->root)
		return -ENOMEM;
	event_set_int(event, "class_uid", c->class_uid);
	event_set_name(event, "class_name", event_class_name(c->class_uid));
	event_set_int(event, "category_uid", c->class_uid / 1000);
	event_set_name(event, "category_name", event_category_name(c->class_uid));
	event_set_int(event, "time", time_ms);
	event_set_name(event, "metadata.version", EVENT_OCSF_VERSION);
	event_set_name(event, "metadata.product.name", "bailiff");
	event_set_name(event, "metadata.product.vendor_name", "bailiff");
	event_set_name(event, "metadata.product.version", BAILIFF_VERSION);
	event_set_name(event, "metadata.event_code", c->name);
	event_append(event, "metadata.profiles", json_string("host"));
	if (c->class_uid == 6003)
		event_append(event, "metadata.profiles", json_string("ai_operation"));
	set_activity(event, c->activity_id, c->activity);
	set_severity(event, (int)c->severity);
	if (event->failed)
		return event->failed;
	*ret = TAKE_PTR(event);
	return 0;
}

void event_free(struct event *event)
{
	if (!event)
		return;
	json_decref(event->root);
	free(event);
}

void event_freep(struct event **event)
{
	event_free(*event);
}

int event_set_int(struct event *event, const char *path, int64_t value)
{
	if (value > EVENT_INT_MAX || value < -EVENT_INT_MAX)
		return fail(event, -EINVAL);
	return put(event, path, json_integer(value));
}

int event_set_bool(struct event *event, const char *path, bool value)
{
	return put(event, path, json_boolean(value));
}

/* The path of an executable is whatever bytes its maker chose: each that is not UTF-8 becomes '?',
 * so that no file name can make an event fail. */
static json_t *string_of(const char *value)
{
	json_t *string = json_string(value);
	_cleanup_free_ char *copy = NULL;

	if (string)
		return string;
	copy = strdup(value);
	if (!copy)
		return NULL;
	for (char *c = copy; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(copy);
}

int event_set_name(struct event *event, const char *path, const char *value)
{
	return value ? put(event, path, string_of(value)) : 0;
}

/* <path>_length and <path>_digest: what is left of bytes that are not there. */
static int set_remains(struct event *event, const char *path, const struct masked *value)
{
	uint64_t length = masked_original_len(value);
	char beside[EVENT_PATH_MAX];
	int n, r;

	n = snprintf(beside, sizeof(beside), "%s_length", path);
	if (n < 0 || (size_t)n >= sizeof(beside))
		return fail(event, -EINVAL);
	r = event_set_int(event, beside, length < EVENT_INT_MAX ? (int64_t)length : EVENT_INT_MAX);
	n = snprintf(beside, sizeof(beside), "%s_digest", path);
	if (r < 0 || n < 0 || (size_t)n >= sizeof(beside))
		return r < 0 ? r : fail(event, -EINVAL);
	return event_set_name(event, beside, masked_digest(value));
}

int event_set_masked_cut(struct event *event, const char *path, const struct masked *value,
			 size_t max)
{
	size_t len;
	int r;

	if (!value)
		return 0;
	len = event_cut_at(masked_text(value), masked_len(value), max);
	r = put(event, path, json_stringn(masked_text(value), len));
	if (r >= 0 && (len < masked_len(value) || (!len && masked_original_len(value))))
		r = set_remains(event, path, value);
	return r;
}

int event_set_masked(struct event *event, const char *path, const struct masked *value)
{
	return event_set_masked_cut(event, path, value, SIZE_MAX);
}

int event_set_digest(struct event *event, const char *path, const uint8_t *bytes, size_t len)
{
	char hex[2 * EVENT_DIGEST_MAX + 1];

	if (!bytes)
		return 0;
	if (len > EVENT_DIGEST_MAX)
		return fail(event, -EINVAL);
	digest_hex(bytes, len, hex);
	return put(event, path, json_string(hex));
}

int event_append(struct event *event, const char *path, json_t *value)
{
	json_t *parent, *array;
	const char *name;
	int r;

	if (!value)
		return fail(event, -ENOMEM);
	r = walk(event->root, path, &parent, &name);
	if (r >= 0) {
		array = json_object_get(parent, name);
		if (!array) {
			array = json_array();
			if (json_object_set_new(parent, name, array) < 0)
				r = -ENOMEM;
		}
		if (r >= 0 && !json_is_array(array))
			r = -EINVAL;
		else if (r >= 0 && json_array_append(array, value) < 0)
			r = -ENOMEM;
	}
	json_decref(value);
	return r < 0 ? fail(event, r) : 0;
}

int event_set_severity(struct event *event, int severity_id)
{
	if (severity_id < EVENT_SEVERITY_INFORMATIONAL || severity_id > EVENT_SEVERITY_FATAL)
		return fail(event, -EINVAL);
	event->severity_set = true;
	return set_severity(event, severity_id);
}

/* OCSF has no "would have been denied": the activity was observed, which is action 3, and a policy
 * violation was detected without further action, which is disposition 15. The word itself is in
 * unmapped.verdict. */
#define VERDICT_MASKED BAILIFF_VERDICT_MAX /* a row of its own; for the rest it is a denial */

static const struct {
	int action_id;
	const char *action;
	int disposition_id;
	const char *disposition;
	int status_id;
	const char *status;
	enum event_severity severity;
	const char *verdict;
} verdicts[] = {
	[BAILIFF_ALLOW] = {1, "Allowed", 1, "Allowed", 1, "Success", EVENT_SEVERITY_INFORMATIONAL,
			   "allowed"},
	[BAILIFF_DENY] = {2, "Denied", 2, "Blocked", 2, "Failure", EVENT_SEVERITY_MEDIUM, "denied"},
	[BAILIFF_WOULD_DENY] = {3, "Observed", 15, "Detected", 1, "Success", EVENT_SEVERITY_LOW,
				"would_deny"},
	[VERDICT_MASKED] = {4, "Modified", 11, "Corrected", 1, "Success", EVENT_SEVERITY_LOW,
			    "denied"},
};
_Static_assert(ARRAY_SIZE(verdicts) == BAILIFF_VERDICT_MAX + 1, "one row for each verdict");

static int set_verdict(struct event *event, unsigned int verdict)
{
	int r;

	event_set_int(event, "action_id", verdicts[verdict].action_id);
	event_set_name(event, "action", verdicts[verdict].action);
	event_set_int(event, "disposition_id", verdicts[verdict].disposition_id);
	event_set_name(event, "disposition", verdicts[verdict].disposition);
	r = event_set_name(event, "unmapped.verdict", verdicts[verdict].verdict);
	/* of a finding the status is that of its handling, not of what was found */
	if (r >= 0 && event->class->class_uid / 1000 != 2) {
		event_set_int(event, "status_id", verdicts[verdict].status_id);
		r = event_set_name(event, "status", verdicts[verdict].status);
	}
	if (r >= 0 && !event->verdict_set)
		r = event_append(event, "metadata.profiles", json_string("security_control"));
	event->verdict_set = true;
	if (r >= 0 && event->class->class_uid == 4001 && verdict == BAILIFF_DENY)
		r = set_activity(event, NETWORK_REFUSE, "Refuse");
	if (r >= 0 && !event->severity_set && event->class->severity < verdicts[verdict].severity)
		r = set_severity(event, (int)verdicts[verdict].severity);
	return r < 0 ? r : event->failed;
}

int event_set_verdict(struct event *event, enum bailiff_verdict verdict)
{
	if ((unsigned int)verdict >= BAILIFF_VERDICT_MAX)
		return fail(event, -EINVAL);
	return set_verdict(event, verdict);
}

int event_set_masking(struct event *event)
{
	return set_verdict(event, VERDICT_MASKED);
}

static void set_default(struct event *event, const char *path, json_t *value)
{
	if (get(event, path))
		json_decref(value);
	else
		put(event, path, value);
}

/* What OCSF requires and follows from the rest. */
static void fill_in(struct event *event)
{
	const struct event_class *c = event->class;
	const json_t *host = get(event, "device.hostname");

	for (size_t i = 0; i < ARRAY_SIZE(c->defaults) && c->defaults[i][0]; i++)
		set_default(event, c->defaults[i][0], json_string(c->defaults[i][1]));
	set_default(event, "device.type_id", json_integer(0)); /* Unknown: server or desktop */
	switch (c->class_uid) {
	case 1001:
		set_default(event, "file.type_id", json_integer(1)); /* Regular File */
		break;
	case 1007:
		/* an exit has no other actor than the process itself */
		if (!get(event, "actor") && get(event, "process.pid"))
			set_default(event, "actor.process.pid",
				    json_copy((json_t *)get(event, "process.pid")));
		break;
	case 2004:
	case 2006:
		set_default(event, "status_id", json_integer(1)); /* New */
		break;
	case 4001:
	case 4003:
	case 6003:
		/* of a connection one end must be told: a socket that was refused leads nowhere */
		if (host && !get(event, "src_endpoint") &&
		    (c->class_uid == 6003 || !get(event, "dst_endpoint")))
			set_default(event, "src_endpoint.hostname", json_copy((json_t *)host));
		break;
	}
}

/* A finding needs an id; where it was given none, its content is one. */
static int identify_finding(struct event *event)
{
	_cleanup_free_ char *text = NULL;
	uint8_t digest[DIGEST_SIZE];
	char hex[17];
	size_t len;
	int r;

	if (event->class->class_uid / 1000 != 2 || get(event, "finding_info.uid"))
		return 0;
	r = canonical_dump(event->root, &text, &len);
	if (r >= 0)
		r = digest_sha256(text, len, digest);
	if (r < 0)
		return r;
	digest_hex(digest, 8, hex);
	return event_set_name(event, "finding_info.uid", hex);
}

static int check_required(const struct event *event)
{
	const char *const *required = event->class->required;

	if (!get(event, "device.hostname"))
		return log_err_r(-ENODATA, "event %s: device.hostname is not set",
				 event->class->name);
	for (size_t i = 0; i < ARRAY_SIZE(event->class->required) && required[i]; i++)
		if (!get(event, required[i]))
			return log_err_r(-ENODATA, "event %s: %s is not set", event->class->name,
					 required[i]);
	return 0;
}

int event_take(struct event *event, char **ret, size_t *ret_len)
{
	int r;

	if (event->failed)
		return event->failed;
	fill_in(event);
	r = event->failed ? event->failed : identify_finding(event);
	if (r >= 0)
		r = check_required(event);
	return r < 0 ? r : event_cut(event->root, EVENT_JSON_MAX, ret, ret_len);
}
