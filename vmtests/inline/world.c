// SPDX-License-Identifier: Apache-2.0
/* See world.h. Only uprobes on functions of this program, which is all that they are called by. */
#include "world.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/content_state.h"
#include "scan.skel.h"

#define PROBES	     8
#define RECORDS_KEPT 65536

struct world {
	struct bailiff_scan *scan;
	struct bpf_link *link[PROBES];
	size_t n_links;
	struct ring_buffer *rings;
	uint32_t slot;
	struct record_inline *record; /* those that were taken off the rings and not given away */
	size_t n_records, next;
	uint64_t run_ns, run_n;
};

static void die(const char *what)
{
	fprintf(stderr, "inline world: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* ---- the library -------------------------------------------------------------------------------
 */

__attribute__((noinline, noclone, used)) int world_ssl_write(uint64_t ssl, void *buf, int len,
							     int *taken);
__attribute__((noinline, noclone, used)) int world_ssl_write(uint64_t ssl, void *buf, int len,
							     int *taken)
{
	__asm__ volatile("" ::"r"(ssl), "r"(buf), "r"(len) : "memory");
	return *taken;
}

__attribute__((noinline, noclone, used)) int world_ssl_read(uint64_t ssl, void *buf, int len);
__attribute__((noinline, noclone, used)) int world_ssl_read(uint64_t ssl, void *buf, int len)
{
	__asm__ volatile("" ::"r"(ssl), "r"(buf) : "memory");
	return len;
}

__attribute__((noinline, noclone, used)) int world_ssl_handshake(uint64_t ssl);
__attribute__((noinline, noclone, used)) int world_ssl_handshake(uint64_t ssl)
{
	__asm__ volatile("" ::"r"(ssl) : "memory");
	return 1;
}

int world_write(uint64_t ssl, void *buf, int len, int taken)
{
	return world_ssl_write(ssl, buf, len, &taken);
}

int world_read(uint64_t ssl, void *buf, int len)
{
	return world_ssl_read(ssl, buf, len);
}

void world_handshake(uint64_t ssl)
{
	world_ssl_handshake(ssl);
}

/* ---- probes ------------------------------------------------------------------------------------
 */

/* The one ret: the first c3 of a function that is a few instructions long. */
static size_t ret_of(const void *function)
{
	const unsigned char *p = function;

	for (size_t i = 0; i < 64; i++)
		if (p[i] == 0xc3)
			return i;
	abort();
}

size_t world_write_ret(void)
{
	return ret_of((const void *)world_ssl_write);
}

static void probe(struct world *w, const char *function, size_t offset, uint64_t cookie)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = function, .bpf_cookie = cookie);
	struct bpf_link *link = bpf_program__attach_uprobe_opts(
		w->scan->progs.inline_call, getpid(), "/proc/self/exe", offset, &opts);

	if (!link)
		die("attach");
	w->link[w->n_links++] = link;
}

static void attach(struct world *w)
{
	probe(w, "world_ssl_write", ret_of((const void *)world_ssl_write), INLINE_AT_WRITE_RETURN);
	probe(w, "world_ssl_write", 0, INLINE_AT_WRITE);
	probe(w, "world_ssl_read", ret_of((const void *)world_ssl_read), INLINE_AT_READ_RETURN);
	probe(w, "world_ssl_read", 0, INLINE_AT_READ);
	probe(w, "world_ssl_handshake", 0, INLINE_AT_HANDSHAKE);
}

/* ---- policy ------------------------------------------------------------------------------------
 */

static void put(int fd, const void *key, const void *value, const char *what)
{
	if (fd < 0 || bpf_map_update_elem(fd, key, value, BPF_ANY) < 0)
		die(what);
}

static int hash(const char *name, uint32_t key, uint32_t value, size_t entries)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);

	return bpf_map_create(BPF_MAP_TYPE_HASH, name, key, value, entries ? (uint32_t)entries : 1,
			      &opts);
}

/* Puts an inner map into its slot, and lets go of it. */
static void place(struct bpf_map *outer, uint32_t slot, int inner, const char *what)
{
	put(bpf_map__fd(outer), &slot, &inner, what);
	close(inner);
}

static void put_tools(struct world *w, const struct world_options *o, uint32_t slot)
{
	struct person_value value = {.person = o->person};
	int tools = hash("tools", sizeof(struct tool_key), sizeof(struct skill_value), o->n_tools);
	int persons = hash("persons", sizeof(uint32_t), sizeof(value), 1);
	uint32_t uid = getuid();

	for (size_t i = 0; i < o->n_tools; i++) {
		struct tool_key key = {.person = o->tools[i].person, .name = CONTENT_TOOL_FIRST};
		struct skill_value v = {.verdict = o->tools[i].verdict, .rule = o->tools[i].rule};

		for (const char *p = o->tools[i].name; *p; p++)
			key.name = content_tool_add(key.name, (uint8_t)*p);
		put(tools, &key, &v, "tool");
	}
	if (o->person)
		put(persons, &uid, &value, "person");
	place(w->scan->maps.policy_tools, slot, tools, "policy_tools");
	place(w->scan->maps.policy_persons, slot, persons, "policy_persons");
}

static void put_table(struct world *w, const struct world_options *o, uint32_t slot)
{
	uint32_t zero = 0;
	int scan;

	if (!o->table) {
		bpf_map_delete_elem(bpf_map__fd(w->scan->maps.policy_scan), &slot);
		return;
	}
	scan = bpf_map_create(BPF_MAP_TYPE_ARRAY, "scan", 4, sizeof(*o->table), 1, NULL);
	put(scan, &zero, o->table, "table");
	place(w->scan->maps.policy_scan, slot, scan, "policy_scan");
}

void world_policy(struct world *w, const struct world_options *o)
{
	static uint64_t generation;
	struct policy_root root = {
		.generation = generation + 1,
		.valid = 1,
		.mode_inline = o->mode,
		.inline_kinds = o->kinds,
		.inline_rule = 100,
		.flags = o->flags,
	};
	uint32_t zero = 0, slot = !w->slot;
	int texts = hash("texts", 4, sizeof(struct inline_text), o->n_texts);

	for (uint32_t i = 0; i < o->n_texts; i++)
		put(texts, &i, &o->texts[i], "text");
	place(w->scan->maps.policy_texts, slot, texts, "policy_texts");
	put_table(w, o, slot);
	put_tools(w, o, slot);
	generation++;
	put(bpf_map__fd(w->scan->maps.policy_roots), &slot, &root, "policy_roots");
	put(bpf_map__fd(w->scan->maps.policy_active), &zero, &slot, "policy_active");
	w->slot = slot;
}

/* ---- records -----------------------------------------------------------------------------------
 */

static int on_record(void *ctx, void *data, size_t size)
{
	struct world *w = ctx;
	const struct record_head *head = data;

	if (head->type != RECORD_INLINE || size < sizeof(struct record_inline))
		return 0;
	if (w->n_records < RECORDS_KEPT)
		memcpy(&w->record[w->n_records++], data, sizeof(struct record_inline));
	return 0;
}

const struct record_inline *world_record(struct world *w)
{
	if (w->next == w->n_records) {
		w->next = w->n_records = 0;
		ring_buffer__consume(w->rings);
	}
	return w->next < w->n_records ? &w->record[w->next++] : NULL;
}

size_t world_forget_records(struct world *w)
{
	size_t n = 0;

	while (world_record(w))
		n++;
	return n;
}

double world_inside_ns(struct world *w)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	double ns = 0;

	if (bpf_obj_get_info_by_fd(bpf_program__fd(w->scan->progs.inline_call), &info, &size) < 0)
		return 0;
	if (info.run_cnt > w->run_n)
		ns = (double)(info.run_time_ns - w->run_ns) / (double)(info.run_cnt - w->run_n);
	w->run_ns = info.run_time_ns;
	w->run_n = info.run_cnt;
	return ns;
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

static int be_quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

struct world *world_open(const struct world_options *options)
{
	struct task_context t = {.flags = TASK_GOVERNED | TASK_CLIENT, .uid = getuid()};
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0), cpus = libbpf_num_possible_cpus();
	struct world *w = calloc(1, sizeof(*w));
	uint32_t zero = 0, owner = 0;
	struct bpf_map *map;

	if (!w || !(w->record = calloc(RECORDS_KEPT, sizeof(*w->record))))
		die("memory");
	libbpf_set_print(be_quiet);
	w->scan = bailiff_scan__open();
	if (!w->scan)
		die("open");
	bpf_object__for_each_map(map, w->scan->obj) bpf_map__set_pin_path(map, NULL);
	bpf_map__set_max_entries(w->scan->maps.inline_places, (uint32_t)cpus * INLINE_PLACES);
	w->scan->rodata->owner = owner;
	w->scan->rodata->inline_writes = !options->dry;
	w->scan->rodata->inline_same_ns = options->same_ns;
	if (bailiff_scan__load(w->scan) < 0)
		die("load");
	put(bpf_map__fd(w->scan->maps.tasks), &pidfd, &t, "tasks");
	put(bpf_map__fd(w->scan->maps.reporter), &zero, &owner, "reporter");
	close(pidfd);
	w->rings = ring_buffer__new(bpf_map__fd(w->scan->maps.denials), on_record, w, NULL);
	if (!w->rings ||
	    ring_buffer__add(w->rings, bpf_map__fd(w->scan->maps.records), on_record, w) < 0)
		die("rings");
	world_policy(w, options);
	if (!options->detached)
		attach(w);
	return w;
}

void world_close(struct world *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n_links; i++)
		bpf_link__destroy(w->link[i]);
	ring_buffer__free(w->rings);
	bailiff_scan__destroy(w->scan);
	free(w->record);
	free(w);
}
