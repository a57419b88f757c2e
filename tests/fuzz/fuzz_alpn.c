// SPDX-License-Identifier: Apache-2.0
/* An offer by ALPN as the kernel program reads it, against a second reading,
 * name by name: HTTP/2 goes where HTTP/1 is offered beside it and the list is
 * one, and no other byte changes. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/alpn.h"

static bool is_name(const uint8_t *at, const char *name)
{
	return *at == strlen(name) && memcmp(at + 1, name, *at) == 0;
}

/* Returns whether the offer is to be changed, with what it is to be in want. */
static bool plain_take_out(const uint8_t *list, size_t len, uint8_t *want)
{
	bool http1 = false, http2 = false;
	size_t n = 0;

	memcpy(want, list, len);
	for (size_t at = 0; at < len; at += 1u + list[at], n++) {
		if (!list[at] || list[at] > len - at - 1)
			return false;
		http1 |= is_name(list + at, "http/1.1") || is_name(list + at, "http/1.0");
		if (is_name(list + at, "h2")) {
			http2 = true;
			memset(want + at + 1, ALPN_NOTHING, 2);
		}
	}
	return http1 && http2 && n <= ALPN_NAMES && len <= ALPN_LIST;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t list[ALPN_ROOM], want[ALPN_ROOM];
	struct alpn_offer o;
	bool change;

	if (size > sizeof(list))
		return 0;
	/* what stands behind the list is of another call */
	memset(list, 'h', sizeof(list));
	memcpy(list, data, size);
	change = plain_take_out(data, size, want);
	alpn_begin(&o, (uint32_t)size);
	for (int i = 0; i < ALPN_NAMES && alpn_step(&o, list); i++)
		;
	if (alpn_changed(&o) != change)
		abort();
	if (!change)
		return 0;
	if (o.from >= o.to || o.to > size)
		abort();
	/* only what is between is put back */
	if (memcmp(list + o.from, want + o.from, o.to - o.from) != 0 ||
	    memcmp(data, want, o.from) != 0 || memcmp(data + o.to, want + o.to, size - o.to) != 0)
		abort();
	return 0;
}
