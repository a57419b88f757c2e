// SPDX-License-Identifier: Apache-2.0
/* What another policy changes in what is known of files, and what of the table is pruned. */
#include "keeper_bench.h"

/* ---- another policy ---- */

static void reload(struct bench *b, struct policy *old, size_t n_clients, uint8_t digest)
{
	static struct policy_client listed;

	*old = b->policy;
	listed = b->listed;
	old->clients = &listed;
	b->policy.n_clients = n_clients;
	memset(b->listed.sha256, digest, 32);
	keeper_images_reclassify(&b->k, old);
}

/* A program that runs and is nothing special is listed: it becomes a client, also the process. */
static void test_listed_later(void **state)
{
	struct policy old;
	struct bench b;
	struct image_key key = bench_question(&b);

	(void)state;
	answer(&b, IMAGE_OTHER, false, 1);
	assert_int_equal(entry(&key)->class_, IMAGE_OTHER);
	assert_null(b.k.images);
	/* the kernel side saw its exec, and forgot that it waited */
	world.running.has_context = true;
	world.running.context.image = key;
	reload(&b, &old, 1, 1);
	answer(&b, IMAGE_OTHER, false, 1);
	assert_int_equal(entry(&key)->class_, IMAGE_CLIENT);
	assert_int_equal(world.running.context.flags, TASK_GOVERNED | TASK_CLIENT);
	assert_int_equal(world.running.context.root_tgid, getpid());
	assert_int_equal(world.refused, 1); /* it has no TLS functions */
	/* and is taken out again: no client, but governed as long as it lives */
	reload(&b, &old, 0, 0);
	assert_int_equal(world.running.context.flags, TASK_GOVERNED);
	assert_false(inspected(&key));
	bench_close(&b);
}

/* The policy changes between the question and its answer. */
static void test_listed_meanwhile(void **state)
{
	struct policy old;
	struct bench b;
	struct image_key key = bench_question(&b);

	(void)state;
	reload(&b, &old, 1, 1);
	answer(&b, IMAGE_OTHER, false, 1); /* without a digest */
	assert_int_equal(entry(&key)->class_, IMAGE_UNKNOWN);
	answer(&b, IMAGE_OTHER, false, 1);
	assert_int_equal(entry(&key)->class_, IMAGE_CLIENT);
	bench_close(&b);
}

/* One with TLS functions: its probes go with its name on the list, and it is no client again. */
static void test_unlisted(void **state)
{
	struct image_key key;
	struct policy old;
	struct bench b;

	(void)state;
	bench_open(&b);
	b.policy.n_clients = 1;
	memset(b.listed.sha256, 7, 32);
	key = asks(&b);
	answer(&b, IMAGE_TLS, true, 7);
	assert_true(inspected(&key));
	assert_int_equal(world.running.context.flags, TASK_GOVERNED | TASK_CLIENT);
	reload(&b, &old, 1, 8);
	assert_int_equal(entry(&key)->class_, IMAGE_TLS);
	assert_false(entry(&key)->flags & IMAGE_ATTACHED);
	assert_false(world.inspected_at_detach);
	assert_int_equal(world.detached, 1);
	assert_int_equal(world.running.context.flags, TASK_GOVERNED);
	/* back on it */
	reload(&b, &old, 1, 7);
	answer(&b, IMAGE_TLS, true, 7);
	assert_true(inspected(&key));
	bench_close(&b);
}

/* A client by its content stays one, whatever is listed, and its probes stay. */
static void test_client_stays(void **state)
{
	struct channel_analyse q;
	struct policy old;
	struct bench b;
	struct image_key key = bench_question(&b);

	(void)state;
	answer(&b, IMAGE_CLIENT, true, 1);
	reload(&b, &old, 1, 9);
	assert_true(inspected(&key));
	assert_false(asked(&b, &q));
	assert_int_equal(world.detached, 0);
	/* a policy that lists the same clients has nothing looked at again */
	world.seeds = 0;
	reload(&b, &old, 0, 0);
	world.seeds = 0;
	old = b.policy;
	keeper_images_reclassify(&b.k, &old);
	assert_int_equal(world.seeds, 0);
	/* Claude Code is not to be recognised any more */
	b.policy.recognise_claude_code = false;
	keeper_images_reclassify(&b.k, &old);
	assert_false(inspected(&key));
	assert_int_equal(entry(&key)->class_, IMAGE_TLS);
	bench_close(&b);
}

/* ---- the table ---- */

static void put(uint64_t inode, enum image_class class_, uint32_t flags)
{
	struct image_key key = {.inode = inode};
	struct image_value v = {.class_ = class_, .flags = flags};

	kernel_image_set(NULL, &key, &v);
}

static bool there(uint64_t inode)
{
	return entry(&(struct image_key){.inode = inode});
}

static void test_prune(void **state)
{
	struct keeper_image client = {.answered = true, .attached = true};
	struct channel_analyse q;
	struct image_key waiting;
	struct bench b;

	(void)state;
	bench_open(&b);
	waiting = asks(&b); /* a question that is open */
	client.class_ = IMAGE_CLIENT;
	client.key.inode = 1;
	client.next = b.k.images;
	b.k.images = &client;
	put(1, IMAGE_CLIENT, IMAGE_ATTACHED);
	put(2, IMAGE_CLIENT, 0); /* refused: it could not be probed */
	put(3, IMAGE_RUNTIME, 0);
	put(5, IMAGE_TLS, 0);
	put(6, IMAGE_UNKNOWN, 0); /* its question got lost */
	for (uint64_t n = 100; n < 200; n++)
		put(n, IMAGE_OTHER, 0);
	b.k.images_entered = KERNEL_IMAGES_MAX / 4 * 3;
	keeper_images_tick(&b.k);
	assert_true(there(100)); /* not yet */
	b.k.images_entered++;
	keeper_images_tick(&b.k);
	for (uint64_t n = 100; n < 200; n++)
		assert_false(there(n));
	assert_true(there(1) && there(2) && there(3));
	assert_false(there(5) || there(6));
	assert_non_null(entry(&waiting));
	assert_true(b.k.images_entered >= world.n);
	/* what runs is asked about again, and not twice */
	assert_true(asked(&b, &q));
	assert_false(asked(&b, &q));
	b.k.images = NULL;
	bench_close(&b);
}

/* An earlier keeper's answers were by an earlier policy; what it had probed lost its probes. */
static void test_start_and_sweep(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b);
	put(1, IMAGE_CLIENT, IMAGE_ATTACHED);
	put(2, IMAGE_OTHER, 0);
	put(3, IMAGE_RUNTIME, IMAGE_ATTACHED);
	put(4, IMAGE_UNKNOWN, 0);
	put(5, IMAGE_TLS, 0);
	keeper_images_start(&b.k);
	assert_false(there(2));
	assert_true(there(1) && there(3) && there(4) && there(5));
	/* until the take-over they are there, and what is new begins: a table with room is not
	 * pruned, nor does a sweep take them */
	b.k.took_over = false;
	b.k.images_entered++;
	keeper_images_tick(&b.k);
	keeper_images_sweep(&b.k);
	assert_true(there(1) && there(3));
	b.k.took_over = true;
	keeper_images_sweep(&b.k);
	assert_false(there(1) || there(3) || there(4));
	assert_true(there(5));
	bench_close(&b);
}

UNIT_MAIN(unit(test_listed_later), unit(test_listed_meanwhile), unit(test_unlisted),
	  unit(test_client_stays), unit(test_prune), unit(test_start_and_sweep))
