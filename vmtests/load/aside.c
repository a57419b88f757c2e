// SPDX-License-Identifier: Apache-2.0
/* Says a request through TLS and sends more bytes, in one way or another, on the same socket.
 * OpenSSL is linked statically, so that the probes are on this file, as they are on a client.
 *
 *	aside serve PORT CERT KEY [nested]
 *	aside send ADDRESS PORT CA WAY BYTES
 *	aside wait
 *
 * wait stays for a minute, so that it is looked at; serve takes whatever comes. send prints "sent",
 *and sends its bytes again for each line that it reads, until that is "end" or there is none.
 *
 * WAY: said (by SSL_write), small (the same, a byte a call), memory (the same, into memory that is
 * sent afterwards), nested (TLS inside of TLS), raw (as they are), records (as they are, in what
 * looks like records of TLS), silent (as raw, and nothing through TLS at all). */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

#define PIECE 16384

static char piece[PIECE];

static SSL *tls(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);

	if (!ssl || SSL_set_fd(ssl, fd) != 1)
		die("SSL_new");
	return ssl;
}

/* Inside of another. */
static SSL *inside(SSL_CTX *ctx, SSL *outer)
{
	BIO *bio = BIO_new(BIO_f_ssl());
	SSL *ssl = SSL_new(ctx);

	if (!bio || !ssl)
		die("BIO_f_ssl");
	BIO_set_ssl(bio, outer, BIO_NOCLOSE);
	SSL_set_bio(ssl, bio, bio);
	return ssl;
}

static int serve(int port, const char *cert, const char *key, int nested)
{
	SSL_CTX *ctx;
	int c = server_next(server_listen(port, cert, key, &ctx));
	SSL *ssl;

	ssl = tls(ctx, c);
	if (SSL_accept(ssl) != 1)
		die("handshake");
	if (nested && SSL_accept(inside(ctx, ssl)) != 1)
		die("inner handshake");
	/* not taken apart: what does not belong to TLS must not end it */
	while (read(c, piece, sizeof(piece)) > 0)
		;
	exit(0);
}

static void send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0) {
			perror("aside: send");
			exit(1);
		}
		bytes += n;
		len -= (size_t)n;
	}
}

/* What the library has put into memory goes out. */
static void flush_memory(SSL *ssl, int fd)
{
	char out[PIECE];
	int n;

	while ((n = BIO_read(SSL_get_wbio(ssl), out, sizeof(out))) > 0)
		send_all(fd, out, (size_t)n);
}

static SSL *connect_memory(SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);
	char in[PIECE];

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	while (SSL_connect(ssl) != 1) {
		ssize_t n;

		flush_memory(ssl, fd);
		n = recv(fd, in, sizeof(in), 0);
		if (n <= 0 || BIO_write(SSL_get_rbio(ssl), in, (int)n) != n)
			die("handshake in memory");
	}
	flush_memory(ssl, fd);
	return ssl;
}

static void say(SSL *ssl, const char *bytes, size_t len, int fd_of_memory)
{
	if (SSL_write(ssl, bytes, (int)len) != (int)len)
		die("SSL_write");
	if (fd_of_memory >= 0)
		flush_memory(ssl, fd_of_memory);
}

static int dial(const char *address, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror("aside: connect");
		exit(3);
	}
	return fd;
}

static void send_more(SSL *ssl, int fd, const char *way, size_t bytes, int memory)
{
	int raw = !strcmp(way, "raw") || !strcmp(way, "silent");
	size_t most = !strcmp(way, "small") ? 1 : PIECE - 16;

	for (size_t n; bytes; bytes -= n) {
		n = bytes < most ? bytes : most;
		if (raw) {
			send_all(fd, piece, n);
		} else if (!strcmp(way, "records")) {
			piece[0] = 0x17;
			piece[1] = piece[2] = 3;
			piece[3] = (char)(n >> 8);
			piece[4] = (char)n;
			send_all(fd, piece, n + 5);
		} else {
			say(ssl, piece, n, memory);
		}
	}
}

static void talk(const char *address, int port, const char *ca, const char *way, size_t bytes)
{
	static const char request[] = "POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\n"
				      "Content-Length: 100000000\r\n\r\n{\"model\":\"";
	int fd = dial(address, port), memory = -1;
	char line[16];
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;

	if (!ctx || SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1)
		die("CA");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	/* memory that was never written is not there for the probes to read */
	memset(piece, 'a', sizeof(piece));
	if (!strcmp(way, "memory")) {
		memory = fd;
		ssl = connect_memory(ctx, fd);
	} else {
		ssl = tls(ctx, fd);
		if (SSL_connect(ssl) != 1)
			die("handshake");
	}
	if (!strcmp(way, "nested")) {
		ssl = inside(ctx, ssl);
		if (SSL_connect(ssl) != 1)
			die("inner handshake");
	}
	if (strcmp(way, "silent") != 0)
		say(ssl, request, strlen(request), memory);
	for (;;) {
		send_more(ssl, fd, way, bytes, memory);
		printf("sent\n");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin) || !strcmp(line, "end\n"))
			break;
	}
	shutdown(fd, SHUT_WR);
	while (recv(fd, piece, sizeof(piece), 0) > 0)
		;
}

int main(int argc, char **argv)
{
	if (argc >= 5 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]), argv[3], argv[4], argc == 6);
	if (argc == 7 && !strcmp(argv[1], "send")) {
		talk(argv[2], atoi(argv[3]), argv[4], argv[5], strtoul(argv[6], NULL, 10));
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "wait"))
		return (int)sleep(60);
	fprintf(stderr, "usage: aside wait | serve PORT CERT KEY [nested] | "
			"send ADDRESS PORT CA said|small|memory|nested|raw|records|silent BYTES\n");
	return 2;
}
