/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, prefixes, names and ports as people write them. */
#ifndef POLICY_ADDRESS_H
#define POLICY_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bpf/contract.h"

#define ADDRESS_ERROR_SIZE 256
#define ADDRESS_TEXT_SIZE  64 /* an IPv6 address with prefix length */

struct prefix {
	int family; /* AF_INET, AF_INET6 */
	uint32_t len;
	uint8_t address[16]; /* IPv4 in the first four bytes; the rest is zero */
};

/* Each returns 0, or -EINVAL with what was found and what was expected in err. */

/* "10.0.0.0/8", "2001:db8::/32", or an address alone. Host bits are an error that says the right
 * one. */
int address_parse_prefix(const char *text, struct prefix *ret, char err[ADDRESS_ERROR_SIZE]);

/* An exact host name; lower case and without a dot at the end in ret (254 bytes). */
int address_parse_name(const char *text, char ret[254], char err[ADDRESS_ERROR_SIZE]);

/* The same, or "*." and a host name: all names below it, not the name itself. */
int address_parse_pattern(const char *text, char ret[254], char err[ADDRESS_ERROR_SIZE]);

bool address_is_wildcard(const char *pattern);

/* The form in which patterns are kept, backwards (see struct name_key): "moc.elpmaxe." for
 * "*.example.com", and with the zero byte at its end for "example.com". One begins with the other
 * where all that the other matches is matched by it. Returns its length; the rest of out is zero.
 */
size_t address_backward(const char *pattern, char out[NAME_SIZE]);

/* Compares two patterns by that form, without making it: <0, 0, >0. */
int address_compare_patterns(const char *a, const char *b);

/* Whether inner is outer or comes under it. */
bool address_pattern_covers(const char *outer, const char *inner);

/* "443" or "8000-8100". */
int address_parse_ports(const char *text, uint16_t *ret_low, uint16_t *ret_high,
			char err[ADDRESS_ERROR_SIZE]);

/* "10.0.0.53", "10.0.0.53:5353", "2001:db8::1", "[2001:db8::1]:5353"; port 53 unless given. */
int address_parse_resolver(const char *text, struct sockaddr_storage *ret,
			   char err[ADDRESS_ERROR_SIZE]);

/* "10.0.0.0/8"; a single address stands alone. */
const char *address_format(const struct prefix *prefix, char out[ADDRESS_TEXT_SIZE]);

/* Makes ::ffff:a.b.c.d the IPv4 address that it is to the kernel. */
void address_canonicalise(int *family, uint8_t address[16]);

/* Whether inner lies in outer. */
bool address_covers(const struct prefix *outer, const struct prefix *inner);

/* Unspecified, loopback, link-local, multicast: of the host itself or its link, never a service
 * that a name of somebody else may lead to. */
bool address_is_local(int family, const uint8_t address[16]);

#endif
