// SPDX-License-Identifier: Apache-2.0
/* Empties the two rings in passes. */
#include "reader/rings.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "bpf/contract.h"

#define NS_PER_MS	       1000000ll
#define HELD_MAX	       (4u << 20)
#define RECORDS_BEFORE_DENIALS (16u << 20)

struct rings {
	struct ring_buffer *denials, *records;
	rings_record_fn fn;
	void *ctx;
	int other_fd;
	int urgent, all;      /* epoll: denials and other_fd; and the records too */
	int64_t next_ns;      /* no pass before, but for a denial */
	int64_t from_ns;      /* when this one began */
	struct buffer held;   /* denials copied out of their ring, each behind its length */
	size_t records_bytes; /* taken since they were held */
	int stopped;	      /* what the callback returned */
};

/* The clock of record_head.time_ns. */
static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int hand_over(struct rings *r, const void *record, size_t size)
{
	int e = r->fn(r->ctx, record, size);

	if (!r->stopped)
		r->stopped = e;
	return r->stopped ? -ECANCELED : 0;
}

/* Copied first, so that it does not wait in its ring for the records to be taken. */
static int on_denial(void *ctx, void *data, size_t size)
{
	struct rings *r = ctx;
	uint64_t len = size;
	size_t before = r->held.len;

	if (buffer_append(&r->held, &len, sizeof(len), HELD_MAX) < 0 ||
	    buffer_append(&r->held, data, size, HELD_MAX) < 0) {
		r->held.len = before;
		return hand_over(r, data, size);
	}
	return 0;
}

static void tell_held(struct rings *r)
{
	size_t at = 0;

	while (at + sizeof(uint64_t) <= r->held.len) {
		uint64_t len;

		memcpy(&len, r->held.data + at, sizeof(len));
		at += sizeof(len);
		if (len > r->held.len - at)
			break;
		/* also when stopped: these have left their ring */
		hand_over(r, r->held.data + at, len);
		at += len;
	}
	r->held.len = 0;
	r->records_bytes = 0;
}

static int on_record(void *ctx, void *data, size_t size)
{
	const struct record_head *head = data;
	struct rings *r = ctx;
	int e = hand_over(r, data, size);

	r->records_bytes += size;
	/* a flood of records must not hold a denial back for long */
	if (!e && r->records_bytes > RECORDS_BEFORE_DENIALS) {
		ring_buffer__consume(r->denials);
		tell_held(r);
	}
	/* Records are stamped after their place in the ring is taken, so one behind this may be
	 * older than it. That matters to a denial alone, which must not be told before its cause:
	 * with one at hand the pass goes on until the ring is empty. */
	if (!e && !r->held.len && size >= sizeof(*head) && (int64_t)head->time_ns >= r->from_ns)
		e = -EAGAIN;
	return e;
}

int rings_take(struct rings *r)
{
	r->from_ns = now_ns();
	r->next_ns = r->from_ns + RINGS_PACE_MS * NS_PER_MS;
	ring_buffer__consume(r->denials);
	ring_buffer__consume(r->records);
	tell_held(r);
	return r->stopped;
}

int rings_wait(struct rings *r, int timeout_ms)
{
	int64_t left = r->next_ns - now_ns();
	struct epoll_event events[3];
	int n, ready = 0;

	if (left > 0 && (left + NS_PER_MS - 1) / NS_PER_MS < timeout_ms)
		timeout_ms = (int)((left + NS_PER_MS - 1) / NS_PER_MS);
	n = epoll_wait(left > 0 ? r->urgent : r->all, events, 3, timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++)
		ready |= events[i].data.fd == r->other_fd ? RINGS_OTHER : RINGS_READY;
	return ready;
}

static int watch(int epoll, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

int rings_new(int denials_fd, int records_fd, int other_fd, rings_record_fn fn, void *ctx,
	      struct rings **ret)
{
	struct rings *r = calloc(1, sizeof(*r));
	int e = 0;

	if (!r)
		return -ENOMEM;
	r->fn = fn;
	r->ctx = ctx;
	r->other_fd = other_fd;
	r->urgent = epoll_create1(EPOLL_CLOEXEC);
	r->all = epoll_create1(EPOLL_CLOEXEC);
	if (r->urgent < 0 || r->all < 0)
		e = -errno;
	/* the map itself, not libbpf's epoll around it: a wake-up has a level less to go through */
	if (!e)
		e = watch(r->urgent, other_fd);
	if (!e)
		e = watch(r->urgent, denials_fd);
	if (!e)
		e = watch(r->all, other_fd);
	if (!e)
		e = watch(r->all, denials_fd);
	if (!e)
		e = watch(r->all, records_fd);
	if (!e) {
		r->denials = ring_buffer__new(denials_fd, on_denial, r, NULL);
		r->records = r->denials ? ring_buffer__new(records_fd, on_record, r, NULL) : NULL;
		if (!r->records)
			e = -errno;
	}
	if (e) {
		rings_free(r);
		return e;
	}
	*ret = r;
	return 0;
}

void rings_free(struct rings *r)
{
	if (!r)
		return;
	ring_buffer__free(r->records);
	ring_buffer__free(r->denials);
	if (r->urgent >= 0)
		close(r->urgent);
	if (r->all >= 0)
		close(r->all);
	buffer_free(&r->held);
	free(r);
}
