// SPDX-License-Identifier: Apache-2.0
/* What the kernel reads of a request's head, and the digest of a key, as plain C. */
#include "harness.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdint.h>
#include <string.h>

#include "bpf/head.h"
#include "bpf/siphash.h"

static void read_head(struct head *h, const char *text, size_t len)
{
	memset(h, 0, sizeof(*h));
	for (size_t i = 0; i < len && h->state < HEAD_DONE; i++)
		head_step(h, text[i]);
}

static void heads(void **state)
{
	static const struct {
		const char *text;
		uint32_t state;
		const char *host, *key;
	} rows[] = {
		{"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", HEAD_DONE, "a.example", ""},
		{"POST /v1/messages?beta=true HTTP/1.1\r\nx-api-key: sk-ant-1\r\n"
		 "HOST:API.Anthropic.COM:443\r\nAccept: */*\r\n\r\n{\"host\":1}",
		 HEAD_DONE, "api.anthropic.com", "sk-ant-1"},
		{"GET / HTTP/1.1\r\nAuthorization: Bearer sk-ant-oat\r\nHost: a\r\n\r\n", HEAD_DONE,
		 "a", "sk-ant-oat"},
		{"GET / HTTP/1.1\r\nauthorization: bEARER  t \r\nHost: a\r\n\r\n", HEAD_DONE, "a",
		 "t "},
		{"GET / HTTP/1.1\r\nauthorization: Basic dTpw\r\nHost: a\r\n\r\n", HEAD_DONE, "a",
		 "Basic dTpw"},
		{"GET / HTTP/1.1\nHost: a.example \n\n", HEAD_DONE, "a.example", ""},
		{"CONNECT b.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", HEAD_DONE,
		 "b.example", ""},
		{"CONNECTS /x HTTP/1.1\r\nHost: a.example\r\n\r\n", HEAD_DONE, "a.example", ""},
		{"OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", HEAD_DONE, "a.example", ""},
		/* names that begin or end like the ones that matter */
		{"GET / HTTP/1.1\r\nX-Host: b\r\nHosts: c\r\nHost: a\r\nX-Api-Keys: no\r\n\r\n",
		 HEAD_DONE, "a", ""},
		/* no host: nothing is confirmed */
		{"GET / HTTP/1.0\r\n\r\n", HEAD_DONE, "", ""},
		{"GET / HTTP/1.1\r\nHost:\r\n\r\n", HEAD_DONE, "", ""},
		/* what another server may read otherwise */
		{"GET http://b.example/ HTTP/1.1\r\nHost: a\r\n\r\n", HEAD_BAD, NULL, NULL},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", HEAD_BAD, NULL, NULL},
		{"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", HEAD_BAD, NULL, NULL},
		{"GET / HTTP/1.1\r\n Host: a\r\n\r\n", HEAD_BAD, NULL, NULL},
		{"GET / HTTP/1.1\r\nHost a\r\n\r\n", HEAD_BAD, NULL, NULL},
		{"GET / HTTP/1.1\r\nx-api-key: a\r\nauthorization: b\r\n\r\n", HEAD_BAD, NULL,
		 NULL},
		{"GET /\r\nHost: a\r\n\r\n", HEAD_BAD, NULL, NULL},
		{"GET / HTTP/1.1\r\n\rHost: a\r\n\r\n", HEAD_BAD, NULL, NULL},
		{"GET / HTTP/1.1\r\nHost: a\rHost: b\r\n\r\n", HEAD_BAD, NULL, NULL},
		{" / HTTP/1.1\r\nHost: a\r\n\r\n", HEAD_BAD, NULL, NULL},
		/* not whole */
		{"GET / HTTP/1.1\r\nHost: a.example", HEAD_VALUE, NULL, NULL},
		{"GET / HTTP/1.1\r\nHost: a.example\r\n", HEAD_NAME, NULL, NULL},
	};
	struct head h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		read_head(&h, rows[i].text, strlen(rows[i].text));
		assert_int_equal(h.state, rows[i].state);
		if (!rows[i].host)
			continue;
		assert_int_equal(h.host_len, strlen(rows[i].host));
		assert_memory_equal(h.host, rows[i].host, h.host_len);
		assert_int_equal(h.key_len, strlen(rows[i].key));
		assert_memory_equal(h.key, rows[i].key, h.key_len);
	}
}

static void long_parts(void **state)
{
	char text[4096] = "GET / HTTP/1.1\r\nHost: ";
	struct head h;
	size_t n = strlen(text);

	(void)state;
	/* 253 bytes are a name's most; a longer one is refused, not cut */
	memset(text + n, 'a', 253);
	memcpy(text + n + 253, "\r\n\r\n", 4);
	read_head(&h, text, n + 257);
	assert_int_equal(h.state, HEAD_DONE);
	assert_int_equal(h.host_len, 253);
	memset(text + n, 'a', 254);
	memcpy(text + n + 254, "\r\n\r\n", 4);
	read_head(&h, text, n + 258);
	assert_int_equal(h.state, HEAD_BAD);
	/* a key that is longer than its place stays inside of it */
	n = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nx-api-key: ");
	memset(text + n, 'k', 2000);
	memcpy(text + n + 2000, "\r\n\r\n", 4);
	read_head(&h, text, n + 2004);
	assert_int_equal(h.state, HEAD_DONE);
	assert_int_equal(h.key_len, HEAD_KEY - 1);
}

/* Where the parts lie that a request loses which is refused: all of each, and nothing else. */
static void places(void **state)
{
	static const struct {
		const char
			*text; /* <key> and [what it accepts] as marked, the body after the head */
		uint32_t body, odd;
	} rows[] = {
		{"POST /v1/messages HTTP/1.1\r\nx-api-key: <sk-ant-1>\r\nHost: a\r\n"
		 "Accept-Encoding: [gzip, deflate, br]\r\nContent-Length: 120\r\n\r\n{\"a\"",
		 1, 0},
		{"POST / HTTP/1.1\r\nauthorization: Bearer <t>\r\ncontent-length:\t03 \r\n\r\nabc",
		 1, 0},
		{"POST / HTTP/1.1\r\nauthorization: bEARER  <t >\r\n\r\n", 0, 0},
		{"POST / HTTP/1.1\r\nauthorization: <Basic dTpw>\r\nContent-Length: 0\r\n\r\n", 0,
		 0},
		{"POST / HTTP/1.1\nAuthorization: Bearer \nACCEPT-ENCODING:[br]\n\n", 0, 0},
		/* a body whose end is written otherwise, or twice */
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 1},
		{"POST / HTTP/1.1\r\ntransfer-encoding:x\r\nContent-Length: 5\r\n\r\n", 1, 1},
		{"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 1, 1},
		{"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n", 1, 1},
		{"POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n", 1, 1},
		{"POST / HTTP/1.1\r\nAccept-Encoding: gzip\r\nAccept-Encoding: [br]\r\n\r\n", 0, 1},
		/* names that begin or end like these */
		{"POST / HTTP/1.1\r\nX-Content-Length: 5\r\nContent-Lengths: 5\r\n"
		 "Transfer-Encodings: x\r\nTransfer-Encodin: x\r\nAccept-Encoding2: x\r\n\r\n",
		 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = 0, key[2] = {0}, accept[2] = {0}, head;
		char text[512];
		struct head h;

		for (const char *c = rows[i].text; *c; c++) {
			if (*c == '<' || *c == '>')
				key[*c == '>'] = n;
			else if (*c == '[' || *c == ']')
				accept[*c == ']'] = n;
			else
				text[n++] = *c;
		}
		text[n] = 0;
		head = (size_t)(strstr(text, strchr(text, '\r') ? "\r\n\r\n" : "\n\n") - text) +
		       (strchr(text, '\r') ? 4 : 2);
		read_head(&h, text, n);
		assert_int_equal(h.state, HEAD_DONE);
		assert_int_equal(h.read, head);
		assert_int_equal(h.key_to - h.key_from, key[1] - key[0]);
		if (key[1])
			assert_int_equal(h.key_from, key[0]);
		assert_int_equal(h.accept_to - h.accept_from, accept[1] - accept[0]);
		if (accept[1])
			assert_int_equal(h.accept_from, accept[0]);
		assert_int_equal(h.body, rows[i].body);
		assert_int_equal(h.odd != 0, rows[i].odd);
	}
}

static void beginnings(void **state)
{
	static const struct {
		const char *text;
		int begins, http2;
	} rows[] = {
		{"GET / HTTP/1.1\r\n", 1, 0},	 {"PROPPATCH / HTTP", 1, 0},
		{"PRI * HTTP/2.0\r\n", 1, 1},	 {"get / HTTP/1.1\r\n", 0, 0},
		{"AB / HTTP/1.1\r\n\r\n", 0, 0}, {"{\"model\":\"claude\"", 0, 0},
		{"AAAAAAAAAAAAAAAAA", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(head_begins(rows[i].text), rows[i].begins);
		assert_int_equal(head_is_http2(rows[i].text), rows[i].http2);
	}
}

/* OpenSSL's SipHash, at 16 bytes, is the other opinion. */
static void siphash_oracle(const uint8_t key[16], const char *text, size_t len, uint8_t ret[16])
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	unsigned int size = 16;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size),
			       OSSL_PARAM_construct_end()};
	size_t n = 0;

	assert_int_equal(EVP_MAC_init(ctx, key, 16, params), 1);
	assert_int_equal(EVP_MAC_update(ctx, (const uint8_t *)text, len), 1);
	assert_int_equal(EVP_MAC_final(ctx, ret, &n, 16), 1);
	assert_int_equal(n, 16);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
}

static void digests(void **state)
{
	uint8_t raw[16], want[16];
	__u64 key[2], got[2], word;
	char text[80];

	(void)state;
	for (int i = 0; i < 16; i++)
		raw[i] = (uint8_t)(7 * i + 3);
	memcpy(key, raw, sizeof(key));
	for (size_t len = 0; len < sizeof(text); len++) {
		struct siphash s;

		for (size_t i = 0; i < len; i++)
			text[i] = (char)(i * 31 + len);
		siphash_begin(&s, key);
		for (size_t i = 0; i < len / 8; i++) {
			memcpy(&word, text + 8 * i, 8);
			siphash_word(&s, word);
		}
		word = 0;
		memcpy(&word, text + (len & ~7u), len & 7);
		siphash_end(&s, word, len, got);
		siphash_oracle(raw, text, len, want);
		assert_memory_equal(got, want, 16);
	}
}

UNIT_MAIN(unit(heads), unit(long_parts), unit(places), unit(beginnings), unit(digests))
