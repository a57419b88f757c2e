// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* All self-protection: bailiff's programs, maps, links and pins, its processes, its files, and the
 * client's managed settings. Against governed tasks always, against others where policy says so. */
#include "bpf/actor.bpf.h"
#include "bpf/guard.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define DENY_ERRNO     1 /* EPERM */
#define PATH_DEPTH_MAX 24
#define PIN_DEPTH_MAX  8
#define WRITE_MODE     2u /* FMODE_WRITE */
#define TRACE_ATTACH   2u /* PTRACE_MODE_ATTACH */

/* Written by guard.bpf.c at exec, and by the keeper that attached it for itself. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} guard_tasks SEC(".maps");

/* Written by the keeper: the files of bailiffd, its successor's among them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct image_key);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} guard_images SEC(".maps");

/* Written by guard.bpf.c as bailiffd gets a descriptor of them, and by the keeper. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct guard_object);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} guard_objects SEC(".maps");

/* Written by the keeper. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct local_key);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} guard_files SEC(".maps");

static __always_inline bool task_is_self(struct task_struct *leader)
{
	__u32 *flags = leader ? bpf_task_storage_get(&guard_tasks, leader, 0, 0) : NULL;

	return flags && (*flags & GUARD_TASK_SELF);
}

static __always_inline __u32 guard_asker(const struct task_context *t)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (t)
		return GUARD_GOVERNED;
	/* the reader and its like gave the uid away, and with it the trust */
	if (task_is_self(task->group_leader) && (__u32)bpf_get_current_uid_gid() == 0)
		return GUARD_SELF;
	return task->tgid == 1 ? GUARD_INIT : GUARD_OTHER;
}

/* What is asked for, for the record. */
struct guard_target {
	__u32 door, command, peer, device;
	__u64 inode;
	const unsigned char *name; /* kernel memory, NULL none */
};

static __always_inline void guard_report(const struct guard_target *what, struct judgement *j,
					 __u32 verdict, const struct task_context *t,
					 __u64 generation, __u32 person)
{
	struct record_door *r = bpf_ringbuf_reserve(&denials, sizeof(*r), 0);
	long n = 0;

	if (!r) {
		count(COUNTER_LOST_DENIAL, 1);
		return;
	}
	actor_head(&r->head, RECORD_DOOR, sizeof(*r), generation, t, person);
	r->verdict = verdict;
	r->reason = j->reason;
	r->rule = j->rule;
	r->door = what->door;
	r->peer_tgid = what->peer;
	r->command = what->command;
	r->inode = what->inode;
	r->device = what->device;
	__builtin_memset(r->target, 0, sizeof(r->target));
	if (what->name)
		n = bpf_probe_read_kernel_str(r->target, sizeof(r->target), what->name);
	r->target_len = n > 0 ? n - 1 : 0;
	bpf_ringbuf_submit(r, 0);
}

/* Not static: looked at once by the verifier. Returns 1 when it is refused. */
__noinline int guard_refuses(struct guard_target *what)
{
	struct policy_root *root;
	struct person_value *p;
	struct task_context *t;
	struct judgement j = {};
	__u32 slot = 0, verdict, person = 0;

	if (!what)
		return 1;
	t = actor_governed();
	root = policy_now(&slot);
	guard_decide(root, guard_asker(t), what->door, &j);
	verdict = judgement_apply(&j);
	if (verdict == BAILIFF_ALLOW)
		return 0;
	count(verdict == BAILIFF_DENY ? COUNTER_DENIED : COUNTER_WOULD_DENY, 1);
	if (reporting()) {
		p = actor_person(slot, t ? t->uid : actor_who(bpf_get_current_task_btf()));
		person = p ? p->person : 0;
		guard_report(what, &j, verdict, t, root ? root->generation : 0, person);
	}
	return verdict == BAILIFF_DENY;
}

/* A plain branch, for the range that the verifier wants of an LSM program. */
static __always_inline int guard_ask(struct guard_target *what)
{
	if (guard_refuses(what)) {
		barrier();
		return -DENY_ERRNO;
	}
	return 0;
}

/* ---- bpf(2) ------------------------------------------------------------------------------------
 */

static __always_inline bool object_is_ours(__u32 kind, __u32 id)
{
	struct guard_object key = {.kind = kind, .id = id};

	return bpf_map_lookup_elem(&guard_objects, &key);
}

static __always_inline void object_note(__u32 kind, __u32 id)
{
	struct guard_object key = {.kind = kind, .id = id};
	__u32 one = 1;

	if (bpf_map_update_elem(&guard_objects, &key, &one, BPF_ANY))
		count(COUNTER_STORAGE_FAILED, 1);
}

/* The link behind a descriptor, as far as it can be known here. A thread beside may put another
 * file there before the kernel looks; so where the table is shared the answer is yes. */
static __always_inline bool link_is_ours(__u32 fd)
{
	struct files_struct *files = bpf_get_current_task_btf()->files;
	struct file **table, *file = NULL;
	struct bpf_link *link;

	if (BPF_CORE_READ(files, count.counter) > 1)
		return true;
	if (fd >= BPF_CORE_READ(files, fdt, max_fds))
		return false;
	table = BPF_CORE_READ(files, fdt, fd);
	bpf_probe_read_kernel(&file, sizeof(file), table + fd);
	if (!file)
		return false;
	link = BPF_CORE_READ(file, private_data);
	return link && object_is_ours(GUARD_LINK, BPF_CORE_READ(link, id));
}

/* What an earlier program refused does not come here. Its verdict is not read: since 6.15 another
 * argument stands before it. */
SEC("lsm/bpf")
int BPF_PROG(guard_bpf, int cmd, union bpf_attr *attr, unsigned int size)
{
	struct guard_target what = {.door = DOOR_BPF, .command = cmd};

	if (!actor_governed()) {
		/* the kernel's own copy: it does not change any more */
		switch (guard_command(cmd)) {
		case GUARD_COMMAND_BY_LINK:
			if (!link_is_ours(BPF_CORE_READ(attr, link_detach.link_fd)))
				return 0;
			break;
		case GUARD_COMMAND_BY_LINK_ID:
			if (!object_is_ours(GUARD_LINK, BPF_CORE_READ(attr, link_id)))
				return 0;
			break;
		case GUARD_COMMAND_BY_TYPE:
			if (!guard_type_is_ours(BPF_CORE_READ(attr, link_create.attach_type)))
				return 0;
			break;
		default:
			return 0;
		}
	}
	return guard_ask(&what);
}

SEC("lsm/bpf_map")
int BPF_PROG(guard_map, struct bpf_map *map, unsigned int mode, int ret)
{
	struct guard_target what = {.door = DOOR_BPF};

	if (ret)
		return ret;
	/* what bailiffd makes is known from its first descriptor on: inner maps too */
	if (guard_asker(actor_governed()) == GUARD_SELF) {
		object_note(GUARD_MAP, map->id);
		return 0;
	}
	if (!(mode & WRITE_MODE) || !object_is_ours(GUARD_MAP, map->id))
		return 0;
	what.inode = map->id;
	what.name = (const unsigned char *)map->name;
	return guard_ask(&what);
}

/* With a descriptor of a program its functions can be replaced (BPF_PROG_TYPE_EXT). */
SEC("lsm/bpf_prog")
int BPF_PROG(guard_program, struct bpf_prog *prog, int ret)
{
	struct guard_target what = {.door = DOOR_BPF};
	__u32 id;

	if (ret)
		return ret;
	id = BPF_CORE_READ(prog, aux, id);
	if (guard_asker(actor_governed()) == GUARD_SELF) {
		object_note(GUARD_PROGRAM, id);
		return 0;
	}
	if (!object_is_ours(GUARD_PROGRAM, id))
		return 0;
	what.inode = id;
	return guard_ask(&what);
}

/* ---- pins and mounts ---------------------------------------------------------------------------
 */

static __always_inline __u32 device_flags(struct super_block *sb)
{
	struct local_key key = {.device = BPF_CORE_READ(sb, s_dev)};
	__u32 *flags = bpf_map_lookup_elem(&guard_files, &key);

	return flags ? *flags : 0;
}

/* Whether the entry is bailiff's directory on the bpffs, or below it. */
static __always_inline bool entry_is_pin(struct dentry *entry)
{
	struct dentry *parent, *above;
	char name[8] = {};

	if (!(device_flags(BPF_CORE_READ(entry, d_sb)) & GUARD_PINS))
		return false;
	for (int i = 0; i < PIN_DEPTH_MAX; i++) {
		parent = BPF_CORE_READ(entry, d_parent);
		if (parent == entry)
			return false;
		above = BPF_CORE_READ(parent, d_parent);
		if (above == parent) {
			if (BPF_CORE_READ(entry, d_name.len) != 7)
				return false;
			bpf_probe_read_kernel(name, 7, BPF_CORE_READ(entry, d_name.name));
			return name[0] == 'b' && name[1] == 'a' && name[2] == 'i' &&
			       name[3] == 'l' && name[4] == 'i' && name[5] == 'f' && name[6] == 'f';
		}
		entry = parent;
	}
	return true;
}

/* What the entry or a directory above it is listed as. */
static __always_inline __u32 entry_flags(struct dentry *entry)
{
	struct dentry *parent;

	for (int i = 0; i < PATH_DEPTH_MAX; i++) {
		struct local_key key = {};
		struct inode *inode = BPF_CORE_READ(entry, d_inode);
		__u32 *flags;

		if (inode) {
			key.inode = BPF_CORE_READ(inode, i_ino);
			key.device = BPF_CORE_READ(inode, i_sb, s_dev);
			flags = bpf_map_lookup_elem(&guard_files, &key);
			if (flags && (*flags & GUARD_TREE))
				return GUARD_TREE;
		}
		parent = BPF_CORE_READ(entry, d_parent);
		if (parent == entry)
			return 0;
		entry = parent;
	}
	return 0;
}

/* "claude-code" in a directory that is watched for it. */
static __always_inline bool entry_is_settings(struct dentry *entry)
{
	struct local_key key = {};
	struct inode *dir = BPF_CORE_READ(entry, d_parent, d_inode);
	const char want[] = "claude-code";
	char name[12] = {};
	__u32 *flags;

	if (BPF_CORE_READ(entry, d_name.len) != sizeof(want) - 1)
		return false;
	key.inode = BPF_CORE_READ(dir, i_ino);
	key.device = BPF_CORE_READ(dir, i_sb, s_dev);
	flags = bpf_map_lookup_elem(&guard_files, &key);
	if (!flags || !(*flags & GUARD_ENTRY))
		return false;
	bpf_probe_read_kernel(name, sizeof(want) - 1, BPF_CORE_READ(entry, d_name.name));
	for (int i = 0; i < (int)sizeof(want) - 1; i++)
		if (name[i] != want[i])
			return false;
	return true;
}

static __always_inline int ask_entry(struct dentry *entry, __u32 door, __u32 command)
{
	struct guard_target what = {.door = door, .command = command};

	what.name = BPF_CORE_READ(entry, d_name.name);
	what.inode = BPF_CORE_READ(entry, d_inode, i_ino);
	what.device = BPF_CORE_READ(entry, d_sb, s_dev);
	return guard_ask(&what);
}

/* An entry that goes, comes, or gets another name. Files are guarded against governed tasks alone,
 * so that nobody else pays for the walk. */
static __always_inline int entry_change(struct dentry *entry)
{
	if (entry_is_pin(entry))
		return ask_entry(entry, DOOR_PIN, 0);
	if (actor_governed() && ((entry_flags(entry) & GUARD_TREE) || entry_is_settings(entry)))
		return ask_entry(entry, DOOR_FILE, 0);
	return 0;
}

SEC("lsm/inode_unlink")
int BPF_PROG(guard_unlink, struct inode *dir, struct dentry *entry, int ret)
{
	return ret ? ret : entry_change(entry);
}

SEC("lsm/inode_rmdir")
int BPF_PROG(guard_rmdir, struct inode *dir, struct dentry *entry, int ret)
{
	return ret ? ret : entry_change(entry);
}

/* Either name, so that an exchange needs no second question. */
static __always_inline int rename_change(struct dentry *from, struct dentry *to)
{
	int r = entry_change(from);

	return r ? r : entry_change(to);
}

SEC("lsm/inode_rename")
int BPF_PROG(guard_rename, struct inode *from_dir, struct dentry *from, struct inode *to_dir,
	     struct dentry *to, int ret)
{
	return ret ? ret : rename_change(from, to);
}

SEC("?fmod_ret/security_inode_rename")
int BPF_PROG(guard_rename_instead, struct inode *from_dir, struct dentry *from,
	     struct inode *to_dir, struct dentry *to, unsigned int flags, int ret)
{
	return ret ? ret : rename_change(from, to);
}

SEC("lsm/inode_create")
int BPF_PROG(guard_create, struct inode *dir, struct dentry *entry, umode_t mode, int ret)
{
	return ret ? ret : entry_change(entry);
}

SEC("lsm/inode_mkdir")
int BPF_PROG(guard_mkdir, struct inode *dir, struct dentry *entry, umode_t mode, int ret)
{
	return ret ? ret : entry_change(entry);
}

/* A FIFO or a device under the name of a file is read like the file. */
SEC("lsm/inode_mknod")
int BPF_PROG(guard_mknod, struct inode *dir, struct dentry *entry, umode_t mode, dev_t device,
	     int ret)
{
	return ret ? ret : entry_change(entry);
}

SEC("lsm/inode_symlink")
int BPF_PROG(guard_symlink, struct inode *dir, struct dentry *entry, const char *to, int ret)
{
	return ret ? ret : entry_change(entry);
}

/* Another name for a guarded file would be one that lies in no guarded directory. */
SEC("lsm/inode_link")
int BPF_PROG(guard_link, struct dentry *from, struct inode *dir, struct dentry *entry, int ret)
{
	return ret ? ret : rename_change(from, entry);
}

SEC("lsm/sb_umount")
int BPF_PROG(guard_umount, struct vfsmount *mount, int flags, int ret)
{
	/* a lazy umount of what the bpffs is mounted on takes it along */
	if (ret || !(device_flags(BPF_CORE_READ(mount, mnt_sb)) & GUARD_MOUNT))
		return ret;
	return ask_entry(BPF_CORE_READ(mount, mnt_root), DOOR_PIN, flags);
}

static __always_inline int mount_over(struct dentry *entry)
{
	__u32 flags = device_flags(BPF_CORE_READ(entry, d_sb));

	if ((flags & GUARD_PINS) &&
	    (entry == BPF_CORE_READ(entry, d_parent) || entry_is_pin(entry)))
		return ask_entry(entry, DOOR_PIN, 0);
	if (actor_governed() && (entry_flags(entry) & GUARD_TREE))
		return ask_entry(entry, DOOR_FILE, 0);
	return 0;
}

SEC("lsm/sb_mount")
int BPF_PROG(guard_mount, const char *from, const struct path *path, const char *type,
	     unsigned long flags, void *data, int ret)
{
	return ret ? ret : mount_over(BPF_CORE_READ(path, dentry));
}

SEC("lsm/move_mount")
int BPF_PROG(guard_move_mount, const struct path *from, const struct path *to, int ret)
{
	int r;

	if (ret)
		return ret;
	r = mount_over(BPF_CORE_READ(to, dentry));
	return r ? r : mount_over(BPF_CORE_READ(from, dentry));
}

/* ---- processes ---------------------------------------------------------------------------------
 */

static __always_inline int ask_task(struct task_struct *leader, __u32 door, __u32 command)
{
	struct guard_target what = {.door = door, .command = command};

	what.peer = BPF_CORE_READ(leader, tgid);
	what.name = (const unsigned char *)leader->comm;
	return guard_ask(&what);
}

SEC("lsm/task_kill")
int BPF_PROG(guard_kill, struct task_struct *p, struct kernel_siginfo *info, int sig,
	     const struct cred *cred, int ret)
{
	struct task_struct *leader;

	if (ret || !guard_signal_harms(sig))
		return ret;
	leader = p->group_leader;
	if (!task_is_self(leader) || leader->tgid == (__s32)(bpf_get_current_pid_tgid() >> 32))
		return 0;
	return ask_task(leader, DOOR_SIGNAL, sig);
}

SEC("lsm/ptrace_access_check")
int BPF_PROG(guard_trace, struct task_struct *child, unsigned int mode, int ret)
{
	struct task_struct *leader;

	if (ret || !(mode & TRACE_ATTACH))
		return ret;
	leader = child->group_leader;
	return task_is_self(leader) ? ask_task(leader, DOOR_TRACE, mode) : 0;
}

/* bailiffd by its file, run by root, in the host's user namespace, traced by nobody. What is
 * executed by it afterwards is another program, and loses the mark. */
SEC("lsm/bprm_committed_creds")
int BPF_PROG(guard_exec, struct linux_binprm *bprm)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct image_key key = {};
	__u32 *flags;

	image_key_of(bprm->file, &key);
	if (!bpf_map_lookup_elem(&guard_images, &key) || actor_governed() ||
	    (__u32)bpf_get_current_uid_gid() != 0 || BPF_CORE_READ(task, ptrace) ||
	    BPF_CORE_READ(task, cred, user_ns, level) != 0) {
		bpf_task_storage_delete(&guard_tasks, task);
		return 0;
	}
	flags = bpf_task_storage_get(&guard_tasks, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (flags)
		*flags = GUARD_TASK_SELF;
	else
		count(COUNTER_STORAGE_FAILED, 1);
	return 0;
}

/* ---- files -------------------------------------------------------------------------------------
 */

SEC("lsm/file_open")
int BPF_PROG(guard_open, struct file *file, int ret)
{
	struct dentry *entry;

	if (ret || !(file->f_mode & WRITE_MODE) || !actor_governed())
		return ret;
	entry = BPF_CORE_READ(file, f_path.dentry);
	return entry_flags(entry) & GUARD_TREE ? ask_entry(entry, DOOR_FILE, 0) : 0;
}

static __always_inline int path_change(const struct path *path)
{
	struct dentry *entry;

	if (!actor_governed())
		return 0;
	entry = BPF_CORE_READ(path, dentry);
	return entry_flags(entry) & GUARD_TREE ? ask_entry(entry, DOOR_FILE, 0) : 0;
}

SEC("lsm/path_truncate")
int BPF_PROG(guard_truncate, const struct path *path, int ret)
{
	return ret ? ret : path_change(path);
}

SEC("lsm/path_chmod")
int BPF_PROG(guard_chmod, const struct path *path, umode_t mode, int ret)
{
	return ret ? ret : path_change(path);
}

/* What the kernel calls a file that the keeper has open: on an overlay stat(2) tells another story.
 */
struct guard_opened {
	__u64 inode;
	__u32 device;
	__s32 fd;
	struct image_key image;
};

/* Set by the loader before load. */
const volatile __s32 self_tgid;

SEC("iter/task_file")
int guard_opened(struct bpf_iter__task_file *ctx)
{
	struct guard_opened r = {};
	/* read once: each read of the context is another pointer that may be none */
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (!file || !task || task->tgid != self_tgid)
		return 0;
	r.inode = BPF_CORE_READ(file, f_inode, i_ino);
	r.device = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	r.fd = ctx->fd;
	image_key_of(file, &r.image);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
