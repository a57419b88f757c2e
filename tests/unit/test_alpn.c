// SPDX-License-Identifier: Apache-2.0
/* What is offered by ALPN, and HTTP/2 taken out of it: the walk that the kernel
 * does, as plain C.
 */
#include "harness.h"

#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/alpn.h"

static uint64_t first_of(const char *name)
{
	uint64_t first = 0;

	for (size_t i = 0; i < 8 && name[i]; i++)
		first |= (uint64_t)(uint8_t)name[i] << 8 * i;
	return first;
}

static void test_kinds(void **state)
{
	static const struct {
		const char *name;
		enum alpn_kind kind;
	} rows[] = {
		{"h2", ALPN_HTTP2},	  {"http/1.1", ALPN_HTTP1}, {"http/1.0", ALPN_HTTP1},
		{"http/0.9", ALPN_OTHER}, {"h2c", ALPN_OTHER},	    {"h", ALPN_OTHER},
		{"h3", ALPN_OTHER},	  {"H2", ALPN_OTHER},	    {"HTTP/1.1", ALPN_OTHER},
		{"grpc-exp", ALPN_OTHER}, {"spdy/3.1", ALPN_OTHER}, {"http/1.10", ALPN_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (alpn_kind(first_of(rows[i].name), (uint32_t)strlen(rows[i].name)) !=
		    rows[i].kind)
			fail_msg("%s", rows[i].name);
	/* whatever stands behind a name of two */
	assert_int_equal(alpn_kind(first_of("h2\10http/"), 2), ALPN_HTTP2);
}

static int take_out(uint8_t list[ALPN_ROOM], uint32_t len, uint32_t *ret_from, uint32_t *ret_to)
{
	struct alpn_offer o;

	alpn_begin(&o, len);
	for (int i = 0; i < ALPN_NAMES && alpn_step(&o, list); i++)
		;
	if (!alpn_changed(&o))
		return 0;
	*ret_from = o.from;
	*ret_to = o.to;
	return 1;
}

#define OFFER(text) text, sizeof(text) - 1

static void test_lists(void **state)
{
	static const struct {
		const char *offer;
		size_t len;
		const char *left; /* NULL: it stays */
		uint32_t from, to;
	} rows[] = {
		/* curl, python, node */
		{OFFER("\2h2\10http/1.1"), "\2zz\10http/1.1", 1, 3},
		{OFFER("\2h2\10http/1.1\10http/1.0"), "\2zz\10http/1.1\10http/1.0", 1, 3},
		/* the other way round, and more than once */
		{OFFER("\10http/1.1\2h2"), "\10http/1.1\2zz", 10, 12},
		{OFFER("\2h2\10http/1.0\2h2\3foo"), "\2zz\10http/1.0\2zz\3foo", 1, 15},
		/* HTTP/1 is not offered: gRPC, and HTTP/2 alone */
		{OFFER("\2h2"), NULL, 0, 0},
		{OFFER("\10grpc-exp\2h2"), NULL, 0, 0},
		{OFFER("\2h2\3h2c"), NULL, 0, 0},
		/* nothing to take out */
		{OFFER("\10http/1.1"), NULL, 0, 0},
		{OFFER("\3h2c\10http/1.1"), NULL, 0, 0},
		{OFFER("\11xhttp/1.1\3xh2"), NULL, 0, 0},
		{OFFER(""), NULL, 0, 0},
		/* no lists */
		{OFFER("\0\2h2\10http/1.1"), NULL, 0, 0},
		{OFFER("\2h2\10http/1."), NULL, 0, 0},
		{OFFER("\2h2\10http/1.1\1"), NULL, 0, 0},
		{OFFER("\2h2\10http/1.1\377"), NULL, 0, 0},
		/* 16 names, and 17 */
		{OFFER("\2h2\1a\1b\1c\1d\1e\1f\1g\1h\1i\1j\1k\1l\1m\1n\10http/1.1"),
		 "\2zz\1a\1b\1c\1d\1e\1f\1g\1h\1i\1j\1k\1l\1m\1n\10http/1.1", 1, 3},
		{OFFER("\2h2\1a\1b\1c\1d\1e\1f\1g\1h\1i\1j\1k\1l\1m\1n\10http/1.1\1o"), NULL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t list[ALPN_ROOM] = {0};
		uint32_t from = 77, to = 77;
		int r;

		memcpy(list, rows[i].offer, rows[i].len);
		r = take_out(list, (uint32_t)rows[i].len, &from, &to);
		if (r != (rows[i].left != NULL))
			fail_msg("row %zu: %d", i, r);
		if (!r) {
			assert_int_equal(from, 77);
			assert_int_equal(to, 77);
			continue;
		}
		assert_memory_equal(list, rows[i].left, rows[i].len);
		assert_int_equal(from, rows[i].from);
		assert_int_equal(to, rows[i].to);
	}
}

/* The longest that is looked at ends with the buffer that is read; one byte
 * more is left alone. */
static void test_longest(void **state)
{
	uint8_t list[ALPN_ROOM] = "\10http/1.1";
	uint32_t from = 0, to = 0;

	(void)state;
	list[9] = ALPN_LIST - 3 - 10;
	memcpy(list + ALPN_LIST - 3, "\2h2", 3);
	assert_int_equal(take_out(list, ALPN_LIST, &from, &to), 1);
	assert_int_equal(from, ALPN_LIST - 2);
	assert_int_equal(to, ALPN_LIST);
	memcpy(list + ALPN_LIST - 3, "\2h2", 3);
	assert_int_equal(take_out(list, ALPN_LIST + 1, &from, &to), 0);
	assert_int_equal(take_out(list, UINT32_MAX, &from, &to), 0);
}

UNIT_MAIN(unit(test_kinds), unit(test_lists), unit(test_longest))
