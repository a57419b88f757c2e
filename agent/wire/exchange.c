// SPDX-License-Identifier: Apache-2.0
/* The head of a request, as an exchange: who asks whom for what. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "wire/internal.h"

void exchange_free(struct exchange *ex)
{
	if (!ex)
		return;
	texts_free(&ex->texts);
	tally_free(&ex->tally);
	free(ex);
}

static void exchange_freep(struct exchange **ex)
{
	exchange_free(*ex);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Whether a target is the Messages endpoint, however it is written: a server takes /v1//%6dessages/
 * as well, and what is not recognised here is not looked into for tools and skills. */
static bool target_is_messages(struct wire_text target)
{
	static const struct wire_text want = TEXT("/v1/messages");
	char path[1024];
	size_t n = 0;

	for (size_t i = 0; i < target.len; i++) {
		char c = target.data[i];

		if (c == '?' || c == '#')
			break;
		if (c == '%' && i + 2 < target.len && hex_value(target.data[i + 1]) >= 0 &&
		    hex_value(target.data[i + 2]) >= 0) {
			c = (char)(hex_value(target.data[i + 1]) << 4 |
				   hex_value(target.data[i + 2]));
			i += 2;
		}
		if (c == '/' && n && path[n - 1] == '/')
			continue;
		if (n == sizeof(path)) { /* only the end counts */
			memmove(path, path + n / 2, n - n / 2);
			n -= n / 2;
		}
		path[n++] = c;
	}
	while (n && path[n - 1] == '/')
		n--;
	return n >= want.len && memcmp(path + n - want.len, want.data, want.len) == 0;
}

/* An absolute target (through a proxy) names the host itself, and must not carry a password into
 * the event: https://user:password@host/path. */
static int exchange_target(struct exchange *ex, struct wire_text target)
{
	struct wire_text authority, rest;
	ssize_t scheme = text_find(text_cut(target, 16), TEXT("://"));
	_cleanup_buffer_ struct buffer whole = {0};
	const char *slash, *at;
	int r;

	if (ex->head.is_connect) {
		r = texts_keep(&ex->texts, target, &ex->head.host);
		return r < 0 ? r : texts_keep(&ex->texts, target, &ex->head.target);
	}
	if (scheme <= 0 || target.data[0] == '/')
		return texts_keep(&ex->texts, target, &ex->head.target);
	authority = text_from(target, (size_t)scheme + 3);
	slash = authority.len ? memchr(authority.data, '/', authority.len) : NULL;
	rest = slash ? text_from(authority, (size_t)(slash - authority.data)) : TEXT("");
	authority = text_cut(authority, authority.len - rest.len);
	at = authority.len ? memrchr(authority.data, '@', authority.len) : NULL;
	if (at)
		authority = text_from(authority, (size_t)(at + 1 - authority.data));
	r = buffer_append(&whole, target.data, (size_t)scheme + 3, SIZE_MAX / 4);
	if (r == 0)
		r = buffer_append(&whole, authority.data, authority.len, SIZE_MAX / 4);
	if (r == 0)
		r = buffer_append(&whole, rest.data, rest.len, SIZE_MAX / 4);
	if (r == 0)
		r = texts_keep(&ex->texts, TEXT_BUF(&whole), &ex->head.target);
	return r < 0 ? r : texts_keep(&ex->texts, authority, &ex->head.host);
}

static struct wire_text credential(const struct http_head *head)
{
	struct wire_text value = http_field_value(head, TEXT("x-api-key"));

	if (value.data)
		return value;
	value = http_field_value(head, TEXT("authorization"));
	/* the same token under either header must have the same digest */
	if (text_starts_nocase(value, TEXT("bearer ")))
		value = text_trim(text_from(value, 7));
	return value;
}

int exchange_new(struct wire_client *client, const struct http_head *head, uint64_t id,
		 struct exchange **ret)
{
	__attribute__((cleanup(exchange_freep))) struct exchange *ex = calloc(1, sizeof(*ex));
	int r = 0;

	if (!ex)
		return -ENOMEM;
	const struct {
		struct wire_text value;
		struct wire_text *into;
	} copies[] = {
		{head->method, &ex->head.method},
		{http_field_value(head, TEXT("host")), &ex->head.host},
		{http_field_value(head, TEXT("user-agent")), &ex->head.user_agent},
		{http_field_value(head, TEXT("x-claude-code-session-id")), &ex->head.session_id},
		{http_field_value(head, TEXT("x-claude-code-agent-id")), &ex->head.agent_id},
		{http_field_value(head, TEXT("x-client-request-id")), &ex->head.request_id},
		{credential(head), &ex->head.credential},
	};

	for (size_t i = 0; i < ARRAY_SIZE(copies) && r == 0; i++)
		r = texts_keep(&ex->texts, copies[i].value, copies[i].into);
	if (r < 0)
		return r;
	ex->head.id = id;
	ex->is_head = TEXT_IS(head->method, "HEAD");
	ex->head.is_connect = TEXT_IS(head->method, "CONNECT");
	ex->head.is_messages = TEXT_IS(head->method, "POST") && target_is_messages(head->target);
	/* RFC 9112, 9.3.2: only after an idempotent request may the next come before its answer */
	ex->may_pipeline = ex->is_head || TEXT_IS(head->method, "GET") ||
			   TEXT_IS(head->method, "PUT") || TEXT_IS(head->method, "DELETE") ||
			   TEXT_IS(head->method, "OPTIONS") || TEXT_IS(head->method, "TRACE");
	r = exchange_target(ex, head->target);
	if (r < 0)
		return r;
	r = seen_digest(client->seen,
			(const struct wire_text[]){ex->head.session_id, ex->head.agent_id}, 2,
			&ex->conversation);
	if (r < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(ex);
	return 0;
}
