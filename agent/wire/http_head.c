// SPDX-License-Identifier: Apache-2.0
/* The head of an HTTP/1 message: start line, fields, and what they say about the body's length. */
#include "wire/http.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

#define HTTP2_PREFACE "PRI * HTTP/2.0"

static bool is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct wire_text http_field_value(const struct http_head *head, struct wire_text name)
{
	for (size_t i = 0; i < head->n_fields; i++)
		if (text_equal_nocase(head->fields[i].name, name))
			return head->fields[i].value;
	return (struct wire_text){0};
}

static bool parse_version(struct wire_text t)
{
	return t.len == 8 && text_starts(t, TEXT("HTTP/1.")) && is_digit(t.data[7]);
}

static bool parse_request_line(struct wire_text line, struct http_head *head)
{
	const char *space = memchr(line.data, ' ', line.len);
	const char *last = memrchr(line.data, ' ', line.len);

	if (!space || space == last || space == line.data)
		return false;
	head->method = text_cut(line, (size_t)(space - line.data));
	head->target = (struct wire_text){space + 1, (size_t)(last - space) - 1};
	for (size_t i = 0; i < head->method.len; i++)
		if (!is_token(head->method.data[i]))
			return false;
	return head->target.len && parse_version(text_from(line, (size_t)(last + 1 - line.data)));
}

static bool parse_status_line(struct wire_text line, struct http_head *head)
{
	if (line.len < 12 || !parse_version(text_cut(line, 8)) || line.data[8] != ' ')
		return false;
	for (size_t i = 9; i < 12; i++) {
		if (!is_digit(line.data[i]))
			return false;
		head->status = head->status * 10 + (uint32_t)(line.data[i] - '0');
	}
	return head->status >= 100 && (line.len == 12 || line.data[12] == ' ');
}

/* Takes the next line off; a folded line (obs-fold) is joined to the one before by a space. A bare
 * LF ends a line as CRLF does: lenient servers take it, so must we. */
static struct wire_text next_line(char **p, const char *end, bool fold)
{
	char *start = *p, *eol;
	struct wire_text line;

	for (;;) {
		eol = memchr(*p, '\n', (size_t)(end - *p));
		if (!eol) {
			eol = (char *)end;
			*p = eol;
			break;
		}
		*p = eol + 1;
		if (!fold || *p >= end || (**p != ' ' && **p != '\t'))
			break;
		*eol = ' ';
		if (eol > start && eol[-1] == '\r')
			eol[-1] = ' ';
	}
	line = (struct wire_text){start, (size_t)(eol - start)};
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool parse_field(struct wire_text line, struct http_field *ret)
{
	const char *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
	struct http_field field;

	if (!colon)
		return false;
	field.name = text_trim(text_cut(line, (size_t)(colon - line.data)));
	field.value = text_trim(text_from(line, (size_t)(colon + 1 - line.data)));
	for (size_t i = 0; i < field.name.len; i++)
		if (!is_token(field.name.data[i]))
			return false;
	*ret = field;
	return field.name.len > 0;
}

/* One length in decimal, or a list of the same one. */
static bool parse_length(struct wire_text value, uint64_t *ret)
{
	uint64_t length = 0;
	bool first = true;

	do {
		const char *comma = value.len ? memchr(value.data, ',', value.len) : NULL;
		size_t n = comma ? (size_t)(comma - value.data) : value.len;
		struct wire_text item = text_trim(text_cut(value, n));
		uint64_t x = 0;

		if (!item.len || item.len > 18)
			return false;
		for (size_t i = 0; i < item.len; i++) {
			if (!is_digit(item.data[i]))
				return false;
			x = x * 10 + (uint64_t)(item.data[i] - '0');
		}
		if (!first && x != length)
			return false;
		length = x;
		first = false;
		value = text_from(value, comma ? n + 1 : n);
		if (comma && !value.len)
			return false;
	} while (value.len);
	*ret = length;
	return true;
}

/* RFC 9112, section 6.3. Both headers at once: the coding wins, as it does in servers. */
static const char *parse_framing(bool request, struct http_head *head)
{
	bool coded = false, chunked = false, sized = false;

	for (size_t i = 0; i < head->n_fields; i++) {
		const struct http_field *f = &head->fields[i];

		if (text_equal_nocase(f->name, TEXT("transfer-encoding"))) {
			const char *comma = memrchr(f->value.data, ',', f->value.len);
			size_t at = comma ? (size_t)(comma + 1 - f->value.data) : 0;

			/* the last coding of the last line counts */
			chunked = text_equal_nocase(text_trim(text_from(f->value, at)),
						    TEXT("chunked"));
			coded = true;
		} else if (text_equal_nocase(f->name, TEXT("content-length"))) {
			uint64_t length;

			if (!parse_length(f->value, &length))
				return "a Content-Length that is not a number";
			if (sized && length != head->length)
				return "two lengths that differ";
			head->length = length;
			sized = true;
		}
	}
	if (coded && request && !chunked)
		return "a request body without an end";
	if (!request && (head->status < 200 || head->status == 204 || head->status == 304))
		head->framing = HTTP_NO_BODY;
	else if (coded)
		head->framing = chunked ? HTTP_CHUNKED : HTTP_UNTIL_CLOSE;
	else if (sized)
		head->framing = head->length ? HTTP_LENGTH : HTTP_NO_BODY;
	else
		head->framing = request ? HTTP_NO_BODY : HTTP_UNTIL_CLOSE;
	return NULL;
}

int http_parse_head(bool request, char *bytes, size_t len, struct http_head *ret, const char **why)
{
	_cleanup_free_ struct http_field *fields = NULL;
	const char *end = bytes + len;
	struct http_head head = {0};
	struct wire_text line;
	size_t lines = 0;

	for (size_t i = 0; i < len; i++)
		lines += bytes[i] == '\n';
	fields = calloc(lines + 1, sizeof(*fields));
	if (!fields)
		return -ENOMEM;
	line = next_line(&bytes, end, false);
	if (!(request ? parse_request_line(line, &head) : parse_status_line(line, &head))) {
		*why = !request			      ? "not an HTTP/1 response"
		       : TEXT_IS(line, HTTP2_PREFACE) ? "HTTP/2 is not decoded"
						      : "not an HTTP/1 request";
		return -EBADMSG;
	}
	while (bytes < end) {
		line = next_line(&bytes, end, true);
		if (!text_trim(line).len)
			continue;
		if (!parse_field(line, &fields[head.n_fields])) {
			*why = "a header that is not one";
			return -EBADMSG;
		}
		head.n_fields++;
	}
	head.fields = fields;
	*why = parse_framing(request, &head);
	if (*why)
		return -EBADMSG;
	head.fields = TAKE_PTR(fields);
	*ret = head;
	return 0;
}
