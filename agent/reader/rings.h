/* SPDX-License-Identifier: Apache-2.0 */
/* Emptying the two rings: when to look, how far to go, and what is told first.
 *
 * A ring wakes its reader when it puts a record where the reader already stands. In a virtual
 * machine that costs the client's thread more than the record does, and a reader that runs along
 * behind the writer pays it for each one. So records are taken in passes: one begins RINGS_PACE_MS
 * after the last began at the soonest, and takes what was there when it began. Nothing can be
 * missed by that: while records wait, the ring's descriptor is readable. Denials are not paced. */
#ifndef READER_RINGS_H
#define READER_RINGS_H

#include <stddef.h>

#define RINGS_PACE_MS 2

#define RINGS_READY 1 /* a ring has something: rings_take() */
#define RINGS_OTHER 2 /* the other descriptor is readable */

/* One record. Anything but 0 ends the taking: the records behind it stay in their ring. */
typedef int (*rings_record_fn)(void *ctx, const void *record, size_t size);

struct rings;

/* Maps the rings of the two map descriptors; other_fd is waited for with them. The descriptors stay
 * the caller's. Returns 0 or -errno. */
int rings_new(int denials_fd, int records_fd, int other_fd, rings_record_fn fn, void *ctx,
	      struct rings **ret);
void rings_free(struct rings *r);

/* Waits at most timeout_ms. Returns RINGS_* bits, 0 when there is nothing to do yet, -errno. */
int rings_wait(struct rings *r, int timeout_ms);

/* One pass. Denials are told after the records that were there when they came: the exec and the
 * tool_use that caused one are among them. Returns 0, or what the callback returned. */
int rings_take(struct rings *r);

#endif
