/* SPDX-License-Identifier: Apache-2.0 */
/* Small messages between the processes of the agent, over SOCK_SEQPACKET. */
#ifndef BASE_CHANNEL_H
#define BASE_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CHANNEL_BODY_MAX 65536

enum channel_type {
	CHANNEL_INIT = 1, /* keeper -> reader: struct channel_init */
	CHANNEL_NOTE,	  /* keeper -> reader: struct process_note (agent/reader/pipeline.h) */
	CHANNEL_POLICY,	  /* keeper -> reader, courier: struct channel_policy: load it again */
	CHANNEL_LOST,	  /* keeper -> reader: uint64_t[COUNTER_MAX], losses since the last */
	CHANNEL_EVENT,	  /* reader -> keeper: canonical JSON of an event */
	CHANNEL_DENIAL,	  /* reader -> keeper: the same, of a denial */
	CHANNEL_FAILED,	  /* reader, courier -> keeper: the policy was not taken; one sentence */
	CHANNEL_NAMES,	  /* courier -> keeper: struct channel_names */
	CHANNEL_ANALYSE,  /* keeper -> analyst: struct channel_analyse, and the file's descriptor */
	CHANNEL_ANALYSED, /* analyst -> keeper: struct channel_analysed (agent/process/analyst.h) */
	CHANNEL_JUDGED,	  /* reader -> keeper: struct channel_judged */
	CHANNEL_TYPE_MAX,
};

struct channel_init {
	uint8_t pseudonym_key[32];
	int64_t boot_epoch_ns;
	uint8_t policy_digest[32];
	char host[256];
};

struct channel_policy {
	uint8_t digest[32];
	uint64_t generation; /* the first that stands for it */
};

/* What the first bytes of a connection say about the probes on a client's image. It can take them
 * away, never put them on. */
struct channel_judged {
	uint32_t image; /* the keeper's number */
	uint32_t tgid;	/* whose connection it was */
	uint32_t proven;
	uint32_t pad;
};

#define CHANNEL_ADDRESSES_MAX 64
struct channel_names { /* one name's answer */
	char name[256];
	uint32_t ttl;  /* seconds, the least of the records */
	uint32_t n;    /* 0: the name has no address now */
	uint32_t last; /* 1: every name of the policy was asked at least once */
	uint32_t pad;
	struct {
		uint16_t family;
		uint8_t pad[6];
		uint8_t address[16];
	} addresses[CHANNEL_ADDRESSES_MAX];
};

/* Sends one message; fd -1: none goes with it. flags: MSG_DONTWAIT or 0. 0 or -errno. */
int channel_send(int sock, enum channel_type type, const void *body, size_t len, int fd, int flags);

/* Receives one into body (CHANNEL_BODY_MAX bytes). Returns its length and *ret_type; *ret_fd (may
 * be NULL: a descriptor that comes is closed) is the caller's. -ENODATA when the peer is gone,
 * -EBADMSG for what is no message, -EAGAIN. */
ssize_t channel_receive(int sock, enum channel_type *ret_type, void *body, int *ret_fd, int flags);

#endif
