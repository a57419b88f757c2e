// SPDX-License-Identifier: Apache-2.0
/* Takes links of bailiff's away and puts them back: the programs stay loaded meanwhile, so that
 * nothing else changes and no start is needed. For the bypass table's third run, by root.
 *	relink PIN…: unlinks each, prints "gone" when the kernel has let go of them; at the end of
 *	its input attaches the same programs at the same places, and pins them by the same names. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINKS_MAX    256
#define PROGRAMS_MAX 64 /* the kernel allows no more at one place */

struct taken {
	const char *pin;
	int program;
	unsigned int program_id;
	int cgroup; /* that it is attached to, a descriptor; -1: a program of no cgroup */
	unsigned int attach_type;
};

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int fail(const char *what, const char *pin)
{
	fprintf(stderr, "relink: %s: %s: %s\n", pin, what, strerror(errno));
	return 1;
}

/* By its id, as in agent/kernel/cover.c. */
static int open_cgroup(int root, uint64_t id)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} u = {.h = {.handle_bytes = sizeof(id), .handle_type = 0xfe}};

	memcpy(u.h.f_handle, &id, sizeof(id));
	return open_by_handle_at(root, &u.h, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int take(struct taken *t, int root)
{
	struct bpf_link_info info = {0};
	union bpf_attr get = {.pathname = (uintptr_t)t->pin}, ask = {0}, program = {0};
	int link = bpf(BPF_OBJ_GET, &get);

	if (link < 0)
		return fail("open", t->pin);
	ask.info.bpf_fd = (unsigned int)link;
	ask.info.info_len = sizeof(info);
	ask.info.info = (uintptr_t)&info;
	if (bpf(BPF_OBJ_GET_INFO_BY_FD, &ask))
		return fail("information", t->pin);
	t->program_id = info.prog_id;
	program.prog_id = info.prog_id;
	t->program = bpf(BPF_PROG_GET_FD_BY_ID, &program);
	if (t->program < 0)
		return fail("program", t->pin);
	t->cgroup = -1;
	t->attach_type = info.tracing.attach_type;
	if (info.type == BPF_LINK_TYPE_CGROUP) {
		t->attach_type = info.cgroup.attach_type;
		t->cgroup = open_cgroup(root, info.cgroup.cgroup_id);
		if (t->cgroup < 0)
			return fail("cgroup", t->pin);
	}
	close(link);
	return unlink(t->pin) ? fail("unlink", t->pin) : 0;
}

static int attach(const struct taken *t)
{
	union bpf_attr attach = {0};

	if (t->cgroup >= 0) {
		attach.link_create.prog_fd = (unsigned int)t->program;
		attach.link_create.target_fd = (unsigned int)t->cgroup;
		attach.link_create.attach_type = t->attach_type;
		return bpf(BPF_LINK_CREATE, &attach);
	}
	/* the program knows its hook itself */
	attach.raw_tracepoint.prog_fd = (unsigned int)t->program;
	return bpf(BPF_RAW_TRACEPOINT_OPEN, &attach);
}

/* 1: the program is still called at its place; 0: it is not; < 0: it cannot be known. */
static int is_called(const struct taken *t)
{
	unsigned int programs[PROGRAMS_MAX];
	union bpf_attr query = {0};
	int link;

	if (t->cgroup < 0) {
		/* no program is at one place twice (bpf_trampoline_link_prog) */
		link = attach(t);
		if (link < 0)
			return errno == EBUSY ? 1 : -1;
		/* this one's only reference: the kernel is done with it when close() returns */
		close(link);
		return 0;
	}
	query.query.target_fd = (unsigned int)t->cgroup;
	query.query.attach_type = t->attach_type;
	query.query.prog_ids = (uintptr_t)programs;
	query.query.prog_cnt = PROGRAMS_MAX;
	if (bpf(BPF_PROG_QUERY, &query))
		return -1;
	for (unsigned int i = 0; i < query.query.prog_cnt; i++)
		if (programs[i] == t->program_id)
			return 1;
	return 0;
}

/* The last reference is put after a grace period, and then a worker takes apart what was attached:
 * the link's number is gone before that. On 6.12 under load that takes seconds. */
static int wait_gone(const struct taken *t)
{
	for (int i = 0; i < 1500; i++) {
		int r = is_called(t);

		if (r <= 0)
			return r ? fail("look", t->pin) : 0;
		usleep(10000);
	}
	errno = ETIMEDOUT;
	return fail("wait", t->pin);
}

static int put_back(const struct taken *t)
{
	union bpf_attr pin = {0};
	int link = attach(t);

	if (link < 0)
		return fail("attach", t->pin);
	pin.pathname = (uintptr_t)t->pin;
	pin.bpf_fd = (unsigned int)link;
	return bpf(BPF_OBJ_PIN, &pin) ? fail("pin", t->pin) : 0;
}

int main(int argc, char **argv)
{
	int root = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct taken taken[LINKS_MAX] = {0};
	char byte;

	if (argc < 2 || argc > LINKS_MAX || root < 0)
		return fail("usage", "-");
	for (int i = 1; i < argc; i++) {
		taken[i - 1].pin = argv[i];
		if (take(&taken[i - 1], root))
			return 1;
	}
	for (int i = 1; i < argc; i++)
		if (wait_gone(&taken[i - 1]))
			return 1;
	puts("gone");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (int i = 1; i < argc; i++)
		r |= put_back(&taken[i - 1]);
	return r;
}
