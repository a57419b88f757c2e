// SPDX-License-Identifier: Apache-2.0
/* Loads, attaches and pins; takes over from an earlier keeper without an instant in between. */
#include "kernel/internal.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "kernel/canary.h"
#include "kernel/programs.h"

static const char *const posture_names[] = {"off", "observe", "partial", "enforce"};
static_assert(ARRAY_SIZE(posture_names) == POSTURE_STATE_MAX, "one name a state");

const char *posture_state_to_string(enum posture_state state)
{
	return state < POSTURE_STATE_MAX ? posture_names[state] : "unknown";
}

void kernel_posture_set(struct kernel *k, const char *capability, enum posture_state state,
			const char *reason)
{
	struct posture *p = NULL;

	for (size_t i = 0; i < k->n_posture; i++)
		if (strcmp(k->posture[i].capability, capability) == 0)
			p = &k->posture[i];
	if (!p) {
		assert(k->n_posture < POSTURE_MAX);
		p = &k->posture[k->n_posture++];
	}
	p->capability = capability;
	p->state = state;
	p->means = k->hooks == HOOK_BY_FUNCTION && state > POSTURE_OBSERVE &&
				   !strstr(capability, "(cgroup)")
			   ? "fmod_ret"
			   : "";
	snprintf(p->reason, sizeof(p->reason), "%s", reason);
}

const struct posture *kernel_posture(const struct kernel *k, size_t *ret_n)
{
	*ret_n = k->n_posture;
	return k->posture;
}

static int print_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char text[1024];
	size_t n;

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(text, sizeof(text), fmt, ap);
	n = strlen(text);
	if (n && text[n - 1] == '\n')
		text[n - 1] = 0;
	log_line(level == LIBBPF_WARN ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, 0, "%s", text);
	return 0;
}

static int is_filesystem(const char *path, long magic)
{
	struct statfs s;

	return statfs(path, &s) == 0 && s.f_type == magic;
}

int kernel_pin_link(struct kernel *k, struct bpf_link *link, const char *name)
{
	char path[256];
	int r;

	r = snprintf(path, sizeof(path), "%s/%s", k->links, name);
	if (r < 0 || (size_t)r >= sizeof(path))
		return log_err_r(-ENAMETOOLONG, "pin %s", name);
	r = bpf_link__pin(link, path);
	if (r < 0)
		return log_err_r(r, "cannot pin %s", path);
	kernel_guard_link(k, link);
	return 0;
}

static int cmp_owner(const char *name, uint32_t *ret)
{
	char *end;
	unsigned long v = strtoul(name, &end, 10);

	if (*end || end == name || v > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)v;
	return 0;
}

/* The next number: higher than any that has links here, so that no two attachments share one. */
static uint32_t next_owner(const char *links)
{
	uint32_t highest = 0, v;
	struct dirent *e;
	DIR *d = opendir(links);

	while (d && (e = readdir(d)))
		if (cmp_owner(e->d_name, &v) == 0 && v > highest)
			highest = v;
	if (d)
		closedir(d);
	return highest + 1;
}

static int remove_directory(const char *path)
{
	struct dirent *e;
	DIR *d = opendir(path);
	int r = 0;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while ((e = readdir(d))) {
		char child[512];
		int n = snprintf(child, sizeof(child), "%s/%s", path, e->d_name);

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (n < 0 || (size_t)n >= sizeof(child)) {
			r = -ENAMETOOLONG;
			continue;
		}
		if (unlink(child) < 0 && (errno == EISDIR || errno == EPERM)) {
			if (remove_directory(child) < 0)
				r = -EIO;
		}
	}
	closedir(d);
	if (rmdir(path) < 0 && !r)
		r = -errno;
	return r;
}

int kernel_detach(void)
{
	int r = remove_directory(KERNEL_PIN_ROOT);

	if (r < 0)
		return log_err_r(r, "cannot remove the pins under " KERNEL_PIN_ROOT);
	return 0;
}

static int prepare_directories(struct kernel *k, char *pins, size_t size)
{
	char links[128];

	if (!is_filesystem(KERNEL_BPFFS, BPF_FS_MAGIC) &&
	    mount("bpf", KERNEL_BPFFS, "bpf", 0, "mode=0700") < 0)
		return log_err_r(-errno, KERNEL_BPFFS " is no bpffs and cannot be mounted");
	if (!is_filesystem(KERNEL_CGROUP, CGROUP2_SUPER_MAGIC))
		return log_err_r(-ENOTSUP, KERNEL_CGROUP " is not cgroup version 2");
	snprintf(pins, size, KERNEL_PIN_ROOT "/v%d", CONTRACT_VERSION);
	snprintf(links, sizeof(links), "%s/links", pins);
	if (mkdir(KERNEL_PIN_ROOT, 0700) < 0 && errno != EEXIST)
		return log_err_r(-errno, "cannot make " KERNEL_PIN_ROOT);
	if (mkdir(pins, 0700) < 0 && errno != EEXIST)
		return log_err_r(-errno, "cannot make %s", pins);
	if (mkdir(links, 0700) < 0 && errno != EEXIST)
		return log_err_r(-errno, "cannot make %s", links);
	k->owner = next_owner(links);
	snprintf(k->links, sizeof(k->links), "%.96s/%u", links, k->owner);
	if (mkdir(k->links, 0700) < 0) {
		if (errno == EPERM)
			log_err("the guard of an earlier bailiffd is on and does not know this "
				"one: "
				"start the one that ran, or ask it beforehand (bailiff trust)");
		return log_err_r(-errno, "cannot make %s", k->links);
	}
	return 0;
}

/* The host's network, by inode: that of the first process; of a container that cannot see it, the
 * agent's own. */
static uint32_t home_netns(void)
{
	struct stat s;

	if (stat("/proc/1/ns/net", &s) < 0 && stat("/proc/self/ns/net", &s) < 0)
		return 0;
	return (uint32_t)s.st_ino;
}

/* Each processor has places of its own, by its number. */
static uint32_t inline_places(void)
{
	int cpus = libbpf_num_possible_cpus();

	return (uint32_t)(cpus > 0 ? cpus : 1) * INLINE_PLACES;
}

#define PART_WITH(kind, prepare)                                                                   \
	static struct bpf_object *open_##kind(struct kernel *k,                                    \
					      const struct bpf_object_open_opts *opts)             \
	{                                                                                          \
		k->kind = bailiff_##kind##__open_opts(opts);                                       \
		if (!k->kind)                                                                      \
			return NULL;                                                               \
		k->kind->rodata->owner = k->owner;                                                 \
		prepare;                                                                           \
		return k->kind->obj;                                                               \
	}                                                                                          \
	static int load_##kind(struct kernel *k)                                                   \
	{                                                                                          \
		return bailiff_##kind##__load(k->kind);                                            \
	}                                                                                          \
	static void destroy_##kind(struct kernel *k)                                               \
	{                                                                                          \
		bailiff_##kind##__destroy(k->kind);                                                \
		k->kind = NULL;                                                                    \
	}                                                                                          \
	static const struct bpf_object *object_##kind(const struct kernel *k)                      \
	{                                                                                          \
		return k->kind ? k->kind->obj : NULL;                                              \
	}
#define PART(kind) PART_WITH(kind, (void)0)

PART(process)
PART_WITH(guard, k->guard->rodata->self_tgid = getpid())
PART(net)
PART(cgroup)
PART_WITH(packet, k->packet->rodata->home_netns = home_netns())
PART(file)
PART(ipc)
PART(tls)
PART(ledger)
PART_WITH(scan, (bpf_map__set_max_entries(k->scan->maps.inline_places, inline_places()),
		 k->scan->rodata->inline_writes = !k->inline_dry))
PART_WITH(host, k->host->rodata->host_writes = !k->inline_dry)

#define PART_ROW_OR(kind, capability, best, lower)                                                 \
	{                                                                                          \
#kind, capability, best, open_##kind, load_##kind, destroy_##kind, object_##kind,  \
			lower                                                                      \
	}
#define PART_ROW(kind, capability, best) PART_ROW_OR(kind, capability, best, NULL)

/* Lineage first: the doors ask who is governed, and nobody is before this. */
static const struct part parts[] = {
	PART_ROW(process, "lineage", POSTURE_ENFORCE),
	PART_ROW(guard, "self-protection", POSTURE_ENFORCE),
	PART_ROW(net, "destinations (lsm)", POSTURE_ENFORCE),
	PART_ROW(cgroup, "destinations (cgroup)", POSTURE_ENFORCE),
	PART_ROW(packet, "packets (cgroup)", POSTURE_ENFORCE),
	PART_ROW(file, "skill files", POSTURE_ENFORCE),
	PART_ROW(ipc, "borrowed doors", POSTURE_ENFORCE),
	PART_ROW(tls, "tls capture", POSTURE_OBSERVE),
	PART_ROW(ledger, "byte ledger", POSTURE_OBSERVE),
	PART_ROW_OR(scan, KERNEL_TEXT_IN_PLACE, POSTURE_ENFORCE, kernel_inline_dry),
	PART_ROW(host, "host and credential", POSTURE_ENFORCE),
};

size_t kernel_objects(const struct kernel *k, const struct bpf_object *ret[KERNEL_OBJECTS_MAX])
{
	size_t n = 0;

	static_assert(ARRAY_SIZE(parts) <= KERNEL_OBJECTS_MAX, "a place for each object");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		const struct bpf_object *object = parts[i].object(k);

		if (object)
			ret[n++] = object;
	}
	return n;
}

int kernel_open(struct kernel **ret)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	const struct bpf_object *objects[KERNEL_OBJECTS_MAX];
	struct kernel *k;
	struct stat root;
	char pins[96];
	size_t n;
	int r;

	libbpf_set_print(print_libbpf);
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->root_fd = -1;
	k->cgroup_fd = -1;
	r = prepare_directories(k, pins, sizeof(pins));
	if (r < 0)
		goto fail;
	opts.pin_root_path = pins;
	k->root_fd = open(KERNEL_CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->root_fd < 0 || fstat(k->root_fd, &root) < 0) {
		r = log_err_r(-errno, "cannot open " KERNEL_CGROUP);
		goto fail;
	}
	k->root_id = root.st_ino;
	k->hooks = programs_try_hooks();
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		r = programs_load(k, &parts[i], &opts);
		/* everything else only lowers the posture */
		if (r < 0 && i == 0)
			goto fail;
		if (r == 0 && parts[i].open == open_guard)
			kernel_guard_self(k);
	}
	r = kernel_cover_ready(k);
	if (r < 0)
		goto fail;
	/* what was loaded before the guard could see it */
	n = kernel_objects(k, objects);
	for (size_t i = 0; i < n; i++)
		kernel_guard_object(k, objects[i]);
	*ret = k;
	return 0;
fail:
	kernel_close(k);
	return r;
}

/* An agent with another contract pinned its own maps and links beside; its programs go with them.
 */
static void remove_other_versions(void)
{
	char ours[16], path[512];
	struct dirent *e;
	DIR *d = opendir(KERNEL_PIN_ROOT);

	snprintf(ours, sizeof(ours), "v%d", CONTRACT_VERSION);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] != 'v' || strcmp(e->d_name, ours) == 0)
			continue;
		snprintf(path, sizeof(path), KERNEL_PIN_ROOT "/%s", e->d_name);
		if (remove_directory(path) < 0)
			log_warn("cannot remove what another version pinned: %s", path);
	}
	if (d)
		closedir(d);
}

/* The newest attachment but ours; 0 when there is none. */
static uint32_t earlier_owner(const char *links, uint32_t ours)
{
	uint32_t highest = 0, v;
	struct dirent *e;
	DIR *d = opendir(links);

	while (d && (e = readdir(d)))
		if (cmp_owner(e->d_name, &v) == 0 && v != ours && v > highest)
			highest = v;
	if (d)
		closedir(d);
	return highest;
}

static int remove_earlier(const struct kernel *k, const char *links)
{
	char path[256];
	struct dirent *e;
	uint32_t v;
	DIR *d = opendir(links);

	if (!d)
		return log_err_r(-errno, "cannot read %s", links);
	while ((e = readdir(d))) {
		if (cmp_owner(e->d_name, &v) < 0 || v == k->owner)
			continue;
		snprintf(path, sizeof(path), "%.100s/%u", links, v);
		if (remove_directory(path) < 0)
			log_warn("cannot remove the links of an earlier keeper: %s", path);
	}
	closedir(d);
	remove_other_versions();
	return 0;
}

/* A canary went through and there is nothing better: what is proven to be open is said. */
static void lower_posture(struct kernel *k, const char *why)
{
	const char *capability =
		strstr(why, "cgroup/") ? "destinations (cgroup)" : "destinations (lsm)";

	kernel_posture_set(k, capability, POSTURE_PARTIAL, why);
}

int kernel_take_over(struct kernel *k, char *why, size_t size)
{
	char links[128], earlier[160];
	uint32_t zero = 0, v;
	int r;

	snprintf(links, sizeof(links), KERNEL_PIN_ROOT "/v%d/links", CONTRACT_VERSION);
	v = earlier_owner(links, k->owner);
	snprintf(earlier, sizeof(earlier), "%.100s/%u", links, v);
	kernel_cover_inherit(k);
	r = canary_prove(k, v ? earlier : NULL, why, size);
	if (r < 0 && v) {
		kernel_cover_abandon(k);
		remove_directory(k->links);
		return log_err_r(r, "the attachment before stays: %s", why);
	}
	if (r < 0)
		lower_posture(k, why);
	r = bpf_map_update_elem(kernel_map_fd(k, "reporter"), &zero, &k->owner, BPF_ANY);
	if (r < 0)
		return log_err_r(r, "cannot become the reporter");
	kernel_cover_settle(k);
	r = remove_earlier(k, links);
	kernel_guard_sweep(k);
	return r;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		parts[i].destroy(k);
	if (k->cgroup_fd >= 0)
		close(k->cgroup_fd);
	if (k->root_fd >= 0)
		close(k->root_fd);
	free(k->covers);
	free(k);
}
