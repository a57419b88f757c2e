/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The byte ledger of one socket: what its process handed to TLS, against what it handed to TCP.
 * Encryption adds little, so that what is left over left past the probes: over an overwritten
 * breakpoint, by another TLS library, or as it is, on the same descriptor.
 *
 * Only that way round. Less on the wire than was said is a connection that was closed before its
 * last bytes were sent, which every client does that is interrupted. */
#ifndef BAILIFF_LEDGER_H
#define BAILIFF_LEDGER_H

#include "bpf/contract.h"

/* What TLS may add: handshakes with a chain of certificates, tickets, the CONNECT to a proxy … */
#define LEDGER_SLACK (64u << 10)
/* … of each call the last record, which may carry a single byte: head, IV, MAC and padding of TLS
 * 1.2 with CBC and SHA-384 are 85 bytes … */
#define LEDGER_A_WRITE 96
/* … and of each other record 22 (AEAD) in 16 KiB; in 512 bytes where a peer asks for that. */
#define LEDGER_SHARE 16

/* Connections of TLS on one socket: one, two with TLS inside of TLS, more when it is begun anew. */
#define LEDGER_TIES 4

#define LEDGER_CLIENT 1u /* opened by an inspected client */
#define LEDGER_MODEL  2u /* ... and leads to a model endpoint: there is nothing to say but TLS */
#define LEDGER_OPEN   4u /* its first sequence number is known */
#define LEDGER_TIED   8u /* a connection of TLS was seen to write to it */
#define LEDGER_TOLD   16u

/* A connection of TLS, as far as it was counted. */
struct ledger_tie {
	__u64 ssl; /* 0: free */
	__u64 start_ns;
	__u32 tgid;
	__u32 epoch;
	__u64 offset; /* taken by writes that returned */
	__u64 said;   /* and what the one that runs was given */
	__u64 writes;
};

/* Socket storage. */
struct ledger {
	__u32 owner;	/* the attachment that counts from the beginning; 0: not judged any more */
	__u32 flags;	/* LEDGER_* */
	__u64 start_ns; /* who opened it */
	__u32 tgid;
	__u32 first; /* sequence number before the first byte */
	__u64 base;  /* bytes that went before there was TLS on it */
	__u64 said;  /* of connections that ended */
	__u64 writes;
	__u32 next; /* the tie that makes room */
	__u32 pad;
	struct ledger_tie ties[LEDGER_TIES];
};
CONTRACT_ASSERT(sizeof(struct ledger) == 56 + 48 * LEDGER_TIES, "ledger");

/* What was given to TCP since the beginning. acked is a sum of 64 bits that runs behind; how far,
 * the sequence number says: less than 4 GiB. acked has to be read first. What is sent again counts
 * in neither. */
static __always_inline __u64 ledger_sent(__u64 acked, __u32 first, __u32 next)
{
	__u32 behind = next - first - (__u32)acked;

	return acked + behind;
}

/* The connection begins, or begins again in the same place: what was said before stays said. */
static __always_inline void ledger_retire(struct ledger *l, struct ledger_tie *t)
{
	l->said += t->said;
	l->writes += t->writes;
	t->offset = 0;
	t->said = 0;
	t->writes = 0;
}

/* The count of a connection as it is now. pending: what the call was given that has not taken all
 * of it. It may be more or less than before: a call that took nothing is made again. */
static __always_inline void ledger_follow(struct ledger *l, struct ledger_tie *t, __u32 epoch,
					  __u64 offset, __u64 pending, __u64 writes)
{
	if (t->epoch != epoch || offset < t->offset)
		ledger_retire(l, t);
	t->epoch = epoch;
	t->offset = offset;
	t->said = offset + pending;
	t->writes = writes;
}

/* How many bytes of those sent nothing accounts for; 0: all are within what TLS may add, or there
 * is nothing to compare with. */
static __always_inline __u64 ledger_unsaid(const struct ledger *l, __u64 sent, __u64 *ret_said)
{
	__u64 said = l->said, writes = l->writes, most;

	if (!(l->flags & LEDGER_OPEN) || !(l->flags & (LEDGER_TIED | LEDGER_MODEL)))
		return 0;
	for (int i = 0; i < LEDGER_TIES; i++) {
		said += l->ties[i].said;
		writes += l->ties[i].writes;
	}
	*ret_said = said;
	most = l->base + said + said / LEDGER_SHARE + writes * LEDGER_A_WRITE + LEDGER_SLACK;
	return sent > most ? sent - l->base - said : 0;
}

#endif
