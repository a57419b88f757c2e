/* SPDX-License-Identifier: Apache-2.0 */
/* Which name led a lineage to an address, as the kernel read it in DNS answers: for the events of
 * the connections that follow. */
#ifndef READER_LEARNED_H
#define READER_LEARNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct learned_names; /* of one root client */

int learned_new(struct learned_names **ret);
void learned_free(struct learned_names *l);

/* Notes it. name: unmasked, len bytes; family and address: canonical; listed: a rule of the policy
 * lists the name. The oldest makes room. Returns 1 when a listed one is news, 0 otherwise, -ENOMEM.
 */
int learned_note(struct learned_names *l, uint32_t family, const uint8_t address[16],
		 const char *name, size_t len, bool listed);

/* The name noted last for the address, or NULL. Borrowed until the next note. */
const char *learned_find(const struct learned_names *l, uint32_t family, const uint8_t address[16]);

#endif
