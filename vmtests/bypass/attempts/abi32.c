// SPDX-License-Identifier: Apache-2.0
/* The same call through the 32-bit door of the kernel: int 0x80, with its own table of calls.
 *	abi32 connect ADDRESS PORT */
#include "attempt.h"

#define IA32_SOCKET  359
#define IA32_CONNECT 362

static long ia32(long number, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(number), "b"(a), "c"(b), "d"(c)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

int main(int argc, char **argv)
{
	struct target *t;
	long fd, r;

	/* its pointers have 32 bits */
	/* cppcheck-suppress invalidFunctionArg ; -1 is what an anonymous mapping has */
	t = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1,
		 0);
	if (t == MAP_FAILED || argc != 4 || attempt_target(t, argv[2], argv[3]))
		return attempt_setup("usage");
	fd = ia32(IA32_SOCKET, t->family, SOCK_STREAM, 0);
	if (fd < 0) {
		errno = (int)-fd;
		return attempt_refused("socket");
	}
	r = ia32(IA32_CONNECT, fd, (long)&t->address, (long)t->len);
	if (r < 0) {
		errno = (int)-r;
		return attempt_refused("connect");
	}
	return attempt_exchange((int)fd);
}
