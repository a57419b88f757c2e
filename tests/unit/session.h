/* SPDX-License-Identifier: Apache-2.0 */
/* A shell and a client on a terminal that is made for them. */
#ifndef UNIT_SESSION_H
#define UNIT_SESSION_H

#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct session {
	int master;
	pid_t shell, client;
};

enum how {
	OPEN,	    /* the client has the terminal at its descriptors */
	REDIRECTED, /* the client's go to /dev/null: the shell, its parent, has it */
	CLOSED,	    /* nobody in the session has it any more */
	ELSEWHERE,  /* the client's are another terminal, the shell's nothing */
	LEFT,	    /* the client is in a session of its own */
};

static void descriptors_to(int fd)
{
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
}

static void be_client(enum how how)
{
	int other, master;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (how == LEFT)
		setsid();
	if (how == REDIRECTED || how == CLOSED)
		descriptors_to(open("/dev/null", O_RDWR));
	if (how == ELSEWHERE && openpty(&master, &other, NULL, NULL, NULL) == 0) {
		fchmod(other, 0620);
		descriptors_to(other);
	}
}

static void be_shell(enum how how, int terminal, int tell)
{
	int ready[2];
	pid_t client;
	char c;

	if (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0) < 0 || pipe(ready) < 0)
		_exit(1);
	descriptors_to(terminal);
	client = fork();
	if (client == 0) {
		be_client(how);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	if (how == CLOSED || how == ELSEWHERE)
		descriptors_to(open("/dev/null", O_RDWR));
	if (read(ready[0], &c, 1) == 1 && write(tell, &client, sizeof(client)) == sizeof(client))
		pause();
	_exit(1);
}

/* A shell and its client in a new session on a new terminal of 60 columns. */
static void session_begin(struct session *s, enum how how, mode_t mode)
{
	struct winsize size = {.ws_row = 24, .ws_col = 60};
	int tell[2], slave;

	assert_int_equal(openpty(&s->master, &slave, NULL, NULL, &size), 0);
	assert_int_equal(fchmod(slave, mode), 0);
	assert_int_equal(pipe(tell), 0);
	s->shell = fork();
	if (s->shell == 0) {
		close(s->master);
		be_shell(how, slave, tell[1]);
	}
	close(slave);
	assert_int_equal(read(tell[0], &s->client, sizeof(s->client)), sizeof(s->client));
	close(tell[0]);
	close(tell[1]);
}

static void session_end(struct session *s)
{
	kill(s->shell, SIGKILL);
	waitpid(s->shell, NULL, 0);
	close(s->master);
}

/* What arrived at the screen within a moment. */
static const char *session_shows(struct session *s)
{
	static char text[8192];
	struct pollfd p = {.fd = s->master, .events = POLLIN};
	size_t at = 0;

	while (at < sizeof(text) - 1 && poll(&p, 1, 100) > 0 && p.revents & POLLIN) {
		ssize_t n = read(s->master, text + at, sizeof(text) - 1 - at);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	text[at] = 0;
	return text;
}

#endif
