// SPDX-License-Identifier: Apache-2.0
/* Where messages, bodies and the values that matter begin and end, and what is not read. */
#include "test_content.h"

#define POST(headers, body) "POST /x HTTP/1.1\r\nHost: a\r\n" headers "\r\n" body
#define OK(headers, body)   "HTTP/1.1 200 OK\r\n" headers "\r\n" body
#define LEN(n)		    "Content-Length: " n "\r\n"
#define CHUNKED		    "Transfer-Encoding: chunked\r\n"
#define JSON		    "Content-Type: application/json\r\n"

static void messages(void **state)
{
	static const struct {
		int response;
		const char *text, *want;
	} rows[] = {
		{0, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "."},
		{0, "\r\n\r\nGET / HTTP/1.1\r\n\r\n", "."},
		{0, "GET / HTTP/1.1\nHost: a\n\n", "."},
		{0, POST(LEN("5"), "hello"), "R hello\n."},
		{0, POST("content-LENGTH:5 \r\n", "hello"), "R hello\n."},
		{0, POST(LEN("5") LEN("5"), "hello"), "R hello\n."},
		{0, POST(LEN("0"), ""), "."},
		{0, POST(LEN("5"), "hel"), "R hel"},
		/* one after the other, without a pause */
		{0, POST(LEN("2"), "ab") POST(LEN("2"), "cd") "HEAD / HTTP/1.1\r\n\r\n",
		 "R ab\n.\nR cd\n.\n."},
		/* a body that looks like a head */
		{0,
		 POST(LEN("37"), "POST /v1/messages HTTP/1.1\r\nA: b\r\n\r\n{") POST(LEN("1"), "z"),
		 "R POST /v1/messages HTTP/1.1\r\nA: b\r\n\r\n{\n.\nR z\n."},
		{0, POST(CHUNKED, "5\r\nhello\r\n0\r\n\r\n") POST(LEN("1"), "z"),
		 "R hello\n.\nR z\n."},
		{0,
		 POST(CHUNKED, "2;a=b\r\nhe\r\n003 ; x=\"y\"\r\nllo\r\n0;z\r\nA: b\r\nC:\r\n\r\n"),
		 "R hello\n."},
		{0, POST("transfer-encoding: , CHUNKED ,\r\n", "A\r\n0123456789\r\n0\r\n\r\n"),
		 "R 0123456789\n."},
		{0, "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n1\na\n0\n\n", "R a\n."},
		/* sizes that are wrong */
		{0, POST(CHUNKED, "4\r\nhello\r\n0\r\n\r\n"), "R hell\n!chunk"},
		{0, POST(CHUNKED, "6\r\nhello\r\n0\r\n\r\n"), "R hello\r\n!chunk"},
		{0, POST(CHUNKED, "\r\nhello\r\n0\r\n\r\n"), "!chunk"},
		{0, POST(CHUNKED, "-5\r\nhello\r\n0\r\n\r\n"), "!chunk"},
		{0, POST(CHUNKED, "0x5\r\nhello\r\n0\r\n\r\n"), "!chunk"},
		{0, POST(CHUNKED, "5\nhello\r\n0\r\n\r\n"), "!chunk"},
		{0, POST(CHUNKED, "5\r\nhello\n0\r\n\r\n"), "R hello\n!chunk"},
		{0, POST(CHUNKED, "5\rxhello\r\n0\r\n\r\n"), "!chunk"},
		{0, POST(CHUNKED, "5;a\nhello\r\n0\r\n\r\n"), "!chunk"},
		{0, POST(CHUNKED, "5\r\nhello\r\r\n0\r\n\r\n"), "R hello\n!chunk"},
		{0, POST(CHUNKED, "0000000000000005\r\nhello\r\n0\r\n\r\n"), "!chunk"},
		{0, POST(CHUNKED, "1\r\na\r\n0\r\nA: b\n\r\n"), "R a\n!chunk"},
		/* what another reader may take otherwise */
		{0, POST(LEN("5") LEN("6"), "hello"), "!head"},
		{0, POST(LEN("5, 5"), "hello"), "!head"},
		{0, POST(LEN("+5"), "hello"), "!head"},
		{0, POST(LEN("5 5"), "hello"), "!head"},
		{0, POST(LEN(""), "hello"), "!head"},
		{0, POST(LEN("9999999999999999999"), "hello"), "!head"},
		{0, POST(LEN("5") CHUNKED, "5\r\nhello\r\n0\r\n\r\n"), "!head"},
		{0, POST(CHUNKED CHUNKED, "0\r\n\r\n"), "!head"},
		{0, POST("Transfer-Encoding: chunked, gzip\r\n", ""), "!head"},
		{0, POST("Transfer-Encoding: gzip\r\n", ""), "!head"},
		{0, POST("Transfer-Encoding: chun ked\r\n", ""), "!head"},
		{0, POST("Transfer-Encoding: xchunked\r\n", ""), "!head"},
		{0, "POST / HTTP/1.0\r\n" CHUNKED "\r\n0\r\n\r\n", "!head"},
		{0, POST("A: b\r\n c\r\n", ""), "!head"},
		{0, POST("A : b\r\n", ""), "!head"},
		{0, POST(": b\r\n", ""), "!head"},
		{0, POST("A\r\n", ""), "!head"},
		{0, POST("A: b\rC: d\r\n", ""), "!head"},
		{0, POST("A: b\nC: d\r\n", ""), "!head"},
		{0, POST("A: \x01\r\n", ""), "!head"},
		{0, "GET / HTTP/1.1\r\n\rA: b\r\n\r\n", "!head"},
		/* no HTTP/1 */
		{0, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "!http2"},
		{0, "GET /\r\n", "!start"},
		{0, "GET  / HTTP/1.1\r\n\r\n", "!head"},
		{0, "GET / x HTTP/1.1\r\n\r\n", "!start"},
		{0, "GET / HTTP/1.2\r\n\r\n", "!start"},
		{0, "\x16\x03\x01\x02", "!start"},
		{0, "{\"text\":\"a\"}", "!start"},
		{0, "HTTP/1.1 200 OK\r\n\r\n", "!start"},
		{1, "GET / HTTP/1.1\r\n\r\n", "!start"},
		{1, "HTTP/1.1 20 OK\r\n\r\n", "!head"},
		{1, "HTTP/1.1 2000 OK\r\n\r\n", "!head"},
		{1, "HTTP/1.1 099 OK\r\n\r\n", "!head"},
		{1, "HTTP/2.0 200 OK\r\n\r\n", "!http2"},
		{1, "ICY 200 OK\r\n\r\n", "!start"},
		/* the bytes behind are another protocol's */
		{0, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
		 ".\n!tunnel"},
		{1, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\nxx", "!tunnel"},
		/* responses */
		{1,
		 OK(LEN("3"), "abc") OK(LEN("0"), "") "HTTP/1.1 304\r\n" LEN("9") "\r\n" OK(
			 JSON LEN("10"), "{\"text\":1}"),
		 ".\n.\n.\n."},
		{1, "HTTP/1.1 100 Continue\r\n\r\n" OK(JSON LEN("14"), "{\"text\":\"abc\"}"),
		 "T abc\n."},
		{1,
		 "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No\r\n" CHUNKED
		 "\r\n" OK(JSON LEN("14"), "{\"text\":\"abc\"}"),
		 ".\nT abc\n."},
		{1, OK(JSON, "{\"text\":\"abc\"}HTTP/1.1 200 OK\r\n\r\n"), "T abc\n?json"},
		{1, OK(JSON, "{\"text\":\"abc\"}"), "T abc"},
		{1, "HTTP/1.0 200 OK\r\n" JSON "\r\n{\"text\":\"abc\"}", "T abc"},
		{1, OK(JSON "Transfer-Encoding: gzip\r\n", "\x1f\x8b{\"text\":\"abc\"}"), "?coded"},
		{1, OK(JSON "Transfer-Encoding: gzip, chunked\r\n", "1\r\na\r\n0\r\n\r\n"),
		 ".coded"},
		{1, OK(JSON "Content-Encoding: gzip\r\n" LEN("2"), "\x1f\x8b") OK(LEN("0"), ""),
		 ".coded\n."},
		{1, OK(JSON "Content-Encoding: identity\r\n" LEN("14"), "{\"text\":\"abc\"}"),
		 "T abc\n."},
		{1, OK(JSON "Content-Encoding: identity, br\r\n" LEN("2"), "xx"), ".coded"},
		{1, OK(JSON "Content-Encoding:\r\n" LEN("14"), "{\"text\":\"abc\"}"), "T abc\n."},
		{1, OK("Content-Type: text/html\r\n" LEN("14"), "{\"text\":\"abc\"}"), "."},
		{1, OK(LEN("14"), "{\"text\":\"abc\"}"), "."},
		{1,
		 OK("Content-Type: Application/JSON ; charset=utf-8\r\n" LEN("14"),
		    "{\"text\":\"abc\"}"),
		 "T abc\n."},
		{1,
		 OK("Content-Type: application/problem+json\r\n" LEN("14"), "{\"text\":\"abc\"}"),
		 "T abc\n."},
		{1,
		 OK("Content-Type: text/html, application/json\r\n" LEN("14"),
		    "{\"text\":\"abc\"}"),
		 "."},
		{1, OK(JSON "Content-Type: text/html\r\n" LEN("14"), "{\"text\":\"abc\"}"),
		 ".type"},
		{0, POST("Content-Type: image/png\r\n" LEN("4"), "\xff\x00\xd8z"), NULL},
		{0, POST(JSON "Content-Encoding: gzip\r\n" LEN("2"), "xx"), ".coded"},
		{0, POST(JSON LEN("5"), "hello"), ".json"},
		{0, POST(JSON LEN("5"), "{\"a\":"), ".json"},
		{0, POST(JSON LEN("2"), "  "), "."},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].want)
			content_expect(rows[i].response, rows[i].text, rows[i].want);
}

/* CR, LF, nothing or a stray byte at every place of the framing: the same text, or lost; never
 * other text. */
static void line_ends_of_chunks(void **state)
{
	static const char good[] = POST(CHUNKED, "2\r\nab\r\n3;x\r\ncde\r\n0\r\nT: u\r\n\r\n");
	static const char *const strays[] = {"\r", "\n", "\r\n", "0", " ", ";"};
	size_t body = (size_t)(strstr(good, "2\r\nab") - good), kept = 0, lost = 0;

	(void)state;
	for (size_t at = body; at < sizeof(good) - 1; at++)
		for (size_t i = 0; i < 7; i++) {
			char text[256];
			struct content_case c = {0, 0, text, 0};
			char *got;

			/* the last: a byte is missing */
			c.len = (size_t)snprintf(text, sizeof(text), "%.*s%s%s", (int)at, good,
						 i < 6 ? strays[i] : "", good + at + (i == 6));
			got = content_read(&c, true, SIZE_MAX, 0);
			if (strstr(got, "!chunk") || !strchr(got, '.')) {
				lost++;
			} else {
				/* a blank or zero where one may be; a byte of the data */
				assert_non_null(strstr(got, "\n."));
				assert_true(strncmp(got, "R ", 2) == 0);
				kept++;
			}
			content_same(&c, got, true, 1, 0);
			free(got);
		}
	assert_true(lost > 150);
	assert_true(kept > 10);
}

static void answers_to_head(void **state)
{
	static const char text[] = OK(JSON LEN("14"), "") OK(JSON LEN("14"), "{\"text\":\"abc\"}");
	static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n" OK(JSON CHUNKED, "")
		OK(JSON LEN("14"), "{\"text\":\"abc\"}");
	static const char tunnel[] = OK("", "SSH-2.0\r\n");
	static const char refused[] = "HTTP/1.1 403 No\r\n" LEN("0") "\r\n" OK(LEN("0"), "");

	(void)state;
	content_expect_bytes(&(struct content_case){1, CONTENT_METHOD_HEAD, text, sizeof(text) - 1},
			     ".\nT abc\n.");
	content_expect_bytes(
		&(struct content_case){1, CONTENT_METHOD_HEAD, interim, sizeof(interim) - 1},
		".\nT abc\n.");
	content_expect_bytes(
		&(struct content_case){1, CONTENT_METHOD_CONNECT, tunnel, sizeof(tunnel) - 1},
		"!tunnel");
	content_expect_bytes(
		&(struct content_case){1, CONTENT_METHOD_CONNECT, refused, sizeof(refused) - 1},
		".\n.");
}

/* What is known when the head of a request ended. */
static void requests(void **state)
{
	static const struct {
		const char *line;
		uint8_t method, path;
	} rows[] = {
		{"POST /v1/messages", CONTENT_METHOD_POST, CONTENT_PATH_MESSAGES},
		{"POST /v1/messages?beta=true", CONTENT_METHOD_POST, CONTENT_PATH_MESSAGES},
		{"POST /proxy/v1/v1/messages#a", CONTENT_METHOD_POST, CONTENT_PATH_MESSAGES},
		{"POST http://a/v1/messages", CONTENT_METHOD_POST, CONTENT_PATH_MESSAGES},
		{"POST /v1/messages/count_tokens", CONTENT_METHOD_POST, CONTENT_PATH_BELOW},
		{"POST /v1/messages/", CONTENT_METHOD_POST, CONTENT_PATH_BELOW},
		{"POST /x?y=/v1/messages", CONTENT_METHOD_POST, CONTENT_PATH_OTHER},
		{"POST /x#/v1/messages", CONTENT_METHOD_POST, CONTENT_PATH_OTHER},
		{"POST /x?y=/v1/messages/z", CONTENT_METHOD_POST, CONTENT_PATH_OTHER},
		{"POST /av1/messages", CONTENT_METHOD_POST, CONTENT_PATH_OTHER},
		{"POST /v1/messages2", CONTENT_METHOD_POST, CONTENT_PATH_OTHER},
		{"POST /V1/messages", CONTENT_METHOD_POST, CONTENT_PATH_OTHER},
		{"POST v1/messages", CONTENT_METHOD_POST, CONTENT_PATH_OTHER},
		{"GET /", CONTENT_METHOD_GET, CONTENT_PATH_OTHER},
		{"HEAD /api/hello", CONTENT_METHOD_HEAD, CONTENT_PATH_OTHER},
		{"get /", CONTENT_METHOD_OTHER, CONTENT_PATH_OTHER},
		{"PROPFIND-XYZ *", CONTENT_METHOD_OTHER, CONTENT_PATH_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct content_state s = {0};
		struct content_out out = {0};
		char text[256];
		int len = snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a\r\n\r\n",
				   rows[i].line);

		for (int at = 0; at < len; at++) {
			assert_int_equal(out.flags, 0);
			content_step(&s, (uint8_t)text[at], &out);
		}
		assert_int_equal(out.flags, CONTENT_HEAD_ENDS | CONTENT_ENDS);
		assert_int_equal(s.lost, 0);
		assert_int_equal(s.method, rows[i].method);
		assert_int_equal(s.path, rows[i].path);
	}
}

/* The places of Accept-Encoding's value and of a body, as signs below the bytes. */
static void places(void **state)
{
	static const struct {
		int response;
		const char *text, *signs;
		uint16_t status;
	} rows[] = {
		{0, "GET / HTTP/1.1\nAccept-Encoding: gzip, br \nA: b\n\n",
		 "                                (aaaaaaaa)     $", 0},
		{0, "GET / HTTP/1.1\nACCEPT-ENCODING:br\nX-Accept-Encoding: br\n\n",
		 "                               (a)                      $", 0},
		{0, "GET / HTTP/1.1\nAccept-Encoding:  \nAccept: */*\n\n",
		 "                                              $", 0},
		{1, "HTTP/1.1 200 OK\nAccept-Encoding: gzip\nContent-Length: 3\n\nabc",
		 "                                                        $<b.", 200},
		{1, "HTTP/1.1 529\nTransfer-Encoding: chunked\n\n2\nab\n2\nde\n0\n\n",
		 "                                        $  <b   bb   .", 529},
		{1, "HTTP/1.1 100 C\n\nHTTP/1.1 404 N\n\nab", "               $               $<b",
		 404},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct content_state s;
		struct content_out out;
		char signs[256] = "";

		content_begin(&s, rows[i].response);
		for (size_t at = 0; at < strlen(rows[i].text); at++) {
			content_step(&s, (uint8_t)rows[i].text[at], &out);
			signs[at] = out.flags & CONTENT_ACCEPT_BEGINS ? '('
				    : out.flags & CONTENT_ACCEPT_ENDS ? ')'
				    : out.flags & CONTENT_ACCEPT      ? 'a'
				    : out.flags & CONTENT_HEAD_ENDS   ? '$'
				    : out.flags & CONTENT_BODY_BEGINS ? '<'
				    : out.flags & CONTENT_ENDS	      ? '.'
				    : out.flags & CONTENT_BODY	      ? 'b'
								      : ' ';
			signs[at + 1] = 0;
		}
		assert_string_equal(signs, rows[i].signs);
		assert_int_equal(s.status, rows[i].status);
		assert_int_equal(s.lost, 0);
	}
}

/* The target of a request is text, as it is read by who serves it. */
static void targets(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"GET / HTTP/1.1\r\n\r\n", "R /\n."},
		{"GET /a/123-45-6789?b=c+d HTTP/1.1\r\n\r\n", "R /a/123-45-6789?b=c d\n."},
		{"GET /a+b?n=123%2D45-67%38%39&x HTTP/1.1\r\n\r\n", "R /a+b?n=123-45-6789&x\n."},
		{"GET /%zz%4 HTTP/1.1\r\n\r\n", "R /zz\n."},
		{"GET /%e4%41 HTTP/1.1\r\n\r\n", "R /\xff\x41\n."},
		/* what stands on the two sides of a head does not touch, nor two requests */
		{"POST /x HTTP/1.1\r\n" LEN("5") "\r\nhelloGET /y HTTP/1.1\r\n\r\n",
		 "R /x\nR hello\n.\nR /y\n."},
		{"GET /x?a=%4 HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\n\r\n", "R /x?a=\n.\nR /1\n."},
	};

	(void)state;
	content_targets = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		content_expect(0, rows[i].text, rows[i].want);
	content_targets = false;
}

/* After the loss nothing is text, whatever comes. */
static void lost_is_lost(void **state)
{
	struct content_state s = {0};

	(void)state;
	content_tunnel(&s);
	content_expect(0, POST(LEN("1") LEN("2"), "a") POST(LEN("5"), "hello"), "!head");
	for (size_t i = 0; i < 1000; i++) {
		struct content_out out;
		uint8_t kind = 9;

		content_step(&s, (uint8_t)i, &out);
		assert_int_equal(out.n + out.kind + out.flags, 0);
		assert_int_equal(content_run(&s, &kind), 0);
	}
	assert_int_equal(s.lost, CONTENT_LOST_TUNNEL);
}

UNIT_MAIN(unit(messages), unit(line_ends_of_chunks), unit(answers_to_head), unit(requests),
	  unit(places), unit(targets), unit(lost_is_lost))
