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
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

static const char *const posture_names[] = {"off", "observe", "enforce"};
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
	return 0;
}

/* Attaches one program and pins the link; the pin alone keeps it. */
static int attach(struct kernel *k, struct bpf_program *prog, bool cgroup)
{
	struct bpf_link *link;
	int r;

	link = cgroup ? bpf_program__attach_cgroup(prog, k->cgroup_fd) : bpf_program__attach(prog);
	if (!link)
		return log_err_r(-errno, "cannot attach %s", bpf_program__name(prog));
	r = kernel_pin_link(k, link, bpf_program__name(prog));
	bpf_link__destroy(link);
	return r;
}

static bool lsm_lists_bpf(void)
{
	char text[256] = "";
	_cleanup_close_ int fd = open("/sys/kernel/security/lsm", O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		/* not mounted where a container or a small guest starts; it is ours to look */
		if (mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL) == 0)
			fd = open("/sys/kernel/security/lsm", O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return true; /* not known: the canary decides */
	return strstr(text, "bpf");
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
	if (mkdir(k->links, 0700) < 0)
		return log_err_r(-errno, "cannot make %s", k->links);
	return 0;
}

/* Loads one object. The skeletons have no common type, only a common shape. */
#define LOAD(k, kind, opts)                                                                        \
	({                                                                                         \
		int l_ = 0;                                                                        \
		(k)->kind = bailiff_##kind##__open_opts(opts);                                     \
		if (!(k)->kind) {                                                                  \
			l_ = -errno;                                                               \
		} else {                                                                           \
			(k)->kind->rodata->owner = (k)->owner;                                     \
			l_ = bailiff_##kind##__load((k)->kind);                                    \
		}                                                                                  \
		if (l_ < 0)                                                                        \
			log_line(LOG_LEVEL_ERROR, l_, "cannot load the %s programs", #kind);       \
		l_;                                                                                \
	})

static void posture_failed(struct kernel *k, const char *capability, int r)
{
	char text[128];

	snprintf(text, sizeof(text), "cannot be loaded or attached: %s", strerror(-r));
	kernel_posture_set(k, capability, POSTURE_OFF, text);
}

static int attach_all(struct kernel *k, struct bpf_object *object, bool cgroup)
{
	struct bpf_program *prog;
	int r;

	bpf_object__for_each_program(prog, object)
	{
		bool is_cgroup = bpf_program__type(prog) == BPF_PROG_TYPE_CGROUP_SOCK_ADDR ||
				 bpf_program__type(prog) == BPF_PROG_TYPE_CGROUP_SKB;
		const char *section = bpf_program__section_name(prog);

		if (is_cgroup != cgroup || strncmp(section, "iter", 4) == 0)
			continue;
		r = attach(k, prog, cgroup);
		if (r < 0)
			return r;
	}
	return 0;
}

/* An LSM program attaches where `bpf` is not in lsm=, and is never called: only a call proves it.
 */
static bool lsm_canary(struct kernel *k)
{
	uint64_t before[COUNTER_MAX], after[COUNTER_MAX];
	pid_t child;

	if (kernel_counters(k, before) < 0)
		return false;
	child = fork();
	if (child == 0)
		_exit(0);
	if (child < 0 || waitpid(child, NULL, 0) < 0)
		return false;
	return kernel_counters(k, after) == 0 && after[COUNTER_FORKS] > before[COUNTER_FORKS];
}

int kernel_open(struct kernel **ret)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct kernel *k;
	char pins[96];
	int r;

	libbpf_set_print(print_libbpf);
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->cgroup_fd = -1;
	r = prepare_directories(k, pins, sizeof(pins));
	if (r < 0)
		goto fail;
	opts.pin_root_path = pins;
	k->cgroup_fd = open(KERNEL_CGROUP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->cgroup_fd < 0) {
		r = log_err_r(-errno, "cannot open " KERNEL_CGROUP);
		goto fail;
	}
	/* lineage first: the doors ask who is governed, and nobody is before this */
	r = LOAD(k, process, &opts);
	if (r < 0)
		goto fail;
	r = attach_all(k, k->process->obj, false);
	if (r < 0)
		goto fail;
	kernel_posture_set(k, "lineage", POSTURE_ENFORCE, "attached");

	r = LOAD(k, net, &opts);
	if (r == 0) {
		r = attach_all(k, k->net->obj, false);
		if (r == 0)
			kernel_posture_set(k, "destinations (lsm)", POSTURE_ENFORCE, "attached");
	}
	if (r < 0)
		posture_failed(k, "destinations (lsm)", r);
	r = LOAD(k, cgroup, &opts);
	if (r == 0)
		r = attach_all(k, k->cgroup->obj, true);
	if (r == 0)
		kernel_posture_set(k, "destinations (cgroup)", POSTURE_ENFORCE,
				   "attached to the root cgroup");
	else
		posture_failed(k, "destinations (cgroup)", r);
	kernel_open_dns(k, &opts);
	r = LOAD(k, file, &opts);
	if (r == 0)
		r = attach_all(k, k->file->obj, false);
	if (r == 0)
		kernel_posture_set(k, "skill files", POSTURE_ENFORCE, "attached");
	else
		posture_failed(k, "skill files", r);
	r = LOAD(k, ipc, &opts);
	if (r == 0)
		r = attach_all(k, k->ipc->obj, false);
	if (r == 0)
		kernel_posture_set(k, "borrowed doors", POSTURE_ENFORCE, "attached");
	else
		posture_failed(k, "borrowed doors", r);
	r = LOAD(k, tls, &opts);
	if (r == 0)
		kernel_posture_set(k, "tls capture", POSTURE_OBSERVE,
				   "loaded; attached client by client");
	else
		posture_failed(k, "tls capture", r);
	r = LOAD(k, host, &opts);
	if (r == 0)
		kernel_posture_set(k, "host and credential", POSTURE_ENFORCE,
				   "loaded; attached client by client");
	else
		posture_failed(k, "host and credential", r);
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

int kernel_take_over(struct kernel *k)
{
	static const char *const by_lsm[] = {"lineage", "destinations (lsm)", "skill files",
					     "borrowed doors"};
	char links[128], path[256];
	uint32_t zero = 0, v;
	struct dirent *e;
	DIR *d;
	int r;

	r = bpf_map_update_elem(kernel_map_fd(k, "reporter"), &zero, &k->owner, BPF_ANY);
	if (r < 0)
		return log_err_r(r, "cannot become the reporter");
	if (!lsm_lists_bpf() || !lsm_canary(k)) {
		for (size_t i = 0; i < ARRAY_SIZE(by_lsm); i++)
			kernel_posture_set(k, by_lsm[i], POSTURE_OFF,
					   "LSM hooks are attached but never called: bpf is not in "
					   "the kernel's lsm= list");
	} else {
		kernel_posture_set(k, "lineage", POSTURE_ENFORCE, "a fork of the keeper was seen");
	}
	snprintf(links, sizeof(links), KERNEL_PIN_ROOT "/v%d/links", CONTRACT_VERSION);
	d = opendir(links);
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

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	bailiff_process__destroy(k->process);
	bailiff_net__destroy(k->net);
	bailiff_cgroup__destroy(k->cgroup);
	bailiff_dns__destroy(k->dns);
	bailiff_file__destroy(k->file);
	bailiff_ipc__destroy(k->ipc);
	bailiff_tls__destroy(k->tls);
	bailiff_host__destroy(k->host);
	if (k->cgroup_fd >= 0)
		close(k->cgroup_fd);
	free(k);
}
