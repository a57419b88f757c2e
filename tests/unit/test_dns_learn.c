// SPDX-License-Identifier: Apache-2.0
/* What follows from a name and an address: how far it reaches, how long it stands, which names an
 * address keeps. */
#include "harness.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/dns.h"

static void test_reach(void **state)
{
	static const struct {
		const char *address;
		enum dns_reach want;
	} rows[] = {
		{"192.0.2.1", DNS_REACH_PUBLIC},
		{"8.8.8.8", DNS_REACH_PUBLIC},
		{"172.15.0.1", DNS_REACH_PUBLIC},
		{"172.32.0.1", DNS_REACH_PUBLIC},
		{"100.63.0.1", DNS_REACH_PUBLIC},
		{"100.128.0.1", DNS_REACH_PUBLIC},
		{"192.169.0.1", DNS_REACH_PUBLIC},
		{"198.17.0.1", DNS_REACH_PUBLIC},
		{"223.255.255.255", DNS_REACH_PUBLIC},
		{"10.0.0.1", DNS_REACH_PRIVATE},
		{"172.16.0.1", DNS_REACH_PRIVATE},
		{"172.31.255.255", DNS_REACH_PRIVATE},
		{"192.168.1.1", DNS_REACH_PRIVATE},
		{"100.64.0.1", DNS_REACH_PRIVATE},
		{"100.127.255.255", DNS_REACH_PRIVATE},
		{"192.0.0.8", DNS_REACH_PRIVATE},
		{"198.18.0.1", DNS_REACH_PRIVATE},
		{"198.19.255.1", DNS_REACH_PRIVATE},
		{"0.0.0.0", DNS_REACH_LOCAL},
		{"0.1.2.3", DNS_REACH_LOCAL},
		{"127.0.0.1", DNS_REACH_LOCAL},
		{"127.255.255.254", DNS_REACH_LOCAL},
		{"169.254.169.254", DNS_REACH_LOCAL}, /* the cloud's metadata service */
		{"224.0.0.1", DNS_REACH_LOCAL},
		{"240.0.0.1", DNS_REACH_LOCAL},
		{"255.255.255.255", DNS_REACH_LOCAL},
		{"2001:db8::1", DNS_REACH_PUBLIC},
		{"2606:4700::1111", DNS_REACH_PUBLIC},
		{"fd00::1", DNS_REACH_PRIVATE},
		{"fc00::1", DNS_REACH_PRIVATE},
		{"fec0::1", DNS_REACH_PRIVATE},
		{"64:ff9b:1::7f00:1", DNS_REACH_PRIVATE},
		{"2001:0:1::1", DNS_REACH_PRIVATE},
		{"::", DNS_REACH_LOCAL},
		{"::1", DNS_REACH_LOCAL},
		{"::2", DNS_REACH_LOCAL},
		{"fe80::1", DNS_REACH_LOCAL},
		{"ff02::1", DNS_REACH_LOCAL},
		{"::ffff:0:127.0.0.1", DNS_REACH_LOCAL},
		/* IPv4 in other clothes */
		{"::ffff:127.0.0.1", DNS_REACH_LOCAL},
		{"::ffff:10.0.0.1", DNS_REACH_PRIVATE},
		{"::ffff:8.8.8.8", DNS_REACH_PUBLIC},
		{"::127.0.0.1", DNS_REACH_LOCAL},
		{"64:ff9b::127.0.0.1", DNS_REACH_LOCAL},
		{"64:ff9b::10.0.0.1", DNS_REACH_PRIVATE},
		{"64:ff9b::8.8.8.8", DNS_REACH_PUBLIC},
		{"2002:7f00:1::1", DNS_REACH_LOCAL},
		{"2002:a9fe:a9fe::1", DNS_REACH_LOCAL},
		{"2002:c0a8:1::1", DNS_REACH_PRIVATE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool six = strchr(rows[i].address, ':');
		struct address a = {0};
		uint8_t raw[16];

		assert_int_equal(inet_pton(six ? AF_INET6 : AF_INET, rows[i].address, raw), 1);
		if (six)
			address_v6(&a, raw);
		else
			address_v4(&a, raw);
		if (dns_reach(&a) != (int)rows[i].want)
			fail_msg("%s: %d", rows[i].address, dns_reach(&a));
	}
}

static void test_what_a_name_may_have(void **state)
{
	const uint32_t allow = 1u << DEST_ALLOW, deny = 1u << DEST_DENY, model = 1u << DEST_MODEL;
	const struct {
		uint32_t effects;
		int reach, want;
	} rows[] = {
		{allow, DNS_REACH_PUBLIC, 1},
		{allow, DNS_REACH_PRIVATE, 0},
		{allow, DNS_REACH_LOCAL, 0},
		{allow | deny, DNS_REACH_PRIVATE, 0},
		{allow | model, DNS_REACH_PRIVATE, 0},
		{allow | NAME_PRIVATE, DNS_REACH_PRIVATE, 1},
		{allow | NAME_PRIVATE, DNS_REACH_LOCAL, 0},
		{deny, DNS_REACH_PRIVATE, 1},
		{deny, DNS_REACH_LOCAL, 0},
		{model, DNS_REACH_PRIVATE, 1},
		{model, DNS_REACH_LOCAL, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(dns_may_have(rows[i].effects, rows[i].reach), rows[i].want);
}

static void test_ttl(void **state)
{
	assert_int_equal(dns_ttl(0), NAME_TTL_LEAST_S);
	assert_int_equal(dns_ttl(NAME_TTL_LEAST_S + 1), NAME_TTL_LEAST_S + 1);
	assert_int_equal(dns_ttl(UINT32_MAX), NAME_TTL_MOST_S);
}

static void test_remember(void **state)
{
	struct learned_value v = {0};

	assert_int_equal(dns_remember(&v, 11, 100, 1), 1);
	assert_int_equal(dns_remember(&v, 11, 90, 1), 0); /* never shorter */
	assert_int_equal(v.names[0].until_ns, 100);
	assert_int_equal(dns_remember(&v, 12, 200, 1), 1);
	assert_int_equal(dns_remember(&v, 13, 300, 1), 1);
	assert_int_equal(dns_remember(&v, 14, 400, 1), 1);
	/* full: the one that ends first makes room */
	assert_int_equal(dns_remember(&v, 15, 500, 1), 1);
	assert_int_equal(v.names[0].pattern, 15);
	/* one that has ended does so before any that lives */
	assert_int_equal(dns_remember(&v, 16, 600, 350), 1);
	assert_true(v.names[1].pattern == 16 || v.names[2].pattern == 16);
	assert_int_equal(v.names[3].pattern, 14);
	/* it ended, and comes again */
	assert_int_equal(dns_remember(&v, 14, 1000, 450), 1);
	assert_int_equal(v.names[3].until_ns, 1000);
}

UNIT_MAIN(unit(test_reach), unit(test_what_a_name_may_have), unit(test_ttl), unit(test_remember))
