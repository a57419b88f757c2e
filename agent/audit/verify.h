/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier's own structures, shared by the files it is made of; nobody else includes this. */
#ifndef AUDIT_VERIFY_H
#define AUDIT_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/note.h"
#include "audit/segment.h"
#include "audit/tree.h"
#include "base/buffer.h"

/* The first thing that is wrong with a source. */
struct fault {
	bool set;
	uint64_t index; /* UINT64_MAX: no single record */
	char text[384];
};

struct source {
	struct tree tree;
	bool complete; /* every leaf so far was there */
	bool right;    /* gives the signed root */
	struct fault fault;
};

struct verifier {
	int dir_fd;
	struct note_key key;
	struct checkpoint checkpoint;
	int64_t checkpoint_ms;
	/* Unfinished tiles are read at once: a writer replaces them while we work. */
	struct tree_tile edge[TREE_LEVELS];
	bool edge_ok[TREE_LEVELS];
	struct buffer edge_bundle;
	bool edge_bundle_ok;
	struct line_stream stream;
	bool stream_open;
	bool stream_done;
	struct source entries, tiles, lines;
	struct fault above; /* a tile above the lowest level */
	struct fault form;  /* a signed entry that is not what the log writes */
	/* one bundle at a time */
	struct buffer bundle;
	struct {
		const char *bytes;
		size_t len;
	} entry[TREE_TILE];
	uint8_t leaf[TREE_TILE][DIGEST_SIZE];
	unsigned int found; /* entries in it */
	bool there;	    /* the file */
	bool rest;	    /* more bytes than entries */
};

/* Notes what is wrong, unless something was noted before. */
void verify_fault(struct fault *f, uint64_t index, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The key: the text vkey, or log.pub. Returns 0, also with a fault; -EINVAL for a bad vkey; -ENOENT
 * when there is no log at all. */
int verify_read_key(struct verifier *v, const char *vkey, struct fault *fault);

/* Checkpoint, unfinished tiles and open lines that belong together, although the log may be written
 * right now. Returns 0, also with a fault; -EAGAIN; -errno. */
int verify_read_view(struct verifier *v, struct fault *fault);

/* Reads a tile of width hashes. Returns 1, 0 when it is missing or has another size, -errno. */
int verify_read_tile(const struct verifier *v, unsigned int level, uint64_t n, unsigned int width,
		     struct tree_tile *ret);

#endif
