// SPDX-License-Identifier: Apache-2.0
/* Policy tables into the kernel: built beside those in force, swapped by one store. */
#include "kernel/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

/* An answer that is being written just now must not be deleted with what it renews. */
#define KERNEL_NAMES_GRACE_NS 60000000000ull

static_assert(sizeof(((struct policy_tables *)0)->dest4[0].key) == 8, "trie key of IPv4");
static_assert(sizeof(((struct policy_tables *)0)->dest6[0].key) == 20, "trie key of IPv6");

int kernel_map_fd(const struct kernel *k, const char *name)
{
	return bpf_object__find_map_fd_by_name(k->process->obj, name);
}

static int inner_map(enum bpf_map_type type, const char *name, uint32_t key, uint32_t value,
		     size_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	int fd = bpf_map_create(type, name, key, value, entries ? (uint32_t)entries : 1, &opts);

	return fd < 0 ? log_err_r(fd, "cannot make the table %s of %zu entries", name, entries)
		      : fd;
}

/* Puts one element; e and name say which when it fails. */
static int put(int fd, const char *name, const void *key, const void *value)
{
	int r = bpf_map_update_elem(fd, key, value, BPF_ANY);

	return r < 0 ? log_err_r(r, "cannot fill the table %s", name) : 0;
}

static int place(struct kernel *k, const char *outer, uint32_t slot, int inner)
{
	int r = bpf_map_update_elem(kernel_map_fd(k, outer), &slot, &inner, BPF_ANY);

	return r < 0 ? log_err_r(r, "cannot place the table %s", outer) : 0;
}

static int apply_persons(struct kernel *k, const struct policy_tables *t, uint32_t slot)
{
	_cleanup_close_ int fd = inner_map(BPF_MAP_TYPE_HASH, "persons", sizeof(uint32_t),
					   sizeof(struct person_value), t->n_persons);
	int r = fd < 0 ? fd : 0;

	for (size_t i = 0; i < t->n_persons && !r; i++)
		r = put(fd, "persons", &t->persons[i].uid, &t->persons[i].value);
	return r ? r : place(k, "policy_persons", slot, fd);
}

static int apply_skills(struct kernel *k, const struct policy_tables *t, uint32_t slot)
{
	_cleanup_close_ int fd = inner_map(BPF_MAP_TYPE_HASH, "skills", sizeof(struct skill_key),
					   sizeof(struct skill_value), t->n_skills);
	int r = fd < 0 ? fd : 0;

	for (size_t i = 0; i < t->n_skills && !r; i++)
		r = put(fd, "skills", &t->skills[i].key, &t->skills[i].value);
	return r ? r : place(k, "policy_skills", slot, fd);
}

static int apply_destinations(struct kernel *k, const struct policy_tables *t, uint32_t slot)
{
	_cleanup_close_ int four =
		inner_map(BPF_MAP_TYPE_LPM_TRIE, "dest4", sizeof(struct dest_key4),
			  sizeof(uint32_t), t->n_dest4);
	_cleanup_close_ int six = inner_map(BPF_MAP_TYPE_LPM_TRIE, "dest6",
					    sizeof(struct dest_key6), sizeof(uint32_t), t->n_dest6);
	_cleanup_close_ int sets = inner_map(BPF_MAP_TYPE_HASH, "sets", sizeof(uint32_t),
					     sizeof(struct dest_set), t->n_sets);
	int r = four < 0 ? four : six < 0 ? six : sets < 0 ? sets : 0;

	for (size_t i = 0; i < t->n_dest4 && !r; i++)
		r = put(four, "dest4", &t->dest4[i].key, &t->dest4[i].set);
	for (size_t i = 0; i < t->n_dest6 && !r; i++)
		r = put(six, "dest6", &t->dest6[i].key, &t->dest6[i].set);
	for (uint32_t i = 0; i < t->n_sets && !r; i++)
		r = put(sets, "sets", &i, &t->sets[i]);
	if (!r)
		r = place(k, "policy_dest4", slot, four);
	if (!r)
		r = place(k, "policy_dest6", slot, six);
	return r ? r : place(k, "policy_sets", slot, sets);
}

static int apply_names(struct kernel *k, const struct policy_tables *t, uint32_t slot)
{
	_cleanup_close_ int names =
		inner_map(BPF_MAP_TYPE_LPM_TRIE, "names", sizeof(struct name_key),
			  sizeof(struct name_value), t->n_names);
	_cleanup_close_ int patterns = inner_map(BPF_MAP_TYPE_HASH, "patterns", sizeof(uint64_t),
						 sizeof(uint32_t), t->n_patterns);
	int r = names < 0 ? names : patterns < 0 ? patterns : 0;

	for (size_t i = 0; i < t->n_names && !r; i++)
		r = put(names, "names", &t->names[i].key, &t->names[i].value);
	for (size_t i = 0; i < t->n_patterns && !r; i++)
		r = put(patterns, "patterns", &t->patterns[i].pattern, &t->patterns[i].set);
	if (!r)
		r = place(k, "policy_names", slot, names);
	return r ? r : place(k, "policy_patterns", slot, patterns);
}

static int apply_locals(struct kernel *k, const struct policy_tables *t, uint32_t slot)
{
	_cleanup_close_ int fd = inner_map(BPF_MAP_TYPE_HASH, "locals", sizeof(struct local_key),
					   sizeof(uint32_t), t->n_locals);
	int r = fd < 0 ? fd : 0;

	for (size_t i = 0; i < t->n_locals && !r; i++)
		r = put(fd, "locals", &t->locals[i].key, &t->locals[i].rule);
	return r ? r : place(k, "policy_locals", slot, fd);
}

static int apply_credentials(struct kernel *k, const struct policy_tables *t, uint32_t slot)
{
	_cleanup_close_ int fd =
		inner_map(BPF_MAP_TYPE_HASH, "credentials", sizeof(struct credential_key),
			  sizeof(uint32_t), t->n_credentials);
	int r = fd < 0 ? fd : 0;

	for (size_t i = 0; i < t->n_credentials && !r; i++)
		r = put(fd, "credentials", &t->credentials[i].key, &t->credentials[i].number);
	return r ? r : place(k, "policy_credentials", slot, fd);
}

static int map_of_scan(const struct kernel *k, const char *name)
{
	return k->scan ? bpf_object__find_map_fd_by_name(k->scan->obj, name) : -ENOTSUP;
}

static int place_scan(const struct kernel *k, const char *outer, uint32_t slot, int inner)
{
	int r = bpf_map_update_elem(map_of_scan(k, outer), &slot, &inner, BPF_ANY);

	return r < 0 ? log_err_r(r, "cannot place the table %s", outer) : 0;
}

static int apply_tools(struct kernel *k, const struct policy_tables *t, uint32_t slot)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (!k->scan)
		return 0;
	fd = inner_map(BPF_MAP_TYPE_HASH, "tools", sizeof(struct tool_key),
		       sizeof(struct skill_value), t->n_tools);
	r = fd < 0 ? fd : 0;
	for (size_t i = 0; i < t->n_tools && !r; i++)
		r = put(fd, "tools", &t->tools[i].key, &t->tools[i].value);
	return r ? r : place_scan(k, "policy_tools", slot, fd);
}

/* What answers say of what was refused. */
static int apply_texts(struct kernel *k, const struct policy_tables *t, uint32_t slot)
{
	_cleanup_close_ int fd = -1;
	int r;

	fd = inner_map(BPF_MAP_TYPE_HASH, "texts", sizeof(uint32_t), sizeof(struct inline_text),
		       t->n_texts + t->n_key_texts);
	r = fd < 0 ? fd : 0;
	for (uint32_t i = 0; i < t->n_texts && !r; i++)
		if (t->texts[i].len)
			r = put(fd, "texts", &i, &t->texts[i]);
	for (size_t i = 0; i < t->n_key_texts && !r; i++)
		r = put(fd, "texts", &t->key_texts[i].number, &t->key_texts[i].text);
	return r ? r : place_scan(k, "policy_texts", slot, fd);
}

/* The automaton of the inline data path. Without one the slot is empty. */
static int apply_inline(struct kernel *k, const struct policy_tables *t, uint32_t slot)
{
	_cleanup_close_ int scan = -1;
	uint32_t zero = 0;
	int r;

	if (!k->scan)
		return 0;
	r = apply_texts(k, t, slot);
	if (r < 0)
		return r;
	if (!t->scan) {
		r = bpf_map_delete_elem(map_of_scan(k, "policy_scan"), &slot);
		return r < 0 && r != -ENOENT ? log_err_r(r, "cannot empty the table policy_scan")
					     : 0;
	}
	scan = bpf_map_create(BPF_MAP_TYPE_ARRAY, "scan", sizeof(zero), sizeof(struct scan_table),
			      1, NULL);
	if (scan < 0)
		return log_err_r(scan, "cannot make the table scan");
	r = put(scan, "scan", &zero, t->scan);
	return r ? r : place_scan(k, "policy_scan", slot, scan);
}

int kernel_policy_apply(struct kernel *k, const struct policy_tables *tables, uint64_t generation)
{
	uint32_t zero = 0, active = 0, slot;
	struct policy_root root = tables->root;
	int r;

	r = bpf_map_lookup_elem(kernel_map_fd(k, "policy_active"), &zero, &active);
	if (r < 0)
		return log_err_r(r, "cannot read which tables are in force");
	slot = (active + 1) % POLICY_SLOTS;
	r = apply_persons(k, tables, slot);
	if (!r)
		r = apply_skills(k, tables, slot);
	if (!r)
		r = apply_destinations(k, tables, slot);
	if (!r)
		r = apply_names(k, tables, slot);
	if (!r)
		r = apply_locals(k, tables, slot);
	if (!r)
		r = apply_credentials(k, tables, slot);
	if (!r)
		r = apply_inline(k, tables, slot);
	if (!r)
		r = apply_tools(k, tables, slot);
	if (r < 0)
		return r;
	root.generation = generation;
	root.valid = 1;
	r = bpf_map_update_elem(kernel_map_fd(k, "policy_roots"), &slot, &root, BPF_ANY);
	if (r < 0)
		return log_err_r(r, "cannot write the root of the policy");
	r = bpf_map_update_elem(kernel_map_fd(k, "policy_active"), &zero, &slot, BPF_ANY);
	if (r < 0)
		return log_err_r(r, "cannot put the new tables in force");
	return 0;
}

uint64_t kernel_policy_generation(struct kernel *k)
{
	uint32_t zero = 0, active = 0;
	struct policy_root root = {0};

	if (bpf_map_lookup_elem(kernel_map_fd(k, "policy_active"), &zero, &active) < 0 ||
	    bpf_map_lookup_elem(kernel_map_fd(k, "policy_roots"), &active, &root) < 0)
		return 0;
	return root.valid ? root.generation : 0;
}

/* An entry is written anew by each answer, so one whose names have all ended is of no use; it must
 * not keep its place, since nothing is pushed out of that map. */
void kernel_names_sweep(struct kernel *k, uint64_t now_ns)
{
	int fd = kernel_map_fd(k, "model_addresses");
	struct model_key key, next;
	struct learned_value value;
	bool more = bpf_map_get_next_key(fd, NULL, &key) == 0;

	while (more) {
		uint64_t last = 0;

		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &value) == 0) {
			for (size_t i = 0; i < LEARNED_NAMES; i++)
				if (value.names[i].until_ns > last)
					last = value.names[i].until_ns;
			if (last + KERNEL_NAMES_GRACE_NS < now_ns)
				bpf_map_delete_elem(fd, &key);
		}
		key = next;
	}
}

int kernel_ring_fd(const struct kernel *k, enum kernel_ring ring)
{
	static const char *const names[] = {"denials", "records", "asks"};

	static_assert(ARRAY_SIZE(names) == KERNEL_RING_MAX, "one name a ring");
	return kernel_map_fd(k, names[ring]);
}

int kernel_counters(const struct kernel *k, uint64_t ret[COUNTER_MAX])
{
	int cpus = libbpf_num_possible_cpus(), fd = kernel_map_fd(k, "counters");
	_cleanup_free_ uint64_t *values = NULL;

	if (cpus < 0)
		return cpus;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (uint32_t i = 0; i < COUNTER_MAX; i++) {
		int r = bpf_map_lookup_elem(fd, &i, values);

		if (r < 0)
			return log_err_r(r, "cannot read counter %u", i);
		ret[i] = 0;
		for (int c = 0; c < cpus; c++)
			ret[i] += values[c];
	}
	return 0;
}
