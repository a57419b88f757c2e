// SPDX-License-Identifier: Apache-2.0
/* Datagrams: what QUIC, DNS and tunnels are made of.
 *	udp HOW ADDRESS PORT
 * HOW: sendto, sendmsg, sendmmsg, connect, unspec; route: to an address that is allowed, by way of
 * ADDRESS (RFC 791, loose source and record route: the packet is addressed to the first of it) */
#include "attempt.h"

#include <netinet/ip.h>

#define ROUTE_FIRST 4 /* of a pointer in an option: octets from its beginning, counted from one */

static int by_route(int fd, const struct target *by, const char *port, const char *line, size_t n)
{
	const struct sockaddr_in *first = (const struct sockaddr_in *)&by->address;
	unsigned char option[8] = {IPOPT_LSRR, 7, ROUTE_FIRST};
	struct target allowed;

	memcpy(option + 3, &first->sin_addr, 4);
	if (attempt_target(&allowed, "10.77.3.10", port) ||
	    setsockopt(fd, IPPROTO_IP, IP_OPTIONS, option, sizeof(option)))
		return attempt_setup("IP_OPTIONS");
	if (sendto(fd, line, n, 0, (struct sockaddr *)&allowed.address, allowed.len) < 0)
		return attempt_refused("sendto");
	return attempt_answer(fd);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	char line[256];
	size_t n = attempt_line(line, sizeof(line));
	struct iovec v = {.iov_base = line, .iov_len = n};
	struct mmsghdr m = {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}};
	struct target t;
	int fd;

	if (argc != 4 || attempt_target(&t, argv[2], argv[3]))
		return attempt_setup("usage");
	fd = socket(t.family, SOCK_DGRAM, 0);
	if (fd < 0)
		return attempt_refused("socket");
	m.msg_hdr.msg_name = &t.address;
	m.msg_hdr.msg_namelen = t.len;
	/* the kernel takes AF_UNSPEC for AF_INET here */
	if (strcmp(how, "unspec") == 0)
		t.address.ss_family = AF_UNSPEC;
	if (strcmp(how, "connect") == 0) {
		if (connect(fd, (struct sockaddr *)&t.address, t.len))
			return attempt_refused("connect");
		return attempt_exchange(fd);
	}
	if (strcmp(how, "route") == 0)
		return by_route(fd, &t, argv[3], line, n);
	if (strcmp(how, "sendto") == 0 || strcmp(how, "unspec") == 0) {
		if (sendto(fd, line, n, 0, (struct sockaddr *)&t.address, t.len) < 0)
			return attempt_refused("sendto");
	} else if (strcmp(how, "sendmsg") == 0) {
		if (sendmsg(fd, &m.msg_hdr, 0) < 0)
			return attempt_refused("sendmsg");
	} else if (strcmp(how, "sendmmsg") == 0) {
		if (sendmmsg(fd, &m, 1, 0) != 1)
			return attempt_refused("sendmmsg");
	} else {
		return attempt_setup("usage");
	}
	return attempt_answer(fd);
}
