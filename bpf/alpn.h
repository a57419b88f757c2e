/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a TLS client offers by ALPN (RFC 7301), and HTTP/2 taken out of it. Plain C, so that tests
 * and fuzzers in user space run the same lines as the kernel.
 *
 * The inline data path reads HTTP/1. Who offers HTTP/2 beside it is left with HTTP/1, and the
 * server takes that. Who does not offer HTTP/1 at all (gRPC) could not talk any more, and is left
 * alone. */
#ifndef BAILIFF_ALPN_H
#define BAILIFF_ALPN_H

#include "bpf/contract.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define ALPN_NAMES 16		   /* an offer of more is left alone */
#define ALPN_LIST  256		   /* bytes of an offer in wire format; one of more, too */
#define ALPN_ROOM  (2 * ALPN_LIST) /* a power of two that offsets are masked with */

/* Stands where "h2" stood. Of the names that RFC 8701 keeps for what every server has to ignore, so
 * that none can ever mean something. */
#define ALPN_NOTHING 'z'

/* The first letter lowest. */
#define ALPN_H2	     0x3268ull
#define ALPN_HTTP_10 0x302e312f70747468ull
#define ALPN_HTTP_11 0x312e312f70747468ull

/* As GnuTLS has a name: gnutls_datum_t. */
struct alpn_datum {
	__u64 data;
	__u32 size;
	__u32 pad;
};
CONTRACT_ASSERT(sizeof(struct alpn_datum) == 16, "alpn_datum");

enum alpn_kind {
	ALPN_OTHER,
	ALPN_HTTP1,
	ALPN_HTTP2,
};

/* first: the first eight bytes of the name, whatever stands behind a shorter one. */
static __always_inline enum alpn_kind alpn_kind(__u64 first, __u32 len)
{
	if (len == 2 && (first & 0xffff) == ALPN_H2)
		return ALPN_HTTP2;
	if (len == 8 && (first == ALPN_HTTP_10 || first == ALPN_HTTP_11))
		return ALPN_HTTP1;
	return ALPN_OTHER;
}

/* An offer that is being gone over. Callbacks of bpf_loop() work on it, so it lies in a map. */
struct alpn_offer {
	__u32 len;
	__u32 at;
	__u32 http1;	/* HTTP/1 is offered */
	__u32 http2;	/* of an array: a bit for each "h2" */
	__u32 from, to; /* of a list: what was changed */
	__u32 bad; /* no list, and the library refuses it; or names of which one cannot be read */
};

static __always_inline void alpn_begin(struct alpn_offer *o, __u32 len)
{
	o->len = len;
	o->at = o->http1 = o->http2 = o->from = o->to = 0;
	o->bad = len > ALPN_LIST;
}

/* One name of a list, in which each stands behind its length. Returns 0 when there is none. */
static __always_inline int alpn_step(struct alpn_offer *o, __u8 list[ALPN_ROOM])
{
	__u32 at = o->at, n;
	enum alpn_kind kind;
	__u64 first = 0;

	if (o->bad || at >= o->len)
		return 0;
	n = list[at & (ALPN_LIST - 1)];
	at++;
	if (!n || n > o->len - at) {
		o->bad = 1;
		return 0;
	}
	for (int i = 0; i < 8; i++)
		first |= (__u64)list[(at + i) & (ALPN_ROOM - 1)] << 8 * i;
	kind = alpn_kind(first, n);
	if (kind == ALPN_HTTP1)
		o->http1 = 1;
	if (kind == ALPN_HTTP2) {
		list[at & (ALPN_ROOM - 1)] = ALPN_NOTHING;
		list[(at + 1) & (ALPN_ROOM - 1)] = ALPN_NOTHING;
		if (!o->to)
			o->from = at;
		o->to = at + 2;
	}
	o->at = at + n;
	return 1;
}

/* After ALPN_NAMES steps: whether list[from, to) is to be put back. */
static __always_inline int alpn_changed(const struct alpn_offer *o)
{
	return !o->bad && o->at >= o->len && o->http1 && o->to;
}

#endif
