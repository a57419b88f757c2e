// SPDX-License-Identifier: Apache-2.0
/* Steering a process that nothing binds.
 *	trace HOW FILE ADDRESS PORT
 * HOW: write (process_vm_writev), memory (/proc/PID/mem), poke (ptrace). FILE says which process;
 * see victim.c. */
#include "attempt.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define ORDER_SIZE 192

static pid_t victim;
static unsigned long place;

static int by_write(char *order)
{
	struct iovec from = {order, ORDER_SIZE}, to = {(void *)place, ORDER_SIZE};

	return process_vm_writev(victim, &from, 1, &to, 1, 0) == ORDER_SIZE
		       ? 0
		       : attempt_refused("process_vm_writev");
}

static int by_memory(char *order)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return attempt_refused("open");
	return pwrite(fd, order, ORDER_SIZE, (off_t)place) == ORDER_SIZE ? 0
									 : attempt_refused("write");
}

static int by_poke(const char *order)
{
	long word;

	if (ptrace(PTRACE_ATTACH, victim, NULL, NULL))
		return attempt_refused("PTRACE_ATTACH");
	if (waitpid(victim, NULL, 0) != victim)
		return attempt_setup("waitpid");
	for (size_t i = 0; i < ORDER_SIZE; i += sizeof(word)) {
		memcpy(&word, order + i, sizeof(word));
		if (ptrace(PTRACE_POKEDATA, victim, (void *)(place + i), (void *)word))
			return attempt_refused("PTRACE_POKEDATA");
	}
	return ptrace(PTRACE_DETACH, victim, NULL, NULL) ? attempt_setup("PTRACE_DETACH") : 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	char order[ORDER_SIZE] = {0}, line[256];
	FILE *f;
	int r;

	f = argc == 5 ? fopen(argv[2], "re") : NULL;
	if (!f || fscanf(f, "%d %lx", &victim, &place) != 2)
		return attempt_setup("usage");
	fclose(f);
	snprintf(order, sizeof(order), "%s %s %s", argv[3], argv[4], attempt_token());
	if (strcmp(how, "write") == 0)
		r = by_write(order);
	else if (strcmp(how, "memory") == 0)
		r = by_memory(order);
	else
		r = by_poke(order);
	if (r)
		return r;
	/* its order is carried out where no rule is asked: the host's list says whether it came */
	for (int i = 0; i < 60; i++) {
		f = fopen("/run/bypass/arrivals", "re");
		while (f && fgets(line, sizeof(line), f)) {
			if (strstr(line, attempt_token())) {
				printf("through: %s", line);
				fclose(f);
				return THROUGH;
			}
		}
		if (f)
			fclose(f);
		usleep(50000);
	}
	errno = ETIMEDOUT;
	return attempt_setup("nothing came");
}
