// SPDX-License-Identifier: Apache-2.0
/* HTTP/1.1 framing of one direction of one connection. */
#include "wire/http.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

enum http_state {
	H_START, /* between messages */
	H_HEAD,
	H_LENGTH,
	H_CHUNK_SIZE,
	H_CHUNK_REST, /* extension and line end */
	H_CHUNK_DATA,
	H_CHUNK_END, /* the line end behind the data */
	H_TRAILER,
	H_UNTIL_CLOSE,
	H_TUNNEL,
	H_LOST,
};

#define CHUNK_LINE_MAX 16384

void http_init(struct http *h, bool request, size_t head_max, const struct http_ops *ops, void *ctx)
{
	*h = (struct http){.request = request, .head_max = head_max, .ops = ops, .ctx = ctx};
}

void http_free(struct http *h)
{
	buffer_free(&h->head);
}

void http_restart(struct http *h)
{
	buffer_free(&h->head);
	h->in_message = false;
	h->state = H_START;
}

void http_set_tunnel(struct http *h)
{
	buffer_free(&h->head);
	h->in_message = false;
	h->state = H_TUNNEL;
}

bool http_is_until_close(const struct http *h)
{
	return h->state == H_UNTIL_CLOSE;
}

/* Hands what was gathered of a head to the passed-over bytes. */
static int http_drop_head(struct http *h)
{
	int r = 0;

	if (h->head.len) {
		h->passing = true;
		r = h->ops->passed(h->ctx, (const char *)h->head.data, h->head.len);
	}
	buffer_free(&h->head);
	return r;
}

int http_lose(struct http *h, const char *why)
{
	int r, s;

	h->state = H_LOST;
	h->in_message = false;
	h->passing = true;
	r = h->ops->cut(h->ctx, why);
	s = http_drop_head(h);
	return r ? r : s;
}

static int http_end(struct http *h)
{
	h->state = H_START;
	h->in_message = false;
	return h->ops->end(h->ctx);
}

/* Whether a record may start with a message: used to find the place again, so only what a client
 * really sends counts; a record may be as short as one byte. */
static bool http_may_start(const struct http *h, const char *bytes, size_t len)
{
	static const struct wire_text methods[] = {
		TEXT("POST "),	TEXT("GET "),	  TEXT("HEAD "),    TEXT("PUT "),   TEXT("DELETE "),
		TEXT("PATCH "), TEXT("OPTIONS "), TEXT("CONNECT "), TEXT("TRACE "),
	};
	struct wire_text t = {bytes, len};

	if (!h->request)
		return text_starts(TEXT("HTTP/1."), text_cut(t, 7));
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (text_starts(methods[i], text_cut(t, methods[i].len)))
			return true;
	return false;
}

/* Whether a record that comes in the middle of a request body is the start of another request: the
 * SSL object was used again for another connection. A whole request line and a header must be
 * there, and no JSON body can hold a bare line end inside a string. */
static bool http_is_new_request(const struct http *h, const char *bytes, size_t len)
{
	struct wire_text t = text_cut((struct wire_text){bytes, len}, 8192), line;
	const char *eol;

	if (!h->request || len < 16 || !http_may_start(h, bytes, len))
		return false;
	eol = memchr(t.data, '\r', t.len);
	if (!eol)
		return false;
	line = text_cut(t, (size_t)(eol - t.data));
	if (line.len < 14 || memcmp(line.data + line.len - 9, " HTTP/1.1", 9) != 0)
		return false;
	t = text_from(t, line.len);
	return t.len > 2 && t.data[1] == '\n' && memchr(t.data, ':', t.len);
}

/* The first bytes already tell binary from text: a wrong start is not gathered up to the limit. */
static bool http_plausible(const struct http *h)
{
	const char *p = (const char *)h->head.data;
	size_t n = h->head.len < 32 ? h->head.len : 32;

	if (!h->request)
		return text_starts(TEXT("HTTP/1."), text_cut(TEXT_BUF(&h->head), 7));
	for (size_t i = 0; i < n && p[i] != ' '; i++)
		if ((unsigned char)p[i] <= ' ' || (unsigned char)p[i] >= 0x7f)
			return false;
	return true;
}

static int http_head_done(struct http *h)
{
	struct http_head head;
	const char *why = NULL;
	int r;

	r = http_parse_head(h->request, (char *)h->head.data, h->head.len, &head, &why);
	if (r == -EBADMSG)
		return http_lose(h, why);
	if (r < 0)
		return r;
	if (h->passing)
		r = h->ops->found(h->ctx);
	h->passing = false;
	h->in_message = true;
	if (r == 0)
		r = h->ops->head(h->ctx, &head);
	free(head.fields);
	buffer_free(&h->head);
	if (r < 0)
		return r;
	h->left = head.length;
	h->line = 0;
	h->digits = false;
	switch (head.framing) {
	case HTTP_LENGTH:
		h->state = H_LENGTH;
		return 0;
	case HTTP_CHUNKED:
		h->left = 0;
		h->state = H_CHUNK_SIZE;
		return 0;
	case HTTP_UNTIL_CLOSE:
		h->state = H_UNTIL_CLOSE;
		return 0;
	case HTTP_TUNNEL:
		r = http_end(h);
		h->state = H_TUNNEL;
		return r;
	default:
		return http_end(h);
	}
}

/* Gathers a head line by line. Returns the bytes taken, or a negative error. */
static ssize_t http_take_head(struct http *h, const char *bytes, size_t len)
{
	const char *eol = memchr(bytes, '\n', len);
	size_t n = eol ? (size_t)(eol - bytes) + 1 : len, line;
	bool first = h->head.len < 32;
	int r;

	r = buffer_append(&h->head, bytes, n, h->head_max);
	if (r == -ENOSPC) {
		r = http_lose(h, "a head over the limit");
		return r < 0 ? r : 0;
	}
	if (r < 0)
		return r;
	if (first && !http_plausible(h)) {
		r = http_lose(h, h->request ? "not an HTTP/1 request" : "not an HTTP/1 response");
		return r < 0 ? r : (ssize_t)n;
	}
	if (!eol)
		return (ssize_t)n;
	line = h->head.len - h->line_start;
	h->line_start = h->head.len;
	if (line == 1 || (line == 2 && h->head.data[h->head.len - 2] == '\r')) {
		r = http_head_done(h);
		if (r < 0)
			return r;
	}
	return (ssize_t)n;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of what is around the data of chunks. */
static int http_chunk_byte(struct http *h, char c)
{
	int digit;

	if (++h->line > CHUNK_LINE_MAX)
		return http_lose(h, "a chunk line over the limit");
	switch (h->state) {
	case H_CHUNK_SIZE:
		digit = hex_digit(c);
		if (digit >= 0 && h->left < 1ull << 56) {
			h->left = h->left << 4 | (uint64_t)digit;
			h->digits = true;
			return 0;
		}
		if (!h->digits || (c != ';' && c != '\r' && c != '\n' && c != ' ' && c != '\t'))
			return http_lose(h, "a chunk without a size");
		h->state = H_CHUNK_REST;
		/* fall through */
	case H_CHUNK_REST:
		if (c != '\n')
			return 0;
		h->line = 0;
		h->carriage = false;
		h->state = h->left ? H_CHUNK_DATA : H_TRAILER;
		return 0;
	case H_CHUNK_END:
		if (c == '\r' && !h->carriage) {
			h->carriage = true;
			return 0;
		}
		if (c != '\n')
			return http_lose(h, "a chunk longer than its size");
		h->line = 0;
		h->digits = false;
		h->state = H_CHUNK_SIZE;
		return 0;
	default: /* H_TRAILER; left counts the bytes of the line */
		if (c == '\n') {
			if (h->left == 0)
				return http_end(h);
			h->left = 0;
		} else if (c != '\r') {
			h->left++;
		}
		return 0;
	}
}

/* Body bytes with a known end: hands out what is here of it. */
static int http_take_data(struct http *h, const char **bytes, size_t *len)
{
	size_t n = *len < h->left ? *len : (size_t)h->left;
	int r = h->ops->body(h->ctx, *bytes, n);

	*bytes += n;
	*len -= n;
	h->left -= n;
	if (r < 0 || h->left)
		return r;
	if (h->state == H_LENGTH)
		return http_end(h);
	h->state = H_CHUNK_END;
	h->carriage = false;
	h->line = 0;
	return 0;
}

static int http_step(struct http *h, const char **bytes, size_t *len)
{
	ssize_t taken;
	int r;

	switch (h->state) {
	case H_START:
		/* RFC 9112, section 2.2: empty lines before a start line are skipped */
		if (**bytes == '\r' || **bytes == '\n') {
			++*bytes;
			--*len;
			return 0;
		}
		h->state = H_HEAD;
		h->line_start = 0;
		return 0;
	case H_HEAD:
		taken = http_take_head(h, *bytes, *len);
		if (taken < 0)
			return (int)taken;
		*bytes += taken;
		*len -= (size_t)taken;
		return 0;
	case H_LENGTH:
	case H_CHUNK_DATA:
		return http_take_data(h, bytes, len);
	case H_CHUNK_SIZE:
	case H_CHUNK_REST:
	case H_CHUNK_END:
	case H_TRAILER:
		++*bytes;
		--*len;
		return http_chunk_byte(h, (*bytes)[-1]);
	case H_UNTIL_CLOSE:
		r = h->ops->body(h->ctx, *bytes, *len);
		*len = 0;
		return r;
	default: /* H_TUNNEL, H_LOST */
		r = h->ops->passed(h->ctx, *bytes, *len);
		*len = 0;
		return r;
	}
}

int http_feed(struct http *h, const char *bytes, size_t len)
{
	int r = 0;

	if (len && h->state == H_LOST && http_may_start(h, bytes, len)) {
		h->state = H_HEAD;
		h->line_start = 0;
	} else if (h->in_message && http_is_new_request(h, bytes, len)) {
		r = http_lose(h, "another request began inside the body");
		h->state = H_HEAD;
		h->line_start = 0;
	}
	while (r == 0 && len)
		r = http_step(h, &bytes, &len);
	return r;
}

int http_close(struct http *h)
{
	if (h->state == H_UNTIL_CLOSE)
		return http_end(h);
	if (h->in_message)
		return http_lose(h, "the connection ended inside a message");
	return http_drop_head(h);
}
