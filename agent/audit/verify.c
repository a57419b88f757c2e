// SPDX-License-Identifier: Apache-2.0
/* Verifies a log with its public key and its files.
 *
 * Three sources tell each leaf: the entry bundles, the hash tiles and the lines of events.jsonl.
 * The tree is computed from each of them. The one that gives the signed root is right, which is how
 * the record that was changed can be named, and the file it was changed in, whichever of them it
 * was. */
#include "audit/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/entry.h"
#include "audit/note.h"
#include "audit/segment.h"
#include "audit/tiles.h"
#include "base/cleanup.h"

#define VERIFY_ATTEMPTS 20

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

static void fault_set(struct fault *f, uint64_t index, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void fault_set(struct fault *f, uint64_t index, const char *fmt, ...)
{
	va_list ap;

	if (f->set)
		return;
	f->set = true;
	f->index = index;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

static int source_add(struct source *s, const uint8_t leaf[DIGEST_SIZE], tree_full full, void *ctx)
{
	tree_add(&s->tree, leaf);
	return tree_settle(&s->tree, full, ctx);
}

static int source_judge(struct source *s, const struct checkpoint *c)
{
	uint8_t root[DIGEST_SIZE];
	int r = tree_root(&s->tree, root);

	s->right = r >= 0 && s->complete && s->tree.size == c->size &&
		   memcmp(root, c->root, DIGEST_SIZE) == 0;
	return r;
}

/* ---- what is read at once ---------------------------------------------------------------------
 */

static int read_key(struct verifier *v, const char *vkey, struct fault *fault)
{
	_cleanup_buffer_ struct buffer file = {0};
	int r;

	if (vkey) {
		size_t len = strlen(vkey);

		while (len && vkey[len - 1] == '\n')
			len--;
		return note_key_parse(vkey, len, &v->key) < 0 ? -EINVAL : 0;
	}
	r = tiles_read(v->dir_fd, "log.pub", NOTE_VKEY_SIZE, &file);
	if (r == -ENOENT && faccessat(v->dir_fd, "checkpoint", F_OK, 0) < 0 &&
	    faccessat(v->dir_fd, SEGMENT_ACTIVE, F_OK, 0) < 0)
		return -ENOENT; /* no log at all */
	if (r == -ENOENT)
		fault_set(fault, UINT64_MAX, "log.pub is missing.");
	else if (r < 0 && r != -EFBIG)
		return r;
	else if (r < 0 || !file.len || file.data[file.len - 1] != '\n' ||
		 note_key_parse((const char *)file.data, file.len - 1, &v->key) < 0)
		fault_set(fault, UINT64_MAX, "log.pub is not a verifier key.");
	return 0;
}

static int read_checkpoint(struct verifier *v, struct fault *fault)
{
	_cleanup_buffer_ struct buffer note = {0};
	struct stat st;
	size_t len = 0;
	int r;

	r = tiles_read(v->dir_fd, "checkpoint", NOTE_SIZE_MAX, &note);
	if (r == -ENOENT) {
		fault_set(fault, UINT64_MAX, "The checkpoint is missing.");
		return 0;
	}
	if (r < 0 && r != -EFBIG)
		return r;
	if (r >= 0)
		r = note_verify((const char *)note.data, note.len, &v->key, &len);
	if (r == -ENOKEY)
		fault_set(fault, UINT64_MAX, "The checkpoint has no signature of %s with this key.",
			  v->key.name);
	else if (r == -EKEYREJECTED)
		fault_set(
			fault, UINT64_MAX,
			"The signature of the checkpoint is wrong: it was changed after signing.");
	else if (r < 0)
		fault_set(fault, UINT64_MAX, "The checkpoint is not a signed note.");
	else if (checkpoint_parse((const char *)note.data, len, &v->checkpoint) < 0 ||
		 strcmp(v->checkpoint.origin, v->key.name) != 0)
		fault_set(fault, UINT64_MAX, "The checkpoint is not one of %s.", v->key.name);
	if (fstatat(v->dir_fd, "checkpoint", &st, 0) == 0)
		v->checkpoint_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return 0;
}

/* Reads a tile of width hashes. Returns 1, 0 when it is missing or has another size, -errno. */
static int read_tile(const struct verifier *v, unsigned int level, uint64_t n, unsigned int width,
		     struct tree_tile *ret)
{
	_cleanup_buffer_ struct buffer file = {0};
	char path[TILES_PATH_SIZE];
	int r;

	tiles_path((int)level, n, width, path);
	r = tiles_read(v->dir_fd, path, sizeof(ret->hash), &file);
	if (r < 0 && r != -ENOENT && r != -EFBIG)
		return r;
	if (r < 0 || file.len != (size_t)width * DIGEST_SIZE)
		return 0;
	memcpy(ret->hash, file.data, file.len);
	ret->n = width;
	ret->index = n;
	return 1;
}

static int read_edge(struct verifier *v)
{
	char path[TILES_PATH_SIZE];
	unsigned int width;
	uint64_t n;
	int r;

	for (unsigned int l = 0; l < TREE_LEVELS; l++) {
		width = tiles_partial(v->checkpoint.size, l, &n);
		v->edge[l].n = 0;
		v->edge[l].index = n;
		r = width ? read_tile(v, l, n, width, &v->edge[l]) : 1;
		if (r < 0)
			return r;
		v->edge_ok[l] = r > 0;
	}
	width = tiles_partial(v->checkpoint.size, 0, &n);
	v->edge_bundle.len = 0;
	v->edge_bundle_ok = true;
	if (width) {
		tiles_path(TILES_ENTRIES, n, width, path);
		r = tiles_read(v->dir_fd, path, TILES_BUNDLE_MAX, &v->edge_bundle);
		v->edge_bundle_ok = r >= 0;
		if (r < 0 && r != -ENOENT && r != -EFBIG)
			return r;
	}
	return 0;
}

/* A consistent view of a log that may be written right now: read again when the checkpoint has
 * moved on meanwhile. */
static int read_view(struct verifier *v, struct fault *fault)
{
	for (int attempt = 0; attempt < VERIFY_ATTEMPTS; attempt++) {
		struct checkpoint before;
		bool whole = true;
		int r;

		r = read_checkpoint(v, fault);
		if (r < 0 || fault->set)
			return r;
		before = v->checkpoint;
		r = read_edge(v);
		if (r < 0)
			return r;
		if (v->stream_open)
			line_stream_free(&v->stream);
		r = line_stream_open(v->dir_fd, &v->stream);
		v->stream_open = r >= 0;
		if (r < 0 && r != -ENOENT && r != -ESTALE)
			return r;
		for (unsigned int l = 0; l < TREE_LEVELS; l++)
			whole = whole && v->edge_ok[l];
		if (r == 0 && whole && v->edge_bundle_ok)
			return 0;
		if (r == -ESTALE)
			continue;
		r = read_checkpoint(v, fault);
		if (r < 0 || fault->set)
			return r;
		if (memcmp(before.root, v->checkpoint.root, DIGEST_SIZE) == 0)
			return 0; /* nobody is writing: it is really missing */
	}
	return -EAGAIN;
}

/* ---- one tile after the other -----------------------------------------------------------------
 */

static int on_entries_full(void *ctx, unsigned int level, const struct tree_tile *tile)
{
	struct verifier *v = ctx;
	struct tree_tile stored;
	char path[TILES_PATH_SIZE];
	int r;

	if (level == 0)
		return 0; /* compared record by record */
	r = read_tile(v, level, tile->index, TREE_TILE, &stored);
	if (r < 0)
		return r;
	tiles_path((int)level, tile->index, TREE_TILE, path);
	if (r == 0)
		fault_set(&v->above, UINT64_MAX, "%s is missing or has another size.", path);
	else if (memcmp(stored.hash, tile->hash, sizeof(stored.hash)) != 0)
		fault_set(&v->above, UINT64_MAX, "%s was changed; the records are intact.", path);
	return 0;
}

/* Splits a bundle as far as it is whole. */
static void split_bundle(struct verifier *v, const struct buffer *bundle, unsigned int width)
{
	unsigned int n = 0;
	size_t at = 0;

	while (n < width && tiles_next_entry(bundle->data, bundle->len, &at, &v->entry[n].bytes,
					     &v->entry[n].len) > 0)
		n++;
	v->found = n;
	v->rest = n == width && at != bundle->len;
}

/* A record that was signed and is nonetheless not what the log writes: the writer itself was made
 * to do it, which no hash can show. */
static int check_form(struct verifier *v, uint64_t index, const char *entry, size_t len)
{
	struct entry e;
	int r;

	if (v->form.set)
		return 0;
	r = entry_read(entry, len, &e);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		fault_set(&v->form, index, "Record %" PRIu64 " is not canonical JSON of this log.",
			  index);
	else if (e.sequence != index)
		fault_set(&v->form, index, "Record %" PRIu64 " says that it is record %" PRIu64 ".",
			  index, e.sequence);
	else if (strcmp(e.log_name, v->key.name) != 0)
		fault_set(&v->form, index, "Record %" PRIu64 " belongs to another log.", index);
	return 0;
}

static int add_entries(struct verifier *v, uint64_t n, unsigned int width)
{
	const struct buffer *bundle = &v->bundle;
	uint64_t first = n * TREE_TILE;
	char path[TILES_PATH_SIZE];
	int r = 0;

	tiles_path(TILES_ENTRIES, n, width, path);
	v->bundle.len = v->found = 0;
	v->rest = false;
	if (width < TREE_TILE) {
		bundle = &v->edge_bundle;
		v->there = v->edge_bundle_ok;
	} else {
		r = tiles_read(v->dir_fd, path, TILES_BUNDLE_MAX, &v->bundle);
		v->there = r >= 0;
		if (r < 0 && r != -ENOENT && r != -EFBIG)
			return r;
	}
	if (v->there)
		split_bundle(v, bundle, width);
	r = 0;
	for (unsigned int i = 0; r >= 0 && i < v->found; i++) {
		r = tree_leaf(v->entry[i].bytes, v->entry[i].len, v->leaf[i]);
		if (r >= 0)
			r = check_form(v, first + i, v->entry[i].bytes, v->entry[i].len);
		if (r >= 0 && v->entries.complete)
			r = source_add(&v->entries, v->leaf[i], on_entries_full, v);
	}
	if (v->found < width)
		v->entries.complete = false;
	return r;
}

/* Compares the stored hashes with those of the entries, which is where a changed entry shows. */
static int add_tile(struct verifier *v, uint64_t n, unsigned int width)
{
	struct tree_tile full, *tile = &v->edge[0];
	uint64_t first = n * TREE_TILE;
	char entries[TILES_PATH_SIZE], hashes[TILES_PATH_SIZE];
	int r = v->edge_ok[0];

	tiles_path(TILES_ENTRIES, n, width, entries);
	tiles_path(0, n, width, hashes);
	if (width == TREE_TILE) {
		tile = &full;
		r = read_tile(v, 0, n, width, tile);
	}
	if (r < 0)
		return r;
	if (r == 0) {
		fault_set(&v->tiles.fault, first, "%s is missing or has another size.", hashes);
		v->tiles.complete = false;
	}
	for (unsigned int i = 0; r && i < width; i++) {
		if (i < v->found && memcmp(tile->hash[i], v->leaf[i], DIGEST_SIZE) != 0) {
			fault_set(&v->entries.fault, first + i,
				  "Record %" PRIu64 " was changed in %s.", first + i, entries);
			fault_set(&v->tiles.fault, first + i,
				  "The hash of record %" PRIu64 " was changed in %s; the record is "
				  "intact.",
				  first + i, hashes);
		}
		if (v->tiles.complete && source_add(&v->tiles, tile->hash[i], NULL, NULL) < 0)
			return -EIO;
	}
	if (!v->there)
		fault_set(&v->entries.fault, first,
			  "%s is missing: record %" PRIu64 " and others are gone.", entries, first);
	else if (v->found < width)
		fault_set(&v->entries.fault, first + v->found,
			  "Record %" PRIu64 " is missing in %s.", first + v->found, entries);
	else if (v->rest)
		fault_set(&v->entries.fault, first + width,
			  "%s holds more than the records that were signed.", entries);
	return 0;
}

static void blame_line(struct verifier *v, uint64_t index, const char *line, size_t len)
{
	struct entry e;

	if (entry_read(line, len, &e) >= 0 && e.sequence != index)
		fault_set(&v->lines.fault, index,
			  "Record %" PRIu64 " is not in its place in %s: record %" PRIu64
			  " is there.",
			  index, v->stream.file, e.sequence);
	else
		fault_set(&v->lines.fault, index, "Record %" PRIu64 " was changed in %s.", index,
			  v->stream.file);
}

static int add_lines(struct verifier *v, uint64_t n, unsigned int width)
{
	for (unsigned int i = 0; i < width && !v->stream_done; i++) {
		uint64_t index = n * TREE_TILE + i;
		uint8_t leaf[DIGEST_SIZE];
		const char *line;
		size_t len;
		int r;

		r = v->stream_open ? line_stream_next(&v->stream, &line, &len) : 0;
		if (r < 0 && r != -EBADMSG)
			return r;
		if (r <= 0) {
			fault_set(&v->lines.fault, index, "Record %" PRIu64 " is missing in %s.",
				  index,
				  v->stream_open && v->stream.file[0] ? v->stream.file
								      : SEGMENT_ACTIVE);
			v->lines.complete = false;
			v->stream_done = true;
			break;
		}
		if (i < v->found && len == v->entry[i].len &&
		    memcmp(line, v->entry[i].bytes, len) == 0) {
			memcpy(leaf, v->leaf[i], DIGEST_SIZE);
		} else {
			r = tree_leaf(line, len, leaf);
			if (i < v->found)
				blame_line(v, index, line, len);
			if (r < 0)
				return r;
		}
		if (source_add(&v->lines, leaf, NULL, NULL) < 0)
			return -EIO;
	}
	return 0;
}

/* Lines that no checkpoint covers yet: counted, and looked at for their form. */
static int check_tail(struct verifier *v, struct log_finding *ret)
{
	const char *line;
	size_t len;
	int r;

	while (v->stream_open && !v->stream_done &&
	       (r = line_stream_next(&v->stream, &line, &len)) != 0) {
		uint64_t index = v->checkpoint.size + ret->unsigned_tail;
		struct entry e;

		if (r < 0 && r != -EBADMSG)
			return r;
		if (r < 0 || entry_read(line, len, &e) < 0 || e.sequence != index ||
		    strcmp(e.log_name, v->key.name) != 0) {
			fault_set(&v->lines.fault, index,
				  "Record %" PRIu64 ", not signed yet, is damaged in %s.", index,
				  v->stream.file);
			break;
		}
		ret->unsigned_tail++;
	}
	return 0;
}

/* ---- the verdict ------------------------------------------------------------------------------
 */

static void compare_edge(struct verifier *v)
{
	for (unsigned int l = 1; l < TREE_LEVELS; l++) {
		const struct tree_tile *tile = &v->entries.tree.level[l];
		char path[TILES_PATH_SIZE];

		tiles_path((int)l, tile->index, tile->n, path);
		if (!v->edge_ok[l])
			fault_set(&v->above, UINT64_MAX, "%s is missing or has another size.",
				  path);
		else if (memcmp(tile->hash, v->edge[l].hash, (size_t)tile->n * DIGEST_SIZE) != 0)
			fault_set(&v->above, UINT64_MAX, "%s was changed; the records are intact.",
				  path);
	}
}

static const struct fault *judge(struct verifier *v)
{
	static struct fault nowhere = {.set = true, .index = UINT64_MAX};

	if (v->entries.right) {
		const struct fault *all[] = {&v->form, &v->lines.fault, &v->entries.fault,
					     &v->tiles.fault, &v->above};

		compare_edge(v);
		/* where entry and hash differ, the entry was right: the tile is to blame */
		if (v->entries.fault.set && v->tiles.fault.set)
			v->entries.fault.set = false;
		for (size_t i = 0; i < ARRAY_SIZE(all); i++)
			if (all[i]->set)
				return all[i];
		return NULL;
	}
	if (v->tiles.right && v->entries.fault.set)
		return &v->entries.fault;
	if (v->lines.right && v->lines.fault.set) {
		/* only the lines are right: what differs from them is wrong in the bundles */
		snprintf(v->lines.fault.text, sizeof(v->lines.fault.text),
			 "Record %" PRIu64
			 " was changed in tile/entries, and its hash too; " SEGMENT_ACTIVE
			 " has it as it was signed.",
			 v->lines.fault.index);
		return &v->lines.fault;
	}
	if (v->entries.fault.set)
		return &v->entries.fault;
	if (v->lines.fault.set)
		return &v->lines.fault;
	if (v->tiles.fault.set)
		return &v->tiles.fault;
	snprintf(nowhere.text, sizeof(nowhere.text),
		 "The records, the hashes and the lines agree with each other and not with the "
		 "checkpoint: "
		 "the log was written again without its key.");
	return &nowhere;
}

static int verify(struct verifier *v, void (*progress)(uint64_t, uint64_t), struct log_finding *ret)
{
	uint64_t size = v->checkpoint.size;
	int r = 0;

	v->entries.complete = v->tiles.complete = v->lines.complete = true;
	for (uint64_t n = 0; r >= 0 && n * TREE_TILE < size; n++) {
		uint64_t left = size - n * TREE_TILE;
		unsigned int width = left < TREE_TILE ? (unsigned int)left : TREE_TILE;

		r = add_entries(v, n, width);
		if (r >= 0)
			r = add_tile(v, n, width);
		if (r >= 0)
			r = add_lines(v, n, width);
		if (progress)
			progress(n * TREE_TILE + width, size);
	}
	if (r >= 0 && !v->stream_open)
		fault_set(&v->lines.fault, size ? 0 : UINT64_MAX, SEGMENT_ACTIVE " is missing.");
	if (r >= 0)
		r = check_tail(v, ret);
	if (r >= 0)
		r = source_judge(&v->entries, &v->checkpoint);
	if (r >= 0)
		r = source_judge(&v->tiles, &v->checkpoint);
	if (r >= 0)
		r = source_judge(&v->lines, &v->checkpoint);
	return r;
}

static void verifier_freep(struct verifier **v)
{
	if (!*v)
		return;
	if ((*v)->stream_open)
		line_stream_free(&(*v)->stream);
	buffer_free(&(*v)->bundle);
	buffer_free(&(*v)->edge_bundle);
	if ((*v)->dir_fd >= 0)
		close((*v)->dir_fd);
	free(*v);
}

int log_verify(const char *directory, const char *vkey, void (*progress)(uint64_t, uint64_t),
	       struct log_finding *ret)
{
	_cleanup_(verifier_freep) struct verifier *v = calloc(1, sizeof(*v));
	struct log_finding finding = {.bad_index = UINT64_MAX};
	struct fault early = {0};
	const struct fault *bad = &early;
	int r;

	if (!v)
		return -ENOMEM;
	v->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->dir_fd < 0)
		return -errno;
	r = read_key(v, vkey, &early);
	if (r >= 0 && !early.set)
		r = read_view(v, &early);
	if (r >= 0 && !early.set) {
		r = verify(v, progress, &finding);
		bad = r < 0 ? &early : judge(v);
		finding.size = v->checkpoint.size;
		note_base64(v->checkpoint.root, DIGEST_SIZE, finding.root);
	}
	if (r < 0)
		return r;
	finding.checkpoint_ms = v->checkpoint_ms;
	finding.ok = !bad;
	if (bad) {
		finding.bad_index = bad->index;
		snprintf(finding.why, sizeof(finding.why), "%s", bad->text);
	}
	*ret = finding;
	return 0;
}
