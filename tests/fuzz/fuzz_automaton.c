// SPDX-License-Identifier: Apache-2.0
/* Any text as a pattern: it is refused with a reason, or gives a table that finds what the
 * detector's own automaton finds. First byte: the options; then the pattern, a newline, the text.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/scan_reference.h"

#define LIMIT	    512
#define PATTERN_MAX 48
#define TEXT_MAX    256

static bool masked[TEXT_MAX], slow_masked[TEXT_MAX];
static struct reference_scan slow;

static void take(void *ctx, const struct scan_span *s)
{
	if (s->end <= s->start || s->end > TEXT_MAX)
		abort();
	for (size_t i = s->start; i < s->end; i++)
		masked[i] = true;
}

static void compare(const struct inline_detector *d, const struct scan_table *table,
		    const uint8_t *text, size_t len)
{
	struct reference r;
	struct scan_state state = {0};
	uint8_t buffer[SCAN_BUFFER] = {0};

	memset(masked, 0, sizeof(masked));
	memset(slow_masked, 0, sizeof(slow_masked));
	memcpy(buffer, text, len);
	scan_bytes(table, &state, buffer, (__u32)len, NULL, take);
	if (reference_init(&r, d, 1) < 0)
		abort();
	slow.r = &r;
	slow.bytes = text;
	slow.n_live = slow.n_match = 0;
	slow.masking = false;
	reference_buffer(&slow, 0, len, slow_masked);
	/* a match that commits at its end may be told to begin before it does, and nothing else */
	for (size_t i = 0; i < TEXT_MAX; i++) {
		if (slow_masked[i] && !masked[i])
			abort();
		if (masked[i] && !slow_masked[i] &&
		    (!d->at_end || i + 1 == TEXT_MAX || !masked[i + 1]))
			abort();
	}
	reference_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char pattern[PATTERN_MAX + 1];
	struct inline_detector d = {.name = "x", .pattern = pattern};
	struct automaton_report report;
	struct scan_table *table = NULL;
	const uint8_t *end;
	int r;

	if (size < 2)
		return 0;
	d.commit = (data[0] & 7u) + 1;
	d.owns = data[0] & 8;
	d.nocase = data[0] & 16;
	d.before = data[0] & 32 ? "[a-c]" : NULL;
	d.after = data[0] & 64 ? "[b-d]" : NULL;
	d.at_end = data[0] & 128;
	d.owns &= !d.at_end;
	data++;
	size--;
	end = memchr(data, '\n', size);
	d.pattern_len = end ? (size_t)(end - data) : size;
	if (!d.pattern_len || d.pattern_len > PATTERN_MAX)
		return 0;
	memcpy(pattern, data, d.pattern_len);
	pattern[d.pattern_len] = 0;
	r = automaton_compile(&d, 1, LIMIT, 1, &table, &report);
	if (r < 0 && (table || (r != -ENOMEM && !report.n_findings)))
		abort();
	if (r == 0 && end) {
		size_t len = size - d.pattern_len - 1;

		compare(&d, table, end + 1, len > TEXT_MAX ? TEXT_MAX : len);
	}
	automaton_report_free(&report);
	free(table);
	return 0;
}
