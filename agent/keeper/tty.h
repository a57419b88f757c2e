/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal that a process is controlled by: found, opened and written to without trusting the
 * process, and without waiting for anybody. */
#ifndef KEEPER_TTY_H
#define KEEPER_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TTY_LINES_MAX	 6
#define TTY_COMPOSE_SIZE 2048 /* holds what tty_compose makes of NOTICE_TEXT_SIZE bytes */

struct tty_process { /* of /proc/PID/stat */
	pid_t parent, session;
	dev_t device;	/* 0: no controlling terminal */
	uint64_t start; /* in ticks: the pid is the same process still */
};

struct tty {
	int fd;
	unsigned int columns, rows;
	bool raw; /* whoever reads there draws the screen himself */
};

/* Returns 0, or -EINVAL for what is no such file. A name may hold anything, ") 0 0" too. */
int tty_parse_stat(const char *text, struct tty_process *ret);

/* Opens the controlling terminal of a process for writing. It is reached by a descriptor that the
 * process, or one before it in the same session, has open: a number alone says nothing, since each
 * container counts its own. It must belong to uid or to the process's own uid, and take messages
 * (mesg(1)). Returns 0 and *ret, whose fd is the caller's; -ENOTTY: it has none; -ENXIO: none of
 * the descriptors leads there, or it is a kind that one can be made to wait at; -EPERM: it is
 * somebody else's; -EACCES: it takes no messages; -ESRCH. */
int tty_open(pid_t pid, uid_t uid, struct tty *ret);

/* What to write to such a terminal: text (printable ASCII) in lines of at most columns - 1,
 * TTY_LINES_MAX of them. In the raw form they are put in half a screen above the cursor, or at the
 * top; what is above them moves up, what is below stays where it is, and so does the cursor. A
 * program that redraws what is around its cursor neither breaks nor wipes them, and as it goes on
 * they scroll away like any other text. Returns the length. */
size_t tty_compose(const struct tty *tty, const char *text, char ret[TTY_COMPOSE_SIZE]);

/* Writes it. Returns 0, or -EAGAIN when the terminal is stopped or full: nothing waits for it. */
int tty_say(const struct tty *tty, const char *text);

#endif
