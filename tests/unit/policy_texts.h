/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer says of a refusal, as whoever reads the answer gets it. */
#ifndef UNIT_POLICY_TEXTS_H
#define UNIT_POLICY_TEXTS_H

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "bpf/contract.h"
#include "harness.h"

/* The message in it, with the longest number. *ret is to be let go of after that. */
static inline const char *message_of(const struct inline_text *text, json_t **ret)
{
	char whole[INLINE_TEXT_MAX + 1];
	int n = snprintf(whole, sizeof(whole), "%.*s18446744073709551615%s", (int)text->len,
			 text->bytes, INLINE_TEXT_END);
	json_error_t error;
	const char *message;

	/* number and end have room too */
	assert_in_range(n, 1, INLINE_TEXT_MAX);
	for (int i = 0; i < n; i++)
		assert_in_range((unsigned char)whole[i], ' ', '~');
	*ret = json_loads(whole, JSON_REJECT_DUPLICATES, &error);
	if (!*ret)
		fail_msg("%s: %s", whole, error.text);
	assert_string_equal(json_string_value(json_object_get(*ret, "type")), "error");
	message = json_string_value(json_object_get(json_object_get(*ret, "error"), "message"));
	assert_non_null(message);
	assert_string_equal(message + strlen(message) - 33, "bailiff why B18446744073709551615");
	return message;
}

#endif
