/* SPDX-License-Identifier: Apache-2.0 */
/* The wire stage: plaintext of one TLS connection in, what was said on it out.
 *
 * Bytes go in by direction as the capture saw them, in order, with gaps told. Events come out
 * through a callback; every string in an event is unmasked, borrowed for the callback only, and
 * must go through agent/mask before it reaches a writer. Nothing here writes, logs or keeps a
 * global. */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_direction {
	WIRE_SENT,     /* SSL_write: client to server */
	WIRE_RECEIVED, /* SSL_read: server to client */
	WIRE_DIRECTION_MAX,
};

/* A borrowed string; not zero-terminated, may hold any byte. NULL data means absent. */
struct wire_text {
	const char *data;
	size_t len;
};

enum wire_kind {
	WIRE_EXCHANGE,	  /* the head of a request was read: exchange is filled */
	WIRE_MODEL_CALL,  /* the body of a Messages request was read: call is filled */
	WIRE_MESSAGE,	  /* one content block of the conversation, not seen before: message */
	WIRE_TOOL_USE,	  /* the model asks for a tool, whole (from a response): tool */
	WIRE_TOOL_RESULT, /* the client answers a tool_use (from a request), once for each id: tool
			   */
	WIRE_SKILL,	  /* a skill was used: skill */
	WIRE_RESPONSE,	  /* the response ended: response */
	WIRE_BODY, /* a body outside the Messages API, decoded, cut at limits.other_body: body */
	WIRE_UNDECODABLE, /* bytes that could not be decoded and are not in any other event:
			     undecodable */
	WIRE_RESYNC, /* the parser lost and found its place; undecodable says what was passed over
		      */
	WIRE_KIND_MAX,
};

enum wire_block {
	WIRE_BLOCK_TEXT,
	WIRE_BLOCK_THINKING,
	WIRE_BLOCK_TOOL_USE,
	WIRE_BLOCK_TOOL_RESULT,
	WIRE_BLOCK_SYSTEM,
	WIRE_BLOCK_OTHER, /* image, document, tool_reference, ... */
	WIRE_BLOCK_MAX,
};

enum wire_skill_route {
	WIRE_SKILL_MODEL, /* tool_use Skill in a response */
	WIRE_SKILL_SLASH, /* <command-name>/x</command-name> typed by the person */
	WIRE_SKILL_MAX,
};

struct wire_exchange { /* strings live until the next event of the same connection */
	uint64_t id;   /* counts from 1 on each connection */
	struct wire_text method, target; /* target with its query */
	struct wire_text host;
	struct wire_text user_agent;
	struct wire_text session_id; /* X-Claude-Code-Session-Id */
	struct wire_text agent_id;   /* x-claude-code-agent-id */
	struct wire_text request_id; /* x-client-request-id */
	struct wire_text
		credential; /* value of x-api-key or Authorization, for a keyed digest only */
	bool is_messages;   /* POST …/v1/messages, also behind a prefix; not count_tokens */
	bool is_connect;    /* CONNECT host:port through a proxy */
};

struct wire_call {
	struct wire_text model;
	struct wire_text device_id, account_id, session_id; /* metadata.user_id, either form */
	struct wire_text
		client_version; /* x-anthropic-billing-header cc_version, else User-Agent */
	struct wire_text entrypoint;
	struct wire_text working_directory; /* from the environment message; a claim */
	struct wire_text git_email; /* from the environment or system text, if there; a claim */
	uint32_t n_messages, n_new; /* in the request; of these not sent before */
	uint64_t body_bytes;
	bool stream;
};

struct wire_message {
	enum wire_block block;
	bool sent;		      /* in a request (else said by the model) */
	struct wire_text role;	      /* user, assistant, system */
	struct wire_text text;	      /* decoded text; for tool_use the compact JSON of its input */
	struct wire_text tool_use_id; /* for tool blocks */
};

struct wire_tool {
	struct wire_text id, name;
	struct wire_text input;	 /* TOOL_USE: compact JSON as received, joined from partial_json */
	struct wire_text result; /* TOOL_RESULT: text of the result */
	bool is_error;		 /* TOOL_RESULT */
	/* TOOL_RESULT: the tool_use it answers, if it was seen on this process's connections */
	struct wire_text use_name, use_input;
	int64_t duration_ns; /* TOOL_RESULT: from the tool_use's end to this request; -1 unknown */
};

struct wire_skill {
	enum wire_skill_route route;
	struct wire_text name, args;
	struct wire_text tool_use_id; /* WIRE_SKILL_MODEL */
	struct wire_text
		directory; /* "Base directory for this skill: …"; absent when it did not load */
	bool answered;	   /* the client's result is known: success and duration_ns hold */
	bool success;
	int64_t duration_ns;
};

struct wire_response {
	uint32_t status;
	struct wire_text stop_reason;
	struct wire_text message_id;
	struct wire_text error; /* text of an API error */
	uint64_t tokens_in, tokens_out;
	uint64_t body_bytes; /* after content decoding */
	bool complete;	     /* false: the connection ended or was resynchronised first */
};

struct wire_body {
	enum wire_direction direction;
	struct wire_text content_type;
	struct wire_text text;
	uint64_t body_bytes; /* all of it, also past the cut */
	bool cut;
};

struct wire_undecodable {
	enum wire_direction direction;
	uint64_t bytes;
	struct wire_text sample; /* the bytes still at hand, for a keyed digest only */
	const char *why;	 /* a static sentence */
};

struct wire_event {
	enum wire_kind kind;
	uint64_t time_ns; /* of the record that completed it, as given to wire_feed */
	const struct wire_exchange *exchange; /* NULL outside one */
	const struct wire_call *call; /* of the current exchange, NULL until its body was read */
	union {
		struct wire_message message;
		struct wire_tool tool;
		struct wire_skill skill;
		struct wire_response response;
		struct wire_body body;
		struct wire_undecodable undecodable;
	};
};

typedef void (*wire_sink)(void *ctx, const struct wire_event *event);

struct wire_limits {
	size_t body;	      /* decoded bytes of one body; default 32 MiB */
	size_t ratio;	      /* decoded : encoded; default 200, checked past 1 MiB */
	size_t head;	      /* one request or response head; default 64 KiB */
	size_t other_body;    /* what WIRE_BODY carries; default 64 KiB */
	size_t seen_messages; /* message digests kept for one process; default 65536, oldest go
				 first */
};

/* What a client process said on all its connections: which messages were seen, which tool_use is
 * open. Owned by the caller, outlives its connections. */
struct wire_client;
int wire_client_new(const struct wire_limits *limits, wire_sink sink, void *ctx,
		    struct wire_client **ret); /* limits NULL: the defaults */
void wire_client_free(struct wire_client *client);

/* One TLS connection of a client. Freed by wire_conn_free, which first reports what is incomplete.
 */
struct wire_conn;
int wire_conn_new(struct wire_client *client, struct wire_conn **ret);
void wire_conn_free(struct wire_conn *conn);

/* Takes len bytes of plaintext in order. Any split is the same. Returns 0, or -ENOMEM; what the
 * peer sent is never an error but an event. time_ns: CLOCK_BOOTTIME of the capture. */
int wire_feed(struct wire_conn *conn, enum wire_direction direction, uint64_t time_ns,
	      const void *bytes, size_t len);

/* len bytes were not captured: the parser resynchronises at the next message that starts a record.
 */
int wire_gap(struct wire_conn *conn, enum wire_direction direction, uint64_t time_ns, uint64_t len);

/* The tool_uses that the response at hand has begun and not ended: the i-th of them, from 0. Texts
 * live until the next bytes of the connection. Returns false when there are no more. */
bool wire_open_tool(const struct wire_conn *conn, size_t i, struct wire_text *ret_id,
		    struct wire_text *ret_name);

const char *wire_kind_to_string(enum wire_kind kind);
const char *wire_block_to_string(enum wire_block block);

#endif
