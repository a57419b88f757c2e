// SPDX-License-Identifier: Apache-2.0
/* The event that a response mostly consists of, read without a tree. */
#include "wire/delta.h"

#include "base/cleanup.h"

static bool take(struct wire_text *t, struct wire_text prefix)
{
	if (!text_starts(*t, prefix))
		return false;
	*t = text_from(*t, prefix.len);
	return true;
}

bool delta_match(struct wire_text data, uint32_t *index, struct wire_text *rest)
{
	static const struct wire_text forms[] = {
		TEXT("text_delta\",\"text\":\""),
		TEXT("input_json_delta\",\"partial_json\":\""),
		TEXT("thinking_delta\",\"thinking\":\""),
	};
	uint32_t i = 0;
	size_t n = 0;

	if (!take(&data, TEXT("{\"type\":\"content_block_delta\",\"index\":")))
		return false;
	while (n < 4 && n < data.len && data.data[n] >= '0' && data.data[n] <= '9')
		i = i * 10 + (uint32_t)(data.data[n++] - '0');
	if (!n || (n > 1 && data.data[0] == '0'))
		return false;
	data = text_from(data, n);
	if (!take(&data, TEXT(",\"delta\":{\"type\":\"")))
		return false;
	for (n = 0; n < ARRAY_SIZE(forms); n++) {
		if (take(&data, forms[n])) {
			*index = i;
			*rest = data;
			return true;
		}
	}
	return false;
}

/* Behind the text: both braces, blanks around the last. */
static bool delta_ends(const char *p, const char *end)
{
	if (p == end || *p++ != '}')
		return false;
	while (p < end && *p == ' ')
		p++;
	return p + 1 == end && *p == '}';
}

int delta_append(struct wire_text rest, struct buffer *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = rest.data, *end = p + rest.len, *run = p;
	const size_t before = out->len, max = SIZE_MAX / 4;
	int r = 0;

	while (p < end && *p != '"' && r == 0) {
		unsigned char c = (unsigned char)*p;
		const char *escape;
		size_t n;

		if (c >= 0x20 && c < 0x80 && c != '\\') {
			p++;
			continue;
		}
		if (c >= 0x80) {
			n = text_utf8_length(p, end);
			if (!n)
				break;
			p += n;
			continue;
		}
		escape = c == '\\' && p + 1 < end && p[1] ? strchr(from, p[1]) : NULL;
		if (!escape)
			break;
		r = buffer_append(out, run, (size_t)(p - run), max);
		if (r == 0)
			r = buffer_append(out, &to[escape - from], 1, max);
		p += 2;
		run = p;
	}
	if (r == 0 && p < end && *p == '"' && delta_ends(p + 1, end)) {
		r = buffer_append(out, run, (size_t)(p - run), max);
		if (r == 0)
			return 1;
	}
	out->len = before;
	return r;
}
