// SPDX-License-Identifier: Apache-2.0
/* A process that nothing binds and that does as its memory says: the helper that an attacker makes
 * of somebody else's process.
 *	victim FILE: writes "PID ADDRESS" there; then connects wherever the text at ADDRESS says
 *	("ADDRESS PORT TOKEN"), and puts the outcome behind it. */
#include "attempt.h"

#include <sys/prctl.h>

static struct {
	char order[192];
	volatile int outcome; /* one of the contract, plus 10 */
} memory;

int main(int argc, char **argv)
{
	char address[64], port[16], token[96], temporary[256];
	FILE *f;

	if (argc != 2)
		return attempt_setup("usage");
	/* as a program without a care, where the kernel restricts ptrace to descendants */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	snprintf(temporary, sizeof(temporary), "%s.new", argv[1]);
	f = fopen(temporary, "we");
	if (!f)
		return attempt_setup(temporary);
	fprintf(f, "%d %lx\n", getpid(), (unsigned long)&memory);
	if (fclose(f) || rename(temporary, argv[1]))
		return attempt_setup(argv[1]);
	for (;;) {
		char order[sizeof(memory.order)];

		usleep(10000);
		memcpy(order, memory.order, sizeof(order));
		order[sizeof(order) - 1] = 0;
		__asm__ volatile("" ::: "memory");
		if (sscanf(order, "%63s %15s %95s", address, port, token) != 3)
			continue;
		memset(memory.order, 0, sizeof(memory.order));
		setenv("BYPASS_TOKEN", token, 1);
		memory.outcome = 10 + attempt_connect(address, port);
	}
}
