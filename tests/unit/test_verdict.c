// SPDX-License-Identifier: Apache-2.0
/* The kernel's decision functions, as plain C. */
#include "harness.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "bpf/verdict.h"

static void canonical_forms(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{"10.1.2.3", "10.1.2.3"},
		{"0.0.0.0", "127.0.0.1"},
		{"::ffff:10.1.2.3", "10.1.2.3"},
		{"::ffff:0.0.0.0", "127.0.0.1"},
		{"::10.1.2.3", "10.1.2.3"},
		{"64:ff9b::10.1.2.3", "10.1.2.3"},
		{"2002:0a01:0203::1", "10.1.2.3"},
		{"::", "::1"},
		{"::1", "::1"},
		{"2001:db8::1", "2001:db8::1"},
		{"64:ff9b:1::10.1.2.3", "64:ff9b:1::a01:203"},
		{"fe80::1", "fe80::1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address a = {0};
		uint8_t raw[16];
		char text[INET6_ADDRSTRLEN];

		if (inet_pton(AF_INET, rows[i].in, raw) == 1) {
			address_v4(&a, raw);
		} else {
			assert_int_equal(inet_pton(AF_INET6, rows[i].in, raw), 1);
			address_v6(&a, raw);
		}
		inet_ntop(a.family, a.bytes, text, sizeof(text));
		assert_string_equal(text, rows[i].want);
	}
}

static const struct policy_root enforce = {.mode_destinations = BAILIFF_MODE_ENFORCE,
					   .mode_model = BAILIFF_MODE_ENFORCE,
					   .mode_skills = BAILIFF_MODE_ENFORCE};

static void rules_decide(void **state)
{
	const struct dest_rule deny = {.port_high = 65535, .effect = DEST_DENY, .rule = 1};
	const struct dest_rule web = {
		.port_low = 443, .port_high = 443, .protocol = 6, .effect = DEST_ALLOW, .rule = 2};
	const struct dest_rule model = {
		.port_low = 443, .port_high = 443, .effect = DEST_MODEL, .rule = 3};
	const struct dest_rule team = {
		.port_high = 65535, .effect = DEST_ALLOW, .rule = 4, .teams = 2};
	const struct dest_rule one = {
		.port_high = 65535, .effect = DEST_ALLOW, .rule = 5, .person = 7};
	const struct {
		const struct dest_rule *rule;
		uint16_t port;
		uint8_t protocol;
		uint32_t flags;
		int inspected;
		uint32_t person;
		uint64_t teams;
		int settles;
		uint32_t verdict, reason;
	} rows[] = {
		{&deny, 80, 6, TASK_GOVERNED, 0, 0, 0, 1, BAILIFF_DENY, BAILIFF_REASON_RULE},
		{&deny, 80, 6, 0, 0, 0, 0, 0, 0, 0},
		{&web, 443, 6, TASK_GOVERNED, 0, 0, 0, 1, BAILIFF_ALLOW, BAILIFF_REASON_RULE},
		{&web, 444, 6, TASK_GOVERNED, 0, 0, 0, 0, 0, 0},
		{&web, 442, 6, TASK_GOVERNED, 0, 0, 0, 0, 0, 0},
		{&web, 443, 17, TASK_GOVERNED, 0, 0, 0, 0, 0, 0},
		{&model, 443, 6, 0, 0, 0, 0, 1, BAILIFF_DENY, BAILIFF_REASON_NOT_INSPECTED},
		{&model, 443, 17, 0, 0, 0, 0, 1, BAILIFF_DENY, BAILIFF_REASON_NOT_INSPECTED},
		{&model, 443, 6, TASK_GOVERNED, 0, 0, 0, 1, BAILIFF_DENY,
		 BAILIFF_REASON_NOT_INSPECTED},
		{&model, 443, 6, TASK_GOVERNED | TASK_CLIENT, 1, 0, 0, 1, BAILIFF_ALLOW,
		 BAILIFF_REASON_RULE},
		{&model, 80, 6, 0, 0, 0, 0, 0, 0, 0},
		{&team, 22, 6, TASK_GOVERNED, 0, 1, 3, 1, BAILIFF_ALLOW, BAILIFF_REASON_RULE},
		{&team, 22, 6, TASK_GOVERNED, 0, 1, 1, 0, 0, 0},
		{&one, 22, 6, TASK_GOVERNED, 0, 7, 0, 1, BAILIFF_ALLOW, BAILIFF_REASON_RULE},
		{&one, 22, 6, TASK_GOVERNED, 0, 8, 2, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct judgement j = {.verdict = 99};
		int r = verdict_rule(rows[i].rule, rows[i].port, rows[i].protocol, rows[i].flags,
				     rows[i].inspected, rows[i].person, rows[i].teams, &enforce,
				     &j);

		assert_int_equal(r, rows[i].settles);
		assert_int_equal(j.verdict, rows[i].settles ? rows[i].verdict : 99);
		if (rows[i].settles)
			assert_int_equal(j.reason, rows[i].reason);
	}
}

static void defaults_and_modes(void **state)
{
	struct judgement j;

	(void)state;
	verdict_default(0, 443, &enforce, &j);
	assert_int_equal(judgement_apply(&j), BAILIFF_ALLOW);
	verdict_default(TASK_GOVERNED, 853, &enforce, &j);
	assert_int_equal(j.reason, BAILIFF_REASON_RESOLVER);
	assert_false(judgement_settled(&j));
	verdict_default(TASK_GOVERNED, 443, &enforce, &j);
	assert_false(judgement_settled(&j));
	assert_int_equal(j.reason, BAILIFF_REASON_DEFAULT);
	assert_int_equal(judgement_apply(&j), BAILIFF_DENY);
	j.mode = BAILIFF_MODE_SHADOW;
	assert_int_equal(judgement_apply(&j), BAILIFF_WOULD_DENY);
	j.mode = BAILIFF_MODE_RECORD;
	assert_int_equal(judgement_apply(&j), BAILIFF_ALLOW);
}

static void sockets_by_list(void **state)
{
	static const struct {
		int family, type, protocol, want;
	} rows[] = {
		{AF_INET, SOCK_STREAM, 0, 1},
		{AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 6, 1},
		{AF_INET, SOCK_STREAM, 262 /* MPTCP */, 0},
		{AF_INET, SOCK_DGRAM, 17, 1},
		{AF_INET, SOCK_DGRAM, 1 /* ICMP ping */, 0},
		{AF_INET, SOCK_RAW, 255, 0},
		{AF_INET6, SOCK_RAW, 58, 0},
		{AF_INET, SOCK_SEQPACKET, 132 /* SCTP */, 0},
		{AF_UNIX, SOCK_STREAM, 0, 1},
		{AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0, 1},
		{AF_NETLINK, SOCK_RAW, 9 /* audit */, 0},
		{AF_PACKET, SOCK_RAW, 0, 0},
		{40 /* AF_VSOCK */, SOCK_STREAM, 0, 0},
		{38 /* AF_ALG */, SOCK_SEQPACKET, 0, 0},
		{999, SOCK_STREAM, 0, 0},
		{-1, SOCK_STREAM, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(verdict_socket(rows[i].family, rows[i].type, rows[i].protocol),
				 rows[i].want);
}

static void ports_of_models(void **state)
{
	static const struct policy_root none = {0};
	static const struct policy_root some = {.model = {{443, 443}, {8000, 8100}}};
	static const struct policy_root every = {.model = {{0, 65535}}};
	static const struct {
		const struct policy_root *root;
		uint16_t port;
		int want;
	} rows[] = {
		{&none, 0, 0},	    {&none, 443, 0},  {&some, 0, 0},	 {&some, 442, 0},
		{&some, 443, 1},    {&some, 444, 0},  {&some, 7999, 0},	 {&some, 8000, 1},
		{&some, 8100, 1},   {&some, 8101, 0}, {&some, 65535, 0}, {&every, 0, 1},
		{&every, 65535, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(verdict_port_of_model(rows[i].root, rows[i].port), rows[i].want);
}

static void passed_once(void **state)
{
	static const struct address four = {AF_INET, 443, 0, {10, 1, 2, 3}};
	static const struct address six = {AF_INET6, 443, 0, {0x20, 1, 0xd, 0xb8, [15] = 1}};
	static const struct {
		struct address kept, asked;
		int want;
	} rows[] = {
		{four, four, 1},
		{six, six, 1},
		{four, {AF_INET, 444, 0, {10, 1, 2, 3}}, 0},
		{four, {AF_INET, 443, 0, {10, 1, 2, 4}}, 0},
		{four, {AF_INET6, 443, 0, {10, 1, 2, 3}}, 0},
		{four, {AF_INET, 443, 1, {10, 1, 2, 3}}, 0},
		{{AF_INET, 443, 1, {10, 1, 2, 3}}, four, 0},
		{six, {AF_INET6, 443, 0, {0x20, 1, 0xd, 0xb8, [15] = 2}}, 0},
		{{0}, {0}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct socket_context s = {0};

		assert_int_equal(passed_take(&s, &rows[i].asked), 0);
		passed_keep(&s, &rows[i].kept);
		assert_int_equal(passed_take(&s, &rows[i].asked), rows[i].want);
		/* taken, also by the wrong one */
		assert_int_equal(passed_take(&s, &rows[i].kept), 0);
	}
}

UNIT_MAIN(unit(canonical_forms), unit(rules_decide), unit(defaults_and_modes),
	  unit(sockets_by_list), unit(ports_of_models), unit(passed_once))
