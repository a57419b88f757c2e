// SPDX-License-Identifier: Apache-2.0
/* Any JSON: what is dumped is canonical, means the same, and is dumped the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "audit/canonical.h"
#include "audit/entry.h"
#include "audit/event_cut.h"
#include "audit/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(json_t *value)
{
	char *text = NULL, *cut = NULL;
	size_t len = 0, cut_len = 0;
	json_t *again;

	if (canonical_dump(value, &text, &len) != 0)
		return;
	if (canonical_check(text, len) != 0)
		abort();
	again = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (!again || !json_equal(value, again))
		abort();
	json_decref(again);
	free(text);
	/* cutting ends, and keeps to its limit */
	if (json_is_object(value) && event_cut(value, 300, &cut, &cut_len) == 0 &&
	    (cut_len > 300 || canonical_check(cut, cut_len) != 0))
		abort();
	free(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct entry own = {.sequence = 7, .logged_ms = 8, .log_name = "fuzz"};
	struct entry read;
	struct row row;
	json_t *value;
	char *text;
	size_t len;

	canonical_check((const char *)data, size);
	row_read((const char *)data, size, &row);
	if (entry_make((const char *)data, size, &own, &text, &len) == 0) {
		if (entry_read(text, len, &read) != 0 || read.sequence != 7 ||
		    read.logged_ms != 8 || strcmp(read.log_name, "fuzz") != 0)
			abort();
		free(text);
	}
	value = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (value)
		check(value);
	json_decref(value);
	return 0;
}
