// SPDX-License-Identifier: Apache-2.0
/* jansson, as the wire needs it: bounded, and not stopped by what JavaScript writes and C refuses.
 */
#include "wire/json.h"

#include <errno.h>

#include "wire/scan.h"

/* JSON.stringify writes a string that was cut inside a surrogate pair as a lone \ud83d, and a
 * server may cut a delta there too. U+100000 to U+1007FF (private use) stand for U+D800 to U+DFFF
 * meanwhile. */
#define STAND_IN 0x100000u

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c - 'A' + 10;
}

/* The unit of \uXXXX at p, or 0 when there is none. The text has passed the scanner. */
static uint32_t unit_at(const char *p, const char *end)
{
	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return 0;
	return (uint32_t)(hex_value(p[2]) << 12 | hex_value(p[3]) << 8 | hex_value(p[4]) << 4 |
			  hex_value(p[5]));
}

/* A copy that jansson accepts. */
static int json_mend(struct wire_text text, struct buffer *out)
{
	const char *p = text.data, *end = p + text.len, *from = p;
	const size_t max = SIZE_MAX / 4;
	int r = 0;

	while (p < end && r == 0) {
		uint32_t unit = unit_at(p, end);
		const char *with = NULL;
		char stand_in[16];
		size_t len;

		if (unit >= 0xd800 && unit < 0xdc00) {
			uint32_t next = unit_at(p + 6, end);

			if (next >= 0xdc00 && next < 0xe000) {
				p += 12;
				continue;
			}
		}
		if (unit >= 0xd800 && unit < 0xe000) {
			int n = snprintf(stand_in, sizeof(stand_in), "\\udbc0\\ud%03x",
					 0xc00 + (unit & 0x3ff));

			if (n != 12)
				return -EBADMSG;
			/* the low half of the stand-in's own pair holds ten bits of eleven */
			stand_in[5] = unit < 0xdc00 ? '0' : '1';
			with = stand_in;
			len = 6;
		} else if (*p == '\\') {
			p += p + 1 < end ? 2 : 1;
			continue;
		} else {
			len = text_utf8_length(p, end);
			if (len) {
				p += len;
				continue;
			}
			with = "\xef\xbf\xbd";
			len = 1;
		}
		r = buffer_append(out, from, (size_t)(p - from), max);
		if (r == 0)
			r = buffer_append(out, with, strlen(with), max);
		p += len;
		from = p;
	}
	if (r == 0)
		r = buffer_append(out, from, (size_t)(end - from), max);
	return r == 0 ? 0 : -ENOMEM;
}

static int json_load_text(struct wire_text text, size_t flags, json_t **ret)
{
	json_error_t error;
	json_t *v =
		json_loadb(text.data, text.len, flags | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	if (!v)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
	*ret = v;
	return 0;
}

int json_read(struct wire_text text, bool strict, json_t **ret, bool *mended)
{
	size_t flags = strict ? JSON_REJECT_DUPLICATES : 0;
	_cleanup_buffer_ struct buffer copy = {0};
	int r;

	/* jansson alone would take "{} \0 and more", and any number of values */
	if (!scan_check(text.data, text.len))
		return -EBADMSG;
	r = json_load_text(text, flags, ret);
	if (r != -EBADMSG)
		return r;
	r = json_mend(text, &copy);
	if (r < 0)
		return r;
	r = json_load_text(TEXT_BUF(&copy), flags | JSON_DECODE_INT_AS_REAL, ret);
	if (r == 0)
		*mended = true;
	return r;
}

/* The code point of the four-byte character at p when it is a stand-in, as the unit it stands for.
 */
static uint32_t stand_in_at(const unsigned char *p, const unsigned char *end)
{
	uint32_t code;

	if (end - p < 4 || p[0] != 0xf4 || p[1] != 0x80 || (p[2] & 0xc0) != 0x80 ||
	    (p[3] & 0xc0) != 0x80)
		return 0;
	code = STAND_IN | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	return code < STAND_IN + 0x800 ? 0xd800 + (code - STAND_IN) : 0;
}

size_t json_join(char *text, size_t len)
{
	unsigned char *p = (unsigned char *)text, *end = p + len, *out = p;

	while (p < end) {
		uint32_t unit = stand_in_at(p, end), next;

		if (!unit) {
			*out++ = *p++;
			continue;
		}
		p += 4;
		next = unit < 0xdc00 ? stand_in_at(p, end) : 0;
		if (next >= 0xdc00) {
			uint32_t code = 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00);

			p += 4;
			*out++ = (unsigned char)(0xf0 | code >> 18);
			*out++ = (unsigned char)(0x80 | (code >> 12 & 0x3f));
			*out++ = (unsigned char)(0x80 | (code >> 6 & 0x3f));
			*out++ = (unsigned char)(0x80 | (code & 0x3f));
		} else {
			memcpy(out, "\xef\xbf\xbd", 3);
			out += 3;
		}
	}
	return (size_t)(out - (unsigned char *)text);
}

int json_join_tree(json_t *v)
{
	const char *key;
	json_t *child;
	size_t i;
	int r = 0;

	if (json_is_string(v)) {
		_cleanup_buffer_ struct buffer copy = {0};

		r = text_set(&copy, json_text(v));
		if (r < 0)
			return r;
		copy.len = json_join((char *)copy.data, copy.len);
		return json_string_setn(v, (const char *)copy.data, copy.len) ? -ENOMEM : 0;
	}
	if (json_is_array(v)) {
		json_array_foreach (v, i, child)
			if (r == 0)
				r = json_join_tree(child);
	} else if (json_is_object(v)) {
		json_object_foreach (v, key, child)
			if (r == 0)
				r = json_join_tree(child);
	}
	return r;
}

static int json_append(const char *bytes, size_t len, void *ctx)
{
	return buffer_append(ctx, bytes, len, SIZE_MAX / 4);
}

int json_print(const json_t *v, struct buffer *out)
{
	return json_dump_callback(v, json_append, out, JSON_COMPACT | JSON_ENCODE_ANY) ? -ENOMEM
										       : 0;
}
