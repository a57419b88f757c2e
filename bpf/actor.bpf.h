/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who is asking: the context of the current process, and the head of every record.
 *
 * Tasks come from bpf_get_current_task_btf(), whose type the verifier knows: their fields are
 * loaded without a helper (a load that faults gives 0). A record's head is filled for each piece of
 * plaintext, on the client's time. */
#ifndef BAILIFF_ACTOR_BPF_H
#define BAILIFF_ACTOR_BPF_H

#include "bpf/image.bpf.h"

#define NO_LOGIN_UID	 4294967295u
#define SPAWN_UNRESOLVED 4294967295u

static __always_inline __u32 actor_login_uid(struct task_struct *task)
{
	if (bpf_core_field_exists(task->loginuid))
		return task->loginuid.val;
	return NO_LOGIN_UID;
}

/* The uid that stands for the person: the login uid survives su and sudo; where no login set one
 * (containers), the real uid. */
static __always_inline __u32 actor_who(struct task_struct *task)
{
	__u32 login = actor_login_uid(task);

	return login != NO_LOGIN_UID ? login : task->real_cred->uid.val;
}

/* task_alloc ran before the child had a pid; it is known by the first time somebody asks. */
static __always_inline void actor_resolve_spawn(struct task_context *t, struct task_struct *leader)
{
	if (t->spawn_tgid != SPAWN_UNRESOLVED)
		return;
	t->spawn_start_ns = leader->start_boottime;
	t->spawn_tgid = leader->tgid;
}

static __always_inline void actor_become_root(struct task_context *t, struct task_struct *leader)
{
	if (!(t->flags & TASK_GOVERNED))
		t->uid = actor_who(leader);
	t->flags |= TASK_GOVERNED;
	t->root_tgid = leader->tgid;
	t->root_start_ns = leader->start_boottime;
	t->netns = BPF_CORE_READ(leader, nsproxy, net_ns, ns.inum);
	t->spawn_tgid = 0;
	t->spawn_start_ns = 0;
}

/* What was mapped before it was classified is looked up again, now that the answer may be there. */
static __always_inline void actor_settle_pending(struct task_context *t, struct task_struct *leader)
{
	for (int i = 0; i < TASK_PENDING_MAX; i++) {
		struct image_value *v;

		if (!t->pending[i].inode)
			continue;
		v = bpf_map_lookup_elem(&images, &t->pending[i]);
		if (v && v->class_ == IMAGE_UNKNOWN)
			continue;
		if (v && v->class_ == IMAGE_CLIENT) {
			actor_become_root(t, leader);
			if (image_same(&t->pending[i], &t->image))
				t->flags |= TASK_CLIENT;
		}
		t->pending[i].inode = 0;
		if (t->n_pending)
			t->n_pending--;
	}
}

/* The context of the process that runs now; NULL when it is not governed. */
static __always_inline struct task_context *actor_governed(void)
{
	struct task_struct *leader = bpf_get_current_task_btf()->group_leader;
	struct task_context *t;

	if (!leader)
		return NULL;
	t = bpf_task_storage_get(&tasks, leader, 0, 0);
	if (!t)
		return NULL;
	if (t->n_pending)
		actor_settle_pending(t, leader);
	if (!(t->flags & TASK_GOVERNED))
		return NULL;
	actor_resolve_spawn(t, leader);
	return t;
}

/* Inspected: runs a client's image by exec, and the probes are on that image. */
static __always_inline bool actor_inspected(const struct task_context *t)
{
	struct image_value *v;

	if (!t || !(t->flags & TASK_CLIENT))
		return false;
	v = bpf_map_lookup_elem(&images, &t->image);
	return v && (v->flags & IMAGE_ATTACHED);
}

static __always_inline struct person_value *actor_person(__u32 slot, __u32 uid)
{
	void *persons = bpf_map_lookup_elem(&policy_persons, &slot);

	return persons ? bpf_map_lookup_elem(persons, &uid) : NULL;
}

/* Fills the head of a record; t may be NULL (not governed). */
static __always_inline void actor_head(struct record_head *h, __u16 type, __u32 size,
				       __u64 generation, const struct task_context *t, __u32 person)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 id = bpf_get_current_pid_tgid();

	h->version = CONTRACT_VERSION;
	h->type = type;
	h->size = size;
	h->time_ns = bpf_ktime_get_boot_ns();
	h->generation = generation;
	h->actor.tgid = id >> 32;
	h->actor.tid = (__u32)id;
	h->actor.start_ns = task->group_leader->start_boottime;
	h->actor.cgroup = bpf_get_current_cgroup_id();
	h->actor.uid = (__u32)bpf_get_current_uid_gid();
	h->actor.login_uid = actor_login_uid(task);
	h->actor.session = bpf_core_field_exists(task->sessionid) ? task->sessionid : 0;
	h->actor.who_uid = t ? t->uid : actor_who(task);
	h->actor.person = person;
	h->actor.flags = t ? t->flags : 0;
	h->actor.root_tgid = t ? t->root_tgid : 0;
	h->actor.spawn_tgid = t ? t->spawn_tgid : 0;
	h->actor.root_start_ns = t ? t->root_start_ns : 0;
	h->actor.spawn_start_ns = t ? t->spawn_start_ns : 0;
	bpf_get_current_comm(h->actor.comm, sizeof(h->actor.comm));
}

#endif
