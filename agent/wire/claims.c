// SPDX-License-Identifier: Apache-2.0
/* What a client says about itself inside a Messages request. */
#include "wire/claims.h"

#include <errno.h>

#include "base/cleanup.h"
#include "wire/tree.h"

int claims_user_id(struct texts *texts, struct wire_text user_id, struct wire_call *call)
{
	_cleanup_tree_ struct tree tree = {0};
	const struct tree_value *v;
	struct wire_text device, account, session;
	ssize_t at;
	int r;

	if (user_id.len && user_id.data[0] == '{') {
		r = tree_read(user_id, TREE_STRICT, &tree);
		if (r < 0)
			return r == -ENOMEM ? r : 0;
		v = tree_root(&tree);
		if (tree_count(v) > 3)
			return 0;
		device = tree_member(v, "device_id");
		account = tree_member(v, "account_uuid");
		session = tree_member(v, "session_id");
	} else {
		if (!text_starts(user_id, TEXT("user_")))
			return 0;
		device = text_from(user_id, 5);
		at = text_find(device, TEXT("_account_"));
		if (at < 0)
			return 0;
		account = text_from(device, (size_t)at + 9);
		device = text_cut(device, (size_t)at);
		at = text_find(account, TEXT("_session_"));
		session = (struct wire_text){0};
		if (at >= 0) {
			session = text_from(account, (size_t)at + 9);
			account = text_cut(account, (size_t)at);
		}
	}
	r = texts_keep(texts, device, &call->device_id);
	if (r == 0)
		r = texts_keep(texts, account, &call->account_id);
	if (r == 0 && session.data)
		r = texts_keep(texts, session, &call->session_id);
	return r < 0 ? r : 1;
}

int claims_attribution(struct texts *texts, struct wire_text line, struct wire_call *call)
{
	static const struct wire_text name = TEXT("x-anthropic-billing-header:");
	struct wire_text version = {0}, entrypoint = {0}, rest;
	int r = 0;

	if (!text_starts_nocase(line, name) || line.len > 512)
		return 0;
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] < ' ' || line.data[i] > '~')
			return 0;
	rest = text_from(line, name.len);
	while (rest.len) {
		const char *semicolon = memchr(rest.data, ';', rest.len);
		size_t n = semicolon ? (size_t)(semicolon - rest.data) : rest.len;
		struct wire_text pair = text_trim(text_cut(rest, n));

		rest = text_from(rest, semicolon ? n + 1 : n);
		if (text_starts(pair, TEXT("cc_version=")))
			version = text_from(pair, 11);
		else if (text_starts(pair, TEXT("cc_entrypoint=")))
			entrypoint = text_from(pair, 14);
		else if (pair.len && !memchr(pair.data, '=', pair.len))
			return 0;
	}
	if (version.data)
		r = texts_keep(texts, version, &call->client_version);
	if (r == 0 && entrypoint.data)
		r = texts_keep(texts, entrypoint, &call->entrypoint);
	return r < 0 ? r : 1;
}

/* The value behind a label at the start of a line, however the line is indented or bulleted. */
static struct wire_text labelled(struct wire_text text, struct wire_text label)
{
	struct wire_text rest = text;
	ssize_t at;

	while ((at = text_find(rest, label)) >= 0) {
		const char *p = rest.data + at, *start = p;

		while (start > text.data && start[-1] != '\n' &&
		       (start[-1] == ' ' || start[-1] == '-'))
			start--;
		rest = text_from(rest, (size_t)at + label.len);
		if (start == text.data || start[-1] == '\n')
			return text_line(rest);
	}
	return (struct wire_text){0};
}

static struct wire_text first_word(struct wire_text t)
{
	size_t n = 0;

	while (n < t.len && (unsigned char)t.data[n] > ' ' && !strchr("<>()\"',;", t.data[n]))
		n++;
	while (n && t.data[n - 1] == '.')
		n--;
	return text_cut(t, n);
}

int claims_environment(struct wire_client *client, struct wire_text text)
{
	static const struct wire_text directories[] = {TEXT("Primary working directory:"),
						       TEXT("Working directory:")};
	static const struct wire_text emails[] = {
		TEXT("Git user email:"),
		TEXT("Git email:"),
		TEXT("user.email:"),
		TEXT("user.email="),
		TEXT("The user's email address is "),
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		struct wire_text value = labelled(text, directories[i]);

		if (value.len && value.data[0] == '/') {
			r = text_set(&client->working_directory, text_cut(value, 4096));
			break;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(emails) && r == 0; i++) {
		struct wire_text value = first_word(text_trim(labelled(text, emails[i])));

		if (value.len && memchr(value.data, '@', value.len)) {
			r = text_set(&client->git_email, text_cut(value, 320));
			break;
		}
	}
	return r;
}

void claims_user_agent(struct wire_text user_agent, struct wire_call *call)
{
	struct wire_text rest;
	ssize_t at;

	if (!text_starts(user_agent, TEXT("claude-")))
		return;
	at = text_find(user_agent, TEXT("/"));
	if (at < 0)
		return;
	rest = text_from(user_agent, (size_t)at + 1);
	at = text_find(rest, TEXT(" "));
	if (!call->client_version.data)
		call->client_version = at < 0 ? rest : text_cut(rest, (size_t)at);
	at = text_find(rest, TEXT("(external, "));
	if (at < 0 || call->entrypoint.data)
		return;
	rest = text_from(rest, (size_t)at + 11);
	for (size_t n = 0; n < rest.len; n++) {
		if (rest.data[n] == ',' || rest.data[n] == ')') {
			call->entrypoint = text_cut(rest, n);
			return;
		}
	}
}
