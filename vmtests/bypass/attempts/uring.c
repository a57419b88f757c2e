// SPDX-License-Identifier: Apache-2.0
/* io_uring: the same operations without their system calls.
 *	uring HOW ADDRESS PORT
 * HOW: connect, sqpoll (a kernel thread submits), sendmsg (a datagram) */
#include "attempt.h"

#include <linux/io_uring.h>
#include <sys/syscall.h>

struct ring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array, *sq_flags;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static int ring_open(struct ring *r, unsigned int flags)
{
	struct io_uring_params p = {.flags = flags, .sq_thread_idle = 1000};
	char *sq, *cq;

	r->fd = (int)syscall(SYS_io_uring_setup, 4, &p);
	if (r->fd < 0)
		return -errno;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || r->sqes == MAP_FAILED)
		return -errno;
	r->sq_tail = (unsigned int *)(sq + p.sq_off.tail);
	r->sq_mask = (unsigned int *)(sq + p.sq_off.ring_mask);
	r->sq_flags = (unsigned int *)(sq + p.sq_off.flags);
	r->sq_array = (unsigned int *)(sq + p.sq_off.array);
	r->cq_head = (unsigned int *)(cq + p.cq_off.head);
	r->cq_tail = (unsigned int *)(cq + p.cq_off.tail);
	r->cq_mask = (unsigned int *)(cq + p.cq_off.ring_mask);
	r->cqes = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	return 0;
}

/* One operation; its result, or an error of its own. */
static int ring_do(struct ring *r, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *r->sq_tail, head = *r->cq_head, flags = IORING_ENTER_GETEVENTS;
	int result;

	r->sqes[tail & *r->sq_mask] = *sqe;
	r->sq_array[tail & *r->sq_mask] = tail & *r->sq_mask;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(r->sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (syscall(SYS_io_uring_enter, r->fd, 1, 1, flags, NULL, 0) < 0)
		return -errno;
	while (__atomic_load_n(r->cq_tail, __ATOMIC_SEQ_CST) == head)
		usleep(1000);
	result = r->cqes[head & *r->cq_mask].res;
	__atomic_store_n(r->cq_head, head + 1, __ATOMIC_SEQ_CST);
	return result;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int datagram = strcmp(how, "sendmsg") == 0, fd, result;
	struct io_uring_sqe sqe = {0};
	struct target t;
	struct ring ring = {0};
	char line[256];
	struct iovec v = {.iov_base = line, .iov_len = attempt_line(line, sizeof(line))};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	if (argc != 4 || attempt_target(&t, argv[2], argv[3]))
		return attempt_setup("usage");
	fd = socket(t.family, datagram ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (fd < 0)
		return attempt_refused("socket");
	result = ring_open(&ring, strcmp(how, "sqpoll") == 0 ? IORING_SETUP_SQPOLL : 0);
	if (result) {
		errno = -result;
		return attempt_refused("io_uring_setup");
	}
	m.msg_name = &t.address;
	m.msg_namelen = t.len;
	sqe.fd = fd;
	sqe.opcode = datagram ? IORING_OP_SENDMSG : IORING_OP_CONNECT;
	sqe.addr = (unsigned long)(datagram ? (void *)&m : (void *)&t.address);
	if (datagram)
		sqe.len = 1;
	else
		sqe.off = t.len;
	result = ring_do(&ring, &sqe);
	if (result < 0) {
		errno = -result;
		return attempt_refused("operation");
	}
	return datagram ? attempt_answer(fd) : attempt_exchange(fd);
}
