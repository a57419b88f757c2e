// SPDX-License-Identifier: Apache-2.0
/* Writes masks, so that the result is as long as the text, valid UTF-8, and still JSON where the
 * text was. */
#include "mask/apply.h"

#include <string.h>

#include "mask/base64.h"
#include "mask/utf8.h"

/* Masks text[i]; of a character of several bytes all go, or the rest would be no UTF-8. */
static void star(const struct window *w, size_t i)
{
	size_t k = i;

	w->out[i] = '*';
	if (w->text[i] < 0x80)
		return;
	while (k > 0 && utf8_continues(w->text[k]))
		w->out[--k] = '*';
	for (k = i + 1; k < w->len && utf8_continues(w->text[k]); k++)
		w->out[k] = '*';
}

/* The backslash before a masked letter would make an escape that JSON does not know. */
static void star_escape(const struct window *w, size_t i)
{
	size_t k = i;

	while (k > 0 && i - k < SCAN_BEHIND && w->text[k - 1] == '\\')
		k--;
	if ((i - k) % 2)
		star(w, i - 1);
}

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* White space, as it is or as the escape of it that holds bytes[i]. */
static bool is_line_end(const struct view *v, size_t i)
{
	uint8_t c = v->bytes[i];
	size_t k = i;

	if (c == ' ' || (c >= '\t' && c <= '\r'))
		return true;
	if (c == '\\') {
		while (k < v->len && v->bytes[k] == '\\')
			k++;
		return k < v->len && v->bytes[k] && strchr("nrt", v->bytes[k]);
	}
	return i > 0 && v->bytes[i - 1] == '\\' && c && strchr("nrt", c);
}

static bool stays(const struct view *v, size_t i, enum mask_style style)
{
	switch (style) {
	case MASK_ALNUM:
		return !is_alnum(v->bytes[i]);
	case MASK_EMAIL:
		return v->bytes[i] == '@' || v->bytes[i] == '.';
	case MASK_LINES:
		return is_line_end(v, i);
	default:
		return false;
	}
}

void apply_mask(const struct window *w, const struct view *v, size_t from, size_t to,
		enum mask_style style)
{
	for (size_t i = from; i < to; i++) {
		size_t low = v->source ? v->source[i] : i;
		size_t high = v->source ? v->source[i + 1] : i + 1;

		if (stays(v, i, style))
			continue;
		if (low < high && (i == from || w->out[low - 1] != '*'))
			star_escape(w, low);
		for (size_t k = low; k < high; k++)
			star(w, k);
	}
}

void apply_run(const struct window *w, size_t low, size_t high)
{
	for (size_t i = low; i < high; i++)
		if (base64_value[w->text[i]] != BASE64_NONE &&
		    !(i > 0 && w->text[i - 1] == '\\' && strchr("nr", w->text[i])))
			star(w, i);
}
