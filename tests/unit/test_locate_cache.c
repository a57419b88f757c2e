// SPDX-License-Identifier: Apache-2.0
/* The layout cache: what was kept comes back, and nothing else does. */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "locate_elf.h"
#include "tls/cache.h"

#define LIBRARY "/usr/lib/x86_64-linux-gnu/android/libssl.so.0"

struct place {
	char path[64];
	int dir;
	int lib;
};

static void place_open(struct place *p)
{
	snprintf(p->path, sizeof(p->path), "/tmp/bailiff-cache-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->dir = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	p->lib = open(LIBRARY, O_RDONLY | O_CLOEXEC);
	assert_true(p->dir >= 0 && p->lib >= 0);
}

/* The names in the directory: how many, and the last one. */
static int place_list(const struct place *p, char name[256])
{
	DIR *d = opendir(p->path);
	const struct dirent *e;
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n++;
		snprintf(name, 256, "%s", e->d_name);
	}
	closedir(d);
	return n;
}

static void place_close(struct place *p)
{
	char name[256];

	while (place_list(p, name) > 0)
		assert_int_equal(unlinkat(p->dir, name, 0), 0);
	rmdir(p->path);
	close(p->dir);
	close(p->lib);
}

static void same(const struct tls_layout *a, const struct tls_layout *b)
{
	assert_int_equal(a->method, b->method);
	assert_int_equal(a->library, b->library);
	assert_int_equal(a->machine, b->machine);
	assert_int_equal(a->file_size, b->file_size);
	assert_int_equal(a->source_string, b->source_string);
	assert_int_equal(a->read_body, b->read_body);
	assert_int_equal(a->build_id_len, b->build_id_len);
	assert_memory_equal(a->build_id, b->build_id, sizeof(a->build_id));
	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++) {
		const struct tls_function *x = &a->function[i], *y = &b->function[i];

		assert_int_equal(x->present, y->present);
		assert_int_equal(x->address, y->address);
		assert_int_equal(x->offset, y->offset);
		assert_int_equal(x->size, y->size);
		assert_int_equal(x->n_rets, y->n_rets);
		assert_memory_equal(x->ret_offset, y->ret_offset, sizeof(x->ret_offset));
		assert_memory_equal(x->entry, y->entry, sizeof(x->entry));
		assert_int_equal(x->n_reasons, y->n_reasons);
		assert_memory_equal(x->reasons, y->reasons, sizeof(x->reasons));
		assert_int_equal(x->n_edges, y->n_edges);
		assert_memory_equal(x->edges, y->edges, sizeof(x->edges));
	}
}

/* Analyses and keeps, as the agent does over its processes. */
static int keep(const struct place *p, int fd, struct tls_layout *l)
{
	uint8_t digest[32];
	int r = tls_locate(fd, l, NULL);

	if (!r)
		r = tls_cache_digest(fd, l, digest);
	return r ? r : tls_cache_store(p->dir, l, digest);
}

static void test_round(void **state)
{
	struct tls_layout l, back;
	char name[256];
	struct place p = {0};

	(void)state;
	place_open(&p);
	assert_int_equal(tls_cache_load(p.dir, p.lib, &back), -ENOENT);
	assert_int_equal(keep(&p, p.lib, &l), 0);
	assert_int_equal(place_list(&p, name), 1); /* and nothing left aside */
	assert_int_equal(tls_cache_load(p.dir, p.lib, &back), 0);
	same(&l, &back);
	/* again over itself */
	assert_int_equal(keep(&p, p.lib, &l), 0);
	assert_int_equal(place_list(&p, name), 1);
	place_close(&p);
}

static void refused(const struct place *p, int lib)
{
	struct tls_layout back, untouched;

	memset(&back, 0xa5, sizeof(back));
	memset(&untouched, 0xa5, sizeof(untouched));
	assert_int_equal(tls_cache_load(p->dir, lib, &back), -ENOENT);
	assert_memory_equal(&back, &untouched, sizeof(back));
}

static void test_damage(void **state)
{
	uint8_t record[8192];
	struct tls_layout l;
	char name[256];
	struct place p = {0};
	ssize_t n;
	int fd;

	(void)state;
	place_open(&p);
	assert_int_equal(keep(&p, p.lib, &l), 0);
	place_list(&p, name);
	fd = openat(p.dir, name, O_RDWR);
	n = read(fd, record, sizeof(record));
	assert_true(n > 300 && n < (ssize_t)sizeof(record));
	for (ssize_t i = 0; i < n; i += 3) { /* each damaged byte */
		uint8_t bad = record[i] ^ 0x10;

		assert_int_equal(pwrite(fd, &bad, 1, i), 1);
		refused(&p, p.lib);
		assert_int_equal(pwrite(fd, &record[i], 1, i), 1);
	}
	assert_int_equal(tls_cache_load(p.dir, p.lib, &l), 0);
	for (ssize_t i = 0; i < n; i += 7) { /* each length */
		assert_int_equal(ftruncate(fd, i), 0);
		refused(&p, p.lib);
	}
	assert_int_equal(pwrite(fd, record, (size_t)n, 0), n);
	assert_int_equal(pwrite(fd, record, 10, n), 10); /* and more than all */
	refused(&p, p.lib);
	close(fd);
	/* it is made anew */
	assert_int_equal(keep(&p, p.lib, &l), 0);
	assert_int_equal(tls_cache_load(p.dir, p.lib, &l), 0);
	place_close(&p);
}

static void test_foreign(void **state)
{
	struct tls_layout l;
	char name[256];
	struct place p = {0};

	(void)state;
	place_open(&p);
	assert_int_equal(keep(&p, p.lib, &l), 0);
	place_list(&p, name);
	assert_int_equal(fchmodat(p.dir, name, 0620, 0), 0);
	refused(&p, p.lib);
	assert_int_equal(fchmodat(p.dir, name, 0600, 0), 0);
	assert_int_equal(tls_cache_load(p.dir, p.lib, &l), 0);
	/* a record under the name of a file of another size: not even looked at */
	assert_int_equal(renameat(p.dir, name, p.dir, "0011-1.layout"), 0);
	refused(&p, p.lib);
	assert_int_equal(renameat(p.dir, "0011-1.layout", p.dir, name), 0);
	assert_int_equal(tls_cache_load(p.dir, p.lib, &l), 0);
	/* and one that was analysed when the code was another */
	assert_int_equal(tls_cache_store(p.dir, &l, (uint8_t[32]){0}), 0);
	refused(&p, p.lib);
	assert_int_equal(keep(&p, p.lib, &l), 0);
	if (geteuid() == 0) {
		assert_int_equal(fchownat(p.dir, name, 65534, 65534, 0), 0);
		refused(&p, p.lib);
	}
	/* a link to a good record elsewhere */
	assert_int_equal(renameat(p.dir, name, p.dir, "other"), 0);
	assert_int_equal(symlinkat("other", p.dir, name), 0);
	refused(&p, p.lib);
	assert_int_equal(unlinkat(p.dir, name, 0), 0);
	assert_int_equal(mkfifoat(p.dir, name, 0600), 0);
	refused(&p, p.lib);
	place_close(&p);
}

/* A file with the build-id and the size of a known one, and other code. */
static void test_other_code(void **state)
{
	struct tls_layout l;
	struct place p = {0};
	struct stat st;
	uint8_t *b, was;
	uint64_t at;
	int copy;

	(void)state;
	place_open(&p);
	assert_int_equal(keep(&p, p.lib, &l), 0);
	assert_int_equal(fstat(p.lib, &st), 0);
	b = malloc((size_t)st.st_size);
	assert_non_null(b);
	assert_int_equal(pread(p.lib, b, (size_t)st.st_size, 0), st.st_size);
	copy = synth_memfd(b, (size_t)st.st_size);
	assert_int_equal(tls_cache_load(p.dir, copy, &l), 0);
	/* inside SSL_read, far from its entry and from its return */
	at = l.function[TLS_ROLE_READ].offset + 64;
	was = b[at] ^ 1;
	assert_int_equal(pwrite(copy, &was, 1, (off_t)at), 1);
	assert_true(tls_layout_matches(&l, copy));
	refused(&p, copy);
	close(copy);
	free(b);
	place_close(&p);
}

static void test_no_name(void **state)
{
	static struct synth s;
	struct tls_layout l = {.file_size = 1};
	struct place p = {0};
	int fd;

	(void)state;
	place_open(&p);
	synth_init(&s, ET_EXEC, false);
	memset(s.file + SYNTH_BUILDID, 0, 36);
	synth_finish(&s, EM_X86_64);
	fd = synth_memfd(s.file, s.size);
	assert_int_equal(tls_cache_store(p.dir, &l, (uint8_t[32]){0}), -ENOTSUP);
	refused(&p, fd);
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	refused(&p, fd);
	close(fd);
	place_close(&p);
}

UNIT_MAIN(unit(test_round), unit(test_damage), unit(test_foreign), unit(test_other_code),
	  unit(test_no_name))
