// SPDX-License-Identifier: Apache-2.0
/* x86-64 instructions, by Zydis. */
#include "tls/decode.h"

#include <Zydis/Zydis.h>
#include <errno.h>

static const ZydisDecoder *decoder(void)
{
	static ZydisDecoder d;
	static bool ready;

	if (!ready &&
	    ZYAN_SUCCESS(ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		ready = true;
	return ready ? &d : NULL;
}

static uint8_t gpr(ZydisRegister reg)
{
	ZydisRegister full = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	return full >= ZYDIS_REGISTER_RAX && full <= ZYDIS_REGISTER_R15
		       ? (uint8_t)(full - ZYDIS_REGISTER_RAX)
		       : INSN_NONE;
}

static void set(struct insn *in, uint8_t dst, enum insn_set how, uint8_t src, uint64_t value)
{
	in->dst = dst;
	in->set = how;
	in->src = src;
	in->value = value;
}

static enum insn_flow flow_of(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *op)
{
	bool direct = z->operand_count_visible > 0 && op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;

	switch (z->meta.category) {
	case ZYDIS_CATEGORY_CALL:
		return direct ? INSN_CALL : INSN_CALL_INDIRECT;
	case ZYDIS_CATEGORY_COND_BR:
		return INSN_BRANCH;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return direct ? INSN_JUMP : INSN_JUMP_INDIRECT;
	case ZYDIS_CATEGORY_RET:
		return z->mnemonic == ZYDIS_MNEMONIC_RET ? INSN_RETURN : INSN_TRAP;
	default:
		break;
	}
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_HLT:
		return INSN_TRAP;
	default:
		return INSN_NEXT;
	}
}

static void registers(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *op,
		      struct insn *in)
{
	uint8_t dst, src;

	for (unsigned int i = 0; i < z->operand_count; i++) {
		if (op[i].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		dst = gpr(op[i].reg.value);
		if (dst != INSN_NONE)
			in->clobbers |= 1u << dst;
	}
	in->above = z->mnemonic == ZYDIS_MNEMONIC_JNBE;
	if (z->operand_count_visible < 2)
		return;
	if (z->mnemonic == ZYDIS_MNEMONIC_CMP && op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		in->compares = true;
		in->value = op[1].imm.value.u;
	}
	if (op[0].type != ZYDIS_OPERAND_TYPE_REGISTER)
		return;
	if (op[0].size < 32)
		return;
	dst = gpr(op[0].reg.value);
	if (dst == INSN_NONE)
		return;
	src = op[1].type == ZYDIS_OPERAND_TYPE_REGISTER && op[1].size >= 32 ? gpr(op[1].reg.value)
									    : INSN_NONE;
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
		if (op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			set(in, dst, INSN_SET_VALUE, INSN_NONE,
			    op[0].size == 32 ? (uint32_t)op[1].imm.value.u : op[1].imm.value.u);
		else if (src != INSN_NONE)
			set(in, dst, INSN_SET_ADD, src, 0);
		break;
	case ZYDIS_MNEMONIC_XOR:
	case ZYDIS_MNEMONIC_SUB:
		if (src == dst)
			set(in, dst, INSN_SET_VALUE, INSN_NONE, 0);
		break;
	case ZYDIS_MNEMONIC_ADD:
		if (src != INSN_NONE && op[0].size == 64)
			set(in, dst, INSN_SET_ADD_REG, src, 0);
		break;
	case ZYDIS_MNEMONIC_LEA:
		if (op[1].mem.base == ZYDIS_REGISTER_RIP)
			set(in, dst, INSN_SET_VALUE, INSN_NONE,
			    in->address + z->length + (uint64_t)op[1].mem.disp.value);
		else if (op[1].mem.index == ZYDIS_REGISTER_NONE)
			set(in, dst, INSN_SET_ADD, gpr(op[1].mem.base),
			    (uint64_t)op[1].mem.disp.value);
		break;
	case ZYDIS_MNEMONIC_MOVSXD:
		if (op[1].type == ZYDIS_OPERAND_TYPE_MEMORY && op[1].mem.scale == 4 &&
		    !op[1].mem.disp.value)
			set(in, dst, INSN_SET_TABLE, gpr(op[1].mem.base), 0);
		break;
	default:
		break;
	}
	if (in->set != INSN_SET_NOTHING && in->set != INSN_SET_VALUE && in->src == INSN_NONE)
		in->set = INSN_SET_NOTHING;
}

static void memory(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *op, struct insn *in)
{
	for (unsigned int i = 0; i < z->operand_count_visible; i++) {
		const ZydisDecodedOperandMem *m = &op[i].mem;

		if (op[i].type != ZYDIS_OPERAND_TYPE_MEMORY || m->type != ZYDIS_MEMOP_TYPE_MEM ||
		    m->segment == ZYDIS_REGISTER_FS || m->segment == ZYDIS_REGISTER_GS)
			continue;
		if (in->flow == INSN_CALL_INDIRECT || in->flow == INSN_JUMP_INDIRECT) {
			if (m->base == ZYDIS_REGISTER_RIP && m->index == ZYDIS_REGISTER_NONE) {
				in->slot = in->address + z->length + (uint64_t)m->disp.value;
			} else if (m->base == ZYDIS_REGISTER_NONE && m->disp.has_displacement) {
				in->slot = (uint64_t)m->disp.value;
				in->slot_indexed = m->index != ZYDIS_REGISTER_NONE && m->scale == 8;
			}
			continue;
		}
		if (m->base == ZYDIS_REGISTER_RSP || m->base == ZYDIS_REGISTER_RIP ||
		    m->base == ZYDIS_REGISTER_NONE || m->index != ZYDIS_REGISTER_NONE)
			continue;
		in->disp = (int32_t)m->disp.value;
		in->access = op[i].size / 8 < 64 ? (uint8_t)(op[i].size / 8) : 64;
		in->loads = op[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ;
		in->stores = op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
	}
}

int decode_x86(const uint8_t *bytes, uint64_t len, uint64_t address, struct insn *ret)
{
	const ZydisDecoder *d = decoder();
	ZydisDecodedInstruction z;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	struct insn in = {
		.address = address, .dst = INSN_NONE, .src = INSN_NONE, .jump_register = INSN_NONE};

	if (!d || ZYAN_FAILED(ZydisDecoderDecodeFull(d, bytes, len, &z, op)))
		return -EILSEQ;
	in.length = z.length;
	in.padding = z.mnemonic == ZYDIS_MNEMONIC_NOP;
	in.flow = flow_of(&z, op);
	if (in.flow == INSN_CALL || in.flow == INSN_JUMP || in.flow == INSN_BRANCH) {
		ZyanU64 target = 0;

		if (ZYAN_FAILED(ZydisCalcAbsoluteAddress(&z, &op[0], address, &target)))
			return -EILSEQ;
		in.target = target;
	} else if (in.flow == INSN_JUMP_INDIRECT && op[0].type == ZYDIS_OPERAND_TYPE_REGISTER) {
		in.jump_register = gpr(op[0].reg.value);
	}
	registers(&z, op, &in);
	memory(&z, op, &in);
	*ret = in;
	return 0;
}
