// SPDX-License-Identifier: Apache-2.0
/* Loading and making the log's signing key, by OpenSSL. */
#include "audit/key.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"

#define KEY_PEM_MAX 4096

void key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

/* A key that wants a pass phrase must not make a daemon ask for one on a terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *u)
{
	return -1;
}

int key_load(const char *path, EVP_PKEY **ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_(key_freep) EVP_PKEY *key = NULL;
	char pem[KEY_PEM_MAX];
	struct stat st;
	ssize_t n;
	BIO *bio;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077))
		return log_err_r(-EPERM, "%s: the signing key must be a file of mode 0600", path);
	n = read(fd, pem, sizeof(pem));
	if (n < 0)
		return -errno;
	bio = BIO_new_mem_buf(pem, (int)n);
	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	explicit_bzero(pem, sizeof(pem));
	if (!key || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519)
		return -EBADMSG;
	*ret = TAKE_PTR(key);
	return 0;
}

static int make_directory(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int fd = -1;
	const char *dir;

	if (!copy)
		return -ENOMEM;
	dir = dirname(copy);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

static int write_key(int fd, EVP_PKEY *key)
{
	_cleanup_(bio_freep) BIO *bio = BIO_new(BIO_s_secmem());
	char *pem;
	long n;

	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return -EIO;
	n = BIO_get_mem_data(bio, &pem);
	if (n <= 0)
		return -EIO;
	if (write(fd, pem, (size_t)n) != n)
		return errno ? -errno : -EIO;
	return fsync(fd) < 0 ? -errno : 0;
}

int key_make(const char *path, EVP_PKEY **ret)
{
	_cleanup_(key_freep) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int fd = -1, dir = -1;
	int r;

	if (!key || !copy)
		return -ENOMEM;
	r = make_directory(path);
	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = write_key(fd, key);
	if (r < 0) {
		/* half a key would be taken for a foreign one at the next start */
		unlink(path);
		return r;
	}
	dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		return -errno;
	*ret = TAKE_PTR(key);
	return 0;
}

int key_verifier(EVP_PKEY *key, const char *name, struct note_key *ret)
{
	uint8_t public_key[NOTE_KEY_SIZE];
	size_t n = sizeof(public_key);

	if (EVP_PKEY_get_raw_public_key(key, public_key, &n) != 1 || n != sizeof(public_key))
		return -EBADMSG;
	return note_key_init(name, public_key, ret);
}
