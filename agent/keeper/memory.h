/* SPDX-License-Identifier: Apache-2.0 */
/* The code of a probed file as a process has it in its memory: do the breakpoints stand there? */
#ifndef KEEPER_MEMORY_H
#define KEEPER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/contract.h"
#include "tls/locate.h"

#define MEMORY_SITE_BYTES 5 /* of the longest instruction that a kernel puts for a probe */
#define MEMORY_SITES_MAX  (TLS_ROLE_MAX * (TLS_RETS_MAX + 1))

/* A place that a probe is on. */
struct memory_site {
	uint64_t offset; /* in the file */
	enum tls_role role;
	uint8_t file[MEMORY_SITE_BYTES]; /* what the file has there */
};

/* The places that kernel_attach_tls() probes, but those of offers, with the bytes of the file
 * behind fd. ret: room for MEMORY_SITES_MAX. Returns how many, or -errno. */
int memory_sites(const struct tls_layout *layout, int fd, struct memory_site *ret);

/* Whether what stands in memory is what the kernel puts for a probe, where the file has file. */
bool memory_probed(uint16_t machine, const uint8_t file[MEMORY_SITE_BYTES],
		   const uint8_t now[MEMORY_SITE_BYTES]);

/* Looks at every executable mapping of the file in the process. Returns 0 when a probe stands at
 * each site that is mapped; 1 with the first that has none in *ret; -ESRCH when the process is
 * gone; or another -errno, when it cannot be looked at. A site that is not mapped has nothing to
 * say. */
int memory_look(pid_t pid, const struct image_key *key, uint16_t machine,
		const struct memory_site *sites, size_t n, const struct memory_site **ret);

#endif
