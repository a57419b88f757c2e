// SPDX-License-Identifier: Apache-2.0
/* Any bytes: the masked text is as long, valid UTF-8, and the same when it comes as a stream in any
 * pieces. The first byte says how long the pieces are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mask/mask.h"
#include "mask/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct mask_rules *rules_once(void)
{
	static struct mask_rules *rules;
	/* one that backtracks, and one that Hyperscan knows only in part */
	static const struct mask_custom custom[] = {
		{"employee", "\\bEMP-(\\d{6})\\b"},
		{"twice", "(?i)(\\w{4,12})=\\1(?!x)"},
	};
	struct mask_options o = {.custom = custom, .n_custom = 2};
	char err[256];

	if (!rules && mask_rules_new(&o, &rules, err) < 0)
		abort();
	return rules;
}

struct sink {
	const struct masked *want;
	size_t at;
};

static void compare(void *ctx, const char *bytes, size_t len)
{
	struct sink *s = ctx;

	if (s->at + len > masked_len(s->want) ||
	    memcmp(masked_text(s->want) + s->at, bytes, len) != 0)
		abort();
	s->at += len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct mask_rules *rules = rules_once();
	struct mask_stream *stream;
	struct sink sink = {0};
	struct masked *m;
	size_t piece;

	if (size < 1)
		return 0;
	piece = data[0] < 128 ? data[0] + 1u : (data[0] - 127u) * 500;
	data++;
	size--;
	if (mask_text(rules, data, size, &m) < 0)
		return 0;
	if (masked_len(m) != size || masked_original_len(m) != size ||
	    utf8_valid((const uint8_t *)masked_text(m), size) != size)
		abort();
	for (size_t i = 0; i < masked_n_findings(m); i++) {
		const struct mask_finding *f = masked_finding(m, i);

		if (f->offset + f->len > size || f->len == 0 || strlen(f->digest) != 16)
			abort();
	}
	if (!masked_failed(m)) {
		sink.want = m;
		if (mask_stream_new(rules, compare, &sink, &stream) < 0)
			abort();
		for (size_t i = 0; i < size; i += piece)
			if (mask_stream_feed(stream, data + i,
					     piece < size - i ? piece : size - i) < 0)
				abort();
		if (mask_stream_finish(stream) < 0 || sink.at != size)
			abort();
		mask_stream_free(stream);
	}
	masked_free(m);
	return 0;
}
