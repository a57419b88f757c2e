/* SPDX-License-Identifier: Apache-2.0 */
/* One machine instruction, reduced to what the search needs: where it goes, which registers it
 * gives a known value, what it touches in memory. x86-64 by Zydis, arm64 by hand. */
#ifndef TLS_DECODE_H
#define TLS_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/elf.h"

#define INSN_REGISTERS 32
#define INSN_NONE      0xff /* no register */

enum insn_flow {
	INSN_NEXT,
	INSN_CALL,	    /* direct, to target */
	INSN_CALL_INDIRECT, /* through a register or memory */
	INSN_BRANCH,	    /* conditional, direct */
	INSN_JUMP,	    /* direct */
	INSN_JUMP_INDIRECT,
	INSN_RETURN,
	INSN_TRAP, /* int3, ud2, brk: control does not go on */
};

enum insn_set {
	INSN_SET_NOTHING,
	INSN_SET_VALUE,	  /* dst = value */
	INSN_SET_ADD,	  /* dst = src + value */
	INSN_SET_ADD_REG, /* dst = dst + src */
	INSN_SET_TABLE, /* dst = sign-extended 32-bit entry of the table at src, indexed by scale 4
			 */
};

struct insn {
	uint64_t address;
	uint64_t target; /* of direct calls, jumps and branches */
	uint64_t slot; /* indirect through fixed memory: its address (PLT, GOT, jump table), or 0 */
	uint64_t value;
	uint32_t clobbers; /* registers written, bit by bit; the one that is set included */
	int32_t disp;	   /* of a memory operand with a base that is no stack pointer */
	uint8_t length;
	uint8_t flow;
	uint8_t set;
	uint8_t dst;
	uint8_t src;
	uint8_t jump_register; /* INSN_JUMP_INDIRECT through a register */
	bool slot_indexed;     /* slot is a table of addresses, one picked by an index */
	uint8_t access;	       /* bytes touched at disp, 0: no such operand */
	bool compares;	       /* a register or memory with the constant in value */
	bool above;	       /* a branch taken when that was greater, unsigned */
	bool padding;	       /* a nop */
	bool loads;
	bool stores;
};

/* Decodes the instruction at bytes (len of them are there). Returns 0, -EILSEQ when there is no
 * valid one. */
int decode_x86(const uint8_t *bytes, uint64_t len, uint64_t address, struct insn *ret);
int decode_arm64(const uint8_t *bytes, uint64_t len, uint64_t address, struct insn *ret);

/* By the machine of the image, from its bytes at the address. */
int decode_at(const struct elf_image *image, uint64_t address, struct insn *ret);

struct code_target {
	uint64_t address;
	bool import;   /* a stub to a symbol that is not defined in this file */
	bool noreturn; /* ... that never comes back, by its name */
};

/* What a direct call or jump really reaches: a PLT stub is followed to the symbol of its slot. */
struct code_target decode_resolve(const struct elf_image *image, uint64_t target);

#endif
