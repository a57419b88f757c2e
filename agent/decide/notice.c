// SPDX-License-Identifier: Apache-2.0
/* When to tell a refusal on the person's terminal, and in which words. */
#include "decide/notice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "decide/block.h"

static bool notices_same(const struct notices_entry *e, const struct notice *n, bool others)
{
	if (!e->used || e->others != others || e->last.whom != n->whom)
		return false;
	return others || (strcmp(e->last.what, n->what) == 0 && strcmp(e->last.why, n->why) == 0);
}

/* An entry that has been silent for as long as it would be held is as good as none. */
static bool notices_idle(const struct notices_entry *e, int64_t now_ms)
{
	return !e->held && now_ms >= e->next_ms + e->again_ms && now_ms >= e->full_ms;
}

/* Until when an entry matters. */
static int64_t notices_until(const struct notices_entry *e)
{
	if (!e->used)
		return INT64_MIN;
	return e->next_ms > e->full_ms ? e->next_ms : e->full_ms;
}

static struct notices_entry *notices_find(struct notices *all, const struct notice *n, bool others,
					  int64_t now_ms)
{
	struct notices_entry *room = &all->entry[0];

	for (size_t i = 0; i < ARRAY_SIZE(all->entry); i++) {
		struct notices_entry *e = &all->entry[i];

		if (notices_same(e, n, others)) {
			if (notices_idle(e, now_ms))
				e->again_ms = 0;
			return e;
		}
		if (notices_until(e) < notices_until(room))
			room = e;
	}
	*room = (struct notices_entry){
		.used = true, .others = others, .last = *n, .next_ms = now_ms, .full_ms = now_ms};
	return room;
}

/* Told now: the next time not before twice the time of this one. */
static void notices_put_off(struct notices_entry *e, int64_t now_ms)
{
	uint32_t least = e->others ? NOTICE_OTHERS_MS : NOTICE_AGAIN_MS;
	uint32_t most = e->others ? NOTICE_OTHERS_MOST_MS : NOTICE_AGAIN_MOST_MS;

	e->again_ms = e->again_ms ? 2 * e->again_ms : least;
	if (e->again_ms > most)
		e->again_ms = most;
	e->next_ms = now_ms + e->again_ms;
	e->held = 0;
}

static bool notices_hold(struct notices *all, struct notices_entry *e, const struct notice *n)
{
	e->last = *n;
	e->held++;
	all->held++;
	return false;
}

bool notices_take(struct notices *all, const struct notice *notice, int64_t now_ms)
{
	struct notices_entry *e, *others = notices_find(all, notice, true, now_ms);

	for (size_t i = 0; i < ARRAY_SIZE(all->entry); i++) {
		e = &all->entry[i];
		if (notices_same(e, notice, false) && !notices_idle(e, now_ms))
			return notices_hold(all, e, notice);
	}
	if (others->held ||
	    others->full_ms - now_ms > (int64_t)(NOTICE_BURST - 1) * NOTICE_EACH_MS) {
		/* the first that finds no place is told of after the shortest time */
		if (!others->held && others->next_ms <= now_ms)
			notices_put_off(others, now_ms);
		return notices_hold(all, others, notice);
	}
	others->full_ms = (others->full_ms > now_ms ? others->full_ms : now_ms) + NOTICE_EACH_MS;
	e = notices_find(all, notice, false, now_ms);
	e->last = *notice;
	notices_put_off(e, now_ms);
	all->told++;
	return true;
}

bool notices_due(struct notices *all, int64_t now_ms, struct notice *ret_last, uint32_t *ret_n,
		 bool *ret_others)
{
	for (size_t i = 0; i < ARRAY_SIZE(all->entry); i++) {
		struct notices_entry *e = &all->entry[i];

		if (!e->used || !e->held || now_ms < e->next_ms)
			continue;
		*ret_last = e->last;
		*ret_n = e->held;
		*ret_others = e->others;
		notices_put_off(e, now_ms);
		all->told++;
		return true;
	}
	return false;
}

size_t notice_text(const struct notice *notice, uint32_t n, bool others, char ret[NOTICE_TEXT_SIZE])
{
	char number[BLOCK_NAME_SIZE];
	int len;

	if (notice->block)
		block_name(notice->block, number);
	else
		snprintf(number, sizeof(number), "%" PRIu64, notice->number);
	if (n && others)
		len = snprintf(ret, NOTICE_TEXT_SIZE,
			       "bailiff refused %u other thing%s. Why: bailiff why -n %u", n,
			       n == 1 ? "" : "s", n < 50 ? n : 50);
	else if (n)
		len = snprintf(ret, NOTICE_TEXT_SIZE,
			       "bailiff refused %s (%s) %u more time%s. Why: bailiff why %s",
			       notice->what, notice->why, n, n == 1 ? "" : "s", number);
	else
		len = snprintf(ret, NOTICE_TEXT_SIZE,
			       "bailiff refused %s (%s). Why: bailiff why %s", notice->what,
			       notice->why, number);
	if (len < 0)
		len = 0;
	if (len >= NOTICE_TEXT_SIZE)
		len = NOTICE_TEXT_SIZE - 1;
	ret[len] = 0;
	/* A name in it may have been chosen to drive the terminal, or to look like another one; and
	 * which charset the terminal has is not known. */
	for (int i = 0; i < len; i++)
		if (ret[i] < 0x20 || ret[i] > 0x7e)
			ret[i] = '?';
	return (size_t)len;
}
