// SPDX-License-Identifier: Apache-2.0
/* The reader process: empties the rings, gives records to the pipeline, sends finished events to
 * the keeper. It parses what an attacker can send, and so has no rights: no capability, no network,
 * no file that it could write. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "keeper/roles.h"
#include "reader/pipeline.h"
#include "reader/rings.h"

#define TICK_MS 1000

struct reader {
	const struct role_options *options;
	struct pipeline *pipeline;
	struct policy *policy;
	struct policy_tables *tables;
	struct rings *rings;
	struct channel_init init;
	bool failed;
};

static int64_t now_boot_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void on_event(void *ctx, const char *json, size_t len, bool urgent)
{
	struct reader *r = ctx;
	int e = channel_send(ROLE_FD_FIRST, urgent ? CHANNEL_DENIAL : CHANNEL_EVENT, json, len, -1,
			     0);

	if (e < 0)
		r->failed = true; /* the keeper is gone, or the event is longer than any may be */
}

static void on_judged(void *ctx, uint32_t image, uint32_t tgid, bool proven)
{
	struct reader *r = ctx;
	struct channel_judged judged = {.image = image, .tgid = tgid, .proven = proven};

	if (channel_send(ROLE_FD_FIRST, CHANNEL_JUDGED, &judged, sizeof(judged), -1, 0) < 0)
		r->failed = true;
}

static int on_record(void *ctx, const void *record, size_t size)
{
	struct reader *r = ctx;

	pipeline_record(r->pipeline, record, size);
	return r->failed ? -ECANCELED : 0;
}

/* Rule numbers in records are those of the keeper's tables. The compiler gives the same ones for
 * the same policy, whatever addresses the names have. */
static int no_login(void *ctx, const char *login, uint32_t *ret_uid)
{
	(void)ctx;
	(void)login;
	(void)ret_uid;
	return -ENOENT;
}

static int load(struct reader *r, const uint8_t digest[32])
{
	struct policy_report report = {0};
	struct policy_tables *tables = NULL;
	struct policy *policy = NULL;
	char err[256] = "";
	int e;

	e = policy_load(r->options->policy_directory, &policy, &report);
	policy_report_free(&report);
	if (e < 0)
		return log_err_r(e, "the policy cannot be read");
	if (memcmp(policy->digest, digest, 32) != 0) {
		policy_free(policy);
		return log_err_r(-ESTALE, "the policy is not the one the keeper loaded");
	}
	e = policy_compile(policy, NULL, 0, no_login, NULL, &tables, err);
	if (e == 0 && r->pipeline)
		e = pipeline_set_policy(r->pipeline, policy, tables->rules, tables->n_rules);
	if (e < 0) {
		policy_tables_free(tables);
		policy_free(policy);
		return log_err_r(e, "the policy cannot be taken: %s", err);
	}
	policy_tables_free(r->tables);
	policy_free(r->policy);
	r->tables = tables;
	r->policy = policy;
	return 0;
}

static int prepare(struct reader *r)
{
	struct pipeline_options options;
	int e = load(r, r->init.policy_digest);

	if (e < 0)
		return e;
	options = (struct pipeline_options){.policy = r->policy,
					    .rules = r->tables->rules,
					    .n_rules = r->tables->n_rules,
					    .host = r->init.host,
					    .boot_epoch_ns = r->init.boot_epoch_ns,
					    .emit = on_event,
					    .judged = on_judged,
					    .ctx = r};
	memcpy(options.pseudonym_key, r->init.pseudonym_key, sizeof(options.pseudonym_key));
	e = pipeline_new(&options, &r->pipeline);
	explicit_bzero(&options, sizeof(options));
	return e < 0 ? log_err_r(e, "the pipeline cannot be made") : 0;
}

/* Returns 1 when the keeper is gone. */
static int on_message(struct reader *r, uint8_t *body)
{
	enum channel_type type;
	ssize_t n = channel_receive(ROLE_FD_FIRST, &type, body, NULL, MSG_DONTWAIT);

	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return 1;
	if (type == CHANNEL_NOTE && n == sizeof(struct process_note))
		pipeline_note(r->pipeline, (struct process_note *)(void *)body);
	else if (type == CHANNEL_LOST && n == sizeof(uint64_t) * COUNTER_MAX)
		pipeline_lost(r->pipeline, (uint64_t *)(void *)body, now_boot_ns());
	else if (type == CHANNEL_POLICY && n == sizeof(struct channel_policy)) {
		const struct channel_policy *news = (struct channel_policy *)(void *)body;

		if (load(r, news->digest) < 0)
			channel_send(ROLE_FD_FIRST, CHANNEL_FAILED, NULL, 0, -1, 0);
		else
			pipeline_set_generation(r->pipeline, news->generation);
	} else
		log_err("a message of type %d that the reader does not take", type);
	return 0;
}

static int loop(struct reader *r, uint8_t *body)
{
	int64_t next_tick = 0;

	/* what an earlier reader left in the rings raises no new wake-up */
	rings_take(r->rings);
	while (!r->failed) {
		int ready = rings_wait(r->rings, TICK_MS);
		int64_t now = now_boot_ns();

		if (ready < 0)
			return log_err_r(ready, "epoll");
		if (ready & RINGS_OTHER && on_message(r, body))
			return 0;
		if (ready & RINGS_READY)
			rings_take(r->rings);
		if (now >= next_tick) {
			pipeline_tick(r->pipeline, now);
			next_tick = now + TICK_MS * 1000000ll;
		}
	}
	return 0;
}

int reader_main(const struct role_options *options)
{
	struct reader r = {.options = options};
	_cleanup_free_ uint8_t *body = malloc(CHANNEL_BODY_MAX);
	enum channel_type type;
	int e;

	log_init("reader", LOG_LEVEL_INFO);
	if (!body || channel_receive(ROLE_FD_FIRST, &type, body, NULL, 0) != sizeof(r.init) ||
	    type != CHANNEL_INIT) {
		log_err("the keeper's first message did not come");
		return EXIT_FAILURE;
	}
	memcpy(&r.init, body, sizeof(r.init));
	explicit_bzero(body, sizeof(r.init));
	/* the rings are mapped while it is still allowed; reading them needs no right */
	e = rings_new(ROLE_FD_DENIALS, ROLE_FD_RECORDS, ROLE_FD_FIRST, on_record, &r, &r.rings);
	if (e < 0) {
		log_err_r(e, "cannot map the rings");
		return EXIT_FAILURE;
	}
	e = sandbox_enter(SANDBOX_READER, ROLE_USER_READER, options->policy_directory);
	if (e == 0)
		e = prepare(&r);
	if (e == 0)
		e = loop(&r, body);
	pipeline_free(r.pipeline);
	rings_free(r.rings);
	policy_tables_free(r.tables);
	policy_free(r.policy);
	explicit_bzero(&r.init, sizeof(r.init));
	return e < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
