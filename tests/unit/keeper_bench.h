/* SPDX-License-Identifier: Apache-2.0 */
/* A keeper to put on the bench: the kernel side, the journal and the analyst are played here.
 * Whoever includes this defines what the keeper would otherwise take from agent/kernel. */
#ifndef UNIT_KEEPER_BENCH_H
#define UNIT_KEEPER_BENCH_H

#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "keeper/keeper.h"
#include "reader/pipeline.h"
#include "tls/cache.h"

#define BENCH_UNUSED __attribute__((unused))
#define LIBRARY	     "/usr/lib/x86_64-linux-gnu/android/libssl.so.0"

/* ---- the kernel side, played ---- */

static struct {
	struct {
		struct image_key key;
		struct image_value value;
	} image[256];
	size_t n;
	struct {
		struct image_key key;
		struct task_context context;
		bool has_context;
	} running; /* this very process, as the iterator tells of it */
	unsigned int attached, detached, seeds, refused, losses;
	bool inspected_at_detach;
	uint32_t detached_id;
	unsigned int tampered;
	struct memory_site site; /* where it was */
	uint64_t covered;	 /* the cgroup that programs were attached to last */
	int cover_error;
} world;

#define BENCH_CGROUP 4242 /* that this process is in, as the kernel tells of it */

static BENCH_UNUSED struct image_value *entry(const struct image_key *key)
{
	for (size_t i = 0; i < world.n; i++)
		if (memcmp(&world.image[i].key, key, sizeof(*key)) == 0)
			return &world.image[i].value;
	return NULL;
}

int kernel_image_get(const struct kernel *k, const struct image_key *key, struct image_value *ret)
{
	const struct image_value *v = entry(key);

	if (!v)
		return -ENOENT;
	*ret = *v;
	return 0;
}

int kernel_image_set(struct kernel *k, const struct image_key *key, const struct image_value *value)
{
	struct image_value *v = entry(key);

	if (!v) {
		assert_true(world.n < ARRAY_SIZE(world.image));
		world.image[world.n].key = *key;
		v = &world.image[world.n++].value;
	}
	*v = *value;
	return 0;
}

int kernel_image_forget(struct kernel *k, const struct image_key *key)
{
	for (size_t i = 0; i < world.n; i++)
		if (memcmp(&world.image[i].key, key, sizeof(*key)) == 0) {
			world.image[i] = world.image[--world.n];
			return 0;
		}
	return -ENOENT;
}

size_t kernel_images_drop(struct kernel *k,
			  bool (*drop)(void *ctx, const struct image_key *,
				       const struct image_value *),
			  void *ctx)
{
	for (size_t i = 0; i < world.n;)
		if (drop(ctx, &world.image[i].key, &world.image[i].value))
			world.image[i] = world.image[--world.n];
		else
			i++;
	return world.n;
}

int kernel_seed(struct kernel *k, void (*fn)(void *ctx, const struct record_image *r), void *ctx)
{
	struct record_image r = {.key = world.running.key, .ask = ASK_CLASSIFY, .by_exec = 1};

	world.seeds++;
	r.head.actor.tgid = (uint32_t)getpid();
	r.head.actor.cgroup = BENCH_CGROUP;
	r.head.actor.start_ns = 1;
	fn(ctx, &r);
	return 0;
}

int kernel_task_get(const struct kernel *k, pid_t pid, struct task_context *ret)
{
	if (pid != getpid() || !world.running.has_context)
		return -ENOENT;
	*ret = world.running.context;
	return 0;
}

int kernel_task_set(struct kernel *k, pid_t pid, const struct task_context *context)
{
	assert_int_equal(pid, getpid());
	/* first: until then the doors refuse what it connects */
	assert_int_equal(world.covered, BENCH_CGROUP);
	world.running.context = *context;
	world.running.has_context = true;
	return 0;
}

int kernel_cover(struct kernel *k, uint64_t cgroup)
{
	world.covered = cgroup;
	return world.cover_error;
}

int kernel_attach_tls(struct kernel *k, int fd, const struct tls_layout *layout, uint32_t id)
{
	world.attached++;
	return 0;
}

int kernel_detach_tls(struct kernel *k, uint32_t id)
{
	world.detached++;
	world.detached_id = id;
	for (size_t i = 0; i < world.n; i++)
		if (world.image[i].value.id == id)
			world.inspected_at_detach = world.image[i].value.flags & IMAGE_ATTACHED;
	return 0;
}

static struct posture bench_posture = {.capability = KERNEL_TEXT_IN_PLACE,
				       .state = POSTURE_ENFORCE};

const struct posture *kernel_posture(const struct kernel *k, size_t *ret_n)
{
	*ret_n = 1;
	return &bench_posture;
}

void kernel_posture_set(struct kernel *k, const char *capability, enum posture_state state,
			const char *reason)
{
	assert_string_equal(capability, KERNEL_TEXT_IN_PLACE);
	bench_posture.state = state;
	snprintf(bench_posture.reason, sizeof(bench_posture.reason), "%s", reason);
}

/* ---- the journal and the children, played ---- */

void keeper_event_tampered(struct keeper *k, pid_t pid, uint32_t uid,
			   const struct keeper_image *image, const struct memory_site *site,
			   const char *why)
{
	assert_int_equal(pid, getpid());
	assert_string_equal(why, site ? KEEPER_TAMPERED : KEEPER_UNSAID);
	world.tampered++;
	if (site)
		world.site = *site;
}

void keeper_event_loss(struct keeper *k, const char *what, uint64_t n)
{
	world.losses++;
}

void keeper_event_client_refused(struct keeper *k, pid_t pid, const struct keeper_image *image)
{
	world.refused++;
}

int64_t keeper_boot_ns(void)
{
	return 1000;
}

const struct policy_person *keeper_person(const struct keeper *k, uint32_t uid, uint32_t *ret_index)
{
	return NULL;
}

static struct process_note last_note;

int keeper_tell(struct keeper *k, int child, enum channel_type type, const void *body, size_t len,
		int fd)
{
	if (type == CHANNEL_NOTE) {
		assert_int_equal(len, sizeof(last_note));
		memcpy(&last_note, body, len);
		return 0;
	}
	return channel_send(k->child[child].sock, type, body, len, fd, MSG_DONTWAIT);
}

/* ---- a keeper over them ---- */

struct bench {
	struct keeper k;
	struct policy policy;
	struct policy_client listed;
	char directory[64];
	int analyst; /* the other end */
	int program; /* a file with TLS functions */
};

static BENCH_UNUSED void bench_open(struct bench *b)
{
	int pair[2];

	memset(b, 0, sizeof(*b));
	memset(&world, 0, sizeof(world));
	memset(&last_note, 0, sizeof(last_note));
	snprintf(b->directory, sizeof(b->directory), "/tmp/bailiff-keeper-XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	b->k.child[KEEPER_CHILD_ANALYST].sock = pair[0];
	b->analyst = pair[1];
	b->policy.recognise_claude_code = true;
	b->policy.clients = &b->listed;
	b->k.policy = &b->policy;
	b->k.options.state_directory = b->directory;
	b->k.took_over = true;
	b->k.watching_ns = 500;
	b->k.cache_fd = -1;
	keeper_cache_open(&b->k);
	assert_true(b->k.cache_fd >= 0);
	keeper_images_start(&b->k);
	b->program = open(LIBRARY, O_RDONLY | O_CLOEXEC);
	assert_true(b->program >= 0);
}

/* Layouts that are kept: how many. */
static BENCH_UNUSED unsigned int layouts(const struct bench *b, bool remove)
{
	const struct dirent *e;
	unsigned int n = 0;
	char path[96];
	DIR *d;

	snprintf(path, sizeof(path), "%s/tls", b->directory);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		n++;
		if (remove)
			assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
	}
	closedir(d);
	return n;
}

static BENCH_UNUSED void bench_close(struct bench *b)
{
	char path[96];

	while (b->k.images) {
		struct keeper_image *i = b->k.images;

		b->k.images = i->next;
		free(i->layout);
		free(i->sites);
		free(i);
	}
	while (b->k.clients) {
		struct keeper_client *c = b->k.clients;

		b->k.clients = c->next;
		free(c);
	}
	while (b->k.n_libraries)
		close(b->k.libraries[--b->k.n_libraries]);
	/* who mapped them */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	keeper_questions_drop(&b->k);
	free(b->k.seeded);
	close(b->k.child[KEEPER_CHILD_ANALYST].sock);
	close(b->k.cache_fd);
	close(b->analyst);
	close(b->program);
	layouts(b, true);
	snprintf(path, sizeof(path), "%s/tls", b->directory);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(b->directory), 0);
}

/* The key of this test program, as the kernel would have it: the keeper opens /proc/PID/exe. */
static BENCH_UNUSED struct image_key own_key(void)
{
	struct stat st;

	assert_int_equal(stat("/proc/self/exe", &st), 0);
	return (struct image_key){
		.inode = st.st_ino,
		.ctime_ns =
			(uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec,
		.size = (uint64_t)st.st_size,
		.device = 1,
	};
}

/* This process runs a program, and the kernel asks what it is: as it does at an exec. */
static BENCH_UNUSED struct image_key asks(struct bench *b)
{
	struct image_key key = own_key();
	struct image_value unknown = {.class_ = IMAGE_UNKNOWN};
	struct record_image r = {.key = key, .ask = ASK_CLASSIFY, .by_exec = 1};

	r.head.actor.tgid = (uint32_t)getpid();
	r.head.actor.cgroup = BENCH_CGROUP;
	r.head.actor.start_ns = 1;
	world.running.key = key;
	kernel_image_set(NULL, &key, &unknown);
	keeper_ask(&b->k, &r);
	return key;
}

/* A keeper that was just asked about this program. */
static BENCH_UNUSED struct image_key bench_question(struct bench *b)
{
	bench_open(b);
	return asks(b);
}

/* What the analyst was asked; false: nothing. */
static BENCH_UNUSED bool asked(struct bench *b, struct channel_analyse *ret)
{
	static uint8_t body[CHANNEL_BODY_MAX];
	enum channel_type type;
	ssize_t n = channel_receive(b->analyst, &type, body, NULL, MSG_DONTWAIT);

	if (n < 0)
		return false;
	assert_int_equal(type, CHANNEL_ANALYSE);
	assert_int_equal(n, sizeof(*ret));
	memcpy(ret, body, sizeof(*ret));
	return true;
}

/* The keeper looks at the file of its question again before it probes: from here on it is the
 * library, whose functions the method by reasons finds. */
static BENCH_UNUSED void answer(struct bench *b, enum image_class class_, bool tls, uint8_t digest)
{
	struct channel_analysed *a = calloc(1, sizeof(*a));
	struct channel_analyse q;

	assert_non_null(a);
	assert_true(asked(b, &q));
	a->id = q.id;
	a->recognition.class_ = class_;
	a->recognition.hashed = q.flags & RECOGNISE_HASH;
	memset(a->recognition.sha256, digest, 32);
	if (tls) {
		assert_int_equal(tls_locate(b->program, &a->recognition.layout, NULL), 0);
		a->recognition.layout.method = TLS_METHOD_REASONS;
		a->recognition.has_layout = true;
		assert_true(dup2(b->program, b->k.questions->fd) >= 0);
	}
	keeper_analysed(&b->k, a);
	free(a);
}

static BENCH_UNUSED bool inspected(const struct image_key *key)
{
	const struct image_value *v = entry(key);

	return v && v->class_ == IMAGE_CLIENT && (v->flags & IMAGE_ATTACHED);
}

#endif
