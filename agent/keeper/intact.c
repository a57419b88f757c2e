// SPDX-License-Identifier: Apache-2.0
/* Whoever runs in a client can write to its code, and so take the probes on it away for itself: a
 * mapping that is written to is a copy of its own. Each process that counts as inspected is looked
 * at, every two seconds; one whose probes are gone does not count any more. Nor does one that goes
 * round them, seen by the bytes that it sends, where nothing may go unmasked. */
#include "keeper/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

void keeper_intact_begin(struct keeper_image *i, int fd)
{
	struct memory_site *sites = calloc(MEMORY_SITES_MAX, sizeof(*sites));
	int n = sites ? memory_sites(i->layout, fd, sites) : -ENOMEM;

	free(i->sites);
	i->sites = NULL;
	i->n_sites = 0;
	if (n < 0) {
		free(sites);
		log_err_r(n, "the probes on image %u cannot be looked after", i->id);
		return;
	}
	i->sites = sites;
	i->n_sites = (size_t)n;
}

/* site: where the probes were overwritten, NULL: they were not */
static void close_to(struct keeper *k, const struct record_actor *actor,
		     const struct keeper_image *i, const struct memory_site *site,
		     struct task_context *t, const char *why)
{
	pid_t pid = (pid_t)actor->tgid;

	/* first the right, then the word of it */
	t->flags &= ~TASK_CLIENT;
	if (kernel_task_set(k->kernel, pid, t) < 0)
		return;
	for (struct keeper_client *c = k->clients; c; c = c->next)
		if (c->pid == pid && c->start_ns == actor->start_ns)
			c->tampered = why;
	if (site)
		log_err("pid %d is kept from the model API: %s (%s, offset 0x%llx)", pid, why,
			tls_role_to_string(site->role), (unsigned long long)site->offset);
	else
		log_err("pid %d is kept from the model API: %s", pid, why);
	keeper_event_tampered(k, pid, t->uid, i, site, why);
}

static void look(void *ctx, const struct record_image *r)
{
	struct keeper *k = ctx;
	const struct keeper_image *i = keeper_image_find(k, &r->key);
	const struct memory_site *site = NULL;
	pid_t pid = (pid_t)r->head.actor.tgid;
	struct task_context t;
	int e;

	/* a child that was forked and did not execute has a copy of the memory, and of the right */
	if (!i || !i->attached || !i->n_sites ||
	    (i->class_ != IMAGE_CLIENT && i->class_ != IMAGE_RUNTIME) ||
	    kernel_task_get(k->kernel, pid, &t) < 0 || !(t.flags & TASK_CLIENT) ||
	    memcmp(&t.image, &r->key, sizeof(t.image)) != 0)
		return;
	e = memory_look(pid, &i->key, i->layout->machine, i->sites, i->n_sites, &site);
	if (e == 1) {
		close_to(k, &r->head.actor, i, site, &t, KEEPER_TAMPERED);
	} else if (e < 0 && e != -ESRCH && !k->unwatchable++) {
		/* once: the reason is the host's, and will be the same each time */
		log_err_r(e, "the probes in the memory of pid %d cannot be looked at", pid);
		keeper_event_loss(k, "the probes in a client's memory cannot be looked at", 1);
	}
}

void keeper_intact_tick(struct keeper *k)
{
	bool any = false;

	for (const struct keeper_image *i = k->images; i; i = i->next)
		any |= i->attached && i->n_sites &&
		       (i->class_ == IMAGE_CLIENT || i->class_ == IMAGE_RUNTIME);
	if (any)
		kernel_seed(k->kernel, look, k);
}

void keeper_intact_unsaid(struct keeper *k, const struct record_image *r)
{
	const struct keeper_image *i = keeper_image_find(k, &r->key);
	struct task_context t;

	/* the pid may be somebody else's by now: of another file, or no client */
	if (!i || !keeper_masks_wanted(k) ||
	    kernel_task_get(k->kernel, (pid_t)r->head.actor.tgid, &t) < 0 ||
	    !(t.flags & TASK_CLIENT) || memcmp(&t.image, &r->key, sizeof(t.image)) != 0)
		return;
	close_to(k, &r->head.actor, i, NULL, &t, KEEPER_UNSAID);
}
