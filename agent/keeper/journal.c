// SPDX-License-Identifier: Apache-2.0
/* The keeper's pen: events into the log, checkpoints, and the denials remembered for `bailiff why`.
 */
#include "keeper/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/version.h"
#include "decide/block.h"

static const char *text_at(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static void set_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

/* A value that was masked stopped nothing: nobody asks why, and the next turn masks it again. */
static bool only_masked(const json_t *u)
{
	const char *action = text_at(u, "action");

	return *action && (json_is_true(json_object_get(u, "repeat")) ||
			   strcmp(action, "mask") == 0 || strcmp(action, "log") == 0);
}

/* Remembers a denial, from the text that is in the log: what `why` says is what the auditor reads.
 */
static void remember(struct keeper *k, uint64_t number, const json_t *e)
{
	const json_t *u = json_object_get(e, "unmapped");
	const char *verdict = text_at(u, "verdict");
	struct keeper_denial *d;

	if (!u || (strcmp(verdict, "denied") != 0 && strcmp(verdict, "would_deny") != 0) ||
	    only_masked(u))
		return;
	d = &k->denials[k->n_denials++ % KEEPER_WHY_MAX];
	*d = (struct keeper_denial){.number = number};
	if (block_parse(text_at(u, "block"), &d->block) < 0)
		d->block = 0;
	d->time_ms = json_integer_value(json_object_get(e, "time"));
	d->uid = (uint32_t)json_integer_value(json_object_get(u, "who_uid"));
	d->would = strcmp(verdict, "would_deny") == 0;
	set_text(d->person, sizeof(d->person), text_at(u, "person"));
	set_text(d->what, sizeof(d->what), text_at(u, "what"));
	set_text(d->rule, sizeof(d->rule), text_at(u, "rule"));
	set_text(d->sentence, sizeof(d->sentence), text_at(u, "sentence"));
}

/* Few of the old entries are denials, and the others can be a quarter of a gigabyte: the start
 * waits for what is parsed here. Entries are canonical, so a verdict stands in them in one form
 * alone. */
static int remember_old(void *ctx, uint64_t index, const char *json, size_t len)
{
	static const char denied[] = "\"verdict\":\"denied\"",
			  would[] = "\"verdict\":\"would_deny\"";
	json_t *e;

	if (!memmem(json, len, denied, sizeof(denied) - 1) &&
	    !memmem(json, len, would, sizeof(would) - 1))
		return 0;
	e = json_loadb(json, len, 0, NULL);
	remember(ctx, index, e);
	json_decref(e);
	return 0;
}

int keeper_journal_open(struct keeper *k, int64_t *ret_unwatched_ms, uint64_t *ret_discarded)
{
	char key[512], origin[320];
	struct log_opened opened = {0};
	struct log_options options;
	uint64_t from;
	int r;

	snprintf(key, sizeof(key), "%s/keys/log.key", k->options.state_directory);
	snprintf(origin, sizeof(origin), "bailiff/%s", k->host);
	options.directory = k->policy->log_directory;
	options.key_path = key;
	options.origin = k->policy->log_origin ? k->policy->log_origin : origin;
	r = log_open(&options, &k->log, &opened);
	if (r < 0)
		return log_err_r(r, "cannot open the log in %s", options.directory);
	from = opened.size > 4096 ? opened.size - 4096 : 0;
	log_read(options.directory, from, remember_old, k);
	*ret_unwatched_ms = opened.last_alive_ms ? keeper_now_ms() - opened.last_alive_ms : 0;
	*ret_discarded = opened.discarded;
	return 0;
}

void keeper_append(struct keeper *k, const char *json, size_t len, bool denial)
{
	uint64_t index;
	int r = log_append_event(k->log, json, len, &index);

	if (r < 0) {
		/* said on stderr, where the service manager keeps it: the log itself is what failed
		 */
		log_err_r(r, "an event could not be appended to the log");
		return;
	}
	keeper_tally(k, json, len);
	if (denial) {
		json_t *e = json_loadb(json, len, 0, NULL);

		remember(k, index, e);
		keeper_notice(k, e, index);
		json_decref(e);
	}
}

void keeper_record(struct keeper *k, struct event *event)
{
	_cleanup_free_ char *json = NULL;
	size_t len;
	int r;

	event_set_name(event, "device.hostname", k->host);
	event_set_int(event, "device.type_id", 0);
	r = event_take(event, &json, &len);
	if (r < 0)
		log_err_r(r, "an event of the keeper could not be finished");
	else
		keeper_append(k, json, len, false);
	event_free(event);
}

void keeper_checkpoint(struct keeper *k, bool now)
{
	int64_t t = keeper_now_ms();
	int r;

	if (!now && t < k->next_checkpoint_ms)
		return;
	k->next_checkpoint_ms = t + 1000 * (int64_t)k->policy->checkpoint_seconds;
	r = log_checkpoint(k->log, t);
	if (r < 0)
		log_err_r(r, "cannot sign a checkpoint");
	else
		k->last_checkpoint_ms = t;
}

static struct event *begin(enum event_code code)
{
	struct event *e = NULL;

	if (event_new(code, keeper_now_ms(), &e) < 0)
		log_err("out of memory: an event of the keeper is missing");
	return e;
}

void keeper_event_start(struct keeper *k, int64_t unwatched_ms, uint64_t discarded)
{
	struct event *e = begin(EVENT_AGENT_START);

	if (!e)
		return;
	event_set_name(e, "app.name", "bailiff");
	event_set_name(e, "app.version", BAILIFF_VERSION);
	event_set_int(e, "unmapped.unwatched_ms", unwatched_ms > 0 ? unwatched_ms : 0);
	event_set_int(e, "unmapped.discarded_bytes", (int64_t)discarded);
	event_set_name(e, "message",
		       unwatched_ms > 0 ? "bailiff started; nobody watched since the last entry"
					: "bailiff started");
	keeper_record(k, e);
}

void keeper_event_stop(struct keeper *k, const char *why)
{
	struct event *e = begin(EVENT_AGENT_STOP);

	if (!e)
		return;
	event_set_name(e, "app.name", "bailiff");
	event_set_name(e, "app.version", BAILIFF_VERSION);
	event_set_name(e, "message", why);
	keeper_record(k, e);
}

void keeper_event_policy(struct keeper *k)
{
	struct event *e = begin(EVENT_POLICY_APPLIED);

	if (!e)
		return;
	event_set_name(e, "entity.name", "policy");
	event_set_name(e, "entity.type", "policy");
	event_set_int(e, "unmapped.policy_version", (int64_t)k->policy->version);
	event_set_digest(e, "unmapped.policy_digest", k->policy->digest, 32);
	event_set_int(e, "unmapped.generation", (int64_t)k->generation);
	keeper_record(k, e);
}

void keeper_event_policy_refused(struct keeper *k, const struct policy_report *report)
{
	struct event *e = begin(EVENT_POLICY_REFUSED);

	if (!e)
		return;
	event_set_name(e, "entity.name", "policy");
	event_set_name(e, "entity.type", "policy");
	event_set_int(e, "unmapped.errors", (int64_t)report->n_errors);
	event_set_int(e, "unmapped.generation", (int64_t)k->generation);
	if (report->n) {
		event_set_name(e, "unmapped.file", report->messages[0].where.file);
		event_set_int(e, "unmapped.line", report->messages[0].where.line);
	}
	event_set_name(e, "message", "a policy was refused; the one in force stays");
	keeper_record(k, e);
}

void keeper_event_posture(struct keeper *k)
{
	struct event *e = begin(EVENT_POSTURE);
	const struct posture *p;
	size_t n;

	if (!e)
		return;
	event_set_name(e, "app.name", "bailiff");
	event_set_name(e, "app.version", BAILIFF_VERSION);
	p = kernel_posture(k->kernel, &n);
	for (size_t i = 0; i < n; i++)
		event_append(e, "unmapped.posture",
			     json_pack("{s:s, s:s, s:s, s:s}", "capability", p[i].capability,
				       "state", posture_state_to_string(p[i].state), "means",
				       p[i].means, "reason", p[i].reason));
	keeper_record(k, e);
}

/* No path: the person chose it, and it could hold anything. */
static void set_image(struct event *e, const struct keeper_image *image)
{
	char hex[2 * TLS_BUILD_ID_MAX + 1];

	event_set_int(e, "unmapped.image", image->id);
	if (!image->layout)
		return;
	digest_hex(image->layout->build_id, image->layout->build_id_len, hex);
	event_set_name(e, "unmapped.build_id", hex);
}

void keeper_event_client_refused(struct keeper *k, pid_t pid, const struct keeper_image *image)
{
	struct event *e = begin(EVENT_CLIENT_REFUSED);

	if (!e)
		return;
	event_set_name(e, "app.name", "claude-code");
	event_set_int(e, "unmapped.pid", pid);
	set_image(e, image);
	event_set_name(e, "message", image->why);
	keeper_record(k, e);
}

void keeper_event_tampered(struct keeper *k, pid_t pid, uint32_t uid,
			   const struct keeper_image *image, const struct memory_site *site,
			   const char *why)
{
	struct event *e = begin(EVENT_CLIENT_REFUSED);
	const struct policy_person *person = keeper_person(k, uid, NULL);

	if (!e)
		return;
	event_set_name(e, "app.name", "claude-code");
	event_set_int(e, "unmapped.pid", pid);
	event_set_int(e, "unmapped.who_uid", uid);
	if (person)
		event_set_name(e, "unmapped.person", person->email);
	set_image(e, image);
	if (site) {
		event_set_name(e, "unmapped.function", tls_role_to_string(site->role));
		event_set_int(e, "unmapped.offset", (int64_t)site->offset);
	}
	event_set_name(e, "message", why);
	keeper_record(k, e);
}

void keeper_event_loss(struct keeper *k, const char *what, uint64_t n)
{
	struct event *e = begin(EVENT_LOSS);

	if (!e)
		return;
	event_set_name(e, "app.name", "bailiff");
	event_set_name(e, "message", what);
	event_set_int(e, "unmapped.count", (int64_t)n);
	keeper_record(k, e);
}

void keeper_event_admin(struct keeper *k, const char *what, uint32_t uid)
{
	struct event *e = begin(EVENT_ADMIN);

	if (!e)
		return;
	event_set_name(e, "entity.name", "bailiff");
	event_set_name(e, "entity.type", "agent");
	event_set_name(e, "message", what);
	event_set_int(e, "unmapped.uid", uid);
	keeper_record(k, e);
}
