// SPDX-License-Identifier: Apache-2.0
/* Skills used, by either route, as a request shows them. */
#include "wire/skills.h"

#include <assert.h>
#include <errno.h>

#include "wire/tree.h"

bool skills_is_tool(struct wire_text name)
{
	return TEXT_IS(name, "Skill");
}

static struct wire_text without_slash(struct wire_text name)
{
	return name.len && name.data[0] == '/' ? text_from(name, 1) : name;
}

/* Name and arguments out of the tool's input; older clients call the name "command". */
static int skills_input(struct texts *texts, struct wire_text input, struct wire_skill *skill)
{
	_cleanup_tree_ struct tree tree = {0};
	_cleanup_buffer_ struct buffer printed = {0};
	struct wire_text name, args;
	const struct tree_value *v, *other;
	int r;

	r = tree_read(input, 0, &tree);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	v = tree_root(&tree);
	name = tree_member(v, "skill");
	if (!name.data)
		name = tree_member(v, "command");
	args = tree_member(v, "args");
	other = tree_get(v, "args");
	if (!args.data && other && other->kind != TREE_NULL) {
		r = tree_print(other, NULL, &printed);
		args = TEXT_BUF(&printed);
	}
	if (r == 0)
		r = texts_keep(texts, without_slash(name), &skill->name);
	return r < 0 ? r : texts_keep(texts, args, &skill->args);
}

static struct skill_use *skills_next(struct skill_round *round)
{
	struct skill_use *use = &round->uses[round->len++];

	assert(round->len <= SKILLS_ROUND_MAX);
	*use = (struct skill_use){.skill.duration_ns = -1, .skill.answered = true};
	return use;
}

int skills_answer(struct skill_round *round, const struct tool_use *tool, struct wire_text result,
		  bool is_error, uint64_t now)
{
	struct skill_use *use = skills_next(round);
	int r;

	use->skill.route = WIRE_SKILL_MODEL;
	/* an unknown skill, or one that the client may not use, is answered in these tags */
	use->skill.success = !is_error && text_find(result, TEXT("<tool_use_error>")) < 0 &&
			     !text_starts_nocase(text_trim(result), TEXT("unknown skill"));
	if (tool->time_ns && now >= tool->time_ns)
		use->skill.duration_ns = (int64_t)(now - tool->time_ns);
	r = texts_keep(&use->texts, tool->id, &use->skill.tool_use_id);
	return r < 0 ? r : skills_input(&use->texts, tool->input, &use->skill);
}

/* "/skills/pdf" and "tools:pdf" are of the same skill. */
static bool skills_same(struct wire_text directory, struct wire_text name)
{
	const char *slash = memrchr(directory.data, '/', directory.len);
	const char *colon = name.len ? memrchr(name.data, ':', name.len) : NULL;

	if (slash)
		directory = text_from(directory, (size_t)(slash + 1 - directory.data));
	if (colon)
		name = text_from(name, (size_t)(colon + 1 - name.data));
	return text_equal(directory, name);
}

/* The directory belongs to the use that bears its name, else to the first that has none yet. */
static int skills_directory(struct skill_round *round, struct wire_text directory)
{
	struct skill_use *found = NULL;

	while (directory.len > 1 && directory.data[directory.len - 1] == '/')
		directory.len--;
	if (!directory.len)
		return 0;
	for (size_t i = 0; i < round->len; i++) {
		struct skill_use *use = &round->uses[i];

		if (use->skill.directory.data || use->builtin)
			continue;
		if (skills_same(directory, use->skill.name)) {
			found = use;
			break;
		}
		if (!found)
			found = use;
	}
	if (!found) { /* loaded by a way that left no other trace: still a skill used */
		const char *slash = memrchr(directory.data, '/', directory.len);
		int r;

		found = skills_next(round);
		found->skill.route = WIRE_SKILL_SLASH;
		r = texts_keep(&found->texts,
			       slash ? text_from(directory, (size_t)(slash + 1 - directory.data))
				     : directory,
			       &found->skill.name);
		if (r < 0)
			return r;
	}
	found->skill.success = found->skill.route == WIRE_SKILL_SLASH || found->skill.success;
	return texts_keep(&found->texts, directory, &found->skill.directory);
}

int skills_text(struct skill_round *round, struct wire_text text)
{
	static const struct wire_text base = TEXT("Base directory for this skill:");
	struct wire_text name, args = {0};
	struct skill_use *use;
	int r;

	text = text_trim(text);
	if (text_starts(text, base))
		return skills_directory(round, text_line(text_from(text, base.len)));
	if (text_starts(text, TEXT("<local-command-stdout>")) ||
	    text_starts(text, TEXT("<local-command-stderr>"))) {
		/* /model, /clear and the like look the same and are answered by the client */
		for (size_t i = round->len; i-- > 0;) {
			if (round->uses[i].skill.route == WIRE_SKILL_SLASH) {
				round->uses[i].builtin = !round->uses[i].skill.directory.data;
				break;
			}
		}
		return 0;
	}
	/* only what the client puts at the start: a person may quote the tags */
	if (!text_starts(text, TEXT("<command-message>")) &&
	    !text_starts(text, TEXT("<command-name>"))) {
		/* the text that a command without a directory became */
		if (round->len && round->uses[round->len - 1].skill.route == WIRE_SKILL_SLASH &&
		    text.len && text.data[0] != '<')
			round->uses[round->len - 1].skill.success = true;
		return 0;
	}
	if (!text_between(text, TEXT("<command-name>"), TEXT("</command-name>"), &name))
		return 0;
	text_between(text, TEXT("<command-args>"), TEXT("</command-args>"), &args);
	use = skills_next(round);
	use->skill.route = WIRE_SKILL_SLASH;
	use->builtin = text_find(text, TEXT("<local-command-stdout>")) >= 0;
	r = texts_keep(&use->texts, without_slash(text_trim(name)), &use->skill.name);
	return r < 0 ? r : texts_keep(&use->texts, args, &use->skill.args);
}

void skills_finish(struct skill_round *round, struct wire_conn *conn, struct exchange *ex)
{
	for (size_t i = 0; i < round->len; i++) {
		struct skill_use *use = &round->uses[i];
		struct wire_event event = {.kind = WIRE_SKILL, .skill = use->skill};

		if (!use->builtin)
			conn_emit(conn, ex, &event);
		texts_free(&use->texts);
	}
	round->len = 0;
}

void skills_forgotten(struct wire_client *client, const struct tool_use *use)
{
	struct wire_event event = {
		.kind = WIRE_SKILL,
		.time_ns = client->now,
		.skill = {.route = WIRE_SKILL_MODEL, .tool_use_id = use->id, .duration_ns = -1},
	};
	struct texts texts = {0};

	if (!skills_is_tool(use->name))
		return;
	/* without memory for the name the event goes out without it */
	(void)skills_input(&texts, use->input, &event.skill);
	client->sink(client->ctx, &event);
	texts_free(&texts);
}
