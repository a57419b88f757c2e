// SPDX-License-Identifier: Apache-2.0
/* Notes, verifier keys, checkpoints, proofs and entry bundles as somebody else may write them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audit/note.h"
#include "audit/proof.h"
#include "audit/tiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char vkey[] = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *entry;
	char again[NOTE_VKEY_SIZE], *formatted;
	struct note_key key, other;
	struct checkpoint c;
	size_t len, at = 0;
	uint64_t index;

	if (note_key_parse(vkey, strlen(vkey), &key) != 0)
		abort();
	if (note_verify(text, size, &key, &len) == 0 && (len >= size || text[len - 1] != '\n'))
		abort();
	/* what is accepted has one spelling */
	if (note_key_parse(text, size, &other) == 0 &&
	    (note_key_format(&other, again) != 0 || strlen(again) != size ||
	     memcmp(again, text, size) != 0))
		abort();
	if (checkpoint_parse(text, size, &c) == 0) {
		if (checkpoint_format(&c, &formatted) != 0 || strlen(formatted) != size ||
		    memcmp(formatted, text, size) != 0)
			abort();
		free(formatted);
	}
	proof_check(text, size, "entry", 5, vkey, &index);
	while (tiles_next_entry(data, size, &at, &entry, &len) > 0)
		if (entry < text || entry + len > text + size)
			abort();
	return 0;
}
