/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The contract of the byte ledger. A part of bpf/contract.h, which includes it. */
#ifndef BAILIFF_CONTRACT_LEDGER_H
#define BAILIFF_CONTRACT_LEDGER_H

#define RECORD_LEDGER_MODEL 1u /* the socket leads to a model endpoint */
#define RECORD_LEDGER_TIED  2u /* something was said through TLS */
#define RECORD_LEDGER_ENDED 4u /* the connection ended; else it goes on */

struct record_ledger {
	struct record_head head;
	__u64 sent;   /* given to TCP, not counting what is sent again */
	__u64 said;   /* of it, handed to TLS before the probes' eyes */
	__u64 unsaid; /* of it, neither said nor gone before TLS began */
	__u64 writes;
	__u32 flags; /* RECORD_LEDGER_* */
	__u16 family;
	__u16 port; /* host order */
	__u8 address[16];
};
CONTRACT_ASSERT(sizeof(struct record_ledger) == 112 + 56, "record_ledger");

#endif
