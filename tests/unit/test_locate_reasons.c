// SPDX-License-Identifier: Apache-2.0
/* The reason-set method on made-up programs: each case is one thing that a compiler does, or one
 * that must be refused. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>

#include "locate_elf.h"
#include "tls/locate.h"
#include "tls/reasons.h"

enum twist {
	PLAIN,
	MERGED_TAILS, /* one call to ERR_put_error, jumped to with the reason in a register */
	CALLEE_SAVED, /* the file name kept in rbx */
	PEEK_TOO,     /* SSL_peek stands beside SSL_read */
	PEEK_CALLED,  /* SSL_read calls SSL_peek and raises nothing */
	SWITCH,	      /* SSL_do_handshake has a jump table, another table lies behind */
	COLD_PART,    /* SSL_write's errors were moved away, nobody calls that part */
	FALSE_START,  /* bytes that look like a call to the middle of SSL_write */
	NORETURN_END, /* SSL_read ends with a call, the next function follows at once */
	TAIL_RETURN,  /* SSL_read ends with a jump to a function that others call */
	TWO_WRITES,
	TWO_HANDSHAKES,
	TWO_READS,
	NO_READ,
	NO_HANDSHAKE,
	WRITE_NOT_CALLED,
	WRITE_NO_HANDSHAKE,
	WRITE_EXTRA_REASON,
	READ_JUMPS_AWAY, /* through a register */
	READ_NO_RETURN,
	READ_MANY_RETURNS,
	READ_GARBAGE,
	REASON_UNKNOWN, /* computed at run time */
	TWO_STRINGS,
	NO_STRING,
	STRING_UNUSED,
};

struct want {
	uint64_t write, read, handshake, body, tail;
};

static void frame_consume(struct synth *s)
{
	synth_emit(s, 0x48, 0x8b, 0x88, 0x88, 0, 0, 0); /* mov rcx, [rax+0x88] */
	synth_emit(s, 0x48, 0x8b, 0xb0, 0x80, 0, 0, 0); /* mov rsi, [rax+0x80] */
	synth_emit(s, 0x48, 0x01, 0x98, 0x80, 0, 0, 0); /* add [rax+0x80], rbx */
	synth_emit(s, 0x48, 0x89, 0x88, 0x88, 0, 0, 0); /* mov [rax+0x88], rcx */
}

static void frame_peek(struct synth *s)
{
	synth_emit(s, 0x48, 0x8b, 0x88, 0x88, 0, 0, 0);
	synth_emit(s, 0x48, 0x8b, 0xb0, 0x80, 0, 0, 0);
}

static uint64_t make_handshake(struct synth *s, enum twist twist)
{
	uint64_t at = synth_start(s), end;

	if (twist == SWITCH) {
		uint64_t table = s->base + 0x800, *entry = (uint64_t *)(s->file + 0x800);

		synth_emit(s, 0x83, 0xf8, 2);	 /* cmp eax, 2 */
		synth_emit(s, 0x77, 7);		 /* ja over the jump */
		synth_emit(s, 0xff, 0x24, 0xc5); /* jmp [table + rax*8] */
		synth_u32(s, (uint32_t)table);
		end = synth_here(s);
		for (unsigned int i = 0; i < 3; i++)
			entry[i] = end + 1; /* behind the first return */
		entry[3] = end + 0x800;	    /* another function's */
		synth_emit(s, 0xc3);
	}
	synth_raise(s, twist == NO_HANDSHAKE ? 135 : 134);
	synth_emit(s, 0xc3);
	return at;
}

static uint64_t make_body(struct synth *s, uint64_t handshake)
{
	uint64_t at = synth_start(s);

	synth_raise(s, 226);
	synth_call(s, handshake);
	synth_emit(s, 0xff, 0x50, 0x18); /* call [rax+0x18] */
	synth_raise(s, 215);
	synth_emit(s, 0xc3);
	return at;
}

static uint64_t make_write(struct synth *s, enum twist twist, uint64_t handshake)
{
	static const uint32_t reasons[] = {66, 226, 215, 111};
	uint64_t cold = 0, at;

	if (twist == COLD_PART) {
		cold = synth_start(s) + 3; /* not aligned, and only jumped to */
		synth_emit(s, 0xcc, 0xcc, 0xcc);
		synth_raise(s, 226);
		synth_raise(s, 215);
		synth_emit(s, 0xc3);
	}
	at = synth_start(s);
	synth_emit(s, 0x55); /* push rbp */
	if (twist != WRITE_NO_HANDSHAKE)
		synth_call(s, handshake);
	synth_emit(s, 0xff, 0x50, 0x48); /* call [rax+0x48] */
	if (twist == MERGED_TAILS) {
		uint64_t hops[4];

		for (unsigned int i = 0; i < 4; i++) { /* test; jz far: patched below */
			synth_emit(s, 0x85, 0xc0, 0x0f, 0x84);
			hops[i] = s->size;
			synth_u32(s, 0);
		}
		synth_emit(s, 0x5d, 0xc3);
		for (unsigned int i = 0; i < 4; i++) {
			uint32_t rel = (uint32_t)(s->size - hops[i] - 4);

			memcpy(s->file + hops[i], &rel, 4);
			synth_reason(s, reasons[i]);
			if (i < 3)
				synth_emit(s, 0xeb, (uint8_t)(7 * (2 - i) + 5)); /* to the call */
		}
		synth_file(s);
		synth_emit(s, 0xbf, 16, 0, 0, 0);
		synth_call(s, s->err);
		synth_emit(s, 0x5d, 0xc3);
		return at;
	}
	if (twist == COLD_PART) {
		synth_raise(s, 66);
		synth_raise(s, 111);
		synth_emit(s, 0x85, 0xc0, 0x0f, 0x84);
		synth_u32(s, (uint32_t)(cold - (synth_here(s) + 4)));
		synth_emit(s, 0x5d, 0xc3);
		return at;
	}
	if (twist == CALLEE_SAVED) {
		synth_emit(s, 0xbb); /* mov ebx, file */
		synth_u32(s, (uint32_t)(s->base + SYNTH_STRING));
	}
	for (unsigned int i = 0; i < 4; i++) {
		if (twist == CALLEE_SAVED) {
			synth_emit(s, 0x89, 0xd9); /* mov ecx, ebx */
			synth_emit(s, 0xbf, 16, 0, 0, 0);
			synth_reason(s, reasons[i]);
			synth_call(s, s->err);
		} else {
			synth_raise(s, reasons[i]);
		}
	}
	if (twist == WRITE_EXTRA_REASON)
		synth_raise(s, 300);
	synth_emit(s, 0x5d, 0xc3);
	return at;
}

static uint64_t make_read(struct synth *s, enum twist twist, const struct want *w, uint64_t peek)
{
	uint64_t at = synth_start(s);

	synth_emit(s, 0x53); /* push rbx */
	if (twist == REASON_UNKNOWN) {
		synth_file(s);
		synth_emit(s, 0xbf, 16, 0, 0, 0);
		synth_emit(s, 0x8b, 0x10); /* mov edx, [rax] */
		synth_call(s, s->err);
	} else if (!peek) {
		synth_raise(s, 66);
	}
	synth_call(s, peek ? peek : w->body);
	frame_consume(s);
	switch (twist) {
	case READ_JUMPS_AWAY:
		synth_emit(s, 0x5b, 0xff, 0xe0); /* pop rbx; jmp rax */
		break;
	case READ_NO_RETURN:
		synth_emit(s, 0x0f, 0x0b); /* ud2 */
		break;
	case READ_MANY_RETURNS:
		for (unsigned int i = 0; i < TLS_RETS_MAX; i++)
			synth_emit(s, 0x74, 0x02, 0x5b, 0xc3); /* jz over; pop rbx; ret */
		synth_emit(s, 0x5b, 0xc3);
		break;
	case READ_GARBAGE:
		synth_emit(s, 0x74, 0x02, 0x06, 0x06,
			   0xc3); /* jz over two bytes that are no code */
		break;
	case NORETURN_END:
		synth_emit(s, 0x74, 0x02, 0x5b, 0xc3); /* jz over; pop rbx; ret */
		synth_call(s, s->err);
		while (s->size % 16)
			synth_emit(s, 0x90);
		break;
	case TAIL_RETURN:
		synth_emit(s, 0x74, 0x02, 0x5b, 0xc3, 0x5b);
		synth_jump(s, w->tail);
		break;
	default:
		synth_emit(s, 0x5b, 0xc3);
	}
	return at;
}

static uint64_t make_peek(struct synth *s, uint64_t body)
{
	uint64_t at = synth_start(s);

	synth_raise(s, 66);
	synth_call(s, body);
	frame_peek(s);
	synth_emit(s, 0xc3);
	return at;
}

static void make(struct synth *s, enum twist twist, uint16_t type, bool old_order, struct want *w)
{
	uint64_t peek = 0, other = 0;

	synth_init(s, type, old_order);
	w->tail = synth_start(s);
	synth_emit(s, 0x31, 0xc0, 0xc3);
	w->handshake = make_handshake(s, twist);
	if (twist == TWO_HANDSHAKES)
		other = make_handshake(s, PLAIN);
	w->body = make_body(s, w->handshake);
	w->write = make_write(s, twist, w->handshake);
	if (twist == TWO_WRITES)
		other = make_write(s, PLAIN, w->handshake);
	if (twist == PEEK_TOO || twist == PEEK_CALLED)
		peek = make_peek(s, w->body);
	w->read = twist == NO_READ ? make_peek(s, w->body)
				   : make_read(s, twist, w, twist == PEEK_CALLED ? peek : 0);
	if (twist == TWO_READS)
		other = make_read(s, PLAIN, w, 0);
	if (twist == NORETURN_END)
		other = synth_here(s);
	else
		synth_start(s);
	/* somebody calls them all */
	if (twist != WRITE_NOT_CALLED)
		synth_call(s, w->write);
	synth_call(s, w->read);
	synth_call(s, w->body);
	synth_call(s, w->tail);
	if (peek)
		synth_call(s, peek);
	if (other)
		synth_call(s, other);
	synth_emit(s, 0xc3);
	if (twist == FALSE_START) { /* bytes behind the code that read as a call into SSL_write */
		synth_start(s);
		synth_call(s, (w->write + 47) & ~15ull);
	}
	if (twist == TWO_STRINGS)
		memcpy(s->file + 0x500, s->file + SYNTH_STRING, 64);
	if (twist == NO_STRING)
		memset(s->file + SYNTH_STRING, 'x', 60);
	if (twist == STRING_UNUSED) {
		memmove(s->file + SYNTH_STRING + 8, s->file + SYNTH_STRING, 64);
		memset(s->file + SYNTH_STRING, 0, 8);
	}
	synth_finish(s, EM_X86_64);
}

static int locate(const struct synth *s, struct tls_layout *l, char *why)
{
	int fd = synth_memfd(s->file, s->size), r;

	r = tls_locate(fd, l, why);
	if (!r)
		assert_true(tls_layout_matches(l, fd));
	close(fd);
	return r;
}

static void found_case(enum twist twist, uint16_t type, bool old_order)
{
	static struct synth s;
	struct want w;
	struct tls_layout l;
	char why[TLS_WHY_SIZE];
	int r;

	make(&s, twist, type, old_order, &w);
	r = locate(&s, &l, why);
	if (r)
		fail_msg("twist %d type %d order %d: %d %s", twist, type, old_order, r, why);
	assert_int_equal(l.method, TLS_METHOD_REASONS);
	assert_int_equal(l.library, TLS_LIBRARY_BORINGSSL);
	assert_int_equal(l.source_string, s.base + SYNTH_STRING);
	assert_int_equal(l.function[TLS_ROLE_WRITE].address, w.write);
	assert_int_equal(l.function[TLS_ROLE_READ].address, w.read);
	assert_int_equal(l.function[TLS_ROLE_HANDSHAKE].address, w.handshake);
	assert_int_equal(l.function[TLS_ROLE_READ].offset, w.read - s.base);
	assert_int_equal(l.read_body, w.body);
	assert_int_equal(l.build_id_len, 20);
	assert_false(l.function[TLS_ROLE_WRITE_EX].present);
	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++)
		for (uint32_t k = 0; k < l.function[i].n_rets; k++)
			assert_int_equal(s.file[l.function[i].ret_offset[k]], 0xc3);
	assert_int_equal(l.function[TLS_ROLE_WRITE].n_reasons, 4);
}

static void test_compilers(void **state)
{
	static const enum twist twists[] = {
		PLAIN,	MERGED_TAILS, CALLEE_SAVED, PEEK_TOO,	  PEEK_CALLED,
		SWITCH, COLD_PART,    FALSE_START,  NORETURN_END, TAIL_RETURN,
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(twists) / sizeof(twists[0]); i++) {
		found_case(twists[i], ET_EXEC, false);
		if (twists[i] == CALLEE_SAVED)
			continue; /* its argument registers are those of the new order */
		found_case(twists[i], ET_EXEC, true);
		if (twists[i] == SWITCH)
			continue; /* an absolute table has no place in a shared object */
		found_case(twists[i], ET_DYN, false);
		found_case(twists[i], ET_DYN, true);
	}
}

static void test_returns(void **state)
{
	static struct synth s;
	const struct tls_function *f;
	struct tls_layout l;
	struct want w;

	(void)state;
	make(&s, PLAIN, ET_EXEC, false, &w);
	assert_int_equal(locate(&s, &l, NULL), 0);
	f = &l.function[TLS_ROLE_READ];
	assert_int_equal(f->n_rets, 1);
	assert_int_equal(f->ret_offset[0], f->offset + f->size - 1);

	/* a tail call: its own return, and that of the function which returns in its place */
	make(&s, TAIL_RETURN, ET_EXEC, false, &w);
	assert_int_equal(locate(&s, &l, NULL), 0);
	f = &l.function[TLS_ROLE_READ];
	assert_int_equal(f->n_rets, 2);
	assert_in_range(f->ret_offset[0], f->offset, f->offset + f->size - 1);
	assert_int_equal(f->ret_offset[1], w.tail - s.base + 2);

	/* a part that was moved away returns too */
	make(&s, COLD_PART, ET_EXEC, false, &w);
	assert_int_equal(locate(&s, &l, NULL), 0);
	f = &l.function[TLS_ROLE_WRITE];
	assert_int_equal(f->n_rets, 2);
	assert_true(f->ret_offset[1] < f->offset);
}

static void test_refusals(void **state)
{
	static const struct {
		enum twist twist;
		int want;
		const char *says;
	} cases[] = {
		{TWO_WRITES, -EUCLEAN, "2 functions look like SSL_write"},
		{TWO_HANDSHAKES, -EUCLEAN, "2 functions look like SSL_do_handshake"},
		{TWO_READS, -EUCLEAN, "2 functions look like SSL_read"},
		{NO_READ, -EUCLEAN, "no function raises the errors of SSL_read"},
		{NO_HANDSHAKE, -EUCLEAN, "no function raises the errors of SSL_do_handshake"},
		{WRITE_NOT_CALLED, -EUCLEAN, "SSL_write"},
		{WRITE_NO_HANDSHAKE, -EUCLEAN, "no function raises the errors of SSL_write"},
		{WRITE_EXTRA_REASON, -EUCLEAN, "no function raises the errors of SSL_write"},
		{READ_JUMPS_AWAY, -EUCLEAN, "where it returns is not known"},
		{READ_NO_RETURN, -EUCLEAN, "never returns"},
		{READ_MANY_RETURNS, -EUCLEAN, "more than 24 places"},
		{READ_GARBAGE, -EUCLEAN, "SSL_read"},
		{REASON_UNKNOWN, -EUCLEAN, "SSL_read"},
		{TWO_STRINGS, -EUCLEAN, "more than once"},
		{NO_STRING, -ENOENT, "no TLS library"},
		{STRING_UNUSED, -EUCLEAN, "0 functions use the string"},
	};
	static struct synth s;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_layout l, untouched;
		char why[TLS_WHY_SIZE] = "";
		struct want w;
		int r;

		memset(&l, 0xa5, sizeof(l));
		memset(&untouched, 0xa5, sizeof(untouched));
		make(&s, cases[i].twist, ET_EXEC, false, &w);
		r = locate(&s, &l, why);
		if (r != cases[i].want || !strstr(why, cases[i].says))
			fail_msg("twist %d: %d \"%s\", wanted %d \"%s\"", cases[i].twist, r, why,
				 cases[i].want, cases[i].says);
		assert_memory_equal(&l, &untouched, sizeof(l));
	}
}

UNIT_MAIN(unit(test_compilers), unit(test_returns), unit(test_refusals))
