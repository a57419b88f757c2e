/* SPDX-License-Identifier: Apache-2.0 */
/* A server of TLS for the programs of this folder: a process for each connection. */
#ifndef BAILIFF_VMTESTS_SERVER_H
#define BAILIFF_VMTESTS_SERVER_H

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* A listener on every address, and in *ret_ctx what its connections are made of. */
static int server_listen(int port, const char *cert, const char *key, SSL_CTX **ret_ctx)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	if (!ctx || SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		die("certificate");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 8) < 0)
		die("listen");
	signal(SIGCHLD, SIG_IGN);
	*ret_ctx = ctx;
	return fd;
}

/* The next connection, in a process of its own: who called stays here. */
static int server_next(int fd)
{
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c < 0)
			continue;
		if (fork() == 0)
			return c;
		close(c);
	}
}

#endif
