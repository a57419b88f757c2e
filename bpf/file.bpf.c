// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The file door: a skill's instructions open only for who may use the skill. The name is the one of
 * the directory entry that the kernel resolved, so that symbolic links, bind mounts and
 * /proc/self/root lead to the same verdict; making a hard link of one needs the same right. */
#include "bpf/actor.bpf.h"
#include "bpf/verdict.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define DENY_ERRNO	    13 /* EACCES: what an unreadable file says */
#define MODE_TYPE	    0170000
#define MODE_DIRECTORY	    0040000
#define RENAME_EXCHANGE_BIT 2u

/* Written and read by this object alone: the key is too large for the stack beside the rest. */
struct file_scratch {
	struct skill_key key;
	struct judgement j;
	char entry[SKILL_NAME_SIZE];
	char parent[16];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct file_scratch);
} file_scratch SEC(".maps");

static __always_inline bool text_is(const char *a, const char *literal, int len)
{
	for (int i = 0; i < len; i++)
		if (a[i] != literal[i])
			return false;
	return true;
}

/* Puts the skill's name into s->key.name. Returns 1, 0 when the entry is no skill's file, or -1
 * when its name is longer than any in the ACL can be. */
static __always_inline int file_skill(struct dentry *entry, struct file_scratch *s)
{
	struct dentry *parent = BPF_CORE_READ(entry, d_parent);
	__u32 len = BPF_CORE_READ(entry, d_name.len);

	if (len == 8) {
		bpf_probe_read_kernel_str(s->entry, 16, BPF_CORE_READ(entry, d_name.name));
		if (!text_is(s->entry, "SKILL.md", 8))
			return 0;
		if (BPF_CORE_READ(parent, d_name.len) >= SKILL_NAME_SIZE)
			return -1;
		bpf_probe_read_kernel_str(s->key.name, SKILL_NAME_SIZE,
					  BPF_CORE_READ(parent, d_name.name));
		return 1;
	}
	/* .claude/commands/NAME.md is the older form of a skill */
	if (len < 4 || BPF_CORE_READ(parent, d_name.len) != 8)
		return 0;
	bpf_probe_read_kernel_str(s->parent, 16, BPF_CORE_READ(parent, d_name.name));
	if (!text_is(s->parent, "commands", 8))
		return 0;
	parent = BPF_CORE_READ(parent, d_parent);
	if (BPF_CORE_READ(parent, d_name.len) != 7)
		return 0;
	bpf_probe_read_kernel_str(s->parent, 16, BPF_CORE_READ(parent, d_name.name));
	if (!text_is(s->parent, ".claude", 7))
		return 0;
	if (len >= SKILL_NAME_SIZE)
		return -1;
	bpf_probe_read_kernel_str(s->key.name, SKILL_NAME_SIZE, BPF_CORE_READ(entry, d_name.name));
	len = (len - 3) & (SKILL_NAME_SIZE - 1);
	if (len + 2 >= SKILL_NAME_SIZE || s->key.name[len] != '.' || s->key.name[len + 1] != 'm' ||
	    s->key.name[len + 2] != 'd')
		return 0;
	s->key.name[len] = 0;
	s->key.name[len + 1] = 0;
	s->key.name[len + 2] = 0;
	return 1;
}

/* .claude, and skills and commands in it: by another name of theirs what is in them would not be
 * known for skills, and could be renamed in a second step. Judged as a skill of that name, which no
 * list has: as the policy says of skills that are not listed. */
static __always_inline int file_skill_home(struct dentry *entry, struct dentry *parent,
					   struct file_scratch *s)
{
	__u32 len = BPF_CORE_READ(entry, d_name.len);

	if (len < 6 || len > 8 ||
	    (BPF_CORE_READ(entry, d_inode, i_mode) & MODE_TYPE) != MODE_DIRECTORY)
		return 0;
	bpf_probe_read_kernel_str(s->entry, 16, BPF_CORE_READ(entry, d_name.name));
	if (len == 7   ? !text_is(s->entry, ".claude", 7)
	    : len == 6 ? !text_is(s->entry, "skills", 6)
		       : !text_is(s->entry, "commands", 8))
		return 0;
	if (len != 7) {
		bpf_probe_read_kernel_str(s->parent, 16, BPF_CORE_READ(parent, d_name.name));
		if (BPF_CORE_READ(parent, d_name.len) != 7 || !text_is(s->parent, ".claude", 7))
			return 0;
	}
	__builtin_memcpy(s->key.name, s->entry, 8);
	return 1;
}

/* The directory of a skill: it gives the skill its name, and another name would give it other
 * rights. */
static __always_inline int file_skill_directory(struct dentry *entry, struct file_scratch *s)
{
	struct dentry *parent = BPF_CORE_READ(entry, d_parent);

	if (file_skill_home(entry, parent, s))
		return 1;
	if (BPF_CORE_READ(parent, d_name.len) != 6)
		return 0;
	bpf_probe_read_kernel_str(s->parent, 16, BPF_CORE_READ(parent, d_name.name));
	if (!text_is(s->parent, "skills", 6))
		return 0;
	if (BPF_CORE_READ(entry, d_name.len) >= SKILL_NAME_SIZE)
		return -1;
	bpf_probe_read_kernel_str(s->key.name, SKILL_NAME_SIZE, BPF_CORE_READ(entry, d_name.name));
	return 1;
}

static __always_inline void file_judge(struct file_scratch *s, struct policy_root *root, __u32 slot,
				       __u32 person)
{
	void *skills = bpf_map_lookup_elem(&policy_skills, &slot);
	struct skill_value *v = NULL;

	if (!skills) {
		judge(&s->j, BAILIFF_DENY, BAILIFF_REASON_NO_POLICY, 0, root->mode_skills);
		return;
	}
	s->key.person = person;
	if (person)
		v = bpf_map_lookup_elem(skills, &s->key);
	if (v) {
		judge(&s->j, v->verdict, v->reason, v->rule, root->mode_skills);
		return;
	}
	s->key.person = 0;
	v = bpf_map_lookup_elem(skills, &s->key);
	if (v)
		judge(&s->j, v->verdict,
		      v->verdict == BAILIFF_DENY && !person ? BAILIFF_REASON_UNKNOWN_PERSON
							    : v->reason,
		      v->rule, root->mode_skills);
	else
		judge(&s->j, root->skill_default,
		      root->skill_default == BAILIFF_DENY && !person
			      ? BAILIFF_REASON_UNKNOWN_PERSON
			      : BAILIFF_REASON_SKILL_NOT_LISTED,
		      0, root->mode_skills);
}

static __always_inline struct record_skill *file_reserve(__u32 verdict)
{
	struct record_skill *r;

	if (verdict == BAILIFF_ALLOW)
		r = bpf_ringbuf_reserve(&records, sizeof(*r), 0);
	else
		r = bpf_ringbuf_reserve(&denials, sizeof(*r), 0);
	if (!r)
		count(verdict == BAILIFF_ALLOW ? COUNTER_LOST_RECORD : COUNTER_LOST_DENIAL, 1);
	return r;
}

static __always_inline int file_decide(struct dentry *entry, struct task_context *t,
				       struct file *file)
{
	struct file_scratch *s;
	struct policy_root *root;
	struct person_value *p;
	struct record_skill *r;
	__u32 zero = 0, slot = 0, verdict, person = 0;
	int found;

	s = bpf_map_lookup_elem(&file_scratch, &zero);
	if (!s)
		return -DENY_ERRNO;
	__builtin_memset(&s->key, 0, sizeof(s->key));
	found = file_skill(entry, s);
	if (!found && !file)
		found = file_skill_directory(entry, s);
	if (!found)
		return 0;
	root = policy_now(&slot);
	p = actor_person(slot, t->uid);
	person = p ? p->person : 0;
	if (!root)
		judge(&s->j, BAILIFF_DENY, BAILIFF_REASON_NO_POLICY, 0, BAILIFF_MODE_ENFORCE);
	else if (found < 0)
		judge(&s->j, BAILIFF_DENY, BAILIFF_REASON_NAME_TOO_LONG, 0, root->mode_skills);
	else
		file_judge(s, root, slot, person);
	verdict = judgement_apply(&s->j);
	r = reporting() ? file_reserve(verdict) : NULL;
	if (r) {
		actor_head(&r->head, RECORD_SKILL, sizeof(*r), root ? root->generation : 0, t,
			   person);
		r->verdict = verdict;
		r->reason = s->j.reason;
		r->rule = s->j.rule;
		__builtin_memcpy(r->name, s->key.name, sizeof(r->name));
		r->path_len = 0;
		r->path[0] = 0;
		if (file) {
			long n = bpf_d_path((struct path *)&file->f_path, r->path, sizeof(r->path));

			r->path_len = n > 0 ? n - 1 : 0;
			image_key_of(file, &r->key);
		} else {
			__builtin_memset(&r->key, 0, sizeof(r->key));
		}
		bpf_ringbuf_submit(r, 0);
	}
	if (verdict == BAILIFF_WOULD_DENY)
		count(COUNTER_WOULD_DENY, 1);
	if (verdict != BAILIFF_DENY)
		return 0;
	count(COUNTER_DENIED, 1);
	return -DENY_ERRNO;
}

SEC("lsm/file_open")
int BPF_PROG(file_open, struct file *file, int ret)
{
	struct task_context *t;

	if (ret)
		return ret;
	t = actor_governed();
	return t ? file_decide(BPF_CORE_READ(file, f_path.dentry), t, file) : 0;
}

/* A second name for the file would be a name that the ACL does not know. */
SEC("lsm/inode_link")
int BPF_PROG(file_link, struct dentry *from, struct inode *dir, struct dentry *to, int ret)
{
	struct task_context *t;

	if (ret)
		return ret;
	t = actor_governed();
	return t ? file_decide(from, t, NULL) : 0;
}

SEC("lsm/inode_rename")
int BPF_PROG(file_rename, struct inode *from_dir, struct dentry *from, struct inode *to_dir,
	     struct dentry *to, int ret)
{
	struct task_context *t;

	if (ret)
		return ret;
	t = actor_governed();
	return t ? file_decide(from, t, NULL) : 0;
}

/* security_inode_rename() sees an exchange once and asks the LSM hook about either direction. */
SEC("?fmod_ret/security_inode_rename")
int BPF_PROG(file_rename_instead, struct inode *from_dir, struct dentry *from, struct inode *to_dir,
	     struct dentry *to, unsigned int flags, int ret)
{
	struct task_context *t;
	int r;

	if (ret)
		return ret;
	t = actor_governed();
	if (!t)
		return 0;
	r = file_decide(from, t, NULL);
	if (r || !(flags & RENAME_EXCHANGE_BIT))
		return r;
	return file_decide(to, t, NULL);
}
