/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the capture leaves for the ledger on each thread. */
#ifndef BAILIFF_LEDGER_BPF_H
#define BAILIFF_LEDGER_BPF_H

#include "bpf/stream.bpf.h"

/* Written by tls.bpf.c: the TLS calls that a thread is inside of. ledger.bpf.c takes `wrote`. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tls_calls);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} tls_calls SEC(".maps");

#endif
