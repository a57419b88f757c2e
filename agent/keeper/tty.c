// SPDX-License-Identifier: Apache-2.0
/* Finds, opens and writes a process's controlling terminal. */
#include "keeper/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TTY_COLUMNS	  80 /* of a terminal that does not say */
#define TTY_COLUMNS_LEAST 20
#define TTY_ROWS	  24
#define TTY_ANCESTORS	  8
#define TTY_MAJOR_CONSOLE 4 /* and serial lines, from minor 64 on */
#define TTY_CONSOLES	  64
#define TTY_MAJOR_PTS	  136 /* the first of eight */

int tty_parse_stat(const char *text, struct tty_process *ret)
{
	/* the name, in parentheses, is the process's own choice: what counts follows its end */
	const char *at = strrchr(text, ')');
	unsigned long long start;
	int parent, session, device;

	if (!at || sscanf(at + 1,
			  " %*c %d %*d %d %d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			  "%*d %*d %llu",
			  &parent, &session, &device, &start) != 4)
		return -EINVAL;
	*ret = (struct tty_process){
		.parent = parent,
		.session = session,
		.device = device ? makedev((unsigned int)device >> 8 & 0xfff,
					   ((unsigned int)device & 0xff) |
						   ((unsigned int)device >> 12 & 0xfff00))
				 : 0,
		.start = start,
	};
	return 0;
}

static ssize_t tty_read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ESRCH;
	n = read(fd, text, size - 1);
	if (n <= 0)
		return -ESRCH;
	text[n] = 0;
	return n;
}

static int tty_process(pid_t pid, struct tty_process *ret)
{
	char text[1024];

	if (pid <= 0 || tty_read_proc(pid, "stat", text, sizeof(text)) < 0)
		return -ESRCH;
	return tty_parse_stat(text, ret);
}

static uid_t tty_process_uid(pid_t pid, uid_t otherwise)
{
	char text[4096];
	const char *at;
	unsigned int uid;

	if (tty_read_proc(pid, "status", text, sizeof(text)) < 0)
		return otherwise;
	at = strstr(text, "\nUid:");
	return at && sscanf(at + 5, "%u", &uid) == 1 ? uid : otherwise;
}

/* Closing a serial line can take half a minute, with the lock in hand that the next one who opens
 * it needs; a pseudoterminal and a console cannot be made to. */
static bool tty_never_waits(dev_t device)
{
	unsigned int kind = major(device);

	return (kind >= TTY_MAJOR_PTS && kind < TTY_MAJOR_PTS + 8) ||
	       (kind == TTY_MAJOR_CONSOLE && minor(device) && minor(device) < TTY_CONSOLES);
}

/* By O_PATH first: nothing is opened that could act on being opened, and nothing is asked of a file
 * system that answers when it likes. */
static int tty_open_by(pid_t pid, int number, dev_t device, uid_t uid, uid_t own)
{
	char path[64];
	_cleanup_close_ int found = -1;
	struct statx st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, number);
	found = open(path, O_PATH | O_CLOEXEC);
	if (found < 0 ||
	    statx(found, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st) < 0 ||
	    !S_ISCHR(st.stx_mode) || makedev(st.stx_rdev_major, st.stx_rdev_minor) != device)
		return -ENXIO;
	if (st.stx_uid != uid && st.stx_uid != own)
		return -EPERM;
	if (!(st.stx_mode & S_IWGRP))
		return -EACCES;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
	fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void tty_measure(struct tty *t)
{
	struct winsize size;
	struct termios modes;

	t->columns = TTY_COLUMNS;
	t->rows = TTY_ROWS;
	if (ioctl(t->fd, TIOCGWINSZ, &size) == 0) {
		if (size.ws_col >= TTY_COLUMNS_LEAST)
			t->columns = size.ws_col;
		if (size.ws_row)
			t->rows = size.ws_row;
	}
	t->raw = tcgetattr(t->fd, &modes) == 0 && !(modes.c_lflag & ICANON);
}

int tty_open(pid_t pid, uid_t uid, struct tty *ret)
{
	struct tty_process first, p, again;
	uid_t own = tty_process_uid(pid, uid);
	int r = tty_process(pid, &first), fd = -ENXIO;

	if (r < 0)
		return r;
	if (!first.device)
		return -ENOTTY;
	if (!tty_never_waits(first.device))
		return -ENXIO;
	p = first;
	for (int i = 0; i < TTY_ANCESTORS && fd == -ENXIO; i++) {
		pid_t at = i ? p.parent : pid;

		/* a session has one controlling terminal: whoever is in it means the same one */
		if (i && (tty_process(at, &p) < 0 || p.session != first.session ||
			  p.device != first.device))
			break;
		for (int n = 0; n < 3 && fd == -ENXIO; n++)
			fd = tty_open_by(at, n, first.device, uid, own);
	}
	if (fd < 0)
		return fd;
	/* the pid was not given to another one meanwhile */
	if (tty_process(pid, &again) < 0 || again.start != first.start ||
	    again.device != first.device) {
		close(fd);
		return -ESRCH;
	}
	ret->fd = fd;
	tty_measure(ret);
	return 0;
}

/* The length of the first line of text, which is longer than room: to its last blank, if any. */
static size_t tty_break(const char *text, size_t room)
{
	for (size_t at = room; at > room / 2; at--)
		if (text[at] == ' ')
			return at;
	return room;
}

/* Cuts text into lines. Returns how many, and where each begins and ends. */
static size_t tty_lines(const char *text, size_t room, const char *line[TTY_LINES_MAX],
			int len[TTY_LINES_MAX])
{
	size_t n = 0;

	for (; *text && n < TTY_LINES_MAX; n++) {
		size_t left = strlen(text), cut = left > room ? tty_break(text, room) : left;

		line[n] = text;
		len[n] = (int)cut;
		text += cut;
		text += *text == ' ';
	}
	return n;
}

/* Adds to what is composed; at stays within the room. */
static void __attribute__((format(printf, 3, 4)))
tty_add(char *to, size_t *at, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(to + *at, TTY_COMPOSE_SIZE - *at, fmt, ap);
	va_end(ap);
	if (n > 0)
		*at += (size_t)n < TTY_COMPOSE_SIZE - *at ? (size_t)n : TTY_COMPOSE_SIZE - *at - 1;
}

size_t tty_compose(const struct tty *tty, const char *text, char ret[TTY_COMPOSE_SIZE])
{
	const char *line[TTY_LINES_MAX];
	int len[TTY_LINES_MAX];
	size_t n = tty_lines(text, tty->columns > 1 ? tty->columns - 1 : 1, line, len), at = 0;
	bool raw = tty->raw;

	if (raw) {
		/* The cursor is kept. New lines at the foot move all up; as many, put in above the
		 * cursor (the terminal stops at its top), move what is below back. */
		tty_add(ret, &at, "\0337\033[999;1H");
		for (size_t i = 0; i < n; i++)
			tty_add(ret, &at, "\n");
		tty_add(ret, &at, "\0338\033[%zuA\r\033[%zuL", n + tty->rows / 2, n);
	} else {
		tty_add(ret, &at, "\r\n");
	}
	/* "\r" too: whether the terminal puts it before a new line is the program's to say */
	for (size_t i = 0; i < n; i++)
		if (raw)
			tty_add(ret, &at, "%s\033[0;7m%.*s\033[0m", i ? "\r\n" : "", len[i],
				line[i]);
		else
			tty_add(ret, &at, "%.*s\r\n", len[i], line[i]);
	if (raw)
		tty_add(ret, &at, "\0338");
	return at;
}

int tty_say(const struct tty *tty, const char *text)
{
	char bytes[TTY_COMPOSE_SIZE];
	size_t len = tty_compose(tty, text, bytes);
	ssize_t n = write(tty->fd, bytes, len);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EAGAIN;
}
