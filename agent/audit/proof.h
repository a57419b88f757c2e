/* SPDX-License-Identifier: Apache-2.0 */
/* Inclusion proofs as files for an auditor (c2sp.org/tlog-proof@v1). */
#ifndef AUDIT_PROOF_H
#define AUDIT_PROOF_H

#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

#define PROOF_MAX 64 /* hashes: the height of the tallest tree */

/* Writes the proof of one entry against the checkpoint of a log, malloc'ed and zero-terminated.
 * Reads tiles and checkpoint and checks nothing that proof_check does not. Returns 0; -ERANGE when
 * the entry is not signed yet; -EUCLEAN when tiles are missing; -errno. */
int proof_make(const char *directory, uint64_t index, char **ret);

/* Root that an inclusion path leads to (RFC 9162, 2.1.3.2). Returns 0, -EBADMSG when the path has
 * not the length that index and size demand, -EIO. */
int proof_root(uint64_t index, uint64_t size, const uint8_t leaf[DIGEST_SIZE],
	       const uint8_t (*path)[DIGEST_SIZE], size_t n, uint8_t ret[DIGEST_SIZE]);

/* Checks a proof file against an entry and a verifier key. Returns 0; -EBADMSG when it is not a
 * proof; -EKEYREJECTED or -ENOKEY for its signature; -EUCLEAN when it does not prove this entry. */
int proof_check(const char *proof, size_t len, const char *entry, size_t entry_len,
		const char *vkey, uint64_t *ret_index);

#endif
