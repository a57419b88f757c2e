// SPDX-License-Identifier: Apache-2.0
/* Sends N Messages requests of a given size over TLS in a row, and the server that takes them. It
 *stands in for a client in the test of capture under load: the real one needs minutes for what this
 *sends in seconds. OpenSSL is linked statically, so that the probes are on this file, as they are
 *on a client.
 *
 *	loadgen serve PORT CERT KEY
 *	loadgen send ADDRESS PORT CA COUNT BYTES
 *	loadgen conversations ADDRESS PORT CA N TURNS BYTES PAUSE
 *	loadgen stay
 *
 * stay: does nothing until it is ended. A client may not listen, so no server stays.
 * conversations: N processes, each a conversation that is sent again in whole every turn, BYTES
 *more each time, a turn every PAUSE ms. In the middle of the last request all of them wait, "in
 *flight" is printed, and a line on standard input lets them go on. The client checks the digest
 *that the server gives back for each body. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

__attribute__((format(printf, 2, 3))) static int text_at(char *to, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(to, 256, format, ap);
	va_end(ap);
	return n;
}

static void hex_of(const void *bytes, size_t len, char *to)
{
	unsigned char digest[32];

	if (EVP_Digest(bytes, len, digest, NULL, EVP_sha256(), NULL) != 1)
		die("digest");
	for (int i = 0; i < 32; i++)
		snprintf(to + 2 * i, 3, "%02x", digest[i]);
}

/* Reads to the end of the head and then length bytes. Returns the body, NULL at the end. */
static char *take(SSL *ssl, size_t *ret_len)
{
	static char head[65536];
	size_t have = 0, len;
	char *end, *body, *p;

	for (;;) {
		int n = SSL_read(ssl, head + have, (int)(sizeof(head) - 1 - have));

		if (n <= 0)
			return NULL;
		have += (size_t)n;
		head[have] = 0;
		end = strstr(head, "\r\n\r\n");
		if (end)
			break;
		if (have > 32768)
			die("a head without end");
	}
	p = strcasestr(head, "content-length:");
	if (!p)
		die("no content-length");
	len = strtoul(p + 15, NULL, 10);
	body = malloc(len + 1);
	end += 4;
	have -= (size_t)(end - head);
	if (!body || have > len)
		die("body");
	memcpy(body, end, have);
	while (have < len) {
		int n = SSL_read(ssl, body + have, (int)(len - have));

		if (n <= 0)
			die("cut short");
		have += (size_t)n;
	}
	body[len] = 0;
	*ret_len = len;
	return body;
}

static void put(SSL *ssl, const char *bytes, size_t len)
{
	while (len) {
		int n = SSL_write(ssl, bytes, (int)len);

		if (n <= 0)
			die("SSL_write");
		bytes += n;
		len -= (size_t)n;
	}
}

static int serve(int port, const char *cert, const char *key)
{
	SSL_CTX *ctx;
	int c = server_next(server_listen(port, cert, key, &ctx));
	SSL *ssl;
	size_t len;
	char *body;

	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, c);
	if (SSL_accept(ssl) != 1)
		die("handshake");
	while ((body = take(ssl, &len))) {
		char digest[65], answer[512], json[256];

		hex_of(body, len, digest);
		snprintf(json, sizeof(json),
			 "{\"id\":\"msg_%.8s\",\"type\":\"message\",\"role\":\"assistant\","
			 "\"content\":[{\"type\":\"text\",\"text\":\"%s\"}],"
			 "\"stop_reason\":\"end_turn\"}",
			 digest, digest);
		snprintf(answer, sizeof(answer),
			 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 strlen(json), json);
		put(ssl, answer, strlen(answer));
		free(body);
	}
	exit(0);
}

#define MESSAGE 16000

/* A conversation as the client sends it: messages of 16 KB, and room for a new one at the end. It
 * is made once; what costs time here is to be the sending. Returns the length without the last. */
static size_t make(char *body, size_t bytes)
{
	size_t n = (size_t)text_at(body, "{\"model\":\"load\",\"max_tokens\":1,\"messages\":[");
	unsigned int x = 2654435761u;

	for (int m = 0; n + MESSAGE + 256 < bytes; m++) {
		n += (size_t)text_at(body + n, "{\"role\":\"%s\",\"content\":\"message %d ",
				     m & 1 ? "assistant" : "user", m);
		for (int c = 0; c < MESSAGE; c++) {
			x = x * 1664525u + 1013904223u;
			body[n++] = (c & 7) == 7 ? ' ' : (char)('a' + (x >> 24) % 26);
		}
		n += (size_t)text_at(body + n, "\"},");
	}
	return n;
}

/* The newest message of turn i: all that differs from the turn before. Returns the whole length. */
static size_t finish(char *body, size_t n, size_t bytes, int i)
{
	n += (size_t)text_at(body + n, "{\"role\":\"user\",\"content\":\"request %d ", i);
	while (n < bytes - 4)
		body[n++] = ' ';
	return n + (size_t)text_at(body + n, "\"}]}");
}

static int send_all(const char *address, int port, const char *ca, int count, size_t bytes)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char *body = malloc(bytes + 1024), digest[65], head[512];
	size_t made;
	SSL *ssl;

	if (!ctx || !body || SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1)
		die("CA");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	inet_pton(AF_INET, address, &a.sin_addr);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror("loadgen: connect");
		return 3;
	}
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, "api.anthropic.com");
	if (SSL_connect(ssl) != 1)
		die("handshake");
	made = make(body, bytes);
	for (int i = 0; i < count; i++) {
		size_t len = finish(body, made, bytes, i), n;
		char *answer;

		snprintf(head, sizeof(head),
			 "POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\n"
			 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			 len);
		put(ssl, head, strlen(head));
		put(ssl, body, len);
		answer = take(ssl, &n);
		if (!answer)
			die("no answer");
		hex_of(body, len, digest);
		if (!strstr(answer, digest))
			die("the server got something else");
		free(answer);
	}
	printf("%d requests of %zu bytes\n", count, bytes);
	SSL_shutdown(ssl);
	return 0;
}

static SSL *dial(const char *address, int port, const char *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	SSL *ssl;

	if (!ctx || SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1)
		die("CA");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	inet_pton(AF_INET, address, &a.sin_addr);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die("connect");
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, "api.anthropic.com");
	if (SSL_connect(ssl) != 1)
		die("handshake");
	return ssl;
}

#define SPOKEN 6000 /* bytes of one message */

/* Message m of conversation i: the same each time it is made, and like no other. */
static size_t speak(char *to, unsigned int i, unsigned int m)
{
	static const char *const words[] = {"the",  "file ", "returns", " 0x7f", " if (x)", " of ",
					    "line", ": ",    "error",	" at ",	 "value",   "\\n"};
	unsigned int x = (i + 1) * 2654435761u ^ m * 40503u;
	size_t n = (size_t)text_at(to, "%s{\"role\":\"%s\",\"content\":\"%u of %u: ", m ? "," : "",
				   m & 1 ? "assistant" : "user", m, i);

	while (n < SPOKEN) {
		const char *word;

		x = x * 1664525u + 1013904223u;
		word = words[(x >> 16) % (sizeof(words) / sizeof(words[0]))];
		n += (size_t)text_at(to + n, "%s", word);
	}
	return n + (size_t)text_at(to + n, "\"}");
}

static int converse(const char *address, int port, const char *ca, unsigned int turns, size_t bytes,
		    useconds_t pause_us, unsigned int i)
{
	SSL *ssl = dial(address, port, ca);
	char *body = malloc(turns * bytes + 2 * SPOKEN), *answer, head[512], digest[65], go;
	size_t n, len;

	if (!body)
		die("memory");
	n = (size_t)text_at(body, "{\"model\":\"load\",\"max_tokens\":1,\"messages\":[");
	for (unsigned int turn = 1, m = 0; turn <= turns; turn++) {
		while (n < turn * bytes)
			n += speak(body + n, i, m++);
		len = n + (size_t)text_at(body + n, "]}");
		snprintf(head, sizeof(head),
			 "POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\n"
			 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			 len);
		if (turn > 1)
			usleep(pause_us);
		put(ssl, head, strlen(head));
		put(ssl, body, len / 2);
		if (turn == turns && (write(1, "r", 1) != 1 || read(0, &go, 1) < 0))
			die("waiting");
		put(ssl, body + len / 2, len - len / 2);
		answer = take(ssl, &n);
		hex_of(body, len, digest);
		if (!answer || !strstr(answer, digest))
			die("the server got something else");
		free(answer);
		n = len - 2;
	}
	SSL_shutdown(ssl);
	return 0;
}

/* Each in a process of its own, executed anew, as clients are. */
static int converse_all(char **argv, unsigned int n, useconds_t pause_us)
{
	int ready[2], go[2], bad = 0, status;
	char number[16], c;

	if (pipe(ready) < 0 || pipe(go) < 0)
		die("pipe");
	for (unsigned int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid) {
			usleep(pause_us / n); /* so that their turns do not fall together */
			continue;
		}
		snprintf(number, sizeof(number), "%u", i);
		dup2(go[0], 0);
		dup2(ready[1], 1);
		for (int fd = 3; fd < 8; fd++)
			close(fd);
		execl("/proc/self/exe", "loadgen", "conversation", argv[2], argv[3], argv[4],
		      argv[6], argv[7], argv[8], number, (char *)NULL);
		_exit(127);
	}
	close(ready[1]);
	close(go[0]);
	for (unsigned int i = 0; i < n; i++)
		if (read(ready[0], &c, 1) != 1)
			die("a conversation ended too early");
	printf("%u conversations in flight\n", n);
	fflush(stdout);
	if (read(0, &c, 1) < 0)
		die("standard input");
	close(go[1]); /* the end of the pipe is the sign for all of them */
	while (wait(&status) > 0)
		bad += status != 0;
	printf("%u conversations ended, %d badly\n", n, bad);
	return bad != 0;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc == 2 && !strcmp(argv[1], "stay"))
		return pause();
	if (argc == 5 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]), argv[3], argv[4]);
	if (argc == 7 && !strcmp(argv[1], "send"))
		return send_all(argv[2], atoi(argv[3]), argv[4], atoi(argv[5]),
				strtoul(argv[6], NULL, 10));
	if (argc == 9 && !strcmp(argv[1], "conversations"))
		return converse_all(argv, (unsigned int)atoi(argv[5]),
				    (useconds_t)strtoul(argv[8], NULL, 10) * 1000);
	if (argc == 9 && !strcmp(argv[1], "conversation"))
		return converse(argv[2], atoi(argv[3]), argv[4], (unsigned int)atoi(argv[5]),
				strtoul(argv[6], NULL, 10),
				(useconds_t)strtoul(argv[7], NULL, 10) * 1000,
				(unsigned int)atoi(argv[8]));
	fprintf(stderr, "usage: loadgen serve PORT CERT KEY | send ADDRESS PORT CA COUNT BYTES\n");
	return 2;
}
