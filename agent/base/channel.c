// SPDX-License-Identifier: Apache-2.0
/* Small messages between the processes of the agent. */
#include "base/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int channel_send(int sock, enum channel_type type, const void *body, size_t len, int fd, int flags)
{
	uint32_t head[2] = {type, (uint32_t)len};
	struct iovec iov[2] = {{head, sizeof(head)}, {(void *)(uintptr_t)body, len}};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	if (len > CHANNEL_BODY_MAX)
		return -EMSGSIZE;
	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	do
		n = sendmsg(sock, &msg, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static void take_fd(struct msghdr *msg, int *ret_fd)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		if (ret_fd && *ret_fd < 0)
			*ret_fd = fd;
		else
			close(fd);
	}
}

ssize_t channel_receive(int sock, enum channel_type *ret_type, void *body, int *ret_fd, int flags)
{
	uint32_t head[2];
	struct iovec iov[2] = {{head, sizeof(head)}, {body, CHANNEL_BODY_MAX}};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = iov,
			     .msg_iovlen = 2,
			     .msg_control = control.bytes,
			     .msg_controllen = sizeof(control.bytes)};
	int fd = -1;
	ssize_t n;

	do
		n = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	take_fd(&msg, &fd);
	if (n == 0 || n < (ssize_t)sizeof(head) || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    head[1] != (size_t)n - sizeof(head) || !head[0] || head[0] >= CHANNEL_TYPE_MAX) {
		if (fd >= 0)
			close(fd);
		return n == 0 ? -ENODATA : -EBADMSG;
	}
	if (ret_fd)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	*ret_type = head[0];
	return n - (ssize_t)sizeof(head);
}
