// SPDX-License-Identifier: Apache-2.0
/* Addresses, prefixes, names and ports as people write them. */
#include "policy/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int address_refuse(char err[ADDRESS_ERROR_SIZE], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int address_refuse(char err[ADDRESS_ERROR_SIZE], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, ADDRESS_ERROR_SIZE, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Decimal digits only, no sign, no blank, no leading zero. Returns -1 when it is no such number. */
static long address_number(const char *text, size_t len, long max)
{
	long n = 0;

	if (len == 0 || len > 6 || (len > 1 && text[0] == '0'))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return -1;
		n = 10 * n + text[i] - '0';
	}
	return n > max ? -1 : n;
}

/* Keeps the first len bits. Returns whether any other was set. */
static bool address_mask(uint8_t address[16], uint32_t len)
{
	bool set = false;

	for (uint32_t i = 0; i < 16; i++) {
		uint32_t bits = len <= 8 * i ? 0 : len - 8 * i;
		uint8_t keep = bits >= 8 ? 0xff : (uint8_t)(0xff00 >> bits);

		set |= (address[i] & ~keep) != 0;
		address[i] &= keep;
	}
	return set;
}

static bool address_is_mapped(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

const char *address_format(const struct prefix *prefix, char out[ADDRESS_TEXT_SIZE])
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(prefix->family, prefix->address, text, sizeof(text));
	if (prefix->len == (prefix->family == AF_INET ? 32u : 128u))
		snprintf(out, ADDRESS_TEXT_SIZE, "%s", text);
	else
		snprintf(out, ADDRESS_TEXT_SIZE, "%s/%u", text, prefix->len);
	return out;
}

int address_parse_prefix(const char *text, struct prefix *ret, char err[ADDRESS_ERROR_SIZE])
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct prefix p = {.family = memchr(text, ':', n) ? AF_INET6 : AF_INET};
	long max = p.family == AF_INET ? 32 : 128, len = max;
	char address[INET6_ADDRSTRLEN], right[ADDRESS_TEXT_SIZE];

	if (memchr(text, '%', n))
		return address_refuse(err,
				      "\"%.64s\" names an interface after %%; expected an address "
				      "without one",
				      text);
	if (n < sizeof(address)) {
		memcpy(address, text, n);
		address[n] = 0;
	}
	if (n == 0 || n >= sizeof(address) || inet_pton(p.family, address, p.address) != 1)
		return address_refuse(err,
				      "\"%.64s\" is no address; expected one like 10.0.0.0/8 or "
				      "2001:db8::/32",
				      text);
	if (slash) {
		len = address_number(slash + 1, strlen(slash + 1), max);
		if (len < 0)
			return address_refuse(err,
					      "\"%.64s\": expected a prefix length from 0 to %ld "
					      "after the slash",
					      text, max);
	}
	p.len = (uint32_t)len;
	if (address_mask(p.address, p.len))
		return address_refuse(err,
				      "\"%.64s\" has bits set after the prefix length; expected %s",
				      text, address_format(&p, right));
	if (p.family == AF_INET6 && p.len >= 96 && address_is_mapped(p.address)) {
		memmove(p.address, p.address + 12, 4);
		memset(p.address + 4, 0, 12);
		p.family = AF_INET;
		p.len -= 96;
		return address_refuse(err,
				      "\"%.64s\" is IPv4 written as IPv6 and would never match; "
				      "expected %s",
				      text, address_format(&p, right));
	}
	*ret = p;
	return 0;
}

/* Whether inet_aton() or a browser would read the label as a number: 10, 0x7f. */
static bool address_label_is_number(const char *label, size_t len)
{
	size_t i = 0;
	bool hex = len > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X');

	for (i = hex ? 2 : 0; i < len; i++)
		if (hex ? !isxdigit((unsigned char)label[i]) : !isdigit((unsigned char)label[i]))
			return false;
	return true;
}

static int address_check_label(const char *text, const char *label, size_t len,
			       char err[ADDRESS_ERROR_SIZE])
{
	if (len == 0)
		return address_refuse(err, "\"%.64s\" has an empty label between dots", text);
	if (len > 63)
		return address_refuse(err, "\"%.64s\" has a label of over 63 bytes", text);
	if (label[0] == '-' || label[len - 1] == '-')
		return address_refuse(err, "\"%.64s\" has a label that begins or ends with -",
				      text);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)label[i];

		if (c >= 0x80)
			return address_refuse(err,
					      "\"%.64s\" has letters outside ASCII; expected the "
					      "form that DNS uses (xn--...)",
					      text);
		if (!isalnum(c) && c != '-' && c != '_')
			return address_refuse(err, "\"%.64s\": '%c' cannot be in a host name", text,
					      c);
	}
	return 0;
}

int address_parse_name(const char *text, char ret[254], char err[ADDRESS_ERROR_SIZE])
{
	size_t len = strlen(text), start = 0;
	struct prefix p;
	char ignored[ADDRESS_ERROR_SIZE];

	if (strchr(text, '*'))
		return address_refuse(err,
				      "\"%.64s\": a wildcard stands for whole labels at the "
				      "beginning; expected *. and a host name",
				      text);
	if (strstr(text, "://"))
		return address_refuse(err, "\"%.64s\" is a URL; expected the host name alone",
				      text);
	if (address_parse_prefix(text, &p, ignored) == 0)
		return address_refuse(err,
				      "\"%.64s\" is an address; expected a host name (addresses go "
				      "in \"cidr\")",
				      text);
	if (strchr(text, ':'))
		return address_refuse(err,
				      "\"%.64s\" has a colon; expected a host name (ports go in "
				      "\"ports\")",
				      text);
	if (len && text[len - 1] == '.')
		len--;
	if (len == 0 || len > 253)
		return address_refuse(err, "\"%.64s\": a host name has 1 to 253 bytes", text);
	for (size_t i = 0; i <= len; i++) {
		int r;

		if (i < len && text[i] != '.')
			continue;
		r = address_check_label(text, text + start, i - start, err);
		if (r < 0)
			return r;
		if (i == len && address_label_is_number(text + start, i - start))
			return address_refuse(err,
					      "\"%.64s\" ends in a number and would be read as an "
					      "address; expected a host name",
					      text);
		start = i + 1;
	}
	for (size_t i = 0; i < len; i++)
		ret[i] = (char)tolower((unsigned char)text[i]);
	ret[len] = 0;
	return 0;
}

int address_parse_pattern(const char *text, char ret[254], char err[ADDRESS_ERROR_SIZE])
{
	char name[254];
	int r;

	if (!address_is_wildcard(text))
		return address_parse_name(text, ret, err);
	r = address_parse_name(text + 2, name, err);
	if (r < 0)
		return r;
	/* a name below it has one letter and a dot more, at least */
	if (strlen(name) > 251)
		return address_refuse(err, "\"%.64s\": no name below it would be short enough",
				      text);
	memcpy(ret, "*.", 2);
	memcpy(ret + 2, name, strlen(name) + 1);
	return 0;
}

bool address_is_wildcard(const char *pattern)
{
	return pattern[0] == '*' && pattern[1] == '.';
}

/* Its length backwards: without the star, or with the zero byte. */
static size_t address_backward_len(const char *pattern, size_t len)
{
	return address_is_wildcard(pattern) ? len - 1 : len + 1;
}

static char address_backward_at(const char *pattern, size_t len, size_t i)
{
	return i < len ? pattern[len - 1 - i] : 0;
}

size_t address_backward(const char *pattern, char out[NAME_SIZE])
{
	size_t len = strlen(pattern), n = address_backward_len(pattern, len);

	memset(out, 0, NAME_SIZE);
	for (size_t i = 0; i < n && i < NAME_SIZE; i++)
		out[i] = address_backward_at(pattern, len, i);
	return n;
}

int address_compare_patterns(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	size_t a_n = address_backward_len(a, a_len), b_n = address_backward_len(b, b_len);

	for (size_t i = 0; i < a_n && i < b_n; i++) {
		int d = (unsigned char)address_backward_at(a, a_len, i) -
			(unsigned char)address_backward_at(b, b_len, i);

		if (d)
			return d;
	}
	return (a_n > b_n) - (a_n < b_n);
}

bool address_pattern_covers(const char *outer, const char *inner)
{
	size_t outer_len = strlen(outer), inner_len = strlen(inner);
	size_t n = address_backward_len(outer, outer_len);

	if (n > address_backward_len(inner, inner_len))
		return false;
	for (size_t i = 0; i < n; i++)
		if (address_backward_at(outer, outer_len, i) !=
		    address_backward_at(inner, inner_len, i))
			return false;
	return true;
}

int address_parse_ports(const char *text, uint16_t *ret_low, uint16_t *ret_high,
			char err[ADDRESS_ERROR_SIZE])
{
	const char *dash = strchr(text, '-');
	size_t n = dash ? (size_t)(dash - text) : strlen(text);
	long low = address_number(text, n, 65535);
	long high = dash ? address_number(dash + 1, strlen(dash + 1), 65535) : low;

	if (low < 0 || high < 0)
		return address_refuse(err,
				      "\"%.64s\" is no port; expected one from 1 to 65535, or a "
				      "range like 8000-8100",
				      text);
	if (low == 0 || high == 0)
		return address_refuse(err,
				      "\"%.64s\": there is no port 0; expected 1 to 65535 (leave "
				      "\"ports\" out for every port)",
				      text);
	if (high < low)
		return address_refuse(err,
				      "\"%.64s\" is a range the wrong way round; expected %ld-%ld",
				      text, high, low);
	*ret_low = (uint16_t)low;
	*ret_high = (uint16_t)high;
	return 0;
}

int address_parse_resolver(const char *text, struct sockaddr_storage *ret,
			   char err[ADDRESS_ERROR_SIZE])
{
	struct sockaddr_storage out = {0};
	char host[INET6_ADDRSTRLEN + 2];
	const char *port = NULL, *start = text;
	size_t n = strlen(text);
	long number = 53;

	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		start = text + 1;
		n = end ? (size_t)(end - start) : 0;
		if (end && end[1] == ':')
			port = end + 2;
		else if (!end || end[1])
			n = 0;
	} else if (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) {
		port = strchr(text, ':') + 1;
		n = (size_t)(port - 1 - text);
	}
	if (port)
		number = address_number(port, strlen(port), 65535);
	if (n > 0 && n < sizeof(host)) {
		struct sockaddr_in *in = (struct sockaddr_in *)&out;
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out;

		memcpy(host, start, n);
		host[n] = 0;
		if (text[0] != '[' && inet_pton(AF_INET, host, &in->sin_addr) == 1) {
			out.ss_family = AF_INET;
			in->sin_port = htons((uint16_t)number);
		} else if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 &&
			   !address_is_mapped(in6->sin6_addr.s6_addr)) {
			out.ss_family = AF_INET6;
			in6->sin6_port = htons((uint16_t)number);
		}
	}
	if (out.ss_family == 0 || number < 1)
		return address_refuse(err,
				      "\"%.64s\" is no name server; expected an address, with a "
				      "port or without: 10.0.0.53, 10.0.0.53:5353, "
				      "[2001:db8::1]:5353",
				      text);
	*ret = out;
	return 0;
}

void address_canonicalise(int *family, uint8_t address[16])
{
	if (*family == AF_INET6 && address_is_mapped(address)) {
		memmove(address, address + 12, 4);
		*family = AF_INET;
	}
	if (*family == AF_INET)
		memset(address + 4, 0, 12);
}

bool address_covers(const struct prefix *outer, const struct prefix *inner)
{
	uint32_t whole = outer->len / 8, rest = outer->len % 8;

	if (outer->family != inner->family || outer->len > inner->len ||
	    memcmp(outer->address, inner->address, whole) != 0)
		return false;
	return rest == 0 || ((outer->address[whole] ^ inner->address[whole]) >> (8 - rest)) == 0;
}

bool address_is_local(int family, const uint8_t address[16])
{
	static const uint8_t loopback[16] = {[15] = 1};

	if (family == AF_INET)
		return address[0] == 0 || address[0] == 127 || address[0] >= 224 ||
		       (address[0] == 169 && address[1] == 254);
	return memcmp(address, loopback, 15) == 0
		       ? address[15] <= 1
		       : address[0] == 0xff || (address[0] == 0xfe && (address[1] & 0xc0) == 0x80);
}
