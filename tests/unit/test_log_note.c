// SPDX-License-Identifier: Apache-2.0
/* Signed notes, verifier keys, checkpoints, the signing key's file. */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/key.h"
#include "audit/note.h"
#include "base/cleanup.h"
#include "base/log.h"

/* The example of c2sp.org/signed-note, made by another implementation. */
static const char spec_vkey[] =
	"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
static const char spec_note[] =
	"This is an example message.\n"
	"\n"
	"— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYj"
	"OBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

static struct note_key spec_key(void)
{
	struct note_key key;

	assert_int_equal(note_key_parse(spec_vkey, strlen(spec_vkey), &key), 0);
	return key;
}

static void test_specification_example(void **state)
{
	struct note_key key = spec_key();
	char again[NOTE_VKEY_SIZE];
	size_t len;

	(void)state;
	assert_string_equal(key.name, "example.com/foo");
	assert_memory_equal(key.id, "\x53\x0d\x90\x3a", 4);
	assert_int_equal(note_key_format(&key, again), 0);
	assert_string_equal(again, spec_vkey);
	assert_int_equal(note_verify(spec_note, strlen(spec_note), &key, &len), 0);
	assert_int_equal(len, strlen("This is an example message.\n"));
}

/* Verifier keys of the tests of golang.org/x/mod/sumdb/note. */
static void test_other_verifier_keys(void **state)
{
	static const char *const good[] = {
		"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
		"EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
	};
	struct note_key key;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(note_key_parse(good[i], strlen(good[i]), &key), 0);
}

static void test_each_changed_byte_is_refused(void **state)
{
	struct note_key key = spec_key(), other;
	char note[sizeof(spec_note)], vkey[sizeof(spec_vkey)];
	size_t len;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(note); i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(note, spec_note, sizeof(note));
			note[i] ^= (char)(1 << bit);
			if (note_verify(note, strlen(spec_note), &key, &len) == 0)
				fail_msg("note verifies with bit %d of byte %zu changed", bit, i);
		}
	for (size_t i = 0; i + 1 < sizeof(vkey); i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(vkey, spec_vkey, sizeof(vkey));
			vkey[i] ^= (char)(1 << bit);
			if (note_key_parse(vkey, strlen(spec_vkey), &other) == 0)
				fail_msg("key parses with bit %d of byte %zu changed", bit, i);
		}
	for (size_t n = 0; n < strlen(spec_note); n++)
		assert_int_not_equal(note_verify(spec_note, n, &key, &len), 0);
}

static EVP_PKEY *new_key(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	assert_non_null(key);
	return key;
}

/* A witness signs below the log; its line, and lines of unknown kinds, are passed over. */
static void test_signatures_of_others(void **state)
{
	_cleanup_(key_freep) EVP_PKEY *mine = new_key(), *theirs = new_key();
	struct note_key my_key, their_key, same_name;
	_cleanup_free_ char *note = NULL, *witness = NULL;
	char both[2048];
	size_t len;

	(void)state;
	assert_int_equal(key_verifier(mine, "log.example/a", &my_key), 0);
	assert_int_equal(key_verifier(theirs, "witness.example", &their_key), 0);
	assert_int_equal(key_verifier(theirs, "log.example/a", &same_name), 0);
	assert_int_equal(note_sign(mine, &my_key, "text\n\nmore\n", &note), 0);
	assert_int_equal(note_sign(theirs, &their_key, "text\n\nmore\n", &witness), 0);
	assert_int_equal(note_verify(note, strlen(note), &my_key, &len), 0);
	assert_int_equal(len, strlen("text\n\nmore\n")); /* the last empty line ends the text */
	assert_int_equal(note_verify(note, strlen(note), &their_key, &len), -ENOKEY);
	assert_int_equal(note_verify(note, strlen(note), &same_name, &len), -ENOKEY);
	snprintf(both, sizeof(both), "%s%s— cosigner AAAAAAAA\n", note,
		 strstr(witness, "\n\n— ") + 2);
	assert_int_equal(note_verify(both, strlen(both), &my_key, &len), 0);
	assert_int_equal(note_verify(both, strlen(both), &their_key, &len), 0);
	assert_int_equal(note_sign(mine, &my_key, "no newline", &note), -EINVAL);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		int want;
	} rows[] = {
		{"bailiff/host-1", 0}, {"a", 0},	  {"", -EINVAL},  {"a b", -EINVAL},
		{"a+b", -EINVAL},      {"a\nb", -EINVAL}, {"é", -EINVAL}, {"\x7f", -EINVAL},
	};
	uint8_t public_key[NOTE_KEY_SIZE] = {1};
	struct note_key key;
	char longest[NOTE_NAME_SIZE + 1] = "";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(note_key_init(rows[i].name, public_key, &key), rows[i].want);
	memset(longest, 'x', NOTE_NAME_SIZE - 1);
	assert_int_equal(note_key_init(longest, public_key, &key), 0);
	longest[NOTE_NAME_SIZE - 1] = 'x';
	assert_int_equal(note_key_init(longest, public_key, &key), -EINVAL);
}

static void test_checkpoints(void **state)
{
#define ROOT "uWq3+hXN0JSMJhCuuWtaVyuFEuWjmgmvHJcuIfkZhEs="
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{"log.example/a\n15368405\n" ROOT "\n", 0},
		{"log.example/a\n0\n" ROOT "\n", 0},
		{"log.example/a\n00\n" ROOT "\n", -EBADMSG},
		{"log.example/a\n012\n" ROOT "\n", -EBADMSG},
		{"log.example/a\n\n" ROOT "\n", -EBADMSG},
		{"log.example/a\n-1\n" ROOT "\n", -EBADMSG},
		{"log.example/a\n99999999999999999999\n" ROOT "\n", -EBADMSG},
		{"\n1\n" ROOT "\n", -EBADMSG},
		{"log.example/a\n1\n" ROOT, -EBADMSG},
		{"log.example/a\n1\n" ROOT "\nextension\n", -EBADMSG},
		{"log.example/a\n1\nuWq3\n", -EBADMSG},
		{"log.example/a\n1\nuWq3+hXN0JSMJhCuuWtaVyuFEuWjmgmvHJcuIfkZhEt=\n", -EBADMSG},
		{"log.example/a\n1", -EBADMSG},
		{"", -EBADMSG},
	};
	struct checkpoint c;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *again = NULL;
		int r = checkpoint_parse(rows[i].text, strlen(rows[i].text), &c);

		if (r != rows[i].want)
			fail_msg("row %zu: %d", i, r);
		if (r == 0) {
			assert_int_equal(checkpoint_format(&c, &again), 0);
			assert_string_equal(again, rows[i].text);
		}
	}
}

static void test_key_file(void **state)
{
	char base[] = "/tmp/bailiff-key-XXXXXX", path[128];
	_cleanup_(key_freep) EVP_PKEY *made = NULL, *loaded = NULL, *untouched = NULL;
	struct note_key a, b;
	struct stat st;

	(void)state;
	log_init("test", LOG_LEVEL_ERROR);
	assert_non_null(mkdtemp(base));
	snprintf(path, sizeof(path), "%s/keys/log.key", base);
	assert_int_equal(key_load(path, &untouched), -ENOENT);
	umask(0); /* the modes must not hang on it */
	assert_int_equal(key_make(path, &made), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(key_make(path, &untouched), -EEXIST);
	assert_int_equal(key_load(path, &loaded), 0);
	assert_int_equal(key_verifier(made, "a", &a), 0);
	assert_int_equal(key_verifier(loaded, "a", &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(key_load(path, &untouched), -EPERM);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 40), 0);
	assert_int_equal(key_load(path, &untouched), -EBADMSG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(key_load(path, &untouched), -ELOOP);
	assert_null(untouched);
	unlink(path);
	snprintf(path, sizeof(path), "%s/keys", base);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	rmdir(path);
	rmdir(base);
}

UNIT_MAIN(unit(test_specification_example), unit(test_other_verifier_keys),
	  unit(test_each_changed_byte_is_refused), unit(test_signatures_of_others),
	  unit(test_names), unit(test_checkpoints), unit(test_key_file))
