// SPDX-License-Identifier: Apache-2.0
/* TLS libraries are probed when a client begins, and not when its first child maps one. */
#include "keeper_bench.h"

#include <sched.h>
#include <sys/mman.h>

#define FOUND "/usr/lib/x86_64-linux-gnu/libssl.so.3"

static struct image_key key_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (struct image_key){
		.inode = st.st_ino,
		.ctime_ns =
			(uint64_t)st.st_ctim.tv_sec * 1000000000u + (uint64_t)st.st_ctim.tv_nsec,
		.size = (uint64_t)st.st_size,
		.device = 7, /* the kernel's is not user space's, on overlay file systems */
	};
}

/* Somebody who is not governed maps it: the kernel asks, and the analyst says what it is. */
static void mapped(struct bench *b, const struct image_key *key, enum image_class class_)
{
	struct image_value unknown = {.class_ = IMAGE_UNKNOWN};
	struct record_image r = {.key = *key, .ask = ASK_CLASSIFY};

	r.head.actor.tgid = (uint32_t)getpid();
	kernel_image_set(NULL, key, &unknown);
	keeper_ask(&b->k, &r);
	answer(b, class_, class_ == IMAGE_TLS, 1);
}

static bool waits(const struct bench *b, const struct image_key *key)
{
	for (size_t i = 0; i < b->k.n_libraries; i++)
		if (keeper_same_file(b->k.libraries[i], key))
			return true;
	return false;
}

static void test_probed_for_a_client(void **state)
{
	struct image_key key = key_of(FOUND);
	struct bench b;

	(void)state;
	bench_open(&b);
	keeper_libraries_look(&b.k, getpid());
	assert_true(waits(&b, &key));
	mapped(&b, &key, IMAGE_TLS);
	assert_int_equal(world.attached, 1);
	assert_true(entry(&key)->flags & IMAGE_ATTACHED);
	assert_false(waits(&b, &key));
	/* the next client: all is there */
	keeper_libraries_look(&b.k, getpid());
	assert_false(waits(&b, &key));
	bench_close(&b);
}

/* Nobody governed uses it: no probe, until a client begins. */
static void test_left_alone_without(void **state)
{
	struct image_key key = key_of(FOUND);
	struct image_value unknown = {.class_ = IMAGE_UNKNOWN}, v;
	struct record_image r = {.key = key, .ask = ASK_CLASSIFY};
	struct tls_layout *layout;
	int fd = open(FOUND, O_RDONLY | O_CLOEXEC);
	struct bench b;

	(void)state;
	assert_true(fd >= 0);
	bench_open(&b);
	/* so that it is found, as what is mapped is */
	b.k.libraries[b.k.n_libraries++] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	kernel_image_set(NULL, &key, &unknown);
	keeper_ask(&b.k, &r);
	assert_true(keeper_library_take(&b.k, &key));
	answer(&b, IMAGE_TLS, true, 1);
	assert_int_equal(world.attached, 0);
	assert_int_equal(kernel_image_get(NULL, &key, &v), 0);
	assert_int_equal(v.class_, IMAGE_TLS);
	assert_false(v.flags & IMAGE_ATTACHED);
	/* what was analysed here is another file; the client's children have this one */
	layout = b.k.images->layout;
	assert_non_null(layout);
	memset(layout, 0, sizeof(*layout));
	assert_int_equal(tls_locate(fd, layout, NULL), 0);
	keeper_libraries_look(&b.k, getpid());
	assert_false(waits(&b, &key));
	assert_int_equal(world.attached, 1);
	assert_int_equal(kernel_image_get(NULL, &key, &v), 0);
	assert_true(v.flags & IMAGE_ATTACHED);
	close(fd);
	bench_close(&b);
}

/* What only has a library's name is asked about, and not probed. */
static void test_another_content(void **state)
{
	struct image_key key = key_of(FOUND);
	struct bench b;

	(void)state;
	bench_open(&b);
	keeper_libraries_look(&b.k, getpid());
	mapped(&b, &key, IMAGE_OTHER);
	assert_int_equal(world.attached, 0);
	assert_int_equal(entry(&key)->class_, IMAGE_OTHER);
	assert_false(waits(&b, &key));
	bench_close(&b);
}

/* What a governed process would find or has mapped goes on being read: the new probes are there
 * before the old ones go. */
static void kept(const char *path, bool mapped_too)
{
	struct image_key key = key_of(path), gone = {.inode = 1, .size = 1};
	struct image_value old = {.class_ = IMAGE_TLS, .id = 9, .flags = IMAGE_ATTACHED};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct bench b;
	void *page = NULL;

	assert_true(fd >= 0);
	bench_open(&b);
	b.k.took_over = false;
	world.running.key = own_key();
	world.running.has_context = true;
	kernel_image_set(NULL, &key, &old);
	kernel_image_set(NULL, &gone, &old); /* nobody has it mapped, and it is nowhere */
	keeper_seed(&b.k);
	answer(&b, IMAGE_OTHER, false, 1); /* the program itself */
	if (mapped_too) {
		world.running.context.flags = TASK_GOVERNED;
		keeper_libraries_kept(&b.k);
		assert_int_equal(b.k.n_questions, 0);
		page = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		assert_ptr_not_equal(page, MAP_FAILED);
		world.running.context.flags = 0;
	}
	/* who is not governed does not count */
	keeper_libraries_kept(&b.k);
	assert_int_equal(b.k.n_questions, 0);
	world.running.context.flags = TASK_GOVERNED;
	keeper_libraries_kept(&b.k);
	assert_int_equal(b.k.n_questions, 1);
	answer(&b, IMAGE_TLS, true, 1);
	assert_int_equal(world.attached, 1);
	assert_int_not_equal(entry(&key)->id, old.id);
	assert_false(waits(&b, &key));
	if (page)
		munmap(page, 1);
	close(fd);
	bench_close(&b);
}

static void test_of_an_earlier_keeper(void **state)
{
	(void)state;
	kept(FOUND, false);
	kept(LIBRARY, true); /* where no linker looks */
}

/* However often one looks, as many files are held open; and none of a root that may be a trap. */
static void test_bounded(void **state)
{
	struct bench b;
	size_t n;
	int ready[2], status;
	pid_t pid;
	char byte;

	(void)state;
	bench_open(&b);
	keeper_libraries_look(&b.k, getpid());
	n = b.k.n_libraries;
	assert_in_range(n, 1, KEEPER_LIBRARIES_MAX);
	for (int i = 0; i < 3; i++)
		keeper_libraries_look(&b.k, getpid());
	assert_int_equal(b.k.n_libraries, n);
	while (b.k.n_libraries)
		close(b.k.libraries[--b.k.n_libraries]);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) == 0 && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	keeper_libraries_look(&b.k, pid);
	assert_int_equal(b.k.n_libraries, 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(ready[0]);
	close(ready[1]);
	keeper_libraries_look(&b.k, pid); /* nobody any more */
	assert_int_equal(b.k.n_libraries, 0);
	bench_close(&b);
}

UNIT_MAIN(unit(test_probed_for_a_client), unit(test_left_alone_without), unit(test_another_content),
	  unit(test_of_an_earlier_keeper), unit(test_bounded))
