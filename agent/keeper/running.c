// SPDX-License-Identifier: Apache-2.0
/* Processes that run already: found by a task iterator, marked by hand where the kernel side was
 * not there, or did not know yet, when they began. */
#include "keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

static void collect(void *ctx, const struct record_image *r)
{
	struct keeper *k = ctx;
	struct keeper_seeded *more = reallocarray(k->seeded, k->n_seeded + 1, sizeof(*more));

	if (!more)
		return;
	k->seeded = more;
	more[k->n_seeded++] = (struct keeper_seeded){.pid = (pid_t)r->head.actor.tgid,
						     .parent = (pid_t)r->head.actor.root_tgid,
						     .actor = r->head.actor,
						     .key = r->key,
						     .netns = r->netns};
	more[k->n_seeded - 1].actor.root_tgid = 0; /* the iterator's place for the parent */
}

void keeper_running(struct keeper *k)
{
	k->n_seeded = 0;
	kernel_seed(k->kernel, collect, k);
}

static void ask_about(struct keeper *k, const struct keeper_seeded *s)
{
	const struct keeper_image *i = keeper_image_find(k, &s->key);
	const struct record_image r = {.ask = ASK_CLASSIFY,
				       .by_exec = 1,
				       .head.actor = s->actor,
				       .key = s->key,
				       .netns = s->netns};

	if (i && i->answered && i->class_ == IMAGE_RUNTIME)
		keeper_ask_scripts(k, &r);
	else
		keeper_ask(k, &r);
}

void keeper_seed(struct keeper *k)
{
	keeper_running(k);
	for (size_t n = 0; n < k->n_seeded; n++)
		ask_about(k, &k->seeded[n]);
}

void keeper_seed_kept(struct keeper *k)
{
	struct image_value v;

	keeper_running(k);
	for (size_t n = 0; n < k->n_seeded; n++)
		if (kernel_image_get(k->kernel, &k->seeded[n].key, &v) == 0 &&
		    (v.flags & (IMAGE_ATTACHED | IMAGE_WANTED)))
			ask_about(k, &k->seeded[n]);
}

/* Whether the process still runs that file. Device and inode numbers are not compared: overlay file
 * systems show user space others than the kernel's. */
static bool runs(pid_t pid, const struct image_key *key)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return stat(path, &st) == 0 && (uint64_t)st.st_size == key->size &&
	       (uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec ==
		       key->ctime_ns;
}

static bool pends(const struct task_context *t, const struct image_key *key)
{
	for (int i = 0; i < TASK_PENDING_MAX; i++)
		if (memcmp(&t->pending[i], key, sizeof(*key)) == 0)
			return true;
	return false;
}

static void make_root(struct task_context *t, const struct record_actor *actor,
		      const struct image_key *key, uint32_t netns)
{
	if (!(t->flags & TASK_GOVERNED))
		t->uid = actor->who_uid;
	t->flags |= TASK_GOVERNED | TASK_CLIENT;
	t->root_tgid = actor->tgid;
	t->root_start_ns = actor->start_ns;
	t->netns = netns;
	t->spawn_tgid = 0;
	t->spawn_start_ns = 0;
	t->image = *key;
}

/* Before the process is governed, where that can be chosen: its sockets would be refused until
 * then.
 */
void keeper_cover(struct keeper *k, uint64_t cgroup)
{
	int r = cgroup ? kernel_cover(k->kernel, cgroup) : 0;

	/* removed since: so nobody is in it */
	if (r < 0 && r != -ESTALE)
		keeper_event_loss(k,
				  "cgroup programs could not be attached where a governed task "
				  "is: its sockets are refused",
				  1);
}

/* Marks a process that runs a client's program, unless the kernel side does it by itself: it has
 * seen the exec and waits for the answer. */
static void mark_client(struct keeper *k, const struct keeper_seeded *s)
{
	struct task_context t = {0};
	bool seen = kernel_task_get(k->kernel, s->pid, &t) == 0;

	if (seen && ((t.flags & TASK_CLIENT) || pends(&t, &s->key) ||
		     memcmp(&t.image, &s->key, sizeof(t.image)) != 0))
		return;
	keeper_cover(k, s->actor.cgroup);
	make_root(&t, &s->actor, &s->key, s->netns);
	if (kernel_task_set(k->kernel, s->pid, &t) < 0)
		return;
	/* A process that ran something else just before this would count as an inspected client.
	 * (One that does so after it loses the mark in the exec.) */
	if (runs(s->pid, &s->key))
		return;
	t.flags &= ~TASK_CLIENT;
	kernel_task_set(k->kernel, s->pid, &t);
}

/* Marks what lies below a client that was there before. What is governed already was seen by the
 * kernel side and keeps its mark. */
static void mark_tree(struct keeper *k, const struct keeper_seeded *root, pid_t pid, pid_t spawn,
		      int depth)
{
	for (size_t n = 0; n < k->n_seeded && depth < 64; n++) {
		const struct keeper_seeded *s = &k->seeded[n];
		struct task_context t = {.image = s->key};

		if (s->parent != pid || s->pid == root->pid)
			continue;
		kernel_task_get(k->kernel, s->pid, &t);
		if (!(t.flags & TASK_GOVERNED)) {
			t.flags |= TASK_GOVERNED;
			t.uid = root->actor.who_uid;
			t.root_tgid = (uint32_t)root->pid;
			t.root_start_ns = root->actor.start_ns;
			t.netns = root->netns;
			t.spawn_tgid = (uint32_t)(spawn ? spawn : s->pid);
			t.spawn_start_ns = s->actor.start_ns;
			keeper_cover(k, s->actor.cgroup);
			kernel_task_set(k->kernel, s->pid, &t);
		}
		mark_tree(k, root, s->pid, spawn ? spawn : s->pid, depth + 1);
	}
}

/* The answer came: every process that runs this client is told of, those that began while the
 * question was open too (it was asked once, for the first of them). */
void keeper_mark_running(struct keeper *k, const struct keeper_image *i,
			 const struct record_image *asked, int64_t window_ns)
{
	keeper_running(k);
	for (size_t n = 0; n < k->n_seeded; n++) {
		const struct keeper_seeded *s = &k->seeded[n];

		if (memcmp(&s->key, &i->key, sizeof(i->key)) != 0)
			continue;
		mark_client(k, s);
		keeper_client_started(k, &s->actor, i,
				      s->actor.tgid == asked->head.actor.tgid ? window_ns : -1);
		mark_tree(k, s, s->pid, 0, 0);
	}
}

/* The file is no client's any more: who runs it is no client. Governed it stays, as what was
 * started by a client does, for as long as it lives. */
void keeper_unmark_running(struct keeper *k, const struct image_key *key)
{
	keeper_running(k);
	for (size_t n = 0; n < k->n_seeded; n++) {
		const struct keeper_seeded *s = &k->seeded[n];
		struct task_context t;

		if (memcmp(&s->key, key, sizeof(*key)) != 0 ||
		    kernel_task_get(k->kernel, s->pid, &t) < 0 || !(t.flags & TASK_CLIENT))
			continue;
		t.flags &= ~TASK_CLIENT;
		kernel_task_set(k->kernel, s->pid, &t);
	}
}

/* A runtime runs a client's script: the process is marked by hand, and what it started since too.
 */
void keeper_mark_script(struct keeper *k, const struct record_image *r)
{
	struct keeper_image *i = keeper_image_find(k, &r->key);
	struct task_context t = {0};
	pid_t pid = (pid_t)r->head.actor.tgid;
	int e;

	if (!i)
		return;
	kernel_task_get(k->kernel, pid, &t);
	keeper_cover(k, r->head.actor.cgroup);
	make_root(&t, &r->head.actor, &r->key, r->netns);
	e = kernel_task_set(k->kernel, pid, &t);
	if (e < 0 && e != -ESRCH)
		log_err_r(e, "cannot mark pid %d as a client", pid);
	keeper_client_started(k, &r->head.actor, i,
			      keeper_inspected(k, i) ? keeper_exec_window(r, false) : -1);
}
