// SPDX-License-Identifier: Apache-2.0
/* The returns of a function, all of them or a refusal: one that is missed is a read that is not
 * seen, or a probe in the wrong place. */
#include "tls/finish.h"

#include <errno.h>

/* Only the entry of these is used: a return that is not found costs nothing. OpenSSL's
 * SSL_do_handshake ends with a jump through the SSL's own handshake pointer. */
static bool is_entry_only(enum tls_role role)
{
	return role == TLS_ROLE_HANDSHAKE || tls_role_is_offer(role);
}

static int returns_list(const struct code *c, const char *name, struct tls_function *f)
{
	for (uint32_t i = 0; i < c->n_chunks; i++) {
		const struct code_chunk *k = &c->chunk[i];

		for (uint32_t n = 0; n < k->n; n++) {
			const struct insn *in = &c->insn[k->first + n];

			if (in->flow != INSN_RETURN)
				continue;
			if (f->n_rets == TLS_RETS_MAX)
				return elf_image_why(c->image, -EUCLEAN,
						     "%s at 0x%llx returns in more than %d places",
						     name, (unsigned long long)f->address,
						     TLS_RETS_MAX);
			if (elf_image_offset(c->image, in->address, &f->ret_offset[f->n_rets]))
				return -EUCLEAN;
			f->n_rets++;
		}
	}
	return 0;
}

int finish_function(struct code *c, enum tls_role role, uint64_t entry, uint64_t size,
		    struct tls_function *ret)
{
	const char *name = tls_role_to_string(role);
	struct tls_function f = {.present = true, .address = entry};
	int r;

	if (elf_image_offset(c->image, entry, &f.offset) ||
	    !elf_image_copy(c->image, entry, f.entry, sizeof(f.entry)))
		return elf_image_why(c->image, -EUCLEAN,
				     "%s at 0x%llx lies in no executable segment", name,
				     (unsigned long long)entry);
	r = code_decode(c, entry, size, true);
	if (r)
		return elf_image_why(c->image, -EUCLEAN,
				     "%s at 0x%llx holds bytes that are no instructions", name,
				     (unsigned long long)entry);
	f.size = code_end(c) - entry;
	if (c->leaves_at && !is_entry_only(role))
		return elf_image_why(c->image, -EUCLEAN,
				     "%s at 0x%llx %s at 0x%llx: where it returns is not known",
				     name, (unsigned long long)entry, c->leaves_how,
				     (unsigned long long)c->leaves_at);
	if (c->leaves_at) {
		*ret = f;
		return 0;
	}
	r = returns_list(c, name, &f);
	if (r)
		return r;
	if (!f.n_rets)
		return elf_image_why(c->image, -EUCLEAN, "%s at 0x%llx never returns", name,
				     (unsigned long long)entry);
	*ret = f;
	return 0;
}
