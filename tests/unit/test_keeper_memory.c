// SPDX-License-Identifier: Apache-2.0
/* Probes that are overwritten in a process's memory, looked for in this very process. */
#include "keeper_bench.h"

#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "keeper/memory.h"

/* ---- what counts as a probe ---- */

static void test_probed(void **state)
{
	static const struct {
		const char *name;
		uint16_t machine;
		uint8_t file[MEMORY_SITE_BYTES], now[MEMORY_SITE_BYTES];
		bool probed;
	} rows[] = {
		{"a breakpoint", EM_X86_64, {0x55, 0x48}, {0xcc, 0x48}, true},
		{"what the file has", EM_X86_64, {0x55, 0x48}, {0x55, 0x48}, false},
		{"the same in another form", EM_X86_64, {0x55}, {0xff, 0xf5}, false},
		{"a jump", EM_X86_64, {0x55}, {0xe9, 1, 2, 3, 4}, false},
		{"nothing", EM_X86_64, {0xc3}, {0x90}, false},
		{"the kernel's call",
		 EM_X86_64,
		 {0x0f, 0x1f, 0x44, 0, 0},
		 {0xe8, 1, 2, 3, 4},
		 true},
		{"the file's five bytes", EM_X86_64, {0x0f, 0x1f, 0x44}, {0x0f, 0x1f, 0x44}, false},
		{"a call that is none of the kernel's", EM_X86_64, {0x55}, {0xe8, 1, 2, 3}, false},
		{"half of the place", EM_X86_64, {0x0f, 0x1f, 0x44, 0, 1}, {0xe8}, false},
		{"the kernel's brk", EM_AARCH64, {0xfd}, {0xa0, 0x00, 0x20, 0xd4}, true},
		{"a debugger's", EM_AARCH64, {0xfd}, {0x00, 0x00, 0x20, 0xd4}, true},
		{"stp", EM_AARCH64, {0xfd}, {0xfd, 0x7b, 0xbf, 0xa9}, false},
		{"hlt", EM_AARCH64, {0xfd}, {0x00, 0x00, 0x40, 0xd4}, false},
		{"int3 is no brk", EM_AARCH64, {0xfd}, {0xcc, 0x00, 0x00, 0x00}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (memory_probed(rows[i].machine, rows[i].file, rows[i].now) != rows[i].probed)
			fail_msg("%s", rows[i].name);
}

/* ---- where probes are ---- */

static void test_sites(void **state)
{
	_cleanup_free_ struct tls_layout *layout = calloc(1, sizeof(*layout));
	struct memory_site sites[MEMORY_SITES_MAX];
	_cleanup_close_ int fd = memfd_create("code", MFD_CLOEXEC);
	struct tls_function *f = layout->function;

	(void)state;
	assert_int_equal(pwrite(fd, "\x55\x48\x89\xe5\xc3\x90", 6, 16), 6);
	f[TLS_ROLE_WRITE] = (struct tls_function){
		.present = true, .offset = 16, .n_rets = 2, .ret_offset = {20, 21}};
	f[TLS_ROLE_HANDSHAKE] = (struct tls_function){
		.present = true, .offset = 17, .n_rets = 1, .ret_offset = {20}};
	f[TLS_ROLE_READ].offset = 18; /* not there */
	/* not attached everywhere */
	f[TLS_ROLE_OFFER] = (struct tls_function){.present = true, .offset = 19};
	assert_int_equal(memory_sites(layout, fd, sites), 4);
	for (int i = 0; i < 4; i++) {
		static const uint64_t offsets[] = {16, 20, 21, 17};
		static const uint8_t first[] = {0x55, 0xc3, 0x90, 0x48};

		assert_int_equal(sites[i].offset, offsets[i]);
		assert_int_equal(sites[i].file[0], first[i]);
	}
	assert_int_equal(sites[2].file[1], 0); /* behind the end */
	f[TLS_ROLE_WRITE].ret_offset[1] = 22;
	assert_int_equal(memory_sites(layout, fd, sites), -EIO);
}

/* ---- looking ---- */

#define PAGE 4096

struct file {
	int fd;
	struct image_key key;
	struct memory_site sites[2];
};

/* Two pages with a place for a probe in each. */
static void file_open(struct file *f)
{
	static const uint8_t code[2 * PAGE] = {[100] = 0x55, [PAGE + 200] = 0xc3};
	char path[] = "/tmp/bailiff-code-XXXXXX";
	struct stat st;

	f->fd = mkostemp(path, O_CLOEXEC);
	assert_true(f->fd >= 0);
	assert_int_equal(write(f->fd, code, sizeof(code)), sizeof(code));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fstat(f->fd, &st), 0);
	f->key = (struct image_key){.ctime_ns = (uint64_t)st.st_ctim.tv_sec * 1000000000u +
						(uint64_t)st.st_ctim.tv_nsec,
				    .size = (uint64_t)st.st_size};
	f->sites[0] = (struct memory_site){.offset = 100, .file = {0x55}};
	f->sites[1] = (struct memory_site){.offset = PAGE + 200, .file = {0xc3}};
}

static uint8_t *map(const struct file *f, int prot, int flags)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, prot, flags, f->fd, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void probe(uint8_t *code, size_t at, uint8_t byte)
{
	assert_int_equal(mprotect(code, 2 * PAGE, PROT_READ | PROT_WRITE), 0);
	code[at] = byte;
	assert_int_equal(mprotect(code, 2 * PAGE, PROT_READ | PROT_EXEC), 0);
}

/* Which place has no probe: 0 and up, -1 none, or another -errno. */
static int look(const struct file *f, pid_t pid)
{
	const struct memory_site *site = NULL;
	int r = memory_look(pid, &f->key, EM_X86_64, f->sites, 2, &site);

	if (r != 1)
		assert_null(site);
	return r == 1 ? (int)(site - f->sites) : r == 0 ? -1 : r;
}

/* Following map_files takes privileges that a developer's account has not. */
static bool may_look(void)
{
	struct file f;
	uint8_t *code;
	int r;

	file_open(&f);
	code = map(&f, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	r = look(&f, getpid());
	munmap(code, 2 * PAGE);
	close(f.fd);
	if (r < 0 && geteuid() != 0)
		return false;
	assert_int_equal(r, 0);
	return true;
}

static void test_look(void **state)
{
	struct file f, other;
	uint8_t *code, *more[65];
	pid_t child;

	(void)state;
	if (!may_look())
		skip();
	file_open(&f);
	assert_int_equal(look(&f, getpid()), -1); /* not mapped: nothing to say */
	code = map(&f, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	assert_int_equal(look(&f, getpid()), 0);
	probe(code, 100, 0xcc);
	assert_int_equal(look(&f, getpid()), 1);
	probe(code, PAGE + 200, 0xcc);
	assert_int_equal(look(&f, getpid()), -1);
	/* one place of many is enough */
	probe(code, 100, 0x55);
	assert_int_equal(look(&f, getpid()), 0);
	probe(code, 100, 0xcc);
	/* another file of the same content is none of ours */
	file_open(&other);
	more[0] = map(&other, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	other.key.ctime_ns++;
	assert_int_equal(look(&other, getpid()), -1);
	munmap(more[0], 2 * PAGE);
	close(other.fd);
	/* what cannot be executed is data; a second copy, and one that is shared, are code */
	more[0] = map(&f, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	assert_int_equal(look(&f, getpid()), -1);
	munmap(more[0], 2 * PAGE);
	more[0] = map(&f, PROT_READ | PROT_EXEC, MAP_SHARED);
	assert_int_equal(look(&f, getpid()), 0);
	munmap(more[0], 2 * PAGE);
	/* a look that is made to take long says no */
	for (int i = 0; i < 65; i++) {
		more[i] = map(&f, PROT_READ | PROT_EXEC, MAP_PRIVATE);
		probe(more[i], 100, 0xcc);
		probe(more[i], PAGE + 200, 0xcc);
	}
	assert_int_equal(look(&f, getpid()), 0);
	for (int i = 0; i < 65; i++)
		munmap(more[i], 2 * PAGE);
	assert_int_equal(look(&f, getpid()), -1);
	/* a child has a copy, which is its own; and is gone after its end */
	child = fork();
	if (child == 0)
		_exit(look(&f, getppid()) == -1 ? 0 : 1);
	assert_true(child > 0);
	waitpid(child, NULL, 0);
	assert_int_equal(look(&f, child), -ESRCH);
	munmap(code, 2 * PAGE);
	close(f.fd);
}

/* ---- what the keeper makes of it ---- */

/* Never called: a place for a breakpoint in this program. */
static __attribute__((noinline, used, aligned(64))) int target(int n)
{
	return n * 3 + 1;
}

static int find_target(struct dl_phdr_info *info, size_t size, void *ctx)
{
	uint64_t *offset = ctx;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + p->p_vaddr, at = (uintptr_t)target;

		if (p->p_type == PT_LOAD && at >= from && at - from < p->p_filesz)
			*offset = at - from + p->p_offset;
	}
	return *offset != 0;
}

static void set_target(uint8_t byte)
{
	uint8_t *at = (uint8_t *)(uintptr_t)target;
	uint8_t *page = (uint8_t *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1));

	assert_int_equal(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	*(volatile uint8_t *)at = byte;
	assert_int_equal(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
}

static void test_intact(void **state)
{
	/* code is taken for constant otherwise, and read again when it has changed */
	uint8_t byte = *(volatile uint8_t *)(uintptr_t)target;
	struct bench b;
	struct image_key key;
	struct keeper_image *i;

	(void)state;
	if (!may_look())
		skip();
	key = bench_question(&b);
	answer(&b, IMAGE_CLIENT, true, 1);
	i = keeper_image_find(&b.k, &key);
	assert_true(inspected(&key));
	assert_non_null(b.k.clients);
	/* of the file that was answered with; this program has one place */
	assert_true(i->n_sites > 3);
	i->n_sites = 1;
	i->layout->machine = EM_X86_64;
	memset(&i->sites[0], 0, sizeof(i->sites[0]));
	i->sites[0].file[0] = byte;
	assert_int_equal(dl_iterate_phdr(find_target, &i->sites[0].offset), 1);
	set_target(0xcc);
	keeper_intact_tick(&b.k);
	assert_int_equal(world.tampered, 0);
	assert_int_equal(world.running.context.flags, TASK_GOVERNED | TASK_CLIENT);
	assert_null(b.k.clients->tampered);
	/* it is put back: governed it stays, inspected it is not, and that is told once */
	set_target(byte);
	keeper_intact_tick(&b.k);
	assert_int_equal(world.tampered, 1);
	assert_int_equal(world.site.offset, i->sites[0].offset);
	assert_int_equal(world.running.context.flags, TASK_GOVERNED);
	assert_string_equal(b.k.clients->tampered, KEEPER_TAMPERED);
	assert_true(inspected(&key)); /* others that run the file */
	keeper_intact_tick(&b.k);
	assert_int_equal(world.tampered, 1);
	/* without probes there is nothing to look for; a keeper that has not taken over looks, too
	 */
	world.running.context.flags |= TASK_CLIENT;
	i->attached = false;
	keeper_intact_tick(&b.k);
	assert_int_equal(world.tampered, 1);
	i->attached = true;
	b.k.took_over = false;
	keeper_intact_tick(&b.k);
	assert_int_equal(world.tampered, 2);
	assert_int_equal(world.losses, 0);
	bench_close(&b);
}

/* Bytes that were sent past the probes: told by the kernel, and what policy says becomes of it. */
static void test_unsaid(void **state)
{
	static const struct {
		bool refuse;
		size_t n_tools;
		enum bailiff_mode mode;
		uint32_t flags;
		uint64_t other; /* the asking process ran another file */
		bool closed;
	} rows[] = {
		{true, 1, BAILIFF_MODE_ENFORCE, TASK_GOVERNED | TASK_CLIENT, 0, true},
		{false, 1, BAILIFF_MODE_ENFORCE, TASK_GOVERNED | TASK_CLIENT, 0, false},
		{true, 0, BAILIFF_MODE_ENFORCE, TASK_GOVERNED | TASK_CLIENT, 0, false},
		{true, 1, BAILIFF_MODE_SHADOW, TASK_GOVERNED | TASK_CLIENT, 0, false},
		{true, 1, BAILIFF_MODE_ENFORCE, TASK_GOVERNED, 0, false},
		{true, 1, BAILIFF_MODE_ENFORCE, TASK_GOVERNED | TASK_CLIENT, 1, false},
	};

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		struct record_image ask = {.ask = ASK_UNSAID};
		struct bench b;

		ask.key = bench_question(&b);
		answer(&b, IMAGE_CLIENT, true, 1);
		ask.head.actor.tgid = (uint32_t)getpid();
		ask.head.actor.start_ns = 1;
		ask.key.inode += rows[n].other;
		b.policy.inline_unsupported_refuse = rows[n].refuse;
		b.policy.n_tools = rows[n].n_tools;
		b.policy.mode_inline = rows[n].mode;
		world.running.context.flags = rows[n].flags;
		keeper_ask(&b.k, &ask);
		assert_int_equal(world.tampered, rows[n].closed);
		assert_int_equal(world.running.context.flags,
				 rows[n].closed ? TASK_GOVERNED : rows[n].flags);
		assert_int_equal(b.k.clients->tampered != NULL, rows[n].closed);
		/* asked again, it is none any more */
		keeper_ask(&b.k, &ask);
		assert_int_equal(world.tampered, rows[n].closed);
		b.policy.n_tools = 0;
		bench_close(&b);
	}
}

UNIT_MAIN(unit(test_unsaid), unit(test_probed), unit(test_sites), unit(test_look),
	  unit(test_intact))
