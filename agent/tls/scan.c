// SPDX-License-Identifier: Apache-2.0
/* The pass over the text: 113 MB of it in the client, so each byte is looked at with the vector
 * unit or by memchr, and only hits are looked at closely. */
#include "tls/scan.h"

#include <errno.h>
#include <string.h>

#define SPAN_MAX   (2ull << 30)
#define REACH	   65536u /* no function looked for is longer */
#define BLOCK	   4096u
#define STRING_MAX 256u

/* loads at any address; the compiler makes vector code of loops over them */
typedef uint32_t u32_any __attribute__((aligned(1), may_alias));

static inline void mark(struct scan *s, uint64_t address)
{
	uint64_t at = address - s->base;

	if (at >= s->span || at & ((1ull << s->shift) - 1))
		return;
	at >>= s->shift;
	s->called[at / 64] |= 1ull << (at % 64);
}

bool scan_is_called(const struct scan *s, uint64_t address)
{
	uint64_t at = address - s->base;

	if (at >= s->span || at & ((1ull << s->shift) - 1))
		return false;
	at >>= s->shift;
	return s->called[at / 64] >> (at % 64) & 1;
}

uint64_t scan_start_of(const struct elf_image *image, const struct scan *s, uint64_t address)
{
	uint64_t step = 1ull << s->shift, at = s->base + ((address - s->base) & ~(step - 1));
	uint64_t low = address > REACH ? address - REACH : 0, frame, next;

	elf_image_frame(image, address, &frame, &next);
	if (frame < low)
		frame = 0;
	else
		low = frame;
	for (; at >= low && at - s->base < s->span; at -= step) {
		if (scan_is_called(s, at))
			return at;
		if (at < step)
			break;
	}
	return frame;
}

static int use_add(struct scan *s, uint64_t address)
{
	if (s->n_uses == SCAN_USES_MAX)
		return -E2BIG;
	s->use[s->n_uses++] = address;
	return 0;
}

/* Whether some 4 bytes that start in this block are the address, or the distance to it that an
 * instruction which ends behind them would hold. n is a multiple of 4; n + 3 bytes are readable. */
static bool block_mentions(const uint8_t *p, uint32_t n, uint32_t address, uint32_t distance)
{
	uint32_t hit = 0;

	for (uint32_t shift = 0; shift < 4; shift++) {
		const u32_any *v = (const u32_any *)(const void *)(p + shift);
		uint32_t want = distance - shift;

		for (uint32_t i = 0; i < n / 4; i++)
			hit |= (uint32_t)(v[i] == address) | (uint32_t)(v[i] + 4 * i == want);
	}
	return hit != 0;
}

static int uses_x86(struct scan *s, const uint8_t *p, uint64_t n, uint64_t at, uint32_t absolute,
		    uint64_t string)
{
	for (uint64_t i = 0; i < n; i++) {
		uint32_t v;

		memcpy(&v, p + i, sizeof(v));
		if ((absolute && v == absolute) || v == (uint32_t)(string - (at + i + 4))) {
			int r = use_add(s, at + i);

			if (r)
				return r;
		}
	}
	return 0;
}

static int text_x86(struct scan *s, const struct elf_image *image, const struct elf_load *l,
		    uint64_t string)
{
	const uint8_t *text = image->map + l->offset;
	/* only a program at a fixed low address can hold the address itself */
	uint32_t absolute = image->type == ET_EXEC && string <= UINT32_MAX ? (uint32_t)string : 0;

	for (uint64_t off = 0; off + 5 <= l->filesz; off += BLOCK) {
		uint64_t n = l->filesz - off - 4 < BLOCK ? l->filesz - off - 4 : BLOCK;
		const uint8_t *p = text + off, *end = p + n;
		uint64_t at = l->vaddr + off;

		if (n < BLOCK || block_mentions(p, BLOCK, absolute ? absolute : UINT32_MAX,
						(uint32_t)(string - (at + 4)))) {
			int r = uses_x86(s, p, n, at, absolute, string);

			if (r)
				return r;
		}
		for (const uint8_t *c = p; (c = memchr(c, 0xe8, (size_t)(end - c))); c++) {
			int32_t rel;

			memcpy(&rel, c + 1, sizeof(rel));
			mark(s, at + (uint64_t)(c - p) + 5 + (uint64_t)(int64_t)rel);
			if (c + 1 == end)
				break;
		}
	}
	return 0;
}

/* adrp gives a page; it is a use of the string where an add of the low bits follows soon */
static bool completes(const u32_any *w, uint64_t n, uint64_t string)
{
	uint32_t rd = w[0] & 31, want = 0x91000000 | (uint32_t)(string & 0xfff) << 10 | rd << 5;

	for (uint64_t i = 1; i < n && i < 32; i++)
		if ((w[i] & ~31u) == want)
			return true;
	return false;
}

static int text_arm64(struct scan *s, const struct elf_image *image, const struct elf_load *l,
		      uint64_t string)
{
	const u32_any *text = (const u32_any *)(const void *)(image->map + l->offset);

	for (uint64_t i = 0; i < l->filesz / 4; i++) {
		uint64_t at = l->vaddr + 4 * i;
		uint32_t w = text[i];
		int r = 0;

		if (w >> 26 == 0x25) { /* bl */
			mark(s, at + (uint64_t)((int64_t)(int32_t)(w << 6) >> 4));
		} else if ((w & 0x1f000000) == 0x10000000) { /* adr, adrp */
			uint32_t imm = (w >> 3 & 0x1ffffc) | (w >> 29 & 3);
			int64_t off = (int64_t)((uint64_t)imm << 43) >> 43;

			if (w >> 31 ? (at >> 12) + (uint64_t)off == string >> 12 &&
					      completes(text + i, l->filesz / 4 - i, string)
				    : at + (uint64_t)off == string)
				r = use_add(s, at);
		}
		if (r)
			return r;
	}
	return 0;
}

int scan_text(struct elf_image *image, uint64_t string, unsigned int shift, struct scan *ret)
{
	struct scan s = {.base = UINT64_MAX, .shift = shift};
	uint64_t end = 0;
	int r;

	for (uint32_t i = 0; i < image->n_loads; i++) {
		const struct elf_load *l = &image->load[i];

		if (!(l->flags & PF_X))
			continue;
		if (l->vaddr < s.base)
			s.base = l->vaddr;
		if (l->vaddr + l->filesz > end)
			end = l->vaddr + l->filesz;
	}
	if (s.base >= end)
		return elf_image_why(image, -ENOENT, "the file holds no code");
	s.base &= ~((1ull << s.shift) - 1);
	s.span = end - s.base;
	if (s.span > SPAN_MAX)
		return elf_image_why(image, -ENOTSUP, "the code spans more than 2 GiB");
	s.called = elf_image_alloc(image, (s.span >> s.shift) / 64 + 1, sizeof(uint64_t));
	s.use = elf_image_alloc(image, SCAN_USES_MAX, sizeof(uint64_t));
	if (!s.called || !s.use)
		return -ENOMEM;
	for (uint32_t i = 0; i < image->n_slots; i++)
		if (elf_symbol_is_code(image, &image->slot[i].sym))
			mark(&s, image->slot[i].sym.st_value);
	for (uint32_t i = 0; i < image->n_loads; i++) {
		const struct elf_load *l = &image->load[i];

		if (!(l->flags & PF_X))
			continue;
		r = image->machine == EM_X86_64 ? text_x86(&s, image, l, string)
						: text_arm64(&s, image, l, string);
		if (r)
			return elf_image_why(image, -EUCLEAN,
					     "the string at 0x%llx is used more than %d times",
					     (unsigned long long)string, SCAN_USES_MAX);
	}
	*ret = s;
	return 0;
}

uint32_t scan_sources(const struct elf_image *image, uint64_t low, uint64_t high, uint64_t *ret,
		      uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < image->n_loads; k++) {
		const struct elf_load *l = &image->load[k];
		const uint8_t *text = image->map + l->offset;
		bool x86 = image->machine == EM_X86_64;

		if (!(l->flags & PF_X))
			continue;
		for (uint64_t i = 0; i + 4 <= l->filesz && n < max; i += x86 ? 1 : 4) {
			uint64_t at = l->vaddr + i, target;
			uint32_t w;

			memcpy(&w, text + i, sizeof(w));
			target = x86 ? at + 4 + (uint64_t)(int64_t)(int32_t)w
				     : at + (uint64_t)((int64_t)(int32_t)(w << 6) >> 4);
			if (target < low || target >= high ||
			    (!x86 && (w & 0x7c000000) != 0x14000000))
				continue;
			ret[n++] = at;
		}
	}
	return n;
}

/* Searches the segments whose permissions, as far as mask goes, are those wanted. */
static int string_in(const struct elf_image *image, uint32_t mask, uint32_t want,
		     const char *suffix, uint64_t *ret)
{
	size_t len = strlen(suffix) + 1;
	uint64_t found = 0;

	for (uint32_t i = 0; i < image->n_loads; i++) {
		const struct elf_load *l = &image->load[i];
		const uint8_t *base = image->map + l->offset, *p = base, *end = base + l->filesz;

		if ((l->flags & mask) != want)
			continue;
		while ((p = memmem(p, (size_t)(end - p), suffix, len))) {
			const uint8_t *start = p;

			while (start > base && p - start < STRING_MAX && start[-1] > ' ' &&
			       start[-1] < 0x7f)
				start--;
			/* behind blanks it ends some text; a literal has a NUL before it, or data
			 */
			if (start == base || p - start == STRING_MAX ||
			    memchr(" \t\n\r", start[-1], 4)) {
				p++;
				continue;
			}
			p++;
			if (found)
				return -ENOTUNIQ;
			found = l->vaddr + (uint64_t)(start - base);
		}
	}
	if (!found)
		return -ENOENT;
	*ret = found;
	return 0;
}

int scan_string(const struct elf_image *image, const char *suffix, uint64_t *ret)
{
	int r = string_in(image, PF_R | PF_W | PF_X, PF_R, suffix, ret);

	/* linkers without a read-only segment put constants beside the code */
	return r == -ENOENT ? string_in(image, PF_R | PF_W | PF_X, PF_R | PF_X, suffix, ret) : r;
}
