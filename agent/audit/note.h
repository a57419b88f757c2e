/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes (c2sp.org/signed-note), verifier keys and checkpoints (c2sp.org/tlog-checkpoint),
 * with Ed25519. Reading is strict: one meaning has one text, so no byte can change unseen. */
#ifndef AUDIT_NOTE_H
#define AUDIT_NOTE_H

#include <stddef.h>
#include <stdint.h>
#include <openssl/evp.h>

#include "base/digest.h"

#define NOTE_NAME_SIZE	  256
#define NOTE_SIZE_MAX	  65536
#define NOTE_KEY_SIZE	  32
#define NOTE_VKEY_SIZE	  (NOTE_NAME_SIZE + 64)
#define NOTE_BASE64(n)	  (((n) + 2) / 3 * 4 + 1)
#define NOTE_TYPE_ED25519 0x01 /* signature type of the C2SP registry */

struct note_key {
	char name[NOTE_NAME_SIZE];
	uint8_t id[4]; /* SHA-256(name || LF || type || public key)[:4] */
	uint8_t public_key[NOTE_KEY_SIZE];
};

/* Makes a verifier key. Returns 0, -EINVAL for a name that is empty, too long or has white space, a
 * control character or '+'. */
int note_key_init(const char *name, const uint8_t public_key[NOTE_KEY_SIZE], struct note_key *ret);

/* "name+hex(id)+base64(type || public key)", without a line end. */
int note_key_parse(const char *text, size_t len, struct note_key *ret);
int note_key_format(const struct note_key *key, char ret[NOTE_VKEY_SIZE]);

/* Signs text, which ends in a newline: *ret is the whole note, malloc'ed, zero-terminated. */
int note_sign(EVP_PKEY *private_key, const struct note_key *key, const char *text, char **ret);

/* Verifies. Returns 0 and the length of the text; -EBADMSG for what is not a note, -ENOKEY when the
 * key has not signed it, -EKEYREJECTED when its signature is wrong. Signatures of other keys
 * (witnesses) are passed over. */
int note_verify(const char *note, size_t len, const struct note_key *key, size_t *ret_text_len);

struct checkpoint {
	char origin[NOTE_NAME_SIZE];
	uint64_t size;
	uint8_t root[DIGEST_SIZE];
};

/* "origin\nsize\nbase64 root\n"; extension lines are refused. Returns 0 or -EBADMSG. */
int checkpoint_parse(const char *text, size_t len, struct checkpoint *ret);
int checkpoint_format(const struct checkpoint *c, char **ret);

/* Standard base64 with padding. out holds NOTE_BASE64(n) bytes. */
void note_base64(const uint8_t *bytes, size_t n, char *out);
/* Strict: exactly n bytes, no white space, no stray bits. Returns 0 or -EBADMSG. */
int note_unbase64(const char *text, size_t len, uint8_t *ret, size_t n);

#endif
