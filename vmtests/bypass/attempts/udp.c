// SPDX-License-Identifier: Apache-2.0
/* Datagrams: what QUIC, DNS and tunnels are made of.
 *	udp HOW ADDRESS PORT
 * HOW: sendto, sendmsg, sendmmsg, connect, unspec */
#include "attempt.h"

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
