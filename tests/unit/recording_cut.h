/* SPDX-License-Identifier: Apache-2.0 */
/* For tests on recorded traffic: what one direction of a recording becomes from a place on when its
 * bytes are changed, or a record of it is cut in two; and whether its messages still are valid. */
#ifndef UNIT_RECORDING_CUT_H
#define UNIT_RECORDING_CUT_H

#include "recording.h"

#include <jansson.h>

/* Large, so there is one. */
static struct flow_call *call;
static unsigned long n_json;

/* What one direction becomes from a piece on. */
struct stretch {
	struct recording *r;
	int way;
	size_t first, end;   /* pieces; from `end` on all is as it was recorded */
	size_t from;	     /* first byte, that of the piece */
	uint8_t *want;	     /* of all bytes from there on, uncut */
	struct flow *before; /* of each piece from `first` to `end` */
};

static void piece_begins(const struct piece *p, struct flow *f)
{
	if (p->way == RECEIVED && f->content.state == CONTENT_AT_START)
		content_answers(&f->content, p->asked);
}

static const struct flow *stretch_before(const struct stretch *s, size_t i)
{
	return i < s->end ? &s->before[i] : &s->r->pieces[i].before;
}

/* Masks pieces from `i` on, the one with the byte `cut` in two (0: none), into `to`, until what is
 * known is what was known there without a cut, or, to find that out (`changed`: last byte that was
 * changed), as it was recorded. Returns the piece where that was. */
static size_t stretch_run(struct stretch *s, size_t i, uint8_t *to, size_t cut, size_t changed)
{
	struct recording *r = s->r;
	size_t last = cut ? cut : changed;
	struct flow f = cut ? *stretch_before(s, i) : r->pieces[i].before;

	for (; i < r->n; i = r->pieces[i].next) {
		struct piece *p = &r->pieces[i];
		uint8_t *bytes = to + (p->at - s->from);

		piece_begins(p, &f);
		if (p->at > last && memcmp(&f, stretch_before(s, i), sizeof(f)) == 0)
			break;
		if (!cut)
			s->before[i] = f;
		memcpy(bytes, r->bytes[s->way] + p->at, p->len);
		if (cut > p->at && cut < p->at + p->len) {
			flow_call(call, &f, bytes, cut - p->at, NULL);
			flow_call(call, &f, bytes + (cut - p->at), p->at + p->len - cut, NULL);
		} else {
			flow_call(call, &f, bytes, p->len, NULL);
		}
	}
	return i;
}

static size_t piece_of(const struct recording *r, int way, size_t at)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->pieces[i].way == way && at - r->pieces[i].at < r->pieces[i].len)
			return i;
	fail_msg("no byte %zu", at);
	return 0;
}

/* Bytes [from, to] of that direction were changed. */
static void stretch_open(struct stretch *s, struct recording *r, int way, size_t from, size_t to)
{
	size_t left;

	memset(s, 0, sizeof(*s));
	s->r = r;
	s->way = way;
	s->first = piece_of(r, way, from);
	s->from = r->pieces[s->first].at;
	left = r->len[way] - s->from;
	s->want = malloc(left);
	s->before = calloc(r->n, sizeof(*s->before));
	assert_non_null(s->want);
	assert_non_null(s->before);
	memcpy(s->want, r->masked[way] + s->from, left);
	s->end = stretch_run(s, s->first, s->want, 0, to);
}

static void stretch_close(struct stretch *s)
{
	free(s->want);
	free(s->before);
}

/* ---- what became of a message ------------------------------------------------------------------
 */

static void json_is_valid(const char *text, size_t len, const char *name)
{
	json_t *v = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	n_json++;
	if (!v)
		fail_msg("%s: no JSON: %.*s", name, (int)(len < 300 ? len : 300), text);
	json_decref(v);
}

/* The message with that byte in it, of which all from s->from on is in `out`: its chunks and events
 * are as they were, as nothing but text was changed; and all of its JSON is JSON. A request without
 * a body, and a web page, are nothing of that. */
static void message_is_valid(const struct stretch *s, size_t at, const uint8_t *out)
{
	const struct recording *r = s->r;
	const struct byte_said *said = r->said[s->way];
	size_t begin = at, n = 0;
	_cleanup_free_ char *body = NULL;

	while (begin && !(said[begin - 1].flags & CONTENT_ENDS))
		begin--;
	body = malloc(r->len[s->way] - begin);
	assert_non_null(body);
	for (size_t i = begin; i < r->len[s->way]; i++) {
		if (said[i].flags & CONTENT_BODY)
			body[n++] = (char)(i >= s->from ? out[i - s->from] : r->masked[s->way][i]);
		if (said[i].flags & CONTENT_ENDS)
			break;
	}
	if (!n)
		return;
	if (body[0] == '{') {
		json_is_valid(body, n, r->name);
		return;
	}
	if (n < 7 || memcmp(body, "event: ", 7) != 0)
		return;
	for (char *line = body, *end; line < body + n; line = end + 1) {
		end = memchr(line, '\n', (size_t)(body + n - line));
		assert_non_null(end);
		if (end - line > 6 && memcmp(line, "data: ", 6) == 0)
			json_is_valid(line + 6, (size_t)(end - line) - 6, r->name);
		else
			assert_true(end == line || memcmp(line, "event: ", 7) == 0);
	}
}

#endif
