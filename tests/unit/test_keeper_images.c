// SPDX-License-Identifier: Apache-2.0
/* What the keeper makes of an answer and of a judgement, and what it keeps for its next start. */
#include "keeper_bench.h"

static void judge(struct bench *b, uint32_t image, bool proven)
{
	struct channel_judged j = {.image = image, .tgid = 4711, .proven = proven};

	keeper_judged(&b->k, &j);
}

/* A keeper that has found a client and probes it. */
static struct image_key bench_client(struct bench *b)
{
	struct image_key key = bench_question(b);

	answer(b, IMAGE_CLIENT, true, 1);
	assert_true(inspected(&key));
	return key;
}

/* ---- judgements ---- */

static void test_proven(void **state)
{
	struct bench b;
	struct image_key key = bench_client(&b);

	(void)state;
	assert_int_equal(last_note.judge_image, b.k.images->id);
	assert_int_equal(last_note.seen_since_ns, 1000); /* the later of both */
	assert_int_equal(layouts(&b, false), 0);
	judge(&b, b.k.images->id, true);
	assert_int_equal(b.k.images->proof, KEEPER_PROOF_GIVEN);
	assert_int_equal(layouts(&b, false), 1);
	/* once: what comes after that changes nothing */
	judge(&b, b.k.images->id, false);
	assert_true(inspected(&key));
	assert_int_equal(world.detached, 0);
	bench_close(&b);
}

static void test_disproved(void **state)
{
	struct bench b;
	struct image_key key = bench_client(&b);

	(void)state;
	judge(&b, b.k.images->id, false);
	assert_false(inspected(&key));
	assert_int_equal(world.detached, 1);
	assert_int_equal(world.detached_id, b.k.images->id);
	assert_false(world.inspected_at_detach); /* the right went first */
	assert_int_equal(world.refused, 1);
	assert_int_not_equal(b.k.images->why[0], 0);
	assert_int_equal(layouts(&b, false), 0);
	/* nothing that the reader can say brings it back; nor does a question */
	judge(&b, b.k.images->id, true);
	asks(&b);
	assert_false(inspected(&key));
	assert_int_equal(world.attached, 1);
	bench_close(&b);
}

/* A reader that was taken over says what it likes. */
static void test_not_to_be_judged(void **state)
{
	static const struct {
		enum image_class class_;
		enum tls_method method;
		bool other_number;
	} cases[] = {
		{IMAGE_CLIENT, TLS_METHOD_SYMBOLS, false},
		{IMAGE_RUNTIME, TLS_METHOD_REASONS, false},
		{IMAGE_CLIENT, TLS_METHOD_REASONS, true},
	};

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(cases); n++) {
		struct channel_analysed *a = calloc(1, sizeof(*a));
		struct channel_analyse q;
		struct bench b;

		assert_non_null(a);
		bench_open(&b);
		asks(&b);
		assert_true(asked(&b, &q));
		a->id = q.id;
		a->recognition.class_ = cases[n].class_;
		assert_int_equal(tls_locate(b.program, &a->recognition.layout, NULL), 0);
		a->recognition.layout.method = cases[n].method;
		a->recognition.has_layout = true;
		assert_true(dup2(b.program, b.k.questions->fd) >= 0);
		keeper_analysed(&b.k, a);
		free(a);
		assert_true(b.k.images->attached);
		judge(&b, b.k.images->id + cases[n].other_number, false);
		judge(&b, 0, false);
		judge(&b, UINT32_MAX, false);
		assert_true(b.k.images->attached);
		assert_int_equal(world.detached, 0);
		bench_close(&b);
	}
}

/* An answer that is out of bounds is none. */
static void test_analyst_lies(void **state)
{
	struct channel_analysed *a = calloc(1, sizeof(*a));

	(void)state;
	assert_non_null(a);
	for (int n = 0; n < 5; n++) {
		struct recognition *rec = &a->recognition;
		struct channel_analyse q;
		struct bench b;

		bench_open(&b);
		asks(&b);
		assert_true(asked(&b, &q));
		memset(a, 0, sizeof(*a));
		a->id = q.id;
		rec->class_ = n == 0 ? IMAGE_CLASS_MAX : n == 1 ? IMAGE_UNKNOWN : IMAGE_CLIENT;
		rec->has_layout = true;
		if (n == 2)
			rec->layout.build_id_len = TLS_BUILD_ID_MAX + 1;
		if (n == 3)
			rec->layout.function[TLS_ROLE_READ].n_rets = TLS_RETS_MAX + 1;
		if (n == 4)
			memset(rec->why, 'x', sizeof(rec->why));
		keeper_analysed(&b.k, a);
		assert_null(b.k.images);
		assert_int_equal(b.k.n_questions, 0);
		bench_close(&b);
	}
	free(a);
}

/* ---- the cache ---- */

static void test_cache(void **state)
{
	struct tls_layout *known;
	struct image_key key;
	uint8_t digest[32];
	struct tls_layout l;
	struct bench b;

	(void)state;
	bench_open(&b);
	assert_null(keeper_cache_find(&b.k, b.program));
	assert_int_equal(tls_locate(b.program, &l, NULL), 0);
	l.method = TLS_METHOD_REASONS;
	assert_int_equal(tls_cache_digest(b.program, &l, digest), 0);
	assert_int_equal(tls_cache_store(b.k.cache_fd, &l, digest), 0);
	known = keeper_cache_find(&b.k, b.program);
	assert_non_null(known);
	/* as the question about the file would have it */
	key = asks(&b);
	b.k.questions->known = known;
	{
		struct channel_analysed *a = calloc(1, sizeof(*a));
		struct channel_analyse q;

		assert_non_null(a);
		assert_true(asked(&b, &q));
		a->id = q.id;
		a->recognition.class_ = IMAGE_CLIENT;
		a->recognition.has_layout = true; /* and an empty layout */
		assert_true(dup2(b.program, b.k.questions->fd) >= 0);
		keeper_analysed(&b.k, a);
		free(a);
	}
	assert_true(inspected(&key));
	assert_int_equal(b.k.images->proof, KEEPER_PROOF_GIVEN);
	assert_int_equal(last_note.judge_image, 0);
	judge(&b, b.k.images->id, false);
	assert_true(inspected(&key));
	bench_close(&b);
}

static void test_cache_directory(void **state)
{
	char path[96];
	struct bench b;

	(void)state;
	bench_open(&b);
	snprintf(path, sizeof(path), "%s/tls", b.directory);
	close(b.k.cache_fd);
	b.k.cache_fd = -1;
	assert_int_equal(chmod(path, 0770), 0); /* others may write */
	keeper_cache_open(&b.k);
	assert_int_equal(b.k.cache_fd, -1);
	assert_int_equal(chmod(path, 0700), 0);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("/tmp", path), 0);
	keeper_cache_open(&b.k);
	assert_int_equal(b.k.cache_fd, -1);
	assert_int_equal(unlink(path), 0);
	keeper_cache_open(&b.k);
	assert_true(b.k.cache_fd >= 0);
	bench_close(&b);
}

/* The kernel asks for a cgroup: an image's key is not what it is about. */
static void test_cover(void **state)
{
	struct record_image r = {.ask = ASK_COVER, .address = 77};
	struct bench b;

	(void)state;
	bench_open(&b);
	keeper_ask(&b.k, &r);
	assert_int_equal(world.covered, 77);
	assert_int_equal(world.n, 0);
	assert_int_equal(b.k.n_questions, 0);
	/* gone meanwhile: nobody is in it */
	world.cover_error = -ESTALE;
	keeper_ask(&b.k, &r);
	assert_int_equal(world.losses, 0);
	world.cover_error = -EPERM;
	keeper_ask(&b.k, &r);
	assert_int_equal(world.losses, 1);
	/* no record, no cgroup */
	world.covered = 0;
	keeper_cover(&b.k, 0);
	assert_int_equal(world.covered, 0);
	assert_int_equal(world.losses, 1);
	bench_close(&b);
}

UNIT_MAIN(unit(test_cover), unit(test_proven), unit(test_disproved), unit(test_not_to_be_judged),
	  unit(test_analyst_lies), unit(test_cache), unit(test_cache_directory))
