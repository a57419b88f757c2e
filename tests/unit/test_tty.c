// SPDX-License-Identifier: Apache-2.0
/* The controlling terminal of a process: which it is, who may be written to, and that nothing waits
 * for it. Pseudoterminals are made here, with a child as the session behind them. */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/tty.h"

/* ---- /proc/PID/stat ---- */

static void test_stat(void **state)
{
	static const struct {
		const char *text;
		int want;
		pid_t parent, session;
		unsigned int major, minor;
		uint64_t start;
	} table[] = {
		{"812 (claude) S 800 812 790 34819 812 4194304 1 2 3 4 5 6 7 8 20 0 9 0 4711 1 2\n",
		 0, 800, 790, 136, 3, 4711},
		{"812 (claude) S 800 812 790 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 9 0 4711 1 2\n", 0,
		 800, 790, 0, 0, 4711},
		/* a minor of more than eight bits: the upper ones stand above the major */
		{"8 (a) S 1 8 8 1083436 8 0 1 2 3 4 5 6 7 8 20 0 9 0 5 1\n", 0, 1, 8, 136, 300, 5},
		/* names are the process's own choice */
		{"8 (a) S 1 1 1 34817 1 0 0) S 2 8 8 34818 8 0 1 2 3 4 5 6 7 8 20 0 9 0 5 1\n", 0,
		 2, 8, 136, 2, 5},
		{"8 (\n) S 2 8 8 34818 8 0 1 2 3 4 5 6 7 8 20 0 9 0 5 1\n", 0, 2, 8, 136, 2, 5},
		{"8 (a) S 2 8 8 34818 8 0 1 2 3 4 5 6 7 8 20 0 9 0", -EINVAL, 0, 0, 0, 0, 0},
		{"8 (a) S 2", -EINVAL, 0, 0, 0, 0, 0},
		{"8 (a)", -EINVAL, 0, 0, 0, 0, 0},
		{"", -EINVAL, 0, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct tty_process is = {0};

		assert_int_equal(tty_parse_stat(table[i].text, &is), table[i].want);
		assert_int_equal(is.parent, table[i].parent);
		assert_int_equal(is.session, table[i].session);
		assert_int_equal(major(is.device), table[i].major);
		assert_int_equal(minor(is.device), table[i].minor);
		assert_int_equal(is.start, table[i].start);
	}
}

static void test_open(void **state)
{
	static const struct {
		const char *what;
		enum how how;
		mode_t mode;
		int want;
	} table[] = {
		{"open", OPEN, 0620, 0},
		{"redirected", REDIRECTED, 0620, 0},
		{"closed everywhere", CLOSED, 0620, -ENXIO},
		{"another terminal at its descriptors", ELSEWHERE, 0620, -ENXIO},
		{"no terminal", LEFT, 0620, -ENOTTY},
		{"takes no messages", OPEN, 0600, -EACCES},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct tty tty = {.fd = -1};
		struct session s;

		session_begin(&s, table[i].how, table[i].mode);
		print_message("%s\n", table[i].what);
		assert_int_equal(tty_open(s.client, getuid(), &tty), table[i].want);
		assert_int_equal(tty.fd >= 0, table[i].want == 0);
		if (tty.fd >= 0) {
			assert_int_equal(tty.columns, 60);
			assert_false(tty.raw);
			assert_int_equal(tty_say(&tty, "one line"), 0);
			/* the terminal itself puts "\r" before each new line */
			assert_string_equal(session_shows(&s), "\r\r\none line\r\r\n");
			close(tty.fd);
		}
		session_end(&s);
	}
}

/* Of two accounts: a terminal that belongs to neither the person nor the process's own account. */
static void test_somebody_elses(void **state)
{
	struct tty tty = {.fd = -1};
	struct session s;
	char path[64];

	(void)state;
	if (getuid() != 0)
		skip(); /* only root can give a terminal away */
	session_begin(&s, OPEN, 0620);
	snprintf(path, sizeof(path), "/proc/%d/fd/0", s.client);
	assert_int_equal(chown(path, 4001, 4001), 0);
	assert_int_equal(tty_open(s.client, 4002, &tty), -EPERM);
	assert_int_equal(tty.fd, -1);
	assert_int_equal(tty_open(s.client, 4001, &tty), 0);
	close(tty.fd);
	session_end(&s);
}

static void test_gone(void **state)
{
	struct tty tty = {.fd = -1};
	pid_t gone = fork();

	(void)state;
	if (gone == 0)
		_exit(0);
	waitpid(gone, NULL, 0);
	assert_int_equal(tty_open(gone, getuid(), &tty), -ESRCH);
	assert_int_equal(tty_open(0, getuid(), &tty), -ESRCH);
	assert_int_equal(tty.fd, -1);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ^S, and a terminal that nobody reads: the keeper goes on at once. */
static void test_never_waits(void **state)
{
	struct tty tty = {.fd = -1};
	struct session s;
	int64_t before;
	int r = 0;

	(void)state;
	session_begin(&s, OPEN, 0620);
	assert_int_equal(tty_open(s.client, getuid(), &tty), 0);
	before = now_ms();
	assert_int_equal(write(s.master, "\023", 1), 1); /* ^S */
	for (int i = 0; i < 50 && r == 0; i++) {
		r = tty_say(&tty, "stopped");
		usleep(10000);
	}
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(write(s.master, "\021", 1), 1); /* ^Q */
	r = 0;
	for (int i = 0; i < 100000 && r == 0; i++)
		r = tty_say(&tty, "nobody reads this");
	assert_int_equal(r, -EAGAIN);
	assert_in_range(now_ms() - before, 0, 5000);
	close(tty.fd);
	session_end(&s);
}

/* A program that draws the screen itself. */
static void test_raw(void **state)
{
	struct tty tty = {.fd = -1};
	struct termios modes;
	struct session s;

	(void)state;
	session_begin(&s, OPEN, 0620);
	assert_int_equal(tcgetattr(s.master, &modes), 0);
	cfmakeraw(&modes);
	assert_int_equal(tcsetattr(s.master, TCSANOW, &modes), 0);
	assert_int_equal(tty_open(s.client, getuid(), &tty), 0);
	assert_true(tty.raw);
	assert_int_equal(tty_say(&tty, "one line"), 0);
	assert_string_equal(
		session_shows(&s),
		"\0337\033[999;1H\n\0338\033[13A\r\033[1L\033[0;7mone line\033[0m\0338");
	close(tty.fd);
	session_end(&s);
}

static void test_compose(void **state)
{
	static const struct {
		const char *text;
		unsigned int columns;
		const char *want;
	} table[] = {
		{"bailiff refused skill pdf", 80, "\r\nbailiff refused skill pdf\r\n"},
		{"bailiff refused skill pdf", 26, "\r\nbailiff refused skill pdf\r\n"},
		{"bailiff refused skill pdf", 25, "\r\nbailiff refused skill\r\npdf\r\n"},
		{"bailiff refused skill pdf", 22, "\r\nbailiff refused skill\r\npdf\r\n"},
		{"bailiff refused skill pdf", 21, "\r\nbailiff refused\r\nskill pdf\r\n"},
		/* one long word is cut, not left out */
		{"skill aaaaaaaaaaaaaaaaaaaaaaaa", 20,
		 "\r\nskill aaaaaaaaaaaaa\r\naaaaaaaaaaa\r\n"},
		{"", 80, "\r\n"},
	};
	char out[TTY_COMPOSE_SIZE], longest[512];
	unsigned int lines = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct tty plain = {.columns = table[i].columns, .rows = 24};

		assert_int_equal(tty_compose(&plain, table[i].text, out), strlen(table[i].want));
		assert_string_equal(out, table[i].want);
	}
	/* as many lines are put in as were scrolled, and as are written */
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	for (unsigned int columns = 0; columns < 600; columns += 7) {
		const struct tty raw = {.columns = columns, .rows = 30, .raw = true};
		char in[32];
		unsigned int written = 0;

		lines = 0;
		assert_in_range(tty_compose(&raw, longest, out), 1, TTY_COMPOSE_SIZE - 1);
		for (const char *c = out; *c; c++)
			lines += *c == '\n';
		for (const char *c = out; (c = strstr(c, "\033[0;7m")); c++)
			written++;
		/* one new line at the foot for each, and one between each two */
		assert_int_equal(lines, 2 * written - 1);
		assert_in_range(written, 1, TTY_LINES_MAX);
		snprintf(in, sizeof(in), "\033[%uA\r\033[%uL", 15 + written, written);
		assert_non_null(strstr(out, in));
		assert_string_equal(out + strlen(out) - 2, "\0338");
	}
	assert_int_equal(lines, 1);
}

UNIT_MAIN(unit(test_stat), unit(test_open), unit(test_somebody_elses), unit(test_gone),
	  unit(test_never_waits), unit(test_raw), unit(test_compose))
