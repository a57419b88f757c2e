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

const struct keeper_image *keeper_image_numbered(const struct keeper *k, uint32_t id)
{
	for (const struct keeper_image *i = k->images; i; i = i->next)
		if (i->id == id)
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
bool keeper_same_file(int fd, const struct image_key *key)
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
		if (fd >= 0 && keeper_same_file(fd, key))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -ENOENT;
}

static int open_image(const struct keeper *k, const struct record_image *r)
{
	pid_t pid = (pid_t)r->head.actor.tgid;
	char path[64];
	int fd;

	fd = keeper_library_open(k, &r->key);
	if (fd != -ENOENT)
		return fd;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && keeper_same_file(fd, &r->key))
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
	struct channel_analyse ask = {.id = ++k->next_question, .kind = kind};
	struct keeper_question *q = calloc(1, sizeof(*q));

	if (q && kind == RECOGNISE_PROGRAM)
		q->known = keeper_cache_find(k, fd);
	if (q && q->known)
		ask.flags |= RECOGNISE_LOCATED;
	if (k->policy->n_clients)
		ask.flags |= RECOGNISE_HASH;
	if (!q ||
	    keeper_tell(k, KEEPER_CHILD_ANALYST, CHANNEL_ANALYSE, &ask, sizeof(ask), fd) < 0) {
		if (q)
			free(q->known);
		free(q);
		close(fd);
		k->ask_again = true;
		if (kind == RECOGNISE_PROGRAM)
			forget_unknown(k, &r->key);
		return;
	}
	q->id = ask.id;
	q->digest = ask.flags & RECOGNISE_HASH;
	q->record = *r;
	q->kind = kind;
	q->fd = fd;
	q->next = k->questions;
	k->questions = q;
	k->n_questions++;
}

static void question_free(struct keeper_question *q)
{
	if (q->fd >= 0)
		close(q->fd);
	free(q->known);
	free(q);
}

/* A file that is nothing special is entered into the kernel's table and not remembered here. */
static void enter_other(struct keeper *k, const struct image_key *key)
{
	struct image_value v = {.class_ = IMAGE_OTHER};

	kernel_image_set(k->kernel, key, &v);
}

static bool is_other(struct keeper *k, const struct image_key *key)
{
	struct image_value v;

	return kernel_image_get(k->kernel, key, &v) == 0 && v.class_ == IMAGE_OTHER;
}

/* The analyst ended. The oldest question is the one it was at: that file brought it down, and would
 * again. It is entered as nothing special, so no client, not inspected, kept from the model API. */
void keeper_questions_drop(struct keeper *k)
{
	while (k->questions) {
		struct keeper_question *q = k->questions;
		/* what was known to be a client is one, whatever became of this look at it */
		bool oldest = !q->next && unknown(k, &q->record.key);

		k->questions = q->next;
		if (oldest && q->kind == RECOGNISE_PROGRAM && !keeper_image_find(k, &q->record.key))
			enter_other(k, &q->record.key);
		else if (q->kind == RECOGNISE_PROGRAM)
			forget_unknown(k, &q->record.key);
		question_free(q);
	}
	k->n_questions = 0;
	k->ask_again = true;
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
void keeper_ask_scripts(struct keeper *k, const struct record_image *r)
{
	pid_t pid = (pid_t)r->head.actor.tgid;
	char argv[8192], path[sizeof(argv) + 64];
	ssize_t n = read_argv(pid, argv, sizeof(argv));
	int looked = 0;

	for (char *a = argv; n > 0 && a < argv + n && looked < 8 && k->n_questions < QUESTIONS_MAX;
	     a += strlen(a) + 1) {
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
	if (i->proof == KEEPER_PROOF_DISPROVED)
		return -EPERM;
	/* the same bytes still, and no write since: a probe in the middle of an instruction would
	 * corrupt the code of everybody who runs it */
	if (!tls_layout_matches(i->layout, fd))
		return -ESTALE;
	r = kernel_attach_tls(k->kernel, fd, i->layout, i->id);
	if (r < 0)
		return r;
	i->attached = true;
	i->attached_ns = keeper_boot_ns();
	keeper_intact_begin(i, fd);
	i->why[0] = 0;
	return r;
}

void keeper_image_tell(struct keeper *k, const struct keeper_image *i)
{
	struct image_value v = {.class_ = i->class_, .id = i->id};

	/* of a library it says that it need not be asked about again */
	if (i->class_ == IMAGE_TLS ? i->attached : keeper_inspected(k, i))
		v.flags |= IMAGE_ATTACHED;
	kernel_image_set(k->kernel, &i->key, &v);
}

void keeper_image_probe(struct keeper *k, struct keeper_image *i, int fd)
{
	int r;

	if (i->class_ != IMAGE_TLS)
		return;
	r = attach(k, i, fd);
	if (r < 0)
		log_err_r(r, "cannot probe a TLS library");
	keeper_image_tell(k, i);
}

void keeper_ask(struct keeper *k, const struct record_image *r)
{
	struct keeper_image *i = keeper_image_find(k, &r->key);
	int fd;

	if (r->ask == ASK_UNSAID) {
		keeper_intact_unsaid(k, r);
		return;
	}
	if (r->ask == ASK_COVER) {
		keeper_cover(k, r->address);
		return;
	}
	if (r->ask == ASK_CLASSIFY)
		k->images_entered++;
	if (r->ask == ASK_CLIENT && i) {
		keeper_client_started(k, &r->head.actor, i, keeper_inspected(k, i) ? 0 : -1);
		return;
	}
	if (r->ask == ASK_SCRIPT) {
		keeper_ask_scripts(k, r);
		if (i && i->answered)
			return;
	}
	if (i && i->answered && i->class_ != IMAGE_TLS) {
		keeper_image_tell(k, i);
		return;
	}
	if (!i && is_other(k, &r->key))
		return;
	for (struct keeper_question *q = k->questions; q; q = q->next)
		if (q->kind == RECOGNISE_PROGRAM &&
		    memcmp(&q->record.key, &r->key, sizeof(r->key)) == 0)
			return;
	fd = k->n_questions < QUESTIONS_MAX ? open_image(k, r) : -EBUSY;
	if (fd < 0) {
		/* a flood: what runs is asked about again when it is over */
		k->ask_again |= fd == -EBUSY;
		forget_unknown(k, &r->key);
		return;
	}
	if (i && i->answered && r->ask == ASK_ATTACH) {
		keeper_image_probe(k, i, fd);
		close(fd);
		return;
	}
	question(k, r, RECOGNISE_PROGRAM, fd);
}

/* The file counts as a client because the policy lists its digest. */
static bool listed(const struct keeper *k, const uint8_t sha256[32])
{
	for (size_t i = 0; i < k->policy->n_clients; i++)
		if (memcmp(k->policy->clients[i].sha256, sha256, 32) == 0)
			return true;
	return false;
}

static enum image_class class_of(const struct keeper *k, enum image_class found, bool has_layout,
				 const uint8_t *sha256)
{
	if (sha256 && listed(k, sha256))
		return IMAGE_CLIENT;
	if (found == IMAGE_CLIENT && !k->policy->recognise_claude_code)
		return has_layout ? IMAGE_TLS : IMAGE_OTHER;
	return found;
}

enum image_class keeper_image_class(const struct keeper *k, const struct keeper_image *i)
{
	return class_of(k, i->found, i->layout, i->hashed ? i->sha256 : NULL);
}

/* Since the exec that asked, unless the record is of no exec: the task iterator gives no time. */
int64_t keeper_exec_window(const struct record_image *r, bool inspected_before)
{
	if (inspected_before)
		return 0;
	return r->by_exec && r->head.time_ns ? keeper_boot_ns() - (int64_t)r->head.time_ns : -1;
}

static void answered_client(struct keeper *k, struct keeper_image *i, const struct record_image *r,
			    bool inspected_before, const char *why)
{
	if (!i->attached) {
		if (i->proof != KEEPER_PROOF_DISPROVED)
			snprintf(i->why, sizeof(i->why), "%s", why);
		log_err("a client cannot be inspected, and is kept from the model API: pid %u: %s",
			r->head.actor.tgid, i->why);
		keeper_event_client_refused(k, (pid_t)r->head.actor.tgid, i);
	}
	keeper_image_tell(k, i);
	keeper_mark_running(k, i, r,
			    keeper_inspected(k, i) ? keeper_exec_window(r, inspected_before) : -1);
}

static void answered_program(struct keeper *k, struct keeper_question *q,
			     const struct channel_analysed *a)
{
	const struct recognition *rec = &a->recognition;
	enum image_class found = a->error ? IMAGE_OTHER : rec->class_;
	/* somebody governed maps it, or will */
	bool used = keeper_library_take(k, &q->record.key) ||
		    (q->record.head.actor.flags & TASK_GOVERNED);
	bool known = q->known;
	struct keeper_image *i;
	struct image_value before = {0};
	int r = -ENOENT;

	kernel_image_get(k->kernel, &q->record.key, &before);
	i = keeper_image_find(k, &q->record.key);
	if (!i &&
	    class_of(k, found, rec->has_layout, rec->hashed ? rec->sha256 : NULL) == IMAGE_OTHER) {
		enter_other(k, &q->record.key);
		return;
	}
	i = image_add(k, &q->record.key);
	if (!i)
		return;
	i->answered = true;
	i->found = found;
	i->hashed = rec->hashed;
	memcpy(i->sha256, rec->sha256, sizeof(i->sha256));
	if (rec->has_layout && !i->layout) {
		if (q->known) {
			i->layout = TAKE_PTR(q->known);
		} else {
			i->layout = malloc(sizeof(*i->layout));
			if (i->layout)
				*i->layout = rec->layout;
		}
	}
	i->class_ = keeper_image_class(k, i);
	if (i->class_ == IMAGE_CLIENT || i->class_ == IMAGE_RUNTIME ||
	    (i->class_ == IMAGE_TLS && used))
		r = attach(k, i, q->fd);
	if (i->class_ == IMAGE_CLIENT) {
		keeper_proof_begin(k, i, q->fd, known);
		answered_client(k, i, &q->record, before.flags & IMAGE_ATTACHED,
				rec->why[0] ? rec->why : strerror(r < 0 ? -r : ENOENT));
		return;
	}
	keeper_image_tell(k, i);
	if (i->class_ == IMAGE_RUNTIME && q->record.by_exec)
		keeper_ask_scripts(k, &q->record);
}

/* The analyst is not believed: it takes apart what anybody may have made. */
static bool sane(const struct channel_analysed *a)
{
	const struct recognition *rec = &a->recognition;

	if (a->error)
		return true;
	if ((unsigned int)rec->class_ >= IMAGE_CLASS_MAX || rec->class_ == IMAGE_UNKNOWN ||
	    !memchr(rec->why, 0, sizeof(rec->why)))
		return false;
	if (!rec->has_layout)
		return true;
	for (unsigned int i = 0; i < TLS_ROLE_MAX; i++)
		if (rec->layout.function[i].n_rets > TLS_RETS_MAX)
			return false;
	return rec->layout.build_id_len <= TLS_BUILD_ID_MAX &&
	       (unsigned int)rec->layout.method < TLS_METHOD_MAX;
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
	if (!sane(a))
		log_err("an answer of the analyst that is none");
	else if (!a->error && k->policy->n_clients && !q->digest)
		/* asked by a policy that listed nothing; this one may list it */
		question(k, &q->record, q->kind, TAKE_FD(q->fd));
	else if (q->kind == RECOGNISE_PROGRAM)
		answered_program(k, q, a);
	else if (!a->error &&
		 class_of(k, a->recognition.class_, false,
			  a->recognition.hashed ? a->recognition.sha256 : NULL) == IMAGE_CLIENT)
		keeper_mark_script(k, &q->record);
	question_free(q);
}
