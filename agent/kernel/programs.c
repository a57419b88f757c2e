// SPDX-License-Identifier: Apache-2.0
/* Programs of one object, each for itself: chosen, turned round where the LSM does not call them,
 * loaded, attached, pinned. */
#include "kernel/programs.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "canary.skel.h"
#include "kernel/hooks.h"

/* As many as one object has programs, with room: one that is left out here would be loaded again.
 */
#define LACKS_MAX 64

/* Why a program is not there. */
struct lack {
	char program[64];
	char hook[64];
	char why[64];
};

struct lacks {
	struct lack list[LACKS_MAX];
	size_t n;
	bool second[1]; /* of each pair: it is the second that is there */
};

/* Two ways to the same, the better one first. */
static const struct {
	const char *first, *second;
} pairs[] = {
	{"dns_heard", "dns_ingress"},
};
static_assert(ARRAY_SIZE(pairs) == ARRAY_SIZE(((struct lacks *)NULL)->second), "one a pair");

/* ---- which way --------------------------------------------------------------------------------
 */

static uint64_t fork_is_seen(bool by_lsm)
{
	struct bailiff_canary *c = bailiff_canary__open();
	struct bpf_link *link = NULL;
	uint64_t seen = 0;
	pid_t child;

	if (!c)
		return 0;
	c->rodata->asked_tgid = (uint32_t)getpid();
	bpf_program__set_autoload(by_lsm ? c->progs.canary_lsm : c->progs.canary_function, true);
	if (bailiff_canary__load(c) == 0)
		link = by_lsm ? bpf_program__attach_lsm(c->progs.canary_lsm)
			      : bpf_program__attach_trace(c->progs.canary_function);
	if (link) {
		child = fork();
		if (child == 0)
			_exit(0);
		if (child > 0)
			waitpid(child, NULL, 0);
		seen = by_lsm ? c->bss->seen_by_lsm : c->bss->seen_by_function;
	}
	bpf_link__destroy(link);
	bailiff_canary__destroy(c);
	return seen;
}

enum hook_means programs_try_hooks(void)
{
	if (fork_is_seen(true))
		return HOOK_BY_LSM;
	log_warn("an LSM program is attached and never called (bpf is not in the kernel's lsm= "
		 "list): trying the functions behind the hooks");
	return fork_is_seen(false) ? HOOK_BY_FUNCTION : HOOK_BY_NOTHING;
}

/* ---- what to load ------------------------------------------------------------------------------
 */

static void lack(struct lacks *l, const struct bpf_program *prog, const char *why)
{
	const char *hook = hook_of_section(bpf_program__section_name(prog));
	struct lack *one;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (strcmp(pairs[i].first, bpf_program__name(prog)) == 0) {
			l->second[i] = true;
			return;
		}
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->list[i].program, bpf_program__name(prog)) == 0)
			return;
	if (l->n == LACKS_MAX)
		return;
	one = &l->list[l->n++];
	snprintf(one->program, sizeof(one->program), "%.63s", bpf_program__name(prog));
	snprintf(one->hook, sizeof(one->hook), "%.63s", hook ? hook : "");
	snprintf(one->why, sizeof(one->why), "%.63s", why);
}

static bool lacking(const struct lacks *l, const char *program)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->list[i].program, program) == 0)
			return true;
	return false;
}

/* The program that stands in for prog, NULL when there is none. */
static struct bpf_program *stand_in(struct bpf_object *object, const struct bpf_program *prog,
				    const char *suffix)
{
	char name[96];

	snprintf(name, sizeof(name), "%.63s_%s", bpf_program__name(prog), suffix);
	return bpf_object__find_program_by_name(object, name);
}

/* The same program at the function behind the hook. */
static int turn_round(struct bpf_program *prog, const char *hook)
{
	char function[96];
	bool nothing = hook_function(hook, function, sizeof(function));

	bpf_program__set_type(prog, BPF_PROG_TYPE_TRACING);
	bpf_program__set_expected_attach_type(prog, nothing ? BPF_TRACE_FENTRY : BPF_MODIFY_RETURN);
	return bpf_program__set_attach_target(prog, 0, function);
}

static void choose_one(struct kernel *k, struct bpf_object *object, struct bpf_program *prog,
		       struct lacks *l)
{
	static const char *const suffixes[] = {"enter", "leave", "instead"};
	const char *section = bpf_program__section_name(prog);
	bool stands_in = false;

	if (strncmp(section, "lsm/", 4) != 0)
		return;
	if (k->hooks == HOOK_BY_NOTHING) {
		bpf_program__set_autoload(prog, false);
		lack(l, prog, "security hooks cannot be programmed here");
		return;
	}
	if (k->hooks == HOOK_BY_LSM) {
		if (libbpf_find_vmlinux_btf_id(section + 4, BPF_LSM_MAC) < 0) {
			bpf_program__set_autoload(prog, false);
			lack(l, prog, "this kernel has no such hook");
		}
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		struct bpf_program *other = stand_in(object, prog, suffixes[i]);

		if (!other)
			continue;
		stands_in = true;
		if (!lacking(l, bpf_program__name(other)))
			bpf_program__set_autoload(other, true);
	}
	if (stands_in) {
		bpf_program__set_autoload(prog, false);
	} else if (turn_round(prog, section + 4) < 0) {
		bpf_program__set_autoload(prog, false);
		lack(l, prog, "this kernel has no such hook");
	}
}

/* Answers in pages are found by their page's address, which only this architecture gives. */
#ifdef __x86_64__
#define PAGES_ARE_FOUND true
#else
#define PAGES_ARE_FOUND false
#endif

static void choose_of_pairs(struct bpf_object *object, struct lacks *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct bpf_program *first, *second;
		const char *function;

		first = bpf_object__find_program_by_name(object, pairs[i].first);
		second = bpf_object__find_program_by_name(object, pairs[i].second);
		if (!first || !second)
			continue;
		function = hook_of_section(bpf_program__section_name(first));
		if (!PAGES_ARE_FOUND || !function ||
		    libbpf_find_vmlinux_btf_id(function, BPF_TRACE_FENTRY) < 0)
			l->second[i] = true;
		bpf_program__set_autoload(first, !l->second[i]);
		bpf_program__set_autoload(second, l->second[i]);
	}
}

/* Opens the object with the programs that are wanted: all, or with only set that one alone. */
static struct bpf_object *open_part(struct kernel *k, const struct part *part,
				    const struct bpf_object_open_opts *opts, struct lacks *l,
				    const char *only)
{
	struct bpf_object *object = part->open(k, opts);
	struct bpf_program *prog;

	if (!object)
		return NULL;
	bpf_object__for_each_program(prog, object) choose_one(k, object, prog, l);
	choose_of_pairs(object, l);
	bpf_object__for_each_program(prog, object)
	{
		if (lacking(l, bpf_program__name(prog)) ||
		    (only && strcmp(only, bpf_program__name(prog)) != 0))
			bpf_program__set_autoload(prog, false);
	}
	return object;
}

/* One program that is refused has the whole object refused: each is tried alone, once. */
static void try_each(struct kernel *k, const struct part *part,
		     const struct bpf_object_open_opts *opts, struct lacks *l)
{
	char names[LACKS_MAX][64];
	size_t n = 0;
	struct bpf_object *object = open_part(k, part, opts, l, NULL);
	struct bpf_program *prog;

	if (!object)
		return;
	bpf_object__for_each_program(prog, object) if (bpf_program__autoload(prog) &&
						       n < ARRAY_SIZE(names))
		snprintf(names[n++], sizeof(names[0]), "%.63s", bpf_program__name(prog));
	part->destroy(k);
	for (size_t i = 0; i < n; i++) {
		int r;

		object = open_part(k, part, opts, l, names[i]);
		if (!object)
			return;
		r = part->load(k);
		if (r < 0) {
			prog = bpf_object__find_program_by_name(object, names[i]);
			lack(l, prog, strerror(-r));
			log_err("the kernel does not take %s: %s", names[i], strerror(-r));
		}
		part->destroy(k);
	}
}

/* ---- attaching ---------------------------------------------------------------------------------
 */

static bool is_cgroup(const struct bpf_program *prog)
{
	return bpf_program__type(prog) == BPF_PROG_TYPE_CGROUP_SOCK_ADDR ||
	       bpf_program__type(prog) == BPF_PROG_TYPE_CGROUP_SKB ||
	       bpf_program__type(prog) == BPF_PROG_TYPE_CGROUP_SOCK;
}

/* Answers of name servers are for nobody's cgroup in particular: where a function cannot be watched
 * instead, packets of all are. */
bool programs_of_tasks_cgroup(const struct bpf_program *prog)
{
	return is_cgroup(prog) &&
	       bpf_program__expected_attach_type(prog) != BPF_CGROUP_INET_INGRESS;
}

/* Those that are attached later, by somebody else: to files, or to be read once. */
static bool is_later(const struct bpf_program *prog)
{
	const char *section = bpf_program__section_name(prog);

	return bpf_program__type(prog) == BPF_PROG_TYPE_KPROBE || strncmp(section, "iter", 4) == 0;
}

static int attach(struct kernel *k, struct bpf_program *prog)
{
	struct bpf_link *link;
	int r;

	if (programs_of_tasks_cgroup(prog))
		link = bpf_program__attach_cgroup(prog, kernel_cover_begin(k));
	else if (is_cgroup(prog))
		link = bpf_program__attach_cgroup(prog, k->root_fd);
	else if (bpf_program__type(prog) == BPF_PROG_TYPE_TRACING)
		link = bpf_program__attach_trace(prog);
	else
		link = bpf_program__attach(prog);
	if (!link)
		return log_err_r(-errno, "cannot attach %s", bpf_program__name(prog));
	r = kernel_pin_link(k, link, bpf_program__name(prog));
	bpf_link__destroy(link);
	return r;
}

static void attach_each(struct kernel *k, struct bpf_object *object, struct lacks *l, size_t *ret_n,
			bool *ret_later)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object)
	{
		int r;

		if (!bpf_program__autoload(prog))
			continue;
		if (is_later(prog)) {
			++*ret_n;
			continue;
		}
		*ret_later = false;
		r = attach(k, prog);
		if (r < 0)
			lack(l, prog, strerror(-r));
		else
			++*ret_n;
	}
}

/* ---- posture -----------------------------------------------------------------------------------
 */

static void say_lack(char *text, size_t size, const struct lacks *l)
{
	size_t at = 0;

	for (size_t i = 0; i < l->n && at < size; i++) {
		const struct lack *one = &l->list[i];
		const char *open = hook_rows(one->hook);
		int n = snprintf(text + at, size - at, "%swithout %s: %s", i ? "; " : "",
				 one->program, one->why);

		if (n > 0)
			at += (size_t)n;
		if (open && at < size) {
			n = snprintf(text + at, size - at, " (open: bypasses %s)", open);
			at += n > 0 ? (size_t)n : 0;
		}
	}
}

static void say_posture(struct kernel *k, const struct part *part, const struct lacks *l, size_t n,
			bool later, const char *less)
{
	char text[POSTURE_REASON_SIZE];
	enum posture_state state = part->best;

	if (!n)
		state = POSTURE_OFF;
	else if (l->n && state == POSTURE_ENFORCE)
		state = POSTURE_PARTIAL;
	if (less && state > POSTURE_OBSERVE)
		state = POSTURE_OBSERVE;
	snprintf(text, sizeof(text), "%s", less ? less : "attached");
	if (l->n)
		say_lack(text, sizeof(text), l);
	else if (later && !less)
		snprintf(text, sizeof(text), "loaded; attached client by client");
	kernel_posture_set(k, part->capability, state, text);
}

int programs_load(struct kernel *k, const struct part *part,
		  const struct bpf_object_open_opts *opts)
{
	struct lacks l = {0};
	struct bpf_object *object = open_part(k, part, opts, &l, NULL);
	const char *less = NULL;
	size_t n = 0;
	bool later = true;
	char text[96];
	int r;

	r = object ? part->load(k) : -errno;
	if (r < 0 && object && part->lower) {
		part->destroy(k);
		less = part->lower(k);
		log_err("the %s programs are not taken: %s; trying what asks for less", part->name,
			strerror(-r));
		object = open_part(k, part, opts, &l, NULL);
		r = object ? part->load(k) : -errno;
	}
	if (r < 0 && object) {
		part->destroy(k);
		log_err("the %s programs are not taken together: %s; trying each", part->name,
			strerror(-r));
		try_each(k, part, opts, &l);
		object = open_part(k, part, opts, &l, NULL);
		r = object ? part->load(k) : -errno;
	}
	if (r < 0) {
		snprintf(text, sizeof(text), "cannot be loaded: %s", strerror(-r));
		kernel_posture_set(k, part->capability, POSTURE_OFF, text);
		return log_err_r(r, "cannot load the %s programs", part->name);
	}
	attach_each(k, object, &l, &n, &later);
	say_posture(k, part, &l, n, later, less);
	return 0;
}
