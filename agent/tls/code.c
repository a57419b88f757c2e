// SPDX-License-Identifier: Apache-2.0
/* Decodes a function without symbols: its end is the point that nothing in it jumps beyond. */
#include "tls/code.h"

#include <errno.h>

#define FUNCTION_MAX 65536u
#define TABLE_MAX    512u /* entries of a jump table */

int code_init(struct code *c, struct elf_image *image, const struct scan *scan)
{
	*c = (struct code){.image = image, .scan = scan};
	c->insn = elf_image_alloc(image, CODE_INSNS_MAX, sizeof(*c->insn));
	return c->insn ? 0 : -ENOMEM;
}

static void leaves(struct code *c, uint64_t at, const char *how)
{
	if (!c->leaves_at) {
		c->leaves_at = at;
		c->leaves_how = how;
	}
}

/* The last instruction before index i, in this piece, that sets the register; NULL if none near. */
static const struct insn *setter(const struct code *c, uint32_t first, uint32_t i, uint8_t reg)
{
	for (uint32_t n = 0; i > first && n < 32; n++) {
		const struct insn *in = &c->insn[--i];

		if (in->clobbers & 1u << reg)
			return in;
	}
	return NULL;
}

/* How many entries the table of the switch at index i has: `cmp $n, index; ja default` before it
 * says. Tables lie one behind the other, so their end cannot be seen in them. */
static uint64_t table_length(const struct code *c, uint32_t first, uint32_t i)
{
	for (uint32_t n = 0; i > first && n < 12; n++) {
		const struct insn *in = &c->insn[--i];

		if (in->compares && in[1].above)
			return in->value < TABLE_MAX ? in->value + 1 : 0;
	}
	return 0;
}

/* Understands the two forms of a switch, and raises *max to its furthest target:
 *	jmp *table(,%index,8)
 *	lea table(%rip),%b; movslq (%b,%index,4),%r; add %b,%r; jmp *%r
 * Without this, a switch could not be told from a tail call through a register. */
static bool table_follow(const struct code *c, uint32_t first, uint32_t i, uint64_t low,
			 uint64_t high, uint64_t *max)
{
	const struct insn *in = &c->insn[i], *add, *load, *base;
	bool relative = in->jump_register != INSN_NONE;
	uint64_t table = in->slot;
	uint64_t length = table_length(c, first, i);

	if (relative) {
		add = setter(c, first, i, in->jump_register);
		if (!add || add->set != INSN_SET_ADD_REG)
			return false;
		load = setter(c, first, (uint32_t)(add - c->insn), in->jump_register);
		if (!load || load->set != INSN_SET_TABLE || load->src != add->src)
			return false;
		base = setter(c, first, (uint32_t)(load - c->insn), load->src);
		if (!base || base->set != INSN_SET_VALUE)
			return false;
		table = base->value;
	} else if (!in->slot_indexed) {
		return false;
	}
	for (uint64_t n = 0; n < length; n++) {
		uint64_t target;

		if (relative) {
			int32_t rel;

			if (!elf_image_copy(c->image, table + 4 * n, &rel, sizeof(rel)))
				return false;
			target = table + (uint64_t)(int64_t)rel;
		} else if (!elf_image_copy(c->image, table + 8 * n, &target, sizeof(target))) {
			return false;
		}
		if (target < low || target >= high)
			return false;
		if (target > *max)
			*max = target;
	}
	return length != 0;
}

static bool is_inside(const struct code *c, uint64_t target, uint64_t start, uint64_t limit)
{
	return target >= start && target < limit &&
	       (target == start || !c->scan || !scan_is_called(c->scan, target));
}

/* Decodes one piece and notes where control ends in it. */
static int chunk_decode(struct code *c, uint64_t start, uint64_t size, bool tail)
{
	struct code_chunk *k = &c->chunk[c->n_chunks];
	uint64_t at = start, max = start, limit = start + (size ? size : FUNCTION_MAX), frame, next;
	bool after_call = false;

	if (limit < start)
		return -EILSEQ;
	elf_image_frame(c->image, start, &frame, &next);
	if (!size && next && next < limit)
		limit = next;
	*k = (struct code_chunk){.start = start, .first = c->n_insns, .tail = tail};
	while (at < limit) {
		struct insn *in = &c->insn[c->n_insns];
		bool ends = false;

		/* a call that never returns, straight before the next function */
		if (!size && after_call && at > max && c->scan && scan_is_called(c->scan, at))
			break;
		if (c->n_insns == CODE_INSNS_MAX || decode_at(c->image, at, in))
			return -EILSEQ;
		c->n_insns++;
		k->n++;
		at += in->length;
		switch (in->flow) {
		case INSN_JUMP:
			ends = true;
			/* fall through */
		case INSN_BRANCH:
			if (is_inside(c, in->target, start, limit) && in->target > max)
				max = in->target;
			break;
		case INSN_JUMP_INDIRECT:
			ends = true;
			if (!table_follow(c, k->first, c->n_insns - 1, start, limit, &max))
				leaves(c, in->address, "jumps through a register or memory");
			break;
		case INSN_CALL:
			ends = decode_resolve(c->image, in->target).noreturn;
			break;
		case INSN_RETURN:
		case INSN_TRAP:
			ends = true;
			break;
		default:
			break;
		}
		after_call = in->flow == INSN_CALL || in->flow == INSN_CALL_INDIRECT ||
			     (after_call && in->padding);
		if (ends && !size && at > max)
			break;
	}
	k->end = at;
	c->n_chunks++;
	return k->n ? 0 : -EILSEQ;
}

static bool is_decoded(const struct code *c, uint64_t address)
{
	for (uint32_t i = 0; i < c->n_chunks; i++)
		if (address >= c->chunk[i].start && address < c->chunk[i].end)
			return true;
	return false;
}

/* Follows one jump that leaves its piece. */
static int jump_follow(struct code *c, const struct insn *in, bool from_tail, bool tails)
{
	struct code_target t = decode_resolve(c->image, in->target);
	bool tail;

	if (t.noreturn || is_decoded(c, t.address))
		return 0;
	if (t.import) {
		leaves(c, in->address, "jumps to a function of another file");
		return 0;
	}
	/* a piece that nobody calls is a cold part of this function, moved away by the compiler */
	tail = from_tail || !c->scan || t.address != in->target ||
	       scan_is_called(c->scan, t.address);
	if (tail && !tails)
		return 0;
	if (c->n_chunks == CODE_CHUNKS_MAX) {
		leaves(c, in->address, "jumps on through too many functions");
		return 0;
	}
	return chunk_decode(c, t.address, 0, tail);
}

int code_decode(struct code *c, uint64_t entry, uint64_t size, bool tails)
{
	int r;

	c->n_insns = c->n_chunks = 0;
	c->leaves_at = 0;
	r = chunk_decode(c, entry, size, false);
	if (r)
		return r;
	for (uint32_t i = 0; i < c->n_chunks; i++) {
		const struct code_chunk k = c->chunk[i];

		for (uint32_t n = 0; n < k.n; n++) {
			const struct insn *in = &c->insn[k.first + n];

			if (in->flow != INSN_JUMP && in->flow != INSN_BRANCH)
				continue;
			if (!is_decoded(c, in->target) && jump_follow(c, in, k.tail, tails))
				return -EILSEQ;
		}
	}
	return 0;
}

uint64_t code_end(const struct code *c)
{
	return c->chunk[0].end;
}

bool code_reaches(const struct code *c, uint64_t target)
{
	for (uint32_t i = 0; i < c->n_chunks; i++) {
		const struct code_chunk *k = &c->chunk[i];

		for (uint32_t n = 0; n < k->n && !k->tail; n++) {
			const struct insn *in = &c->insn[k->first + n];

			if ((in->flow == INSN_CALL || in->flow == INSN_JUMP ||
			     in->flow == INSN_BRANCH) &&
			    (in->target == target ||
			     decode_resolve(c->image, in->target).address == target))
				return true;
		}
	}
	return false;
}

bool code_calls_indirectly(const struct code *c)
{
	for (uint32_t i = 0; i < c->n_chunks; i++)
		for (uint32_t n = 0; n < c->chunk[i].n && !c->chunk[i].tail; n++)
			if (c->insn[c->chunk[i].first + n].flow == INSN_CALL_INDIRECT)
				return true;
	return false;
}

static bool touches(const struct code *c, bool store, int32_t disp)
{
	const struct code_chunk *k = &c->chunk[0];

	for (uint32_t n = 0; n < k->n; n++) {
		const struct insn *in = &c->insn[k->first + n];

		if (in->access && (store ? in->stores : in->loads) && disp >= in->disp &&
		    disp + 8 <= in->disp + in->access)
			return true;
	}
	return false;
}

bool code_consumes(const struct code *c)
{
	const struct code_chunk *k = &c->chunk[0];

	for (uint32_t n = 0; n < k->n; n++) {
		const struct insn *in = &c->insn[k->first + n];

		if (in->access < 8 || !in->stores || in->disp < 0)
			continue;
		if (touches(c, true, in->disp) && touches(c, true, in->disp + 8) &&
		    touches(c, false, in->disp) && touches(c, false, in->disp + 8))
			return true;
	}
	return false;
}

const struct insn *code_find(const struct code *c, uint64_t address)
{
	for (uint32_t i = 0; i < c->n_chunks; i++) {
		const struct code_chunk *k = &c->chunk[i];
		uint32_t low = k->first, high = k->first + k->n;

		while (low < high) {
			uint32_t mid = low + (high - low) / 2;

			if (c->insn[mid].address == address)
				return &c->insn[mid];
			if (c->insn[mid].address < address)
				low = mid + 1;
			else
				high = mid;
		}
	}
	return NULL;
}
