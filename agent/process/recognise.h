/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is, by its content alone: a Claude Code client, a runtime that can run one, a holder
 * of TLS functions, or none of these. */
#ifndef PROCESS_RECOGNISE_H
#define PROCESS_RECOGNISE_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/contract.h"
#include "tls/locate.h"

enum recognise_kind {
	RECOGNISE_PROGRAM, /* an ELF file that was executed or mapped */
	RECOGNISE_SCRIPT,  /* a file that a runtime was told to run */
	RECOGNISE_KIND_MAX,
};

struct recognition {
	enum image_class class_;
	bool has_layout;  /* layout holds: TLS functions were found */
	bool tls_refused; /* a TLS library is in it, and was refused: why says so */
	bool hashed;	  /* sha256 holds (asked for) */
	struct tls_layout layout;
	uint8_t sha256[32];
	char why[TLS_WHY_SIZE];
};

#define RECOGNISE_HASH	  1u /* digest it as well (for `clients.extra` of the policy) */
#define RECOGNISE_LOCATED 2u /* its TLS functions are known: has_layout, but layout is empty */

/* Looks at the file behind fd. flags: RECOGNISE_*. Returns 0, or -errno when the file cannot be
 * mapped. A file that is cut short while it is looked at ends the process by SIGBUS: call it in a
 * process that may end. */
int recognise(int fd, enum recognise_kind kind, unsigned int flags, struct recognition *ret);

#endif
