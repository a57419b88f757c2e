// SPDX-License-Identifier: Apache-2.0
/* Addresses of the policy's names, as a keeper begins: nothing that was answered is left out of the
 * tables, whenever it comes. */
#include "harness.h"
#include "policy_memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keeper/keeper.h"

/* ---- the kernel side and the rest of the keeper, played ---- */

static unsigned int applied;

int kernel_policy_apply(struct kernel *k, const struct policy_tables *tables, uint64_t generation)
{
	applied++;
	return 0;
}

void kernel_names_sweep(struct kernel *k, uint64_t now_s)
{
}

int keeper_locals_fill(struct keeper *k, struct policy_tables *tables)
{
	return 0;
}

int64_t keeper_now_ms(void)
{
	return 1000;
}

void keeper_masks_close(struct keeper *k)
{
}

void keeper_masks_follow(struct keeper *k)
{
}

void keeper_images_reclassify(struct keeper *k, const struct policy *old)
{
}

void keeper_event_policy(struct keeper *k)
{
}

void keeper_event_posture(struct keeper *k)
{
}

void keeper_event_policy_refused(struct keeper *k, const struct policy_report *report)
{
}

int keeper_tell(struct keeper *k, int child, enum channel_type type, const void *body, size_t len,
		int fd)
{
	return 0;
}

/* ---- the test ---- */

#define BY_MS 9000

struct begun {
	struct keeper k;
	struct keeper_name name;
};

static void begin(struct begun *b)
{
	struct policy_report report = {0};

	memset(b, 0, sizeof(*b));
	applied = 0;
	assert_int_equal(policy_memory_load("version: 1\nmode: enforce\n", "default: deny\n",
					    &b->k.policy, &report),
			 0);
	policy_report_free(&report);
	b->name.name = strdup("api.example");
	assert_non_null(b->name.name);
	b->k.names = &b->name;
	b->k.n_names = 1;
	b->k.take_over_by_ms = BY_MS;
}

static void end(struct begun *b)
{
	free(b->name.name);
	policy_tables_free(b->k.tables);
	policy_free(b->k.policy);
}

static void answered(struct begun *b, const char *address, bool last)
{
	struct channel_names names = {.ttl = 60, .n = 1, .last = last};

	snprintf(names.name, sizeof(names.name), "api.example");
	names.addresses[0].family = AF_INET;
	assert_int_equal(inet_pton(AF_INET, address, names.addresses[0].address), 1);
	keeper_names(&b->k, &names);
}

/* Before anything is in force: the first tables have it, and need not wait any longer. */
static void test_before_the_tables(void **state)
{
	struct begun b;

	(void)state;
	begin(&b);
	answered(&b, "192.0.2.1", false);
	assert_int_equal(b.k.take_over_by_ms, BY_MS);
	answered(&b, "192.0.2.2", true);
	assert_int_equal(b.k.take_over_by_ms, 0);
	assert_int_equal(b.name.n, 2);
	assert_int_equal(applied, 0);
	end(&b);
}

/* The tables are in force without it, and what runs is being looked at: it goes in at once, and the
 * look is not cut short. */
static void test_while_it_looks(void **state)
{
	struct begun b;

	(void)state;
	begin(&b);
	b.k.seeding = true;
	answered(&b, "192.0.2.1", true);
	assert_int_equal(applied, 1);
	assert_int_equal(b.k.take_over_by_ms, BY_MS);
	answered(&b, "192.0.2.1", true);
	assert_int_equal(applied, 1);
	end(&b);
}

static void test_after_the_take_over(void **state)
{
	struct begun b;

	(void)state;
	begin(&b);
	b.k.took_over = true;
	answered(&b, "192.0.2.1", true);
	assert_int_equal(applied, 1);
	answered(&b, "192.0.2.1", true);
	assert_int_equal(applied, 1);
	end(&b);
}

UNIT_MAIN(unit(test_before_the_tables), unit(test_while_it_looks), unit(test_after_the_take_over))
