// SPDX-License-Identifier: Apache-2.0
/* Hosts that cannot mask in place, and a policy that has their clients kept from the model API. */
#include "keeper_bench.h"

static struct scan_table detectors;

static void bench_masks(enum posture_state state, const char *reason)
{
	bench_posture = (struct posture){.capability = KERNEL_TEXT_IN_PLACE, .state = state};
	snprintf(bench_posture.reason, sizeof(bench_posture.reason), "%s", reason);
}

static void test_start(void **state)
{
	static const struct {
		const char *name;
		enum posture_state masks;
		bool refuse, detector;
		enum bailiff_mode mode;
		bool closed;
	} rows[] = {
		{"it can", POSTURE_ENFORCE, true, true, BAILIFF_MODE_ENFORCE, false},
		{"it tells", POSTURE_OBSERVE, true, true, BAILIFF_MODE_ENFORCE, true},
		{"it does nothing", POSTURE_OFF, true, true, BAILIFF_MODE_ENFORCE, true},
		{"policy has it run", POSTURE_OBSERVE, false, true, BAILIFF_MODE_ENFORCE, false},
		{"no detector acts", POSTURE_OBSERVE, true, false, BAILIFF_MODE_ENFORCE, false},
		{"shadow", POSTURE_OBSERVE, true, true, BAILIFF_MODE_SHADOW, false},
		{"record", POSTURE_OFF, true, true, BAILIFF_MODE_RECORD, false},
	};

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		struct image_key key;
		struct bench b;

		print_message("%s\n", rows[n].name);
		bench_open(&b);
		bench_masks(rows[n].masks, "as it is");
		b.policy.inline_unsupported_refuse = rows[n].refuse;
		b.policy.scan = rows[n].detector ? &detectors : NULL;
		b.policy.mode_inline = rows[n].mode;
		keeper_masks_start(&b.k);
		key = asks(&b);
		answer(&b, IMAGE_CLIENT, true, 1);
		assert_int_equal(inspected(&key), !rows[n].closed);
		assert_int_equal(keeper_inspected(&b.k, keeper_image_find(&b.k, &key)),
				 !rows[n].closed);
		/* probed it is all the same: what it says is told */
		assert_int_equal(world.attached, 1);
		assert_int_equal(bench_posture.state, rows[n].masks);
		assert_int_equal(!!strstr(bench_posture.reason, KEEPER_MASKS_CLOSED),
				 rows[n].closed);
		assert_non_null(strstr(bench_posture.reason, "as it is"));
		bench_close(&b);
	}
}

/* Another policy: closed before its tables are in force, opened after. */
static void test_policy_changes(void **state)
{
	struct image_key key;
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_masks(POSTURE_OBSERVE, "as it is");
	b.policy.scan = &detectors;
	b.policy.mode_inline = BAILIFF_MODE_ENFORCE;
	keeper_masks_start(&b.k);
	key = asks(&b);
	answer(&b, IMAGE_CLIENT, true, 1);
	assert_true(inspected(&key));
	b.policy.inline_unsupported_refuse = true;
	keeper_masks_close(&b.k);
	assert_false(inspected(&key));
	keeper_masks_follow(&b.k);
	assert_false(inspected(&key));
	b.policy.inline_unsupported_refuse = false;
	keeper_masks_close(&b.k);
	assert_false(inspected(&key)); /* what opens waits */
	keeper_masks_follow(&b.k);
	assert_true(inspected(&key));
	assert_string_equal(bench_posture.reason, "as it is");
	bench_close(&b);
}

/* What an earlier keeper had open. */
static void test_earlier(void **state)
{
	static const struct {
		enum image_class class_;
		uint32_t flags;
	} rows[] = {{IMAGE_CLIENT, 0}, {IMAGE_RUNTIME, 0}, {IMAGE_TLS, IMAGE_ATTACHED}};
	struct bench b;

	(void)state;
	bench_open(&b);
	bench_masks(POSTURE_OBSERVE, "as it is");
	b.policy.scan = &detectors;
	b.policy.mode_inline = BAILIFF_MODE_ENFORCE;
	b.policy.inline_unsupported_refuse = true;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		kernel_image_set(NULL, &(struct image_key){.inode = i + 1},
				 &(struct image_value){.class_ = rows[i].class_,
						       .flags = IMAGE_ATTACHED,
						       .id = (uint32_t)i});
	keeper_masks_start(&b.k);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct image_value *v = entry(&(struct image_key){.inode = i + 1});

		assert_non_null(v);
		assert_int_equal(v->class_, rows[i].class_);
		assert_int_equal(v->flags, rows[i].flags);
		assert_int_equal(v->id, i);
	}
	bench_close(&b);
}

UNIT_MAIN(unit(test_start), unit(test_policy_changes), unit(test_earlier))
