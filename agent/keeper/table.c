// SPDX-License-Identifier: Apache-2.0
/* The kernel's table of files: what is left there of an earlier keeper or an earlier policy goes,
 * and what nobody needs, before the table is full. A file without an entry is no hole: it is asked
 * about at its next exec, and what runs it meanwhile is governed from the answer on. */
#include "keeper/keeper.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* With the table full, new programs would run without being asked about. */
#define TABLE_FULL (KERNEL_IMAGES_MAX / 4 * 3)
/* Where much must stay, the table is not searched for every new file. */
#define TABLE_STEP 1024

static bool image_drop(struct keeper *k, const struct image_key *key)
{
	for (struct keeper_image **at = &k->images; *at; at = &(*at)->next) {
		struct keeper_image *i = *at;

		if (memcmp(&i->key, key, sizeof(*key)) != 0)
			continue;
		*at = i->next;
		free(i->layout);
		free(i->sites);
		free(i);
		return true;
	}
	return false;
}

static bool asked(const struct keeper *k, const struct image_key *key)
{
	for (const struct keeper_question *q = k->questions; q; q = q->next)
		if (memcmp(&q->record.key, key, sizeof(*key)) == 0)
			return true;
	return false;
}

/* What was asked about and got lost; what an earlier keeper had probed and this one has not: its
 * probes went away with it, and it must not count as inspected. Before the take-over they are still
 * there, and whose they are has yet to be asked about. */
static bool stale(void *ctx, const struct image_key *key, const struct image_value *v)
{
	struct keeper *k = ctx;
	const struct keeper_image *i;

	if (v->class_ == IMAGE_UNKNOWN)
		return !asked(k, key);
	if (!k->took_over || !(v->flags & (IMAGE_ATTACHED | IMAGE_WANTED)) || asked(k, key))
		return false;
	i = keeper_image_find(k, key);
	return !i || !i->answered;
}

static bool other(void *ctx, const struct image_key *key, const struct image_value *v)
{
	(void)ctx;
	(void)key;
	return v->class_ == IMAGE_OTHER;
}

/* Never what is a client or may be one: an entry that is gone ends the wait of the processes that
 * began before the answer. */
static bool needless(void *ctx, const struct image_key *key, const struct image_value *v)
{
	struct keeper *k = ctx;

	if (v->class_ == IMAGE_OTHER)
		return true;
	if (v->class_ == IMAGE_TLS && !(v->flags & (IMAGE_ATTACHED | IMAGE_WANTED)) &&
	    !asked(k, key)) {
		image_drop(k, key);
		return true;
	}
	return stale(ctx, key, v);
}

void keeper_images_start(struct keeper *k)
{
	k->images_entered = kernel_images_drop(k->kernel, other, k);
	k->images_limit = TABLE_FULL;
}

void keeper_images_sweep(struct keeper *k)
{
	k->images_entered = kernel_images_drop(k->kernel, stale, k);
}

void keeper_images_tick(struct keeper *k)
{
	if (k->images_entered > k->images_limit) {
		size_t before = k->images_entered;

		k->images_entered = kernel_images_drop(k->kernel, needless, k);
		k->images_limit = k->images_entered + TABLE_STEP > TABLE_FULL
					  ? k->images_entered + TABLE_STEP
					  : TABLE_FULL;
		log_info("the table of files was pruned: %zu of about %zu are left",
			 k->images_entered, before);
		k->ask_again = true;
	}
	if (k->ask_again && k->took_over && k->n_questions < 16 &&
	    k->child[KEEPER_CHILD_ANALYST].sock >= 0) {
		k->ask_again = false;
		keeper_seed(k);
	}
}

static bool same_clients(const struct policy *a, const struct policy *b)
{
	if (a->recognise_claude_code != b->recognise_claude_code || a->n_clients != b->n_clients)
		return false;
	for (size_t i = 0; i < a->n_clients; i++)
		if (memcmp(a->clients[i].sha256, b->clients[i].sha256, 32) != 0)
			return false;
	return true;
}

/* A client by the old policy alone. First the table, so that whoever begins now is none; then who
 * runs already. */
static void demote(struct keeper *k, struct keeper_image *i, enum image_class class_)
{
	bool probed = i->attached && class_ != IMAGE_RUNTIME;

	i->class_ = class_;
	if (probed)
		i->attached = false;
	keeper_image_tell(k, i);
	keeper_unmark_running(k, &i->key);
	if (probed)
		kernel_detach_tls(k->kernel, i->id);
	if (i->proof == KEEPER_PROOF_OPEN)
		i->proof = KEEPER_PROOF_NONE;
	log_info("image %u is no client's any more", i->id);
}

void keeper_images_reclassify(struct keeper *k, const struct policy *old)
{
	struct keeper_image *next;

	if (same_clients(old, k->policy))
		return;
	for (struct keeper_image *i = k->images; i; i = next) {
		enum image_class class_ = keeper_image_class(k, i);

		next = i->next;
		if (!i->answered || (i->class_ == IMAGE_CLIENT && class_ == IMAGE_CLIENT))
			continue;
		if (i->class_ == IMAGE_CLIENT)
			demote(k, i, class_);
		if (i->class_ == IMAGE_OTHER) {
			struct image_key key = i->key;

			image_drop(k, &key);
			continue;
		}
		/* its digest may be listed now: who runs it is asked about again. A runtime keeps
		 * its entry, which the clients among its scripts need; its exec asks all the same.
		 */
		if (class_ == IMAGE_CLIENT || (!i->hashed && k->policy->n_clients)) {
			i->answered = false;
			if (i->class_ != IMAGE_RUNTIME)
				kernel_image_forget(k->kernel, &i->key);
		}
	}
	k->images_entered = kernel_images_drop(k->kernel, other, k);
	keeper_seed(k);
}
