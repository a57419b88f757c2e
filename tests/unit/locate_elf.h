/* SPDX-License-Identifier: Apache-2.0 */
/* Small ELF programs for the tests of the locator, made byte by byte: what a compiler would do to
 * BoringSSL, and what an enemy would. */
#ifndef UNIT_LOCATE_ELF_H
#define UNIT_LOCATE_ELF_H

#include <assert.h>
#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SYNTH_TEXT    0x1000 /* offset of the text in the file, and from the base address */
#define SYNTH_STRING  0x401
#define SYNTH_BUILDID 0x300
#define SYNTH_MAX     0x20000

struct synth {
	uint8_t file[SYNTH_MAX];
	uint64_t size;
	uint64_t base;
	uint16_t type;
	bool old_order; /* reason in the second argument, file in the third */
	uint64_t err;
};

static inline void synth_bytes(struct synth *s, const void *b, size_t n)
{
	assert(s->size + n <= sizeof(s->file));
	memcpy(s->file + s->size, b, n);
	s->size += n;
}

#define synth_emit(s, ...)                                                                         \
	synth_bytes(s, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static inline void synth_u32(struct synth *s, uint32_t v)
{
	synth_bytes(s, &v, sizeof(v));
}

static inline uint64_t synth_here(const struct synth *s)
{
	return s->base + s->size;
}

/* Starts a function: 16-aligned, behind int3. */
static inline uint64_t synth_start(struct synth *s)
{
	do
		synth_emit(s, 0xcc);
	while (s->size % 16);
	return synth_here(s);
}

static inline void synth_branch(struct synth *s, uint8_t opcode, uint64_t target)
{
	synth_emit(s, opcode);
	synth_u32(s, (uint32_t)(target - (synth_here(s) + 4)));
}

static inline void synth_call(struct synth *s, uint64_t target)
{
	synth_branch(s, 0xe8, target);
}

static inline void synth_jump(struct synth *s, uint64_t target)
{
	synth_branch(s, 0xe9, target);
}

/* rcx or rdx = the name of the source file */
static inline void synth_file(struct synth *s)
{
	uint64_t string = s->base + SYNTH_STRING;

	if (s->type == ET_EXEC) {
		synth_emit(s, s->old_order ? 0xba : 0xb9);
		synth_u32(s, (uint32_t)string);
	} else {
		synth_emit(s, 0x48, 0x8d, s->old_order ? 0x15 : 0x0d);
		synth_u32(s, (uint32_t)(string - (synth_here(s) + 4)));
	}
}

static inline void synth_reason(struct synth *s, uint32_t reason)
{
	synth_emit(s, s->old_order ? 0xbe : 0xba);
	synth_u32(s, reason);
}

/* ERR_put_error(16, 0, reason, file, line) */
static inline void synth_raise(struct synth *s, uint32_t reason)
{
	synth_file(s);
	synth_emit(s, 0xbf, 16, 0, 0, 0); /* mov edi, 16 */
	if (!s->old_order)
		synth_emit(s, 0x31, 0xf6); /* xor esi, esi */
	synth_reason(s, reason);
	synth_call(s, s->err);
}

static inline void synth_init(struct synth *s, uint16_t type, bool old_order)
{
	static const struct {
		Elf64_Nhdr head;
		char name[4];
		uint8_t id[20];
	} note = {{4, 20, NT_GNU_BUILD_ID}, "GNU", "\1\2\3\4\5"};
	static const char source[] = "../../vendor/boringssl/ssl/ssl_lib.cc";

	memset(s, 0, sizeof(*s));
	s->type = type;
	s->old_order = old_order;
	s->base = type == ET_EXEC ? 0x400000 : 0;
	memcpy(s->file + SYNTH_BUILDID, &note, sizeof(note));
	memcpy(s->file + SYNTH_STRING, source, sizeof(source));
	s->size = SYNTH_TEXT;
	s->err = synth_start(s);
	synth_emit(s, 0xc3);
}

/* Writes the headers; call it last. */
static inline void synth_finish(struct synth *s, uint16_t machine)
{
	const Elf64_Phdr phdr[] = {
		{PT_LOAD, PF_R, 0, s->base, s->base, SYNTH_TEXT, SYNTH_TEXT, 4096},
		{PT_LOAD, PF_R | PF_X, SYNTH_TEXT, s->base + SYNTH_TEXT, s->base + SYNTH_TEXT,
		 s->size - SYNTH_TEXT, s->size - SYNTH_TEXT, 4096},
		{PT_NOTE, PF_R, SYNTH_BUILDID, s->base + SYNTH_BUILDID, s->base + SYNTH_BUILDID, 36,
		 36, 4},
	};
	const Elf64_Ehdr ehdr = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = s->type,
		.e_machine = machine,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = sizeof(phdr) / sizeof(phdr[0]),
	};

	memcpy(s->file, &ehdr, sizeof(ehdr));
	memcpy(s->file + sizeof(ehdr), phdr, sizeof(phdr));
}

static inline int synth_memfd(const void *bytes, size_t n)
{
	int fd = memfd_create("synth", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	return fd;
}

#endif
