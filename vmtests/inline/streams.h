/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the API as they go over TLS, with a text in them; and the text taken out again. */
#ifndef INLINE_STREAMS_H
#define INLINE_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	char *data;
	size_t len, cap;
};

void bytes_clear(struct bytes *b);
void bytes_put(struct bytes *b, const void *data, size_t len);
void bytes_text(struct bytes *b, const char *text);
void bytes_free(struct bytes *b);

enum stream_form {
	STREAM_REQUEST,		/* a prompt */
	STREAM_REQUEST_PRETTY,	/* with blanks and line ends around everything */
	STREAM_REQUEST_ESCAPED, /* each character as \u and four digits */
	STREAM_REQUEST_RESULT,	/* of a tool, in a turn */
	STREAM_TEXT,		/* text_delta events */
	STREAM_TEXT_ESCAPED,
	STREAM_INPUT, /* input_json_delta events: the text is in a string of the tool's input */
	STREAM_JSON,  /* a response that is no stream */
	STREAM_FORM_MAX,
};

extern const char *const stream_form_names[STREAM_FORM_MAX];

/* Appends a message with the text in it. cut: in two deltas, so many bytes in the first; below 0:
 * in one. Only for forms that have deltas. ret_at: where in the message the text begins, of a text
 * without a character that is escaped. */
void stream_put(struct bytes *b, enum stream_form form, const char *text, long cut);
/* Whether that form goes to the server. */
bool stream_sent(enum stream_form form);
/* Takes the text out of a message, as a reader would. Returns 0, or -1 when the message is none:
 * its framing, its JSON or its length is broken. */
int stream_take(const char *data, size_t len, enum stream_form form, struct bytes *ret_text);

#endif
