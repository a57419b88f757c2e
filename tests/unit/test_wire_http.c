// SPDX-License-Identifier: Apache-2.0
/* Framing: where heads, bodies and messages end, which response answers which request, and what
 * happens when that cannot be told. */
#include "test_wire.h"

#define GET(target)	     "GET " target " HTTP/1.1\r\nHost: h\r\n\r\n"
#define GOT(n, target)	     "exchange #" n " method=GET target=" target " host=h\n"
#define BODY(n, text, bytes) "body #" n " received text=" text " bytes=" bytes "\n"
#define DONE(n)		     "response #" n " status=200 in=0 out=0\n"

static void test_lengths(void **state)
{
	static const struct {
		const char *name, *response, *want;
	} table[] = {
		{"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		 BODY("1", "hello", "5")},
		{"length, twice the same",
		 "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello",
		 BODY("1", "hello", "5")},
		{"length 0", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
		{"no reason phrase", "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx",
		 BODY("1", "x", "1")},
		{"bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
		 BODY("1", "hello", "5")},
		{"folded header",
		 "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length:\r\n\t5\r\n\r\nhello",
		 BODY("1", "hello", "5")},
		{"lower case, blanks", "HTTP/1.1 200 OK\r\ncontent-length \t:  5 \t\r\n\r\nhello",
		 BODY("1", "hello", "5")},
		{"empty lines first", "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		 BODY("1", "hello", "5")},
		{"chunks",
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
		 BODY("1", "hello", "5")},
		{"chunks, extensions and trailers",
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n03;a=\"b;c\"\r\nhel\r\n2 ; "
		 "x\r\nlo\r\n"
		 "000;last\r\nTrailer: x\r\nOther: y\r\n\r\n",
		 BODY("1", "hello", "5")},
		{"chunks, bare line feeds",
		 "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nA\n0123456789\n0\n\n",
		 BODY("1", "0123456789", "10")},
		{"chunks before length", /* the coding wins */
		 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		 BODY("1", "hello", "5")},
		{"interim answers first",
		 "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
		 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		 BODY("1", "hello", "5")},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct script s = {0};
		char want[1024];

		/* the next exchange shows that the end was found */
		sent(&s, GET("/a"));
		received(&s, table[i].response);
		sent(&s, GET("/b"));
		received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!");
		snprintf(want, sizeof(want), "%s%s%s%s%s%s%s", GOT("1", "/a"), table[i].want,
			 DONE("1"), GOT("2", "/b"), BODY("2", "!", "1"), DONE("2"), END);
		script_expect(&s, want);
	}
}

static void test_no_body(void **state)
{
	struct script s = {0};

	sent(&s, "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
	sent(&s, GET("/b"));
	received(&s, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n");
	sent(&s, GET("/c"));
	received(&s, "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n");
	sent(&s, GET("/d"));
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
	script_expect(
		&s,
		"exchange #1 method=HEAD target=/a host=h\n"
		"response #1 status=200 in=0 out=0\n" GOT(
			"2",
			"/b") "response #2 status=204 in=0 out=0\n" GOT("3",
									"/c") "response #3 "
									      "status=304 in=0 "
									      "out=0\n" GOT(
										      "4",
										      "/d") BODY("4",
												 "x",
												 "1")
										      DONE("4")
											      END);
}

static void test_until_close(void **state)
{
	struct script s = {0};

	sent(&s, GET("/a"));
	received(&s, "HTTP/1.0 200 OK\r\n\r\nall of ");
	received(&s, "it");
	script_expect(&s, GOT("1", "/a") "-- end of connection\n" BODY("1", "all of it", "9")
				  DONE("1") "-- end of client\n");
}

static void test_pipelining(void **state)
{
	struct script s = {0};

	sent(&s, GET("/a") GET("/b") "HEAD /c HTTP/1.1\r\nHost: h\r\n\r\n" GET("/d"));
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n"
		     "Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n"
		     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
		     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nd");
	script_expect(
		&s, GOT("1", "/a") GOT("2", "/b") "exchange #3 method=HEAD target=/c host=h\n" GOT(
			    "4", "/d") BODY("1", "a", "1") DONE("1") BODY("2", "b", "1") DONE("2")
			    DONE("3") BODY("4", "d", "1") DONE("4") END);
}

static void test_requests(void **state)
{
	struct script s = {0};

	sent(&s,
	     "POST https://user:secret@proxy.test/v1//%6dessages/?x=1 HTTP/1.1\r\nHost: other\r\n"
	     "authorization: bearer tok\r\nX-CLAUDE-CODE-AGENT-ID: a1\r\nx-client-request-id: "
	     "r1\r\n"
	     "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n");
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	sent(&s, "POST /v1/messages/count_tokens HTTP/1.1\r\nx-api-key: k\r\nAuthorization: Bearer "
		 "tok\r\n"
		 "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	sent(&s, "GET /v1/messages HTTP/1.1\r\n\r\n");
	received(&s, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	script_expect(&s, "exchange #1 method=POST target=https://proxy.test/v1//%6dessages/?x=1 "
			  "host=proxy.test "
			  "agent=a1 request=r1 credential=tok messages\n"
			  "model_call #1 messages=0 new=0\n"
			  "response #1 status=200 in=0 out=0\n"
			  "exchange #2 method=POST target=/v1/messages/count_tokens credential=k\n"
			  "body #2 sent type=application/json text={} bytes=2\n"
			  "response #2 status=200 in=0 out=0\n"
			  "exchange #3 method=GET target=/v1/messages\n"
			  "response #3 status=404 in=0 out=0\n" END);
}

static void test_proxy_tunnel(void **state)
{
	struct script s = {0};

	sent(&s, "CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: api.anthropic.com:443\r\n\r\n");
	received(&s, "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno");
	sent(&s, "CONNECT api.anthropic.com:443 HTTP/1.1\r\nHost: api.anthropic.com:443\r\n"
		 "Proxy-Connection: Keep-Alive\r\n\r\n");
	received(&s, "HTTP/1.1 200 Connection established\r\nContent-Length: 7\r\n\r\n");
	sent(&s, "\x16\x03\x01 hello");
	received(&s, "\x16\x03\x03 POST / HTTP/1.1\r\n\r\n");
	gap(&s, WIRE_SENT, 100);
	sent(&s, "GET / HTTP/1.1\r\n\r\n");
	/* what is told at once of a tunnel depends on the first record; all of it is told */
	script_expect_records(&s, "exchange #1 method=CONNECT target=api.anthropic.com:443 "
				  "host=api.anthropic.com:443 connect\n"
				  "body #1 received text=no bytes=2\n"
				  "response #1 status=407 in=0 out=0\n"
				  "exchange #2 method=CONNECT target=api.anthropic.com:443 "
				  "host=api.anthropic.com:443 connect\n"
				  "response #2 status=200 in=0 out=0\n"
				  "undecodable sent bytes=9 why=another protocol in a tunnel\n"
				  "undecodable received bytes=23 why=another protocol in a tunnel\n"
				  "-- end of connection\n"
				  "undecodable sent bytes=118 why=another protocol in a tunnel\n"
				  "-- end of client\n");
}

static void test_upgrade(void **state)
{
	struct script s = {0};

	sent(&s,
	     "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	received(&s, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi");
	sent(&s, "\x81\x82....!!");
	script_expect_records(
		&s,
		GOT("1", "/ws") "response #1 status=101 in=0 out=0\n"
				"undecodable received bytes=4 why=another protocol in a tunnel\n"
				"undecodable sent bytes=8 why=another protocol in a tunnel\n" END);
}

/* Each of these loses its place; the next record that starts a message finds it again. */
static void test_malformed(void **state)
{
	static const struct {
		const char *request, *why;
	} requests[] = {
		{"GET /a\r\nHost: h\r\n\r\n", "not an HTTP/1 request"},
		{"GET /a HTTP/2.0\r\n\r\n", "not an HTTP/1 request"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2 is not decoded"},
		{"\x16\x03\x01\x02", "not an HTTP/1 request"},
		{"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		 "two lengths that differ"},
		{"POST /a HTTP/1.1\r\nContent-Length: 1, 2\r\n\r\nab",
		 "a Content-Length that is not a number"},
		{"POST /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
		 "a Content-Length that is not a number"},
		{"POST /a HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
		 "a Content-Length that is not a number"},
		{"POST /a HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
		 "a request body without an end"},
		{"GET /a HTTP/1.1\r\nno colon here\r\n\r\n", "a header that is not one"},
		{"GET /a HTTP/1.1\r\nbad name: x\r\n\r\n", "a header that is not one"},
	};
	static const struct {
		const char *response, *why;
	} responses[] = {
		{"HTTP/2 200\r\n\r\n", "not an HTTP/1 response"},
		{"HTTP/1.1 2x0 OK\r\n\r\n", "not an HTTP/1 response"},
		{"HTTP/1.1 99\r\n\r\n", "not an HTTP/1 response"},
		{"<html>", "not an HTTP/1 response"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
		 "two lengths that differ"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		 "a chunk without a size"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
		 "a chunk longer than its size"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
		 "a chunk without a size"},
	};

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct script s = {0};
		char *got;

		sent(&s, requests[i].request);
		sent(&s, GET("/b"));
		received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
		got = script_run(&s, SIZE_MAX, 0);
		assert_non_null(strstr(got, requests[i].why));
		assert_int_equal(count_of(got, "resync sent bytes="), 1);
		assert_non_null(strstr(got, GOT("1", "/b") BODY("1", "x", "1") DONE("1")));
		free(got);
		script_free(&s);
	}
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		struct script s = {0};
		char *got;

		sent(&s, GET("/a"));
		received(&s, responses[i].response);
		received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
		sent(&s, GET("/b"));
		received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny");
		got = script_run(&s, SIZE_MAX, 0);
		assert_non_null(strstr(got, responses[i].why));
		assert_int_equal(count_of(got, "resync received bytes="), 1);
		assert_non_null(strstr(got, GOT("2", "/b") BODY("2", "y", "1") DONE("2")));
		free(got);
		script_free(&s);
	}
}

static void test_head_over_the_limit(void **state)
{
	struct script s = {0};
	struct buffer *b = script_add(&s, WIRE_SENT);
	char *got;

	put(b, "GET /a HTTP/1.1\r\n");
	while (b->len < 70000)
		put(b, "X-Filler: 0123456789012345678901234567890123456789\r\n");
	put(b, "\r\n");
	sent(&s, GET("/b"));
	for (size_t piece = 100; piece < 100000; piece *= 20) {
		got = script_run(&s, piece, 0);
		assert_non_null(strstr(got, "why=a head over the limit\n"));
		assert_non_null(strstr(got, GOT("1", "/b")));
		free(got);
	}
	script_free(&s);
}

static void test_gaps(void **state)
{
	struct script s = {0};

	/* inside a response body, between messages, and inside a request body */
	sent(&s, GET("/a"));
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel");
	gap(&s, WIRE_RECEIVED, 7);
	received(&s, "the rest");
	sent(&s, GET("/b"));
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
	gap(&s, WIRE_SENT, 3);
	ask(&s, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"},");
	script_expect_records(
		&s,
		GOT("1", "/a")
			BODY("1", "hel", "3") "response #1 status=200 in=0 out=0 incomplete\n" GOT(
				"2", "/b") "resync received bytes=15 why=bytes were not "
					   "captured\n" BODY("2", "x", "1") DONE(
						   "2") "resync sent bytes=3 why=bytes were "
							"not captured\n"
							"exchange #3 method=POST "
							"target=/v1/messages?beta=true "
							"host=api.anthropic.com "
							"messages\n" CALL(
								"3", "messages=1 new=1") "message "
											 "#3 sent "
											 "text "
											 "role="
											 "user "
											 "text="
											 "one\n"
											 "undecodab"
											 "le #3 "
											 "sent "
											 "bytes=0 "
											 "why=a "
											 "request "
											 "that is "
											 "not "
											 "whole\n"
											 "-- end "
											 "of "
											 "connectio"
											 "n\n"
											 "response "
											 "#3 "
											 "status=0 "
											 "in=0 "
											 "out=0 "
											 "incomplet"
											 "e\n"
											 "-- end "
											 "of "
											 "client"
											 "\n");
}

static void test_gap_in_a_conversation(void **state)
{
	struct script s = {0};

	ask(&s, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"one\"}]}");
	received(&s, "HTTP/1.1 200 OK\r\n" SSE_HEADER "Content-Length: 900\r\n\r\n"
		     "data: "
		     "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
		     "\"tool_use\","
		     "\"id\":\"t\",\"name\":\"Bash\",\"input\":{}}}\n\n"
		     "data: "
		     "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_"
		     "json_delta\","
		     "\"partial_json\":\"{\\\"a\"}}\n\n");
	gap(&s, WIRE_RECEIVED, 100);
	/* a tool that was not read whole is a message, no tool use */
	script_expect(
		&s,
		ASKED("1") CALL("1",
				"messages=1 new=1") "message #1 sent text role=user text=one\n"
						    "message #1 said tool_use role=assistant id=t "
						    "text={\"a\n"
						    "response #1 status=200 in=0 out=0 incomplete\n"
						    "-- end of connection\n"
						    "undecodable received bytes=100 why=bytes were "
						    "not captured\n"
						    "-- end of client\n");
}

/* The SSL object was used again for another connection: nobody told. */
static void test_object_used_again(void **state)
{
	struct script s = {0};

	/* in the middle of a response */
	ask(&s, "{\"model\":\"m\",\"messages\":[]}");
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<half");
	sent(&s, GET("/b"));
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
	/* before any response */
	ask(&s, "{\"model\":\"m\",\"messages\":[]}");
	sent(&s, GET("/d"));
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny");
	script_expect(
		&s,
		ASKED("1") CALL("1", "messages=0 new=0") BODY(
			"1", "<half",
			"5") "response #1 status=200 in=0 out=0 incomplete\n"
			     "resync received bytes=0 why=a request came before the answer to the "
			     "last one\n" GOT("2", "/b") BODY("2", "x", "1") DONE("2") ASKED("3")
				     CALL("3",
					  "messages=0 new=0") "response #3 status=0 in=0 out=0 "
							      "incomplete\n"
							      "resync received bytes=0 why=a "
							      "request came before the answer to "
							      "the last one\n" GOT("4", "/d")
								      BODY("4", "y", "1") DONE("4")
									      END);
}

static void test_object_used_again_inside_a_request(void **state)
{
	struct script s = {0};

	sent(&s, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nsome");
	sent(&s, GET("/b"));
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
	script_expect_records(&s,
			      "exchange #1 method=POST target=/a host=h\n"
			      "body #1 sent text=some bytes=4\n"
			      "resync sent bytes=0 why=another request began inside the body\n"
			      "response #1 status=0 in=0 out=0 incomplete\n"
			      "resync received bytes=0 why=a request came before the answer to the "
			      "last one\n" GOT("2", "/b") BODY("2", "x", "1") DONE("2") END);
}

/* Attached in the middle: the request was not seen, the answer is read all the same. */
static void test_response_nobody_asked_for(void **state)
{
	struct script s = {0};

	answer_sse(
		&s,
		"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
		"\"text\",\"text\":\"hi\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n");
	script_expect(&s, "message said text role=assistant text=hi\n"
			  "response status=200 in=0 out=0\n" END);
}

static void test_early_answer(void **state)
{
	struct script s = {0};

	/* the server refuses before the request is whole; the rest of the request still comes */
	sent(&s, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nfour");
	received(&s, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
	sent(&s, "more");
	sent(&s, GET("/b"));
	received(&s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	script_expect(&s, "exchange #1 method=POST target=/a host=h\n"
			  "response #1 status=413 in=0 out=0\n"
			  "body #1 sent text=fourmore bytes=8\n" GOT("2", "/b") DONE("2") END);
}

static void test_names(void **state)
{
	for (int i = 0; i < WIRE_KIND_MAX; i++)
		assert_non_null(wire_kind_to_string((enum wire_kind)i));
	for (int i = 0; i < WIRE_BLOCK_MAX; i++)
		assert_non_null(wire_block_to_string((enum wire_block)i));
	assert_null(wire_kind_to_string(WIRE_KIND_MAX));
	assert_null(wire_block_to_string((enum wire_block) - 1));
}

UNIT_MAIN(unit(test_lengths), unit(test_no_body), unit(test_until_close), unit(test_pipelining),
	  unit(test_requests), unit(test_proxy_tunnel), unit(test_upgrade), unit(test_malformed),
	  unit(test_head_over_the_limit), unit(test_gaps), unit(test_gap_in_a_conversation),
	  unit(test_object_used_again), unit(test_object_used_again_inside_a_request),
	  unit(test_response_nobody_asked_for), unit(test_early_answer), unit(test_names))
