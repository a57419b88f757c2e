// SPDX-License-Identifier: Apache-2.0
/* What a file is, by its content alone. */
#include "process/recognise.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/digest.h"

/* A client has all of these, in one file: what it says of itself on the wire, and its package.
 * Found in each release looked at, native and cli.js, since the session header came with 2.1.86.
 * Whoever takes them out has a program that is not recognised, not inspected, and so kept from the
 * model API. */
static const char *const client_marks[] = {
	"@anthropic-ai/claude-code",
	"claude-cli/",
	"X-Claude-Code-Session-Id",
};

/* Smaller files hold no client: 2.1.x is 11 MB as a script and over 200 MB as a program. */
#define CLIENT_LEAST (1u << 20)

static bool has_all(const uint8_t *map, size_t size, const char *const *marks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!memmem(map, size, marks[i], strlen(marks[i])))
			return false;
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
		struct recognition *out)
{
	bool client =
		size >= CLIENT_LEAST &&
		has_all(map, size, client_marks, sizeof(client_marks) / sizeof(client_marks[0]));
	int r;

	out->class_ = IMAGE_OTHER;
	if (kind == RECOGNISE_SCRIPT) {
		if (client)
			out->class_ = IMAGE_CLIENT;
		return 0;
	}
	if (!is_elf(map, size))
		return 0;
	r = tls_locate(fd, &out->layout, out->why);
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

int recognise(int fd, enum recognise_kind kind, bool want_sha256, struct recognition *ret)
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
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	r = look(fd, map, (size_t)st.st_size, kind, &out);
	if (!r && want_sha256)
		out.hashed = digest_sha256(map, (size_t)st.st_size, out.sha256) == 0;
	munmap(map, (size_t)st.st_size);
	if (!r)
		*ret = out;
	return r;
}
