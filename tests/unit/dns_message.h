/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages, built byte for byte: also such as no library would build. */
#ifndef UNIT_DNS_MESSAGE_H
#define UNIT_DNS_MESSAGE_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct dns_builder {
	uint8_t bytes[8192];
	size_t len;
};

static inline void dns_put8(struct dns_builder *b, uint8_t v)
{
	if (b->len == sizeof(b->bytes))
		abort();
	b->bytes[b->len++] = v;
}

static inline void dns_put16(struct dns_builder *b, uint16_t v)
{
	dns_put8(b, (uint8_t)(v >> 8));
	dns_put8(b, (uint8_t)v);
}

static inline void dns_put32(struct dns_builder *b, uint32_t v)
{
	dns_put16(b, (uint16_t)(v >> 16));
	dns_put16(b, (uint16_t)v);
}

static inline void dns_begin(struct dns_builder *b, uint16_t id, uint16_t flags, uint16_t questions,
			     uint16_t answers)
{
	memset(b, 0, sizeof(*b));
	dns_put16(b, id);
	dns_put16(b, flags);
	dns_put16(b, questions);
	dns_put16(b, answers);
	dns_put32(b, 0);
}

static inline void dns_label(struct dns_builder *b, const char *text, size_t len)
{
	dns_put8(b, (uint8_t)len);
	for (size_t i = 0; i < len; i++)
		dns_put8(b, (uint8_t)text[i]);
}

static inline void dns_wire_name(struct dns_builder *b, const char *name)
{
	while (*name) {
		size_t len = strcspn(name, ".");

		dns_label(b, name, len);
		name += len + (name[len] == '.');
	}
	dns_put8(b, 0);
}

static inline void dns_pointer(struct dns_builder *b, uint16_t to)
{
	dns_put16(b, (uint16_t)(0xc000 | to));
}

static inline void dns_ask(struct dns_builder *b, const char *name, uint16_t type)
{
	dns_wire_name(b, name);
	dns_put16(b, type);
	dns_put16(b, 1);
}

/* What follows the name of a record. */
static inline void dns_data(struct dns_builder *b, uint16_t type, uint32_t ttl, const void *data,
			    uint16_t len)
{
	dns_put16(b, type);
	dns_put16(b, 1);
	dns_put32(b, ttl);
	dns_put16(b, len);
	for (uint16_t i = 0; i < len; i++)
		dns_put8(b, ((const uint8_t *)data)[i]);
}

static inline void dns_a(struct dns_builder *b, uint32_t ttl, const char *address)
{
	uint8_t raw[4];

	if (inet_pton(AF_INET, address, raw) != 1)
		abort();
	dns_data(b, 1, ttl, raw, sizeof(raw));
}

static inline void dns_aaaa(struct dns_builder *b, uint32_t ttl, const char *address)
{
	uint8_t raw[16];

	if (inet_pton(AF_INET6, address, raw) != 1)
		abort();
	dns_data(b, 28, ttl, raw, sizeof(raw));
}

static inline void dns_alias(struct dns_builder *b, uint32_t ttl, const char *to)
{
	struct dns_builder name;

	name.len = 0;
	dns_wire_name(&name, to);
	dns_data(b, 5, ttl, name.bytes, (uint16_t)name.len);
}

#endif
