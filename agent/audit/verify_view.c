// SPDX-License-Identifier: Apache-2.0
/* What the verifier reads before it begins: key, checkpoint, the right edge of the tree. */
#include "audit/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/tiles.h"
#include "base/cleanup.h"

#define VERIFY_ATTEMPTS 20

void verify_fault(struct fault *f, uint64_t index, const char *fmt, ...)
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

/* ---- what is read at once ---------------------------------------------------------------------
 */

int verify_read_key(struct verifier *v, const char *vkey, struct fault *fault)
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
		verify_fault(fault, UINT64_MAX, "log.pub is missing.");
	else if (r < 0 && r != -EFBIG)
		return r;
	else if (r < 0 || !file.len || file.data[file.len - 1] != '\n' ||
		 note_key_parse((const char *)file.data, file.len - 1, &v->key) < 0)
		verify_fault(fault, UINT64_MAX, "log.pub is not a verifier key.");
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
		verify_fault(fault, UINT64_MAX, "The checkpoint is missing.");
		return 0;
	}
	if (r < 0 && r != -EFBIG)
		return r;
	if (r >= 0)
		r = note_verify((const char *)note.data, note.len, &v->key, &len);
	if (r == -ENOKEY)
		verify_fault(fault, UINT64_MAX,
			     "The checkpoint has no signature of %s with this key.", v->key.name);
	else if (r == -EKEYREJECTED)
		verify_fault(
			fault, UINT64_MAX,
			"The signature of the checkpoint is wrong: it was changed after signing.");
	else if (r < 0)
		verify_fault(fault, UINT64_MAX, "The checkpoint is not a signed note.");
	else if (checkpoint_parse((const char *)note.data, len, &v->checkpoint) < 0 ||
		 strcmp(v->checkpoint.origin, v->key.name) != 0)
		verify_fault(fault, UINT64_MAX, "The checkpoint is not one of %s.", v->key.name);
	if (fstatat(v->dir_fd, "checkpoint", &st, 0) == 0)
		v->checkpoint_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	return 0;
}

int verify_read_tile(const struct verifier *v, unsigned int level, uint64_t n, unsigned int width,
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
		r = width ? verify_read_tile(v, l, n, width, &v->edge[l]) : 1;
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
int verify_read_view(struct verifier *v, struct fault *fault)
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
