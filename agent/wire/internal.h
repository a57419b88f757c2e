/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the wire stage share: a client process, a connection, an exchange. */
#ifndef WIRE_INTERNAL_H
#define WIRE_INTERNAL_H

#include "wire/http.h"
#include "wire/seen.h"
#include "wire/tools.h"

/* Bytes of what could not be decoded that are kept for a digest. */
#define SAMPLE_MAX 4096
/* Undecodable bytes are told at the latest when so many have come. */
#define PASSED_MAX (1u << 20)

struct wire_client {
	struct wire_limits limits;
	wire_sink sink;
	void *ctx;
	uint64_t now; /* the newest time of any connection */
	struct seen *seen;
	struct tools tools;
	/* claims that were read once and are not sent as news again */
	struct buffer working_directory, git_email;
};

/* A request and its response. */
struct exchange {
	struct exchange *next;
	struct wire_exchange head;
	struct wire_call call;
	bool call_read;
	bool request_done, response_done;
	bool may_pipeline; /* a method after which the next request may come early */
	bool is_head;
	struct texts texts;
	struct tally tally;
	struct mark conversation; /* digest of session and agent: a "yes" in another is news */
};

/* Bytes that are in no other event. */
struct passed {
	uint64_t bytes;
	const char *why;
	bool told;
	struct buffer sample;
};

struct body;

struct wire_conn {
	struct wire_client *client;
	uint64_t now;
	uint64_t next_id;
	struct http http[WIRE_DIRECTION_MAX];
	struct passed passed[WIRE_DIRECTION_MAX];
	struct body *body[WIRE_DIRECTION_MAX];
	struct exchange *first, *last; /* oldest first; those whose response has not ended */
	struct exchange *asking;       /* its request is being read */
	struct exchange *answering;    /* its response is being read, or NULL: unasked */
	bool answer_open;
	bool tunnel;  /* both directions are opaque */
	bool closing; /* wire_conn_free is at work */
	uint32_t status;
};

/* Hands an event out with time, exchange and call filled in. ex may be NULL. */
void conn_emit(struct wire_conn *conn, struct exchange *ex, struct wire_event *event);

/* Bytes that are in no other event, at once. */
void conn_undecodable(struct wire_conn *conn, struct exchange *ex, enum wire_direction direction,
		      uint64_t bytes, struct wire_text sample, const char *why);

/* Reads a request's head into an exchange. Returns 0 or -ENOMEM. */
int exchange_new(struct wire_client *client, const struct http_head *head, uint64_t id,
		 struct exchange **ret);
void exchange_free(struct exchange *ex);

#endif
