// SPDX-License-Identifier: Apache-2.0
/* The decisions at the doors beside connect, as plain C. */
#include "harness.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "bpf/doors.h"

static struct address bound(const char *text, uint16_t port)
{
	struct address a = {.port = port};
	uint8_t raw[16];

	if (inet_pton(AF_INET, text, raw) == 1) {
		doors_bound_v4(&a, raw);
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, raw), 1);
		doors_bound_v6(&a, raw);
	}
	return a;
}

static void test_listen(void **state)
{
	static const struct policy_root none = {0};
	static const struct policy_root some = {.listen = {{3000, 3000}, {8000, 8100}}};
	static const struct {
		const char *address;
		uint16_t port;
		int without, with;
	} rows[] = {
		{"127.0.0.1", 3128, 1, 1},
		{"127.255.3.4", 3128, 1, 1},
		{"::1", 3128, 1, 1},
		{"::ffff:127.0.0.1", 3128, 1, 1},
		{"0.0.0.0", 3128, 0, 0},
		{"::", 3128, 0, 0},
		{"::ffff:0.0.0.0", 3128, 0, 0},
		{"10.1.2.3", 3128, 0, 0},
		{"128.0.0.1", 3128, 0, 0},
		{"2001:db8::1", 3128, 0, 0},
		{"::2", 3128, 0, 0},
		{"::1:0:1", 3128, 0, 0},
		{"1::1", 3128, 0, 0},
		/* what a router takes out of IPv6 is not this host's loopback */
		{"64:ff9b::127.0.0.1", 3128, 0, 0},
		{"2002:7f00:1::1", 3128, 0, 0},
		{"::127.0.0.1", 3128, 0, 0},
		{"0.0.0.0", 3000, 0, 1},
		{"::", 8050, 0, 1},
		{"10.1.2.3", 8000, 0, 1},
		{"10.1.2.3", 8100, 0, 1},
		{"10.1.2.3", 8101, 0, 0},
		{"10.1.2.3", 2999, 0, 0},
		/* not bound: the kernel chooses a port on every address */
		{"0.0.0.0", 0, 0, 0},
		{"127.0.0.1", 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address a = bound(rows[i].address, rows[i].port);

		assert_int_equal(doors_may_listen(&none, &a), rows[i].without);
		assert_int_equal(doors_may_listen(&some, &a), rows[i].with);
	}
}

static void test_bind_datagram(void **state)
{
	static const struct policy_root some = {.listen = {{5353, 5353}}};
	static const struct {
		const char *address;
		uint16_t port;
		int want;
	} rows[] = {
		{"0.0.0.0", 0, 1},	 {"0.0.0.0", 53, 0},	   {"0.0.0.0", 32767, 0},
		{"::", 32768, 1},	 {"0.0.0.0", 65535, 1},	   {"127.0.0.1", 53, 1},
		{"::1", 514, 1},	 {"0.0.0.0", 5353, 1},	   {"10.1.2.3", 5354, 0},
		{"10.1.2.3", 0, 1},	 {"::ffff:0.0.0.0", 1, 0}, {"::ffff:127.9.9.9", 1, 1},
		{"2001:db8::1", 443, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address a = bound(rows[i].address, rows[i].port);

		assert_int_equal(doors_may_bind_datagram(&some, &a), rows[i].want);
	}
}

/* What is connected to is brought to one form; a form that leaves this host is marked. */
static void test_loopback_target(void **state)
{
	static const struct {
		const char *address;
		int want;
	} rows[] = {
		{"127.0.0.1", 1},	{"0.0.0.0", 1},	    {"::ffff:127.0.0.1", 1},
		{"::ffff:0.0.0.0", 1},	{"::", 1},	    {"::1", 1},
		{"64:ff9b::7f00:1", 0}, {"::127.0.0.1", 0}, {"2002:7f00:1::1", 0},
		{"2002:7f00:1::", 0},	{"10.0.0.1", 0},    {"::ffff:10.0.0.1", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address a = {0};
		uint8_t raw[16];

		if (inet_pton(AF_INET, rows[i].address, raw) == 1) {
			address_v4(&a, raw);
		} else {
			assert_int_equal(inet_pton(AF_INET6, rows[i].address, raw), 1);
			address_v6(&a, raw);
		}
		assert_int_equal(doors_loopback(&a), rows[i].want);
	}
}

static void test_any6(void **state)
{
	struct address any = bound("::", 1), four = bound("0.0.0.0", 1), one = bound("::1", 1),
		       mapped = bound("::ffff:0.0.0.0", 1);

	(void)state;
	assert_true(doors_any6(&any));
	assert_false(doors_any6(&four));
	assert_false(doors_any6(&one));
	assert_false(doors_any6(&mapped));
}

static void test_lineage(void **state)
{
	(void)state;
	assert_true(doors_same_lineage(7, 100, 7, 100));
	assert_false(doors_same_lineage(7, 100, 8, 100));
	assert_false(doors_same_lineage(7, 100, 7, 101)); /* the pid used again */
	assert_false(doors_same_lineage(0, 0, 0, 0));	  /* nobody's: what carries no mark */
}

static void test_trace(void **state)
{
	enum { READ = 1, ATTACH = 2, NO_AUDIT = 4, FSCREDS = 8, REALCREDS = 16 };
	static const struct {
		uint32_t mode;
		int same;
		uint32_t target;
		int want;
	} rows[] = {
		{READ | FSCREDS, 0, 0, 1},
		{READ | FSCREDS | NO_AUDIT, 0, TASK_GOVERNED | TASK_CLIENT, 1},
		{ATTACH | REALCREDS, 0, 0, 0},
		{ATTACH | REALCREDS, 0, TASK_GOVERNED, 0},
		{ATTACH | REALCREDS, 1, TASK_GOVERNED, 1},
		{ATTACH | FSCREDS, 1, TASK_GOVERNED | TASK_CLIENT, 0},
		{ATTACH | READ, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(doors_may_trace(rows[i].mode, rows[i].same, rows[i].target),
				 rows[i].want);
}

static void test_devices(void **state)
{
	static const struct {
		uint32_t major, minor;
		int want;
	} rows[] = {
		{10, 200, 1}, {10, 238, 1}, {10, 241, 1}, {108, 0, 1}, {10, 232, 0}, /* kvm */
		{1, 3, 0},    {5, 0, 0},    {108, 1, 0},  {136, 0, 0}, {10, 229, 0}, /* fuse */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(doors_carries_packets(rows[i].major, rows[i].minor), rows[i].want);
}

UNIT_MAIN(unit(test_listen), unit(test_bind_datagram), unit(test_loopback_target), unit(test_any6),
	  unit(test_lineage), unit(test_trace), unit(test_devices))
