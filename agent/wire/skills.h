/* SPDX-License-Identifier: Apache-2.0 */
/* Skills used, by either route, as a request shows them: the model's Skill tool and its result, the
 * person's /name, and the "Base directory for this skill:" that follows both. */
#ifndef WIRE_SKILLS_H
#define WIRE_SKILLS_H

#include "wire/internal.h"

#define SKILLS_ROUND_MAX 64

struct skill_use {
	struct wire_skill skill;
	struct texts texts;
	bool builtin; /* a command of the client itself: no skill */
};

/* The skills of one request. skills_answer and skills_text add one at most: the caller tells a full
 * round before it calls them. */
struct skill_round {
	struct skill_use uses[SKILLS_ROUND_MAX];
	size_t len;
};

/* Whether a tool is the one that loads skills. */
bool skills_is_tool(struct wire_text name);

/* The client answered a use of the Skill tool. Returns 0 or -ENOMEM. */
int skills_answer(struct skill_round *round, const struct tool_use *use, struct wire_text result,
		  bool is_error, uint64_t now);

/* A text that stands in a user message, not inside a tool's result. Returns 0 or -ENOMEM. */
int skills_text(struct skill_round *round, struct wire_text text);

/* Emits WIRE_SKILL for each, and empties the round. */
void skills_finish(struct skill_round *round, struct wire_conn *conn, struct exchange *ex);

/* A use of the Skill tool that nobody answered: WIRE_SKILL with answered false. Any other is
 * ignored. */
void skills_forgotten(struct wire_client *client, const struct tool_use *use);

#endif
