/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the content machine knows of one direction of a connection between two bytes, and what it
 * says of a byte. All of it lies in a map value in the kernel: what changes from one iteration of a
 * bpf_loop to the next must. */
#ifndef BAILIFF_CONTENT_STATE_H
#define BAILIFF_CONTENT_STATE_H

#include "bpf/contract.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#ifdef __BPF__
/* not static: the verifier looks at it once, and not once for each path that leads here */
#define CONTENT_FUNCTION __attribute__((noinline))
#else
#define CONTENT_FUNCTION static inline __attribute__((unused))
#endif

#define CONTENT_DEPTH	  64	   /* of JSON; a body that goes deeper is not read */
#define CONTENT_TYPES	  32	   /* levels of which the object's "type" is remembered */
#define CONTENT_BYTES	  5	   /* that one step can give: a mark and a character in UTF-8 */
#define CONTENT_MARK	  0xff	   /* where no character is: no text and no detector has it */
#define CONTENT_NO_CHAR	  0x110000 /* past the last code point */
#define CONTENT_METHOD	  24
#define CONTENT_SIZE	  15 /* hexadecimal digits of a chunk's size */
#define CONTENT_LENGTH	  18 /* decimal digits of a length */
#define CONTENT_SATURATED 255

enum content_kind {
	CONTENT_NONE,	 /* framing, structure, keys, numbers, what is never touched */
	CONTENT_TEXT,	 /* shown to a person */
	CONTENT_INPUT,	 /* of a tool */
	CONTENT_REQUEST, /* a string of a request, or a body of it that is not JSON */
};

/* How a character is written: what of it can be overwritten. */
enum content_form {
	CONTENT_PLAIN, /* as itself, one byte */
	CONTENT_SHORT, /* a backslash and a letter or sign */
	CONTENT_HEX,   /* its last four bytes are hexadecimal digits of an ASCII character */
	CONTENT_WHOLE, /* anything else: all of it or nothing */
};

/* Of one byte. */
#define CONTENT_HEAD_ENDS     0x01 /* the last byte of a head, also of an interim response */
#define CONTENT_BODY	      0x02 /* belongs to a body, and not to the chunks around it */
#define CONTENT_BODY_BEGINS   0x04 /* the first of these */
#define CONTENT_ENDS	      0x08 /* the last byte of a message, with or without a body */
#define CONTENT_ACCEPT	      0x10 /* of the value of Accept-Encoding in a request */
#define CONTENT_ACCEPT_BEGINS 0x20 /* its first */
#define CONTENT_ACCEPT_ENDS   0x40 /* the byte after its last */
#define CONTENT_TOOL_NAME     0x80 /* a character of a tool's name, or the quote behind it */

/* For good: where the next message begins is not known. */
enum content_lost {
	CONTENT_FOUND,
	CONTENT_LOST_START,  /* no HTTP/1 */
	CONTENT_LOST_HTTP2,  /* the preface of HTTP/2 */
	CONTENT_LOST_HEAD,   /* a head that two readers may read differently */
	CONTENT_LOST_CHUNK,  /* the same of a chunk */
	CONTENT_LOST_TUNNEL, /* CONNECT, or an upgrade that was granted */
};

/* Until the message ends. */
enum content_unread {
	CONTENT_READ,
	CONTENT_UNREAD_CODED, /* compressed, or otherwise coded */
	CONTENT_UNREAD_JSON,  /* said to be JSON, and is not */
	CONTENT_UNREAD_DEEP,  /* JSON beyond CONTENT_DEPTH */
	CONTENT_UNREAD_TYPE,  /* two content types */
};

enum content_method {
	CONTENT_METHOD_OTHER,
	CONTENT_METHOD_GET,
	CONTENT_METHOD_HEAD,
	CONTENT_METHOD_POST,
	CONTENT_METHOD_CONNECT,
};

enum content_path {
	CONTENT_PATH_OTHER,
	CONTENT_PATH_MESSAGES, /* /v1/messages, also behind a prefix */
	CONTENT_PATH_BELOW,    /* count_tokens, batches */
};

enum content_type {
	CONTENT_TYPE_OTHER, /* also none */
	CONTENT_TYPE_JSON,  /* application/json, and what ends in +json */
	CONTENT_TYPE_SSE,   /* text/event-stream */
	CONTENT_TYPE_TWO,
};

enum content_mode {
	CONTENT_MODE_SKIP,
	CONTENT_MODE_RAW,
	CONTENT_MODE_JSON,
	CONTENT_MODE_SSE,
};

/* What the string at hand is kept for. */
enum content_collect {
	CONTENT_COLLECT_NONE,
	CONTENT_COLLECT_TYPE, /* in word */
	CONTENT_COLLECT_TOOL, /* a tool's name: its hash in word[0], its bytes in word[1] */
};

/* Where a JSON text is. */
struct content_json {
	__u64 nest; /* bit a level: an object */
	__u32 code; /* of an escape, so far */
	__u16 high; /* first half of a surrogate pair, waiting for the second */
	__u8 state; /* enum content_json_state */
	__u8 depth;
	__u8 key;    /* the string is one */
	__u8 digits; /* of an escape, to come; of a number: enum content_json_number */
	__u8 raw;    /* bytes of the escape, so far */
	__u8 high_raw;
	__u8 plain; /* the digits of the escape are not escaped themselves */
	__u8 pad[3];
};

/* Where a body is. Zero before its first byte, but for begin. */
struct content_body {
	struct content_json outer;
	struct content_json inner; /* of the pieces of a tool's input, put together */
	__u64 types;		   /* two bits a level: enum content_object */
	__u32 code;		   /* of a character in UTF-8, so far */
	__u32 number, index;	   /* of a content block */
	__u16 waits;		   /* first half of a pair at the end of a piece of text */
	__u8 waits_raw;
	__u8 char_left, char_raw;
	__u8 line, line_at, line_cr, bom, has_data; /* of server-sent events */
	__u8 key;				    /* enum content_key, of the value at hand */
	__u8 kind;				    /* of the string at hand */
	__u8 collect;				    /* enum content_collect */
	__u8 partial;				    /* it is a piece of JSON */
	__u8 joined;				    /* it goes on where the piece before ended */
	__u8 input, never, error, redacted;	    /* depth of such a container, 0: in none */
	__u8 begin;				    /* what comes next does not go on anything */
	__u8 last;				    /* kind of the byte before */
	__u8 broken;				    /* a part of a character was here */
	__u8 run;				    /* bytes of text without framing between them */
	__u8 tool; /* depth of the call of a tool that the client runs, 0: in none */
};

/* One direction of one connection. All-zero: requests, from the first byte. */
struct content_state {
	__u64 left;    /* of the body or the chunk */
	__u64 number;  /* of the value at hand */
	__u64 word[3]; /* the last bytes of the name, value or key at hand, the last lowest */
	__u16 status;  /* of a response */
	__u8 response; /* set by content_begin() */
	__u8 asked;    /* enum content_method of the request that the next response answers */
	__u8 state;    /* enum content_framing */
	__u8 lost;     /* enum content_lost */
	__u8 unread;   /* enum content_unread */
	__u8 method, path, type, mode;
	__u8 ends; /* lines of the connection end in: 1 CRLF, 2 LF, never both */
	__u8 cr;
	__u8 at; /* bytes in word */
	__u8 field;
	__u8 blank; /* one stood behind the value; the trailer's line is empty */
	__u8 digits;
	__u8 old, sized, coded, transfer, chunked, begun, query, accepting, typed;
	__u8 pad[4];
	struct content_body body;
};

struct content_out {
	__u32 code; /* the character; CONTENT_NO_CHAR: something in the place of one */
	__u8 kind;  /* enum content_kind; without decoded bytes, a guess at what the byte is part of
		     */
	__u8 n;	    /* decoded bytes that are complete with this one */
	__u8 begins; /* what was decoded before does not belong together with them */
	__u8 form;   /* enum content_form */
	__u8 raw;    /* bytes that the last character takes */
	__u8 run;    /* of these, how many lie one after the other and end here */
	__u8 flags;
	__u8 bytes[CONTENT_BYTES];
};

CONTRACT_ASSERT(sizeof(struct content_json) == 24, "");
CONTRACT_ASSERT(sizeof(struct content_body) == 96, "");
CONTRACT_ASSERT(sizeof(struct content_state) <= 192,
		"a value for each direction of each connection");
CONTRACT_ASSERT(sizeof(struct content_out) == 16, "");

/* ---- words: names and values of at most 24 bytes, compared as numbers ------------------------ */

/* Length and bytes. Numbers and not texts, for constant arrays inside of inlined functions make a
 * section that kernels before 6.2 do not take the type information of. */
#define CONTENT_W_HTTP_1_0	    8, 0, 0, 0x485454502f312e30ull
#define CONTENT_W_HTTP_1_1	    8, 0, 0, 0x485454502f312e31ull
#define CONTENT_W_HTTP_2_0	    8, 0, 0, 0x485454502f322e30ull
#define CONTENT_W_GET		    3, 0, 0, 0x474554ull
#define CONTENT_W_HEAD		    4, 0, 0, 0x48454144ull
#define CONTENT_W_POST		    4, 0, 0, 0x504f5354ull
#define CONTENT_W_CONNECT	    7, 0, 0, 0x434f4e4e454354ull
#define CONTENT_W_ACCEPT_ENCODING   15, 0, 0x6163636570742dull, 0x656e636f64696e67ull
#define CONTENT_W_CONTENT_ENCODING  16, 0, 0x636f6e74656e742dull, 0x656e636f64696e67ull
#define CONTENT_W_CONTENT_LENGTH    14, 0, 0x636f6e74656eull, 0x742d6c656e677468ull
#define CONTENT_W_CONTENT_TYPE	    12, 0, 0x636f6e74ull, 0x656e742d74797065ull
#define CONTENT_W_TRANSFER_ENCODING 17, 0x74ull, 0x72616e736665722dull, 0x656e636f64696e67ull
#define CONTENT_W_CHUNKED	    7, 0, 0, 0x6368756e6b6564ull
#define CONTENT_W_IDENTITY	    8, 0, 0, 0x6964656e74697479ull
#define CONTENT_W_APPLICATION_JSON  16, 0, 0x6170706c69636174ull, 0x696f6e2f6a736f6eull
#define CONTENT_W_EVENT_STREAM	    17, 0x74ull, 0x6578742f6576656eull, 0x742d73747265616dull
#define CONTENT_W_TEXT		    4, 0, 0, 0x74657874ull
#define CONTENT_W_INPUT		    5, 0, 0, 0x696e707574ull
#define CONTENT_W_PARTIAL_JSON	    12, 0, 0x70617274ull, 0x69616c5f6a736f6eull
#define CONTENT_W_TYPE		    4, 0, 0, 0x74797065ull
#define CONTENT_W_INDEX		    5, 0, 0, 0x696e646578ull
#define CONTENT_W_CONTENT_BLOCK	    13, 0, 0x636f6e7465ull, 0x6e745f626c6f636bull
#define CONTENT_W_MESSAGE	    7, 0, 0, 0x6d657373616765ull
#define CONTENT_W_ERROR		    5, 0, 0, 0x6572726f72ull
#define CONTENT_W_THINKING	    8, 0, 0, 0x7468696e6b696e67ull
#define CONTENT_W_SIGNATURE	    9, 0, 0x73ull, 0x69676e6174757265ull
#define CONTENT_W_DATA		    4, 0, 0, 0x64617461ull
#define CONTENT_W_ID		    2, 0, 0, 0x6964ull
#define CONTENT_W_TOOL_USE_ID	    11, 0, 0x746f6full, 0x6c5f7573655f6964ull
#define CONTENT_W_ROLE		    4, 0, 0, 0x726f6c65ull
#define CONTENT_W_MODEL		    5, 0, 0, 0x6d6f64656cull
#define CONTENT_W_NAME		    4, 0, 0, 0x6e616d65ull
#define CONTENT_W_MEDIA_TYPE	    10, 0, 0x6d65ull, 0x6469615f74797065ull
#define CONTENT_W_CACHE_CONTROL	    13, 0, 0x6361636865ull, 0x5f636f6e74726f6cull
#define CONTENT_W_USER_ID	    7, 0, 0, 0x757365725f6964ull
#define CONTENT_W_FILE_ID	    7, 0, 0, 0x66696c655f6964ull
#define CONTENT_W_TOOL_NAME	    9, 0, 0x74ull, 0x6f6f6c5f6e616d65ull
#define CONTENT_W_ENCRYPTED_CONTENT 17, 0x65ull, 0x6e63727970746564ull, 0x5f636f6e74656e74ull
#define CONTENT_W_ENCRYPTED_INDEX   15, 0, 0x656e6372797074ull, 0x65645f696e646578ull
#define CONTENT_W_ENCRYPTED_STDOUT  16, 0, 0x656e637279707465ull, 0x645f7374646f7574ull
#define CONTENT_W_TEXT_DELTA	    10, 0, 0x7465ull, 0x78745f64656c7461ull
#define CONTENT_W_INPUT_JSON_DELTA  16, 0, 0x696e7075745f6a73ull, 0x6f6e5f64656c7461ull
#define CONTENT_W_REDACTED	    17, 0x72ull, 0x656461637465645full, 0x7468696e6b696e67ull
#define CONTENT_W_CALL		    8, 0, 0, 0x746f6f6c5f757365ull /* tool_use */
/* ends of words */
#define CONTENT_W_TOOL_USE 0x746f6f6c5f757365ull
#define CONTENT_W_V1	   0x2f76312full /* "/v1/" */
#define CONTENT_W_MESSAGES 0x6d65737361676573ull
#define CONTENT_W_PLUS	   0x2b6a736f6eull /* "+json" */

static __always_inline void content_word_clear(struct content_state *s)
{
	s->at = 0;
	s->word[0] = s->word[1] = s->word[2] = 0;
}

static __always_inline void content_word_add(struct content_state *s, __u8 c)
{
	if (s->at >= 8) { /* most are shorter */
		s->word[2] = s->word[2] << 8 | s->word[1] >> 56;
		s->word[1] = s->word[1] << 8 | s->word[0] >> 56;
	}
	s->word[0] = s->word[0] << 8 | c;
	if (s->at < CONTENT_SATURATED)
		s->at++;
}

/* Equal to no word from here on. */
static __always_inline void content_word_spoil(struct content_state *s)
{
	s->at = CONTENT_SATURATED;
}

/* A tool's name, as FNV-1a: word holds 24 bytes, and such a name is longer. Two names that are made
 * to collide are no way past a policy that lists what is refused. */
#define CONTENT_TOOL_FIRST 14695981039346656037ull
#define CONTENT_TOOL_PRIME 1099511628211ull

static __always_inline __u64 content_tool_add(__u64 hash, __u8 c)
{
	return (hash ^ c) * CONTENT_TOOL_PRIME;
}

static __always_inline int content_word_is(const struct content_state *s, __u8 len, __u64 high,
					   __u64 middle, __u64 low)
{
	return s->at == len && s->word[0] == low && s->word[1] == middle && s->word[2] == high;
}

/* In a string and in text such a byte stands for itself. */
static __always_inline int content_is_ordinary(__u8 c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static __always_inline __u8 content_lower(__u8 c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* A hexadecimal digit's value, or 16. */
static __always_inline __u8 content_hex(__u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = content_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

#endif
