/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The identity of a file's content, as the kernel sees it. */
#ifndef BAILIFF_IMAGE_BPF_H
#define BAILIFF_IMAGE_BPF_H

#include "bpf/maps.bpf.h"

/* i_ctime changed its shape twice: timespec until 6.5, __i_ctime in 6.6 to 6.10, two fields since.
 */
struct inode___timespec {
	struct timespec64 i_ctime;
} __attribute__((preserve_access_index));
struct inode___renamed {
	struct timespec64 __i_ctime;
} __attribute__((preserve_access_index));
struct inode___split {
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
} __attribute__((preserve_access_index));

/* Since 6.13 a bit beside the nanoseconds says that somebody has asked for them (I_CTIME_QUERIED):
 * a stat() is no change of the file. */
#define IMAGE_CTIME_QUERIED (1u << 31)

static __always_inline __u64 image_ctime(struct inode *inode)
{
	struct inode___timespec *a = (void *)inode;
	struct inode___renamed *b = (void *)inode;
	struct inode___split *c = (void *)inode;

	if (bpf_core_field_exists(a->i_ctime))
		return BPF_CORE_READ(a, i_ctime.tv_sec) * 1000000000ull +
		       BPF_CORE_READ(a, i_ctime.tv_nsec);
	if (bpf_core_field_exists(b->__i_ctime))
		return BPF_CORE_READ(b, __i_ctime.tv_sec) * 1000000000ull +
		       BPF_CORE_READ(b, __i_ctime.tv_nsec);
	return BPF_CORE_READ(c, i_ctime_sec) * 1000000000ull +
	       (BPF_CORE_READ(c, i_ctime_nsec) & ~IMAGE_CTIME_QUERIED);
}

static __always_inline void image_key_of(struct file *file, struct image_key *key)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	key->inode = BPF_CORE_READ(inode, i_ino);
	key->ctime_ns = image_ctime(inode);
	key->size = BPF_CORE_READ(inode, i_size);
	key->device = BPF_CORE_READ(inode, i_sb, s_dev);
	key->generation = BPF_CORE_READ(inode, i_generation);
}

static __always_inline bool image_same(const struct image_key *a, const struct image_key *b)
{
	return a->inode == b->inode && a->ctime_ns == b->ctime_ns && a->size == b->size &&
	       a->device == b->device && a->generation == b->generation;
}

#endif
