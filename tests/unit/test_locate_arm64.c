// SPDX-License-Identifier: Apache-2.0
/* The hand-written arm64 decoder against encodings from the architecture manual, and the reason-set
 * method on an arm64 program. */
#include "harness.h"

#include <errno.h>

#include "locate_elf.h"
#include "tls/decode.h"
#include "tls/reasons.h"

#define AT 0x10000ull

static void test_flow(void **state)
{
	static const struct {
		uint32_t word;
		enum insn_flow flow;
		int64_t target; /* from the instruction */
	} cases[] = {
		{0x94000001, INSN_CALL, 4},	     {0x97ffffff, INSN_CALL, -4},
		{0x14000400, INSN_JUMP, 0x1000},     {0x54000040, INSN_BRANCH, 8}, /* b.eq */
		{0x5400004e, INSN_JUMP, 8},					   /* b.al */
		{0xb4000060, INSN_BRANCH, 12},					   /* cbz x0 */
		{0x35ffffe1, INSN_BRANCH, -4},					   /* cbnz w1 */
		{0x36080040, INSN_BRANCH, 8},					   /* tbz w0, #1 */
		{0xb707ffe0, INSN_BRANCH, -4},	     /* tbnz x0, #32 */
		{0xd65f03c0, INSN_RETURN, 0},	     /* ret */
		{0xd65f0bff, INSN_RETURN, 0},	     /* retaa */
		{0xd65f0fff, INSN_RETURN, 0},	     /* retab */
		{0xd61f0200, INSN_JUMP_INDIRECT, 0}, /* br x16 */
		{0xd71f0a11, INSN_JUMP_INDIRECT, 0}, /* braa x16, x17 */
		{0xd63f0100, INSN_CALL_INDIRECT, 0}, /* blr x8 */
		{0xd73f0911, INSN_CALL_INDIRECT, 0}, /* blraa x8, x17 */
		{0xd4200020, INSN_TRAP, 0},	     /* brk #1 */
		{0x00000000, INSN_TRAP, 0},	     /* udf */
		{0xd4000001, INSN_NEXT, 0},	     /* svc: comes back */
		{0xd503201f, INSN_NEXT, 0},	     /* nop */
		{0x8b020020, INSN_NEXT, 0},	     /* add x0, x1, x2 */
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct insn in;

		assert_int_equal(decode_arm64((const uint8_t *)&cases[i].word, 4, AT, &in), 0);
		if (in.flow != cases[i].flow)
			fail_msg("%08x: flow %d, wanted %d", cases[i].word, in.flow, cases[i].flow);
		if (cases[i].target)
			assert_int_equal(in.target, AT + (uint64_t)cases[i].target);
	}
}

static void test_values(void **state)
{
	static const struct {
		uint32_t word;
		enum insn_set set;
		uint8_t dst, src;
		uint64_t value;
		uint32_t clobbers;
	} cases[] = {
		{0x52800200, INSN_SET_VALUE, 0, INSN_NONE, 16, 1},	/* mov w0, #16 */
		{0xd2a00021, INSN_SET_VALUE, 1, INSN_NONE, 0x10000, 2}, /* movz x1, #1, lsl 16 */
		{0x2a1f03e1, INSN_SET_VALUE, 1, INSN_NONE, 0, 2},	/* mov w1, wzr */
		{0xaa1303e0, INSN_SET_ADD, 0, 19, 0, 1},		/* mov x0, x19 */
		{0xb0000003, INSN_SET_VALUE, 3, INSN_NONE, AT + 0x1000, 8}, /* adrp x3, +1 page */
		{0x10000043, INSN_SET_VALUE, 3, INSN_NONE, AT + 8, 8},	    /* adr x3, +8 */
		{0x9104a463, INSN_SET_ADD, 3, 3, 0x129, 8},		    /* add x3, x3, #0x129 */
		{0x91400463, INSN_SET_ADD, 3, 3, 0x1000, 8}, /* add x3, x3, #1, lsl 12 */
		{0xf9400261, INSN_SET_NOTHING, 0, 0, 0, 2},  /* ldr x1, [x19] */
		{0xa9400a61, INSN_SET_NOTHING, 0, 0, 0, 6},  /* ldp x1, x2, [x19] */
		{0xf9000261, INSN_SET_NOTHING, 0, 0, 0, 0},  /* str x1, [x19] */
		{0x1a821022, INSN_SET_NOTHING, 0, 0, 0, 4},  /* csel w2, w1, w2 */
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct insn in;

		assert_int_equal(decode_arm64((const uint8_t *)&cases[i].word, 4, AT, &in), 0);
		if (in.set != cases[i].set || in.clobbers != cases[i].clobbers)
			fail_msg("%08x: set %d clobbers %x", cases[i].word, in.set, in.clobbers);
		if (!cases[i].set)
			continue;
		assert_int_equal(in.dst, cases[i].dst);
		assert_int_equal(in.src, cases[i].src);
		assert_int_equal(in.value, cases[i].value);
	}
}

static void test_memory(void **state)
{
	static const struct {
		uint32_t word;
		int32_t disp;
		uint8_t access;
		bool loads, stores;
	} cases[] = {
		{0xf9404409, 0x88, 8, true, false},  /* ldr x9, [x0, #0x88] */
		{0xb9000401, 4, 4, false, true},     /* str w1, [x0, #4] */
		{0xa9482408, 0x80, 16, true, false}, /* ldp x8, x9, [x0, #0x80] */
		{0xa9082408, 0x80, 16, false, true}, /* stp x8, x9, [x0, #0x80] */
		{0x3dc02000, 0x80, 16, true, false}, /* ldr q0, [x0, #0x80] */
		{0x3d802000, 0x80, 16, false, true}, /* str q0, [x0, #0x80] */
		{0xf8008401, 0, 8, false, true},     /* str x1, [x0], #8 */
		{0xf80e6008, 0xe6, 8, false, true},  /* stur x8, [x0, #0xe6] */
		{0xf94007e0, 0, 0, false,
		 false}, /* ldr x0, [sp, #8]: the stack is nobody's structure */
		{0xa9bf7bfd, 0, 0, false, false}, /* stp x29, x30, [sp, #-16]! */
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct insn in;

		assert_int_equal(decode_arm64((const uint8_t *)&cases[i].word, 4, AT, &in), 0);
		if (in.access != cases[i].access || in.loads != cases[i].loads ||
		    in.stores != cases[i].stores || (in.access && in.disp != cases[i].disp))
			fail_msg("%08x: disp %d access %d loads %d stores %d", cases[i].word,
				 in.disp, in.access, in.loads, in.stores);
	}
}

static void test_short(void **state)
{
	const uint32_t ret = 0xd65f03c0;
	struct insn in;

	(void)state;
	assert_int_equal(decode_arm64((const uint8_t *)&ret, 3, AT, &in), -EILSEQ);
	assert_int_equal(decode_arm64((const uint8_t *)&ret, 4, AT + 2, &in), -EILSEQ);
}

static uint64_t start(struct synth *s)
{
	while (s->size % 16)
		synth_u32(s, 0);
	return synth_here(s);
}

static void bl(struct synth *s, uint64_t target)
{
	synth_u32(s, 0x94000000 | ((uint32_t)((target - synth_here(s)) >> 2) & 0x3ffffff));
}

static void raise(struct synth *s, uint32_t reason)
{
	uint64_t string = s->base + SYNTH_STRING;
	uint32_t pages = (uint32_t)((string >> 12) - (synth_here(s) >> 12)),
		 file = s->old_order ? 2 : 3;

	synth_u32(s, 0x90000000 | (pages & 3) << 29 | (pages >> 2 & 0x7ffff) << 5 | file);
	synth_u32(s, 0x91000000 | (uint32_t)(string & 0xfff) << 10 | file << 5 | file);
	synth_u32(s, 0x52800200);
	synth_u32(s, 0x52800000 | reason << 5 | (s->old_order ? 1 : 2));
	if (!s->old_order)
		synth_u32(s, 0x2a1f03e1);
	bl(s, s->err);
}

static void make(struct synth *s, bool old_order, bool peek, uint64_t got[4])
{
	uint64_t at = 0;

	synth_init(s, ET_DYN, old_order);
	s->size = SYNTH_TEXT;
	s->err = start(s);
	synth_u32(s, 0xd65f03c0);
	got[2] = start(s);
	raise(s, 134);
	synth_u32(s, 0xd65f03c0);
	got[3] = start(s);
	raise(s, 226);
	bl(s, got[2]);
	synth_u32(s, 0xd63f0100);
	raise(s, 215);
	synth_u32(s, 0xd65f03c0);
	got[0] = start(s);
	raise(s, 66);
	raise(s, 215);
	bl(s, got[2]);
	synth_u32(s, 0xd63f0100);
	raise(s, 226);
	raise(s, 111);
	synth_u32(s, 0xd65f03c0);
	if (peek) {
		at = start(s);
		raise(s, 66);
		bl(s, got[3]);
		synth_u32(s, 0xa9482408); /* ldp x8, x9, [x0, #0x80] */
		synth_u32(s, 0xd65f03c0);
	}
	got[1] = start(s);
	raise(s, 66);
	bl(s, got[3]);
	synth_u32(s, 0xa9482408);
	synth_u32(s, 0xa9082408); /* stp x8, x9, [x0, #0x80] */
	synth_u32(s, 0xd65f03c0);
	start(s);
	bl(s, got[0]);
	bl(s, got[1]);
	bl(s, at ? at : got[0]);
	synth_u32(s, 0xd65f03c0);
	synth_finish(s, EM_AARCH64);
}

static void test_program(void **state)
{
	static struct synth s;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		char why[TLS_WHY_SIZE] = "";
		struct tls_layout l;
		uint64_t want[4];
		int fd, r;

		make(&s, i & 1, i & 2, want);
		fd = synth_memfd(s.file, s.size);
		r = tls_locate(fd, &l, why);
		if (r)
			fail_msg("case %u: %d %s", i, r, why);
		assert_int_equal(l.machine, EM_AARCH64);
		assert_int_equal(l.function[TLS_ROLE_WRITE].address, want[0]);
		assert_int_equal(l.function[TLS_ROLE_READ].address, want[1]);
		assert_int_equal(l.function[TLS_ROLE_HANDSHAKE].address, want[2]);
		assert_int_equal(l.read_body, want[3]);
		assert_int_equal(l.function[TLS_ROLE_READ].n_rets, 1);
		assert_memory_equal(s.file + l.function[TLS_ROLE_READ].ret_offset[0],
				    "\xc0\x03\x5f\xd6", 4);
		assert_true(tls_layout_matches(&l, fd));
		close(fd);
	}
}

UNIT_MAIN(unit(test_flow), unit(test_values), unit(test_memory), unit(test_short),
	  unit(test_program))
