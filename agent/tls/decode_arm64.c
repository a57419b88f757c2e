// SPDX-License-Identifier: Apache-2.0
/* arm64 instructions: fixed width, so the dozen forms that matter are read by hand. */
#include "tls/decode.h"

#include <errno.h>
#include <string.h>

#define SP 31 /* as a base register */
#define FP 29

static uint64_t sign_extend(uint64_t v, unsigned int bits)
{
	uint64_t sign = 1ull << (bits - 1);

	return ((v & ((sign << 1) - 1)) ^ sign) - sign;
}

static uint64_t relative(uint64_t address, uint32_t w, unsigned int low, unsigned int bits)
{
	return address + (sign_extend(w >> low, bits) << 2);
}

static bool flow(uint32_t w, struct insn *in)
{
	if ((w & 0x7c000000) == 0x14000000) { /* b, bl */
		in->flow = w >> 31 ? INSN_CALL : INSN_JUMP;
		in->target = relative(in->address, w, 0, 26);
	} else if ((w & 0xff000000) == 0x54000000) { /* b.cond, bc.cond */
		/* condition 14 and 15 are "always" */
		in->flow = (w & 0xe) == 0xe ? INSN_JUMP : INSN_BRANCH;
		in->target = relative(in->address, w, 5, 19);
	} else if ((w & 0x7e000000) == 0x34000000) { /* cbz, cbnz */
		in->flow = INSN_BRANCH;
		in->target = relative(in->address, w, 5, 19);
	} else if ((w & 0x7e000000) == 0x36000000) { /* tbz, tbnz */
		in->flow = INSN_BRANCH;
		in->target = relative(in->address, w, 5, 14);
	} else if ((w & 0xfe000000) == 0xd6000000) { /* br, blr, ret and the signed forms */
		unsigned int opc = (w >> 21) & 0xf;

		in->flow = (opc & 7) == 0   ? INSN_JUMP_INDIRECT
			   : (opc & 7) == 1 ? INSN_CALL_INDIRECT
			   : opc == 2	    ? INSN_RETURN
					    : INSN_TRAP;
		if (in->flow == INSN_JUMP_INDIRECT)
			in->jump_register = (w >> 5) & 31;
	} else if ((w & 0xffe0001f) == 0xd4200000 || (w & 0xffff0000) == 0) { /* brk, udf */
		in->flow = INSN_TRAP;
	} else {
		return false;
	}
	if (in->flow == INSN_CALL || in->flow == INSN_CALL_INDIRECT)
		in->clobbers = 1u << 30;
	return true;
}

static void set(struct insn *in, uint8_t dst, enum insn_set how, uint8_t src, uint64_t value)
{
	in->dst = dst;
	in->set = how;
	in->src = src;
	in->value = value;
}

static bool data(uint32_t w, struct insn *in)
{
	uint8_t rd = w & 31, rn = (w >> 5) & 31, rm = (w >> 16) & 31;

	if ((w & 0x1f000000) == 0x10000000) { /* adr, adrp */
		uint64_t imm = sign_extend(((w >> 3) & 0x1ffffc) | ((w >> 29) & 3), 21);

		set(in, rd, INSN_SET_VALUE, INSN_NONE,
		    w >> 31 ? (in->address & ~0xfffull) + (imm << 12) : in->address + imm);
	} else if ((w & 0x7f800000) == 0x52800000) { /* movz */
		set(in, rd, INSN_SET_VALUE, INSN_NONE,
		    (uint64_t)((w >> 5) & 0xffff) << (((w >> 21) & 3) * 16));
	} else if ((w & 0xff800000) == 0x91000000 || (w & 0xff800000) == 0x11000000) { /* add imm */
		if (rn != SP && rd != SP)
			set(in, rd, INSN_SET_ADD, rn,
			    (uint64_t)((w >> 10) & 0xfff) << ((w >> 22 & 1) * 12));
	} else if ((w & 0x7f20ffe0) == 0x2a0003e0) { /* mov rd, rm */
		if (rm == 31)
			set(in, rd, INSN_SET_VALUE, INSN_NONE, 0);
		else
			set(in, rd, INSN_SET_ADD, rm, 0);
	} else {
		return false;
	}
	if (rd != 31)
		in->clobbers |= 1u << rd;
	else
		in->set = INSN_SET_NOTHING;
	return true;
}

static bool load_store(uint32_t w, struct insn *in)
{
	unsigned int size = w >> 30, rn = (w >> 5) & 31, rt = w & 31, rt2 = (w >> 10) & 31;
	bool vector = w >> 26 & 1, load = w >> 22 & 1, known = true, pair = false, post = false;
	unsigned int access;
	int64_t disp = 0;

	if ((w & 0x0a000000) != 0x08000000) /* bit 27 set, bit 25 clear */
		return false;
	if ((w & 0x3a000000) == 0x28000000) { /* ldp, stp, all forms of addressing */
		access = vector ? 4u << size : size & 2 ? 8 : 4;
		disp = (int64_t)sign_extend(w >> 15, 7) * access;
		post = (w >> 23 & 3) == 1;
		pair = true;
	} else if ((w & 0x3b000000) == 0x39000000) { /* ldr, str with an unsigned offset */
		unsigned int log = vector && (w >> 23 & 1) ? 4 : size;

		access = 1u << log;
		disp = (int64_t)((w >> 10) & 0xfff) << log;
		load = (w >> 22 & 3) != 0 && !(vector && (w >> 22 & 1) == 0);
	} else if ((w & 0x3b200000) == 0x38000000) { /* unscaled, before and after */
		unsigned int log = vector && (w >> 23 & 1) ? 4 : size;

		access = 1u << log;
		disp = (int64_t)sign_extend(w >> 12, 9);
		load = (w >> 22 & 3) != 0 && !(vector && (w >> 22 & 1) == 0);
		post = (w >> 10 & 3) == 1;
	} else {
		access = 0;
		known = false;
	}
	if (!vector && (load || !known)) {
		if (rt != 31)
			in->clobbers |= 1u << rt;
		if (pair && rt2 != 31)
			in->clobbers |= 1u << rt2;
	}
	/* before- and after-indexed forms move the base */
	if ((pair && (w >> 23 & 1)) || (!pair && (w & 0x3b200400) == 0x38000400))
		in->clobbers |= rn != SP ? 1u << rn : 0;
	if (!known || rn == SP || rn == FP)
		return true;
	in->disp = post ? 0 : (int32_t)disp;
	in->access = (uint8_t)(pair ? 2 * access : access);
	in->loads = load;
	in->stores = !load;
	return true;
}

int decode_arm64(const uint8_t *bytes, uint64_t len, uint64_t address, struct insn *ret)
{
	struct insn in = {.address = address,
			  .length = 4,
			  .flow = INSN_NEXT,
			  .dst = INSN_NONE,
			  .src = INSN_NONE,
			  .jump_register = INSN_NONE};
	uint32_t w;

	if (len < sizeof(w) || address % 4)
		return -EILSEQ;
	memcpy(&w, bytes, sizeof(w));
	in.padding = w == 0xd503201f;
	/* any other instruction may write the register in its lowest bits */
	if (!flow(w, &in) && !data(w, &in) && !load_store(w, &in) && (w & 31) != 31)
		in.clobbers |= 1u << (w & 31);
	*ret = in;
	return 0;
}
