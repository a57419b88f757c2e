// SPDX-License-Identifier: Apache-2.0
/* The courier process: the only one with a network. It asks name servers for the model endpoints'
 * names and tells the keeper what they said; it decides nothing and holds no key. */
#include <errno.h>
#include <netinet/in.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <poll.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "keeper/roles.h"
#include "policy/policy.h"

#define RETRY_SECONDS 5
#define ASK_LEAST     15
#define ASK_MOST      300

struct courier {
	const struct role_options *options;
	struct policy *policy;
	const char **names;
	struct __res_state resolver;
};

static int64_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Puts the addresses of one kind of record (RFC 1035 A, RFC 3596 AAAA) into out. */
static int collect(const uint8_t *answer, int len, int type, struct channel_names *out)
{
	ns_msg msg;
	ns_rr rr;

	if (ns_initparse(answer, len, &msg) < 0)
		return -EBADMSG;
	for (int i = 0; i < ns_msg_count(msg, ns_s_an); i++) {
		size_t want = type == ns_t_a ? 4 : 16;

		if (ns_parserr(&msg, ns_s_an, i, &rr) < 0)
			return -EBADMSG;
		/* the alias counts for the time that the answer may be believed */
		if (ns_rr_ttl(rr) < out->ttl)
			out->ttl = ns_rr_ttl(rr);
		if ((int)ns_rr_type(rr) != type || ns_rr_rdlen(rr) != want ||
		    out->n == CHANNEL_ADDRESSES_MAX)
			continue;
		out->addresses[out->n].family = type == ns_t_a ? AF_INET : AF_INET6;
		memcpy(out->addresses[out->n].address, ns_rr_rdata(rr), want);
		out->n++;
	}
	return 0;
}

/* Asks for both kinds. Returns 0 when at least one question was answered, be it with nothing. */
static int ask(struct courier *c, const char *name, struct channel_names *out)
{
	static const int types[] = {ns_t_a, ns_t_aaaa};
	uint8_t answer[4096];
	int answered = 0;

	memset(out, 0, sizeof(*out));
	out->ttl = ASK_MOST;
	strncpy(out->name, name, sizeof(out->name) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int n = res_nquery(&c->resolver, name, ns_c_in, types[i], answer, sizeof(answer));

		if (n > 0 && collect(answer, n, types[i], out) == 0)
			answered++;
		else if (n < 0 && c->resolver.res_h_errno == NO_DATA)
			answered++;
	}
	return answered ? 0 : -EAGAIN;
}

static int load(struct courier *c)
{
	struct policy_report report = {0};
	struct policy *policy = NULL;
	const char **names = NULL;
	int r = policy_load(c->options->policy_directory, &policy, &report);

	policy_report_free(&report);
	if (r == 0)
		r = policy_names(policy, &names);
	if (r < 0) {
		policy_free(policy);
		return r;
	}
	free(c->names);
	policy_free(c->policy);
	c->policy = policy;
	c->names = names;
	return 0;
}

/* One round over all names. Returns the seconds until the next. */
static int64_t round_of_names(struct courier *c)
{
	_cleanup_free_ struct channel_names *out = malloc(sizeof(*out));
	int64_t next = ASK_MOST;

	if (!out)
		return RETRY_SECONDS;
	for (const char **n = c->names; n && *n; n++) {
		if (ask(c, *n, out) < 0) {
			next = RETRY_SECONDS;
			out->n = 0;
		}
		if (out->n && out->ttl / 2 < next)
			next = out->ttl / 2;
		out->last = !n[1];
		if (channel_send(ROLE_FD_FIRST, CHANNEL_NAMES, out, sizeof(*out), -1, 0) < 0)
			return -1;
	}
	return next < RETRY_SECONDS			   ? RETRY_SECONDS
	       : next < ASK_LEAST && next != RETRY_SECONDS ? ASK_LEAST
							   : next;
}

static int loop(struct courier *c, uint8_t *body)
{
	int64_t at = 0;

	for (;;) {
		struct pollfd p = {.fd = ROLE_FD_FIRST, .events = POLLIN};
		enum channel_type type;
		int64_t wait = at - now_s();

		if (wait <= 0) {
			wait = round_of_names(c);
			if (wait < 0)
				return 0;
			at = now_s() + wait;
		}
		if (poll(&p, 1, (int)(wait * 1000)) <= 0)
			continue;
		if (channel_receive(ROLE_FD_FIRST, &type, body, NULL, 0) < 0)
			return 0;
		if (type == CHANNEL_POLICY) {
			if (load(c) < 0)
				channel_send(ROLE_FD_FIRST, CHANNEL_FAILED, NULL, 0, -1, 0);
			at = 0;
		}
	}
}

int courier_main(const struct role_options *options)
{
	struct courier c = {.options = options};
	_cleanup_free_ uint8_t *body = malloc(CHANNEL_BODY_MAX);
	int r;

	log_init("courier", LOG_LEVEL_INFO);
	if (!body)
		return EXIT_FAILURE;
	r = sandbox_enter(SANDBOX_COURIER, ROLE_USER_COURIER, options->policy_directory);
	if (r == 0 && res_ninit(&c.resolver) < 0)
		r = log_err_r(-EIO, "the resolver's configuration cannot be read");
	if (r == 0)
		r = load(&c);
	if (r == 0) {
		c.resolver.retrans = 2;
		c.resolver.retry = 2;
		r = loop(&c, body);
	}
	res_nclose(&c.resolver);
	free(c.names);
	policy_free(c.policy);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
