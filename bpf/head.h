/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The head of an HTTP/1.1 request (RFC 9112), byte by byte: whom it is for, and the key it brings.
 *
 * What is ambiguous is refused, not guessed: two Host lines, a URL as target, a line folded onto
 * the next, a name longer than any can be. A server may read such a head otherwise than this. */
#ifndef BAILIFF_HEAD_H
#define BAILIFF_HEAD_H

#include "bpf/contract.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define HEAD_MAX	4096 /* bytes that are read; a head that goes on is not confirmed */
#define HEAD_METHOD_MAX 15
#define HEAD_KEY                                                                                   \
	512 /* more than the bytes of a credential that count; the rest of a longer one is not     \
	       looked at */

enum head_state {
	HEAD_METHOD,
	HEAD_TARGET,
	HEAD_VERSION, /* and the rest of that line */
	HEAD_NAME,
	HEAD_SKIP,  /* a value that does not matter */
	HEAD_VALUE, /* one that does */
	HEAD_DONE,
	HEAD_BAD,
};

enum head_field {
	HEAD_FIELD_NONE,
	HEAD_FIELD_HOST,	  /* host: */
	HEAD_FIELD_API_KEY,	  /* x-api-key: */
	HEAD_FIELD_AUTHORIZATION, /* authorization: */
	HEAD_FIELD_LENGTH,	  /* content-length: */
	HEAD_FIELD_TRANSFER,	  /* transfer-encoding: */
	HEAD_FIELD_ACCEPT,	  /* accept-encoding: */
};

struct head {
	__u32 state;
	__u32 field;   /* of the value being read */
	__u32 at;      /* bytes of the current name or method */
	__u32 matches; /* bit per enum head_field that the name may still be */
	__u32 connect; /* 1: CONNECT, the target is the host */
	__u32 hosts;   /* Host lines */
	__u32 host_len, key_len;
	__u32 in_port; /* past the name of host:port */
	__u32 credentials;
	__u32 cr;   /* the byte before was CR: alone it ends a line for some servers, and not for
		       others */
	__u32 read; /* bytes taken */
	/* where values lie, from the first byte of the head; equal: there is none */
	__u32 key_from, key_to;
	__u32 accept_from, accept_to;
	__u32 body;	      /* a length says that one follows */
	__u32 lengths;	      /* Content-Length lines */
	__u32 odd;	      /* a body that is framed otherwise, or by two lines */
	char host[NAME_SIZE]; /* lower case, without port */
	char key[HEAD_KEY];   /* as sent, without a leading "Bearer " */
};

/* Texts as numbers, first byte lowest: constant arrays inside of inlined functions make a section
 * that kernels before 6.2 do not take the type information of. */
#define HEAD_HOST	   0x0000003a74736f68ull			/* "host:" */
#define HEAD_API_KEY	   0x656b2d6970612d78ull, 0x0000000000003a79ull /* "x-api-key:" */
#define HEAD_AUTHORIZATION 0x7a69726f68747561ull, 0x00003a6e6f697461ull /* "authorization:" */
#define HEAD_LENGTH	   0x2d746e65746e6f63ull, 0x003a6874676e656cull /* "content-length:" */
#define HEAD_TRANSFER	   0x726566736e617274ull, 0x6e69646f636e652dull /* "transfer-encodin" */
#define HEAD_TRANSFER_END  0x3a67ull					/* "g:" */
#define HEAD_ACCEPT	   0x652d747065636361ull, 0x3a676e69646f636eull /* "accept-encoding:" */
#define HEAD_BEARER	   0x0020726572616562ull, 0			/* "bearer " */
#define HEAD_CONNECT	   0x005443454e4e4f43ull, 0			/* "CONNECT" */
#define HEAD_HTTP2	   0x5448202a20495250ull, 0x0a0d302e322f5054ull /* "PRI * HTTP/2.0\r\n" */

static __always_inline char head_text_at(__u64 low, __u64 high, __u32 at)
{
	return at < 8 ? low >> 8 * at : at < 16 ? high >> 8 * (at - 8) : 0;
}

static __always_inline char head_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* The byte at a place of a field's name; 0 past its end. */
static __always_inline char head_letter(int field, __u32 at)
{
	switch (field) {
	case HEAD_FIELD_HOST:
		return head_text_at(HEAD_HOST, 0, at);
	case HEAD_FIELD_API_KEY:
		return head_text_at(HEAD_API_KEY, at);
	case HEAD_FIELD_LENGTH:
		return head_text_at(HEAD_LENGTH, at);
	case HEAD_FIELD_TRANSFER:
		return at < 16 ? head_text_at(HEAD_TRANSFER, at)
			       : head_text_at(HEAD_TRANSFER_END, 0, at - 16);
	case HEAD_FIELD_ACCEPT:
		return head_text_at(HEAD_ACCEPT, at);
	default:
		return head_text_at(HEAD_AUTHORIZATION, at);
	}
}

static __always_inline void head_host_byte(struct head *h, char c)
{
	if (c == ':') {
		h->in_port = 1;
		return;
	}
	if (h->in_port)
		return;
	if (h->host_len >= NAME_SIZE - 3) {
		h->state = HEAD_BAD;
		return;
	}
	h->host[h->host_len & (NAME_SIZE - 1)] = head_lower(c);
	h->host_len++;
}

static __always_inline void head_key_byte(struct head *h, char c)
{
	/* "Bearer " is not part of the key; another scheme stays, and its space with it */
	if (!h->key_len)
		h->key_from = h->read - 1;
	h->key_to = h->read;
	if (h->key_len < HEAD_KEY - 1) {
		h->key[h->key_len & (HEAD_KEY - 1)] = c;
		h->key_len++;
	}
	if (h->field == HEAD_FIELD_AUTHORIZATION && h->at < 7) {
		if (head_lower(c) == head_text_at(HEAD_BEARER, h->at)) {
			h->at++;
			if (h->at == 7) {
				h->key_len = 0;
				h->key_from = h->key_to;
			}
		} else {
			h->at = 8;
		}
	}
}

/* Of a length, and of what may be compressed, only as much as who makes the request another has to
 * know; whether the length is one that all readers agree on is content_head.h's to say. */
static __always_inline void head_framing_byte(struct head *h, char c)
{
	if (h->field == HEAD_FIELD_LENGTH) {
		if (c >= '1' && c <= '9')
			h->body = 1;
		else if (c != '0')
			h->odd = 1;
		return;
	}
	if (h->accept_from == h->accept_to)
		h->accept_from = h->read - 1;
	h->accept_to = h->read;
}

static __always_inline void head_line(struct head *h)
{
	h->state = HEAD_NAME;
	h->at = 0;
	h->matches = 1u << HEAD_FIELD_HOST | 1u << HEAD_FIELD_API_KEY |
		     1u << HEAD_FIELD_AUTHORIZATION | 1u << HEAD_FIELD_LENGTH |
		     1u << HEAD_FIELD_TRANSFER | 1u << HEAD_FIELD_ACCEPT;
}

static __always_inline void head_name(struct head *h, char c)
{
	char low = head_lower(c);

	if (c == '\r' && h->at == 0)
		return;
	if (c == '\n') {
		/* the empty line ends it; a line without a colon is no field */
		h->state = h->at == 0 ? HEAD_DONE : HEAD_BAD;
		return;
	}
	/* a folded line would add to the one before */
	if (h->at == 0 && (c == ' ' || c == '\t')) {
		h->state = HEAD_BAD;
		return;
	}
	for (int f = HEAD_FIELD_HOST; f <= HEAD_FIELD_ACCEPT; f++)
		if ((h->matches & (1u << f)) && head_letter(f, h->at) != low)
			h->matches &= ~(1u << f);
	h->at++;
	if (c != ':')
		return;
	h->at = 0;
	h->field = HEAD_FIELD_NONE;
	for (int f = HEAD_FIELD_HOST; f <= HEAD_FIELD_ACCEPT; f++)
		if (h->matches & (1u << f))
			h->field = f;
	h->state = h->field ? HEAD_VALUE : HEAD_SKIP;
	if (h->field == HEAD_FIELD_HOST) {
		h->hosts++;
		if (h->hosts > 1)
			h->state = HEAD_BAD;
		/* CONNECT names its host in the target; the field repeats it */
		else if (h->connect)
			h->state = HEAD_SKIP;
	} else if (h->field == HEAD_FIELD_LENGTH) {
		h->odd |= h->lengths;
		h->lengths = 1;
	} else if (h->field == HEAD_FIELD_TRANSFER) {
		h->odd = 1;
		h->state = HEAD_SKIP;
	} else if (h->field == HEAD_FIELD_ACCEPT) {
		/* of two the first would be left to ask for an answer that nobody can overwrite */
		if (h->accept_from != h->accept_to)
			h->odd = 1;
		h->accept_from = h->accept_to = 0;
	} else if (h->field) {
		h->credentials++;
		if (h->credentials > 1)
			h->state = HEAD_BAD;
	}
}

static __always_inline void head_value(struct head *h, char c)
{
	if (c == '\r')
		return;
	if (c == '\n') {
		head_line(h);
		return;
	}
	if (c == ' ' || c == '\t') {
		/* before the value, or after it; inside of one only a scheme has a space */
		if ((h->field != HEAD_FIELD_API_KEY && h->field != HEAD_FIELD_AUTHORIZATION) ||
		    h->key_len == 0)
			return;
	}
	if (h->field == HEAD_FIELD_HOST)
		head_host_byte(h, c);
	else if (h->field >= HEAD_FIELD_LENGTH)
		head_framing_byte(h, c);
	else
		head_key_byte(h, c);
}

static __always_inline void head_target(struct head *h, char c)
{
	if (c == ' ') {
		h->state = h->at ? HEAD_VERSION : HEAD_BAD;
		return;
	}
	/* HTTP/0.9 has no Host, and no target has a control character */
	if (c >= 0 && c < ' ') {
		h->state = HEAD_BAD;
		return;
	}
	/* a whole URL (RFC 9112, 3.2.2) names a host of its own beside the field; which of the two
	 * a server goes by is the server's */
	if (!h->connect && h->at == 0 && c != '/' && c != '*') {
		h->state = HEAD_BAD;
		return;
	}
	h->at = 1;
	if (h->connect)
		head_host_byte(h, c);
}

/* Takes the next byte. The head is whole when state is HEAD_DONE. */
static __always_inline void head_step(struct head *h, char c)
{
	h->read++;
	if (h->cr && c != '\n') {
		h->state = HEAD_BAD;
		return;
	}
	h->cr = c == '\r';
	switch (h->state) {
	case HEAD_METHOD:
		if (c == ' ') {
			h->connect = h->at == 7 && h->connect;
			h->state = h->at ? HEAD_TARGET : HEAD_BAD;
			h->at = 0;
		} else if (c < 'A' || c > 'Z' || h->at >= HEAD_METHOD_MAX) {
			h->state = HEAD_BAD;
		} else {
			if (h->at == 0)
				h->connect = 1;
			if (h->at >= 7 || c != head_text_at(HEAD_CONNECT, h->at))
				h->connect = 0;
			h->at++;
		}
		break;
	case HEAD_TARGET:
		head_target(h, c);
		break;
	case HEAD_VERSION:
	case HEAD_SKIP:
		if (c == '\n')
			head_line(h);
		break;
	case HEAD_NAME:
		head_name(h, c);
		break;
	case HEAD_VALUE:
		head_value(h, c);
		break;
	default:
		break;
	}
}

/* A method and a space begin a head; anything else is a body, or another protocol. */
static __always_inline int head_begins(const char b[HEAD_METHOD_MAX + 1])
{
	for (int i = 0; i <= HEAD_METHOD_MAX; i++) {
		if (b[i] == ' ')
			return i >= 3;
		if (b[i] < 'A' || b[i] > 'Z')
			return 0;
	}
	return 0;
}

/* The preface of HTTP/2 (RFC 9113, 3.4). Its names are compressed and are not read here. */
static __always_inline int head_is_http2(const char b[HEAD_METHOD_MAX + 1])
{
	for (int i = 0; i <= HEAD_METHOD_MAX; i++)
		if (b[i] != head_text_at(HEAD_HTTP2, i))
			return 0;
	return 1;
}

#endif
