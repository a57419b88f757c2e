/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the doors without an address share: the mode of the policy applied, and the record of it. */
#ifndef BAILIFF_DOOR_BPF_H
#define BAILIFF_DOOR_BPF_H

#include "bpf/hook.bpf.h"
#include "bpf/verdict.h"

/* A refusal of a governed task, with the policy's mode applied. *ret is the record of it, all zero
 * behind the verdict, to be filled and submitted; NULL where nothing is told. */
static __always_inline __u32 door_refuse(const struct task_context *t, __u32 door, __u32 reason,
					 struct record_door **ret)
{
	struct policy_root *root;
	struct person_value *p;
	struct record_door *r;
	struct judgement j;
	__u32 slot = 0, verdict;

	*ret = NULL;
	root = policy_now(&slot);
	judge(&j, BAILIFF_DENY, root ? reason : BAILIFF_REASON_NO_POLICY, 0,
	      root ? root->mode_destinations : BAILIFF_MODE_ENFORCE);
	verdict = judgement_apply(&j);
	if (verdict == BAILIFF_ALLOW)
		return verdict;
	count(verdict == BAILIFF_DENY ? COUNTER_DENIED : COUNTER_WOULD_DENY, 1);
	if (!reporting())
		return verdict;
	r = bpf_ringbuf_reserve(&denials, sizeof(*r), 0);
	if (!r) {
		count(COUNTER_LOST_DENIAL, 1);
		return verdict;
	}
	p = actor_person(slot, t->uid);
	actor_head(&r->head, RECORD_DOOR, sizeof(*r), root ? root->generation : 0, t,
		   p ? p->person : 0);
	r->verdict = verdict;
	r->reason = j.reason;
	r->rule = 0;
	r->door = door;
	r->peer_tgid = 0;
	r->command = 0;
	r->inode = 0;
	r->device = 0;
	r->target_len = 0;
	__builtin_memset(r->target, 0, sizeof(r->target));
	*ret = r;
	return verdict;
}

#endif
