// SPDX-License-Identifier: Apache-2.0
/* Signed notes, verifier keys and checkpoints. */
#include "audit/note.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"

#define NOTE_DASH     "\xe2\x80\x94 " /* em dash and space */
#define NOTE_DASH_LEN 4
#define NOTE_SIG_SIZE 64
#define NOTE_LINE_MAX 8192

void note_base64(const uint8_t *bytes, size_t n, char *out)
{
	EVP_EncodeBlock((unsigned char *)out, bytes, (int)n);
}

int note_unbase64(const char *text, size_t len, uint8_t *ret, size_t n)
{
	uint8_t raw[NOTE_BASE64(256)];
	char again[NOTE_BASE64(256)];

	if (n > 256 || len != NOTE_BASE64(n) - 1)
		return -EBADMSG;
	if (EVP_DecodeBlock(raw, (const unsigned char *)text, (int)len) < 0)
		return -EBADMSG;
	/* OpenSSL skips white space and ignores stray bits: only the one text that we would write
	 * ourselves is accepted */
	note_base64(raw, n, again);
	if (memcmp(again, text, len) != 0)
		return -EBADMSG;
	memcpy(ret, raw, n);
	return 0;
}

/* Unicode spaces are forbidden too; names here are ASCII, so anything else is. */
static bool name_ok(const char *name, size_t len)
{
	if (!len || len >= NOTE_NAME_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '+')
			return false;
	return true;
}

int note_key_init(const char *name, const uint8_t public_key[NOTE_KEY_SIZE], struct note_key *ret)
{
	uint8_t text[NOTE_NAME_SIZE + 2 + NOTE_KEY_SIZE], digest[DIGEST_SIZE];
	size_t len = strnlen(name, NOTE_NAME_SIZE);
	int r;

	if (!name_ok(name, len))
		return -EINVAL;
	memcpy(text, name, len);
	text[len] = '\n';
	text[len + 1] = NOTE_TYPE_ED25519;
	memcpy(text + len + 2, public_key, NOTE_KEY_SIZE);
	r = digest_sha256(text, len + 2 + NOTE_KEY_SIZE, digest);
	if (r < 0)
		return r;
	*ret = (struct note_key){0};
	memcpy(ret->name, name, len);
	memcpy(ret->id, digest, sizeof(ret->id));
	memcpy(ret->public_key, public_key, NOTE_KEY_SIZE);
	return 0;
}

int note_key_format(const struct note_key *key, char ret[NOTE_VKEY_SIZE])
{
	uint8_t typed[1 + NOTE_KEY_SIZE] = {NOTE_TYPE_ED25519};
	char id[2 * sizeof(key->id) + 1], base64[NOTE_BASE64(sizeof(typed))];
	int n;

	memcpy(typed + 1, key->public_key, NOTE_KEY_SIZE);
	digest_hex(key->id, sizeof(key->id), id);
	note_base64(typed, sizeof(typed), base64);
	n = snprintf(ret, NOTE_VKEY_SIZE, "%s+%s+%s", key->name, id, base64);
	return n < 0 || n >= NOTE_VKEY_SIZE ? -EINVAL : 0;
}

int note_key_parse(const char *text, size_t len, struct note_key *ret)
{
	uint8_t typed[1 + NOTE_KEY_SIZE];
	char name[NOTE_NAME_SIZE], again[NOTE_VKEY_SIZE];
	const char *plus = memchr(text, '+', len);
	struct note_key key;
	size_t name_len;
	int r;

	if (!plus)
		return -EBADMSG;
	name_len = (size_t)(plus - text);
	if (!name_ok(text, name_len) || len != name_len + 1 + 8 + 1 + 44 || plus[9] != '+')
		return -EBADMSG;
	r = note_unbase64(plus + 10, 44, typed, sizeof(typed));
	if (r < 0)
		return r;
	if (typed[0] != NOTE_TYPE_ED25519)
		return -EBADMSG;
	memcpy(name, text, name_len);
	name[name_len] = 0;
	r = note_key_init(name, typed + 1, &key);
	if (r >= 0)
		r = note_key_format(&key, again);
	if (r < 0)
		return r;
	/* catches a key ID that is not the one of this name and key */
	if (strlen(again) != len || memcmp(again, text, len) != 0)
		return -EBADMSG;
	*ret = key;
	return 0;
}

int note_sign(EVP_PKEY *private_key, const struct note_key *key, const char *text, char **ret)
{
	_cleanup_buffer_ struct buffer out = {0};
	uint8_t sig[sizeof(key->id) + NOTE_SIG_SIZE];
	char base64[NOTE_BASE64(sizeof(sig))];
	size_t len = strlen(text), sig_len = NOTE_SIG_SIZE;
	EVP_MD_CTX *ctx;
	bool ok;
	int r;

	if (!len || text[len - 1] != '\n')
		return -EINVAL;
	ctx = EVP_MD_CTX_new();
	ok = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, private_key) == 1 &&
	     EVP_DigestSign(ctx, sig + sizeof(key->id), &sig_len, (const uint8_t *)text, len) ==
		     1 &&
	     sig_len == NOTE_SIG_SIZE;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return -EIO;
	memcpy(sig, key->id, sizeof(key->id));
	note_base64(sig, sizeof(sig), base64);
	r = buffer_printf(&out, NOTE_SIZE_MAX, "%s\n" NOTE_DASH "%s %s\n", text, key->name, base64);
	if (r < 0)
		return r;
	*ret = (char *)out.data;
	out = (struct buffer){0};
	return 0;
}

/* Length of the text of a note, or 0: the text ends where the last empty line begins. */
static size_t note_text_len(const char *note, size_t len)
{
	if (len < 2 || note[len - 1] != '\n')
		return 0;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)note[i] < 0x20 && note[i] != '\n')
			return 0;
	for (size_t i = len - 1; i >= 1; i--)
		if (note[i] == '\n' && note[i - 1] == '\n')
			return i;
	return 0;
}

static int check_signature(const struct note_key *key, const char *text, size_t len,
			   const uint8_t sig[NOTE_SIG_SIZE])
{
	EVP_PKEY *public_key =
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->public_key, NOTE_KEY_SIZE);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = public_key && ctx &&
		 EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public_key) == 1 &&
		 EVP_DigestVerify(ctx, sig, NOTE_SIG_SIZE, (const uint8_t *)text, len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(public_key);
	return ok ? 0 : -EKEYREJECTED;
}

/* One signature line without its newline. Returns 0 when key signed, -ENOKEY when the line is of
 * another key, -EBADMSG, -EKEYREJECTED. */
static int check_line(const char *line, size_t len, const struct note_key *key, const char *text,
		      size_t text_len)
{
	uint8_t sig[sizeof(key->id) + NOTE_SIG_SIZE];
	const char *end = line + len, *name, *space;
	size_t name_len = strlen(key->name);

	if (len < NOTE_DASH_LEN || memcmp(line, NOTE_DASH, NOTE_DASH_LEN) != 0)
		return -EBADMSG;
	name = line + NOTE_DASH_LEN;
	space = memchr(name, ' ', (size_t)(end - name));
	if (!space || space == name || space + 1 == end)
		return -EBADMSG;
	if ((size_t)(space - name) != name_len || memcmp(name, key->name, name_len) != 0)
		return -ENOKEY;
	/* the same name with another key ID may be another kind of signature, of another length */
	if (note_unbase64(space + 1, (size_t)(end - space - 1), sig, sizeof(sig)) < 0 ||
	    memcmp(sig, key->id, sizeof(key->id)) != 0)
		return -ENOKEY;
	return check_signature(key, text, text_len, sig + sizeof(key->id));
}

int note_verify(const char *note, size_t len, const struct note_key *key, size_t *ret_text_len)
{
	size_t text_len;
	bool found = false;

	if (len > NOTE_SIZE_MAX)
		return -EBADMSG;
	text_len = note_text_len(note, len);
	if (!text_len || text_len + 1 >= len)
		return -EBADMSG;
	for (size_t at = text_len + 1; at < len;) {
		const char *line = note + at, *newline = memchr(line, '\n', len - at);
		int r;

		if (!newline || newline - line > NOTE_LINE_MAX)
			return -EBADMSG;
		r = check_line(line, (size_t)(newline - line), key, note, text_len);
		if (r < 0 && r != -ENOKEY)
			return r;
		found = found || r == 0;
		at += (size_t)(newline - line) + 1;
	}
	if (!found)
		return -ENOKEY;
	*ret_text_len = text_len;
	return 0;
}

int checkpoint_format(const struct checkpoint *c, char **ret)
{
	_cleanup_buffer_ struct buffer out = {0};
	char root[NOTE_BASE64(DIGEST_SIZE)];
	int r;

	note_base64(c->root, DIGEST_SIZE, root);
	r = buffer_printf(&out, NOTE_SIZE_MAX, "%s\n%" PRIu64 "\n%s\n", c->origin, c->size, root);
	if (r < 0)
		return r;
	*ret = (char *)out.data;
	out = (struct buffer){0};
	return 0;
}

int checkpoint_parse(const char *text, size_t len, struct checkpoint *ret)
{
	_cleanup_free_ char *again = NULL;
	const char *end = text + len, *size, *root;
	struct checkpoint c = {0};
	int r;

	size = memchr(text, '\n', len);
	if (!size || !name_ok(text, (size_t)(size - text)))
		return -EBADMSG;
	memcpy(c.origin, text, (size_t)(size - text));
	size++;
	root = memchr(size, '\n', (size_t)(end - size));
	if (!root || root == size || root - size > 19)
		return -EBADMSG;
	for (const char *p = size; p < root; p++) {
		if (*p < '0' || *p > '9')
			return -EBADMSG;
		c.size = c.size * 10 + (uint64_t)(*p - '0');
	}
	root++;
	if (end - root != NOTE_BASE64(DIGEST_SIZE) || end[-1] != '\n')
		return -EBADMSG;
	r = note_unbase64(root, NOTE_BASE64(DIGEST_SIZE) - 1, c.root, DIGEST_SIZE);
	if (r >= 0)
		r = checkpoint_format(&c, &again);
	if (r < 0)
		return r;
	if (strlen(again) != len || memcmp(again, text, len) != 0) /* leading noughts */
		return -EBADMSG;
	*ret = c;
	return 0;
}
