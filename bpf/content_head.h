/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* HTTP/1.1 messages of one direction (RFC 9112), byte by byte: where heads, chunks and bodies are,
 * and what a body is said to hold.
 *
 * What two readers may take differently is not guessed: line ends of both kinds, a folded line, two
 * lengths, a length beside chunks. Else text could be put where this looks for framing. */
#ifndef BAILIFF_CONTENT_HEAD_H
#define BAILIFF_CONTENT_HEAD_H

#include "bpf/content_body.h"

enum content_framing {
	CONTENT_AT_START,
	CONTENT_AT_METHOD,
	CONTENT_AT_TARGET,
	CONTENT_AT_VERSION,
	CONTENT_AT_STATUS,
	CONTENT_AT_REASON,
	CONTENT_AT_NAME,
	CONTENT_AT_VALUE,
	/* what is around chunks */
	CONTENT_AT_SIZE,
	CONTENT_AT_EXTENSION,
	CONTENT_AT_CHUNK_END,
	CONTENT_AT_TRAILER,
	/* bytes of a body */
	CONTENT_AT_LENGTH,
	CONTENT_AT_CHUNK,
	CONTENT_AT_CLOSE, /* until the connection ends */
	CONTENT_AT_NOTHING,
};

enum content_field {
	CONTENT_FIELD_OTHER,
	CONTENT_FIELD_LENGTH,
	CONTENT_FIELD_TRANSFER,
	CONTENT_FIELD_CODING,
	CONTENT_FIELD_TYPE,
	CONTENT_FIELD_ACCEPT,
};

enum content_line_end {
	CONTENT_LINE_GOES_ON,
	CONTENT_LINE_ENDS,
	CONTENT_LINE_BETWEEN, /* CR was read, or the line is bad */
};

static __always_inline void content_lose(struct content_state *s, __u8 why)
{
	s->state = CONTENT_AT_NOTHING;
	s->lost = why;
	s->mode = CONTENT_MODE_SKIP;
}

/* A line ends in CRLF, or in LF where the first one of the connection did. */
static __always_inline int content_line(struct content_state *s, __u8 c, __u8 why)
{
	__u8 ends = s->cr ? 1 : 2;

	if (c == '\r' && !s->cr) {
		s->cr = 1;
		return CONTENT_LINE_BETWEEN;
	}
	if (c == '\n' && (!s->ends || s->ends == ends)) {
		s->ends = ends;
		s->cr = 0;
		return CONTENT_LINE_ENDS;
	}
	if (c == '\n' || s->cr) {
		content_lose(s, why);
		return CONTENT_LINE_BETWEEN;
	}
	return CONTENT_LINE_GOES_ON;
}

static __always_inline void content_message_ends(struct content_state *s, struct content_out *o)
{
	if (s->mode == CONTENT_MODE_JSON && s->begun)
		content_json_ends(s);
	s->state = CONTENT_AT_START;
	o->flags |= CONTENT_ENDS;
}

/* ---- the head ---------------------------------------------------------------------------------
 */

static __always_inline void content_message_begins(struct content_state *s)
{
	s->left = s->number = 0;
	s->status = 0;
	s->unread = s->method = s->path = s->type = s->mode = 0;
	s->old = s->sized = s->coded = s->transfer = s->chunked = s->begun = s->query = 0;
	s->accepting = s->typed = s->digits = 0;
	/* the target is a text of its own */
	s->body.begin = 1;
	s->body.broken = s->body.run = 0;
	content_word_clear(s);
	s->state = s->response ? CONTENT_AT_VERSION : CONTENT_AT_METHOD;
}

static __always_inline void content_method(struct content_state *s, __u8 c)
{
	if (c == ' ' && s->at) {
		s->method = content_word_is(s, CONTENT_W_POST)	    ? CONTENT_METHOD_POST
			    : content_word_is(s, CONTENT_W_GET)	    ? CONTENT_METHOD_GET
			    : content_word_is(s, CONTENT_W_HEAD)    ? CONTENT_METHOD_HEAD
			    : content_word_is(s, CONTENT_W_CONNECT) ? CONTENT_METHOD_CONNECT
								    : CONTENT_METHOD_OTHER;
		s->state = CONTENT_AT_TARGET;
		content_word_clear(s);
		return;
	}
	if (((c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_') ||
	    s->at >= CONTENT_METHOD) {
		content_lose(s, CONTENT_LOST_START);
		return;
	}
	content_word_add(s, c);
}

static __always_inline int content_path_is_messages(const struct content_state *s)
{
	return s->word[0] == CONTENT_W_MESSAGES && (__u32)s->word[1] == CONTENT_W_V1;
}

/* A character of the target is text, too: what leaves in a URL leaves. "%41" and, in a query, "+"
 * are read as what they stand for (WHATWG URL, application/x-www-form-urlencoded). */
static __always_inline void content_target_text(struct content_state *s, __u8 c,
						struct content_out *o)
{
	struct content_body *b = &s->body;
	__u8 digit;

	if (b->run < CONTENT_SATURATED)
		b->run++;
	o->code = s->query && c == '+' ? ' ' : c;
	o->raw = 1;
	o->form = CONTENT_PLAIN;
	if (s->digits) {
		digit = content_hex(c);
		s->digits = digit > 15 ? 0 : s->digits - 1;
		s->number = s->number << 4 | (digit & 15);
		if (s->digits)
			return;
		if (digit <= 15) {
			/* a byte of a longer character: none that a detector knows */
			o->code = s->number < 0x80 ? (__u32)s->number : CONTENT_NO_CHAR;
			o->raw = 3;
			o->form = CONTENT_WHOLE;
		}
	} else if (c == '%') {
		s->digits = 2;
		s->number = 0;
		return;
	}
	content_emit(b, o, CONTENT_REQUEST);
}

static __always_inline void content_target(struct content_state *s, __u8 c, struct content_out *o)
{
	if (c < ' ' || c == 0x7f || (c == ' ' && !s->at)) {
		content_lose(s, CONTENT_LOST_HEAD);
		return;
	}
	if (!s->query && (c == ' ' || c == '?' || c == '#') && !s->path &&
	    content_path_is_messages(s))
		s->path = CONTENT_PATH_MESSAGES;
	if (!s->query && c == '/' && content_path_is_messages(s))
		s->path = CONTENT_PATH_BELOW;
	if (c == '?' || c == '#')
		s->query = 1;
	if (c == ' ') {
		s->state = CONTENT_AT_VERSION;
		s->digits = 0;
		s->number = 0;
		content_word_clear(s);
	} else {
		content_word_add(s, c);
		content_target_text(s, c, o);
	}
}

/* Returns 0 when this is not HTTP/1. */
static __always_inline int content_version(struct content_state *s)
{
	if (content_word_is(s, CONTENT_W_HTTP_1_0))
		s->old = 1;
	else if (!content_word_is(s, CONTENT_W_HTTP_1_1)) {
		content_lose(s, content_word_is(s, CONTENT_W_HTTP_2_0) ? CONTENT_LOST_HTTP2
								       : CONTENT_LOST_START);
		return 0;
	}
	return 1;
}

static __always_inline void content_name_begins(struct content_state *s)
{
	s->state = CONTENT_AT_NAME;
	content_word_clear(s);
}

/* The digits of a response's status are there. */
static __always_inline void content_status_ends(struct content_state *s)
{
	if (s->at != 3 || s->status < 100)
		content_lose(s, CONTENT_LOST_HEAD);
	else
		s->state = CONTENT_AT_REASON;
}

static __always_inline void content_status(struct content_state *s, __u8 c)
{
	if (c == ' ') {
		content_status_ends(s);
	} else if (c < '0' || c > '9' || s->at >= 3) {
		content_lose(s, CONTENT_LOST_HEAD);
	} else {
		s->status = (__u16)(s->status * 10 + (c - '0'));
		s->at++;
	}
}

static __always_inline void content_name(struct content_state *s, __u8 c)
{
	if (c != ':') {
		/* also a line that is folded onto the one before, and a blank before the colon */
		if (c <= ' ' || c >= 0x7f)
			content_lose(s, CONTENT_LOST_HEAD);
		else
			content_word_add(s, content_lower(c));
		return;
	}
	if (!s->at) {
		content_lose(s, CONTENT_LOST_HEAD);
		return;
	}
	s->field = content_word_is(s, CONTENT_W_CONTENT_LENGTH)	     ? CONTENT_FIELD_LENGTH
		   : content_word_is(s, CONTENT_W_TRANSFER_ENCODING) ? CONTENT_FIELD_TRANSFER
		   : content_word_is(s, CONTENT_W_CONTENT_ENCODING)  ? CONTENT_FIELD_CODING
		   : content_word_is(s, CONTENT_W_CONTENT_TYPE)	     ? CONTENT_FIELD_TYPE
		   : content_word_is(s, CONTENT_W_ACCEPT_ENCODING) && !s->response
			   ? CONTENT_FIELD_ACCEPT
			   : CONTENT_FIELD_OTHER;
	s->state = CONTENT_AT_VALUE;
	s->blank = s->digits = s->query = 0;
	s->number = 0;
	content_word_clear(s);
}

/* A coding of a list: what is not known is a coding, too. */
static __always_inline void content_coding_ends(struct content_state *s)
{
	__u8 chunked = s->field == CONTENT_FIELD_TRANSFER && content_word_is(s, CONTENT_W_CHUNKED);

	if (!s->at)
		return;
	/* it is the last and only once (RFC 9112, 6.1) */
	if (s->field == CONTENT_FIELD_TRANSFER && s->chunked)
		content_lose(s, CONTENT_LOST_HEAD);
	else if (chunked)
		s->chunked = 1;
	else if (!content_word_is(s, CONTENT_W_IDENTITY) || s->field == CONTENT_FIELD_TRANSFER)
		s->coded = 1;
	content_word_clear(s);
	s->blank = 0;
}

static __always_inline void content_type_ends(struct content_state *s)
{
	__u8 type = content_word_is(s, CONTENT_W_APPLICATION_JSON) ||
				    (s->at < CONTENT_SATURATED &&
				     (s->word[0] & 0xffffffffffull) == CONTENT_W_PLUS)
			    ? CONTENT_TYPE_JSON
		    : content_word_is(s, CONTENT_W_EVENT_STREAM) ? CONTENT_TYPE_SSE
								 : CONTENT_TYPE_OTHER;

	s->type = s->typed && s->type != type ? CONTENT_TYPE_TWO : type;
	s->typed = 1;
}

static __always_inline void content_value_ends(struct content_state *s, struct content_out *o)
{
	switch (s->field) {
	case CONTENT_FIELD_LENGTH:
		/* one that is repeated is one */
		if (!s->digits || (s->sized && s->left != s->number))
			content_lose(s, CONTENT_LOST_HEAD);
		s->left = s->number;
		s->sized = 1;
		break;
	case CONTENT_FIELD_TRANSFER:
		s->transfer = 1;
		content_coding_ends(s);
		break;
	case CONTENT_FIELD_CODING:
		content_coding_ends(s);
		break;
	case CONTENT_FIELD_TYPE:
		content_type_ends(s);
		break;
	default:
		break;
	}
	if (s->accepting)
		o->flags |= CONTENT_ACCEPT_ENDS;
	s->accepting = 0;
}

static __always_inline void content_value_number(struct content_state *s, __u8 c)
{
	if (c == ' ' || c == '\t') {
		s->blank = s->digits != 0;
	} else if (c < '0' || c > '9' || s->blank || s->digits >= CONTENT_LENGTH) {
		content_lose(s, CONTENT_LOST_HEAD);
	} else {
		s->number = s->number * 10 + (c - '0');
		s->digits++;
	}
}

/* A word, with blanks around it. */
static __always_inline void content_value_word(struct content_state *s, __u8 c)
{
	if (c == ' ' || c == '\t') {
		s->blank = s->at != 0;
		return;
	}
	if (s->blank)
		content_word_spoil(s);
	else
		content_word_add(s, content_lower(c));
}

static __always_inline void content_value(struct content_state *s, __u8 c, struct content_out *o)
{
	int blank = c == ' ' || c == '\t';

	if ((c < ' ' && !blank) || c == 0x7f) {
		content_lose(s, CONTENT_LOST_HEAD);
		return;
	}
	switch (s->field) {
	case CONTENT_FIELD_LENGTH:
		content_value_number(s, c);
		break;
	case CONTENT_FIELD_TRANSFER:
	case CONTENT_FIELD_CODING:
		if (c == ',')
			content_coding_ends(s);
		else
			content_value_word(s, c);
		break;
	case CONTENT_FIELD_TYPE:
		if (c == ';')
			s->query = 1;
		else if (!s->query)
			content_value_word(s, c);
		break;
	case CONTENT_FIELD_ACCEPT:
		if (!s->accepting && blank)
			break;
		o->flags |= s->accepting ? CONTENT_ACCEPT : CONTENT_ACCEPT | CONTENT_ACCEPT_BEGINS;
		s->accepting = 1;
		break;
	default:
		break;
	}
}

static __always_inline void content_choose(struct content_state *s)
{
	if (s->coded)
		s->unread = CONTENT_UNREAD_CODED;
	else if (!s->response && s->path)
		s->mode = CONTENT_MODE_JSON; /* whatever it says to be */
	else if (s->type == CONTENT_TYPE_TWO)
		s->unread = CONTENT_UNREAD_TYPE;
	else if (s->type == CONTENT_TYPE_JSON)
		s->mode = CONTENT_MODE_JSON;
	else if (!s->response)
		s->mode = CONTENT_MODE_RAW;
	else if (s->type == CONTENT_TYPE_SSE)
		s->mode = CONTENT_MODE_SSE;
	__builtin_memset(&s->body, 0, sizeof(s->body));
	s->body.begin = 1;
}

/* RFC 9112, 6.3. */
static __always_inline void content_framed(struct content_state *s, struct content_out *o)
{
	if (s->transfer && (s->sized || s->old || (!s->response && !s->chunked))) {
		content_lose(s, CONTENT_LOST_HEAD);
		return;
	}
	content_choose(s);
	s->digits = 0;
	if (s->chunked) {
		s->left = 0;
		s->state = CONTENT_AT_SIZE;
	} else if (s->sized && s->left) {
		s->state = CONTENT_AT_LENGTH;
	} else if (s->response && !s->sized) {
		s->state = CONTENT_AT_CLOSE;
	} else {
		content_message_ends(s, o);
	}
}

static __always_inline void content_head_ends(struct content_state *s, struct content_out *o)
{
	__u8 asked = s->asked;

	o->flags |= CONTENT_HEAD_ENDS;
	if (!s->response) {
		content_framed(s, o);
		if (s->method == CONTENT_METHOD_CONNECT && !s->lost)
			content_lose(s, CONTENT_LOST_TUNNEL);
		return;
	}
	if (s->status == 101 ||
	    (asked == CONTENT_METHOD_CONNECT && s->status >= 200 && s->status < 300)) {
		content_lose(s, CONTENT_LOST_TUNNEL);
		return;
	}
	if (s->status < 200) {
		s->state = CONTENT_AT_START;
		return;
	}
	s->asked = 0;
	if (asked == CONTENT_METHOD_HEAD || s->status == 204 || s->status == 304)
		content_message_ends(s, o);
	else
		content_framed(s, o);
}

static __always_inline void content_head_line(struct content_state *s, struct content_out *o)
{
	switch (s->state) {
	case CONTENT_AT_START: /* empty lines before a message (RFC 9112, 2.2) */
		break;
	case CONTENT_AT_VERSION:
		if (s->response)
			content_lose(s, CONTENT_LOST_START);
		else if (content_version(s))
			content_name_begins(s);
		break;
	case CONTENT_AT_STATUS:
		content_status_ends(s);
		if (!s->lost)
			content_name_begins(s);
		break;
	case CONTENT_AT_REASON:
		content_name_begins(s);
		break;
	case CONTENT_AT_NAME:
		if (s->at)
			content_lose(s, CONTENT_LOST_HEAD);
		else
			content_head_ends(s, o);
		break;
	case CONTENT_AT_VALUE:
		content_value_ends(s, o);
		if (!s->lost)
			content_name_begins(s);
		break;
	default: /* no version: HTTP/0.9, or none */
		content_lose(s, CONTENT_LOST_START);
		break;
	}
}

CONTENT_FUNCTION int content_head_step(struct content_state *s, __u8 c, struct content_out *o)
{
	int line;

	if (!s || !o)
		return 0;
	line = content_line(s, c,
			    s->state < CONTENT_AT_NAME ? CONTENT_LOST_START : CONTENT_LOST_HEAD);
	if (s->accepting && c == '\r') {
		o->flags |= CONTENT_ACCEPT_ENDS;
		s->accepting = 0;
	}
	if (line == CONTENT_LINE_ENDS)
		content_head_line(s, o);
	if (line != CONTENT_LINE_GOES_ON)
		return 0;
	if (s->state == CONTENT_AT_START)
		content_message_begins(s);
	switch (s->state) {
	case CONTENT_AT_METHOD:
		content_method(s, c);
		break;
	case CONTENT_AT_TARGET:
		content_target(s, c, o);
		break;
	case CONTENT_AT_VERSION:
		if (s->response && c == ' ') {
			if (content_version(s))
				s->state = CONTENT_AT_STATUS;
			s->at = 0;
		} else if (s->at >= 8) {
			content_lose(s, CONTENT_LOST_START);
		} else {
			content_word_add(s, c);
		}
		break;
	case CONTENT_AT_STATUS:
		content_status(s, c);
		break;
	case CONTENT_AT_NAME:
		content_name(s, c);
		break;
	case CONTENT_AT_VALUE:
		content_value(s, c, o);
		break;
	default:
		break;
	}
	return 0;
}

/* ---- chunks -----------------------------------------------------------------------------------
 */

static __always_inline void content_size(struct content_state *s, __u8 c)
{
	__u8 digit = content_hex(c);

	if (digit < 16 && s->digits < CONTENT_SIZE) {
		s->left = s->left << 4 | digit;
		s->digits++;
	} else if (s->digits && (c == ';' || c == ' ' || c == '\t')) {
		s->state = CONTENT_AT_EXTENSION;
	} else {
		content_lose(s, CONTENT_LOST_CHUNK);
	}
}

static __always_inline void content_chunk_line(struct content_state *s, struct content_out *o)
{
	switch (s->state) {
	case CONTENT_AT_SIZE:
	case CONTENT_AT_EXTENSION:
		if (!s->digits)
			content_lose(s, CONTENT_LOST_CHUNK);
		else
			s->state = s->left ? CONTENT_AT_CHUNK : CONTENT_AT_TRAILER;
		s->blank = 1;
		break;
	case CONTENT_AT_CHUNK_END:
		s->state = CONTENT_AT_SIZE;
		s->digits = 0;
		break;
	default: /* CONTENT_AT_TRAILER */
		if (s->blank)
			content_message_ends(s, o);
		s->blank = 1;
		break;
	}
}

CONTENT_FUNCTION int content_chunk_step(struct content_state *s, __u8 c, struct content_out *o)
{
	int line;

	if (!s || !o)
		return 0;
	s->body.run = 0;
	line = content_line(s, c, CONTENT_LOST_CHUNK);
	if (line == CONTENT_LINE_ENDS)
		content_chunk_line(s, o);
	if (line != CONTENT_LINE_GOES_ON)
		return 0;
	if (s->state == CONTENT_AT_SIZE)
		content_size(s, c);
	else if (s->state == CONTENT_AT_CHUNK_END || (c < ' ' && c != '\t') || c == 0x7f)
		content_lose(s, CONTENT_LOST_CHUNK);
	else
		s->blank = 0;
	return 0;
}

#endif
