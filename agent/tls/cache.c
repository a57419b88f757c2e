// SPDX-License-Identifier: Apache-2.0
/* One small file a build: magic, version, body, SHA-256 of what comes before. Fields are written
 * one by one in little-endian order, so that a record is the same for every compiler. */
#include "tls/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/log.h"
#include "tls/elf.h"

#define MAGIC	   0x31434c54u /* "TLC1" */
#define VERSION	   2u
#define RECORD_MAX 8192
#define NAME_SIZE  96
#define TEXT_MAX   (1u << 20) /* bytes of functions that are digested */

struct record {
	uint8_t bytes[RECORD_MAX];
	size_t len;
	size_t at; /* reading */
	bool bad;  /* written over the end, or read behind it */
};

static void put(struct record *r, const void *bytes, size_t n)
{
	if (n > sizeof(r->bytes) - r->len) {
		r->bad = true;
		return;
	}
	memcpy(r->bytes + r->len, bytes, n);
	r->len += n;
}

static void put_number(struct record *r, uint64_t v)
{
	uint8_t b[8];

	for (unsigned int i = 0; i < 8; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	put(r, b, sizeof(b));
}

static void get(struct record *r, void *bytes, size_t n)
{
	if (r->bad || n > r->len - r->at) {
		memset(bytes, 0, n);
		r->bad = true;
		return;
	}
	memcpy(bytes, r->bytes + r->at, n);
	r->at += n;
}

/* A number that is larger than max makes the record bad: it would be used as a count or an enum. */
static uint64_t get_number(struct record *r, uint64_t max)
{
	uint8_t b[8];
	uint64_t v = 0;

	get(r, b, sizeof(b));
	for (unsigned int i = 0; i < 8; i++)
		v |= (uint64_t)b[i] << (8 * i);
	if (v > max) {
		r->bad = true;
		v = 0;
	}
	return v;
}

static void put_function(struct record *r, const struct tls_function *f)
{
	put_number(r, f->present);
	if (!f->present)
		return;
	put_number(r, f->address);
	put_number(r, f->offset);
	put_number(r, f->size);
	put(r, f->entry, sizeof(f->entry));
	put_number(r, f->n_rets);
	for (uint32_t i = 0; i < f->n_rets; i++)
		put_number(r, f->ret_offset[i]);
	put_number(r, f->n_reasons);
	for (uint32_t i = 0; i < f->n_reasons; i++)
		put_number(r, f->reasons[i]);
	put_number(r, f->n_edges);
	for (uint32_t i = 0; i < f->n_edges; i++)
		put_number(r, f->edges[i]);
}

static void get_function(struct record *r, struct tls_function *f)
{
	f->present = get_number(r, 1) != 0;
	if (!f->present)
		return;
	f->address = get_number(r, UINT64_MAX);
	f->offset = get_number(r, UINT64_MAX);
	f->size = get_number(r, UINT64_MAX);
	get(r, f->entry, sizeof(f->entry));
	f->n_rets = (uint32_t)get_number(r, TLS_RETS_MAX);
	for (uint32_t i = 0; i < f->n_rets; i++)
		f->ret_offset[i] = get_number(r, UINT64_MAX);
	f->n_reasons = (uint32_t)get_number(r, TLS_REASONS_MAX);
	for (uint32_t i = 0; i < f->n_reasons; i++)
		f->reasons[i] = (uint32_t)get_number(r, UINT32_MAX);
	f->n_edges = (uint32_t)get_number(r, TLS_EDGES_MAX);
	for (uint32_t i = 0; i < f->n_edges; i++)
		f->edges[i] = get_number(r, UINT64_MAX);
}

static void put_layout(struct record *r, const struct tls_layout *l)
{
	put_number(r, l->method);
	put_number(r, l->library);
	put_number(r, l->machine);
	put_number(r, l->build_id_len);
	put(r, l->build_id, sizeof(l->build_id));
	put_number(r, l->file_size);
	put_number(r, l->source_string);
	put_number(r, l->read_body);
	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++)
		put_function(r, &l->function[i]);
}

static void get_layout(struct record *r, struct tls_layout *l)
{
	l->method = (enum tls_method)get_number(r, TLS_METHOD_MAX - 1);
	l->library = (enum tls_library)get_number(r, TLS_LIBRARY_MAX - 1);
	l->machine = (uint16_t)get_number(r, UINT16_MAX);
	l->build_id_len = (uint32_t)get_number(r, TLS_BUILD_ID_MAX);
	get(r, l->build_id, sizeof(l->build_id));
	l->file_size = get_number(r, UINT64_MAX);
	l->source_string = get_number(r, UINT64_MAX);
	l->read_body = get_number(r, UINT64_MAX);
	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++)
		get_function(r, &l->function[i]);
}

/* Digest over the bytes of all functions of the layout, by read: nothing is mapped here. */
int tls_cache_digest(int fd, const struct tls_layout *l, uint8_t ret[DIGEST_SIZE])
{
	_cleanup_free_ uint8_t *text = NULL;
	uint64_t total = 0, at = 0;

	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++) {
		const struct tls_function *f = &l->function[i];

		if (!f->present)
			continue;
		if (f->size > TEXT_MAX || f->offset > l->file_size)
			return -EINVAL;
		total += f->size;
	}
	text = malloc(total + 1);
	if (!text)
		return -ENOMEM;
	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++) {
		const struct tls_function *f = &l->function[i];

		if (!f->present)
			continue;
		if (pread(fd, text + at, f->size, (off_t)f->offset) != (ssize_t)f->size)
			return -EIO;
		at += f->size;
	}
	return digest_sha256(text, total, ret);
}

static int name_make(const uint8_t *id, uint32_t id_len, uint64_t size, char out[NAME_SIZE])
{
	char hex[2 * TLS_BUILD_ID_MAX + 1];
	int n;

	if (!id_len)
		return -ENOTSUP;
	digest_hex(id, id_len, hex);
	n = snprintf(out, NAME_SIZE, "%s-%llx.layout", hex, (unsigned long long)size);
	return n > 0 && n < NAME_SIZE ? 0 : -ENAMETOOLONG;
}

static int record_read(int dirfd, const char *name, struct record *r)
{
	_cleanup_close_ int fd =
		openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint8_t digest[DIGEST_SIZE];
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* whoever writes a layout says where probes go */
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	n = read(fd, r->bytes, sizeof(r->bytes));
	if (n < 0)
		return -errno;
	if (n <= DIGEST_SIZE || n != st.st_size)
		return -EBADMSG;
	r->len = (size_t)n - DIGEST_SIZE;
	if (digest_sha256(r->bytes, r->len, digest) ||
	    memcmp(digest, r->bytes + r->len, DIGEST_SIZE) != 0)
		return -EBADMSG;
	return 0;
}

static int record_parse(struct record *r, int fd, struct tls_layout *ret)
{
	struct tls_layout l = {0};
	uint8_t kept[DIGEST_SIZE], now[DIGEST_SIZE];

	if (get_number(r, UINT64_MAX) != MAGIC || get_number(r, UINT64_MAX) != VERSION)
		return -EBADMSG;
	get(r, kept, sizeof(kept));
	get_layout(r, &l);
	if (r->bad || r->at != r->len)
		return -EBADMSG;
	if (tls_cache_digest(fd, &l, now) || memcmp(kept, now, sizeof(now)) != 0 ||
	    !tls_layout_matches(&l, fd))
		return -ESTALE;
	*ret = l;
	return 0;
}

/* Whether a layout is kept for any file of this size: most files are nobody's business here. */
static bool any_of_size(int dirfd, off_t size)
{
	char end[NAME_SIZE];
	const struct dirent *e;
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool found = false;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	snprintf(end, sizeof(end), "-%llx.layout", (unsigned long long)size);
	while (!found && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		found = n > strlen(end) && strcmp(e->d_name + n - strlen(end), end) == 0;
	}
	closedir(d);
	return found;
}

int tls_cache_load(int dirfd, int fd, struct tls_layout *ret)
{
	struct elf_image image;
	struct record record = {.len = 0};
	char name[NAME_SIZE];
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0 || !any_of_size(dirfd, st.st_size))
		return -ENOENT;
	r = elf_image_open(fd, &image, NULL);
	if (r)
		return -ENOENT;
	r = name_make(image.build_id, image.build_id_len, image.size, name);
	elf_image_close(&image);
	if (r)
		return -ENOENT;
	r = record_read(dirfd, name, &record);
	if (r == -ENOENT)
		return r;
	if (!r)
		r = record_parse(&record, fd, ret);
	if (r) {
		log_line(LOG_LEVEL_WARN, r, "TLS layout %s is not used: %s", name,
			 r == -ESTALE	 ? "the file holds other code"
			 : r == -EBADMSG ? "it is damaged"
			 : r == -EPERM	 ? "somebody else could have written it"
					 : "it cannot be read");
		return -ENOENT;
	}
	return 0;
}

int tls_cache_store(int dirfd, const struct tls_layout *layout, const uint8_t text[DIGEST_SIZE])
{
	struct record record = {.len = 0};
	uint8_t digest[DIGEST_SIZE];
	char name[NAME_SIZE], aside[NAME_SIZE + 16];
	_cleanup_close_ int out = -1;
	int r = name_make(layout->build_id, layout->build_id_len, layout->file_size, name);

	if (r)
		return r;
	put_number(&record, MAGIC);
	put_number(&record, VERSION);
	put(&record, text, DIGEST_SIZE);
	put_layout(&record, layout);
	if (record.bad)
		return -EOVERFLOW;
	r = digest_sha256(record.bytes, record.len, digest);
	if (r)
		return r;
	put(&record, digest, sizeof(digest));
	r = snprintf(aside, sizeof(aside), ".%s.%d", name, getpid());
	if (record.bad || r < 0 || (size_t)r >= sizeof(aside))
		return -EOVERFLOW;
	unlinkat(dirfd, aside, 0); /* of a process that died with our number */
	out = openat(dirfd, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0)
		return -errno;
	errno = EIO; /* a short write sets none */
	if (write(out, record.bytes, record.len) != (ssize_t)record.len || fsync(out) < 0 ||
	    renameat(dirfd, aside, dirfd, name) < 0) {
		r = -errno;
		unlinkat(dirfd, aside, 0);
		return r;
	}
	return 0;
}
