/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions of one function: from its entry to its end, with the pieces that it jumps to. */
#ifndef TLS_CODE_H
#define TLS_CODE_H

#include "tls/decode.h"
#include "tls/scan.h"

#define CODE_INSNS_MAX	16384
#define CODE_CHUNKS_MAX 12

struct code_chunk {
	uint64_t start;
	uint64_t end;
	uint32_t first; /* index of its first instruction */
	uint32_t n;
	bool tail; /* another function, reached by a jump: it returns in place of this one */
};

struct code {
	const struct elf_image *image;
	const struct scan *scan; /* NULL: the functions are known by symbols */
	uint32_t n_insns;
	struct insn *insn;
	uint32_t n_chunks;
	struct code_chunk chunk[CODE_CHUNKS_MAX];
	/* where it goes that could not be followed, 0 if nowhere: its returns are then not all
	 * known */
	uint64_t leaves_at;
	const char *leaves_how;
};

/* Prepares c: the memory belongs to the image. Returns 0 or -ENOMEM. */
int code_init(struct code *c, struct elf_image *image, const struct scan *scan);

/* Decodes the function at the entry. size is that of its symbol, 0 if not known: then it ends where
 * nothing before jumps further. With tails, functions that are jumped to are decoded too. Returns 0
 * or -EILSEQ. */
int code_decode(struct code *c, uint64_t entry, uint64_t size, bool tails);

/* Where the first piece ends. */
uint64_t code_end(const struct code *c);

/* Whether it calls or jumps to the target (itself or by the PLT). */
bool code_reaches(const struct code *c, uint64_t target);

bool code_calls_indirectly(const struct code *c);

/* Whether it takes a span from a structure and puts a shorter one back: both halves, a pointer and
 * a length, are loaded and stored at the same place. This is what sets SSL_read apart from
 * SSL_peek. */
bool code_consumes(const struct code *c);

/* The instruction at the address, or NULL. */
const struct insn *code_find(const struct code *c, uint64_t address);

#endif
