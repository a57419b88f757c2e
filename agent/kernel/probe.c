// SPDX-License-Identifier: Apache-2.0
/* Probes on the TLS functions of one file. */
#include "kernel/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* n: 0 for an entry, 1 and up for the returns; what: what the program does there. */
static int attach_at(struct kernel *k, struct bpf_program *prog, const char *path, uint64_t offset,
		     uint32_t id, enum tls_role role, const char *what, int n, uint64_t cookie)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = false, .bpf_cookie = cookie);
	struct bpf_link *link;
	char name[64];
	int r;

	/* -1: every process that maps this file; the programs let go of those not governed */
	link = bpf_program__attach_uprobe_opts(prog, -1, path, offset, &opts);
	if (!link)
		return log_err_r(-errno, "cannot probe %s at offset 0x%llx",
				 tls_role_to_string(role), (unsigned long long)offset);
	snprintf(name, sizeof(name), "tls-%u-%u-%s%d", id, role, what, n);
	r = kernel_pin_link(k, link, name);
	bpf_link__destroy(link);
	return r;
}

int kernel_detach_tls(struct kernel *k, uint32_t id)
{
	char prefix[32], path[512];
	struct dirent *e;
	DIR *d = opendir(k->links);

	if (!d)
		return -errno;
	snprintf(prefix, sizeof(prefix), "tls-%u-", id);
	while ((e = readdir(d))) {
		if (strncmp(e->d_name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", k->links, e->d_name);
		unlink(path);
	}
	closedir(d);
	return 0;
}

/* The program that masks in place, at all its places. Its returns are probed after those of the
 * capture, and so run before them: what is captured is what the caller gets. */
static int attach_scan(struct kernel *k, const struct tls_layout *layout, const char *path,
		       uint32_t id)
{
	static const struct {
		uint32_t enter, leave;
	} cookies[TLS_ROLE_MAX] = {
		[TLS_ROLE_WRITE] = {INLINE_AT_WRITE, INLINE_AT_WRITE_RETURN},
		[TLS_ROLE_READ] = {INLINE_AT_READ, INLINE_AT_READ_RETURN},
		[TLS_ROLE_WRITE_EX] = {INLINE_AT_WRITE | INLINE_AT_EX,
				       INLINE_AT_WRITE_RETURN | INLINE_AT_EX},
		[TLS_ROLE_READ_EX] = {INLINE_AT_READ | INLINE_AT_EX,
				      INLINE_AT_READ_RETURN | INLINE_AT_EX},
		[TLS_ROLE_HANDSHAKE] = {INLINE_AT_HANDSHAKE, 0},
	};
	int r = 0;

	for (int role = 0; role < TLS_ROLE_MAX && !r; role++) {
		const struct tls_function *f = &layout->function[role];

		if (!f->present || !cookies[role].enter)
			continue;
		for (uint32_t i = 0; i < f->n_rets && cookies[role].leave && !r; i++)
			r = attach_at(k, k->scan->progs.inline_call, path, f->ret_offset[i], id,
				      role, "scan", (int)i + 1, cookies[role].leave);
		if (!r)
			r = attach_at(k, k->scan->progs.inline_call, path, f->offset, id, role,
				      "scan", 0, cookies[role].enter);
	}
	return r;
}

/* The program that takes HTTP/2 out of what is offered; of no use where nothing is overwritten.
 * Where it cannot be attached, HTTP/2 is told, as from a library without such a function. */
static void attach_offer(struct kernel *k, const struct tls_layout *layout, const char *path,
			 uint32_t id)
{
	uint64_t cookie =
		layout->library == TLS_LIBRARY_GNUTLS ? INLINE_AT_OFFER_ARRAY : INLINE_AT_OFFER;

	for (enum tls_role role = 0; role < TLS_ROLE_MAX; role++)
		if (tls_role_is_offer(role) && layout->function[role].present)
			attach_at(k, k->scan->progs.inline_offer, path,
				  layout->function[role].offset, id, role, "alpn", 0, cookie);
}

int kernel_attach_tls(struct kernel *k, int fd, const struct tls_layout *layout, uint32_t id)
{
	struct {
		struct bpf_program *enter, *leave, *judge;
	} programs[TLS_ROLE_MAX] = {0};
	char path[64];
	int r = 0;

	if (!k->tls || !k->tls->progs.tls_write_enter)
		return -ENOTSUP;
	programs[TLS_ROLE_WRITE].enter = k->tls->progs.tls_write_enter;
	programs[TLS_ROLE_WRITE].leave = k->tls->progs.tls_write_return;
	programs[TLS_ROLE_READ].enter = k->tls->progs.tls_read_enter;
	programs[TLS_ROLE_READ].leave = k->tls->progs.tls_read_return;
	programs[TLS_ROLE_WRITE_EX].enter = k->tls->progs.tls_write_ex_enter;
	programs[TLS_ROLE_WRITE_EX].leave = k->tls->progs.tls_write_ex_return;
	programs[TLS_ROLE_READ_EX].enter = k->tls->progs.tls_read_ex_enter;
	programs[TLS_ROLE_READ_EX].leave = k->tls->progs.tls_read_ex_return;
	programs[TLS_ROLE_HANDSHAKE].enter = k->tls->progs.tls_handshake;
	if (k->host && k->host->progs.host_write) {
		programs[TLS_ROLE_WRITE].judge = k->host->progs.host_write;
		programs[TLS_ROLE_WRITE_EX].judge = k->host->progs.host_write;
		programs[TLS_ROLE_HANDSHAKE].judge = k->host->progs.host_handshake;
	}
	/* by descriptor: the very file that was analysed, whatever its path says now */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (int role = 0; role < TLS_ROLE_MAX && !r; role++) {
		const struct tls_function *f = &layout->function[role];

		if (!f->present || !programs[role].enter)
			continue;
		/* returns first: an entry without its return would leave calls open */
		for (uint32_t i = 0; i < f->n_rets && programs[role].leave && !r; i++)
			r = attach_at(k, programs[role].leave, path, f->ret_offset[i], id, role, "",
				      (int)i + 1, 0);
		/* what decides before what copies */
		if (!r && programs[role].judge)
			r = attach_at(k, programs[role].judge, path, f->offset, id, role, "judge",
				      0, 0);
		if (!r)
			r = attach_at(k, programs[role].enter, path, f->offset, id, role, "", 0, 0);
	}
	if (!r && k->scan && bpf_program__fd(k->scan->progs.inline_call) >= 0)
		r = attach_scan(k, layout, path, id);
	if (!r && k->scan && !k->inline_dry && bpf_program__fd(k->scan->progs.inline_offer) >= 0)
		attach_offer(k, layout, path, id);
	if (r < 0)
		kernel_detach_tls(k, id);
	return r;
}
