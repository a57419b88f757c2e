// SPDX-License-Identifier: Apache-2.0
/* Masks bytes that never are at hand whole: holds one window of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mask/rules.h"
#include "mask/scan.h"
#include "mask/utf8.h"

#define HOLD 16384
_Static_assert(HOLD > SCAN_WINDOW + 4,
	       "a window, a byte to know that it is not the last, a character");

struct mask_stream {
	const struct mask_rules *rules;
	mask_out out;
	void *ctx;
	struct scan_state *state;
	uint64_t base;	/* place of text[0] in the stream */
	uint64_t block; /* the next to scan; its window begins at text[0] */
	size_t len;
	size_t cut; /* bytes after len, of a character that has not come whole */
	bool failed, finished;
	uint8_t text[HOLD];
	uint8_t masked[HOLD];
};

static void stream_freep(struct mask_stream **s)
{
	mask_stream_free(*s);
}

int mask_stream_new(const struct mask_rules *rules, mask_out out, void *ctx,
		    struct mask_stream **ret)
{
	_cleanup_(stream_freep) struct mask_stream *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->rules = rules;
	s->out = out;
	s->ctx = ctx;
	r = scan_state_new(rules, &s->state);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

/* Takes as many of n bytes as there is room for. Returns how many. */
static size_t stream_take(struct mask_stream *s, const uint8_t *bytes, size_t n, bool more)
{
	size_t room = HOLD - s->len - s->cut, k;

	if (n > room)
		n = room;
	if (n)
		memcpy(s->text + s->len + s->cut, bytes, n);
	k = utf8_repair(s->text + s->len, s->cut + n, more, s->text + s->len);
	memcpy(s->masked + s->len, s->text + s->len, k);
	s->len += k;
	s->cut = s->cut + n - k;
	return n;
}

/* Gives out the first n bytes held. */
static void stream_emit(struct mask_stream *s, size_t n)
{
	if (s->failed)
		memset(s->masked, '*', n);
	if (n)
		s->out(s->ctx, (const char *)s->masked, n);
	memmove(s->text, s->text + n, s->len + s->cut - n);
	memmove(s->masked, s->masked + n, s->len - n);
	s->len -= n;
	s->base += n;
}

/* Scans the next window and gives out what the one after it cannot change. */
static int stream_scan(struct mask_stream *s, bool complete)
{
	struct window w = scan_window_at(s->block, s->base + s->len, complete);
	int r = 0;

	w.text = s->text;
	w.out = s->masked;
	if (!s->failed)
		r = scan_window(s->rules, s->state, &w, NULL);
	if (r < 0)
		s->failed = true;
	s->block++;
	stream_emit(s, w.last ? s->len : w.core_end - SCAN_BEHIND);
	return r == -ENOMEM ? r : 0;
}

int mask_stream_feed(struct mask_stream *s, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	int r = 0;

	if (s->finished)
		return -EINVAL;
	while (len) {
		size_t n = stream_take(s, p, len, true);

		p += n;
		len -= n;
		/* one byte more than a window that is not the last */
		if (s->base + s->len > s->block * SCAN_BLOCK + SCAN_BLOCK + SCAN_AHEAD) {
			int e = stream_scan(s, false);

			r = r ? r : e;
		}
	}
	return r;
}

int mask_stream_finish(struct mask_stream *s)
{
	if (s->finished)
		return 0;
	s->finished = true;
	(void)stream_take(s, NULL, 0, false);
	return s->len ? stream_scan(s, true) : 0;
}

void mask_stream_free(struct mask_stream *s)
{
	if (!s)
		return;
	scan_state_free(s->state);
	explicit_bzero(s, sizeof(*s));
	free(s);
}
