// SPDX-License-Identifier: Apache-2.0
/* The kernel's decision functions: any address, any set of rules. A second judge, written as the
 * policy's words are and not as a walk, must come to the same end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/doors.h"
#include "bpf/verdict.h"

struct input {
	uint8_t address[16];
	uint16_t port;
	uint8_t protocol, flags, inspected, person, modes, n;
	uint64_t teams;
	struct {
		uint16_t low, high;
		uint8_t protocol, person, effect, teams;
	} rules[8];
};

/* An address in its one form stays what it is, and the mapped form of IPv4 is the same host. */
static void check_address(const uint8_t raw[16])
{
	struct address a = {0}, b = {0}, mapped = {0};
	uint8_t six[16] = {[10] = 0xff, [11] = 0xff};

	address_v6(&a, raw);
	if (a.family == VERDICT_AF_INET) {
		address_v4(&b, a.bytes);
		memcpy(six + 12, a.bytes, 4);
		address_v6(&mapped, six);
		if (memcmp(mapped.bytes, a.bytes, 16) != 0 || mapped.family != VERDICT_AF_INET)
			abort();
		if (!(a.bytes[0] | a.bytes[1] | a.bytes[2] | a.bytes[3]))
			abort();
	} else if (a.family == VERDICT_AF_INET6) {
		address_v6(&b, a.bytes);
	} else {
		abort();
	}
	if (b.family != a.family || memcmp(a.bytes, b.bytes, 16) != 0)
		abort();
	/* what a router takes out of IPv6 leaves this host, whatever it says */
	if (a.carried && doors_loopback(&a))
		abort();
}

static int concerns(const struct dest_rule *r, const struct input *in)
{
	return in->port >= r->port_low && in->port <= r->port_high &&
	       (!r->protocol || r->protocol == in->protocol) &&
	       (r->person  ? r->person == in->person
		: r->teams ? (r->teams & in->teams) != 0
			   : 1);
}

/* Denials, then the model's ports, then what is allowed; nothing else. */
static uint32_t second_judge(const struct input *in, const struct dest_rule *rules, size_t n)
{
	int governed = in->flags & TASK_GOVERNED;

	for (size_t i = 0; i < n; i++)
		if (governed && rules[i].effect == DEST_DENY && concerns(&rules[i], in))
			return BAILIFF_DENY;
	for (size_t i = 0; i < n; i++) {
		const struct dest_rule *r = &rules[i];

		if (r->effect != DEST_MODEL || in->port < r->port_low || in->port > r->port_high ||
		    (r->protocol && r->protocol != in->protocol))
			continue;
		if (!in->inspected)
			return BAILIFF_DENY;
		if (concerns(r, in))
			return BAILIFF_ALLOW;
	}
	if (!governed)
		return BAILIFF_ALLOW;
	for (size_t i = 0; i < n; i++)
		if (rules[i].effect == DEST_ALLOW && concerns(&rules[i], in) && in->port != 53 &&
		    in->port != 853)
			return BAILIFF_ALLOW;
	return BAILIFF_DENY;
}

static void check_rules(const struct input *in)
{
	static const uint8_t order[] = {DEST_DENY, DEST_MODEL, DEST_ALLOW};
	struct policy_root root = {.mode_destinations = in->modes & 3, .mode_model = in->modes & 3};
	struct dest_rule rules[8] = {0};
	struct judgement j = {0};
	size_t n = 0;
	uint32_t got;

	if (root.mode_model > BAILIFF_MODE_ENFORCE)
		return;
	for (size_t o = 0; o < sizeof(order); o++)
		for (size_t i = 0; i < in->n % 9u; i++)
			if (order[in->rules[i].effect % 3] == order[o])
				rules[n++] = (struct dest_rule){
					.port_low = in->rules[i].low,
					.port_high = in->rules[i].high,
					.protocol = in->rules[i].protocol,
					.person = in->rules[i].person,
					.teams = in->rules[i].person ? 0 : in->rules[i].teams,
					.effect = order[o],
					.rule = (uint32_t)i + 2,
				};
	verdict_default(in->flags, in->port, &root, &j);
	if (judgement_settled(&j))
		abort();
	for (size_t i = 0; i < n; i++)
		if (verdict_rule(&rules[i], in->port, in->protocol, in->flags, in->inspected & 1,
				 in->person, in->teams, &root, &j))
			break;
	if (j.verdict != second_judge(&(struct input){.port = in->port,
						      .protocol = in->protocol,
						      .flags = in->flags,
						      .inspected = in->inspected & 1,
						      .person = in->person,
						      .teams = in->teams},
				      rules, n))
		abort();
	got = judgement_apply(&j);
	if (root.mode_model == BAILIFF_MODE_ENFORCE && got != j.verdict)
		abort();
	if (root.mode_model == BAILIFF_MODE_RECORD && got != BAILIFF_ALLOW)
		abort();
	if (root.mode_model == BAILIFF_MODE_SHADOW && got == BAILIFF_DENY)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {0};

	memcpy(&in, data, size < sizeof(in) ? size : sizeof(in));
	check_address(in.address);
	check_rules(&in);
	return 0;
}
