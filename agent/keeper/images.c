// SPDX-License-Identifier: Apache-2.0
/* Answers the kernel's question "what is this file?": opens it, has the analyst look, tells the
 * kernel, probes it where it is a client or a TLS library of something governed. */
#include "keeper/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* More open questions than this are a flood; the images stay unknown and are asked about again. */
#define QUESTIONS_MAX 256

struct keeper_image *keeper_image_find(struct keeper *k, const struct image_key *key)
{
	for (struct keeper_image *i = k->images; i; i = i->next)
		if (memcmp(&i->key, key, sizeof(*key)) == 0)
			return i;
	return NULL;
}

static struct keeper_image *image_add(struct keeper *k, const struct image_key *key)
{
	struct keeper_image *i = keeper_image_find(k, key);

	if (i)
		return i;
	i = calloc(1, sizeof(*i));
	if (!i)
		return NULL;
	i->key = *key;
	i->id = ++k->next_image_id;
	i->next = k->images;
	k->images = i;
	return i;
}

/* Whether the open file is the one the kernel asked about. Device numbers are not compared: overlay
 * file systems show user space another one than the kernel's. */
static bool same_file(int fd, const struct image_key *key)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == key->size &&
	       (uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec ==
		       key->ctime_ns;
}

/* The file by what is mapped, not by its path: /proc/PID/map_files leads to the inode itself, also
 * when it was renamed, deleted, or lies in another mount namespace. */
static int open_mapped(pid_t pid, const struct image_key *key)
{
	char path[64], line[1024];
	_cleanup_fclose_ FILE *maps = NULL;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		char mode[5], file[128];
		int fd;

		if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 || mode[2] != 'x' ||
		    !strchr(line, '/'))
			continue;
		snprintf(file, sizeof(file), "/proc/%d/map_files/%lx-%lx", pid, from, to);
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && same_file(fd, key))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -ENOENT;
}

static int open_image(const struct record_image *r)
{
	pid_t pid = (pid_t)r->head.actor.tgid;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && same_file(fd, &r->key))
		return fd;
	if (fd >= 0)
		close(fd);
	return open_mapped(pid, &r->key);
}

/* Whether the kernel has no answer for the file yet. */
static bool unknown(struct keeper *k, const struct image_key *key)
{
	struct image_value v;

	return kernel_image_get(k->kernel, key, &v) < 0 || v.class_ == IMAGE_UNKNOWN;
}

/* Gone before it could be looked at: the next exec asks again. What an earlier keeper has found out
 * about the file stays: else who starts a client and executes something else at once, after a
 * restart, would have it forgotten. */
static void forget_unknown(struct keeper *k, const struct image_key *key)
{
	if (unknown(k, key))
		kernel_image_forget(k->kernel, key);
}

static void question(struct keeper *k, const struct record_image *r, enum recognise_kind kind,
		     int fd)
{
	struct channel_analyse ask = {
		.id = ++k->next_question, .kind = kind, .want_sha256 = k->policy->n_clients > 0};
	struct keeper_question *q = calloc(1, sizeof(*q));

	if (!q ||
	    keeper_tell(k, KEEPER_CHILD_ANALYST, CHANNEL_ANALYSE, &ask, sizeof(ask), fd) < 0) {
		free(q);
		close(fd);
		forget_unknown(k, &r->key);
		return;
	}
	q->id = ask.id;
	q->record = *r;
	q->kind = kind;
	q->fd = fd;
	q->next = k->questions;
	k->questions = q;
	k->n_questions++;
}

/* The analyst ended. The oldest question is the one it was at: that file brought it down, and would
 * again. It is entered as nothing special, so no client, not inspected, kept from the model API. */
void keeper_questions_drop(struct keeper *k)
{
	while (k->questions) {
		struct keeper_question *q = k->questions;
		/* what was known to be a client is one, whatever became of this look at it */
		struct keeper_image *i = q->next || !unknown(k, &q->record.key)
						 ? NULL
						 : image_add(k, &q->record.key);

		k->questions = q->next;
		if (i && q->kind == RECOGNISE_PROGRAM) {
			struct image_value v = {.class_ = IMAGE_OTHER, .id = i->id};

			i->answered = true;
			i->class_ = IMAGE_OTHER;
			kernel_image_set(k->kernel, &i->key, &v);
		} else {
			forget_unknown(k, &q->record.key);
		}
		close(q->fd);
		free(q);
	}
	k->n_questions = 0;
}

/* argv of a process, at most size bytes, zero-separated. */
static ssize_t read_argv(pid_t pid, char *argv, size_t size)
{
	char path[64];
	ssize_t n;
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, argv, size - 1);
	if (n < 0)
		return -errno;
	argv[n] = 0;
	return n;
}

/* A runtime was executed: each argument that names a file may be what it runs (node x.js,
 * node -r x.js, bun run x.js), so each is looked at. */
static void ask_scripts(struct keeper *k, const struct record_image *r)
{
	pid_t pid = (pid_t)r->head.actor.tgid;
	char argv[8192], path[sizeof(argv) + 64];
	ssize_t n = read_argv(pid, argv, sizeof(argv));
	int looked = 0;

	for (char *a = argv; n > 0 && a < argv + n && looked < 8; a += strlen(a) + 1) {
		const char *value = strchr(a, '=');
		struct stat st;
		int fd;

		if (a == argv || !*a)
			continue;
		if (*a == '-' && !value)
			continue;
		value = *a == '-' ? value + 1 : a;
		if (*value == '/')
			snprintf(path, sizeof(path), "/proc/%d/root%s", pid, value);
		else
			snprintf(path, sizeof(path), "/proc/%d/cwd/%s", pid, value);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			continue;
		if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
			close(fd);
			continue;
		}
		looked++;
		question(k, r, RECOGNISE_SCRIPT, fd);
	}
}

/* Probes the file unless that was done. */
static int attach(struct keeper *k, struct keeper_image *i, int fd)
{
	int r;

	if (i->attached)
		return 0;
	if (!i->layout)
		return -ENOENT;
	/* the same bytes still, and no write since: a probe in the middle of an instruction would
	 * corrupt the code of everybody who runs it */
	if (!tls_layout_matches(i->layout, fd))
		return -ESTALE;
	r = kernel_attach_tls(k->kernel, fd, i->layout, i->id);
	i->attached = r == 0;
	return r;
}

static void tell_kernel(struct keeper *k, const struct keeper_image *i)
{
	struct image_value v = {.class_ = i->class_, .id = i->id};

	if (i->attached)
		v.flags |= IMAGE_ATTACHED;
	kernel_image_set(k->kernel, &i->key, &v);
}

void keeper_ask(struct keeper *k, const struct record_image *r)
{
	struct keeper_image *i = keeper_image_find(k, &r->key);
	int fd;

	if (r->ask == ASK_CLIENT && i) {
		keeper_client_started(k, &r->head.actor, i);
		return;
	}
	if (r->ask == ASK_SCRIPT) {
		ask_scripts(k, r);
		return;
	}
	if (i && i->answered && i->class_ != IMAGE_TLS) {
		tell_kernel(k, i);
		return;
	}
	for (struct keeper_question *q = k->questions; q; q = q->next)
		if (q->kind == RECOGNISE_PROGRAM &&
		    memcmp(&q->record.key, &r->key, sizeof(r->key)) == 0)
			return;
	fd = k->n_questions < QUESTIONS_MAX ? open_image(r) : -EBUSY;
	if (fd < 0) {
		forget_unknown(k, &r->key);
		return;
	}
	if (i && i->answered && r->ask == ASK_ATTACH) {
		int e = attach(k, i, fd);

		if (e < 0)
			log_err_r(e, "cannot probe the TLS library of pid %u", r->head.actor.tgid);
		tell_kernel(k, i);
		close(fd);
		return;
	}
	question(k, r, RECOGNISE_PROGRAM, fd);
}

/* The file counts as a client because the policy lists its digest. */
static bool listed(const struct keeper *k, const struct recognition *rec)
{
	for (size_t i = 0; rec->hashed && i < k->policy->n_clients; i++)
		if (memcmp(k->policy->clients[i].sha256, rec->sha256, 32) == 0)
			return true;
	return false;
}

/* A runtime runs a client's script: the process is marked by hand, and what it started since too.
 */
static void mark_script(struct keeper *k, const struct record_image *r)
{
	struct keeper_image *i = keeper_image_find(k, &r->key);
	struct task_context t = {0};
	pid_t pid = (pid_t)r->head.actor.tgid;
	int e;

	if (!i)
		return;
	kernel_task_get(k->kernel, pid, &t);
	if (!(t.flags & TASK_GOVERNED))
		t.uid = r->head.actor.who_uid;
	t.flags |= TASK_GOVERNED | TASK_CLIENT;
	t.root_tgid = (uint32_t)pid;
	t.root_start_ns = r->head.actor.start_ns;
	t.spawn_tgid = 0;
	t.spawn_start_ns = 0;
	t.image = r->key;
	t.netns = r->netns;
	e = kernel_task_set(k->kernel, pid, &t);
	if (e < 0 && e != -ESRCH)
		log_err_r(e, "cannot mark pid %d as a client", pid);
	keeper_client_started(k, &r->head.actor, i);
}

static void mark_running(struct keeper *k, const struct keeper_image *i);

static void answered_program(struct keeper *k, struct keeper_question *q,
			     const struct channel_analysed *a)
{
	const struct recognition *rec = &a->recognition;
	struct keeper_image *i = image_add(k, &q->record.key);
	bool governed = q->record.head.actor.flags & TASK_GOVERNED;
	int r = 0;

	if (!i)
		return;
	i->answered = true;
	i->class_ = a->error ? IMAGE_OTHER : rec->class_;
	if (i->class_ == IMAGE_CLIENT && !k->policy->recognise_claude_code)
		i->class_ = rec->has_layout ? IMAGE_TLS : IMAGE_OTHER;
	if (listed(k, rec))
		i->class_ = IMAGE_CLIENT;
	if (rec->has_layout && !i->layout) {
		i->layout = malloc(sizeof(*i->layout));
		if (i->layout)
			*i->layout = rec->layout;
	}
	if (i->class_ == IMAGE_CLIENT || i->class_ == IMAGE_RUNTIME ||
	    (i->class_ == IMAGE_TLS && governed))
		r = i->layout ? attach(k, i, q->fd) : -ENOENT;
	if (i->class_ == IMAGE_CLIENT && !i->attached) {
		snprintf(i->why, sizeof(i->why), "%s",
			 rec->why[0] ? rec->why : strerror(r < 0 ? -r : ENOENT));
		log_err("a client cannot be inspected, and is kept from the model API: pid %u: %s",
			q->record.head.actor.tgid, i->why);
		keeper_event_client_refused(k, (pid_t)q->record.head.actor.tgid, i->why);
	}
	tell_kernel(k, i);
	if (i->class_ == IMAGE_RUNTIME && q->record.by_exec)
		ask_scripts(k, &q->record);
	if (i->class_ == IMAGE_CLIENT)
		mark_running(k, i);
}

void keeper_analysed(struct keeper *k, const struct channel_analysed *a)
{
	struct keeper_question **at = &k->questions, *q;

	while (*at && (*at)->id != a->id)
		at = &(*at)->next;
	q = *at;
	if (!q)
		return;
	*at = q->next;
	k->n_questions--;
	if (q->kind == RECOGNISE_PROGRAM)
		answered_program(k, q, a);
	else if (!a->error &&
		 (a->recognition.class_ == IMAGE_CLIENT ? k->policy->recognise_claude_code
							: listed(k, &a->recognition)))
		mark_script(k, &q->record);
	close(q->fd);
	free(q);
}

/* ---- what runs already -------------------------------------------------------------------------
 */

static void collect(void *ctx, const struct record_image *r)
{
	struct keeper *k = ctx;
	struct keeper_seeded *more = reallocarray(k->seeded, k->n_seeded + 1, sizeof(*more));

	if (!more)
		return;
	k->seeded = more;
	more[k->n_seeded++] = (struct keeper_seeded){.pid = (pid_t)r->head.actor.tgid,
						     .parent = (pid_t)r->head.actor.root_tgid,
						     .actor = r->head.actor,
						     .key = r->key,
						     .netns = r->netns};
	more[k->n_seeded - 1].actor.root_tgid = 0; /* the iterator's place for the parent */
}

/* Processes that were there before the hooks: each program is looked at once. */
void keeper_seed(struct keeper *k)
{
	struct record_image r = {.ask = ASK_CLASSIFY, .by_exec = 1};

	k->n_seeded = 0;
	kernel_seed(k->kernel, collect, k);
	for (size_t n = 0; n < k->n_seeded; n++) {
		r.head.actor = k->seeded[n].actor;
		r.key = k->seeded[n].key;
		r.netns = k->seeded[n].netns;
		keeper_ask(k, &r);
	}
}

static bool known(void *ctx, const struct image_key *key)
{
	struct keeper *k = ctx;
	const struct keeper_image *i = keeper_image_find(k, key);

	for (const struct keeper_question *q = k->questions; q; q = q->next)
		if (memcmp(&q->record.key, key, sizeof(*key)) == 0)
			return true;
	return i && i->answered;
}

/* What an earlier keeper had probed and this one has not, and what was asked about and got lost, is
 * looked at again at its next exec. Without this a client would count as inspected whose probes
 * went away with the keeper that made them. */
void keeper_images_sweep(struct keeper *k)
{
	kernel_images_forget_stale(k->kernel, known, k);
}

/* Marks what lies below a client that was there before. What has a context already was seen by the
 * kernel side and keeps it. */
static void mark_tree(struct keeper *k, const struct keeper_seeded *root, pid_t pid, pid_t spawn,
		      int depth)
{
	for (size_t n = 0; n < k->n_seeded && depth < 64; n++) {
		const struct keeper_seeded *s = &k->seeded[n];
		struct task_context t = {.flags = TASK_GOVERNED};

		if (s->parent != pid || s->pid == root->pid)
			continue;
		t.uid = root->actor.who_uid;
		t.root_tgid = (uint32_t)root->pid;
		t.root_start_ns = root->actor.start_ns;
		t.netns = root->netns;
		t.spawn_tgid = (uint32_t)(spawn ? spawn : s->pid);
		t.spawn_start_ns = s->actor.start_ns;
		t.image = s->key;
		if (kernel_task_get(k->kernel, s->pid, &(struct task_context){0}) < 0)
			kernel_task_set(k->kernel, s->pid, &t);
		mark_tree(k, root, s->pid, spawn ? spawn : s->pid, depth + 1);
	}
}

/* The answer came: every process that runs this client is told of, those that began while the
 * question was open too (it was asked once, for the first of them). */
static void mark_running(struct keeper *k, const struct keeper_image *i)
{
	k->n_seeded = 0;
	kernel_seed(k->kernel, collect, k);
	for (size_t n = 0; n < k->n_seeded; n++) {
		const struct keeper_seeded *s = &k->seeded[n];
		struct task_context t = {.flags = TASK_GOVERNED | TASK_CLIENT};

		if (memcmp(&s->key, &i->key, sizeof(i->key)) != 0)
			continue;
		t.uid = s->actor.who_uid;
		t.root_tgid = (uint32_t)s->pid;
		t.root_start_ns = s->actor.start_ns;
		t.netns = s->netns;
		t.image = s->key;
		if (kernel_task_get(k->kernel, s->pid, &(struct task_context){0}) < 0)
			kernel_task_set(k->kernel, s->pid, &t);
		keeper_client_started(k, &s->actor, i);
		mark_tree(k, s, s->pid, 0, 0);
	}
}
