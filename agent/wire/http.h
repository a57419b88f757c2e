/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 framing of one direction of one connection: heads and body bytes come out, in any split.
 * Nothing is said here about what a body means or which response answers which request. */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H

#include "wire/text.h"

enum http_framing {
	HTTP_NO_BODY,
	HTTP_LENGTH,
	HTTP_CHUNKED,
	HTTP_UNTIL_CLOSE,
	HTTP_TUNNEL, /* set by the owner: what follows is not HTTP */
};

struct http_field {
	struct wire_text name, value;
};

/* Borrowed until the callback returns. */
struct http_head {
	struct wire_text method, target; /* of a request */
	uint32_t status;		 /* of a response */
	struct http_field *fields;
	size_t n_fields;
	enum http_framing framing; /* the owner may change it: HEAD, CONNECT, 101 */
	uint64_t length;	   /* HTTP_LENGTH */
};

struct http_ops {
	int (*head)(void *ctx, struct http_head *head);
	int (*body)(void *ctx, const char *bytes, size_t len);
	int (*end)(void *ctx); /* the message ended where its framing says */
	/* The message at hand, if any, is cut off here; what follows is passed over. */
	int (*cut)(void *ctx, const char *why);
	/* Bytes that belong to no message. */
	int (*passed)(void *ctx, const char *bytes, size_t len);
	/* The next head comes right after bytes were passed over, or in the middle of a body. */
	int (*found)(void *ctx);
};

struct http {
	bool request;
	size_t head_max;
	const struct http_ops *ops;
	void *ctx;
	uint8_t state;
	bool in_message;   /* head was called, end and cut were not */
	bool passing;	   /* bytes were passed over since the last message */
	bool carriage;	   /* the byte before was CR */
	bool digits;	   /* a chunk size has one */
	uint64_t left;	   /* of the body or chunk */
	size_t line;	   /* bytes of the chunk or trailer lines so far */
	size_t line_start; /* in head */
	struct buffer head;
};

void http_init(struct http *h, bool request, size_t head_max, const struct http_ops *ops,
	       void *ctx);
void http_free(struct http *h);

/* Takes bytes; a call begins where a record began. Returns 0 or what a callback returned. */
int http_feed(struct http *h, const char *bytes, size_t len);

/* Bytes are missing here: cuts the message and passes over to the next record that starts one. */
int http_lose(struct http *h, const char *why);

/* The next byte starts a message, whatever was before. The message at hand is the owner's matter.
 */
void http_restart(struct http *h);

/* What follows is not HTTP. */
void http_set_tunnel(struct http *h);

/* Whether the body at hand ends with the connection. */
bool http_is_until_close(const struct http *h);

/* Nothing more will come. Ends a body that lasts until the close, cuts anything else. */
int http_close(struct http *h);

/* The first field of that name, or an absent text. */
struct wire_text http_field_value(const struct http_head *head, struct wire_text name);

/* Splits a head, both lines and fields; in place, as folded lines are unfolded. head->fields is
 * allocated. Returns 0, -EBADMSG with *why, -ENOMEM. */
int http_parse_head(bool request, char *bytes, size_t len, struct http_head *head,
		    const char **why);

#endif
