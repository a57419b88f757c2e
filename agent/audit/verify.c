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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/entry.h"
#include "audit/note.h"
#include "audit/segment.h"
#include "audit/tiles.h"
#include "audit/verify.h"
#include "base/cleanup.h"

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
	r = verify_read_tile(v, level, tile->index, TREE_TILE, &stored);
	if (r < 0)
		return r;
	tiles_path((int)level, tile->index, TREE_TILE, path);
	if (r == 0)
		verify_fault(&v->above, UINT64_MAX, "%s is missing or has another size.", path);
	else if (memcmp(stored.hash, tile->hash, sizeof(stored.hash)) != 0)
		verify_fault(&v->above, UINT64_MAX, "%s was changed; the records are intact.",
			     path);
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
		verify_fault(&v->form, index,
			     "Record %" PRIu64 " is not canonical JSON of this log.", index);
	else if (e.sequence != index)
		verify_fault(&v->form, index,
			     "Record %" PRIu64 " says that it is record %" PRIu64 ".", index,
			     e.sequence);
	else if (strcmp(e.log_name, v->key.name) != 0)
		verify_fault(&v->form, index, "Record %" PRIu64 " belongs to another log.", index);
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
		r = verify_read_tile(v, 0, n, width, tile);
	}
	if (r < 0)
		return r;
	if (r == 0) {
		verify_fault(&v->tiles.fault, first, "%s is missing or has another size.", hashes);
		v->tiles.complete = false;
	}
	for (unsigned int i = 0; r && i < width; i++) {
		if (i < v->found && memcmp(tile->hash[i], v->leaf[i], DIGEST_SIZE) != 0) {
			verify_fault(&v->entries.fault, first + i,
				     "Record %" PRIu64 " was changed in %s.", first + i, entries);
			verify_fault(&v->tiles.fault, first + i,
				     "The hash of record %" PRIu64
				     " was changed in %s; the record is "
				     "intact.",
				     first + i, hashes);
		}
		if (v->tiles.complete && source_add(&v->tiles, tile->hash[i], NULL, NULL) < 0)
			return -EIO;
	}
	if (!v->there)
		verify_fault(&v->entries.fault, first,
			     "%s is missing: record %" PRIu64 " and others are gone.", entries,
			     first);
	else if (v->found < width)
		verify_fault(&v->entries.fault, first + v->found,
			     "Record %" PRIu64 " is missing in %s.", first + v->found, entries);
	else if (v->rest)
		verify_fault(&v->entries.fault, first + width,
			     "%s holds more than the records that were signed.", entries);
	return 0;
}

static void blame_line(struct verifier *v, uint64_t index, const char *line, size_t len)
{
	struct entry e;

	if (entry_read(line, len, &e) >= 0 && e.sequence != index)
		verify_fault(&v->lines.fault, index,
			     "Record %" PRIu64 " is not in its place in %s: record %" PRIu64
			     " is there.",
			     index, v->stream.file, e.sequence);
	else
		verify_fault(&v->lines.fault, index, "Record %" PRIu64 " was changed in %s.", index,
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
			verify_fault(&v->lines.fault, index, "Record %" PRIu64 " is missing in %s.",
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
			verify_fault(&v->lines.fault, index,
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
			verify_fault(&v->above, UINT64_MAX, "%s is missing or has another size.",
				     path);
		else if (memcmp(tile->hash, v->edge[l].hash, (size_t)tile->n * DIGEST_SIZE) != 0)
			verify_fault(&v->above, UINT64_MAX,
				     "%s was changed; the records are intact.", path);
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
		verify_fault(&v->lines.fault, size ? 0 : UINT64_MAX, SEGMENT_ACTIVE " is missing.");
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
	r = verify_read_key(v, vkey, &early);
	if (r >= 0 && !early.set)
		r = verify_read_view(v, &early);
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
