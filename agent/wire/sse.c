// SPDX-License-Identifier: Apache-2.0
/* Server-sent events in any split. */
#include "wire/sse.h"

#include <errno.h>

void sse_init(struct sse *s, size_t max, sse_sink sink, void *ctx)
{
	*s = (struct sse){.max = max, .sink = sink, .ctx = ctx};
}

void sse_free(struct sse *s)
{
	buffer_free(&s->line);
	buffer_free(&s->name);
	buffer_free(&s->data);
}

static int sse_dispatch(struct sse *s)
{
	int r = 0;

	if (s->has_data)
		r = s->sink(s->ctx, TEXT_BUF(&s->name), TEXT_BUF(&s->data));
	s->has_data = false;
	s->name.len = 0;
	s->data.len = 0;
	return r;
}

static int sse_line(struct sse *s, struct wire_text line)
{
	const char *colon;
	struct wire_text field, value = {0};
	int r = 0;

	if (!line.len)
		return sse_dispatch(s);
	colon = memchr(line.data, ':', line.len);
	field = colon ? text_cut(line, (size_t)(colon - line.data)) : line;
	if (colon) {
		value = text_from(line, field.len + 1);
		if (value.len && value.data[0] == ' ')
			value = text_from(value, 1);
	}
	if (TEXT_IS(field, "data")) {
		if (s->has_data)
			r = buffer_append(&s->data, "\n", 1, s->max);
		if (r == 0)
			r = buffer_append(&s->data, value.data, value.len, s->max);
		s->has_data = true;
	} else if (TEXT_IS(field, "event")) {
		s->name.len = 0;
		r = buffer_append(&s->name, value.data, value.len, s->max);
	}
	return r;
}

/* Where the next of a byte is, from p on. What was found before is looked at first: a stream whose
 * lines all end in one of the two kinds is not searched to its end for the other, line after line.
 */
static const char *sse_next(const char *p, const char *end, char c, const char *found)
{
	if (found >= p)
		return found;
	p = memchr(p, c, (size_t)(end - p));
	return p ? p : end;
}

static size_t sse_skip_bom(struct sse *s, const char *bytes, size_t len)
{
	static const char bom[] = "\xef\xbb\xbf";
	size_t n = 0;

	while (s->bom < 3 && n < len && bytes[n] == bom[s->bom]) {
		s->bom++;
		n++;
	}
	if (n < len)
		s->bom = 4;
	return n;
}

int sse_feed(struct sse *s, const char *bytes, size_t len)
{
	const char *end = bytes + len, *lf = NULL, *cr = NULL;
	int r = 0;

	if (s->bom < 4)
		bytes += sse_skip_bom(s, bytes, len);
	while (r == 0 && bytes < end) {
		size_t n;

		if (s->carriage && *bytes == '\n') {
			s->carriage = false;
			bytes++;
			continue;
		}
		s->carriage = false;
		lf = sse_next(bytes, end, '\n', lf);
		cr = sse_next(bytes, end, '\r', cr);
		n = (size_t)((cr < lf ? cr : lf) - bytes);
		if (bytes + n == end)
			return buffer_append(&s->line, bytes, n, s->max);
		if (s->line.len) {
			r = buffer_append(&s->line, bytes, n, s->max);
			if (r == 0)
				r = sse_line(s, TEXT_BUF(&s->line));
			s->line.len = 0;
		} else {
			r = sse_line(s, (struct wire_text){bytes, n});
		}
		s->carriage = bytes[n] == '\r';
		bytes += n + 1;
	}
	return r;
}

int sse_finish(struct sse *s)
{
	int r = 0;

	if (s->line.len)
		r = sse_line(s, TEXT_BUF(&s->line));
	s->line.len = 0;
	return r ? r : sse_dispatch(s);
}
