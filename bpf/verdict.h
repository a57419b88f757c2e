/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The decisions, as plain functions: compiled for the kernel programs and for the unit tests alike.
 * They look nothing up; who calls them brings the entries. */
#ifndef BAILIFF_VERDICT_H
#define BAILIFF_VERDICT_H

#include "bpf/contract.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define VERDICT_AF_UNSPEC  0
#define VERDICT_AF_UNIX	   1
#define VERDICT_AF_INET	   2
#define VERDICT_AF_INET6   10
#define VERDICT_AF_NETLINK 16

/* An address in its one form: what reaches the same host compares equal. */
struct address {
	__u16 family;	/* VERDICT_AF_INET or VERDICT_AF_INET6 */
	__u16 port;	/* host order */
	__u32 carried;	/* 1: IPv4 in IPv6 that a router takes out, so that it leaves this host */
	__u8 bytes[16]; /* IPv4 in the first four; the rest zero */
};

static __always_inline void address_v4(struct address *a, const __u8 *from)
{
	a->family = VERDICT_AF_INET;
	a->carried = 0;
	__builtin_memset(a->bytes, 0, sizeof(a->bytes));
	__builtin_memcpy(a->bytes, from, 4);
	/* 0.0.0.0 connects to this host */
	if (!(from[0] | from[1] | from[2] | from[3])) {
		a->bytes[0] = 127;
		a->bytes[3] = 1;
	}
}

/* IPv6 forms that carry an IPv4 address reach the IPv4 host: ::ffff:0:0/96 (mapped, RFC 4291),
 * ::a.b.c.d (compatible), 64:ff9b::/96 (NAT64, RFC 6052), 2002::/16 (6to4, RFC 3056). */
static __always_inline void address_v6(struct address *a, const __u8 *b)
{
	__u64 high, low;

	__builtin_memcpy(&high, b, 8);
	__builtin_memcpy(&low, b + 8, 8);
	if (!high && !b[8] && !b[9] && b[10] == 0xff && b[11] == 0xff) {
		address_v4(a, b + 12);
		return;
	}
	if (!high && !b[8] && !b[9] && !b[10] && !b[11] && (b[12] | b[13] | b[14])) {
		address_v4(a, b + 12);
		a->carried = 1;
		return;
	}
	if (b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b && !b[4] && !b[5] && !b[6] &&
	    !b[7] && !b[8] && !b[9] && !b[10] && !b[11]) {
		address_v4(a, b + 12);
		a->carried = 1;
		return;
	}
	if (b[0] == 0x20 && b[1] == 0x02) {
		address_v4(a, b + 2);
		a->carried = 1;
		return;
	}
	a->family = VERDICT_AF_INET6;
	a->carried = 0;
	__builtin_memcpy(a->bytes, b, 16);
	if (!high && !low)
		a->bytes[15] = 1; /* :: connects to ::1 */
}

struct judgement {
	__u32 verdict; /* enum bailiff_verdict, before the mode is applied */
	__u32 reason;  /* enum bailiff_reason */
	__u32 rule;
	__u32 mode;    /* enum bailiff_mode that applies */
	__u64 pattern; /* the name whose address this is, 0: none; see struct dest_rule */
	__u32 model;   /* let through to a model endpoint */
	__u32 pad;
};

static __always_inline void judge(struct judgement *j, __u32 verdict, __u32 reason, __u32 rule,
				  __u32 mode)
{
	j->verdict = verdict;
	j->reason = reason;
	j->rule = rule;
	j->mode = mode;
	j->pattern = 0;
	j->model = 0;
}

/* The mode has the last word: record lets everything through, shadow says what it would have done.
 */
static __always_inline __u32 judgement_apply(const struct judgement *j)
{
	if (j->verdict == BAILIFF_ALLOW || j->mode == BAILIFF_MODE_RECORD)
		return BAILIFF_ALLOW;
	return j->mode == BAILIFF_MODE_SHADOW ? BAILIFF_WOULD_DENY : BAILIFF_DENY;
}

static __always_inline int rule_matches(const struct dest_rule *r, __u16 port, __u8 protocol,
					__u32 person, __u64 teams)
{
	if (port < r->port_low || port > r->port_high)
		return 0;
	if (r->protocol && r->protocol != protocol)
		return 0;
	if (!r->person && !r->teams)
		return 1;
	if (r->person)
		return r->person == person;
	return (r->teams & teams) != 0;
}

/* DNS (RFC 1035) and DNS over TLS and QUIC (RFC 7858, RFC 9250). */
static __always_inline int verdict_port_of_names(__u16 port)
{
	return port == 53 || port == 853;
}

/* What the first door let through, kept for the second. Not an address that was carried in another:
 * the two reach different hosts. */
static __always_inline void passed_keep(struct socket_context *s, const struct address *a)
{
	s->passed_family = 0;
	if (a->carried)
		return;
	s->passed_port = a->port;
	__builtin_memcpy(s->passed, a->bytes, sizeof(s->passed));
	s->passed_family = a->family;
}

/* Whether it was exactly this. Taken either way: what comes past the first door another time must
 * find nothing. */
static __always_inline int passed_take(struct socket_context *s, const struct address *a)
{
	__u64 kept[2], asked[2];
	__u32 family = s->passed_family;

	s->passed_family = 0;
	__builtin_memcpy(kept, s->passed, sizeof(kept));
	__builtin_memcpy(asked, a->bytes, sizeof(asked));
	return family && family == a->family && s->passed_port == a->port && !a->carried &&
	       kept[0] == asked[0] && kept[1] == asked[1];
}

/* Whether somebody who is not governed may be refused there: that is all that a rule for a model
 * endpoint does to him, and no other rule does anything. */
static __always_inline int verdict_port_of_model(const struct policy_root *root, __u16 port)
{
	for (int i = 0; i < POLICY_MODEL_MAX; i++)
		if (root->model[i].high && port >= root->model[i].low &&
		    port <= root->model[i].high)
			return 1;
	return 0;
}

/* One rule at a time, in the order of the set (deny, model, allow); the first that settles ends it.
 * Returns 1 when *j is final. */
static __always_inline int verdict_rule(const struct dest_rule *r, __u16 port, __u8 protocol,
					__u32 flags, int inspected, __u32 person, __u64 teams,
					const struct policy_root *root, struct judgement *j)
{
	int governed = flags & TASK_GOVERNED;

	if (r->effect == DEST_MODEL) {
		/* the ports of a model endpoint are closed to everybody who is not inspected */
		if (port < r->port_low || port > r->port_high ||
		    (r->protocol && r->protocol != protocol))
			return 0;
		if (!inspected) {
			judge(j, BAILIFF_DENY, BAILIFF_REASON_NOT_INSPECTED, r->rule,
			      root->mode_model);
			return 1;
		}
		if (!rule_matches(r, port, protocol, person, teams))
			return 0;
		judge(j, BAILIFF_ALLOW, BAILIFF_REASON_RULE, r->rule, root->mode_model);
		j->pattern = r->pattern;
		j->model = 1;
		return 1;
	}
	if (!governed || !rule_matches(r, port, protocol, person, teams))
		return 0;
	/* a rule for a whole network must not open its name servers: answers from there would be
	 * anybody's */
	if (r->effect == DEST_ALLOW && verdict_port_of_names(port))
		return 0;
	judge(j, r->effect == DEST_DENY ? BAILIFF_DENY : BAILIFF_ALLOW, BAILIFF_REASON_RULE,
	      r->rule, root->mode_destinations);
	j->pattern = r->pattern;
	return 1;
}

/* What stands when no rule of the set settled it. rule 1 of the table is the default, by contract.
 */
static __always_inline void verdict_default(__u32 flags, __u16 port, const struct policy_root *root,
					    struct judgement *j)
{
	if (flags & TASK_GOVERNED)
		judge(j, BAILIFF_DENY,
		      verdict_port_of_names(port) ? BAILIFF_REASON_RESOLVER
						  : BAILIFF_REASON_DEFAULT,
		      0, root->mode_destinations);
	else
		judge(j, BAILIFF_ALLOW, BAILIFF_REASON_NONE, 0, root->mode_destinations);
}

/* Whether a rule decided, and not the default. */
static __always_inline int judgement_settled(const struct judgement *j)
{
	return j->reason != BAILIFF_REASON_DEFAULT && j->reason != BAILIFF_REASON_NONE &&
	       j->reason != BAILIFF_REASON_RESOLVER;
}

/* Sockets that a governed task may make. Raw, packet, vsock and the rest leave by doors that no
 * address rule sees; MPTCP opens subflows from a kernel thread, where there is no task to judge. */
static __always_inline int verdict_socket(int family, int type, int protocol)
{
	int kind = type & 0xf; /* without SOCK_NONBLOCK and SOCK_CLOEXEC */

	switch (family) {
	case VERDICT_AF_UNIX:
		return 1;
	case VERDICT_AF_INET:
	case VERDICT_AF_INET6:
		if (kind == 1) /* SOCK_STREAM */
			return protocol == 0 || protocol == 6;
		if (kind == 2) /* SOCK_DGRAM: not ICMP ping sockets */
			return protocol == 0 || protocol == 17;
		return 0;
	case VERDICT_AF_NETLINK:
		/* NETLINK_ROUTE alone: getaddrinfo() asks it for the host's addresses */
		return (kind == 2 || kind == 3) && protocol == 0;
	default:
		return 0;
	}
}

#endif
