// SPDX-License-Identifier: Apache-2.0
/* Joins what the kernel saw with the tool_use that asked for it. */
#include "reader/lineage.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "decide/skill.h"

/* The longest argv that is compared: RECORD_ARGV_SIZE and a zero. */
#define LINEAGE_ARGV_SIZE (RECORD_ARGV_SIZE + 1)

/* A command cut off by the end of a truncated argv counts as found from this length on. */
#define LINEAGE_PREFIX_MIN 48

struct lineage_tool {
	struct lineage_process owner;
	uint64_t opened_ns, closed_ns; /* closed_ns 0: not answered yet */
	uint32_t spawns;
	bool can_spawn, can_fetch, is_mcp;
	char id[READER_ID_SIZE], tool[READER_ID_SIZE];
	char skill[SKILL_NAME_SIZE];
	char *command; /* folded: see lineage_fold */
	size_t command_len;
	char *path;
};

struct lineage_spawn {
	struct lineage_process process;
	uint64_t time_ns;
	enum lineage_confidence confidence;
	char id[READER_ID_SIZE], tool[READER_ID_SIZE];
};

struct lineage {
	struct lineage_tool *tools;
	size_t n_tools, cap_tools;
	struct lineage_spawn *spawns;
	size_t n_spawns, cap_spawns;
};

static const char *const lineage_confidences[] = {"unknown", "only", "path", "name", "argv"};
static_assert(ARRAY_SIZE(lineage_confidences) == LINEAGE_CONFIDENCE_MAX, "one per confidence");

/* Tools that start a process of their own below the client (Grep and Glob: ripgrep). An Agent is
 * not among them: its own tool_uses are on the wire. */
static const char *const lineage_spawning[] = {"Bash",	"PowerShell", "Grep", "Glob",
					       "Skill", "Workflow",   "REPL", "Monitor"};
static const char *const lineage_fetching[] = {"WebFetch", "WebSearch"};

static const struct lineage_cause lineage_none = {LINEAGE_UNKNOWN, "", ""};

int lineage_new(struct lineage **ret)
{
	struct lineage *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	*ret = l;
	return 0;
}

static void lineage_tool_clear(struct lineage_tool *t)
{
	if (t->command)
		explicit_bzero(t->command, t->command_len);
	free(t->command);
	free(t->path);
	explicit_bzero(t, sizeof(*t));
}

void lineage_free(struct lineage *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_tools; i++)
		lineage_tool_clear(&l->tools[i]);
	free(l->tools);
	free(l->spawns);
	free(l);
}

static bool lineage_listed(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static void lineage_copy(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		len = size - 1;
	if (len)
		memcpy(to, from, len);
	to[len] = 0;
}

static bool lineage_quote(char c)
{
	return c == '\'' || c == '"' || c == '\\';
}

static bool lineage_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0;
}

/* Whether the null redirection that the client adds to a command starts here; how long it is. */
static size_t lineage_null_redirection(const char *at, const char *end)
{
	static const char null[] = "/dev/null";
	const char *p = at;

	if (p == end || *p++ != '<')
		return 0;
	while (p < end && lineage_blank(*p))
		p++;
	if ((size_t)(end - p) < sizeof(null) - 1 || memcmp(p, null, sizeof(null) - 1) != 0)
		return 0;
	return (size_t)(p + sizeof(null) - 1 - at);
}

/* What remains when quoting does not count: blanks and zeros become one space, quotes and
 * backslashes go, the null redirection goes. At most size - 1 bytes; returns the length. */
static size_t lineage_fold(const char *in, size_t len, char *out, size_t size)
{
	const char *end = in + len;
	size_t n = 0;

	while (in < end && n + 1 < size) {
		size_t skip = lineage_null_redirection(in, end);

		if (skip) {
			in += skip;
		} else if (lineage_quote(*in)) {
			in++;
		} else if (lineage_blank(*in)) {
			if (n && out[n - 1] != ' ')
				out[n++] = ' ';
			in++;
		} else {
			out[n++] = *in++;
		}
	}
	while (n && out[n - 1] == ' ')
		n--;
	out[n] = 0;
	return n;
}

/* A command ends where a word of the shell does: "ls" is not found in "false". */
static bool lineage_boundary(char c)
{
	return c == ' ' || c == ';' || c == '&' || c == '|' || c == '(' || c == ')' || c == '<' ||
	       c == '>';
}

static bool lineage_found(const char *hay, size_t hay_len, bool truncated, const char *needle,
			  size_t len)
{
	if (len == 0)
		return false;
	for (size_t at = 0; at < hay_len; at++) {
		size_t left = hay_len - at;
		const char *hit;

		if (left < len) {
			/* the end of argv was not copied: a long beginning of the command will do
			 */
			if (!truncated || left < LINEAGE_PREFIX_MIN)
				return false;
			if (hay[at] == needle[0] && (at == 0 || lineage_boundary(hay[at - 1])) &&
			    memcmp(hay + at, needle, left) == 0)
				return true;
			continue;
		}
		hit = memmem(hay + at, left, needle, len);
		if (!hit) {
			at = hay_len - len; /* go on with the tail only */
			continue;
		}
		at = (size_t)(hit - hay);
		if ((at == 0 || lineage_boundary(hay[at - 1])) &&
		    (at + len == hay_len || lineage_boundary(hay[at + len])))
			return true;
	}
	return false;
}

bool lineage_argv_holds(const char *argv, size_t argv_len, bool truncated, const char *command,
			size_t command_len)
{
	char hay[LINEAGE_ARGV_SIZE], needle[READER_COMMAND_SIZE];
	size_t n = lineage_fold(argv, argv_len, hay, sizeof(hay));
	size_t m = lineage_fold(command, command_len, needle, sizeof(needle));

	return lineage_found(hay, n, truncated, needle, m);
}

/* Makes room for one more, by doubling up to max; -ENOSPC when it is full. */
static int lineage_grow(void **array, size_t n, size_t *cap, size_t max, size_t size)
{
	size_t more = *cap ? *cap * 2 : 8;
	void *p;

	if (n < *cap)
		return 0;
	if (n >= max)
		return -ENOSPC;
	if (more > max)
		more = max;
	p = reallocarray(*array, more, size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*cap = more;
	return 0;
}

/* A free place: the tool answered longest ago goes first, then the one asked for longest ago. */
static int lineage_tool_slot(struct lineage *l, struct lineage_tool **ret)
{
	struct lineage_tool *old = NULL;
	int r = lineage_grow((void **)&l->tools, l->n_tools, &l->cap_tools, READER_TOOLS_MAX,
			     sizeof(*l->tools));

	if (r == -ENOMEM)
		return r;
	if (r == 0) {
		old = &l->tools[l->n_tools++];
	} else {
		for (size_t i = 0; i < l->n_tools; i++) {
			struct lineage_tool *t = &l->tools[i];
			bool closed = t->closed_ns != 0;

			if (!old || closed > (old->closed_ns != 0) ||
			    (closed == (old->closed_ns != 0) && t->opened_ns < old->opened_ns))
				old = t;
		}
		lineage_tool_clear(old);
	}
	memset(old, 0, sizeof(*old));
	*ret = old;
	return 0;
}

static int lineage_keep_command(struct lineage_tool *t, const char *command, size_t len)
{
	size_t size = len + 1 < READER_COMMAND_SIZE ? len + 1 : READER_COMMAND_SIZE;

	t->command = malloc(size);
	if (!t->command)
		return -ENOMEM;
	t->command_len = lineage_fold(command, len, t->command, size);
	return 0;
}

/* Keeps what of the arguments a kernel record can be compared with. Arguments that are no JSON
 * object are the model's mistake: the tool is then known by its name alone. */
static int lineage_keep_input(struct lineage_tool *t, const char *input, size_t len)
{
	json_t *root = json_loadb(input, len, JSON_ALLOW_NUL, NULL);
	const json_t *command = json_object_get(root, "command");
	const json_t *path = json_object_get(root, "file_path");
	const json_t *skill = json_object_get(root, "skill");
	int r = 0;

	if (json_is_string(command))
		r = lineage_keep_command(t, json_string_value(command),
					 json_string_length(command));
	if (r == 0 && json_is_string(path)) {
		t->path = strdup(json_string_value(path));
		r = t->path ? 0 : -ENOMEM;
	}
	if (r == 0 && strcmp(t->tool, "Skill") == 0) {
		size_t n = 0;
		const char *base;

		/* older clients send {"command":"pdf"} */
		if (!json_is_string(skill))
			skill = command;
		base = skill_base_name(json_string_value(skill), json_string_length(skill), &n);
		if (base && n < sizeof(t->skill))
			lineage_copy(t->skill, sizeof(t->skill), base, n);
	}
	json_decref(root);
	return r;
}

int lineage_open(struct lineage *l, const struct lineage_process *owner, uint64_t time_ns,
		 const char *id, size_t id_len, const char *tool, size_t tool_len,
		 const char *input, size_t input_len)
{
	struct lineage_tool *t;
	int r;

	for (size_t i = 0; i < l->n_tools; i++)
		if (strlen(l->tools[i].id) == id_len && memcmp(l->tools[i].id, id, id_len) == 0)
			return 0;
	r = lineage_tool_slot(l, &t);
	if (r < 0)
		return r;
	t->owner = *owner;
	t->opened_ns = time_ns;
	lineage_copy(t->id, sizeof(t->id), id, id_len);
	lineage_copy(t->tool, sizeof(t->tool), tool, tool_len);
	t->can_spawn = lineage_listed(lineage_spawning, ARRAY_SIZE(lineage_spawning), t->tool);
	t->can_fetch = lineage_listed(lineage_fetching, ARRAY_SIZE(lineage_fetching), t->tool);
	t->is_mcp = strncmp(t->tool, "mcp__", 5) == 0;
	/* Write carries whole files: nothing of it can be compared, so it is not parsed */
	if (t->can_spawn || strcmp(t->tool, "Read") == 0)
		return lineage_keep_input(t, input, input_len);
	return 0;
}

void lineage_close(struct lineage *l, uint64_t time_ns, const char *id, size_t id_len)
{
	for (size_t i = 0; i < l->n_tools; i++) {
		struct lineage_tool *t = &l->tools[i];

		if (strlen(t->id) == id_len && memcmp(t->id, id, id_len) == 0 && !t->closed_ns)
			t->closed_ns = time_ns;
	}
}

static bool lineage_is_open(const struct lineage_tool *t, uint64_t time_ns)
{
	return t->opened_ns <= time_ns && (!t->closed_ns || t->closed_ns >= time_ns);
}

static struct lineage_cause lineage_because(const struct lineage_tool *t,
					    enum lineage_confidence confidence)
{
	return (struct lineage_cause){confidence, t->id, t->tool};
}

/* The branch below the client that a process belongs to; the process itself where it is its head.
 */
static struct lineage_process lineage_branch(const struct record_actor *actor)
{
	if (actor->spawn_tgid)
		return (struct lineage_process){actor->spawn_tgid, actor->spawn_start_ns};
	return (struct lineage_process){actor->tgid, actor->start_ns};
}

/* The only tool that could have done it: one that starts processes, and was open when the branch
 * started; one that fetches, for the client itself; one of an MCP server, for a branch that was
 * there before any of them. */
static struct lineage_cause lineage_only(const struct lineage *l, const struct record_actor *actor,
					 uint64_t time_ns)
{
	bool itself = actor->spawn_tgid == 0;
	const struct lineage_tool *spawning = NULL, *fetching = NULL, *mcp = NULL;
	unsigned int n_spawning = 0, n_fetching = 0, n_mcp = 0;
	uint64_t started = itself ? 0 : actor->spawn_start_ns;

	for (size_t i = 0; i < l->n_tools; i++) {
		const struct lineage_tool *t = &l->tools[i];

		if (t->can_spawn && lineage_is_open(t, started))
			spawning = t, n_spawning++;
		if (t->can_fetch && lineage_is_open(t, time_ns))
			fetching = t, n_fetching++;
		if (t->is_mcp && lineage_is_open(t, time_ns))
			mcp = t, n_mcp++;
	}
	if (itself)
		return n_fetching == 1 ? lineage_because(fetching, LINEAGE_ONLY) : lineage_none;
	if (n_spawning == 1)
		return lineage_because(spawning, LINEAGE_ONLY);
	if (n_spawning == 0 && n_mcp == 1)
		return lineage_because(mcp, LINEAGE_ONLY);
	return lineage_none;
}

static struct lineage_spawn *lineage_spawn_find(struct lineage *l, struct lineage_process p)
{
	for (size_t i = 0; i < l->n_spawns; i++) {
		struct lineage_spawn *s = &l->spawns[i];

		if (s->process.tgid == p.tgid && s->process.start_ns == p.start_ns)
			return s;
	}
	return NULL;
}

/* Remembers the answer for a branch. For want of memory nothing is remembered: the event at hand
 * has the answer, later ones say "unknown", which is true. */
static void lineage_spawn_keep(struct lineage *l, struct lineage_process p, uint64_t time_ns,
			       const struct lineage_cause *cause)
{
	struct lineage_spawn *s = lineage_spawn_find(l, p);

	if (s && s->confidence >= cause->confidence)
		return;
	if (!s) {
		int r = lineage_grow((void **)&l->spawns, l->n_spawns, &l->cap_spawns,
				     READER_SPAWNS_MAX, sizeof(*l->spawns));

		if (r == -ENOMEM)
			return;
		if (r == 0) {
			s = &l->spawns[l->n_spawns++];
		} else {
			s = &l->spawns[0];
			for (size_t i = 1; i < l->n_spawns; i++)
				if (l->spawns[i].time_ns < s->time_ns)
					s = &l->spawns[i];
		}
	}
	s->process = p;
	s->time_ns = time_ns;
	s->confidence = cause->confidence;
	lineage_copy(s->id, sizeof(s->id), cause->tool_use_id, strlen(cause->tool_use_id));
	lineage_copy(s->tool, sizeof(s->tool), cause->tool, strlen(cause->tool));
}

/* The tool whose command stands in argv: the longest; of equal ones (the same command asked for
 * twice) the one with the fewest branches so far. */
static struct lineage_tool *lineage_by_argv(struct lineage *l, const struct record_actor *actor,
					    uint64_t time_ns, const char *argv, size_t len,
					    bool truncated)
{
	struct lineage_tool *best = NULL;
	char hay[LINEAGE_ARGV_SIZE];
	size_t n = lineage_fold(argv, len, hay, sizeof(hay));

	for (size_t i = 0; i < l->n_tools; i++) {
		struct lineage_tool *t = &l->tools[i];

		/* an MCP server that was there before cannot be the tool's doing */
		if (!t->command_len || t->opened_ns > time_ns || t->opened_ns > actor->start_ns ||
		    (t->closed_ns && t->closed_ns < actor->start_ns))
			continue;
		if (best && t->command_len < best->command_len)
			continue;
		if (best && t->command_len == best->command_len && t->spawns >= best->spawns)
			continue;
		if (lineage_found(hay, n, truncated, t->command, t->command_len))
			best = t;
	}
	explicit_bzero(hay, n);
	return best;
}

struct lineage_cause lineage_exec(struct lineage *l, const struct record_actor *actor,
				  uint64_t time_ns, const char *argv, size_t len, bool truncated)
{
	struct lineage_process self = {actor->tgid, actor->start_ns};
	struct lineage_process branch = lineage_branch(actor);
	struct lineage_spawn *s = lineage_spawn_find(l, self);
	struct lineage_cause cause;
	struct lineage_tool *t;

	if (!s)
		s = lineage_spawn_find(l, branch);
	if (s && s->confidence == LINEAGE_ARGV)
		return (struct lineage_cause){s->confidence, s->id, s->tool};
	t = lineage_by_argv(l, actor, time_ns, argv, len, truncated);
	if (t) {
		t->spawns++;
		cause = lineage_because(t, LINEAGE_ARGV);
		lineage_spawn_keep(l, self, time_ns, &cause);
		return cause;
	}
	if (s)
		return (struct lineage_cause){s->confidence, s->id, s->tool};
	if (!actor->spawn_tgid)
		return lineage_none;
	cause = lineage_only(l, actor, time_ns);
	if (cause.confidence != LINEAGE_UNKNOWN)
		lineage_spawn_keep(l, branch, time_ns, &cause);
	return cause;
}

struct lineage_cause lineage_effect(struct lineage *l, const struct record_actor *actor,
				    uint64_t time_ns)
{
	struct lineage_spawn *s =
		lineage_spawn_find(l, (struct lineage_process){actor->tgid, actor->start_ns});

	if (!s && actor->spawn_tgid)
		s = lineage_spawn_find(l, lineage_branch(actor));
	if (s)
		return (struct lineage_cause){s->confidence, s->id, s->tool};
	return lineage_only(l, actor, time_ns);
}

/* A tool may name a file by a path that is relative to a directory that is not known here. */
static bool lineage_path_is(const char *path, const char *asked)
{
	size_t n = strlen(path), m = strlen(asked);

	if (m == 0 || m > n)
		return false;
	if (memcmp(path + n - m, asked, m) != 0)
		return false;
	return m == n || (asked[0] != '/' && path[n - m - 1] == '/');
}

struct lineage_cause lineage_skill(struct lineage *l, const struct record_actor *actor,
				   uint64_t time_ns, const char *name, const char *path)
{
	const struct lineage_tool *best = NULL;
	enum lineage_confidence confidence = LINEAGE_UNKNOWN;

	for (size_t i = 0; i < l->n_tools; i++) {
		const struct lineage_tool *t = &l->tools[i];

		if (t->owner.tgid != actor->tgid || t->owner.start_ns != actor->start_ns ||
		    !lineage_is_open(t, time_ns))
			continue;
		if (t->skill[0] && strcmp(t->skill, name) == 0 && confidence < LINEAGE_NAME) {
			best = t;
			confidence = LINEAGE_NAME;
		} else if (t->path && lineage_path_is(path, t->path) && confidence < LINEAGE_PATH) {
			best = t;
			confidence = LINEAGE_PATH;
		}
	}
	if (best)
		return lineage_because(best, confidence);
	/* the client reads every skill when it starts and lists them again: that is nobody's
	 * tool_use */
	return actor->spawn_tgid ? lineage_effect(l, actor, time_ns) : lineage_none;
}

const char *lineage_confidence_to_string(enum lineage_confidence confidence)
{
	return (unsigned int)confidence < LINEAGE_CONFIDENCE_MAX ? lineage_confidences[confidence]
								 : "unknown";
}
