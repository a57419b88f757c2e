/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The decisions at the doors beside connect: who listens, whose socket it is, who traces whom,
 * which device carries packets. Plain functions, compiled for the kernel programs and for the unit
 * tests alike. */
#ifndef BAILIFF_DOORS_H
#define BAILIFF_DOORS_H

#include "bpf/verdict.h"

#define DOORS_MODE_ATTACH 0x02u /* PTRACE_MODE_ATTACH: steering, /proc/PID/mem, pidfd_getfd */

/* Ports from here on are given out by the kernel (net.ipv4.ip_local_port_range begins here). */
#define DOORS_PORT_EPHEMERAL 32768

/* A pid alone is used again, and 0 is nobody's. */
static __always_inline int doors_same_lineage(__u32 tgid, __u64 start_ns, __u32 other_tgid,
					      __u64 other_start_ns)
{
	return tgid && tgid == other_tgid && start_ns == other_start_ns;
}

/* An address as a socket is bound to it. Unlike one that is connected to, "any" is not this host:
 * it is every address that this host has. */
static __always_inline void doors_bound_v4(struct address *a, const __u8 *from)
{
	a->family = VERDICT_AF_INET;
	a->carried = 0;
	__builtin_memset(a->bytes, 0, sizeof(a->bytes));
	__builtin_memcpy(a->bytes, from, 4);
}

static __always_inline void doors_bound_v6(struct address *a, const __u8 *b)
{
	__u64 high;

	__builtin_memcpy(&high, b, 8);
	if (!high && !b[8] && !b[9] && b[10] == 0xff && b[11] == 0xff) {
		doors_bound_v4(a, b + 12);
		return;
	}
	a->family = VERDICT_AF_INET6;
	a->carried = 0;
	__builtin_memcpy(a->bytes, b, 16);
}

/* Nobody but this host reaches it: 127.0.0.0/8 and ::1. */
static __always_inline int doors_loopback(const struct address *a)
{
	__u64 high;

	if (a->carried)
		return 0;
	if (a->family == VERDICT_AF_INET)
		return a->bytes[0] == 127;
	if (a->family != VERDICT_AF_INET6)
		return 0;
	__builtin_memcpy(&high, a->bytes, 8);
	return !high && !(a->bytes[8] | a->bytes[9] | a->bytes[10] | a->bytes[11]) &&
	       !(a->bytes[12] | a->bytes[13] | a->bytes[14]) && a->bytes[15] == 1;
}

/* "::", which takes IPv4 as well unless the socket is told not to. */
static __always_inline int doors_any6(const struct address *a)
{
	__u64 high, low;

	__builtin_memcpy(&high, a->bytes, 8);
	__builtin_memcpy(&low, a->bytes + 8, 8);
	return a->family == VERDICT_AF_INET6 && !high && !low;
}

static __always_inline int doors_port_listed(const struct policy_root *root, __u16 port)
{
	for (int i = 0; i < POLICY_LISTEN_MAX; i++)
		if (root->listen[i].high && port >= root->listen[i].low &&
		    port <= root->listen[i].high)
			return 1;
	return 0;
}

/* Whether a governed task may take connections here. Port 0 is one that the kernel has yet to
 * choose, on every address: listen() without bind(). */
static __always_inline int doors_may_listen(const struct policy_root *root, const struct address *a)
{
	if (!a->port)
		return 0;
	return doors_loopback(a) || doors_port_listed(root, a->port);
}

/* The same for datagrams, at bind. Clients bind to port 0 or to a port of their own choosing among
 * those that the kernel gives out; a service has a lower one. */
static __always_inline int doors_may_bind_datagram(const struct policy_root *root,
						   const struct address *a)
{
	if (!a->port || a->port >= DOORS_PORT_EPHEMERAL)
		return 1;
	return doors_loopback(a) || doors_port_listed(root, a->port);
}

/* Whether a governed task may look into a process or steer it. Reading of /proc is left open: ps
 * and lsof do it to every process, and it moves nothing. A client below the same root stays out of
 * reach: who steers it sends to the model in its name. */
static __always_inline int doors_may_trace(__u32 mode, int same_lineage, __u32 target_flags)
{
	if (!(mode & DOORS_MODE_ATTACH))
		return 1;
	return same_lineage && !(target_flags & TASK_CLIENT);
}

/* Character devices that carry packets past the sockets: tun and tap, the host's ends of a virtual
 * machine's network (vhost-net) and of its vsock, ppp. Their numbers are fixed, their names are
 * not.
 */
static __always_inline int doors_carries_packets(__u32 major, __u32 minor)
{
	if (major == 10)
		return minor == 200 || minor == 238 || minor == 241;
	return major == 108 && minor == 0;
}

#endif
