// SPDX-License-Identifier: Apache-2.0
/* Whole files into the locator, by a memfd as the keeper would open them. The first byte picks the
 * method; the rest is the file. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tls/locate.h"
#include "tls/reasons.h"

#define FILE_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void layout_check(const struct tls_layout *l, int fd, size_t size)
{
	assert(tls_layout_matches(l, fd));
	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++) {
		const struct tls_function *f = &l->function[i];

		if (!f->present)
			continue;
		assert(f->offset + TLS_ENTRY_BYTES <= size && f->n_rets <= TLS_RETS_MAX &&
		       f->n_reasons <= TLS_REASONS_MAX && f->n_edges <= TLS_EDGES_MAX);
		for (uint32_t k = 0; k < f->n_rets; k++)
			assert(f->ret_offset[k] < size);
	}
	assert(l->function[TLS_ROLE_WRITE].present && l->function[TLS_ROLE_READ].present &&
	       l->function[TLS_ROLE_HANDSHAKE].present);
	assert(l->function[TLS_ROLE_WRITE].n_rets && l->function[TLS_ROLE_READ].n_rets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_layout l, before;
	char why[TLS_WHY_SIZE];
	int fd, r;

	if (size < 2 || size > FILE_MAX)
		return 0;
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
		__builtin_trap();
	memset(&l, 0x5a, sizeof(l));
	memcpy(&before, &l, sizeof(l));
	r = data[0] & 1 ? tls_locate_reasons(fd, &l, why) : tls_locate(fd, &l, why);
	assert(r <= 0 && memchr(why, 0, sizeof(why)));
	if (r)
		assert(why[0] && memcmp(&before, &l, sizeof(l)) == 0);
	else
		layout_check(&l, fd, size - 1);
	close(fd);
	return 0;
}
