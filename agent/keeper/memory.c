// SPDX-License-Identifier: Apache-2.0
/* Looks for breakpoints in the memory of a process. Anything else than one counts as none: who
 * writes over a probe need not write what was there. */
#include "keeper/memory.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* A client maps its code once. Who maps it more often than this wants the look to take long. */
#define MAPPINGS_MAX 64

static int add(struct memory_site *sites, int n, int fd, enum tls_role role, uint64_t offset)
{
	struct memory_site *s = &sites[n];

	*s = (struct memory_site){.offset = offset, .role = role};
	/* at the very end of a file there may be fewer bytes; one there must be */
	if (pread(fd, s->file, sizeof(s->file), (off_t)offset) < 1)
		return errno ? -errno : -EIO;
	return n + 1;
}

int memory_sites(const struct tls_layout *layout, int fd, struct memory_site *ret)
{
	int n = 0;

	for (int role = 0; role < TLS_ROLE_MAX; role++) {
		const struct tls_function *f = &layout->function[role];

		/* who speaks HTTP/2 over a missing probe could as well offer it by itself: told */
		if (!f->present || tls_role_is_offer(role))
			continue;
		errno = 0;
		n = add(ret, n, fd, (enum tls_role)role, f->offset);
		/* of a handshake the entry alone is probed */
		for (uint32_t i = 0; n >= 0 && role != TLS_ROLE_HANDSHAKE && i < f->n_rets; i++)
			n = add(ret, n, fd, (enum tls_role)role, f->ret_offset[i]);
		if (n < 0)
			return n;
	}
	return n;
}

bool memory_probed(uint16_t machine, const uint8_t file[MEMORY_SITE_BYTES],
		   const uint8_t now[MEMORY_SITE_BYTES])
{
	static const uint8_t nop5[MEMORY_SITE_BYTES] = {0x0f, 0x1f, 0x44, 0x00, 0x00};

	if (machine == EM_AARCH64) {
		uint32_t insn;

		memcpy(&insn, now, sizeof(insn));
		return (insn & 0xffe0001f) == 0xd4200000; /* brk, whatever its number */
	}
	if (now[0] == 0xcc)
		return true;
	/* kernels from 6.18 on call their handler where a program left five bytes for it */
	return now[0] == 0xe8 && memcmp(file, nop5, sizeof(nop5)) == 0;
}

/* Device and inode numbers are not compared: overlay file systems show user space others than the
 * kernel's. */
static bool is_file(pid_t pid, unsigned long from, unsigned long to, const struct image_key *key)
{
	struct stat st;
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, from, to);
	return stat(path, &st) == 0 && (uint64_t)st.st_size == key->size &&
	       (uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec ==
		       key->ctime_ns;
}

struct mapping {
	unsigned long from, to;
	unsigned long long offset;
};

static bool covers(const struct mapping *m, const struct memory_site *s)
{
	return s->offset >= m->offset && s->offset - m->offset < m->to - m->from;
}

static bool covers_any(const struct mapping *m, const struct memory_site *sites, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (covers(m, &sites[i]))
			return true;
	return false;
}

static int look_at(int mem, const struct mapping *m, uint16_t machine,
		   const struct memory_site *sites, size_t n, const struct memory_site **ret)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t now[MEMORY_SITE_BYTES] = {0};
		unsigned long at;
		ssize_t got;

		if (!covers(m, &sites[i]))
			continue;
		at = m->from + (unsigned long)(sites[i].offset - m->offset);
		got = pread(mem, now, m->to - at < sizeof(now) ? m->to - at : sizeof(now),
			    (off_t)at);
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ESRCH; /* its memory is gone */
		if (!memory_probed(machine, sites[i].file, now)) {
			*ret = &sites[i];
			return 1;
		}
	}
	return 0;
}

int memory_look(pid_t pid, const struct image_key *key, uint16_t machine,
		const struct memory_site *sites, size_t n, const struct memory_site **ret)
{
	_cleanup_fclose_ FILE *maps = NULL;
	_cleanup_free_ char *line = NULL;
	_cleanup_close_ int mem = -1;
	unsigned int mappings = 0;
	size_t size = 0;
	char path[64];
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	if (mem < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return errno == ENOENT ? -ESRCH : -errno;
	while (r == 0 && getline(&line, &size, maps) > 0) {
		struct mapping m;
		char mode[5];

		/* also one that is shared: the kernel puts no probe into such */
		if (sscanf(line, "%lx-%lx %4s %llx", &m.from, &m.to, mode, &m.offset) != 4 ||
		    mode[2] != 'x' || !covers_any(&m, sites, n) || !is_file(pid, m.from, m.to, key))
			continue;
		if (++mappings > MAPPINGS_MAX) {
			*ret = &sites[0];
			return 1;
		}
		r = look_at(mem, &m, machine, sites, n, ret);
		/* unmapped since: it has nothing to say any more; there still: it hides */
		if (r == -EIO && !is_file(pid, m.from, m.to, key))
			r = 0;
	}
	return r;
}
