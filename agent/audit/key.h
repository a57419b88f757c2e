/* SPDX-License-Identifier: Apache-2.0 */
/* The key that signs the log: Ed25519, PEM (PKCS 8), in a file that nobody but its owner reads. */
#ifndef AUDIT_KEY_H
#define AUDIT_KEY_H

#include <openssl/evp.h>

#include "audit/note.h"

/* Reads the key. Returns 0; -ENOENT; -EPERM when others may read or write the file; -EBADMSG when
 * it is not an Ed25519 key in PEM. */
int key_load(const char *path, EVP_PKEY **ret);

/* Makes a key and its directory (0700; the parents must be there). Never writes over a file:
 * -EEXIST. */
int key_make(const char *path, EVP_PKEY **ret);

/* The verifier key of a private key under a name. */
int key_verifier(EVP_PKEY *key, const char *name, struct note_key *ret);

void key_freep(EVP_PKEY **key);

#endif
