/* SPDX-License-Identifier: Apache-2.0 */
/* A text seen through an encoding: the decoded bytes, and where each of them came from. */
#ifndef MASK_VIEWS_H
#define MASK_VIEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIEW_MIN_LINE 60 /* characters in a line of a wrapped run; tools wrap at 64 and 76 */
#define VIEW_PAD      32 /* bytes that may be read behind flags */

struct view {
	const uint8_t *bytes;
	size_t len;
	/* byte i came from [source[i], source[i + 1]) of the text; NULL: the text itself */
	const uint32_t *source;
};

/* A run of base64, decoded from one of its first four characters on. */
struct view_run {
	uint32_t start;	    /* of its decoded bytes in the view */
	uint32_t low, high; /* the run in the text */
};

/* A line of a run that is being read: its first character in the run and in the text. */
struct view_line {
	uint32_t first, place;
};

struct views {
	uint8_t *bytes;
	uint32_t *source;
	uint8_t *run;	/* the characters of a run, its lines joined */
	uint8_t *flags; /* of these characters */
	struct view_line *lines;
	struct view_run *runs;
	size_t n_lines, n_runs;
};

/* Memory for views of texts of up to SCAN_WINDOW bytes. Returns 0 or -ENOMEM. */
int views_new(struct views **ret);
void views_free(struct views *v);

/* Each decodes text into the memory of v and returns true, or false when there is nothing of that
 * encoding in it (then v is untouched). */

/* JSON string escapes, however often they were escaped again. White space escapes alone are no
 * reason to look: patterns know them. */
bool view_json(struct views *v, const uint8_t *text, size_t len, struct view *ret);
/* %XX, also of '%' itself; where XX is a character that a text can have. */
bool view_percent(struct views *v, const uint8_t *text, size_t len, struct view *ret);
/* Runs of at least 24 base64 characters that decode to some text, in all four phases: what stands
 * before a run may use the same characters. Lines of a wrapped run are joined. cut: the text begins
 * in the middle of a longer one. */
bool view_base64(struct views *v, const uint8_t *text, size_t len, bool cut, struct view *ret);

/* The run that decoded byte i of a base64 view is from. */
const struct view_run *view_run_of(const struct views *v, size_t i);

/* Where the run ends that goes on at text[i] (after a block): i when it does not go on. */
size_t view_run_end(const uint8_t *text, size_t len, size_t i);

#endif
