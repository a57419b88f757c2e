// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Recognition and lineage: what runs a client's content is governed, and so is all that it starts.
 */
#include "bpf/cover.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PROT_READ_BIT	      1u
#define PROT_EXEC_BIT	      4u
#define READ_IMPLIES_EXEC_BIT 0x0400000u
#define CLONE_THREAD_BIT      0x00010000ul

static __always_inline struct task_context *context_make(struct task_struct *leader)
{
	struct task_context *t =
		bpf_task_storage_get(&tasks, leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!t)
		count(COUNTER_STORAGE_FAILED, 1);
	return t;
}

static __always_inline void ask(const struct image_key *key, __u32 what, bool by_exec)
{
	struct record_image *r;

	r = bpf_ringbuf_reserve(&asks, sizeof(*r), 0);
	if (!r) {
		count(COUNTER_LOST_ASK, 1);
		return;
	}
	/* who asks matters: a TLS library is probed only when a governed process maps it */
	actor_head(&r->head, RECORD_IMAGE, sizeof(*r), 0, actor_governed(), 0);
	r->key = *key;
	r->ask = what;
	r->by_exec = by_exec;
	r->netns = BPF_CORE_READ(bpf_get_current_task_btf(), nsproxy, net_ns, ns.inum);
	r->pad = 0;
	r->address = 0;
	bpf_ringbuf_submit(r, 0);
}

static __always_inline void context_pend(struct task_context *t, const struct image_key *key,
					 struct task_struct *leader)
{
	if (t->n_pending)
		actor_settle_pending(t, leader);
	for (int i = 0; i < TASK_PENDING_MAX; i++) {
		if (t->pending[i].inode)
			continue;
		t->pending[i] = *key;
		t->n_pending++;
		return;
	}
	count(COUNTER_PENDING_FULL, 1);
}

/* Looks an image up; one that was never seen is entered as unknown and asked about, once. */
static __always_inline struct image_value *image_meet(struct image_key *key, bool by_exec)
{
	struct image_value unknown = {.class_ = IMAGE_UNKNOWN};
	struct image_value *v = bpf_map_lookup_elem(&images, key);

	/* before the keeper listens nothing is entered: it would never be asked about again */
	if (v || !reporting())
		return v;
	if (!bpf_map_update_elem(&images, key, &unknown, BPF_NOEXIST))
		ask(key, ASK_CLASSIFY, by_exec);
	return bpf_map_lookup_elem(&images, key);
}

/* A plain branch: the compiler's arithmetic form of it has no range that the verifier of 6.12
 * accepts as the result of an LSM program. */
static __always_inline int refuse_if_governed(const struct task_context *t)
{
	if (t->flags & TASK_GOVERNED) {
		barrier();
		return -12; /* ENOMEM */
	}
	return 0;
}

SEC("lsm/task_alloc")
int BPF_PROG(process_fork, struct task_struct *task, unsigned long clone_flags, int ret)
{
	struct task_struct *leader = bpf_get_current_task_btf()->group_leader;
	struct task_context *parent, *child;

	/* threads share the leader's context */
	if (ret || (clone_flags & CLONE_THREAD_BIT) || !leader)
		return ret;
	if (reporting())
		count(COUNTER_FORKS, 1);
	parent = bpf_task_storage_get(&tasks, leader, 0, 0);
	if (!parent)
		return 0;
	if (parent->n_pending)
		actor_settle_pending(parent, leader);
	actor_resolve_spawn(parent, leader);
	child = context_make(task);
	if (!child)
		/* a child that cannot be marked would be free: no child */
		return refuse_if_governed(parent);
	*child = *parent;
	if ((parent->flags & TASK_GOVERNED) && !parent->spawn_tgid)
		child->spawn_tgid = SPAWN_UNRESOLVED;
	return 0;
}

/* A thread that is not the leader may exec: the leader dies in de_thread() and takes its context
 * along. This hook still runs before that, on the thread that goes on. */
SEC("lsm/bprm_check_security")
int BPF_PROG(process_exec_begin, struct linux_binprm *bprm, int ret)
{
	struct task_struct *task = bpf_get_current_task_btf(), *leader = task->group_leader;
	struct task_context *from, *to;

	if (ret || !leader || task->pid == task->tgid)
		return ret;
	from = bpf_task_storage_get(&tasks, leader, 0, 0);
	if (!from)
		return 0;
	to = context_make(task);
	if (!to)
		return refuse_if_governed(from);
	*to = *from;
	return 0;
}

SEC("lsm/bprm_committed_creds")
int BPF_PROG(process_exec, struct linux_binprm *bprm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_context *t = bpf_task_storage_get(&tasks, task, 0, 0);
	struct image_key key = {};
	struct image_value *v;

	image_key_of(bprm->file, &key);
	v = image_meet(&key, true);
	if (t) {
		actor_settle_pending(t, task);
		actor_resolve_spawn(t, task);
		t->flags &= ~TASK_CLIENT;
		t->image = key;
	}
	if (!v || v->class_ == IMAGE_UNKNOWN || v->class_ == IMAGE_RUNTIME) {
		t = context_make(task);
		if (!t)
			return 0;
		t->image = key;
		if (v && v->class_ == IMAGE_RUNTIME)
			ask(&key, ASK_SCRIPT, true);
		else
			context_pend(t, &key, task);
		return 0;
	}
	if (v->class_ == IMAGE_CLIENT) {
		t = context_make(task);
		if (!t)
			return 0;
		t->image = key;
		actor_become_root(t, task);
		t->flags |= TASK_CLIENT;
		ask(&key, ASK_CLIENT, true);
	}
	return 0;
}

/* ld.so maps a program that exec never saw; libraries come this way too. */
static __always_inline int process_mapped(struct file *file)
{
	struct task_struct *leader;
	struct task_context *t;
	struct image_key key = {};
	struct image_value *v;

	leader = bpf_get_current_task_btf()->group_leader;
	if (!leader)
		return 0;
	image_key_of(file, &key);
	v = image_meet(&key, false);
	t = bpf_task_storage_get(&tasks, leader, 0, 0);
	if (t && image_same(&t->image, &key))
		return 0;
	if (!v || v->class_ == IMAGE_UNKNOWN) {
		/* only what can turn out to be a client is worth remembering; libraries are small
		 */
		t = key.size < IMAGE_CLIENT_LEAST ? NULL : context_make(leader);
		if (t)
			context_pend(t, &key, leader);
		return 0;
	}
	if (v->class_ == IMAGE_CLIENT && !(t && (t->flags & TASK_GOVERNED))) {
		t = context_make(leader);
		if (t)
			/* governed, but no TASK_CLIENT: mapping a client's file must not open the
			 * model API to a program that brings its own TLS */
			actor_become_root(t, leader);
	}
	if (v->class_ == IMAGE_TLS && !(v->flags & (IMAGE_ATTACHED | IMAGE_WANTED)) && t &&
	    (t->flags & TASK_GOVERNED)) {
		v->flags |= IMAGE_WANTED;
		ask(&key, ASK_ATTACH, false);
	}
	return 0;
}

SEC("lsm/mmap_file")
int BPF_PROG(process_map, struct file *file, unsigned long reqprot, unsigned long prot,
	     unsigned long flags, int ret)
{
	if (ret || !file || !(prot & PROT_EXEC_BIT))
		return ret;
	return process_mapped(file);
}

/* security_mmap_file() gets what was asked for; what READ_IMPLIES_EXEC (personality(2)) makes of it
 * the LSM hook alone is told. */
SEC("?fmod_ret/security_mmap_file")
int BPF_PROG(process_map_instead, struct file *file, unsigned long prot, unsigned long flags,
	     int ret)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (ret || !file)
		return ret;
	if (!(prot & PROT_EXEC_BIT) &&
	    !((prot & PROT_READ_BIT) && (task->personality & READ_IMPLIES_EXEC_BIT)))
		return 0;
	return process_mapped(file);
}

/* argv is complete here; at bprm_committed_creds it is not yet in the new mm. Observation only. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec_seen, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	struct task_context *t = actor_governed();
	struct record_exec *r;
	unsigned long start, end;
	__u32 len;

	if (!t || !reporting())
		return 0;
	/* before it has a socket */
	cover_lacks(BPF_CORE_READ(task, cgroups, dfl_cgrp), t);
	r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	if (!r) {
		count(COUNTER_LOST_RECORD, 1);
		return 0;
	}
	actor_head(&r->head, RECORD_EXEC, sizeof(*r), 0, t, 0);
	r->key = t->image;
	start = BPF_CORE_READ(task, mm, arg_start);
	end = BPF_CORE_READ(task, mm, arg_end);
	len = end > start ? end - start : 0;
	r->truncated = len > RECORD_ARGV_SIZE;
	if (len > RECORD_ARGV_SIZE)
		len = RECORD_ARGV_SIZE;
	if (bpf_probe_read_user(r->argv, len, (void *)start)) {
		count(COUNTER_UNREADABLE, 1);
		len = 0;
	}
	r->argv_len = len;
	bpf_ringbuf_submit(r, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit_seen, struct task_struct *task)
{
	struct task_context *t;
	struct record_head *r;

	/* the leader alone: its exit is told once */
	if (task->pid != task->tgid)
		return 0;
	t = actor_governed();
	if (!t || (t->flags & TASK_CANARY) || !reporting())
		return 0;
	r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	if (!r) {
		count(COUNTER_LOST_RECORD, 1);
		return 0;
	}
	actor_head(r, RECORD_EXIT, sizeof(*r), 0, t, 0);
	bpf_ringbuf_submit(r, 0);
	return 0;
}

/* Processes older than the agent: read once by the keeper after everything above is attached. */
SEC("iter/task")
int process_seed(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct record_image r = {};
	struct file *exe;

	if (!task || task->pid != task->tgid || !task->mm)
		return 0;
	exe = BPF_CORE_READ(task, mm, exe_file);
	if (!exe)
		return 0;
	image_key_of(exe, &r.key);
	r.head.version = CONTRACT_VERSION;
	r.head.type = RECORD_IMAGE;
	r.head.size = sizeof(r);
	r.head.actor.tgid = task->tgid;
	r.head.actor.start_ns = task->start_boottime;
	r.head.actor.cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	r.head.actor.who_uid = actor_who(task);
	r.head.actor.login_uid = actor_login_uid(task);
	r.head.actor.root_tgid = BPF_CORE_READ(task, real_parent, tgid);
	r.ask = ASK_CLASSIFY;
	r.by_exec = 1;
	r.netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
