/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A datagram on its way into a socket's queue, taken out of the kernel's own structures: who
 * watches that function pays nothing for any other packet, and is there before it can be read.
 *
 * Small ones are in one piece. Of those that a network card or a hypervisor puts into pages the
 * beginning alone may be: the rest is read by the page's address. */
#ifndef BAILIFF_DATAGRAM_BPF_H
#define BAILIFF_DATAGRAM_BPF_H

#include "bpf/dns.bpf.h"

#define DATAGRAM_HEAD	 1023 /* bytes in front of the pages; of a plain datagram all of them */
#define DATAGRAM_PAGED	 2047
#define DATAGRAM_JOINED4 8  /* IPSKB_FRAG_COMPLETE of net/ip.h: it came in fragments */
#define DATAGRAM_JOINED6 16 /* IP6SKB_FRAGMENTED of linux/ipv6.h */

struct datagram {
	struct address peer; /* who sent it */
	__u32 len;	     /* of what UDP carries */
	__u32 paged;	     /* of that, not in one piece with the beginning */
	__u64 data;	     /* address of the beginning */
	__u64 shared;	     /* address of struct skb_shared_info */
};

/* One piece in pages. It was struct bio_vec, is struct skb_frag since 6.9, and looks the same. */
struct datagram_piece {
	__u64 page;
	__u32 len;
	__u32 offset;
};

#ifdef __TARGET_ARCH_x86
/* Where the kernel keeps its page structures, and all of memory: differs from boot to boot. */
extern const void vmemmap_base __ksym __weak;
extern const void page_offset_base __ksym __weak;

static __always_inline __u64 datagram_page(__u64 page)
{
	__u64 pages = 0, memory = 0;

	/* bit 0: no page of the kernel's (struct net_iov) */
	if (!page || (page & 1) || !&vmemmap_base || !&page_offset_base ||
	    bpf_probe_read_kernel(&pages, sizeof(pages), &vmemmap_base) ||
	    bpf_probe_read_kernel(&memory, sizeof(memory), &page_offset_base) || page < pages)
		return 0;
	return memory + (page - pages) / bpf_core_type_size(struct page) * 4096;
}
#else
static __always_inline __u64 datagram_page(__u64 page)
{
	return 0;
}
#endif

/* Several datagrams in one, or one that came in fragments, which is where forged answers are
 * slipped in. */
static __always_inline bool datagram_is_made_up(struct sk_buff *skb, const struct datagram *d,
						bool v4)
{
	struct skb_shared_info *shared = (void *)(unsigned long)d->shared;
	struct inet6_skb_parm *six = (void *)&skb->cb;
	struct inet_skb_parm *four = (void *)&skb->cb;

	if (BPF_CORE_READ(shared, gso_size))
		return true;
	return v4 ? BPF_CORE_READ(four, flags) & DATAGRAM_JOINED4
		  : BPF_CORE_READ(six, flags) & DATAGRAM_JOINED6;
}

/* skb: as UDP hands it to the socket, its own header taken off. Returns 0, or -1. */
static __always_inline int datagram_of(struct sk_buff *skb, struct datagram *d)
{
	unsigned char *head = skb->head;
	__u16 protocol = skb->protocol;
	bool v4 = protocol == bpf_htons(ETHERTYPE_IP);
	__u8 raw[16], port[2];

	if (!v4 && protocol != bpf_htons(ETHERTYPE_V6))
		return -1;
	if (bpf_probe_read_kernel(port, sizeof(port), head + skb->transport_header) ||
	    bpf_probe_read_kernel(raw, v4 ? 4 : 16, head + skb->network_header + (v4 ? 12 : 8)))
		return -1;
	d->len = skb->len;
	d->paged = skb->data_len;
	d->data = (__u64)(unsigned long)skb->data;
	d->shared = (__u64)(unsigned long)(head + skb->end);
	if (d->paged > d->len || datagram_is_made_up(skb, d, v4))
		return -1;
	if (v4)
		address_v4(&d->peer, raw);
	else
		address_v6(&d->peer, raw);
	d->peer.port = (__u16)(port[0] << 8 | port[1]);
	return 0;
}

static __always_inline bool datagram_piece(const struct datagram *d, struct datagram_piece *p)
{
	struct skb_shared_info *shared = (void *)(unsigned long)d->shared;

	/* the second piece would begin past 4 KiB, or it is a list of packets */
	return BPF_CORE_READ(shared, nr_frags) == 1 && !BPF_CORE_READ(shared, frag_list) &&
	       !bpf_probe_read_kernel(p, sizeof(*p), &shared->frags[0]) && p->len == d->paged;
}

/* Puts it into m. Returns 0, or -1. The masks change nothing: they are for the verifier, to whom
 * the compiler does not show the comparisons of what it keeps on the stack. */
static __always_inline int datagram_read(const struct datagram *d, struct dns_message *m)
{
	__u32 head = d->len - d->paged, paged = d->paged;
	struct datagram_piece p;
	__u64 from;

	m->len = 0;
	if (d->len < DNS_HEAD)
		return -1;
	if (!paged) {
		if (head >= DNS_MESSAGE_MAX)
			return -1;
		asm volatile("%0 &= 4095" : "+r"(head));
		if (bpf_probe_read_kernel(m->bytes, head, (void *)(unsigned long)d->data))
			return -1;
		m->len = d->len;
		return 0;
	}
	if (head > DATAGRAM_HEAD || paged > DATAGRAM_PAGED || !datagram_piece(d, &p))
		return -1;
	from = datagram_page(p.page);
	asm volatile("%0 &= 1023" : "+r"(head));
	asm volatile("%0 &= 2047" : "+r"(paged));
	if (!from || bpf_probe_read_kernel(m->bytes, head, (void *)(unsigned long)d->data) ||
	    bpf_probe_read_kernel(m->bytes + head, paged, (void *)(unsigned long)(from + p.offset)))
		return -1;
	m->len = d->len;
	return 0;
}

#endif
