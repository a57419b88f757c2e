// SPDX-License-Identifier: Apache-2.0
/* The verifier against every kind of change: it must refuse, and name the record and the file. */
#include "log_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "audit/canonical.h"
#include "audit/note.h"
#include "audit/segment.h"
#include "audit/state.h"
#include "audit/tiles.h"

static struct log_finding verify(const struct fixture *f)
{
	struct log_finding finding;

	assert_int_equal(log_verify(f->directory, NULL, NULL, &finding), 0);
	assert_true(finding.ok == (finding.why[0] == 0));
	return finding;
}

static void assert_ok(const struct fixture *f)
{
	struct log_finding finding = verify(f);

	if (!finding.ok)
		fail_msg("%s", finding.why);
	assert_true(finding.bad_index == UINT64_MAX);
}

static void assert_bad(const struct fixture *f, const char *what, uint64_t index, const char *file)
{
	struct log_finding finding = verify(f);

	if (finding.ok)
		fail_msg("%s: verifies", what);
	if (finding.bad_index != index)
		fail_msg("%s: names record %" PRIu64 ", not %" PRIu64 ": %s", what,
			 finding.bad_index, index, finding.why);
	if (!strstr(finding.why, file))
		fail_msg("%s: does not name %s: %s", what, file, finding.why);
}

static void fixture_signed(struct fixture *f, uint64_t n)
{
	fixture_new(f);
	fixture_open(f);
	fixture_append(f, n);
	assert_int_equal(log_checkpoint(f->log, 1), 0);
	fixture_close(f);
	assert_ok(f);
}

static void test_sizes(void **state)
{
	static const uint64_t sizes[] = {0, 1, 2, 255, 256, 257, 511, 512, 513};
	struct log_finding finding;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct fixture f;

		fixture_signed(&f, sizes[i]);
		finding = verify(&f);
		assert_int_equal(finding.size, sizes[i]);
		assert_int_equal(finding.unsigned_tail, 0);
		assert_int_equal(strlen(finding.root), 44);
		assert_in_range(finding.checkpoint_ms, INT64_C(1600000000000),
				INT64_C(99000000000000));
		if (sizes[i] == 0)
			assert_string_equal(finding.root,
					    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
		fixture_free(&f);
	}
}

/* Which record a byte of the lines belongs to. */
static uint64_t record_of_line(const char *bytes, size_t at)
{
	uint64_t n = 0;

	for (size_t i = 0; i < at; i++)
		n += bytes[i] == '\n';
	return n;
}

static uint64_t record_of_bundle(const char *bytes, size_t len, size_t at, uint64_t first)
{
	const char *entry;
	size_t next = 0, n;

	while (tiles_next_entry((const uint8_t *)bytes, len, &next, &entry, &n) > 0 && next <= at)
		first++;
	return first;
}

/* One bit of one byte, in every file that is evidence. state.json is not: it holds a time that
 * nobody signed. */
static void test_every_file_flipped(void **state)
{
	static const struct {
		const char *file;
		size_t stride;
		char kind; /* l: lines, b: bundle, h: hashes, o: other */
		uint64_t first;
	} files[] = {
		{"events.jsonl", 307, 'l', 0},
		{"tile/entries/000", 281, 'b', 0},
		{"tile/entries/001.p/44", 127, 'b', 256},
		{"tile/0/000", 101, 'h', 0},
		{"tile/0/001.p/44", 17, 'h', 256},
		{"tile/1/000.p/1", 1, 'o', 0},
		{"checkpoint", 1, 'o', 0},
		{"log.pub", 1, 'o', 0},
	};
	struct fixture f;
	unsigned int flips = 0;

	(void)state;
	fixture_signed(&f, 300);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *bytes = NULL;
		size_t len;

		bytes = fixture_read(&f, files[i].file, &len);
		assert_non_null(bytes);
		for (size_t at = 0; at < len; at += files[i].stride) {
			uint64_t want = UINT64_MAX;
			char name[64];

			snprintf(name, sizeof(name), "%s byte %zu", files[i].file, at);
			if (files[i].kind == 'l')
				want = record_of_line(bytes, at);
			if (files[i].kind == 'b')
				want = record_of_bundle(bytes, len, at, files[i].first);
			if (files[i].kind == 'h')
				want = files[i].first + at / 32;
			bytes[at] ^= (char)(1 << (at % 8));
			fixture_write(&f, files[i].file, bytes, len);
			assert_bad(&f, name, want, files[i].kind == 'o' ? "" : files[i].file);
			bytes[at] ^= (char)(1 << (at % 8));
			flips++;
		}
		fixture_write(&f, files[i].file, bytes, len);
		assert_ok(&f);
	}
	assert_in_range(flips, 800, 100000);
	fixture_free(&f);
}

/* A line by its number, as [start, end) with its newline. */
static char *line_at(char *bytes, uint64_t n, size_t *ret_len)
{
	while (n--)
		bytes = strchr(bytes, '\n') + 1;
	*ret_len = (size_t)(strchr(bytes, '\n') + 1 - bytes);
	return bytes;
}

static size_t edit_lines(char *bytes, size_t len, const char *how, uint64_t at)
{
	size_t n, m, tail;
	char *line = line_at(bytes, at, &n), *next, copy[1024];

	tail = (size_t)(bytes + len - line) - n;
	memcpy(copy, line, n);
	if (!strcmp(how, "remove")) {
		memmove(line, line + n, tail);
		return len - n;
	}
	if (!strcmp(how, "double")) {
		memmove(line + 2 * n, line + n, tail);
		memcpy(line + n, copy, n);
		return len + n;
	}
	if (!strcmp(how, "insert")) {
		memmove(line + 3, line, tail + n);
		memcpy(line, "{}\n", 3);
		return len + 3;
	}
	if (!strcmp(how, "swap")) {
		next = line + n;
		m = (size_t)(strchr(next, '\n') + 1 - next);
		memmove(line, next, m);
		memcpy(line + m, copy, n);
		return len;
	}
	if (!strcmp(how, "cut"))
		return (size_t)(line - bytes);
	if (!strcmp(how, "cut within"))
		return (size_t)(line - bytes) + n / 2;
	fail_msg("%s?", how);
	return 0;
}

static void test_lines_edited(void **state)
{
	static const struct {
		const char *how;
		uint64_t at, bad;
	} rows[] = {
		{"remove", 0, 0},	  {"remove", 17, 17}, {"remove", 299, 299},
		{"double", 17, 18},	  {"insert", 17, 17}, {"insert", 0, 0},
		{"swap", 17, 17},	  {"swap", 298, 298}, {"cut", 255, 255},
		{"cut within", 255, 255}, {"cut", 0, 0},      {"cut within", 299, 299},
	};
	struct fixture f;
	size_t len;
	_cleanup_free_ char *bytes = NULL;

	(void)state;
	fixture_signed(&f, 300);
	bytes = fixture_read(&f, "events.jsonl", &len);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *changed = calloc(1, len + 1024);
		char name[64];
		size_t n;

		memcpy(changed, bytes, len);
		n = edit_lines(changed, len, rows[i].how, rows[i].at);
		fixture_write(&f, "events.jsonl", changed, n);
		snprintf(name, sizeof(name), "%s %" PRIu64, rows[i].how, rows[i].at);
		assert_bad(&f, name, rows[i].bad, "events.jsonl");
	}
	/* after the last signed line: it is taken for one that is not signed yet, and is damaged */
	{
		_cleanup_free_ char *changed = calloc(1, len + 1024);

		memcpy(changed, bytes, len);
		memcpy(changed + len, "{}\n", 3);
		fixture_write(&f, "events.jsonl", changed, len + 3);
		assert_bad(&f, "insert at the end", 300, "events.jsonl");
	}
	fixture_free(&f);
}

static size_t edit_bundle(uint8_t *bytes, size_t len, const char *how, uint64_t at)
{
	size_t start = 0, end = 0, n;
	const char *entry;

	for (uint64_t i = 0; i <= at; i++) {
		start = end;
		assert_int_equal(tiles_next_entry(bytes, len, &end, &entry, &n), 1);
	}
	if (!strcmp(how, "remove")) {
		memmove(bytes + start, bytes + end, len - end);
		return len - (end - start);
	}
	if (!strcmp(how, "double")) {
		memmove(bytes + end + (end - start), bytes + end, len - end);
		memcpy(bytes + end, bytes + start, end - start);
		return len + (end - start);
	}
	if (!strcmp(how, "cut"))
		return start;
	if (!strcmp(how, "cut within"))
		return start + 1;
	fail_msg("%s?", how);
	return 0;
}

static void test_bundles_edited(void **state)
{
	static const struct {
		const char *file, *how;
		uint64_t at, bad;
	} rows[] = {
		{"tile/entries/000", "remove", 0, 0},
		{"tile/entries/000", "remove", 255, 255},
		{"tile/entries/000", "double", 7, 8},
		{"tile/entries/000", "cut", 100, 100},
		{"tile/entries/000", "cut within", 100, 100},
		{"tile/entries/001.p/44", "remove", 3, 259},
		{"tile/entries/001.p/44", "double", 43, 300}, /* more than was signed */
		{"tile/entries/001.p/44", "cut", 0, 256},
	};
	struct fixture f;

	(void)state;
	fixture_signed(&f, 300);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len, n;
		_cleanup_free_ char *bytes = fixture_read(&f, rows[i].file, &len);
		_cleanup_free_ uint8_t *changed = calloc(1, len * 2);
		char name[96];

		memcpy(changed, bytes, len);
		n = edit_bundle(changed, len, rows[i].how, rows[i].at);
		fixture_write(&f, rows[i].file, changed, n);
		snprintf(name, sizeof(name), "%s %s %" PRIu64, rows[i].file, rows[i].how,
			 rows[i].at);
		assert_bad(&f, name, rows[i].bad, rows[i].file);
		fixture_write(&f, rows[i].file, bytes, len);
	}
	assert_ok(&f);
	fixture_free(&f);
}

static void test_files_removed(void **state)
{
	static const struct {
		const char *file;
		uint64_t bad;
	} rows[] = {
		{"events.jsonl", 0},
		{"tile/entries/000", 0},
		{"tile/entries/001.p/44", 256},
		{"tile/0/000", 0},
		{"tile/0/001.p/44", 256},
		{"tile/1/000.p/1", UINT64_MAX},
		{"checkpoint", UINT64_MAX},
		{"log.pub", UINT64_MAX},
	};
	struct log_finding finding;
	struct fixture f;

	(void)state;
	fixture_signed(&f, 300);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len;
		_cleanup_free_ char *bytes = fixture_read(&f, rows[i].file, &len);
		char path[256];

		fixture_path(&f, rows[i].file, path);
		assert_int_equal(unlink(path), 0);
		assert_bad(&f, rows[i].file, rows[i].bad, rows[i].file);
		fixture_write(&f, rows[i].file, bytes, len);
	}
	assert_ok(&f);
	assert_int_equal(log_verify("/nonexistent", NULL, NULL, &finding), -ENOENT);
	assert_int_equal(log_verify(f.base, NULL, NULL, &finding), -ENOENT); /* no log there */
	fixture_free(&f);
}

/* Puts the files of another log, of the same entries but one, into place. */
static void forge(const struct fixture *f, const char *const *files)
{
	struct fixture other;

	fixture_new(&other);
	fixture_open(&other);
	fixture_append(&other, 100);
	{
		uint64_t index;

		assert_int_equal(log_append_event(other.log, "{\"forged\":1}", 12, &index), 0);
	}
	fixture_append(&other, 199);
	assert_int_equal(log_checkpoint(other.log, 1), 0);
	fixture_close(&other);
	for (; *files; files++) {
		size_t len;
		_cleanup_free_ char *bytes = fixture_read(&other, *files, &len);

		fixture_write(f, *files, bytes, len);
	}
	fixture_free(&other);
}

static void test_forged_without_the_key(void **state)
{
	static const char *const all_but_checkpoint[] = {"events.jsonl",
							 "tile/entries/000",
							 "tile/entries/001.p/44",
							 "tile/0/000",
							 "tile/0/001.p/44",
							 "tile/1/000.p/1",
							 NULL};
	static const char *const with_checkpoint[] = {"checkpoint", NULL};
	static const char *const with_key[] = {"log.pub", NULL};
	struct log_finding finding;
	char *vkey;
	struct fixture f;
	size_t len;

	(void)state;
	fixture_signed(&f, 300);
	vkey = fixture_read(&f, "log.pub", &len);
	/* logged_time makes every record differ, so nothing tells one bad record from the others */
	forge(&f, all_but_checkpoint);
	assert_bad(&f, "all files of another log", UINT64_MAX, "without its key");
	forge(&f, with_checkpoint);
	assert_bad(&f, "its checkpoint too", UINT64_MAX, "no signature");
	forge(&f, all_but_checkpoint);
	forge(&f, with_key);
	/* with log.pub replaced as well only the key that the auditor brings can tell */
	assert_int_equal(log_verify(f.directory, vkey, NULL, &finding), 0);
	assert_false(finding.ok);
	assert_int_equal(log_verify(f.directory, "bailiff/test-host+00000000+AA", NULL, &finding),
			 -EINVAL);
	free(vkey);
	fixture_free(&f);
}

/* Who changes a record may change its hash as well, and the hash above. */
static void test_record_and_hash_changed(void **state)
{
	struct fixture f;
	struct tree_tile tile;
	size_t len, hashes_len;
	_cleanup_free_ char *bundle = NULL, *hashes = NULL;
	char *there;
	const char *entry;
	size_t at = 0, n;
	uint8_t above[DIGEST_SIZE];

	(void)state;
	fixture_signed(&f, 300);
	bundle = fixture_read(&f, "tile/entries/000", &len);
	hashes = fixture_read(&f, "tile/0/000", &hashes_len);
	for (int i = 0; i <= 42; i++)
		assert_int_equal(tiles_next_entry((uint8_t *)bundle, len, &at, &entry, &n), 1);
	there = memmem(entry, n, "event 42 ", 9);
	assert_non_null(there);
	there[6] = '9';
	assert_int_equal(tree_leaf(entry, n, (uint8_t *)hashes + 42 * DIGEST_SIZE), 0);
	fixture_write(&f, "tile/entries/000", bundle, len);
	fixture_write(&f, "tile/0/000", hashes, hashes_len);
	assert_bad(&f, "record and hash", 42, "tile/entries");
	memcpy(tile.hash, hashes, sizeof(tile.hash));
	assert_int_equal(tree_hash((const uint8_t(*)[DIGEST_SIZE])tile.hash, 256, above), 0);
	fixture_write(&f, "tile/1/000.p/1", above, sizeof(above));
	assert_bad(&f, "record, hash and the hash above", 42, "tile/entries");
	fixture_free(&f);
}

static void test_unsigned_tail(void **state)
{
	struct log_finding finding;
	struct fixture f;
	size_t len;
	_cleanup_free_ char *bytes = NULL;
	char *last;

	(void)state;
	fixture_new(&f);
	fixture_open(&f);
	fixture_append(&f, 10);
	assert_int_equal(log_checkpoint(f.log, 1), 0);
	fixture_append(&f, 300);
	finding = verify(&f);
	assert_true(finding.ok);
	assert_int_equal(finding.size, 10);
	assert_int_equal(finding.unsigned_tail, 300);
	fixture_close(&f);
	bytes = fixture_read(&f, "events.jsonl", &len);
	/* half a line is what a writer at work leaves for a moment */
	fixture_write(&f, "events.jsonl", bytes, len - 5);
	finding = verify(&f);
	assert_true(finding.ok);
	assert_int_equal(finding.unsigned_tail, 299);
	last = memmem(bytes, len, "\"sequence\":200", 14);
	assert_non_null(last);
	last[13] = '7';
	fixture_write(&f, "events.jsonl", bytes, len);
	assert_bad(&f, "tail out of sequence", 200, "events.jsonl");
	fixture_free(&f);
}

/* An entry that a changed writer signed: hashes cannot show it, its form does. */
static void test_signed_but_malformed(void **state)
{
	static const struct {
		const char *entry, *says;
	} rows[] = {
		{"{\"metadata\": "
		 "{\"log_name\":\"bailiff/test-host\",\"logged_time\":1,\"sequence\":3}}",
		 "canonical"},
		{"{\"metadata\":{\"log_name\":\"bailiff/"
		 "test-host\",\"logged_time\":1,\"sequence\":4}}",
		 "record 4"},
		{"{\"metadata\":{\"log_name\":\"bailiff/x\",\"logged_time\":1,\"sequence\":3}}",
		 "another log"},
		{"{}", "canonical"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fixture f;
		size_t len = strlen(rows[i].entry);
		char line[256];

		fixture_new(&f);
		fixture_open(&f);
		fixture_append(&f, 3);
		assert_int_equal(state_add(f.log, rows[i].entry, len), 0);
		snprintf(line, sizeof(line), "%s\n", rows[i].entry);
		assert_int_equal(write(f.log->events_fd, line, len + 1), (ssize_t)len + 1);
		assert_int_equal(log_checkpoint(f.log, 1), 0);
		assert_bad(&f, rows[i].entry, 3, rows[i].says);
		fixture_free(&f);
	}
}

/* An auditor looks while the log is being written. */
static void test_while_writing(void **state)
{
	struct fixture f;
	uint64_t last = 0;
	int status;
	pid_t child;

	(void)state;
	fixture_new(&f);
	fixture_open(&f);
	fixture_append(&f, 200);
	fixture_close(&f);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		fixture_open(&f);
		for (int i = 0; i < 100000; i++) {
			fixture_append(&f, 1 + (uint64_t)i % 90);
			if (log_checkpoint(f.log, i) != 0)
				_exit(1);
		}
		_exit(0);
	}
	/* on a busy machine the writer may not have begun when forty looks are over */
	for (int i = 0; i < 40 || (last <= 200 && i < 20000); i++) {
		struct log_finding finding = verify(&f);

		if (!finding.ok) {
			kill(child, SIGKILL);
			fail_msg("attempt %d, size %" PRIu64 ": %s", i, finding.size, finding.why);
		}
		assert_true(finding.size >= last);
		last = finding.size;
	}
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status)); /* it was still writing */
	assert_true(last > 200);
	fixture_free(&f);
}

static uint64_t progress_done, progress_all, progress_calls;

static void on_progress(uint64_t done, uint64_t all)
{
	assert_true(done > progress_done);
	progress_done = done;
	progress_all = all;
	progress_calls++;
}

static void test_progress(void **state)
{
	struct log_finding finding;
	struct fixture f;

	(void)state;
	fixture_signed(&f, 600);
	assert_int_equal(log_verify(f.directory, NULL, on_progress, &finding), 0);
	assert_int_equal(progress_done, 600);
	assert_int_equal(progress_all, 600);
	assert_int_equal(progress_calls, 3);
	fixture_free(&f);
}

UNIT_MAIN(unit(test_sizes), unit(test_every_file_flipped), unit(test_lines_edited),
	  unit(test_bundles_edited), unit(test_files_removed), unit(test_forged_without_the_key),
	  unit(test_record_and_hash_changed), unit(test_unsigned_tail),
	  unit(test_signed_but_malformed), unit(test_while_writing), unit(test_progress))
