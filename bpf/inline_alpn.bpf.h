/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* HTTP/2 taken out of what a governed program offers, where it hands the offer to its library. */
#ifndef BAILIFF_INLINE_ALPN_BPF_H
#define BAILIFF_INLINE_ALPN_BPF_H

#include "bpf/inline_text.bpf.h"

static long inline_offer_step(__u32 i, struct inline_work **ctx)
{
	struct inline_work *w = *ctx;

	return !alpn_step(&w->offer, w->raw);
}

/* OpenSSL and BoringSSL take a copy of the caller's list: it is overwritten before that. */
static __always_inline void inline_offer_list(struct inline_work *w, __u32 len)
{
	alpn_begin(&w->offer, len);
	if (!len || len > ALPN_LIST)
		return;
	if (bpf_probe_read_user(w->raw, len, (void *)w->buffer)) {
		count(COUNTER_UNREADABLE, 1);
		return;
	}
	bpf_loop(ALPN_NAMES, inline_offer_step, &w, 0);
	if (alpn_changed(&w->offer))
		inline_put(w, w->offer.from, w->offer.to);
}

static long inline_offer_look(__u32 i, struct inline_work **ctx)
{
	struct alpn_datum name = {};
	struct inline_work *w = *ctx;
	enum alpn_kind kind;
	__u64 first = 0;

	if (i >= w->offer.len)
		return 1;
	/* no more than there is: the next page may be none */
	if (bpf_probe_read_user(&name, sizeof(name), (void *)(w->buffer + i * sizeof(name))) ||
	    (name.size == 2 && bpf_probe_read_user(&first, 2, (void *)name.data)) ||
	    (name.size == 8 && bpf_probe_read_user(&first, 8, (void *)name.data))) {
		w->offer.bad = 1;
		return 1;
	}
	kind = alpn_kind(first, name.size);
	if (kind == ALPN_HTTP1)
		w->offer.http1 = 1;
	if (kind == ALPN_HTTP2)
		w->offer.http2 |= 1u << (i & 31);
	return 0;
}

static long inline_offer_shorten(__u32 i, struct inline_work **ctx)
{
	struct inline_work *w = *ctx;
	__u32 one = 1;

	if (!(w->offer.http2 >> (i & 31) & 1))
		return 0;
	if (bpf_probe_write_user((void *)(w->buffer + i * sizeof(struct alpn_datum) +
					  offsetof(struct alpn_datum, size)),
				 &one, sizeof(one)))
		w->offer.bad = 1;
	return 0;
}

/* GnuTLS takes an array of pointers. The names are mostly the program's constants, which nobody can
 * write to; the array is the caller's own. So "h2" becomes shorter, and is "h". */
static __always_inline void inline_offer_array(struct inline_work *w, __u32 n)
{
	alpn_begin(&w->offer, n);
	if (n > ALPN_NAMES)
		return;
	bpf_loop(ALPN_NAMES, inline_offer_look, &w, 0);
	if (!w->offer.bad && w->offer.http1)
		bpf_loop(ALPN_NAMES, inline_offer_shorten, &w, 0);
	if (w->offer.bad)
		count(COUNTER_UNREADABLE, 1);
}

#endif
