// SPDX-License-Identifier: Apache-2.0
/* DNS messages as the kernel programs read them. What is learned must be in the message: each
 * address in a record, each name within its bounds; and a second reading must say the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/dns.h"

static void check_name(const struct dns_name *n)
{
	if (n->len > 253)
		abort();
	for (uint32_t i = 0; i < n->len && !n->odd; i++)
		if (n->text[i] != '.' && !dns_is_plain((uint8_t)n->text[i]))
			abort();
}

/* Four or sixteen bytes that stand nowhere in the message cannot have been answered. */
static void check_address(const struct dns_message *m, const struct dns_address *a)
{
	size_t len = a->family == VERDICT_AF_INET ? 4 : 16;

	for (size_t at = DNS_HEAD; at + len <= m->len; at++)
		if (memcmp(m->bytes + at, a->bytes, len) == 0)
			return;
	abort();
}

static void read_one(struct dns_message *m, const uint8_t *data, size_t size, uint32_t answer)
{
	struct name_key key = {0};
	int r;

	memset(m, 0xa5, sizeof(*m));
	memcpy(m->bytes, data, size);
	m->len = (uint32_t)size;
	memset(&m->question, 0, sizeof(m->question));
	memset(&m->target, 0, sizeof(m->target));
	r = dns_question(m, answer);
	check_name(&m->question);
	if (answer && r == DNS_OK && dns_answer(m) != DNS_OK && m->n)
		abort();
	check_name(&m->target);
	if (m->n > DNS_ADDRESSES_MAX)
		abort();
	for (uint32_t i = 0; i < m->n; i++) {
		struct learned_value v = {0};
		struct address to = {0};

		check_address(m, &m->addresses[i]);
		if (m->addresses[i].family == VERDICT_AF_INET)
			address_v4(&to, m->addresses[i].bytes);
		else
			address_v6(&to, m->addresses[i].bytes);
		if (dns_reach(&to) > DNS_REACH_LOCAL ||
		    dns_ttl(m->addresses[i].ttl) < NAME_TTL_LEAST_S)
			abort();
		dns_remember(&v, 1, 1, 0);
	}
	if (dns_name_is_plain(&m->question))
		for (uint32_t i = 0; i < NAME_SIZE && !dns_key_step(&m->question, &key, i); i++)
			;
	if (key.name[NAME_SIZE - 1])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_message a, b;

	if (size > DNS_MESSAGE_MAX)
		return 0;
	read_one(&a, data, size, 0);
	read_one(&a, data, size, 1);
	read_one(&b, data, size, 1);
	if (a.result != b.result || a.n != b.n || a.hash != b.hash ||
	    memcmp(a.addresses, b.addresses, a.n * sizeof(a.addresses[0])) != 0)
		abort();
	return 0;
}
