// SPDX-License-Identifier: Apache-2.0
/* A host that cannot mask in place: whether its clients may use the model API is the policy's to
 * say. Where they may not, none of their files counts as inspected, probes or not. */
#include "keeper/keeper.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* What only tells needs no masking: a mode below enforce refuses nothing here either. */
bool keeper_masks_wanted(const struct keeper *k)
{
	return k->policy->inline_unsupported_refuse && (k->policy->scan || k->policy->n_tools) &&
	       k->policy->mode_inline == BAILIFF_MODE_ENFORCE;
}

static bool closed_by_policy(const struct keeper *k)
{
	return keeper_masks_wanted(k) && k->masks < POSTURE_ENFORCE;
}

static void set(struct keeper *k, bool closed)
{
	char reason[POSTURE_REASON_SIZE];

	if (closed == k->masks_closed)
		return;
	k->masks_closed = closed;
	for (const struct keeper_image *i = k->images; i; i = i->next)
		if (i->answered && (i->class_ == IMAGE_CLIENT || i->class_ == IMAGE_RUNTIME))
			keeper_image_tell(k, i);
	if (snprintf(reason, sizeof(reason), "%s%s", closed ? KEEPER_MASKS_CLOSED ": " : "",
		     k->masks_reason) < 0)
		return;
	kernel_posture_set(k->kernel, KERNEL_TEXT_IN_PLACE, k->masks, reason);
	if (closed)
		log_err("%s", reason);
	else
		log_info("clients may use the model API again: the policy changed");
}

/* What an earlier keeper left in the kernel's table counts until its file is looked at again. */
static bool close_earlier(void *ctx, const struct image_key *key, const struct image_value *v)
{
	struct image_value closed = *v;

	if ((v->class_ == IMAGE_CLIENT || v->class_ == IMAGE_RUNTIME) &&
	    (v->flags & IMAGE_ATTACHED)) {
		closed.flags &= ~IMAGE_ATTACHED;
		kernel_image_set(ctx, key, &closed);
	}
	return false;
}

void keeper_masks_start(struct keeper *k)
{
	const struct posture *p;
	size_t n;

	p = kernel_posture(k->kernel, &n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(p[i].capability, KERNEL_TEXT_IN_PLACE) != 0)
			continue;
		k->masks = p[i].state;
		snprintf(k->masks_reason, sizeof(k->masks_reason), "%s", p[i].reason);
	}
	set(k, closed_by_policy(k));
	if (k->masks_closed)
		kernel_images_drop(k->kernel, close_earlier, k->kernel);
}

void keeper_masks_close(struct keeper *k)
{
	if (closed_by_policy(k))
		set(k, true);
}

void keeper_masks_follow(struct keeper *k)
{
	set(k, closed_by_policy(k));
}

bool keeper_inspected(const struct keeper *k, const struct keeper_image *i)
{
	return i->attached && !k->masks_closed;
}
