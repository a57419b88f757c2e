// SPDX-License-Identifier: Apache-2.0
/* Policy and the addresses of the model endpoints, into tables in force. All other names are
 * learned in the kernel, from the answers that the governed tasks themselves get. */
#include "keeper/keeper.h"
#include "mask/mask.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"

#define NAME_GRACE_MS 60000 /* an old address stays this long after its time: answers rotate */

static int uid_of(void *ctx, const char *login, uint32_t *ret_uid)
{
	const struct passwd *p = getpwnam(login);

	(void)ctx;
	if (!p)
		return -ENOENT;
	*ret_uid = p->pw_uid;
	return 0;
}

const struct policy_person *keeper_person(const struct keeper *k, uint32_t uid, uint32_t *ret_index)
{
	for (size_t i = 0; k->tables && i < k->tables->n_persons; i++) {
		uint32_t index = k->tables->persons[i].value.person;

		if (k->tables->persons[i].uid != uid || !index || index > k->policy->n_people)
			continue;
		if (ret_index)
			*ret_index = index;
		return &k->policy->people[index - 1];
	}
	return NULL;
}

static struct keeper_name *name_find(struct keeper *k, const char *name)
{
	for (size_t i = 0; i < k->n_names; i++)
		if (strcmp(k->names[i].name, name) == 0)
			return &k->names[i];
	return NULL;
}

static int name_add(struct keeper *k, const char *name)
{
	struct keeper_name *more = reallocarray(k->names, k->n_names + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	k->names = more;
	more[k->n_names] = (struct keeper_name){.name = strdup(name)};
	if (!more[k->n_names].name)
		return -ENOMEM;
	k->n_names++;
	return 0;
}

static struct policy_addresses *addresses_now(const struct keeper *k)
{
	struct policy_addresses *all = calloc(k->n_names + 1, sizeof(*all));

	for (size_t i = 0; all && i < k->n_names; i++) {
		const struct keeper_name *n = &k->names[i];

		all[i].name = n->name;
		all[i].addresses = calloc(n->n + 1, sizeof(*all[i].addresses));
		if (!all[i].addresses)
			continue;
		all[i].n = n->n;
		for (size_t a = 0; a < n->n; a++) {
			all[i].addresses[a].family = n->addresses[a].family;
			memcpy(all[i].addresses[a].address, n->addresses[a].address, 16);
		}
	}
	return all;
}

/* Compiles the policy with the addresses at hand and puts it in force. What is in force stays when
 * anything fails. */
int keeper_policy_apply(struct keeper *k)
{
	struct policy_addresses *addresses = addresses_now(k);
	struct policy_tables *tables = NULL;
	char err[256] = "";
	int r;

	if (!addresses)
		return -ENOMEM;
	r = policy_compile(k->policy, addresses, k->n_names, uid_of, NULL, &tables, err);
	for (size_t i = 0; i < k->n_names; i++)
		free(addresses[i].addresses);
	free(addresses);
	if (r < 0)
		return log_err_r(r, "the policy cannot be compiled: %s", err);
	r = keeper_locals_fill(k, tables);
	if (r == 0)
		r = kernel_policy_apply(k->kernel, tables, k->generation + 1);
	if (r < 0) {
		policy_tables_free(tables);
		return r;
	}
	k->generation++;
	policy_tables_free(k->tables);
	k->tables = tables;
	return 0;
}

int keeper_policy_load(struct keeper *k, struct policy_report *report)
{
	struct policy *policy = NULL;
	const char **names = NULL;
	int r = policy_load(k->options.policy_directory, &policy, report);

	if (r < 0)
		return r;
	/* the reader would not start with these, and nobody would be watched */
	r = policy_check_detectors(policy, mask_detector_known, report);
	if (!r)
		r = policy_check_patterns(policy, mask_pattern_compiles, report);
	if (r < 0) {
		policy_free(policy);
		return r;
	}
	r = policy_names(policy, &names);
	for (const char **n = names; !r && n && *n; n++)
		if (!name_find(k, *n))
			r = name_add(k, *n);
	free(names);
	if (r < 0) {
		policy_free(policy);
		return r;
	}
	policy_free(k->policy);
	k->policy = policy;
	return 0;
}

int keeper_policy_reload(struct keeper *k, struct policy_report *report)
{
	struct policy *old = k->policy;
	struct channel_policy news;
	bool closed = k->masks_closed;
	int r;

	k->policy = NULL; /* keeper_policy_load would free it */
	r = keeper_policy_load(k, report);
	if (r == 0) {
		/* first, for a connection is judged once by each policy */
		keeper_masks_close(k);
		r = keeper_policy_apply(k);
	}
	if (r < 0) {
		policy_free(k->policy);
		k->policy = old;
		keeper_masks_follow(k);
		keeper_event_policy_refused(k, report);
		return r;
	}
	keeper_masks_follow(k);
	keeper_images_reclassify(k, old);
	policy_free(old);
	keeper_guard(k);
	keeper_event_policy(k);
	if (k->masks_closed != closed)
		keeper_event_posture(k);
	memcpy(news.digest, k->policy->digest, sizeof(news.digest));
	news.generation = k->generation;
	keeper_tell(k, KEEPER_CHILD_READER, CHANNEL_POLICY, &news, sizeof(news), -1);
	keeper_tell(k, KEEPER_CHILD_COURIER, CHANNEL_POLICY, &news, sizeof(news), -1);
	return 0;
}

static bool address_put(struct keeper_name *n, int family, const uint8_t *address, int64_t until)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->addresses[i].family == family &&
		    memcmp(n->addresses[i].address, address, 16) == 0) {
			n->addresses[i].until_ms = until;
			return false;
		}
	if (n->n == CHANNEL_ADDRESSES_MAX)
		return false;
	n->addresses[n->n].family = family;
	memcpy(n->addresses[n->n].address, address, 16);
	n->addresses[n->n].until_ms = until;
	n->n++;
	return true;
}

void keeper_names(struct keeper *k, const struct channel_names *names)
{
	uint32_t ttl = names->ttl < NAME_TTL_LEAST_S  ? NAME_TTL_LEAST_S
		       : names->ttl > NAME_TTL_MOST_S ? NAME_TTL_MOST_S
						      : names->ttl;
	struct keeper_name *n;
	bool changed = false;

	/* the courier is not believed: only names that the policy has, only the families there are
	 */
	if (!memchr(names->name, 0, sizeof(names->name)) || names->n > CHANNEL_ADDRESSES_MAX)
		return;
	n = name_find(k, names->name);
	if (n) {
		n->seen_ms = keeper_now_ms();
		for (uint32_t i = 0; i < names->n; i++)
			if (names->addresses[i].family == AF_INET ||
			    names->addresses[i].family == AF_INET6)
				changed |= address_put(n, names->addresses[i].family,
						       names->addresses[i].address,
						       n->seen_ms + 1000ll * ttl + NAME_GRACE_MS);
	}
	/* In force are this keeper's tables since it began to look at what runs, which may take a
	 * while: an address that comes meanwhile must not wait for the next change. */
	if (k->seeding || k->took_over) {
		if (changed)
			keeper_policy_apply(k);
	} else if (names->last) {
		k->take_over_by_ms = 0;
	}
}

void keeper_names_expire(struct keeper *k)
{
	int64_t now = keeper_now_ms();
	bool changed = false;
	struct timespec t;

	for (size_t i = 0; i < k->n_names; i++) {
		struct keeper_name *n = &k->names[i];

		/* the last ones stay while nobody answers: no answer is no reason to open or close
		 */
		for (size_t a = 0; a < n->n && n->n > 1;)
			if (n->addresses[a].until_ms < now) {
				n->addresses[a] = n->addresses[--n->n];
				changed = true;
			} else {
				a++;
			}
	}
	if (changed)
		keeper_policy_apply(k);
	clock_gettime(CLOCK_BOOTTIME, &t);
	kernel_names_sweep(k->kernel, (uint64_t)t.tv_sec * 1000000000ull);
}
