/* SPDX-License-Identifier: Apache-2.0 */
/* The mask stage: the only producer of text that may be written. libhyperscan finds candidates in a
 * stream, PCRE2 gives their exact span, a validator has the last word.
 *
 * A writer takes struct masked and nothing else; its fields are private to agent/mask, so a
 * captured string cannot reach a log, a spool or an error text without passing through here. */
#ifndef MASK_MASK_H
#define MASK_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"

/* Compiled detectors: one for a policy generation. They hold the scratch memory of a scan too (the
 * reader is single-threaded): one thread at a time uses them, and everything made of them. */
struct mask_rules;
struct masked; /* masked text and what was found in it */

struct mask_options {
	/* names of detectors to use, NULL-terminated; NULL: all built in */
	const char *const *detectors;
	/* detectors of the company: name and a PCRE2/Hyperscan pattern */
	const struct mask_custom {
		const char *name;
		const char *pattern;
	} * custom;
	size_t n_custom;
	uint8_t key[DIGEST_SIZE]; /* for keyed digests of what was found */
};

/* Compiles. On -EINVAL err (256 bytes) names the detector and what is wrong with it. */
int mask_rules_new(const struct mask_options *options, struct mask_rules **ret, char *err);
void mask_rules_free(struct mask_rules *rules);

/* The detectors built in, in the order of their index; NULL past the end. */
const char *mask_detector_name(size_t i);
const char *mask_detector_description(size_t i);

/* Whether a detector of that name is built in. */
bool mask_detector_known(const char *name);

/* Compiles one pattern of a company alone, so that the error is about it. Returns 0, or as
 * mask_rules_new, with one sentence in err (256 bytes). */
int mask_pattern_compiles(const char *name, const char *pattern, char *err);

struct mask_finding {
	const char *detector; /* lives as long as the rules */
	size_t offset, len;   /* in the masked text (same length as the text masked) */
	char digest[17];      /* first 64 bits of the keyed digest of the value, hex */
};

/* Masks a whole text. Every byte of a finding is replaced (letters and digits by '*', separators
 * kept where the detector says so); lengths stay. The text is looked at as it is, and once more
 * through JSON escapes (\uXXXX, \/, \n), percent escapes and base64 runs: a hit inside an encoded
 * run masks the run. The text should be valid UTF-8; bytes that are not become '?' in the result.
 * All is masked, but no more than 4096 findings are listed; of findings that overlap, one.
 * Returns 0, -ENOMEM. A scan that fails gives a text that is all '*', with failed set. */
int mask_text(const struct mask_rules *rules, const void *bytes, size_t len, struct masked **ret);

/* The same for a text that is shown whole where it is shorter than shown: then it has no digest,
 * which is for what is left out, and takes a fifth of the time. */
int mask_text_shown(const struct mask_rules *rules, const void *bytes, size_t len, size_t shown,
		    struct masked **ret);

/* A length and a keyed digest instead of bytes that could not be decoded. The text is empty. */
int mask_digest_only(const struct mask_rules *rules, const void *bytes, size_t len,
		     struct masked **ret);

/* A text of our own (a static literal): needs no masking, may be written as it is. */
#define masked_literal(ret, s) masked_of_literal((ret), "" s "", sizeof(s) - 1)
int masked_of_literal(struct masked **ret, const char *s, size_t len);

void masked_free(struct masked *m);
void masked_freep(struct masked **m);
const char *masked_text(const struct masked *m); /* valid UTF-8, zero-terminated */
size_t masked_len(const struct masked *m);
size_t masked_n_findings(const struct masked *m);
const struct mask_finding *masked_finding(const struct masked *m, size_t i);
bool masked_failed(const struct masked *m);
/* Keyed digest of the whole text as it came, 64 hex digits; empty for a literal, and for a text
 * that is shown whole (mask_text_shown). */
const char *masked_digest(const struct masked *m);
uint64_t masked_original_len(const struct masked *m);

/* Streaming: for bytes that never are at hand whole. Feed pieces; out gets masked bytes as soon as
 * no match can reach back to them (at most 16 KiB are held): the same bytes that mask_text gives,
 * wherever the pieces were cut. finish flushes; after it nothing can be fed (-EINVAL). When a scan
 * fails, all that is held and all that follows is '*'. */
struct mask_stream;
typedef void (*mask_out)(void *ctx, const char *bytes, size_t len);
int mask_stream_new(const struct mask_rules *rules, mask_out out, void *ctx,
		    struct mask_stream **ret);
int mask_stream_feed(struct mask_stream *s, const void *bytes, size_t len);
int mask_stream_finish(struct mask_stream *s);
void mask_stream_free(struct mask_stream *s);

#endif
