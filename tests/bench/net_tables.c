// SPDX-License-Identifier: Apache-2.0
/* See net_tables.h. The policy goes the way of any other: text, parser, compiler, tables. */
#include "net_tables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kernel/internal.h"
#include "policy/policy.h"
#include "tests/unit/policy_memory.h"

static void die(const char *what, int r)
{
	fprintf(stderr, "bench_net: %s: %s\n", what, strerror(-r));
	exit(1);
}

/* ---- the policy ---------------------------------------------------------------------------------
 */

static void rule_for(FILE *f, uint32_t address, unsigned int port)
{
	fprintf(f, "  - {cidr: %u.%u.%u.%u/32, ports: [%u-%u]}\n", address >> 24,
		address >> 16 & 255, address >> 8 & 255, address & 255, port, port + 1);
}

static char *policy_text(const struct tables *t, uint16_t port, uint16_t model_port)
{
	size_t size;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		die("policy", -errno);
	fprintf(f,
		"version: 1\norganisation: Example Company\ncontact: security@company.com\n"
		"mode: enforce\nidentity:\n  people:\n    carol@company.com:\n"
		"      logins: [carol]\nmodel:\n  endpoints:\n    - name: api.anthropic.com\n"
		"      ports: [%u]\nskills:\n  acl: acl.yaml\n"
		"destinations:\n  resolvers: [10.0.0.53]\n  allow:\n",
		model_port);
	fprintf(f, "  - {cidr: \"::1/128\", ports: [%u-%u]}\n", port, port + 1);
	for (uint32_t i = 0; i < t->n_prefixes; i++)
		rule_for(f, TABLES_FIRST + i, port);
	/* other ports first: the one that matters is looked at last */
	for (unsigned int i = 1; i < DEST_RULES_MAX; i++)
		rule_for(f, TABLES_WALK, 3 * i);
	rule_for(f, TABLES_WALK, port);
	for (size_t i = 0; i < t->n_names; i++)
		fprintf(f, "  - {name: \"*.h%zu.example\", ports: [%u-%u]}\n", i, port, port + 1);
	if (fclose(f))
		die("policy", -errno);
	return text;
}

static int carol(void *ctx, const char *login, uint32_t *ret)
{
	(void)ctx;
	(void)login;
	*ret = TABLES_UID;
	return 0;
}

static struct policy_tables *compile(const struct tables *t, uint16_t port, uint16_t model_port)
{
	static const char acl[] = "skills: {}\nusers:\n  carol@company.com:\n    teams: [all]\n";
	_cleanup_free_ char *text = policy_text(t, port, model_port);
	struct policy_report report = {0};
	struct policy_tables *tables;
	struct policy *policy;
	char err[256];
	int r = policy_memory_load(text, acl, &policy, &report);

	if (r < 0) {
		policy_report_print(&report, stderr, false);
		die("policy", r);
	}
	policy_report_free(&report);
	r = policy_compile(policy, NULL, 0, carol, NULL, &tables, err);
	if (r < 0)
		die(err, r);
	policy_free(policy);
	return tables;
}

/* ---- the kernel side ----------------------------------------------------------------------------
 */

static void nothing_pinned(struct bpf_object *object, const struct bpf_object *shared)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		int fd = shared ? bpf_object__find_map_fd_by_name(shared, bpf_map__name(map)) : -1;

		/* shared is what would be pinned, and so found again */
		if (fd >= 0 && bpf_map__pin_path(map) && bpf_map__reuse_fd(map, fd) < 0)
			die(bpf_map__name(map), -errno);
		bpf_map__set_pin_path(map, NULL);
	}
}

/* The maps alone: no program of this object is for cgroups, so none is loaded. */
static void load_maps(struct kernel *k)
{
	struct bpf_program *prog;
	int r;

	k->process = bailiff_process__open();
	if (!k->process)
		die("maps", -errno);
	bpf_object__for_each_program(prog, k->process->obj) bpf_program__set_autoload(prog, false);
	nothing_pinned(k->process->obj, NULL);
	r = bailiff_process__load(k->process);
	if (r < 0)
		die("maps", r);
}

static void load_programs(struct tables *t)
{
	struct kernel *k = t->kernel;
	struct bpf_object *objects[2];
	struct bpf_program *prog;
	struct stat s;
	size_t n = 0;
	int r;

	k->cgroup = bailiff_cgroup__open();
	k->packet = bailiff_packet__open();
	if (!k->cgroup || !k->packet || stat("/proc/self/ns/net", &s) < 0)
		die("programs", -errno);
	k->cgroup->rodata->owner = k->owner;
	k->packet->rodata->owner = k->owner;
	k->packet->rodata->home_netns = (uint32_t)s.st_ino;
	objects[0] = k->cgroup->obj;
	objects[1] = k->packet->obj;
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		nothing_pinned(objects[i], k->process->obj);
		bpf_object__for_each_program(prog, objects[i])
		{
			enum bpf_prog_type type = bpf_program__type(prog);

			/* it watches a function of the whole host, which is not for this machine */
			if (type == BPF_PROG_TYPE_TRACING)
				bpf_program__set_autoload(prog, false);
			if (!bpf_program__autoload(prog))
				continue;
			/* whatever is put into these files one day: nothing else is loaded here */
			if ((type != BPF_PROG_TYPE_CGROUP_SKB &&
			     type != BPF_PROG_TYPE_CGROUP_SOCK_ADDR) ||
			    n == TABLES_PROGRAMS)
				die(bpf_program__name(prog), -EPERM);
			t->programs[n++] = prog;
		}
		r = bpf_object__load(objects[i]);
		if (r < 0)
			die("programs", r);
	}
}

/* What the program for DNS answers writes: the address of TABLES_NAMED has the first name. */
static void learn(const struct tables *t, const struct policy_tables *policy)
{
	struct learned_key key = {.family = 2};
	struct learned_value value = {0};
	__u32 address = __builtin_bswap32(TABLES_NAMED);
	int r;

	key.root_tgid = t->mark.root_tgid;
	key.root_start_ns = t->mark.root_start_ns;
	memcpy(key.address, &address, sizeof(address));
	for (size_t i = 0; i < policy->n_names; i++)
		if (policy->names[i].value.effects & 1u << DEST_ALLOW)
			value.names[0].pattern = policy->names[i].value.pattern;
	value.names[0].until_ns = UINT64_MAX;
	r = bpf_map_update_elem(kernel_map_fd(t->kernel, "learned"), &key, &value, BPF_ANY);
	if (r < 0)
		die("learned", r);
}

void tables_make(struct tables *t, size_t n_prefixes, size_t n_names, uint16_t port,
		 uint16_t model_port)
{
	struct policy_tables *policy;
	uint32_t zero = 0;
	struct stat s;
	int r;

	memset(t, 0, sizeof(*t));
	t->n_prefixes = n_prefixes;
	t->n_names = n_names;
	t->generation = 1;
	t->kernel = calloc(1, sizeof(*t->kernel));
	if (!t->kernel || stat("/proc/self/ns/net", &s) < 0)
		die("tables", -ENOMEM);
	t->kernel->cgroup_fd = t->kernel->root_fd = -1;
	t->kernel->owner = 1;
	load_maps(t->kernel);
	load_programs(t);
	t->sockets = kernel_map_fd(t->kernel, "sockets");
	t->mark = (struct socket_context){
		.flags = TASK_GOVERNED,
		.uid = TABLES_UID,
		.tgid = (__u32)getpid(),
		.start_ns = 1,
		.root_start_ns = 1,
		.root_tgid = (__u32)getpid(),
		.netns = (__u32)s.st_ino,
		.home = (__u32)s.st_ino,
		.judged = t->generation,
	};
	policy = compile(t, port, model_port);
	r = kernel_policy_apply(t->kernel, policy, t->generation);
	if (r < 0)
		die("policy", r);
	learn(t, policy);
	policy_tables_free(policy);
	r = bpf_map_update_elem(kernel_map_fd(t->kernel, "reporter"), &zero, &t->kernel->owner,
				BPF_ANY);
	if (r < 0)
		die("reporter", r);
}

int tables_mark(const struct tables *t, int fd, const struct sockaddr_storage *to)
{
	const struct sockaddr_in6 *six = (const void *)to;
	const struct sockaddr_in *four = (const void *)to;
	struct socket_context mark = t->mark;

	if (to && to->ss_family == AF_INET) {
		mark.passed_port = ntohs(four->sin_port);
		memcpy(mark.passed, &four->sin_addr, sizeof(four->sin_addr));
	} else if (to) {
		mark.passed_port = ntohs(six->sin6_port);
		memcpy(mark.passed, &six->sin6_addr, sizeof(six->sin6_addr));
	}
	mark.passed_family = to ? to->ss_family : 0;
	if (bpf_map_update_elem(t->sockets, &fd, &mark, BPF_ANY) < 0)
		return -1;
	/* net_connect looks it up, and the kernel keeps with the socket what was looked up last.
	 * The first time it searches a list and takes a lock, which no later door pays for. */
	return to ? bpf_map_lookup_elem(t->sockets, &fd, &mark) : 0;
}

void tables_attach(struct tables *t, int cgroup)
{
	for (size_t i = 0; i < TABLES_PROGRAMS; i++) {
		t->links[i] = bpf_program__attach_cgroup(t->programs[i], cgroup);
		if (!t->links[i])
			die(bpf_program__name(t->programs[i]), -errno);
	}
}

void tables_detach(struct tables *t)
{
	for (size_t i = 0; i < TABLES_PROGRAMS; i++) {
		bpf_link__destroy(t->links[i]);
		t->links[i] = NULL;
	}
}

void tables_free(struct tables *t)
{
	bailiff_packet__destroy(t->kernel->packet);
	bailiff_cgroup__destroy(t->kernel->cgroup);
	bailiff_process__destroy(t->kernel->process);
	free(t->kernel);
}
