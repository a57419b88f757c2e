// SPDX-License-Identifier: Apache-2.0
/* What a file is, by its content alone. */
#include "process/recognise.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/digest.h"

/* A client has all of these, in one file: what it says of itself on the wire and to its children,
 * and its package. Found in each release looked at, native and cli.js, since the session header
 * came with 2.1.86. Whoever takes them out has a program that is not recognised, not inspected, and
 * so kept from the model API. Each is in two parts here, or this very program would be one. */
static const char *const client_marks[][2] = {
	{"@anthropic-ai/", "claude-code"},
	{"claude-", "cli/"},
	{"X-Claude-Code-", "Session-Id"},
	{"CLAUDE_CODE_", "ENTRYPOINT"},
};

static bool has_all_marks(const uint8_t *map, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(client_marks); i++) {
		char mark[64];
		int n = snprintf(mark, sizeof(mark), "%s%s", client_marks[i][0],
				 client_marks[i][1]);

		if (!memmem(map, size, mark, (size_t)n))
			return false;
	}
	return true;
}

static bool is_elf(const uint8_t *map, size_t size)
{
	return size > sizeof(Elf64_Ehdr) && memcmp(map, ELFMAG, SELFMAG) == 0;
}

/* Node exports its C++ API (addons link against it); Bun carries the mark of its bundles also when
 * it has none. */
static bool is_runtime(const uint8_t *map, size_t size)
{
	static const char node[] = "_ZN4node5StartEiPPc";
	static const char bun[] = "\n---- Bun! ----\n";

	return size > (8u << 20) && (memmem(map, size, node, sizeof(node) - 1) ||
				     memmem(map, size, bun, sizeof(bun) - 1));
}

static int look(int fd, const uint8_t *map, size_t size, enum recognise_kind kind,
		unsigned int flags, struct recognition *out)
{
	bool client = size >= IMAGE_CLIENT_LEAST && has_all_marks(map, size);
	int r;

	out->class_ = IMAGE_OTHER;
	if (kind == RECOGNISE_SCRIPT) {
		if (client)
			out->class_ = IMAGE_CLIENT;
		return 0;
	}
	if (!is_elf(map, size))
		return 0;
	r = flags & RECOGNISE_LOCATED ? 0 : tls_locate(fd, &out->layout, out->why);
	out->has_layout = r == 0;
	out->tls_refused = r == -EUCLEAN;
	if (client)
		out->class_ = IMAGE_CLIENT;
	else if (is_runtime(map, size))
		out->class_ = IMAGE_RUNTIME;
	else if (out->has_layout)
		out->class_ = IMAGE_TLS;
	return 0;
}

int recognise(int fd, enum recognise_kind kind, unsigned int flags, struct recognition *ret)
{
	struct recognition out = {0};
	struct stat st;
	uint8_t *map;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0) {
		out.class_ = IMAGE_OTHER;
		*ret = out;
		return 0;
	}
	/* Shared, for a private mapping is given the breakpoints of the probes that an earlier
	 * keeper left on the file: it would be other code, of another digest. */
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	r = look(fd, map, (size_t)st.st_size, kind, flags, &out);
	if (!r && (flags & RECOGNISE_HASH))
		out.hashed = digest_sha256(map, (size_t)st.st_size, out.sha256) == 0;
	munmap(map, (size_t)st.st_size);
	if (!r)
		*ret = out;
	return r;
}
