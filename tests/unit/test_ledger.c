// SPDX-License-Identifier: Apache-2.0
/* The comparison of the byte ledger, as plain C. */
#include "harness.h"

#include <string.h>

#include "bpf/ledger.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

#define TIED (LEDGER_OPEN | LEDGER_TIED)

/* What a write of n bytes is on the wire, in records of at most most bytes that each add some. */
static uint64_t wire(uint64_t n, uint64_t most, uint64_t add)
{
	return n + (n + most - 1) / most * add;
}

static void test_gaps(void **state)
{
	static const struct {
		const char *what;
		uint32_t flags;
		uint64_t base, said, writes, sent, want;
	} rows[] = {
		{"nothing at all", TIED, 0, 0, 0, 0, 0},
		{"a handshake and nothing said", TIED, 0, 0, 0, 6 * KIB, 0},
		{"what TLS may add in all", TIED, 0, 0, 0, LEDGER_SLACK, 0},
		{"a byte more", TIED, 0, 0, 0, LEDGER_SLACK + 1, LEDGER_SLACK + 1},
		{"the same, with a share of what was said", TIED, 0, 1600, 0, 1700 + LEDGER_SLACK,
		 0},
		{"and a byte more", TIED, 0, 1600, 0, 1701 + LEDGER_SLACK, 101 + LEDGER_SLACK},
		{"a megabyte as it is beside a request", TIED, 0, 400, 1, MIB + 500, MIB + 100},
		{"a megabyte said that was not sent", TIED, 0, MIB, 64, 3 * KIB, 0},
		{"before there was TLS", TIED, 10 * MIB, 400, 1, 10 * MIB + 500, 0},
		{"before there was TLS, and a megabyte after", TIED, 10 * MIB, 400, 1,
		 11 * MIB + 400, MIB},
		{"on a socket that has no TLS", LEDGER_OPEN, 0, 0, 0, GIB, 0},
		{"the same, to a model endpoint", LEDGER_OPEN | LEDGER_MODEL, 0, 0, 0, MIB, MIB},
		{"a little, to a model endpoint", LEDGER_OPEN | LEDGER_MODEL, 0, 0, 0, 9 * KIB, 0},
		{"on a socket that was met in its middle", LEDGER_TIED | LEDGER_MODEL, 0, 0, 0, GIB,
		 0},
		{"more than 32 bits count", TIED, 0, 5 * GIB, 1000, 7 * GIB, 2 * GIB},
		{"5 GiB as they were said", TIED, 0, 5 * GIB, 1000, 5 * GIB + 8 * MIB, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ledger l = {
			.flags = rows[i].flags, .base = rows[i].base, .writes = rows[i].writes};
		__u64 said = 0, got;

		l.ties[2].said = rows[i].said;
		got = ledger_unsaid(&l, rows[i].sent, &said);
		if (got != rows[i].want)
			fail_msg("%s: %llu", rows[i].what, (unsigned long long)got);
		if (got)
			assert_int_equal(said, rows[i].said);
	}
}

/* Every way to cut what is said into writes and records stays below. */
static void test_no_false_alarm(void **state)
{
	static const uint64_t sizes[] = {1,    2,    16,    100,   511,	   512,
					 1000, 4096, 16384, 65536, 1 << 20};
	static const struct {
		uint64_t most, add;
	} records[] = {
		{16384, 22},			     /* TLS 1.3, AEAD */
		{16384, 29},			     /* TLS 1.2, AES-GCM */
		{4096, 29},			     /* BoringSSL with dynamic records */
		{1400, 29},  {512, 22}, {16384, 85}, /* TLS 1.2, CBC and SHA-384 */
		{2048, 85},
	};

	(void)state;
	for (size_t r = 0; r < sizeof(records) / sizeof(records[0]); r++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			struct ledger l = {.flags = TIED | LEDGER_MODEL};
			uint64_t sent = 8 * KIB;
			__u64 said;

			for (int i = 0; i < 20000; i++) {
				ledger_follow(&l, &l.ties[0], 0, l.ties[0].offset + sizes[s], 0,
					      l.ties[0].writes + 1);
				sent += wire(sizes[s], records[r].most, records[r].add);
				assert_int_equal(ledger_unsaid(&l, sent, &said), 0);
			}
		}
}

/* TLS inside of TLS: the socket carries the outer one's records, and its plaintext is the inner's.
 */
static void test_nested(void **state)
{
	struct ledger l = {.flags = TIED};
	uint64_t sent = 16 * KIB, outer = 0;
	__u64 said;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		outer += wire(16000, 16384, 22);
		sent += wire(wire(16000, 16384, 22), 16384, 22);
		ledger_follow(&l, &l.ties[0], 0, outer, 0, (uint64_t)i + 1);
		assert_int_equal(ledger_unsaid(&l, sent, &said), 0);
		assert_int_equal(said, outer);
	}
}

static void test_follow(void **state)
{
	struct ledger l = {.flags = TIED};
	struct ledger_tie *t = &l.ties[1];
	__u64 said = 0;

	(void)state;
	/* a write that is in the middle of its megabyte, and sends before it returns */
	ledger_follow(&l, t, 0, 0, MIB, 0);
	assert_int_equal(ledger_unsaid(&l, MIB + 2 * KIB, &said), 0);
	/* it took none, and is made again with the same bytes: these count once */
	ledger_follow(&l, t, 0, 0, MIB, 0);
	assert_int_equal(t->said, MIB);
	ledger_follow(&l, t, 0, MIB, 0, 1);
	assert_int_equal(t->said, MIB);
	/* one that was given up does not stay for ever */
	ledger_follow(&l, t, 0, MIB, 8 * MIB, 1);
	ledger_follow(&l, t, 0, MIB + 10, 0, 2);
	assert_int_equal(t->said, MIB + 10);
	assert_int_equal(ledger_unsaid(&l, 9 * MIB, &said), 8 * MIB - 10);
	/* another connection in the same place: what was said stays said */
	ledger_follow(&l, t, 1, 500, 0, 1);
	assert_int_equal(l.said, MIB + 10);
	assert_int_equal(l.writes, 2);
	assert_int_equal(t->said, 500);
	/* its count began anew without a word: it was pushed out of the table */
	ledger_follow(&l, t, 1, 100, 0, 1);
	assert_int_equal(l.said, MIB + 510);
	assert_int_equal(ledger_unsaid(&l, MIB + 610, &said), 0);
	assert_int_equal(ledger_unsaid(&l, 3 * MIB, &said), 2 * MIB - 610);
	assert_int_equal(said, MIB + 610);
}

static void test_sent(void **state)
{
	static const struct {
		uint64_t acked;
		uint32_t first, next;
		uint64_t want;
	} rows[] = {
		{1, 1000, 1001, 1},
		{1, 1000, 5001, 4001},
		{4001, 1000, 5001, 4001},
		{1, 0xfffffff0u, 0x10, 0x20}, /* the sequence number wraps */
		{0x20, 0xfffffff0u, 0x10, 0x20},
		{5 * GIB, 7, (uint32_t)(5 * GIB + 7 + MIB), 5 * GIB + MIB},
		{4 * GIB - 1, 7, (uint32_t)(4 * GIB + 7 + 5), 4 * GIB + 5},
		{9 * GIB, 0xffffffffu, (uint32_t)(9 * GIB + 0xffffffffu), 9 * GIB},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(ledger_sent(rows[i].acked, rows[i].first, rows[i].next),
				 rows[i].want);
}

UNIT_MAIN(unit(test_gaps), unit(test_no_false_alarm), unit(test_nested), unit(test_follow),
	  unit(test_sent))
