// SPDX-License-Identifier: Apache-2.0
/* A program with functions in it that look like BoringSSL's to whom has no symbols: they raise the
 * same errors and call each other in the same way. What they "encrypt" goes nowhere. With it a test
 * decides what the probes on a stripped client see.
 *
 *	mimic say TEXT…			writes each text, as one call, into one connection
 *	mimic reach ADDRESS PORT	connects: exit status 0, or 3 when it is refused
 *	mimic hold ADDRESS PORT		does what it reads, a word a line, and tells how it went:
 *say, reach, keep (a connection), send (on that), restore (its file's bytes over its code, and so
 *over probes), fork (and go on as the child)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FILE_NAME "../../vendor/boringssl/ssl/ssl_lib.cc"
#define LIB_SSL	  16

struct ssl;
struct method {
	int (*read_app_data)(struct ssl *ssl);
	int (*write_app_data)(struct ssl *ssl, const void *from, int n);
};

struct state {
	char unused[128];
	const char *pending; /* what was received and not yet taken, as BoringSSL keeps it */
	size_t n_pending;
};

struct ssl {
	const struct method *method;
	struct state *s3;
	int fd, handshake, quic;
};

int put_error(int lib, int unused, int reason, const char *file, unsigned int line);
int ssl_do_handshake(struct ssl *ssl);
int ssl_read_body(struct ssl *ssl);
int ssl_read(struct ssl *ssl, void *to, int n);
int ssl_write(struct ssl *ssl, const void *from, int n);

static volatile int errors;

/* each raises its errors in several places, and must not be merged into its callers */
#define APART __attribute__((noinline, noclone, noipa))

APART int put_error(int lib, int unused, int reason, const char *file, unsigned int line)
{
	errors += lib + unused + reason + (int)line + (file != NULL);
	return -1;
}

APART int ssl_do_handshake(struct ssl *ssl)
{
	if (!ssl->fd) {
		put_error(LIB_SSL, 0, 134, FILE_NAME, 1);
		return -1;
	}
	ssl->handshake = 0;
	return 1;
}

/* The loop stands in each of its callers, as the functions that are looked for have it. */
static inline __attribute__((always_inline)) int finish_handshake(struct ssl *ssl,
								  unsigned int line)
{
	while (ssl->handshake) {
		int r = ssl_do_handshake(ssl);

		if (r < 0)
			return r;
		if (r == 0) {
			put_error(LIB_SSL, 0, 215, FILE_NAME, line);
			return -1;
		}
	}
	return 1;
}

APART int ssl_read_body(struct ssl *ssl)
{
	int r;

	if (!ssl->fd) {
		put_error(LIB_SSL, 0, 226, FILE_NAME, 2);
		return -1;
	}
	r = finish_handshake(ssl, 3);
	if (r < 0)
		return r;
	return ssl->method->read_app_data(ssl);
}

APART int ssl_read(struct ssl *ssl, void *to, int n)
{
	int r;

	if (ssl->quic) {
		put_error(LIB_SSL, 0, 66, FILE_NAME, 4);
		return -1;
	}
	r = ssl_read_body(ssl);
	if (r <= 0)
		return r;
	n = (size_t)n < ssl->s3->n_pending ? n : (int)ssl->s3->n_pending;
	memcpy(to, ssl->s3->pending, (size_t)n);
	ssl->s3->pending += n;
	ssl->s3->n_pending -= (size_t)n;
	return n;
}

APART int ssl_write(struct ssl *ssl, const void *from, int n)
{
	int r;

	if (ssl->quic) {
		put_error(LIB_SSL, 0, 66, FILE_NAME, 5);
		return -1;
	}
	if (!ssl->fd) {
		put_error(LIB_SSL, 0, 226, FILE_NAME, 6);
		return -1;
	}
	r = finish_handshake(ssl, 7);
	if (r < 0)
		return r;
	if (n < 0) {
		put_error(LIB_SSL, 0, 111, FILE_NAME, 8);
		return -1;
	}
	return ssl->method->write_app_data(ssl, from, n);
}

static int receive(struct ssl *ssl)
{
	static char answer[] = "answer";

	ssl->s3->pending = answer;
	ssl->s3->n_pending = strlen(answer);
	return 1;
}

static int transmit(struct ssl *ssl, const void *from, int n)
{
	return (int)write(ssl->fd, from, (size_t)n);
}

static int say(char **text)
{
	static const struct method method = {receive, transmit};
	struct ssl *ssl = calloc(1, sizeof(*ssl));
	char answer[16];
	int fd = open("/dev/null", O_WRONLY);

	if (!ssl || fd < 0)
		return 1;
	*ssl = (struct ssl){.method = &method, .fd = fd, .handshake = 1};
	ssl->s3 = calloc(1, sizeof(*ssl->s3));
	if (!ssl->s3)
		return 1;
	for (; *text; text++)
		if (ssl_write(ssl, *text, (int)strlen(*text)) != (int)strlen(*text))
			return 1;
	return ssl_read(ssl, answer, sizeof(answer)) > 0 ? 0 : 1;
}

static int connected(const char *address, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror("mimic: connect");
		close(fd);
		return -1;
	}
	return fd;
}

static int reach(const char *address, int port)
{
	return connected(address, port) < 0 ? 3 : 0;
}

static int after = PROT_READ | PROT_EXEC;

/* Every executable segment as the file has it. */
static int restore_segment(struct dl_phdr_info *info, size_t size, void *ctx)
{
	int *fd = ctx, done = 0;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + p->p_vaddr, page = at & ~(uintptr_t)4095;

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X) || info->dlpi_name[0])
			continue;
		if (mprotect((void *)page, at - page + p->p_filesz,
			     PROT_READ | PROT_WRITE | PROT_EXEC) < 0 ||
		    pread(*fd, (void *)at, p->p_filesz, (off_t)p->p_offset) !=
			    (ssize_t)p->p_filesz ||
		    mprotect((void *)page, at - page + p->p_filesz, after) < 0)
			return -1;
		done = 1;
	}
	return done;
}

static int restore(int protection)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	int done;

	after = protection;
	done = fd < 0 ? -1 : dl_iterate_phdr(restore_segment, &fd);

	close(fd);
	return done == 1 ? 0 : 1;
}

static int hold(const char *address, int port)
{
	static char request[] = "POST /v1/messages HTTP/1.1", *texts[] = {request, NULL};
	char line[32];
	int kept = -1;

	signal(SIGPIPE, SIG_IGN);
	while (fgets(line, sizeof(line), stdin)) {
		int r = 1;

		line[strcspn(line, "\n")] = 0;
		if (!strcmp(line, "say"))
			r = say(texts);
		else if (!strcmp(line, "reach"))
			r = reach(address, port);
		else if (!strcmp(line, "keep"))
			r = (kept = connected(address, port)) < 0;
		else if (!strcmp(line, "send"))
			r = send(kept, request, sizeof(request), MSG_NOSIGNAL) < 0 ? errno : 0;
		else if (!strcmp(line, "restore"))
			r = restore(PROT_READ | PROT_EXEC);
		else if (!strcmp(line, "loosen"))
			r = restore(PROT_READ | PROT_WRITE | PROT_EXEC);
		else if (!strcmp(line, "fork") && fork() > 0)
			_exit(0);
		else if (!strcmp(line, "fork"))
			r = 0;
		printf("%s %d %d\n", line, r, getpid());
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "say"))
		return say(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "reach"))
		return reach(argv[2], atoi(argv[3]));
	if (argc == 4 && !strcmp(argv[1], "hold"))
		return hold(argv[2], atoi(argv[3]));
	fprintf(stderr, "usage: mimic say TEXT... | reach ADDRESS PORT | hold ADDRESS PORT\n");
	return 2;
}
