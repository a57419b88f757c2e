/* SPDX-License-Identifier: Apache-2.0 */
/* Whether what the probes on a client show is what a client sends: the live proof that the right
 * functions were found in it. */
#ifndef READER_PROOF_H
#define READER_PROOF_H

#include <stddef.h>
#include <stdint.h>

enum proof {
	PROOF_UNDECIDED, /* too short to tell */
	PROOF_PROVEN,
	PROOF_DISPROVED,
	PROOF_MAX,
};

#define PROOF_EXPECTED                                                                             \
	"an HTTP/1 request line, the HTTP/2 preface, or the first record of a TLS handshake"

/* Judges the first bytes that a client writes into a TLS connection: a method and a space, the
 * preface of HTTP/2, or (TLS inside of TLS, through a proxy) a handshake record. */
enum proof proof_judge(const uint8_t *bytes, size_t len);

#endif
