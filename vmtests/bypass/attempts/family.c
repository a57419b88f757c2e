// SPDX-License-Identifier: Apache-2.0
/* Sockets of other families and protocols.
 *	family HOW [ADDRESS PORT]
 * HOW: sctp, dccp, smc (each connects to the host), vsock (to this host by its number), can (a
 * frame on a bus), generic (netlink that makes tunnels), alg, key */
#include "attempt.h"

#include <linux/can.h>
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>

#ifndef AF_SMC
#define AF_SMC 43
#endif

#define SOCK_DCCP_TYPE 6
#define SOL_DCCP_LEVEL 269
#define DCCP_SERVICE   2

static int stream(int family, int type, int protocol, char **argv)
{
	unsigned int service = htonl(7000);
	struct target t;
	int fd;

	if (attempt_target(&t, argv[2], argv[3]))
		return attempt_setup("usage");
	fd = socket(family, type, protocol);
	if (fd < 0)
		return attempt_refused("socket");
	if (protocol == IPPROTO_DCCP &&
	    setsockopt(fd, SOL_DCCP_LEVEL, DCCP_SERVICE, &service, sizeof(service)))
		return attempt_setup("DCCP_SOCKOPT_SERVICE");
	if (connect(fd, (struct sockaddr *)&t.address, t.len))
		return attempt_refused("connect");
	return attempt_exchange(fd);
}

static int vsock(void)
{
	struct sockaddr_vm to = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL, .svm_port = 7000};
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0)
		return attempt_refused("socket");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return attempt_refused("connect");
	return attempt_exchange(fd);
}

static int can(void)
{
	struct sockaddr_can on = {.can_family = AF_CAN};
	struct can_frame frame = {.can_id = 0x77, .len = 8};
	int fd = socket(PF_CAN, SOCK_RAW, CAN_RAW);

	if (fd < 0)
		return attempt_refused("socket");
	on.can_ifindex = (int)if_nametoindex("vcan0");
	if (!on.can_ifindex || bind(fd, (struct sockaddr *)&on, sizeof(on)))
		return attempt_setup("bind");
	memcpy(frame.data, "bailiff", 8);
	if (write(fd, &frame, sizeof(frame)) != sizeof(frame))
		return attempt_refused("write");
	printf("through: a frame on the bus\n");
	return THROUGH;
}

static int generic(void)
{
	struct sockaddr_nl me = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);

	if (fd < 0)
		return attempt_refused("socket");
	if (bind(fd, (struct sockaddr *)&me, sizeof(me)))
		return attempt_refused("bind");
	printf("through: a socket of NETLINK_GENERIC\n");
	return THROUGH;
}

static int alg(void)
{
	struct sockaddr_alg on = {.salg_family = AF_ALG};
	int fd = socket(AF_ALG, SOCK_SEQPACKET, 0);

	if (fd < 0)
		return attempt_refused("socket");
	snprintf((char *)on.salg_type, sizeof(on.salg_type), "hash");
	snprintf((char *)on.salg_name, sizeof(on.salg_name), "sha256");
	if (bind(fd, (struct sockaddr *)&on, sizeof(on)))
		return attempt_setup("bind");
	printf("through: a socket of AF_ALG\n");
	return THROUGH;
}

static int key(void)
{
	int fd = socket(AF_KEY, SOCK_RAW, 2); /* PF_KEY_V2 */

	if (fd < 0)
		return attempt_refused("socket");
	printf("through: a socket of AF_KEY\n");
	return THROUGH;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";

	if (strcmp(how, "vsock") == 0)
		return vsock();
	if (strcmp(how, "can") == 0)
		return can();
	if (strcmp(how, "generic") == 0)
		return generic();
	if (strcmp(how, "alg") == 0)
		return alg();
	if (strcmp(how, "key") == 0)
		return key();
	if (argc != 4)
		return attempt_setup("usage");
	if (strcmp(how, "sctp") == 0)
		return stream(AF_INET, SOCK_STREAM, IPPROTO_SCTP, argv);
	if (strcmp(how, "dccp") == 0)
		return stream(AF_INET, SOCK_DCCP_TYPE, IPPROTO_DCCP, argv);
	if (strcmp(how, "smc") == 0)
		return stream(AF_SMC, SOCK_STREAM, 0, argv);
	return attempt_setup("usage");
}
