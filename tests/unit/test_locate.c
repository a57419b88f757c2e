// SPDX-License-Identifier: Apache-2.0
/* The locator on the TLS libraries of the system, with nm and objdump as oracles, and on files that
 * are damaged, hostile or no ELF at all. */
#include "harness.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "command.h"
#include "locate_elf.h"
#include "tls/elf.h"
#include "tls/locate.h"
#include "tls/reasons.h"

#define LIB	  "/usr/lib/x86_64-linux-gnu/"
#define BORINGSSL LIB "android/libssl.so.0"

/* What nm says of a defined symbol, 0 if nothing. */
static uint64_t nm(const char *path, const char *symbol)
{
	struct command c;
	char line[512];
	uint64_t found = 0;

	command_start(&c, (const char *const[]){"nm", "-D", "--defined-only", path, NULL});
	while (fgets(line, sizeof(line), c.out)) {
		char *name = strrchr(line, ' ');

		if (!name)
			continue;
		name[strcspn(name, "@\n")] = 0;
		if (strcmp(name + 1, symbol) == 0)
			found = strtoull(line, NULL, 16);
	}
	command_end(&c); /* not asked: nm fails for a file that is not there, which is an answer */
	return found;
}

/* How many returns objdump sees in the range, and whether each is among those listed. */
static uint32_t objdump_returns(const char *path, const struct tls_function *f)
{
	char from[64], to[64], line[512];
	struct command c;
	uint32_t n = 0;

	snprintf(from, sizeof(from), "--start-address=0x%llx", (unsigned long long)f->address);
	snprintf(to, sizeof(to), "--stop-address=0x%llx",
		 (unsigned long long)(f->address + f->size));
	command_start(&c, (const char *const[]){"objdump", "-d", "--no-show-raw-insn", from, to,
						path, NULL});
	while (fgets(line, sizeof(line), c.out)) {
		uint64_t at = strtoull(line, NULL, 16);
		const char *text = strchr(line, '\t');
		bool listed = false;

		if (!text || strncmp(text + 1, "ret", 3) != 0)
			continue;
		n++;
		for (uint32_t i = 0; i < f->n_rets; i++)
			listed |= f->ret_offset[i] == at - f->address + f->offset;
		if (!listed)
			fail_msg("%s: the return at 0x%llx is not listed", path,
				 (unsigned long long)at);
	}
	assert_int_equal(command_end(&c), 0);
	return n;
}

static const struct library {
	const char *path;
	enum tls_library library;
	bool required;
	const char *symbol[TLS_ROLE_MAX];
} libraries[] = {
	{LIB "libssl.so.3",
	 TLS_LIBRARY_OPENSSL,
	 true,
	 {"SSL_write", "SSL_read", "SSL_write_ex", "SSL_read_ex", "SSL_do_handshake",
	  "SSL_set_alpn_protos", "SSL_CTX_set_alpn_protos"}},
	{LIB "libgnutls.so.30",
	 TLS_LIBRARY_GNUTLS,
	 true,
	 {"gnutls_record_send", "gnutls_record_recv", NULL, NULL, "gnutls_handshake",
	  "gnutls_alpn_set_protocols", NULL}},
	{BORINGSSL,
	 TLS_LIBRARY_BORINGSSL,
	 true,
	 {"SSL_write", "SSL_read", NULL, NULL, "SSL_do_handshake", "SSL_set_alpn_protos",
	  "SSL_CTX_set_alpn_protos"}},
	/* with its own OpenSSL inside as the vendor builds it, with the system's as Debian does */
	{"/usr/bin/node",
	 TLS_LIBRARY_OPENSSL,
	 false,
	 {"SSL_write", "SSL_read", "SSL_write_ex", "SSL_read_ex", "SSL_do_handshake",
	  "SSL_set_alpn_protos", "SSL_CTX_set_alpn_protos"}},
};

static void library_check(const struct library *c, int fd)
{
	char why[TLS_WHY_SIZE] = "";
	struct tls_layout l;
	int r = tls_locate(fd, &l, why);

	if (!c->required && !nm(c->path, c->symbol[0])) {
		assert_int_equal(r, -ENOENT);
		return;
	}
	if (r)
		fail_msg("%s: %d %s", c->path, r, why);
	assert_int_equal(l.method, TLS_METHOD_SYMBOLS);
	assert_int_equal(l.library, c->library);
	assert_int_not_equal(l.build_id_len, 0);
	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++) {
		const struct tls_function *f = &l.function[i];
		uint64_t want = c->symbol[i] ? nm(c->path, c->symbol[i]) : 0;

		if (want != (f->present ? f->address : 0))
			fail_msg("%s %s: 0x%llx, nm says 0x%llx", c->path, tls_role_to_string(i),
				 (unsigned long long)f->address, (unsigned long long)want);
		if (!f->present || i >= TLS_ROLE_HANDSHAKE)
			continue;
		assert_true(f->n_rets > 0);
		assert_true(objdump_returns(c->path, f) <= f->n_rets);
	}
	assert_true(tls_layout_matches(&l, fd));
}

static void test_libraries(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		int fd = open(libraries[i].path, O_RDONLY);

		if (fd < 0 && !libraries[i].required)
			continue;
		assert_true(fd >= 0);
		library_check(&libraries[i], fd);
		close(fd);
	}
}

static uint8_t *read_all(const char *path, size_t *ret_size)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *b;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	b = malloc((size_t)st.st_size);
	assert_non_null(b);
	assert_int_equal(read(fd, b, (size_t)st.st_size), st.st_size);
	close(fd);
	*ret_size = (size_t)st.st_size;
	return b;
}

/* Offers are found by symbol only. */
static void layouts_agree(const struct tls_layout *symbols, const struct tls_layout *reasons)
{
	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++) {
		const struct tls_function *x = &symbols->function[i], *y = &reasons->function[i];

		if (i == TLS_ROLE_OFFER || i == TLS_ROLE_OFFER_ALL) {
			assert_true(x->present && !y->present);
			continue;
		}
		assert_int_equal(x->present, y->present);
		assert_int_equal(x->address, y->address);
		assert_int_equal(x->offset, y->offset);
		assert_int_equal(x->n_rets, y->n_rets);
		assert_memory_equal(x->ret_offset, y->ret_offset, sizeof(x->ret_offset));
		assert_memory_equal(x->entry, y->entry, sizeof(x->entry));
	}
}

/* The method that needs no symbols, on a library that has them: they are the oracle. */
static void test_oracle(void **state)
{
	struct tls_layout by_symbols, by_reasons, renamed;
	char why[TLS_WHY_SIZE];
	size_t size;
	uint8_t *b = read_all(BORINGSSL, &size), *p = b;
	int fd = open(BORINGSSL, O_RDONLY), copy;

	(void)state;
	assert_int_equal(tls_locate(fd, &by_symbols, why), 0);
	assert_int_equal(tls_locate_reasons(fd, &by_reasons, why), 0);
	assert_int_equal(by_symbols.method, TLS_METHOD_SYMBOLS);
	assert_int_equal(by_reasons.method, TLS_METHOD_REASONS);
	layouts_agree(&by_symbols, &by_reasons);
	close(fd);

	/* without the names, tls_locate falls back by itself */
	while ((p = memmem(p, size - (size_t)(p - b), "\0SSL_", 5)))
		p[1] = 'X';
	copy = synth_memfd(b, size);
	assert_int_equal(tls_locate(copy, &renamed, why), 0);
	assert_int_equal(renamed.method, TLS_METHOD_REASONS);
	layouts_agree(&by_symbols, &renamed);
	close(copy);
	free(b);
}

/* A function whose error constant is changed is no longer known; nothing else takes its place. */
static void test_doctored(void **state)
{
	static const uint8_t write_reason[] = {0xba, 0xe2, 0, 0, 0}; /* mov edx, UNINITIALIZED */
	struct tls_layout l;
	char why[TLS_WHY_SIZE];
	size_t size;
	uint8_t *b = read_all(BORINGSSL, &size), *p;
	int fd = open(BORINGSSL, O_RDONLY), copy;

	(void)state;
	assert_int_equal(tls_locate_reasons(fd, &l, why), 0);
	close(fd);
	p = memmem(b + l.function[TLS_ROLE_WRITE].offset, l.function[TLS_ROLE_WRITE].size,
		   write_reason, sizeof(write_reason));
	assert_non_null(p);
	p[1] = 0xe3;
	copy = synth_memfd(b, size);
	assert_int_equal(tls_locate_reasons(copy, &l, why), -EUCLEAN);
	assert_non_null(strstr(why, "SSL_write"));
	close(copy);
	free(b);
}

static int locate_bytes(const void *bytes, size_t n, char *why)
{
	struct tls_layout l, untouched;
	int fd = synth_memfd(bytes, n), r;

	memset(&l, 0xa5, sizeof(l));
	memset(&untouched, 0xa5, sizeof(untouched));
	r = tls_locate(fd, &l, why);
	if (r)
		assert_memory_equal(&l, &untouched, sizeof(l));
	close(fd);
	return r;
}

static void test_truncated(void **state)
{
	size_t size, step = 1;
	uint8_t *b = read_all(BORINGSSL, &size);

	(void)state;
	for (size_t n = 0; n < size; n += step) {
		char why[TLS_WHY_SIZE] = "";
		int r = locate_bytes(b, n, why);

		/* behind the last segment only section headers are lost */
		if (r == 0)
			assert_true(n >= 0x66ea8);
		else if (r != -ENOEXEC || !why[0])
			fail_msg("cut at %zu: %d \"%s\"", n, r, why);
		step = n < 1024 ? 7 : 4093;
	}
	free(b);
}

static void put(uint8_t *file, size_t at, uint64_t v, size_t n)
{
	memcpy(file + at, &v, n);
}

#define E(field) offsetof(Elf64_Ehdr, field), sizeof(((Elf64_Ehdr *)0)->field)
#define P(i, field)                                                                                \
	sizeof(Elf64_Ehdr) + (i) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, field),               \
		sizeof(((Elf64_Phdr *)0)->field)

static void test_headers(void **state)
{
	static const struct {
		size_t at, n;
		uint64_t value;
		int want;
	} cases[] = {
		{0, 1, 'x', -ENOEXEC},
		{EI_CLASS, 1, ELFCLASS32, -ENOTSUP},
		{EI_DATA, 1, ELFDATA2MSB, -ENOTSUP},
		{E(e_machine), EM_386, -ENOTSUP},
		{E(e_machine), EM_RISCV, -ENOTSUP},
		{E(e_type), ET_REL, -ENOTSUP},
		{E(e_type), ET_CORE, -ENOTSUP},
		{E(e_phnum), 0, -ENOEXEC},
		{E(e_phnum), 0xffff, -ENOEXEC},
		{E(e_phnum), 200, -ENOEXEC}, /* fits no file of this size */
		{E(e_phnum), 60, 0},	     /* what follows the headers is no segment */
		{E(e_phentsize), 0, -ENOEXEC},
		{E(e_phentsize), 32, -ENOEXEC},
		{E(e_phoff), UINT64_MAX, -ENOEXEC},
		{E(e_phoff), UINT64_MAX - 8, -ENOEXEC},
		{E(e_phoff), SYNTH_MAX, -ENOEXEC},
		{E(e_shnum), 0xffff, 0}, /* the dynamic segment counts, not sections */
		{E(e_shoff), UINT64_MAX, 0},
		{P(0, p_filesz), UINT64_MAX, -ENOEXEC},
		{P(0, p_filesz), SYNTH_MAX, -ENOEXEC},
		{P(0, p_offset), UINT64_MAX - 4095, -ENOEXEC},
		{P(0, p_offset), 1, -ENOEXEC},
		{P(0, p_vaddr), UINT64_MAX - 4095, -ENOEXEC},
		{P(0, p_vaddr), 0x401000, -ENOEXEC}, /* on top of the text */
		{P(0, p_memsz), 1, -ENOEXEC},
		{P(1, p_flags), PF_R, -ENOENT},
		{P(1, p_filesz), 0, -ENOENT},
		{P(1, p_vaddr), 0x7ffffffff000, 0}, /* calls are relative: it moves as one */
		{P(2, p_filesz), UINT64_MAX, 0},    /* a bad note: no build-id */
		{P(2, p_offset), UINT64_MAX, 0},
		{SYNTH_BUILDID, 4, UINT32_MAX, 0},
		{SYNTH_BUILDID + 4, 4, UINT32_MAX, 0},
		{SYNTH_BUILDID + 4, 4, 21, 0},
	};
	static struct synth plain, s;
	uint64_t handshake, body, write, read;

	(void)state;
	synth_init(&plain, ET_EXEC, false);
	handshake = synth_start(&plain);
	synth_raise(&plain, 134);
	synth_emit(&plain, 0xc3);
	body = synth_start(&plain);
	synth_raise(&plain, 226);
	synth_raise(&plain, 215);
	synth_call(&plain, handshake);
	synth_emit(&plain, 0xff, 0x50, 0x18, 0xc3);
	write = synth_start(&plain);
	synth_raise(&plain, 66);
	synth_raise(&plain, 226);
	synth_raise(&plain, 215);
	synth_call(&plain, handshake);
	synth_emit(&plain, 0xff, 0x50, 0x48, 0xc3);
	read = synth_start(&plain);
	synth_raise(&plain, 66);
	synth_call(&plain, body);
	synth_emit(&plain, 0x48, 0x01, 0x98, 0x80, 0, 0, 0, 0x48, 0x29, 0x98, 0x88, 0, 0, 0, 0xc3);
	synth_start(&plain);
	synth_call(&plain, write);
	synth_call(&plain, read);
	synth_finish(&plain, EM_X86_64);
	assert_int_equal(locate_bytes(plain.file, plain.size, NULL), 0);

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char why[TLS_WHY_SIZE] = "";
		int r;

		s = plain;
		put(s.file, cases[i].at, cases[i].value, cases[i].n);
		r = locate_bytes(s.file, s.size, why);
		if (r != cases[i].want || (r && !why[0]))
			fail_msg("offset %zu = 0x%llx: %d \"%s\", wanted %d", cases[i].at,
				 (unsigned long long)cases[i].value, r, why, cases[i].want);
	}
}

static void test_no_elf(void **state)
{
	struct tls_layout l;
	char why[TLS_WHY_SIZE];
	int fd;

	(void)state;
	assert_int_equal(locate_bytes("", 0, why), -ENOEXEC);
	assert_int_equal(locate_bytes("#!/bin/sh\n", 10, why), -ENOEXEC);
	assert_int_equal(locate_bytes("\177ELF", 4, why), -ENOEXEC);
	assert_int_equal(tls_locate(-1, &l, why), -EBADF);
	assert_non_null(strstr(why, "fstat"));
	fd = open("/tmp", O_RDONLY | O_DIRECTORY);
	assert_int_equal(tls_locate(fd, &l, why), -ENOEXEC);
	close(fd);
	fd = open("/dev/zero", O_RDONLY);
	assert_int_equal(tls_locate(fd, &l, why), -ENOEXEC);
	close(fd);
	fd = open(BORINGSSL, O_PATH);
	assert_int_equal(tls_locate(fd, &l, why), -EBADF);
	close(fd);
	fd = open("/bin/true", O_RDONLY);
	assert_int_equal(tls_locate(fd, &l, why), -ENOENT);
	assert_true(lseek(fd, 0, SEEK_CUR) == 0);
	close(fd);
}

static int touch_all(struct elf_image *image, void *arg)
{
	uint64_t *sum = arg;

	for (uint64_t i = 0; i < image->size; i += 512)
		*sum += image->map[i];
	return 0;
}

/* Somebody cuts the file short between the look at its size and the reading of its pages. */
static void test_cut_while_read(void **state)
{
	struct sigaction before, after;
	char why[TLS_WHY_SIZE];
	struct elf_image image;
	size_t size;
	uint8_t *b = read_all(BORINGSSL, &size);
	uint64_t sum = 0;
	int fd = synth_memfd(b, size);

	(void)state;
	sigaction(SIGBUS, NULL, &before);
	assert_int_equal(elf_image_open(fd, &image, why), 0);
	assert_int_equal(elf_image_guard(&image, touch_all, &sum), 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	assert_int_equal(elf_image_guard(&image, touch_all, &sum), -EIO);
	assert_non_null(strstr(why, "cut short"));
	/* and once more: the first fault must leave nothing blocked */
	assert_int_equal(elf_image_guard(&image, touch_all, &sum), -EIO);
	elf_image_close(&image);
	sigaction(SIGBUS, NULL, &after);
	assert_true(before.sa_handler == after.sa_handler);
	close(fd);
	free(b);
}

static void test_matches(void **state)
{
	struct tls_layout l, other;
	size_t size;
	uint8_t *b = read_all(BORINGSSL, &size);
	int fd = synth_memfd(b, size);
	uint64_t entry, ret;

	(void)state;
	assert_int_equal(tls_locate(fd, &l, NULL), 0);
	entry = l.function[TLS_ROLE_READ].offset;
	ret = l.function[TLS_ROLE_READ].ret_offset[0];
	assert_true(tls_layout_matches(&l, fd));

	assert_int_equal(pwrite(fd, "\xcc", 1, (off_t)entry), 1);
	assert_false(tls_layout_matches(&l, fd));
	assert_int_equal(pwrite(fd, b + entry, 1, (off_t)entry), 1);
	assert_true(tls_layout_matches(&l, fd));

	/* a probe there would split an instruction */
	assert_int_equal(pwrite(fd, "\x90", 1, (off_t)ret), 1);
	assert_false(tls_layout_matches(&l, fd));
	assert_int_equal(pwrite(fd, b + ret, 1, (off_t)ret), 1);

	other = l;
	other.build_id[0] ^= 1;
	assert_false(tls_layout_matches(&other, fd));
	other = l;
	other.build_id_len = 0;
	assert_false(tls_layout_matches(&other, fd));
	other = l;
	other.function[TLS_ROLE_WRITE].offset = UINT64_MAX;
	assert_false(tls_layout_matches(&other, fd));
	other = l;
	other.function[TLS_ROLE_WRITE].ret_offset[0] = UINT64_MAX;
	assert_false(tls_layout_matches(&other, fd));
	other = l;
	other.function[TLS_ROLE_WRITE].n_rets = TLS_RETS_MAX + 1;
	assert_false(tls_layout_matches(&other, fd));
	other = l;
	other.machine = EM_AARCH64;
	assert_false(tls_layout_matches(&other, fd));
	assert_int_equal(ftruncate(fd, (off_t)size + 1), 0);
	assert_false(tls_layout_matches(&l, fd));
	assert_false(tls_layout_matches(&l, -1));
	close(fd);
	free(b);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < TLS_ROLE_MAX; i++)
		assert_true(islower(tls_role_to_string((enum tls_role)i)[0]));
	assert_string_equal(tls_role_to_string(TLS_ROLE_READ_EX), "read_ex");
	assert_string_equal(tls_role_to_string(TLS_ROLE_MAX), "?");
	assert_string_equal(tls_method_to_string(TLS_METHOD_REASONS), "reasons");
	assert_string_equal(tls_method_to_string(TLS_METHOD_MAX), "?");
	assert_string_equal(tls_library_to_string(TLS_LIBRARY_GNUTLS), "GnuTLS");
	assert_string_equal(tls_library_to_string(TLS_LIBRARY_MAX), "?");
}

UNIT_MAIN(unit(test_libraries), unit(test_oracle), unit(test_doctored), unit(test_truncated),
	  unit(test_headers), unit(test_no_elf), unit(test_cut_while_read), unit(test_matches),
	  unit(test_names))
