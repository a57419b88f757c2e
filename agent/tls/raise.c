// SPDX-License-Identifier: Apache-2.0
/* Compilers merge the tails of error paths: `mov edx, 215; jmp L` here, the call far away. So the
 * reasons are read along the paths of control, not from the bytes near a reference. */
#include "tls/raise.h"

#include <string.h>

#define ERR_LIB_SSL  16
#define REASON_LIMIT 1024 /* alerts are 1000 and up, nothing raised by the functions looked for */
#define STACK_MAX    256
#define SEEN_MAX     2048 /* a power of two */
#define STEPS_MAX    20000

struct state {
	uint64_t value[INSN_REGISTERS];
	uint32_t known;
	const struct insn *at;
};

struct raise_walk {
	const struct elf_image *image;
	const struct code *code;
	uint64_t string;
	uint8_t arg[4]; /* registers of the first four arguments */
	uint32_t lost;	/* registers that a call does not keep */
	uint32_t n_stack;
	struct state stack[STACK_MAX];
	uint64_t seen[SEEN_MAX];
	uint32_t n_seen;
	uint32_t steps;
	bool visited[CODE_INSNS_MAX];
	struct raises raises;
};

bool raise_has(const struct raises *r, uint32_t reason)
{
	for (uint32_t i = 0; i < r->n_reasons; i++)
		if (r->reason[i] == reason)
			return true;
	return false;
}

static void raise_add(struct raises *r, uint32_t reason)
{
	uint32_t i = r->n_reasons;

	if (raise_has(r, reason))
		return;
	if (i == TLS_REASONS_MAX) {
		r->n_unread++;
		return;
	}
	for (; i > 0 && r->reason[i - 1] > reason; i--)
		r->reason[i] = r->reason[i - 1];
	r->reason[i] = reason;
	r->n_reasons++;
}

static bool holds(const struct raise_walk *w, const struct state *s, unsigned int arg,
		  uint64_t *ret)
{
	if (!(s->known & 1u << w->arg[arg]))
		return false;
	*ret = s->value[w->arg[arg]];
	return true;
}

/* ERR_put_error(library, unused, reason, file, line), or without the unused argument where the
 * compiler dropped it: the place of the file tells which. */
static void call_read(struct raise_walk *w, const struct state *s)
{
	uint64_t file, reason, library;
	unsigned int place;

	if (holds(w, s, 3, &file) && file == w->string)
		place = 2;
	else if (holds(w, s, 2, &file) && file == w->string)
		place = 1;
	else
		return;
	if (holds(w, s, 0, &library) && library != ERR_LIB_SSL)
		return;
	if (holds(w, s, place, &reason) && reason < REASON_LIMIT)
		raise_add(&w->raises, (uint32_t)reason);
	else
		w->raises.n_unread++;
}

/* Only values that can matter are kept: the fewer states, the sooner paths meet. */
static bool matters(const struct raise_walk *w, uint64_t v)
{
	return v < REASON_LIMIT || v == w->string ||
	       (w->image->machine == EM_AARCH64 && v == (w->string & ~0xfffull));
}

static void step(const struct raise_walk *w, struct state *s, const struct insn *in)
{
	uint64_t v = in->value;
	bool known = false;

	switch (in->set) {
	case INSN_SET_VALUE:
		known = true;
		break;
	case INSN_SET_ADD:
		known = s->known >> in->src & 1;
		v += s->value[in->src];
		break;
	default:
		break;
	}
	s->known &= ~in->clobbers;
	if (known && matters(w, v)) {
		s->value[in->dst] = v;
		s->known |= 1u << in->dst;
	}
}

/* Whether this place was reached with these constants before. */
static bool was_seen(struct raise_walk *w, const struct state *s)
{
	uint64_t h = s->at->address * 0x9e3779b97f4a7c15ull;

	for (unsigned int i = 0; i < INSN_REGISTERS; i++)
		if (s->known >> i & 1)
			h = (h ^ (s->value[i] + i + 1)) * 0x100000001b3ull;
	h |= 1; /* 0 is an empty place */
	for (uint64_t at = h >> 20;; at++) {
		uint64_t *place = &w->seen[at % SEEN_MAX];

		if (*place == h)
			return true;
		if (*place == 0) {
			*place = h;
			w->n_seen++;
			return false;
		}
	}
}

static void fork_to(struct raise_walk *w, const struct state *s, uint64_t target)
{
	const struct insn *in = code_find(w->code, target);
	struct state next = *s;

	if (!in || w->n_stack == STACK_MAX || w->n_seen >= SEEN_MAX / 2)
		return;
	next.at = in;
	if (!was_seen(w, &next))
		w->stack[w->n_stack++] = next;
}

static void path_walk(struct raise_walk *w, struct state s)
{
	const struct insn *first = w->code->insn, *end = first + w->code->n_insns;

	while (s.at < end && ++w->steps < STEPS_MAX) {
		const struct insn *in = s.at;

		w->visited[in - first] = true;
		switch (in->flow) {
		case INSN_CALL:
			if (decode_resolve(w->image, in->target).noreturn)
				return;
			/* fall through */
		case INSN_CALL_INDIRECT:
			call_read(w, &s);
			s.known &= ~w->lost;
			break;
		case INSN_BRANCH:
			fork_to(w, &s, in->target);
			break;
		case INSN_JUMP:
			if (!code_find(w->code, in->target))
				call_read(w, &s); /* a tail call */
			else
				fork_to(w, &s, in->target);
			return;
		case INSN_JUMP_INDIRECT:
		case INSN_RETURN:
		case INSN_TRAP:
			return;
		default:
			step(w, &s, in);
			break;
		}
		s.at = in + 1;
		/* pieces lie one after the other: do not run from one into the next */
		if (s.at < end && s.at->address != in->address + in->length)
			return;
	}
}

struct raise_walk *raise_init(struct elf_image *image)
{
	struct raise_walk *w = elf_image_alloc(image, 1, sizeof(*w));

	if (!w)
		return NULL;
	w->image = image;
	if (image->machine == EM_X86_64) {
		memcpy(w->arg, (const uint8_t[]){7, 6, 2, 1}, sizeof(w->arg)); /* rdi rsi rdx rcx */
		w->lost = 0x0fc7; /* all but rbx, rsp, rbp, r12 to r15 */
	} else {
		memcpy(w->arg, (const uint8_t[]){0, 1, 2, 3}, sizeof(w->arg));
		w->lost = 0x4007ffff; /* all but x19 to x29 */
	}
	return w;
}

void raise_read(struct raise_walk *w, const struct code *c, uint64_t string, struct raises *ret)
{
	w->code = c;
	w->string = string;
	w->n_seen = w->n_stack = w->steps = 0;
	w->raises = (struct raises){0};
	memset(w->seen, 0, sizeof(w->seen));
	memset(w->visited, 0, c->n_insns);
	/* from the entry; then from what only a switch reaches */
	for (uint32_t i = 0; i < c->n_insns; i++) {
		if (w->visited[i])
			continue;
		path_walk(w, (struct state){.at = &c->insn[i]});
		while (w->n_stack)
			path_walk(w, w->stack[--w->n_stack]);
	}
	if (w->steps >= STEPS_MAX)
		w->raises.n_unread++;
	*ret = w->raises;
}
