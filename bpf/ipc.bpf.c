// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Borrowed doors: local sockets of other people's services, sockets handed over, processes to be
 * steered, user namespaces, devices that carry packets. Each lends a network that is not judged. */
#include "bpf/door.bpf.h"
#include "bpf/doors.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define DENY_ERRNO 1 /* EPERM */

#define MODE_TYPE   0170000
#define MODE_SOCKET 0140000
#define MODE_CHAR   0020000

#define STATE_LISTEN 10 /* TCP_LISTEN, for local sockets too */

/* A plain branch: the compiler's arithmetic form of it has no range that the verifier of 6.12
 * accepts as the result of an LSM program. */
static __always_inline int answer(__u32 verdict)
{
	if (verdict == BAILIFF_DENY) {
		barrier();
		return -DENY_ERRNO;
	}
	return 0;
}

/* ---- local sockets ----------------------------------------------------------------------------
 */

/* Whether the socket was made by the task's lineage: the mark is put on as it is made. */
static __always_inline bool ipc_marked(struct sock *sk, const struct task_context *t)
{
	struct socket_context *s = bpf_sk_storage_get(&sockets, sk, 0, 0);

	return s &&
	       doors_same_lineage(t->root_tgid, t->root_start_ns, s->root_tgid, s->root_start_ns);
}

/* Whether the client at the head of the lineage called listen() on it: what a client made before it
 * was recognised carries no mark. The pid alone would not do, it is used again. */
static __always_inline bool ipc_of_root(struct sock *sk, const struct task_context *t)
{
	struct hlist_node *first;
	struct task_struct *task;
	struct pid *pid = BPF_CORE_READ(sk, sk_peer_pid);

	if (!pid || !t->root_tgid)
		return false;
	first = BPF_CORE_READ(pid, tasks[PIDTYPE_TGID].first);
	if (!first)
		return false;
	task = (void *)first - bpf_core_field_offset(struct task_struct, pid_links) -
	       PIDTYPE_TGID * sizeof(struct hlist_node);
	return doors_same_lineage(t->root_tgid, t->root_start_ns, BPF_CORE_READ(task, tgid),
				  BPF_CORE_READ(task, start_boottime));
}

static __always_inline __u32 ipc_owner(struct sock *sk)
{
	struct pid *pid = BPF_CORE_READ(sk, sk_peer_pid);

	return pid ? BPF_CORE_READ(pid, numbers[0].nr) : 0;
}

/* The inode that a socket is bound to; an abstract one has none. */
static __always_inline bool ipc_inode(struct sock *sk, struct local_key *key)
{
	struct unix_sock *u = (struct unix_sock *)sk;
	struct dentry *dentry = BPF_CORE_READ(u, path.dentry);

	if (!dentry)
		return false;
	key->inode = BPF_CORE_READ(dentry, d_inode, i_ino);
	key->device = BPF_CORE_READ(dentry, d_sb, s_dev);
	return key->inode != 0;
}

static __always_inline bool ipc_listed(const struct local_key *key)
{
	__u32 slot = 0;
	void *locals;

	if (!policy_now(&slot))
		return false;
	locals = bpf_map_lookup_elem(&policy_locals, &slot);
	return locals && bpf_map_lookup_elem(locals, key);
}

static __always_inline void ipc_name(struct record_door *r, struct sock *sk)
{
	struct unix_sock *u = (struct unix_sock *)sk;
	struct unix_address *a = BPF_CORE_READ(u, addr);
	__u32 len;

	if (!a)
		return;
	len = BPF_CORE_READ(a, len) - 2; /* without the family */
	if (len > RECORD_DOOR_TARGET - 1)
		return;
	/* the compiler must not prove away the bound that the verifier wants to see */
	asm volatile("%0 &= 127" : "+r"(len));
	if (bpf_probe_read_kernel(r->target, len, (char *)&a->name[0] + 2))
		return;
	r->target_len = len;
}

static __always_inline int ipc_local(struct sock *other, const struct task_context *t, __u32 door)
{
	struct record_door *r;
	struct local_key key = {};
	bool bound;
	__u32 verdict;

	if (ipc_marked(other, t) || ipc_of_root(other, t))
		return 0;
	bound = ipc_inode(other, &key);
	if (bound && ipc_listed(&key))
		return 0;
	verdict = door_refuse(t, door, BAILIFF_REASON_LOCAL, &r);
	if (r) {
		r->peer_tgid = ipc_owner(other);
		r->inode = key.inode;
		r->device = key.device;
		ipc_name(r, other);
		bpf_ringbuf_submit(r, 0);
	}
	return answer(verdict);
}

SOCKET_HOOK(ipc_connect, unix_stream_connect, struct sock *sock, struct sock *other,
	    struct sock *newsk)
{
	struct task_context *t;

	t = actor_governed();
	return t ? ipc_local(other, t, DOOR_LOCAL_CONNECT) : 0;
}

SOCKET_HOOK(ipc_send, unix_may_send, struct socket *sock, struct socket *other)
{
	struct task_context *t;
	struct sock *mine, *peer;

	t = actor_governed();
	if (!t)
		return 0;
	mine = sock->sk;
	peer = other->sk;
	if (!mine || !peer)
		return 0;
	/* the two ends of a connection that stands: judged when it was made, or inherited like any
	 * other standard input */
	if (BPF_CORE_READ((struct unix_sock *)peer, peer) == mine)
		return 0;
	return ipc_local(peer, t, DOOR_LOCAL_SEND);
}

/* ---- descriptors and devices ------------------------------------------------------------------
 */

static __always_inline bool ipc_carries(struct inode *inode)
{
	__u32 device = BPF_CORE_READ(inode, i_rdev);

	return doors_carries_packets(device >> 20, device & 0xfffff);
}

static __always_inline int ipc_device(struct file *file, struct inode *inode)
{
	struct task_context *t;
	struct record_door *r;
	__u32 verdict;

	if (!ipc_carries(inode))
		return 0;
	t = actor_governed();
	if (!t)
		return 0;
	verdict = door_refuse(t, DOOR_DEVICE, BAILIFF_REASON_DEVICE, &r);
	if (r) {
		long n = bpf_probe_read_kernel_str(r->target, sizeof(r->target),
						   BPF_CORE_READ(file, f_path.dentry, d_name.name));

		r->target_len = n > 0 ? n - 1 : 0;
		r->inode = BPF_CORE_READ(inode, i_ino);
		r->device = BPF_CORE_READ(inode, i_rdev);
		bpf_ringbuf_submit(r, 0);
	}
	return answer(verdict);
}

/* By number: a node of another name, made by mknod, is the same device. */
SEC("lsm/file_open")
int BPF_PROG(ipc_open, struct file *file, int ret)
{
	struct inode *inode;

	if (ret)
		return ret;
	inode = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(inode, i_mode) & MODE_TYPE) != MODE_CHAR)
		return 0;
	return ipc_device(file, inode);
}

/* What the socket is connected to: for the event, as raw address and port of its family. */
static __always_inline void ipc_peer(struct record_door *r, struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family), port;

	r->command = family;
	if (family == VERDICT_AF_UNIX) {
		ipc_name(r, sk);
		return;
	}
	if (family != VERDICT_AF_INET && family != VERDICT_AF_INET6)
		return;
	port = BPF_CORE_READ(sk, __sk_common.skc_dport);
	__builtin_memcpy(r->target + 16, &port, sizeof(port));
	if (family == VERDICT_AF_INET)
		BPF_CORE_READ_INTO((__u32 *)r->target, sk, __sk_common.skc_daddr);
	else
		BPF_CORE_READ_INTO((struct in6_addr *)r->target, sk, __sk_common.skc_v6_daddr);
	r->target_len = 18;
}

/* SCM_RIGHTS and pidfd_getfd: a socket that somebody else connected, or a device that somebody else
 * opened. What the lineage made itself goes round within it. */
SOCKET_HOOK(ipc_receive, file_receive, struct file *file)
{
	struct inode *inode;
	struct task_context *t;
	struct record_door *r;
	struct socket *sock;
	struct sock *sk = NULL;
	__u32 mode, verdict;

	inode = BPF_CORE_READ(file, f_inode);
	mode = BPF_CORE_READ(inode, i_mode) & MODE_TYPE;
	if (mode == MODE_CHAR)
		return ipc_device(file, inode);
	if (mode != MODE_SOCKET)
		return 0;
	t = actor_governed();
	if (!t)
		return 0;
	sock = bpf_sock_from_file(file);
	if (sock)
		sk = sock->sk;
	if (sk && ipc_marked(sk, t))
		return 0;
	verdict = door_refuse(t, DOOR_DESCRIPTOR, BAILIFF_REASON_DESCRIPTOR, &r);
	if (r) {
		if (sk)
			ipc_peer(r, sk);
		bpf_ringbuf_submit(r, 0);
	}
	return answer(verdict);
}

/* ---- processes and namespaces -----------------------------------------------------------------
 */

/* ptrace, process_vm_writev, /proc/PID/mem and pidfd_getfd alike. The kernel does not ask for
 * threads of one process. */
SEC("lsm/ptrace_access_check")
int BPF_PROG(ipc_trace, struct task_struct *child, unsigned int mode, int ret)
{
	struct task_context *t, *other = NULL;
	struct task_struct *leader;
	struct record_door *r;
	__u32 verdict;

	if (ret || !(mode & DOORS_MODE_ATTACH))
		return ret;
	t = actor_governed();
	if (!t)
		return 0;
	leader = child->group_leader;
	if (leader)
		other = bpf_task_storage_get(&tasks, leader, 0, 0);
	if (doors_may_trace(mode,
			    other && (other->flags & TASK_GOVERNED) &&
				    doors_same_lineage(t->root_tgid, t->root_start_ns,
						       other->root_tgid, other->root_start_ns),
			    other ? other->flags : 0))
		return 0;
	verdict = door_refuse(t, DOOR_TRACE, BAILIFF_REASON_TRACE, &r);
	if (r) {
		r->peer_tgid = BPF_CORE_READ(child, tgid);
		r->command = mode;
		bpf_probe_read_kernel_str(r->target, 16, &child->comm);
		r->target_len = 16;
		bpf_ringbuf_submit(r, 0);
	}
	return answer(verdict);
}

SEC("lsm/userns_create")
int BPF_PROG(ipc_namespace, const struct cred *cred, int ret)
{
	struct task_context *t;
	struct policy_root *root;
	struct record_door *r;
	__u32 slot = 0, verdict;

	if (ret)
		return ret;
	t = actor_governed();
	if (!t)
		return 0;
	root = policy_now(&slot);
	if (root && (root->flags & POLICY_NAMESPACES))
		return 0;
	verdict = door_refuse(t, DOOR_NAMESPACE, BAILIFF_REASON_NAMESPACE, &r);
	if (r)
		bpf_ringbuf_submit(r, 0);
	return answer(verdict);
}
