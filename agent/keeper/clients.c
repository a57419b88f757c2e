// SPDX-License-Identifier: Apache-2.0
/* Clients that run: what only root can read about them goes to the reader as a note. */
#include "keeper/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "reader/pipeline.h"

#define ENVIRON_MAX    (128u << 10)
#define GIT_CONFIG_MAX (64u << 10)

static void read_link(pid_t pid, const char *what, char *to, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	n = readlink(path, to, size - 1);
	to[n > 0 ? n : 0] = 0;
}

/* At most max bytes of a regular file, zero-terminated; NULL when it cannot be had. */
static char *read_small(const char *path, size_t max, size_t *ret_len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	size_t len = 0;
	char *text;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	text = malloc(max + 1);
	while (text && len < max) {
		ssize_t n = read(fd, text + len, max - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (text)
		text[len] = 0;
	*ret_len = len;
	return text;
}

static const char *environ_of(const char *env, size_t len, const char *name)
{
	size_t n = strlen(name);

	for (const char *e = env; e < env + len; e += strlen(e) + 1)
		if (strncmp(e, name, n) == 0 && e[n] == '=')
			return e + n + 1;
	return NULL;
}

/* user.email of a git configuration file: the key inside [user], as git-config(1) writes it. */
static bool git_email(const char *path, char *to, size_t size)
{
	size_t len = 0;
	_cleanup_free_ char *text = read_small(path, GIT_CONFIG_MAX, &len);
	bool user = false;
	char *save = NULL;

	if (!text)
		return false;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *value;

		line += strspn(line, " \t");
		if (*line == '[') {
			user = strncasecmp(line, "[user]", 6) == 0;
			continue;
		}
		if (!user || strncasecmp(line, "email", 5) != 0)
			continue;
		value = line + 5 + strspn(line + 5, " \t");
		if (*value != '=')
			continue;
		value += 1 + strspn(value + 1, " \t\"");
		value[strcspn(value, " \t\"\r#;")] = 0;
		snprintf(to, size, "%s", value);
		return *value != 0;
	}
	return false;
}

/* What the process says about itself: claims, compared by the reader, believed by nobody. */
static void fill_claims(pid_t pid, struct process_note *note)
{
	char path[PATH_MAX];
	size_t len = 0;
	_cleanup_free_ char *env = NULL;
	const char *v;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	env = read_small(path, ENVIRON_MAX, &len);
	if (env) {
		v = environ_of(env, len, "CLAUDE_USER_EMAIL");
		if (v)
			snprintf(note->user_email, sizeof(note->user_email), "%s", v);
	}
	snprintf(path, sizeof(path), "/proc/%d/cwd/.git/config", pid);
	if (git_email(path, note->git_email, sizeof(note->git_email)))
		return;
	v = env ? environ_of(env, len, "HOME") : NULL;
	if (v && *v == '/') {
		snprintf(path, sizeof(path), "/proc/%d/root%.3800s/.gitconfig", pid, v);
		git_email(path, note->git_email, sizeof(note->git_email));
	}
}

static void fill_cgroup(pid_t pid, struct process_note *note)
{
	char path[64];
	size_t len = 0;
	_cleanup_free_ char *text = NULL;
	char *v;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	text = read_small(path, 4096, &len);
	/* "0::PATH" is the line of cgroup version 2 (cgroups(7)) */
	v = text ? strstr(text, "0::") : NULL;
	if (v) {
		v += 3;
		v[strcspn(v, "\n")] = 0;
		snprintf(note->cgroup, sizeof(note->cgroup), "%s", v);
	}
}

void keeper_client_started(struct keeper *k, const struct record_actor *actor,
			   const struct keeper_image *image, int64_t window_ns)
{
	pid_t pid = (pid_t)actor->tgid;
	uint64_t start_ns = actor->start_ns;
	struct keeper_client *c;
	bool began = false;
	struct process_note note = {
		.tgid = actor->tgid, .start_ns = start_ns, .window_ns = window_ns, .actor = *actor};

	for (c = k->clients; c; c = c->next)
		if (c->pid == pid && c->start_ns == start_ns)
			break;
	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return;
		c->pid = pid;
		c->start_ns = start_ns;
		c->next = k->clients;
		k->clients = c;
		began = true;
	}
	keeper_cover(k, actor->cgroup);
	c->uid = actor->who_uid;
	c->tampered = NULL; /* it executed anew, or was probed anew */
	/* the kernel asked before it knew: by now this is a client at the head of its lineage */
	note.actor.flags |= TASK_GOVERNED | TASK_CLIENT;
	note.actor.root_tgid = actor->tgid;
	note.actor.root_start_ns = start_ns;
	keeper_person(k, actor->who_uid, &note.actor.person);
	c->image_id = image->id;
	if (image->proof == KEEPER_PROOF_OPEN) {
		note.judge_image = image->id;
		/* before it watches nothing is counted, and a connection would begin in the middle
		 */
		note.seen_since_ns = !k->took_over ? UINT64_MAX
				     : image->attached_ns > k->watching_ns
					     ? (uint64_t)image->attached_ns
					     : (uint64_t)k->watching_ns;
	}
	read_link(pid, "exe", note.executable, sizeof(note.executable));
	read_link(pid, "cwd", note.directory, sizeof(note.directory));
	snprintf(c->executable, sizeof(c->executable), "%s", note.executable);
	if (image->layout) {
		note.build_id_len = (uint8_t)image->layout->build_id_len;
		memcpy(note.build_id, image->layout->build_id, sizeof(note.build_id));
	}
	fill_cgroup(pid, &note);
	fill_claims(pid, &note);
	keeper_tell(k, KEEPER_CHILD_READER, CHANNEL_NOTE, &note, sizeof(note), -1);
	/* not before: of a process that has ended meanwhile nothing could be read any more */
	if (began)
		keeper_libraries_look(k, pid);
}

/* A client whose pid is gone, or is somebody else's by now. */
static bool client_alive(const struct keeper_client *c)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d", c->pid);
	return access(path, F_OK) == 0;
}

void keeper_clients_sweep(struct keeper *k)
{
	struct keeper_client **at = &k->clients;

	while (*at) {
		struct keeper_client *c = *at;

		if (client_alive(c)) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		free(c);
	}
}
