// SPDX-License-Identifier: Apache-2.0
/* Content codings: each alone and in chains, cut anywhere, broken, and growing without end. */
#include "test_wire.h"

#include <zlib.h>
#include <zstd.h>

#define ASK_BODY "{\"model\":\"m\",\"messages\":[]}"

static struct buffer load(const char *path)
{
	struct buffer b = {0};
	FILE *f = fopen(path, "rb");
	char piece[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		assert_int_equal(buffer_append(&b, piece, n, TEXT_MAX), 0);
	fclose(f);
	return b;
}

/* window bits: 31 gzip, 15 zlib, -15 raw deflate */
static struct buffer deflated(const void *bytes, size_t len, int bits)
{
	struct buffer out = {0};
	z_stream z = {0};
	Bytef piece[4096];
	int r;

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)bytes;
	z.avail_in = (uInt)len;
	do {
		z.next_out = piece;
		z.avail_out = sizeof(piece);
		r = deflate(&z, Z_FINISH);
		assert_int_equal(buffer_append(&out, piece, sizeof(piece) - z.avail_out, TEXT_MAX),
				 0);
	} while (r == Z_OK);
	assert_int_equal(r, Z_STREAM_END);
	deflateEnd(&z);
	return out;
}

static struct buffer zstd(const void *bytes, size_t len)
{
	size_t bound = ZSTD_compressBound(len), n;
	struct buffer out = {0};
	void *space = malloc(bound);

	assert_non_null(space);
	n = ZSTD_compress(space, bound, bytes, len, 3);
	assert_false(ZSTD_isError(n));
	assert_int_equal(buffer_append(&out, space, n, TEXT_MAX), 0);
	free(space);
	return out;
}

static struct buffer encoded(const char *coding, const struct buffer *in)
{
	struct buffer once, twice;

	if (strcmp(coding, "gzip") == 0 || strcmp(coding, "x-gzip") == 0)
		return deflated(in->data, in->len, 31);
	if (strcmp(coding, "deflate") == 0)
		return deflated(in->data, in->len, 15);
	if (strcmp(coding, "raw deflate") == 0)
		return deflated(in->data, in->len, -15);
	if (strcmp(coding, "zstd") == 0)
		return zstd(in->data, in->len);
	if (strcmp(coding, "two gzip members") == 0) {
		once = deflated(in->data, 1000, 31);
		twice = deflated(in->data + 1000, in->len - 1000, 31);
		assert_int_equal(buffer_append(&once, twice.data, twice.len, TEXT_MAX), 0);
		buffer_free(&twice);
		return once;
	}
	if (strcmp(coding, "two zstd frames") == 0) {
		once = zstd(in->data, 1000);
		twice = zstd(in->data + 1000, in->len - 1000);
		assert_int_equal(buffer_append(&once, twice.data, twice.len, TEXT_MAX), 0);
		buffer_free(&twice);
		return once;
	}
	assert_string_equal(coding, "deflate, gzip");
	once = deflated(in->data, in->len, 15);
	twice = deflated(once.data, once.len, 31);
	buffer_free(&once);
	return twice;
}

static char *response_of(const char *headers, const struct buffer *body, size_t piece)
{
	struct script s = {0};
	char *got;

	ask(&s, ASK_BODY);
	answer_chunked(&s, headers, body->data, body->len, 50);
	got = script_run(&s, piece, 0);
	script_free(&s);
	return got;
}

static void test_codings(void **state)
{
	static const struct {
		const char *coding, *headers;
	} table[] = {
		{"gzip", "Content-Encoding: gzip\r\n"},
		{"x-gzip", "content-encoding: X-GZIP\r\n"},
		{"deflate", "Content-Encoding: deflate\r\n"},
		{"raw deflate", "Content-Encoding: deflate\r\n"},
		{"zstd", "Content-Encoding: zstd\r\n"},
		{"two gzip members", "Content-Encoding: gzip\r\n"},
		{"two zstd frames", "Content-Encoding: zstd\r\n"},
		{"deflate, gzip", "Content-Encoding: deflate, gzip\r\n"},
		{"deflate, gzip",
		 "Content-Encoding: deflate\r\nContent-Encoding: identity, gzip\r\n"},
	};
	struct buffer plain = load("tests/fixtures/wire/response.sse");
	struct buffer br = load("tests/fixtures/wire/response.sse.br");
	char *want = response_of("", &plain, SIZE_MAX);

	assert_non_null(strstr(want, "word 0 word 1 "));
	assert_int_equal(count_of(want, "undecodable"), 0);
	for (size_t i = 0; i <= sizeof(table) / sizeof(table[0]); i++) {
		bool last = i == sizeof(table) / sizeof(table[0]);
		struct buffer body = last ? br : encoded(table[i].coding, &plain);

		for (size_t piece = 1; piece < 40; piece += 2) {
			char *got = response_of(
				last ? "Content-Encoding: br\r\n" : table[i].headers, &body, piece);

			assert_string_equal(got, want);
			free(got);
		}
		buffer_free(&body);
	}
	buffer_free(&plain);
	free(want);
}

static void test_compressed_request(void **state)
{
	static const char text[] =
		"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"packed\"}]}";
	const struct buffer plain = {(uint8_t *)text, strlen(text), 0};
	struct buffer body = encoded("gzip", &plain), *b;
	struct script s = {0};

	b = script_add(&s, WIRE_SENT);
	assert_int_equal(buffer_printf(b, TEXT_MAX,
				       "POST /v1/messages HTTP/1.1\r\nContent-Encoding: gzip\r\n"
				       "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
				       body.len),
			 0);
	assert_int_equal(buffer_append(b, body.data, body.len, TEXT_MAX), 0);
	put(b, "\r\n0\r\n\r\n");
	buffer_free(&body);
	script_expect(&s, "exchange #1 method=POST target=/v1/messages messages\n"
			  "model_call #1 model=m messages=1 new=1\n"
			  "message #1 sent text role=user text=packed\n"
			  "-- end of connection\nresponse #1 status=0 in=0 out=0 incomplete\n"
			  "-- end of client\n");
}

/* An event is out as soon as its bytes are, not when the body ends. */
static void test_compressed_stream_is_not_held_back(void **state)
{
	static const char use[] = "data: "
				  "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
				  "{\"type\":\"tool_use\","
				  "\"id\":\"t\",\"name\":\"Bash\",\"input\":{}}}\n\n"
				  "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
	struct buffer out = {0}, response = {0};
	struct wire_client *client;
	struct wire_conn *conn;
	struct script s = {0};
	Bytef packed[1024];
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)use;
	z.avail_in = sizeof(use) - 1;
	z.next_out = packed;
	z.avail_out = sizeof(packed);
	assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
	ask(&s, ASK_BODY);
	assert_int_equal(
		buffer_printf(&response, TEXT_MAX,
			      "HTTP/1.1 200 OK\r\n" SSE_HEADER
			      "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n",
			      sizeof(packed) - z.avail_out),
		0);
	assert_int_equal(buffer_append(&response, packed, sizeof(packed) - z.avail_out, TEXT_MAX),
			 0);
	assert_int_equal(wire_client_new(NULL, record, &out, &client), 0);
	assert_int_equal(wire_conn_new(client, &conn), 0);
	assert_int_equal(wire_feed(conn, WIRE_SENT, 1, s.steps[0].bytes.data, s.steps[0].bytes.len),
			 0);
	assert_int_equal(wire_feed(conn, WIRE_RECEIVED, 2, response.data, response.len), 0);
	assert_int_equal(
		count_of((const char *)out.data, "\ntool_use #1 id=t name=Bash input={}\n"), 1);
	wire_conn_free(conn);
	wire_client_free(client);
	deflateEnd(&z);
	buffer_free(&out);
	buffer_free(&response);
	script_free(&s);
}

static void test_broken_codings(void **state)
{
	struct buffer plain = load("tests/fixtures/wire/response.sse");
	struct buffer gzip = encoded("gzip", &plain), frame = encoded("zstd", &plain);
	struct buffer br = load("tests/fixtures/wire/response.sse.br");
	struct buffer cut = {gzip.data, gzip.len - 10, 0}, more = {0};
	const struct {
		const char *headers;
		const struct buffer *body;
		const char *why;
	} table[] = {
		{"Content-Encoding: gzip\r\n", &plain, "broken gzip or deflate data"},
		{"Content-Encoding: deflate\r\n", &plain, "broken gzip or deflate data"},
		{"Content-Encoding: zstd\r\n", &gzip, "broken zstd data"},
		{"Content-Encoding: br\r\n", &frame, "broken brotli data"},
		{"Content-Encoding: gzip\r\n", &cut, "compressed data without its end"},
		{"Content-Encoding: br\r\n", &more, "bytes behind the end of the coding"},
		{"Content-Encoding: compress\r\n", &gzip, "a content coding that is not known"},
		{"Content-Encoding: gzip,gzip,gzip,gzip,gzip\r\n", &gzip,
		 "a content coding that is not known"},
		{"Content-Encoding: gzip, br\r\n", &gzip, "broken brotli data"},
	};

	assert_int_equal(buffer_append(&more, br.data, br.len, TEXT_MAX), 0);
	put(&more, "more");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (size_t piece = 1; piece < 5000; piece = piece * 7 + 1) {
			char *got = response_of(table[i].headers, table[i].body, piece);

			assert_int_equal(count_of(got, table[i].why), 1);
			assert_int_equal(count_of(got, "\nresponse #1 status=200"), 1);
			free(got);
		}
	}
	buffer_free(&plain);
	buffer_free(&gzip);
	buffer_free(&frame);
	buffer_free(&br);
	buffer_free(&more);
}

/* Eight megabytes out of a few bytes: stopped at a little over one, and said. */
static void test_bombs(void **state)
{
	struct buffer zeros = {calloc(1, 8000000), 8000000, 0};
	struct buffer bodies[] = {encoded("gzip", &zeros), encoded("zstd", &zeros),
				  load("tests/fixtures/wire/zeros.br")};
	static const char *const headers[] = {"Content-Encoding: gzip\r\n",
					      "Content-Encoding: zstd\r\n",
					      "Content-Encoding: br\r\n"};

	for (size_t i = 0; i < 3; i++) {
		char *got = response_of(headers[i], &bodies[i], 1000);

		assert_non_null(strstr(got, "why=a body that grows over the ratio\n"));
		assert_int_equal(count_of(got, "\nresponse #1 status=200"), 1);
		free(got);
		buffer_free(&bodies[i]);
	}
	free(zeros.data);
}

static void test_body_over_the_limit(void **state)
{
	size_t len = (33u << 20), head;
	char *body = malloc(len);
	struct script s = {0};
	char *got;

	assert_non_null(body);
	memset(body, 'x', len);
	ask(&s, ASK_BODY);
	answer(&s, "Content-Type: text/plain\r\n", body, len);
	head = s.steps[1].bytes.len - len;
	assert_in_range(head, 40, 100);
	/* what follows on the connection is still understood */
	ask(&s, ASK_BODY);
	answer(&s, "", "", 0);
	got = script_run(&s, 16384, 0);
	assert_non_null(strstr(got, "undecodable #1 received bytes="));
	assert_non_null(strstr(got, "why=a body over the limit\n"));
	assert_non_null(strstr(got, "body #1 received type=text/plain text=(65536 bytes)"));
	assert_non_null(strstr(got, "\nresponse #2 status=200 in=0 out=0\n"));
	free(got);
	free(body);
	script_free(&s);
}

UNIT_MAIN(unit(test_codings), unit(test_compressed_request),
	  unit(test_compressed_stream_is_not_held_back), unit(test_broken_codings),
	  unit(test_bombs), unit(test_body_over_the_limit))
