// SPDX-License-Identifier: Apache-2.0
/* Maps an ELF file and reads its headers, trusting none of their numbers. */
#include "tls/elf.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PHNUM_MAX   256
#define DYNAMIC_MAX 4096
#define PAGE	    4096u

int elf_image_why(const struct elf_image *image, int r, const char *fmt, ...)
{
	va_list ap;

	if (!image->why)
		return r;
	va_start(ap, fmt);
	if (vsnprintf(image->why, TLS_WHY_SIZE, fmt, ap) < 0)
		image->why[0] = 0;
	va_end(ap);
	return r;
}

void *elf_image_alloc(struct elf_image *image, size_t n, size_t size)
{
	void *p;

	if (image->n_owned == ELF_OWNED_MAX)
		return NULL;
	p = calloc(n, size);
	if (p)
		image->owned[image->n_owned++] = p;
	return p;
}

static const struct elf_load *load_of(const struct elf_image *image, uint64_t vaddr)
{
	for (uint32_t i = 0; i < image->n_loads; i++) {
		const struct elf_load *l = &image->load[i];

		if (vaddr >= l->vaddr && vaddr - l->vaddr < l->filesz)
			return l;
	}
	return NULL;
}

const uint8_t *elf_image_at(const struct elf_image *image, uint64_t vaddr, uint64_t *ret_len)
{
	const struct elf_load *l = load_of(image, vaddr);

	if (!l)
		return NULL;
	*ret_len = l->filesz - (vaddr - l->vaddr);
	return image->map + l->offset + (vaddr - l->vaddr);
}

bool elf_image_copy(const struct elf_image *image, uint64_t vaddr, void *out, size_t len)
{
	uint64_t n;
	const uint8_t *p = elf_image_at(image, vaddr, &n);

	if (!p || n < len)
		return false;
	memcpy(out, p, len);
	return true;
}

int elf_image_offset(const struct elf_image *image, uint64_t vaddr, uint64_t *ret)
{
	const struct elf_load *l = load_of(image, vaddr);

	if (!l || !(l->flags & PF_X))
		return -ENOENT;
	*ret = l->offset + (vaddr - l->vaddr);
	return 0;
}

static int header_read(struct elf_image *image, Elf64_Ehdr *e)
{
	if (image->size < EI_NIDENT || memcmp(image->map, ELFMAG, SELFMAG) != 0)
		return elf_image_why(image, -ENOEXEC, "not an ELF file");
	if (image->map[EI_CLASS] != ELFCLASS64 || image->map[EI_DATA] != ELFDATA2LSB)
		return elf_image_why(image, -ENOTSUP,
				     "an ELF file, but not of 64 bits in little-endian order");
	if (image->size < sizeof(*e))
		return elf_image_why(image, -ENOEXEC, "the ELF header is cut off");
	memcpy(e, image->map, sizeof(*e));
	if (e->e_machine != EM_X86_64 && e->e_machine != EM_AARCH64)
		return elf_image_why(image, -ENOTSUP, "machine %u is not analysed", e->e_machine);
	if (e->e_type != ET_EXEC && e->e_type != ET_DYN)
		return elf_image_why(image, -ENOTSUP,
				     "ELF type %u: neither a program nor a shared library",
				     e->e_type);
	if (e->e_phentsize != sizeof(Elf64_Phdr) || e->e_phnum == 0 || e->e_phnum > PHNUM_MAX)
		return elf_image_why(image, -ENOEXEC, "%u program headers of %u bytes each",
				     e->e_phnum, e->e_phentsize);
	if (e->e_phoff > image->size ||
	    (uint64_t)e->e_phnum * sizeof(Elf64_Phdr) > image->size - e->e_phoff)
		return elf_image_why(image, -ENOEXEC, "the program headers lie outside the file");
	return 0;
}

static int load_add(struct elf_image *image, const Elf64_Phdr *p)
{
	struct elf_load *l = &image->load[image->n_loads];

	if (p->p_filesz == 0)
		return 0;
	if (image->n_loads == ELF_LOADS_MAX)
		return elf_image_why(image, -ENOEXEC, "more than %d segments", ELF_LOADS_MAX);
	if (p->p_offset > image->size || p->p_filesz > image->size - p->p_offset)
		return elf_image_why(image, -ENOEXEC,
				     "the segment at 0x%llx ends behind the end of the file",
				     (unsigned long long)p->p_vaddr);
	/* the loader maps whole pages: with other remainders the offsets that are computed here are
	 * not those that run */
	if (p->p_vaddr + p->p_filesz < p->p_vaddr || p->p_memsz < p->p_filesz ||
	    (p->p_vaddr - p->p_offset) % PAGE)
		return elf_image_why(image, -ENOEXEC, "the segment at 0x%llx cannot be mapped",
				     (unsigned long long)p->p_vaddr);
	for (uint32_t i = 0; i < image->n_loads; i++) {
		const struct elf_load *o = &image->load[i];

		/* two answers to "which byte is at this address": what runs may be the other one */
		if (p->p_vaddr < o->vaddr + o->filesz && o->vaddr < p->p_vaddr + p->p_filesz)
			return elf_image_why(image, -ENOEXEC, "segments overlap at address 0x%llx",
					     (unsigned long long)p->p_vaddr);
	}
	*l = (struct elf_load){p->p_vaddr, p->p_offset, p->p_filesz, p->p_flags};
	image->n_loads++;
	return 0;
}

static void notes_read(struct elf_image *image, uint64_t offset, uint64_t size)
{
	if (offset > image->size || size > image->size - offset)
		return;
	while (size >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr n;
		uint64_t name, desc;

		memcpy(&n, image->map + offset, sizeof(n));
		name = ((uint64_t)n.n_namesz + 3) & ~3ull;
		desc = ((uint64_t)n.n_descsz + 3) & ~3ull;
		if (name + desc > size - sizeof(n))
			return;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && n.n_descsz > 0 &&
		    n.n_descsz <= TLS_BUILD_ID_MAX &&
		    memcmp(image->map + offset + sizeof(n), "GNU", 4) == 0) {
			memcpy(image->build_id, image->map + offset + sizeof(n) + name, n.n_descsz);
			image->build_id_len = n.n_descsz;
			return;
		}
		offset += sizeof(n) + name + desc;
		size -= sizeof(n) + name + desc;
	}
}

static void table_set(const struct elf_image *image, struct elf_table *t, uint64_t vaddr,
		      uint64_t size)
{
	const struct elf_load *l = load_of(image, vaddr);
	uint64_t room;

	if (!l)
		return;
	room = l->filesz - (vaddr - l->vaddr);
	t->offset = l->offset + (vaddr - l->vaddr);
	t->size = size < room ? size : room;
}

/* What the loader uses is the dynamic segment; section headers are for tools and may lie. */
static void dynamic_read(struct elf_image *image, const Elf64_Phdr *p)
{
	uint64_t strtab = 0, strsz = 0, rela = 0, relasz = 0, jmprel = 0, jmpsz = 0;

	for (uint64_t i = 0; i < DYNAMIC_MAX && (i + 1) * sizeof(Elf64_Dyn) <= p->p_filesz; i++) {
		Elf64_Dyn d;

		if (!elf_image_copy(image, p->p_vaddr + i * sizeof(d), &d, sizeof(d)) ||
		    d.d_tag == DT_NULL)
			break;
		switch (d.d_tag) {
		case DT_SYMTAB:
			table_set(image, &image->dynsym, d.d_un.d_ptr, UINT64_MAX);
			break;
		case DT_GNU_HASH:
			table_set(image, &image->gnu_hash, d.d_un.d_ptr, UINT64_MAX);
			break;
		case DT_HASH:
			table_set(image, &image->hash, d.d_un.d_ptr, UINT64_MAX);
			break;
		case DT_STRTAB:
			strtab = d.d_un.d_ptr;
			break;
		case DT_STRSZ:
			strsz = d.d_un.d_val;
			break;
		case DT_RELA:
			rela = d.d_un.d_ptr;
			break;
		case DT_RELASZ:
			relasz = d.d_un.d_val;
			break;
		case DT_JMPREL:
			jmprel = d.d_un.d_ptr;
			break;
		case DT_PLTRELSZ:
			jmpsz = d.d_un.d_val;
			break;
		default:
			break;
		}
	}
	table_set(image, &image->dynstr, strtab, strsz);
	table_set(image, &image->rela, rela, relasz);
	table_set(image, &image->jmprel, jmprel, jmpsz);
}

/* Only the one form that linkers write: a count of 4 bytes and a sorted table of pairs relative to
 * the header. */
static void frames_read(struct elf_image *image, const Elf64_Phdr *p)
{
	uint8_t head[12];
	uint32_t n;

	if (!elf_image_copy(image, p->p_vaddr, head, sizeof(head)) || head[0] != 1 ||
	    head[2] != 0x03 || head[3] != 0x3b)
		return;
	memcpy(&n, head + 8, sizeof(n));
	image->frames_base = p->p_vaddr;
	table_set(image, &image->frames, p->p_vaddr + sizeof(head), (uint64_t)n * 8);
}

static int headers_read(struct elf_image *image, void *arg)
{
	Elf64_Phdr *ph;
	Elf64_Ehdr e = {0};
	int r = header_read(image, &e);

	(void)arg;
	if (r)
		return r;
	image->type = e.e_type;
	image->machine = e.e_machine;
	image->shoff = e.e_shentsize == sizeof(Elf64_Shdr) ? e.e_shoff : 0;
	image->shnum = e.e_shnum;
	ph = elf_image_alloc(image, e.e_phnum, sizeof(*ph));
	if (!ph)
		return -ENOMEM;
	memcpy(ph, image->map + e.e_phoff, e.e_phnum * sizeof(*ph));
	for (unsigned int i = 0; i < e.e_phnum; i++) {
		r = ph[i].p_type == PT_LOAD ? load_add(image, &ph[i]) : 0;
		if (r)
			return r;
	}
	if (image->n_loads == 0)
		return elf_image_why(image, -ENOEXEC, "nothing in the file is loaded");
	for (unsigned int i = 0; i < e.e_phnum; i++) {
		if (ph[i].p_type == PT_NOTE && !image->build_id_len)
			notes_read(image, ph[i].p_offset, ph[i].p_filesz);
		else if (ph[i].p_type == PT_DYNAMIC)
			dynamic_read(image, &ph[i]);
		else if (ph[i].p_type == PT_GNU_EH_FRAME)
			frames_read(image, &ph[i]);
	}
	return 0;
}

int elf_image_open(int fd, struct elf_image *ret, char *why)
{
	struct elf_image image = {.why = why};
	struct stat st;
	void *map;
	int r;

	if (why)
		why[0] = 0;
	if (fstat(fd, &st) < 0) {
		r = -errno;
		return elf_image_why(&image, r, "fstat: %s", strerror(-r));
	}
	if (!S_ISREG(st.st_mode))
		return elf_image_why(&image, -ENOEXEC, "not a regular file");
	if (st.st_size <= 0)
		return elf_image_why(&image, -ENOEXEC, "the file is empty");
	image.size = (uint64_t)st.st_size;
	/* shared: a private mapping is given the breakpoints of probes that are on the file */
	map = mmap(NULL, image.size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		r = -errno;
		return elf_image_why(&image, r, "mmap: %s", strerror(-r));
	}
	image.map = map;
	r = elf_image_guard(&image, headers_read, NULL);
	if (r) {
		elf_image_close(&image);
		return r;
	}
	*ret = image;
	return 0;
}

void elf_image_close(struct elf_image *image)
{
	for (uint32_t i = 0; i < image->n_owned; i++)
		free(image->owned[i]);
	image->n_owned = 0;
	if (image->map)
		munmap((void *)(uintptr_t)image->map, image->size);
	image->map = NULL;
}

static struct {
	sigjmp_buf back;
	const uint8_t *map;
	uint64_t size;
} guard;

static void bus_error(int sig, siginfo_t *info, void *context)
{
	const uint8_t *at = info->si_addr;

	(void)context;
	if (guard.map && at >= guard.map && at < guard.map + guard.size)
		siglongjmp(guard.back, 1);
	/* not ours: die of it, as without the handler, when the instruction runs again */
	signal(sig, SIG_DFL);
}

int elf_image_guard(struct elf_image *image, int (*fn)(struct elf_image *, void *), void *arg)
{
	struct sigaction act = {.sa_sigaction = bus_error, .sa_flags = SA_SIGINFO}, old;
	int r;

	sigemptyset(&act.sa_mask);
	guard.map = image->map;
	guard.size = image->size;
	if (sigaction(SIGBUS, &act, &old) < 0)
		return -errno;
	if (sigsetjmp(guard.back, 1) == 0)
		r = fn(image, arg);
	else
		r = elf_image_why(image, -EIO, "the file was cut short while it was read");
	guard.map = NULL;
	sigaction(SIGBUS, &old, NULL);
	return r;
}

bool elf_symbol_is_code(const struct elf_image *image, const Elf64_Sym *sym)
{
	unsigned int type = ELF64_ST_TYPE(sym->st_info);
	const struct elf_load *l = load_of(image, sym->st_value);

	return sym->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_NOTYPE) && l &&
	       (l->flags & PF_X);
}

bool elf_symbol_is_named(const struct elf_image *image, const Elf64_Sym *sym, const char *name)
{
	size_t len = strlen(name) + 1;

	return sym->st_name < image->dynstr.size && len <= image->dynstr.size - sym->st_name &&
	       memcmp(image->map + image->dynstr.offset + sym->st_name, name, len) == 0;
}

static bool is_slot(const struct elf_image *image, const Elf64_Rela *r)
{
	switch (ELF64_R_TYPE(r->r_info)) {
	case R_X86_64_JUMP_SLOT:
	case R_X86_64_GLOB_DAT:
		return image->machine == EM_X86_64;
	case R_AARCH64_JUMP_SLOT:
	case R_AARCH64_GLOB_DAT:
		return image->machine == EM_AARCH64;
	default:
		return false;
	}
}

static void slots_read(struct elf_image *image, const struct elf_table *t)
{
	for (uint64_t i = 0; i < t->size / sizeof(Elf64_Rela); i++) {
		struct elf_slot *s = &image->slot[image->n_slots];
		Elf64_Rela r;
		uint64_t at;

		memcpy(&r, image->map + t->offset + i * sizeof(r), sizeof(r));
		at = ELF64_R_SYM(r.r_info) * sizeof(s->sym);
		if (!is_slot(image, &r) || at + sizeof(s->sym) > image->dynsym.size)
			continue;
		if (image->n_slots == ELF_SLOTS_MAX)
			return;
		memcpy(&s->sym, image->map + image->dynsym.offset + at, sizeof(s->sym));
		s->address = r.r_offset;
		image->n_slots++;
	}
}

static int slot_order(const void *a, const void *b)
{
	const struct elf_slot *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

int elf_image_slots(struct elf_image *image)
{
	image->slot = elf_image_alloc(image, ELF_SLOTS_MAX, sizeof(*image->slot));
	if (!image->slot)
		return -ENOMEM;
	slots_read(image, &image->jmprel);
	slots_read(image, &image->rela);
	qsort(image->slot, image->n_slots, sizeof(*image->slot), slot_order);
	return 0;
}

const Elf64_Sym *elf_image_slot(const struct elf_image *image, uint64_t address)
{
	const struct elf_slot key = {.address = address}, *s;

	s = image->n_slots ? bsearch(&key, image->slot, image->n_slots, sizeof(key), slot_order)
			   : NULL;
	return s ? &s->sym : NULL;
}

static uint64_t frame_at(const struct elf_image *image, uint64_t i)
{
	int32_t rel;

	memcpy(&rel, image->map + image->frames.offset + i * 8, sizeof(rel));
	return image->frames_base + (uint64_t)(int64_t)rel;
}

void elf_image_frame(const struct elf_image *image, uint64_t vaddr, uint64_t *ret_start,
		     uint64_t *ret_next)
{
	uint64_t n = image->frames.size / 8, low = 0, high = n;

	*ret_start = *ret_next = 0;
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		if (frame_at(image, mid) <= vaddr)
			low = mid + 1;
		else
			high = mid;
	}
	if (low > 0)
		*ret_start = frame_at(image, low - 1);
	if (low < n)
		*ret_next = frame_at(image, low);
}
