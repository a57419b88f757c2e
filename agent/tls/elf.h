/* SPDX-License-Identifier: Apache-2.0 */
/* A mapped ELF file and the few tables of it that matter here; every read is bounded, because the
 * file may be anybody's. */
#ifndef TLS_ELF_H
#define TLS_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/locate.h"

#define ELF_LOADS_MAX 32
#define ELF_OWNED_MAX 64
#define ELF_SLOTS_MAX 65536

struct elf_load {
	uint64_t vaddr;
	uint64_t offset;
	uint64_t filesz;
	uint32_t flags; /* PF_* */
};

struct elf_table {
	uint64_t offset; /* in the file */
	uint64_t size;	 /* bytes; 0: there is none */
};

/* A place in memory that the loader fills with the address of a symbol. */
struct elf_slot {
	uint64_t address;
	Elf64_Sym sym;
};

struct elf_image {
	const uint8_t *map;
	uint64_t size;
	uint16_t type;
	uint16_t machine;
	uint64_t shoff;
	uint16_t shnum;
	uint32_t n_loads;
	struct elf_load load[ELF_LOADS_MAX];
	uint32_t build_id_len;
	uint8_t build_id[TLS_BUILD_ID_MAX];
	struct elf_table
		dynsym; /* size 0 where DT_SYMTAB is missing: its end is the end of the segment */
	struct elf_table dynstr;
	struct elf_table gnu_hash;
	struct elf_table hash;
	struct elf_table rela;
	struct elf_table jmprel;
	struct elf_table frames; /* the sorted table of .eh_frame_hdr, 8 bytes an entry */
	uint32_t n_slots;
	struct elf_slot *slot; /* sorted by address, after elf_image_slots */
	uint64_t frames_base;  /* address that its entries are relative to */
	uint32_t n_owned;
	void *owned[ELF_OWNED_MAX]; /* freed with the image, also after a fault */
	char *why;
};

/* Maps the file and reads its headers. Returns 0, -ENOEXEC, -ENOTSUP or the errno of fstat and
 * mmap. why (TLS_WHY_SIZE bytes, may be NULL) is kept and receives every later explanation. */
int elf_image_open(int fd, struct elf_image *ret, char *why);
void elf_image_close(struct elf_image *image);

/* Runs fn(image, arg) so that a page that is gone (somebody cut the file short) ends it with -EIO
 * instead of the process. fn must own nothing but elf_image_alloc memory. One at a time in a
 * process: the SIGBUS handler is taken for the while. */
int elf_image_guard(struct elf_image *image, int (*fn)(struct elf_image *, void *), void *arg);

/* Zeroed memory that goes with the image; NULL when there is none. */
void *elf_image_alloc(struct elf_image *image, size_t n, size_t size);

/* The bytes at a virtual address, and how many follow in its segment; NULL if no file bytes back
 * it. */
const uint8_t *elf_image_at(const struct elf_image *image, uint64_t vaddr, uint64_t *ret_len);

/* The same, for exactly len bytes, as a copy: a file that changes under us cannot pass a check with
 * one value and be used with another. */
bool elf_image_copy(const struct elf_image *image, uint64_t vaddr, void *out, size_t len);

/* The file offset of an address in an executable segment. Returns 0 or -ENOENT. */
int elf_image_offset(const struct elf_image *image, uint64_t vaddr, uint64_t *ret);

/* Reads the slots that relocations name, up to ELF_SLOTS_MAX of them. Returns 0 or -ENOMEM. */
int elf_image_slots(struct elf_image *image);

/* The symbol that fills the slot at the address, or NULL. */
const Elf64_Sym *elf_image_slot(const struct elf_image *image, uint64_t address);

/* Whether the symbol is defined here, as code. */
bool elf_symbol_is_code(const struct elf_image *image, const Elf64_Sym *sym);

/* Compares the symbol's name, of the dynamic string table. */
bool elf_symbol_is_named(const struct elf_image *image, const Elf64_Sym *sym, const char *name);

/* Start of the unwind range at or below the address, and of the one above; 0 for none. */
void elf_image_frame(const struct elf_image *image, uint64_t vaddr, uint64_t *ret_start,
		     uint64_t *ret_next);

/* Writes the explanation; evaluates to r. */
int elf_image_why(const struct elf_image *image, int r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
