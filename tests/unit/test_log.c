// SPDX-License-Identifier: Apache-2.0
/* The writer and the reader of the log: layout, sequence, tears, full disks, locks, rotation. */
#include "log_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "audit/entry.h"
#include "audit/note.h"
#include "audit/reader.h"
#include "audit/segment.h"
#include "audit/tiles.h"

static void assert_mode(const struct fixture *f, const char *name, mode_t want)
{
	char path[256];
	struct stat st;

	fixture_path(f, name, path);
	if (stat(path, &st) < 0)
		fail_msg("%s is missing", name);
	if ((st.st_mode & 07777) != want)
		fail_msg("%s has mode %o", name, st.st_mode & 07777);
}

static bool exists(const struct fixture *f, const char *name)
{
	char path[256];

	fixture_path(f, name, path);
	return access(path, F_OK) == 0;
}

static struct checkpoint read_checkpoint(const struct fixture *f)
{
	size_t len, key_len, text_len;
	_cleanup_free_ char *note = fixture_read(f, "checkpoint", &len);
	_cleanup_free_ char *vkey = fixture_read(f, "log.pub", &key_len);
	struct note_key key;
	struct checkpoint c;

	assert_non_null(note);
	assert_non_null(vkey);
	assert_int_equal(note_key_parse(vkey, key_len - 1, &key), 0);
	assert_int_equal(note_verify(note, len, &key, &text_len), 0);
	assert_int_equal(checkpoint_parse(note, text_len, &c), 0);
	return c;
}

static void test_layout(void **state)
{
	struct fixture f;
	struct checkpoint c;

	(void)state;
	umask(077); /* must not take the group's right to read */
	fixture_new(&f);
	fixture_open(&f);
	assert_int_equal(f.opened.size, 0);
	assert_int_equal(f.opened.last_append_ms, 0);
	assert_int_equal(read_checkpoint(&f).size, 0);
	fixture_append(&f, 300);
	assert_int_equal(log_checkpoint(f.log, 1), 0);
	c = read_checkpoint(&f);
	assert_int_equal(c.size, 300);
	assert_string_equal(c.origin, "bailiff/test-host");
	assert_mode(&f, "", 0750);
	assert_mode(&f, "tile/entries", 0750);
	assert_mode(&f, "checkpoint", 0640);
	assert_mode(&f, "events.jsonl", 0640);
	assert_mode(&f, "log.pub", 0640);
	assert_mode(&f, "tile/entries/000", 0640);
	assert_mode(&f, "tile/entries/001.p/44", 0640);
	assert_mode(&f, "tile/0/000", 0640);
	assert_mode(&f, "tile/0/001.p/44", 0640);
	assert_mode(&f, "tile/1/000.p/1", 0640);
	fixture_append(&f, 1);
	assert_int_equal(log_checkpoint(f.log, 2), 0);
	assert_true(exists(&f, "tile/0/001.p/45"));
	assert_false(exists(&f, "tile/0/001.p/44")); /* superseded */
	assert_false(exists(&f, "tile/entries/001.p/44"));
	assert_true(exists(&f, "tile/1/000.p/1"));
	fixture_append(&f, 211);
	assert_int_equal(log_checkpoint(f.log, 3), 0);
	assert_true(exists(&f, "tile/0/001"));
	assert_false(exists(&f, "tile/0/001.p"));
	assert_false(exists(&f, "tile/entries/001.p"));
	assert_true(exists(&f, "tile/1/000.p/2"));
	fixture_free(&f);
}

struct expect {
	uint64_t next;
	uint64_t stop;
};

static int expect_entry(void *ctx, uint64_t index, const char *json, size_t len)
{
	struct expect *e = ctx;
	char want[64];
	struct entry own;

	assert_int_equal(index, e->next);
	assert_int_equal(strlen(json), len);
	assert_int_equal(entry_read(json, len, &own), 0);
	assert_int_equal(own.sequence, index);
	assert_string_equal(own.log_name, "bailiff/test-host");
	snprintf(want, sizeof(want), "\"message\":\"event %" PRIu64 " ", index);
	assert_non_null(strstr(json, want));
	e->next++;
	return e->next == e->stop ? 77 : 0;
}

static void test_sequence_over_many_opens(void **state)
{
	static const unsigned int rounds[] = {0, 1, 1, 254, 0, 1, 300, 512, 3};
	struct fixture f, whole;
	struct checkpoint a, b;
	struct expect e = {0};
	uint64_t total = 0;

	(void)state;
	fixture_new(&f);
	for (size_t i = 0; i < ARRAY_SIZE(rounds); i++) {
		fixture_open(&f);
		assert_int_equal(f.opened.size, total);
		assert_int_equal(f.opened.discarded, 0);
		fixture_append(&f, rounds[i]);
		total += rounds[i];
		/* every other time without a checkpoint: the lines alone carry the entries */
		if (i % 2)
			assert_int_equal(log_checkpoint(f.log, 1), 0);
		fixture_close(&f);
	}
	fixture_open(&f);
	assert_int_equal(f.opened.size, total);
	assert_int_equal(log_checkpoint(f.log, 1), 0);
	assert_int_equal(log_read(f.directory, 0, expect_entry, &e), 0);
	assert_int_equal(e.next, total);

	/* The same entries, byte for byte, in one go give the same tree. */
	fixture_new(&whole);
	whole.options.key_path = f.key;
	fixture_open(&whole);
	{
		size_t len;
		_cleanup_free_ char *lines = fixture_read(&f, "events.jsonl", &len);

		fixture_close(&whole);
		fixture_write(&whole, "events.jsonl", lines, len);
	}
	fixture_open(&whole);
	assert_int_equal(whole.opened.size, total);
	assert_int_equal(log_checkpoint(whole.log, 1), 0);
	a = read_checkpoint(&f);
	b = read_checkpoint(&whole);
	assert_int_equal(a.size, b.size);
	assert_memory_equal(a.root, b.root, DIGEST_SIZE);
	fixture_free(&whole);
	fixture_free(&f);
}

static void test_append_refuses(void **state)
{
	static const struct {
		const char *name, *json;
	} rows[] = {
		{"empty", ""},
		{"not JSON", "{"},
		{"an array", "[]"},
		{"a fraction", "{\"a\":1.5}"},
		{"a key twice", "{\"a\":1,\"a\":2}"},
		{"metadata is a string", "{\"metadata\":\"x\"}"},
		{"trailing bytes", "{}x"},
	};
	_cleanup_free_ char *big = malloc(70000);
	struct fixture f;
	uint64_t index = 42;
	size_t len;

	(void)state;
	fixture_new(&f);
	fixture_open(&f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (log_append_event(f.log, rows[i].json, strlen(rows[i].json), &index) != -EINVAL)
			fail_msg("%s: taken", rows[i].name);
	assert_int_equal(index, 42);
	assert_int_equal(log_size(f.log), 0);
	/* the greatest entry is 65,535 bytes with what the log adds */
	for (size_t pad = 65000; pad < 66000; pad++) {
		int r;

		len = (size_t)snprintf(big, 70000, "{\"m\":\"%0*d\"}", (int)pad, 0);
		r = log_append_event(f.log, big, len, &index);
		if (r == 0)
			continue;
		assert_int_equal(r, -EINVAL);
		break;
	}
	assert_in_range(log_size(f.log), 1, 999);
	assert_int_equal(log_checkpoint(f.log, 1), 0);
	fixture_close(&f);
	fixture_open(&f);
	fixture_free(&f);
}

static void test_torn_tail(void **state)
{
	static const struct {
		const char *name, *tail;
		uint64_t lost;
	} rows[] = {
		{"half a line", "{\"class_uid\":60", 14},
		{"zeros after a power cut", "\0\0\0\0\0\0\0\0", 8},
		{"a line of something else", "hello\n", 6},
		{"a line of another place in the sequence",
		 "{\"metadata\":{\"log_name\":\"bailiff/"
		 "test-host\",\"logged_time\":1,\"sequence\":9}}\n",
		 76},
		{"a line of another log",
		 "{\"metadata\":{\"log_name\":\"bailiff/"
		 "other\",\"logged_time\":1,\"sequence\":5}}\n",
		 72},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture f;
		char path[256];
		int fd;

		fixture_new(&f);
		fixture_open(&f);
		fixture_append(&f, 3);
		assert_int_equal(log_checkpoint(f.log, 1), 0);
		fixture_append(&f, 2);
		fixture_close(&f);
		fixture_path(&f, "events.jsonl", path);
		fd = open(path, O_WRONLY | O_APPEND);
		assert_int_equal(write(fd, rows[i].tail, rows[i].lost), (ssize_t)rows[i].lost);
		close(fd);
		fixture_open(&f);
		if (f.opened.size != 5 || f.opened.discarded != rows[i].lost)
			fail_msg("%s: size %" PRIu64 ", discarded %" PRIu64, rows[i].name,
				 f.opened.size, f.opened.discarded);
		fixture_append(&f, 1);
		fixture_close(&f);
		fixture_open(&f);
		assert_int_equal(f.opened.size, 6);
		assert_int_equal(f.opened.discarded, 0);
		fixture_free(&f);
	}
}

/* What was signed and is not there any more: no new entry is put on top of it. */
static void change_and_expect_unclean(const char *name, const char *file, off_t at, int how)
{
	struct fixture f;
	_cleanup_free_ char *bytes = NULL, *after = NULL;
	struct log *log = NULL;
	struct log_opened opened = {.size = 42};
	size_t len, after_len;
	char path[256];

	fixture_new(&f);
	fixture_open(&f);
	fixture_append(&f, 300);
	assert_int_equal(log_checkpoint(f.log, 1), 0);
	fixture_close(&f);
	fixture_path(&f, file, path);
	if (how == 'x') {
		assert_int_equal(unlink(path), 0);
	} else {
		bytes = fixture_read(&f, file, &len);
		assert_non_null(bytes);
		if (at < 0)
			at += (off_t)len;
		if (how == 'f')
			bytes[at] ^= 1;
		fixture_write(&f, file, bytes, how == 't' ? (size_t)at : len);
	}
	if (log_open(&f.options, &log, &opened) != -EUCLEAN)
		fail_msg("%s: opened", name);
	assert_null(log);
	assert_int_equal(opened.size, 42);
	if (how == 'f') {
		after = fixture_read(&f, file, &after_len);
		assert_int_equal(after_len, len);
		assert_memory_equal(after, bytes, len);
	}
	fixture_free(&f);
}

static void test_unclean(void **state)
{
	static const struct {
		const char *name, *file;
		off_t at;
		int how; /* f: flip a bit, t: truncate, x: remove */
	} rows[] = {
		{"line changed", "events.jsonl", 5000, 'f'},
		{"first line changed", "events.jsonl", 30, 'f'},
		{"last newline changed", "events.jsonl", -1, 'f'},
		{"lines cut", "events.jsonl", 5000, 't'},
		{"half of the last line cut", "events.jsonl", -20, 't'},
		{"lines gone", "events.jsonl", 0, 't'},
		{"file of lines removed", "events.jsonl", 0, 'x'},
		{"checkpoint changed", "checkpoint", 20, 'f'},
		{"checkpoint removed", "checkpoint", 0, 'x'},
		{"checkpoint empty", "checkpoint", 0, 't'},
		{"bundle changed", "tile/entries/001.p/44", 77, 'f'},
		{"bundle cut", "tile/entries/001.p/44", -1, 't'},
		{"bundle removed", "tile/entries/001.p/44", 0, 'x'},
		{"tile changed", "tile/0/001.p/44", 77, 'f'},
		{"tile cut", "tile/0/001.p/44", -32, 't'},
		{"tile above removed", "tile/1/000.p/1", 0, 'x'},
		{"full tile removed", "tile/0/000", 0, 'x'},
		{"public key changed", "log.pub", 3, 'f'},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		change_and_expect_unclean(rows[i].name, rows[i].file, rows[i].at, rows[i].how);
}

static void test_key_gone(void **state)
{
	struct fixture f;
	struct log *log = NULL;
	struct log_opened opened;

	(void)state;
	fixture_new(&f);
	fixture_open(&f);
	fixture_close(&f);
	assert_int_equal(unlink(f.key), 0);
	assert_int_equal(log_open(&f.options, &log, &opened), -ENOKEY);
	assert_int_equal(access(f.key, F_OK), -1); /* no new key that fits nothing */
	fixture_free(&f);
}

static void test_second_writer(void **state)
{
	struct fixture f;
	struct log *log = NULL;
	struct log_opened opened;

	(void)state;
	fixture_new(&f);
	fixture_open(&f);
	assert_int_equal(log_open(&f.options, &log, &opened), -EBUSY);
	fixture_close(&f);
	assert_int_equal(log_open(&f.options, &log, &opened), 0);
	log_close(log);
	fixture_free(&f);
}

/* RLIMIT_FSIZE makes a write short and the next one fail, as a full disk does. */
static void test_disk_full(void **state)
{
	struct fixture f;
	struct rlimit limit, unlimited;
	uint64_t size;
	char json[512], path[256];
	uint64_t index = 0;
	struct stat st;
	int r = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	fixture_new(&f);
	fixture_open(&f);
	fixture_append(&f, 10);
	assert_int_equal(log_checkpoint(f.log, 1), 0);
	fixture_path(&f, "events.jsonl", path);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
	limit = unlimited;
	limit.rlim_cur = 4000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (int i = 0; i < 100 && r == 0; i++)
		r = log_append_event(f.log, json,
				     fixture_event(log_size(f.log), json, sizeof(json)), &index);
	assert_int_equal(r, -EFBIG);
	size = log_size(f.log);
	assert_int_equal(index, size - 1);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 3000, 3999); /* the half line was taken back */
	assert_int_equal(
		log_append_event(f.log, json, fixture_event(size, json, sizeof(json)), &index),
		-EFBIG);
	assert_int_equal(log_size(f.log), size);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	fixture_append(&f, 600);
	assert_int_equal(log_size(f.log), size + 600);
	assert_int_equal(log_checkpoint(f.log, 2), 0);
	fixture_close(&f);
	fixture_open(&f);
	assert_int_equal(f.opened.size, size + 600);
	assert_int_equal(f.opened.discarded, 0);
	fixture_free(&f);
}

/* A bundle that cannot be written stops the append after it, and loses nothing. */
static void test_tile_cannot_be_written(void **state)
{
	struct fixture f;
	char json[512], dir[256];
	uint64_t index = 0;

	(void)state;
	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		skip(); /* root writes into any directory */
	fixture_new(&f);
	fixture_open(&f);
	fixture_append(&f, 256);
	fixture_path(&f, "", dir);
	assert_int_equal(chmod(dir, 0500), 0);
	assert_int_equal(
		log_append_event(f.log, json, fixture_event(256, json, sizeof(json)), &index),
		-EACCES);
	assert_int_equal(log_size(f.log), 256);
	assert_int_equal(log_checkpoint(f.log, 1), -EACCES);
	assert_int_equal(chmod(dir, 0700), 0);
	fixture_append(&f, 300);
	assert_int_equal(log_checkpoint(f.log, 1), 0);
	fixture_close(&f);
	fixture_open(&f);
	assert_int_equal(f.opened.size, 556);
	fixture_free(&f);
}

static void test_idle_checkpoint(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f);
	fixture_open(&f);
	fixture_append(&f, 1);
	assert_int_equal(log_checkpoint(f.log, INT64_C(33000000000000)), 0); /* far ahead */
	fixture_close(&f);
	fixture_open(&f);
	assert_in_range(f.opened.last_append_ms, INT64_C(1600000000000), INT64_C(32000000000000));
	assert_int_equal(f.opened.last_alive_ms, INT64_C(33000000000000));
	fixture_free(&f);
}

static void test_read_from(void **state)
{
	static const uint64_t from[] = {0, 1, 255, 256, 257, 599, 600, 601, UINT64_MAX};
	struct fixture f;

	(void)state;
	fixture_new(&f);
	fixture_open(&f);
	fixture_append(&f, 590);
	assert_int_equal(log_checkpoint(f.log, 1), 0);
	fixture_append(&f, 10);
	for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
		struct expect e = {.next = from[i]};

		assert_int_equal(log_read(f.directory, from[i], expect_entry, &e), 0);
		assert_int_equal(e.next, from[i] < 600 ? 600 : from[i]);
	}
	{
		struct expect e = {.next = 5, .stop = 9};

		assert_int_equal(log_read(f.directory, 5, expect_entry, &e), 77);
		assert_int_equal(e.next, 9);
	}
	assert_int_equal(log_read("/nonexistent", 0, expect_entry, NULL), -ENOENT);
	fixture_free(&f);
}

/* Fills events.jsonl over its limit with wide entries. */
static void append_wide(struct fixture *f, size_t bytes)
{
	_cleanup_free_ char *json = malloc(65000);
	uint64_t index;

	for (size_t done = 0; done < bytes; done += 60000) {
		uint64_t i = log_size(f->log);
		int n = snprintf(json, 65000, "{\"message\":\"event %" PRIu64 " %060000d\"}", i, 0);

		assert_int_equal(log_append_event(f->log, json, (size_t)n, &index), 0);
	}
}

static void test_rotation(void **state)
{
	_cleanup_(log_reader_freep) struct log_reader *behind = NULL, *ahead = NULL;
	_cleanup_free_ struct segment *segments = NULL;
	uint64_t index, size, got = 0, expected = 0;
	const char *json;
	struct fixture f;
	size_t n = 0, len;
	int dir;

	(void)state;
	fixture_new(&f);
	fixture_open(&f);
	fixture_append(&f, 100);
	assert_int_equal(log_reader_open(f.directory, 0, &behind), 0);
	assert_int_equal(log_reader_next(behind, &index, &json, &len), 1);
	got = 1;
	append_wide(&f, SEGMENT_SIZE + 1);
	assert_int_equal(log_checkpoint(f.log, 1), 0);
	size = log_size(f.log);
	dir = open(f.directory, O_RDONLY | O_DIRECTORY);
	assert_int_equal(segment_list(dir, &segments, &n), 0);
	close(dir);
	assert_int_equal(n, 1);
	assert_int_equal(segments[0].first, 0);
	assert_int_equal(log_reader_size(f.directory, &expected), 0);
	assert_int_equal(expected, size); /* with an empty events.jsonl */

	/* a crash right here, twice: with the new file empty and with it not yet made */
	fixture_close(&f);
	fixture_open(&f);
	assert_int_equal(f.opened.size, size);
	assert_true(f.opened.last_append_ms > 0);
	fixture_close(&f);
	{
		char path[256];

		fixture_path(&f, "events.jsonl", path);
		assert_int_equal(unlink(path), 0);
	}
	fixture_open(&f);
	assert_int_equal(f.opened.size, size);

	assert_int_equal(log_reader_open(f.directory, size, &ahead), 0);
	assert_int_equal(log_reader_next(ahead, &index, &json, &len), 0);
	fixture_append(&f, 3);
	assert_int_equal(log_reader_next(ahead, &index, &json, &len), 1);
	assert_int_equal(index, size);

	/* a second rotation while one reader is still in the first segment */
	append_wide(&f, SEGMENT_SIZE + 1);
	assert_int_equal(log_checkpoint(f.log, 2), 0);
	fixture_append(&f, 2);
	size = log_size(f.log);
	while (log_reader_next(behind, &index, &json, &len) == 1) {
		assert_int_equal(index, got);
		got++;
	}
	assert_int_equal(got, size);
	assert_int_equal(log_reader_next(behind, &index, &json, &len), 0);
	fixture_append(&f, 1);
	assert_int_equal(log_reader_next(behind, &index, &json, &len), 1);
	assert_int_equal(index, size);
	assert_int_equal(log_reader_size(f.directory, &expected), 0);
	assert_int_equal(expected, size + 1);
	fixture_close(&f);
	fixture_open(&f);
	assert_int_equal(f.opened.size, size + 1);
	{
		struct log_finding finding;

		assert_int_equal(log_checkpoint(f.log, 3), 0);
		assert_int_equal(log_verify(f.directory, NULL, NULL, &finding), 0);
		if (!finding.ok)
			fail_msg("%s", finding.why);
		assert_int_equal(finding.size, size + 1);
	}
	fixture_free(&f);
}

UNIT_MAIN(unit(test_layout), unit(test_sequence_over_many_opens), unit(test_append_refuses),
	  unit(test_torn_tail), unit(test_unclean), unit(test_key_gone), unit(test_second_writer),
	  unit(test_disk_full), unit(test_tile_cannot_be_written), unit(test_idle_checkpoint),
	  unit(test_read_from), unit(test_rotation))
