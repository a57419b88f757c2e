// SPDX-License-Identifier: Apache-2.0
/* Instructions of an image by address, and what its PLT stubs lead to. */
#include "tls/decode.h"

#include <errno.h>
#include <string.h>

#define X86_INSN_MAX 15

int decode_at(const struct elf_image *image, uint64_t address, struct insn *ret)
{
	uint8_t bytes[X86_INSN_MAX];
	uint64_t len;
	const uint8_t *p = elf_image_at(image, address, &len);

	if (!p)
		return -EILSEQ;
	if (len > sizeof(bytes))
		len = sizeof(bytes);
	memcpy(bytes, p, len);
	return image->machine == EM_X86_64 ? decode_x86(bytes, len, address, ret)
					   : decode_arm64(bytes, len, address, ret);
}

/* [endbr64] [bnd] jmp *slot(%rip) */
static uint64_t slot_x86(const struct elf_image *image, uint64_t stub)
{
	struct insn in;

	for (unsigned int i = 0; i < 2; i++) {
		if (decode_at(image, stub, &in))
			return 0;
		if (in.flow == INSN_JUMP_INDIRECT)
			return in.slot_indexed ? 0 : in.slot;
		if (in.flow != INSN_NEXT)
			return 0;
		stub += in.length;
	}
	return 0;
}

/* [bti c] adrp x16, page; ldr x17, [x16, #low]; add x16, x16, #low; br x17 */
static uint64_t slot_arm64(const struct elf_image *image, uint64_t stub)
{
	uint32_t w[5];
	struct insn page;
	unsigned int at;

	if (!elf_image_copy(image, stub, w, sizeof(w)))
		return 0;
	at = w[0] == 0xd503245f;
	if ((w[at] & 0x9f00001f) != 0x90000010 || (w[at + 1] & 0xffc003ff) != 0xf9400211 ||
	    w[at + 3] != 0xd61f0220 || decode_at(image, stub + 4ull * at, &page))
		return 0;
	return page.value + ((w[at + 1] >> 10 & 0xfff) << 3);
}

static bool is_noreturn(const struct elf_image *image, const Elf64_Sym *sym)
{
	/* without these, the code of one function would seem to run on into the next */
	static const char *const names[] = {
		"__stack_chk_fail",
		"abort",
		"exit",
		"_exit",
		"__assert_fail",
		"__cxa_throw",
		"__cxa_rethrow",
		"_Unwind_Resume",
		"__chk_fail",
		"__fortify_fail",
		"_ZSt9terminatev",
		"__libc_fatal",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (elf_symbol_is_named(image, sym, names[i]))
			return true;
	return false;
}

struct code_target decode_resolve(const struct elf_image *image, uint64_t target)
{
	struct code_target t = {.address = target};
	uint64_t slot =
		image->machine == EM_X86_64 ? slot_x86(image, target) : slot_arm64(image, target);
	const Elf64_Sym *sym = slot ? elf_image_slot(image, slot) : NULL;

	if (!sym)
		return t;
	t.import = !elf_symbol_is_code(image, sym);
	if (t.import)
		t.noreturn = is_noreturn(image, sym);
	else
		t.address = sym->st_value;
	return t;
}
