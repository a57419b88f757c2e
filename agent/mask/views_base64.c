// SPDX-License-Identifier: Apache-2.0
/* A text seen through base64. */
#include "mask/views.h"

#include <string.h>

#include "mask/base64.h"
#include "mask/rules.h"

#define MIN_RUN	   24 /* characters */
#define MIN_LINE   60 /* characters in a line of a wrapped run; tools wrap at 64 and 76 */
#define MAX_INDENT 32
#define MIN_TEXT                                                                                   \
	8 /* decoded characters of text in a row: random bytes have them 1 time in 2,000           \
	   */

static bool in_run(uint8_t c)
{
	return base64_value[c] != BASE64_NONE;
}

static size_t line_end(const uint8_t *text, size_t len, size_t i)
{
	while (i < len && in_run(text[i]))
		i++;
	return i;
}

/* Where the next line of a wrapped run begins, when text[i] is a line end (also one written as \n)
 * with more of the run after it; else 0. */
static size_t next_line(const uint8_t *text, size_t len, size_t i)
{
	size_t at = i;

	while (i < len && i - at < MAX_INDENT) {
		if (text[i] == '\n' || text[i] == '\r' || text[i] == ' ' || text[i] == '\t')
			i++;
		else if (text[i] == '\\' && i + 1 < len &&
			 (text[i + 1] == 'n' || text[i + 1] == 'r'))
			i += 2;
		else
			break;
	}
	/* spaces alone separate words */
	if (i == at || i == len || !in_run(text[i]))
		return 0;
	return memchr(text + at, '\n', i - at) || memchr(text + at, '\\', i - at) ? i : 0;
}

/* What can stand in a text. */
static bool is_text(uint8_t c)
{
	return (c >= ' ' && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
}

/* Decodes n characters into out; true when there is text in what came out. */
static bool decode_text(const uint8_t *values, size_t n, uint8_t *out, size_t *ret_len)
{
	size_t k = 0, row = 0, best = 0;

	for (size_t i = 0; i + 3 < n; i += 4) {
		uint32_t bits = (uint32_t)values[i] << 18 | (uint32_t)values[i + 1] << 12 |
				(uint32_t)values[i + 2] << 6 | values[i + 3];

		for (int shift = 16; shift >= 0; shift -= 8) {
			uint8_t c = (uint8_t)(bits >> shift);

			out[k++] = c;
			row = is_text(c) ? row + 1 : 0;
			best = row > best ? row : best;
		}
	}
	n -= k / 3 * 4;
	values += k / 3 * 4;
	if (n >= 2)
		out[k++] = (uint8_t)(values[0] << 2 | values[1] >> 4);
	if (n >= 3)
		out[k++] = (uint8_t)(values[1] << 4 | values[2] >> 2);
	*ret_len = k;
	return best >= MIN_TEXT;
}

struct collector {
	struct views *v;
	size_t n_values; /* of this run */
	size_t n;	 /* decoded so far */
};

/* Gathers the run that begins at text[low]; returns where it ends. */
static size_t gather(struct collector *c, const uint8_t *text, size_t len, size_t low, bool cut)
{
	size_t i = low;

	c->n_values = 0;
	for (;;) {
		size_t end = line_end(text, len, i), next;
		bool whole = end - i >= MIN_LINE || (cut && i == 0);

		for (; i < end; i++) {
			c->v->values[c->n_values] = base64_value[text[i]];
			c->v->places[c->n_values++] = (uint32_t)i;
		}
		next = whole ? next_line(text, len, end) : 0;
		if (!next)
			return end;
		i = next;
	}
}

static void decode_run(struct collector *c, size_t low, size_t high)
{
	struct views *v = c->v;

	for (size_t phase = 0; phase < 4 && phase < c->n_values; phase++) {
		size_t k;

		if (!decode_text(v->values + phase, c->n_values - phase, v->bytes + c->n, &k))
			continue;
		for (size_t i = 0; i < k; i++)
			v->source[c->n + i] = v->places[phase + i / 3 * 4 + i % 3];
		v->runs[v->n_runs++] =
			(struct view_run){(uint32_t)c->n, (uint32_t)low, (uint32_t)high};
		c->n += k;
		/* keeps what is decoded of two runs apart */
		v->source[c->n] = (uint32_t)high;
		v->bytes[c->n++] = 0;
	}
}

bool view_base64(struct views *v, const uint8_t *text, size_t len, bool cut, struct view *ret)
{
	struct collector c = {v, 0, 0};
	size_t i = 0;

	v->n_runs = 0;
	while (i + MIN_RUN <= len) {
		size_t low = i + MIN_RUN - 1, high;

		/* a run that is long enough holds every 24th character */
		if (!in_run(text[low])) {
			i += MIN_RUN;
			continue;
		}
		while (low > i && in_run(text[low - 1]))
			low--;
		high = line_end(text, len, i + MIN_RUN - 1);
		if (high - low >= MIN_RUN) {
			high = gather(&c, text, len, low, cut);
			decode_run(&c, low, high);
		}
		i = high;
	}
	if (!v->n_runs)
		return false;
	v->source[c.n] = (uint32_t)len;
	*ret = (struct view){v->bytes, c.n, v->source};
	return true;
}

const struct view_run *view_run_of(const struct views *v, size_t i)
{
	size_t low = 0, high = v->n_runs;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (v->runs[mid].start <= i)
			low = mid;
		else
			high = mid;
	}
	return &v->runs[low];
}

size_t view_run_end(const uint8_t *text, size_t len, size_t i)
{
	for (;;) {
		size_t end = line_end(text, len, i), next = next_line(text, len, end);

		if (!next)
			return end;
		i = next;
	}
}
