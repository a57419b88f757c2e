// SPDX-License-Identifier: Apache-2.0
/* Reads the files of a policy directory. */
#include "policy/source.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "policy/report.h"
#include "policy/utf8.h"

#define SOURCE_ERRORS_MAX 10 /* of one file: a binary file would fill the report */

/* Symbolic links may not lead out of the directory: the digest names what is in it. O_NONBLOCK, so
 * that a FIFO put there cannot hang the agent before it is seen to be no file. */
static int source_open(int dir, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));

	/* container runtimes that do not know openat2 refuse it; then no link is followed */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

/* At most POLICY_FILE_MAX bytes and one more: the size that stat gave may have changed. */
static int source_slurp(int fd, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0, cap = 0;

	for (;;) {
		ssize_t n;

		if (len + 1 >= cap) {
			char *p;

			cap = cap ? 2 * cap : 4096;
			p = realloc(text, cap);
			if (!p)
				return -ENOMEM;
			text = p;
		}
		n = read(fd, text + len, cap - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > POLICY_FILE_MAX)
			return -EFBIG;
	}
	text[len] = 0;
	*ret = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

static int source_refuse(struct policy_report *report, const char *shown, int r)
{
	struct policy_where where = {.file = shown};

	switch (r) {
	case -ENOENT:
		report_add(report, POLICY_ERROR, where, "there is no such file");
		break;
	case -EXDEV:
	case -ELOOP:
		report_add(report, POLICY_ERROR, where,
			   "is a symbolic link that leads out of the policy directory; "
			   "the files of a policy must be in its directory");
		break;
	case -EFBIG:
		report_add(report, POLICY_ERROR, where, "is larger than %u MiB",
			   POLICY_FILE_MAX >> 20);
		break;
	case -EINVAL:
	case -EISDIR:
	case -ENXIO:
		report_add(report, POLICY_ERROR, where, "is not a regular file");
		break;
	default:
		report_add(report, POLICY_ERROR, where, "cannot be read: %s", strerror(-r));
	}
	return r;
}

int source_read(int dir, const char *name, const char *shown, struct policy_report *report)
{
	_cleanup_close_ int fd = source_open(dir, name);
	struct stat st;
	size_t len = 0;
	char *text = NULL;
	int r;

	if (fd < 0)
		return source_refuse(report, shown, fd);
	if (fstat(fd, &st) < 0)
		return source_refuse(report, shown, -errno);
	if (!S_ISREG(st.st_mode))
		return source_refuse(report, shown, -EINVAL);
	if (st.st_size > POLICY_FILE_MAX)
		return source_refuse(report, shown, -EFBIG);
	r = source_slurp(fd, &text, &len);
	if (r < 0)
		return source_refuse(report, shown, r);
	r = report_source(report, shown, text, len);
	if (r < 0)
		return r;
	if (st.st_mode & S_IWOTH)
		report_add(report, POLICY_WARNING, (struct policy_where){.file = shown},
			   "everybody on this host may write this file (mode %04o)",
			   st.st_mode & 07777);
	return 0;
}

int source_check(const struct policy_source *source, struct policy_report *report)
{
	struct policy_where where = {source->file, 1, 1};
	size_t i = 0, errors = 0;

	/* a byte order mark at the start of a file is harmless, and editors of one system write it
	 */
	if (source->len >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0)
		i = 3;
	while (i < source->len && errors < SOURCE_ERRORS_MAX) {
		uint32_t c;
		size_t n = utf8_decode(source->text + i, source->len - i, &c);

		if (n == 0) {
			report_add(report, POLICY_ERROR, where,
				   "byte 0x%02x is no UTF-8; a policy is written in UTF-8",
				   (uint8_t)source->text[i]);
			errors++;
			n = 1;
		} else if (c == '\n') {
			where.line++;
			where.column = 0;
		} else if (c == '\r' && source->text[i + 1] != '\n') {
			/* YAML ends the line here, and a comment with it; an editor may not */
			report_add(
				report, POLICY_ERROR, where,
				"a carriage return without a line feed; lines end in a line feed");
			errors++;
		} else if (c != '\t' && c != '\r' && utf8_hides(c)) {
			report_add(report, POLICY_ERROR, where,
				   "character U+%04X is not seen as it is; a policy must read the "
				   "same "
				   "to people and to bailiff",
				   c);
			errors++;
		}
		where.column++;
		i += n;
	}
	return errors ? -EINVAL : 0;
}

int source_digest(const char *const *names, const struct policy_source *sources, size_t n,
		  uint8_t ret[32])
{
	_cleanup_buffer_ struct buffer sums = {0};

	for (size_t i = 0; i < n; i++) {
		char hex[DIGEST_HEX];
		uint8_t sum[DIGEST_SIZE];
		int r = digest_sha256(sources[i].text, sources[i].len, sum);

		if (r < 0)
			return r;
		digest_hex(sum, sizeof(sum), hex);
		r = buffer_printf(&sums, 4096, "%s  %s\n", hex, names[i]);
		if (r < 0)
			return r;
	}
	return digest_sha256(sums.data, sums.len, ret);
}
